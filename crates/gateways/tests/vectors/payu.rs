//! The vectors of PAYU.

use payment_gateway::Params;
use payment_gateways::account::RedirectThrough;
use payment_gateways::client::{Body, Call};
use payment_gateways::form;
use payment_gateways::payu::{PayuAccount, signature, wire};
use payment_settings::{Reader, Values};
use serde_json::{Map, Value};
use url::{Position, Url};

use crate::vector::{Checked, Vector, Verdict};

/// Runs one vector.
pub(crate) fn run(vector: &Vector) -> Verdict {
    match (vector.scheme.as_str(), vector.kind.as_str()) {
        ("payu-payment-hash", "sign") => payment(vector).into(),
        ("payu-command", "sign") => command(vector).into(),
        ("payu-response-form", "verify") => verify(vector).into(),
        ("payu-status", "status") => status(vector).into(),
        (scheme, kind) => Verdict::Failed(format!("no way to {kind} {scheme}")),
    }
}

fn payment(vector: &Vector) -> Checked {
    let params = Params::new(vector.input_pairs("params")?);
    let (key, salt) = (vector.input("key")?, vector.input("salt")?);
    let value = |name: &str| params.get(name).unwrap_or_default();
    vector.compare(&[
        ("string", Value::from(signature::payment_text(key, "{salt}", value))),
        ("hash", Value::from(signature::payment_hash(key, salt, value))),
    ])
}

fn command(vector: &Vector) -> Checked {
    let (key, salt) = (vector.input("key")?, vector.input("salt")?);
    let values = Values::of([("payu.merchant.key", key), ("payu.merchant.salt", salt)]);
    let mut reader = Reader::new(&values);
    let account = PayuAccount::read(&mut reader, RedirectThrough::Service).ok_or("no account")?;
    let inputs = vector.input_pairs_of(|name| name.starts_with("var"))?;
    let arguments: Vec<(&str, &str)> =
        inputs.iter().map(|(name, value)| (name.as_str(), value.as_str())).collect();
    let Call { url, body, .. } = wire::command_call(&account, vector.input("command")?, &arguments);
    let Body::Form(sent) = body else { return Err("no form".to_owned()) };
    let url = Url::parse(&url).map_err(|error| error.to_string())?;
    let fields: Map<String, Value> =
        sent.into_iter().map(|(name, value)| (name, Value::from(value))).collect();
    vector.compare(&[
        ("hash", fields.get("hash").cloned().unwrap_or_default()),
        ("form_fields", Value::from(fields)),
        ("path", Value::from(&url[Position::BeforePath..])),
    ])
}

fn verify(vector: &Vector) -> Checked {
    let fields = form::decode(vector.input("body")?.as_bytes());
    let checked = signature::check(vector.input("key")?, vector.input("salt")?, &Params::new(fields.clone()));
    vector.compare_verified(matches!(checked, Ok(true)), &fields)
}

/// Reads the answer as that of the one transaction in it.
fn status(vector: &Vector) -> Checked {
    let body = &vector.inputs["body"];
    let details = body["transaction_details"].as_object();
    let reference = details.and_then(|details| details.keys().next()).map_or("T1", String::as_str);
    let text = body.as_str().map_or_else(|| body.to_string(), str::to_owned);
    let report = wire::status_report(text.as_bytes(), reference);
    vector.compare_report(&report, |report| Some(report.raw.get("amt")?.as_str()?.to_owned()))
}
