//! PhonePe's answers: to the opening of a payment, to the status call, and in
//! callbacks. Pure.

use payment_domain::{Money, Outcome, Report, Transaction};
use payment_gateway::GatewayError;
use serde_json::Value;

use super::signature::{self, SaltKey};
use crate::client::Reply;
use crate::evidence;
use crate::json::Object;
use crate::pay_page::pay_page;
use crate::text::{bank_txn_no, cut, paise};

pub(super) const ROOT_EVIDENCE: [&str; 10] = [
    "success",
    "code",
    "message",
    "orderId",
    "merchantOrderId",
    "state",
    "amount",
    "payableAmount",
    "errorCode",
    "detailedErrorCode",
];
pub(super) const DATA_EVIDENCE: [&str; 11] = [
    "merchantId",
    "merchantTransactionId",
    "transactionId",
    "merchantOrderId",
    "providerReferenceId",
    "amount",
    "state",
    "paymentState",
    "responseCode",
    "payResponseCode",
    "responseCodeDescription",
];
const INSTRUMENT_EVIDENCE: [&str; 5] = ["type", "utr", "pgTransactionId", "bankTransactionId", "arn"];
const ATTEMPT_EVIDENCE: [&str; 8] = [
    "transactionId",
    "paymentMode",
    "mode",
    "amount",
    "state",
    "timestamp",
    "errorCode",
    "detailedErrorCode",
];
/// More attempts than this are not kept.
const MAX_ATTEMPTS: usize = 10;

/// The longest text taken over from an answer, in characters.
const MAX_CHARS: usize = 255;

/// Which of a signed answer's members is our transaction id and which is PhonePe's.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Generation {
    /// `transactionId` is ours, `providerReferenceId` theirs.
    Legacy,
    /// `merchantTransactionId` is ours, `transactionId` theirs.
    V1,
}

/// An answer about a payment, in one shape for all protocols.
#[derive(Debug, Clone)]
pub struct Facts {
    outcome: Said,
    order_id: Option<String>,
    merchant_id: Option<String>,
    amount: Option<String>,
    gateway_txn_id: Option<String>,
    payment_mode: Option<String>,
    bank_txn_no: Option<String>,
    code: Option<String>,
    message: Option<String>,
    raw: Value,
}

/// The state an answer names.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum Said {
    Paid,
    Declined,
    Pending,
    NotFound,
    Refused,
    Unknown,
}

impl Facts {
    /// An answer or callback of the signed protocols.
    pub fn of_signed(answer: &Object, generation: Generation) -> Facts {
        let data = answer.object("data");
        let text = |name: &str| data.as_ref().and_then(|data| data.text(name));
        let code = answer.text("code");
        let state = text("state").or_else(|| text("paymentState"));
        let success = answer.text("success");
        let completed = state.as_deref().map(|state| state.eq_ignore_ascii_case("COMPLETED"));
        // A payment that a second member denies is not one.
        let denied = completed == Some(false)
            || success.as_deref().is_some_and(|flag| !flag.eq_ignore_ascii_case("true"));
        let outcome = match by_code(code.as_deref()) {
            Said::Paid if denied => Said::Unknown,
            Said::Declined if completed == Some(true) => Said::Unknown,
            said @ (Said::Paid
            | Said::Declined
            | Said::Pending
            | Said::NotFound
            | Said::Refused
            | Said::Unknown) => said,
        };
        let (order_id, gateway_txn_id) = match generation {
            Generation::Legacy => (text("transactionId"), text("providerReferenceId")),
            Generation::V1 => (text("merchantTransactionId"), text("transactionId")),
        };
        let instrument = data.as_ref().and_then(|data| data.object("paymentInstrument"));
        let modes = data.as_ref().and_then(|data| data.objects("paymentModes")).unwrap_or_default();
        let payment_mode = instrument
            .as_ref()
            .and_then(|instrument| instrument.text("type"))
            .or_else(|| modes.first().and_then(|mode| mode.text("mode")));
        let of_bank = |object: &Object| object.text("utr").or_else(|| object.text("bankTransactionId"));
        let bank_txn_no = instrument.as_ref().and_then(of_bank).or_else(|| modes.first().and_then(of_bank));
        let mut raw = evidence::of_object(answer, &ROOT_EVIDENCE);
        if let Some(data) = &data {
            raw["data"] = evidence::of_object(data, &DATA_EVIDENCE);
        }
        if let Some(instrument) = &instrument {
            raw["data"]["paymentInstrument"] = evidence::of_object(instrument, &INSTRUMENT_EVIDENCE);
        }
        Facts {
            outcome,
            order_id,
            merchant_id: text("merchantId"),
            amount: text("amount"),
            gateway_txn_id,
            payment_mode,
            bank_txn_no,
            code,
            message: answer.text("message"),
            raw,
        }
    }

    /// A status answer of Standard Checkout. Only the state of the order counts: an attempt that
    /// failed leaves the order open for the next.
    pub fn of_checkout(answer: &Object) -> Facts {
        let state = answer.text("state");
        let code = answer.text("code");
        let outcome = match (upper_case(state.as_deref()).as_deref(), upper_case(code.as_deref()).as_deref())
        {
            (Some("COMPLETED"), _) => Said::Paid,
            (Some("FAILED"), _) => Said::Declined,
            (Some("PENDING"), _) => Said::Pending,
            (None, Some("INVALID_MERCHANT_ORDER_ID")) => Said::NotFound,
            (None, code @ Some(_)) => match by_code(code) {
                // Standard Checkout reports payments by `state` alone.
                Said::Paid | Said::Declined => Said::Unknown,
                said @ (Said::Pending | Said::NotFound | Said::Refused | Said::Unknown) => said,
            },
            (Some(_), _) | (None, None) => Said::Unknown,
        };
        let attempts = answer.objects("paymentDetails").unwrap_or_default();
        let completed = attempts.iter().find(|attempt| {
            attempt.text("state").is_some_and(|state| state.eq_ignore_ascii_case("COMPLETED"))
        });
        let attempt = completed.or(attempts.last());
        let of_attempt = |name: &str| attempt.and_then(|attempt| attempt.text(name));
        let meta = answer.object("metaInfo");
        let mut raw = evidence::of_object(answer, &ROOT_EVIDENCE);
        if !attempts.is_empty() {
            let kept = attempts
                .iter()
                .take(MAX_ATTEMPTS)
                .map(|attempt| evidence::of_object(attempt, &ATTEMPT_EVIDENCE));
            raw["paymentDetails"] = Value::Array(kept.collect());
        }
        Facts {
            outcome,
            order_id: answer.text("merchantOrderId").or_else(|| meta.and_then(|meta| meta.text("udf1"))),
            merchant_id: answer.text("merchantId"),
            amount: answer.text("amount"),
            gateway_txn_id: of_attempt("transactionId").or_else(|| answer.text("orderId")),
            payment_mode: of_attempt("paymentMode"),
            bank_txn_no: completed.and_then(|attempt| attempt.object("rail")?.text("utr")),
            code: answer.text("errorCode").or(state).or(code),
            message: answer.text("detailedErrorCode").or_else(|| answer.text("message")),
            raw,
        }
    }

    /// The state of the payment.
    ///
    /// # Errors
    /// [`GatewayError::Unreadable`] when PhonePe refuses our question.
    pub fn outcome(&self) -> Result<Outcome, GatewayError> {
        let code = self.code.as_deref().unwrap_or("no code");
        match self.outcome {
            Said::Paid => Ok(Outcome::Paid { amount: self.amount() }),
            Said::Declined => {
                let reason = self.message.as_deref().unwrap_or(code);
                Ok(Outcome::Declined { reason: cut(reason, MAX_CHARS).to_owned() })
            }
            Said::Pending => Ok(Outcome::Pending),
            Said::NotFound => Ok(Outcome::NotFound),
            Said::Refused => {
                Err(GatewayError::Unreadable(format!("the question was refused: {}", cut(code, 64))))
            }
            Said::Unknown => Ok(Outcome::Unrecognised { code: cut(code, 64).to_owned() }),
        }
    }

    /// The amount, which PhonePe names in paise; `None` when there is none or it cannot be read.
    pub fn amount(&self) -> Option<Money> {
        paise(self.amount.as_deref()?)
    }

    /// Whether an amount is named that is not this one.
    pub fn names_another_amount(&self, amount: Money) -> bool {
        self.amount.is_some() && self.amount() != Some(amount)
    }

    /// Whether the transaction and the merchant are named, and are not others.
    pub fn is_about(&self, txn: &Transaction, merchant_id: &str) -> bool {
        self.order_id.as_deref() == Some(txn.id.as_str()) && self.merchant_id.as_deref() == Some(merchant_id)
    }

    /// Whether another transaction or another merchant is named. PhonePe takes rupees only and names
    /// no currency.
    pub fn is_about_another(&self, txn: &Transaction, merchant_id: Option<&str>) -> bool {
        let other_order = self.order_id.as_deref().is_some_and(|order| order != txn.id.as_str());
        let other_merchant = match (self.merchant_id.as_deref(), merchant_id) {
            (Some(theirs), Some(ours)) => theirs != ours,
            (None, _) | (_, None) => false,
        };
        other_order || other_merchant
    }

    /// The whole report, with `outcome` as [`Facts::outcome`] found it.
    pub fn into_report(self, outcome: Outcome) -> Report {
        let short = |text: Option<String>| text.map(|text| cut(&text, MAX_CHARS).to_owned());
        Report {
            outcome,
            gateway_txn_id: short(self.gateway_txn_id),
            payment_mode: short(self.payment_mode),
            bank_txn_no: self.bank_txn_no.and_then(bank_txn_no),
            returned: None,
            status_code: short(self.code),
            status_message: short(self.message),
            raw: self.raw,
        }
    }
}

/// The meaning of the signed protocols' codes. The code decides whether a payment was made: the `success`
/// flag can be true while it is pending.
fn by_code(code: Option<&str>) -> Said {
    match upper_case(code).as_deref() {
        Some("PAYMENT_SUCCESS") => Said::Paid,
        Some("PAYMENT_ERROR" | "PAYMENT_DECLINED" | "PAYMENT_CANCELLED") => Said::Declined,
        // Public implementations disagree about the subject of the timeout: the payment stays open.
        Some("PAYMENT_PENDING" | "INTERNAL_SERVER_ERROR" | "TIMED_OUT") => Said::Pending,
        Some("TRANSACTION_NOT_FOUND") => Said::NotFound,
        Some("BAD_REQUEST" | "AUTHORIZATION_FAILED") => Said::Refused,
        Some(_) | None => Said::Unknown,
    }
}

/// A status word as PhonePe documents it; it is compared in any letter case.
pub(super) fn upper_case(word: Option<&str>) -> Option<String> {
    word.map(str::to_ascii_uppercase)
}

/// Whether a body has the form of a server-to-server callback.
pub fn is_callback(body: &[u8]) -> bool {
    payload(body).is_some()
}

/// The transaction that a server-to-server callback names, without looking at its signature.
pub fn callback_order(body: &[u8], generation: Generation) -> Option<String> {
    let answer = Object::parse(&signature::decode(&payload(body)?)?)?;
    Facts::of_signed(&answer, generation).order_id
}

/// The payload of a server-to-server callback when `x_verify` signs it; `None` otherwise.
pub fn verified_callback(salt: &SaltKey, body: &[u8], x_verify: &str) -> Option<Object> {
    let payload = payload(body)?;
    if !salt.verifies(&payload, x_verify) {
        return None;
    }
    Object::parse(&signature::decode(&payload)?)
}

fn payload(body: &[u8]) -> Option<String> {
    Object::parse(body)?.text("response")
}

/// The order that a webhook of Standard Checkout is about.
pub fn webhook_order(body: &[u8]) -> Option<String> {
    Object::parse(body)?.object("payload")?.text("merchantOrderId")
}

/// The members of a status answer. PhonePe answers errors with an HTTP status and a code; such an answer
/// counts as far as it leaves the payment open.
///
/// # Errors
/// The error of [`Reply::accepted`] for an answer that is not JSON; [`GatewayError::Unreadable`] when an
/// error is said to be a result.
pub fn status_facts(reply: Reply, read: impl Fn(&Object) -> Facts) -> Result<Facts, GatewayError> {
    let facts = Object::parse(&reply.body).map(|answer| read(&answer));
    let status = reply.status;
    let reply = match (status, facts) {
        (200..=299, Some(facts)) => return Ok(facts),
        (200..=299, None) => return Err(unreadable("not a JSON object")),
        (500..=599, Some(facts)) if facts.outcome == Said::Pending => return Ok(facts),
        (400..=499, Some(facts)) => match facts.outcome {
            Said::Pending | Said::NotFound | Said::Refused => return Ok(facts),
            Said::Paid | Said::Declined | Said::Unknown => reply,
        },
        (_, Some(_) | None) => reply,
    };
    // Not 2xx, so this is always the error.
    reply.accepted()?;
    Err(GatewayError::Unreadable(format!("HTTP status {status}")))
}

/// Where the payer pays, out of the answer to `/v3/debit`: the `Location` that we do not follow.
///
/// # Errors
/// [`GatewayError::Refused`] when nothing was opened; [`GatewayError::Unanswered`] or
/// [`GatewayError::Unreadable`] when that is not known.
pub fn legacy_pay_page(reply: Reply, called: &str) -> Result<String, GatewayError> {
    match (reply.status, &reply.location) {
        (200..=399, Some(location)) => pay_page(called, location),
        (_, Some(_) | None) => Err(refusal(reply)),
    }
}

/// Where the payer pays, out of the answer to `/pg/v1/pay`.
///
/// # Errors
/// [`GatewayError::Refused`] when nothing was opened; [`GatewayError::Unanswered`] or
/// [`GatewayError::Unreadable`] when that is not known.
pub fn v1_pay_page(reply: Reply, called: &str, txn: &Transaction) -> Result<String, GatewayError> {
    let named = (|| {
        let answer =
            Object::parse(&reply.body).filter(|answer| answer.text("success").as_deref() != Some("false"))?;
        let data = answer.object("data")?;
        let url = data.object("instrumentResponse")?.object("redirectInfo")?.text("url")?;
        Some((url, data.text("merchantTransactionId")))
    })();
    match (reply.status, named) {
        (200..=299, Some((_, Some(order)))) if order != txn.id.as_str() => {
            Err(unreadable("the answer names another transaction"))
        }
        (200..=299, Some((url, _))) => pay_page(called, &url),
        (_, Some(_) | None) => Err(refusal(reply)),
    }
}

/// Where the payer pays, out of the answer to `/checkout/v2/pay`.
///
/// # Errors
/// [`GatewayError::Refused`] when nothing was opened; [`GatewayError::Unanswered`] or
/// [`GatewayError::Unreadable`] when that is not known.
pub fn checkout_pay_page(reply: Reply, called: &str) -> Result<String, GatewayError> {
    let named = Object::parse(&reply.body).and_then(|answer| answer.text("redirectUrl"));
    match (reply.status, named) {
        (200..=299, Some(url)) => pay_page(called, &url),
        (_, Some(_) | None) => Err(refusal(reply)),
    }
}

/// The error when no pay page came.
fn refusal(reply: Reply) -> GatewayError {
    let code = Object::parse(&reply.body).and_then(|answer| answer.text("code"));
    let code = code.as_deref().map(|code| cut(code, 64));
    let refused = |code: &str| GatewayError::Refused { code: code.to_owned() };
    match (reply.status, code) {
        // Opened before: the answer to that was lost, not the order.
        (_, Some(code @ ("INVALID_MERCHANT_ORDER_ID" | "DUPLICATE_TXN_REQUEST"))) => unreadable(code),
        (200..=499, Some(code @ ("BAD_REQUEST" | "AUTHORIZATION_FAILED"))) => refused(code),
        (200..=399, _) => unreadable("no address of a pay page"),
        (408 | 409, _) => GatewayError::Unanswered(format!("HTTP status {}", reply.status).into()),
        (400..=499, Some("INTERNAL_SERVER_ERROR")) | (500..=599, _) => {
            GatewayError::Unanswered(format!("HTTP status {}", reply.status).into())
        }
        (400..=499, Some(code)) => refused(code),
        (status @ 400..=499, None) => refused(&format!("HTTP_{status}")),
        (status, _) => GatewayError::Unreadable(format!("HTTP status {status}")),
    }
}

fn unreadable(what: &str) -> GatewayError {
    GatewayError::Unreadable(what.to_owned())
}
