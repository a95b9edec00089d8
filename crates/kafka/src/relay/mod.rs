//! The outbox relay: publishes the events that wait in the store, in the order of each transaction.

mod backlog;
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
use backlog::Gauges;
use chain::Sending;
use drain::{Done, Drain, Drained, nothing_published};
use publisher::{EventPublisher, KafkaPublisher, SendError};

const PUBLISHED: &str = "events_published_total";
const FAILED: &str = "events_failed_total";

/// How long to wait before a producer takes the place of one that died.
const REPLACE_PAUSE: Duration = Duration::from_secs(1);

/// Settings of the relay.
#[derive(Debug, Clone)]
pub struct RelaySettings {
    /// Where events go.
    pub topics: Topics,
    /// When an event that the brokers have not confirmed is given up, to be tried again. Shorter
    /// than the lease under which the relay runs, so that what this process has not sent is gone
    /// when another takes over.
    pub delivery_timeout: Duration,
    /// How many events are read at once.
    pub page: u32,
    /// How long to wait before an empty outbox is looked at again.
    pub poll_interval: Duration,
    /// How long an event, or a topic, that the brokers refuse is left alone.
    pub refused_pause: Duration,
    /// How old an event that the brokers refuse must be to become a dead letter, which holds back no
    /// other; `None` when none ever does.
    pub dead_letter_after: Option<Duration>,
}

impl Default for RelaySettings {
    fn default() -> RelaySettings {
        RelaySettings {
            topics: Topics::default(),
            delivery_timeout: Duration::from_secs(10),
            page: 1000,
            poll_interval: Duration::from_millis(75),
            refused_pause: Duration::from_secs(15),
            dead_letter_after: None,
        }
    }
}

/// Publishes the outbox to Kafka: every event at least once, the events of a transaction in their
/// order, nothing before its commit. A job of the scheduler, which runs it on one node at a time.
///
/// A failure keeps back its transaction, and is tried again. An event that the brokers will not take
/// keeps back the later ones of its transaction and topic, and no others; it stays in the outbox, after
/// [`RelaySettings::dead_letter_after`] as a dead letter that keeps nothing back.
pub struct OutboxRelay {
    relay: Relay,
    kafka: KafkaSettings,
    /// The producer, between two runs that have left nothing in it.
    idle: Mutex<Option<KafkaPublisher>>,
    /// The largest batch that the topics take, in bytes, once the brokers have told it.
    batch_bytes: OnceLock<usize>,
}

/// What draining the outbox needs beside the brokers.
struct Relay {
    store: Arc<dyn Store>,
    clock: Arc<dyn Clock>,
    settings: RelaySettings,
    complaints: Complaints,
}

impl OutboxRelay {
    /// A relay from this store to these brokers, which need not be there yet.
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
        backlog::describe();
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

    /// How large batches are. The brokers are asked again in each run until they tell; a limit that is
    /// lowered later costs refused batches, and no event.
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
        let mut gauges = Gauges::default();
        let mut done = Done::default();
        loop {
            let publisher = Held(Some(self.publisher(run).await?));
            let drained = self.relay.drain(run, &publisher, &mut done, &mut gauges).await;
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
    /// Publishes until it is time to end, or the producer dies.
    async fn drain(
        &self,
        run: &Run,
        publisher: &dyn EventPublisher,
        done: &mut Done,
        gauges: &mut Gauges,
    ) -> Result<Drained, JobError> {
        let sending = Sending::new(run, publisher, &self.settings.topics);
        Drain::new(self, &sending, done).run(gauges).await
    }
}

/// A producer in use. However its use ends, also by a run that is cut off, nothing that it has not
/// sent yet is sent later.
struct Held(Option<KafkaPublisher>);

impl Held {
    /// It has nothing left to send.
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
