//! A gateway's report of a refund, independent of the gateway.

use serde_json::Value;

use crate::money::Money;

/// The state of a refund at its gateway.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum RefundOutcome {
    /// The gateway says that the money was given back, or its acquirer has approved that.
    Succeeded {
        /// The amount reported by the gateway; `None`, never taken as equal, when it reports none.
        amount: Option<Money>,
    },
    /// Taken on, and not done; or unknown even to the gateway. The money may be gone.
    Pending,
    /// Definitely refused: nothing was and nothing will be given back under this id.
    Failed {
        /// The gateway's reason, for people.
        reason: String,
    },
    /// The gateway knows no refund of this id, so far.
    NotFound,
    /// The answer contradicts the request (another payment, amount or currency, two refunds of one id), our
    /// configuration is refused, or the money went back by another way: an operator must look. The state is
    /// unknown.
    Unclear {
        /// The matter, for people.
        reason: String,
    },
    /// An unknown answer. The money may be gone.
    Unrecognised { code: String },
}

impl RefundOutcome {
    /// The name in logs, metrics and the history.
    pub fn name(&self) -> &'static str {
        match self {
            RefundOutcome::Succeeded { .. } => "succeeded",
            RefundOutcome::Pending => "pending",
            RefundOutcome::Failed { .. } => "failed",
            RefundOutcome::NotFound => "not found",
            RefundOutcome::Unclear { .. } => "unclear",
            RefundOutcome::Unrecognised { .. } => "unrecognised",
        }
    }
}

/// A gateway's whole answer about one refund.
#[derive(Debug, Clone, PartialEq)]
pub struct RefundReport {
    pub outcome: RefundOutcome,
    /// Whether the same id may be sent again unchanged although the gateway has answered: it has not taken
    /// the refund now and would later (another one of the order is under way, a lock was not had).
    pub may_repeat: bool,
    /// The gateway's number of the refund.
    pub gateway_refund_id: Option<String>,
    /// The gateway's unchanged status code.
    pub status_code: Option<String>,
    /// The gateway's unchanged message.
    pub status_message: Option<String>,
    /// The raw answer without signatures and personal data, kept as evidence.
    pub raw: Value,
}
