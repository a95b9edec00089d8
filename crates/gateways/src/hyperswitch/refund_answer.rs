//! Answers about refunds. Pure.

use payment_domain::{Currency, Money, RefundOutcome, RefundReport};
use payment_gateway::GatewayError;
use serde_json::json;

use super::answer::{DUPLICATE, NOT_FOUND, refusal};
use crate::client::Reply;
use crate::evidence;
use crate::json::Object;
use crate::refund::{self, Asked, RefundMembers, short, unrecognised};
use crate::text::{cut, minor_units};

const EVIDENCE: [&str; 13] = [
    "refund_id",
    "payment_id",
    "amount",
    "currency",
    "status",
    "reason",
    "connector",
    "connector_refund_id",
    "error_code",
    "error_message",
    "created_at",
    "updated_at",
    "profile_id",
];

/// The refund in the answer to a refund request.
///
/// # Errors
/// [`GatewayError::Unanswered`] and [`GatewayError::Unreadable`]: it may have been made.
pub fn made(reply: Reply, asked: &Asked<'_>) -> Result<RefundReport, GatewayError> {
    let unknown = RefundOutcome::Unclear { reason: "the router does not know the payment".to_owned() };
    read(reply, asked, unknown)
}

/// The refund in the answer to a status request.
///
/// # Errors
/// As of [`made`].
pub fn found(reply: Reply, asked: &Asked<'_>) -> Result<RefundReport, GatewayError> {
    read(reply, asked, RefundOutcome::NotFound)
}

fn read(reply: Reply, asked: &Asked<'_>, unknown: RefundOutcome) -> Result<RefundReport, GatewayError> {
    let is_refusal = (400..500).contains(&reply.status) && !matches!(reply.status, 408 | 409 | 429);
    if !is_refusal {
        let reply = reply.accepted()?;
        let refund = Object::parse(&reply.body);
        let refund = refund.ok_or_else(|| GatewayError::Unreadable("not a JSON object".to_owned()))?;
        return Ok(report(&refund, asked));
    }
    let code = refusal(&reply);
    let outcome = match (reply.status, code.as_deref()) {
        (401 | 403, code) => refund::misconfigured(code.unwrap_or("no code")),
        // An earlier request with this number stands.
        (_, Some(DUPLICATE)) => RefundOutcome::Pending,
        (404, Some(NOT_FOUND)) => unknown,
        (_, Some(other)) => unrecognised(other),
        (status, None) => unrecognised(&format!("HTTP_{status}")),
    };
    let mut report = refund::report(outcome, json!({ "error_code": code }));
    report.status_code = short(code);
    report.status_message = short(message(&reply));
    Ok(report)
}

fn message(reply: &Reply) -> Option<String> {
    Object::parse(&reply.body)?.object("error")?.text("message")
}

fn report(refund: &Object, asked: &Asked<'_>) -> RefundReport {
    let text = |name: &str| refund.text(name);
    let currency = text("currency").and_then(|code| Currency::from_code(&code));
    let amount = currency.and_then(|currency| minor_units(&text("amount")?, currency));
    let told = RefundMembers { id: text("refund_id"), payment: text("payment_id"), amount };
    let word = text("status").unwrap_or_default();
    let why = text("error_message").or_else(|| text("error_code"));
    RefundReport {
        outcome: asked.compare(&told, outcome_of_state(&word, amount, why.as_deref())),
        may_repeat: false,
        gateway_refund_id: short(text("refund_id")),
        status_code: short(Some(word)),
        status_message: short(why),
        raw: evidence::of_object(refund, &EVIDENCE),
    }
}

fn outcome_of_state(word: &str, amount: Option<Money>, why: Option<&str>) -> RefundOutcome {
    match word {
        "succeeded" => RefundOutcome::Succeeded { amount },
        "pending" | "review" => RefundOutcome::Pending,
        "failed" => RefundOutcome::Failed { reason: cut(why.unwrap_or("the refund failed"), 255).to_owned() },
        other => unrecognised(other),
    }
}
