//! The two places in which the service under test keeps its payments.

use std::path::{Path, PathBuf};
use std::process::Command;
use std::sync::Arc;
use std::time::Duration;

use payment_store::Store;
use payment_store_sqlite::{Options, SqliteStore};
use payment_testing::postgres::FreshDatabase;

use crate::proof::books::Register;
use crate::proof::postgres;

/// The service's database.
pub(crate) enum Database {
    /// In the data folder.
    Embedded(PathBuf),
    /// On the shared PostgreSQL server.
    Postgres(FreshDatabase),
}

impl Database {
    pub(crate) fn embedded(folder: &Path) -> Database {
        Database::Embedded(folder.join("data/payments.db"))
    }

    pub(crate) async fn postgres() -> Database {
        Database::Postgres(FreshDatabase::create().await)
    }

    /// The longest life of a service before it is killed: long enough for some work.
    pub(crate) fn longest_life(&self) -> Duration {
        match self {
            Database::Embedded(_) => Duration::from_millis(350),
            // It has its connections to make first.
            Database::Postgres(_) => Duration::from_millis(900),
        }
    }

    /// Tells the service where it is.
    pub(crate) fn name_to(&self, command: &mut Command) {
        match self {
            Database::Embedded(_) => {}
            Database::Postgres(database) => {
                command.env("SPRING_DATASOURCE_URL", database.url()).env("SANDBOX_ACTIVE", "true");
            }
        }
    }

    /// As the service sees it.
    pub(crate) async fn open(&self) -> Arc<dyn Store> {
        match self {
            Database::Embedded(file) => Arc::new(SqliteStore::open(file, &Options::default()).unwrap()),
            Database::Postgres(database) => postgres::open(database.url()).await,
        }
    }

    /// The registrations of the embedded implementation of the collection service.
    pub(crate) async fn register(&self) -> Register {
        match self {
            Database::Embedded(file) => Register::of_embedded(file),
            Database::Postgres(database) => postgres::register(database.url()).await,
        }
    }

    /// The number of events, read past the store.
    pub(crate) async fn count_events(&self) -> usize {
        match self {
            Database::Embedded(file) => {
                let count: i64 = read(file, "SELECT count(*) FROM eg_pg_outbox");
                usize::try_from(count).unwrap()
            }
            Database::Postgres(database) => postgres::count(database.url(), "eg_pg_outbox").await,
        }
    }

    /// The damage that the database itself finds in its file. (A PostgreSQL server has not died here.)
    pub(crate) fn damage(&self) -> Option<String> {
        match self {
            Database::Embedded(file) => {
                let found: String = read(file, "PRAGMA integrity_check");
                (found != "ok").then_some(found)
            }
            Database::Postgres(_) => None,
        }
    }
}

fn read<T: rusqlite::types::FromSql>(file: &Path, sql: &str) -> T {
    let conn = rusqlite::Connection::open(file).unwrap();
    conn.query_row(sql, [], |row| row.get(0)).unwrap()
}
