//! What goes to and comes from Kafka, where brokers are configured.

use payment_kafka::{
    CentralInstance, ConsumerSettings, KafkaSettings, NoClient, NotificationConsumer, OutboxRelay,
    RelaySettings, TopicPattern, Topics,
};
use payment_service::{NotificationPorts, NotificationSettings, Notifications, PaymentLink, Payments};

use super::digit;
use crate::config::{self, Config};
use crate::failure::{Failure, Outcome};

/// Whether the settings can be understood.
///
/// # Errors
/// When they cannot.
pub(super) fn check(config: &Config) -> Outcome {
    let Some(kafka) = &config.kafka else { return Ok(()) };
    client(kafka)?;
    pattern(kafka)?;
    Ok(())
}

/// The relay that publishes the outbox; `None` without brokers.
///
/// # Errors
/// When the settings cannot be used.
pub(super) fn relay(config: &Config, payments: &Payments) -> Outcome<Option<OutboxRelay>> {
    let Some(kafka) = &config.kafka else { return Ok(None) };
    let ports = &payments.ports;
    let settings = RelaySettings {
        topics: topics(kafka),
        delivery_timeout: kafka.message_timeout,
        dead_letter_after: kafka.dead_letter_after,
        ..RelaySettings::default()
    };
    let relay = OutboxRelay::new(ports.store.clone(), ports.clock.clone(), client(kafka)?, settings);
    relay.map(Some).map_err(|error| unusable(&error))
}

/// The consumer that has payers told by text message; `None` when they are not.
///
/// # Errors
/// When the settings cannot be used.
pub(super) fn consumer(config: &Config, payments: &Payments) -> Outcome<Option<NotificationConsumer>> {
    let Some(kafka) = config.kafka.as_ref().filter(|_| config.notifications.sms_enabled) else {
        return Ok(None);
    };
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
        NotificationSettings {
            payment_link: payment_link(&config.notifications)?,
            default_locale: config.notifications.locale.clone(),
            max_age: Some(config.notifications.max_age),
            ..NotificationSettings::default()
        },
    );
    let settings = ConsumerSettings {
        group: kafka.consumer_group.clone(),
        topics: pattern(kafka)?,
        dead_letter_topic: kafka.dead_letter_topic.clone(),
        delivery_timeout: kafka.message_timeout,
        ..ConsumerSettings::default()
    };
    let consumer = NotificationConsumer::new(notifications, client(kafka)?, settings);
    consumer.map(Some).map_err(|error| unusable(&error))
}

fn payment_link(notifications: &config::Notifications) -> Outcome<Option<PaymentLink>> {
    let Some(base) = &notifications.link_base else { return Ok(None) };
    PaymentLink::new(base, &notifications.pay_link).map(Some).map_err(|error| {
        Failure::new("the link in messages cannot be made")
            .because(&error)
            .try_this("see notification.url and egov.application.pay.link")
    })
}

fn pattern(kafka: &config::Kafka) -> Outcome<TopicPattern> {
    TopicPattern::from_java(&kafka.topic_pattern, &topics(kafka)).map_err(|error| {
        Failure::new("the topics of notifications cannot be told")
            .because(&error)
            .try_this("see pg.kafka.consumer.topic.pattern")
    })
}

fn topics(kafka: &config::Kafka) -> Topics {
    let config::KafkaTopics { save, update, save_dump, update_dump, sms } = kafka.topics.clone();
    Topics {
        save_transaction: save,
        update_transaction: update,
        save_dump,
        update_dump,
        sms,
        central_instance: kafka.schema_segment.map(|segment| CentralInstance { segment }),
    }
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
