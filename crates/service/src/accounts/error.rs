//! The reasons an account is not changed, or cannot be used.

use payment_domain::{GatewayName, Outcome};
use payment_gateway::GatewayError;
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
    #[error(transparent)]
    State(AccountObstacle),
    /// Everything that is wrong.
    #[error("{}", joined(.0))]
    Invalid(Vec<AccountProblem>),
    #[error("the credentials are another merchant's: add another account for it")]
    OtherMerchant,
    #[error("the gateway does not accept the credentials: {0}")]
    NotVerified(Unverified),
    #[error(transparent)]
    Denied(#[from] Denied),
    #[error(transparent)]
    Vault(#[from] VaultError),
    #[error(transparent)]
    Store(#[from] StoreError),
}

impl AccountError {
    /// A gateway without stored accounts.
    pub fn no_accounts_of(gateway: &GatewayName) -> AccountError {
        AccountError::Invalid(vec![AccountProblem::NoStoredAccounts(gateway.clone())])
    }
}

/// The reason a gateway has no stored accounts.
fn without_accounts(gateway: &GatewayName) -> String {
    if gateway.is_sandbox() {
        return "no money moves there, and it has no credentials".to_owned();
    }
    format!(
        "it is none of this program, and remote.{}.base-url is not in the configuration file",
        gateway.as_str().to_lowercase()
    )
}

fn joined(problems: &[AccountProblem]) -> String {
    problems.iter().map(ToString::to_string).collect::<Vec<_>>().join("; ")
}

/// The state of an account, or of its credentials, that a step does not suit.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
pub enum AccountObstacle {
    #[error("the account is retired: add another one")]
    Retired,
    #[error("no credentials are entered")]
    NotEntered,
    #[error("no credentials are verified")]
    NotVerified,
    #[error("there is no such payment of this account")]
    NoSuchPayment,
    #[error("the credentials are active: activate others, or retire the account")]
    Active,
    #[error("the credentials are wiped already")]
    Wiped,
    #[error("the credentials are retired; they can only be wiped")]
    RetiredCredentials,
    #[error(transparent)]
    Unusable(CredentialFault),
}

/// The reason the credentials of an account cannot be used.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
pub enum CredentialFault {
    #[error("its fields are not entered, or were wiped")]
    NoFields,
    #[error("it has no credentials any more: they were wiped, or never activated")]
    NoCredentials,
    /// Names the key-encryption key, where that is missing or wrong.
    #[error(transparent)]
    Vault(#[from] VaultError),
    #[error("{}", joined(.0))]
    Fields(Vec<AccountProblem>),
}

/// Something that is wrong with an account, or with the fields of its credentials. Nothing of a secret is in it.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
pub enum AccountProblem {
    #[error("the gateway {0} has no stored accounts: {why}", why = without_accounts(.0))]
    NoStoredAccounts(GatewayName),
    #[error("{member} must have 1 to {most} characters and no control characters")]
    Length {
        /// As the API names it.
        member: &'static str,
        most: usize,
    },
    #[error("{name} is no field of an account of {gateway}")]
    UnknownField { name: String, gateway: GatewayName },
    #[error("{0} is too long")]
    TooLong(String),
    /// A field without a text, or with one that the gateway's settings do not accept.
    #[error("{text}")]
    Field {
        name: String,
        is_set: bool,
        /// With the name.
        text: String,
    },
    /// Of the configuration file, or of a file that is imported.
    #[error("{0}")]
    OfFile(String),
}

/// The reason a status request has not verified credentials.
#[derive(Debug, thiserror::Error)]
pub enum Unverified {
    #[error("it does not answer")]
    Unanswered,
    #[error("it does not know the payment")]
    UnknownPayment,
    #[error("it answers `{}`, which proves nothing", .0.name())]
    Inconclusive(Outcome),
    #[error(transparent)]
    Failed(#[from] GatewayError),
}
