use serde_json::{Map, Value};

use super::{RefundId, RefundStatus};
use crate::clock::Timestamp;
use crate::ids::{GatewayName, TenantId, TxnId};
use crate::money::Money;
use crate::personal::Personal;
use crate::transaction::Audit;

/// A refund, from its request to its end.
#[derive(Debug, Clone, PartialEq)]
pub struct Refund {
    pub id: RefundId,
    /// The payment.
    pub txn_id: TxnId,
    /// The tenant of the payment.
    pub tenant_id: TenantId,
    /// The gateway of the payment.
    pub gateway: GatewayName,
    /// The module of the payment.
    pub service_code: Option<String>,
    pub consumer_code: String,
    /// The money that was taken, of which a part or all is given back.
    pub capture: Capture,
    pub amount: Money,
    pub status: RefundStatus,
    /// `UPSTREAM` where the client names none.
    pub reason_code: String,
    /// In the maker's words.
    pub reason: Option<Personal>,
    /// The review case that is closed with it.
    pub case: Option<i64>,
    /// The maker's uuid.
    pub requested_by: String,
    /// By checkers: at most two, neither of them the maker.
    pub approvals: Vec<Approval>,
    /// The exception by which no checker was needed.
    pub waiver: Option<Waiver>,
    /// The latest decision: an approval, a rejection or a withdrawal.
    pub decision: Option<RefundDecision>,
    pub calls: RefundCalls,
    pub gateway_details: RefundDetails,
    pub receipt: RefundReceipt,
    /// When the gateway reported that the money of a refund that had succeeded came back.
    pub returned_at: Option<Timestamp>,
    /// The client's attachment. Echoed, never interpreted.
    pub additional_details: Map<String, Value>,
    pub audit: Audit,
    /// The number of changes; 1 for the request. A change names the version it is based on.
    pub version: u32,
}

/// The money that a gateway took, as it reports it.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Capture {
    /// The gateway's number of the payment.
    pub gateway_txn_id: Option<String>,
    /// Whether it is a second payment of one order, refunded apart from the first.
    pub is_second: bool,
    pub amount: Money,
}

impl Capture {
    /// Tells the captures of one transaction apart; empty for its first payment.
    pub fn key(&self) -> &str {
        match &self.gateway_txn_id {
            Some(number) if self.is_second => number,
            Some(_) | None => "",
        }
    }
}

/// A checker's approval.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Approval {
    /// The checker's uuid.
    pub by: String,
    pub at: Timestamp,
}

/// An exception to "two people", which is off by default.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Waiver {
    /// The amount is small.
    SmallAmount,
    /// The caller's own workflow has approved it.
    TrustedRole,
}

impl Waiver {
    pub const ALL: [Waiver; 2] = [Waiver::SmallAmount, Waiver::TrustedRole];

    /// The stored word: the setting that allows it.
    pub fn as_str(self) -> &'static str {
        match self {
            Waiver::SmallAmount => "approval-above",
            Waiver::TrustedRole => "trusted-role",
        }
    }

    pub fn from_word(word: &str) -> Option<Waiver> {
        Waiver::ALL.into_iter().find(|waiver| waiver.as_str() == word)
    }
}

#[derive(Debug, Clone, PartialEq, Eq)]
pub struct RefundDecision {
    /// The decider's uuid.
    pub by: String,
    pub at: Timestamp,
    pub comment: Option<Personal>,
}

/// The calls to the gateway that may have moved money. Each is counted and stored before it is made.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct RefundCalls {
    pub number: u32,
    /// When the first was stored.
    pub first_at: Option<Timestamp>,
    /// When the latest was stored.
    pub last_at: Option<Timestamp>,
    /// Whether the latest certainly gave nothing back: it never left us, or the gateway did not take it on.
    pub not_taken: bool,
}

/// The gateway's last report, in its own words.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct RefundDetails {
    /// The gateway's number of the refund.
    pub refund_id: Option<String>,
    pub status_code: Option<String>,
    pub status_message: Option<String>,
}

/// The fate of the payment's receipt.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum RefundReceipt {
    /// The payment has none.
    None,
    /// It stays: the refund has not succeeded, or the settings say so.
    Kept,
    /// The collection service will not cancel it: a person must.
    NotCancellable,
    /// It is to be cancelled.
    ToCancel,
    Cancelled,
    /// Only a part was given back: the receipt is to be adjusted by a person.
    NeedsAdjustment,
}

impl RefundReceipt {
    pub const ALL: [RefundReceipt; 6] = [
        RefundReceipt::None,
        RefundReceipt::Kept,
        RefundReceipt::NotCancellable,
        RefundReceipt::ToCancel,
        RefundReceipt::Cancelled,
        RefundReceipt::NeedsAdjustment,
    ];

    /// The stored word, also in the API.
    pub fn as_str(self) -> &'static str {
        match self {
            RefundReceipt::None => "NONE",
            RefundReceipt::Kept => "KEPT",
            RefundReceipt::NotCancellable => "NOT_CANCELLABLE",
            RefundReceipt::ToCancel => "TO_CANCEL",
            RefundReceipt::Cancelled => "CANCELLED",
            RefundReceipt::NeedsAdjustment => "NEEDS_ADJUSTMENT",
        }
    }

    pub fn from_word(word: &str) -> Option<RefundReceipt> {
        RefundReceipt::ALL.into_iter().find(|receipt| receipt.as_str() == word)
    }
}
