//! An account as operators see it, without secrets.

use std::collections::BTreeMap;

use payment_domain::{MerchantCredential, Signed};
use payment_store::StoredAccount;
use serde::Serialize;
use utoipa::ToSchema;

use super::AccountTrouble;

/// A merchant account.
#[derive(Debug, Clone, Serialize, ToSchema)]
#[serde(rename_all = "camelCase")]
pub struct AccountView {
    id: String,
    tenant_id: String,
    /// `null` for every service of the tenant.
    business_service: Option<String>,
    gateway: String,
    label: String,
    /// Of several accounts for one tenant and service the lowest is used.
    priority: u32,
    /// `OPEN` or `RETIRED`.
    state: &'static str,
    bank_account_ref: Option<String>,
    /// The number of changes.
    version: u32,
    created_by: String,
    /// Milliseconds since 1970.
    created_time: i64,
    modified_by: String,
    modified_time: i64,
    /// Oldest first.
    credentials: Vec<CredentialView>,
}

/// A version of an account's credentials.
#[derive(Debug, Clone, Serialize, ToSchema)]
#[serde(rename_all = "camelCase")]
struct CredentialView {
    version: u32,
    /// `CREATED`, `ENTERED`, `VERIFIED`, `ACTIVE`, `RETIRED` or `WIPED`.
    state: &'static str,
    /// The fields that are no secrets.
    fields: BTreeMap<String, String>,
    /// The last four characters of long secrets.
    secrets: BTreeMap<String, String>,
    /// The id of the key-encryption key.
    key: Option<String>,
    fingerprint: Option<String>,
    entered: Option<SignedView>,
    verified: Option<SignedView>,
    activated: Option<SignedView>,
    retired: Option<SignedView>,
    /// Milliseconds since 1970.
    wiped_time: Option<i64>,
    /// The reason they cannot be used.
    trouble: Option<String>,
}

#[derive(Debug, Clone, Serialize, ToSchema)]
struct SignedView {
    /// A uuid.
    by: String,
    /// Milliseconds since 1970.
    time: i64,
}

impl AccountView {
    /// `troubles` are those of all accounts.
    pub fn of(stored: &StoredAccount, troubles: &[AccountTrouble]) -> AccountView {
        let StoredAccount { account, credentials } = stored;
        let trouble = |version: u32| {
            let found = troubles.iter().find(|it| it.account == account.id && it.version == version);
            found.map(|trouble| trouble.why.to_string())
        };
        AccountView {
            id: account.id.to_string(),
            tenant_id: account.tenant_id.to_string(),
            business_service: account.business_service.clone(),
            gateway: account.gateway.to_string(),
            label: account.label.clone(),
            priority: account.priority,
            state: account.state.as_str(),
            bank_account_ref: account.bank_account_ref.clone(),
            version: account.version,
            created_by: account.created_by.clone(),
            created_time: account.created_at.as_millis(),
            modified_by: account.modified_by.clone(),
            modified_time: account.modified_at.as_millis(),
            credentials: credentials.iter().map(|it| credential(it, trouble(it.version))).collect(),
        }
    }
}

fn credential(credential: &MerchantCredential, trouble: Option<String>) -> CredentialView {
    let signed = |signed: &Option<Signed>| {
        signed.as_ref().map(|Signed { by, at }| SignedView { by: by.clone(), time: at.as_millis() })
    };
    CredentialView {
        version: credential.version,
        state: credential.state.as_str(),
        fields: credential.options.clone(),
        secrets: credential.hints.iter().map(|(name, end)| (name.clone(), format!("…{end}"))).collect(),
        key: credential.sealed.as_ref().map(|sealed| sealed.kek_id.clone()),
        fingerprint: credential.fingerprint.clone(),
        entered: signed(&credential.entered),
        verified: signed(&credential.verified),
        activated: signed(&credential.approved),
        retired: signed(&credential.retired),
        wiped_time: credential.wiped_at.map(|at| at.as_millis()),
        trouble,
    }
}
