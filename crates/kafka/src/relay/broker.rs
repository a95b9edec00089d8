//! Handing one event to the brokers, and what their answers mean.

use std::time::Duration;

use async_trait::async_trait;
use payment_domain::Event;
use rdkafka::error::KafkaError;
use rdkafka::producer::{FutureProducer, FutureRecord, Producer, PurgeConfig};
use rdkafka::types::RDKafkaErrorCode;
use rdkafka::util::Timeout;

use crate::client::Telling;
use crate::settings::{KafkaSettings, NoClient};

/// Takes events.
#[async_trait]
pub(super) trait Broker: Send + Sync {
    /// Sends one event, and returns when the brokers have it, on all replicas that must.
    async fn send(&self, topic: &str, event: &Event) -> Result<(), SendError>;
}

/// Why an event was not taken, or nobody knows whether it was.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(super) enum SendError {
    /// Trying again makes sense.
    Failed(String),
    /// This event will not be taken as it is.
    EventRefused(String),
    /// Nothing will be taken for this topic as things are.
    TopicRefused(String),
    /// The producer is of no use any more.
    ProducerDied(String),
}

/// Brokers, reached by librdkafka's idempotent producer.
pub(super) struct KafkaBroker {
    producer: FutureProducer<Telling>,
}

impl KafkaBroker {
    /// A producer that gives an event up after `delivery_timeout`.
    pub(super) fn new(kafka: &KafkaSettings, delivery_timeout: Duration) -> Result<KafkaBroker, NoClient> {
        let timeout_ms = delivery_timeout.as_millis().max(1).to_string();
        // Whether a new topic is there after all is found out before the event is given up.
        let propagation_ms = (delivery_timeout.as_millis() / 2).max(1).to_string();
        let defaults = [
            ("linger.ms", "2"),
            ("topic.metadata.propagation.max.ms", propagation_ms.as_str()),
            // A transaction has the partition that a Java client would give it.
            ("partitioner", "murmur2_random"),
        ];
        let fixed = [
            ("enable.idempotence", "true"),
            ("acks", "all"),
            // An event is gone when it was not sent in time: a process that was stopped and goes on
            // must not send what another has sent long since.
            ("message.timeout.ms", timeout_ms.as_str()),
        ];
        let producer = kafka.client(&defaults, &fixed).create_with_context(Telling::default())?;
        Ok(KafkaBroker { producer })
    }

    /// Gives up whatever was not sent yet, and lets the brokers go.
    pub(super) fn discard(self) {
        self.producer.purge(PurgeConfig::default().queue().inflight());
        crate::client::end(self.producer);
    }

    fn meaning(&self, error: &KafkaError) -> SendError {
        use RDKafkaErrorCode as Code;
        if let Some((code, reason)) = self.producer.client().fatal_error() {
            return SendError::ProducerDied(format!("{code}: {reason}"));
        }
        let Some(code) = error.rdkafka_error_code() else { return SendError::Failed(error.to_string()) };
        let reason = code.to_string();
        if matches!(
            code,
            Code::InvalidMessageSize
                | Code::InvalidRecord
                | Code::InvalidTimestamp
                | Code::MessageBatchTooLarge
                | Code::MessageSizeTooLarge
                | Code::UnsupportedForMessageFormat
        ) {
            SendError::EventRefused(reason)
        } else if matches!(
            code,
            Code::InvalidTopic
                | Code::PolicyViolation
                | Code::TopicAuthorizationFailed
                | Code::UnknownPartition
                | Code::UnknownTopic
                | Code::UnknownTopicOrPartition
        ) {
            SendError::TopicRefused(reason)
        } else {
            SendError::Failed(reason)
        }
    }
}

#[async_trait]
impl Broker for KafkaBroker {
    async fn send(&self, topic: &str, event: &Event) -> Result<(), SendError> {
        let record = FutureRecord::to(topic).key(event.txn_id.as_str()).payload(event.body.as_str());
        match self.producer.send(record, Timeout::After(Duration::ZERO)).await {
            Ok(_delivery) => Ok(()),
            Err((error, _record)) => Err(self.meaning(&error)),
        }
    }
}
