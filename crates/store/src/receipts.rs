//! Receipt tasks: stored in the commit of a success, leased to the process that registers the payment; and
//! cancellations of receipts, stored in the commit of a refund. The two of one payment never run at a time.

use std::time::Duration;

use async_trait::async_trait;
use payment_domain::{BillKey, HistoryEntry, RefundId, Timestamp, TxnId};

use crate::{Lease, StoreError};

#[async_trait]
pub trait ReceiptTasks: Send + Sync {
    /// The task to issue the receipt of a transaction, leased or not.
    async fn receipt_task(&self, id: &TxnId) -> Result<Option<ReceiptTask>, StoreError>;

    /// The task to cancel the receipt of a transaction, open or completed.
    async fn cancellation(&self, id: &TxnId) -> Result<Option<ReceiptCancellation>, StoreError>;

    /// Leases open receipt tasks of one kind, longest due first; a cancellation only once the receipt is no
    /// longer to be issued: those that are due and not leased, and those under an
    /// abandoned lease. Due moments and ends of leases are compared with the store's clock. A task that is
    /// taken over counts as unclear from the end of its lease on.
    async fn claim_receipt_tasks(
        &self,
        claim: ReceiptTaskClaim,
    ) -> Result<Vec<ClaimedReceiptTask>, StoreError>;

    /// Up to `limit` leases of receipt tasks of both kinds, the first to end first, each once.
    async fn receipt_leases(&self, limit: u32) -> Result<Vec<Lease>, StoreError>;

    /// Gives a leased task back. Returns `false` when the lease is no longer held.
    async fn postpone_receipt_task(&self, postponement: Postponement) -> Result<bool, StoreError>;
}

#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord)]
pub enum ReceiptTaskKind {
    Issue,
    Cancel,
}

/// The stored task to cancel the receipt of a payment that is given back. It is kept when it is completed.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct ReceiptCancellation {
    /// The refund on whose behalf.
    pub refund_id: RefundId,
    /// Whether the bills can be paid again once it is completed.
    pub frees_bills: bool,
    /// `None` while it is open.
    pub outcome: Option<CancellationOutcome>,
    pub task: ReceiptTask,
}

#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum CancellationOutcome {
    Cancelled,
    /// The payment was never registered.
    NoReceipt,
    /// The receipt stays, because nothing was given back.
    Kept,
}

impl CancellationOutcome {
    /// The stored word.
    pub fn as_str(self) -> &'static str {
        match self {
            CancellationOutcome::Cancelled => "CANCELLED",
            CancellationOutcome::NoReceipt => "NO_RECEIPT",
            CancellationOutcome::Kept => "KEPT",
        }
    }

    pub fn from_word(word: &str) -> Option<CancellationOutcome> {
        [CancellationOutcome::Cancelled, CancellationOutcome::NoReceipt, CancellationOutcome::Kept]
            .into_iter()
            .find(|outcome| outcome.as_str() == word)
    }
}

/// The effect of a refund's change on the receipt of its payment.
#[derive(Debug, Clone, PartialEq)]
pub enum CancellationChange {
    None,
    /// The receipt is to be cancelled, at once and without a lease. A task that exists is open again, frees
    /// the bills if either does, and keeps its lease.
    Due {
        frees_bills: bool,
    },
    /// The task is completed; the claims on the payment's bills are released where it frees them. The change
    /// is stale unless the task is open and this lease is held.
    Completed {
        lease_token: String,
        outcome: CancellationOutcome,
        /// The payment's line.
        history: HistoryEntry,
        /// The payment's bills.
        bills: Vec<BillKey>,
    },
}

/// The stored task to issue the receipt of a successful transaction. Moments are by the store's clock.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct ReceiptTask {
    pub txn_id: TxnId,
    pub due_at: Timestamp,
    /// Failed attempts.
    pub attempts: u32,
    pub lease: Option<Lease>,
    pub last_error: Option<String>,
    /// The end of the latest registration or cancellation whose outcome is unknown.
    pub unclear_at: Option<Timestamp>,
}

/// A receipt task created with the commit of a success: due at once, leased to the caller.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct NewReceiptTask {
    /// Tells this lease from every other.
    pub lease_token: String,
    /// From the commit on.
    pub lease: Duration,
}

/// The effect of a change on the receipt task of its transaction.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum ReceiptTaskChange {
    None,
    /// The task is created, leased to the caller.
    Created(NewReceiptTask),
    /// The task is removed. The change is stale unless the task exists and this lease is held.
    Completed {
        lease_token: String,
    },
}

/// A request to lease tasks that are due.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct ReceiptTaskClaim {
    pub kind: ReceiptTaskKind,
    /// Tells this lease from every other.
    pub lease_token: String,
    /// From now on.
    pub lease: Duration,
    pub limit: u32,
    /// The tokens of leases that the caller has seen unchanged for as long as a lease holds: tasks leased
    /// under them may be taken over, where that lease is over by the store's clock as well.
    pub abandoned: Vec<String>,
}

/// A task leased to the caller.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct ClaimedReceiptTask {
    pub txn_id: TxnId,
    /// Failed attempts.
    pub attempts: u32,
    /// The time since a registration or cancellation ended whose outcome is unknown. One whose holder is gone counts as
    /// ended with its lease.
    pub unclear_for: Option<Duration>,
}

/// A leased task that is given back.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Postponement {
    pub kind: ReceiptTaskKind,
    pub txn_id: TxnId,
    pub lease_token: String,
    /// From now until it is due again.
    pub delay: Duration,
    pub reason: String,
    pub tried: Tried,
}

/// The extent of an attempt at a receipt task.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Tried {
    /// It failed, and certainly registered or cancelled nothing.
    Failed,
    /// It may have registered the payment or cancelled its receipt, by now at the latest.
    Unclear,
    /// It only looked the payment up; it does not count as an attempt.
    Looked,
}
