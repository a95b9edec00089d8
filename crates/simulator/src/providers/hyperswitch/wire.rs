//! Payments, events and the way back, in the router's form. Pure.

use std::collections::BTreeMap;

use jiff::Timestamp;
use secrecy::ExposeSecret;
use serde::Deserialize;
use serde_json::{Map, Value, json};

use super::Refused;
use crate::WayBack;
use crate::courier::Message;
use crate::money::{Amount, Currency};
use crate::providers::form::{is_address, with_parameters};
use crate::providers::order::{ReturnTo, Said, Statement, Terms};
use crate::providers::provider::Protocol;
use crate::providers::settings::HyperswitchAccount;
use crate::providers::signature;

/// The length of the numbers of payments and refunds.
const NUMBER: usize = 30;
/// For how long a link can be used, in seconds.
const LIFE_S: std::ops::RangeInclusive<i64> = 60..=7_890_000;
const MAX_TEXT: usize = 255;
/// The merchant's own text about a payment, as JSON.
const METADATA: &str = "metadata";
const PAYMENT_NUMBER: &str = "payment_id";
const REFERENCE: &str = "merchant_order_reference_id";

/// A payment that is to be created.
#[derive(Debug, Deserialize)]
pub(super) struct NewPayment {
    pub(super) payment_id: String,
    merchant_order_reference_id: Option<String>,
    amount: i64,
    currency: String,
    confirm: bool,
    capture_method: Option<String>,
    payment_link: bool,
    session_expiry: Option<i64>,
    return_url: String,
    description: Option<String>,
    metadata: Option<Map<String, Value>>,
    profile_id: Option<String>,
}

impl NewPayment {
    pub(super) fn read(body: &[u8]) -> Result<NewPayment, Refused> {
        serde_json::from_slice(body).map_err(|_| Refused::invalid("The request cannot be read."))
    }

    /// Its key in the books.
    pub(super) fn order(&self) -> &str {
        self.merchant_order_reference_id.as_deref().unwrap_or(&self.payment_id)
    }
}

/// The terms of the requested payment.
pub(super) fn terms(account: &HyperswitchAccount, asked: &NewPayment) -> Result<Terms, Refused> {
    let is_short = |text: &Option<String>| text.as_ref().is_none_or(|text| text.chars().count() <= MAX_TEXT);
    let reference = &asked.merchant_order_reference_id;
    let checks = [
        ("payment_id", is_number(&asked.payment_id)),
        (REFERENCE, is_short(reference) && reference.as_deref() != Some("")),
        ("confirm", !asked.confirm),
        ("payment_link", asked.payment_link),
        ("capture_method", asked.capture_method.as_deref().is_none_or(|method| method == "automatic")),
        ("session_expiry", asked.session_expiry.is_none_or(|seconds| LIFE_S.contains(&seconds))),
        ("return_url", is_address(&asked.return_url)),
        ("description", is_short(&asked.description)),
        ("profile_id", asked.profile_id.as_ref().is_none_or(|id| *id == account.profile_id)),
    ];
    if let Some((name, _)) = checks.iter().find(|(_, good)| !good) {
        return Err(Refused::invalid(format!("Invalid value provided for field: {name}")));
    }
    let amount =
        Currency::from_code(&asked.currency).and_then(|currency| Amount::of_minor(asked.amount, currency));
    let metadata = asked.metadata.clone().map(|metadata| (METADATA, Value::Object(metadata).to_string()));
    let number = Some((PAYMENT_NUMBER, asked.payment_id.clone()));
    let reference = reference.clone().map(|reference| (REFERENCE, reference));
    let echo = [number, reference, metadata].into_iter().flatten();
    Ok(Terms {
        protocol: Protocol::HyperswitchLink,
        id: asked.order().to_owned(),
        amount: amount.ok_or_else(|| Refused::invalid("The amount or the currency cannot be used."))?,
        return_to: ReturnTo::Get(asked.return_url.clone()),
        notify_url: account.webhook_url.clone(),
        echo: echo.map(|(name, value)| (name.to_owned(), value)).collect::<BTreeMap<_, _>>(),
        life_ms: asked.session_expiry.map(|seconds| seconds * 1_000),
    })
}

/// Whether a text is a number of a payment or a refund.
pub(super) fn is_number(text: &str) -> bool {
    text.len() == NUMBER && text.bytes().all(|byte| byte.is_ascii_alphanumeric() || b"_-".contains(&byte))
}

/// The merchant's number of a payment.
pub(super) fn number_of(terms: &Terms) -> &str {
    terms.echoed(PAYMENT_NUMBER)
}

/// Whether the merchant ended it before its time.
fn is_cancelled(statement: &Statement<'_>) -> bool {
    let order = statement.order;
    statement.said == Said::Expired && order.decided_ms.is_some_and(|at_ms| at_ms <= order.expires_ms)
}

pub(super) fn status(statement: &Statement<'_>) -> &'static str {
    match statement.said {
        Said::Expired if is_cancelled(statement) => "cancelled",
        // A link that was never used keeps its state when it ends.
        Said::Open | Said::Expired | Said::NotFound => "requires_payment_method",
        Said::Pending => "processing",
        Said::Paid => "succeeded",
        Said::Declined => "failed",
        Said::Gibberish => "under_review",
    }
}

pub(super) fn moment(at_ms: i64) -> Option<String> {
    Some(Timestamp::from_millisecond(at_ms).ok()?.strftime("%Y-%m-%dT%H:%M:%S.%3fZ").to_string())
}

/// The payment; with its link for the merchant's server.
pub(super) fn payment(account: &HyperswitchAccount, statement: &Statement<'_>, link: Option<&str>) -> Value {
    let order = statement.order;
    let id = order.terms.echoed(PAYMENT_NUMBER);
    let (paid, declined) = (statement.said == Said::Paid, statement.said == Said::Declined);
    let attempted = match statement.said {
        Said::Pending | Said::Paid | Said::Declined | Said::Gibberish => true,
        Said::Open | Said::Expired | Said::NotFound => false,
    };
    let when_attempted = |text: &str| attempted.then(|| text.to_owned());
    let when_declined = |text: &str| declined.then(|| text.to_owned());
    let reference = Some(order.terms.echoed(REFERENCE)).filter(|reference| !reference.is_empty());
    json!({
        "payment_id": id,
        "merchant_id": account.merchant_id,
        "status": status(statement),
        "amount": order.terms.amount.minor,
        "net_amount": order.terms.amount.minor,
        "amount_capturable": 0,
        "amount_received": paid.then_some(statement.amount.minor),
        "connector": when_attempted("simulator"),
        "client_secret": format!("{id}_secret_simulator"),
        "created": moment(order.opened_ms),
        "currency": statement.amount.currency.code(),
        "capture_method": "automatic",
        "payment_method": when_attempted("upi"),
        "payment_method_type": when_attempted("upi_collect"),
        "metadata": serde_json::from_str::<Value>(order.terms.echoed(METADATA)).ok(),
        "payment_link": link.map(|link| json!({
            "link": link, "secure_link": null, "payment_link_id": format!("plink_{:020}", order.payment_number()),
        })),
        "profile_id": account.profile_id,
        "attempt_count": 1,
        "manual_retry_allowed": attempted.then_some(declined),
        "connector_transaction_id": when_attempted(&format!("sim_{}", order.payment_number())),
        "cancellation_reason": is_cancelled(statement).then_some("cancelled by the merchant"),
        "error_code": when_declined("ZM"),
        "error_message": when_declined("Declined by the bank"),
        "expires_on": moment(order.expires_ms),
        "merchant_order_reference_id": reference,
    })
}

/// The webhook that is set up for the profile, signed over its body.
pub(crate) fn webhook(account: &HyperswitchAccount, url: &str, statement: &Statement<'_>) -> Message {
    let kind = match statement.said {
        Said::Paid => "payment_succeeded",
        Said::Declined => "payment_failed",
        Said::Expired => "payment_expired",
        Said::Open | Said::Pending | Said::Gibberish | Said::NotFound => "payment_processing",
    };
    let order = statement.order;
    let at_ms = order.decided_ms.unwrap_or(order.opened_ms);
    let body = json!({
        "merchant_id": account.merchant_id,
        // The same event as often as it is sent; a further attempt is another one.
        "event_id": format!("evt_{}_{kind}_{at_ms}", order.payment_number()),
        "event_type": kind,
        "content": { "type": "payment_details", "object": payment(account, statement, None) },
        "timestamp": moment(at_ms),
    })
    .to_string();
    Message {
        url: url.to_owned(),
        headers: vec![
            ("content-type", "application/json".to_owned()),
            (signature::hyperswitch::X_WEBHOOK_SIGNATURE, sign(account, statement, &body)),
        ],
        body,
    }
}

/// The way back: the return URL with the state of the payment, signed.
pub(crate) fn way_back(account: &HyperswitchAccount, statement: &Statement<'_>) -> WayBack {
    let order = statement.order;
    let (ReturnTo::Get(url) | ReturnTo::Post { success: url, .. }) = &order.terms.return_to;
    let (amount, secret) = (
        order.terms.amount.minor.to_string(),
        format!("{}_secret_simulator", order.terms.echoed(PAYMENT_NUMBER)),
    );
    let retry = if statement.said == Said::Declined { "true" } else { "false" };
    let url = with_parameters(
        url,
        [
            ("status", status(statement)),
            ("payment_intent_client_secret", secret.as_str()),
            ("amount", amount.as_str()),
            ("manual_retry_allowed", retry),
        ],
    );
    let signature = sign(account, statement, &signature::hyperswitch::text_of_url(&url));
    let signed = [("signature", signature.as_str()), ("signature_algorithm", "HMAC-SHA512")];
    WayBack::Follow(with_parameters(&url, signed))
}

fn sign(account: &HyperswitchAccount, statement: &Statement<'_>, text: &str) -> String {
    let key = if statement.genuine { account.hash_key.expose_secret() } else { "another" };
    signature::hyperswitch::sign(key, text)
}
