//! Refunds: the requests, and the states. Pure.

use payment_domain::Money;
use serde_json::json;

use super::account::RazorpayAccount;
use super::wire::{Id, call};
use crate::client::{Call, Method};
use crate::refund::RefundState;

/// Gives an amount of a payment back. The receipt is our number of the refund; it does not keep the gateway from
/// doing it twice.
pub fn refund_call(account: &RazorpayAccount, payment: &Id, amount: Money, receipt: &str) -> Call {
    let body = json!({ "amount": amount.minor(), "speed": "normal", "receipt": receipt });
    call(account, Method::POST, &format!("payments/{payment}/refund"), Some(&body))
}

/// Reads a refund.
pub fn refund_status_call(account: &RazorpayAccount, refund: &Id) -> Call {
    call(account, Method::GET, &format!("refunds/{refund}"), None)
}

/// The state of a refund with this status.
pub fn state(status: &str) -> RefundState {
    match status {
        "processed" => RefundState::Succeeded,
        "pending" => RefundState::Pending,
        "failed" => RefundState::Failed,
        _ => RefundState::Unrecognised,
    }
}
