//! The topic of records that cannot be processed.

use std::time::Duration;

use rdkafka::error::KafkaError;
use rdkafka::message::{Header, OwnedHeaders};
use rdkafka::producer::{FutureProducer, FutureRecord};
use rdkafka::types::RDKafkaErrorCode;
use rdkafka::util::Timeout;

use super::record::Record;
use crate::client::{self, Telling};
use crate::settings::{KafkaSettings, NoClient};

/// The length at which a copy is truncated, so that it is never too large for its topic. Its headers name the
/// original.
const MAX_PAYLOAD: usize = 512 * 1024;
const MAX_KEY: usize = 4 * 1024;

pub(super) struct DeadLetters {
    topic: String,
    producer: FutureProducer<Telling>,
}

impl DeadLetters {
    pub(super) fn new(
        kafka: &KafkaSettings,
        topic: String,
        delivery_timeout: Duration,
    ) -> Result<DeadLetters, NoClient> {
        let timeout_ms = delivery_timeout.as_millis().max(1).to_string();
        let fixed =
            [("enable.idempotence", "true"), ("acks", "all"), ("message.timeout.ms", timeout_ms.as_str())];
        let producer = kafka.client(&[("linger.ms", "0")], &fixed).create_with_context(Telling::default())?;
        Ok(DeadLetters { topic, producer })
    }

    pub(super) fn is_topic(&self, topic: &str) -> bool {
        topic == self.topic
    }

    /// Copies a record, with its origin and the reason. Returns when the brokers have confirmed it.
    pub(super) async fn put(&self, record: &Record, reason: &str) -> Result<(), KafkaError> {
        let (number, offset) = (record.partition.number.to_string(), record.offset.to_string());
        let size = record.payload.len().to_string();
        let headers = [
            ("dead-letter.reason", reason),
            ("dead-letter.topic", &record.partition.topic),
            ("dead-letter.partition", &number),
            ("dead-letter.offset", &offset),
            ("dead-letter.size", &size),
        ]
        .into_iter()
        .fold(OwnedHeaders::new(), |headers, (key, value)| {
            headers.insert(Header { key, value: Some(value) })
        });
        let kept = |bytes: &[u8], most: usize| bytes.get(..most).unwrap_or(bytes).to_vec();
        let payload = kept(&record.payload, MAX_PAYLOAD);
        let key = record.key.as_ref().map(|key| kept(key, MAX_KEY));
        let mut letter = FutureRecord::<Vec<u8>, Vec<u8>>::to(&self.topic).payload(&payload).headers(headers);
        if let Some(key) = &key {
            letter = letter.key(key);
        }
        let sent = self.producer.send(letter, Timeout::After(Duration::ZERO)).await;
        match sent {
            Ok(delivery) if client::confirmed(&delivery) => Ok(()),
            Ok(_inferred) => Err(KafkaError::MessageProduction(RDKafkaErrorCode::Inconsistent)),
            Err((error, _letter)) => Err(error),
        }
    }
}
