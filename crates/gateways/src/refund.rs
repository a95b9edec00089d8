//! Refunds: comparing an answer with the request, and reporting it.

use payment_domain::{Money, RefundOutcome, RefundReport, Transaction};
use payment_gateway::{GatewayError, NoRefund, RefundOrder};
use serde_json::Value;

use crate::text::cut;

/// The longest text taken over from an answer, in characters.
const MAX_CHARS: usize = 255;

/// A refund in the provider's terms.
#[derive(Debug, Clone, Copy)]
pub struct Asked<'a> {
    /// Our number of it.
    pub id: &'a str,
    /// The provider's number of the payment.
    pub payment: &'a str,
    pub amount: Money,
}

/// The members of an answer that identify a refund.
#[derive(Debug, Clone, Default)]
pub struct RefundMembers {
    pub id: Option<String>,
    pub payment: Option<String>,
    /// `None` also where it cannot be read as one of the payment's currency.
    pub amount: Option<Money>,
}

impl Asked<'_> {
    /// The outcome, when the answer is about this refund in all members: missing is not equal.
    pub fn compare(&self, told: &RefundMembers, outcome: RefundOutcome) -> RefundOutcome {
        let unclear = |what: &str| unclear(format!("the answer names {what}, or none"));
        if told.id.as_deref() != Some(self.id) {
            unclear("another refund")
        } else if told.payment.as_deref() != Some(self.payment) {
            unclear("another payment")
        } else if told.amount != Some(self.amount) {
            unclear("another amount or currency")
        } else {
            outcome
        }
    }
}

/// The one refund of our number among several; more than one is [`RefundOutcome::Unclear`].
///
/// # Errors
/// The report when there is not exactly one.
pub fn only<T>(mut found: Vec<T>, raw: impl FnOnce() -> Value) -> Result<T, Box<RefundReport>> {
    match (found.pop(), found.is_empty()) {
        (Some(refund), true) => Ok(refund),
        (Some(_), false) => {
            let several = unclear("the gateway knows several refunds of this number");
            Err(Box::new(report(several, raw())))
        }
        (None, _) => Err(Box::new(report(RefundOutcome::NotFound, raw()))),
    }
}

/// A report of nothing but the outcome.
pub fn report(outcome: RefundOutcome, raw: Value) -> RefundReport {
    let (gateway_refund_id, status_code, status_message) = (None, None, None);
    RefundReport { outcome, may_repeat: false, gateway_refund_id, status_code, status_message, raw }
}

/// A text of an answer within bounds.
pub fn short(text: Option<String>) -> Option<String> {
    text.map(|text| cut(&text, MAX_CHARS).to_owned()).filter(|text| !text.is_empty())
}

/// A word that is in no table.
pub fn unrecognised(code: &str) -> RefundOutcome {
    RefundOutcome::Unrecognised { code: cut(code, 64).to_owned() }
}

/// An answer that refuses any request of ours: the key or the signature is wrong.
pub fn misconfigured(why: &str) -> RefundOutcome {
    unclear(format!("the gateway refuses the account: {}", cut(why, 100)))
}

/// A refusal, unless the gateway has the refund all the same: from an earlier call whose answer was lost.
/// `found` is the gateway's answer to the status request.
pub fn confirmed(refusal: RefundReport, found: Result<RefundReport, GatewayError>) -> RefundReport {
    match found {
        Ok(found) if found.outcome == RefundOutcome::NotFound => refusal,
        Ok(found) => found,
        Err(_unanswered) => RefundReport { outcome: RefundOutcome::Pending, ..refusal },
    }
}

/// The smallest refund of a payment, from minor units of its currency.
pub fn minimum(minor: i64, payment: &Transaction) -> Money {
    Money::from_minor(minor, payment.amount.currency()).unwrap_or(payment.amount)
}

/// People must look, for this reason.
pub fn unclear(reason: impl Into<String>) -> RefundOutcome {
    RefundOutcome::Unclear { reason: reason.into() }
}

/// Success of exactly the amount that was asked; people must look at any other. Missing is not equal.
pub fn succeeded(order: &RefundOrder<'_>, amount: Option<Money>) -> RefundOutcome {
    match amount {
        Some(amount) if amount == order.amount => RefundOutcome::Succeeded { amount: Some(amount) },
        Some(other) => unclear(format!("the gateway tells of {other}, asked was {}", order.amount)),
        None => unclear("the gateway tells of no amount"),
    }
}

/// The provider's number of a payment.
///
/// # Errors
/// [`NoRefund`] when none is stored.
pub fn number_of(payment: &Transaction) -> Result<&str, NoRefund> {
    let number = payment.gateway_details.txn_id.as_deref().filter(|number| !number.is_empty());
    number.ok_or(NoRefund::NumberUnknown)
}

/// The same for a call: without a number nothing is sent.
///
/// # Errors
/// [`GatewayError::NotSent`].
pub fn number_for_call(payment: &Transaction) -> Result<&str, GatewayError> {
    number_of(payment).map_err(|missing| GatewayError::NotSent(missing.into()))
}

#[cfg(test)]
mod tests {
    use payment_domain::Currency;

    use super::*;

    fn rupees(text: &str) -> Money {
        Money::parse(text, Currency::INR).unwrap()
    }

    #[test]
    fn missing_is_not_equal() {
        let asked = Asked { id: "RF_0000001", payment: "P1", amount: rupees("1.00") };
        let same = RefundMembers {
            id: Some("RF_0000001".into()),
            payment: Some("P1".into()),
            amount: Some(rupees("1.00")),
        };
        assert_eq!(asked.compare(&same, RefundOutcome::Pending), RefundOutcome::Pending);
        for other in [
            RefundMembers { id: None, ..same.clone() },
            RefundMembers { id: Some("RF_0000002".into()), ..same.clone() },
            RefundMembers { payment: None, ..same.clone() },
            RefundMembers { payment: Some("P2".into()), ..same.clone() },
            RefundMembers { amount: None, ..same.clone() },
            RefundMembers { amount: Some(rupees("1.01")), ..same.clone() },
            RefundMembers {
                amount: Money::from_minor(100, Currency::from_code("USD").unwrap()).ok(),
                ..same.clone()
            },
        ] {
            for outcome in [RefundOutcome::Pending, RefundOutcome::Succeeded { amount: other.amount }] {
                let compared = asked.compare(&other, outcome);
                assert_eq!(compared.name(), "unclear", "{other:?}");
            }
        }
    }

    #[test]
    fn a_refusal_is_one_only_while_the_gateway_has_no_such_refund() {
        let of = |outcome| report(outcome, Value::Null);
        let refusal = || of(RefundOutcome::Failed { reason: "too much".to_owned() });
        assert_eq!(confirmed(refusal(), Ok(of(RefundOutcome::NotFound))), refusal());
        let taken = of(RefundOutcome::Pending);
        assert_eq!(confirmed(refusal(), Ok(taken.clone())), taken);
        let lost = confirmed(refusal(), Err(GatewayError::Unreadable(String::new())));
        assert_eq!(lost.outcome, RefundOutcome::Pending);
    }

    #[test]
    fn two_refunds_of_one_number_are_left_to_operators() {
        assert_eq!(only(vec![1], || Value::Null), Ok(1));
        for (found, outcome) in [(vec![], "not found"), (vec![1, 2], "unclear")] {
            let none = only(found, || Value::Null).unwrap_err();
            assert_eq!(none.outcome.name(), outcome);
        }
    }
}
