//! Logs of librdkafka's clients, and their end.

use std::sync::Arc;
use std::thread;

use rdkafka::ClientContext;
use rdkafka::config::RDKafkaLogLevel;
use rdkafka::error::KafkaError;
use rdkafka::producer::future_producer::Delivery;
use tokio::sync::Notify;

use crate::complaint::Complaints;

/// Logs librdkafka's messages: warnings once a minute, because it repeats them for every broker and attempt, the
/// rest at debug level.
#[derive(Debug, Default)]
pub(crate) struct Telling(Complaints);

impl ClientContext for Telling {
    fn log(&self, level: RDKafkaLogLevel, facility: &str, message: &str) {
        match level {
            RDKafkaLogLevel::Emerg
            | RDKafkaLogLevel::Alert
            | RDKafkaLogLevel::Critical
            | RDKafkaLogLevel::Error
            | RDKafkaLogLevel::Warning => {
                if let Some(times) = self.0.due("log") {
                    tracing::warn!(target: "librdkafka", facility, times, "{message}");
                }
            }
            RDKafkaLogLevel::Notice | RDKafkaLogLevel::Info | RDKafkaLogLevel::Debug => {
                tracing::debug!(target: "librdkafka", facility, "{message}");
            }
        }
    }

    fn error(&self, error: KafkaError, reason: &str) {
        if let Some(times) = self.0.due("error") {
            tracing::warn!(target: "librdkafka", %error, times, "{reason}");
        }
    }
}

/// Whether the brokers themselves have confirmed a record: their confirmation has its offset. librdkafka
/// reports delivery without one where it only infers it, from the confirmation of a later batch. That is
/// wrong where the brokers do not know the producer yet, as in a new topic: they refuse its first batch while
/// they make the partition, and take the second one, whatever its sequence number.
pub(crate) fn confirmed(delivery: &Delivery) -> bool {
    delivery.offset >= 0
}

/// Ends a client on its own thread, because that may wait for brokers. Notifies when it has ended.
pub(crate) fn end<T: Send + 'static>(client: T) -> Arc<Notify> {
    let ended = Arc::new(Notify::new());
    let told = ended.clone();
    let end = move || {
        drop(client);
        told.notify_one();
    };
    if let Err(error) = thread::Builder::new().name("kafka-end".to_owned()).spawn(end) {
        // The client was dropped with the closure.
        tracing::warn!(%error, "no thread to end a Kafka client");
        ended.notify_one();
    }
    ended
}
