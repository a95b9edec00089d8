//! Errors in the settings. They never contain values, which may be passwords.

use std::fmt;

use rdkafka::error::KafkaError;

/// All errors in the settings.
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

/// One error in the settings.
#[derive(Debug, thiserror::Error)]
pub enum KafkaSettingsError {
    /// The brokers' addresses are missing or malformed.
    #[error("the bootstrap servers must be given as host:port, separated by commas")]
    BootstrapServers,
    /// The property is fixed.
    #[error("{name} cannot be set: the delivery of events rests on it")]
    Controlled { name: String },
    /// librdkafka has no such property, or was built without the feature.
    #[error("{name} is not a property of librdkafka")]
    Unknown { name: String },
    #[error("{name} has a value that it cannot have")]
    Value { name: String },
    /// A file cannot be read.
    #[error("the file of {name} cannot be read: {source}")]
    File { name: &'static str, source: std::io::Error },
    /// A Java key store, or something else that is not PEM.
    #[error(
        "the file of {name} is not PEM. Java key stores cannot be read here: export the certificates \
         with `keytool -list -rfc -keystore FILE` and name that file"
    )]
    NotPem { name: &'static str },
    /// A login of a Java client that cannot be translated.
    #[error("sasl.jaas.config {0}")]
    Jaas(&'static str),
}

/// librdkafka refuses the settings.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
#[error("no Kafka client can be made of the settings: {reason}")]
pub struct NoClient {
    /// librdkafka's message.
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
