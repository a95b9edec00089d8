//! The two ways to and from Apache Kafka: the relay that publishes what waits in the outbox, and the
//! consumer that reads the events of transactions to tell payers of them.
//!
//! Both speak to the brokers through librdkafka. What an operator may set of it is in
//! [`KafkaSettings`]; what the promises of this crate rest on is not for anybody to set.

mod client;
mod complaint;
mod consumer;
mod relay;
mod settings;
mod topics;

pub use consumer::{ConsumerSettings, InvalidTopicPattern, NotificationConsumer, TopicPattern};
pub use relay::{OutboxRelay, RelaySettings};
pub use settings::{InvalidKafkaSettings, KafkaSettings, KafkaSettingsError, NoClient};
pub use topics::{CentralInstance, InvalidTopic, Topics};
