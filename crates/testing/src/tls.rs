//! Certificates for servers on loopback.

use std::fs;
use std::path::PathBuf;

use rcgen::{BasicConstraints, CertificateParams, DnType, IsCa, Issuer, KeyPair, KeyUsagePurpose};
use tempfile::TempDir;

/// A private authority and its certificate for `localhost` and `127.0.0.1`, as PEM files that are removed
/// when dropped.
#[derive(Debug)]
pub struct Certificates {
    folder: TempDir,
}

impl Certificates {
    /// Makes them.
    ///
    /// # Panics
    /// When the temporary folder is not writable.
    #[must_use]
    pub fn create() -> Self {
        let folder = tempfile::Builder::new()
            .prefix("payment-certificates-")
            .tempdir()
            .expect("the temporary folder is writable");
        let authority_key = KeyPair::generate().expect("a key can be made");
        let mut authority = CertificateParams::default();
        authority.is_ca = IsCa::Ca(BasicConstraints::Unconstrained);
        authority.key_usages = vec![KeyUsagePurpose::KeyCertSign];
        authority.distinguished_name.push(DnType::CommonName, "an authority for tests");
        let authority_pem = authority.self_signed(&authority_key).expect("an authority signs itself").pem();
        let issuer = Issuer::new(authority, authority_key);

        let key = KeyPair::generate().expect("a key can be made");
        let server = CertificateParams::new(["localhost".to_owned(), "127.0.0.1".to_owned()])
            .expect("these are names")
            .signed_by(&key, &issuer)
            .expect("the authority signs");

        let certificates = Self { folder };
        for (path, pem) in [
            (certificates.authority(), authority_pem),
            (certificates.certificate(), server.pem()),
            (certificates.key(), key.serialize_pem()),
        ] {
            fs::write(path, pem).expect("a file in our folder");
        }
        certificates
    }

    /// The authority's certificate, for clients.
    #[must_use]
    pub fn authority(&self) -> PathBuf {
        self.folder.path().join("authority.pem")
    }

    #[must_use]
    pub fn certificate(&self) -> PathBuf {
        self.folder.path().join("server.pem")
    }

    #[must_use]
    pub fn key(&self) -> PathBuf {
        self.folder.path().join("server.key")
    }
}
