//! New accounts, and the fields of their credentials.

use std::collections::BTreeMap;

use payment_domain::{
    AccountId, AccountState, AuditAction, CredentialState, GatewayName, MerchantAccount, MerchantCredential,
    Signed, TenantId, Timestamp,
};
use payment_store::{AccountStored, NewAccount, StoredAccount};
use secrecy::{ExposeSecret, SecretString};

use super::activating::is_open;
use super::actor::entry;
use super::vault::fingerprint;
use super::{AccountActor, AccountError, AccountProblem, Accounts, SeenAccount};

/// The longest text of a field, in characters.
const LONGEST_FIELD: usize = 4096;
/// The shortest secret of which the last characters are shown.
const SHOWN_IN_PART: usize = 12;

/// An account as it is wanted.
#[derive(Clone, Debug)]
pub struct AccountWish {
    pub tenant_id: TenantId,
    pub business_service: Option<String>,
    pub gateway: GatewayName,
    pub label: String,
    pub priority: u32,
    pub bank_account_ref: Option<String>,
    /// The client's own: the same wish under the same key of one actor is answered with the first account.
    pub key: Option<String>,
}

impl Accounts {
    /// Adds an account, whose first credential is to be entered.
    ///
    /// # Errors
    /// [`AccountError`].
    pub async fn add(&self, actor: &AccountActor, wish: AccountWish) -> Result<StoredAccount, AccountError> {
        let AccountWish { tenant_id, business_service, gateway, label, priority, bank_account_ref, key } =
            wish;
        let business_service = business_service.filter(|service| !service.is_empty());
        let mut problems = Vec::new();
        if self.adapters.fields(&gateway).is_none() {
            problems.push(AccountProblem::NoStoredAccounts(gateway.clone()));
        }
        for (member, text, most) in [
            ("label", Some(&label), 200),
            ("businessService", business_service.as_ref(), 64),
            ("bankAccountRef", bank_account_ref.as_ref(), 200),
        ] {
            let fits = |text: &String| {
                (1..=most).contains(&text.chars().count()) && !text.chars().any(char::is_control)
            };
            if text.is_some_and(|text| !fits(text)) {
                problems.push(AccountProblem::Length { member, most });
            }
        }
        if !problems.is_empty() {
            return Err(AccountError::Invalid(problems));
        }
        let (now, by) = (self.clock.now(), actor.by());
        let id = match &key {
            Some(key) => id_of_key(&by, key),
            None => AccountId::stored(uuid::Uuid::now_v7().to_string()),
        };
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
            AccountStored::Stored => {
                self.directory.refresh().await?;
                Ok(added)
            }
            AccountStored::Stale => {
                let first = match self.of(actor, &added.account.id).await {
                    Err(AccountError::NotFound) => return Err(AccountError::KeyReused),
                    found => found?,
                };
                if is_wished(&first.account, &added.account) {
                    Ok(first)
                } else {
                    Err(AccountError::KeyReused)
                }
            }
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
        seen: impl Into<SeenAccount<'_>>,
        fields: BTreeMap<String, SecretString>,
    ) -> Result<StoredAccount, AccountError> {
        if self.settings.second_person && !actor.is_named() {
            return Err(AccountError::Nameless);
        }
        let seen = seen.into();
        let StoredAccount { mut account, mut credentials } = self.seen(actor, seen).await?;
        is_open(&account)?;
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
                created(seen.id.clone(), newest.version.saturating_add(1), by.clone(), now)
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
            sealed: Some(self.keys.seal(seen.id, replaced.version, &secret)?),
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
        let known = self.adapters.fields(gateway).ok_or_else(|| AccountError::no_accounts_of(gateway))?;
        let too_long = |text: &SecretString| text.expose_secret().chars().count() > LONGEST_FIELD;
        let unknown = fields.keys().filter(|name| !known.iter().any(|field| field.name == **name));
        let unknown =
            unknown.map(|name| AccountProblem::UnknownField { name: name.clone(), gateway: gateway.clone() });
        let mut problems: Vec<AccountProblem> = unknown.collect();
        let long = fields.iter().filter(|(_, text)| too_long(text));
        problems.extend(long.map(|(name, _)| AccountProblem::TooLong(name.clone())));
        if problems.is_empty() {
            Ok(known.into_iter().filter(|field| field.secret).map(|field| field.name).collect())
        } else {
            Err(AccountError::Invalid(problems))
        }
    }
}

/// The id of an account that is added under a key: one for each actor and key, so that the database keeps the
/// second one out.
fn id_of_key(by: &str, key: &str) -> AccountId {
    let name = format!("account\n{}\n{by}\n{key}", by.len());
    AccountId::stored(uuid::Uuid::new_v5(&uuid::Uuid::NAMESPACE_OID, name.as_bytes()).to_string())
}

/// Whether an account is the one that is asked for again.
fn is_wished(first: &MerchantAccount, again: &MerchantAccount) -> bool {
    let wished = |account: &MerchantAccount| {
        let MerchantAccount {
            tenant_id, business_service, gateway, label, priority, bank_account_ref, ..
        } = account.clone();
        (tenant_id, business_service, gateway, label, priority, bank_account_ref)
    };
    wished(first) == wished(again)
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

/// The last four characters of a secret that is long enough.
fn hint(secret: &SecretString) -> String {
    let chars: Vec<char> = secret.expose_secret().chars().collect();
    let shown = if chars.len() >= SHOWN_IN_PART { chars.len() - 4 } else { chars.len() };
    chars.into_iter().skip(shown).collect()
}
