//! The database of one test of the use cases or of the HTTP interface: SQLite, or PostgreSQL when
//! `TEST_STORE` is `postgres`.

use std::ops::Range;
use std::sync::{Arc, LazyLock};
use std::time::Duration;

use futures_util::future::join_all;
use payment_digit::embedded::Registers;
use payment_domain::{Clock, ManualClock, Timestamp};
use payment_store::{Backlog, Health, Search, SearchQuery, Store};
use payment_store_postgres::{PostgresOptions, PostgresStore};
use payment_store_sqlite::SqliteStore;

use crate::postgres::FreshDatabase;
use crate::runtime::wait_for;

/// Small, so that all tests together stay below the server's limit.
const POOL: usize = 4;
/// Connections that are there from the start; most tests need no more.
const CONNECTED: usize = 2;
const FILE: &str = "payments.db";

/// A database that is empty at first and removed on drop.
pub struct Database {
    pub store: Arc<dyn Store>,
    /// The books of the embedded DIGIT services.
    pub registers: Arc<dyn Registers>,
    place: Arc<Place>,
    clock: Arc<ManualClock>,
}

enum Place {
    Folder(tempfile::TempDir),
    Postgres(FreshDatabase),
}

/// A database file with all tables: a copy is ready in less time than the migrations take.
static MIGRATED: LazyLock<Migrated> = LazyLock::new(Migrated::new);

struct Migrated {
    file: Vec<u8>,
    /// The place of the database's id, which no two databases share.
    id: Range<usize>,
}

impl Migrated {
    fn new() -> Migrated {
        let folder = tempfile::tempdir().unwrap();
        let (file, copy) = (folder.path().join(FILE), folder.path().join("copy"));
        let clock = Arc::new(ManualClock::at(Timestamp::from_millis(0)));
        drop(SqliteStore::open_with_clock(&file, &Default::default(), clock).unwrap());
        let conn = rusqlite::Connection::open(&file).unwrap();
        conn.execute("VACUUM INTO ?1", [copy.to_str().unwrap()]).unwrap();
        let id: String =
            conn.query_row("SELECT database_id FROM eg_pg_audit_head", [], |row| row.get(0)).unwrap();
        let file = std::fs::read(copy).unwrap();
        let at = file.windows(id.len()).position(|bytes| bytes == id.as_bytes()).unwrap();
        Migrated { file, id: at..at + id.len() }
    }

    fn copy(&self) -> Vec<u8> {
        let mut file = self.file.clone();
        file[self.id.clone()].copy_from_slice(crate::random_word().as_bytes());
        file
    }
}

impl Database {
    /// The database `TEST_STORE` asks for, on this clock.
    pub fn open(clock: &Arc<ManualClock>) -> Database {
        match std::env::var("TEST_STORE").as_deref() {
            Ok("postgres") => Database::in_postgres(clock),
            Ok("sqlite") | Err(_) => Database::in_sqlite(clock),
            Ok(other) => panic!("TEST_STORE is sqlite or postgres, not {other}"),
        }
    }

    /// SQLite, independent of `TEST_STORE`.
    pub fn in_sqlite(clock: &Arc<ManualClock>) -> Database {
        let folder = tempfile::tempdir().unwrap();
        let file = folder.path().join(FILE);
        std::fs::write(&file, MIGRATED.copy()).unwrap();
        let options = Default::default();
        let store = Arc::new(SqliteStore::open_with_clock(&file, &options, clock.clone()).unwrap());
        let place = Arc::new(Place::Folder(folder));
        Database { registers: store.clone(), store, place, clock: clock.clone() }
    }

    /// The same database, for another replica.
    pub fn again(&self) -> Database {
        Database {
            store: self.store.clone(),
            registers: self.registers.clone(),
            place: self.place.clone(),
            clock: self.clock.clone(),
        }
    }

    /// PostgreSQL, independent of `TEST_STORE`.
    pub fn in_postgres(clock: &Arc<ManualClock>) -> Database {
        wait_for(async {
            let place = FreshDatabase::with_tables(&PostgresStore::tables(), migrate).await;
            let store = Arc::new(connect(&place, clock).await);
            // Some tests allow a request less time than connecting takes.
            let search = SearchQuery::default();
            join_all((0..CONNECTED).map(|_| store.search(&search))).await;
            store.ping().await.unwrap();
            let place = Arc::new(Place::Postgres(place));
            Database { registers: store.clone(), store, place, clock: clock.clone() }
        })
    }

    pub fn is_postgres(&self) -> bool {
        matches!(self.place.as_ref(), Place::Postgres(_))
    }

    /// The address of PostgreSQL.
    pub fn url(&self) -> &str {
        match self.place.as_ref() {
            Place::Folder(_) => panic!("not in PostgreSQL"),
            Place::Postgres(place) => place.url(),
        }
    }

    /// Runs SQL past the service and its triggers, as an administrator of the database can.
    pub async fn tamper(&self, sql: &str) {
        match self.place.as_ref() {
            Place::Folder(folder) => {
                let conn = rusqlite::Connection::open(folder.path().join(FILE)).unwrap();
                conn.busy_timeout(Duration::from_secs(5)).unwrap();
                let triggers: Vec<String> = {
                    let mut names =
                        conn.prepare("SELECT name FROM sqlite_schema WHERE type = 'trigger'").unwrap();
                    let names = names.query_map([], |row| row.get(0)).unwrap();
                    names.collect::<Result<_, _>>().unwrap()
                };
                for trigger in triggers {
                    conn.execute_batch(&format!("DROP TRIGGER {trigger}")).unwrap();
                }
                conn.execute_batch(sql).unwrap();
            }
            Place::Postgres(place) => {
                let client = crate::postgres::connect(place.url()).await.unwrap();
                client
                    .batch_execute(&format!("SET session_replication_role = replica; {sql}"))
                    .await
                    .unwrap();
            }
        }
    }

    /// Runs SQL in PostgreSQL, past the service.
    pub async fn execute(&self, sql: &str) {
        match self.place.as_ref() {
            Place::Folder(_) => panic!("not in PostgreSQL"),
            Place::Postgres(place) => {
                crate::postgres::connect(place.url()).await.unwrap().batch_execute(sql).await.unwrap();
            }
        }
    }

    /// All that is stored: the bytes of SQLite's files, or the text of every row of PostgreSQL.
    pub async fn dump(&self) -> Vec<u8> {
        match self.place.as_ref() {
            Place::Folder(folder) => {
                let files = std::fs::read_dir(folder.path()).unwrap();
                files.flat_map(|file| std::fs::read(file.unwrap().path()).unwrap()).collect()
            }
            Place::Postgres(place) => {
                let client = crate::postgres::connect(place.url()).await.unwrap();
                let tables =
                    "SELECT quote_ident(tablename) FROM pg_tables WHERE schemaname = current_schema()";
                let mut dump = String::new();
                for table in client.query(tables, &[]).await.unwrap() {
                    let table: String = table.get(0);
                    for row in client.query(&format!("SELECT t::text FROM {table} AS t"), &[]).await.unwrap()
                    {
                        dump.push_str(row.get(0));
                    }
                }
                dump.into_bytes()
            }
        }
    }

    /// The work that is left; for a `Drop`, after the runtime of the test.
    pub fn backlog(&self) -> Backlog {
        let now = self.clock.now();
        match self.place.as_ref() {
            Place::Folder(_) => wait_for(self.store.backlog(now)).unwrap(),
            Place::Postgres(place) => {
                wait_for(async { connect(place, &self.clock).await.backlog(now).await }).unwrap()
            }
        }
    }
}

/// Makes the tables.
async fn migrate(url: String) {
    let (options, _) = PostgresOptions::from_jdbc_url(&url, None, None).unwrap();
    PostgresStore::connect(options).await.unwrap().close().await;
}

async fn connect(place: &FreshDatabase, clock: &Arc<ManualClock>) -> PostgresStore {
    let (options, _) = PostgresOptions::from_jdbc_url(place.url(), None, None).unwrap();
    // Generous: the machine is busy with other tests.
    let (connect_timeout, statement_timeout) = (Duration::from_secs(20), Duration::from_secs(40));
    let options =
        PostgresOptions { pool_size: POOL, readers: 1, connect_timeout, statement_timeout, ..options };
    PostgresStore::connect_with_clock(options, clock.clone()).await.unwrap()
}
