//! Stored merchant accounts: which one a payment is made through, and their credentials' life.
//!
//! [`AccountDirectory`] holds the accounts that payments use, with an adapter for each version of their
//! credentials; it is read anew when the store's revision has grown. [`Accounts`] changes them.

mod activating;
mod actor;
mod directory;
mod entering;
mod error;
mod importing;
mod live;
mod managing;
mod precedence;
mod vault;
mod verifying;
mod view;
mod wiping;

use std::collections::BTreeMap;
use std::sync::Arc;

use payment_domain::{AccountId, GatewayName, MerchantDigest};
use payment_gateway::Gateway;
use secrecy::SecretString;

pub use actor::AccountActor;
pub use directory::{AccountDirectory, AccountTrouble, Place};
pub use entering::AccountWish;
pub use error::{AccountError, AccountObstacle, AccountProblem, CredentialFault, Unverified};
pub use importing::{ImportedAccount, accounts_of_csv, accounts_of_pg_detail};
pub use live::{CALLBACKS_COME_FOR, OrderLives};
pub use managing::{AccountSettings, Accounts, SeenAccount};
pub use precedence::{AccountLevel, AccountStanding, AccountVerdict, GatewayPrecedence};
pub use vault::{KeyEncryptionKey, Keyring, VaultError};
pub use view::AccountView;
pub use wiping::AccountsJob;

pub(crate) use directory::Chosen;

/// The adapters of stored accounts.
pub trait AccountAdapters: Send + Sync {
    /// The gateways that can have stored accounts, in alphabetical order.
    fn gateways(&self) -> Vec<GatewayName>;

    /// The fields of an account of this gateway; `None` where it has none that can be stored.
    fn fields(&self, gateway: &GatewayName) -> Option<Vec<AccountField>>;

    /// An adapter for an account with these fields.
    ///
    /// # Errors
    /// Everything that is wrong with them.
    fn adapter(
        &self,
        gateway: &GatewayName,
        fields: &BTreeMap<String, SecretString>,
    ) -> Result<AccountAdapter, Vec<AccountProblem>>;

    /// The gateway behind a guard of its own: what one account does to it stops no other.
    fn guarded(&self, account: &AccountId, gateway: Arc<dyn Gateway>) -> Arc<dyn Gateway>;
}

/// A field of an account.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct AccountField {
    /// The name of the setting.
    pub name: String,
    /// Whether it is encrypted and never shown.
    pub secret: bool,
    /// Its purpose: a sentence.
    pub doc: &'static str,
}

pub struct AccountAdapter {
    pub gateway: Arc<dyn Gateway>,
    /// `None` where the fields do not name the merchant.
    pub merchant: Option<MerchantDigest>,
}
