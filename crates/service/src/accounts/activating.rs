//! Credentials are verified with the gateway, activated by a second person, and retired.

use payment_domain::{
    AccountState, AuditAction, CredentialState, MerchantAccount, MerchantCredential, Signed, Timestamp, TxnId,
};
use payment_store::StoredAccount;

use super::wiping::wiped;
use super::{AccountActor, AccountError, AccountObstacle, Accounts, SeenAccount, live, verifying};

impl Accounts {
    /// Asks the gateway a question with the entered credentials: about a payment of this account, or about one
    /// that it cannot know.
    ///
    /// # Errors
    /// [`AccountError`].
    pub async fn verify(
        &self,
        actor: &AccountActor,
        seen: impl Into<SeenAccount<'_>>,
        payment: Option<&TxnId>,
    ) -> Result<StoredAccount, AccountError> {
        let StoredAccount { account, credentials } = self.seen(actor, seen.into()).await?;
        is_open(&account)?;
        let entered = credentials
            .into_iter()
            .find(|it| matches!(it.state, CredentialState::Entered | CredentialState::Verified));
        let entered = entered.ok_or(AccountError::State(AccountObstacle::NotEntered))?;
        let fields = live::fields(&entered, &self.keys);
        let fields = fields.map_err(|fault| AccountError::State(AccountObstacle::Unusable(fault)))?;
        let adapter = self.adapters.adapter(&account.gateway, &fields).map_err(AccountError::Invalid)?;
        let payment = match payment {
            Some(payment) => {
                let found = self.store.transaction(payment).await?;
                let of_account = found.filter(|txn| verifying::is_of(txn, &account));
                Some(of_account.ok_or(AccountError::State(AccountObstacle::NoSuchPayment))?)
            }
            None => None,
        };
        verifying::ask(adapter.gateway.as_ref(), &account, payment, self.settings.gateway_wait)
            .await
            .map_err(AccountError::NotVerified)?;
        let verified = Some(Signed { by: actor.by(), at: self.clock.now() });
        let credential = MerchantCredential { state: CredentialState::Verified, verified, ..entered };
        self.change(actor, AuditAction::CredentialVerified, account, vec![credential]).await
    }

    /// Makes verified credentials those of new payments. The ones before are retired, and go on verifying
    /// callbacks.
    ///
    /// # Errors
    /// [`AccountError`].
    pub async fn activate(
        &self,
        actor: &AccountActor,
        seen: impl Into<SeenAccount<'_>>,
    ) -> Result<StoredAccount, AccountError> {
        let StoredAccount { account, credentials } = self.seen(actor, seen.into()).await?;
        is_open(&account)?;
        let (now, by) = (self.clock.now(), actor.by());
        let mut changed = Vec::new();
        let mut verified = None;
        for credential in credentials {
            match credential.state {
                CredentialState::Active => changed.push(retired(credential, &by, now)),
                CredentialState::Verified => verified = Some(credential),
                CredentialState::Created
                | CredentialState::Entered
                | CredentialState::Retired
                | CredentialState::Wiped => {}
            }
        }
        let verified = verified.ok_or(AccountError::State(AccountObstacle::NotVerified))?;
        let second_person = verified.second_person || self.settings.second_person;
        if second_person {
            let entered_by = verified.entered.as_ref().map(|entered| entered.by.as_str());
            if !actor.is_named() {
                return Err(AccountError::Nameless);
            }
            if entered_by.is_none_or(|entered_by| entered_by.eq_ignore_ascii_case(&by)) {
                return Err(AccountError::SamePerson);
            }
        }
        changed.push(MerchantCredential {
            state: CredentialState::Active,
            approved: Some(Signed { by, at: now }),
            second_person,
            ..verified
        });
        self.change(actor, AuditAction::CredentialActivated, account, changed).await
    }

    /// Retires an account: it takes no new payments, and is asked about those it has; credentials that no payment was
    /// made with are wiped. Or a version of its credentials that is not active: one that no payment was made with is
    /// wiped, a retired one is when `wipe` says so, because it has become known to others.
    ///
    /// # Errors
    /// [`AccountError`].
    pub async fn retire(
        &self,
        actor: &AccountActor,
        seen: impl Into<SeenAccount<'_>>,
        version: Option<u32>,
        wipe: bool,
    ) -> Result<StoredAccount, AccountError> {
        let StoredAccount { account, credentials } = self.seen(actor, seen.into()).await?;
        let (now, by) = (self.clock.now(), actor.by());
        let Some(version) = version else {
            let ended = |credential: MerchantCredential| match credential.state {
                CredentialState::Active => Some(retired(credential, &by, now)),
                CredentialState::Created | CredentialState::Entered | CredentialState::Verified => {
                    Some(wiped(credential, now))
                }
                CredentialState::Retired | CredentialState::Wiped => None,
            };
            let changed = credentials.into_iter().filter_map(ended).collect();
            let account = MerchantAccount { state: AccountState::Retired, ..account };
            return self.change(actor, AuditAction::CredentialRetired, account, changed).await;
        };
        let found = credentials.into_iter().find(|it| it.version == version);
        let credential = found.ok_or(AccountError::NotFound)?;
        match (credential.state, wipe) {
            (CredentialState::Active, _) => Err(AccountError::State(AccountObstacle::Active)),
            (CredentialState::Wiped, _) => Err(AccountError::State(AccountObstacle::Wiped)),
            (CredentialState::Retired, false) => {
                Err(AccountError::State(AccountObstacle::RetiredCredentials))
            }
            (CredentialState::Retired, true)
            | (CredentialState::Created | CredentialState::Entered | CredentialState::Verified, _) => {
                let credential = wiped(credential, now);
                self.change(actor, AuditAction::CredentialWiped, account, vec![credential]).await
            }
        }
    }
}

/// A retired account gets no other credentials.
pub(super) fn is_open(account: &MerchantAccount) -> Result<(), AccountError> {
    match account.state {
        AccountState::Open => Ok(()),
        AccountState::Retired => Err(AccountError::State(AccountObstacle::Retired)),
    }
}

fn retired(credential: MerchantCredential, by: &str, at: Timestamp) -> MerchantCredential {
    let retired = Some(Signed { by: by.to_owned(), at });
    MerchantCredential { state: CredentialState::Retired, retired, ..credential }
}
