//! The refund vectors of AXIS (MIGS).

use payment_gateway::Params;
use payment_gateways::axis::refund::{self, Asked};
use payment_gateways::axis::{AxisAccount, signature, wire};
use payment_gateways::client::Body;
use payment_gateways::form;
use payment_settings::{Reader, Values};
use serde_json::Value;

use super::{accepted, compare_call, compare_report, no_way, object, repetition, with_asked, with_order};
use crate::vector::{Checked, Vector, Verdict, same};

/// Runs one vector.
pub(crate) fn run(vector: &Vector) -> Verdict {
    match (vector.scheme.as_str(), vector.kind.as_str()) {
        ("migs-refund" | "migs-refund-nohash", "refund_request") => request(vector).into(),
        ("migs-refund-query", "refund_query") => query(vector).into(),
        ("migs-refund-answer" | "migs-refund-querydr", "refund_status") => status(vector).into(),
        _ => no_way(vector),
    }
}

/// The merchant with the vector's fields, with invented values for those it omits.
fn account(vector: &Vector) -> Result<AxisAccount, String> {
    let field = |name: &str| vector.inputs["fields"][name].as_str().unwrap_or("x");
    let secret = vector.input("secret_hex");
    let signed = if secret.is_ok() { "true" } else { "false" };
    let values = Values::of([
        ("axis.merchant.id", field("vpc_Merchant")),
        ("axis.merchant.access.code", field("vpc_AccessCode")),
        ("axis.merchant.user", field("vpc_User")),
        ("axis.merchant.pwd", field("vpc_Password")),
        ("axis.merchant.secret.key", secret.unwrap_or("00")),
        ("axis.refund.signed", signed),
    ]);
    AxisAccount::read(&mut Reader::new(&values)).ok_or_else(|| "no account".to_owned())
}

/// Our request names no currency: with one the vector is about the hash alone.
fn request(vector: &Vector) -> Checked {
    let mut fields = vector.input_pairs("fields")?;
    let field = |name: &str| vector.inputs["fields"][name].as_str().unwrap_or_default();
    let minor = field("vpc_Amount").parse::<i64>().map_err(|error| error.to_string())?;
    let account = account(vector)?;
    let has_currency = fields.iter().any(|(name, _)| name == "vpc_Currency");
    let text = signature::signed_text(&fields);
    let hash = match vector.input("secret_hex") {
        Ok(secret) => signature::sign(&hex::decode(secret).map_err(|error| error.to_string())?, &fields),
        Err(_) => String::new(),
    };
    if !hash.is_empty() {
        fields.push(("vpc_SecureHash".to_owned(), hash.clone()));
        fields.push(("vpc_SecureHashType".to_owned(), "SHA256".to_owned()));
    }
    // More than an amount of ours can be.
    let is_possible = minor <= 999_999_999_999_999;
    if is_possible {
        with_order(field("vpc_MerchTxnRef"), minor, "T1", |order| {
            let call = refund::refund_call(&account, order, field("vpc_TransNo"));
            let Body::Form(sent) = &call.body else { return Err("no form".to_owned()) };
            let ours: Vec<&(String, String)> =
                sent.iter().filter(|(name, _)| !name.starts_with("vpc_SecureHash")).collect();
            let theirs = vector.input_pairs("fields")?;
            let theirs: Vec<&(String, String)> =
                theirs.iter().filter(|(name, _)| name != "vpc_Currency").collect();
            if ours.len() != theirs.len() || !theirs.iter().all(|pair| ours.contains(pair)) {
                return Err("our request has other members".to_owned());
            }
            if has_currency {
                return Ok(());
            }
            same("our hash", &object(sent)["vpc_SecureHash"], &object(&fields)["vpc_SecureHash"])
        })??;
    }
    let absent: Vec<Value> = vector.expected["absent"].as_array().cloned().unwrap_or_default();
    let is_absent = |name: &Value| !fields.iter().any(|(field, _)| Some(field.as_str()) == name.as_str());
    let call = wire::status_call(&account, "any");
    let absent = if absent.iter().all(is_absent) { vector.expected["absent"].clone() } else { Value::Null };
    compare_call(
        vector,
        &call,
        &[
            ("string_to_sign", text.into()),
            ("vpc_SecureHash", hash.into()),
            ("form_fields", object(&fields)),
            ("absent", absent),
        ],
    )
}

fn query(vector: &Vector) -> Checked {
    let reference = vector.inputs["fields"]["vpc_MerchTxnRef"].as_str().ok_or("no reference")?;
    compare_call(vector, &wire::status_call(&account(vector)?, reference), &[])
}

fn status(vector: &Vector) -> Checked {
    let account = account(vector)?;
    let asked = if vector.scheme == "migs-refund-querydr" { Asked::Status } else { Asked::Refund };
    let report = with_asked(vector, "T1", |order| {
        accepted(vector, |body| refund::report(&account, order, asked, &Params::new(form::decode(body))))
    })??;
    compare_report(vector, &report, repetition(&account)?)
}
