//! Currencies and their units at Stripe.
//!
//! Stripe counts in minor units, with decimals of its own for some currencies: the ariary has none there, and
//! krónur and Ugandan shillings are written with two although they have none. These are not supported: an
//! amount that is a hundred times too large or too small is never requested.

use payment_domain::{Currency, Money};
use payment_gateway::Currencies;
use payment_settings::parser::{self, Parser};

use crate::currencies;
use crate::text::minor_units;

/// The currencies of ISO 4217 without decimals that have none at Stripe either.
const WITHOUT_DECIMALS: [&str; 14] =
    ["BIF", "CLP", "DJF", "GNF", "JPY", "KMF", "KRW", "PYG", "RWF", "VND", "VUV", "XAF", "XOF", "XPF"];
/// Currencies whose unit differs at Stripe, or is unknown.
const WITH_ANOTHER_UNIT: [&str; 4] = ["ISK", "MGA", "UGX", "UYI"];

/// The setting's texts: codes with commas between them, or `all`.
pub const CURRENCIES: Parser<Currencies> =
    parser::text(|text| currencies::read(text, &WITH_ANOTHER_UNIT, "Stripe"), currencies::ACCEPTS);

/// Whether Stripe counts this currency in the minor units that [`Money`] has.
pub fn has_our_unit(currency: Currency) -> bool {
    match currency.decimals() {
        0 => WITHOUT_DECIMALS.contains(&currency.code()),
        _ => !WITH_ANOTHER_UNIT.contains(&currency.code()),
    }
}

/// An amount as Stripe names it: whole minor units, and a code in lower case. `None` when it is none, or its
/// unit is not known.
pub fn amount(minor: &str, code: &str) -> Option<Money> {
    let currency = Currency::from_code(code).filter(|currency| has_our_unit(*currency))?;
    minor_units(minor, currency)
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;

    fn currency(code: &str) -> Currency {
        Currency::from_code(code).unwrap()
    }

    #[test]
    fn currencies_are_listed_or_all() {
        let some = CURRENCIES.parse("inr, USD ,jpy").unwrap();
        assert_eq!(some, Currencies::Only(["INR", "USD", "JPY"].map(currency).to_vec().into()));
        let lek = CURRENCIES.parse("ALL").unwrap();
        assert_eq!(lek, Currencies::Only(vec![currency("ALL")].into()), "the Albanian lek");
        let all = CURRENCIES.parse("all").unwrap();
        for code in ["INR", "USD", "EUR", "JPY", "KRW", "XOF", "HUF", "TWD", "CLP"] {
            assert!(all.include(currency(code)), "{code}");
        }
        for code in WITH_ANOTHER_UNIT.iter().filter_map(|code| Currency::from_code(code)) {
            assert!(!all.include(code) && !has_our_unit(code), "{code:?}");
        }
    }

    #[test]
    fn a_currency_in_other_units_at_stripe_is_refused() {
        for (text, problem) in [
            ("", "`` is not the code"),
            ("INR,", "`` is not the code"),
            ("INR USD", "`INR USD` is not the code"),
            ("KWD", "`KWD` is not the code of a currency with two decimals or none"),
            ("INR,ISK", "ISK is counted in another unit at Stripe"),
            ("UGX", "UGX is counted in another unit at Stripe"),
            ("mga", "MGA is counted in another unit at Stripe"),
        ] {
            let refused = CURRENCIES.parse(text).unwrap_err();
            assert!(refused.contains(problem), "{text}: {refused}");
        }
    }

    #[test]
    fn amounts_are_whole_minor_units_of_a_known_currency() {
        assert_eq!(amount("1999", "inr").unwrap().to_string(), "19.99");
        assert_eq!(amount("1999", "jpy").unwrap().to_string(), "1999");
        for (minor, code) in
            [("19.99", "inr"), ("-1", "inr"), ("", "inr"), ("1", ""), ("500", "isk"), ("1", "kwd")]
        {
            assert_eq!(amount(minor, code), None, "{minor} {code}");
        }
    }

    proptest! {
        #[test]
        fn no_text_panics(minor in "\\PC{0,24}", code in "\\PC{0,8}") {
            let _ = (amount(&minor, &code), CURRENCIES.parse(&minor), CURRENCIES.parse(&code));
        }
    }
}
