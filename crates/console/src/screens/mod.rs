//! A file for each screen, beside its template.

pub(crate) mod account;
pub(crate) mod account_entry;
pub(crate) mod account_steps;
pub(crate) mod accounts;
pub(crate) mod attention;
pub(crate) mod audit;
pub(crate) mod employee;
pub(crate) mod events;
pub(crate) mod export;
mod figures;
pub(crate) mod gateways;
pub(crate) mod home;
pub(crate) mod jobs;
pub(crate) mod login;
pub(crate) mod payment;
pub(crate) mod payments;
mod period;
pub(crate) mod provider;
pub(crate) mod refund;
pub(crate) mod refund_request;
pub(crate) mod refunds;
pub(crate) mod sessions;
mod story;
pub(crate) mod tokens;

use payment_domain::{AccountId, Transaction};

use crate::context::Context;
use crate::failure::Failure;
use crate::format;
use crate::links::{Link, segment};
use crate::page::Named;

/// A line of a summary.
struct Line {
    name: &'static str,
    value: String,
    href: Option<String>,
}

impl Line {
    fn of(name: &'static str, value: impl Into<String>) -> Line {
        Line { name, value: value.into(), href: None }
    }
}

fn payment_link(context: &Context, id: &str) -> Link {
    context.link(&format!("/payments/{}", segment(id)))
}

fn account_link(context: &Context, id: &AccountId) -> Link {
    context.link(&format!("/accounts/{}", segment(id.as_str())))
}

/// The version of what the page of a form has shown: of one that has moved on nothing is changed.
fn seen_version(context: &Context) -> Result<u32, Failure> {
    let version = context.form.number("version").and_then(|version| u32::try_from(version).ok());
    version.ok_or_else(|| Failure::invalid(context.language.texts().failures.forged_reason))
}

/// The message about the act that led to a page, by its word in the address.
fn said(context: &Context, messages: &[(&str, &'static str)]) -> Option<&'static str> {
    let word = context.query.text("said")?;
    messages.iter().find(|(known, _)| *known == word).map(|(_, message)| *message)
}

/// A payment by its number, state, amount and moment.
fn named_payment(context: &Context, txn: &Transaction) -> Named {
    let state = format::status_tag(context.language, txn);
    let (amount, at) = (format::amount(txn), format::moment(context, txn.audit.created_at));
    Named {
        name: format!("{} · {} {} · {amount} · {at}", txn.id, state.sign, state.word),
        href: payment_link(context, txn.id.as_str()).href(),
    }
}
