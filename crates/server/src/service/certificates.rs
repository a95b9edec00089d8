//! When the certificates that this service uses end.

use std::fs;
use std::path::PathBuf;
use std::time::Duration;

use payment_kafka::{CertificateSource, CertificateUse};
use rustls::pki_types::CertificateDer;
use rustls::pki_types::pem::PemObject;
use x509_cert::Certificate;
use x509_cert::der::Decode;

use super::kafka;
use crate::config::{Config, Database};

const NOT_AFTER: &str = "certificate_not_after_timestamp_seconds";
const INTERVAL: Duration = Duration::from_secs(10 * 60);

/// Certificates with one use.
struct Watched {
    /// The label.
    name: &'static str,
    usage: CertificateUse,
    place: CertificateSource,
    /// Whether a renewed file is used without a restart.
    is_renewed: bool,
}

/// The gauges of all certificates that the configuration names.
pub(super) struct Certificates(Vec<Watched>);

impl Certificates {
    pub(super) fn of(config: &Config) -> Certificates {
        metrics::describe_gauge!(
            NOT_AFTER,
            metrics::Unit::Seconds,
            "When certificates in use expire: of a client and its chain the first, of trusted authorities the last"
        );
        let mut all = Vec::new();
        if let Database::Postgres { options, .. } = &config.database {
            all.extend(options.root_certificate.clone().map(database_authorities));
            all.extend(options.client_certificate.clone().map(database_client));
        }
        for (usage, place) in config.kafka.as_ref().map(kafka::certificates).unwrap_or_default() {
            let name = match usage {
                CertificateUse::Client => "kafka-client",
                CertificateUse::Authorities => "kafka-authorities",
            };
            all.push(Watched { name, usage, place, is_renewed: false });
        }
        Certificates(all)
    }

    /// Reads them now, and again now and then those of which a renewed file is used. Never returns.
    pub(super) async fn keep_watching(self) {
        let mut ticks = tokio::time::interval(INTERVAL);
        let mut is_first = true;
        loop {
            ticks.tick().await;
            for watched in self.0.iter().filter(|watched| is_first || watched.is_renewed) {
                watched.show();
            }
            is_first = false;
        }
    }
}

fn database_authorities(file: PathBuf) -> Watched {
    Watched {
        name: "database-authorities",
        usage: CertificateUse::Authorities,
        place: CertificateSource::File(file),
        is_renewed: false,
    }
}

fn database_client(file: PathBuf) -> Watched {
    Watched {
        name: "database-client",
        usage: CertificateUse::Client,
        place: CertificateSource::File(file),
        is_renewed: true,
    }
}

impl Watched {
    /// A file that cannot be read leaves the gauge: its user reports the failure.
    fn show(&self) {
        let content = match &self.place {
            CertificateSource::Text(pem) => pem.clone().into_bytes(),
            CertificateSource::File(file) => match fs::read(file) {
                Ok(content) => content,
                Err(error) => {
                    tracing::debug!(file = %file.display(), %error, "a certificate cannot be read");
                    return;
                }
            },
        };
        if let Some(end) = end(&content, self.usage) {
            metrics::gauge!(NOT_AFTER, "certificate" => self.name).set(end.as_secs_f64());
        }
    }
}

/// When these certificates, PEM or one as DER, can be used no longer, since 1970. `None` when there is none that can
/// be read.
fn end(content: &[u8], usage: CertificateUse) -> Option<Duration> {
    let pem: Vec<CertificateDer<'static>> =
        CertificateDer::pem_slice_iter(content).filter_map(Result::ok).collect();
    let all = if pem.is_empty() { vec![CertificateDer::from(content.to_vec())] } else { pem };
    let ends = all.iter().filter_map(|der| {
        let certificate = Certificate::from_der(der).ok()?;
        Some(certificate.tbs_certificate.validity.not_after.to_unix_duration())
    });
    match usage {
        CertificateUse::Client => ends.min(),
        CertificateUse::Authorities => ends.max(),
    }
}

#[cfg(test)]
mod tests {
    use rcgen::{CertificateParams, KeyPair, date_time_ymd};

    use super::*;

    fn until(year: i32) -> rcgen::Certificate {
        let mut params = CertificateParams::new(["pg-service".to_owned()]).unwrap();
        params.not_after = date_time_ymd(year, 1, 1);
        params.self_signed(&KeyPair::generate().unwrap()).unwrap()
    }

    #[test]
    fn a_chain_ends_with_its_first_certificate_and_trust_with_its_last_authority() {
        let [early, late] = [2027, 2040].map(until);
        let both = format!(
            "-----BEGIN CERTIFICATE-----\nbm90aGluZw==\n-----END CERTIFICATE-----\n{}{}",
            late.pem(),
            early.pem()
        );
        let (first, last) =
            (Some(Duration::from_secs(1_798_761_600)), Some(Duration::from_secs(2_208_988_800)));
        assert_eq!(end(both.as_bytes(), CertificateUse::Client), first);
        assert_eq!(end(both.as_bytes(), CertificateUse::Authorities), last);
        assert_eq!(end(early.der(), CertificateUse::Client), first, "DER");
        assert_eq!(end(b"no certificate", CertificateUse::Client), None);
        assert_eq!(end(b"", CertificateUse::Authorities), None);
    }
}
