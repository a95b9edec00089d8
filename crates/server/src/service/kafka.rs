//! The relay to Kafka and the consumer, where brokers are configured.

use payment_kafka::{
    CertificateSource, CertificateUse, KafkaSettings, NoClient, NotificationConsumer, OutboxRelay,
};
use payment_service::{NotificationPorts, Notifications, Payments};

use super::digit;
use crate::config::{self, Config};
use crate::failure::{Failure, Outcome};

/// Whether the properties of the client can be understood.
///
/// # Errors
/// When they cannot.
pub(super) fn check(config: &Config) -> Outcome {
    config.kafka.as_ref().map_or(Ok(()), |kafka| client(kafka).map(|_| ()))
}

/// The certificates of the client; none where its settings are invalid, which [`check`] reports.
pub(super) fn certificates(kafka: &config::Kafka) -> Vec<(CertificateUse, CertificateSource)> {
    client(kafka).map(|settings| settings.certificates()).unwrap_or_default()
}

/// The relay that publishes the outbox; `None` without brokers.
///
/// # Errors
/// When the settings cannot be used.
pub(super) fn relay(config: &Config, payments: &Payments) -> Outcome<Option<OutboxRelay>> {
    let Some(kafka) = &config.kafka else { return Ok(None) };
    let ports = &payments.ports;
    let relay =
        OutboxRelay::new(ports.store.clone(), ports.clock.clone(), client(kafka)?, kafka.relay.clone());
    relay.map(Some).map_err(|error| unusable(&error))
}

/// The consumer that sends text messages to payers; `None` when they are switched off.
///
/// # Errors
/// When the settings cannot be used.
pub(super) fn consumer(config: &Config, payments: &Payments) -> Outcome<Option<NotificationConsumer>> {
    let (Some(kafka), Some(settings)) = (&config.kafka, &config.notifications) else { return Ok(None) };
    let ports = &payments.ports;
    let services = digit::message_services(config, &ports.clock)?;
    let notifications = Notifications::new(
        NotificationPorts {
            store: ports.store.clone(),
            messages: services.messages,
            bills: services.bills,
            links: services.links,
            clock: ports.clock.clone(),
        },
        settings.clone(),
    );
    let consumer = NotificationConsumer::new(notifications, client(kafka)?, kafka.consumer.clone());
    consumer.map(Some).map_err(|error| unusable(&error))
}

fn client(kafka: &config::Kafka) -> Outcome<KafkaSettings> {
    KafkaSettings::new(&kafka.bootstrap_servers, kafka.client.clone()).map_err(|error| {
        Failure::new("the settings of Kafka cannot be used")
            .because(&error)
            .try_this("see docs/configuration.md for what is passed on to the client")
    })
}

fn unusable(error: &NoClient) -> Failure {
    Failure::new("the settings of Kafka cannot be used").because(error)
}
