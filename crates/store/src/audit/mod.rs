//! The audit log: a chain of hashes over everything that was decided, numbered inside the commits that make its
//! entries true. A change that carries entries stores them by the store's function `append_audit`.

pub mod chain;

use async_trait::async_trait;
use payment_domain::{AuditAction, AuditEntry};

use crate::{StoreError, TenantScope};

#[async_trait]
pub trait AuditLog: Send + Sync {
    /// Appends entries in a commit of their own.
    async fn record(&self, entries: Vec<AuditEntry>) -> Result<(), StoreError>;

    async fn audit_head(&self) -> Result<AuditHead, StoreError>;

    /// The entries that match, in the order of their numbers.
    async fn audit_entries(&self, query: &AuditQuery) -> Result<Vec<StoredEntry>, StoreError>;
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
    pub action: Option<AuditAction>,
    pub object_kind: Option<String>,
    pub object_id: Option<String>,
    /// The uuid of a principal, or the word of another kind of actor.
    pub actor: Option<String>,
    /// Only entries of this tenant and below: not those of the whole installation.
    pub within: Option<TenantScope>,
    pub limit: u32,
}

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
