//! Refunds in the protocol: the requests, and the meaning of an answer. Pure.

use payment_domain::{Currency, RefundId, RefundOutcome, RefundReport};
use payment_gateway::{Answer, GatewayError, RefundOrder, Repetition};
use serde::Serialize;

use super::account::RemoteAccount;
use super::wire::{About, MAX_CHARS, json};
use crate::evidence;
use crate::json::Object;
use crate::refund::{succeeded, unclear};
use crate::text::{cut, minor_units, one_line};

/// The parameter, or member of a JSON body, in which a provider names a refund.
const REFUND: &str = "refundId";

/// Evidence kept of an answer.
const EVIDENCE: [&str; 9] = [
    "orderId",
    REFUND,
    "state",
    "refundAmountPaise",
    "currency",
    "gatewayRefundId",
    "mayRepeat",
    "statusCode",
    "statusMessage",
];

/// The refunds that the provider can make.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Refunds {
    None,
    /// Of the whole payment alone.
    Whole,
    Parts,
}

/// The words for the effect of a second call with one id.
pub const REPETITIONS: &[(&str, Repetition)] =
    &[("replayed", Repetition::Replayed), ("refused", Repetition::Refused), ("doubles", Repetition::Doubles)];

#[derive(Serialize)]
#[serde(rename_all = "camelCase")]
struct RefundBody<'a> {
    #[serde(flatten)]
    about: About<'a>,
    gateway_txn_id: Option<&'a str>,
    refund_id: &'a str,
    refund_amount_paise: i64,
    gateway_refund_id: Option<&'a str>,
    notify_url: Option<&'a str>,
}

/// The body of both requests.
///
/// # Errors
/// Never in practice.
pub fn body(account: &RemoteAccount, order: &RefundOrder<'_>) -> Result<String, GatewayError> {
    json(&RefundBody {
        about: About::of(account, order.payment),
        gateway_txn_id: order.payment.gateway_details.txn_id.as_deref(),
        refund_id: order.id.as_str(),
        refund_amount_paise: order.amount.minor(),
        gateway_refund_id: order.gateway_refund_id,
        notify_url: order.notify_url,
    })
}

/// The report in an answer.
pub fn report(answer: &Object, order: &RefundOrder<'_>) -> RefundReport {
    let text = |name: &str| answer.text(name).map(|text| cut(&one_line(&text), MAX_CHARS).to_owned());
    let message = text("statusMessage");
    let outcome = outcome(answer, order, message.as_deref());
    RefundReport {
        may_repeat: outcome == RefundOutcome::Pending && answer.text("mayRepeat").as_deref() == Some("true"),
        outcome,
        gateway_refund_id: text("gatewayRefundId"),
        status_code: text("statusCode"),
        status_message: message,
        raw: evidence::of_object(answer, &EVIDENCE),
    }
}

fn outcome(answer: &Object, order: &RefundOrder<'_>, message: Option<&str>) -> RefundOutcome {
    let named = |name: &str, ours: &str| answer.text(name).as_deref() == Some(ours);
    if !named("orderId", order.payment.id.as_str()) || !named(REFUND, order.id.as_str()) {
        return unclear("the answer names another refund or order, or none");
    }
    let currency = answer.text("currency").as_deref().and_then(Currency::from_code);
    let amount = answer
        .text("refundAmountPaise")
        .and_then(|paise| minor_units(&paise, currency.filter(|it| *it == order.amount.currency())?));
    if answer.text("refundAmountPaise").is_some() && amount != Some(order.amount) {
        return unclear("the answer names another amount or currency");
    }
    match answer.text("state").as_deref() {
        Some("refunded") => succeeded(order, amount),
        Some("pending") => RefundOutcome::Pending,
        Some("refused") => {
            RefundOutcome::Failed { reason: message.unwrap_or("refused at the gateway").to_owned() }
        }
        Some("not_found") => RefundOutcome::NotFound,
        Some("unclear") => unclear(message.unwrap_or("unclear at the gateway")),
        Some(other) => RefundOutcome::Unrecognised { code: cut(&one_line(other), 64).to_owned() },
        None => RefundOutcome::Unrecognised { code: "no state".to_owned() },
    }
}

/// The refund that a provider's message names.
pub fn named(answer: &Answer) -> Option<RefundId> {
    let in_body = || Object::parse(&answer.body)?.text(REFUND);
    RefundId::new(answer.params.get(REFUND).map(str::to_owned).or_else(in_body)?).ok()
}

#[cfg(test)]
mod tests {
    use payment_domain::Money;
    use payment_gateway::conformance::sample;
    use proptest::prelude::*;
    use serde_json::{Value, json};

    use super::*;

    fn read(answer: &Value) -> RefundReport {
        let (payment, id) = (sample::transaction("T1", "100.00"), RefundId::new("RF-0000000001").unwrap());
        let amount = Money::parse("19.99", Currency::INR).unwrap();
        let order =
            RefundOrder { payment: &payment, id: &id, amount, gateway_refund_id: None, notify_url: None };
        report(&Object::parse(answer.to_string().as_bytes()).unwrap(), &order)
    }

    fn answer(state: &str) -> Value {
        json!({
            "orderId": "T1", "refundId": "RF-0000000001", "state": state, "refundAmountPaise": 1999,
            "currency": "INR", "gatewayRefundId": "G1",
        })
    }

    #[test]
    fn every_state_means_what_the_protocol_says() {
        for (state, outcome) in [
            ("refunded", "succeeded"),
            ("pending", "pending"),
            ("refused", "failed"),
            ("not_found", "not found"),
            ("unclear", "unclear"),
            ("paid", "unrecognised"),
            ("declined", "unrecognised"),
            ("REFUNDED", "unrecognised"),
        ] {
            assert_eq!(read(&answer(state)).outcome.name(), outcome, "{state}");
        }
        for (name, value) in [
            ("orderId", json!("T2")),
            ("orderId", Value::Null),
            ("refundId", json!("RF-0000000002")),
            ("refundId", Value::Null),
            ("refundAmountPaise", json!(1998)),
            ("refundAmountPaise", json!("19.99")),
            ("refundAmountPaise", Value::Null),
            ("currency", json!("USD")),
            ("currency", Value::Null),
        ] {
            let mut other = answer("refunded");
            other[name] = value.clone();
            assert_eq!(read(&other).outcome.name(), "unclear", "{name} {value}");
        }
    }

    #[test]
    fn only_what_is_open_may_be_sent_again() {
        for (state, expected) in [("pending", true), ("refunded", false), ("refused", false), ("x", false)] {
            let mut told = answer(state);
            told["mayRepeat"] = true.into();
            assert_eq!(read(&told).may_repeat, expected, "{state}");
        }
        assert!(!read(&answer("pending")).may_repeat);
    }

    proptest! {
        #[test]
        fn only_refunded_with_the_same_amount_gives_money_back(
            state in "(refunded|\\PC{0,8})", amount in "(1999|\\PC{0,6})", currency in "(INR|USD|\\PC{0,3})",
        ) {
            let mut told = answer(&state);
            told["refundAmountPaise"] = amount.as_str().into();
            told["currency"] = currency.as_str().into();
            if let RefundOutcome::Succeeded { .. } = read(&told).outcome {
                prop_assert!(state == "refunded" && amount == "1999" && currency.eq_ignore_ascii_case("INR"));
            }
        }
    }
}
