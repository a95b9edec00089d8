//! Answers about refunds. Pure.

use payment_domain::{Money, RefundOutcome, RefundReport};
use payment_gateway::GatewayError;
use serde_json::json;

use super::answer::Refusal;
use super::currency;
use super::refund::REFUND_ID;
use crate::client::Reply;
use crate::evidence;
use crate::json::Object;
use crate::refund::{self, Asked, RefundMembers, short, unrecognised};
use crate::text::cut;

const EVIDENCE: [&str; 12] = [
    "id",
    "amount",
    "currency",
    "payment_intent",
    "charge",
    "status",
    "reason",
    "pending_reason",
    "failure_reason",
    "balance_transaction",
    "failure_balance_transaction",
    "created",
];
/// Of the destination: the reference that the payer's bank knows.
const DESTINATION_EVIDENCE: [&str; 3] = ["reference", "reference_status", "type"];

/// The refund in the answer to a refund request.
///
/// # Errors
/// [`GatewayError::Unanswered`] and [`GatewayError::Unreadable`]: it may have been made.
pub fn made(reply: Reply, asked: &Asked<'_>) -> Result<RefundReport, GatewayError> {
    match refusal(&reply) {
        Some(refused) => Ok(refused),
        None => read(reply, asked),
    }
}

/// The refund in the answer to a status request.
///
/// # Errors
/// As of [`made`].
pub fn found(reply: Reply, asked: &Asked<'_>) -> Result<RefundReport, GatewayError> {
    let is_missing = reply.status == 404
        && Refusal::parse(&reply.body).is_some_and(|refusal| refusal.code.as_deref() == Some(MISSING));
    match is_missing {
        true => Ok(refund::report(RefundOutcome::NotFound, json!({ "code": MISSING }))),
        false => made(reply, asked),
    }
}

/// Stripe's code for something it does not know.
const MISSING: &str = "resource_missing";

/// A page of a list of refunds.
pub struct Page {
    pub refunds: Vec<Object>,
    pub has_more: bool,
}

/// The refunds on a page of a list, or the refusal of the request.
///
/// # Errors
/// As of [`made`].
pub fn page(reply: Reply) -> Result<Result<Page, Box<RefundReport>>, GatewayError> {
    if let Some(refused) = refusal(&reply) {
        return Ok(Err(Box::new(refused)));
    }
    let list = object(reply)?;
    let refunds = list.list("data").ok_or_else(|| unreadable("no list of refunds"))?;
    // Of a list that does not say so it is not known whether it is whole.
    let has_more = list.text("has_more").as_deref() != Some("false");
    Ok(Ok(Page { refunds, has_more }))
}

/// Whether it is the refund of our number.
pub fn is_of(refund: &Object, asked: &Asked<'_>) -> bool {
    number(refund).as_deref() == Some(asked.id)
}

/// The report on the one refund of our number.
pub fn one_of(ours: Vec<Object>, asked: &Asked<'_>) -> RefundReport {
    match refund::only(ours, || json!({ "data": [] })) {
        Ok(refund) => report(&refund, asked),
        Err(none) => *none,
    }
}

fn number(refund: &Object) -> Option<String> {
    refund.object("metadata")?.text(REFUND_ID)
}

fn read(reply: Reply, asked: &Asked<'_>) -> Result<RefundReport, GatewayError> {
    let refund = object(reply)?;
    match refund.text("object").as_deref() {
        Some("refund") => Ok(report(&refund, asked)),
        Some(_) | None => Err(unreadable("not a refund")),
    }
}

fn report(refund: &Object, asked: &Asked<'_>) -> RefundReport {
    let (minor, code) = (refund.text("amount"), refund.text("currency"));
    let amount = minor.zip(code).and_then(|(minor, code)| currency::amount(&minor, &code));
    let told = RefundMembers { id: number(refund), payment: refund.text("payment_intent"), amount };
    let word = refund.text("status");
    let why = refund.text("failure_reason").or_else(|| refund.text("pending_reason"));
    let outcome = outcome_of_state(word.as_deref(), amount, why.as_deref());
    let mut raw = evidence::of_object(refund, &EVIDENCE);
    let details = refund.object("destination_details");
    let kind = details.as_ref().and_then(|details| details.text("type"));
    if let Some(destination) = details.zip(kind).and_then(|(details, kind)| details.object(&kind)) {
        raw["destination"] = evidence::of_object(&destination, &DESTINATION_EVIDENCE);
    }
    RefundReport {
        outcome: asked.compare(&told, outcome),
        may_repeat: false,
        gateway_refund_id: short(refund.text("id")),
        status_code: short(word),
        status_message: short(why),
        raw,
    }
}

/// The meaning of a refund's status, which may be null.
pub fn outcome_of_state(word: Option<&str>, amount: Option<Money>, why: Option<&str>) -> RefundOutcome {
    match word {
        Some("succeeded") => RefundOutcome::Succeeded { amount },
        Some("pending" | "requires_action") | None => RefundOutcome::Pending,
        Some(word @ ("failed" | "canceled")) => {
            RefundOutcome::Failed { reason: cut(why.unwrap_or(word), 255).to_owned() }
        }
        Some(other) => unrecognised(other),
    }
}

/// The report on a request that was refused.
fn refusal(reply: &Reply) -> Option<RefundReport> {
    if !(400..500).contains(&reply.status) || matches!(reply.status, 408 | 429) {
        return None;
    }
    let refusal = Refusal::parse(&reply.body);
    let code = refusal.as_ref().map_or_else(|| format!("HTTP_{}", reply.status), Refusal::code);
    let kind = refusal.as_ref().map_or("", |refusal| refusal.kind.as_str());
    let outcome = match (reply.status, kind, code.as_str()) {
        (401 | 403, _, _) => refund::misconfigured(&code),
        // The first request with this key is still worked on.
        (409, _, _) => RefundOutcome::Pending,
        (_, "idempotency_error", _) => {
            RefundOutcome::Unclear { reason: "the number of the refund was used for another one".to_owned() }
        }
        // The list shows by which refund.
        (_, _, "charge_already_refunded") => RefundOutcome::Pending,
        (_, _, "charge_disputed") => {
            RefundOutcome::Unclear { reason: "the payer disputes the payment".to_owned() }
        }
        (_, _, MISSING) => RefundOutcome::Unclear { reason: "Stripe does not know the payment".to_owned() },
        (_, _, other) => unrecognised(other),
    };
    let mut report = refund::report(outcome, json!({ "type": cut(kind, 64), "code": code }));
    report.may_repeat = reply.status == 409;
    report.status_code = short(Some(code));
    Some(report)
}

fn object(reply: Reply) -> Result<Object, GatewayError> {
    let reply = reply.accepted()?;
    Object::parse(&reply.body).ok_or_else(|| unreadable("not a JSON object"))
}

fn unreadable(why: &str) -> GatewayError {
    GatewayError::Unreadable(why.to_owned())
}
