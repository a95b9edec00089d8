//! The outbox: events stored in the commit that made them true, kept for the relay that publishes them.

use async_trait::async_trait;
use payment_domain::{AuditEntry, Event, EventKind, Timestamp, TraceContext, TxnId};

use crate::{Fence, StoreError};

/// Sequences of different transactions need not become visible in their order: an event may appear
/// behind one of a larger number. Those of one transaction do.
#[async_trait]
pub trait Outbox: Send + Sync {
    /// Up to `limit` events of larger sequences, in order.
    async fn events_after(&self, sequence: i64, limit: u32) -> Result<Vec<StoredEvent>, StoreError>;

    /// The events of one transaction, in order.
    async fn events_of(&self, id: &TxnId) -> Result<Vec<StoredEvent>, StoreError>;

    /// The trace context of the first event of a transaction that has one.
    async fn trace_of(&self, id: &TxnId) -> Result<Option<TraceContext>, StoreError>;

    /// Up to `limit` events of larger sequences that wait to be published, in order.
    async fn unpublished(&self, after: i64, limit: u32) -> Result<Vec<StoredEvent>, StoreError>;

    /// The events that match, in the order of their sequences, or against it.
    async fn list_events(&self, query: &EventQuery) -> Result<Vec<StoredEvent>, StoreError>;

    /// How far a page of the list finds everything by looking at `examined` events: up to and with this sequence.
    /// `None` where the whole list costs no more.
    async fn events_horizon(&self, query: &EventQuery, examined: u32) -> Result<Option<i64>, StoreError>;

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

    /// Makes a dead letter an event that waits, with entries of the audit log; returns whether it was one.
    async fn revive(&self, sequence: i64, audit: Vec<AuditEntry>) -> Result<bool, StoreError>;

    /// Deletes up to `limit` events that were published before a moment; returns how many.
    async fn forget_published(&self, published_before: Timestamp, limit: u32) -> Result<u32, StoreError>;

    async fn outbox_backlog(&self) -> Result<OutboxBacklog, StoreError>;

    /// Stores an event unless one was stored under this key before; returns whether it did. Keys are
    /// kept for ever.
    async fn store_event_once(&self, key: &str, event: Event, at: Timestamp) -> Result<bool, StoreError>;
}

/// Conditions that must all hold where they are set.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct EventQuery {
    pub state: EventState,
    pub kind: Option<EventKind>,
    /// Cursor: events of larger sequences only.
    pub after: i64,
    /// Cursor: events of smaller sequences only.
    pub before: i64,
    pub newest_first: bool,
    pub limit: u32,
}

#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum EventState {
    Waiting,
    Dead,
    Published,
    All,
}

impl EventQuery {
    /// All of a state, oldest first.
    pub fn of(state: EventState, limit: u32) -> EventQuery {
        EventQuery { state, kind: None, after: 0, before: i64::MAX, newest_first: false, limit }
    }
}

#[derive(Debug, Clone, PartialEq, Eq)]
pub struct StoredEvent {
    /// Grows in the order of the commits of one transaction.
    pub sequence: i64,
    pub stored_at: Timestamp,
    /// When the broker confirmed it; `None` while it waits.
    pub published_at: Option<Timestamp>,
    pub dead_letter: Option<DeadLetter>,
    pub event: Event,
}

impl StoredEvent {
    /// Whether it waits to be published.
    pub fn waits(&self) -> bool {
        self.published_at.is_none() && self.dead_letter.is_none()
    }
}

/// The mark of an event that the brokers refused for so long that it was given up.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct DeadLetter {
    pub at: Timestamp,
    /// The brokers' answer.
    pub reason: String,
}

#[derive(Debug, Clone, Copy, PartialEq, Eq, Default)]
pub struct OutboxBacklog {
    /// Events that wait to be published; counted up to 100,000 with the dead letters.
    pub waiting: u64,
    /// Dead letters.
    pub dead: u64,
    /// When the oldest of those that wait was stored.
    pub oldest_at: Option<Timestamp>,
}
