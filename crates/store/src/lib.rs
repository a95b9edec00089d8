//! The interface between this service and its database.
//!
//! Every change of a transaction is one value ([`NewTransaction`] or [`Change`]) that is stored
//! whole or not at all: the transaction with its history, its events, the claims on its bills and
//! the task to issue a receipt. No database transaction is ever open while somebody waits for a
//! network, and an implementation is free to commit the changes of many requests together.
//!
//! Two writers never overwrite each other: a [`Change`] names the version it rests on, and is
//! [`Applied::Stale`] when the stored transaction has moved on. The caller then reads again and
//! decides anew.
//!
//! A store compares leases and due moments with one clock of its own, the database's where there is
//! one, and is handed lengths of time, not moments.

mod attention;
mod change;
mod checks;
mod jobs;
pub mod lease;
pub mod migration;
mod outbox;
mod query;

#[cfg(feature = "contract")]
pub mod contract;

use async_trait::async_trait;
use payment_domain::{Audit, BillKey, HistoryEntry, Timestamp, Transaction, TxnId};

pub use attention::{
    AttentionCase, AttentionQuery, CaseState, NewCase, REOPENED_AFTER, Resolution, Resolved,
};
pub use change::{
    Applied, Attention, Change, Claim, ClaimChange, ClaimedReceiptTask, Created, Dump, IdempotencyKey,
    IdempotencyRecord, NewReceiptTask, NewTransaction, Postponement, ReceiptTask, ReceiptTaskChange,
    ReceiptTaskClaim, RequestDigest, Tried,
};
pub use checks::{CheckCursor, CheckNote, DueCheck, DueChecks, NextCheck, Turn};
pub use jobs::{BegunRun, Fence, JobLedger, RunEnd, RunRecord, Tally, TickAnswer, TickRequest};
pub use lease::{Lease, LeaseWatch};
pub use outbox::{Outbox, OutboxBacklog};
pub use query::{Mine, PageRequest, SearchQuery, TenantScope};

/// An error of the layer below, boxed.
pub type BoxError = Box<dyn std::error::Error + Send + Sync>;

/// Why the store could not answer. The variants are decisions for the caller.
#[derive(Debug, thiserror::Error)]
pub enum StoreError {
    /// The database is away or overloaded: trying again later makes sense. Nothing was stored, unless
    /// the connection broke in the very moment of the commit: only reading again tells.
    #[error("the database is not available")]
    Unavailable(#[source] BoxError),
    /// The database refuses, or what it holds cannot be read: trying again will not help.
    #[error("the database failed")]
    Failed(#[source] BoxError),
}

/// An event in the outbox.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct StoredEvent {
    /// Its place in the outbox; grows in the order of the commits of one transaction.
    pub sequence: i64,
    /// When it was stored.
    pub stored_at: Timestamp,
    /// When the broker confirmed it; `None` while it waits.
    pub published_at: Option<Timestamp>,
    /// Set when the brokers refused it for so long that nothing waits for it any more.
    pub dead_letter: Option<DeadLetter>,
    /// The event.
    pub event: payment_domain::Event,
}

impl StoredEvent {
    /// Whether it waits to be published.
    pub fn waits(&self) -> bool {
        self.published_at.is_none() && self.dead_letter.is_none()
    }
}

/// That an event was given up.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct DeadLetter {
    /// When.
    pub at: Timestamp,
    /// What the brokers said.
    pub reason: String,
}

/// A stored dump with its audit columns.
#[derive(Debug, Clone, PartialEq)]
pub struct StoredDump {
    /// The request and the last answer.
    pub dump: Dump,
    /// Who made it and changed it last.
    pub audit: Audit,
}

/// Numbers an operator watches.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default)]
pub struct Backlog {
    /// Transactions that are PENDING.
    pub pending_transactions: u64,
    /// Successful transactions whose receipt is still due.
    pub receipts_due: u64,
    /// Open cases for an operator.
    pub open_attention: u64,
}

/// A server-to-server callback that the gateway signed, as it arrived.
#[derive(Clone, PartialEq, Eq)]
pub struct RawCallback {
    /// The gateway whose endpoint received it.
    pub gateway: payment_domain::GatewayName,
    /// SHA-256 over gateway, transaction and what the gateway signed: tells a repetition.
    pub digest: [u8; 32],
    /// When it arrived.
    pub received_at: Timestamp,
    /// The beginning of query string and body, as they came.
    pub content: String,
}

/// Without the content: it holds what payers entered at the gateway.
impl std::fmt::Debug for RawCallback {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.debug_struct("RawCallback").field("gateway", &self.gateway).finish_non_exhaustive()
    }
}

/// A server-to-server callback that carries no signature or a wrong one, as it arrived: anybody can
/// send those.
#[derive(Clone, PartialEq, Eq)]
pub struct UnsignedCallback {
    /// The transaction it names, which exists.
    pub txn_id: TxnId,
    /// The gateway whose endpoint received it.
    pub gateway: payment_domain::GatewayName,
    /// When it arrived.
    pub received_at: Timestamp,
    /// The beginning of query string and body, as they came.
    pub content: String,
}

impl UnsignedCallback {
    /// The day it arrived on: days since 1970-01-01 in UTC.
    pub fn day(&self) -> i64 {
        const MILLIS_OF_A_DAY: i64 = 86_400_000;
        self.received_at.as_millis().div_euclid(MILLIS_OF_A_DAY)
    }
}

/// Without the content: it holds what its sender wrote.
impl std::fmt::Debug for UnsignedCallback {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.debug_struct("UnsignedCallback").field("txn_id", &self.txn_id).finish_non_exhaustive()
    }
}

/// What became of recording a callback.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Recorded {
    /// Stored for the first time, or seen before but never concluded: process it.
    Unfinished,
    /// The same callback was processed to its end before.
    Concluded,
}

/// A database that keeps payments, with their outbox and the book of the jobs that look after them.
#[async_trait]
pub trait Store: Outbox + JobLedger {
    /// Stores a new transaction with everything that belongs to it, and claims its bills. All or
    /// nothing: when another live transaction holds one of the bills, nothing is stored.
    async fn create(&self, new: NewTransaction) -> Result<Created, StoreError>;

    /// Stores a change of a transaction, if the stored one is at the version before it.
    async fn apply(&self, change: Change) -> Result<Applied, StoreError>;

    /// The transaction of this id.
    async fn transaction(&self, id: &TxnId) -> Result<Option<Transaction>, StoreError>;

    /// The form that the redirect page of a transaction posts, where there is one.
    async fn redirect_form(&self, id: &TxnId) -> Result<Option<serde_json::Value>, StoreError>;

    /// The claims held on any of these bills.
    async fn claims(&self, bills: &[BillKey]) -> Result<Vec<Claim>, StoreError>;

    /// Transactions that match, newest first (by creation time, then by id, both descending).
    async fn search(&self, query: &SearchQuery) -> Result<Vec<Transaction>, StoreError>;

    /// The history of a transaction, oldest first.
    async fn history(&self, id: &TxnId) -> Result<Vec<HistoryEntry>, StoreError>;

    /// The request to the gateway and its last answer.
    async fn dump(&self, id: &TxnId) -> Result<Option<StoredDump>, StoreError>;

    /// Puts a transaction up for an operator's attention without changing it, with a line in its
    /// history. A case of a state that lasts ([`payment_domain::AttentionKind::lasts`]) that was
    /// resolved [`REOPENED_AFTER`] ago or earlier is opened again: with its number, the new moment and
    /// evidence, no resolution, and [`NewCase::history_of_reopening`]. Returns `false`, and stores
    /// nothing, when another case of that kind is there already or the run that brings it is over.
    async fn raise_attention(&self, new: NewCase) -> Result<bool, StoreError>;

    /// The attention cases of a transaction, oldest first.
    async fn attention(&self, id: &TxnId) -> Result<Vec<Attention>, StoreError>;

    /// The cases that match, oldest first.
    async fn attention_cases(&self, query: &AttentionQuery) -> Result<Vec<AttentionCase>, StoreError>;

    /// The case of this number.
    async fn attention_case(&self, id: i64) -> Result<Option<AttentionCase>, StoreError>;

    /// Resolves a case, with a line in its transaction's history, and lets go what its transaction
    /// still holds of these bills, if that is a FAILURE without another open case.
    async fn resolve_attention(
        &self,
        id: i64,
        resolution: Resolution,
        history: HistoryEntry,
        release: &[BillKey],
    ) -> Result<Resolved, StoreError>;

    /// The gateways that have pending transactions.
    async fn pending_gateways(&self) -> Result<Vec<payment_domain::GatewayName>, StoreError>;

    /// Pending transactions that are due to be checked with their gateways, in the order of their
    /// places. The cost does not grow with what is settled.
    async fn due_checks(&self, due: &DueChecks) -> Result<Vec<DueCheck>, StoreError>;

    /// Notes that a transaction was checked and is still pending. [`Applied::Stale`] when it is not
    /// pending any more, [`Applied::Fenced`] when the run that checked it is over.
    async fn note_check(&self, note: CheckNote) -> Result<Applied, StoreError>;

    /// The receipt task of a transaction, leased or not.
    async fn receipt_task(&self, id: &TxnId) -> Result<Option<ReceiptTask>, StoreError>;

    /// Leases receipt tasks to whoever asks, longest due first: those that are due and not leased,
    /// and those under an abandoned lease. What is due, and which lease is over, the store says by its
    /// own clock. A task that is taken over counts as unclear from the end of its lease on.
    async fn claim_receipt_tasks(
        &self,
        claim: ReceiptTaskClaim,
    ) -> Result<Vec<ClaimedReceiptTask>, StoreError>;

    /// Up to `limit` leases of receipt tasks, the first to end first, each once.
    async fn receipt_leases(&self, limit: u32) -> Result<Vec<Lease>, StoreError>;

    /// Gives a leased task back. Returns `false` when the lease is no longer held.
    async fn postpone_receipt_task(&self, postponement: Postponement) -> Result<bool, StoreError>;

    /// What was answered to a create with this key.
    async fn idempotency(&self, key: &IdempotencyKey) -> Result<Option<IdempotencyRecord>, StoreError>;

    /// Stores a key for a transaction that is there. Stores nothing, and returns what is kept under it,
    /// when the key is in use.
    async fn remember_key(&self, record: IdempotencyRecord) -> Result<Option<IdempotencyRecord>, StoreError>;

    /// Keeps the first answer (JSON text) to a create with this key. An answer already kept stays.
    async fn keep_answer(&self, key: &IdempotencyKey, answer: &str) -> Result<(), StoreError>;

    /// Forgets up to `limit` idempotency keys created before a moment; returns how many.
    async fn forget_idempotency_keys(&self, created_before: Timestamp, limit: u32)
    -> Result<u32, StoreError>;

    /// Up to `limit` events behind a place in the outbox, in order.
    async fn events_after(&self, sequence: i64, limit: u32) -> Result<Vec<StoredEvent>, StoreError>;

    /// The events of one transaction, in order.
    async fn events_of(&self, id: &TxnId) -> Result<Vec<StoredEvent>, StoreError>;

    /// Stores a signed callback as it arrived.
    async fn record_callback(&self, callback: RawCallback) -> Result<Recorded, StoreError>;

    /// Notes what became of a callback: the transaction it named, and the conclusion in a word.
    async fn conclude_callback(
        &self,
        digest: &[u8; 32],
        txn_id: Option<&TxnId>,
        conclusion: &str,
    ) -> Result<(), StoreError>;

    /// Keeps a callback that nobody signed, if fewer than `limit` of its transaction were kept on its
    /// day. Never more than `limit` are, however many arrive at once; of those, some may be left out
    /// although there is room. Returns whether it was kept.
    async fn keep_unsigned_callback(
        &self,
        callback: UnsignedCallback,
        limit: u32,
    ) -> Result<bool, StoreError>;

    /// Forgets up to `limit` callbacks, signed or not, that arrived before a moment; returns how many.
    async fn forget_callbacks(&self, received_before: Timestamp, limit: u32) -> Result<u32, StoreError>;

    /// Counts for operators.
    async fn backlog(&self) -> Result<Backlog, StoreError>;

    /// Answers when the database can be read and written.
    async fn ping(&self) -> Result<(), StoreError>;
}
