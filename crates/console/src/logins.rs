//! The logins beside one-time links.

use payment_oidc::Provider;
use payment_service::{ClaimMapping, Employees};

/// The logins beside one-time links.
#[derive(Default)]
pub struct Logins {
    pub provider: Option<ProviderLogin>,
    pub employees: Option<Employees>,
}

/// The login at a provider.
pub struct ProviderLogin {
    /// The name by which people know it.
    pub name: String,
    /// Its own name.
    pub issuer: String,
    pub provider: Provider,
    pub claims: ClaimMapping,
}
