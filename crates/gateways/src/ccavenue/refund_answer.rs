//! Answers about refunds. Pure.

use payment_domain::{Currency, Money, RefundOutcome, RefundReport, Transaction};
use payment_gateway::GatewayError;
use serde_json::json;

use super::answer::EVIDENCE;
use super::wire::order_number;
use crate::evidence;
use crate::json::Object;
use crate::refund::{self, short, unrecognised};
use crate::text::cut;

/// How the money of an order is given back.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Way {
    /// It is confirmed, and will be or was settled.
    Refund,
    /// It is not confirmed: it can be cancelled as a whole.
    Cancel,
}

/// Refuses a description of another order. A missing member is not checked here: it cannot be a result either
/// ([`state`]).
///
/// # Errors
/// The report on the refund.
pub fn check(result: &Object, payment: &Transaction, reference: &str) -> Result<(), Box<RefundReport>> {
    let other = |member: &str, is_ours: &dyn Fn(&str) -> bool| {
        result.text(member).is_some_and(|text| !is_ours(&text))
    };
    let currency = payment.amount.currency();
    let is_other = other("reference_no", &|text| text == reference)
        || other("order_no", &|text| text == order_number(&payment.id))
        || other("order_currncy", &|text| Currency::from_code(text) == Some(currency));
    if is_other { Err(Box::new(about(result, unclear("the answer is about another order")))) } else { Ok(()) }
}

/// How the money of the order is given back now.
///
/// # Errors
/// The report on the refund, when nothing is sent.
pub fn way(result: &Object, is_whole: bool) -> Result<Way, Box<RefundReport>> {
    let outcome = match word(result).as_str() {
        "shipped" => return Ok(Way::Refund),
        "successful" | "success" if is_whole => return Ok(Way::Cancel),
        "successful" | "success" => RefundOutcome::Failed {
            reason: "the order is not confirmed yet: until then only the whole of it can be given back"
                .to_owned(),
        },
        "refunded" | "cancelled" => unclear("the order was given back already"),
        word if is_given_back_by_others(word) => outcome_of_other(word),
        // Nothing is sent: it is no state of a refund.
        other => unclear(&format!("the order cannot be given back: it is {}", cut(other, 64))),
    };
    Err(Box::new(about(result, outcome)))
}

/// The state of a refund of `amount` of an order of `whole`, as far as the order shows it.
pub fn state(result: &Object, amount: Money, whole: Money) -> RefundReport {
    let outcome = match word(result).as_str() {
        // Cancelled by us, while it was not confirmed.
        "refunded" | "cancelled" if amount == whole => match gross(result, whole.currency()) {
            Some(gross) if gross == whole => RefundOutcome::Succeeded { amount: Some(gross) },
            Some(_) | None => unclear("the order was given back, of another amount or none"),
        },
        "refunded" | "cancelled" => unclear("the whole order was given back, of which this is a part"),
        "shipped" | "successful" | "success" => RefundOutcome::Pending,
        other => outcome_of_other(other),
    };
    about(result, outcome)
}

/// The meaning of an order that is neither paid nor given back by us.
fn outcome_of_other(word: &str) -> RefundOutcome {
    match word {
        "chargeback" => unclear("the payer's bank took the money back"),
        word if is_given_back_by_others(word) => unclear("CCAvenue gave the money back by itself"),
        other => unrecognised(other),
    }
}

fn is_given_back_by_others(word: &str) -> bool {
    matches!(word, "systemrefund" | "auto-reversed" | "auto-cancelled" | "chargeback")
}

fn word(result: &Object) -> String {
    let is_good = result.text("status").is_none_or(|status| status.trim() == "0");
    let word = result.text("order_status").filter(|_| is_good);
    word.unwrap_or_else(|| "none".to_owned()).trim().to_ascii_lowercase()
}

fn gross(result: &Object, currency: Currency) -> Option<Money> {
    let amount = result.text("order_gross_amt").or_else(|| result.text("order_amt"))?;
    Money::parse(&amount, currency).ok()
}

/// The meaning of the answer to `refundOrder` or `cancelOrder`.
///
/// # Errors
/// [`GatewayError::Unreadable`] when it does not say whether the refund was taken on.
pub fn taken(text: &str) -> Result<RefundReport, GatewayError> {
    let unreadable =
        || GatewayError::Unreadable("it does not say whether the refund was taken on".to_owned());
    let whole = Object::parse(text.as_bytes()).ok_or_else(unreadable)?;
    let refund = whole.object("Refund_Order_Result");
    let cancellation = whole.object("Order_Result");
    let result = refund.or(cancellation).unwrap_or(whole);
    let failed = result.object("failed_List").or_else(|| result.list("failed_List")?.into_iter().next());
    let reason = result.text("reason").or_else(|| failed.as_ref()?.text("reason"));
    let (status, done) = (result.text("refund_status"), result.text("success_count"));
    let outcome = match (status.as_deref(), done.as_deref()) {
        (Some("0"), None) | (None, Some("1")) => RefundOutcome::Pending,
        (Some("1"), None) | (None, Some("0")) => RefundOutcome::Failed {
            reason: cut(reason.as_deref().unwrap_or("refused by the gateway"), 255).to_owned(),
        },
        _ => return Err(unreadable()),
    };
    let mut report = refund::report(outcome, json!({ "refund_status": status, "success_count": done }));
    report.status_code = short(status);
    report.status_message = short(reason);
    Ok(report)
}

/// The report on a request that the API did not take: an access code, a key or an address is wrong.
pub fn refused_request(message: &str, code: &str) -> RefundReport {
    let mut report = refund::report(refund::misconfigured(message), json!({ "enc_error_code": code }));
    report.status_code = short(Some(code.to_owned()));
    report.status_message = short(Some(message.to_owned()));
    report
}

fn about(result: &Object, outcome: RefundOutcome) -> RefundReport {
    let mut report = refund::report(outcome, evidence::of_object(result, &EVIDENCE));
    report.status_code = short(result.text("order_status"));
    report.status_message = short(result.text("error_desc"));
    report
}

fn unclear(reason: &str) -> RefundOutcome {
    RefundOutcome::Unclear { reason: reason.to_owned() }
}
