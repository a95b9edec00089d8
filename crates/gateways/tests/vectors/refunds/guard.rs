//! The refundable rest of a payment.

use payment_domain::refund::machine::available;
use payment_domain::{Currency, Money, RefundStatus};

use super::{no_way, rupees};
use crate::vector::{Checked, Vector, Verdict};

/// Runs one vector.
pub(crate) fn run(vector: &Vector) -> Verdict {
    match (vector.scheme.as_str(), vector.kind.as_str()) {
        ("refund-guard", "refund_guard") => guard(vector).into(),
        _ => no_way(vector),
    }
}

fn guard(vector: &Vector) -> Checked {
    let captured = rupees(vector.input("captured_rupees")?)?;
    let mut live = Vec::new();
    for refund in vector.inputs["refunds"].as_array().ok_or("no refunds")? {
        let status = match refund["status"].as_str() {
            Some("SUCCESS") => RefundStatus::Succeeded,
            Some("FAILURE") => RefundStatus::Failed,
            Some("PENDING" | "NOT_FOUND" | "ERROR") => RefundStatus::Sent,
            other => return Err(format!("no status {other:?}")),
        };
        if status.is_live() {
            live.push(rupees(refund["amount_rupees"].as_str().ok_or("no amount")?)?);
        }
    }
    let new = Money::parse(vector.input("new_rupees")?, Currency::INR).ok().filter(|new| new.minor() > 0);
    let why = match (new, available(captured, live)) {
        (None, _) => Some("amount"),
        (Some(new), Some(available)) if new.minor() <= available.minor() => None,
        (Some(_), _) => Some("exceeds"),
    };
    vector.compare(&[("allowed", why.is_none().into()), ("why", why.into())])
}
