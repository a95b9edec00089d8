//! Merchant accounts and their credentials: few, read whole, changed as one value.

use std::collections::BTreeMap;

use async_trait::async_trait;
use payment_domain::{AccountId, AuditEntry, MerchantAccount, MerchantCredential, SealedFields};
use serde_json::{Value, json};

use crate::{StoreError, TenantScope};

#[async_trait]
pub trait MerchantAccounts: Send + Sync {
    /// A number that grows with every change of an account. Cheap: replicas read it every few seconds.
    async fn accounts_revision(&self) -> Result<u64, StoreError>;

    /// All accounts with all their credentials, and the revision they are at.
    async fn merchant_accounts(&self) -> Result<StoredAccounts, StoreError>;

    /// The accounts of these tenants, in the order of their tenants.
    async fn accounts_within(&self, scope: &TenantScope) -> Result<Vec<StoredAccount>, StoreError>;

    /// An account of these tenants.
    async fn account(&self, id: &AccountId, scope: &TenantScope)
    -> Result<Option<StoredAccount>, StoreError>;

    /// Stores a new account; `Stale` when its id is taken.
    async fn add_account(&self, new: NewAccount) -> Result<AccountStored, StoreError>;

    /// Stores a change, if the stored account is at the version before it. At most one credential of an
    /// account is active: a change that activates one retires the other first.
    async fn change_account(&self, change: AccountChange) -> Result<AccountStored, StoreError>;
}

/// A new account with everything that is stored in the same commit.
#[derive(Debug, Clone)]
pub struct NewAccount {
    /// At version 1.
    pub account: MerchantAccount,
    pub credential: MerchantCredential,
    pub audit: Vec<AuditEntry>,
}

/// A change of an account and of some of its credentials, stored whole or not at all.
#[derive(Debug, Clone)]
pub struct AccountChange {
    /// The account as it shall be; its `version` is one more than that of the stored one. Tenant, service and
    /// gateway are fixed.
    pub account: MerchantAccount,
    /// Credentials as they shall be, new or changed, in the order in which they are stored.
    pub credentials: Vec<MerchantCredential>,
    pub audit: Vec<AuditEntry>,
}

/// The outcome of a write.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum AccountStored {
    Stored,
    /// Nothing was stored: the account has moved on. Read again.
    Stale,
}

/// An account with its credentials, oldest first.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct StoredAccount {
    pub account: MerchantAccount,
    pub credentials: Vec<MerchantCredential>,
}

#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct StoredAccounts {
    pub revision: u64,
    pub accounts: Vec<StoredAccount>,
}

/// Joins accounts with their credentials, which are sorted by account.
pub fn joined(accounts: Vec<MerchantAccount>, credentials: Vec<MerchantCredential>) -> Vec<StoredAccount> {
    let mut by_account: BTreeMap<AccountId, Vec<MerchantCredential>> = BTreeMap::new();
    for credential in credentials {
        by_account.entry(credential.account.clone()).or_default().push(credential);
    }
    let with = |account: MerchantAccount| StoredAccount {
        credentials: by_account.remove(&account.id).unwrap_or_default(),
        account,
    };
    accounts.into_iter().map(with).collect()
}

/// The text in which both databases hold sealed fields, beside the id of their key.
pub fn sealed_text(sealed: &SealedFields) -> String {
    let fields: BTreeMap<&String, String> =
        sealed.fields.iter().map(|(name, bytes)| (name, hex::encode(bytes))).collect();
    json!({ "key": hex::encode(&sealed.wrapped_key), "fields": fields }).to_string()
}

/// Reads [`sealed_text`].
pub fn read_sealed(kek_id: &str, text: &str) -> Option<SealedFields> {
    let stored: Value = serde_json::from_str(text).ok()?;
    let bytes = |value: &Value| hex::decode(value.as_str()?).ok();
    let fields = stored.get("fields")?.as_object()?.iter();
    let fields = fields.map(|(name, value)| Some((name.clone(), bytes(value)?)));
    Some(SealedFields {
        kek_id: kek_id.to_owned(),
        wrapped_key: bytes(stored.get("key")?)?,
        fields: fields.collect::<Option<_>>()?,
    })
}

/// Reads texts by name from JSON.
pub fn read_texts(text: &str) -> Option<BTreeMap<String, String>> {
    serde_json::from_str(text).ok()
}
