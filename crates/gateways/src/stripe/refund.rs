//! Refunds: the request, and the states. Pure.

use payment_domain::Money;

use super::account::StripeAccount;
use super::wire::call;
use crate::client::{Body, Call, Method};
use crate::refund::RefundState;

/// Gives an amount of a payment back. Repeated with the same number it is answered with the same refund.
pub fn refund_call(account: &StripeAccount, payment_intent: &str, amount: Money, refund_id: &str) -> Call {
    let fields = [
        ("payment_intent", payment_intent.to_owned()),
        ("amount", amount.minor().to_string()),
        ("metadata[refundId]", refund_id.to_owned()),
    ];
    let body = Body::Form(fields.map(|(name, value)| (name.to_owned(), value)).into());
    let mut call = call(account, Method::POST, "refunds", body);
    call.headers.push(("Idempotency-Key".to_owned(), refund_id.to_owned()));
    call
}

/// The state of a refund with this status.
pub fn state(status: &str) -> RefundState {
    match status {
        "succeeded" => RefundState::Succeeded,
        "pending" | "requires_action" => RefundState::Pending,
        "failed" | "canceled" => RefundState::Failed,
        _ => RefundState::Unrecognised,
    }
}
