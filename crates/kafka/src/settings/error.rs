//! What can be wrong with the settings. Values are never told: one of them may be a password.

use std::fmt;

use rdkafka::error::KafkaError;

/// Everything that is wrong with the settings.
#[derive(Debug)]
pub struct InvalidKafkaSettings(pub Vec<KafkaSettingsError>);

impl fmt::Display for InvalidKafkaSettings {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        for (at, problem) in self.0.iter().enumerate() {
            let separator = if at == 0 { "" } else { "; " };
            write!(f, "{separator}{problem}")?;
        }
        Ok(())
    }
}

impl std::error::Error for InvalidKafkaSettings {}

/// One thing that is wrong with the settings.
#[derive(Debug, thiserror::Error)]
pub enum KafkaSettingsError {
    /// Nobody says where the brokers are.
    #[error("the bootstrap servers must be given as host:port, separated by commas")]
    BootstrapServers,
    /// A promise of ours rests on it.
    #[error("{name} cannot be set: the delivery of events rests on it")]
    Controlled {
        /// The property.
        name: String,
    },
    /// librdkafka has no such property, or was built without what it needs.
    #[error("{name} is not a property of librdkafka")]
    Unknown {
        /// The property.
        name: String,
    },
    /// The property cannot have this value.
    #[error("{name} has a value that it cannot have")]
    Value {
        /// The property.
        name: String,
    },
    /// A file cannot be read.
    #[error("the file of {name} cannot be read: {source}")]
    File {
        /// The property that names it.
        name: &'static str,
        /// Why not.
        source: std::io::Error,
    },
    /// A Java key store, or something else that is not PEM.
    #[error(
        "the file of {name} is not PEM. Java key stores cannot be read here: export the certificates \
         with `keytool -list -rfc -keystore FILE` and name that file"
    )]
    NotPem {
        /// The property that names it.
        name: &'static str,
    },
    /// The login of a Java client that cannot be translated.
    #[error("sasl.jaas.config {0}")]
    Jaas(&'static str),
}

/// librdkafka makes no client of the settings.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
#[error("no Kafka client can be made of the settings: {reason}")]
pub struct NoClient {
    /// Why, in librdkafka's words.
    pub reason: String,
}

impl From<KafkaError> for NoClient {
    fn from(error: KafkaError) -> NoClient {
        let reason = if let KafkaError::ClientConfig(_, _, name, _) = &error {
            format!("{name} is not accepted")
        } else {
            error.to_string()
        };
        NoClient { reason }
    }
}
