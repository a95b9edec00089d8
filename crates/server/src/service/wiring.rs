//! Which store, which gateways, which stand-ins: the one place that knows.

use std::sync::Arc;
use std::time::Duration;

use axum::Router;
use axum::response::Redirect;
use axum::routing::get;
use payment_digit::embedded::{PayerDirectory, ReceiptRegister, Registers, SequenceIds};
use payment_domain::{Clock, SystemClock};
use payment_gateway::{Gateway, Guarded};
use payment_gateways::client::{Client, Limits};
use payment_gateways::sandbox::{Sandbox as SandboxAdapter, SandboxConfig};
use payment_http::{App, Metrics};
use payment_service::{Gateways, Payments, Ports, Settings};
use payment_simulator::sandbox::{Sandbox, SandboxSettings};
use payment_store_sqlite::{Options, SqliteStore};
use tokio_util::task::TaskTracker;

use super::data_folder::DataFolder;
use crate::config::Config;
use crate::failure::{Failure, Outcome};

/// The parts of a service, put together.
pub(super) struct Wired {
    /// The use cases.
    pub(super) payments: Payments,
    /// The built-in sandbox, unless it is switched off or stands elsewhere.
    pub(super) sandbox: Option<Sandbox>,
    /// All endpoints and pages.
    pub(super) router: Router,
}

/// The addresses of a service, with the context path.
pub(super) struct Addresses<'a> {
    /// On this machine.
    pub(super) local: &'a str,
    /// For payers and gateways.
    pub(super) public: &'a str,
}

impl Wired {
    pub(super) fn of(
        config: Config,
        folder: &DataFolder,
        addresses: &Addresses<'_>,
        metrics: Metrics,
        tasks: TaskTracker,
    ) -> Outcome<Wired> {
        let clock: Arc<dyn Clock> = Arc::new(SystemClock);
        let store = open_store(folder)?;
        let registers: Arc<dyn Registers> = store.clone();
        let sandbox = match &config.sandbox.url {
            None if config.sandbox.active => Some(open_sandbox(&config, folder, addresses)?),
            None | Some(_) => None,
        };
        let settings = settings(&config, addresses.public);
        let (context_path, limits) = (config.server.context_path.clone(), config.request_limits.clone());
        let stand_ins = config.stand_ins.clone();
        let ports = Ports {
            gateways: Gateways::new(adapters(config, folder, addresses, &clock)?),
            ids: Arc::new(SequenceIds::new(
                registers.clone(),
                clock.clone(),
                stand_ins.time_zone,
                stand_ins.id_format,
            )),
            collections: Arc::new(ReceiptRegister::new(registers.clone(), clock.clone())),
            payers: Arc::new(PayerDirectory::new(registers, clock.clone())),
            bank_accounts: Arc::new(stand_ins.bank_accounts),
            store,
            clock,
            settings,
            tasks,
        };
        let payments = Payments::new(ports);
        let sandbox_path = format!("{}/sandbox", context_path.as_str());
        let mut router =
            payment_http::router(App { payments: payments.clone(), metrics, context_path, limits });
        if let Some(sandbox) = &sandbox {
            let to_sandbox = get(Redirect::permanent(&sandbox_path));
            router =
                router.nest(&sandbox_path, sandbox.router()).route(&format!("{sandbox_path}/"), to_sandbox);
        }
        Ok(Wired { payments, sandbox, router })
    }
}

fn open_store(folder: &DataFolder) -> Outcome<Arc<SqliteStore>> {
    let database = folder.database();
    SqliteStore::open(&database, &Options::default()).map(Arc::new).map_err(|error| {
        Failure::new(format!("the database {} cannot be used", database.display())).because(&error).try_this(
            "see that the folder can be written and is not full, or name another one: --data-dir FOLDER",
        )
    })
}

fn settings(config: &Config, public_url: &str) -> Settings {
    let payments = &config.payments;
    Settings {
        public_url: public_url.to_owned(),
        early_interval: payments.early_interval,
        order_life: payments.order_life,
        receipt_wait: payments.receipt_wait,
        receipt_lease: payments.receipt_lease,
        gateway_wait: payments.gateway_wait,
        idempotency_life: payments.idempotency_life,
        search_scope: payments.search_scope,
        system_user_uuid: payments.system_user_uuid.clone(),
        allowed_callback_hosts: payments.allowed_callback_hosts.clone(),
    }
}

fn open_sandbox(config: &Config, folder: &DataFolder, addresses: &Addresses<'_>) -> Outcome<Sandbox> {
    let secret = match &config.sandbox.secret {
        Some(secret) => secret.clone(),
        None => folder.sandbox_secret()?,
    };
    let settings = SandboxSettings {
        lookup_url: Some(addresses.public.to_owned()),
        late_after: config.sandbox.late_after,
        ..SandboxSettings::new(
            config.sandbox.merchant.clone(),
            secret,
            format!("{}/sandbox", addresses.public),
        )
    };
    let books = folder.sandbox_books();
    Sandbox::open(&books, settings).map_err(|error| {
        Failure::new(format!("the sandbox's books {} cannot be opened", books.display())).because(&error)
    })
}

/// A client that calls gateways.
fn client(limits: Limits) -> Outcome<Client> {
    Client::new(limits).map_err(|error| {
        Failure::new("gateways cannot be called")
            .because(error.as_ref())
            .try_this("install the system's CA certificates")
    })
}

/// The adapters of all active gateways, each behind a guard.
fn adapters(
    config: Config,
    folder: &DataFolder,
    addresses: &Addresses<'_>,
    clock: &Arc<dyn Clock>,
) -> Outcome<Vec<Arc<dyn Gateway>>> {
    const CONNECT: Duration = Duration::from_secs(5);
    let wait = config.payments.gateway_wait;
    let limits = Limits { connect_timeout: CONNECT.min(wait), total_timeout: wait, ..Limits::default() };
    let shared = client(limits)?;
    let mut adapters: Vec<Arc<dyn Gateway>> = Vec::new();
    if config.sandbox.active {
        let sandbox = config.sandbox;
        let secret = match sandbox.secret {
            Some(secret) => secret,
            None => folder.sandbox_secret()?,
        };
        let (page_url, api_url) = match sandbox.url {
            Some(url) => (url.clone(), url),
            None => (format!("{}/sandbox", addresses.public), format!("{}/sandbox", addresses.local)),
        };
        let order_life = config.payments.order_life;
        let adapter = SandboxConfig { page_url, api_url, merchant: sandbox.merchant, secret, order_life };
        adapters.push(Arc::new(SandboxAdapter::new(adapter, shared.clone(), clock.clone())));
    }
    for configured in config.gateways {
        let client = configured.limits().cloned().map_or_else(|| Ok(shared.clone()), client)?;
        adapters.push(configured.make(client));
    }
    let guarded = |adapter| Arc::new(Guarded::new(adapter, config.guard.clone())) as Arc<dyn Gateway>;
    Ok(adapters.into_iter().map(guarded).collect())
}
