//! The vectors of PAYTM.

use payment_gateways::form;
use payment_gateways::json::Object;
use payment_gateways::paytm::answer::{Envelope, Facts};
use payment_gateways::paytm::signature::{self, MerchantKey, Opened, Salt};
use payment_gateways::paytm::wire;
use serde_json::Value;

use crate::vector::{Checked, Vector, Verdict, same};

/// Runs one vector.
pub(crate) fn run(vector: &Vector) -> Verdict {
    match (vector.scheme.as_str(), vector.kind.as_str()) {
        ("paytm-checksum", "sign") => sign(vector).into(),
        ("paytm-checksum", "verify") => verify(vector).into(),
        ("paytm-checksum", "decrypt") => decrypt(vector).into(),
        ("paytm-v3-envelope", "sign") => envelope(vector).into(),
        ("paytm-v3-response", "verify") => response(vector).into(),
        ("paytm-callback-form", "verify") => callback(vector).into(),
        ("paytm-status", "status") => status(vector).into(),
        (scheme, kind) => Verdict::Failed(format!("no way to {kind} {scheme}")),
    }
}

pub(crate) fn key(vector: &Vector) -> Result<MerchantKey, String> {
    MerchantKey::new(vector.input("key")?).map_err(|error| error.to_string())
}

pub(crate) fn salt(vector: &Vector) -> Result<Salt, String> {
    Salt::new(vector.input("salt")?).ok_or_else(|| "a salt has four characters".to_owned())
}

/// The text that is signed: a body as it is, or the values of a form; null is nothing.
fn text(vector: &Vector) -> Result<String, String> {
    if let Ok(body) = vector.input("body") {
        return Ok(body.to_owned());
    }
    let params = vector.inputs["params"].as_object().ok_or("neither body nor params")?;
    let pairs = params.iter().map(|(name, value)| (name.as_str(), value.as_str().unwrap_or_default()));
    Ok(signature::text_of_form(pairs))
}

fn sign(vector: &Vector) -> Checked {
    let text = text(vector)?;
    let checksum = signature::checksum(&key(vector)?, &text, salt(vector)?);
    vector.compare(&[("string", text.into()), ("checksum", checksum.into())])
}

fn verify(vector: &Vector) -> Checked {
    let checksum = vector.input("checksum").unwrap_or_default();
    let text = text(vector)?;
    let valid = key(vector).is_ok_and(|key| signature::is_valid(&key, &text, checksum));
    vector.compare_verified(valid, &[])
}

fn decrypt(vector: &Vector) -> Checked {
    let opened = Opened::read(&key(vector)?, vector.input("checksum")?);
    let plaintext = opened.as_ref().map(Opened::plaintext);
    let salt = plaintext.as_deref().map(|plaintext| &plaintext[64..]);
    vector.compare(&[
        ("error", opened.is_none().into()),
        ("plaintext", plaintext.clone().into()),
        ("salt", salt.into()),
    ])
}

fn envelope(vector: &Vector) -> Checked {
    let (key, salt, body) = (key(vector)?, salt(vector)?, vector.input("body_json")?);
    vector.compare(&[
        ("signature", signature::checksum(&key, body, salt).into()),
        ("envelope", wire::envelope(&key, body, salt).into()),
    ])
}

pub(crate) fn response(vector: &Vector) -> Checked {
    let raw = vector.input("raw")?;
    let signed = Envelope::open(&key(vector)?, raw.as_bytes()).is_ok_and(|envelope| envelope.signed);
    let body = Object::parse(raw.as_bytes()).and_then(|whole| whole.raw("body").map(str::to_owned));
    vector.compare(&[("valid", signed.into()), ("body_text", body.into())])
}

fn callback(vector: &Vector) -> Checked {
    let fields = form::decode(vector.input("body")?.as_bytes());
    let pairs = fields.iter().map(|(name, value)| (name.as_str(), value.as_str()));
    let valid = signature::verified_callback(&key(vector)?, pairs).is_some();
    vector.compare_verified(valid, &fields)
}

/// A current answer has an envelope, a legacy one has none.
fn status(vector: &Vector) -> Checked {
    let body = &vector.inputs["body"];
    let text = body.as_str().map_or_else(|| body.to_string(), str::to_owned);
    let Some(answer) = Object::parse(text.as_bytes()) else {
        return same("status", &Value::from("ERROR"), &vector.expected["status"]);
    };
    let facts = answer.object("body").map_or_else(|| Facts::of_legacy(&answer), |body| Facts::of_body(&body));
    let report = facts.outcome().map(|outcome| facts.into_report(outcome));
    vector.compare_report(&report, |report| {
        let amount = report.raw.get("txnAmount").or_else(|| report.raw.get("TXNAMOUNT"))?;
        Some(amount.as_str()?.to_owned())
    })
}
