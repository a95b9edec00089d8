//! The audit log: its checkpoints and its seals.

use std::path::PathBuf;
use std::sync::Arc;
use std::time::Duration;

use payment_service::audit::{CheckpointSettings, SigningKey};
use payment_settings::parser::{PATH, SECRET, millis};
use payment_settings::{Optional, Reader, Setting, own, settings};
use secrecy::SecretString;

settings! {
    pub(in crate::config) const AUDIT;
    SIGNING_KEY: Optional<SecretString> = own("audit.signing-key", SECRET,
        "The Ed25519 private key that signs checkpoints of the audit log, in PEM (`openssl genpkey -algorithm \
         ed25519`); as a rule `audit.signing-key.file`. Without it there are no checkpoints, and a log whose end \
         was cut off looks whole.").secret();
    CHECKPOINT_FILE: Optional<PathBuf> = own("audit.checkpoint-file", PATH,
        "A file to which every checkpoint is appended, by the node that makes it. Keep it where the database's \
         administrators cannot write.");
    SEAL_INTERVAL: Setting<Duration> = own("audit.seal-interval-ms", millis(100, 3_600_000),
        "How many milliseconds lines of the payments' histories wait for their seal in the audit log.")
        .or("500");
}

/// The audit log.
#[derive(Debug, Clone)]
pub struct Audit {
    pub checkpoints: Arc<CheckpointSettings>,
    pub seal_interval: Duration,
    /// SHA-256 over the settings that are set, except secrets and values that differ between replicas.
    pub settings: [u8; 32],
}

pub(super) fn audit(reader: &mut Reader<'_>) -> Audit {
    let key = reader.set(&SIGNING_KEY).and_then(|pem| match SigningKey::from_pem(&pem) {
        Ok(key) => Some(key),
        Err(error) => {
            reader.problem(
                &SIGNING_KEY,
                error.to_string(),
                "name a file with such a key: audit.signing-key.file",
            );
            None
        }
    });
    let file = reader.set(&CHECKPOINT_FILE);
    if key.is_none() {
        reader.idle(&[&CHECKPOINT_FILE], "checkpoints need a key (audit.signing-key.file)");
    }
    Audit {
        checkpoints: Arc::new(CheckpointSettings { key, file }),
        seal_interval: reader.get(&SEAL_INTERVAL),
        settings: [0; 32],
    }
}
