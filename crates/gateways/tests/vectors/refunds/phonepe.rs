//! The refund vectors of PHONEPE.

use payment_gateways::account::RedirectThrough;
use payment_gateways::json::Object;
use payment_gateways::phonepe::PhonepeAccount;
use payment_gateways::phonepe::answer::Generation;
use payment_gateways::phonepe::refund;
use payment_gateways::phonepe::wire;
use payment_gateways::text::paise;
use payment_settings::{Reader, Values};
use serde_json::Value;
use url::{Position, Url};

use super::{compare_call, compare_report, no_way, repetition, reply, rupees, with_asked, with_order};
use crate::phonepe::{account, authorization, callback, checkout, webhook_user};
use crate::vector::{Checked, Vector, Verdict, same};

/// The host of the legacy protocol in production.
const LEGACY: &str = "https://mercury-t2.phonepe.com";

/// Runs one vector.
pub(crate) fn run(vector: &Vector) -> Verdict {
    match (vector.scheme.as_str(), vector.kind.as_str()) {
        ("phonepe-v1-refund", "refund_request") => signed(vector, "/pg/v1/refund").into(),
        ("phonepe-v3-refund", "refund_request") => signed(vector, "/v3/credit/backToSource").into(),
        ("phonepe-v1-refund-status", "refund_query") => query(vector, wire::v1_status_call).into(),
        ("phonepe-v3-refund-status", "refund_query") => legacy_query(vector).into(),
        ("phonepe-v1-refund-callback", "refund_verify") => callback(vector).into(),
        ("phonepe-v1-refund-status", "refund_status") => signed_status(vector).into(),
        ("phonepe-v2-refund", "request" | "refund_request") => checkout_refund(vector).into(),
        ("phonepe-v2-refund-status", "request" | "refund_query") => checkout_query(vector).into(),
        ("phonepe-v2-refund-status", "refund_status") => checkout_status(vector).into(),
        ("phonepe-v2-refund-webhook", "refund_verify") => webhook(vector).into(),
        _ => no_way(vector),
    }
}

/// The vector's payload, signed; our payload of the same refund has the same members but for free texts.
fn signed(vector: &Vector, path: &str) -> Checked {
    let payload = vector.input("payload_json")?;
    let host = vector.input("base_url").unwrap_or(LEGACY);
    let call = wire::signed_post(&account(vector, host, "M")?, path, payload, &[]);
    let url = Url::parse(&call.url).map_err(|error| error.to_string())?;
    let body: Value = serde_json::from_str(payload).map_err(|error| error.to_string())?;
    let member = |name: &str| body[name].as_str().unwrap_or_default();
    let is_legacy = path.starts_with("/v3");
    let id = if is_legacy { member("transactionId") } else { member("merchantTransactionId") };
    let minor = body["amount"].as_i64().ok_or("no amount")?;
    let merchant = account(vector, host, member("merchantId"))?;
    let ours = with_order(id, minor, member("originalTransactionId"), |order| match is_legacy {
        true => refund::legacy_call(&merchant, order),
        false => refund::v1_call(&merchant, order),
    })?;
    let ours = crate::phonepe::payload_of(&ours)?;
    for name in ["merchantId", "transactionId", "merchantTransactionId", "originalTransactionId", "amount"] {
        same(name, &ours[name], &body[name])?;
    }
    compare_call(vector, &call, &[("path_signed", path.into()), ("path", url[Position::BeforePath..].into())])
}

fn query(
    vector: &Vector,
    call: impl Fn(&payment_gateways::phonepe::account::Salted, &str) -> payment_gateways::client::Call,
) -> Checked {
    let host = vector.input("base_url")?;
    let account = account(vector, host, vector.input("merchant_id")?)?;
    compare_call(vector, &call(&account, vector.input("refund_id")?), &[])
}

fn legacy_query(vector: &Vector) -> Checked {
    let mut account = account(vector, LEGACY, vector.input("merchant_id")?)?;
    account.status_path = "/v3/transaction".to_owned();
    compare_call(vector, &wire::legacy_status_call(&account, vector.input("refund_id")?), &[])
}

/// The answers of the vectors are of the merchant `M`.
fn signed_status(vector: &Vector) -> Checked {
    let reply = reply(vector)?;
    let report = with_asked(vector, "T1", |order| {
        refund::report_of(reply, |answer| refund::signed_report("M", Generation::V1, order, answer))
    })?;
    compare_report(vector, &report, repetition(&made_up("v1")?)?)
}

fn checkout_refund(vector: &Vector) -> Checked {
    let minor = match vector.input("amount_rupees") {
        Ok(text) => rupees(text)?,
        Err(_) => paise(&vector.inputs["amount"].to_string()).ok_or("no amount")?,
    };
    let id = vector.input("refund_id").or_else(|_| vector.input("merchant_refund_id"))?;
    let order_id =
        vector.input("merchant_order_id").or_else(|_| vector.input("original_merchant_order_id"))?;
    let (account, authorization) = (checkout(vector)?, authorization(vector)?);
    let call = with_order(id, minor.minor(), order_id, |order| {
        refund::checkout_call(&account, &authorization, order)
    })?;
    compare_call(vector, &call, &[])
}

fn checkout_query(vector: &Vector) -> Checked {
    let id = vector.input("refund_id").or_else(|_| vector.input("merchant_refund_id"))?;
    compare_call(vector, &refund::checkout_status_call(&checkout(vector)?, &authorization(vector)?, id), &[])
}

fn checkout_status(vector: &Vector) -> Checked {
    let reply = reply(vector)?;
    let order_id = vector.inputs["asked"]["order_id"].as_str().ok_or("no order")?;
    let report = with_asked(vector, order_id, |order| {
        refund::report_of(reply, |answer| refund::checkout_report(None, order, answer))
    })?;
    super::compare_report_and(
        vector,
        &report,
        repetition(&made_up("v2")?)?,
        &[("utr", report.as_ref().map(|report| report.raw["utr"].clone()).unwrap_or_default())],
    )
}

fn webhook(vector: &Vector) -> Checked {
    let body = vector.input("body")?;
    let valid = webhook_user(vector)?.sent(vector.input("authorization").unwrap_or_default());
    let event = Object::parse(body.as_bytes()).ok_or("no event")?;
    let payload = event.object("payload").ok_or("no payload")?;
    let named = refund::refund_in_webhook(body.as_bytes());
    vector.compare(&[
        ("valid", valid.into()),
        ("event", event.text("event").into()),
        ("refund_id", named.clone().into()),
        ("state", payload.text("state").into()),
        // The header is known to senders who can send any body.
        ("evidence", named.map(|_| "hint").into()),
    ])
}

fn made_up(protocol: &str) -> Result<PhonepeAccount, String> {
    let values = Values::of([
        ("phonepe.protocol", protocol),
        ("phonepe.merchant.id", "M"),
        ("phonepe.merchant.secret.key", "x"),
        ("phonepe.merchant.secret.index", "1"),
        ("phonepe.v2.client.id", "x"),
        ("phonepe.v2.client.secret", "x"),
        ("phonepe.v2.client.version", "1"),
    ]);
    PhonepeAccount::read(&mut Reader::new(&values), RedirectThrough::Service)
        .ok_or_else(|| "no account".to_owned())
}
