//! A chain: the waiting events of one transaction, each sent when the one before it is confirmed.

use std::sync::atomic::{AtomicBool, Ordering};
use std::sync::{Mutex, PoisonError};
use std::time::Duration;

use payment_domain::{EventKind, Timestamp, TxnId};
use payment_service::Run;
use payment_store::StoredEvent;
use tokio::time::Instant;

use super::publisher::{EventPublisher, SendError};
use crate::topics::Topics;

/// Shared by the chains of a run.
pub(super) struct Sending<'a> {
    pub(super) run: &'a Run,
    pub(super) publisher: &'a dyn EventPublisher,
    pub(super) topics: &'a Topics,
    /// No chain sends another event.
    pub(super) halted: AtomicBool,
    /// Confirmed by the brokers, and not yet taken for marking.
    confirmed: Mutex<Vec<i64>>,
}

impl<'a> Sending<'a> {
    pub(super) fn new(run: &'a Run, publisher: &'a dyn EventPublisher, topics: &'a Topics) -> Sending<'a> {
        Sending { run, publisher, topics, halted: AtomicBool::new(false), confirmed: Mutex::default() }
    }

    pub(super) fn take_confirmed(&self) -> Vec<i64> {
        std::mem::take(&mut *self.confirmed.lock().unwrap_or_else(PoisonError::into_inner))
    }

    fn may_send(&self, read_at: Instant, delivery_timeout: Duration) -> bool {
        // If this process was suspended, another node may have published these events.
        !self.run.is_stopped() && !self.halted.load(Ordering::Relaxed) && read_at.elapsed() < delivery_timeout
    }

    /// Sends the events of one transaction in order. Ends at one that failed; one that is refused holds back
    /// only those of its kind.
    pub(super) async fn chain(
        &self,
        txn_id: TxnId,
        events: Vec<StoredEvent>,
        read_at: Instant,
        delivery_timeout: Duration,
    ) -> ChainEnd {
        let mut end = ChainEnd { txn_id, size: events.len(), refused: Vec::new(), failure: None };
        for StoredEvent { sequence, event, stored_at, .. } in events {
            if end.refused.iter().any(|refused| refused.kind == event.kind) {
                continue;
            }
            if !self.may_send(read_at, delivery_timeout) {
                break;
            }
            let (topic, sent) = match self.topics.of(&event) {
                Ok(topic) => {
                    let sent = match self.publisher.send(&topic, &event).await {
                        // Perhaps because of another event of its batch.
                        Err(SendError::EventRefused(reason)) => {
                            if !self.may_send(read_at, delivery_timeout) {
                                end.failure = Some(Failure { reason, died: false });
                                break;
                            }
                            self.publisher.send_alone(&topic, &event).await
                        }
                        sent => sent,
                    };
                    (topic.into_owned(), sent)
                }
                Err(invalid) => (String::new(), Err(SendError::EventRefused(invalid.to_string()))),
            };
            let refuse = |topic, reason| {
                let size = event.body.len();
                Refused { sequence, kind: event.kind, stored_at, size, topic, reason }
            };
            match sent {
                Ok(()) => {
                    let label = event.kind.as_str();
                    metrics::counter!(super::PUBLISHED, "stream" => label).increment(1);
                    self.confirmed.lock().unwrap_or_else(PoisonError::into_inner).push(sequence);
                }
                Err(SendError::EventRefused(reason)) => end.refused.push(refuse(None, reason)),
                Err(SendError::TopicRefused(reason)) => end.refused.push(refuse(Some(topic), reason)),
                Err(SendError::Failed(reason)) => {
                    end.failure = Some(Failure { reason, died: false });
                    break;
                }
                Err(SendError::ProducerDied(reason)) => {
                    end.failure = Some(Failure { reason, died: true });
                    break;
                }
            }
        }
        end
    }
}

pub(super) struct ChainEnd {
    pub(super) txn_id: TxnId,
    /// The number of events it was given.
    pub(super) size: usize,
    pub(super) refused: Vec<Refused>,
    pub(super) failure: Option<Failure>,
}

/// An event that the brokers refuse even alone.
pub(super) struct Refused {
    pub(super) sequence: i64,
    pub(super) kind: EventKind,
    pub(super) stored_at: Timestamp,
    /// Of its body, in bytes.
    pub(super) size: usize,
    /// Set when they refuse every event for this topic.
    pub(super) topic: Option<String>,
    pub(super) reason: String,
}

/// The reason a chain broke off.
pub(super) struct Failure {
    pub(super) reason: String,
    /// Whether the producer is unusable.
    pub(super) died: bool,
}
