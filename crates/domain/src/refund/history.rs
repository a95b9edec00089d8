use serde_json::Value;

use super::{RefundId, RefundStatus};
use crate::clock::Timestamp;
use crate::history::Actor;
use crate::ids::TxnId;

/// An entry of a refund's append-only history.
#[derive(Debug, Clone, PartialEq)]
pub struct RefundHistoryEntry {
    pub refund_id: RefundId,
    /// The payment.
    pub txn_id: TxnId,
    pub at: Timestamp,
    pub actor: Actor,
    /// The status before; `None` for the request.
    pub from: Option<RefundStatus>,
    pub to: RefundStatus,
    /// The reason, a sentence for operators. No personal data.
    pub why: String,
    /// The gateway's raw answer.
    pub evidence: Value,
}
