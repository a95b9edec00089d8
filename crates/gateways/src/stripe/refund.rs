//! Refunds of a payment. Our number of a refund is the idempotency key of the request, which Stripe keeps for
//! a day, and is in the refund's metadata, by which it is found.
//!
//! A refund that has succeeded can fail days later: the payer's bank sends the money back, and an event of
//! the refund is a reason for a status request.

use async_trait::async_trait;
use payment_domain::{RefundId, RefundOutcome, RefundReport, Transaction};
use payment_gateway::{Answer, GatewayError, NoRefund, RefundOrder, RefundTerms, Refunding, Repetition};

use super::account::StripeAccount;
use super::answer::Event;
use super::wire::{TXN_ID, call};
use super::{Stripe, currency, refund_answer};
use crate::client::{Body, Call, Method};
use crate::form;
use crate::refund::{self, Asked};

/// The member of a refund's metadata with our number of it.
pub const REFUND_ID: &str = "refundId";
/// Refunds on a page of a list.
const PAGE: usize = 100;
/// More pages of refunds of one payment are not looked through.
const MAX_PAGES: usize = 10;

/// The reason given to Stripe. There is a third one, `fraudulent`, which blocks the payer's card and address
/// for ever: it is never given.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Reason {
    Duplicate,
    RequestedByCustomer,
}

impl Reason {
    pub fn as_str(self) -> &'static str {
        match self {
            Reason::Duplicate => "duplicate",
            Reason::RequestedByCustomer => "requested_by_customer",
        }
    }
}

/// Gives an amount of a payment back. Repeated with the same number it is answered with the same refund.
pub fn refund_call(account: &StripeAccount, asked: &Asked<'_>, reason: Reason, txn_id: &str) -> Call {
    let fields = [
        ("payment_intent".to_owned(), asked.payment.to_owned()),
        ("amount".to_owned(), asked.amount.minor().to_string()),
        ("reason".to_owned(), reason.as_str().to_owned()),
        (format!("metadata[{REFUND_ID}]"), asked.id.to_owned()),
        (format!("metadata[{TXN_ID}]"), txn_id.to_owned()),
    ];
    let mut call = call(account, Method::POST, "refunds", Body::Form(fields.into()));
    call.headers.push(("Idempotency-Key".to_owned(), asked.id.to_owned()));
    call
}

/// Reads a refund.
pub fn refund_status_call(account: &StripeAccount, refund: &str) -> Call {
    call(account, Method::GET, &format!("refunds/{refund}"), Body::Empty)
}

/// Lists the refunds of a payment, newest first, behind one of them.
pub fn refunds_call(account: &StripeAccount, payment_intent: &str, behind: Option<&str>) -> Call {
    let limit = PAGE.to_string();
    let mut query = vec![("payment_intent", payment_intent), ("limit", limit.as_str())];
    query.extend(behind.map(|refund| ("starting_after", refund)));
    call(account, Method::GET, &form::in_query("refunds", &query), Body::Empty)
}

/// Whether a text is the id of a refund, which can be part of a path.
fn is_refund_id(text: &str) -> bool {
    (1..=255).contains(&text.len()) && text.bytes().all(|byte| byte.is_ascii_alphanumeric() || byte == b'_')
}

impl Stripe {
    /// The refund of our number among those of the payment.
    async fn refund_in_list(&self, asked: &Asked<'_>) -> Result<RefundReport, GatewayError> {
        let mut ours = Vec::new();
        let mut behind: Option<String> = None;
        for _ in 0..MAX_PAGES {
            let call = refunds_call(&self.account, asked.payment, behind.as_deref());
            let page = match refund_answer::page(self.client.send(&call).await?)? {
                Ok(page) => page,
                Err(refused) => return Ok(*refused),
            };
            behind = page.refunds.last().and_then(|last| last.text("id")).filter(|id| is_refund_id(id));
            ours.extend(page.refunds.into_iter().filter(|refund| refund_answer::is_of(refund, asked)));
            if !page.has_more {
                return Ok(refund_answer::one_of(ours, asked));
            }
            if behind.is_none() {
                break;
            }
        }
        Err(GatewayError::Unreadable("more refunds of the payment than can be listed".to_owned()))
    }
}

fn asked<'a>(order: &RefundOrder<'a>) -> Result<Asked<'a>, GatewayError> {
    let payment = payment_intent(order.payment).map_err(|missing| GatewayError::NotSent(missing.into()))?;
    Ok(Asked { id: order.id.as_str(), payment, amount: order.amount })
}

fn payment_intent(payment: &Transaction) -> Result<&str, NoRefund> {
    if !currency::has_our_unit(payment.amount.currency()) {
        return Err(NoRefund::OtherUnit);
    }
    refund::number_of(payment)
}

#[async_trait]
impl Refunding for Stripe {
    fn terms(&self, payment: &Transaction) -> Result<RefundTerms, NoRefund> {
        payment_intent(payment)?;
        Ok(RefundTerms {
            partial: true,
            several: true,
            minimum: refund::minimum(1, payment),
            repetition: Repetition::Replayed,
        })
    }

    async fn refund(&self, order: &RefundOrder<'_>) -> Result<RefundReport, GatewayError> {
        let asked = asked(order)?;
        let txn_id = order.payment.id.as_str();
        let call = refund_call(&self.account, &asked, Reason::RequestedByCustomer, txn_id);
        refund_answer::made(self.client.send(&call).await?, &asked)
    }

    async fn refund_status(&self, order: &RefundOrder<'_>) -> Result<RefundReport, GatewayError> {
        let asked = asked(order)?;
        if let Some(id) = order.gateway_refund_id.filter(|id| is_refund_id(id)) {
            let call = refund_status_call(&self.account, id);
            let report = refund_answer::found(self.client.send(&call).await?, &asked)?;
            if report.outcome != RefundOutcome::NotFound {
                return Ok(report);
            }
        }
        self.refund_in_list(&asked).await
    }

    fn names_refund(&self, answer: &Answer) -> Option<RefundId> {
        let event = Event::parse(&answer.body).filter(Event::is_of_refund)?;
        RefundId::new(event.object.object("metadata")?.text(REFUND_ID)?).ok()
    }
}
