//! The refund vectors of CCAVENUE.

use payment_domain::RefundReport;
use payment_gateway::GatewayError;
use payment_gateways::ccavenue::answer::{self, Content};
use payment_gateways::ccavenue::cipher::WorkingKey;
use payment_gateways::ccavenue::{CcavenueAccount, refund, refund_answer, wire};
use payment_gateways::form;
use serde_json::Value;

use super::{compare_call, compare_report, no_way, repetition, rupees};
use crate::ccavenue::{account, key};
use crate::vector::{Checked, Vector, Verdict};

/// Runs one vector.
pub(crate) fn run(vector: &Vector) -> Verdict {
    match (vector.scheme.as_str(), vector.kind.as_str()) {
        ("ccavenue-api", "refund_request") => request(vector).into(),
        ("ccavenue-api", "refund_query") => query(vector).into(),
        ("ccavenue-refund-response", "refund_decrypt") => decrypt(vector).into(),
        ("ccavenue-refund-status" | "ccavenue-order-status", "refund_status") => status(vector).into(),
        _ => no_way(vector),
    }
}

/// The request with the members of the vector's; ours is of version 1.1, in which clients refund.
fn request(vector: &Vector) -> Checked {
    let account = account(vector)?;
    let (json, version) = (vector.input("json")?, vector.input("version")?);
    let members: Value = serde_json::from_str(json).map_err(|error| error.to_string())?;
    let text = |name: &str| members[name].as_str().ok_or_else(|| format!("no member {name}"));
    let made =
        refund::refund_call(&account, text("reference_no")?, text("refund_amount")?, text("refund_ref_no")?);
    let same = wire::api_call(&account, vector.input("command")?, "1.1", json);
    if made != same {
        return Err("our request has other members".to_owned());
    }
    compare_call(vector, &wire::api_call(&account, vector.input("command")?, version, json), &[])
}

fn query(vector: &Vector) -> Checked {
    let (command, version) = (vector.input("command")?, vector.input("version")?);
    let call = wire::api_call(&account(vector)?, command, version, vector.input("json")?);
    compare_call(vector, &call, &[])
}

fn decrypt(vector: &Vector) -> Checked {
    let plain = match answer::content(&key(vector)?, vector.input("body")?.as_bytes()) {
        Ok(Content::Text(text)) => Some(text),
        Ok(Content::Refusal { .. }) | Err(_) => None,
    };
    vector.compare(&[("error", plain.is_none().into()), ("plaintext", plain.into())])
}

fn status(vector: &Vector) -> Checked {
    let asked = vector.inputs["asked"]["amount_rupees"].as_str().ok_or("no amount")?;
    let amount = rupees(asked)?;
    let report = match vector.scheme.as_str() {
        "ccavenue-order-status" => answer::result(&vector.inputs["body"].to_string())
            .map(|order| refund_answer::state(&order, amount, amount)),
        _ => answered(&vector.inputs["body"]),
    };
    compare_report(vector, &report, repetition(&made_up()?)?)
}

/// The meaning of the answer to a refund request, which is encrypted on the way.
fn answered(body: &Value) -> Result<RefundReport, GatewayError> {
    let key = WorkingKey::new("FA4E");
    let text = |name: &str| body[name].as_str().unwrap_or_default().to_owned();
    let result = body.get("decrypted").map(|result| key.encrypt(&result.to_string()));
    let response = result.unwrap_or_else(|| text("error_text"));
    let fields = [
        ("status", text("outer_status")),
        ("enc_response", response),
        ("enc_error_code", text("enc_error_code")),
    ];
    match answer::content(&key, form::encode(&fields).as_bytes())? {
        Content::Text(text) => refund_answer::taken(&text),
        Content::Refusal { message, code } => Ok(refund_answer::refused_request(&message, &code)),
    }
}

fn made_up() -> Result<CcavenueAccount, String> {
    crate::ccavenue::account_of("1", "AVFAKE", "FA4E")
}
