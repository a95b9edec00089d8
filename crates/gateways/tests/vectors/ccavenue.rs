//! The vectors of CCAVENUE.

use payment_domain::{Currency, Money, Personal, RefundOutcome};
use payment_gateway::Order;
use payment_gateway::conformance::sample;
use payment_gateways::account::RedirectThrough;
use payment_gateways::ccavenue::answer::{self, Content};
use payment_gateways::ccavenue::cipher::WorkingKey;
use payment_gateways::ccavenue::{CcavenueAccount, refund_answer, wire};
use payment_gateways::client::{Body, Call};
use payment_gateways::form;
use payment_settings::{Reader, Values};
use serde_json::{Map, Value};
use url::{Position, Url};

use crate::vector::{Checked, Vector, Verdict};

/// Runs one vector.
pub(crate) fn run(vector: &Vector) -> Verdict {
    match (vector.scheme.as_str(), vector.kind.as_str()) {
        ("ccavenue-aes", "encrypt") => encrypt(vector).into(),
        ("ccavenue-aes", "decrypt") => decrypt(vector).into(),
        ("ccavenue-initiate", "encrypt") => initiate(vector).into(),
        ("ccavenue-callback", "decrypt") => callback(vector).into(),
        ("ccavenue-api", "encrypt") => api(vector).into(),
        ("ccavenue-api-response", "decrypt") => response(vector).into(),
        ("ccavenue-status", "status") if vector.inputs["body"]["Refund_Order_Result"].is_object() => {
            refund(vector).into()
        }
        ("ccavenue-status", "status") => status(vector).into(),
        (scheme, kind) => Verdict::Failed(format!("no way to {kind} {scheme}")),
    }
}

pub(crate) fn key(vector: &Vector) -> Result<WorkingKey, String> {
    Ok(WorkingKey::new(vector.input("working_key")?))
}

/// The account of a vector, with invented values for settings it omits.
pub(crate) fn account(vector: &Vector) -> Result<CcavenueAccount, String> {
    let merchant_id = vector.input("merchant_id").unwrap_or("1");
    account_of(merchant_id, vector.input("access_code")?, vector.input("working_key")?)
}

pub(crate) fn account_of(merchant_id: &str, access_code: &str, key: &str) -> Result<CcavenueAccount, String> {
    let values = Values::of([
        ("ccavenue.merchant.id", merchant_id),
        ("ccavenue.redirect.access.code", access_code),
        ("ccavenue.redirect.working.key", key),
    ]);
    CcavenueAccount::read(&mut Reader::new(&values), RedirectThrough::Service)
        .ok_or_else(|| "no account".to_owned())
}

fn encrypt(vector: &Vector) -> Checked {
    let made = key(vector)?.encrypt(vector.input("plaintext")?);
    vector.compare(&[("hex", made.into())])
}

fn decrypt(vector: &Vector) -> Checked {
    let plain = key(vector)?.decrypt(vector.input("hex")?);
    let text = plain.as_deref().map(String::from_utf8_lossy);
    vector.compare(&[("error", plain.is_none().into()), ("plaintext", text.as_deref().into())])
}

/// The order with these fields, of an unknown payer.
fn initiate(vector: &Vector) -> Checked {
    let account = account(vector)?;
    let field = |name: &str| vector.inputs["fields"][name].as_str().ok_or_else(|| format!("no field {name}"));
    let mut txn = sample::transaction(field("order_id")?, "1.00");
    txn.amount = Money::parse(field("amount")?, Currency::INR).map_err(|error| error.to_string())?;
    (txn.payer.name, txn.payer.mobile_number) = (Personal::new(""), Personal::new(""));
    (txn.payer.email_id, txn.module) = (None, None);
    let order = Order { return_url: field("redirect_url")?, ..sample::order(&txn) };
    let text = wire::request_text(&account, &order);
    vector
        .compare(&[("encRequest", account.pay.working_key.encrypt(&text).into()), ("plaintext", text.into())])
}

fn callback(vector: &Vector) -> Checked {
    let brought = form::decode(vector.input("body")?.as_bytes());
    let message = brought.iter().find(|(name, _)| name == "encResp").ok_or("no message")?;
    let plain = key(vector)?.decrypt(&message.1).ok_or("it cannot be decrypted")?;
    let text = String::from_utf8(plain).map_err(|error| error.to_string())?;
    let fields: Map<String, Value> =
        wire::members(&text).map(|(name, value)| (name.to_owned(), value.into())).collect();
    vector.compare(&[("fields", fields.into()), ("plaintext", text.as_str().into())])
}

/// The API's version follows from the command.
fn api(vector: &Vector) -> Checked {
    let (command, version) = (vector.input("command")?, vector.expected["form_fields"]["version"].as_str());
    let call =
        wire::api_call(&account(vector)?, command, version.ok_or("no version")?, vector.input("json")?);
    let Call { url, body: Body::Form(sent), .. } = call else { return Err("no form".to_owned()) };
    let url = Url::parse(&url).map_err(|error| error.to_string())?;
    let fields: Map<String, Value> = sent.into_iter().map(|(name, value)| (name, value.into())).collect();
    vector.compare(&[("form_fields", fields.into()), ("path", url[Position::BeforePath..].into())])
}

fn response(vector: &Vector) -> Checked {
    let content = answer::content(&key(vector)?, vector.input("body")?.as_bytes());
    let (text, refusal) = match content {
        Ok(Content::Text(text)) => (Some(text), None),
        Ok(Content::Refusal { message, code }) => (None, Some((message, code))),
        Err(_) => (None, None),
    };
    let (message, code) = refusal.unzip();
    vector.compare(&[
        ("error", text.is_none().into()),
        ("plaintext", text.into()),
        ("gateway_error", message.into()),
        ("gateway_error_code", code.into()),
    ])
}

/// The requested amount is the vector's, or the one that the answer charges.
fn status(vector: &Vector) -> Checked {
    let text = vector.inputs["body"].to_string();
    let asked = vector.expected["amount_rupees"].as_str().unwrap_or("1.00");
    let asked = Money::parse(asked, Currency::INR).map_err(|error| error.to_string())?;
    let report = answer::result(&text).and_then(|result| answer::report(&result, asked));
    vector.compare_report(&report, |_| None)
}

/// The vector calls an accepted refund a success.
fn refund(vector: &Vector) -> Checked {
    let report = refund_answer::taken(&vector.inputs["body"].to_string());
    let status = match report.map(|report| report.outcome) {
        Ok(RefundOutcome::Pending) => "SUCCESS",
        Ok(RefundOutcome::Failed { .. }) => "FAILURE",
        Ok(_) | Err(_) => "ERROR",
    };
    vector.compare(&[("status", status.into())])
}
