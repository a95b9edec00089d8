//! The database of one test: an embedded one, or one in PostgreSQL when `TEST_STORE` is `postgres`.

use std::sync::{Arc, LazyLock};
use std::time::Duration;

use futures_util::future::join_all;
use payment_digit::embedded::Registers;
use payment_domain::ManualClock;
use payment_store::{Backlog, SearchQuery, Store};
use payment_store_postgres::{PostgresOptions, PostgresStore};
use payment_store_sqlite::SqliteStore;
use payment_testing::postgres::FreshDatabase;
use tokio::runtime::Runtime;

/// Few connections: all tests together must stay below what the server allows.
const POOL: usize = 4;

/// An empty database, gone when this is dropped.
pub(crate) struct Database {
    pub(crate) store: Arc<dyn Store>,
    pub(crate) registers: Arc<dyn Registers>,
    place: Place,
    clock: Arc<ManualClock>,
}

enum Place {
    Folder { _folder: tempfile::TempDir },
    Postgres(FreshDatabase),
}

/// Tests make their world without waiting, each on a runtime of its own: what takes waiting is done
/// here meanwhile.
static BESIDE: LazyLock<Runtime> = LazyLock::new(|| {
    tokio::runtime::Builder::new_multi_thread().worker_threads(1).enable_all().build().unwrap()
});

fn beside<T: Send>(work: impl Future<Output = T> + Send) -> T {
    std::thread::scope(|scope| scope.spawn(|| BESIDE.block_on(work)).join().unwrap())
}

impl Database {
    /// One that goes by this clock.
    pub(crate) fn open(clock: &Arc<ManualClock>) -> Database {
        match std::env::var("TEST_STORE").as_deref() {
            Ok("postgres") => Database::in_postgres(clock),
            Ok("sqlite") | Err(_) => {
                let folder = tempfile::tempdir().unwrap();
                let file = folder.path().join("payments.db");
                let options = Default::default();
                let store = Arc::new(SqliteStore::open_with_clock(&file, &options, clock.clone()).unwrap());
                let place = Place::Folder { _folder: folder };
                Database { registers: store.clone(), store, place, clock: clock.clone() }
            }
            Ok(other) => panic!("TEST_STORE is sqlite or postgres, not {other}"),
        }
    }

    /// One in PostgreSQL, for what can only be there.
    pub(crate) fn in_postgres(clock: &Arc<ManualClock>) -> Database {
        beside(async {
            let place = FreshDatabase::create().await;
            let store = Arc::new(connect(&place, clock).await);
            // Some tests give a request a moment only, which is not for making connections.
            let search = SearchQuery::default();
            join_all((0..POOL).map(|_| store.search(&search))).await;
            store.ping().await.unwrap();
            let place = Place::Postgres(place);
            Database { registers: store.clone(), store, place, clock: clock.clone() }
        })
    }

    #[allow(dead_code, reason = "not everybody who has this file uses it")]
    /// Changes a database in PostgreSQL behind the back of the service.
    pub(crate) async fn execute(&self, sql: &str) {
        match &self.place {
            Place::Folder { .. } => panic!("not in PostgreSQL"),
            Place::Postgres(place) => {
                payment_testing::postgres::connect(place.url())
                    .await
                    .unwrap()
                    .batch_execute(sql)
                    .await
                    .unwrap();
            }
        }
    }

    /// What is left to do, found out without the runtime of the test, which may be at its end.
    pub(crate) fn backlog(&self) -> Backlog {
        match &self.place {
            Place::Folder { .. } => beside(self.store.backlog()).unwrap(),
            Place::Postgres(place) => {
                beside(async { connect(place, &self.clock).await.backlog().await }).unwrap()
            }
        }
    }
}

async fn connect(place: &FreshDatabase, clock: &Arc<ManualClock>) -> PostgresStore {
    let (options, _) = PostgresOptions::from_jdbc_url(place.url(), None, None).unwrap();
    // A machine that tests much at once is slow.
    let (connect_timeout, statement_timeout) = (Duration::from_secs(20), Duration::from_secs(40));
    let options =
        PostgresOptions { pool_size: POOL, readers: 1, connect_timeout, statement_timeout, ..options };
    PostgresStore::connect_with_clock(options, clock.clone()).await.unwrap()
}
