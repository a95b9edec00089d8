//! The settings that belong to DIGIT: its services, its database, its broker. This build brings
//! stand-ins for all of them and says so, rather than to pretend that it had listened.

use crate::config::setting::{Kind, Setting};

const NO_CLIENT: &str = "this build has only the built-in stand-in for this service and cannot call it: leave the setting empty to use the stand-in";
const NO_CLIENT_TO_TUNE: &str = "this build uses its built-in stand-in and does not call this service";
const NO_POSTGRES: &str = "this build keeps its data in the embedded database and cannot use PostgreSQL: leave the setting empty, and see data.dir";
const NO_BROKER: &str = "this build has no connection to Kafka: events stay in the outbox of the embedded database, see `pg-service events tail`. Leave the setting empty";
const NO_BROKER_TO_TUNE: &str = "this build publishes nothing to Kafka";
const NO_MESSAGES: &str = "this build sends no text messages";
const SPRINGS_OWN: &str = "there is no Spring here that would read it";

/// The stand-ins that are built in.
pub(super) const STAND_INS: &[Setting] = &[
    Setting::digit(
        "egov.idgen.ack.format",
        Kind::Text,
        "The format of transaction ids, as DIGIT's id generation writes it: `[cy:…]` and `[fy:…]` dates, `[SEQ_…]` sequence numbers, `[d{n}]` random digits, `[city]` and `[tenantid]`.",
    )
    .or("PB_PG_[cy:yyyy_MM_dd]_[SEQ_EG_PG_TXN]_[d{2}]"),
    Setting::own(
        "bank-account",
        Kind::Text,
        "The number of the tenant's bank account, for gateways that ask for it.",
    )
    .per_tenant(),
];

pub(super) const SERVICES: &[Setting] = &[
    Setting::digit("egov.idgen.host", Kind::Url, "Numbers transactions.").refused(NO_CLIENT),
    Setting::digit("egov.idgen.path", Kind::Text, "The path of id generation.").idle(NO_CLIENT_TO_TUNE),
    Setting::digit("egov.idgen.ack.name", Kind::Text, "The name of the id.").idle(NO_CLIENT_TO_TUNE),
    Setting::digit("egov.collectionservice.host", Kind::Url, "Registers payments and issues receipts.")
        .refused(NO_CLIENT),
    Setting::digit("egov.collectionservice.payment.create.path", Kind::Text, "The path that registers a payment.")
        .idle(NO_CLIENT_TO_TUNE),
    Setting::digit(
        "egov.collectionservice.payment.validate.path",
        Kind::Text,
        "The path that validates a payment.",
    )
    .idle(NO_CLIENT_TO_TUNE),
    Setting::digit("egov.collectionservice.create.path", Kind::Text, "The path of an older interface.")
        .idle(NO_CLIENT_TO_TUNE),
    Setting::digit("egov.collectionservice.validate.path", Kind::Text, "The path of an older interface.")
        .idle(NO_CLIENT_TO_TUNE),
    Setting::digit("egov.bankaccountservice.host", Kind::Url, "Knows the bank accounts of tenants.")
        .refused("this build cannot call this service: leave the setting empty and give the account numbers as bank-account.<tenant>"),
    Setting::digit("egov.bankaccountservice.path", Kind::Text, "The path of the bank accounts.")
        .idle(NO_CLIENT_TO_TUNE),
    Setting::digit("egov.userservice.host", Kind::Url, "Knows payers.").refused(NO_CLIENT),
    Setting::digit("egov.userservice.create.path", Kind::Text, "The path that registers a user.")
        .idle(NO_CLIENT_TO_TUNE),
    Setting::digit("egov.userservice.search.path", Kind::Text, "The path that finds a user.")
        .idle(NO_CLIENT_TO_TUNE),
    Setting::digit("pg.is.user.create.enabled", Kind::Flag, "Whether payers whom nobody knows are registered.")
        .or("true")
        .idle("the built-in directory always registers payers whom it does not know"),
];

pub(super) const DATABASE: &[Setting] = &[
    Setting::digit("spring.datasource.url", Kind::Text, "The JDBC address of a PostgreSQL database.")
        .refused(NO_POSTGRES),
    Setting::digit("spring.datasource.username", Kind::Text, "The user of the PostgreSQL database.")
        .idle("this build uses no PostgreSQL"),
    Setting::digit("spring.datasource.password", Kind::Text, "The password of the PostgreSQL database.")
        .secret()
        .idle("this build uses no PostgreSQL"),
];

pub(super) const EVENTS: &[Setting] = &[
    Setting::digit("kafka.config.bootstrap_server_config", Kind::Text, "The brokers of the Kafka cluster.")
        .refused(NO_BROKER),
    Setting::digit("spring.kafka.bootstrap-servers", Kind::Text, "The brokers of the Kafka cluster.")
        .refused(NO_BROKER),
    Setting::digit("persister.save.pg.txns", Kind::Text, "The topic of new transactions.")
        .or("save-pg-txns")
        .idle(NO_BROKER_TO_TUNE),
    Setting::digit("persister.update.pg.txns", Kind::Text, "The topic of changed transactions.")
        .or("update-pg-txns")
        .idle(NO_BROKER_TO_TUNE),
    Setting::digit("persister.save.pg.txnsDump", Kind::Text, "The topic of requests to gateways.")
        .or("save-pg-txns-dump")
        .idle(NO_BROKER_TO_TUNE),
    Setting::digit("persister.update.pg.txnsDump", Kind::Text, "The topic of answers of gateways.")
        .or("update-pg-txns-dump")
        .idle(NO_BROKER_TO_TUNE),
    Setting::digit(
        "is.environment.central.instance",
        Kind::Flag,
        "Whether topics are prefixed with a schema taken from the tenant.",
    )
    .or("false")
    .idle(NO_BROKER_TO_TUNE),
    Setting::digit(
        "state.schema.index.position.tenantid",
        Kind::Text,
        "Which segment of the tenant's id is the schema.",
    )
    .idle(NO_BROKER_TO_TUNE),
    Setting::digit("state.level.tenantid.length", Kind::Text, "How many segments the id of a state has.")
        .idle(NO_BROKER_TO_TUNE),
    Setting::digit("pg.kafka.consumer.topic.pattern", Kind::Text, "The topics of the notification consumer.")
        .idle(NO_BROKER_TO_TUNE),
    Setting::digit("kafka", Kind::Text, "How a Kafka client is tuned.").and_below().idle(NO_BROKER_TO_TUNE),
];

pub(super) const NOTIFICATIONS: &[Setting] = &[
    Setting::digit(
        "notification.sms.enabled",
        Kind::Flag,
        "Whether payers are told by text message what reconciliation found.",
    )
    .or("false")
    .idle(NO_MESSAGES),
    Setting::digit("notification.url", Kind::Url, "What the link in a message begins with.")
        .idle(NO_MESSAGES),
    Setting::digit("kafka.topics.notification.sms", Kind::Text, "The topic of text messages.")
        .idle(NO_MESSAGES),
    Setting::digit("egov.localization.host", Kind::Url, "Knows the texts of messages.")
        .refused("this build sends no text messages and cannot call this service: leave the setting empty"),
    Setting::digit("egov.localization", Kind::Text, "How texts of messages are looked up.")
        .and_below()
        .idle(NO_MESSAGES),
    Setting::digit("egov.url.shortner.host", Kind::Url, "Shortens the link in a message.")
        .refused("this build sends no text messages and cannot call this service: leave the setting empty"),
    Setting::digit("egov.url.shortner", Kind::Text, "How links are shortened.").and_below().idle(NO_MESSAGES),
    Setting::digit("egov.application.pay.link", Kind::Text, "The link in a message.").idle(NO_MESSAGES),
    Setting::digit("egov.billing.service.host", Kind::Url, "Knows the service a bill belongs to.")
        .refused("this build sends no text messages and cannot call this service: leave the setting empty"),
    Setting::digit("egov.bill.searchendpoint", Kind::Text, "The path that finds a bill.").idle(NO_MESSAGES),
    Setting::digit("egov.billingservice.host", Kind::Url, "An older name of the billing service.")
        .refused("this build cannot call this service: leave the setting empty"),
    Setting::digit("egov.billingservice.path", Kind::Text, "An older path of the billing service.")
        .idle(NO_MESSAGES),
];

pub(super) const SPRING: &[Setting] = &[
    Setting::digit("spring", Kind::Text, "How Spring is set up.").and_below().idle(SPRINGS_OWN),
    Setting::digit("logging", Kind::Text, "How Spring logs.")
        .and_below()
        .idle("see log.level and log.format"),
    Setting::digit("management", Kind::Text, "Spring's health pages.").and_below().idle(SPRINGS_OWN),
    Setting::digit("tracer", Kind::Text, "DIGIT's tracing library.").and_below().idle(SPRINGS_OWN),
    Setting::digit("otel", Kind::Text, "The Java agent of OpenTelemetry.").and_below().idle(SPRINGS_OWN),
];
