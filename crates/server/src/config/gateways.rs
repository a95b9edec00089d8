//! The gateways there are: those this program knows, each registered by one entry, and remote ones,
//! which are there because somebody configured them.

use std::collections::BTreeSet;
use std::fmt;
use std::sync::Arc;

use payment_domain::SystemClock;
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

use super::origin::Origin;
use super::reader::Reader;
use super::values::Values;

/// An adapter before it is made: what has to be known of it, and what makes it.
type Adapter = (Profile, Make);

/// Makes an adapter of its configuration and a client to make calls with.
type Make = Box<dyn FnOnce(Client) -> Arc<dyn Gateway> + Send + Sync>;

/// A gateway this program has an adapter for.
pub struct Known {
    /// The name applications choose it by.
    pub name: &'static str,
    /// What its settings begin with; `<prefix>.active` switches it on.
    pub prefix: &'static str,
    /// What is spoken with it, in a few words for people.
    pub protocol: &'static str,
    read: fn(&Lookup<'_>) -> Result<Adapter, Vec<ConfigProblem>>,
}

/// The sandbox's name.
pub const SANDBOX: &str = "SANDBOX";

/// Every gateway beside the sandbox, in alphabetical order.
pub const KNOWN: &[Known] = &[
    Known {
        name: "AXIS",
        prefix: "axis",
        protocol: "MIGS VPC: signed redirect, queryDR",
        read: |lookup| read_one(AxisConfig::read(lookup), Axis::profile_of, Axis::new),
    },
    Known {
        name: "PAYTM",
        prefix: "paytm",
        protocol: "legacy processTransaction, or initiateTransaction (v3)",
        read: |lookup| read_one(PaytmConfig::read(lookup), Paytm::profile_of, Paytm::new),
    },
    Known {
        name: "PAYU",
        prefix: "payu",
        protocol: "form post with SHA-512 hash, verify_payment",
        read: |lookup| read_one(PayuConfig::read(lookup), Payu::profile_of, Payu::new),
    },
    Known {
        name: "PHONEPE",
        prefix: "phonepe",
        protocol: "hosted checkout, order status",
        read: |lookup| {
            let with_clock = |config, client| Phonepe::new(config, client, Arc::new(SystemClock));
            read_one(PhonepeConfig::read(lookup), Phonepe::profile_of, with_clock)
        },
    },
];

fn read_one<C: Send + Sync + 'static, G: Gateway + 'static>(
    config: Result<C, Vec<ConfigProblem>>,
    profile: fn(&C) -> Profile,
    adapter: impl FnOnce(C, Client) -> G + Send + Sync + 'static,
) -> Result<Adapter, Vec<ConfigProblem>> {
    let config = config?;
    Ok((profile(&config), Box::new(move |client| Arc::new(adapter(config, client)))))
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
    pub fn make(self, client: Client) -> Arc<dyn Gateway> {
        (self.make)(client)
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

/// Whether the sandbox is offered: when somebody says so, and by itself as long as there is no
/// other gateway. Beside real ones it would settle bills without money.
pub(super) fn sandbox_is_active(reader: &Reader<'_>) -> bool {
    let remote = names_in(reader.values.names()).into_iter().map(|name| format!("{REMOTE}{name}"));
    let known = KNOWN.iter().map(|known| known.prefix.to_owned());
    let others = known.chain(remote).any(|prefix| reader.flag(&format!("{prefix}.active")));
    match reader.set("sandbox.active") {
        Some(_) => reader.flag("sandbox.active"),
        None => !others,
    }
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
    let known = KNOWN.iter().map(|known| {
        let active = format!("{}.active", known.prefix);
        let read = (known.read)(&lookup);
        (active, read.map(|(profile, make)| Configured { profile, offered: true, limits: None, make }))
    });
    let remote = names_in(values.names()).into_iter().map(|name| {
        let active = format!("{REMOTE}{name}.active");
        let read = read_remote(name, &active, &lookup);
        (active, read)
    });
    let mut configured = Vec::new();
    for (active, read) in known.chain(remote) {
        match (reader.flag(&active), read) {
            (offered, Ok(one)) => configured.push(Configured { offered, ..one }),
            (true, Err(problems)) => {
                for ConfigProblem { property, problem } in problems {
                    reader.problem(&property, problem, format!("set it, or {active}=false"));
                }
            }
            (false, Err(_)) => {}
        }
    }
    configured
}

fn read_remote(name: &str, active: &str, lookup: &Lookup<'_>) -> Result<Configured, Vec<ConfigProblem>> {
    let own = KNOWN.iter().map(|known| known.name).chain([SANDBOX]);
    if let Some(taken) = own.into_iter().find(|own| own.eq_ignore_ascii_case(name)) {
        let problem = format!("cannot be switched on: {taken} is the name of a gateway of this program");
        return Err(vec![ConfigProblem { property: active.to_owned(), problem }]);
    }
    let config = RemoteConfig::read(name, lookup)?;
    let (profile, limits) = (Remote::profile_of(&config), Some(config.limits()));
    let make: Make = Box::new(|client| Arc::new(Remote::new(config, client, Arc::new(SystemClock))));
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
