//! The events that wait to be published.

use async_trait::async_trait;
use payment_domain::{Event, Timestamp};

use crate::jobs::Fence;
use crate::{DeadLetter, StoreError, StoredEvent};

/// What waits in the outbox.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default)]
pub struct OutboxBacklog {
    /// How many events wait to be published.
    pub waiting: u64,
    /// How many are dead letters.
    pub dead: u64,
    /// When the oldest of those that wait was stored.
    pub oldest_at: Option<Timestamp>,
}

/// The outbox as a relay sees it.
///
/// Sequences of different transactions need not become visible in their order: an event may appear
/// behind one of a larger number. Those of one transaction do.
#[async_trait]
pub trait Outbox: Send + Sync {
    /// Up to `limit` events behind a place that wait to be published, in order.
    async fn unpublished(&self, after: i64, limit: u32) -> Result<Vec<StoredEvent>, StoreError>;

    /// Notes that the broker has confirmed these events, on behalf of a run of a job. Returns
    /// `false`, and stores nothing, when that run is over.
    async fn mark_published(
        &self,
        sequences: &[i64],
        at: Timestamp,
        fence: &Fence,
    ) -> Result<bool, StoreError>;

    /// Makes an event that waits a dead letter, on behalf of a run of a job: it stays in the outbox, and
    /// waits no longer. Returns `false`, and stores nothing, when that run is over.
    async fn mark_dead(&self, sequence: i64, letter: DeadLetter, fence: &Fence) -> Result<bool, StoreError>;

    /// Makes a dead letter an event that waits; says whether it was one.
    async fn revive(&self, sequence: i64) -> Result<bool, StoreError>;

    /// Forgets up to `limit` events that were published before a moment; returns how many.
    async fn forget_published(&self, published_before: Timestamp, limit: u32) -> Result<u32, StoreError>;

    /// How much waits.
    async fn outbox_backlog(&self) -> Result<OutboxBacklog, StoreError>;

    /// Stores an event unless one was stored under this key before; says whether it did. Keys are
    /// kept for ever.
    async fn store_event_once(&self, key: &str, event: Event, at: Timestamp) -> Result<bool, StoreError>;
}
