//! Paytm's answers: status answers of both protocols, and callbacks. Pure.

use std::collections::BTreeMap;

use payment_domain::{Currency, Money, Outcome, RefundOutcome, Report, Transaction};
use payment_gateway::GatewayError;
use serde_json::Value;

use super::signature::{self, MerchantKey};
use crate::evidence;
use crate::json::Object;
use crate::text::{bank_txn_no, cut};

/// Evidence kept of a callback or a legacy answer.
const FORM_EVIDENCE: [&str; 15] = [
    "MID",
    "ORDERID",
    "TXNID",
    "BANKTXNID",
    "TXNAMOUNT",
    "CURRENCY",
    "STATUS",
    "RESPCODE",
    "RESPMSG",
    "TXNDATE",
    "TXNTYPE",
    "GATEWAYNAME",
    "BANKNAME",
    "PAYMENTMODE",
    "REFUNDAMT",
];

/// Evidence kept of the body of a current answer, beside its `resultInfo`.
const BODY_EVIDENCE: [&str; 12] = [
    "mid",
    "orderId",
    "txnId",
    "bankTxnId",
    "txnAmount",
    "currency",
    "txnDate",
    "txnType",
    "gatewayName",
    "bankName",
    "paymentMode",
    "refundAmt",
];
pub(super) const RESULT_EVIDENCE: [&str; 3] = ["resultStatus", "resultCode", "resultMsg"];

/// The longest text taken over from an answer, in characters.
const MAX_CHARS: usize = 255;
/// The longest token of an order.
const MAX_TOKEN_BYTES: usize = 512;

/// The body of a current answer and whether Paytm signed it.
#[derive(Debug, Clone)]
pub struct Envelope {
    /// The members of the body.
    pub body: Object,
    /// Whether `head.signature` covers the exact text of the body. `false` when there is none.
    pub signed: bool,
}

impl Envelope {
    /// Reads an answer and checks its signature, where there is one, over the body's text as it came.
    ///
    /// # Errors
    /// [`GatewayError::Unreadable`] when it is not an envelope, or its signature is wrong.
    pub fn open(key: &MerchantKey, answer: &[u8]) -> Result<Envelope, GatewayError> {
        let whole = Object::parse(answer).ok_or_else(|| unreadable("not a JSON object"))?;
        let body = whole.object("body").ok_or_else(|| unreadable("no body"))?;
        let text = whole.raw("body").unwrap_or_default();
        let signature = whole.object("head").and_then(|head| head.text("signature"));
        let signed = match signature {
            Some(signature) if signature::is_valid(key, text, &signature) => true,
            Some(_) => return Err(unreadable("the signature is wrong")),
            None => false,
        };
        Ok(Envelope { body, signed })
    }
}

/// An answer, in one shape for all of Paytm's forms.
#[derive(Debug, Clone)]
pub struct Facts {
    status: Option<String>,
    code: Option<String>,
    message: Option<String>,
    order_id: Option<String>,
    merchant_id: Option<String>,
    amount: Option<String>,
    refunded: Option<String>,
    currency: Option<String>,
    txn_id: Option<String>,
    payment_mode: Option<String>,
    bank_txn_no: Option<String>,
    raw: Value,
}

/// The part of an answer that is about another payment.
#[derive(Debug, Clone, Copy, PartialEq, Eq, thiserror::Error)]
pub enum Mismatch {
    /// It names another order, or none.
    #[error("order id")]
    Order,
    /// It names another merchant, or none.
    #[error("merchant")]
    Merchant,
    /// It speaks of another currency.
    #[error("currency")]
    Currency,
}

impl Facts {
    /// The members of a callback form.
    pub fn of_form(fields: &BTreeMap<&str, &str>) -> Facts {
        let text =
            |name: &str| fields.get(name).filter(|value| !value.is_empty()).map(|&value| value.to_owned());
        let pairs = fields.iter().map(|(name, value)| (*name, *value));
        Facts::of_upper_case(text, evidence::of_pairs(pairs, &FORM_EVIDENCE))
    }

    /// The members of a legacy status answer.
    pub fn of_legacy(answer: &Object) -> Facts {
        Facts::of_upper_case(|name| answer.text(name), evidence::of_object(answer, &FORM_EVIDENCE))
    }

    /// The members of a current status answer.
    pub fn of_body(body: &Object) -> Facts {
        let result = body.object("resultInfo");
        let result_text = |name: &str| result.as_ref().and_then(|result| result.text(name));
        let mut raw = evidence::of_object(body, &BODY_EVIDENCE);
        if let (Value::Object(members), Some(result)) = (&mut raw, &result) {
            members.insert("resultInfo".to_owned(), evidence::of_object(result, &RESULT_EVIDENCE));
        }
        Facts {
            status: result_text("resultStatus"),
            code: result_text("resultCode"),
            message: result_text("resultMsg"),
            order_id: body.text("orderId"),
            merchant_id: body.text("mid"),
            amount: body.text("txnAmount"),
            refunded: body.text("refundAmt"),
            currency: body.text("currency"),
            txn_id: body.text("txnId"),
            payment_mode: body.text("paymentMode"),
            bank_txn_no: body.text("bankTxnId"),
            raw,
        }
    }

    fn of_upper_case(text: impl Fn(&str) -> Option<String>, raw: Value) -> Facts {
        Facts {
            status: text("STATUS"),
            code: text("RESPCODE"),
            message: text("RESPMSG"),
            order_id: text("ORDERID"),
            merchant_id: text("MID"),
            amount: text("TXNAMOUNT"),
            refunded: text("REFUNDAMT"),
            currency: text("CURRENCY"),
            txn_id: text("TXNID"),
            payment_mode: text("PAYMENTMODE"),
            bank_txn_no: text("BANKTXNID"),
            raw,
        }
    }

    /// The state of the payment; the status is a word in any letter case. A code that contradicts it
    /// decides nothing.
    ///
    /// # Errors
    /// [`GatewayError::Unreadable`] when Paytm refuses our question, or says nothing of a state.
    pub fn outcome(&self) -> Result<Outcome, GatewayError> {
        let code = self.code.as_deref().unwrap_or_default();
        let status = self.status.as_deref().ok_or_else(|| unreadable("no status"))?.to_ascii_uppercase();
        Ok(match (status.as_str(), code) {
            ("TXN_SUCCESS", "01" | "") if self.gave_back() => Outcome::Refunded,
            ("TXN_SUCCESS", "01" | "") => Outcome::Paid { amount: self.amount() },
            ("TXN_SUCCESS", _) | (_, "01") => self.unrecognised(),
            // A wrong checksum of ours, a merchant id that Paytm does not know.
            (_, "330" | "335") => {
                return Err(GatewayError::Unreadable(format!("the question was refused: code {code}")));
            }
            (_, "331" | "334") | ("NO_RECORD_FOUND", _) => Outcome::NotFound,
            (_, "400" | "402" | "501") | ("PENDING" | "OPEN", _) => Outcome::Pending,
            ("TXN_FAILURE", _) => Outcome::Declined { reason: self.reason() },
            (_, _) => self.unrecognised(),
        })
    }

    /// The amount in rupees; `None` when there is none or it cannot be read.
    pub fn amount(&self) -> Option<Money> {
        Money::parse(self.amount.as_deref()?, Currency::INR).ok()
    }

    /// Whether order, merchant and currency are those of the transaction. `thorough` refuses a missing one as
    /// well; Paytm takes rupees only, so that a missing currency is one.
    ///
    /// # Errors
    /// The first [`Mismatch`].
    pub fn check(&self, txn: &Transaction, merchant_id: &str, thorough: bool) -> Result<(), Mismatch> {
        let differs = |said: Option<&str>, ours: &str| said.map_or(thorough, |said| said != ours);
        if differs(self.order_id.as_deref(), txn.id.as_str()) {
            return Err(Mismatch::Order);
        }
        if differs(self.merchant_id.as_deref(), merchant_id) {
            return Err(Mismatch::Merchant);
        }
        let currency = self.currency.as_deref().map_or(Some(Currency::INR), Currency::from_code);
        if currency != Some(txn.amount.currency()) {
            return Err(Mismatch::Currency);
        }
        Ok(())
    }

    /// Whether an amount is named that is not this one.
    pub fn names_another_amount(&self, amount: Money) -> bool {
        self.amount.is_some() && self.amount() != Some(amount)
    }

    /// The whole report, with `outcome` as [`Facts::outcome`] found it.
    pub fn into_report(self, outcome: Outcome) -> Report {
        let short = |text: Option<String>| text.map(|text| cut(&text, MAX_CHARS).to_owned());
        let returned = self.returned();
        Report {
            outcome,
            gateway_txn_id: short(self.txn_id),
            payment_mode: short(self.payment_mode),
            bank_txn_no: self.bank_txn_no.and_then(bank_txn_no),
            returned,
            status_code: short(self.code.or(self.status)),
            status_message: short(self.message),
            raw: self.raw,
        }
    }

    fn returned(&self) -> Option<Money> {
        self.refunded.as_deref().and_then(|text| Money::parse(text, Currency::INR).ok())
    }

    fn gave_back(&self) -> bool {
        self.returned().is_some_and(|returned| !returned.is_zero())
    }

    fn reason(&self) -> String {
        let reason = self.message.as_deref().or(self.code.as_deref()).unwrap_or("declined");
        cut(reason, MAX_CHARS).to_owned()
    }

    fn unrecognised(&self) -> Outcome {
        let words: Vec<&str> =
            [&self.status, &self.code].into_iter().flatten().map(|word| cut(word, 40)).collect();
        Outcome::Unrecognised { code: words.join(" ") }
    }
}

/// The token of an order that was opened, out of the answer to `initiateTransaction`.
///
/// # Errors
/// [`GatewayError::Refused`] when Paytm refuses the order; [`GatewayError::Unreadable`] when it may
/// have been opened: a failure of theirs, an order they know already, an answer they did not sign.
pub fn token(key: &MerchantKey, answer: &[u8]) -> Result<String, GatewayError> {
    let envelope = Envelope::open(key, answer)?;
    let result = envelope.body.object("resultInfo").ok_or_else(|| unreadable("no resultInfo"))?;
    let status = result.text("resultStatus").map(|status| status.to_ascii_uppercase());
    let code = result.text("resultCode").unwrap_or_default();
    match (status.as_deref(), code.as_str()) {
        (Some("S"), "0000" | "0002") if envelope.signed => {
            let token = envelope.body.text("txnToken").filter(|token| token.len() <= MAX_TOKEN_BYTES);
            token.ok_or_else(|| unreadable("no txnToken"))
        }
        (Some("S"), "0000" | "0002") => Err(unreadable("a success without a signature")),
        (Some("F"), "325" | "501" | "2023" | "") => {
            Err(GatewayError::Unreadable(format!("result code {code}")))
        }
        (Some("F"), code) => Err(GatewayError::Refused { code: cut(code, MAX_CHARS).to_owned() }),
        (Some(_) | None, _) => Err(unreadable("neither opened nor refused")),
    }
}

/// A refund in a state that is in no documentation.
pub(super) fn unrecognised(status: &str, code: Option<&str>) -> RefundOutcome {
    let words = [status, code.unwrap_or_default()];
    let words: Vec<&str> =
        words.into_iter().filter(|word| !word.is_empty()).map(|word| cut(word, 40)).collect();
    RefundOutcome::Unrecognised { code: words.join(" ") }
}

fn unreadable(what: &str) -> GatewayError {
    GatewayError::Unreadable(what.to_owned())
}
