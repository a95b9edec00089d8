//! The vectors of PHONEPE.

use payment_gateways::account::RedirectThrough;
use payment_gateways::client::{Body, Call};
use payment_gateways::json::Object;
use payment_gateways::phonepe::PhonepeAccount;
use payment_gateways::phonepe::account::{Checkout, Salted};
use payment_gateways::phonepe::answer::{self, Facts, Generation};
use payment_gateways::phonepe::signature::{self, SaltKey, WebhookUser};
use payment_gateways::phonepe::wire::{self, CheckoutOrder};
use payment_settings::{Reader, Values};
use serde_json::Value;

use crate::request::{compare_call, header};
use crate::vector::{Checked, Environment, Vector, Verdict, same};

/// The host of the test environment, in the v1 and v2 protocols.
const SANDBOX: &str = "https://api-preprod.phonepe.com/apis/pg-sandbox";
/// The host of production, in the v1 protocol.
const PRODUCTION: &str = "https://api.phonepe.com/apis/hermes";

/// Runs one vector.
pub(crate) fn run(vector: &Vector) -> Verdict {
    match (vector.scheme.as_str(), vector.kind.as_str()) {
        ("phonepe-v3-xverify" | "phonepe-v1-pay" | "phonepe-v1-refund", "sign") => sign(vector).into(),
        ("phonepe-v1-status", "request") => signed_status(vector).into(),
        ("phonepe-v2-oauth", "request") => token(vector).into(),
        ("phonepe-v2-pay", "request") => checkout_pay(vector).into(),
        ("phonepe-v2-status", "request") => checkout_status(vector).into(),
        ("phonepe-v1-callback", "verify") => callback(vector).into(),
        ("phonepe-v2-webhook-auth", "verify") => webhook(vector).into(),
        ("phonepe-status", "status") => status(vector).into(),
        (scheme, "request") if scheme.contains("refund") => crate::refunds::phonepe::run(vector),
        (scheme, kind) => Verdict::Failed(format!("no way to {kind} {scheme}")),
    }
}

fn salt(vector: &Vector) -> Result<SaltKey, String> {
    Ok(SaltKey { key: vector.input("salt_key")?.into(), index: vector.input("salt_index")?.to_owned() })
}

pub(crate) fn account(vector: &Vector, host: &str, merchant_id: &str) -> Result<Salted, String> {
    Ok(Salted {
        merchant_id: merchant_id.to_owned(),
        salt: salt(vector)?,
        host: host.to_owned(),
        pay_path: "/pg/v1/pay".to_owned(),
        status_path: "/pg/v1/status".to_owned(),
        refund_path: "/pg/v1/refund".to_owned(),
        redirect_through: RedirectThrough::Service,
    })
}

fn sign(vector: &Vector) -> Checked {
    let host = match vector.environment()? {
        Environment::Sandbox => SANDBOX,
        Environment::Production => PRODUCTION,
    };
    let (account, path) = (account(vector, host, "")?, vector.input("path")?);
    let call = match vector.inputs["payload_json"].as_str() {
        Some(payload) => wire::signed_post(&account, path, payload, &[]),
        None => wire::signed_get(&account, path, &[]),
    };
    let request = match &call.body {
        Body::Json(text) => {
            serde_json::from_str::<Value>(text).map_err(|error| error.to_string())?["request"].clone()
        }
        Body::Empty | Body::Form(_) => Value::Null,
    };
    vector.compare(&[
        ("request", request),
        ("x_verify", header(&call, "X-VERIFY").into()),
        ("url", call.url.clone().into()),
    ])
}

fn signed_status(vector: &Vector) -> Checked {
    let account = account(vector, vector.input("base_url")?, vector.input("merchant_id")?)?;
    compare_call(vector, &wire::v1_status_call(&account, vector.input("txn_id")?))
}

/// The account of a vector's recording, with invented values for settings it omits.
pub(crate) fn checkout(vector: &Vector) -> Result<Checkout, String> {
    let input = |name: &str| match (vector.inputs[name].as_str(), vector.inputs[name].as_u64()) {
        (Some(text), _) => text.to_owned(),
        (None, Some(number)) => number.to_string(),
        (None, None) => "1".to_owned(),
    };
    let hosts = match vector.environment()? {
        Environment::Sandbox => ["phonepe.v2.host", "phonepe.v2.auth.host"].as_slice(),
        Environment::Production => &[],
    };
    let mut texts = vec![
        ("phonepe.protocol", "v2".to_owned()),
        ("phonepe.v2.client.id", input("client_id")),
        ("phonepe.v2.client.secret", input("client_secret")),
        ("phonepe.v2.client.version", input("client_version")),
    ];
    texts.extend(hosts.iter().map(|host| (*host, SANDBOX.to_owned())));
    match PhonepeAccount::read(&mut Reader::new(&Values::of(texts)), RedirectThrough::Service) {
        Some(PhonepeAccount::V2(account)) => Ok(account),
        Some(PhonepeAccount::Legacy(_) | PhonepeAccount::V1(_)) | None => Err("not v2".to_owned()),
    }
}

pub(crate) fn authorization(vector: &Vector) -> Result<String, String> {
    Ok(format!("{} {}", vector.input("token_type")?, vector.input("access_token")?))
}

fn token(vector: &Vector) -> Checked {
    compare_call(vector, &wire::token_call(&checkout(vector)?))
}

fn checkout_pay(vector: &Vector) -> Checked {
    let meta = if vector.inputs["meta"].is_null() { Vec::new() } else { vector.input_pairs("meta")? };
    let expire_after = vector.inputs["expire_after"].as_u64().map(u32::try_from).transpose();
    let order = CheckoutOrder {
        id: vector.input("merchant_order_id")?,
        amount_minor: vector.inputs["amount"].as_i64().ok_or("no amount")?,
        redirect_url: vector.input("redirect_url")?,
        message: vector.input("message").ok().map(str::to_owned),
        expire_after_s: expire_after.map_err(|error| error.to_string())?,
        meta: meta.iter().map(|(name, value)| (name.as_str(), value.as_str())).collect(),
    };
    compare_call(vector, &wire::checkout_pay_call(&checkout(vector)?, &authorization(vector)?, &order))
}

fn checkout_status(vector: &Vector) -> Checked {
    let id = vector.input("merchant_order_id")?;
    compare_call(vector, &wire::checkout_status_call(&checkout(vector)?, &authorization(vector)?, id))
}

pub(crate) fn callback(vector: &Vector) -> Checked {
    let body = vector.input("body")?.as_bytes();
    let valid = answer::verified_callback(&salt(vector)?, body, vector.input("x_verify").unwrap_or_default())
        .is_some();
    let payload = Object::parse(body).and_then(|body| body.text("response"));
    let decoded: Option<Value> = payload
        .and_then(|payload| signature::decode(&payload))
        .and_then(|bytes| serde_json::from_slice(&bytes).ok());
    vector.compare(&[("valid", valid.into()), ("decoded", decoded.into())])
}

pub(crate) fn webhook_user(vector: &Vector) -> Result<WebhookUser, String> {
    let (name, password) = (vector.input("username")?.to_owned(), vector.input("password")?.into());
    Ok(WebhookUser { name, password })
}

fn webhook(vector: &Vector) -> Checked {
    let user = webhook_user(vector)?;
    vector.compare_verified(user.sent(vector.input("authorization").unwrap_or_default()), &[])
}

/// The payload inside a signed request.
pub(crate) fn payload_of(call: &Call) -> Result<Value, String> {
    let Body::Json(text) = &call.body else { return Err("no JSON".to_owned()) };
    let request = Object::parse(text.as_bytes()).and_then(|body| body.text("request")).ok_or("no request")?;
    let payload = signature::decode(&request).ok_or("not decodable")?;
    serde_json::from_slice(&payload).map_err(|error| error.to_string())
}

/// Answers of the signed protocols have a code, those of Standard Checkout a state at their root.
fn status(vector: &Vector) -> Checked {
    let body = &vector.inputs["body"];
    let text = body.as_str().map_or_else(|| body.to_string(), str::to_owned);
    let Some(answer) = Object::parse(text.as_bytes()) else {
        return same("status", &Value::from("ERROR"), &vector.expected["status"]);
    };
    let signed = answer.text("code").is_some();
    let facts = if signed { Facts::of_signed(&answer, Generation::V1) } else { Facts::of_checkout(&answer) };
    let amount = facts.amount().map(|amount| amount.to_string());
    let report = facts.outcome().map(|outcome| facts.into_report(outcome));
    vector.compare_report(&report, |_| amount.clone())
}
