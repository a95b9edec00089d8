//! PgBouncer in front of a PostgreSQL server.

use std::fs;
use std::process::Command;
use std::time::{Duration, Instant};

use rustix::process::Signal;
use tempfile::TempDir;
use url::Url;

use super::connect;
use crate::ports::Port;
use crate::process::{POLL_INTERVAL, Server, beside};
use crate::programs;

const START_LIMIT: Duration = Duration::from_secs(30);

/// When PgBouncer reuses a client's session for others.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum PoolMode {
    /// After the client has disconnected.
    Session,
    /// After each transaction.
    Transaction {
        /// How many sessions all clients share.
        sessions: u16,
    },
}

/// A pooler on loopback that connects every client as the user of the server's URL. Stopped when dropped.
#[derive(Debug)]
pub struct PgBouncer {
    running: Option<Server>,
    port: Port,
    server: Url,
    /// Its settings and its log.
    folder: TempDir,
}

impl PgBouncer {
    /// A running pooler in front of the database of this URL.
    ///
    /// # Panics
    /// When PgBouncer is not installed, or does not start; with its log.
    pub async fn start(server: &str, mode: PoolMode) -> Self {
        let folder = tempfile::Builder::new().prefix("payment-pgbouncer-").tempdir();
        let folder = folder.expect("the temporary folder is writable");
        let server = Url::parse(server).expect("postgres://user:password@host:port/database");
        let mut pooler = Self { running: None, port: Port::reserve(), server, folder };
        pooler.run(mode).await;
        pooler
    }

    /// Stops it, with every connection, and starts it in another mode.
    ///
    /// # Panics
    /// As [`Self::start`].
    pub async fn restart(&mut self, mode: PoolMode) {
        if let Some(server) = self.running.take() {
            beside(move || server.end(Signal::KILL, START_LIMIT)).await;
        }
        self.run(mode).await;
    }

    /// The URL of the same database behind the pooler.
    ///
    /// # Panics
    /// Never: the server's URL has a host.
    #[must_use]
    pub fn url(&self) -> String {
        let mut url = self.server.clone();
        url.set_host(Some("127.0.0.1")).expect("a URL with a host");
        url.set_port(Some(self.port.number())).expect("a URL with a host");
        url.into()
    }

    async fn run(&mut self, mode: PoolMode) {
        let (settings, log) = (self.folder.path().join("settings"), self.folder.path().join("log"));
        let (mode, sessions) = match mode {
            PoolMode::Session => ("session", 30),
            PoolMode::Transaction { sessions } => ("transaction", sessions),
        };
        let text = format!(
            "[databases]\n* = host={} port={} user={} password={}\n[pgbouncer]\nlisten_addr = 127.0.0.1\n\
             listen_port = {}\nunix_socket_dir =\nauth_type = any\npool_mode = {mode}\n\
             default_pool_size = {sessions}\nmax_client_conn = 300\nlogfile = {}\n",
            self.server.host_str().unwrap_or("127.0.0.1"),
            self.server.port().unwrap_or(5432),
            self.server.username(),
            self.server.password().unwrap_or_default(),
            self.port.number(),
            log.display(),
        );
        fs::write(&settings, text).expect("a file in our folder");
        if programs::postgres_is_another_user() {
            programs::run(Command::new("chown").arg("-R").arg("postgres:").arg(self.folder.path()));
        }
        let mut command = programs::bound_to_us(&programs::pgbouncer(), "KILL", true);
        command.arg("--quiet").arg(&settings);
        let mut server = Server::start(command, Signal::KILL);
        let deadline = Instant::now() + START_LIMIT;
        while connect(&self.url()).await.is_err() {
            assert!(
                server.ended().is_none() && Instant::now() < deadline,
                "PgBouncer did not start:\n{}",
                fs::read_to_string(&log).unwrap_or_default(),
            );
            tokio::time::sleep(POLL_INTERVAL).await;
        }
        self.running = Some(server);
    }
}
