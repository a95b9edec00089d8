//! Login at an OpenID Connect provider: authorization code with PKCE, for one client.
//!
//! [`Provider::begin`] gives the address to which a browser is sent, and the [`Attempt`] that stays in that browser;
//! [`Provider::finish`] turns what the browser comes back with into proven claims. The provider is asked about itself at
//! first use, and again after an hour or when a token names a key that is not known: a service starts without it.

mod attempt;
mod http;
mod provider;

use secrecy::SecretString;
use serde_json::{Map, Value};

pub use attempt::{ATTEMPT_LIFE, Attempt};
pub use http::LIMITS;
pub use provider::{Begun, Provider};

/// The client of a provider.
#[derive(Debug, Clone)]
pub struct ProviderSettings {
    /// Exactly as the provider names itself.
    pub issuer: String,
    pub client_id: String,
    /// `None`: a public client.
    pub client_secret: Option<SecretString>,
    /// Beside `openid`.
    pub scopes: Vec<String>,
}

/// The parameters with which a browser comes back.
#[derive(Debug, Clone, Copy)]
pub struct Answer<'a> {
    pub code: &'a str,
    /// The parameter `iss`: the provider that answers.
    pub issuer: Option<&'a str>,
}

/// A person whom the provider has proven.
#[derive(Debug, Clone)]
pub struct Proven {
    pub subject: String,
    /// Of the ID token; personal data.
    pub claims: Map<String, Value>,
    /// A hint for the provider's logout.
    pub id_token: SecretString,
}

/// The reason why a login came to nothing. The texts have no token and no personal data.
#[derive(Debug, thiserror::Error)]
pub enum OidcError {
    /// The settings name no address.
    #[error("{0} is no address")]
    Setting(&'static str),
    /// It does not answer, or its description of itself cannot be used.
    #[error("the login provider cannot be asked: {0}")]
    Unavailable(String),
    /// It does not accept the code.
    #[error("the login provider refuses the code: {0}")]
    Refused(String),
    /// Its answer proves nothing.
    #[error("the login provider's answer is invalid ({}): {detail}", .flaw.as_str())]
    Invalid { flaw: Flaw, detail: String },
}

/// The flaw of an answer.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Flaw {
    /// Another provider has answered, or signed.
    Issuer,
    Audience,
    Expired,
    /// Issued in the future.
    Issued,
    Nonce,
    /// Wrong, missing, by an unknown key or in a way that is not accepted.
    Signature,
    /// No ID token, or one that cannot be read.
    Unreadable,
}

impl Flaw {
    /// Its word in the audit log.
    pub fn as_str(self) -> &'static str {
        match self {
            Flaw::Issuer => "issuer",
            Flaw::Audience => "audience",
            Flaw::Expired => "expired",
            Flaw::Issued => "issued in the future",
            Flaw::Nonce => "nonce",
            Flaw::Signature => "signature",
            Flaw::Unreadable => "unreadable",
        }
    }
}
