//! Sessions, events and the way back, in Stripe's form. Pure.

use std::collections::BTreeMap;

use secrecy::ExposeSecret;
use serde_json::{Map, Value, json};

use super::Refused;
use crate::WayBack;
use crate::courier::Message;
use crate::money::{Amount, Currency};
use crate::providers::fault::Twist;
use crate::providers::form::{Fields, is_address};
use crate::providers::order::{ReturnTo, Said, Statement, Terms};
use crate::providers::provider::Protocol;
use crate::providers::settings::StripeAccount;
use crate::providers::signature;

/// The placeholder of the session's id in `success_url`.
const PLACEHOLDER: &str = "{CHECKOUT_SESSION_ID}";
/// Sessions are open for 30 minutes to 24 hours, in seconds.
const LIFE_S: std::ops::RangeInclusive<i64> = 30 * 60..=24 * 60 * 60;
const SESSION: &str = "cs_test_";
/// Currencies that Stripe counts without decimals.
const ZERO_DECIMALS: [&str; 15] =
    ["BIF", "CLP", "DJF", "GNF", "JPY", "KMF", "KRW", "MGA", "PYG", "RWF", "VND", "VUV", "XAF", "XOF", "XPF"];

/// The id of an order's session.
fn session_id(order: &str) -> String {
    format!("{SESSION}{}", hex::encode(order))
}

/// The order of a session's id; `None` for an id that was never given.
pub(super) fn order_of(session: &str) -> Option<String> {
    let bytes = hex::decode(session.strip_prefix(SESSION)?).ok()?;
    String::from_utf8(bytes).ok().filter(|order| session_id(order) == session)
}

/// An amount in Stripe's unit: whole units, or hundredths of them, independent of the currency's decimals.
pub(super) fn amount_of(minor: &str, code: &str) -> Option<Amount> {
    let plain = !minor.is_empty() && minor.bytes().all(|byte| byte.is_ascii_digit());
    if !plain || code.bytes().any(|byte| byte.is_ascii_uppercase()) {
        return None;
    }
    let currency = Currency::from_code(code)?;
    if ZERO_DECIMALS.contains(&currency.code()) {
        return Amount::parse(minor, currency);
    }
    let padded = format!("{minor:0>3}");
    let (units, hundredths) = padded.split_at(padded.len() - 2);
    let whole = || Amount::parse(units, currency).filter(|_| hundredths == "00");
    Amount::parse(&format!("{units}.{hundredths}"), currency).or_else(whole)
}

/// The amount in Stripe's unit.
pub(super) fn minor(amount: Amount) -> i64 {
    let text = amount.to_string();
    let units = text.split('.').next().and_then(|units| units.parse::<i64>().ok()).unwrap_or_default();
    match (ZERO_DECIMALS.contains(&amount.currency.code()), text.contains('.')) {
        (true, _) => units,
        (false, true) => amount.minor,
        (false, false) => units.saturating_mul(100),
    }
}

/// The parameters that are known; others are refused, as Stripe refuses them.
fn is_known(name: &str) -> bool {
    [
        "mode",
        "success_url",
        "cancel_url",
        "client_reference_id",
        "customer_email",
        "expires_at",
        "line_items[0][quantity]",
        "line_items[0][price_data][currency]",
        "line_items[0][price_data][unit_amount]",
        "line_items[0][price_data][product_data][name]",
    ]
    .contains(&name)
        || metadata_name(name).is_some()
        || name.strip_prefix("payment_intent_data[").and_then(metadata_name_behind).is_some()
}

pub(super) fn metadata_name(name: &str) -> Option<&str> {
    name.strip_prefix("metadata[")?.strip_suffix(']').filter(|name| (1..=40).contains(&name.len()))
}

fn metadata_name_behind(rest: &str) -> Option<&str> {
    rest.strip_prefix("metadata][")?.strip_suffix(']').filter(|name| (1..=40).contains(&name.len()))
}

/// The terms of the requested session.
pub(super) fn terms(account: &StripeAccount, fields: &Fields, now_ms: i64) -> Result<Terms, Refused> {
    if let Some((name, _)) = fields.pairs().find(|(name, _)| !is_known(name)) {
        return Err(Refused::invalid(
            Some("parameter_unknown"),
            format!("Received unknown parameter: {name}"),
        ));
    }
    let field = |name: &str| fields.get(name);
    let bad = |name: &str| Refused::invalid(Some("parameter_invalid"), format!("Invalid parameter: {name}"));
    let price = |member: &str| format!("line_items[0][price_data]{member}");
    let life_s = field("expires_at").parse::<i64>().ok().map(|at_s| at_s - now_ms.div_euclid(1_000));
    let email = field("customer_email");
    let checks = [
        ("mode", field("mode") == "payment"),
        ("client_reference_id", (1..=200).contains(&field("client_reference_id").len())),
        ("line_items[0][quantity]", field("line_items[0][quantity]") == "1"),
        (
            "line_items[0][price_data][product_data][name]",
            !field(&price("[product_data][name]")).trim().is_empty(),
        ),
        ("success_url", is_address(&field("success_url").replace(PLACEHOLDER, "cs_"))),
        ("cancel_url", is_address(field("cancel_url"))),
        ("expires_at", life_s.is_some_and(|life_s| LIFE_S.contains(&life_s))),
        ("customer_email", email.is_empty() || email.split('@').filter(|part| !part.is_empty()).count() == 2),
        ("metadata", fields.pairs().all(|(name, value)| !name.contains("metadata[") || value.len() <= 500)),
    ];
    if let Some((name, _)) = checks.iter().find(|(_, good)| !good) {
        return Err(bad(name));
    }
    let amount = amount_of(field(&price("[unit_amount]")), field(&price("[currency]")))
        .ok_or_else(|| bad("line_items[0][price_data]"))?;
    let kept = fields.pairs().filter(|(name, _)| metadata_name(name).is_some() || *name == "cancel_url");
    Ok(Terms {
        protocol: Protocol::Stripe,
        id: field("client_reference_id").to_owned(),
        amount,
        return_to: ReturnTo::Get(field("success_url").to_owned()),
        notify_url: account.webhook_url.clone(),
        echo: kept.map(|(name, value)| (name.to_owned(), value.to_owned())).collect::<BTreeMap<_, _>>(),
        life_ms: life_s.map(|life_s| life_s * 1_000),
    })
}

/// `status`, `payment_status`, and the `status` of the payment where there is one.
fn words(said: Said) -> (&'static str, &'static str, Option<&'static str>) {
    match said {
        Said::Open | Said::NotFound => ("open", "unpaid", None),
        Said::Pending => ("complete", "unpaid", Some("processing")),
        Said::Paid => ("complete", "paid", Some("succeeded")),
        Said::Declined => ("complete", "unpaid", Some("requires_payment_method")),
        Said::Expired => ("expired", "unpaid", None),
        Said::Gibberish => ("complete", "under_review", Some("under_review")),
    }
}

fn payment_id(statement: &Statement<'_>) -> String {
    payment_id_of(statement.order.payment_number())
}

pub(super) fn payment_id_of(number: u64) -> String {
    format!("pi_{number:024}")
}

/// The number in the id of a payment.
pub(super) fn payment_number(id: &str) -> Option<u64> {
    id.strip_prefix("pi_")?.parse().ok()
}

/// The session, with its payment expanded. An open one has a page below `pages`.
pub(super) fn session(statement: &Statement<'_>, pages: &str) -> Value {
    let order = statement.order;
    let (status, payment_status, payment) = words(statement.said);
    let session = session_id(&order.terms.id);
    let reference = order.terms.id.split('#').next().unwrap_or_default();
    let (total, currency) = (minor(statement.amount), statement.amount.currency.code().to_ascii_lowercase());
    let metadata: Map<String, Value> = order
        .terms
        .echo
        .iter()
        .filter_map(|(name, value)| Some((metadata_name(name)?.to_owned(), Value::from(value.as_str()))))
        .collect();
    let payment = payment.map(|state| {
        let failure = (statement.said == Said::Declined).then(
            || json!({ "type": "card_error", "code": "payment_intent_payment_attempt_failed", "decline_code": "generic_decline" }),
        );
        json!({
            "id": payment_id(statement),
            "object": "payment_intent",
            "amount": total,
            "amount_received": if state == "succeeded" { total } else { 0 },
            "currency": currency,
            "status": state,
            "last_payment_error": failure,
        })
    });
    json!({
        "id": session,
        "object": "checkout.session",
        "amount_total": total,
        "client_reference_id": reference,
        "created": order.opened_ms.div_euclid(1_000),
        "currency": currency,
        "expires_at": order.expires_ms.div_euclid(1_000),
        "livemode": false,
        "metadata": metadata,
        "mode": "payment",
        "payment_intent": payment,
        "payment_status": payment_status,
        "status": status,
        "url": (status == "open").then(|| format!("{pages}/{session}#fidkdWxOYHwnPyd1blppbHNgWjA0")),
    })
}

/// The webhook about an order that has changed.
pub(crate) fn webhook(
    account: &StripeAccount,
    url: &str,
    statement: &Statement<'_>,
    twist: Option<Twist>,
    now_ms: i64,
) -> Message {
    let late = matches!(twist, Some(Twist::Pending { .. } | Twist::PaidAfterDeclined { .. }));
    let kind = match statement.said {
        Said::Paid if late => "checkout.session.async_payment_succeeded",
        Said::Declined => "checkout.session.async_payment_failed",
        Said::Expired => "checkout.session.expired",
        Said::Paid | Said::Open | Said::Pending | Said::Gibberish | Said::NotFound => {
            "checkout.session.completed"
        }
    };
    let mut object = session(statement, "");
    if !object["payment_intent"].is_null() {
        object["payment_intent"] = payment_id(statement).into();
    }
    let now_s = now_ms.div_euclid(1_000);
    let number = statement.order.payment_number();
    let body = json!({
        "id": format!("evt_{number}_{now_ms}"),
        "object": "event",
        "created": now_s,
        "data": { "object": object },
        "livemode": false,
        "type": kind,
    })
    .to_string();
    let secret = if statement.genuine { account.webhook_secret.expose_secret() } else { "whsec_another" };
    let signature = signature::stripe::header(secret, now_s, body.as_bytes());
    Message {
        url: url.to_owned(),
        headers: vec![
            ("content-type", "application/json; charset=utf-8".to_owned()),
            ("stripe-signature", signature),
        ],
        body,
    }
}

/// The way back: `success_url` once the payer has chosen, else `cancel_url`.
pub(crate) fn way_back(statement: &Statement<'_>) -> WayBack {
    let terms = &statement.order.terms;
    match (&terms.return_to, statement.said) {
        (_, Said::Open | Said::Expired) => WayBack::Follow(terms.echoed("cancel_url").to_owned()),
        (
            ReturnTo::Get(url) | ReturnTo::Post { success: url, .. },
            Said::Pending | Said::Paid | Said::Declined | Said::Gibberish | Said::NotFound,
        ) => WayBack::Follow(url.replace(PLACEHOLDER, &session_id(&terms.id))),
    }
}
