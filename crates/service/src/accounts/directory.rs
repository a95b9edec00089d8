//! The accounts that payments use, by tenant and service: a copy of the store's, a few seconds old at most.

use std::collections::HashMap;
use std::sync::{Arc, PoisonError, RwLock};
use std::time::Duration;

use payment_domain::{AccountId, AccountRef, AccountState, Clock, GatewayName, MerchantDigest, TenantId};
use payment_gateway::Gateway;
use payment_store::{Store, StoreError};
use tokio::time::Instant;

use super::live::{ForNew, LiveAccount, Opener, OrderLives};
use super::precedence::{is_at, places};
use super::verifying::is_of_merchant;
use super::{AccountAdapters, CredentialFault, Keyring};

/// The interval at which the store is read for changes of accounts.
const POLL_INTERVAL: Duration = Duration::from_secs(2);
/// How often they are read for a payment whose account is not known here.
const READ_AT_MOST_EVERY: Duration = Duration::from_millis(500);

/// A payment's place in the precedence of accounts.
#[derive(Clone, Copy, Debug)]
pub struct Place<'a> {
    pub tenant: &'a TenantId,
    pub service: Option<&'a str>,
}

/// A version of an account's credentials that cannot be used.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct AccountTrouble {
    pub account: AccountId,
    pub label: String,
    pub version: u32,
    pub why: CredentialFault,
}

/// Nothing for an installation that never has stored accounts.
#[derive(Clone, Default)]
pub struct AccountDirectory(Option<Arc<Inner>>);

struct Inner {
    store: Arc<dyn Store>,
    opener: Opener,
    copy: RwLock<Arc<Copied>>,
    /// Held while accounts are read; the moment they were read last.
    reading: tokio::sync::Mutex<Option<Instant>>,
}

#[derive(Default)]
struct Copied {
    revision: u64,
    by_id: HashMap<AccountId, Arc<LiveAccount>>,
    /// In the order of their priorities.
    by_gateway: HashMap<GatewayName, Vec<Arc<LiveAccount>>>,
}

impl AccountDirectory {
    /// Empty until it is read.
    pub fn new(
        store: Arc<dyn Store>,
        adapters: Arc<dyn AccountAdapters>,
        keys: Keyring,
        clock: Arc<dyn Clock>,
        lives: OrderLives,
    ) -> AccountDirectory {
        let opener = Opener { adapters, keys, clock, lives };
        let (copy, reading) = (RwLock::default(), tokio::sync::Mutex::default());
        AccountDirectory(Some(Arc::new(Inner { store, opener, copy, reading })))
    }

    /// Reads the accounts when they have changed.
    ///
    /// # Errors
    /// A [`StoreError`]; the accounts stay as they are.
    pub async fn refresh(&self) -> Result<(), StoreError> {
        let Some(inner) = &self.0 else { return Ok(()) };
        let revision = inner.store.accounts_revision().await?;
        if revision != inner.copy().revision {
            inner.read(&mut *inner.reading.lock().await).await?;
        }
        Ok(())
    }

    /// Refreshes the accounts every few seconds, for ever.
    pub async fn keep_fresh(self) {
        let mut is_stale = false;
        loop {
            tokio::time::sleep(POLL_INTERVAL).await;
            let refreshed = self.refresh().await;
            if let Err(error) = &refreshed
                && !is_stale
            {
                tracing::warn!(%error, "changed merchant accounts are not seen until the database answers");
            }
            is_stale = refreshed.is_err();
        }
    }

    /// The unusable accounts.
    pub fn troubles(&self) -> Vec<AccountTrouble> {
        let Some(inner) = &self.0 else { return Vec::new() };
        let copy = inner.copy();
        let mut troubles: Vec<AccountTrouble> =
            copy.by_id.values().flat_map(|live| troubles_of(live)).collect();
        troubles.sort_by(|one, other| (&one.account, one.version).cmp(&(&other.account, other.version)));
        troubles
    }

    /// Whether no account is stored, as far as was read.
    pub(crate) fn is_empty(&self) -> bool {
        self.0.as_ref().is_none_or(|inner| inner.copy().by_id.is_empty())
    }

    /// The account for a new payment, `None` where none takes it: the configuration file's may.
    ///
    /// # Errors
    /// The reason that account cannot be used. No other one takes its place.
    pub(crate) fn choose(&self, gateway: &GatewayName, place: Place<'_>) -> Result<Option<Chosen>, String> {
        let Some(inner) = &self.0 else { return Ok(None) };
        let copy = inner.copy();
        let Some(accounts) = copy.by_gateway.get(gateway) else { return Ok(None) };
        for (tenant, service) in places(place) {
            let fits = |live: &&Arc<LiveAccount>| {
                is_at(live, tenant, service) && live.account.state == AccountState::Open
            };
            let taking = accounts.iter().filter(fits).find_map(|live| Some((live, live.for_new()?)));
            if let Some((live, taken)) = taking {
                let ForNew { gateway, version } = taken.map_err(|fault| fault.to_string())?;
                let account = AccountRef::Stored { id: live.account.id.clone(), version };
                return Ok(Some(Chosen { gateway, account }));
            }
        }
        Ok(None)
    }

    /// The gateways of which any account takes payments of this place, usable or not.
    pub(crate) fn gateways_at(&self, place: Place<'_>) -> Vec<GatewayName> {
        let Some(inner) = &self.0 else { return Vec::new() };
        let copy = inner.copy();
        let takes = |gateway: &&GatewayName| match self.choose(gateway, place) {
            Ok(chosen) => chosen.is_some(),
            Err(_) => true,
        };
        copy.by_gateway.keys().filter(takes).cloned().collect()
    }

    /// The account of a payment. Reads the accounts when this one is not known here yet.
    ///
    /// # Errors
    /// The reason it cannot be used.
    pub(crate) async fn of(&self, id: &AccountId, version: u32) -> Result<Arc<dyn Gateway>, String> {
        if let Some(inner) = &self.0
            && !inner.knows(id, version)
        {
            let mut read_at = inner.reading.lock().await;
            let is_recent = read_at.is_some_and(|at| at.elapsed() < READ_AT_MOST_EVERY);
            if !inner.knows(id, version)
                && !is_recent
                && let Err(error) = inner.read(&mut read_at).await
            {
                tracing::warn!(%error, "merchant accounts could not be read");
            }
        }
        self.known(id)
    }

    /// The account in memory.
    ///
    /// # Errors
    /// The reason it cannot be used.
    pub(crate) fn known(&self, id: &AccountId) -> Result<Arc<dyn Gateway>, String> {
        let live = self.0.as_ref().and_then(|inner| inner.copy().by_id.get(id).cloned());
        let live = live.ok_or_else(|| format!("the merchant account {id} is not known"))?;
        live.gateway.clone().map_err(|why| {
            format!("the merchant account {id} ({}) cannot be used: {why}", live.account.label)
        })
    }

    /// The account of a merchant whose account was in the configuration file, for a payment of this tenant. Whose keys
    /// an admin of another tenant enters under the merchant's id says nothing about the tenant's payments.
    pub(crate) fn of_merchant(
        &self,
        gateway: &GatewayName,
        merchant: &MerchantDigest,
        tenant: &TenantId,
    ) -> Option<Arc<dyn Gateway>> {
        let copy = self.0.as_ref()?.copy();
        let accounts = copy.by_gateway.get(gateway)?.iter();
        let of_merchant = accounts.filter(|live| is_of_merchant(&live.account, merchant, tenant));
        of_merchant.filter_map(|live| live.gateway.as_ref().ok()).next().cloned()
    }

    /// Whether the gateway has accounts, usable or not.
    pub(crate) fn has(&self, gateway: &GatewayName) -> bool {
        self.0.as_ref().is_some_and(|inner| inner.copy().by_gateway.contains_key(gateway))
    }

    /// How long after its retirement a version of credentials verifies callbacks; `None` for one that cannot be used.
    pub fn verifies_for(&self, id: &AccountId, version: u32) -> Option<Duration> {
        let inner = self.0.as_ref()?;
        let live = inner.copy().by_id.get(id).cloned()?;
        Some(inner.opener.verifies_for(&live.account.gateway, live.adapter(version)?))
    }

    /// The gateways that have accounts, usable or not.
    pub(crate) fn gateways(&self) -> Vec<GatewayName> {
        self.0.as_ref().map(|inner| inner.copy().by_gateway.keys().cloned().collect()).unwrap_or_default()
    }

    /// The accounts of a gateway, usable or not, in the order of their priorities.
    pub(super) fn of_gateway(&self, gateway: &GatewayName) -> Vec<Arc<LiveAccount>> {
        let Some(inner) = &self.0 else { return Vec::new() };
        inner.copy().by_gateway.get(gateway).cloned().unwrap_or_default()
    }

    /// All usable accounts of a gateway.
    pub(crate) fn all_of(&self, gateway: &GatewayName) -> Vec<Arc<dyn Gateway>> {
        let Some(inner) = &self.0 else { return Vec::new() };
        let copy = inner.copy();
        let accounts = copy.by_gateway.get(gateway).map(Vec::as_slice).unwrap_or_default();
        accounts.iter().filter_map(|live| live.gateway.as_ref().ok()).cloned().collect()
    }
}

/// The account of a new payment.
#[derive(Clone)]
pub(crate) struct Chosen {
    pub(crate) gateway: Arc<dyn Gateway>,
    pub(crate) account: AccountRef,
}

impl Inner {
    fn copy(&self) -> Arc<Copied> {
        self.copy.read().unwrap_or_else(PoisonError::into_inner).clone()
    }

    fn knows(&self, id: &AccountId, version: u32) -> bool {
        self.copy().by_id.get(id).is_some_and(|live| live.knows(version))
    }

    async fn read(&self, read_at: &mut Option<Instant>) -> Result<(), StoreError> {
        *read_at = Some(Instant::now());
        let stored = self.store.merchant_accounts().await?;
        let before = self.copy();
        let mut copied = Copied { revision: stored.revision, ..Copied::default() };
        for account in stored.accounts {
            let known = before.by_id.get(&account.account.id).map(AsRef::as_ref);
            let live = Arc::new(self.opener.open(account, known));
            for trouble in troubles_of(&live) {
                let AccountTrouble { account, label, version, why } = trouble;
                tracing::error!(%account, label, version, %why, "a merchant account cannot be used, its payments wait");
            }
            copied.by_gateway.entry(live.account.gateway.clone()).or_default().push(live.clone());
            copied.by_id.insert(live.account.id.clone(), live);
        }
        for accounts in copied.by_gateway.values_mut() {
            accounts.sort_by_key(|live| live.account.priority);
        }
        let unusable = copied.by_id.values().filter(|live| troubles_of(live).next().is_some()).count();
        metrics::gauge!("merchant_accounts_unusable").set(u32::try_from(unusable).unwrap_or(u32::MAX));
        show_ages(&before, &copied);
        *self.copy.write().unwrap_or_else(PoisonError::into_inner) = Arc::new(copied);
        Ok(())
    }
}

/// An account without active credentials has no age.
#[allow(clippy::float_arithmetic, reason = "a gauge has seconds")]
fn show_ages(before: &Copied, copied: &Copied) {
    let gone = before.by_id.values().filter(|live| !copied.by_id.contains_key(&live.account.id));
    let gone = gone.map(|live| (live, None));
    let known = copied.by_id.values().map(|live| (live, live.active_since));
    for (live, since) in gone.chain(known) {
        let (account, gateway) = (live.account.id.to_string(), live.account.gateway.to_string());
        let seconds = since.map_or(f64::NAN, |since| since.as_millis() as f64 / 1000.0);
        metrics::gauge!("merchant_credential_active_timestamp_seconds", "account" => account, "gateway" => gateway)
            .set(seconds);
    }
}

fn troubles_of(live: &LiveAccount) -> impl Iterator<Item = AccountTrouble> {
    live.troubles().map(|(version, why)| AccountTrouble {
        account: live.account.id.clone(),
        label: live.account.label.clone(),
        version,
        why: why.clone(),
    })
}
