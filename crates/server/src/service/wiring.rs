//! Which database, which gateways, which services, which jobs: the one place that knows.

use payment_service::{Accounts, Payments, Ports, Reconciliation, Scheduler, SchedulerSettings, Settings};
use tokio_util::task::TaskTracker;

use super::{Addresses, database, digit, gateways, jobs};
use crate::config::Config;
use crate::failure::{Failure, Outcome};

/// The use cases, put together.
pub struct Assembled {
    /// Payments.
    pub payments: Payments,
    /// Asks gateways about pending payments.
    pub reconciliation: Reconciliation,
    /// Merchant accounts.
    pub accounts: Accounts,
    /// Runs jobs when they are due.
    pub scheduler: Scheduler,
}

/// Puts the use cases together over a database that a service uses, without serving anything.
/// `node` is the name under which jobs are run by hand.
///
/// # Errors
/// When the database cannot be used, or calls cannot be made.
pub async fn assemble(config: Config, node: &str) -> Outcome<Assembled> {
    let opened = database::open_existing(&config).await?;
    let local = format!("{}{}", super::local_address(&config.server), config.server.context_path.as_str());
    let public = config.public_url(&local).unwrap_or_else(|| local.clone());
    let addresses = Addresses { local: &local, public: &public };
    let assembled = wire(&config, opened, &addresses, node, TaskTracker::new())?;
    read_accounts(&assembled).await?;
    Ok(assembled)
}

/// Reads the merchant accounts. An unusable one is logged, with the id of its key: its payments are refused
/// and wait, those of the others go on.
///
/// # Errors
/// When the database cannot be read.
pub(super) async fn read_accounts(assembled: &Assembled) -> Outcome<()> {
    let read = assembled.payments.ports.gateways.accounts().refresh().await;
    read.map_err(|error| Failure::new("the merchant accounts cannot be read").because(&error))
}

/// Puts the use cases together.
pub(super) fn wire(
    config: &Config,
    opened: database::Opened,
    addresses: &Addresses<'_>,
    node: &str,
    tasks: TaskTracker,
) -> Outcome<Assembled> {
    let clock = opened.clock;
    let services = digit::services(config, &opened.registers, &clock)?;
    let (gateways, accounts) = gateways::adapters(config, addresses, &opened.store, &clock)?;
    let payments = Payments::new(Ports {
        gateways,
        ids: services.ids,
        collections: services.collections,
        payers: services.payers,
        bank_accounts: services.bank_accounts,
        store: opened.store.clone(),
        clock: clock.clone(),
        settings: Settings {
            redirects: config.redirects(addresses.local),
            checkpoints: config.audit.checkpoints.clone(),
            ..config.settings.clone()
        },
        tasks,
    });
    let reconciliation = Reconciliation::new(
        payments.ports.clone(),
        payments.settlement.clone(),
        config.jobs.reconciliation.clone(),
    );
    let jobs = jobs::scheduled(config, &payments, &accounts, &reconciliation)?;
    let settings = SchedulerSettings {
        node: node.to_owned(),
        lease: config.jobs.lease,
        largest_clock_offset: config.settings.largest_clock_offset,
    };
    let scheduler = Scheduler::new(opened.store, clock, settings, jobs);
    Ok(Assembled { payments, accounts, reconciliation, scheduler })
}
