//! Later steps of credentials: wiped when their time is over, wrapped by another key.

use async_trait::async_trait;
use payment_domain::{AuditAction, CredentialState, MerchantCredential, Timestamp};
use payment_store::StoredAccount;

use super::{AccountActor, AccountError, Accounts};
use crate::scheduler::{Job, JobError, Run};

impl Accounts {
    /// Wipes the credentials whose time is over; says how many.
    ///
    /// # Errors
    /// [`AccountError`].
    pub async fn wipe_due(&self) -> Result<u32, AccountError> {
        let Some(wipe_after) = self.settings.wipe_after else { return Ok(0) };
        let actor = AccountActor::Job("accounts");
        let now = self.clock.now();
        let is_due = |credential: &MerchantCredential| {
            let retired_at = credential.retired.as_ref().map(|retired| retired.at);
            credential.state == CredentialState::Retired
                && retired_at.is_some_and(|at| now.since(at) > wipe_after)
        };
        let mut count = 0;
        for StoredAccount { account, credentials } in self.store.merchant_accounts().await?.accounts {
            let due = credentials.into_iter().filter(is_due);
            let due: Vec<MerchantCredential> = due.map(|credential| wiped(credential, now)).collect();
            if !due.is_empty() {
                self.change(&actor, AuditAction::CredentialWiped, account, due).await?;
                count += 1;
            }
        }
        Ok(count)
    }

    /// Wraps the data keys of all credentials by the current key; says how many accounts were changed. Repeated,
    /// it goes on where it was cut off.
    ///
    /// # Errors
    /// [`AccountError`]; what was changed before stays.
    pub async fn rotate_keys(&self, actor: &AccountActor) -> Result<u32, AccountError> {
        let mut count = 0;
        for stored in self.store.merchant_accounts().await?.accounts {
            let id = stored.account.id.clone();
            let mut stored = Some(stored);
            // An account that is changed meanwhile is read again.
            while let Some(StoredAccount { account, credentials }) = stored.take() {
                let mut changed = Vec::new();
                for credential in credentials {
                    let sealed = credential.sealed.as_ref();
                    let rewrapped = sealed.map(|sealed| self.keys.rewrap(&id, credential.version, sealed));
                    if let Some(sealed) = rewrapped.transpose()?.flatten() {
                        changed.push(MerchantCredential { sealed: Some(sealed), ..credential });
                    }
                }
                if changed.is_empty() {
                    continue;
                }
                match self.change(actor, AuditAction::KeysRotated, account, changed).await {
                    Ok(_) => count += 1,
                    Err(AccountError::Stale) => stored = Some(self.of(actor, &id).await?),
                    Err(error) => return Err(error),
                }
            }
        }
        Ok(count)
    }
}

pub(super) fn wiped(credential: MerchantCredential, at: Timestamp) -> MerchantCredential {
    MerchantCredential { state: CredentialState::Wiped, sealed: None, wiped_at: Some(at), ..credential }
}

/// Wipes credentials whose time is over.
pub struct AccountsJob {
    pub accounts: Accounts,
}

#[async_trait]
impl Job for AccountsJob {
    async fn tick(&self, run: &Run) -> Result<(), JobError> {
        let wiped = self.accounts.wipe_due().await.map_err(|error| match error {
            AccountError::Store(error) => JobError::Store(error),
            error @ (AccountError::NotFound
            | AccountError::Stale
            | AccountError::KeyReused
            | AccountError::Nameless
            | AccountError::SamePerson
            | AccountError::State(_)
            | AccountError::Invalid(_)
            | AccountError::OtherMerchant
            | AccountError::NotVerified(_)
            | AccountError::Denied(_)
            | AccountError::Vault(_)) => JobError::Other(error.into()),
        })?;
        run.count(|tally| tally.changed += wiped);
        Ok(())
    }
}
