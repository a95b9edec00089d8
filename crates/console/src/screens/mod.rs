//! A file for each screen, beside its template.

pub(crate) mod accounts;
pub(crate) mod attention;
pub(crate) mod audit;
pub(crate) mod events;
pub(crate) mod home;
pub(crate) mod jobs;
pub(crate) mod login;
pub(crate) mod payment;
pub(crate) mod payments;
pub(crate) mod refund;
pub(crate) mod refund_request;
pub(crate) mod refunds;
pub(crate) mod sessions;
mod story;

use payment_domain::Transaction;

use crate::context::Context;
use crate::format;
use crate::links::{Link, segment};
use crate::page::Named;

/// The rows of a page of a list.
const ROWS: usize = 50;

/// A filter in force, with the address of the page without it.
struct Chip {
    text: String,
    remove: Option<String>,
}

/// An option of a filter.
struct Choice {
    value: String,
    word: String,
    is_chosen: bool,
}

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

fn chip(name: &str, value: &str, link: &Link, parameter: &str) -> Chip {
    Chip { text: format!("{name}: {value}"), remove: Some(link.clone().without(parameter).href()) }
}

fn payment_link(context: &Context, id: &str) -> Link {
    context.link(&format!("/payments/{}", segment(id)))
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

/// The rows of one page, and whether there are more, out of one row more than a page has.
fn one_page<T>(mut rows: Vec<T>) -> (Vec<T>, bool) {
    let is_more = rows.len() > ROWS;
    rows.truncate(ROWS);
    (rows, is_more)
}

fn one_more_than_a_page() -> u32 {
    u32::try_from(ROWS + 1).unwrap_or(u32::MAX)
}
