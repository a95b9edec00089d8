//! The running service: what it is wired of, what runs in it, and how it comes to an end.

mod accounts;
pub mod backup;
mod certificates;
pub(crate) mod console;
pub mod data_folder;
mod database;
mod digit;
mod gateways;
mod jobs;
mod kafka;
pub mod moving;
mod open_files;
mod sandbox;
mod starting;
mod wiring;

use std::io;
use std::net::{IpAddr, Ipv4Addr, Ipv6Addr, SocketAddr};
use std::sync::Arc;
use std::time::Duration;

use axum::Router;
use axum::response::Redirect;
use axum::routing::get;
use payment_http::{App, Metrics, Operators, Pages, ServeLimits};
use payment_service::audit::{AuditTrail, settings_changed};
use payment_service::figures::GatewayReadings;
use payment_service::{AttentionList, BacklogGauges, ConsoleSessions, PersonalTokens};
use payment_store::Store;
use tokio::net::TcpListener;
use tokio::task::JoinSet;
use tokio_util::sync::CancellationToken;
use tokio_util::task::TaskTracker;

use self::certificates::Certificates;
use self::data_folder::{DataFolder, Occupied};
use self::jobs::Loops;
use crate::config::{Config, Database, Server};
use crate::failure::{Failure, Outcome};

pub use self::database::{Migrated, Migrations, migrate, migration_plan, migrations};
pub use self::wiring::{Assembled, assemble};

/// The most connections to the port of its own for metrics and documents.
const ADMIN_CONNECTIONS: usize = 64;

/// The addresses of a service, with the context path.
struct Addresses<'a> {
    /// On this machine.
    local: &'a str,
    /// For payers and gateways; where there is none that on this machine, which they are not given.
    public: &'a str,
}

/// A service that runs until it is stopped.
pub struct Running {
    local_url: String,
    admin_url: Option<String>,
    console_url: Option<String>,
    console_link: Option<String>,
    public_url: String,
    data: String,
    stop: CancellationToken,
    server: JoinSet<()>,
    loops: Loops,
    tasks: TaskTracker,
    shutdown_wait: Duration,
    _occupied: Option<Occupied>,
}

/// Takes the address the service listens on.
///
/// # Errors
/// When it cannot be had.
pub async fn listen(server: &Server) -> Outcome<TcpListener> {
    listen_at(SocketAddr::new(server.address, server.port), "--port ").await
}

/// `option` is what chooses another port.
async fn listen_at(address: SocketAddr, option: &str) -> Outcome<TcpListener> {
    TcpListener::bind(address).await.map_err(|error| cannot_listen(address, option, &error))
}

fn cannot_listen(address: SocketAddr, option: &str, error: &io::Error) -> Failure {
    let (ip, port) = (address.ip(), address.port());
    let (what, next) = if error.kind() == io::ErrorKind::AddrInUse {
        let another = port.checked_add(1).unwrap_or(9000);
        (
            format!("port {port} on {ip} is in use, perhaps by a service that runs already"),
            format!(
                "stop the other program, or choose another port: {option}{another} ({option}0 takes a free one)"
            ),
        )
    } else if error.kind() == io::ErrorKind::PermissionDenied {
        (format!("only root may listen on port {port}"), format!("choose a port above 1023: {option}9000"))
    } else {
        (
            format!("nothing can listen on {address}"),
            "choose an address of this machine: --address 127.0.0.1, or 0.0.0.0 for all of them".to_owned(),
        )
    };
    Failure::new(what).because(error).try_this(next)
}

/// The address of whatever listens there, as this machine reaches it.
///
/// # Errors
/// When the address is not held any more.
pub fn url_of(listener: &TcpListener) -> Outcome<String> {
    let address = listener
        .local_addr()
        .map_err(|error| Failure::new("the address that was taken is gone").because(&error))?;
    Ok(format!("http://{}", reachable(address)))
}

/// Starts the service behind an address that it has taken; `metrics` is what `/prometheus` shows.
///
/// # Errors
/// When the data folder or the database cannot be used, the database is unavailable for too long, or too few files
/// may be open.
pub async fn start(mut config: Config, listener: TcpListener, metrics: Metrics) -> Outcome<Running> {
    let local_url = format!("{}{}", url_of(&listener)?, config.server.context_path.as_str());
    let public_url = config.public_url(&local_url).unwrap_or_else(|| local_url.clone());

    config.serve_limits.connections = open_files::room_for(config.serve_limits.connections)?;

    // Replicas that keep everything in PostgreSQL have no folder, and may share a machine.
    let folder = match config.needs_data_folder() {
        true => Some(DataFolder::prepare(&config.data_dir)?),
        false => None,
    };
    let occupied = folder.as_ref().map(DataFolder::occupy).transpose()?;
    let data = match &config.database {
        Database::Embedded => DataFolder::prepare(&config.data_dir)?.shown().display().to_string(),
        Database::Postgres { shown_url, .. } => shown_url.clone(),
    };
    let admin_listener = match config.server.admin_port {
        Some(port) => {
            Some(listen_at(SocketAddr::new(config.server.address, port), "--set server.admin-port=").await?)
        }
        None => None,
    };
    let opened = starting::open(&config, [Some(&listener), admin_listener.as_ref()]).await?;
    let addresses = Addresses { local: &local_url, public: &public_url };
    let stop = CancellationToken::new();
    let sandbox = sandbox::open(&config, &addresses, &opened.clock, &stop)?;
    let tasks = TaskTracker::new();
    let node = config.jobs.node_name.clone();
    let assembled = wiring::wire(&config, opened, &addresses, &node, tasks.clone())?;
    wiring::read_accounts(&assembled).await?;
    let Assembled { payments, accounts, reconciliation, scheduler } = assembled;
    let consumer = kafka::consumer(&config, &payments)?;
    let looping = payments.clone();
    let ports = &payments.ports;
    settings_changed(ports.store.as_ref(), ports.clock.now(), &node, config.audit.settings)
        .await
        .map_err(|error| Failure::new("the start cannot be recorded in the audit log").because(&error))?;
    let identity = digit::identity_proof(&config, &payments.ports.clock)?;

    let shared_token = config.operators_token.clone();
    let operators = Operators::new(shared_token, scheduler.clone(), reconciliation, stop.clone());
    let context_path = config.server.context_path.clone();
    let sandbox_path = format!("{}/sandbox", context_path.as_str());
    let console_listener = match config.console.port.filter(|_| config.has_console()) {
        Some(port) => {
            Some(listen_at(SocketAddr::new(config.server.address, port), "--set console.port=").await?)
        }
        None => None,
    };
    let console_root = match &console_listener {
        Some(listener) => Some(url_of(listener)?),
        None if config.has_console() => Some(url_of(&listener)?),
        None => None,
    };
    let console_pages = match &console_root {
        Some(root) => Some(console::pages(&config, &payments, &accounts, &scheduler, &stop, root)?),
        None => None,
    };
    let console_url = console_root.map(|root| format!("{root}{}", console::path(&config)));
    let console_link = match &console_url {
        Some(url) => console::newcomers_link(&config, &payments, url).await?,
        None => None,
    };
    let pages = config.server.pages;
    let app = App {
        payments,
        accounts,
        identity,
        roles: config.roles.clone(),
        stands_alone: config.stands_alone(),
        upyog_accepted_code: config.upyog_accepted_code.clone(),
        metrics: metrics.clone(),
        context_path,
        limits: config.request_limits.clone(),
        proxies: config.server.proxies.clone(),
        operators,
        pages: if admin_listener.is_some() { Pages::NONE } else { pages },
    };
    let (beside, sandbox_work) = match sandbox {
        Some(sandbox) => {
            let to_sandbox = get(Redirect::permanent(&sandbox_path));
            let pages = Router::new().nest(&sandbox_path, sandbox.pages);
            (pages.route(&format!("{sandbox_path}/"), to_sandbox), Some(sandbox.work))
        }
        None => (Router::new(), None),
    };

    let (pages_beside, console_apart) = match (console_pages, console_listener) {
        (Some(console), None) => (Some(console), None),
        (Some(console), Some(listener)) => (None, Some((console, listener))),
        (None, _) => (None, None),
    };

    let backlog =
        BacklogGauges::new(looping.ports.store.clone(), looping.ports.clock.clone(), config.kafka.is_some());
    let (certificates, interval) = (Certificates::of(&config), config.jobs.backlog_interval);
    let readings = GatewayReadings::new(looping.ports.clone(), node);
    let gauges = async move {
        tokio::join!(backlog.keep_sampling(interval), certificates.keep_watching(), readings.keep_storing());
    };
    let loops = Loops::start(scheduler, looping, gauges, consumer, sandbox_work, metrics, &stop);
    let shutdown_wait = config.serve_limits.shutdown_time;
    let mut server = JoinSet::new();
    let mut admin_url = None;
    if let Some(listener) = admin_listener {
        admin_url = Some(format!("{}{}", url_of(&listener)?, app.context_path.as_str()));
        let router = payment_http::admin_router(App { pages, ..app.clone() });
        let limits = ServeLimits { connections: ADMIN_CONNECTIONS, ..config.serve_limits.clone() };
        server.spawn(payment_http::serve(listener, router, limits, stop.clone()));
    }
    if let Some((pages, listener)) = console_apart {
        let router = payment_http::router_of_pages(app.limits.clone(), pages);
        let limits = ServeLimits { connections: ADMIN_CONNECTIONS, ..config.serve_limits.clone() };
        server.spawn(payment_http::serve(listener, router, limits, stop.clone()));
    }
    let router = payment_http::router(app, beside, pages_beside);
    server.spawn(payment_http::serve(listener, router, config.serve_limits, stop.clone()));
    Ok(Running {
        local_url,
        admin_url,
        console_url,
        console_link,
        public_url,
        data,
        stop,
        server,
        loops,
        tasks,
        shutdown_wait,
        _occupied: occupied,
    })
}

/// Problems of a configuration that only the parts that use it find. Makes no connection.
pub fn check(config: &Config) -> Vec<Failure> {
    kafka::check(config).err().into_iter().collect()
}

/// The database of a service, for looking things up beside it; never makes or changes one.
///
/// # Errors
/// When there is none, or it is not up to date, or it cannot be used.
pub async fn open_store(config: &Config) -> Outcome<Arc<dyn Store>> {
    Ok(database::open_existing(config).await?.store)
}

/// The review cases of the database, as [`open_store`] opens it.
///
/// # Errors
/// As [`open_store`].
pub async fn open_attention(config: &Config) -> Outcome<AttentionList> {
    let opened = database::open_existing(config).await?;
    Ok(AttentionList::new(opened.store, opened.clock))
}

/// The audit log of the database, as [`open_store`] opens it.
///
/// # Errors
/// As [`open_store`].
pub async fn open_audit(config: &Config) -> Outcome<AuditTrail> {
    let opened = database::open_existing(config).await?;
    Ok(AuditTrail::new(opened.store, opened.clock, config.audit.checkpoints.clone()))
}

/// The personal API tokens of the database, as [`open_store`] opens it.
///
/// # Errors
/// As [`open_store`].
pub async fn open_tokens(config: &Config) -> Outcome<PersonalTokens> {
    let opened = database::open_existing(config).await?;
    Ok(PersonalTokens::new(opened.store, opened.clock))
}

/// The sessions of the console, as [`open_store`] opens it, and whether merchant accounts are stored.
///
/// # Errors
/// As [`open_store`].
pub async fn open_sessions(config: &Config) -> Outcome<(ConsoleSessions, bool)> {
    let opened = database::open_existing(config).await?;
    let stored = opened.store.merchant_accounts().await;
    let stored = stored.map_err(|error| Failure::new("the database cannot be read").because(&error))?;
    Ok((ConsoleSessions::new(opened.store, opened.clock), !stored.accounts.is_empty()))
}

/// The address at which a service with this configuration is reached from this machine.
fn local_address(server: &Server) -> String {
    local_address_at(server, server.port)
}

/// The same of another port of it.
pub(crate) fn local_address_at(server: &Server, port: u16) -> String {
    format!("http://{}", reachable(SocketAddr::new(server.address, port)))
}

/// An address at which a service that listens there is reached from this machine.
fn reachable(address: SocketAddr) -> SocketAddr {
    let ip = match address.ip() {
        IpAddr::V4(ip) if ip.is_unspecified() => IpAddr::V4(Ipv4Addr::LOCALHOST),
        IpAddr::V6(ip) if ip.is_unspecified() => IpAddr::V6(Ipv6Addr::LOCALHOST),
        IpAddr::V4(_) | IpAddr::V6(_) => address.ip(),
    };
    SocketAddr::new(ip, address.port())
}

impl Running {
    /// Its address on this machine, with the context path.
    pub fn local_url(&self) -> &str {
        &self.local_url
    }

    /// The address of the port of its own for metrics and documents, with the context path.
    pub fn admin_url(&self) -> Option<&str> {
        self.admin_url.as_deref()
    }

    /// The address of the console on this machine.
    pub fn console_url(&self) -> Option<&str> {
        self.console_url.as_deref()
    }

    /// A one-time link into the console, while nothing real is configured.
    pub fn console_link(&self) -> Option<&str> {
        self.console_link.as_deref()
    }

    /// Its address for payers and gateways, with the context path; where there is none that on this
    /// machine.
    pub fn public_url(&self) -> &str {
        &self.public_url
    }

    /// Where payments are kept, for people: the data folder, or the database's address.
    pub fn data(&self) -> &str {
        &self.data
    }

    /// Waits until the server ends by itself, which it does only when something is broken.
    pub async fn ended(&mut self) {
        self.server.join_next().await;
    }

    /// Accepts nothing new, finishes what runs within the limit, stops the jobs and closes the
    /// database.
    pub async fn stop(mut self) {
        let deadline = tokio::time::Instant::now() + self.shutdown_wait;
        self.stop.cancel();
        // The server keeps the limit itself; this one is for what outlives its requests.
        while let Some(ended) = self.server.join_next().await {
            if let Err(error) = ended {
                tracing::error!(%error, "the server did not end in order");
            }
        }
        self.tasks.close();
        if tokio::time::timeout_at(deadline, self.tasks.wait()).await.is_err() {
            tracing::warn!(
                unfinished = self.tasks.len(),
                "the time to finish is up; what is left is taken up at the next start"
            );
        }
        self.loops.stop(deadline).await;
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_service_that_listens_everywhere_is_reached_on_this_machine() {
        for (listens, reached) in
            [("0.0.0.0:9000", "127.0.0.1:9000"), ("[::]:1", "[::1]:1"), ("10.0.0.7:80", "10.0.0.7:80")]
        {
            assert_eq!(reachable(listens.parse().unwrap()).to_string(), reached);
        }
    }
}
