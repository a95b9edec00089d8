//! When pending transactions are to be checked with their gateways.

use payment_domain::{GatewayName, HistoryEntry, Timestamp, TxnId};

use crate::jobs::Fence;

/// Which pending transactions are looked for.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct DueChecks {
    /// By what they are due.
    pub turn: Turn,
    /// Only those of this gateway.
    pub gateway: Option<GatewayName>,
    /// Behind this one, for the next page.
    pub after: Option<CheckCursor>,
    /// How many at most.
    pub limit: u32,
}

/// By what a pending transaction is due to be checked.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Turn {
    /// It was never checked, and was created at this moment or before.
    First {
        /// The moment.
        created_by: Timestamp,
    },
    /// It was checked before, and its next check is due at this moment or before.
    Next {
        /// The moment.
        due_by: Timestamp,
    },
    /// It was created before a moment, and was not checked since another. A check in the future was
    /// noted by a clock that was ahead, and is none.
    Every {
        /// The first moment; a transaction created exactly then is not meant.
        created_before: Timestamp,
        /// The second moment; one checked exactly then is not meant.
        not_checked_since: Timestamp,
        /// The present.
        now: Timestamp,
    },
}

/// A pending transaction that is due to be checked.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct DueCheck {
    /// The transaction.
    pub txn_id: TxnId,
    /// Its gateway.
    pub gateway: GatewayName,
    /// When it was created; 0 for an adopted one that does not say.
    pub created_at: Timestamp,
    /// How often it was checked.
    pub checks: u32,
    /// Its place in the order of the answer.
    pub place: CheckCursor,
}

/// The place of a transaction among those that are due: when it became due (of [`Turn::First`] and
/// [`Turn::Every`] when it was created), then its id.
#[derive(Debug, Clone, PartialEq, Eq, PartialOrd, Ord)]
pub struct CheckCursor {
    /// The moment.
    pub at: Timestamp,
    /// The transaction.
    pub txn_id: TxnId,
}

/// What is noted of a check after which a transaction is still pending.
#[derive(Debug, Clone)]
pub struct CheckNote {
    /// The transaction.
    pub txn_id: TxnId,
    /// When it was checked.
    pub at: Timestamp,
    /// When it is to be checked next.
    pub next: NextCheck,
    /// A line of its history, where there is something to tell.
    pub history: Option<HistoryEntry>,
    /// The run of the job that checked it; nothing is stored when that run is over.
    pub fence: Option<Fence>,
}

/// When a transaction is to be checked next.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum NextCheck {
    /// At this moment.
    At(Timestamp),
    /// When every pending transaction is.
    WithAll,
    /// As if it had not been checked: only the line of the history is stored.
    AsBefore,
}
