//! The gateways: those with an adapter, and remote ones, which are there because they are configured.

use std::collections::BTreeMap;
use std::fmt;
use std::sync::Arc;

use payment_domain::GatewayName;
use payment_gateway::Profile;
use payment_gateways::account::{Common, RedirectThrough};
use payment_gateways::remote::account::{PREFIX as REMOTE, names_in};
use payment_gateways::remote::{self, RemoteAccount};
use payment_gateways::{ADAPTERS, Account, Adapter};
use payment_settings::{Reader, Values};

use super::gateway_hosts::{check_hosts, tell_make_believe};
use super::sandbox;

/// An account that is configured.
#[derive(Clone)]
pub struct Configured {
    pub account: Arc<dyn Account>,
    pub profile: Profile,
    /// Whether it takes new payments. A disabled one still answers for existing payments.
    pub offered: bool,
}

/// Only its name: the account holds secrets.
impl fmt::Debug for Configured {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_tuple("Configured").field(&self.profile.name).finish()
    }
}

/// A gateway as `pg-service gateways` shows it, whether or not it is configured.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Listed {
    /// The name by which applications choose it.
    pub name: String,
    /// The beginning of its settings.
    pub prefix: String,
    pub protocol: String,
    pub offered: bool,
}

pub(in crate::config) fn listed(values: &Values) -> Vec<Listed> {
    let reader = Reader::new(values);
    let sandbox = Listed {
        name: GatewayName::SANDBOX.to_owned(),
        prefix: "sandbox".to_owned(),
        protocol: "signed link, signed callbacks, signed questions; no money moves".to_owned(),
        offered: sandbox::is_active(&reader),
    };
    let own = ADAPTERS.iter().map(|adapter| Listed {
        name: adapter.name.to_owned(),
        prefix: adapter.prefix.to_owned(),
        protocol: adapter.protocol.to_owned(),
        offered: reader.get(&adapter.common.active) && has_account(&reader, adapter),
    });
    let remote = remote_names(values).map(|name| {
        let reader = reader.fork(Some(name));
        Listed {
            name: name.to_uppercase(),
            prefix: format!("{REMOTE}{name}"),
            protocol: format!("remote gateway at {}", remote::account::base_url(&reader)),
            offered: reader.get(&remote::account::COMMON.active),
        }
    });
    [sandbox].into_iter().chain(own).chain(remote).collect()
}

pub(super) fn remote_names(values: &Values) -> impl Iterator<Item = &str> {
    names_in(values.iter().map(|(name, _)| name)).into_iter()
}

/// Whether there is an account to pay into. The original's packaged file switches gateways on whose account it
/// leaves blank.
fn has_account(reader: &Reader<'_>, adapter: &Adapter) -> bool {
    adapter.credentials.iter().any(|credential| reader.is_set(credential.spec()))
}

/// Whether any gateway beside the sandbox is configured, even one that is switched off.
pub(super) fn is_any_configured(reader: &Reader<'_>) -> bool {
    ADAPTERS.iter().any(|adapter| reader.get(&adapter.common.active) || has_account(reader, adapter))
        || remote_names(reader.values()).next().is_some()
}

/// Values of gateways for which they are set, active or not.
pub(super) fn of_gateways<T>(
    reader: &Reader<'_>,
    read: impl Fn(&Reader<'_>, &Common) -> Option<T>,
) -> BTreeMap<GatewayName, T> {
    let own = ADAPTERS.iter().map(|adapter| (adapter.name, &adapter.common));
    let own = own.chain([(GatewayName::SANDBOX, &sandbox::COMMON)]);
    let own = own.filter_map(|(name, common)| Some((GatewayName::new(name), read(reader, common)?)));
    let remote = remote_names(reader.values()).filter_map(|name| {
        Some((GatewayName::new(name), read(&reader.fork(Some(name)), &remote::account::COMMON)?))
    });
    own.chain(remote).collect()
}

/// The accounts of active gateways, and of disabled but configured ones: their existing payments still need
/// status requests.
pub(super) fn gateways(reader: &mut Reader<'_>, through: RedirectThrough) -> Vec<Configured> {
    let values = reader.values();
    let mut configured = Vec::new();
    for adapter in ADAPTERS {
        let active = &adapter.common.active;
        if reader.get(active) && !has_account(reader, adapter) {
            let names: Vec<&str> = adapter.credentials.iter().map(|credential| credential.key).collect();
            let names = names.join(", ");
            let text = format!("the gateway is left out, because none of its credentials is set: {names}");
            reader.doubt(active, text);
            continue;
        }
        let mut own = reader.fork(None);
        let account = (adapter.read)(&mut own, through);
        let taken = take(reader, own, &adapter.common, account);
        if let Some(one) = taken {
            check_hosts(reader, None, adapter.settings);
            if one.offered {
                tell_make_believe(reader, adapter);
            }
            configured.push(one);
        }
    }
    for name in remote_names(values) {
        let mut own = reader.fork(Some(name));
        let common = &remote::account::COMMON;
        let taken = ADAPTERS.iter().map(|adapter| adapter.name).chain([GatewayName::SANDBOX]);
        let account = match taken.into_iter().find(|taken| taken.eq_ignore_ascii_case(name)) {
            Some(taken) => {
                let problem =
                    format!("cannot be switched on: {taken} is the name of a gateway of this program");
                own.problem(&common.active, problem, "");
                None
            }
            None => RemoteAccount::read(&mut own, name).map(|account| Arc::new(account) as Arc<dyn Account>),
        };
        if let Some(one) = take(reader, own, common, account) {
            check_hosts(reader, Some(name), remote::SETTINGS);
            configured.push(one);
        }
    }
    if sandbox::is_active(reader) {
        check_hosts(reader, None, sandbox::SANDBOX);
    } else if !configured.iter().any(|one| one.offered) {
        reader.doubt(
            &sandbox::ACTIVE,
            "no gateway is offered, so that nothing can be paid: switch one on with <gateway>.active=true",
        );
    }
    configured
}

/// An account that was read; none where its settings are wrong, which is a problem only while it is active.
fn take(
    reader: &mut Reader<'_>,
    own: Reader<'_>,
    common: &Common,
    account: Option<Arc<dyn Account>>,
) -> Option<Configured> {
    let (offered, key) = (own.get(&common.active), own.key(&common.active));
    let is_wrong = !own.problems.is_empty();
    if offered {
        reader.notices.extend(own.notices);
        let fix = format!("set it, or {key}=false");
        for mut problem in own.problems {
            problem.fix.clone_from(&fix);
            reader.problems.push(problem);
        }
    }
    let account = account.filter(|_| !is_wrong)?;
    Some(Configured { profile: account.profile(), account, offered })
}
