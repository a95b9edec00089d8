//! The texts of values: kinds, states, recommendations, reasons, refusals. No sentence of the program reaches a page but
//! through one of these.

mod actions;
mod advice;
mod fields;
mod jobs;
mod reasons;
mod refusals;

pub(crate) use actions::action;
pub(crate) use advice::{advice, kind};
pub(crate) use fields::field;
pub(crate) use jobs::{purpose, timing};
pub(crate) use reasons::{outcome, reason};
pub(crate) use refusals::{denied, fault, problem, refusal};

/// A sentence, and the message of a machine that it is about.
pub(crate) struct Notice {
    pub(crate) text: String,
    pub(crate) message: Option<String>,
}

impl Notice {
    pub(crate) fn of(text: impl Into<String>) -> Notice {
        Notice { text: text.into(), message: None }
    }
}
