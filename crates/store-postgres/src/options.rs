//! How to reach and use a PostgreSQL server.

use std::path::PathBuf;
use std::time::Duration;

use secrecy::{ExposeSecret, SecretString};
use tokio_postgres::config::TargetSessionAttrs;

use crate::failure::Failure;
use crate::jdbc::{self, InvalidUrl};

/// PostgreSQL's port.
pub(crate) const DEFAULT_PORT: u16 = 5432;

/// Where a server is, and how it is used. The defaults suit a service with a server of its own on
/// the same machine.
#[derive(Debug, Clone)]
pub struct PostgresOptions {
    /// The servers, tried in this order: the first that accepts writes is used.
    pub hosts: Vec<PostgresHost>,
    /// The database.
    pub database: String,
    /// The user.
    pub user: String,
    /// The user's password.
    pub password: Option<SecretString>,
    /// Whether and how the connection is encrypted.
    pub ssl_mode: SslMode,
    /// A PEM file with the certificates that are trusted; without one those of the system are.
    pub root_certificate: Option<PathBuf>,
    /// A file with the client's certificate, its proof of identity: PEM with its chain, or DER.
    pub client_certificate: Option<PathBuf>,
    /// The file of its private key, not encrypted: PEM, or PKCS#8 DER.
    pub client_key: Option<PathBuf>,
    /// The schema of the tables, or several names for the search path, separated by commas; without
    /// one the server's setting counts.
    pub schema: Option<String>,
    /// How many connections are used for changes and searches; at least 4.
    pub pool_size: usize,
    /// How many more connections answer small questions, many at a time each; at least 1.
    pub readers: usize,
    /// The number of changes, and of queries, that may wait; further ones fail with
    /// [`StoreError::Unavailable`](payment_store::StoreError::Unavailable).
    pub queued: usize,
    /// How many changes are committed together at most.
    pub group: usize,
    /// How long connecting to one server may take.
    pub connect_timeout: Duration,
    /// How long one statement may take, and how long work may wait for its turn.
    pub statement_timeout: Duration,
    /// The name under which the server lists our connections.
    pub application_name: String,
    /// How statements are sent.
    pub prepared_statements: PreparedStatements,
}

/// How statements are sent.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default)]
pub enum PreparedStatements {
    /// Prepared once for each connection, and planned as PostgreSQL sees fit. A pooler in between must keep
    /// a session for each connection, or know of prepared statements (PgBouncer from 1.21 on, with
    /// `max_prepared_statements` above 0).
    #[default]
    Named,
    /// Parsed and planned each time; nothing is kept or set in a session, so that a pooler may give each
    /// database transaction another one. Limits of time must then be set for the role.
    None,
}

/// A setting that sessions need.
pub(crate) struct SessionSetting {
    pub(crate) name: &'static str,
    /// As SQL.
    value: String,
}

/// One server.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct PostgresHost {
    /// Its name or address; a path that begins with `/` is the folder of a Unix socket.
    pub name: String,
    /// Its port.
    pub port: u16,
}

/// Whether and how a connection is encrypted: libpq's modes of the same names.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default)]
pub enum SslMode {
    /// Never.
    Disable,
    /// If the server can; its certificate is not looked at.
    #[default]
    Prefer,
    /// Always; the server's certificate is not checked. Protects against passive listeners only.
    Require,
    /// Always, and the server's certificate must come from an authority that is trusted.
    VerifyCa,
    /// The same, and it must be made out to the name by which the server is reached.
    VerifyFull,
}

impl SslMode {
    /// The mode of this name: `disable`, `prefer`, `require`, `verify-ca`, `verify-full`; `allow` counts
    /// as `prefer`.
    pub fn from_word(word: &str) -> Option<SslMode> {
        match word {
            "disable" => Some(SslMode::Disable),
            "allow" | "prefer" => Some(SslMode::Prefer),
            "require" => Some(SslMode::Require),
            "verify-ca" => Some(SslMode::VerifyCa),
            "verify-full" => Some(SslMode::VerifyFull),
            _ => None,
        }
    }
}

impl Default for PostgresOptions {
    fn default() -> PostgresOptions {
        PostgresOptions {
            hosts: vec![PostgresHost { name: "localhost".to_owned(), port: DEFAULT_PORT }],
            database: "postgres".to_owned(),
            user: "postgres".to_owned(),
            password: None,
            ssl_mode: SslMode::default(),
            root_certificate: None,
            client_certificate: None,
            client_key: None,
            schema: None,
            pool_size: 12,
            readers: 2,
            queued: 8_192,
            group: 256,
            connect_timeout: Duration::from_secs(2),
            statement_timeout: Duration::from_secs(4),
            application_name: "pg-service".to_owned(),
            prepared_statements: PreparedStatements::default(),
        }
    }
}

impl PostgresOptions {
    /// Reads a database URL: `jdbc:postgresql://host1:5432,host2/db?sslmode=require` as Java knows it,
    /// or `postgres://user:password@host/db` as libpq does. `user` and `password`, where given, count
    /// instead of those in the URL. Also returns the parameters of the URL that mean nothing here.
    ///
    /// # Errors
    /// [`InvalidUrl`], which quotes nothing of the URL but parameter names.
    pub fn from_jdbc_url(
        url: &str,
        user: Option<&str>,
        password: Option<SecretString>,
    ) -> Result<(PostgresOptions, Vec<String>), InvalidUrl> {
        let (mut options, ignored) = jdbc::parse(url)?;
        if let Some(user) = user.filter(|user| !user.is_empty()) {
            options.user = user.to_owned();
        }
        if let Some(password) = password.filter(|password| !password.expose_secret().is_empty()) {
            options.password = Some(password);
        }
        Ok((options, ignored))
    }

    /// How long to wait for an answer: the server itself gives up a little earlier.
    pub(crate) fn answer_timeout(&self) -> Duration {
        self.statement_timeout.saturating_add(Duration::from_secs(1))
    }

    /// How long a database transaction may wait for its next statement. None of ours waits for anything but
    /// the server: one that does belongs to a process that hangs or is cut off, and holds locks that others
    /// need to take over, for example of a job's row.
    fn longest_pause(&self) -> Duration {
        const LEAST: Duration = Duration::from_secs(1);
        (self.statement_timeout / 4).max(LEAST)
    }

    /// The settings of sessions that serve.
    pub(crate) fn settings(&self) -> Result<Vec<SessionSetting>, Failure> {
        let timeout = self.statement_timeout.as_millis().clamp(1, 3_600_000).to_string();
        let mut settings = vec![
            SessionSetting { name: "statement_timeout", value: timeout.clone() },
            SessionSetting { name: "lock_timeout", value: timeout },
            SessionSetting {
                name: "idle_in_transaction_session_timeout",
                value: self.longest_pause().as_millis().to_string(),
            },
            SessionSetting { name: "synchronous_commit", value: "on".to_owned() },
            SessionSetting { name: "default_transaction_isolation", value: "'read committed'".to_owned() },
        ];
        settings.extend(self.search_path()?);
        Ok(settings)
    }

    /// How connections are made. Nothing is asked for at their start that a pooler could drop.
    pub(crate) fn config(&self) -> Result<tokio_postgres::Config, Failure> {
        if self.hosts.is_empty() {
            return Err(Failure::Options("a database server must be named".to_owned()));
        }
        let mut config = tokio_postgres::Config::new();
        for host in &self.hosts {
            config.host(&host.name).port(host.port);
        }
        config.dbname(&self.database).user(&self.user);
        if let Some(password) = &self.password {
            config.password(password.expose_secret());
        }
        config.application_name(&self.application_name);
        // A server that only follows is of no use.
        config.target_session_attrs(TargetSessionAttrs::ReadWrite);
        config.connect_timeout(self.connect_timeout);
        config.tcp_user_timeout(self.answer_timeout());
        config.keepalives_idle(Duration::from_secs(30));
        config.ssl_mode(match self.ssl_mode {
            SslMode::Disable => tokio_postgres::config::SslMode::Disable,
            SslMode::Prefer => tokio_postgres::config::SslMode::Prefer,
            SslMode::Require | SslMode::VerifyCa | SslMode::VerifyFull => {
                tokio_postgres::config::SslMode::Require
            }
        });
        Ok(config)
    }

    /// The schema as a setting. Plain names only: they need no escaping in quotes.
    pub(crate) fn search_path(&self) -> Result<Option<SessionSetting>, Failure> {
        let Some(schema) = &self.schema else { return Ok(None) };
        let names = names_of(schema);
        let is_plain = |name: &&str| {
            !name.is_empty()
                && name.len() <= 63
                && name.chars().all(|c| c.is_alphanumeric() || matches!(c, '_' | '$' | '-'))
        };
        if !names.iter().all(is_plain) {
            return Err(Failure::Options(
                "a schema must be called by letters, digits, and the characters _ $ -".to_owned(),
            ));
        }
        let quoted: Vec<String> = names.iter().map(|name| format!("\"{name}\"")).collect();
        Ok(Some(SessionSetting { name: "search_path", value: quoted.join(", ") }))
    }
}

impl SessionSetting {
    /// The clause that sets it in a session, or for a role.
    pub(crate) fn set(&self) -> String {
        format!("SET {} = {};", self.name, self.value)
    }

    /// Whether the session's values suffice: any limit of time, and at least as much durability.
    pub(crate) fn suits(&self, found: &str) -> bool {
        match self.name {
            "synchronous_commit" => matches!(found, "on" | "remote_apply"),
            "default_transaction_isolation" => found == self.value.trim_matches('\''),
            "search_path" => names_of(found) == names_of(&self.value),
            _ => found != "0",
        }
    }
}

/// The names in a search path.
fn names_of(path: &str) -> Vec<&str> {
    path.split(',').map(|name| name.trim().trim_matches('"')).collect()
}
