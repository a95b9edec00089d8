//! Paytm: the legacy protocol and v3. Both send the browser back, and the webhook off, with the same
//! signed form.

mod legacy;
pub(crate) mod refunds;
mod v3;
mod words;

use std::collections::BTreeMap;

use axum::Router;
use axum::routing::{get, post};
use secrecy::ExposeSecret;

use super::Providers;
use super::form::Fields;
use super::moment;
use super::order::{ReturnTo, Said, Statement};
use super::settings::PaytmAccount;
use super::signature::paytm::{CHECKSUM, is_valid, new_salt, sign, text_of_form};
use crate::WayBack;

/// The field that names the merchant in the legacy protocol.
const MERCHANT: &str = "MID";

pub(crate) fn router() -> Router<Providers> {
    Router::new()
        .route("/theia/processTransaction", get(legacy::open_by_link).post(legacy::open_by_form))
        .route("/merchant-status/getTxnStatus", post(legacy::ask))
        .route("/theia/api/v1/initiateTransaction", post(v3::initiate))
        .route("/theia/api/v1/showPaymentPage", post(v3::show_page))
        .route("/v3/order/status", post(v3::ask))
        .route("/refund/apply", post(refunds::apply))
        .route("/v2/refund/status", post(refunds::status))
}

/// Whether a request proves to have the account's key; one without a checksum names its id.
pub(crate) fn is_from(account: &PaytmAccount, query: &str, body: &[u8]) -> bool {
    if let Some(is_signed) = v3::is_signed(account, body) {
        return is_signed;
    }
    let members = serde_json::from_slice::<BTreeMap<String, String>>(body);
    let pairs: Vec<(String, String)> = match members {
        Ok(members) => members.into_iter().collect(),
        Err(_) => {
            let forms = [query.as_bytes(), body].map(|form| Fields::decode(form).unwrap_or_default());
            let pairs = forms.iter().flat_map(Fields::pairs);
            pairs.map(|(name, value)| (name.to_owned(), value.to_owned())).collect()
        }
    };
    let pairs = || pairs.iter().map(|(name, value)| (name.as_str(), value.as_str()));
    let is_named =
        pairs().any(|(name, value)| name.eq_ignore_ascii_case(MERCHANT) && value == account.merchant_id);
    let checksum = pairs().find(|(name, _)| *name == CHECKSUM);
    let is_signed = |(_, checksum): (&str, &str)| {
        is_valid(account.key.expose_secret().as_bytes(), &text_of_form(pairs()), checksum)
    };
    is_named && checksum.is_none_or(is_signed)
}

/// A checksum over a text by the merchant's key, or by another when the statement is not to be genuine.
fn checksum(account: &PaytmAccount, text: &str, genuine: bool) -> String {
    let key = if genuine { account.key.expose_secret() } else { "another sixteen!" };
    // The key's length was checked at the start.
    sign(key.as_bytes(), text, new_salt()).unwrap_or_default()
}

fn transaction_number(statement: &Statement<'_>) -> String {
    number_at(statement.order.opened_ms, statement.order.payment_number())
}

/// Paytm's number of an operation begun at that time.
fn number_at(moment_ms: i64, number: u64) -> String {
    format!("{}{number:024}", moment::day(moment_ms))
}

/// The bank's number of a payment; empty when it was not made.
fn bank_number(statement: &Statement<'_>) -> String {
    match statement.said {
        Said::Paid => format!("{:012}", statement.order.payment_number()),
        Said::Open | Said::Pending | Said::Declined | Said::Expired | Said::Gibberish | Said::NotFound => {
            String::new()
        }
    }
}

/// The members of a result without their checksum.
fn result_fields(
    account: &PaytmAccount,
    statement: &Statement<'_>,
    now_ms: i64,
) -> Vec<(&'static str, String)> {
    let words = words::of(statement.said);
    let order = statement.order;
    vec![
        ("MID", account.merchant_id.clone()),
        ("TXNID", transaction_number(statement)),
        ("ORDERID", order.terms.id.clone()),
        ("BANKTXNID", bank_number(statement)),
        ("TXNAMOUNT", statement.amount.to_string()),
        ("CURRENCY", "INR".to_owned()),
        ("STATUS", words.status.to_owned()),
        ("RESPCODE", words.code.to_owned()),
        ("RESPMSG", words.message.to_owned()),
        ("TXNDATE", format!("{}.0", moment::second(order.decided_ms.unwrap_or(now_ms)))),
        ("GATEWAYNAME", "WALLET".to_owned()),
        ("BANKNAME", "WALLET".to_owned()),
        ("PAYMENTMODE", "PPI".to_owned()),
    ]
}

/// The signed form of the callback and of the webhook.
pub(crate) fn callback_fields(
    account: &PaytmAccount,
    statement: &Statement<'_>,
    now_ms: i64,
) -> Vec<(String, String)> {
    let mut fields = result_fields(account, statement, now_ms);
    let text = text_of_form(fields.iter().map(|(name, value)| (*name, value.as_str())));
    fields.push((CHECKSUM, checksum(account, &text, statement.genuine)));
    fields.into_iter().map(|(name, value)| (name.to_owned(), value)).collect()
}

/// The way back: the signed form, to the merchant's callback address.
pub(crate) fn way_back(account: &PaytmAccount, statement: &Statement<'_>, now_ms: i64) -> WayBack {
    let action = match &statement.order.terms.return_to {
        ReturnTo::Get(url) | ReturnTo::Post { success: url, .. } => url.clone(),
    };
    WayBack::Post { action, fields: callback_fields(account, statement, now_ms) }
}
