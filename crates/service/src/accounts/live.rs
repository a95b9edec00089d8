//! An account with an adapter for each version of its credentials that payments were made with.

use std::collections::BTreeMap;
use std::sync::Arc;
use std::time::Duration;

use payment_domain::{Clock, CredentialState, GatewayName, MerchantAccount, MerchantCredential, Timestamp};
use payment_gateway::{Gateway, Version, Versions};
use payment_store::StoredAccount;
use secrecy::SecretString;

use super::{AccountAdapters, CredentialFault, Keyring};

/// How long after an order's life callbacks about it come.
pub const CALLBACKS_COME_FOR: Duration = Duration::from_secs(7 * 24 * 60 * 60);

/// How long orders can be paid, where that is set; else it is the gateway's
/// [`Profile::session`](payment_gateway::Profile::session).
#[derive(Clone, Debug, Default)]
pub struct OrderLives {
    pub of_all: Option<Duration>,
    pub of_gateways: BTreeMap<GatewayName, Duration>,
}

/// The parts needed to open stored accounts.
pub(super) struct Opener {
    pub(super) adapters: Arc<dyn AccountAdapters>,
    pub(super) keys: Keyring,
    pub(super) clock: Arc<dyn Clock>,
    pub(super) lives: OrderLives,
}

pub(super) struct LiveAccount {
    pub(super) account: MerchantAccount,
    versions: BTreeMap<u32, LiveVersion>,
    wiped: Vec<u32>,
    pub(super) active: Option<u32>,
    /// When the active version was activated.
    pub(super) active_since: Option<Timestamp>,
    /// For the payments it has; or why it cannot be used.
    pub(super) gateway: Result<Arc<dyn Gateway>, CredentialFault>,
}

/// The gateway for a new payment, and the version of the credentials.
pub(super) struct ForNew {
    pub(super) gateway: Arc<dyn Gateway>,
    pub(super) version: u32,
}

struct LiveVersion {
    fingerprint: Option<String>,
    retired_at: Option<Timestamp>,
    adapter: Result<Arc<dyn Gateway>, CredentialFault>,
}

impl Opener {
    /// Adapters of credentials that have not changed are those of `before`, also when their key is missing by
    /// now.
    pub(super) fn open(&self, stored: StoredAccount, before: Option<&LiveAccount>) -> LiveAccount {
        let StoredAccount { account, credentials } = stored;
        let in_use = credentials.iter().find(|it| it.state == CredentialState::Active);
        let active = in_use.map(|it| it.version);
        let active_since = in_use.and_then(|it| it.approved.as_ref()).map(|approved| approved.at);
        let gone = credentials.iter().filter(|it| it.state == CredentialState::Wiped);
        let wiped = gone.map(|it| it.version).collect();
        let serving = credentials.iter().filter(|credential| credential.state.serves());
        let open = |credential: &MerchantCredential| {
            let adapter = match before.and_then(|before| before.same(credential)) {
                Some(adapter) => Ok(adapter),
                None => self.adapter(&account.gateway, credential),
            };
            let fingerprint = credential.fingerprint.clone();
            let retired_at = credential.retired.as_ref().map(|retired| retired.at);
            (credential.version, LiveVersion { fingerprint, retired_at, adapter })
        };
        let versions: BTreeMap<u32, LiveVersion> = serving.map(open).collect();
        let gateway = match before {
            Some(before) if before.active == active && before.has(&versions) => before.gateway.clone(),
            Some(_) | None => self.join(&account, &versions, active),
        };
        LiveAccount { account, versions, wiped, active, active_since, gateway }
    }

    fn join(
        &self,
        account: &MerchantAccount,
        versions: &BTreeMap<u32, LiveVersion>,
        active: Option<u32>,
    ) -> Result<Arc<dyn Gateway>, CredentialFault> {
        let usable = |(number, live): (&u32, &LiveVersion)| {
            let gateway = live.adapter.as_ref().ok()?.clone();
            let verifies_until =
                live.retired_at.map(|at| at.plus(self.verifies_for(&account.gateway, &gateway)));
            Some((*number, Version { gateway, verifies_until }))
        };
        match Versions::new(versions.iter().filter_map(usable).collect(), active, self.clock.clone()) {
            Some(joined) => Ok(self.adapters.guarded(&account.id, Arc::new(joined))),
            None => {
                let fault = versions.values().find_map(|live| live.adapter.as_ref().err());
                Err(fault.cloned().unwrap_or(CredentialFault::NoCredentials))
            }
        }
    }

    /// How long after their retirement credentials verify callbacks.
    pub(super) fn verifies_for(&self, name: &GatewayName, gateway: &Arc<dyn Gateway>) -> Duration {
        let OrderLives { of_all, of_gateways } = &self.lives;
        let life = of_gateways.get(name).copied().or(*of_all).unwrap_or(gateway.profile().session);
        life.saturating_add(CALLBACKS_COME_FOR)
    }

    fn adapter(
        &self,
        gateway: &GatewayName,
        credential: &MerchantCredential,
    ) -> Result<Arc<dyn Gateway>, CredentialFault> {
        let fields = fields(credential, &self.keys)?;
        let adapter = self.adapters.adapter(gateway, &fields).map_err(CredentialFault::Fields)?;
        Ok(adapter.gateway)
    }
}

impl LiveAccount {
    /// The adapter of exactly these fields.
    fn same(&self, credential: &MerchantCredential) -> Option<Arc<dyn Gateway>> {
        let version = self.versions.get(&credential.version)?;
        let is_same = version.fingerprint.is_some() && version.fingerprint == credential.fingerprint;
        version.adapter.as_ref().ok().filter(|_| is_same).cloned()
    }

    /// Whether its adapters are these, for the same time.
    fn has(&self, versions: &BTreeMap<u32, LiveVersion>) -> bool {
        let is_same = |(one, other): (&LiveVersion, &LiveVersion)| {
            let is_same_adapter = match (&one.adapter, &other.adapter) {
                (Ok(one), Ok(other)) => Arc::ptr_eq(one, other),
                (Ok(_) | Err(_), Ok(_) | Err(_)) => false,
            };
            is_same_adapter && one.retired_at == other.retired_at
        };
        self.versions.keys().eq(versions.keys()) && self.versions.values().zip(versions.values()).all(is_same)
    }

    /// Whether payments may have been made with this version, by the accounts in memory.
    pub(super) fn knows(&self, version: u32) -> bool {
        self.versions.contains_key(&version) || self.wiped.contains(&version)
    }

    /// The gateway and the version for a new payment; `None` when it takes none.
    pub(super) fn for_new(&self) -> Option<Result<ForNew, CredentialFault>> {
        let active = self.active?;
        let version = self.versions.get(&active)?;
        Some(match (&version.adapter, &self.gateway) {
            (Ok(_), Ok(gateway)) => Ok(ForNew { gateway: gateway.clone(), version: active }),
            (Err(why), _) | (_, Err(why)) => Err(why.clone()),
        })
    }

    /// The adapter of a version, where that can be used.
    pub(super) fn adapter(&self, version: u32) -> Option<&Arc<dyn Gateway>> {
        self.versions.get(&version)?.adapter.as_ref().ok()
    }

    /// The versions that cannot be used, and why.
    pub(super) fn troubles(&self) -> impl Iterator<Item = (u32, &CredentialFault)> {
        self.versions.iter().filter_map(|(version, live)| Some((*version, live.adapter.as_ref().err()?)))
    }
}

/// All fields of a credential, decrypted.
pub(super) fn fields(
    credential: &MerchantCredential,
    keys: &Keyring,
) -> Result<BTreeMap<String, SecretString>, CredentialFault> {
    let sealed = credential.sealed.as_ref().ok_or(CredentialFault::NoFields)?;
    let mut fields = keys.open(&credential.account, credential.version, sealed)?;
    let options = credential.options.iter();
    fields.extend(options.map(|(name, text)| (name.clone(), SecretString::from(text.as_str()))));
    Ok(fields)
}
