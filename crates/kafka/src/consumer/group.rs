//! Membership in the consumer group: assigned partitions, and the lag.

use rdkafka::ClientContext;
use rdkafka::config::RDKafkaLogLevel;
use rdkafka::consumer::{BaseConsumer, ConsumerContext, Rebalance};
use rdkafka::error::KafkaError;
use rdkafka::statistics::Statistics;
use tokio::sync::mpsc::UnboundedSender;

use super::record::Partition;
use crate::client::Telling;

pub(super) const LAG: &str = "notification_lag";

/// Receives the group's assignments.
pub(super) struct Membership {
    telling: Telling,
    /// For partitions that are assigned to another member.
    revoked: UnboundedSender<Vec<Partition>>,
}

impl Membership {
    pub(super) fn new(revoked: UnboundedSender<Vec<Partition>>) -> Membership {
        Membership { telling: Telling::default(), revoked }
    }
}

impl ClientContext for Membership {
    fn log(&self, level: RDKafkaLogLevel, facility: &str, message: &str) {
        self.telling.log(level, facility, message);
    }

    fn error(&self, error: KafkaError, reason: &str) {
        self.telling.error(error, reason);
    }

    fn stats(&self, statistics: Statistics) {
        let partitions = statistics.topics.values().flat_map(|topic| topic.partitions.values());
        let lags = partitions.map(|partition| match partition.consumer_lag_stored {
            lag if lag >= 0 => lag,
            _unknown => partition.consumer_lag.max(0),
        });
        metrics::gauge!(LAG).set(lags.sum::<i64>() as f64);
    }
}

impl ConsumerContext for Membership {
    fn pre_rebalance(&self, _: &BaseConsumer<Self>, rebalance: &Rebalance<'_>) {
        if let Rebalance::Revoke(partitions) = rebalance {
            let partitions = partitions
                .elements()
                .iter()
                .map(|element| Partition { topic: element.topic().into(), number: element.partition() })
                .collect();
            // No receiver: the consumer ends.
            let _unheard = self.revoked.send(partitions);
        }
    }
}
