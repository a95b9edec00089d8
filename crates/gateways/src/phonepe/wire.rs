//! Requests to PhonePe, in each of its protocols. Pure.

use payment_domain::{Payer, Timestamp, TxnId};
use payment_gateway::Order;
use secrecy::ExposeSecret;
use serde_json::{Map, Value, json};

use super::account::{Checkout, Salted};
use super::signature;
use crate::account::{RedirectThrough, join};
use crate::client::{Body, Call, Method};
use crate::text::{cut, one_line};

/// The longest transaction id in the signed protocols.
const MAX_ID: usize = 34;
/// The longest order id in Standard Checkout.
const MAX_CHECKOUT_ID: usize = 63;
/// The longest `merchantUserId`.
const MAX_USER_ID: usize = 35;
/// The longest text shown to the payer, in characters.
const MAX_MESSAGE: usize = 100;
/// The smallest amount Standard Checkout takes, in paise.
pub const MIN_CHECKOUT_MINOR: i64 = 100;

/// Whether the signed protocols take this as a transaction id.
pub fn is_transaction_id(id: &TxnId) -> bool {
    is_plain(id.as_str(), MAX_ID)
}

/// Whether Standard Checkout takes this as an order id.
pub fn is_checkout_id(id: &TxnId) -> bool {
    is_plain(id.as_str(), MAX_CHECKOUT_ID)
}

/// Letters, digits, `_` and `-`, at least one and not too many.
fn is_plain(text: &str, max: usize) -> bool {
    (1..=max).contains(&text.len())
        && text.bytes().all(|byte| byte.is_ascii_alphanumeric() || b"_-".contains(&byte))
}

/// A signed call that carries a payload.
pub fn signed_post(account: &Salted, path: &str, payload: &str, headers: &[(&str, &str)]) -> Call {
    let payload = signature::encode(payload);
    let x_verify = account.salt.x_verify(&payload, path);
    Call {
        method: Method::POST,
        url: join(&account.host, path),
        headers: named(&[&[("X-VERIFY", x_verify.as_str())], headers].concat()),
        body: Body::Json(json!({ "request": payload }).to_string()),
    }
}

/// A signed status request.
pub fn signed_get(account: &Salted, path: &str, headers: &[(&str, &str)]) -> Call {
    let x_verify = account.salt.x_verify("", path);
    let own = [("Content-Type", "application/json"), ("X-VERIFY", x_verify.as_str())];
    Call {
        method: Method::GET,
        url: join(&account.host, path),
        headers: named(&[&own, headers].concat()),
        body: Body::Empty,
    }
}

/// Opens a legacy payment; the answer redirects to the pay page.
pub fn legacy_pay_call(account: &Salted, order: &Order<'_>) -> Call {
    let mut payload = Map::new();
    payload.insert("merchantId".to_owned(), account.merchant_id.as_str().into());
    payload.insert("transactionId".to_owned(), order.txn.id.as_str().into());
    payload.insert("merchantUserId".to_owned(), user_id(&order.txn.payer, &order.txn.id).into());
    payload.insert("amount".to_owned(), order.txn.amount.minor().into());
    payload.insert("merchantOrderId".to_owned(), order.txn.bill_id.as_str().into());
    add_mobile_number(&mut payload, &order.txn.payer);
    payload.insert("message".to_owned(), message(order).into());
    let mut headers = vec![("X-REDIRECT-URL", order.return_url), ("X-REDIRECT-MODE", "POST")];
    headers.extend(order.notify_url.map(|url| ("X-CALLBACK-URL", url)));
    signed_post(account, &account.pay_path, &Value::Object(payload).to_string(), &headers)
}

/// Opens a payment in the v1 protocol; the answer names the pay page.
pub fn v1_pay_call(account: &Salted, order: &Order<'_>) -> Call {
    // An application's page may accept no forms, and the form's content is not trustworthy.
    let redirect_mode = match account.redirect_through {
        RedirectThrough::Application => "REDIRECT",
        RedirectThrough::Service => "POST",
    };
    let mut payload = Map::new();
    payload.insert("merchantId".to_owned(), account.merchant_id.as_str().into());
    payload.insert("merchantTransactionId".to_owned(), order.txn.id.as_str().into());
    payload.insert("merchantUserId".to_owned(), user_id(&order.txn.payer, &order.txn.id).into());
    payload.insert("amount".to_owned(), order.txn.amount.minor().into());
    payload.insert("redirectUrl".to_owned(), order.return_url.into());
    payload.insert("redirectMode".to_owned(), redirect_mode.into());
    if let Some(notify_url) = order.notify_url {
        payload.insert("callbackUrl".to_owned(), notify_url.into());
    }
    add_mobile_number(&mut payload, &order.txn.payer);
    payload.insert("paymentInstrument".to_owned(), json!({ "type": "PAY_PAGE" }));
    signed_post(account, &account.pay_path, &Value::Object(payload).to_string(), &[])
}

/// The legacy status request about a payment.
pub fn legacy_status_call(account: &Salted, id: &str) -> Call {
    let path = format!("{}/{}/{}/status", account.status_path, segment(&account.merchant_id), segment(id));
    signed_get(account, &path, &[])
}

/// The v1 status request about a payment.
pub fn v1_status_call(account: &Salted, id: &str) -> Call {
    let path = format!("{}/{}/{}", account.status_path, segment(&account.merchant_id), segment(id));
    signed_get(account, &path, &[("X-MERCHANT-ID", &account.merchant_id)])
}

/// Asks for a token of Standard Checkout.
pub fn token_call(account: &Checkout) -> Call {
    let fields = [
        ("client_id", account.client_id.as_str()),
        ("client_secret", account.client_secret.expose_secret()),
        ("grant_type", "client_credentials"),
        ("client_version", &account.client_version),
    ];
    Call {
        method: Method::POST,
        url: account.token_url.clone(),
        headers: Vec::new(),
        body: Body::Form(named(&fields)),
    }
}

/// The shortest and the longest time to pay that Standard Checkout takes, in seconds.
const EXPIRE_AFTER_S: (u32, u32) = (300, 3_600);

/// An order of Standard Checkout.
#[derive(Debug, Clone)]
pub struct CheckoutOrder<'a> {
    pub id: &'a str,
    /// In paise.
    pub amount_minor: i64,
    /// Where the browser comes back to.
    pub redirect_url: &'a str,
    /// A text for the payer.
    pub message: Option<String>,
    /// For how many seconds it can be paid.
    pub expire_after_s: Option<u32>,
    /// `udf1` and so on: values returned with every status.
    pub meta: Vec<(&'a str, &'a str)>,
}

impl<'a> CheckoutOrder<'a> {
    /// The order of a transaction, opened now. Its id is sent along a second time, because a status
    /// repeats only that. It expires when it is given up here, or earlier.
    pub fn of(account: &Checkout, order: &Order<'a>, now: Timestamp) -> CheckoutOrder<'a> {
        let left_s = u32::try_from(order.payable_until.since(now).as_secs()).unwrap_or(u32::MAX);
        let expire_after_s = account.expire_after_s.map_or(left_s, |set| set.min(left_s));
        CheckoutOrder {
            id: order.txn.id.as_str(),
            amount_minor: order.txn.amount.minor(),
            redirect_url: order.return_url,
            message: Some(message(order)).filter(|message| !message.is_empty()),
            expire_after_s: Some(expire_after_s.clamp(EXPIRE_AFTER_S.0, EXPIRE_AFTER_S.1)),
            meta: vec![("udf1", order.txn.id.as_str())],
        }
    }
}

/// Opens an order of Standard Checkout; the answer names the pay page.
pub fn checkout_pay_call(account: &Checkout, authorization: &str, order: &CheckoutOrder<'_>) -> Call {
    let mut flow = json!({ "type": "PG_CHECKOUT", "merchantUrls": { "redirectUrl": order.redirect_url } });
    if let Some(message) = &order.message {
        flow["message"] = message.as_str().into();
    }
    let mut body = json!({
        "merchantOrderId": order.id,
        "amount": order.amount_minor,
        "paymentFlow": flow,
    });
    if let Some(seconds) = order.expire_after_s {
        body["expireAfter"] = seconds.into();
    }
    if !order.meta.is_empty() {
        let meta = order.meta.iter().map(|(name, value)| ((*name).to_owned(), Value::from(*value)));
        body["metaInfo"] = Value::Object(Map::from_iter(meta));
    }
    Call {
        method: Method::POST,
        url: account.pay_url.clone(),
        headers: named(&[("Authorization", authorization)]),
        body: Body::Json(body.to_string()),
    }
}

/// The status request about an order of Standard Checkout.
pub fn checkout_status_call(account: &Checkout, authorization: &str, id: &str) -> Call {
    Call {
        method: Method::GET,
        url: format!("{}/{}/status?details=false", account.status_url, segment(id)),
        headers: named(&[("Authorization", authorization), ("Content-Type", "application/json")]),
        body: Body::Empty,
    }
}

/// The payer's login name, as DIGIT has always sent it, where PhonePe takes it; else an identifier of the
/// payer or at least of the payment.
pub(super) fn user_id(payer: &Payer, id: &TxnId) -> String {
    let candidates = [payer.user_name.expose().to_owned(), payer.uuid.replace('-', "")];
    let taken = candidates.into_iter().find(|candidate| is_plain(candidate, MAX_USER_ID));
    taken.unwrap_or_else(|| id.as_str().to_owned())
}

fn add_mobile_number(payload: &mut Map<String, Value>, payer: &Payer) {
    let number = payer.mobile_number.expose();
    if (6..=15).contains(&number.len()) && number.bytes().all(|byte| byte.is_ascii_digit()) {
        payload.insert("mobileNumber".to_owned(), number.into());
    }
}

fn message(order: &Order<'_>) -> String {
    cut(&one_line(&order.txn.product_info), MAX_MESSAGE).to_owned()
}

/// A text as one segment of a path.
pub(super) fn segment(text: &str) -> String {
    let encoded: String = form_urlencoded::byte_serialize(text.as_bytes()).collect();
    encoded.replace('+', "%20")
}

pub(super) fn named(pairs: &[(&str, &str)]) -> Vec<(String, String)> {
    pairs.iter().map(|(name, value)| ((*name).to_owned(), (*value).to_owned())).collect()
}
