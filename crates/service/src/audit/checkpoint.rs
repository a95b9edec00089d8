//! Checkpoints: the signed size and root of the audit log at a moment, as a text that leaves the database.

use std::fmt;

use payment_domain::Timestamp;
use ring::signature::{ED25519, Ed25519KeyPair, KeyPair, UnparsedPublicKey};
use rustls_pki_types::pem::PemObject;
use rustls_pki_types::{PrivatePkcs8KeyDer, SubjectPublicKeyInfoDer};
use secrecy::{ExposeSecret, SecretString};
use serde::{Deserialize, Serialize};

/// The first line of a checkpoint's text.
const ORIGIN: &str = "pg-audit";
/// The prefix of the 32 bytes of an Ed25519 key in a SubjectPublicKeyInfo (RFC 8410).
const SPKI_PREFIX: [u8; 12] = [0x30, 0x2a, 0x30, 0x05, 0x06, 0x03, 0x2b, 0x65, 0x70, 0x03, 0x21, 0x00];

/// The reason a text is no key or no checkpoint.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
pub enum CheckpointTextError {
    #[error("is no Ed25519 private key in PEM (`openssl genpkey -algorithm ed25519`)")]
    PrivateKey,
    #[error("is no Ed25519 public key in PEM (`openssl pkey -pubout`)")]
    PublicKey,
    #[error("is no checkpoint")]
    Checkpoint,
}

/// The size and root of a log at a moment.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Checkpoint {
    pub database_id: String,
    pub size: u64,
    pub root: [u8; 32],
    pub at: Timestamp,
}

impl Checkpoint {
    /// The text that is signed.
    pub fn text(&self) -> String {
        let Checkpoint { database_id, size, root, at } = self;
        format!("{ORIGIN}\n{database_id}\n{size}\n{}\n{}\n", hex::encode(root), at.as_millis())
    }

    /// The checkpoint of exactly such a text.
    fn read(text: &str) -> Option<Checkpoint> {
        let lines: Vec<&str> = text.split('\n').collect();
        let [ORIGIN, database_id, size, root, at, ""] = lines.as_slice() else { return None };
        let checkpoint = Checkpoint {
            database_id: (*database_id).to_owned(),
            size: size.parse().ok()?,
            root: hex::decode(root).ok()?.try_into().ok()?,
            at: Timestamp::from_millis(at.parse().ok()?),
        };
        (checkpoint.text() == text).then_some(checkpoint)
    }
}

/// A checkpoint with its signature.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct SignedCheckpoint {
    pub checkpoint: Checkpoint,
    pub signature: [u8; 64],
    /// The signer's, as the signer says.
    pub public_key: PublicKey,
}

/// Its JSON, in logs, events and files.
#[derive(Serialize, Deserialize)]
#[serde(rename_all = "camelCase")]
struct Written {
    checkpoint: String,
    signature: String,
    public_key: String,
}

impl SignedCheckpoint {
    /// One line of JSON, without a line break.
    pub fn line(&self) -> String {
        let written = Written {
            checkpoint: self.checkpoint.text(),
            signature: hex::encode(self.signature),
            public_key: hex::encode(self.public_key.0),
        };
        serde_json::to_string(&written).unwrap_or_default()
    }

    /// The checkpoint of such a line; its signature is not verified.
    ///
    /// # Errors
    /// When it is none.
    pub fn read(line: &str) -> Result<SignedCheckpoint, CheckpointTextError> {
        let read = || -> Option<SignedCheckpoint> {
            let written: Written = serde_json::from_str(line).ok()?;
            Some(SignedCheckpoint {
                checkpoint: Checkpoint::read(&written.checkpoint)?,
                signature: hex::decode(written.signature).ok()?.try_into().ok()?,
                public_key: PublicKey(hex::decode(written.public_key).ok()?.try_into().ok()?),
            })
        };
        read().ok_or(CheckpointTextError::Checkpoint)
    }

    /// Whether this key has signed it.
    pub fn is_signed_by(&self, key: &PublicKey) -> bool {
        let key = UnparsedPublicKey::new(&ED25519, key.0);
        key.verify(self.checkpoint.text().as_bytes(), &self.signature).is_ok()
    }
}

/// An Ed25519 key that verifies checkpoints.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct PublicKey(pub(super) [u8; 32]);

impl PublicKey {
    /// The key of a PEM text.
    ///
    /// # Errors
    /// When it is none.
    pub fn from_pem(pem: &str) -> Result<PublicKey, CheckpointTextError> {
        let der = SubjectPublicKeyInfoDer::from_pem_slice(pem.as_bytes());
        let der = der.map_err(|_| CheckpointTextError::PublicKey)?;
        let key = der.as_ref().strip_prefix(SPKI_PREFIX.as_slice());
        key.and_then(|key| key.try_into().ok()).map(PublicKey).ok_or(CheckpointTextError::PublicKey)
    }
}

/// The Ed25519 key that signs checkpoints. It is never in the database.
pub struct SigningKey(Ed25519KeyPair);

impl SigningKey {
    /// The key of a PEM text (PKCS#8).
    ///
    /// # Errors
    /// When it is none.
    pub fn from_pem(pem: &SecretString) -> Result<SigningKey, CheckpointTextError> {
        let der = PrivatePkcs8KeyDer::from_pem_slice(pem.expose_secret().as_bytes());
        let der = der.map_err(|_| CheckpointTextError::PrivateKey)?;
        Ed25519KeyPair::from_pkcs8_maybe_unchecked(der.secret_pkcs8_der())
            .map(SigningKey)
            .map_err(|_| CheckpointTextError::PrivateKey)
    }

    /// # Errors
    /// Never, as Ed25519 keys have 32 bytes.
    fn public_key(&self) -> Option<PublicKey> {
        self.0.public_key().as_ref().try_into().ok().map(PublicKey)
    }

    pub fn sign(&self, checkpoint: Checkpoint) -> Option<SignedCheckpoint> {
        let signature = self.0.sign(checkpoint.text().as_bytes());
        let signature = signature.as_ref().try_into().ok()?;
        Some(SignedCheckpoint { checkpoint, signature, public_key: self.public_key()? })
    }
}

impl fmt::Debug for SigningKey {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("SigningKey(***)")
    }
}

#[cfg(test)]
pub(super) mod tests {
    use proptest::prelude::*;

    use super::*;

    /// A key and its public key, as `openssl` wrote them.
    pub(crate) const PRIVATE: &str = "-----BEGIN PRIVATE KEY-----\nMC4CAQAwBQYDK2VwBCIEIJ1hsZ3v/VpguoRK9JLsLMREScVpezJpGXA7rAMcrn9g\n-----END PRIVATE KEY-----\n";

    pub(crate) fn key() -> SigningKey {
        SigningKey::from_pem(&SecretString::from(PRIVATE)).unwrap()
    }

    fn checkpoint() -> Checkpoint {
        let at = Timestamp::from_millis(1_790_000_000_000);
        Checkpoint { database_id: "d1".to_owned(), size: 7, root: [0xab; 32], at }
    }

    /// RFC 8032, section 7.1, test 1.
    #[test]
    fn keys_are_those_of_the_standard() {
        let public = "-----BEGIN PUBLIC KEY-----\nMCowBQYDK2VwAyEA11qYAYKxCrfVS/7TyWQHOg7hcvPapiMlrwIaaPcHURo=\n-----END PUBLIC KEY-----\n";
        assert_eq!(key().public_key(), Some(PublicKey::from_pem(public).unwrap()));
        assert_eq!(PublicKey::from_pem(PRIVATE), Err(CheckpointTextError::PublicKey));
        assert!(SigningKey::from_pem(&SecretString::from(public)).is_err());
    }

    #[test]
    fn a_checkpoint_is_read_as_it_was_written_and_holds_for_its_signer_alone() {
        let text = checkpoint().text();
        assert_eq!(text, format!("pg-audit\nd1\n7\n{}\n1790000000000\n", "ab".repeat(32)));
        let signed = key().sign(checkpoint()).unwrap();
        let read = SignedCheckpoint::read(&signed.line()).unwrap();
        assert_eq!(read, signed);
        assert!(read.is_signed_by(&signed.public_key));
        assert!(!read.is_signed_by(&PublicKey([1; 32])));
        let larger = Checkpoint { size: 8, ..checkpoint() };
        assert!(!SignedCheckpoint { checkpoint: larger, ..read }.is_signed_by(&signed.public_key));
    }

    #[test]
    fn a_text_that_would_be_written_otherwise_is_no_checkpoint() {
        let good = checkpoint().text();
        for bad in [
            good.replace("\n7\n", "\n07\n"),
            good.replace("\n7\n", "\n+7\n"),
            good.replace("ab", "AB"),
            good.replace("pg-audit", "pg_audit"),
            good.trim_end().to_owned(),
            format!("{good}\n"),
            good.replace('\n', "\r\n"),
        ] {
            assert_eq!(Checkpoint::read(&bad), None, "{bad}");
        }
    }

    proptest! {
        #[test]
        fn no_text_breaks_the_reader(text in any::<String>(), flip: (prop::sample::Index, u8)) {
            let _ = SignedCheckpoint::read(&text);
            let mut line = key().sign(checkpoint()).unwrap().line().into_bytes();
            let place = flip.0.index(line.len());
            line[place] ^= flip.1;
            if let Ok(line) = String::from_utf8(line)
                && let Ok(read) = SignedCheckpoint::read(&line)
            {
                let own = key().public_key().unwrap();
                // A change that is no change of the JSON's meaning aside, nothing forged holds.
                prop_assert!(!read.is_signed_by(&own) || read.checkpoint == checkpoint());
            }
        }
    }
}
