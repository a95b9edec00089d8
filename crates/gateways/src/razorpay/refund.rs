//! Refunds of a payment. Our number of a refund is its receipt, and the idempotency key of the request.

use async_trait::async_trait;
use payment_domain::{RefundId, RefundOutcome, RefundReport, Transaction};
use payment_gateway::{Answer, GatewayError, NoRefund, RefundOrder, RefundTerms, Refunding, Repetition};
use serde_json::{Value, json};

use super::account::RazorpayAccount;
use super::wire::{self, Id, call};
use super::{Razorpay, refund_answer, unreadable, webhook};
use crate::client::{Call, Method};
use crate::refund::{self, Asked};

/// The header of the idempotency key: at least 10 letters, digits, `-` and `_`.
const IDEMPOTENCY_KEY: &str = "X-Refund-Idempotency";
/// The default number of refunds on a page of the list of a payment's refunds.
const PAGE: usize = 10;
/// More refunds of one payment are not looked through.
const MAX_LISTED: usize = 500;

/// The body of a refund request.
pub fn request(asked: &Asked<'_>) -> Value {
    json!({ "amount": asked.amount.minor(), "speed": "normal", "receipt": asked.id })
}

/// Gives an amount of a payment back; the whole of it when the body names none. With the same key and body it is
/// answered with the same refund.
pub fn refund_call(account: &RazorpayAccount, payment: &Id, key: &str, body: &Value) -> Call {
    let mut call = call(account, Method::POST, &format!("payments/{payment}/refund"), Some(body));
    call.headers.push((IDEMPOTENCY_KEY.to_owned(), key.to_owned()));
    call
}

/// Reads a refund.
pub fn refund_status_call(account: &RazorpayAccount, refund: &Id) -> Call {
    call(account, Method::GET, &format!("refunds/{refund}"), None)
}

/// Lists the refunds of a payment behind the first `skip`.
pub fn refunds_call(account: &RazorpayAccount, payment: &Id, skip: usize) -> Call {
    let page = if skip == 0 { String::new() } else { format!("?count={PAGE}&skip={skip}") };
    call(account, Method::GET, &format!("payments/{payment}/refunds{page}"), None)
}

impl Razorpay {
    /// The refund of our number among those of the payment.
    async fn refund_in_list(&self, payment: &Id, asked: &Asked<'_>) -> Result<RefundReport, GatewayError> {
        let mut ours = Vec::new();
        let mut listed = 0;
        while listed < MAX_LISTED {
            let call = refunds_call(&self.account, payment, listed);
            let page = match refund_answer::page(self.client.send(&call).await?)? {
                Ok(page) => page,
                Err(refused) => return Ok(*refused),
            };
            listed += page.len();
            let is_last = page.len() < PAGE;
            ours.extend(page.into_iter().filter(|refund| refund_answer::is_of(refund, asked)));
            if is_last {
                return Ok(refund_answer::one_of(ours, asked));
            }
        }
        Err(unreadable("more refunds of the payment than can be listed"))
    }
}

/// The refund in Razorpay's terms, and the payment's id for a path.
fn asked<'a>(order: &RefundOrder<'a>) -> Result<(Asked<'a>, Id), GatewayError> {
    let payment = payment_id(order.payment).map_err(|missing| GatewayError::NotSent(missing.into()))?;
    let number = refund::number_for_call(order.payment)?;
    Ok((Asked { id: order.id.as_str(), payment: number, amount: order.amount }, payment))
}

/// A payment with the id of its link or order alone was captured by another service, or not at all.
fn payment_id(payment: &Transaction) -> Result<Id, NoRefund> {
    let number = refund::number_of(payment)?;
    Id::of_payment(number).ok_or_else(|| NoRefund::OtherNumber(number.to_owned()))
}

#[async_trait]
impl Refunding for Razorpay {
    fn terms(&self, payment: &Transaction) -> Result<RefundTerms, NoRefund> {
        payment_id(payment)?;
        Ok(RefundTerms {
            partial: true,
            several: true,
            minimum: refund::minimum(wire::MIN_MINOR, payment),
            repetition: Repetition::Replayed,
        })
    }

    async fn refund(&self, order: &RefundOrder<'_>) -> Result<RefundReport, GatewayError> {
        let (asked, payment) = asked(order)?;
        let call = refund_call(&self.account, &payment, asked.id, &request(&asked));
        let report = refund_answer::refund(self.client.send(&call).await?, &asked)?;
        match report.outcome {
            RefundOutcome::Failed { .. } => {
                Ok(refund::confirmed(report, self.refund_in_list(&payment, &asked).await))
            }
            RefundOutcome::Succeeded { .. }
            | RefundOutcome::Pending
            | RefundOutcome::NotFound
            | RefundOutcome::Unclear { .. }
            | RefundOutcome::Unrecognised { .. } => Ok(report),
        }
    }

    async fn refund_status(&self, order: &RefundOrder<'_>) -> Result<RefundReport, GatewayError> {
        let (asked, payment) = asked(order)?;
        match order.gateway_refund_id.and_then(Id::of_refund) {
            Some(id) => {
                let call = refund_status_call(&self.account, &id);
                refund_answer::refund(self.client.send(&call).await?, &asked)
            }
            None => self.refund_in_list(&payment, &asked).await,
        }
    }

    fn names_refund(&self, answer: &Answer) -> Option<RefundId> {
        webhook::refund(&answer.body).and_then(|id| RefundId::new(id).ok())
    }
}
