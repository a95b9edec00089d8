//! Shared by the refunds of all adapters.

use payment_domain::{Money, RefundOutcome, Transaction};
use payment_gateway::{NoRefund, RefundOrder};

/// The smallest refund of a payment where the provider names none: one minor unit.
///
/// # Errors
/// [`NoRefund`] for a currency without one.
pub fn one_minor_unit(payment: &Transaction) -> Result<Money, NoRefund> {
    Money::from_minor(1, payment.amount.currency()).map_err(|error| NoRefund(error.to_string()))
}

/// The gateway's number of the payment, without which nothing can be given back.
///
/// # Errors
/// [`NoRefund`] when no answer has named it.
pub fn payment_number(payment: &Transaction) -> Result<&str, NoRefund> {
    let number = payment.gateway_details.txn_id.as_deref().filter(|number| !number.is_empty());
    number.ok_or_else(|| NoRefund("the gateway has named no number of the payment".to_owned()))
}

/// People must look, for this reason.
pub fn unclear(reason: impl Into<String>) -> RefundOutcome {
    RefundOutcome::Unclear { reason: reason.into() }
}

/// Success of exactly the requested amount; an operator must look at any other. A missing amount is not
/// equal.
pub fn succeeded(order: &RefundOrder<'_>, amount: Option<Money>) -> RefundOutcome {
    match amount {
        Some(amount) if amount == order.amount => RefundOutcome::Succeeded { amount: Some(amount) },
        Some(other) => unclear(format!("the gateway tells of {other}, asked was {}", order.amount)),
        None => unclear("the gateway tells of no amount"),
    }
}
