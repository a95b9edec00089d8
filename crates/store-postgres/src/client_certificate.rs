//! The certificate by which this service proves its identity to the server, and its private key.

use std::fmt;
use std::fs;
use std::path::{Path, PathBuf};
use std::sync::{Arc, Mutex, PoisonError};

use rustls::SignatureScheme;
use rustls::client::ResolvesClientCert;
use rustls::crypto::CryptoProvider;
use rustls::pki_types::pem::PemObject;
use rustls::pki_types::{CertificateDer, PrivateKeyDer};
use rustls::sign::CertifiedKey;

use crate::failure::Failure;
use crate::options::PostgresOptions;

/// Reads both files again for each connection, so that a renewed certificate is used without a restart.
pub(crate) struct ClientCertificate {
    certificate: PathBuf,
    key: PathBuf,
    provider: Arc<CryptoProvider>,
    /// Used while the files cannot be.
    last: Mutex<Arc<CertifiedKey>>,
}

impl ClientCertificate {
    /// `None` where the options name none.
    pub(crate) fn of(
        options: &PostgresOptions,
        provider: Arc<CryptoProvider>,
    ) -> Result<Option<ClientCertificate>, Failure> {
        let (certificate, key) = match (&options.client_certificate, &options.client_key) {
            (None, None) => return Ok(None),
            (Some(certificate), Some(key)) => (certificate.clone(), key.clone()),
            (Some(_), None) | (None, Some(_)) => {
                return Err(Failure::Options(
                    "a client certificate needs both its file (sslcert) and that of its key (sslkey)"
                        .to_owned(),
                ));
            }
        };
        let read = read(&certificate, &key, &provider).map_err(Failure::Options)?;
        Ok(Some(ClientCertificate { certificate, key, provider, last: Mutex::new(Arc::new(read)) }))
    }
}

impl fmt::Debug for ClientCertificate {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("ClientCertificate").field("certificate", &self.certificate).finish_non_exhaustive()
    }
}

impl ResolvesClientCert for ClientCertificate {
    fn resolve(&self, _authorities: &[&[u8]], _schemes: &[SignatureScheme]) -> Option<Arc<CertifiedKey>> {
        let mut last = self.last.lock().unwrap_or_else(PoisonError::into_inner);
        match read(&self.certificate, &self.key, &self.provider) {
            Ok(read) => *last = Arc::new(read),
            // Also between the renewal of one file and that of the other.
            Err(error) => {
                tracing::warn!(
                    error,
                    "the database's client certificate cannot be read again, the earlier one is used"
                );
            }
        }
        Some(last.clone())
    }

    fn has_certs(&self) -> bool {
        true
    }
}

fn read(certificate: &Path, key: &Path, provider: &CryptoProvider) -> Result<CertifiedKey, String> {
    let chain = bytes(certificate)
        .and_then(|bytes| chain(&bytes))
        .map_err(|why| format!("the client certificate {} cannot be used: {why}", certificate.display()))?;
    let unusable = |why: String| format!("the client key {} cannot be used: {why}", key.display());
    let private = bytes(key).and_then(|bytes| private_key(&bytes)).map_err(unusable)?;
    CertifiedKey::from_der(chain, private, provider).map_err(|error| unusable(error.to_string()))
}

fn bytes(file: &Path) -> Result<Vec<u8>, String> {
    fs::read(file).map_err(|error| error.to_string())
}

/// Certificates as PEM, the client's first, or one as DER.
fn chain(bytes: &[u8]) -> Result<Vec<CertificateDer<'static>>, String> {
    if !is_pem(bytes) {
        return Ok(vec![CertificateDer::from(bytes.to_vec())]);
    }
    let read: Result<Vec<_>, _> = CertificateDer::pem_slice_iter(bytes).collect();
    let chain = read.map_err(|error| error.to_string())?;
    if chain.is_empty() { Err("there is no certificate in it".to_owned()) } else { Ok(chain) }
}

/// A key as PEM or, as Java's driver wants it, PKCS#8 DER.
fn private_key(bytes: &[u8]) -> Result<PrivateKeyDer<'static>, String> {
    const DECRYPT: &str = "it is encrypted, which is not supported: decrypt it with openssl pkcs8, and let only \
                           the service read the file";
    const CONVERT: &str =
        "it is a PKCS#12 keystore: take certificate and key out of it with openssl pkcs12 -nodes";
    if is_pem(bytes) {
        if ["BEGIN ENCRYPTED PRIVATE KEY", "Proc-Type: 4,ENCRYPTED"]
            .iter()
            .any(|marker| contains(bytes, marker))
        {
            return Err(DECRYPT.to_owned());
        }
        return PrivateKeyDer::from_pem_slice(bytes).map_err(|error| error.to_string());
    }
    match contents(bytes) {
        // An algorithm stands first in an encrypted key, the version 3 in a keystore.
        Some([0x30, ..]) => Err(DECRYPT.to_owned()),
        Some([0x02, 0x01, 0x03, ..]) => Err(CONVERT.to_owned()),
        Some(_) | None => PrivateKeyDer::try_from(bytes.to_vec()).map_err(str::to_owned),
    }
}

fn is_pem(bytes: &[u8]) -> bool {
    contains(bytes, "-----BEGIN ")
}

fn contains(bytes: &[u8], text: &str) -> bool {
    bytes.windows(text.len()).any(|window| window == text.as_bytes())
}

/// The content of the outermost SEQUENCE.
fn contents(der: &[u8]) -> Option<&[u8]> {
    const LONG_FORM: u8 = 0x80;
    let (&[tag, length], rest) = der.split_first_chunk::<2>()?;
    let skipped = usize::from(length.saturating_sub(LONG_FORM));
    if tag == 0x30 { rest.get(skipped..) } else { None }
}

#[cfg(test)]
mod tests {
    use rustls::crypto::ring;

    use super::*;

    #[test]
    fn keys_that_cannot_be_used_are_refused_for_what_is_wrong_with_them() {
        for (key, why) in [
            (
                &b"-----BEGIN ENCRYPTED PRIVATE KEY-----\nAAAA\n-----END ENCRYPTED PRIVATE KEY-----\n"[..],
                "encrypted",
            ),
            (b"-----BEGIN RSA PRIVATE KEY-----\nProc-Type: 4,ENCRYPTED\n", "encrypted"),
            (&[0x30, 0x82, 0x05, 0x00, 0x30, 0x57, 0x06, 0x09], "encrypted"),
            (&[0x30, 0x82, 0x09, 0x59, 0x02, 0x01, 0x03, 0x30], "PKCS#12"),
            (b"-----BEGIN CERTIFICATE-----\nAAAA\n-----END CERTIFICATE-----\n", "no items found"),
            (b"", "invalid"),
            (b"nonsense", "invalid"),
        ] {
            let refused = private_key(key).unwrap_err();
            assert!(refused.contains(why), "{why}: {refused}");
        }
        assert!(chain(b"-----BEGIN PRIVATE KEY-----\nAAAA\n-----END PRIVATE KEY-----\n").is_err());
    }

    #[test]
    fn the_earlier_certificate_is_used_while_the_files_cannot_be_and_then_the_renewed_one() {
        let [one, two] = [(); 2].map(|()| payment_testing::tls::Certificates::create());
        let folder = tempfile::tempdir().unwrap();
        let [certificate, key] = ["client.pem", "client.key"].map(|name| folder.path().join(name));
        let renew = |from: &payment_testing::tls::Certificates| {
            fs::copy(from.client_certificate(), &certificate).unwrap();
            fs::copy(from.client_key(), &key).unwrap();
        };
        renew(&one);
        let options = PostgresOptions {
            client_certificate: Some(certificate.clone()),
            client_key: Some(key.clone()),
            ..PostgresOptions::default()
        };
        let provider = Arc::new(ring::default_provider());
        let client = ClientCertificate::of(&options, provider.clone()).unwrap().unwrap();
        let shown = || client.resolve(&[], &[]).unwrap().cert.clone();
        let first = shown();
        fs::copy(two.client_certificate(), &certificate).unwrap();
        assert_eq!(shown(), first, "another's key");
        fs::remove_file(&key).unwrap();
        assert_eq!(shown(), first);
        renew(&two);
        assert_ne!(shown(), first);

        let half = PostgresOptions { client_key: None, ..options };
        let refused = ClientCertificate::of(&half, provider).unwrap_err();
        assert!(refused.to_string().contains("sslkey"), "{refused}");
    }
}
