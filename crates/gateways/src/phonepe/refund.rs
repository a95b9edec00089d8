//! Refunds, in each of the protocols: the requests, and the states. Pure.

use payment_domain::{RefundId, RefundOutcome, RefundReport};
use payment_gateway::{GatewayError, RefundOrder};
use serde_json::{Map, Value, json};

use super::account::{Checkout, Salted};
use super::answer::{DATA_EVIDENCE, Generation, ROOT_EVIDENCE, callback_order, upper_case};
use super::wire::{named, segment, signed_post, user_id};
use crate::account::join;
use crate::client::{Body, Call, Method, Reply};
use crate::evidence;
use crate::json::Object;
use crate::refund::{succeeded, unclear};
use crate::text::{cut, paise};

/// Evidence kept of an answer of Standard Checkout.
const CHECKOUT_EVIDENCE: [&str; 12] = [
    "merchantId",
    "merchantRefundId",
    "originalMerchantOrderId",
    "refundId",
    "amount",
    "currency",
    "state",
    "timestamp",
    "errorCode",
    "detailedErrorCode",
    "code",
    "message",
];

/// The longest text taken over from an answer, in characters.
const MAX_CHARS: usize = 255;

/// The legacy request to give money back.
pub fn legacy_call(account: &Salted, order: &RefundOrder<'_>) -> Call {
    let payload = json!({
        "merchantId": account.merchant_id,
        "transactionId": order.id.as_str(),
        "originalTransactionId": order.payment.id.as_str(),
        "amount": order.amount.minor(),
        "merchantOrderId": order.payment.bill_id.as_str(),
        "message": "Refund",
    });
    signed_post(account, &account.refund_path, &payload.to_string(), &[])
}

/// The v1 request to give money back.
pub fn v1_call(account: &Salted, order: &RefundOrder<'_>) -> Call {
    let mut payload = Map::new();
    payload.insert("merchantId".to_owned(), account.merchant_id.as_str().into());
    payload.insert("merchantUserId".to_owned(), user_id(&order.payment.payer, &order.payment.id).into());
    payload.insert("originalTransactionId".to_owned(), order.payment.id.as_str().into());
    payload.insert("merchantTransactionId".to_owned(), order.id.as_str().into());
    payload.insert("amount".to_owned(), order.amount.minor().into());
    if let Some(notify_url) = order.notify_url {
        payload.insert("callbackUrl".to_owned(), notify_url.into());
    }
    signed_post(account, &account.refund_path, &Value::Object(payload).to_string(), &[])
}

/// The request of Standard Checkout to give money back.
pub fn checkout_call(account: &Checkout, authorization: &str, order: &RefundOrder<'_>) -> Call {
    let body = json!({
        "merchantRefundId": order.id.as_str(),
        "originalMerchantOrderId": order.payment.id.as_str(),
        "amount": order.amount.minor(),
    });
    Call {
        method: Method::POST,
        url: account.refund_url.clone(),
        headers: named(&[("Authorization", authorization), ("Content-Type", "application/json")]),
        body: Body::Json(body.to_string()),
    }
}

/// The status request of Standard Checkout about a refund.
pub fn checkout_status_call(account: &Checkout, authorization: &str, refund: &str) -> Call {
    Call {
        method: Method::GET,
        url: join(&account.refund_url, &format!("{}/status", segment(refund))),
        headers: named(&[("Authorization", authorization), ("Content-Type", "application/json")]),
        body: Body::Empty,
    }
}

/// A report of the signed protocols. Code and state are two words about one thing: the weaker one counts.
pub fn signed_report(
    merchant_id: &str,
    generation: Generation,
    order: &RefundOrder<'_>,
    answer: &Object,
) -> RefundReport {
    let data = answer.object("data");
    let text = |name: &str| data.as_ref().and_then(|data| data.text(name));
    let (own, theirs) = match generation {
        Generation::Legacy => ("transactionId", "providerReferenceId"),
        Generation::V1 => ("merchantTransactionId", "transactionId"),
    };
    let code = answer.text("code");
    let state = upper_case(text("state").or_else(|| text("paymentState")).as_deref());
    let denied = answer.text("success").is_some_and(|flag| !flag.eq_ignore_ascii_case("true"));
    let differs = |name: &str, ours: &str| text(name).is_some_and(|told| told != ours);
    let amount = || paise(&text("amount")?);
    let about_another = differs("merchantId", merchant_id)
        || differs(own, order.id.as_str())
        || differs("originalTransactionId", order.payment.id.as_str());
    let message = answer.text("message");
    let outcome = match (upper_case(code.as_deref()).as_deref(), state.as_deref()) {
        (Some("TRANSACTION_NOT_FOUND"), _) => RefundOutcome::NotFound,
        (Some(code @ ("BAD_REQUEST" | "AUTHORIZATION_FAILED")), _) => {
            unclear(format!("PhonePe refuses our request: {code}"))
        }
        _ if about_another => unclear("the answer names another refund, payment or merchant"),
        _ if text("amount").is_some() && amount() != Some(order.amount) => {
            unclear("the answer names another amount")
        }
        (Some("PAYMENT_SUCCESS"), Some("COMPLETED" | "SUCCESS")) if !denied => {
            if text(own).is_some() {
                succeeded(order, amount())
            } else {
                unclear("the answer names no refund")
            }
        }
        (Some("PAYMENT_ERROR" | "PAYMENT_DECLINED" | "PAYMENT_CANCELLED"), None | Some("FAILED")) => {
            failed(message.as_deref(), code.as_deref())
        }
        (
            Some(
                "PAYMENT_PENDING"
                | "PAYMENT_INITIATED"
                | "PAYMENT_SUCCESS"
                | "INTERNAL_SERVER_ERROR"
                | "TIMED_OUT"
                | "TOO_MANY_REQUESTS"
                | "DUPLICATE_TXN_REQUEST",
            ),
            _,
        ) => RefundOutcome::Pending,
        (told, _) => RefundOutcome::Unrecognised { code: cut(told.unwrap_or("no code"), 64).to_owned() },
    };
    let mut raw = evidence::of_object(answer, &ROOT_EVIDENCE);
    if let Some(data) = &data {
        raw["data"] = evidence::of_object(data, &DATA_EVIDENCE);
    }
    let short = |text: Option<String>| text.map(|text| cut(&text, MAX_CHARS).to_owned());
    RefundReport {
        outcome,
        may_repeat: false,
        gateway_refund_id: short(text(theirs)),
        status_code: short(code.or(state)),
        status_message: short(message),
        raw,
    }
}

/// A report of Standard Checkout. The refund is named by the address of the call; the answer need not repeat
/// it.
pub fn checkout_report(merchant_id: Option<&str>, order: &RefundOrder<'_>, answer: &Object) -> RefundReport {
    let state = upper_case(answer.text("state").as_deref());
    let code = upper_case(answer.text("code").as_deref());
    let amount = || paise(&answer.text("amount")?);
    let differs = |name: &str, ours: &str| answer.text(name).is_some_and(|told| told != ours);
    let about_another = differs("merchantRefundId", order.id.as_str())
        || differs("originalMerchantOrderId", order.payment.id.as_str())
        || merchant_id.is_some_and(|ours| differs("merchantId", ours));
    let message = answer.text("detailedErrorCode").or_else(|| answer.text("message"));
    let outcome = match (state.as_deref(), code.as_deref()) {
        (None, Some("REFUND_NOT_FOUND" | "TRANSACTION_NOT_FOUND")) => RefundOutcome::NotFound,
        (None, Some(code @ ("BAD_REQUEST" | "AUTHORIZATION_FAILED"))) => {
            unclear(format!("PhonePe refuses our request: {code}"))
        }
        (None, Some("INTERNAL_SERVER_ERROR" | "TIMED_OUT" | "TOO_MANY_REQUESTS")) => RefundOutcome::Pending,
        _ if about_another => unclear("the answer names another refund, payment or merchant"),
        _ if differs("currency", order.amount.currency().code())
            || answer.text("amount").is_some() && amount() != Some(order.amount) =>
        {
            unclear("the answer names another amount or currency")
        }
        (Some("COMPLETED"), _) if answer.text("originalMerchantOrderId").is_none() => {
            unclear("the answer names no payment")
        }
        (Some("COMPLETED"), _) => succeeded(order, amount()),
        // Confirmed: accepted, not credited.
        (Some("PENDING" | "CONFIRMED"), _) => RefundOutcome::Pending,
        (Some("FAILED"), _) => failed(message.as_deref(), answer.text("errorCode").as_deref()),
        (told, code) => {
            RefundOutcome::Unrecognised { code: cut(told.or(code).unwrap_or("no state"), 64).to_owned() }
        }
    };
    let short = |text: Option<String>| text.map(|text| cut(&text, MAX_CHARS).to_owned());
    let mut raw = evidence::of_object(answer, &CHECKOUT_EVIDENCE);
    // The reference that the payer's bank knows.
    let parts = answer.list("splitInstruments").unwrap_or_default();
    let utr = parts.first().and_then(|part| part.object("rail")?.text("utr"));
    if let Some(utr) = short(utr) {
        raw["utr"] = utr.into();
    }
    RefundReport {
        outcome,
        may_repeat: false,
        gateway_refund_id: short(answer.text("refundId")),
        status_code: short(answer.text("errorCode").or(state).or(code)),
        status_message: short(message),
        raw,
    }
}

fn failed(message: Option<&str>, code: Option<&str>) -> RefundOutcome {
    let reason = message.or(code).unwrap_or("refused");
    RefundOutcome::Failed { reason: cut(reason, MAX_CHARS).to_owned() }
}

/// The report in a reply. PhonePe answers errors with an HTTP status and a code: such an answer counts as far
/// as it decides nothing.
///
/// # Errors
/// The error of [`Reply::accepted`] for an answer that is not JSON, or for an error that says it is a result.
pub fn report_of(reply: Reply, read: impl Fn(&Object) -> RefundReport) -> Result<RefundReport, GatewayError> {
    let status = reply.status;
    let report = Object::parse(&reply.body).map(|answer| read(&answer));
    let report = report.filter(|report| match (status, &report.outcome) {
        (200..=299, _) | (400..=599, RefundOutcome::Pending) => true,
        (400..=499, RefundOutcome::NotFound | RefundOutcome::Unclear { .. }) => true,
        (_, _) => false,
    });
    match report {
        Some(report) => Ok(report),
        None => {
            reply.accepted()?;
            Err(GatewayError::Unreadable("not a JSON object".to_owned()))
        }
    }
}

/// The transaction that a callback of the signed protocols names: a refund's, or a payment's.
pub fn named_in_callback(body: &[u8], generation: Generation) -> Option<RefundId> {
    RefundId::new(callback_order(body, generation)?).ok()
}

/// The refund that a webhook of Standard Checkout names.
pub fn named_in_webhook(body: &[u8]) -> Option<RefundId> {
    RefundId::new(refund_in_webhook(body)?).ok()
}

/// Our number of a refund in a webhook of Standard Checkout, in any of its forms.
pub fn refund_in_webhook(body: &[u8]) -> Option<String> {
    Object::parse(body)?.object("payload")?.text("merchantRefundId")
}
