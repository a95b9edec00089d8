//! Refunds: the requests, and the states. Pure. Payments in both protocols are given back through the same
//! two calls.

use payment_domain::{Currency, Money, RefundId, RefundOutcome, RefundReport};
use payment_gateway::{Answer, RefundOrder};
use serde_json::{Value, json};

use super::account::PaytmAccount;
use super::answer::{RESULT_EVIDENCE, unrecognised};
use super::signature::Salt;
use super::wire::{envelope, post_json};
use crate::client::Call;
use crate::evidence;
use crate::json::Object;
use crate::refund::{succeeded, unclear};
use crate::text::cut;

/// Evidence kept of an answer, beside its `resultInfo`.
const EVIDENCE: [&str; 13] = [
    "mid",
    "orderId",
    "txnId",
    "refId",
    "refundId",
    "txnAmount",
    "refundAmount",
    "totalRefundAmount",
    "acceptRefundStatus",
    "acceptRefundTimestamp",
    "userCreditInitiateStatus",
    "userCreditInitiateTimestamp",
    "merchantRefundRequestTimestamp",
];

/// The longest text taken over from an answer, in characters.
const MAX_CHARS: usize = 255;

/// The call that was answered: the same code means different things in the two.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Asked {
    /// The request for a refund; its answer says at most that the refund was registered.
    Apply,
    /// The status request.
    Status,
}

/// The request to give money back. `payment` is Paytm's number of the payment.
pub fn apply_call(account: &PaytmAccount, order: &RefundOrder<'_>, payment: &str, salt: Salt) -> Call {
    let body = json!({
        "mid": account.merchant_id,
        "txnType": "REFUND",
        "orderId": order.payment.id.as_str(),
        "txnId": payment,
        "refId": order.id.as_str(),
        "refundAmount": order.amount.to_string(),
    });
    post_json(account.refunds.apply_url.clone(), envelope(&account.key, &body.to_string(), salt))
}

/// The status request about a refund.
pub fn status_call(account: &PaytmAccount, order: &RefundOrder<'_>, salt: Salt) -> Call {
    let body = json!({
        "mid": account.merchant_id,
        "orderId": order.payment.id.as_str(),
        "refId": order.id.as_str(),
    });
    post_json(account.refunds.status_url.clone(), envelope(&account.key, &body.to_string(), salt))
}

/// The report in the body of an answer; `signed` when Paytm signed it.
pub fn report(
    account: &PaytmAccount,
    order: &RefundOrder<'_>,
    asked: Asked,
    body: &Object,
    signed: bool,
) -> RefundReport {
    let result = body.object("resultInfo");
    let text = |name: &str| result.as_ref().and_then(|result| result.text(name));
    let (status, code) = (text("resultStatus"), text("resultCode"));
    let outcome = match mismatch(account, order, body) {
        Some(part) => unclear(format!("the answer names another {part}")),
        None => outcome(order, asked, body, status.as_deref(), code.as_deref(), text("resultMsg")),
    };
    let unproven = !signed && matches!(outcome, RefundOutcome::Succeeded { .. });
    let outcome = if unproven { unclear("a success without a signature") } else { outcome };
    let mut raw = evidence::of_object(body, &EVIDENCE);
    if let (Value::Object(members), Some(result)) = (&mut raw, &result) {
        members.insert("resultInfo".to_owned(), evidence::of_object(result, &RESULT_EVIDENCE));
    }
    let short = |text: Option<String>| text.map(|text| cut(&text, MAX_CHARS).to_owned());
    RefundReport {
        // Another refund of the order is under way: this one was not taken.
        may_repeat: asked == Asked::Apply && code.as_deref() == Some("626"),
        outcome,
        gateway_refund_id: short(body.text("refundId")),
        status_message: short(text("resultMsg")),
        status_code: short(code.or(status)),
        raw,
    }
}

fn outcome(
    order: &RefundOrder<'_>,
    asked: Asked,
    body: &Object,
    status: Option<&str>,
    code: Option<&str>,
    message: Option<String>,
) -> RefundOutcome {
    let status = status.unwrap_or_default().to_ascii_uppercase();
    match (status.as_str(), code.unwrap_or_default()) {
        ("TXN_SUCCESS", "10") => match asked {
            // The status proves it, with its amount.
            Asked::Apply => RefundOutcome::Pending,
            Asked::Status if body.text("refId").is_none() => unclear("the answer names no refund"),
            Asked::Status => succeeded(order, amount(body)),
        },
        ("TXN_SUCCESS", _) | (_, "10") => unrecognised(&status, code),
        (_, "330") => unclear("Paytm refuses our checksum"),
        (_, "335") => unclear("Paytm knows no such merchant id"),
        // Under way; at the bank; an earlier request with this id stands; another refund of the order is under way.
        (_, "601" | "628" | "501" | "617" | "629" | "626") => RefundOutcome::Pending,
        ("TXN_FAILURE", "631") => RefundOutcome::NotFound,
        ("TXN_FAILURE", "600" | "607" | "619" | "620" | "627" | "635") => {
            let reason = message.or(code.map(str::to_owned)).unwrap_or_default();
            RefundOutcome::Failed { reason: cut(&reason, MAX_CHARS).to_owned() }
        }
        (_, _) => unrecognised(&status, code),
    }
}

/// The part of an answer that is about another refund. A missing member is left to the state.
fn mismatch(account: &PaytmAccount, order: &RefundOrder<'_>, body: &Object) -> Option<&'static str> {
    let payment = order.payment.gateway_details.txn_id.as_deref();
    let differs = |name: &str, ours: &str| body.text(name).is_some_and(|told| told != ours);
    if differs("mid", &account.merchant_id) {
        Some("merchant")
    } else if differs("orderId", order.payment.id.as_str())
        || payment.is_some_and(|payment| differs("txnId", payment))
    {
        Some("payment")
    } else if differs("refId", order.id.as_str()) {
        Some("refund")
    } else if body.text("refundAmount").is_some() && amount(body) != Some(order.amount) {
        Some("amount")
    } else {
        None
    }
}

fn amount(body: &Object) -> Option<Money> {
    Money::parse(&body.text("refundAmount")?, Currency::INR).ok()
}

/// The refund that a webhook names.
pub fn named(answer: &Answer) -> Option<RefundId> {
    RefundId::new(Object::parse(&answer.body)?.object("body")?.text("refId")?).ok()
}
