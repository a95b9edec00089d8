//! Answers about refunds. Pure.

use payment_domain::{Currency, Money, RefundOutcome, RefundReport};
use payment_gateway::GatewayError;
use serde_json::{Value, json};

use super::{parse, unreadable};
use crate::client::Reply;
use crate::evidence;
use crate::json::Object;
use crate::refund::{self, Asked, RefundMembers, short, unrecognised};
use crate::text::{cut, minor_units};

const EVIDENCE: [&str; 11] = [
    "id",
    "amount",
    "currency",
    "payment_id",
    "receipt",
    "status",
    "speed_requested",
    "speed_processed",
    "created_at",
    "batch_id",
    "entity",
];
const ACQUIRER_EVIDENCE: [&str; 3] = ["arn", "rrn", "utr"];
const ERROR_EVIDENCE: [&str; 6] = ["code", "description", "reason", "source", "step", "field"];

/// The refund in the answer to a refund request or to a status request.
///
/// # Errors
/// [`GatewayError::Unanswered`] and [`GatewayError::Unreadable`]: it may have been made.
pub fn refund(reply: Reply, asked: &Asked<'_>) -> Result<RefundReport, GatewayError> {
    let reply = match refusal(reply)? {
        Ok(reply) => reply,
        Err(refused) => return Ok(*refused),
    };
    let answer = parse(&reply)?;
    match answer.text("entity").as_deref() {
        Some("refund") => Ok(report(&answer, asked)),
        Some(_) | None => Err(unreadable("not a refund")),
    }
}

/// The refunds on a page of a list, or the refusal of the request.
///
/// # Errors
/// As of [`refund`](fn@refund).
pub fn page(reply: Reply) -> Result<Result<Vec<Object>, Box<RefundReport>>, GatewayError> {
    let reply = match refusal(reply)? {
        Ok(reply) => reply,
        Err(refused) => return Ok(Err(refused)),
    };
    let items = parse(&reply)?.list("items").ok_or_else(|| unreadable("no list of refunds"))?;
    Ok(Ok(items))
}

/// Whether it is the refund of our number.
pub fn is_of(refund: &Object, asked: &Asked<'_>) -> bool {
    refund.text("receipt").as_deref() == Some(asked.id)
}

/// The report on the one refund of our number.
pub fn one_of(ours: Vec<Object>, asked: &Asked<'_>) -> RefundReport {
    match refund::only(ours, || json!({ "items": [] })) {
        Ok(refund) => report(&refund, asked),
        Err(none) => *none,
    }
}

fn report(refund: &Object, asked: &Asked<'_>) -> RefundReport {
    let currency = refund.text("currency").and_then(|code| Currency::from_code(&code));
    let amount = currency.and_then(|currency| minor_units(&refund.text("amount")?, currency));
    let told = RefundMembers { id: refund.text("receipt"), payment: refund.text("payment_id"), amount };
    let word = refund.text("status").unwrap_or_default();
    let mut raw = evidence::of_object(refund, &EVIDENCE);
    if let Some(acquirer) = refund.object("acquirer_data") {
        raw["acquirer_data"] = evidence::of_object(&acquirer, &ACQUIRER_EVIDENCE);
    }
    RefundReport {
        outcome: asked.compare(&told, outcome_of_state(&word, amount)),
        may_repeat: false,
        gateway_refund_id: short(refund.text("id")),
        status_code: short(Some(word)),
        status_message: None,
        raw,
    }
}

/// The meaning of a refund's status. Processed is sent to the payer's bank, which takes days.
pub fn outcome_of_state(word: &str, amount: Option<Money>) -> RefundOutcome {
    match word {
        "processed" => RefundOutcome::Succeeded { amount },
        "pending" | "created" => RefundOutcome::Pending,
        "failed" => RefundOutcome::Failed { reason: "the refund failed".to_owned() },
        other => unrecognised(other),
    }
}

/// The report on a request that was refused; else the reply, whose status is 2xx.
fn refusal(reply: Reply) -> Result<Result<Reply, Box<RefundReport>>, GatewayError> {
    if !(400..500).contains(&reply.status) || matches!(reply.status, 408 | 429) {
        return Ok(Ok(reply.accepted()?));
    }
    let error = Object::parse(&reply.body).and_then(|answer| answer.object("error"));
    let text = |name: &str| error.as_ref().and_then(|error| error.text(name));
    let (code, description) = (text("code"), text("description"));
    let is_under_way = reply.status == 409;
    let outcome = match reply.status {
        401 | 403 => refund::misconfigured(description.as_deref().unwrap_or("no reason")),
        // The first request with this key is still worked on.
        409 => RefundOutcome::Pending,
        400 => outcome_of_refusal(description.as_deref().unwrap_or_default()),
        status => unrecognised(&code.clone().unwrap_or_else(|| format!("HTTP_{status}"))),
    };
    Ok(Err(Box::new(RefundReport {
        outcome,
        may_repeat: is_under_way,
        gateway_refund_id: None,
        status_code: short(code),
        status_message: short(description),
        raw: error.map_or(Value::Null, |error| evidence::of_object(&error, &ERROR_EVIDENCE)),
    })))
}

/// The meaning of a refusal's description. Razorpay promises no wording: an unknown description is no
/// refusal.
fn outcome_of_refusal(description: &str) -> RefundOutcome {
    let text = description.to_ascii_lowercase();
    let has = |words: &str| text.contains(words);
    let refused = has("refund amount is greater than") || has("enough balance") || has("should be captured");
    if has("idempotency key") {
        RefundOutcome::Unclear { reason: "the number of the refund was used for another one".to_owned() }
    } else if has("fully refunded") {
        // The list of refunds shows by which refund.
        RefundOutcome::Pending
    } else if refused {
        RefundOutcome::Failed { reason: cut(description, 255).to_owned() }
    } else {
        unrecognised(description)
    }
}
