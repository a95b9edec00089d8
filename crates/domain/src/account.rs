//! Merchant accounts: which one a payment is made through, and the stored ones with their credentials.

use std::collections::BTreeMap;
use std::fmt;

use crate::clock::Timestamp;
use crate::ids::{AccountId, GatewayName, TenantId};

/// A short digest of the merchant's id at a gateway; identifies a merchant without showing the id.
#[derive(Clone, Debug, PartialEq, Eq, Hash)]
pub struct MerchantDigest(String);

impl MerchantDigest {
    /// The first bytes of a SHA-256.
    pub fn new(sha256: [u8; 32]) -> MerchantDigest {
        MerchantDigest(sha256.iter().take(8).map(|byte| format!("{byte:02x}")).collect())
    }

    /// One that was stored: 16 hexadecimal digits.
    pub fn stored(text: &str) -> Option<MerchantDigest> {
        let is_digest = text.len() == 16 && text.bytes().all(|byte| byte.is_ascii_hexdigit());
        is_digest.then(|| MerchantDigest(text.to_owned()))
    }

    pub fn as_str(&self) -> &str {
        &self.0
    }
}

/// The merchant account through which a payment is made, fixed at its creation.
#[derive(Clone, Debug, PartialEq, Eq, Hash)]
pub enum AccountRef {
    /// The account of the configuration file then, by its merchant.
    Configured(MerchantDigest),
    /// A stored account, and the version of its credential then.
    Stored { id: AccountId, version: u32 },
}

const CONFIGURED: &str = "configured";

impl AccountRef {
    /// The account that a text names, as [`fmt::Display`] writes it.
    pub fn stored(text: &str) -> Option<AccountRef> {
        match text.split_once('/')? {
            (CONFIGURED, digest) => MerchantDigest::stored(digest).map(AccountRef::Configured),
            (id, version) => {
                Some(AccountRef::Stored { id: AccountId::new(id).ok()?, version: version.parse().ok()? })
            }
        }
    }
}

impl fmt::Display for AccountRef {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            AccountRef::Configured(merchant) => write!(f, "{CONFIGURED}/{}", merchant.as_str()),
            AccountRef::Stored { id, version } => write!(f, "{id}/{version}"),
        }
    }
}

/// A merchant's account at a gateway, for the payments of a tenant and of those below it.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct MerchantAccount {
    pub id: AccountId,
    pub tenant_id: TenantId,
    /// `None` for every service of the tenant.
    pub business_service: Option<String>,
    pub gateway: GatewayName,
    /// For people.
    pub label: String,
    /// Of several active accounts of one gateway, tenant and service the one with the lowest number is used.
    pub priority: u32,
    pub state: AccountState,
    /// The bank account that the gateway settles to, in the operator's words.
    pub bank_account_ref: Option<String>,
    /// Fixed by the first credential; `None` before it, and where credentials name no merchant.
    pub merchant: Option<MerchantDigest>,
    pub created_by: String,
    pub created_at: Timestamp,
    pub modified_by: String,
    pub modified_at: Timestamp,
    /// The number of changes of the account and its credentials, 1 for the first stored state. A change names
    /// the version it is based on.
    pub version: u32,
}

#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub enum AccountState {
    Open,
    /// Takes no new payments; status requests about existing ones go on.
    Retired,
}

impl AccountState {
    pub fn as_str(self) -> &'static str {
        match self {
            AccountState::Open => "OPEN",
            AccountState::Retired => "RETIRED",
        }
    }

    pub fn from_word(word: &str) -> Option<AccountState> {
        [AccountState::Open, AccountState::Retired].into_iter().find(|state| state.as_str() == word)
    }
}

/// A version of an account's credentials.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct MerchantCredential {
    pub account: AccountId,
    /// From 1.
    pub version: u32,
    pub state: CredentialState,
    /// The fields that are no secrets, by the names of settings.
    pub options: BTreeMap<String, String>,
    /// The last four characters of each secret, by the names of settings.
    pub hints: BTreeMap<String, String>,
    /// `None` before it is entered and after it is wiped.
    pub sealed: Option<SealedFields>,
    /// A digest of all fields, for the audit log: equal fields in one version of an account have the same.
    pub fingerprint: Option<String>,
    pub created_by: String,
    pub created_at: Timestamp,
    pub entered: Option<Signed>,
    pub verified: Option<Signed>,
    /// By whom it was activated, and when.
    pub approved: Option<Signed>,
    /// Whether another person than the one who entered it must activate it.
    pub second_person: bool,
    pub retired: Option<Signed>,
    pub wiped_at: Option<Timestamp>,
}

/// A person and the time of their act.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Signed {
    /// A uuid, or the name of an account of the machine behind `cli:`.
    pub by: String,
    pub at: Timestamp,
}

/// Secrets as they are stored: encrypted, and the key to them wrapped by a key-encryption key.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct SealedFields {
    /// The id of the key-encryption key.
    pub kek_id: String,
    pub wrapped_key: Vec<u8>,
    /// By the names of settings.
    pub fields: BTreeMap<String, Vec<u8>>,
}

#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash, PartialOrd, Ord)]
pub enum CredentialState {
    Created,
    /// Its fields are there.
    Entered,
    /// The gateway has answered a status request with it.
    Verified,
    /// New payments are made with it.
    Active,
    /// Still verifies callbacks.
    Retired,
    /// Its fields are gone.
    Wiped,
}

impl CredentialState {
    pub const ALL: [CredentialState; 6] = [
        CredentialState::Created,
        CredentialState::Entered,
        CredentialState::Verified,
        CredentialState::Active,
        CredentialState::Retired,
        CredentialState::Wiped,
    ];

    pub fn as_str(self) -> &'static str {
        match self {
            CredentialState::Created => "CREATED",
            CredentialState::Entered => "ENTERED",
            CredentialState::Verified => "VERIFIED",
            CredentialState::Active => "ACTIVE",
            CredentialState::Retired => "RETIRED",
            CredentialState::Wiped => "WIPED",
        }
    }

    pub fn from_word(word: &str) -> Option<CredentialState> {
        CredentialState::ALL.into_iter().find(|state| state.as_str() == word)
    }

    /// Whether payments may have been made with it, which it still serves.
    pub fn serves(self) -> bool {
        match self {
            CredentialState::Active | CredentialState::Retired => true,
            CredentialState::Created
            | CredentialState::Entered
            | CredentialState::Verified
            | CredentialState::Wiped => false,
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_account_of_a_payment_is_read_as_it_was_written() {
        let digest = MerchantDigest::new([0xa5; 32]);
        let id = AccountId::new("0190b6f8-2c70-7b6e-9e3a-5d9d1c3f0a11").unwrap();
        for account in [AccountRef::Configured(digest), AccountRef::Stored { id, version: 12 }] {
            assert_eq!(AccountRef::stored(&account.to_string()), Some(account));
        }
        for text in ["", "x", "/1", "configured/", "configured/1", "a/x", "a/-1", "a/1/2"] {
            assert_eq!(AccountRef::stored(text), None, "{text}");
        }
    }

    #[test]
    fn every_state_is_found_by_its_word() {
        for state in CredentialState::ALL {
            assert_eq!(CredentialState::from_word(state.as_str()), Some(state));
        }
        assert_eq!(AccountState::from_word("RETIRED"), Some(AccountState::Retired));
        assert_eq!(AccountState::from_word("retired"), None);
    }
}
