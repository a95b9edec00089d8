//! Requests to Razorpay. Pure.

use std::time::Duration;

use base64::Engine;
use base64::engine::general_purpose::STANDARD;
use payment_domain::Timestamp;
use payment_gateway::Order;
use secrecy::ExposeSecret;
use serde_json::{Value, json};

use super::account::RazorpayAccount;
use crate::account::join;
use crate::client::{Body, Call, Method};
use crate::form;
use crate::text::{cut, one_line};

/// The longest reference of a payment link, in characters.
pub const MAX_REFERENCE: usize = 40;
/// The smallest amount, in paise.
pub const MIN_MINOR: i64 = 100;
/// The longest description, in characters.
const MAX_DESCRIPTION: usize = 255;
/// The longest value of a note, in characters.
const MAX_NOTE: usize = 256;

/// The shortest life of a link that is accepted, and a minute for the way to the gateway.
const SHORTEST_LIFE: Duration = Duration::from_secs((15 + 1) * 60);
/// The longest life of a link; six months are accepted.
const LONGEST_LIFE: Duration = Duration::from_secs(180 * 24 * 3_600);

/// A request of the account.
pub fn call(account: &RazorpayAccount, method: Method, path: &str, body: Option<&Value>) -> Call {
    let credentials = format!("{}:{}", account.key_id, account.key_secret.expose_secret());
    Call {
        method,
        url: join(&account.base_url, path),
        headers: vec![("Authorization".to_owned(), format!("Basic {}", STANDARD.encode(credentials)))],
        body: body.map_or(Body::Empty, |body| Body::Json(body.to_string())),
    }
}

/// Opens a payment link. The payer is not named: the gateway refuses links whose number or name it takes for
/// invented, and its page asks for them.
pub fn create_call(account: &RazorpayAccount, order: &Order<'_>, now: Timestamp) -> Call {
    let txn = order.txn;
    let note = |text: &str| Value::from(cut(&one_line(text), MAX_NOTE));
    let mut body = json!({
        "amount": txn.amount.minor(),
        "currency": txn.amount.currency().code(),
        "accept_partial": false,
        "reference_id": txn.id.as_str(),
        "expire_by": expire_by_s(order.payable_until, now),
        "notify": { "sms": false, "email": false },
        "reminder_enable": false,
        "notes": {
            "txnId": txn.id.as_str(),
            "billId": note(txn.bill_id.as_str()),
            "consumerCode": note(&txn.consumer_code),
            "tenantId": note(txn.tenant_id.as_str()),
        },
        "callback_url": order.return_url,
        "callback_method": "get",
    });
    let description = one_line(&txn.product_info);
    if !description.is_empty() {
        body["description"] = cut(&description, MAX_DESCRIPTION).into();
    }
    call(account, Method::POST, "payment_links", Some(&body))
}

/// When a link expires, in seconds: with the order, but never sooner than the gateway accepts. A link that
/// lives longer than its order stays at the gateway, and keeps the payment pending until it has expired as
/// well.
fn expire_by_s(payable_until: Timestamp, now: Timestamp) -> i64 {
    payable_until.clamp(now.plus(SHORTEST_LIFE), now.plus(LONGEST_LIFE)).as_millis() / 1_000
}

/// Looks for the links with a reference.
pub fn find_call(account: &RazorpayAccount, reference: &str) -> Call {
    let query = form::encode_query(&[("reference_id", reference)]);
    call(account, Method::GET, &format!("payment_links?{query}"), None)
}

/// Reads a link.
pub fn link_call(account: &RazorpayAccount, link: &Id) -> Call {
    call(account, Method::GET, &format!("payment_links/{link}"), None)
}

/// Closes a link.
pub fn cancel_call(account: &RazorpayAccount, link: &Id) -> Call {
    call(account, Method::POST, &format!("payment_links/{link}/cancel"), Some(&json!({})))
}

/// Lists the attempts to pay an order.
pub fn attempts_call(account: &RazorpayAccount, order: &Id) -> Call {
    call(account, Method::GET, &format!("orders/{order}/payments"), None)
}

/// An id that the gateway gave, fit for a path.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Id(String);

impl Id {
    /// The id of a payment link; `None` for anything else.
    pub fn of_link(text: &str) -> Option<Id> {
        Id::of(text, "plink_")
    }

    /// The id of an order; `None` for anything else.
    pub fn of_order(text: &str) -> Option<Id> {
        Id::of(text, "order_")
    }

    /// The id of a payment; `None` for anything else.
    pub fn of_payment(text: &str) -> Option<Id> {
        Id::of(text, "pay_")
    }

    /// The id of a refund; `None` for anything else.
    pub fn of_refund(text: &str) -> Option<Id> {
        Id::of(text, "rfnd_")
    }

    fn of(text: &str, prefix: &str) -> Option<Id> {
        let rest = text.strip_prefix(prefix)?;
        let is_plain =
            (1..=128).contains(&rest.len()) && rest.bytes().all(|byte| byte.is_ascii_alphanumeric());
        is_plain.then(|| Id(text.to_owned()))
    }

    pub fn as_str(&self) -> &str {
        &self.0
    }
}

impl std::fmt::Display for Id {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.write_str(&self.0)
    }
}
