//! Reconciliation, the scheduler, and operators.

use std::collections::BTreeMap;
use std::time::Duration;

use jiff::tz::TimeZone;
use payment_domain::GatewayName;
use payment_gateways::remote::config::{PREFIX as REMOTE, names_in};
use secrecy::{ExposeSecret, SecretString};

use crate::config::gateways::KNOWN;
use crate::config::moments;
use crate::config::reader::Reader;

/// When jobs run, and where.
#[derive(Clone)]
pub struct Scheduler {
    /// How long a replica that was not heard of keeps a job.
    pub lease: Duration,
    /// The name of this replica.
    pub node_name: String,
    /// For how long the records of runs are kept.
    pub history_life: Duration,
    /// When all pending payments are asked about: a cron expression of five or six fields, `?`
    /// written as `*`.
    pub daily_cron: String,
    /// The time zone of that expression.
    pub time_zone: TimeZone,
    /// The growing distances in which a pending payment is asked about again; at least one.
    pub follow_ups: Vec<Duration>,
    /// How long an order can be paid; `None` for as long as its gateway keeps it open.
    pub order_life: PerGateway<Option<Duration>>,
}

/// How gateways are asked about pending payments.
#[derive(Debug, Clone)]
pub struct Reconciliation {
    /// How many payments of one gateway are asked about at once.
    pub calls_at_once: PerGateway<usize>,
    /// How many payments of one gateway are asked about in a second; 0 for as many as it answers.
    pub calls_per_second: PerGateway<u32>,
    /// From what age on a pending payment is asked about when its bill is to be paid again; `None`
    /// for never.
    pub ask_after: Option<Duration>,
}

/// How long what is done with is kept.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Keep {
    /// Events that Kafka has confirmed.
    pub events: Duration,
    /// What gateways reported from server to server.
    pub callbacks: Duration,
}

/// Something that each gateway may have its own of.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct PerGateway<T> {
    /// For those that have none.
    pub of_others: T,
    /// Those that are set, whether or not the gateway is active.
    pub own: BTreeMap<GatewayName, T>,
}

impl<T: Copy> PerGateway<T> {
    /// That of one gateway.
    pub fn of(&self, gateway: &GatewayName) -> T {
        self.own.get(gateway).copied().unwrap_or(self.of_others)
    }
}

impl<T: Copy> PerGateway<Option<T>> {
    /// Those that are set.
    pub fn set_for_gateways(&self) -> BTreeMap<GatewayName, T> {
        self.own.iter().filter_map(|(gateway, value)| Some((gateway.clone(), (*value)?))).collect()
    }
}

impl std::fmt::Debug for Scheduler {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.debug_struct("Scheduler")
            .field("lease", &self.lease)
            .field("node_name", &self.node_name)
            .field("history_life", &self.history_life)
            .field("daily_cron", &self.daily_cron)
            .field("time_zone", &self.time_zone.iana_name())
            .field("follow_ups", &self.follow_ups)
            .field("order_life", &self.order_life)
            .finish()
    }
}

pub(super) fn scheduler(reader: &Reader<'_>, time_zone: TimeZone) -> Scheduler {
    const FOLLOW_UPS: &str = "reconciliation.follow-ups";
    const DAILY: &str = "reconciliation.daily-cron";
    Scheduler {
        lease: reader.millis("scheduler.lease-ms"),
        node_name: reader.set("scheduler.node-name").map_or_else(node_name, str::to_owned),
        history_life: reader.days("scheduler.history-days"),
        daily_cron: reader.read(DAILY, |text| moments::cron(text).ok()),
        time_zone,
        follow_ups: reader.read(FOLLOW_UPS, |text| moments::distances(text).ok()),
        order_life: per_gateway(reader, "order.life-mins", |reader, key| {
            reader.set(key).map(|_| reader.mins(key))
        }),
    }
}

pub(super) fn reconciliation(reader: &Reader<'_>) -> Reconciliation {
    const AT_ONCE: &str = "reconciliation.calls-at-once";
    const PER_SECOND: &str = "reconciliation.calls-per-second";
    let most = reader.small_number("gateways.calls-at-once");
    let at_once = |reader: &Reader<'_>, key: &str| reader.small_number(key).min(most);
    let per_second = |reader: &Reader<'_>, key: &str| u32::try_from(reader.number(key)).unwrap_or(u32::MAX);
    let ask_after = reader.secs("reconciliation.ask-after-secs");
    Reconciliation {
        calls_at_once: per_gateway(reader, AT_ONCE, at_once),
        calls_per_second: per_gateway(reader, PER_SECOND, per_second),
        ask_after: (!ask_after.is_zero()).then_some(ask_after),
    }
}

pub(super) fn keep(reader: &Reader<'_>) -> Keep {
    Keep { events: reader.days("events.keep-days"), callbacks: reader.days("callbacks.keep-days") }
}

/// The shortest token of operators, in characters: nobody must guess it.
const SHORTEST_TOKEN: usize = 24;

/// What operators present over HTTP; `None` serves them nothing there.
pub(super) fn operators_token(reader: &mut Reader<'_>) -> Option<SecretString> {
    const TOKEN: &str = "operators.token";
    let token = reader.secret(TOKEN)?;
    let text = token.expose_secret();
    let fits_a_header = text.bytes().all(|byte| byte.is_ascii_graphic());
    if text.chars().count() < SHORTEST_TOKEN || !fits_a_header {
        reader.problem(
            TOKEN,
            "cannot be used",
            format!("give at least {SHORTEST_TOKEN} letters, digits and signs without spaces, e.g. from `openssl rand -hex 24`"),
        );
    }
    Some(token)
}

/// Reads `key` for all gateways and `<prefix>.<key>` for each that has it set.
fn per_gateway<T>(reader: &Reader<'_>, key: &str, read: impl Fn(&Reader<'_>, &str) -> T) -> PerGateway<T> {
    let known = KNOWN.iter().map(|known| (known.prefix.to_owned(), GatewayName::new(known.name)));
    let remote = names_in(reader.values.names())
        .into_iter()
        .map(|name| (format!("{REMOTE}{name}"), GatewayName::new(name)));
    let sandbox = [("sandbox".to_owned(), GatewayName::new(GatewayName::SANDBOX))];
    let own = sandbox
        .into_iter()
        .chain(known)
        .chain(remote)
        .filter_map(|(prefix, gateway)| {
            let key = format!("{prefix}.{key}");
            reader.set(&key).map(|_| (gateway, read(reader, &key)))
        })
        .collect();
    PerGateway { of_others: read(reader, key), own }
}

/// The name of the machine, which in a pod is that of the pod, and the number of the process.
fn node_name() -> String {
    let machine = std::fs::read_to_string("/proc/sys/kernel/hostname")
        .ok()
        .or_else(|| std::env::var("HOSTNAME").ok())
        .map(|name| name.trim().to_owned())
        .filter(|name| !name.is_empty())
        .unwrap_or_else(|| "node".to_owned());
    format!("{machine}-{}", std::process::id())
}
