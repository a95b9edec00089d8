//! The life of merchant accounts and their credentials: CREATED, ENTERED, VERIFIED, ACTIVE, RETIRED, WIPED.

use std::collections::BTreeMap;
use std::net::IpAddr;
use std::sync::Arc;
use std::time::Duration;

use payment_domain::{
    AccountId, AccountState, AuditAction, Clock, CredentialState, GatewayName, MerchantAccount,
    MerchantCredential, Role, Signed, TenantId, Timestamp, TxnId,
};
use payment_store::{
    AccountChange, AccountStored, NewAccount, Store, StoreError, StoredAccount, TenantScope,
};
use secrecy::{ExposeSecret, SecretString};

use super::actor::{AccountActor, entry};
use super::vault::fingerprint;
use crate::identity::Identity;
use crate::roles::Denied;

use super::{AccountAdapters, AccountDirectory, Keyring, VaultError, live, verifying};

/// The longest text of a field, in characters.
const LONGEST_FIELD: usize = 4096;
/// The shortest secret of which the last characters are shown.
const SHOWN_IN_PART: usize = 12;

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
    /// refunded.
    pub wipe_after: Duration,
    /// The longest question to a gateway.
    pub gateway_wait: Duration,
}

/// An account as it is wanted.
#[derive(Clone, Debug)]
pub struct AccountWish {
    pub tenant_id: TenantId,
    pub business_service: Option<String>,
    pub gateway: GatewayName,
    pub label: String,
    pub priority: u32,
    pub bank_account_ref: Option<String>,
}

/// Why an account was not changed.
#[derive(Debug, thiserror::Error)]
pub enum AccountError {
    #[error("there is no such account")]
    NotFound,
    #[error("the account has changed meanwhile; look at it again")]
    Stale,
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

impl Accounts {
    /// The accounts that the actor may see.
    ///
    /// # Errors
    /// [`AccountError::Store`].
    pub async fn list(&self, scope: Option<&TenantScope>) -> Result<Vec<StoredAccount>, AccountError> {
        match scope {
            Some(scope) => Ok(self.store.accounts_within(scope).await?),
            None => Ok(self.store.merchant_accounts().await?.accounts),
        }
    }

    /// The accounts of the tenants at which the caller is an admin.
    ///
    /// # Errors
    /// [`AccountError::Denied`], [`AccountError::Store`].
    pub async fn list_for(&self, identity: &Identity) -> Result<Vec<StoredAccount>, AccountError> {
        let mut found: Vec<StoredAccount> = Vec::new();
        for scope in identity.scopes(&[Role::Admin])? {
            for stored in self.store.accounts_within(&scope).await? {
                if !found.iter().any(|known| known.account.id == stored.account.id) {
                    found.push(stored);
                }
            }
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

    /// Adds an account, whose first credential is to be entered.
    ///
    /// # Errors
    /// [`AccountError`].
    pub async fn add(&self, actor: &AccountActor, wish: AccountWish) -> Result<StoredAccount, AccountError> {
        let AccountWish { tenant_id, business_service, gateway, label, priority, bank_account_ref } = wish;
        let business_service = business_service.filter(|service| !service.is_empty());
        let mut problems = Vec::new();
        if self.adapters.fields(&gateway).is_none() {
            problems.push(format!("the gateway {gateway} has no stored accounts"));
        }
        for (name, text, most) in [
            ("label", Some(&label), 200),
            ("businessService", business_service.as_ref(), 64),
            ("bankAccountRef", bank_account_ref.as_ref(), 200),
        ] {
            let fits = |text: &String| {
                (1..=most).contains(&text.chars().count()) && !text.chars().any(char::is_control)
            };
            if text.is_some_and(|text| !fits(text)) {
                problems.push(format!("{name} must have 1 to {most} characters and no control characters"));
            }
        }
        if !problems.is_empty() {
            return Err(AccountError::Invalid(problems));
        }
        let (now, by) = (self.clock.now(), actor.by());
        let id = AccountId::stored(uuid::Uuid::now_v7().to_string());
        let account = MerchantAccount {
            id: id.clone(),
            tenant_id,
            business_service,
            gateway,
            label,
            priority,
            state: AccountState::Open,
            bank_account_ref,
            merchant: None,
            created_by: by.clone(),
            created_at: now,
            modified_by: by.clone(),
            modified_at: now,
            version: 1,
        };
        let credential = created(id, 1, by, now);
        let audit = vec![entry(actor, AuditAction::AccountAdded, &account, &credential, None, now)];
        let added = StoredAccount { account: account.clone(), credentials: vec![credential.clone()] };
        match self.store.add_account(NewAccount { account, credential, audit }).await? {
            AccountStored::Stored => Ok(added),
            AccountStored::Stale => Err(AccountError::Stale),
        }
    }

    /// Takes the fields of an account's credentials: those that are not active yet are replaced, else they are
    /// the next version.
    ///
    /// # Errors
    /// [`AccountError`].
    pub async fn enter(
        &self,
        actor: &AccountActor,
        id: &AccountId,
        fields: BTreeMap<String, SecretString>,
    ) -> Result<StoredAccount, AccountError> {
        if self.settings.second_person && !actor.is_named() {
            return Err(AccountError::Nameless);
        }
        let StoredAccount { mut account, mut credentials } = self.of(actor, id).await?;
        if account.state == AccountState::Retired {
            return Err(AccountError::State("the account is retired: add another one".to_owned()));
        }
        let fields: BTreeMap<String, SecretString> = fields
            .into_iter()
            .map(|(name, text)| (name, SecretString::from(text.expose_secret().trim())))
            .filter(|(_, text)| !text.expose_secret().is_empty())
            .collect();
        let secrets = self.checked(&account.gateway, &fields)?;
        let adapter = self.adapters.adapter(&account.gateway, &fields).map_err(AccountError::Invalid)?;
        match (&account.merchant, adapter.merchant) {
            (Some(known), Some(entered)) if *known != entered => return Err(AccountError::OtherMerchant),
            (Some(_), _) | (None, None) => {}
            (None, merchant @ Some(_)) => account.merchant = merchant,
        }
        let (now, by) = (self.clock.now(), actor.by());
        let newest = credentials.pop().ok_or(AccountError::NotFound)?;
        let replaced = match newest.state {
            CredentialState::Created | CredentialState::Entered | CredentialState::Verified => newest,
            CredentialState::Active | CredentialState::Retired | CredentialState::Wiped => {
                created(id.clone(), newest.version.saturating_add(1), by.clone(), now)
            }
        };
        let (secret, options): (BTreeMap<_, _>, BTreeMap<_, _>) =
            fields.into_iter().partition(|(name, _)| secrets.contains(name));
        let mut credential = MerchantCredential {
            state: CredentialState::Entered,
            options: options
                .into_iter()
                .map(|(name, text)| (name, text.expose_secret().to_owned()))
                .collect(),
            hints: secret.iter().map(|(name, text)| (name.clone(), hint(text))).collect(),
            sealed: Some(self.keys.seal(id, replaced.version, &secret)?),
            entered: Some(Signed { by, at: now }),
            verified: None,
            second_person: self.settings.second_person,
            ..replaced
        };
        credential.fingerprint = fingerprint(&credential);
        self.change(actor, AuditAction::CredentialEntered, account, vec![credential]).await
    }

    /// The names of the secrets among the fields of a gateway.
    fn checked(
        &self,
        gateway: &GatewayName,
        fields: &BTreeMap<String, SecretString>,
    ) -> Result<Vec<String>, AccountError> {
        let missing = || AccountError::Invalid(vec![format!("the gateway {gateway} has no stored accounts")]);
        let known = self.adapters.fields(gateway).ok_or_else(missing)?;
        let too_long = |text: &SecretString| text.expose_secret().chars().count() > LONGEST_FIELD;
        let unknown = fields.keys().filter(|name| !known.iter().any(|field| field.name == name.as_str()));
        let mut problems: Vec<String> =
            unknown.map(|name| format!("{name} is no field of an account of {gateway}")).collect();
        let long = fields.iter().filter(|(_, text)| too_long(text));
        problems.extend(long.map(|(name, _)| format!("{name} is too long")));
        if problems.is_empty() {
            Ok(known.into_iter().filter(|field| field.secret).map(|field| field.name.to_owned()).collect())
        } else {
            Err(AccountError::Invalid(problems))
        }
    }

    /// Asks the gateway a question with the entered credentials: about a payment of this account, or about one
    /// that it cannot know.
    ///
    /// # Errors
    /// [`AccountError`].
    pub async fn verify(
        &self,
        actor: &AccountActor,
        id: &AccountId,
        payment: Option<&TxnId>,
    ) -> Result<StoredAccount, AccountError> {
        let StoredAccount { account, credentials } = self.of(actor, id).await?;
        let entered = credentials
            .into_iter()
            .find(|it| matches!(it.state, CredentialState::Entered | CredentialState::Verified));
        let entered = entered.ok_or_else(|| AccountError::State("no credentials are entered".to_owned()))?;
        let fields = live::fields(&entered, &self.keys).map_err(AccountError::State)?;
        let adapter = self.adapters.adapter(&account.gateway, &fields).map_err(AccountError::Invalid)?;
        let payment = match payment {
            Some(payment) => {
                let found = self.store.transaction(payment).await?;
                let of_account = found.filter(|txn| verifying::is_of(txn, &account));
                Some(of_account.ok_or_else(|| {
                    AccountError::State("there is no such payment of this account".to_owned())
                })?)
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
        id: &AccountId,
    ) -> Result<StoredAccount, AccountError> {
        let StoredAccount { account, credentials } = self.of(actor, id).await?;
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
        let verified =
            verified.ok_or_else(|| AccountError::State("no credentials are verified".to_owned()))?;
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

    /// Retires an account: it takes no new payments, and is asked about those it has. Or a version of its
    /// credentials that is not active: one that no payment was made with is wiped, a retired one is when `wipe`
    /// says so, because it has become known to others.
    ///
    /// # Errors
    /// [`AccountError`].
    pub async fn retire(
        &self,
        actor: &AccountActor,
        id: &AccountId,
        version: Option<u32>,
        wipe: bool,
    ) -> Result<StoredAccount, AccountError> {
        let StoredAccount { account, credentials } = self.of(actor, id).await?;
        let (now, by) = (self.clock.now(), actor.by());
        let Some(version) = version else {
            let active = credentials.into_iter().filter(|it| it.state == CredentialState::Active);
            let changed = active.map(|credential| retired(credential, &by, now)).collect();
            let account = MerchantAccount { state: AccountState::Retired, ..account };
            return self.change(actor, AuditAction::CredentialRetired, account, changed).await;
        };
        let found = credentials.into_iter().find(|it| it.version == version);
        let credential = found.ok_or(AccountError::NotFound)?;
        match (credential.state, wipe) {
            (CredentialState::Active, _) => Err(AccountError::State(
                "the credentials are active: activate others, or retire the account".to_owned(),
            )),
            (CredentialState::Wiped, _) => {
                Err(AccountError::State("the credentials are wiped already".to_owned()))
            }
            (CredentialState::Retired, false) => {
                Err(AccountError::State("the credentials are retired; they can only be wiped".to_owned()))
            }
            (CredentialState::Retired, true)
            | (CredentialState::Created | CredentialState::Entered | CredentialState::Verified, _) => {
                let credential = wiped(credential, now);
                self.change(actor, AuditAction::CredentialWiped, account, vec![credential]).await
            }
        }
    }

    /// Wipes the credentials whose time is over; says how many.
    ///
    /// # Errors
    /// [`AccountError`].
    pub async fn wipe_due(&self) -> Result<u32, AccountError> {
        let actor = AccountActor::Job("accounts");
        let now = self.clock.now();
        let is_due = |credential: &MerchantCredential| {
            let retired_at = credential.retired.as_ref().map(|retired| retired.at);
            credential.state == CredentialState::Retired
                && retired_at.is_some_and(|at| now.since(at) > self.settings.wipe_after)
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

    /// The account, if the actor may see it.
    async fn of(&self, actor: &AccountActor, id: &AccountId) -> Result<StoredAccount, AccountError> {
        let found = match actor {
            AccountActor::Principal(principal) => {
                let scope = TenantScope { root: principal.tenant.as_str().to_owned() };
                self.store.account(id, &scope).await?
            }
            AccountActor::CommandLine { .. } | AccountActor::Job(_) => {
                let all = self.store.merchant_accounts().await?.accounts;
                all.into_iter().find(|stored| stored.account.id == *id)
            }
        };
        found.ok_or(AccountError::NotFound)
    }

    async fn change(
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

/// Activating credentials retires others in the same commit.
fn action_of(action: AuditAction, credential: &MerchantCredential) -> AuditAction {
    match (action, credential.state) {
        (AuditAction::CredentialActivated, CredentialState::Retired) => AuditAction::CredentialRetired,
        (action, _) => action,
    }
}

fn created(account: AccountId, version: u32, by: String, at: Timestamp) -> MerchantCredential {
    MerchantCredential {
        account,
        version,
        state: CredentialState::Created,
        options: BTreeMap::new(),
        hints: BTreeMap::new(),
        sealed: None,
        fingerprint: None,
        created_by: by,
        created_at: at,
        entered: None,
        verified: None,
        approved: None,
        second_person: false,
        retired: None,
        wiped_at: None,
    }
}

fn retired(credential: MerchantCredential, by: &str, at: Timestamp) -> MerchantCredential {
    let retired = Some(Signed { by: by.to_owned(), at });
    MerchantCredential { state: CredentialState::Retired, retired, ..credential }
}

fn wiped(credential: MerchantCredential, at: Timestamp) -> MerchantCredential {
    MerchantCredential { state: CredentialState::Wiped, sealed: None, wiped_at: Some(at), ..credential }
}

/// The last four characters of a secret that is long enough.
fn hint(secret: &SecretString) -> String {
    let chars: Vec<char> = secret.expose_secret().chars().collect();
    let shown = if chars.len() >= SHOWN_IN_PART { chars.len() - 4 } else { chars.len() };
    chars.into_iter().skip(shown).collect()
}
