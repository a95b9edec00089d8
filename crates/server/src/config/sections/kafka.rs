//! Kafka: the topics of published and of consumed events.

use std::collections::BTreeMap;
use std::fmt;
use std::time::Duration;

use payment_kafka::{CentralInstance, ConsumerSettings, KafkaSettings, RelaySettings, TopicPattern, Topics};
use payment_settings::parser::{FLAG, TEXT, count, hours, millis};
use payment_settings::{Optional, Reader, Setting, digit, own, settings};
use secrecy::SecretString;

use super::notifications::{SMS_ENABLED, SMS_TOPIC};
use super::payments::LEASE;
use crate::config::parsers::{BROKERS, PATTERN, TOPIC, whole};

const OF_SECURITY: &str =
    "Passed on to the Kafka client as `security.protocol`: `SSL`, `SASL_SSL` and others.";
const OF_SSL: &str = "Passed on to the Kafka client by the name that Java's client has for it.";

settings! {
    pub(in crate::config) const KAFKA;
    BOOTSTRAP: Optional<String> = digit("kafka.config.bootstrap_server_config", BROKERS,
        "The brokers of the Kafka cluster. Without them events stay in the database, see `pg-service \
         events tail`.");
    SPRINGS_BOOTSTRAP: Optional<String> = digit("spring.kafka.bootstrap-servers", BROKERS,
        "The same, where `kafka.config.bootstrap_server_config` is not set.");
    SAVE: Setting<String> = digit("persister.save.pg.txns", TOPIC,
        "The topic of new transactions.").or("save-pg-txns");
    UPDATE: Setting<String> = digit("persister.update.pg.txns", TOPIC,
        "The topic of changed transactions.").or("update-pg-txns");
    SAVE_DUMP: Setting<String> = digit("persister.save.pg.txnsDump", TOPIC,
        "The topic of requests to gateways.").or("save-pg-txns-dump");
    UPDATE_DUMP: Setting<String> = digit("persister.update.pg.txnsDump", TOPIC,
        "The topic of answers of gateways.").or("update-pg-txns-dump");
    SAVE_REFUND: Setting<String> = digit("persister.save.pg.refund", TOPIC,
        "The topic of refunds that were requested.").or("save-pg-refund-txns");
    UPDATE_REFUND: Setting<String> = digit("persister.update.pg.refund", TOPIC,
        "The topic of changed refunds.").or("update-pg-refund-txns");
    AUDIT_CHECKPOINTS: Setting<String> = own("audit.checkpoint-topic", TOPIC,
        "The topic of the audit log's checkpoints, never with a prefix.").or("pg-audit-checkpoints");
    CENTRAL: Setting<bool> = digit("is.environment.central.instance", FLAG,
        "Whether topics are prefixed with a schema taken from the tenant: `pb-save-pg-txns`.").or("false");
    SEGMENT: Setting<usize> = digit("state.schema.index.position.tenantid", count(0, 9),
        "Which segment of the tenant's id is the schema, counted from 0; the last one where there are \
         fewer.").or("1");
    TOPIC_PATTERN: Optional<String> = digit("pg.kafka.consumer.topic.pattern", PATTERN,
        "The topics whose events lead to text messages. It must match the whole name of a topic. The \
         original's own pattern, which left out topics without a prefix, is taken for what is worked out.")
        .or_worked_out("the topics of new and of changed transactions and of changed refunds, with any prefix and without one");
    CONSUMER_GROUP: Setting<String> = digit("spring.kafka.consumer.group-id", TEXT,
        "The consumer group in which the replicas share the work of sending text messages.")
        .or("egov-pg-service");
    DEAD_LETTERS: Setting<String> = own("kafka.dead-letter-topic", TOPIC,
        "The topic of unreadable messages, with the reason.")
        .or("pg-service-dead-letters");
    DEAD_LETTER_AFTER: Setting<Duration> = own("kafka.dead-letter-after-hours", hours(0, 87_600),
        "How many hours after it was stored an event that the brokers refuse, because it is too large for \
         its topic for example, becomes a dead letter: it stays in the database, and no longer holds back \
         the later events of its transaction and topic. 0: never.").or("0");
    MESSAGE_TIMEOUT: Optional<Duration> = own("kafka.message-timeout-ms", millis(500, 600_000),
        "How many milliseconds the brokers are given to confirm an event before it counts as not \
         published and is sent again later; less than `scheduler.lease-ms`.")
        .or_worked_out("two thirds of `scheduler.lease-ms`");
    OF_LIBRDKAFKA: Optional<String> = own("kafka.client", TEXT,
        "Passed on to the Kafka client: any property of librdkafka by its own name, e.g. \
         `kafka.client.security.protocol`. Names with `password`, `secret`, `key` or `jaas` hold secrets.")
        .and_below().only_prefixed();
    OF_JAVA: Optional<String> = digit("spring.kafka.properties", TEXT,
        "Passed on to the Kafka client: properties of Java's client such as `sasl.jaas.config`, \
         understood where librdkafka has the same.").and_below();
    SECURITY_PROTOCOL: Optional<String> = digit("spring.kafka.security.protocol", TEXT, OF_SECURITY);
    SSL_PROTOCOL: Optional<String> = digit("spring.kafka.ssl.protocol", TEXT,
        "Which TLS Java speaks.")
        .ignored("the Kafka client speaks the newest version of TLS that the broker does");
    SSL_KEY_PASSWORD: Optional<String> = digit("spring.kafka.ssl.key-password", TEXT,
        OF_SSL).secret();
    SSL_KEY_STORE_CERTIFICATE_CHAIN: Optional<String> = digit("spring.kafka.ssl.key-store-certificate-chain", TEXT,
        OF_SSL);
    SSL_KEY_STORE_KEY: Optional<String> = digit("spring.kafka.ssl.key-store-key", TEXT,
        OF_SSL).secret();
    SSL_KEY_STORE_LOCATION: Optional<String> = digit("spring.kafka.ssl.key-store-location", TEXT, OF_SSL);
    SSL_KEY_STORE_PASSWORD: Optional<String> = digit("spring.kafka.ssl.key-store-password", TEXT,
        OF_SSL).secret();
    SSL_KEY_STORE_TYPE: Optional<String> = digit("spring.kafka.ssl.key-store-type", TEXT, OF_SSL);
    SSL_TRUST_STORE_CERTIFICATES: Optional<String> = digit("spring.kafka.ssl.trust-store-certificates", TEXT,
        OF_SSL);
    SSL_TRUST_STORE_LOCATION: Optional<String> = digit("spring.kafka.ssl.trust-store-location", TEXT,
        OF_SSL);
    SSL_TRUST_STORE_PASSWORD: Optional<String> = digit("spring.kafka.ssl.trust-store-password", TEXT,
        "The password of Java's trust store.")
        .secret().ignored("a trust store is a PEM file, and that has no password");
    SSL_TRUST_STORE_TYPE: Optional<String> = digit("spring.kafka.ssl.trust-store-type", TEXT,
        "The format of Java's trust store.").ignored("a trust store is always a PEM file");
}

/// A Kafka cluster, its topics and its client.
#[derive(Clone)]
pub struct Kafka {
    /// `host:port`, separated by commas.
    pub bootstrap_servers: String,
    /// Passed on to the client, by librdkafka's names or by those of Java's client. Any value may be a secret.
    pub client: BTreeMap<String, SecretString>,
    pub relay: RelaySettings,
    pub consumer: ConsumerSettings,
}

/// Without the client's properties.
impl fmt::Debug for Kafka {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Kafka")
            .field("bootstrap_servers", &self.bootstrap_servers)
            .field("client", &self.client.keys().collect::<Vec<_>>())
            .field("relay", &self.relay)
            .field("consumer", &self.consumer)
            .finish()
    }
}

pub(super) fn kafka(reader: &mut Reader<'_>) -> Option<Kafka> {
    let Some(bootstrap_servers) = bootstrap_servers(reader) else {
        // Brokers that are not accepted were reported.
        if has_brokers(reader) {
            return None;
        }
        reader.idle(
            KAFKA,
            "no brokers are set (kafka.config.bootstrap_server_config), events stay in the database",
        );
        return None;
    };
    let listens = reader.get(&SMS_ENABLED);
    if !listens {
        reader.idle(
            &[&TOPIC_PATTERN, &CONSUMER_GROUP, &DEAD_LETTERS],
            "nothing is listened to, because no text messages are sent (notification.sms.enabled)",
        );
    }
    let central = reader.get(&CENTRAL);
    if !central {
        let why = "topics have a prefix only in a central instance (is.environment.central.instance)";
        reader.idle(&[&SEGMENT], why);
    }
    let topics = Topics {
        save_transaction: reader.get(&SAVE),
        update_transaction: reader.get(&UPDATE),
        save_dump: reader.get(&SAVE_DUMP),
        update_dump: reader.get(&UPDATE_DUMP),
        sms: reader.get(&SMS_TOPIC),
        save_refund: reader.get(&SAVE_REFUND),
        update_refund: reader.get(&UPDATE_REFUND),
        audit_checkpoints: reader.get(&AUDIT_CHECKPOINTS),
        central_instance: central.then(|| CentralInstance { segment: reader.get(&SEGMENT) }),
    };
    if listens {
        check_pattern(reader, &topics);
    }
    let pattern = TopicPattern::from_java(&reader.set(&TOPIC_PATTERN).unwrap_or_default(), &topics);
    let pattern = pattern.unwrap_or_else(|error| {
        reader.problem(&TOPIC_PATTERN, error.to_string(), "write it without that");
        TopicPattern::of(&topics)
    });
    let delivery_timeout = message_timeout(reader);
    Some(Kafka {
        bootstrap_servers,
        client: client(reader),
        relay: RelaySettings {
            topics,
            delivery_timeout,
            dead_letter_after: Some(reader.get(&DEAD_LETTER_AFTER)).filter(|after| !after.is_zero()),
            ..RelaySettings::default()
        },
        consumer: ConsumerSettings {
            group: reader.get(&CONSUMER_GROUP),
            topics: pattern,
            dead_letter_topic: reader.get(&DEAD_LETTERS),
            delivery_timeout,
            ..ConsumerSettings::default()
        },
    })
}

/// Whether brokers are set, accepted or not.
pub(super) fn has_brokers(reader: &Reader<'_>) -> bool {
    reader.is_set(&BOOTSTRAP) || reader.is_set(&SPRINGS_BOOTSTRAP)
}

fn bootstrap_servers(reader: &mut Reader<'_>) -> Option<String> {
    let springs = reader.set(&SPRINGS_BOOTSTRAP);
    let Some(digits) = reader.set(&BOOTSTRAP) else { return springs };
    if springs.is_some_and(|springs| springs != digits) {
        let text = format!("names other brokers than {}, which counts more", BOOTSTRAP.key);
        reader.doubt(&SPRINGS_BOOTSTRAP, text);
    }
    Some(digits)
}

/// Events that a replica has passed to the client must be gone when another takes over: they could overtake
/// that one's events.
fn message_timeout(reader: &mut Reader<'_>) -> Duration {
    let lease = reader.get(&LEASE);
    let Some(timeout) = reader.set(&MESSAGE_TIMEOUT) else { return lease.saturating_mul(2) / 3 };
    if timeout >= lease {
        reader.problem(
            &MESSAGE_TIMEOUT,
            "an event could still be sent when another replica has taken over and sends later ones",
            format!("set it to less than scheduler.lease-ms ({}), or leave it out", lease.as_millis()),
        );
    }
    timeout
}

/// Spring's names, and the names of Java's client.
const NAMED_BY_SPRING: &[(&Optional<String>, &str)] = &[
    (&SECURITY_PROTOCOL, "security.protocol"),
    (&SSL_KEY_PASSWORD, "ssl.key.password"),
    (&SSL_KEY_STORE_CERTIFICATE_CHAIN, "ssl.keystore.certificate.chain"),
    (&SSL_KEY_STORE_KEY, "ssl.keystore.key"),
    (&SSL_KEY_STORE_LOCATION, "ssl.keystore.location"),
    (&SSL_KEY_STORE_PASSWORD, "ssl.keystore.password"),
    (&SSL_KEY_STORE_TYPE, "ssl.keystore.type"),
    (&SSL_TRUST_STORE_CERTIFICATES, "ssl.truststore.certificates"),
    (&SSL_TRUST_STORE_LOCATION, "ssl.truststore.location"),
];

/// Precedence: our own names, Spring's names, the properties of Java's client.
fn client(reader: &mut Reader<'_>) -> BTreeMap<String, SecretString> {
    let mut client = BTreeMap::new();
    pass_on(reader, &OF_JAVA, &mut client);
    for (spring, java) in NAMED_BY_SPRING {
        if let Some(value) = reader.set(spring) {
            client.insert((*java).to_owned(), SecretString::from(value));
        }
    }
    pass_on(reader, &OF_LIBRDKAFKA, &mut client);
    if client.contains_key("bootstrap.servers") {
        let key = format!("{}.bootstrap.servers", OF_LIBRDKAFKA.key);
        reader.problem_of(&key, "is set elsewhere", format!("set {} instead", BOOTSTRAP.key));
    }
    client
}

/// Properties for Java's client alone are reported instead.
fn pass_on(
    reader: &mut Reader<'_>,
    above: &'static Optional<String>,
    client: &mut BTreeMap<String, SecretString>,
) {
    for (name, value) in reader.below(above) {
        if KafkaSettings::is_meaningless(name) {
            let key = format!("{}.{name}", above.key);
            reader.idle_name(&key, "only Java's Kafka client has a use for it");
        } else {
            client.insert(name.to_owned(), value.text.clone());
        }
    }
}

/// The pattern of the original's packaged file. It wants a prefix, which topics have in a central instance
/// only, and is read as it was intended.
const ORIGINAL_PATTERN: &str = "(^[a-zA-Z]+-save-pg-txns|^[a-zA-Z]+-update-pg-txns)";

/// Whether our own topics are listened to, and none that we publish to besides.
fn check_pattern(reader: &mut Reader<'_>, topics: &Topics) {
    let set = reader.set(&TOPIC_PATTERN).filter(|set| set != ORIGINAL_PATTERN);
    let heard = [&topics.save_transaction, &topics.update_transaction, &topics.update_refund];
    let escaped = heard.map(|topic| regex::escape(topic));
    let own = format!("([a-zA-Z0-9_-]+-)?({})", escaped.join("|"));
    let Ok(pattern) = whole(&set.unwrap_or(own)) else { return };
    for topic in heard {
        let topic = if topics.central_instance.is_some() { format!("pb-{topic}") } else { topic.clone() };
        if !pattern.is_match(&topic) {
            let text = format!("does not match the topic {topic}: nothing in it leads to a text message");
            reader.doubt(&TOPIC_PATTERN, text);
        }
    }
    for setting in [&DEAD_LETTERS, &SMS_TOPIC] {
        let topic = reader.get(setting);
        if pattern.is_match(&topic) {
            reader.problem(
                setting,
                format!("`{topic}` is listened to as well: messages would go round in a circle"),
                format!("choose another topic, or a narrower {}", TOPIC_PATTERN.key),
            );
        }
    }
}
