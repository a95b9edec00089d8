//! Refunds: the request. Pure.

use payment_domain::Money;
use serde_json::json;

use super::account::HyperswitchAccount;
use super::wire::call;
use crate::client::{Call, Method};

/// Gives an amount of a payment back. `refund_id` is our number of it, 30 letters, digits, `_` and `-`.
pub fn refund_call(
    account: &HyperswitchAccount,
    payment_id: &str,
    refund_id: &str,
    amount: Money,
    reason: &str,
) -> Call {
    let body = json!({
        "payment_id": payment_id,
        "refund_id": refund_id,
        "amount": amount.minor(),
        "reason": reason,
    });
    call(account, Method::POST, "refunds", Some(&body))
}
