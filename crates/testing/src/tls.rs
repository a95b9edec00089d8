//! Certificates for servers on loopback.

use std::fs;
use std::path::PathBuf;

use rcgen::{
    BasicConstraints, CertificateParams, DistinguishedName, DnType, ExtendedKeyUsagePurpose, IsCa, Issuer,
    KeyPair, KeyUsagePurpose,
};
use tempfile::TempDir;

/// A private authority and its certificates for `localhost` and `127.0.0.1` and for a client, as files that are
/// removed when dropped.
#[derive(Debug)]
pub struct Certificates {
    folder: TempDir,
}

impl Certificates {
    /// The common name of the client's certificate.
    pub const CLIENT: &str = "payments_client";

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

        let client_key = KeyPair::generate().expect("a key can be made");
        let mut client = CertificateParams::default();
        client.distinguished_name = DistinguishedName::new();
        client.distinguished_name.push(DnType::CommonName, Self::CLIENT);
        client.extended_key_usages = vec![ExtendedKeyUsagePurpose::ClientAuth];
        let client = client.signed_by(&client_key, &issuer).expect("the authority signs");

        let certificates = Self { folder };
        for (path, content) in [
            (certificates.authority(), authority_pem.into_bytes()),
            (certificates.certificate(), server.pem().into_bytes()),
            (certificates.key(), key.serialize_pem().into_bytes()),
            (certificates.client_certificate(), client.pem().into_bytes()),
            (certificates.client_key(), client_key.serialize_pem().into_bytes()),
            (certificates.client_certificate().with_extension("der"), client.der().to_vec()),
            (certificates.client_key().with_extension("pk8"), client_key.serialize_der()),
        ] {
            fs::write(path, content).expect("a file in our folder");
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

    /// The certificate of [`Self::CLIENT`] as PEM, and beside it as DER with the extension `der`.
    #[must_use]
    pub fn client_certificate(&self) -> PathBuf {
        self.folder.path().join("client.pem")
    }

    /// Its key as PEM, and beside it as PKCS#8 DER with the extension `pk8`.
    #[must_use]
    pub fn client_key(&self) -> PathBuf {
        self.folder.path().join("client.key")
    }

    #[must_use]
    pub fn key(&self) -> PathBuf {
        self.folder.path().join("server.key")
    }
}
