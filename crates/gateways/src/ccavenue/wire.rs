//! Requests to CCAvenue, and the messages that browsers and webhooks bring. Pure.

use std::borrow::Cow;

use payment_domain::{Transaction, TxnId};
use payment_gateway::{Answer, Order, Redirect};
use serde::Serialize;

use super::account::{CcavenueAccount, SubAccount};
use super::cipher::WorkingKey;
use crate::account::RedirectThrough;
use crate::client::{Body, Call, Method};
use crate::digest::name_of_30;
use crate::form::{in_query, unique};
use crate::text::{ascii, cut};

/// The parameter with the order's number that is not encrypted.
pub const ORDER_NUMBER: &str = "orderNo";
/// The parameter of the encrypted message.
const MESSAGE: &str = "encResp";
/// The member with the order's number.
const ORDER_ID: &str = "order_id";
/// The member with our transaction id where the order has another number.
const TRANSACTION_ID: &str = "merchant_param2";

/// The longest order number.
const MAX_ORDER_ID: usize = 30;
/// The longest name, in characters.
const MAX_NAME: usize = 60;
/// The longest e-mail address, in characters.
const MAX_EMAIL: usize = 70;
/// The longest parameter of the merchant's own, in characters.
const MAX_PARAMETER: usize = 100;

/// The version of the API whose answers are flat.
const STATUS_VERSION: &str = "1.2";

/// CCAvenue's number of a transaction's order: its id, or where that is longer than CCAvenue takes, a name of it. The
/// id itself goes along as a parameter of the merchant's own.
pub fn order_number(id: &TxnId) -> Cow<'_, str> {
    let id = id.as_str();
    let fits = id.len() <= MAX_ORDER_ID
        && id.bytes().all(|byte| byte.is_ascii_alphanumeric() || b"-_/".contains(&byte));
    if fits { id.into() } else { name_of_30(id).into() }
}

/// The way to the pay page: a form, or the same fields in a link.
pub fn pay_redirect(account: &CcavenueAccount, order: &Order<'_>) -> Redirect {
    let fields = vec![
        ("encRequest".to_owned(), account.pay.working_key.encrypt(&request_text(account, order))),
        ("access_code".to_owned(), account.pay.access_code.clone()),
    ];
    match account.redirect_through {
        RedirectThrough::Application => Redirect::To(in_query(&account.pay_url, &fields)),
        RedirectThrough::Service => Redirect::Form { action: account.pay_url.clone(), fields },
    }
}

/// The text of an order before it is encrypted.
pub fn request_text(account: &CcavenueAccount, order: &Order<'_>) -> String {
    let Order { txn, return_url, .. } = order;
    let return_url = url_value(return_url);
    let payer = &txn.payer;
    let number = order_number(&txn.id);
    let id_beside = if number == txn.id.as_str() { "" } else { txn.id.as_str() };
    let members = [
        ("merchant_id", Cow::from(&account.merchant_id)),
        (ORDER_ID, number.clone()),
        ("currency", txn.amount.currency().code().into()),
        ("amount", txn.amount.to_string().into()),
        ("redirect_url", return_url.clone()),
        ("cancel_url", return_url),
        ("language", plain(&account.language, MAX_NAME).into()),
        ("billing_name", plain(payer.name.expose(), MAX_NAME).into()),
        ("billing_tel", telephone(payer.mobile_number.expose()).into()),
        ("billing_email", email(payer.email_id.as_ref().map_or("", |email| email.expose())).into()),
        ("merchant_param1", plain(txn.module.as_deref().unwrap_or_default(), MAX_PARAMETER).into()),
        (TRANSACTION_ID, plain(id_beside, MAX_PARAMETER).into()),
        ("sub_account_id", sub_account(account, txn).into()),
    ];
    let sent: Vec<String> = members
        .into_iter()
        .filter(|(_, value)| !value.is_empty())
        .map(|(name, value)| format!("{name}={value}"))
        .collect();
    sent.join("&")
}

/// As egov-pg-service names it: the tenant without its dots.
fn sub_account(account: &CcavenueAccount, txn: &Transaction) -> String {
    match account.sub_account {
        SubAccount::None => String::new(),
        SubAccount::Tenant => plain(&txn.tenant_id.as_str().replace('.', ""), MAX_PARAMETER),
    }
}

/// A URL as the value of a member. CCAvenue decodes values as those of a query: characters that it would
/// decode or split at are encoded once.
fn url_value(url: &str) -> Cow<'static, str> {
    url.replace('%', "%25").replace('&', "%26").replace('+', "%2B").into()
}

/// Free text in the letters that CCAvenue takes: others are written in ASCII or become spaces.
fn plain(text: &str, max_chars: usize) -> String {
    let kept = |c: char| c.is_ascii_alphanumeric() || " .,-_".contains(c);
    let ascii = ascii(text).replace(|c| !kept(c), " ");
    let words: Vec<&str> = ascii.split_whitespace().collect();
    cut(&words.join(" "), max_chars).trim_end().to_owned()
}

/// A number of digits; any other is left out, because its digits could be another payer's.
fn telephone(number: &str) -> &str {
    if number.len() <= 20 && number.bytes().all(|byte| byte.is_ascii_digit()) { number } else { "" }
}

/// An address that needs no encoding; any other is left out, because a changed one could be another payer's.
fn email(address: &str) -> &str {
    let needs_none = |byte: u8| byte.is_ascii_alphanumeric() || b"@._-".contains(&byte);
    if address.len() <= MAX_EMAIL && address.bytes().all(needs_none) { address } else { "" }
}

/// A request about an order: by its number, and by CCAvenue's number of one attempt where that is given.
#[derive(Serialize)]
struct Question<'a> {
    #[serde(skip_serializing_if = "Option::is_none")]
    reference_no: Option<&'a str>,
    order_no: &'a str,
}

/// The status request about an order, or about one attempt to pay it.
pub fn status_call(account: &CcavenueAccount, id: &TxnId, attempt: Option<&str>) -> Call {
    let question = Question { reference_no: attempt, order_no: &order_number(id) };
    // Texts under fixed names: writing them cannot fail, and an empty request is answered with an error.
    let json = serde_json::to_string(&question).unwrap_or_default();
    api_call(account, "orderStatusTracker", STATUS_VERSION, &json)
}

/// A command to the API.
pub fn api_call(account: &CcavenueAccount, command: &str, version: &str, json: &str) -> Call {
    let request = account.api.working_key.encrypt(json);
    let fields = [
        ("enc_request", request.as_str()),
        ("access_code", &account.api.access_code),
        ("command", command),
        ("request_type", "JSON"),
        ("response_type", "JSON"),
        ("version", version),
    ];
    Call {
        method: Method::POST,
        url: account.status_url.clone(),
        headers: Vec::new(),
        body: Body::Form(fields.map(|(name, value)| (name.to_owned(), value.to_owned())).into()),
    }
}

/// The order that an answer of a browser or a webhook names. Nothing of it is proven.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Named {
    /// The order with this number, in all of its parts that name one, and the transaction that it is of.
    Order { number: String, id: Option<TxnId> },
    /// Different orders in different parts.
    Several,
    /// None, in a message that this account's keys do not open.
    Unreadable,
    /// None, and there is no message.
    Nothing,
}

/// The order that an answer names.
pub fn named(account: &CcavenueAccount, answer: &Answer) -> Named {
    let number = answer.params.get(ORDER_NUMBER).filter(|number| !number.is_empty());
    let Some(message) = answer.params.get(MESSAGE) else {
        return number.map_or(Named::Nothing, |number| Named::Order {
            id: TxnId::new(number).ok(),
            number: number.to_owned(),
        });
    };
    let keys = [Some(&account.pay.working_key), account.previous_key.as_ref()];
    match keys.into_iter().flatten().find_map(|key| order_in(key, message)) {
        None => Named::Unreadable,
        Some((order, _)) if number.is_some_and(|number| number != order) => Named::Several,
        Some((number, id)) => Named::Order { number, id },
    }
}

/// The number of the order in a message, and its transaction; `None` when it holds none, or more than one.
fn order_in(key: &WorkingKey, message: &str) -> Option<(String, Option<TxnId>)> {
    let plain = key.decrypt_padded(message)?;
    let text = String::from_utf8_lossy(&plain);
    let named = unique(members(&text).filter(|(name, _)| [ORDER_ID, TRANSACTION_ID].contains(name)))?;
    // At the end of the message the padding is still there.
    let value = |name: &str| named.get(name).map(|value| value.trim_end_matches(char::is_control));
    let number = value(ORDER_ID).filter(|number| !number.is_empty())?;
    let beside = value(TRANSACTION_ID).and_then(|id| TxnId::new(id).ok());
    let id = beside.filter(|id| order_number(id) == number).or_else(|| TxnId::new(number).ok());
    Some((number.to_owned(), id))
}

/// The members of a decrypted message, values as they are.
pub fn members(text: &str) -> impl Iterator<Item = (&str, &str)> {
    text.split('&').filter_map(|pair| pair.split_once('='))
}
