//! Merchant accounts: who sees and changes them, and how a change is stored.

use std::net::IpAddr;
use std::sync::Arc;
use std::time::Duration;

use payment_domain::{
    AccountId, AuditAction, Clock, CredentialState, MerchantAccount, MerchantCredential, Role, TenantId,
};
use payment_store::{AccountChange, AccountStored, Store, StoredAccount, TenantScope};

use super::actor::entry;
use super::{AccountActor, AccountAdapters, AccountDirectory, AccountError, Keyring};
use crate::identity::Identity;

/// Changes merchant accounts.
#[derive(Clone)]
pub struct Accounts {
    pub store: Arc<dyn Store>,
    pub clock: Arc<dyn Clock>,
    pub adapters: Arc<dyn AccountAdapters>,
    pub keys: Keyring,
    pub settings: AccountSettings,
    /// Refreshed after each change.
    pub directory: AccountDirectory,
}

#[derive(Clone, Debug)]
pub struct AccountSettings {
    /// Whether another person activates credentials than the one who entered them.
    pub second_person: bool,
    /// How long after their retirement credentials are wiped: longer than callbacks come and payments are
    /// refunded. `None` for never.
    pub wipe_after: Option<Duration>,
    /// The longest question to a gateway.
    pub gateway_wait: Duration,
}

/// An account that an actor changes.
#[derive(Clone, Copy, Debug)]
pub struct SeenAccount<'a> {
    pub id: &'a AccountId,
    /// The version of the account that the actor has seen: of one that has moved on nothing is changed. `None` for
    /// whichever is stored.
    pub version: Option<u32>,
}

impl<'a> From<&'a AccountId> for SeenAccount<'a> {
    fn from(id: &'a AccountId) -> SeenAccount<'a> {
        SeenAccount { id, version: None }
    }
}

impl Accounts {
    /// All accounts, or those of these tenants and below.
    ///
    /// # Errors
    /// [`AccountError::Store`].
    pub async fn list(&self, scope: Option<&TenantScope>) -> Result<Vec<StoredAccount>, AccountError> {
        match scope {
            Some(scope) => Ok(self.store.accounts_within(scope).await?),
            None => Ok(self.store.merchant_accounts().await?.accounts),
        }
    }

    /// The accounts of several tenants and below, each once.
    ///
    /// # Errors
    /// [`AccountError::Store`].
    pub async fn list_within(&self, scopes: &[TenantScope]) -> Result<Vec<StoredAccount>, AccountError> {
        let mut found: Vec<StoredAccount> = Vec::new();
        for scope in outermost(scopes) {
            found.extend(self.store.accounts_within(scope).await?);
        }
        Ok(found)
    }

    /// The caller as an admin of the tenant of this account.
    ///
    /// # Errors
    /// [`AccountError::NotFound`] also for an account of other tenants; [`AccountError::Denied`].
    pub async fn actor(
        &self,
        identity: &Identity,
        address: Option<IpAddr>,
        id: &AccountId,
    ) -> Result<AccountActor, AccountError> {
        for scope in identity.scopes(&[Role::Admin])? {
            if let Some(stored) = self.store.account(id, &scope).await? {
                let tenant = &stored.account.tenant_id;
                return Ok(AccountActor::Principal(identity.principal(&[Role::Admin], tenant, address)?));
            }
        }
        Err(AccountError::NotFound)
    }

    /// The account that the actor has seen, unless it has moved on.
    pub(super) async fn seen(
        &self,
        actor: &AccountActor,
        seen: SeenAccount<'_>,
    ) -> Result<StoredAccount, AccountError> {
        let stored = self.of(actor, seen.id).await?;
        match seen.version {
            Some(version) if version != stored.account.version => Err(AccountError::Stale),
            Some(_) | None => Ok(stored),
        }
    }

    /// The account, if it is in the actor's tenants.
    pub(super) async fn of(
        &self,
        actor: &AccountActor,
        id: &AccountId,
    ) -> Result<StoredAccount, AccountError> {
        let found = match actor.scope() {
            Some(scope) => self.store.account(id, &scope).await?,
            None => {
                let all = self.store.merchant_accounts().await?.accounts;
                all.into_iter().find(|stored| stored.account.id == *id)
            }
        };
        found.ok_or(AccountError::NotFound)
    }

    pub(super) async fn change(
        &self,
        actor: &AccountActor,
        action: AuditAction,
        account: MerchantAccount,
        credentials: Vec<MerchantCredential>,
    ) -> Result<StoredAccount, AccountError> {
        let now = self.clock.now();
        let before = account.version;
        let account = MerchantAccount {
            version: before.saturating_add(1),
            modified_by: actor.by(),
            modified_at: now,
            ..account
        };
        let audit = credentials
            .iter()
            .map(|credential| {
                entry(actor, action_of(action, credential), &account, credential, Some(before), now)
            })
            .collect();
        let id = account.id.clone();
        match self.store.change_account(AccountChange { account, credentials, audit }).await? {
            AccountStored::Stored => {}
            AccountStored::Stale => return Err(AccountError::Stale),
        }
        self.directory.refresh().await?;
        self.of(&AccountActor::Job("accounts"), &id).await
    }
}

/// Activating credentials retires others in the same commit; retiring an account wipes those that were never active.
fn action_of(action: AuditAction, credential: &MerchantCredential) -> AuditAction {
    match (action, credential.state) {
        (AuditAction::CredentialActivated, CredentialState::Retired) => AuditAction::CredentialRetired,
        (AuditAction::CredentialRetired, CredentialState::Wiped) => AuditAction::CredentialWiped,
        (action, _) => action,
    }
}

/// The scopes that lie in no other of them.
fn outermost(scopes: &[TenantScope]) -> impl Iterator<Item = &TenantScope> {
    scopes
        .iter()
        .enumerate()
        .filter(|(at, scope)| {
            !scopes.iter().enumerate().any(|(other_at, other)| {
                let is_same = other.root == scope.root;
                (is_same && other_at < *at)
                    || (!is_same && TenantId::stored(scope.root.as_str()).is_within(&other.root))
            })
        })
        .map(|(_, scope)| scope)
}
