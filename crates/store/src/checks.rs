//! When pending transactions are to be checked with their gateways.

use async_trait::async_trait;
use payment_domain::{Event, GatewayName, HistoryEntry, Timestamp, TxnId};

use crate::{Applied, Fence, StoreError};

#[async_trait]
pub trait Checks: Send + Sync {
    /// The gateways that have pending transactions.
    async fn pending_gateways(&self) -> Result<Vec<GatewayName>, StoreError>;

    /// Pending transactions that are due to be checked with their gateways, in the order of their
    /// cursors. The cost does not grow with the number of settled ones.
    async fn due_checks(&self, due: &DueChecks) -> Result<Vec<DueCheck>, StoreError>;

    /// Notes that a transaction was checked and is still pending. [`Applied::Stale`] when it is not
    /// pending any more, [`Applied::Fenced`] when the run that checked it is over.
    async fn note_check(&self, note: CheckNote) -> Result<Applied, StoreError>;
}

/// Which pending transactions are looked for.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct DueChecks {
    pub turn: Turn,
    pub gateway: Option<GatewayName>,
    pub after: Option<CheckCursor>,
    pub limit: u32,
}

/// The reason for which a check of a pending transaction is due.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Turn {
    /// It was never checked, and was created at this moment or before.
    First { created_by: Timestamp },
    /// It was checked before, and its next check is due at this moment or before.
    Next { due_by: Timestamp },
    /// It was created before a moment, and was not checked since another; both exclusive. A check in the
    /// future was noted by a clock that was ahead, and counts as none.
    Every { created_before: Timestamp, not_checked_since: Timestamp, now: Timestamp },
}

/// A pending transaction that is due to be checked.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct DueCheck {
    pub txn_id: TxnId,
    pub gateway: GatewayName,
    /// 0 for an adopted transaction without a moment of creation.
    pub created_at: Timestamp,
    /// The number of times it was checked.
    pub checks: u32,
    pub place: CheckCursor,
}

/// The place of a transaction among those that are due: when it became due (of [`Turn::First`] and
/// [`Turn::Every`] when it was created), then its id.
#[derive(Debug, Clone, PartialEq, Eq, PartialOrd, Ord)]
pub struct CheckCursor {
    pub at: Timestamp,
    pub txn_id: TxnId,
}

/// The note of a check after which a transaction is still pending.
#[derive(Debug, Clone)]
pub struct CheckNote {
    pub txn_id: TxnId,
    pub at: Timestamp,
    pub next: NextCheck,
    pub history: Option<HistoryEntry>,
    /// In the order in which they are published.
    pub events: Vec<Event>,
    /// The job's run that checked it; nothing is stored when that run is over.
    pub fence: Option<Fence>,
}

/// When a transaction is to be checked next.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum NextCheck {
    At(Timestamp),
    /// When every pending transaction is.
    WithAll,
    /// As if it had not been checked: only the line of the history is stored.
    AsBefore,
}
