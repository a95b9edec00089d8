//! The vectors of RAZORPAY.

use payment_domain::{Clock, Currency, Money, Outcome, Report, SystemClock};
use payment_gateways::client::Method;
use payment_gateways::form;
use payment_gateways::json::Object;
use payment_gateways::razorpay::RazorpayAccount;
use payment_gateways::razorpay::answer::Link;
use payment_gateways::razorpay::signature;
use payment_gateways::razorpay::wire;
use payment_gateways::razorpay::{refund, refund_answer};
use payment_gateways::refund::Asked;
use payment_settings::{Reader, Values};
use secrecy::SecretString;
use serde_json::{Value, json};

use crate::request::compare_call;
use crate::vector::{Checked, Vector, Verdict};

/// Runs one vector.
pub(crate) fn run(vector: &Vector) -> Verdict {
    match (vector.scheme.as_str(), vector.kind.as_str()) {
        ("razorpay-order-signature", "sign") => sign(vector).into(),
        ("razorpay-order-signature", "verify") => verify_order(vector).into(),
        ("razorpay-plink-callback", "verify") => verify_callback(vector).into(),
        ("razorpay-webhook", "verify") => verify_webhook(vector).into(),
        ("razorpay-order-create", "request") => create(vector, "orders").into(),
        ("razorpay-plink-create", "request") => create(vector, "payment_links").into(),
        ("razorpay-order-payments", "request") => attempts(vector).into(),
        ("razorpay-refund", "request") => refund(vector).into(),
        ("razorpay-refund-fetch", "request") => refund_status(vector).into(),
        ("razorpay-status", "status") if vector.inputs["body"]["entity"] == "refund" => {
            refund_state(vector).into()
        }
        ("razorpay-status", "status") => status(vector).into(),
        (scheme, kind) => Verdict::Failed(format!("no way to {kind} {scheme}")),
    }
}

fn secret(vector: &Vector, name: &str) -> Result<SecretString, String> {
    Ok(vector.input(name)?.into())
}

fn sign(vector: &Vector) -> Checked {
    let text = signature::joined(&[vector.input("order_id")?, vector.input("payment_id")?]);
    let signature = signature::sign(&secret(vector, "key_secret")?, text.as_bytes());
    vector.compare(&[("razorpay_signature", signature.into())])
}

/// Whether the signature in these fields is the one over those.
fn is_signed(vector: &Vector, fields: &[(String, String)], signed: &[&str]) -> Result<bool, String> {
    let value = |name: &str| fields.iter().find(|(field, _)| field == name).map_or("", |(_, value)| value);
    let values: Vec<&str> = signed.iter().map(|name| value(name)).collect();
    let text = signature::joined(&values);
    Ok(signature::verifies(&secret(vector, "key_secret")?, text.as_bytes(), value("razorpay_signature")))
}

fn verify_order(vector: &Vector) -> Checked {
    let fields = vector.input_pairs("params")?;
    let valid = is_signed(vector, &fields, &["razorpay_order_id", "razorpay_payment_id"])?;
    vector.compare_verified(valid, &fields)
}

fn verify_callback(vector: &Vector) -> Checked {
    let fields = form::decode(vector.input("query")?.as_bytes());
    let signed = [
        "razorpay_payment_link_id",
        "razorpay_payment_link_reference_id",
        "razorpay_payment_link_status",
        "razorpay_payment_id",
    ];
    vector.compare_verified(is_signed(vector, &fields, &signed)?, &fields)
}

fn verify_webhook(vector: &Vector) -> Checked {
    let (body, given) = (vector.input("body")?, vector.input("x_razorpay_signature")?);
    let valid = signature::verifies(&secret(vector, "webhook_secret")?, body.as_bytes(), given);
    vector.compare_verified(valid, &[])
}

fn account(vector: &Vector) -> Result<RazorpayAccount, String> {
    let values = Values::of([
        ("razorpay.merchant.id", vector.input("key_id")?),
        ("razorpay.merchant.secret.key", vector.input("key_secret")?),
    ]);
    RazorpayAccount::read(&mut Reader::new(&values)).ok_or_else(|| "no account".to_owned())
}

fn create(vector: &Vector, path: &str) -> Checked {
    let params = &vector.inputs["params"];
    compare_call(vector, &wire::call(&account(vector)?, Method::POST, path, Some(params)))
}

fn attempts(vector: &Vector) -> Checked {
    let order = vector.input("order_id")?;
    let order = wire::Id::of_order(order).ok_or_else(|| format!("{order} is no order"))?;
    compare_call(vector, &wire::attempts_call(&account(vector)?, &order))
}

fn refund(vector: &Vector) -> Checked {
    let (payment, params) = (vector.input("payment_id")?, &vector.inputs["params"]);
    let number = wire::Id::of_payment(payment).ok_or_else(|| format!("{payment} is no payment"))?;
    let amount = params["amount"].as_i64().ok_or("no amount")?;
    let amount = Money::from_minor(amount, Currency::INR).map_err(|error| error.to_string())?;
    let asked = Asked { id: params["receipt"].as_str().ok_or("no receipt")?, payment, amount };
    let call = refund::refund_call(&account(vector)?, &number, asked.id, &refund::request(&asked));
    compare_call(vector, &call)
}

fn refund_status(vector: &Vector) -> Checked {
    let refund = vector.input("refund_id")?;
    let refund = wire::Id::of_refund(refund).ok_or_else(|| format!("{refund} is no refund"))?;
    compare_call(vector, &refund::refund_status_call(&account(vector)?, &refund))
}

/// The vectors name the state and the amount alone.
fn refund_state(vector: &Vector) -> Checked {
    let refund = &vector.inputs["body"];
    let amount = refund["amount"].as_i64().and_then(|minor| Money::from_minor(minor, Currency::INR).ok());
    let word = refund["status"].as_str().ok_or("no status")?;
    crate::refunds::compare_outcome(vector, &refund_answer::outcome_of_state(word, amount))
}

/// An order has the members of a link, and a payment is an attempt to pay one.
fn status(vector: &Vector) -> Checked {
    let body = &vector.inputs["body"];
    let attempted = |status: &str| report(&json!({ "status": status, "payments": [body] }));
    match (body["entity"].as_str(), vector.expected["scope"].as_str()) {
        (Some("payment"), None) => vector.compare_report(&Ok(attempted("created")?), |_| None),
        (Some("payment"), Some("attempt")) => {
            let ends_the_attempt_alone = attempted("created")?.outcome == Outcome::Pending
                && matches!(attempted("expired")?.outcome, Outcome::Declined { .. });
            let status = if ends_the_attempt_alone { "FAILURE" } else { "other" };
            vector.compare(&[("status", status.into()), ("scope", "attempt".into())])
        }
        (_, _) => vector.compare_report(&Ok(report(body)?), |_| None),
    }
}

fn report(link: &Value) -> Result<Report, String> {
    let link = Object::parse(link.to_string().as_bytes()).ok_or("no object")?;
    Ok(Link::read(&link).ok_or("no link")?.report(SystemClock.now()))
}
