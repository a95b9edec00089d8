//! The brokers' addresses and the properties of librdkafka.

mod error;
mod jaas;
mod java;

#[cfg(test)]
mod tests;

use std::collections::BTreeMap;
use std::fmt;
use std::path::PathBuf;

use rdkafka::ClientConfig;
use rdkafka::error::KafkaError;
use rdkafka::types::RDKafkaConfRes;
use secrecy::{ExposeSecret, SecretString};

pub use error::{InvalidKafkaSettings, KafkaSettingsError, NoClient};

/// Fixed properties: they ensure that no event is lost, sent late or out of order, or committed before it was
/// processed.
const CONTROLLED: [&str; 20] = [
    "acks",
    "auto.commit.enable",
    "bootstrap.servers",
    "delivery.report.only.error",
    "delivery.timeout.ms",
    "enable.auto.commit",
    "enable.auto.offset.store",
    "enable.gapless.guarantee",
    "enable.idempotence",
    "enable.partition.eof",
    "group.id",
    "isolation.level",
    "max.in.flight",
    "max.in.flight.requests.per.connection",
    "message.send.max.retries",
    "message.timeout.ms",
    "metadata.broker.list",
    "request.required.acks",
    "retries",
    "transactional.id",
];

/// The brokers' addresses, and the operator's properties of librdkafka.
#[derive(Clone)]
pub struct KafkaSettings {
    bootstrap_servers: String,
    properties: BTreeMap<String, SecretString>,
}

/// Without the properties' values, which may be passwords.
impl fmt::Debug for KafkaSettings {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("KafkaSettings")
            .field("bootstrap_servers", &self.bootstrap_servers)
            .field("properties", &self.properties.keys().collect::<Vec<_>>())
            .finish()
    }
}

impl KafkaSettings {
    /// Brokers (`host:port`, separated by commas) and properties by the names of librdkafka, of
    /// Java clients (`sasl.jaas.config`, `ssl.truststore.location` of a PEM file) or of Spring
    /// (`spring.kafka.properties.…`, `spring.kafka.ssl.…`, `spring.kafka.security.protocol`).
    /// Reads the files of key stores to tell their formats.
    ///
    /// # Errors
    /// All errors in them.
    pub fn new(
        bootstrap_servers: &str,
        properties: impl IntoIterator<Item = (String, SecretString)>,
    ) -> Result<KafkaSettings, InvalidKafkaSettings> {
        let (properties, mut problems) = java::translate(properties);
        let servers: Vec<&str> =
            bootstrap_servers.split(',').map(str::trim).filter(|server| !server.is_empty()).collect();
        let named = |server: &&str| !server.contains(char::is_whitespace);
        if servers.is_empty() || !servers.iter().all(named) {
            problems.push(KafkaSettingsError::BootstrapServers);
        }
        problems.extend(properties.iter().filter_map(|(name, value)| problem(name, value)));
        if problems.is_empty() {
            Ok(KafkaSettings { bootstrap_servers: servers.join(","), properties })
        } else {
            Err(InvalidKafkaSettings(problems))
        }
    }

    /// Whether a property of Java's client is ignored: it concerns Java's serialisation or key stores.
    pub fn is_meaningless(name: &str) -> bool {
        java::is_meaningless(name.trim())
    }

    /// The certificates of the client and those of the authorities that it trusts, as PEM; the files of both as the
    /// client reads them when it connects.
    pub fn certificates(&self) -> Vec<(CertificateUse, CertificateSource)> {
        let text = |pem: &str| CertificateSource::Text(pem.to_owned());
        let file = |path: &str| CertificateSource::File(path.into());
        [
            ("ssl.certificate.location", CertificateUse::Client, &file as &dyn Fn(&str) -> CertificateSource),
            ("ssl.certificate.pem", CertificateUse::Client, &text),
            ("ssl.ca.location", CertificateUse::Authorities, &file),
            ("ssl.ca.pem", CertificateUse::Authorities, &text),
        ]
        .into_iter()
        .filter_map(|(name, usage, source)| Some((usage, source(self.properties.get(name)?.expose_secret()))))
        .collect()
    }

    /// The configuration of a client: `defaults`, which an operator may change, and `fixed`.
    pub(crate) fn client(&self, defaults: &[(&str, &str)], fixed: &[(&str, &str)]) -> ClientConfig {
        let mut config = ClientConfig::new();
        config.set("client.id", "pg-service").set("socket.keepalive.enable", "true");
        // A broker that returns is noticed within seconds.
        config.set("reconnect.backoff.max.ms", "2000");
        for (name, value) in defaults {
            config.set(*name, *value);
        }
        for (name, value) in &self.properties {
            config.set(name, value.expose_secret());
        }
        config.set("bootstrap.servers", &self.bootstrap_servers);
        for (name, value) in fixed {
            config.set(*name, *value);
        }
        config
    }
}

/// The use of a certificate.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum CertificateUse {
    Client,
    Authorities,
}

/// The place of certificates.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum CertificateSource {
    File(PathBuf),
    /// PEM.
    Text(String),
}

fn problem(name: &str, value: &SecretString) -> Option<KafkaSettingsError> {
    let name = name.to_owned();
    if CONTROLLED.contains(&name.as_str()) {
        return Some(KafkaSettingsError::Controlled { name });
    }
    let mut config = ClientConfig::new();
    config.set(&name, value.expose_secret());
    match config.create_native_config() {
        Ok(_) => None,
        Err(KafkaError::ClientConfig(RDKafkaConfRes::RD_KAFKA_CONF_UNKNOWN, ..)) => {
            Some(KafkaSettingsError::Unknown { name })
        }
        Err(_) => Some(KafkaSettingsError::Value { name }),
    }
}
