//! The vectors of AXIS (MIGS).

use std::collections::HashMap;

use payment_gateway::Params;
use payment_gateways::axis::{AxisAccount, signature, wire};
use payment_gateways::client::Body;
use payment_gateways::{form, text};
use payment_settings::{Reader, Values};
use serde_json::Value;
use url::Url;

use crate::vector::{Checked, Vector, Verdict, pairs, same};

/// Runs one vector.
pub(crate) fn run(vector: &Vector) -> Verdict {
    match (vector.scheme.as_str(), vector.kind.as_str()) {
        ("migs-hmac-sha256" | "migs-trailing-empty", "sign") => sign(vector).into(),
        ("migs-callback-query", "verify") => verify(vector).into(),
        ("migs-redirect-url", "request") => redirect(vector).into(),
        ("migs-querydr", "request") => query(vector).into(),
        ("migs-result", "status") => status(vector).into(),
        (scheme, kind) => Verdict::Failed(format!("no way to {kind} {scheme}")),
    }
}

fn secret_key(vector: &Vector) -> Result<Vec<u8>, String> {
    hex::decode(vector.input("secret_hex")?).map_err(|error| error.to_string())
}

fn sign(vector: &Vector) -> Checked {
    let fields = vector.input_pairs("fields")?;
    let secret_key = secret_key(vector).ok();
    vector.compare(&[
        ("error", Value::from(secret_key.is_none())),
        ("string_to_sign", Value::from(signature::signed_text(&fields))),
        ("vpc_SecureHash", Value::from(secret_key.map(|key| signature::sign(&key, &fields)))),
    ])
}

fn verify(vector: &Vector) -> Checked {
    let fields = form::decode(vector.input("query")?.as_bytes());
    let valid = matches!(signature::check(&secret_key(vector)?, &Params::new(fields.clone())), Ok(true));
    vector.compare_verified(valid, &fields)
}

fn redirect(vector: &Vector) -> Checked {
    let fields = vector.input_pairs("fields")?;
    let made = wire::signed_url(vector.input("url")?, &secret_key(vector)?, fields);
    let (url, query) = made.split_once('?').ok_or("no query")?;
    let mut encoded: Vec<&str> = query.split('&').collect();
    encoded.sort_unstable();
    let decoded: serde_json::Map<String, Value> =
        form::decode(query.as_bytes()).into_iter().map(|(name, value)| (name, Value::from(value))).collect();
    vector.compare(&[
        ("url", Value::from(url)),
        ("query_fields", Value::from(decoded)),
        ("query_sorted_strict", Value::from(encoded.join("&"))),
    ])
}

/// The status call of a merchant with the vector's fields.
fn query(vector: &Vector) -> Checked {
    let fields: HashMap<String, String> = vector.input_pairs("fields")?.into_iter().collect();
    let field = |name: &str| fields.get(name).map(String::as_str).unwrap_or_default();
    let values = Values::of([
        ("axis.merchant.id", field("vpc_Merchant")),
        ("axis.merchant.access.code", field("vpc_AccessCode")),
        ("axis.merchant.user", field("vpc_User")),
        ("axis.merchant.pwd", field("vpc_Password")),
        ("axis.merchant.secret.key", "00"),
    ]);
    let account = AxisAccount::read(&mut Reader::new(&values)).ok_or("no account")?;
    let reference = fields.get(wire::REFERENCE).ok_or("no reference")?;
    let call = wire::status_call(&account, reference);
    let Body::Form(sent) = &call.body else { return Err("no form".to_owned()) };
    let url = Url::parse(&call.url).map_err(|error| error.to_string())?;
    for (name, expected) in vector.expectations() {
        match name {
            "method" => same(name, &Value::from(call.method.as_str()), expected)?,
            "path" => same(name, &Value::from(url.path()), expected)?,
            "form_fields" => {
                let expected = pairs(expected).ok_or("expected fields that are no texts")?;
                let sorted = |mut pairs: Vec<(String, String)>| {
                    pairs.sort();
                    pairs
                };
                if sorted(sent.clone()) != sorted(expected) {
                    return Err("other form fields".to_owned());
                }
            }
            unknown => return Err(format!("nothing to compare with {unknown}")),
        }
    }
    Ok(())
}

fn status(vector: &Vector) -> Checked {
    let members = Params::new(form::decode(vector.input("body")?.as_bytes()));
    let amount = |report: &payment_domain::Report| {
        Some(text::paise(report.raw.get("vpc_Amount")?.get(0)?.as_str()?)?.to_string())
    };
    vector.compare_report(&wire::report(&members), amount)
}
