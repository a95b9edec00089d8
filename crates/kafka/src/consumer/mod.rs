//! The notification consumer: reads the events of transactions and passes them to [`Notifications`].
//!
//! An offset is committed after its record was processed. A record that is processed twice, because a
//! consumer died in between, causes one text message.

mod dead_letters;
mod group;
mod partition_workers;
mod pattern;
mod record;

use std::sync::Arc;
use std::time::Duration;

use payment_service::{Notifications, NotifyError};
use rdkafka::consumer::{BaseConsumer, Consumer, StreamConsumer};
use rdkafka::error::KafkaError;
use rdkafka::message::BorrowedMessage;
use rdkafka::{ClientConfig, Offset, TopicPartitionList};
use tokio::sync::mpsc;
use tokio::time::Instant;
use tokio_util::sync::CancellationToken;
use tracing::field::Empty;
use tracing::{Instrument, Span};

use crate::complaint::Complaints;
use crate::settings::{KafkaSettings, NoClient};
use crate::topics;
use crate::topics::Topics;
use dead_letters::DeadLetters;
use group::Membership;
use partition_workers::{Order, PartitionWorkers};
pub use pattern::{InvalidTopicPattern, TopicPattern};
use record::{Partition, Record};

const DEAD: &str = "notifications_dead_lettered_total";
const RETRIES: &str = "notification_retries_total";

/// The pause before a new consumer replaces one that is unusable.
const REPLACE_PAUSE: Duration = Duration::from_secs(1);
/// The pause after an error. Short: errors of unavailable brokers queue up before the records, and each delays
/// them.
const ERROR_PAUSE: Duration = Duration::from_millis(5);
/// The longest wait for the end of a consumer, whose brokers may be unavailable.
const END_WAIT: Duration = Duration::from_secs(5);

#[derive(Debug, Clone)]
pub struct ConsumerSettings {
    /// The consumer group.
    pub group: String,
    pub topics: TopicPattern,
    /// For records that cannot be processed.
    pub dead_letter_topic: String,
    /// The time after which an unconfirmed dead letter is sent again.
    pub delivery_timeout: Duration,
    /// The attempts at a refused event before it becomes a dead letter.
    pub refused_tries: u32,
    /// The first and the longest pause between attempts; doubled in between.
    pub pauses: (Duration, Duration),
}

/// The group is that of the original service, to go on where it has stopped.
impl Default for ConsumerSettings {
    fn default() -> ConsumerSettings {
        ConsumerSettings {
            group: "egov-pg-service".to_owned(),
            topics: TopicPattern::of(&Topics::default()),
            dead_letter_topic: "pg-service-notifications-dead-letters".to_owned(),
            delivery_timeout: Duration::from_secs(10),
            refused_tries: 8,
            pauses: (Duration::from_millis(500), Duration::from_secs(30)),
        }
    }
}

/// Consumes the events of transactions, on any number of nodes: Kafka assigns each its partitions.
pub struct NotificationConsumer {
    kafka: KafkaSettings,
    settings: ConsumerSettings,
    processor: Arc<Processor>,
}

/// Processes records.
struct Processor {
    notifications: Notifications,
    dead_letters: DeadLetters,
    refused_tries: u32,
    pauses: (Duration, Duration),
    complaints: Complaints,
}

enum Ended {
    Stopped,
    /// It is unusable, and another replaces it.
    Died,
}

type Revocations = mpsc::UnboundedReceiver<Vec<Partition>>;

impl NotificationConsumer {
    /// A consumer of these brokers, which may be unavailable.
    ///
    /// # Errors
    /// When librdkafka cannot work with the settings.
    pub fn new(
        notifications: Notifications,
        kafka: KafkaSettings,
        settings: ConsumerSettings,
    ) -> Result<NotificationConsumer, NoClient> {
        metrics::describe_counter!(DEAD, "Records that became dead letters, by why");
        metrics::describe_counter!(RETRIES, "Attempts to process a record that are repeated, by why");
        metrics::describe_gauge!(group::LAG, "Records that this node has yet to process");
        topics::check(&settings.dead_letter_topic)
            .map_err(|invalid| NoClient { reason: invalid.to_string() })?;
        let dead_letters =
            DeadLetters::new(&kafka, settings.dead_letter_topic.clone(), settings.delivery_timeout)?;
        let processor = Arc::new(Processor {
            notifications,
            dead_letters,
            refused_tries: settings.refused_tries,
            pauses: settings.pauses,
            complaints: Complaints::default(),
        });
        let consumer = NotificationConsumer { kafka, settings, processor };
        let (config, membership, _) = consumer.configuration();
        // Checks the configuration; this kind of consumer needs no runtime.
        let unused: BaseConsumer<Membership> = config.create_with_context(membership)?;
        crate::client::end(unused);
        Ok(consumer)
    }

    /// Consumes until it is stopped. Waits for brokers, services and a database that are unavailable.
    ///
    /// # Errors
    /// When librdkafka does not understand the topic pattern.
    pub async fn run(&self, stop: CancellationToken) -> Result<(), NoClient> {
        loop {
            let (config, membership, revocations) = self.configuration();
            let consumer: StreamConsumer<Membership> = config.create_with_context(membership)?;
            consumer.subscribe(&[self.settings.topics.as_str()])?;
            let ended = self.consume(&consumer, revocations, &stop).await;
            // Commits, and leaves the group, so that its partitions are assigned at once.
            let left = crate::client::end(consumer);
            let _in_time = tokio::time::timeout(END_WAIT, left.notified()).await;
            match ended {
                Ended::Stopped => return Ok(()),
                Ended::Died => tracing::warn!("another Kafka consumer takes the place of one that died"),
            }
            if stop.run_until_cancelled(tokio::time::sleep(REPLACE_PAUSE)).await.is_none() {
                return Ok(());
            }
        }
    }

    fn configuration(&self) -> (ClientConfig, Membership, Revocations) {
        let defaults = [
            // A topic may have records before it is first seen.
            ("auto.offset.reset", "earliest"),
            // The time until a new topic that matches the pattern is seen.
            ("topic.metadata.refresh.interval.ms", "30000"),
            ("auto.commit.interval.ms", "1000"),
            ("statistics.interval.ms", "10000"),
            ("queued.max.messages.kbytes", "16384"),
        ];
        let fixed = [
            ("group.id", self.settings.group.as_str()),
            // Offsets are stored after processing, and committed in the background, on a rebalance and at
            // the end.
            ("enable.auto.commit", "true"),
            ("enable.auto.offset.store", "false"),
        ];
        let (revoked, revocations) = mpsc::unbounded_channel();
        (self.kafka.client(&defaults, &fixed), Membership::new(revoked), revocations)
    }

    async fn consume(
        &self,
        consumer: &StreamConsumer<Membership>,
        mut revocations: Revocations,
        stop: &CancellationToken,
    ) -> Ended {
        let mut workers = PartitionWorkers::new(|record, stop| {
            let processor = self.processor.clone();
            async move {
                let span = span(&record);
                processor.process(&record, &stop).instrument(span).await
            }
        });
        let mut not_before = Instant::now();
        loop {
            tokio::select! {
                biased;
                () = stop.cancelled() => return Ended::Stopped,
                Some(partitions) = revocations.recv() => workers.revoke(&partitions),
                orders = workers.next() => {
                    for order in orders {
                        carry_out(consumer, &order);
                    }
                }
                received = receive(consumer, not_before) => match received {
                    Ok(message) => {
                        if let Some(order) = workers.push(Record::of(&message)) {
                            carry_out(consumer, &order);
                        }
                    }
                    Err(error) => {
                        if let Some(times) = self.processor.complaints.due("consumer") {
                            tracing::warn!(%error, times, "no events can be consumed at the moment");
                        }
                        if consumer.client().fatal_error().is_some() {
                            return Ended::Died;
                        }
                        not_before = Instant::now() + ERROR_PAUSE;
                    }
                },
            }
        }
    }
}

async fn receive(
    consumer: &StreamConsumer<Membership>,
    not_before: Instant,
) -> Result<BorrowedMessage<'_>, KafkaError> {
    tokio::time::sleep_until(not_before).await;
    consumer.recv().await
}

fn carry_out(consumer: &StreamConsumer<Membership>, order: &Order) {
    let list = |partition: &Partition| {
        let mut list = TopicPartitionList::new();
        list.add_partition(&partition.topic, partition.number);
        list
    };
    let carried_out = match order {
        Order::Pause(partition) => consumer.pause(&list(partition)),
        Order::Resume(partition) => consumer.resume(&list(partition)),
        Order::Done(partition, offset) => {
            let mut next = TopicPartitionList::new();
            next.add_partition_offset(&partition.topic, partition.number, Offset::Offset(offset + 1))
                .and_then(|()| consumer.store_offsets(&next))
        }
    };
    if let Err(error) = carried_out {
        // The partition is assigned to another member meanwhile.
        tracing::debug!(%error, ?order, "a partition is assigned to another member");
    }
}

/// In the trace of the event; a record without one is not traced.
fn span(record: &Record) -> Span {
    let Some(context) = &record.trace else { return Span::none() };
    let span = tracing::info_span!(
        target: payment_trace::ENTRY,
        "process",
        trace_id = Empty,
        trace_sampled = Empty,
        otel.name = format_args!("process {}", record.partition.topic),
        otel.kind = "consumer",
        messaging.system = "kafka",
        messaging.destination.name = %record.partition.topic,
    );
    payment_trace::begin(&span, Some(context));
    span
}

impl Processor {
    /// Processes a record, however long it takes; `false` when it was cancelled before.
    async fn process(&self, record: &Record, stop: &CancellationToken) -> bool {
        // The pattern may match it.
        if self.dead_letters.is_topic(&record.partition.topic) {
            return true;
        }
        let (mut pause, longest) = self.pauses;
        let mut refused = 0;
        let mut dead: Option<(&'static str, String)> = None;
        loop {
            let (why, error) = match &dead {
                Some((why, reason)) => match self.bury(record, why, reason).await {
                    Ok(()) => return true,
                    Err(error) => ("dead_letter", error.to_string()),
                },
                None => match stop.run_until_cancelled(self.notifications.take(&record.payload)).await {
                    None => return false,
                    Some(Ok(_notified)) => return true,
                    Some(Err(NotifyError::Unreadable(unreadable))) => {
                        dead = Some(("unreadable", unreadable.to_string()));
                        continue;
                    }
                    Some(Err(NotifyError::Refused(error))) => {
                        refused += 1;
                        if refused >= self.refused_tries {
                            dead = Some(("refused", error.to_string()));
                            continue;
                        }
                        ("refused", error.to_string())
                    }
                    Some(Err(NotifyError::Unavailable(error))) => ("unavailable", error.to_string()),
                },
            };
            metrics::counter!(RETRIES, "why" => why).increment(1);
            if let Some(times) = self.complaints.due(why) {
                let Record { partition, offset, .. } = record;
                tracing::warn!(topic = %partition.topic, partition = partition.number, offset, why, error, times,
                    "an event cannot be processed now and is tried again");
            }
            if stop.run_until_cancelled(tokio::time::sleep(pause)).await.is_none() {
                return false;
            }
            pause = (pause * 2).min(longest);
        }
    }

    async fn bury(&self, record: &Record, why: &'static str, reason: &str) -> Result<(), KafkaError> {
        self.dead_letters.put(record, reason).await?;
        metrics::counter!(DEAD, "why" => why).increment(1);
        let Record { partition, offset, .. } = record;
        tracing::warn!(topic = %partition.topic, partition = partition.number, offset, reason,
            "an event became a dead letter");
        Ok(())
    }
}
