//! Kafka and the text messages it carries.

use payment_kafka::TopicPattern;
use secrecy::ExposeSecret;

use super::*;

const BROKERS: (&str, &str) = ("kafka.config.bootstrap_server_config", "k1:9092, k2:9092");
const SMS: (&str, &str) = ("notification.sms.enabled", "true");
const MESSAGES: [(&str, &str); 7] = [
    BROKERS,
    SMS,
    ("notification.url", "https://city.example/"),
    ("egov.localization.host", "http://egov-localization"),
    ("egov.idgen.host", "http://egov-idgen"),
    ("egov.collectionservice.host", "http://collection-services"),
    ("egov.userservice.host", "http://egov-user"),
];

fn passed_on(given: &Given) -> Vec<(String, String)> {
    let kafka = given.config().kafka.unwrap();
    kafka.client.iter().map(|(name, value)| (name.clone(), value.expose_secret().to_owned())).collect()
}

#[test]
fn brokers_switch_kafka_on() {
    let kafka = Given { flags: &[BROKERS], ..Given::default() }.config().kafka.unwrap();
    assert_eq!(kafka.bootstrap_servers, "k1:9092,k2:9092");
    let topics = &kafka.relay.topics;
    assert_eq!(
        [&topics.save_transaction, &topics.update_transaction, &topics.save_dump, &topics.update_dump],
        ["save-pg-txns", "update-pg-txns", "save-pg-txns-dump", "update-pg-txns-dump"]
    );
    assert_eq!((topics.sms.as_str(), topics.central_instance), ("egov.core.notification.sms", None));
    assert_eq!(
        (kafka.consumer.group.as_str(), kafka.relay.delivery_timeout.as_secs()),
        ("egov-pg-service", 10)
    );
    let springs = Given { flags: &[("spring.kafka.bootstrap-servers", "k3")], ..Given::default() };
    assert_eq!(springs.config().kafka.unwrap().bootstrap_servers, "k3");
    let both = Given {
        flags: &[BROKERS, ("spring.kafka.bootstrap-servers", "k3"), ("sandbox.active", "true")],
        ..Given::default()
    };
    assert_eq!(both.noticed(NoticeKind::Doubtful), ["spring.kafka.bootstrap-servers"]);
    assert_eq!(both.config().kafka.unwrap().bootstrap_servers, "k1:9092,k2:9092");
}

#[test]
fn without_brokers_what_is_set_of_kafka_has_no_effect() {
    let given = Given {
        toml: Some("[kafka]\ndead-letter-topic = \"x\"\nclient.security.protocol = \"SSL\"\n"),
        properties: Some("persister.save.pg.txns=x\nis.environment.central.instance=true\n"),
        ..Given::default()
    };
    assert_eq!(given.problems(), [""; 0]);
    assert_eq!(
        given.noticed(NoticeKind::Idle),
        [
            "is.environment.central.instance",
            "kafka.client.security.protocol",
            "kafka.dead-letter-topic",
            "persister.save.pg.txns"
        ]
    );
}

#[test]
fn client_properties_have_the_names_of_javas_client() {
    let given = Given {
        toml: Some("[kafka.client]\nsasl.mechanism = \"PLAIN\"\nqueue.buffering.max.ms = 3\n"),
        properties: Some(concat!(
            "kafka.config.bootstrap_server_config=k:9093\nspring.kafka.properties.sasl.mechanism=GSSAPI\n",
            "spring.kafka.properties.security.protocol=SSL\nspring.kafka.security.protocol=SASL_SSL\n",
            "spring.kafka.ssl.trustStoreLocation=file:/etc/ca.pem\n",
        )),
        environment: &[
            ("SPRING_KAFKA_SSL_KEYSTOREPASSWORD", "hush"),
            ("PG_SERVICE_KAFKA_CLIENT_SASL_USERNAME", "u"),
        ],
        ..Given::default()
    };
    let expected = [
        ("queue.buffering.max.ms", "3"),
        ("sasl.mechanism", "PLAIN"),
        ("sasl.username", "u"),
        ("security.protocol", "SASL_SSL"),
        ("ssl.keystore.password", "hush"),
        ("ssl.truststore.location", "file:/etc/ca.pem"),
    ];
    assert_eq!(passed_on(&given), expected.map(|(name, value)| (name.to_owned(), value.to_owned())));
    assert_eq!(given.noticed(NoticeKind::Idle), [""; 0]);
    let brokers = Given { flags: &[BROKERS, ("kafka.client.bootstrap.servers", "k")], ..Given::default() };
    assert!(brokers.problem().contains("kafka.config.bootstrap_server_config"));
}

#[test]
fn properties_of_javas_client_alone_are_reported_and_not_passed_on() {
    let given = Given {
        properties: Some(concat!(
            "spring.kafka.ssl.protocol=TLSv1.2\nspring.kafka.ssl.trust-store-type=PEM\n",
            "spring.kafka.ssl.trust-store-password=hush\nspring.kafka.ssl.key-store-type=PEM\n",
            "spring.kafka.properties.ssl.truststore.password=hush\nspring.kafka.properties.client.id=x\n",
        )),
        environment: &[("PG_SERVICE_KAFKA_CLIENT_VALUE_SERIALIZER", "org.example.Json")],
        flags: &[BROKERS],
        ..Given::default()
    };
    assert_eq!(given.problems(), [""; 0]);
    let without_effect = [
        "kafka.client.value.serializer",
        "spring.kafka.properties.ssl.truststore.password",
        "spring.kafka.ssl.protocol",
        "spring.kafka.ssl.trust-store-password",
        "spring.kafka.ssl.trust-store-type",
    ];
    assert_eq!(given.noticed(NoticeKind::Idle), without_effect);
    let expected = [("client.id", "x"), ("ssl.keystore.type", "PEM")];
    assert_eq!(passed_on(&given), expected.map(|(name, value)| (name.to_owned(), value.to_owned())));
    let alone = Given { flags: &[], ..given };
    let told = alone.noticed(NoticeKind::Idle);
    assert_eq!(told.iter().filter(|name| name.ends_with("ssl.protocol")).count(), 1, "{told:?}");
}

#[test]
fn an_event_is_given_up_before_another_replica_publishes() {
    let lease = |flags| Given { flags, ..Given::default() };
    let worked_out = lease(&[BROKERS, ("scheduler.lease-ms", "3000")]);
    assert_eq!(worked_out.config().kafka.unwrap().consumer.delivery_timeout.as_secs(), 2);
    let problem = lease(&[BROKERS, ("kafka.message-timeout-ms", "15000")]).problem();
    assert!(problem.starts_with("kafka.message-timeout-ms: ") && problem.contains("(15000)"), "{problem}");
}

#[test]
fn a_pattern_that_misses_our_topics_is_reported() {
    const ORIGINAL: &str = "(^[a-zA-Z]+-save-pg-txns|^[a-zA-Z]+-update-pg-txns)";
    let doubted = |pattern: &str, central: &str| {
        let topics = [
            ("pg.kafka.consumer.topic.pattern", pattern),
            ("is.environment.central.instance", central),
            ("sandbox.active", "true"),
            ("sandbox.beside-digit", "true"),
            ("server.public-url", "https://city.example"),
        ];
        let flags = MESSAGES.iter().chain(&topics).map(|(name, value)| Flag {
            name: (*name).to_owned(),
            value: (*value).to_owned(),
            flag: "--set".to_owned(),
        });
        let loaded = load(&Sources { flags: flags.collect(), ..Sources::default() });
        assert!(loaded.problems.is_empty(), "{:?}", loaded.problems);
        let notices = loaded.notices.iter().map(ToString::to_string).collect::<Vec<_>>().join("\n");
        let kafka = loaded.into_config().unwrap().kafka.unwrap();
        assert_eq!(kafka.consumer.topics, TopicPattern::from_java(pattern, &kafka.relay.topics).unwrap());
        notices
    };
    for (pattern, central) in [("", "false"), ("", "true"), (ORIGINAL, "false"), (ORIGINAL, "true")] {
        assert_eq!(doubted(pattern, central), "", "{pattern} {central}");
    }
    assert_eq!(doubted("(save|update)-pg-(refund-)*txns", "false"), "");
    let told = doubted("(save|update)-pg-txns", "false");
    assert!(told.contains("does not match the topic update-pg-refund-txns"), "{told}");
    let told = doubted("(save|update)-pg-txns", "true");
    assert!(told.contains("does not match the topic pb-save-pg-txns"), "{told}");
    let told = doubted(".*-update-pg-txns", "false");
    assert!(told.contains("the topic save-pg-txns:") && told.contains("the topic update-pg-txns:"), "{told}");
}

#[test]
fn messages_never_go_round_in_a_circle() {
    for topic in ["kafka.dead-letter-topic", "kafka.topics.notification.sms"] {
        let flags: &'static [_] =
            Box::leak([&MESSAGES[..], &[(topic, "update-pg-txns")]].concat().into_boxed_slice());
        let problem = Given { flags, ..Given::default() }.problem();
        assert!(problem.starts_with(topic) && problem.contains("circle"), "{problem}");
    }
}

#[test]
fn text_messages_want_kafka_to_carry_them() {
    let problem = Given { flags: &[SMS], ..Given::default() }.problem();
    assert!(problem.contains("none would ever be sent") && problem.contains(BROKERS.0), "{problem}");
    let bare = Given { flags: &[BROKERS, SMS], ..Given::default() };
    let told: String = bare.load().notices.iter().map(ToString::to_string).collect();
    assert!(told.contains("no link to pay") && told.contains("built-in English texts"), "{told}");
    let complete = Given {
        flags: &MESSAGES,
        toml: Some(
            "[server]\npublic-url = \"https://city.example\"\n[sandbox]\nactive = true\nbeside-digit = true\n",
        ),
        ..Given::default()
    };
    assert!(complete.load().notices.is_empty());
    let messages = complete.config().notifications.unwrap();
    let link = format!("{:?}", messages.payment_link);
    assert!(link.contains("https://city.example/citizen/withoutAuth/"), "{link}");
    assert_eq!(messages.default_locale, "en_IN");
    assert_eq!(messages.max_age.unwrap().as_secs(), 24 * 3600);
    let patient: &'static [_] =
        Box::leak([&MESSAGES[..], &[("notification.max-age-hours", "72")]].concat().into_boxed_slice());
    let patient = Given { flags: patient, ..Given::default() };
    assert_eq!(patient.config().notifications.unwrap().max_age.unwrap().as_secs(), 72 * 3600);
}

#[test]
fn settings_of_messages_that_are_not_sent_have_no_effect() {
    let given = Given {
        properties: Some(
            "notification.sms.enabled=false\nnotification.url=https://x\negov.billing.service.host=b\n",
        ),
        flags: &[BROKERS, ("spring.kafka.consumer.group-id", "g")],
        ..Given::default()
    };
    assert_eq!(given.problems(), [""; 0]);
    assert_eq!(
        given.noticed(NoticeKind::Idle),
        ["egov.billing.service.host", "notification.url", "spring.kafka.consumer.group-id"]
    );
}

#[test]
fn invalid_names_are_reported() {
    let given = Given {
        toml: Some("[kafka.config]\nbootstrap_server_config = [\"http://k:9092\"]\n"),
        properties: Some("persister.save.pg.txns=a b\npg.kafka.consumer.topic.pattern=(x\n"),
        ..Given::default()
    };
    let problems = given.problems();
    for (told, place) in [
        ("kafka.config.bootstrap_server_config: `http://k:9092` is not the address of a broker", "x.toml:2"),
        ("persister.save.pg.txns: `a b` cannot be the name of a topic", "x.properties:1"),
        ("pg.kafka.consumer.topic.pattern: `(x` is not a regular expression", "x.properties:2"),
    ] {
        assert!(problems.iter().any(|p| p.starts_with(told) && p.contains(place)), "{told}: {problems:#?}");
    }
}
