//! The refund vectors of RAZORPAY.

use payment_gateways::json::Object;
use payment_gateways::razorpay::{RazorpayAccount, refund, refund_answer, signature, webhook, wire};
use payment_settings::{Reader, Values};
use secrecy::SecretString;
use serde_json::Value;

use super::{asked, compare_call, compare_report, no_way, repetition, reply};
use crate::vector::{Checked, Vector, Verdict};

/// Runs one vector.
pub(crate) fn run(vector: &Vector) -> Verdict {
    match (vector.scheme.as_str(), vector.kind.as_str()) {
        ("razorpay-refund", "refund_request") => request(vector).into(),
        ("razorpay-refund-query", "refund_query") => query(vector).into(),
        ("razorpay-refund-status", "refund_status") => status(vector).into(),
        ("razorpay-refund-webhook", "refund_verify") => event(vector).into(),
        // The settlement report.
        ("razorpay-settlement-recon", "refund_query") => Verdict::NoOperation,
        _ => no_way(vector),
    }
}

/// The account of a vector, with invented values for settings it omits.
fn account(vector: &Vector) -> Result<RazorpayAccount, String> {
    let values = Values::of([
        ("razorpay.merchant.id", vector.input("key_id").unwrap_or("rzp_test_x")),
        ("razorpay.merchant.secret.key", vector.input("key_secret").unwrap_or("x")),
    ]);
    RazorpayAccount::read(&mut Reader::new(&values)).ok_or_else(|| "no account".to_owned())
}

fn payment(text: &str) -> Result<wire::Id, String> {
    wire::Id::of_payment(text).ok_or_else(|| format!("{text} is no payment"))
}

fn request(vector: &Vector) -> Checked {
    let (payment, key) = (payment(vector.input("payment_id")?)?, vector.input("idempotency_key")?);
    let call = refund::refund_call(&account(vector)?, &payment, key, &vector.inputs["params"]);
    compare_call(vector, &call, &[])
}

fn query(vector: &Vector) -> Checked {
    let (account, id) = (account(vector)?, vector.inputs["ids"][0].as_str().ok_or("no id")?);
    let call = match vector.input("what")? {
        "fetch" => {
            let id = wire::Id::of_refund(id).ok_or_else(|| format!("{id} is no refund"))?;
            refund::refund_status_call(&account, &id)
        }
        "list" => refund::refunds_call(&account, &payment(id)?, 0),
        other => return Err(format!("no way to {other}")),
    };
    compare_call(vector, &call, &[])
}

fn status(vector: &Vector) -> Checked {
    let (asked, reply) = (asked(vector, "payment_id")?, reply(vector)?);
    let report = match vector.inputs["body"]["entity"].as_str() {
        Some("collection") => refund_answer::page(reply).map(|page| match page {
            Ok(refunds) => {
                let ours =
                    refunds.into_iter().filter(|refund| refund_answer::is_of(refund, &asked)).collect();
                refund_answer::one_of(ours, &asked)
            }
            Err(refused) => *refused,
        }),
        Some(_) | None => refund_answer::refund(reply, &asked),
    };
    compare_report(vector, &report, repetition(&account(vector)?)?)
}

fn event(vector: &Vector) -> Checked {
    let (body, given) = (vector.input("body")?, vector.input("x_razorpay_signature")?);
    let secret = SecretString::from(vector.input("secret")?);
    let valid = signature::verifies(&secret, body.as_bytes(), given);
    let event = Object::parse(body.as_bytes()).ok_or("no event")?;
    let refund = event.object("payload").and_then(|payload| payload.object("refund"));
    let refund = refund.and_then(|refund| refund.object("entity")).ok_or("no refund")?;
    // A payment that was never captured is given back by Razorpay itself.
    let is_ours = !body.contains(r#""captured":false"#);
    let named = webhook::refund(body.as_bytes());
    if named != refund.text("receipt").filter(|_| is_ours) {
        return Err(format!("the event names {named:?}"));
    }
    vector.compare(&[
        ("valid", valid.into()),
        ("event", event.text("event").into()),
        ("gateway_refund_id", refund.text("id").into()),
        ("refund_state", Value::from(refund.text("status"))),
    ])
}
