//! TLS of outgoing calls: the computer's trusted certificates, read once in a process.

use std::sync::{Arc, OnceLock};

use rustls::{ClientConfig, RootCertStore};

use crate::BoxError;

/// The configuration that all clients share, and with it the sessions that are resumed.
///
/// # Errors
/// When the computer has no trusted certificate that can be read.
pub(crate) fn config() -> Result<ClientConfig, BoxError> {
    static CONFIG: OnceLock<ClientConfig> = OnceLock::new();
    if let Some(config) = CONFIG.get() {
        return Ok(config.clone());
    }
    // A process has one default provider, also for clients that are built elsewhere; the first call has chosen it.
    let _already_chosen = rustls::crypto::ring::default_provider().install_default();
    let found = rustls_native_certs::load_native_certs();
    let mut roots = RootCertStore::empty();
    let (trusted, _unusable) = roots.add_parsable_certificates(found.certs);
    if trusted == 0 {
        let reasons: Vec<String> = found.errors.iter().map(ToString::to_string).collect();
        return Err(format!("no trusted certificate can be read ({})", reasons.join(", ")).into());
    }
    let provider = Arc::new(rustls::crypto::ring::default_provider());
    let config = ClientConfig::builder_with_provider(provider)
        .with_safe_default_protocol_versions()?
        .with_root_certificates(roots)
        .with_no_client_auth();
    Ok(CONFIG.get_or_init(|| config).clone())
}
