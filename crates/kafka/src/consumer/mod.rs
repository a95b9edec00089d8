//! The notification consumer: reads the events of transactions and has payers told of them.
//!
//! An offset is committed after its record was dealt with, never before. What is dealt with twice,
//! because a consumer died in between, is told once: see [`Notifications`].

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

/// How long to wait before a consumer takes the place of one that died.
const REPLACE_PAUSE: Duration = Duration::from_secs(1);
/// How long to wait after an error. Short: while brokers are away they pile up before the records, and
/// each of them would keep the records waiting.
const ERROR_PAUSE: Duration = Duration::from_millis(5);
/// How long the end of the consumer is waited for: its brokers may be away.
const END_WAIT: Duration = Duration::from_secs(5);

/// Settings of the consumer.
#[derive(Debug, Clone)]
pub struct ConsumerSettings {
    /// The consumer group. Members of one group share the work.
    pub group: String,
    /// What is read.
    pub topics: TopicPattern,
    /// Where records go that cannot be dealt with.
    pub dead_letter_topic: String,
    /// When a dead letter that the brokers have not confirmed is sent again.
    pub delivery_timeout: Duration,
    /// How often an event is tried that something refuses, before it becomes a dead letter.
    pub refused_tries: u32,
    /// The first and the longest pause before a record is tried again; it doubles in between.
    pub pauses: (Duration, Duration),
}

/// The group of the original service, which has committed how far it came.
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

/// Consumes the events of transactions. Any number of nodes may do so at once: Kafka gives each its
/// partitions.
pub struct NotificationConsumer {
    kafka: KafkaSettings,
    settings: ConsumerSettings,
    desk: Arc<Desk>,
}

/// Where a record is dealt with.
struct Desk {
    notifications: Notifications,
    dead_letters: DeadLetters,
    refused_tries: u32,
    pauses: (Duration, Duration),
    complaints: Complaints,
}

/// How one consumer came to its end.
enum Ended {
    Stopped,
    /// It is of no use any more; another takes its place.
    Died,
}

type Revocations = mpsc::UnboundedReceiver<Vec<Partition>>;

impl NotificationConsumer {
    /// A consumer of these brokers, which need not be there yet.
    ///
    /// # Errors
    /// When librdkafka cannot work with the settings.
    pub fn new(
        notifications: Notifications,
        kafka: KafkaSettings,
        settings: ConsumerSettings,
    ) -> Result<NotificationConsumer, NoClient> {
        metrics::describe_counter!(DEAD, "Records that became dead letters, by why");
        metrics::describe_counter!(
            RETRIES,
            "Attempts to deal with a record that come to be repeated, by why"
        );
        metrics::describe_gauge!(group::LAG, "Records that this node is yet to deal with");
        topics::check(&settings.dead_letter_topic)
            .map_err(|invalid| NoClient { reason: invalid.to_string() })?;
        let dead_letters =
            DeadLetters::new(&kafka, settings.dead_letter_topic.clone(), settings.delivery_timeout)?;
        let desk = Arc::new(Desk {
            notifications,
            dead_letters,
            refused_tries: settings.refused_tries,
            pauses: settings.pauses,
            complaints: Complaints::default(),
        });
        let consumer = NotificationConsumer { kafka, settings, desk };
        let (config, membership, _) = consumer.configuration();
        // Only to see whether there can be one; this kind needs no runtime.
        let unused: BaseConsumer<Membership> = config.create_with_context(membership)?;
        crate::client::end(unused);
        Ok(consumer)
    }

    /// Consumes until it is stopped. Brokers, a database and services that are away are waited for.
    ///
    /// # Errors
    /// When librdkafka does not understand the topic pattern.
    pub async fn run(&self, stop: CancellationToken) -> Result<(), NoClient> {
        loop {
            let (config, membership, revocations) = self.configuration();
            let consumer: StreamConsumer<Membership> = config.create_with_context(membership)?;
            consumer.subscribe(&[self.settings.topics.as_str()])?;
            let ended = self.consume(&consumer, revocations, &stop).await;
            // Commits what was dealt with and leaves the group, so that others need not wait for us.
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
            // A topic may have been written before we first see it.
            ("auto.offset.reset", "earliest"),
            // New topics that match the pattern are noticed after this time.
            ("topic.metadata.refresh.interval.ms", "30000"),
            ("auto.commit.interval.ms", "1000"),
            ("statistics.interval.ms", "10000"),
            ("queued.max.messages.kbytes", "16384"),
        ];
        let fixed = [
            ("group.id", self.settings.group.as_str()),
            // Committed is what was stored, and stored is what was dealt with: in the background, on
            // a rebalance, and at the end.
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
            let desk = self.desk.clone();
            async move { desk.deal_with(&record, &stop).await }
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
                        if let Some(times) = self.desk.complaints.due("consumer") {
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
        // The partition is another member's meanwhile, and with it all that is to be known of it.
        tracing::debug!(%error, ?order, "a partition was taken away");
    }
}

impl Desk {
    /// Deals with a record, however long it takes; `false` when it was cancelled before.
    async fn deal_with(&self, record: &Record, stop: &CancellationToken) -> bool {
        // A pattern may match too much.
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
                    Err(error) => ("dead letter", error.to_string()),
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
                    "an event cannot be dealt with now and is tried again");
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
