//! The refund vectors of HYPERSWITCH.

use payment_gateways::hyperswitch::HyperswitchAccount;
use payment_gateways::hyperswitch::answer::Event;
use payment_gateways::hyperswitch::signature::HashKeys;
use payment_gateways::hyperswitch::{refund, refund_answer};
use payment_gateways::json::Object;
use payment_gateways::refund::Asked;

use super::{asked, compare_call, compare_report, no_way, repetition, reply, rupees};
use crate::hyperswitch::account;
use crate::vector::{Checked, Vector, Verdict};

/// Runs one vector.
pub(crate) fn run(vector: &Vector) -> Verdict {
    match (vector.scheme.as_str(), vector.kind.as_str()) {
        ("hyperswitch-refund", "refund_request") => request(vector).into(),
        ("hyperswitch-refund-query", "refund_query") => query(vector).into(),
        ("hyperswitch-refund-status", "refund_status") => status(vector).into(),
        ("hyperswitch-refund-webhook", "refund_verify") => event(vector).into(),
        _ => no_way(vector),
    }
}

/// A refund with the vector's members, for the reason that it names.
pub(crate) fn request(vector: &Vector) -> Checked {
    let asked = Asked {
        id: vector.input("refund_id")?,
        payment: vector.input("payment_id")?,
        amount: rupees(vector.input("amount_rupees")?)?,
    };
    let reason = vector.input("reason").unwrap_or("CUSTOMER REQUEST");
    compare_call(vector, &refund::refund_call(&account(vector)?, &asked, reason), &[])
}

fn query(vector: &Vector) -> Checked {
    compare_call(vector, &refund::refund_status_call(&account(vector)?, vector.input("refund_id")?), &[])
}

/// Only a status request can find no refund.
fn status(vector: &Vector) -> Checked {
    let (asked, reply) = (asked(vector, "payment_id")?, reply(vector)?);
    let is_question = reply.status == 404;
    let report =
        if is_question { refund_answer::found(reply, &asked) } else { refund_answer::made(reply, &asked) };
    let account: HyperswitchAccount = account(vector)?;
    compare_report(vector, &report, repetition(&account)?)
}

fn event(vector: &Vector) -> Checked {
    let keys = HashKeys { current: vector.input("key")?.into(), previous: None };
    let body = vector.input("body")?.as_bytes();
    let valid = keys.signed(body, vector.input("x_webhook_signature_512")?);
    let refund = Event::in_body(body).and_then(|event| event.refund());
    let whole = Object::parse(body).ok_or("no event")?;
    let object = whole.object("content").and_then(|content| content.object("object")).ok_or("no refund")?;
    vector.compare(&[
        ("valid", valid.into()),
        ("event", whole.text("event_type").into()),
        ("refund_id", refund.into()),
        ("refund_state", object.text("status").into()),
    ])
}
