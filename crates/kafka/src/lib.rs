//! Apache Kafka: the relay that publishes the outbox, and the consumer that turns events of transactions into
//! text messages.
//!
//! Both use librdkafka. [`KafkaSettings`] has the properties that an operator may set; those that guarantee
//! delivery and order are fixed.

mod client;
mod complaint;
mod consumer;
mod relay;
mod settings;
mod topics;

pub use consumer::{ConsumerSettings, InvalidTopicPattern, NotificationConsumer, TopicPattern};
pub use relay::{OutboxRelay, RelaySettings};
pub use settings::{
    CertificateSource, CertificateUse, InvalidKafkaSettings, KafkaSettings, KafkaSettingsError, NoClient,
};
pub use topics::{CentralInstance, InvalidTopic, Topics};
