//! A private PostgreSQL server for one test, to stop and start.

use std::fmt::Write as _;
use std::fs::{self, File};
use std::path::{Path, PathBuf};
use std::process::Command;
use std::time::{Duration, Instant};

use rustix::process::Signal;
use tempfile::TempDir;

use super::connect;
use crate::ports::Port;
use crate::process::{POLL_INTERVAL, Server, beside};
use crate::programs;

/// A start after a crash may replay much of the log.
const START_LIMIT: Duration = Duration::from_secs(60);
const STOP_LIMIT: Duration = Duration::from_secs(60);

#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Stop {
    /// Rolls back transactions, closes connections, writes everything.
    Fast,
    /// As in a crash: writes nothing; the next start recovers from the log.
    Immediate,
    /// `kill -9`: its clients get no notice.
    Kill,
}

/// Settings of a server; see [`PostgresServer::builder`].
#[derive(Debug, Default)]
pub struct PostgresServerBuilder {
    settings: Vec<(String, String)>,
    tls: Option<(PathBuf, PathBuf)>,
    /// The authority whose client certificates are required.
    clients: Option<PathBuf>,
}

impl PostgresServerBuilder {
    /// A line of `postgresql.conf`, for example `fsync` `off`.
    #[must_use]
    pub fn setting(mut self, name: &str, value: &str) -> Self {
        self.settings.push((name.to_owned(), value.to_owned()));
        self
    }

    /// Uses only TLS over TCP, with this certificate and key (PEM files, which are copied).
    #[must_use]
    pub fn tls(mut self, certificate: impl Into<PathBuf>, key: impl Into<PathBuf>) -> Self {
        self.tls = Some((certificate.into(), key.into()));
        self
    }

    /// With [`Self::tls`]: a client has to show a certificate of this authority with the user's name, and needs no
    /// password then.
    #[must_use]
    pub fn client_certificates(mut self, authority: impl Into<PathBuf>) -> Self {
        self.clients = Some(authority.into());
        self
    }

    /// Sets the server up, starts it and waits until it answers.
    ///
    /// # Panics
    /// When PostgreSQL is not installed, or does not start; with its log.
    pub async fn start(self) -> PostgresServer {
        let mut server = beside(move || PostgresServer::set_up(self)).await;
        server.start_again().await;
        server
    }
}

/// A server on loopback with its own port, data and password, and durable writes as in production.
/// Stopped and removed when dropped.
#[derive(Debug)]
pub struct PostgresServer {
    running: Option<Server>,
    port: Port,
    password: String,
    /// Has `data`, the log and the Unix socket.
    folder: TempDir,
}

impl PostgresServer {
    /// A running server with PostgreSQL's own settings.
    ///
    /// # Panics
    /// As [`PostgresServerBuilder::start`].
    pub async fn start() -> Self {
        Self::builder().start().await
    }

    /// A server with particular settings, or TLS.
    #[must_use]
    pub fn builder() -> PostgresServerBuilder {
        PostgresServerBuilder::default()
    }

    /// The URL of its database `postgres`, as its superuser.
    #[must_use]
    pub fn url(&self) -> String {
        format!("postgres://postgres:{}@127.0.0.1:{}/postgres", self.password, self.port.number())
    }

    /// Its superuser's way over the Unix socket, independent of the rules for TCP.
    #[must_use]
    pub fn socket(&self) -> String {
        format!(
            "host={} port={} user=postgres password={} dbname=postgres",
            self.folder.path().display(),
            self.port.number(),
            self.password,
        )
    }

    /// Its port on `127.0.0.1`, constant across restarts.
    #[must_use]
    pub fn port(&self) -> u16 {
        self.port.number()
    }

    #[must_use]
    pub fn password(&self) -> &str {
        &self.password
    }

    /// Starts it on its data and waits until it answers. No effect while it runs.
    ///
    /// # Panics
    /// When it does not start; with its log.
    pub async fn start_again(&mut self) {
        if self.running.as_mut().is_some_and(|server| server.ended().is_none()) {
            return;
        }
        let log = File::options().create(true).append(true).open(self.log()).expect("the log is writable");
        let program = programs::postgres_folder().join("postgres");
        let mut command = programs::bound_to_us(&program, "QUIT", true);
        command.arg("-D").arg(self.data());
        command.stdout(log.try_clone().expect("a file can be shared")).stderr(log);
        let mut server = Server::start(command, Signal::QUIT);
        let deadline = Instant::now() + START_LIMIT;
        // Over the socket, which opens together with TCP: TCP may require TLS.
        while connect(&self.socket()).await.is_err() {
            assert!(
                server.ended().is_none() && Instant::now() < deadline,
                "PostgreSQL did not start:\n{}",
                self.log_text(),
            );
            tokio::time::sleep(POLL_INTERVAL).await;
        }
        self.running = Some(server);
    }

    /// Stops it and waits for its end. No effect when stopped.
    ///
    /// # Panics
    /// When it does not stop.
    pub async fn stop(&mut self, how: Stop) {
        let Some(server) = self.running.take() else { return };
        let signal = match how {
            Stop::Fast => Signal::INT,
            Stop::Immediate => Signal::QUIT,
            Stop::Kill => Signal::KILL,
        };
        beside(move || server.end(signal, STOP_LIMIT)).await;
    }

    /// Stops it and starts it again on the same data and port.
    ///
    /// # Panics
    /// As [`Self::stop`] and [`Self::start_again`].
    pub async fn restart(&mut self, how: Stop) {
        self.stop(how).await;
        self.start_again().await;
    }

    /// A running standby that follows this server by streaming, known to it by this name, with the same password.
    ///
    /// # Panics
    /// As [`PostgresServerBuilder::start`].
    pub async fn standby(&self, name: &str) -> Self {
        let primary = format!(
            "host=127.0.0.1 port={} user=postgres password={} application_name={name}",
            self.port.number(),
            self.password,
        );
        let password = self.password.clone();
        let mut standby = beside(move || {
            let standby = Self::unprepared(password);
            let program = programs::postgres_folder().join("pg_basebackup");
            let mut copy = programs::bound_to_us(&program, "KILL", true);
            copy.args(["--checkpoint=fast", "--no-sync", "--write-recovery-conf", "--dbname", &primary]);
            programs::run(copy.arg("--pgdata").arg(standby.data()));
            standby.add_settings(&standby.address());
            standby
        })
        .await;
        standby.start_again().await;
        standby
    }

    /// Makes a standby a primary, and waits until it accepts writes.
    ///
    /// # Panics
    /// When it does not.
    pub async fn promote(&self) {
        let client = connect(&self.socket()).await.expect("the standby answers");
        let promoted =
            client.query_one("SELECT pg_promote(true, 60)", &[]).await.expect("it can be promoted");
        assert!(promoted.get::<_, bool>(0), "the standby was not promoted in time");
    }

    /// Its log so far.
    ///
    /// # Panics
    /// When it cannot be read.
    pub fn log_text(&self) -> String {
        fs::read_to_string(self.log()).expect("the log is readable")
    }

    fn data(&self) -> PathBuf {
        self.folder.path().join("data")
    }

    fn log(&self) -> PathBuf {
        self.folder.path().join("log")
    }

    /// One with an empty folder.
    fn unprepared(password: String) -> Self {
        let folder = tempfile::Builder::new()
            .prefix("payment-postgres-")
            .tempdir()
            .expect("the temporary folder is writable");
        let server = Self { running: None, port: Port::reserve(), password, folder };
        server.belongs_to_postgres(&[server.folder.path()]);
        server
    }

    fn set_up(builder: PostgresServerBuilder) -> Self {
        let server = Self::unprepared(crate::random_word());
        let password_file = server.folder.path().join("password");
        fs::write(&password_file, &server.password).expect("a file in our folder");
        server.belongs_to_postgres(&[&password_file]);
        let mut initdb = programs::bound_to_us(&programs::postgres_folder().join("initdb"), "KILL", true);
        initdb
            .args(["--username=postgres", "--auth=scram-sha-256", "--encoding=UTF8", "--locale=C.UTF-8"])
            .arg("--no-sync")
            .arg("--pwfile")
            .arg(&password_file)
            .arg("--pgdata")
            .arg(server.data());
        programs::run(&mut initdb);
        server.configure(&builder);
        server
    }

    fn configure(&self, builder: &PostgresServerBuilder) {
        let data = self.data();
        let mut lines = self.address() + "max_connections = 200\nshared_buffers = 64MB\n";
        if let Some((certificate, key)) = &builder.tls {
            let copies = [data.join("server.crt"), data.join("server.key")];
            for (from, to) in [certificate, key].into_iter().zip(&copies) {
                fs::copy(from, to).unwrap_or_else(|error| panic!("{}: {error}", from.display()));
                readable_by_owner_only(to);
            }
            self.belongs_to_postgres(&[copies[0].as_path(), copies[1].as_path()]);
            lines.push_str("ssl = on\n");
            let method = match &builder.clients {
                Some(authority) => {
                    let copy = data.join("clients.crt");
                    fs::copy(authority, &copy)
                        .unwrap_or_else(|error| panic!("{}: {error}", authority.display()));
                    self.belongs_to_postgres(&[copy.as_path()]);
                    lines.push_str("ssl_ca_file = 'clients.crt'\n");
                    "cert clientcert=verify-full"
                }
                None => "scram-sha-256",
            };
            fs::write(
                data.join("pg_hba.conf"),
                format!("local all all scram-sha-256\nhostssl all all 127.0.0.1/32 {method}\n"),
            )
            .expect("a file in our folder");
        }
        for (name, value) in &builder.settings {
            writeln!(lines, "{name} = '{}'", value.replace('\'', "''")).expect("text grows");
        }
        self.add_settings(&lines);
    }

    /// Where it listens, as settings.
    fn address(&self) -> String {
        format!(
            "\nlisten_addresses = '127.0.0.1'\nport = {}\nunix_socket_directories = '{}'\n",
            self.port.number(),
            self.folder.path().display(),
        )
    }

    /// Of two lines for one setting the later counts.
    fn add_settings(&self, lines: &str) {
        let path = self.data().join("postgresql.conf");
        let given = fs::read_to_string(&path).expect("there are settings");
        fs::write(path, given + lines).expect("a file in our folder");
    }

    fn belongs_to_postgres(&self, paths: &[&Path]) {
        if programs::postgres_is_another_user() {
            programs::run(Command::new("chown").arg("postgres:").args(paths));
        }
    }
}

/// PostgreSQL refuses a key that others may read.
fn readable_by_owner_only(path: &Path) {
    use std::os::unix::fs::PermissionsExt as _;
    fs::set_permissions(path, fs::Permissions::from_mode(0o600)).expect("a file of ours");
}
