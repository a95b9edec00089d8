//! The largest batch that the topics take.

use std::time::Duration;

use rdkafka::admin::{AdminClient, AdminOptions, ResourceSpecifier};
use rdkafka::error::KafkaError;

use crate::client::{self, Telling};
use crate::settings::KafkaSettings;

/// The batch size where the limits are unknown: that of Java's client.
pub(super) const UNKNOWN: usize = 16 * 1024;
/// The largest batch size: that of librdkafka.
const LARGEST: usize = 1_000_000;
const LIMIT: &str = "max.message.bytes";
const TIMEOUT: Duration = Duration::from_secs(2);

/// The largest batch that every one of these topics takes; `None` when one does not exist yet, or its
/// configuration may not be read.
pub(super) async fn batch_bytes(kafka: &KafkaSettings, topics: &[&str]) -> Option<usize> {
    let told = match describe(kafka, topics).await {
        Ok(told) => told,
        Err(error) => {
            tracing::debug!(%error, "the brokers do not tell how much their topics take");
            return None;
        }
    };
    (told.len() == topics.len()).then(|| told.into_iter().chain([LARGEST]).min()).flatten()
}

/// The limits that are readable.
async fn describe(kafka: &KafkaSettings, topics: &[&str]) -> Result<Vec<usize>, KafkaError> {
    let admin: AdminClient<Telling> = kafka.client(&[], &[]).create_with_context(Telling::default())?;
    let resources: Vec<_> = topics.iter().map(|topic| ResourceSpecifier::Topic(topic)).collect();
    let options = AdminOptions::new().request_timeout(Some(TIMEOUT));
    let described = admin.describe_configs(&resources, &options).await;
    client::end(admin);
    let limit = |resource: &rdkafka::admin::ConfigResource| {
        resource.get(LIMIT).and_then(|entry| entry.value.as_deref()?.parse().ok())
    };
    Ok(described?.iter().flatten().filter_map(limit).collect())
}
