//! Refunds at the sandbox: the requests, and the reports. Pure.

use payment_domain::{Currency, Money, RefundOutcome, RefundReport, Timestamp};
use payment_gateway::RefundOrder;
use secrecy::ExposeSecret;

use super::SandboxAccount;
use super::signature::{Purpose, is_signed, sign};
use super::wire::{order_address, path_segment, signed_headers};
use crate::client::{Body, Call, Method};
use crate::evidence;
use crate::json::Object;
use crate::refund::unclear;
use crate::text::minor_units;

/// The fields of a report in the order they are signed.
const REPORT: [&str; 10] = [
    "merchant",
    "order",
    "refund",
    "state",
    "amount_paise",
    "currency",
    "refund_id",
    "code",
    "message",
    "timestamp",
];

/// The request to give money back, made at that moment.
pub fn refund_call(account: &SandboxAccount, order: &RefundOrder<'_>, asked_at: Timestamp) -> Call {
    let (timestamp, amount) = (asked_at.as_millis().to_string(), order.amount.minor().to_string());
    let terms = [("amount_paise", amount.as_str()), ("currency", order.amount.currency().code())];
    let fields = [
        ("merchant", account.merchant.as_str()),
        ("timestamp", &timestamp),
        ("order", order.payment.id.as_str()),
        ("refund", order.id.as_str()),
        terms[0],
        terms[1],
    ];
    let signature = sign(account.secret.expose_secret(), Purpose::Refund, &fields);
    Call {
        method: Method::POST,
        url: address(account, order),
        headers: signed_headers(account, timestamp, signature),
        body: Body::Form(terms.map(|(name, value)| (name.to_owned(), value.to_owned())).to_vec()),
    }
}

/// The status request about a refund, made at that moment.
pub fn status_call(account: &SandboxAccount, order: &RefundOrder<'_>, asked_at: Timestamp) -> Call {
    let timestamp = asked_at.as_millis().to_string();
    let fields = [
        ("merchant", account.merchant.as_str()),
        ("timestamp", &timestamp),
        ("order", order.payment.id.as_str()),
        ("refund", order.id.as_str()),
    ];
    let signature = sign(account.secret.expose_secret(), Purpose::RefundStatus, &fields);
    Call {
        method: Method::GET,
        url: address(account, order),
        headers: signed_headers(account, timestamp, signature),
        body: Body::Empty,
    }
}

fn address(account: &SandboxAccount, order: &RefundOrder<'_>) -> String {
    let payment = order_address(account, order.payment.id.as_str());
    format!("{payment}/refunds/{}", path_segment(order.id.as_str()))
}

/// The report in an answer.
///
/// # Errors
/// The reason why nothing can be read out of it.
pub fn report(
    account: &SandboxAccount,
    order: &RefundOrder<'_>,
    asked_at: Timestamp,
    body: &[u8],
) -> Result<RefundReport, &'static str> {
    let told = Object::parse(body).ok_or("it is not a signed report")?;
    let signature = told.text("signature").ok_or("it is not a signed report")?;
    let text = |name: &str| told.text(name).unwrap_or_default();
    let values = REPORT.map(|name| (name, text(name)));
    let fields: Vec<(&str, &str)> = values.iter().map(|(name, value)| (*name, value.as_str())).collect();
    if !is_signed(account.secret.expose_secret(), Purpose::RefundAnswer, &fields, &signature) {
        return Err("its signature is wrong");
    }
    if text("timestamp") != asked_at.as_millis().to_string() || text("merchant") != account.merchant {
        return Err("it answers another question");
    }
    Ok(RefundReport {
        outcome: outcome(order, &text),
        may_repeat: false,
        gateway_refund_id: told.text("refund_id"),
        status_code: told.text("code"),
        status_message: told.text("message"),
        raw: evidence::of_object(&told, &REPORT),
    })
}

fn outcome(order: &RefundOrder<'_>, text: &impl Fn(&str) -> String) -> RefundOutcome {
    if text("order") != order.payment.id.as_str() || text("refund") != order.id.as_str() {
        return unclear("the answer is about another refund");
    }
    let (state, code) = (text("state"), text("code"));
    match (state.as_str(), code.as_str()) {
        ("UNKNOWN", "NO_SUCH_REFUND") => return RefundOutcome::NotFound,
        ("UNKNOWN", "REFUND_ID_USED") => return unclear("the refund id was used for another refund"),
        (_, _) => {}
    }
    let currency = Currency::from_code(&text("currency"));
    let amount: Option<Money> = currency.and_then(|currency| minor_units(&text("amount_paise"), currency));
    if amount != Some(order.amount) {
        return unclear("the answer is about another amount");
    }
    match state.as_str() {
        "PENDING" => RefundOutcome::Pending,
        "REFUNDED" => RefundOutcome::Succeeded { amount },
        "REFUSED" | "RETURNED" => RefundOutcome::Failed { reason: text("message") },
        _ => RefundOutcome::Unrecognised { code: state },
    }
}
