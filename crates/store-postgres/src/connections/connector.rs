//! Opening connections, and the one that migrates.

use std::pin::Pin;
use std::sync::Arc;
use std::time::Duration;

use deadpool_postgres::{ClientWrapper, ConfigConnectImpl, Connect};
use tokio::task::JoinHandle;
use tokio_postgres::{NoTls, Row};

use super::session::Step;
use super::statements::{Values, unnamed};
use crate::failure::Failure;
use crate::options::{PostgresOptions, PreparedStatements, SslMode};
use crate::{surroundings, tls};

/// Whether a session on the server serves one connection, or several in turn.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Sessions {
    /// The session is ours until the connection ends: its settings are set at its begin.
    Own,
    /// A pooler gives each database transaction any session: nothing may be set in one.
    Shared,
}

/// Opens connections and sets their sessions up.
#[derive(Clone)]
pub(crate) struct Connector {
    config: tokio_postgres::Config,
    connect: Arc<dyn Connect>,
    settings: String,
    limit: Duration,
}

impl Connector {
    /// Of connections whose sessions begin with the statements of `settings`.
    pub(super) fn new(options: &PostgresOptions, settings: String) -> Result<Connector, Failure> {
        let connect: Arc<dyn Connect> = match options.ssl_mode {
            SslMode::Disable => Arc::new(ConfigConnectImpl { tls: NoTls }),
            SslMode::Prefer | SslMode::Require | SslMode::VerifyCa | SslMode::VerifyFull => {
                Arc::new(ConfigConnectImpl { tls: tls::connector(options)? })
            }
        };
        // Every server gets its time, and the one that answers some more for the login.
        let hosts = u32::try_from(options.hosts.len()).unwrap_or(u32::MAX);
        let limit = options.connect_timeout.saturating_mul(hosts).saturating_add(Duration::from_secs(1));
        Ok(Connector { config: options.config()?, connect, settings, limit })
    }

    /// How connections are made.
    pub(super) fn config(&self) -> tokio_postgres::Config {
        self.config.clone()
    }

    /// How long opening a connection may take.
    pub(crate) fn limit(&self) -> Duration {
        self.limit
    }

    /// A connection outside the pool.
    pub(crate) async fn open(&self) -> Result<ClientWrapper, Failure> {
        let connected = tokio::time::timeout(self.limit, self.connect(&self.config)).await;
        let (client, task) = connected.map_err(|_| Failure::NoAnswer)?.map_err(Failure::connecting)?;
        Ok(ClientWrapper::new(client, task))
    }
}

type Connected = Result<(tokio_postgres::Client, JoinHandle<()>), tokio_postgres::Error>;

impl Connect for Connector {
    fn connect(
        &self,
        config: &tokio_postgres::Config,
    ) -> Pin<Box<dyn Future<Output = Connected> + Send + '_>> {
        let config = config.clone();
        Box::pin(async move {
            let (client, task) = self.connect.connect(&config).await?;
            if !self.settings.is_empty() {
                client.batch_execute(&self.settings).await?;
            }
            Ok((client, task))
        })
    }
}

/// The connection that checks and migrates. Its statements are sent once each, and so unnamed.
pub(crate) struct Migrator {
    client: ClientWrapper,
    /// The findings of the probe.
    pub(crate) sessions: Sessions,
}

impl Migrator {
    /// Connects, and refuses a pooler in which prepared statements would be lost.
    pub(crate) async fn connect(options: &PostgresOptions) -> Result<Migrator, Failure> {
        let connector = Connector::new(options, String::new())?;
        let client = connector.open().await?;
        let sessions = match options.prepared_statements {
            PreparedStatements::Named => surroundings::probe(&client, &connector).await?,
            PreparedStatements::None => Sessions::Shared,
        };
        let migrator = Migrator { client, sessions };
        match sessions {
            Sessions::Own => {
                if let Some(path) = options.search_path()? {
                    migrator.batch(&path.set()).await?;
                }
            }
            Sessions::Shared => surroundings::check_settings(&migrator, options).await?,
        }
        Ok(migrator)
    }

    /// The rows of one statement.
    pub(crate) async fn rows(&self, sql: &str, values: Values<'_>) -> Result<Vec<Row>, Failure> {
        unnamed(&self.client, sql, values).await
    }

    /// One statement with its parameters.
    pub(crate) async fn step(&self, step: &Step<'_>) -> Result<(), Failure> {
        self.rows(step.sql, &step.values).await.map(|_| ())
    }

    /// The first row of a statement that always yields one.
    pub(crate) async fn row(&self, sql: &str, values: Values<'_>) -> Result<Row, Failure> {
        self.rows(sql, values).await?.into_iter().next().ok_or(Failure::OutOfRange)
    }

    /// Executes statements without parameters.
    pub(crate) async fn batch(&self, sql: &str) -> Result<(), Failure> {
        Ok(self.client.batch_execute(sql).await?)
    }

    /// Begins a database transaction without time limits, whatever limits the role has.
    pub(crate) async fn begin(&self) -> Result<(), Failure> {
        self.batch(
            "BEGIN ISOLATION LEVEL READ COMMITTED; SET LOCAL statement_timeout = 0;
             SET LOCAL idle_in_transaction_session_timeout = 0",
        )
        .await
    }

    /// Commits it.
    pub(crate) async fn commit(&self) -> Result<(), Failure> {
        self.batch("COMMIT").await
    }
}
