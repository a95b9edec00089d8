//! Idempotency keys: a repeated create gets the first answer again.

use async_trait::async_trait;
use payment_domain::{Timestamp, TxnId};

use crate::StoreError;

#[async_trait]
pub trait Idempotency: Send + Sync {
    async fn idempotency(&self, key: &IdempotencyKey) -> Result<Option<IdempotencyRecord>, StoreError>;

    /// Stores a key for a stored transaction. When the key is in use nothing is stored, and the record
    /// under it is returned.
    async fn remember_key(&self, record: IdempotencyRecord) -> Result<Option<IdempotencyRecord>, StoreError>;

    /// Keeps the first answer (JSON text) to a create with this key. An answer already kept stays.
    async fn keep_answer(&self, key: &IdempotencyKey, answer: &str) -> Result<(), StoreError>;

    /// Deletes up to `limit` keys created before a moment; returns how many.
    async fn forget_idempotency_keys(&self, created_before: Timestamp, limit: u32)
    -> Result<u32, StoreError>;
}

/// A client's key, within its tenant and user.
#[derive(Debug, Clone, PartialEq, Eq, Hash)]
pub struct IdempotencyKey {
    /// Tenant and user.
    pub scope: String,
    /// The value of the `Idempotency-Key` header.
    pub key: String,
}

/// SHA-256 over the request that came with a key.
pub type RequestDigest = [u8; 32];

/// The record of a create with an idempotency key.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct IdempotencyRecord {
    pub key: IdempotencyKey,
    pub digest: RequestDigest,
    pub txn_id: TxnId,
    /// The first answer, JSON text; `None` until it was given.
    pub answer: Option<String>,
    /// The first use of the key.
    pub created_at: Timestamp,
}
