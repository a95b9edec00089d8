//! The audit log: a chain of hashes over everything that was decided, numbered inside the commits that make its
//! entries true. A change that carries entries stores them by the store's function `append_audit`.

pub mod chain;
pub mod merkle;
pub mod sealing;

use async_trait::async_trait;
use payment_domain::{AuditAction, AuditEntry, Event, Timestamp};

use self::sealing::{HistoryLine, LineKey, Span};
use crate::{Fence, StoreError, TenantScope};

#[async_trait]
pub trait AuditLog: Send + Sync {
    /// Appends entries in a commit of their own.
    async fn record(&self, entries: Vec<AuditEntry>) -> Result<(), StoreError>;

    async fn audit_head(&self) -> Result<AuditHead, StoreError>;

    /// The entries that match, in the order of their numbers; newest first with [`AuditQuery::before`].
    async fn audit_entries(&self, query: &AuditQuery) -> Result<Vec<StoredEntry>, StoreError>;

    /// Removes the personal values of an entry, with an entry that says so. Returns `false`, and stores nothing,
    /// when it has none.
    async fn redact_audit(&self, number: i64, redaction: AuditEntry) -> Result<bool, StoreError>;

    /// Seals up to `limit` lines of the payments' histories that are committed and in no seal, and as many of
    /// those stored before lines were numbered. Returns how many were sealed; `None`, and nothing is stored,
    /// when the run is over.
    async fn seal_history(&self, at: Timestamp, limit: u32, fence: &Fence)
    -> Result<Option<u32>, StoreError>;

    /// Up to `limit` lines of the payments' histories, in order.
    async fn history_lines(&self, which: &HistoryLines, limit: u32) -> Result<Vec<HistoryLine>, StoreError>;

    /// Whether every line without a position, as far as there were any, was sealed.
    async fn earlier_lines_are_sealed(&self) -> Result<bool, StoreError>;

    /// Stores a checkpoint with its event. Returns `false`, and stores nothing, when there is one of its size.
    async fn store_checkpoint(&self, new: StoredCheckpoint, event: Event) -> Result<bool, StoreError>;

    /// Up to `limit` checkpoints of a larger size, in order.
    async fn checkpoints(&self, after: i64, limit: u32) -> Result<Vec<StoredCheckpoint>, StoreError>;

    async fn last_checkpoint(&self) -> Result<Option<StoredCheckpoint>, StoreError>;
}

/// The end of the log.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct AuditHead {
    /// Chosen at random when the log was begun; copies of a database share it.
    pub database_id: String,
    pub end: chain::Link,
}

/// Conditions that must all hold where they are set.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct AuditQuery {
    /// Cursor: entries of larger numbers only.
    pub after: i64,
    /// Only entries of smaller numbers, the newest first.
    pub before: Option<i64>,
    pub action: Option<AuditAction>,
    pub object_kind: Option<String>,
    pub object_id: Option<String>,
    /// The uuid of a principal, or the word of another kind of actor.
    pub actor: Option<String>,
    /// Only entries of this tenant and below: not those of the whole installation.
    pub within: Option<TenantScope>,
    /// Of this moment or later.
    pub from: Option<Timestamp>,
    /// Before this moment.
    pub to: Option<Timestamp>,
    pub limit: u32,
}

/// Entries are numbered when they are stored, shortly after the moment that they tell: those of the moments from which,
/// or to which, a query asks are among those of so many milliseconds.
pub const ENTRY_DISORDER_MS: i64 = 600_000;

/// An entry as it is stored.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct StoredEntry {
    pub number: i64,
    /// The JSON text that was hashed.
    pub entry: String,
    pub hash: [u8; 32],
    /// In the order of their fields.
    pub personal: Vec<StoredPersonal>,
}

/// A personal value that an entry names by its salted hash.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct StoredPersonal {
    pub field: String,
    /// `None` when it was redacted.
    pub value: Option<chain::Salted>,
}

/// Which lines of the payments' histories are read.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum HistoryLines {
    /// In the order of their positions.
    Positions(Span),
    /// Those without a position, in the order of their keys.
    Earlier { after: Option<LineKey> },
}

/// A checkpoint with what continues its tree.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct StoredCheckpoint {
    /// How many entries it covers.
    pub size: i64,
    pub root: [u8; 32],
    pub at: Timestamp,
    pub signature: [u8; 64],
    pub public_key: [u8; 32],
    /// The tree at its size.
    pub tree: merkle::Tree,
}
