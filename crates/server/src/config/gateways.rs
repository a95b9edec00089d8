//! The gateways this program knows, each registered by one entry.

use std::collections::BTreeSet;
use std::fmt;
use std::sync::Arc;

use payment_domain::SystemClock;
use payment_gateway::Gateway;
use payment_gateways::axis::{Axis, AxisConfig};
use payment_gateways::client::Client;
use payment_gateways::config::{ConfigProblem, Lookup};
use payment_gateways::paytm::Paytm;
use payment_gateways::paytm::config::PaytmConfig;
use payment_gateways::payu::{Payu, PayuConfig};
use payment_gateways::phonepe::Phonepe;
use payment_gateways::phonepe::config::PhonepeConfig;

use super::origin::Origin;
use super::reader::Reader;
use super::values::Values;

/// Makes an adapter of its configuration and a client to make calls with.
type Make = Box<dyn FnOnce(Client) -> Arc<dyn Gateway> + Send>;

/// A gateway this program has an adapter for.
pub struct Known {
    /// The name applications choose it by.
    pub name: &'static str,
    /// What its settings begin with; `<prefix>.active` switches it on.
    pub prefix: &'static str,
    /// What is spoken with it, in a few words for people.
    pub protocol: &'static str,
    read: fn(&Lookup<'_>) -> Result<Make, Vec<ConfigProblem>>,
}

/// Every gateway beside the sandbox, in alphabetical order.
pub const KNOWN: &[Known] = &[
    Known {
        name: "AXIS",
        prefix: "axis",
        protocol: "MIGS VPC: signed redirect, queryDR",
        read: |lookup| read_one(AxisConfig::read(lookup), Axis::new),
    },
    Known {
        name: "PAYTM",
        prefix: "paytm",
        protocol: "legacy processTransaction, or initiateTransaction (v3)",
        read: |lookup| read_one(PaytmConfig::read(lookup), Paytm::new),
    },
    Known {
        name: "PAYU",
        prefix: "payu",
        protocol: "form post with SHA-512 hash, verify_payment",
        read: |lookup| read_one(PayuConfig::read(lookup), Payu::new),
    },
    Known {
        name: "PHONEPE",
        prefix: "phonepe",
        protocol: "hosted checkout, order status",
        read: |lookup| {
            let with_clock = |config, client| Phonepe::new(config, client, Arc::new(SystemClock));
            read_one(PhonepeConfig::read(lookup), with_clock)
        },
    },
];

fn read_one<C: Send + 'static, G: Gateway + 'static>(
    config: Result<C, Vec<ConfigProblem>>,
    adapter: impl FnOnce(C, Client) -> G + Send + 'static,
) -> Result<Make, Vec<ConfigProblem>> {
    let config = config?;
    Ok(Box::new(move |client| Arc::new(adapter(config, client))))
}

/// A gateway that is active, with its configuration.
pub struct Configured {
    name: &'static str,
    make: Make,
}

impl Configured {
    /// The adapter.
    pub fn make(self, client: Client) -> Arc<dyn Gateway> {
        (self.make)(client)
    }
}

/// Only its name: its configuration holds secrets.
impl fmt::Debug for Configured {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_tuple("Configured").field(&self.name).finish()
    }
}

/// Reads the configurations of those that are active.
pub(super) fn read(reader: &mut Reader<'_>) -> Vec<Configured> {
    let values = reader.values;
    let mut configured = Vec::new();
    for known in KNOWN {
        let active = format!("{}.active", known.prefix);
        if !reader.flag(&active) {
            continue;
        }
        // Only what was set: the adapter has the defaults, and a test compares them with the table's.
        match (known.read)(&|name| values.set(name).map(|value| value.expose().to_owned())) {
            Ok(make) => configured.push(Configured { name: known.name, make }),
            Err(problems) => {
                for ConfigProblem { property, problem } in problems {
                    reader.problem(&property, problem, format!("set it, or {active}=false"));
                }
            }
        }
    }
    configured
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
