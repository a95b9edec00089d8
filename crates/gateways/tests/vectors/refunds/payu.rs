//! The refund vectors of PAYU.

use payment_gateway::Answer;
use payment_gateways::account::RedirectThrough;
use payment_gateways::client::Call;
use payment_gateways::payu::{PayuAccount, refund, refund_answer, wire};
use payment_gateways::refund::Asked;
use payment_settings::{Reader, Values};
use serde_json::Value;

use super::{accepted, asked, compare_call, compare_report, no_way, repetition, rupees};
use crate::vector::{Checked, Vector, Verdict};

/// Runs one vector.
pub(crate) fn run(vector: &Vector) -> Verdict {
    match (vector.scheme.as_str(), vector.kind.as_str()) {
        ("payu-refund", "refund_request") => request(vector).into(),
        ("payu-refund-query", "refund_query") => query(vector).into(),
        ("payu-v2-auth", "refund_query") => signed(vector).into(),
        (
            "payu-refund-answer" | "payu-action-status" | "payu-all-refunds" | "payu-v2-refunds-status",
            "refund_status",
        ) => status(vector).into(),
        ("payu-refund-callback", "refund_verify") => callback(vector).into(),
        _ => no_way(vector),
    }
}

/// The account with this key and salt, in production.
fn account_of(key: &str, salt: &str) -> Result<PayuAccount, String> {
    let texts =
        [("payu.merchant.key", key), ("payu.merchant.salt", salt), ("payu.url.status", "info.payu.in")];
    PayuAccount::read(&mut Reader::new(&Values::of(texts)), RedirectThrough::Service)
        .ok_or_else(|| "no account".to_owned())
}

fn account(vector: &Vector) -> Result<PayuAccount, String> {
    account_of(vector.input("key")?, vector.input("salt")?)
}

fn request(vector: &Vector) -> Checked {
    let (id, payment) = (vector.input("token")?, vector.input("mihpayid")?);
    let asked = Asked { id, payment, amount: rupees(vector.input("amount_rupees")?)? };
    let call = refund::refund_call(&account(vector)?, &asked, vector.input("callback_url").ok());
    let text = ["key", "salt"].map(|name| vector.input(name).unwrap_or_default());
    let signed = format!("{}|cancel_refund_transaction|{payment}|{}", text[0], text[1]);
    compare_call(vector, &call, &[("string_to_sign", signed.into())])
}

fn query(vector: &Vector) -> Checked {
    let (account, var1) = (account(vector)?, vector.input("var1")?);
    let call: Call = match vector.input("command")? {
        "check_action_status" => refund::action_call(&account, var1),
        "getAllRefundsFromTxnIds" => refund::refunds_call(&account, var1),
        // It is not used: whether it takes a transaction's or a request's number is not known.
        command => wire::command_call(&account, command, &[("var1", var1)]),
    };
    compare_call(vector, &call, &[])
}

fn signed(vector: &Vector) -> Checked {
    let (body, date) = (vector.input("body")?, vector.input("date")?);
    let headers = refund::signed_headers(&account(vector)?, body, date);
    let headers = headers.into_iter().map(|(name, value)| (name, Value::from(value))).collect();
    let signed = format!("{body}|{date}|{}", vector.input("salt")?);
    vector.compare(&[("headers", Value::Object(headers)), ("string_to_sign", signed.into())])
}

fn status(vector: &Vector) -> Checked {
    let asked = asked(vector, "mihpayid")?;
    let report = accepted(vector, |body| match vector.scheme.as_str() {
        "payu-refund-answer" => refund_answer::taken(body, &asked),
        "payu-action-status" => refund_answer::of_action(body, &asked),
        "payu-all-refunds" => refund_answer::among_all(body, &asked),
        _ => refund_answer::by_token(body, &asked),
    })?;
    compare_report(vector, &report, repetition(&account_of("k", "s")?)?)
}

/// A callback names a refund, which causes a status request.
fn callback(vector: &Vector) -> Checked {
    let answer = Answer { body: vector.input("body")?.to_owned().into(), ..Answer::default() };
    let token = refund::token_in(&answer);
    let hint =
        token.is_some_and(|token| vector.inputs["body"].as_str().is_some_and(|body| body.contains(&token)));
    vector.compare(&[
        ("valid", false.into()),
        ("evidence", hint.then_some("hint").into()),
        ("action", hint.then_some("query").into()),
    ])
}
