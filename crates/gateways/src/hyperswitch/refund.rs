//! Refunds of a payment. Our number of a refund is the router's as well, filled up to the length that it takes; a
//! second refund of one number is refused.

use async_trait::async_trait;
use payment_domain::{RefundId, RefundReport, Transaction};
use payment_gateway::{Answer, GatewayError, NoRefund, RefundOrder, RefundTerms, Refunding, Repetition};
use serde_json::json;

use super::account::HyperswitchAccount;
use super::answer::Event;
use super::wire::{self, call};
use super::{Hyperswitch, refund_answer};
use crate::client::{Call, Method};
use crate::refund::{self, Asked};

/// The length of the router's numbers.
const LENGTH: usize = 30;
/// The smallest refund that the router takes, in minor units.
const MIN_MINOR: i64 = 100;
const REASON: &str = "CUSTOMER REQUEST";

/// The router's number of a refund: ours, a `-`, and as many zeros as are missing.
pub fn refund_number(id: &RefundId) -> String {
    let id = id.as_str();
    if id.len() >= LENGTH { id.to_owned() } else { format!("{:0<LENGTH$}", format!("{id}-")) }
}

/// Our number in the router's.
pub fn refund_id(number: &str) -> Option<RefundId> {
    RefundId::new(number.trim_end_matches('0').strip_suffix('-')?).ok()
}

/// Gives an amount of a payment back.
pub fn refund_call(account: &HyperswitchAccount, asked: &Asked<'_>, reason: &str) -> Call {
    let body = json!({
        "payment_id": asked.payment,
        "refund_id": asked.id,
        "amount": asked.amount.minor(),
        "reason": reason,
    });
    call(account, Method::POST, "refunds", Some(&body))
}

/// Reads a refund. For a pending one the router asks its provider.
pub fn refund_status_call(account: &HyperswitchAccount, refund_number: &str) -> Call {
    call(account, Method::GET, &format!("refunds/{refund_number}"), None)
}

#[async_trait]
impl Refunding for Hyperswitch {
    fn terms(&self, payment: &Transaction) -> Result<RefundTerms, NoRefund> {
        Ok(RefundTerms {
            partial: true,
            several: true,
            minimum: refund::minimum(MIN_MINOR, payment),
            repetition: Repetition::Refused,
        })
    }

    async fn refund(&self, order: &RefundOrder<'_>) -> Result<RefundReport, GatewayError> {
        let (number, payment) = (refund_number(order.id), wire::payment_id(&order.payment.id));
        let asked = Asked { id: &number, payment: &payment, amount: order.amount };
        refund_answer::made(self.client.send(&refund_call(&self.account, &asked, REASON)).await?, &asked)
    }

    async fn refund_status(&self, order: &RefundOrder<'_>) -> Result<RefundReport, GatewayError> {
        let (number, payment) = (refund_number(order.id), wire::payment_id(&order.payment.id));
        let asked = Asked { id: &number, payment: &payment, amount: order.amount };
        refund_answer::found(self.client.send(&refund_status_call(&self.account, &number)).await?, &asked)
    }

    fn names_refund(&self, answer: &Answer) -> Option<RefundId> {
        refund_id(&Event::in_body(&answer.body)?.refund()?)
    }
}
