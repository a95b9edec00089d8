//! The gateways there are: those this program knows, each registered by one entry, and remote ones,
//! which are there because somebody configured them.

use std::collections::BTreeSet;
use std::fmt;
use std::sync::Arc;

use payment_domain::{Clock, GatewayName};
use payment_gateway::{Gateway, Profile};
use payment_gateways::axis::{Axis, AxisConfig};
use payment_gateways::client::{Client, Limits};
use payment_gateways::config::{ConfigProblem, Lookup, RedirectThrough};
use payment_gateways::paytm::Paytm;
use payment_gateways::paytm::config::PaytmConfig;
use payment_gateways::payu::{Payu, PayuConfig};
use payment_gateways::phonepe::Phonepe;
use payment_gateways::phonepe::config::PhonepeConfig;
use payment_gateways::remote::config::{PREFIX as REMOTE, names_in};
use payment_gateways::remote::{Remote, RemoteConfig};

use super::gateway_hosts::{check_hosts, tell_make_believe};
use super::origin::Origin;
use super::reader::Reader;
use super::typed::digit_is_there;
use super::values::Values;

/// An adapter before it is made: what has to be known of it, and what makes it.
type Adapter = (Profile, Make);

/// Makes an adapter of its configuration, a client to make calls with, and the service's clock.
type Make = Box<dyn FnOnce(Client, Arc<dyn Clock>) -> Arc<dyn Gateway> + Send + Sync>;

/// A gateway this program has an adapter for.
pub struct Known {
    /// The name applications choose it by.
    pub name: &'static str,
    /// What its settings begin with; `<prefix>.active` switches it on.
    pub prefix: &'static str,
    /// What is spoken with it, in a few words for people.
    pub protocol: &'static str,
    /// What names the operator's account and proves it, in all protocols. Where nothing of it is set
    /// there is no account.
    credentials: &'static [&'static str],
    read: fn(&Lookup<'_>) -> Result<Adapter, Vec<ConfigProblem>>,
}

/// Every gateway beside the sandbox, in alphabetical order.
pub const KNOWN: &[Known] = &[
    Known {
        name: "AXIS",
        prefix: "axis",
        protocol: "MIGS VPC: signed redirect, queryDR",
        credentials: &[
            "axis.merchant.id",
            "axis.merchant.secret.key",
            "axis.merchant.access.code",
            "axis.merchant.user",
            "axis.merchant.pwd",
        ],
        read: |lookup| {
            read_one(AxisConfig::read(lookup), Axis::profile_of, |config, client, _| {
                Axis::new(config, client)
            })
        },
    },
    Known {
        name: "PAYTM",
        prefix: "paytm",
        protocol: "legacy processTransaction, or initiateTransaction (v3)",
        credentials: &["paytm.merchant.id", "paytm.merchant.secret.key"],
        read: |lookup| {
            read_one(PaytmConfig::read(lookup), Paytm::profile_of, |config, client, _| {
                Paytm::new(config, client)
            })
        },
    },
    Known {
        name: "PAYU",
        prefix: "payu",
        protocol: "form post with SHA-512 hash, verify_payment",
        credentials: &["payu.merchant.key", "payu.merchant.salt"],
        read: |lookup| {
            read_one(PayuConfig::read(lookup), Payu::profile_of, |config, client, _| {
                Payu::new(config, client)
            })
        },
    },
    Known {
        name: "PHONEPE",
        prefix: "phonepe",
        protocol: "hosted checkout, order status",
        credentials: &[
            "phonepe.merchant.id",
            "phonepe.merchant.secret.key",
            "phonepe.v2.client.id",
            "phonepe.v2.client.secret",
        ],
        read: |lookup| read_one(PhonepeConfig::read(lookup), Phonepe::profile_of, Phonepe::new),
    },
];

impl Known {
    /// The setting that switches it on.
    fn active(&self) -> String {
        format!("{}.active", self.prefix)
    }

    fn has_account(&self, reader: &Reader<'_>) -> bool {
        self.credentials.iter().any(|credential| reader.set(credential).is_some())
    }

    /// Whether it takes new payments: it is switched on, and there is an account to pay into. The
    /// original's packaged file switches gateways on whose account it leaves blank.
    fn is_offered(&self, reader: &Reader<'_>) -> bool {
        reader.flag(&self.active()) && self.has_account(reader)
    }
}

fn read_one<C: Send + Sync + 'static, G: Gateway + 'static>(
    config: Result<C, Vec<ConfigProblem>>,
    profile: fn(&C) -> Profile,
    adapter: impl FnOnce(C, Client, Arc<dyn Clock>) -> G + Send + Sync + 'static,
) -> Result<Adapter, Vec<ConfigProblem>> {
    let config = config?;
    Ok((profile(&config), Box::new(move |client, clock| Arc::new(adapter(config, client, clock)))))
}

/// A gateway with its whole configuration.
pub struct Configured {
    profile: Profile,
    /// Whether it takes new payments.
    offered: bool,
    /// The limits of its calls, where it has some of its own.
    limits: Option<Limits>,
    make: Make,
}

impl Configured {
    /// What the service has to know of it.
    pub fn profile(&self) -> &Profile {
        &self.profile
    }

    /// Whether it takes new payments. One that does not is asked about those it has.
    pub fn is_offered(&self) -> bool {
        self.offered
    }

    /// The limits that the client of this gateway has to keep; `None` for those of all gateways.
    pub fn limits(&self) -> Option<&Limits> {
        self.limits.as_ref()
    }

    /// The adapter.
    pub fn make(self, client: Client, clock: Arc<dyn Clock>) -> Arc<dyn Gateway> {
        (self.make)(client, clock)
    }
}

/// Only its name: its configuration holds secrets.
impl fmt::Debug for Configured {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_tuple("Configured").field(&self.profile.name).finish()
    }
}

/// A remote gateway as it is configured, whether or not it is active or complete.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct RemoteGateway {
    /// The name applications choose it by.
    pub name: String,
    /// What its settings begin with.
    pub prefix: String,
    /// Where it is; empty when that is not set.
    pub base_url: String,
}

pub(super) fn remote_gateways(values: &Values) -> Vec<RemoteGateway> {
    let reader = Reader::new(values);
    let remote = |name: &str| {
        let prefix = format!("{REMOTE}{name}");
        let base_url = reader.text(&format!("{prefix}.base-url")).to_owned();
        RemoteGateway { name: name.to_uppercase(), prefix, base_url }
    };
    names_in(values.names()).into_iter().map(remote).collect()
}

/// Whether a gateway is offered, by what its settings begin with.
pub(super) fn is_offered(reader: &Reader<'_>, prefix: &str) -> bool {
    match KNOWN.iter().find(|known| known.prefix == prefix) {
        Some(known) => known.is_offered(reader),
        None if prefix == "sandbox" => sandbox_is_active(reader),
        None => reader.flag(&format!("{prefix}.active")),
    }
}

/// Whether the sandbox is offered: when a setting says so, and by default where nothing real is
/// configured. Beside anything real it would settle bills without money.
pub(super) fn sandbox_is_active(reader: &Reader<'_>) -> bool {
    match reader.set("sandbox.active") {
        Some(_) => reader.flag("sandbox.active"),
        None => cfg!(feature = "sandbox") && !is_anything_real(reader),
    }
}

/// Whether a service of DIGIT, a database, a broker or a gateway is configured, even a gateway that is
/// switched off.
fn is_anything_real(reader: &Reader<'_>) -> bool {
    const OTHERS: [&str; 3] =
        ["spring.datasource.url", "kafka.config.bootstrap_server_config", "spring.kafka.bootstrap-servers"];
    let gateway = |known: &Known| reader.flag(&known.active()) || known.has_account(reader);
    digit_is_there(reader)
        || OTHERS.iter().any(|key| reader.set(key).is_some())
        || KNOWN.iter().any(gateway)
        || !names_in(reader.values.names()).is_empty()
}

/// Reads the configurations of those that are active, and of those that are switched off but
/// configured: payments that were made through them are still asked about.
pub(super) fn read(reader: &mut Reader<'_>, redirect_through: RedirectThrough) -> Vec<Configured> {
    let values = reader.values;
    // Only what was set: the adapter has the defaults, and a test compares them with the table's.
    let lookup = |name: &str| match name {
        RedirectThrough::PROPERTY => Some(redirect_through.as_str().to_owned()),
        other => values.set(other).map(|value| value.expose().to_owned()),
    };
    let mut configured = Vec::new();
    for known in KNOWN {
        let active = known.active();
        if reader.flag(&active) && !known.has_account(reader) {
            let names = known.credentials.join(", ");
            reader.doubt(
                &active,
                format!("the gateway is left out, because none of its credentials is set: {names}"),
            );
            continue;
        }
        let read = (known.read)(&lookup);
        let read = read.map(|(profile, make)| Configured { profile, offered: true, limits: None, make });
        configured.extend(take(reader, known.prefix, read));
    }
    for name in names_in(values.names()) {
        let prefix = format!("{REMOTE}{name}");
        let read = read_remote(name, &format!("{prefix}.active"), &lookup);
        configured.extend(take(reader, &prefix, read));
    }
    if sandbox_is_active(reader) {
        check_hosts(reader, "sandbox");
    }
    if !sandbox_is_active(reader) && !configured.iter().any(Configured::is_offered) {
        reader.doubt(
            "sandbox.active",
            "no gateway is offered, so that nothing can be paid: switch one on with <gateway>.active=true",
        );
    }
    configured
}

/// A gateway that was read; nothing where its settings are wrong, which matters only while it is active.
fn take(
    reader: &mut Reader<'_>,
    prefix: &str,
    read: Result<Configured, Vec<ConfigProblem>>,
) -> Option<Configured> {
    let active = format!("{prefix}.active");
    match (reader.flag(&active), read) {
        (offered, Ok(one)) => {
            check_hosts(reader, prefix);
            if offered {
                tell_make_believe(reader, prefix);
            }
            Some(Configured { offered, ..one })
        }
        (true, Err(problems)) => {
            for ConfigProblem { property, problem } in problems {
                reader.problem(&property, problem, format!("set it, or {active}=false"));
            }
            None
        }
        (false, Err(_)) => None,
    }
}

fn read_remote(name: &str, active: &str, lookup: &Lookup<'_>) -> Result<Configured, Vec<ConfigProblem>> {
    let own = KNOWN.iter().map(|known| known.name).chain([GatewayName::SANDBOX]);
    if let Some(taken) = own.into_iter().find(|own| own.eq_ignore_ascii_case(name)) {
        let problem = format!("cannot be switched on: {taken} is the name of a gateway of this program");
        return Err(vec![ConfigProblem { property: active.to_owned(), problem }]);
    }
    let config = RemoteConfig::read(name, lookup)?;
    let (profile, limits) = (Remote::profile_of(&config), Some(config.limits()));
    let make: Make = Box::new(|client, clock| Arc::new(Remote::new(config, client, clock)));
    Ok(Configured { profile, offered: true, limits, make })
}

/// Where the settings that begin with `prefix` come from, each place once.
pub(super) fn places(values: &Values, prefix: &str) -> Vec<String> {
    let places: BTreeSet<String> = values
        .below(prefix)
        .map(|value| match &value.origin {
            Origin::Default => "default".to_owned(),
            Origin::File { path, .. } | Origin::SecretFile { path, .. } => path.display().to_string(),
            Origin::Variable(_) => "environment".to_owned(),
            Origin::Flag(_) => "command line".to_owned(),
        })
        .collect();
    places.into_iter().collect()
}

#[cfg(test)]
mod tests {
    use std::cell::RefCell;

    use super::*;
    use crate::config::setting::{Fallback, Shape};
    use crate::config::table;

    /// What must be set in each protocol of each gateway.
    const ACCOUNTS: &[(&str, &[(&str, &str)])] = &[
        (
            "AXIS",
            &[
                ("axis.merchant.id", "M"),
                ("axis.merchant.access.code", "A"),
                ("axis.merchant.secret.key", "0F1E"),
                ("axis.merchant.user", "U"),
                ("axis.merchant.pwd", "P"),
            ],
        ),
        ("PAYTM", PAYTM),
        ("PAYTM", &[PAYTM[0], PAYTM[1], PAYTM[2], ("paytm.protocol", "v3")]),
        ("PAYU", &[("payu.merchant.key", "K"), ("payu.merchant.salt", "S")]),
        ("PHONEPE", PHONEPE),
        ("PHONEPE", &[PHONEPE[0], PHONEPE[1], PHONEPE[2], ("phonepe.protocol", "v1")]),
        (
            "PHONEPE",
            &[("phonepe.v2.client.id", "C"), ("phonepe.v2.client.secret", "S"), ("phonepe.protocol", "v2")],
        ),
    ];
    const PAYTM: &[(&str, &str)] = &[
        ("paytm.merchant.id", "M"),
        ("paytm.merchant.secret.key", "0123456789abcdef"),
        ("paytm.merchant.website", "W"),
    ];
    const PHONEPE: &[(&str, &str)] = &[
        ("phonepe.merchant.id", "M"),
        ("phonepe.merchant.secret.key", "S"),
        ("phonepe.merchant.secret.index", "1"),
    ];

    /// What an adapter reads, as text, secrets not shown.
    fn shown(gateway: &str, lookup: &Lookup<'_>) -> Result<String, Vec<ConfigProblem>> {
        match gateway {
            "AXIS" => AxisConfig::read(lookup).map(|config| format!("{config:?}")),
            "PAYTM" => PaytmConfig::read(lookup).map(|config| format!("{config:?}")),
            "PAYU" => PayuConfig::read(lookup).map(|config| format!("{config:?}")),
            "PHONEPE" => PhonepeConfig::read(lookup).map(|config| format!("{config:?}")),
            unknown => panic!("{unknown}"),
        }
    }

    fn given(account: &[(&str, &str)], name: &str) -> Option<String> {
        account.iter().find(|(known, _)| *known == name).map(|(_, value)| (*value).to_owned())
    }

    #[test]
    fn every_name_an_adapter_reads_is_in_the_table() {
        for (gateway, account) in ACCOUNTS {
            let asked = RefCell::new(Vec::new());
            let lookup = |name: &str| {
                asked.borrow_mut().push(name.to_owned());
                given(account, name)
            };
            shown(gateway, &lookup).unwrap();
            for name in asked.into_inner() {
                let setting = table::find(&name).unwrap_or_else(|| panic!("{name}"));
                assert!(setting.key == name && setting.shape == Shape::Single, "{name}");
            }
        }
        let known: Vec<&str> = KNOWN.iter().map(|known| known.name).collect();
        assert!(known.iter().all(|name| ACCOUNTS.iter().any(|(gateway, _)| gateway == name)), "{known:?}");
    }

    #[test]
    fn the_defaults_of_the_table_are_those_of_the_adapters() {
        for (gateway, account) in ACCOUNTS {
            let with_defaults = |name: &str| {
                given(account, name).or_else(|| match table::find(name)?.fallback {
                    Fallback::Value(value) => Some(value.to_owned()),
                    Fallback::Unset | Fallback::WorkedOut(_) => None,
                })
            };
            let without = shown(gateway, &|name| given(account, name)).unwrap();
            assert_eq!(shown(gateway, &with_defaults).unwrap(), without);
        }
    }

    #[test]
    fn secrets_of_adapters_are_secrets_of_the_table() {
        for name in [
            "axis.merchant.secret.key",
            "axis.merchant.pwd",
            "paytm.merchant.secret.key",
            "phonepe.merchant.secret.key",
            "phonepe.v2.client.secret",
            "phonepe.v2.webhook.password",
            "payu.merchant.salt",
            "sandbox.secret",
            "spring.datasource.password",
        ] {
            assert!(table::find(name).unwrap().secret, "{name}");
        }
    }
}
