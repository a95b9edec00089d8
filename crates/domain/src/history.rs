//! The append-only history of a transaction, its actors, and the kinds of review cases.

use serde::{Deserialize, Serialize};
use serde_json::Value;

use crate::clock::Timestamp;
use crate::ids::TxnId;
use crate::transaction::StatusName;

/// The kind of party that changed a transaction.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "lowercase")]
pub enum ActorKind {
    /// A person, or an application acting for one, through the API.
    User,
    /// The payment gateway, by its callback.
    Gateway,
    /// A job of this service.
    Job,
}

impl ActorKind {
    /// The stored word.
    pub fn as_str(self) -> &'static str {
        match self {
            ActorKind::User => "user",
            ActorKind::Gateway => "gateway",
            ActorKind::Job => "job",
        }
    }

    pub fn from_word(word: &str) -> Option<ActorKind> {
        [ActorKind::User, ActorKind::Gateway, ActorKind::Job].into_iter().find(|kind| kind.as_str() == word)
    }
}

#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Actor {
    pub kind: ActorKind,
    /// A user's uuid, a gateway's name, a job's name; never personal data.
    pub id: String,
}

impl Actor {
    pub fn user(uuid: impl Into<String>) -> Actor {
        Actor { kind: ActorKind::User, id: uuid.into() }
    }

    pub fn gateway(name: impl Into<String>) -> Actor {
        Actor { kind: ActorKind::Gateway, id: name.into() }
    }

    pub fn job(name: impl Into<String>) -> Actor {
        Actor { kind: ActorKind::Job, id: name.into() }
    }
}

/// An entry of a transaction's history.
#[derive(Debug, Clone, PartialEq)]
pub struct HistoryEntry {
    pub txn_id: TxnId,
    pub at: Timestamp,
    pub actor: Actor,
    /// The status before; `None` for the creation.
    pub from: Option<StatusName>,
    pub to: StatusName,
    /// The reason, a sentence for operators.
    pub why: String,
    /// The gateway's raw answer, the receipt numbers.
    pub evidence: Value,
}

/// The kind of a review case.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub enum AttentionKind {
    /// The gateway reports a payment for a transaction that had already failed.
    LateSuccess,
    /// The gateway took another amount than requested, or does not report the amount.
    AmountMismatch,
    /// The collection service refuses to register a payment that was made.
    ReceiptRefused,
    /// The gateway reports that the money was returned.
    Refunded,
    /// The gateway signed the payment as paid, and denies it in a status request.
    Contradiction,
    /// The gateway reports a second payment for a transaction that was paid.
    SecondPayment,
    /// The gateway reports a payment for a transaction that had failed, and another transaction has
    /// paid its bill meanwhile.
    PaidTwice,
    /// The order's life is over, and its gateway does not decide it.
    PendingBeyondLife,
    /// The bank has reserved the money, and the gateway does not take it.
    NotCaptured,
    /// Whether a refund was made cannot be determined by asking its gateway.
    RefundUnclear,
    /// A part of the payment was given back: its receipt says too much.
    ReceiptNeedsAdjustment,
    /// The money of a refund that had succeeded came back to the merchant.
    RefundReturned,
}

impl AttentionKind {
    pub const ALL: [AttentionKind; 12] = [
        AttentionKind::LateSuccess,
        AttentionKind::AmountMismatch,
        AttentionKind::ReceiptRefused,
        AttentionKind::Refunded,
        AttentionKind::Contradiction,
        AttentionKind::SecondPayment,
        AttentionKind::PaidTwice,
        AttentionKind::PendingBeyondLife,
        AttentionKind::NotCaptured,
        AttentionKind::RefundUnclear,
        AttentionKind::ReceiptNeedsAdjustment,
        AttentionKind::RefundReturned,
    ];

    /// The stored word.
    pub fn as_str(self) -> &'static str {
        match self {
            AttentionKind::LateSuccess => "late-success",
            AttentionKind::AmountMismatch => "amount-mismatch",
            AttentionKind::ReceiptRefused => "receipt-refused",
            AttentionKind::Refunded => "refunded",
            AttentionKind::Contradiction => "contradiction",
            AttentionKind::SecondPayment => "second-payment",
            AttentionKind::PaidTwice => "paid-twice",
            AttentionKind::PendingBeyondLife => "pending-beyond-life",
            AttentionKind::NotCaptured => "not-captured",
            AttentionKind::RefundUnclear => "refund-unclear",
            AttentionKind::ReceiptNeedsAdjustment => "receipt-needs-adjustment",
            AttentionKind::RefundReturned => "refund-returned",
        }
    }

    pub fn from_word(word: &str) -> Option<AttentionKind> {
        AttentionKind::ALL.into_iter().find(|kind| kind.as_str() == word)
    }

    /// Whether it is a lasting state, not an event.
    pub fn lasts(self) -> bool {
        match self {
            AttentionKind::ReceiptRefused
            | AttentionKind::PendingBeyondLife
            | AttentionKind::NotCaptured
            | AttentionKind::RefundUnclear => true,
            AttentionKind::LateSuccess
            | AttentionKind::AmountMismatch
            | AttentionKind::Refunded
            | AttentionKind::Contradiction
            | AttentionKind::SecondPayment
            | AttentionKind::PaidTwice
            | AttentionKind::ReceiptNeedsAdjustment
            | AttentionKind::RefundReturned => false,
        }
    }

    /// The recommendation to operators, by the kind alone.
    pub fn recommended_action(self) -> &'static str {
        match self {
            AttentionKind::LateSuccess => {
                "The payer has paid a transaction that counts as failed. See the payment in the gateway's \
                 merchant portal; then have it refunded, or register it with the collection service \
                 by hand."
            }
            AttentionKind::AmountMismatch => {
                "Another amount was taken than was asked. Compare both in the gateway's merchant portal, \
                 then have the payment refunded, or register what was paid by hand."
            }
            AttentionKind::ReceiptRefused => {
                "The payment was made, and the collection service refuses to register it. Read its answer in \
                 the evidence and put right what it complains about: the receipt is tried again every ten \
                 minutes. If the bill was paid by other means, have this payment refunded at the gateway."
            }
            AttentionKind::Refunded => {
                "The gateway says that the money went back to the payer. If the transaction has a receipt, \
                 have it cancelled in the collection service."
            }
            AttentionKind::Contradiction => {
                "The gateway signed that this was paid, and denied it when it was asked. Ask the gateway's \
                 support which is true, with the evidence; then refund, or register the payment by hand."
            }
            AttentionKind::SecondPayment => {
                "The gateway took a second payment for a transaction that was paid. Have the second one \
                 refunded."
            }
            AttentionKind::PaidTwice => {
                "The bill was paid by another transaction, which has the receipt. Have this payment refunded."
            }
            AttentionKind::PendingBeyondLife => {
                "Look the payment up in the gateway's merchant portal. If it was paid or declined there, ask \
                 again with `pg-service reconcile --txn`; if the gateway still calls it pending, ask its support."
            }
            AttentionKind::NotCaptured => {
                "The payment is authorised and not captured: the money is released after some days. Capture or \
                 void it in the gateway's merchant portal, then ask again with `pg-service reconcile --txn`. If it \
                 happens more than once, set the account there to automatic capture."
            }
            AttentionKind::RefundUnclear => {
                "Look the refund up in the gateway's merchant portal by its id, which stands in the evidence. \
                 Ask again with `pg-service refund show --ask`; while the gateway gives no definite answer, have \
                 its support say whether the money went back. Never refund it in the portal before that."
            }
            AttentionKind::ReceiptNeedsAdjustment => {
                "A part of the payment was given back, and its receipt is over the whole. Adjust the demand in \
                 the collection service by what was refunded, then resolve the case."
            }
            AttentionKind::RefundReturned => {
                "The payer's bank sent the refund back. Reach the payer for another way of payment, and have the \
                 gateway or the treasury pay by that; the service does not refund it again by itself."
            }
        }
    }
}
