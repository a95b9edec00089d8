//! Requests to Paytm: the pay forms and the calls. Pure.

use payment_domain::{Payer, TxnId};
use payment_gateway::{Order, Redirect};
use serde_json::{Map, Value, json};

use super::account::{Legacy, PaytmAccount, V3};
use super::signature::{self, CHECKSUM_FIELD, MerchantKey, SEPARATOR, Salt};
use crate::account::RedirectThrough;
use crate::client::{Body, Call, Method};
use crate::form::in_query;
use crate::text::{cut, one_line};

/// The longest `ORDER_ID`.
const MAX_ORDER_ID: usize = 50;
/// The longest `CUST_ID`.
const MAX_CUSTOMER_ID: usize = 64;

/// Whether Paytm takes this as an order id: up to 50 letters, digits, `@`, `_`, `-` and `.`.
pub fn is_order_id(id: &TxnId) -> bool {
    let id = id.as_str();
    let allowed = |byte: u8| byte.is_ascii_alphanumeric() || b"@_-.".contains(&byte);
    id.len() <= MAX_ORDER_ID && id.bytes().all(allowed)
}

/// The way to the legacy pay page: a form, or the same fields in a link, as
/// egov-pg-service gives it.
pub fn pay_redirect(account: &PaytmAccount, legacy: &Legacy, order: &Order<'_>, salt: Salt) -> Redirect {
    let fields = pay_form(account, legacy, order, salt);
    match legacy.redirect_through {
        RedirectThrough::Application => Redirect::To(in_query(&legacy.pay_url, &fields)),
        RedirectThrough::Service => Redirect::Form { action: legacy.pay_url.clone(), fields },
    }
}

/// The signed fields of a legacy payment.
pub fn pay_form(
    account: &PaytmAccount,
    legacy: &Legacy,
    order: &Order<'_>,
    salt: Salt,
) -> Vec<(String, String)> {
    let payer = &order.txn.payer;
    let mut fields = Fields::default();
    fields.add("MID", &account.merchant_id);
    fields.add("ORDER_ID", order.txn.id.as_str());
    fields.add("CUST_ID", &customer_id(payer, &order.txn.id));
    fields.add("INDUSTRY_TYPE_ID", &legacy.industry_type);
    fields.add("CHANNEL_ID", &legacy.channel_id);
    fields.add("TXN_AMOUNT", &order.txn.amount.to_string());
    fields.add("WEBSITE", &account.website);
    if let Some(email) = &payer.email_id {
        fields.add("EMAIL", email.expose());
    }
    fields.add("MOBILE_NO", payer.mobile_number.expose());
    fields.add("CALLBACK_URL", &callback_url(order));
    fields.sign(account, salt)
}

/// The legacy status request about a payment.
pub fn legacy_status_call(account: &PaytmAccount, legacy: &Legacy, id: &TxnId, salt: Salt) -> Call {
    let mut fields = Fields::default();
    fields.add("MID", &account.merchant_id);
    fields.add("ORDERID", id.as_str());
    let members = fields.sign(account, salt).into_iter().map(|(name, value)| (name, Value::from(value)));
    post_json(legacy.status_url.clone(), Value::Object(Map::from_iter(members)).to_string())
}

/// Opens an order. Repeated with the same order it opens no second one.
pub fn initiate_call(account: &PaytmAccount, v3: &V3, order: &Order<'_>, salt: Salt) -> Call {
    let payer = &order.txn.payer;
    let mut user = Map::new();
    user.insert("custId".to_owned(), customer_id(payer, &order.txn.id).into());
    let email = payer.email_id.as_ref().and_then(|email| sendable(email.expose()));
    let optional = [("mobile", sendable(payer.mobile_number.expose())), ("email", email)];
    user.extend(optional.into_iter().filter_map(|(name, value)| Some((name.to_owned(), value?.into()))));
    let body = json!({
        "requestType": "Payment",
        "mid": account.merchant_id,
        "websiteName": account.website,
        "orderId": order.txn.id.as_str(),
        "callbackUrl": callback_url(order),
        "txnAmount": { "value": order.txn.amount.to_string(), "currency": order.txn.amount.currency().code() },
        "userInfo": user,
    });
    post_json(
        named(&v3.initiate_url, account, &order.txn.id),
        envelope(&account.key, &body.to_string(), salt),
    )
}

/// The form with which the payer's browser opens the pay page of an opened order.
pub fn page_form(
    account: &PaytmAccount,
    v3: &V3,
    id: &TxnId,
    token: &str,
) -> (String, Vec<(String, String)>) {
    let fields = [("mid", account.merchant_id.as_str()), ("orderId", id.as_str()), ("txnToken", token)];
    let fields = fields.map(|(name, value)| (name.to_owned(), value.to_owned()));
    (named(&v3.page_url, account, id), fields.into())
}

/// The current status request about a payment.
pub fn status_call(account: &PaytmAccount, v3: &V3, id: &TxnId, salt: Salt) -> Call {
    let body = json!({ "mid": account.merchant_id, "orderId": id.as_str() });
    post_json(v3.status_url.clone(), envelope(&account.key, &body.to_string(), salt))
}

/// A body in its signed envelope. The signature covers `body` as it is written here.
pub fn envelope(key: &MerchantKey, body: &str, salt: Salt) -> String {
    // Base64 holds nothing that JSON would have to escape.
    let signature = signature::checksum(key, body, salt);
    format!(r#"{{"body":{body},"head":{{"signature":"{signature}"}}}}"#)
}

/// A form in the making.
#[derive(Default)]
struct Fields(Vec<(String, String)>);

impl Fields {
    /// Adds a field unless there is nothing to send.
    fn add(&mut self, name: &str, value: &str) {
        if let Some(value) = sendable(value) {
            self.0.push((name.to_owned(), value));
        }
    }

    fn sign(mut self, account: &PaytmAccount, salt: Salt) -> Vec<(String, String)> {
        let pairs = self.0.iter().map(|(name, value)| (name.as_str(), value.as_str()));
        let checksum = signature::checksum(&account.key, &signature::text_of_form(pairs), salt);
        self.0.push((CHECKSUM_FIELD.to_owned(), checksum));
        self.0
    }
}

/// The value on one line and without the separator of signed values; `None` for nothing and for the
/// word `null`, which the vendor's own libraries sign in two different ways.
fn sendable(value: &str) -> Option<String> {
    let value = one_line(&value.replace(SEPARATOR, " "));
    Some(value).filter(|value| !value.is_empty() && !value.eq_ignore_ascii_case("null"))
}

/// Where the browser comes back to; the separator of signed values is written as URLs escape it.
fn callback_url(order: &Order<'_>) -> String {
    order.return_url.replace(SEPARATOR, "%7C")
}

/// The payer's login name, as DIGIT has always sent it, else an identifier of the payer or at least of the
/// payment.
fn customer_id(payer: &Payer, id: &TxnId) -> String {
    let named = sendable(payer.user_name.expose()).or_else(|| sendable(&payer.uuid));
    cut(&named.unwrap_or_else(|| id.as_str().to_owned()), MAX_CUSTOMER_ID).to_owned()
}

fn named(url: &str, account: &PaytmAccount, id: &TxnId) -> String {
    in_query(url, &[("mid", account.merchant_id.as_str()), ("orderId", id.as_str())])
}

pub(super) fn post_json(url: String, text: String) -> Call {
    Call { method: Method::POST, url, headers: Vec::new(), body: Body::Json(text) }
}
