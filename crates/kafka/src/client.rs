//! Clients of librdkafka: what they have to say, and how they end.

use std::sync::Arc;
use std::thread;

use rdkafka::ClientContext;
use rdkafka::config::RDKafkaLogLevel;
use rdkafka::error::KafkaError;
use tokio::sync::Notify;

use crate::complaint::Complaints;

/// Passes librdkafka's words on to the log: what it complains of once a minute, for it says the same
/// for every broker and every attempt, the rest at debug level.
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

/// Ends a client on a thread of its own: that takes a moment, and as long as a broker does not answer
/// where one must be told. Notifies when it has ended.
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
