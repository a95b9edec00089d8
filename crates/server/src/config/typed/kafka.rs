//! Whether and how events are published to Kafka.

use std::collections::BTreeMap;
use std::fmt;
use std::time::Duration;

use payment_kafka::KafkaSettings;
use secrecy::SecretString;

use crate::config::reader::Reader;
use crate::config::{kinds, table};

const BOOTSTRAP: &str = "kafka.config.bootstrap_server_config";
const SPRINGS_BOOTSTRAP: &str = "spring.kafka.bootstrap-servers";
const OF_JAVA: &str = "spring.kafka.properties";
const OF_LIBRDKAFKA: &str = "kafka.client";
const PATTERN: &str = "pg.kafka.consumer.topic.pattern";
const CONSUMER_GROUP: &str = "spring.kafka.consumer.group-id";
const DEAD_LETTERS: &str = "kafka.dead-letter-topic";
const SMS_TOPIC: &str = "kafka.topics.notification.sms";

/// A Kafka cluster and what is exchanged with it.
#[derive(Clone)]
pub struct Kafka {
    /// The brokers, `host:port` separated by commas.
    pub bootstrap_servers: String,
    /// What is passed on to the client, by librdkafka's names or by those of Java's client. Any of
    /// the values may be a secret.
    pub client: BTreeMap<String, SecretString>,
    /// The topics.
    pub topics: KafkaTopics,
    /// In a central instance the segment of the tenant's id, from 0, with which topics are prefixed
    /// (the last one where there are fewer); `None` elsewhere.
    pub schema_segment: Option<usize>,
    /// The consumer group of the replicas.
    pub consumer_group: String,
    /// A regular expression, as Java reads it, for the topics that are listened to; empty for those
    /// of new and of changed transactions, with any prefix and without one.
    pub topic_pattern: String,
    /// Where messages go that nobody could make sense of.
    pub dead_letter_topic: String,
    /// How long the brokers are given to confirm an event.
    pub message_timeout: Duration,
    /// When an event that the brokers refuse becomes a dead letter; `None` for never.
    pub dead_letter_after: Option<Duration>,
}

/// The names of topics, without prefixes.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct KafkaTopics {
    /// New transactions.
    pub save: String,
    /// Changed transactions.
    pub update: String,
    /// Requests to gateways.
    pub save_dump: String,
    /// Answers of gateways.
    pub update_dump: String,
    /// Text messages.
    pub sms: String,
}

/// Without what is passed on to the client.
impl fmt::Debug for Kafka {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Kafka")
            .field("bootstrap_servers", &self.bootstrap_servers)
            .field("client", &self.client.keys().collect::<Vec<_>>())
            .field("topics", &self.topics)
            .field("schema_segment", &self.schema_segment)
            .field("consumer_group", &self.consumer_group)
            .field("topic_pattern", &self.topic_pattern)
            .field("dead_letter_topic", &self.dead_letter_topic)
            .field("message_timeout", &self.message_timeout)
            .field("dead_letter_after", &self.dead_letter_after)
            .finish()
    }
}

pub(super) fn kafka(reader: &mut Reader<'_>) -> Option<Kafka> {
    let Some(bootstrap_servers) = bootstrap_servers(reader) else {
        reader.idle(
            table::beside(BOOTSTRAP, &[]),
            "no brokers are set (kafka.config.bootstrap_server_config), events stay in the database",
        );
        return None;
    };
    let listens = reader.flag("notification.sms.enabled");
    if !listens {
        reader.idle(
            [PATTERN, CONSUMER_GROUP, DEAD_LETTERS],
            "nothing is listened to, because no text messages are sent (notification.sms.enabled)",
        );
    }
    let topics = KafkaTopics {
        save: reader.owned("persister.save.pg.txns"),
        update: reader.owned("persister.update.pg.txns"),
        save_dump: reader.owned("persister.save.pg.txnsDump"),
        update_dump: reader.owned("persister.update.pg.txnsDump"),
        sms: reader.owned("kafka.topics.notification.sms"),
    };
    let central = reader.flag("is.environment.central.instance");
    if !central {
        reader.idle(
            ["state.schema.index.position.tenantid"],
            "topics have a prefix only in a central instance (is.environment.central.instance)",
        );
    }
    if listens {
        check_pattern(reader, &topics, central);
    }
    Some(Kafka {
        bootstrap_servers,
        client: client(reader),
        schema_segment: central.then(|| reader.small_number("state.schema.index.position.tenantid")),
        consumer_group: reader.owned(CONSUMER_GROUP),
        topic_pattern: reader.owned(PATTERN),
        dead_letter_topic: reader.owned(DEAD_LETTERS),
        message_timeout: message_timeout(reader),
        dead_letter_after: dead_letter_after(reader),
        topics,
    })
}

fn bootstrap_servers(reader: &mut Reader<'_>) -> Option<String> {
    let joined = |text: &str| kinds::brokers(text).collect::<Vec<_>>().join(",");
    let springs = reader.set(SPRINGS_BOOTSTRAP).map(joined);
    let Some(digits) = reader.set(BOOTSTRAP).map(joined) else { return springs };
    if springs.is_some_and(|springs| springs != digits) {
        reader.doubt(SPRINGS_BOOTSTRAP, format!("names other brokers than {BOOTSTRAP}, which counts more"));
    }
    Some(digits)
}

/// What a replica has handed to the client must be gone when another takes over: it could overtake
/// what that one sends.
fn dead_letter_after(reader: &mut Reader<'_>) -> Option<Duration> {
    let hours = reader.number("kafka.dead-letter-after-hours");
    (hours > 0).then(|| Duration::from_secs(hours.saturating_mul(3_600)))
}

fn message_timeout(reader: &mut Reader<'_>) -> Duration {
    const TIMEOUT: &str = "kafka.message-timeout-ms";
    let lease = reader.millis("scheduler.lease-ms");
    let Some(timeout) = reader.millis_if_set(TIMEOUT) else { return lease.saturating_mul(2) / 3 };
    if timeout >= lease {
        reader.problem(
            TIMEOUT,
            "an event could still be sent when another replica has taken over and sends later ones",
            format!("set it to less than scheduler.lease-ms ({}), or leave it out", lease.as_millis()),
        );
    }
    timeout
}

/// What Spring's names are called by Java's client.
const NAMED_BY_SPRING: &[(&str, &str)] = &[
    ("spring.kafka.security.protocol", "security.protocol"),
    ("spring.kafka.ssl.key-password", "ssl.key.password"),
    ("spring.kafka.ssl.key-store-certificate-chain", "ssl.keystore.certificate.chain"),
    ("spring.kafka.ssl.key-store-key", "ssl.keystore.key"),
    ("spring.kafka.ssl.key-store-location", "ssl.keystore.location"),
    ("spring.kafka.ssl.key-store-password", "ssl.keystore.password"),
    ("spring.kafka.ssl.key-store-type", "ssl.keystore.type"),
    ("spring.kafka.ssl.trust-store-certificates", "ssl.truststore.certificates"),
    ("spring.kafka.ssl.trust-store-location", "ssl.truststore.location"),
];

/// Our own names count most, and what Spring has a name for more than the property of Java's client.
fn client(reader: &mut Reader<'_>) -> BTreeMap<String, SecretString> {
    let mut client = BTreeMap::new();
    let values = reader.values;
    for (name, value) in values.names_below(OF_JAVA) {
        if is_idle(reader, OF_JAVA, name) {
            continue;
        }
        client.insert(name.to_owned(), SecretString::from(value.expose()));
    }
    for (spring, java) in NAMED_BY_SPRING {
        if let Some(value) = reader.set(spring) {
            client.insert((*java).to_owned(), SecretString::from(value));
        }
    }
    for (name, value) in values.names_below(OF_LIBRDKAFKA) {
        if is_idle(reader, OF_LIBRDKAFKA, name) {
            continue;
        }
        if name == "bootstrap.servers" {
            let key = format!("{OF_LIBRDKAFKA}.{name}");
            reader.problem(&key, "is set elsewhere", format!("set {BOOTSTRAP} instead"));
        }
        client.insert(name.to_owned(), SecretString::from(value.expose()));
    }
    client
}

/// Whether a property means something to Java's client alone; then it is told.
fn is_idle(reader: &mut Reader<'_>, above: &str, name: &str) -> bool {
    let idle = KafkaSettings::is_meaningless(name);
    if idle {
        reader.not_passed_on(&format!("{above}.{name}"), "only Java's Kafka client has a use for it");
    }
    idle
}

/// The pattern of the original's packaged file. It wants a prefix, which topics have in a central
/// instance only, and is taken for what it was meant to be.
const ORIGINAL_PATTERN: &str = "(^[a-zA-Z]+-save-pg-txns|^[a-zA-Z]+-update-pg-txns)";

/// Whether our own topics are listened to, and none that we publish to besides.
fn check_pattern(reader: &mut Reader<'_>, topics: &KafkaTopics, central: bool) {
    let set = reader.set(PATTERN).filter(|set| *set != ORIGINAL_PATTERN);
    let own =
        format!("([a-zA-Z0-9_-]+-)?({}|{})", regex::escape(&topics.save), regex::escape(&topics.update));
    // What is no expression was told before.
    let Ok(pattern) = kinds::whole(set.unwrap_or(&own)) else { return };
    for topic in [&topics.save, &topics.update] {
        let topic = if central { format!("pb-{topic}") } else { topic.clone() };
        if !pattern.is_match(&topic) {
            let text = format!("does not match the topic {topic}: nothing in it leads to a text message");
            reader.doubt(PATTERN, text);
        }
    }
    for key in [DEAD_LETTERS, SMS_TOPIC] {
        let topic = reader.text(key);
        if pattern.is_match(topic) {
            reader.problem(
                key,
                format!("`{topic}` is listened to as well: messages would go round in a circle"),
                format!("choose another topic, or a narrower {PATTERN}"),
            );
        }
    }
}
