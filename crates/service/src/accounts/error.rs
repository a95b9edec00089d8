//! The reason an account is not changed.

use payment_domain::GatewayName;
use payment_store::StoreError;

use super::VaultError;
use crate::roles::Denied;

/// The reason an account was not changed.
#[derive(Debug, thiserror::Error)]
pub enum AccountError {
    #[error("there is no such account")]
    NotFound,
    #[error("the account has changed meanwhile; look at it again")]
    Stale,
    #[error("the key was used for another account")]
    KeyReused,
    #[error(
        "credentials are entered and activated by two people, each with a token of their own: present yours, or set \
         accounts.second-person=false"
    )]
    Nameless,
    #[error("another person than the one who entered the credentials has to activate them")]
    SamePerson,
    #[error("{0}")]
    State(String),
    /// Everything that is wrong; nothing of a secret is in it.
    #[error("{}", .0.join("; "))]
    Invalid(Vec<String>),
    #[error("the credentials are another merchant's: add another account for it")]
    OtherMerchant,
    #[error("the gateway does not accept the credentials: {0}")]
    NotVerified(String),
    #[error(transparent)]
    Denied(#[from] Denied),
    #[error(transparent)]
    Vault(#[from] VaultError),
    #[error(transparent)]
    Store(#[from] StoreError),
}

impl AccountError {
    /// A gateway whose accounts are in the configuration file alone, or that is not known.
    pub fn no_accounts_of(gateway: &GatewayName) -> AccountError {
        AccountError::Invalid(vec![format!("the gateway {gateway} has no stored accounts")])
    }
}
