//! A private PostgreSQL server with known settings.

use std::path::{Path, PathBuf};
use std::time::{Duration, Instant};

use anyhow::{Context, Result, bail, ensure};
use payment_testing::postgres::{PostgresServer, connect};
use tokio_postgres::Client;

use crate::report::progress;
use crate::service::Launch;

/// Differences from PostgreSQL's defaults. None reduces durability. This program vacuums by itself, so
/// that no load is disturbed more than another.
const SETTINGS: [(&str, &str); 4] = [
    ("shared_buffers", "512MB"),
    ("max_wal_size", "2GB"),
    ("checkpoint_timeout", "30min"),
    ("autovacuum", "off"),
];

/// The figures are counted anew, as at the first start: copies are no changes of payments.
pub(crate) const COUNT_ANEW: &str = "UPDATE eg_pg_figures_state SET zone = NULL";
pub(crate) const COUNTED: &str =
    "SELECT count(*) FROM eg_pg_figures_state WHERE is_complete AND zone IS NOT NULL";
const LONGEST_COUNT: Duration = Duration::from_secs(3_600);

/// A running server with a database of its own.
pub(crate) struct Database {
    /// Stops with this value. The caller of this program may have one of their own instead.
    _server: Option<PostgresServer>,
    url: String,
    /// A connection for unmeasured work.
    pub(crate) client: Client,
}

impl Database {
    pub(crate) async fn start() -> Result<Database> {
        ensure!(
            server_is_installed(),
            "PostgreSQL's server is not installed: run `scripts/services start`, or on Debian `apt-get install postgresql`"
        );
        let builder = SETTINGS
            .iter()
            .fold(PostgresServer::builder(), |builder, (name, value)| builder.setting(name, value));
        let server = builder.start().await;
        let database = Database::at(server.url()).await?;
        Ok(Database { _server: Some(server), ..database })
    }

    /// One whose server runs already.
    pub(crate) async fn at(url: String) -> Result<Database> {
        let client = connect(&url).await.context("connecting to PostgreSQL")?;
        Ok(Database { _server: None, url, client })
    }

    /// Its address, with user and password.
    pub(crate) fn url(&self) -> &str {
        &self.url
    }

    /// A service that keeps its payments here.
    pub(crate) fn launch(&self, binary: &Path, folder: &Path) -> Launch {
        Launch::plain(binary, folder)
            .variable("SPRING_DATASOURCE_URL", self.url())
            .set("sandbox.active", true)
    }

    pub(crate) async fn connect(&self) -> Result<Client> {
        connect(&self.url).await.context("connecting to PostgreSQL")
    }

    /// Gives every load the same start: earlier writes are on disk.
    pub(crate) async fn settle(&self) -> Result<()> {
        Ok(self.client.batch_execute("CHECKPOINT").await?)
    }

    pub(crate) async fn count_anew(&self) -> Result<()> {
        Ok(self.client.batch_execute(COUNT_ANEW).await?)
    }

    /// Removes dead rows and gathers statistics, like autovacuum.
    pub(crate) async fn tidy(&self) -> Result<()> {
        self.client.batch_execute("VACUUM (ANALYZE)").await?;
        self.settle().await
    }

    /// Waits until the service has counted all payments, which it does beside other work after its start.
    pub(crate) async fn wait_for_figures(&self) -> Result<()> {
        progress("the payments are counted");
        let began = Instant::now();
        while self.number(COUNTED).await? == 0 {
            ensure!(began.elapsed() < LONGEST_COUNT, "the payments are not counted");
            tokio::time::sleep(Duration::from_millis(200)).await;
        }
        Ok(())
    }

    /// The number that a statement returns.
    pub(crate) async fn number(&self, sql: &str) -> Result<i64> {
        Ok(self.client.query_one(sql, &[]).await.with_context(|| sql.to_owned())?.try_get(0)?)
    }

    /// The settings that affect the figures, as text.
    pub(crate) async fn settings(&self) -> Result<String> {
        let mut shown = Vec::new();
        let names = ["server_version", "fsync", "synchronous_commit", "full_page_writes"];
        for name in names.into_iter().chain(SETTINGS.iter().map(|(name, _)| *name)) {
            let row = self.client.query_one("SELECT current_setting($1)", &[&name]).await?;
            shown.push(format!("{name} {}", row.try_get::<_, String>(0)?));
        }
        Ok(shown.join(", "))
    }
}

/// pgbench, in `PATH` or among Debian's server programs.
pub(crate) fn pgbench() -> Result<PathBuf> {
    match find("pgbench") {
        Some(found) => Ok(found),
        None => bail!("pgbench is not installed: on Debian `apt-get install postgresql` brings it along"),
    }
}

fn server_is_installed() -> bool {
    find("initdb").is_some()
}

/// A program of PostgreSQL, in `PATH` or where Debian keeps those of the server.
fn find(program: &str) -> Option<PathBuf> {
    let path = std::env::var_os("PATH").unwrap_or_default();
    let debian = std::fs::read_dir("/usr/lib/postgresql").into_iter().flatten().flatten();
    let mut folders: Vec<PathBuf> = std::env::split_paths(&path).collect();
    folders.extend(debian.map(|version| version.path().join("bin")));
    folders.into_iter().map(|folder| folder.join(program)).find(|candidate| candidate.is_file())
}
