//! Requests to the router. Pure.

use payment_domain::{Money, Timestamp, TxnId};
use payment_gateway::Order;
use secrecy::ExposeSecret;
use serde_json::{Value, json};

use super::REFERENCE;
use super::account::HyperswitchAccount;
use crate::account::join;
use crate::client::{Body, Call, Method};
use crate::digest::name_of_30;
use crate::text::{cut, one_line};

/// The shortest and the longest life of a link that the router takes, in seconds.
const SESSION_EXPIRY_S: (u64, u64) = (60, 7_890_000);
/// The longest description, in characters.
const MAX_DESCRIPTION: usize = 255;

/// The router's number of a transaction's payment: always the same, and of the form that the router takes,
/// exactly 30 letters, digits, `_` and `-`. The id itself goes along as the merchant's reference.
pub fn payment_id(id: &TxnId) -> String {
    name_of_30(id.as_str())
}

/// A payment to be created.
#[derive(Debug, Clone, Copy)]
pub struct NewPayment<'a> {
    pub id: &'a str,
    pub amount: Money,
    /// Our transaction id.
    pub reference: &'a str,
    /// A text for the payer.
    pub description: &'a str,
    /// The absolute URL that the browser comes back to.
    pub return_url: &'a str,
    /// For how many seconds the link can be used.
    pub session_expiry_s: u64,
}

impl<'a> NewPayment<'a> {
    /// The payment of an order that is opened now. Its link ends with the order's life.
    pub fn of(id: &'a str, order: &Order<'a>, now: Timestamp) -> NewPayment<'a> {
        let left_s = order.payable_until.since(now).as_secs();
        NewPayment {
            id,
            amount: order.txn.amount,
            reference: order.txn.id.as_str(),
            description: &order.txn.product_info,
            return_url: order.return_url,
            session_expiry_s: left_s.clamp(SESSION_EXPIRY_S.0, SESSION_EXPIRY_S.1),
        }
    }
}

/// Creates a payment and its link.
pub fn create_call(account: &HyperswitchAccount, payment: &NewPayment<'_>) -> Call {
    let mut body = json!({
        "payment_id": payment.id,
        "merchant_order_reference_id": payment.reference,
        "amount": payment.amount.minor(),
        "currency": payment.amount.currency().code(),
        "confirm": false,
        "capture_method": "automatic",
        "payment_link": true,
        "session_expiry": payment.session_expiry_s,
        "return_url": payment.return_url,
        // Routers that do not know the reference still give the metadata back.
        "metadata": { REFERENCE: payment.reference },
    });
    let description = one_line(payment.description);
    if !description.is_empty() {
        body["description"] = cut(&description, MAX_DESCRIPTION).into();
    }
    if let Some(profile_id) = &account.profile_id {
        body["profile_id"] = profile_id.as_str().into();
    }
    call(account, Method::POST, "payments", Some(&body))
}

/// Reads a payment. `force_sync` lets the router ask the provider as long as the payment is under way there:
/// without it a missing webhook of the provider would leave the payment open for ever. Status requests need a
/// reason and are paced, so that the router's limits are kept.
pub fn status_call(account: &HyperswitchAccount, payment_id: &str) -> Call {
    call(account, Method::GET, &format!("payments/{payment_id}?force_sync=true"), None)
}

/// Asks for a payment as the router has it, for its link.
pub fn link_call(account: &HyperswitchAccount, payment_id: &str) -> Call {
    call(account, Method::GET, &format!("payments/{payment_id}"), None)
}

/// Cancels a payment.
pub fn cancel_call(account: &HyperswitchAccount, payment_id: &str) -> Call {
    let body = json!({ "cancellation_reason": "superseded by another payment" });
    call(account, Method::POST, &format!("payments/{payment_id}/cancel"), Some(&body))
}

/// A request of the account.
pub fn call(account: &HyperswitchAccount, method: Method, path: &str, body: Option<&Value>) -> Call {
    Call {
        method,
        url: join(&account.base_url, path),
        headers: vec![("api-key".to_owned(), account.api_key.expose_secret().to_owned())],
        body: body.map_or(Body::Empty, |body| Body::Json(body.to_string())),
    }
}

#[cfg(test)]
mod tests {
    use std::collections::HashSet;

    use super::*;

    fn number_of(id: &str) -> String {
        payment_id(&TxnId::new(id).unwrap())
    }

    #[test]
    fn a_payment_has_one_number_of_the_routers_form() {
        assert_eq!(number_of("PB_PG_2024_03_15_000123_45"), number_of("PB_PG_2024_03_15_000123_45"));
        let mut numbers = HashSet::new();
        let long = "x".repeat(128);
        let ids =
            ["T1", "T1-", "T1_", "t1", "PB_PG_2024_03_15_000123_45", "PB_PG_2024_03_15_000123_4", &long];
        for id in ids.map(str::to_owned).into_iter().chain((0..5_000).map(|id| format!("PB_PG_{id}"))) {
            let number = number_of(&id);
            assert_eq!(number.len(), 30, "{id}");
            assert!(number.bytes().all(|byte| byte.is_ascii_alphanumeric() || b"_-".contains(&byte)), "{id}");
            assert!(numbers.insert(number), "{id}");
        }
    }
}
