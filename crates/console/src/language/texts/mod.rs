//! Every text of the console, in English, Hindi and Punjabi, by screen. A text that lacks one of them does not compile.

macro_rules! texts {
    ($group:ident; $($key:ident: $english:literal, $hindi:literal, $punjabi:literal;)*) => {
        pub(crate) struct $group {
            $(pub(crate) $key: &'static str,)*
        }

        impl $group {
            pub(super) const ENGLISH: $group = $group { $($key: $english,)* };
            pub(super) const HINDI: $group = $group { $($key: $hindi,)* };
            pub(super) const PUNJABI: $group = $group { $($key: $punjabi,)* };

            #[cfg(test)]
            pub(super) fn all(&self) -> Vec<(&'static str, &'static str)> {
                vec![$((stringify!($key), self.$key),)*]
            }
        }
    };
}

mod accounts;
mod actions;
mod advice;
mod cases;
mod failures;
mod fields;
mod figures;
mod frame;
mod jobs;
mod lists;
mod logins;
mod operations;
mod payment;
mod reasons;
mod refunds;
mod refusals;
mod tokens;
mod words;

macro_rules! groups {
    ($($field:ident: $group:ident;)*) => {
        pub(crate) struct Texts {
            $(pub(crate) $field: $field::$group,)*
        }

        pub(super) static ENGLISH: Texts = Texts { $($field: $field::$group::ENGLISH,)* };
        pub(super) static HINDI: Texts = Texts { $($field: $field::$group::HINDI,)* };
        pub(super) static PUNJABI: Texts = Texts { $($field: $field::$group::PUNJABI,)* };

        #[cfg(test)]
        impl Texts {
            pub(crate) fn all(&self) -> Vec<(&'static str, &'static str)> {
                [$(self.$field.all(),)*].concat()
            }
        }
    };
}

groups! {
    accounts: Accounts;
    actions: Actions;
    advice: Advice;
    cases: Cases;
    failures: Failures;
    fields: Fields;
    figures: Figures;
    frame: Frame;
    jobs: Jobs;
    lists: Lists;
    logins: Logins;
    operations: Operations;
    payment: Payment;
    reasons: Reasons;
    refunds: Refunds;
    refusals: Refusals;
    tokens: Tokens;
    words: Words;
}
