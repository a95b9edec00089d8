//! Settings as operators of Java services write them.

use std::fs;

use super::*;

fn settings(properties: &[(&str, &str)]) -> Result<BTreeMap<String, String>, Vec<String>> {
    let properties = properties.iter().map(|(name, value)| ((*name).to_owned(), SecretString::from(*value)));
    match KafkaSettings::new("localhost:9092", properties) {
        Ok(settings) => Ok(settings
            .properties
            .iter()
            .map(|(name, value)| (name.clone(), value.expose_secret().to_owned()))
            .collect()),
        Err(InvalidKafkaSettings(problems)) => Err(problems.iter().map(ToString::to_string).collect()),
    }
}

fn expected(properties: &[(&str, &str)]) -> Result<BTreeMap<String, String>, Vec<String>> {
    Ok(properties.iter().map(|(name, value)| ((*name).to_owned(), (*value).to_owned())).collect())
}

#[test]
fn the_settings_of_a_spring_service_are_understood() {
    let given = [
        ("spring.kafka.properties.security.protocol", "SASL_SSL"),
        ("spring.kafka.properties.sasl.mechanism", "SCRAM-SHA-512"),
        (
            "spring.kafka.properties.sasl.jaas.config",
            r#"org.apache.kafka.common.security.scram.ScramLoginModule required username="pg" password="s3";"#,
        ),
        ("spring.kafka.properties.ssl.endpoint.identification.algorithm", ""),
        ("spring.kafka.ssl.trust-store-password", "changeit"),
        ("spring.kafka.consumer.properties.spring.json.use.type.headers", "false"),
        ("value.serializer", "org.springframework.kafka.support.serializer.JsonSerializer"),
        ("compression.type", "gzip"),
    ];
    assert_eq!(
        settings(&given),
        expected(&[
            ("compression.type", "gzip"),
            ("sasl.mechanisms", "SCRAM-SHA-512"),
            ("sasl.password", "s3"),
            ("sasl.username", "pg"),
            ("security.protocol", "sasl_ssl"),
            ("ssl.endpoint.identification.algorithm", "none"),
        ])
    );
}

#[test]
fn key_stores_are_read_as_far_as_they_are_not_javas_own() {
    let folder = tempfile::tempdir().unwrap();
    let file = |name: &str, content: &[u8]| {
        let path = folder.path().join(name);
        fs::write(&path, content).unwrap();
        path.to_str().unwrap().to_owned()
    };
    let pem = file("store", b"# our own\n-----BEGIN CERTIFICATE-----\nAA==\n-----END CERTIFICATE-----\n");
    let jks = file("store.jks", b"\xfe\xed\xfe\xed\x00\x00\x00\x02");
    let p12 = file("store.p12", b"\x30\x82");
    assert_eq!(
        settings(&[("ssl.truststore.location", &pem), ("ssl.truststore.type", "PEM")]),
        expected(&[("ssl.ca.location", &pem)])
    );
    assert_eq!(
        settings(&[("spring.kafka.ssl.trust-store-location", &format!("file:{pem}"))]),
        expected(&[("ssl.ca.location", &pem)])
    );
    assert_eq!(
        settings(&[("ssl.keystore.location", &pem), ("ssl.key.password", "k")]),
        expected(&[
            ("ssl.certificate.location", &pem),
            ("ssl.key.location", &pem),
            ("ssl.key.password", "k")
        ])
    );
    assert_eq!(
        settings(&[("ssl.keystore.location", &p12), ("ssl.keystore.password", "k")]),
        expected(&[("ssl.keystore.location", &p12), ("ssl.keystore.password", "k")])
    );
    let missing = folder.path().join("missing.pem");
    let problems = settings(&[
        ("ssl.truststore.location", &jks),
        ("ssl.truststore.password", "changeit"),
        ("ssl.keystore.location", missing.to_str().unwrap()),
    ])
    .unwrap_err();
    assert_eq!(problems.len(), 2, "{problems:?}");
    assert!(problems[0].contains("ssl.truststore.location is not PEM"), "{problems:?}");
    assert!(problems[1].contains("ssl.keystore.location cannot be read"), "{problems:?}");
}

#[test]
fn all_problems_are_reported_together_without_values() {
    let problems = settings(&[
        ("enable.idempotence", "false"),
        ("acks", "1"),
        ("no.such.property", "topsecret"),
        ("security.protocol", "topsecret"),
        ("linger.ms", "topsecret"),
        ("sasl.jaas.config", "topsecret"),
    ])
    .unwrap_err();
    assert_eq!(
        problems,
        [
            "sasl.jaas.config names a login module other than those for SCRAM and PLAIN",
            "acks cannot be set: the delivery of events rests on it",
            "enable.idempotence cannot be set: the delivery of events rests on it",
            "linger.ms has a value that it cannot have",
            "no.such.property is not a property of librdkafka",
            "security.protocol has a value that it cannot have",
        ]
    );
}

#[test]
fn brokers_must_be_named() {
    for servers in ["", " , ", "a:1 b:2"] {
        let error = KafkaSettings::new(servers, []).unwrap_err();
        assert!(matches!(error.0[..], [KafkaSettingsError::BootstrapServers]), "{servers}");
    }
    assert_eq!(KafkaSettings::new(" a:1 , b:2,", []).unwrap().bootstrap_servers, "a:1,b:2");
}

#[test]
fn passwords_are_never_printed() {
    let password = ("sasl.password".to_owned(), SecretString::from("topsecret"));
    let settings = KafkaSettings::new("localhost:9092", [password]).unwrap();
    assert_eq!(
        format!("{settings:?}"),
        r#"KafkaSettings { bootstrap_servers: "localhost:9092", properties: ["sasl.password"] }"#
    );
}
