//! Kafka: where events are published to, and what is heard from there.

use crate::config::setting::{Kind, Setting};

const OF_SECURITY: &str =
    "Passed on to the Kafka client as `security.protocol`: `SSL`, `SASL_SSL` and others.";
const OF_SSL: &str = "Passed on to the Kafka client by the name that Java's client has for it.";

pub(super) const KAFKA: &[Setting] = &[
    Setting::digit(
        "kafka.config.bootstrap_server_config",
        Kind::Brokers,
        "The brokers of the Kafka cluster. Without them events stay in the database, see `pg-service events tail`.",
    ),
    Setting::digit(
        "spring.kafka.bootstrap-servers",
        Kind::Brokers,
        "The same, where `kafka.config.bootstrap_server_config` is not set.",
    ),
    Setting::digit("persister.save.pg.txns", Kind::Topic, "The topic of new transactions.").or("save-pg-txns"),
    Setting::digit("persister.update.pg.txns", Kind::Topic, "The topic of changed transactions.")
        .or("update-pg-txns"),
    Setting::digit("persister.save.pg.txnsDump", Kind::Topic, "The topic of requests to gateways.")
        .or("save-pg-txns-dump"),
    Setting::digit("persister.update.pg.txnsDump", Kind::Topic, "The topic of answers of gateways.")
        .or("update-pg-txns-dump"),
    Setting::digit(
        "is.environment.central.instance",
        Kind::Flag,
        "Whether topics are prefixed with a schema taken from the tenant: `pb-save-pg-txns`.",
    )
    .or("false"),
    Setting::digit(
        "state.schema.index.position.tenantid",
        Kind::Number { min: 0, max: 9 },
        "Which segment of the tenant's id is the schema, counted from 0; the last one where there are fewer.",
    )
    .or("1"),
    Setting::digit(
        "pg.kafka.consumer.topic.pattern",
        Kind::Pattern,
        "The topics whose events lead to text messages. It must match the whole name of a topic. The original's own pattern, which left out topics without a prefix, is taken for what is worked out.",
    )
    .or_worked_out("the topics of new and of changed transactions, with any prefix and without one"),
    Setting::digit(
        "spring.kafka.consumer.group-id",
        Kind::Text,
        "The consumer group in which the replicas share the work of sending text messages.",
    )
    .or("egov-pg-service"),
    Setting::own(
        "kafka.dead-letter-topic",
        Kind::Topic,
        "The topic of messages that nobody could make sense of, with the reason.",
    )
    .or("pg-service-dead-letters"),
    Setting::own(
        "kafka.dead-letter-after-hours",
        Kind::Number { min: 0, max: 87_600 },
        "How many hours after it was stored an event that the brokers refuse, because it is too large for its topic for example, becomes a dead letter: it stays in the database, and no longer holds back the later events of its transaction and topic. 0: never.",
    )
    .or("0"),
    Setting::own(
        "kafka.message-timeout-ms",
        Kind::Number { min: 500, max: 600_000 },
        "How many milliseconds the brokers are given to confirm an event before it counts as not published and is sent again later; less than `scheduler.lease-ms`.",
    )
    .or_worked_out("two thirds of `scheduler.lease-ms`"),
    Setting::own(
        "kafka.client",
        Kind::Text,
        "Passed on to the Kafka client: any property of librdkafka by its own name, e.g. `kafka.client.security.protocol`. Names with `password`, `secret`, `key` or `jaas` hold secrets.",
    )
    .and_below()
    .only_prefixed(),
    Setting::digit(
        "spring.kafka.properties",
        Kind::Text,
        "Passed on to the Kafka client: properties of Java's client such as `sasl.jaas.config`, understood where librdkafka has the same.",
    )
    .and_below(),
    Setting::digit("spring.kafka.security.protocol", Kind::Text, OF_SECURITY),
    Setting::digit("spring.kafka.ssl.protocol", Kind::Text, "Which TLS Java speaks.").idle(
        "the Kafka client speaks the newest version of TLS that the broker does",
    ),
    Setting::digit("spring.kafka.ssl.key-password", Kind::Text, OF_SSL).secret(),
    Setting::digit("spring.kafka.ssl.key-store-certificate-chain", Kind::Text, OF_SSL),
    Setting::digit("spring.kafka.ssl.key-store-key", Kind::Text, OF_SSL).secret(),
    Setting::digit("spring.kafka.ssl.key-store-location", Kind::Text, OF_SSL),
    Setting::digit("spring.kafka.ssl.key-store-password", Kind::Text, OF_SSL).secret(),
    Setting::digit("spring.kafka.ssl.key-store-type", Kind::Text, OF_SSL),
    Setting::digit("spring.kafka.ssl.trust-store-certificates", Kind::Text, OF_SSL),
    Setting::digit("spring.kafka.ssl.trust-store-location", Kind::Text, OF_SSL),
    Setting::digit("spring.kafka.ssl.trust-store-password", Kind::Text, "The password of Java's trust store.")
        .secret()
        .idle("a trust store is a PEM file, and that has no password"),
    Setting::digit("spring.kafka.ssl.trust-store-type", Kind::Text, "The format of Java's trust store.")
        .idle("a trust store is always a PEM file"),
];
