//! Which database, which gateways, which services, which jobs: the one place that knows.

use std::time::Duration;

use payment_service::{
    Pace, PaceSettings, Payments, Ports, Reconciliation, ReconciliationSettings, Scheduler,
    SchedulerSettings, Settings,
};
use tokio_util::task::TaskTracker;

use super::{Addresses, database, digit, gateways, jobs};
use crate::config::gateways::Configured;
use crate::config::{Config, Database};
use crate::failure::Outcome;

/// The use cases, put together.
pub struct Assembled {
    /// Payments.
    pub payments: Payments,
    /// What asks gateways about pending payments.
    pub reconciliation: Reconciliation,
    /// What runs jobs when they are due.
    pub scheduler: Scheduler,
}

/// Puts the use cases together over a database that a service uses, without serving anything.
/// `node` is the name under which jobs are run by hand.
///
/// # Errors
/// When the database cannot be used, or calls cannot be made.
pub async fn assemble(mut config: Config, node: &str) -> Outcome<Assembled> {
    let opened = database::open_existing(&config).await?;
    let local = format!("{}{}", super::local_address(&config.server), config.server.context_path.as_str());
    let public = config.public_url(&local).unwrap_or_else(|| local.clone());
    let addresses = Addresses { local: &local, public: &public };
    let configured = std::mem::take(&mut config.gateways);
    wire(&config, configured, opened, &addresses, node, TaskTracker::new())
}

/// Puts the use cases together.
pub(super) fn wire(
    config: &Config,
    configured: Vec<Configured>,
    opened: database::Opened,
    addresses: &Addresses<'_>,
    node: &str,
    tasks: TaskTracker,
) -> Outcome<Assembled> {
    let clock = opened.clock;
    let services = digit::services(config, &opened.registers, &clock)?;
    let payments = Payments::new(Ports {
        gateways: gateways::adapters(config, configured, addresses, &clock)?,
        ids: services.ids,
        collections: services.collections,
        payers: services.payers,
        bank_accounts: services.bank_accounts,
        store: opened.store.clone(),
        clock: clock.clone(),
        settings: settings(config, addresses.local),
        tasks,
    });
    let reconciliation = Reconciliation::new(
        payments.ports.clone(),
        payments.settlement.clone(),
        ReconciliationSettings { distances: config.scheduler.follow_ups.clone() },
    );
    let jobs = jobs::scheduled(config, &payments, &reconciliation)?;
    let settings = SchedulerSettings {
        node: node.to_owned(),
        lease: config.scheduler.lease,
        largest_clock_offset: largest_clock_offset(config),
    };
    let scheduler = Scheduler::new(opened.store, clock, settings, jobs);
    Ok(Assembled { payments, reconciliation, scheduler })
}

/// Replicas share a database's clock; an embedded database's is that of the one service itself, and
/// nothing is to be gained by running no jobs.
fn largest_clock_offset(config: &Config) -> Option<Duration> {
    match &config.database {
        Database::Embedded => None,
        Database::Postgres(_) => Some(config.scheduler.lease),
    }
}

fn settings(config: &Config, local_url: &str) -> Settings {
    let payments = &config.payments;
    Settings {
        redirects: config.redirects(local_url),
        early_interval: payments.early_interval,
        order_life: config.scheduler.order_life.of_others,
        order_life_of: config.scheduler.order_life.set_for_gateways(),
        ask_after: config.reconciliation.ask_after,
        reuse_after: payments.reuse_after,
        time_zone: config.scheduler.time_zone.clone(),
        receipt_wait: payments.receipt_wait,
        receipt_lease: payments.receipt_lease,
        // The embedded implementation answers at once, and registers a bill once whoever asks.
        collection_call: config
            .services
            .collections
            .as_ref()
            .map_or(Duration::ZERO, |_| config.services.call_timeout),
        largest_clock_offset: largest_clock_offset(config),
        gateway_wait: payments.gateway_wait,
        questions: payments.questions,
        pace: pace(config),
        search_scope: payments.search_scope,
        system_user_uuid: payments.system_user_uuid.clone(),
        allowed_callback_hosts: payments.allowed_callback_hosts.clone(),
        unsigned_callbacks_per_day: payments.unsigned_callbacks_per_day,
    }
}

fn pace(config: &Config) -> PaceSettings {
    let (at_once, per_second) =
        (&config.reconciliation.calls_at_once, &config.reconciliation.calls_per_second);
    let limit = |per_second: u32| (per_second > 0).then_some(per_second);
    let own = at_once.own.keys().chain(per_second.own.keys());
    PaceSettings {
        of_others: Pace { at_once: at_once.of_others, per_second: limit(per_second.of_others) },
        own: own
            .map(|gateway| {
                let pace = Pace { at_once: at_once.of(gateway), per_second: limit(per_second.of(gateway)) };
                (gateway.clone(), pace)
            })
            .collect(),
    }
}
