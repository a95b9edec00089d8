//! Names of librdkafka's properties in Java clients and in Spring.

use std::collections::BTreeMap;
use std::fs::File;
use std::io::Read;

use secrecy::{ExposeSecret, SecretString};

use super::error::KafkaSettingsError;
use super::jaas;

/// Prefixes of Kafka properties in the configuration of a Spring service.
const SPRING_PREFIXES: [&str; 3] =
    ["spring.kafka.properties.", "spring.kafka.producer.properties.", "spring.kafka.consumer.properties."];

/// Spring's own names.
const SPRING_NAMES: [(&str, &str); 12] = [
    ("spring.kafka.security.protocol", "security.protocol"),
    ("spring.kafka.ssl.protocol", "ssl.protocol"),
    ("spring.kafka.ssl.key-password", "ssl.key.password"),
    ("spring.kafka.ssl.key-store-key", "ssl.keystore.key"),
    ("spring.kafka.ssl.key-store-location", "ssl.keystore.location"),
    ("spring.kafka.ssl.key-store-password", "ssl.keystore.password"),
    ("spring.kafka.ssl.key-store-type", "ssl.keystore.type"),
    ("spring.kafka.ssl.key-store-certificate-chain", "ssl.keystore.certificate.chain"),
    ("spring.kafka.ssl.trust-store-location", "ssl.truststore.location"),
    ("spring.kafka.ssl.trust-store-password", "ssl.truststore.password"),
    ("spring.kafka.ssl.trust-store-type", "ssl.truststore.type"),
    ("spring.kafka.ssl.trust-store-certificates", "ssl.truststore.certificates"),
];

/// Properties with another name here.
const OTHER_NAMES: [(&str, &str); 4] = [
    ("sasl.mechanism", "sasl.mechanisms"),
    ("ssl.truststore.certificates", "ssl.ca.pem"),
    ("ssl.keystore.certificate.chain", "ssl.certificate.pem"),
    ("ssl.keystore.key", "ssl.key.pem"),
];

/// Properties without effect here: Java's serialisation and key stores.
const MEANINGLESS: [&str; 7] = [
    "key.serializer",
    "value.serializer",
    "key.deserializer",
    "value.deserializer",
    "ssl.protocol",
    "ssl.truststore.type",
    "ssl.truststore.password",
];

type Properties = BTreeMap<String, SecretString>;

/// The properties by librdkafka's names, and those that cannot be translated.
pub(super) fn translate(
    given: impl IntoIterator<Item = (String, SecretString)>,
) -> (Properties, Vec<KafkaSettingsError>) {
    let mut properties: Properties =
        given.into_iter().map(|(name, value)| (java_name(name.trim()).to_owned(), value)).collect();
    let mut problems = Vec::new();
    problems.extend(login(&mut properties).err());
    problems.extend(trust_store(&mut properties).err());
    problems.extend(key_store(&mut properties).err());
    for (java, ours) in OTHER_NAMES {
        if let Some(value) = properties.remove(java) {
            properties.entry(ours.to_owned()).or_insert(value);
        }
    }
    properties.retain(|name, _| !is_meaningless(name));
    if let Some(protocol) = properties.get_mut("security.protocol") {
        *protocol = SecretString::from(protocol.expose_secret().trim().to_lowercase());
    }
    if let Some(algorithm) = properties.get_mut("ssl.endpoint.identification.algorithm")
        && algorithm.expose_secret().trim().is_empty()
    {
        *algorithm = SecretString::from("none");
    }
    (properties, problems)
}

/// Whether a property of Java's client has no effect here.
pub(super) fn is_meaningless(name: &str) -> bool {
    MEANINGLESS.contains(&name) || name.starts_with("spring.json.")
}

/// Java's name of a property that may have Spring's name.
fn java_name(name: &str) -> &str {
    SPRING_NAMES
        .iter()
        .find_map(|(spring, java)| (*spring == name).then_some(*java))
        .or_else(|| SPRING_PREFIXES.iter().find_map(|prefix| name.strip_prefix(prefix)))
        .unwrap_or(name)
}

fn login(properties: &mut Properties) -> Result<(), KafkaSettingsError> {
    let Some(line) = properties.remove("sasl.jaas.config") else { return Ok(()) };
    let login = jaas::login(line.expose_secret())?;
    properties.entry("sasl.username".to_owned()).or_insert(login.username);
    properties.entry("sasl.password".to_owned()).or_insert(login.password);
    Ok(())
}

fn trust_store(properties: &mut Properties) -> Result<(), KafkaSettingsError> {
    const NAME: &str = "ssl.truststore.location";
    let Some(path) = properties.remove(NAME).map(local_path) else { return Ok(()) };
    if !is_pem(NAME, &path)? {
        return Err(KafkaSettingsError::NotPem { name: NAME });
    }
    properties.entry("ssl.ca.location".to_owned()).or_insert(path);
    Ok(())
}

/// librdkafka reads PKCS #12 key stores under Java's name, and PEM under two others.
fn key_store(properties: &mut Properties) -> Result<(), KafkaSettingsError> {
    const NAME: &str = "ssl.keystore.location";
    let given_type = properties.remove("ssl.keystore.type");
    let Some(path) = properties.remove(NAME).map(local_path) else { return Ok(()) };
    let is_type = |word: &str| {
        given_type.as_ref().is_some_and(|given| given.expose_secret().trim().eq_ignore_ascii_case(word))
    };
    let ends_in = |ending: &str| path.expose_secret().to_lowercase().ends_with(ending);
    if is_type("PKCS12") || ends_in(".p12") || ends_in(".pfx") {
        properties.insert(NAME.to_owned(), path);
        return Ok(());
    }
    if !is_pem(NAME, &path)? {
        return Err(KafkaSettingsError::NotPem { name: NAME });
    }
    properties.entry("ssl.certificate.location".to_owned()).or_insert_with(|| path.clone());
    properties.entry("ssl.key.location".to_owned()).or_insert(path);
    Ok(())
}

/// Spring writes paths as URLs.
fn local_path(path: SecretString) -> SecretString {
    let path = path.expose_secret().trim();
    SecretString::from(path.strip_prefix("file://").or_else(|| path.strip_prefix("file:")).unwrap_or(path))
}

fn is_pem(name: &'static str, path: &SecretString) -> Result<bool, KafkaSettingsError> {
    const LOOKED_AT: u64 = 1 << 20;
    let read = |path: &str| {
        let mut beginning = Vec::new();
        File::open(path)?.take(LOOKED_AT).read_to_end(&mut beginning)?;
        Ok(beginning)
    };
    let beginning = read(path.expose_secret()).map_err(|source| KafkaSettingsError::File { name, source })?;
    const MARK: &[u8] = b"-----BEGIN ";
    Ok(beginning.windows(MARK.len()).any(|window| window == MARK))
}
