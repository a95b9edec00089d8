//! Refunds: `refundOrder`, or `cancelOrder` while an order is not confirmed.
//!
//! CCAvenue reports the state of an order and of no refund: a partial refund is never confirmed. Such a
//! refund stays pending until an operator finds it in the payout report. No documented rule keeps CCAvenue
//! from refunding twice under one number, so a request is never repeated.

use async_trait::async_trait;
use payment_domain::{RefundId, RefundReport, Transaction};
use payment_gateway::{Answer, GatewayError, NoRefund, RefundOrder, RefundTerms, Refunding, Repetition};
use serde::Serialize;

use super::account::CcavenueAccount;
use super::answer::{self, Content};
use super::refund_answer::{self, Way};
use super::{Ccavenue, wire};
use crate::client::Call;
use crate::json::Object;
use crate::refund;

/// The version of the API in which clients refund.
const VERSION: &str = "1.1";

#[derive(Serialize)]
struct Refund<'a> {
    reference_no: &'a str,
    refund_amount: &'a str,
    refund_ref_no: &'a str,
}

#[derive(Serialize)]
struct Cancellation<'a> {
    #[serde(rename = "order_List")]
    orders: [CancelledOrder<'a>; 1],
}

#[derive(Serialize)]
struct CancelledOrder<'a> {
    reference_no: &'a str,
    amount: &'a str,
}

/// Gives an amount of a confirmed order back.
pub fn refund_call(account: &CcavenueAccount, reference: &str, amount: &str, id: &str) -> Call {
    let request = Refund { reference_no: reference, refund_amount: amount, refund_ref_no: id };
    // Texts under fixed names: writing them cannot fail, and an empty request is answered with an error.
    let json = serde_json::to_string(&request).unwrap_or_default();
    wire::api_call(account, "refundOrder", VERSION, &json)
}

/// Cancels an order that is not confirmed, which gives all of it back.
pub fn cancel_call(account: &CcavenueAccount, reference: &str, amount: &str) -> Call {
    let request = Cancellation { orders: [CancelledOrder { reference_no: reference, amount }] };
    let json = serde_json::to_string(&request).unwrap_or_default();
    wire::api_call(account, "cancelOrder", VERSION, &json)
}

impl Ccavenue {
    async fn answer_to(&self, call: &Call) -> Result<Content, GatewayError> {
        let reply = self.client.send(call).await?.accepted()?;
        answer::content(&self.account.api.working_key, &reply.body)
    }

    /// The order as the status API describes it; the report when it refuses the request.
    async fn order(
        &self,
        order: &RefundOrder<'_>,
        reference: &str,
    ) -> Result<Result<Object, Box<RefundReport>>, GatewayError> {
        let call = wire::status_call(&self.account, &order.payment.id, Some(reference));
        match self.answer_to(&call).await? {
            Content::Text(text) => {
                let result = answer::result(&text)?;
                Ok(refund_answer::check(&result, order.payment, reference).map(|()| result))
            }
            Content::Refusal { message, code } => {
                Ok(Err(Box::new(refund_answer::refused_request(&message, &code))))
            }
        }
    }
}

#[async_trait]
impl Refunding for Ccavenue {
    fn terms(&self, payment: &Transaction) -> Result<RefundTerms, NoRefund> {
        refund::number_of(payment)?;
        Ok(RefundTerms {
            partial: true,
            several: true,
            minimum: refund::minimum(1, payment),
            repetition: Repetition::Doubles,
        })
    }

    async fn refund(&self, order: &RefundOrder<'_>) -> Result<RefundReport, GatewayError> {
        let reference = refund::number_for_call(order.payment)?;
        // A failed status request has moved no money.
        let known = self.order(order, reference).await.map_err(|error| match error {
            GatewayError::LocalFault(_) | GatewayError::Unavailable { .. } => error,
            GatewayError::NotSent(_)
            | GatewayError::Unanswered(_)
            | GatewayError::Unreadable(_)
            | GatewayError::Refused { .. }
            | GatewayError::BadSignature
            | GatewayError::WrongTransaction => GatewayError::NotSent(error.into()),
        })?;
        let known = match known {
            Ok(known) => known,
            Err(refused) => return Ok(*refused),
        };
        let (is_whole, amount) = (order.amount == order.payment.amount, order.amount.to_string());
        let call = match refund_answer::way(&known, is_whole) {
            Ok(Way::Refund) => refund_call(&self.account, reference, &amount, order.id.as_str()),
            Ok(Way::Cancel) => cancel_call(&self.account, reference, &amount),
            Err(none) => return Ok(*none),
        };
        match self.answer_to(&call).await? {
            Content::Text(text) => refund_answer::taken(&text),
            Content::Refusal { message, code } => Ok(refund_answer::refused_request(&message, &code)),
        }
    }

    async fn refund_status(&self, order: &RefundOrder<'_>) -> Result<RefundReport, GatewayError> {
        let reference = refund::number_for_call(order.payment)?;
        match self.order(order, reference).await? {
            Ok(known) => Ok(refund_answer::state(&known, order.amount, order.payment.amount)),
            Err(refused) => Ok(*refused),
        }
    }

    /// No message about a refund is documented.
    fn names_refund(&self, _: &Answer) -> Option<RefundId> {
        None
    }
}
