//! Transactions, streams and topics that are held back for a while.

use std::collections::HashMap;
use std::hash::Hash;
use std::time::Duration;

use payment_domain::{EventKind, TxnId};
use tokio::time::Instant;

/// The pause of a transaction after an event was not delivered.
const AFTER_FAILURE: Duration = Duration::from_millis(500);

/// Held back until a moment. Forgetting one costs no more than a needless attempt.
#[derive(Debug, Default)]
pub(super) struct Holds {
    transactions: HashMap<TxnId, Instant>,
    streams: HashMap<(TxnId, EventKind), Instant>,
    topics: HashMap<String, Instant>,
}

impl Holds {
    /// Removes ended entries.
    pub(super) fn tidy(&mut self, now: Instant) {
        fn tidy<K: Eq + Hash>(held: &mut HashMap<K, Instant>, now: Instant) {
            held.retain(|_, until| *until > now);
        }
        tidy(&mut self.transactions, now);
        tidy(&mut self.streams, now);
        tidy(&mut self.topics, now);
    }

    pub(super) fn hold_transaction(&mut self, id: TxnId) {
        self.transactions.insert(id, Instant::now() + AFTER_FAILURE);
    }

    /// The later events of this kind would overtake the one that was refused.
    pub(super) fn hold_stream(&mut self, id: TxnId, kind: EventKind, time: Duration) {
        self.streams.insert((id, kind), Instant::now() + time);
    }

    pub(super) fn hold_topic(&mut self, topic: String, time: Duration) {
        self.topics.insert(topic, Instant::now() + time);
    }

    pub(super) fn holds_transaction(&self, id: &TxnId) -> bool {
        self.transactions.contains_key(id)
    }

    pub(super) fn holds_event(&self, id: &TxnId, kind: EventKind, topic: &str) -> bool {
        self.topics.contains_key(topic)
            || (!self.streams.is_empty() && self.streams.contains_key(&(id.clone(), kind)))
    }
}
