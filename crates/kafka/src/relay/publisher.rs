//! Sends single events to the brokers and interprets their answers.

use std::sync::{Mutex, PoisonError};
use std::time::Duration;

use async_trait::async_trait;
use payment_domain::{Event, TraceContext};
use rdkafka::error::KafkaError;
use rdkafka::message::{Header, OwnedHeaders};
use rdkafka::producer::{FutureProducer, FutureRecord, Producer, PurgeConfig};
use rdkafka::types::RDKafkaErrorCode;
use rdkafka::util::Timeout;
use tracing::field::Empty;
use tracing::{Instrument, Span};

use crate::client::{self, Telling};
use crate::settings::{KafkaSettings, NoClient};

#[async_trait]
pub(super) trait EventPublisher: Send + Sync {
    /// Sends one event; returns when the brokers have confirmed it (`acks=all`).
    async fn send(&self, topic: &str, event: &Event) -> Result<(), SendError>;

    /// Sends one event in a batch of its own: brokers refuse whole batches.
    async fn send_alone(&self, topic: &str, event: &Event) -> Result<(), SendError>;
}

/// Why an event was not confirmed.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(super) enum SendError {
    /// To be tried again.
    Failed(String),
    /// This event, or another one of its batch, is refused as it is.
    EventRefused(String),
    /// Every event for this topic is refused.
    TopicRefused(String),
    /// The producer is unusable.
    ProducerDied(String),
}

/// Brokers, reached by librdkafka's idempotent producer.
pub(super) struct KafkaPublisher {
    producer: FutureProducer<Telling>,
    /// The largest batch, in bytes; a larger event makes a batch of its own.
    batch_bytes: usize,
    /// Its batches have one event; made when a batch is refused.
    singles: Mutex<Option<FutureProducer<Telling>>>,
    kafka: KafkaSettings,
    delivery_timeout: Duration,
}

impl KafkaPublisher {
    /// A producer that gives an event up after `delivery_timeout`.
    pub(super) fn new(
        kafka: &KafkaSettings,
        delivery_timeout: Duration,
        batch_bytes: usize,
    ) -> Result<KafkaPublisher, NoClient> {
        let batch = batch_bytes.to_string();
        let producer = producer(kafka, delivery_timeout, &[("batch.size", &batch), ("linger.ms", "2")], &[])?;
        let (kafka, singles) = (kafka.clone(), Mutex::default());
        Ok(KafkaPublisher { producer, batch_bytes, singles, kafka, delivery_timeout })
    }

    /// The largest batch, in bytes.
    pub(super) fn batch_bytes(&self) -> usize {
        self.batch_bytes
    }

    /// Gives up what was not sent, and disconnects.
    pub(super) fn discard(self) {
        let singles = self.singles.into_inner().unwrap_or_else(PoisonError::into_inner);
        for producer in singles.into_iter().chain([self.producer]) {
            producer.purge(PurgeConfig::default().queue().inflight());
            client::end(producer);
        }
    }

    fn singles(&self) -> Result<FutureProducer<Telling>, NoClient> {
        let mut singles = self.singles.lock().unwrap_or_else(PoisonError::into_inner);
        if let Some(producer) = &*singles {
            return Ok(producer.clone());
        }
        let fixed = [("batch.num.messages", "1"), ("linger.ms", "0")];
        Ok(singles.insert(producer(&self.kafka, self.delivery_timeout, &[], &fixed)?).clone())
    }
}

fn producer(
    kafka: &KafkaSettings,
    delivery_timeout: Duration,
    defaults: &[(&str, &str)],
    fixed: &[(&str, &str)],
) -> Result<FutureProducer<Telling>, NoClient> {
    let timeout_ms = delivery_timeout.as_millis().max(1).to_string();
    // A new topic is looked for before the event is given up.
    let propagation_ms = (delivery_timeout.as_millis() / 2).max(1).to_string();
    let all_defaults = [
        ("topic.metadata.propagation.max.ms", propagation_ms.as_str()),
        // A transaction has the partition that a Java client would give it.
        ("partitioner", "murmur2_random"),
    ];
    let all_fixed = [
        ("enable.idempotence", "true"),
        ("acks", "all"),
        // An event that was not sent in time is given up: a process that was suspended must not send what
        // another node has sent meanwhile.
        ("message.timeout.ms", timeout_ms.as_str()),
    ];
    let config = kafka.client(&[defaults, &all_defaults].concat(), &[fixed, &all_fixed].concat());
    Ok(config.create_with_context(Telling::default())?)
}

/// Sends an event in a span of the trace that caused it, with that span's context as headers.
async fn send(producer: &FutureProducer<Telling>, topic: &str, event: &Event) -> Result<(), SendError> {
    let Some(context) = &event.trace else { return send_with(producer, topic, event, None).await };
    let span = match payment_trace::is_on() {
        true => tracing::info_span!(
            target: payment_trace::ENTRY,
            "publish",
            trace_id = Empty,
            trace_sampled = Empty,
            otel.name = format_args!("publish {}", event.kind.as_str()),
            otel.kind = "producer",
            otel.status_code = Empty,
            messaging.system = "kafka",
            messaging.destination.name = topic,
            pg.txn_id = %event.txn_id,
        ),
        false => Span::none(),
    };
    payment_trace::begin(&span, Some(context));
    let sending = async {
        let own = payment_trace::current();
        send_with(producer, topic, event, Some(own.as_ref().unwrap_or(context))).await
    };
    let sent = sending.instrument(span.clone()).await;
    if sent.is_err() {
        span.record("otel.status_code", "ERROR");
    }
    sent
}

async fn send_with(
    producer: &FutureProducer<Telling>,
    topic: &str,
    event: &Event,
    context: Option<&TraceContext>,
) -> Result<(), SendError> {
    let mut record = FutureRecord::to(topic).key(event.txn_id.as_str()).payload(event.body.as_str());
    if let Some(TraceContext { parent, state }) = context {
        let header = |key, value| Header { key, value: Some(value) };
        let headers = OwnedHeaders::new().insert(header(payment_trace::TRACEPARENT, parent));
        record = record.headers(match state {
            Some(state) => headers.insert(header(payment_trace::TRACESTATE, state)),
            None => headers,
        });
    }
    match producer.send(record, Timeout::After(Duration::ZERO)).await {
        Ok(delivery) if client::confirmed(&delivery) => Ok(()),
        Ok(_inferred) => Err(SendError::Failed("the brokers may not have it".to_owned())),
        Err((error, _record)) => Err(SendError::of(producer, &error)),
    }
}

impl SendError {
    /// The meaning of a producer's error.
    fn of(producer: &FutureProducer<Telling>, error: &KafkaError) -> SendError {
        use RDKafkaErrorCode as Code;
        if let Some((code, reason)) = producer.client().fatal_error() {
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
impl EventPublisher for KafkaPublisher {
    async fn send(&self, topic: &str, event: &Event) -> Result<(), SendError> {
        send(&self.producer, topic, event).await
    }

    async fn send_alone(&self, topic: &str, event: &Event) -> Result<(), SendError> {
        let producer = self.singles().map_err(|error| SendError::Failed(error.to_string()))?;
        // Without headers: the event may have been refused for them, by their length or an old format.
        send_with(&producer, topic, event, None).await
    }
}

#[cfg(test)]
mod tests {
    use payment_domain::{EventKind, TenantId, TxnId};
    use rdkafka::mocking::MockCluster;
    use rdkafka::types::{RDKafkaApiKey, RDKafkaRespErr};

    use super::*;

    #[tokio::test(flavor = "multi_thread")]
    async fn an_event_that_librdkafka_only_supposes_to_be_stored_is_not_confirmed() {
        let brokers = MockCluster::new(1).unwrap();
        brokers.create_topic("events", 1, 1).unwrap();
        // Each event is a batch, and both are under way before the first answer.
        let batches = ("batch.num.messages".to_owned(), "1".to_owned().into());
        let kafka = KafkaSettings::new(&brokers.bootstrap_servers(), [batches]).unwrap();
        let publisher = KafkaPublisher::new(&kafka, Duration::from_secs(10), 16384).unwrap();
        let event = |id: &str| Event {
            kind: EventKind::UpdateTransaction,
            txn_id: TxnId::new(id).unwrap(),
            tenant_id: TenantId::new("pb").unwrap(),
            body: id.to_owned(),
            trace: None,
        };
        publisher.send("events", &event("A")).await.unwrap();
        brokers.broker_round_trip_time(1, Duration::from_millis(100)).unwrap();
        let refused = RDKafkaRespErr::RD_KAFKA_RESP_ERR_NOT_LEADER_FOR_PARTITION;
        brokers.request_errors(RDKafkaApiKey::Produce, &[refused]);
        let (b, c) = (event("B"), event("C"));
        let (refused, taken) = tokio::join!(publisher.send("events", &b), publisher.send("events", &c));
        assert!(matches!(refused, Err(SendError::Failed(_))), "{refused:?}");
        taken.unwrap();
        publisher.send("events", &b).await.unwrap();
    }
}
