//! The outbox relay: publishes the events that wait in the store, in the order of each transaction.

mod chain;
mod drain;
mod holds;
mod limits;
mod publisher;

#[cfg(test)]
mod tests;

use std::sync::{Arc, Mutex, OnceLock, PoisonError};
use std::time::Duration;

use async_trait::async_trait;
use payment_domain::{Clock, Event};
use payment_service::{Job, JobError, Run};
use payment_store::{BoxError, Store};
use tokio::time::Instant;

use crate::complaint::Complaints;
use crate::settings::{KafkaSettings, NoClient};
use crate::topics::Topics;
use chain::Sending;
use drain::{Done, Drain, Drained, nothing_published};
use publisher::{EventPublisher, KafkaPublisher, SendError};

const PUBLISHED: &str = "events_published_total";
const FAILED: &str = "events_failed_total";

/// The pause before a new producer replaces one that is unusable.
const REPLACE_PAUSE: Duration = Duration::from_secs(1);

#[derive(Debug, Clone)]
pub struct RelaySettings {
    pub topics: Topics,
    /// The time after which an unconfirmed event is given up, to be tried again. Shorter than the lease of the
    /// run, so that this process has nothing left to send when another takes over.
    pub delivery_timeout: Duration,
    /// How many events are read at once, and at most sent before they are marked: those are sent again when
    /// the process dies.
    pub page: u32,
    /// The pause before an empty outbox is read again.
    pub poll_interval: Duration,
    /// How long an event, or a topic, that the brokers refuse is held back.
    pub refused_pause: Duration,
    /// The age at which a refused event becomes a dead letter, which holds back no other; `None` for never.
    pub dead_letter_after: Option<Duration>,
}

impl Default for RelaySettings {
    fn default() -> RelaySettings {
        RelaySettings {
            topics: Topics::default(),
            delivery_timeout: Duration::from_secs(10),
            page: 250,
            poll_interval: Duration::from_millis(75),
            refused_pause: Duration::from_secs(15),
            dead_letter_after: None,
        }
    }
}

/// Publishes the outbox to Kafka: every event at least once, the events of a transaction in order, none before
/// its commit. A job, which the scheduler runs on one node at a time.
///
/// A failure holds back its transaction, and is tried again. An event that the brokers refuse holds back the
/// later ones of its transaction and topic, and no others; after [`RelaySettings::dead_letter_after`] it is a
/// dead letter, which holds back nothing. A run whose database is unavailable ends, and discards its
/// confirmations: after a failover to a replica that lags behind, the same numbers may be those of other
/// events.
pub struct OutboxRelay {
    relay: Relay,
    kafka: KafkaSettings,
    /// The producer of a run that has left nothing in it, for the next one.
    idle: Mutex<Option<KafkaPublisher>>,
    /// The largest batch that the topics take, once it is known.
    batch_bytes: OnceLock<usize>,
}

struct Relay {
    store: Arc<dyn Store>,
    clock: Arc<dyn Clock>,
    settings: RelaySettings,
    complaints: Complaints,
}

impl OutboxRelay {
    /// A relay from this store to these brokers, which may be unavailable.
    ///
    /// # Errors
    /// When librdkafka cannot work with the settings.
    pub fn new(
        store: Arc<dyn Store>,
        clock: Arc<dyn Clock>,
        kafka: KafkaSettings,
        settings: RelaySettings,
    ) -> Result<OutboxRelay, NoClient> {
        metrics::describe_counter!(PUBLISHED, "Events that the brokers have confirmed, by stream");
        metrics::describe_counter!(FAILED, "Attempts to publish an event that failed or were refused");
        settings.topics.check().map_err(|invalid| NoClient { reason: invalid.to_string() })?;
        let broker = KafkaPublisher::new(&kafka, settings.delivery_timeout, limits::UNKNOWN)?;
        let relay = Relay { store, clock, settings, complaints: Complaints::default() };
        Ok(OutboxRelay { relay, kafka, idle: Mutex::new(Some(broker)), batch_bytes: OnceLock::new() })
    }

    fn idle(&self) -> std::sync::MutexGuard<'_, Option<KafkaPublisher>> {
        self.idle.lock().unwrap_or_else(PoisonError::into_inner)
    }

    async fn publisher(&self, run: &Run) -> Result<KafkaPublisher, JobError> {
        let batch_bytes = self.batch_bytes(run).await;
        let idle = self.idle().take();
        match idle {
            Some(broker) if broker.batch_bytes() == batch_bytes => return Ok(broker),
            Some(broker) => broker.discard(),
            None => {}
        }
        KafkaPublisher::new(&self.kafka, self.relay.settings.delivery_timeout, batch_bytes)
            .map_err(|error| JobError::Other(BoxError::from(error)))
    }

    /// The batch size. The brokers are asked once per run until it is known; a limit that is lowered later
    /// costs refused batches, and no event.
    async fn batch_bytes(&self, run: &Run) -> usize {
        if let Some(known) = self.batch_bytes.get() {
            return *known;
        }
        let Some(topics) = self.relay.settings.topics.all() else { return limits::UNKNOWN };
        let told = tokio::select! {
            told = limits::batch_bytes(&self.kafka, &topics) => told,
            () = run.stopped() => None,
        };
        told.map_or(limits::UNKNOWN, |told| *self.batch_bytes.get_or_init(|| told))
    }
}

#[async_trait]
impl Job for OutboxRelay {
    async fn tick(&self, run: &Run) -> Result<(), JobError> {
        let mut done = Done::default();
        loop {
            let publisher = Held(Some(self.publisher(run).await?));
            let drained = self.relay.drain(run, &publisher, &mut done).await;
            match drained? {
                Drained::Clean => {
                    *self.idle() = publisher.keep();
                    return nothing_published(&done);
                }
                Drained::Unfinished => return nothing_published(&done),
                Drained::ProducerDied => drop(publisher),
            }
            let again_at = (Instant::now() + REPLACE_PAUSE).min(run.yields_at());
            tokio::select! {
                () = run.stopped() => return nothing_published(&done),
                () = tokio::time::sleep_until(again_at) => {}
            }
        }
    }
}

impl Relay {
    async fn drain(
        &self,
        run: &Run,
        publisher: &dyn EventPublisher,
        done: &mut Done,
    ) -> Result<Drained, JobError> {
        let sending = Sending::new(run, publisher, &self.settings.topics);
        Drain::new(self, &sending, done).run().await
    }

    /// Marks confirmed events; none to find out whether the run is over.
    async fn mark_published(&self, confirmed: &[i64], run: &Run) -> Result<(), JobError> {
        let holds = self.store.mark_published(confirmed, self.clock.now(), run.fence()).await?;
        if holds { Ok(()) } else { Err(JobError::Fenced) }
    }
}

/// A producer in use, which sends nothing once it is dropped, also by a run that is cut off.
struct Held(Option<KafkaPublisher>);

impl Held {
    /// For a producer with nothing left to send.
    fn keep(mut self) -> Option<KafkaPublisher> {
        self.0.take()
    }
}

impl Drop for Held {
    fn drop(&mut self) {
        if let Some(publisher) = self.0.take() {
            publisher.discard();
        }
    }
}

impl Held {
    fn publisher(&self) -> Result<&KafkaPublisher, SendError> {
        self.0.as_ref().ok_or_else(|| SendError::ProducerDied("the producer is gone".to_owned()))
    }
}

#[async_trait]
impl EventPublisher for Held {
    async fn send(&self, topic: &str, event: &Event) -> Result<(), SendError> {
        self.publisher()?.send(topic, event).await
    }

    async fn send_alone(&self, topic: &str, event: &Event) -> Result<(), SendError> {
        self.publisher()?.send_alone(topic, event).await
    }
}
