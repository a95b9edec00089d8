//! The refund vectors of STRIPE.

use payment_domain::{Currency, Money, Timestamp};
use payment_gateways::refund::Asked;
use payment_gateways::stripe::StripeAccount;
use payment_gateways::stripe::answer::Event;
use payment_gateways::stripe::refund::{self, Reason};
use payment_gateways::stripe::{refund_answer, signature};
use payment_settings::{Reader, Values};
use secrecy::SecretString;

use super::{asked, compare_call, compare_report, no_way, repetition, reply};
use crate::vector::{Checked, Vector, Verdict, same};

/// Runs one vector.
pub(crate) fn run(vector: &Vector) -> Verdict {
    match (vector.scheme.as_str(), vector.kind.as_str()) {
        ("stripe-refund", "refund_request") => request(vector).into(),
        ("stripe-refund-query", "refund_query") => query(vector).into(),
        ("stripe-refund-status", "refund_status") => status(vector).into(),
        ("stripe-refund-webhook", "refund_verify") => event(vector).into(),
        _ => no_way(vector),
    }
}

fn account(vector: &Vector) -> Result<StripeAccount, String> {
    let values = Values::of([("stripe.secret.key", vector.input("api_key").unwrap_or("sk_test_x"))]);
    StripeAccount::read(&mut Reader::new(&values)).ok_or_else(|| "no account".to_owned())
}

fn request(vector: &Vector) -> Checked {
    let params = &vector.inputs["params"];
    let text = |value: &serde_json::Value| value.as_str().map(str::to_owned);
    let amount = Money::from_minor(params["amount"].as_i64().ok_or("no amount")?, Currency::INR);
    let (payment, id) = (text(&params["payment_intent"]), text(&params["metadata"]["refundId"]));
    let (payment, id) = (payment.ok_or("no payment")?, id.ok_or("no number of the refund")?);
    let asked = Asked { id: &id, payment: &payment, amount: amount.map_err(|error| error.to_string())? };
    let reason = match params["reason"].as_str() {
        Some("duplicate") => Reason::Duplicate,
        Some("requested_by_customer") => Reason::RequestedByCustomer,
        other => return Err(format!("no reason {other:?}")),
    };
    same("the idempotency key", &vector.inputs["idempotency_key"], &id.as_str().into())?;
    let txn_id = text(&params["metadata"]["txnId"]).unwrap_or_else(|| "T1".to_owned());
    compare_call(vector, &refund::refund_call(&account(vector)?, &asked, reason, &txn_id), &[])
}

fn query(vector: &Vector) -> Checked {
    let account = account(vector)?;
    let call = match vector.input("refund") {
        Ok(refund) => refund::refund_status_call(&account, refund),
        Err(_) => refund::refunds_call(&account, vector.input("payment_intent")?, None),
    };
    compare_call(vector, &call, &[])
}

/// Only a status request can find no refund.
fn status(vector: &Vector) -> Checked {
    let (asked, reply) = (asked(vector, "payment_intent")?, reply(vector)?);
    let is_question = reply.status == 404;
    let report =
        if is_question { refund_answer::found(reply, &asked) } else { refund_answer::made(reply, &asked) };
    compare_report(vector, &report, repetition(&account(vector)?)?)
}

fn event(vector: &Vector) -> Checked {
    let number = |name: &str| vector.inputs[name].as_i64().ok_or_else(|| format!("no number {name}"));
    same("tolerance", &number("tolerance_s")?.into(), &signature::TOLERANCE_S.into())?;
    let secret = SecretString::from(vector.input("secret")?);
    let (body, now) = (vector.input("body")?.as_bytes(), Timestamp::from_millis(number("now")? * 1_000));
    let valid = signature::is_signed([&secret], body, vector.input("header")?, now);
    let event = Event::parse(body).filter(Event::is_of_refund).ok_or("no event of a refund")?;
    vector.compare(&[
        ("valid", valid.into()),
        ("type", event.kind.clone().into()),
        ("gateway_refund_id", event.object.text("id").into()),
        ("refund_state", event.object.text("status").into()),
    ])
}
