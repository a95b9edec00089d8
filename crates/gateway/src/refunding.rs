//! Refunds at a gateway.

use async_trait::async_trait;
pub use payment_domain::Repetition;
use payment_domain::{Currency, Money, RefundId, RefundReport, Transaction};

use crate::{Answer, GatewayError};

/// A gateway through which money is given back.
#[async_trait]
pub trait Refunding: Send + Sync {
    /// The refunds the gateway can make of this payment, known without asking it.
    ///
    /// # Errors
    /// [`NoRefund`] when it can give nothing of this payment back.
    fn terms(&self, payment: &Transaction) -> Result<RefundTerms, NoRefund>;

    /// Asks the gateway to give money back. This acts: it is called again for one id only as
    /// [`RefundTerms::repetition`] allows. "Taken" is [`RefundOutcome::Pending`](payment_domain::RefundOutcome::Pending).
    ///
    /// # Errors
    /// [`GatewayError::NotSent`], [`GatewayError::LocalFault`] and [`GatewayError::Unavailable`] when nothing
    /// left us; [`GatewayError::Unanswered`] and [`GatewayError::Unreadable`] when the money may be gone.
    async fn refund(&self, order: &RefundOrder<'_>) -> Result<RefundReport, GatewayError>;

    /// Asks for the state of a refund. Changes nothing there.
    ///
    /// # Errors
    /// As of [`Gateway::status`](crate::Gateway::status): the refund keeps its state.
    async fn refund_status(&self, order: &RefundOrder<'_>) -> Result<RefundReport, GatewayError>;

    /// The refund that a callback names, before anything in it is verified; `None` when it is not about a
    /// refund. Where the callbacks of payments look the same it may be the id of a payment: there is no such
    /// refund then. A callback is only a reason for a status request.
    fn names_refund(&self, answer: &Answer) -> Option<RefundId>;
}

/// A refund as the gateway needs it.
#[derive(Debug, Clone, Copy)]
pub struct RefundOrder<'a> {
    /// The payment, with the gateway's number of it in `gateway_details`.
    pub payment: &'a Transaction,
    /// Our reference: chosen and stored before the gateway is called.
    pub id: &'a RefundId,
    /// In the currency of the payment.
    pub amount: Money,
    /// The gateway's number of the refund, if an earlier answer named it.
    pub gateway_refund_id: Option<&'a str>,
    /// The URL to which the gateway reports from server to server; `None` where it cannot reach this service.
    pub notify_url: Option<&'a str>,
}

/// The refunds a gateway can make of one payment.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct RefundTerms {
    /// Whether a part of the payment can be given back.
    pub partial: bool,
    /// Whether more than one refund of the payment can be made.
    pub several: bool,
    /// The smallest refund.
    pub minimum: Money,
    /// The effect of a second call with one id.
    pub repetition: Repetition,
}

/// The reason why nothing of a payment can be given back through the gateway.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
pub enum NoRefund {
    /// It makes no refunds.
    #[error("this gateway gives nothing back")]
    Never,
    /// It gives back this currency alone.
    #[error("the gateway gives back {} only", .0.code())]
    OnlyIn(Currency),
    /// Its unit of the currency is not ours.
    #[error("the gateway counts this currency in another unit")]
    OtherUnit,
    /// No number of the gateway is stored.
    #[error("the gateway's number of the payment is not known")]
    NumberUnknown,
    /// The stored number is none of a payment that was taken.
    #[error("{0} is no payment at the gateway")]
    OtherNumber(String),
}
