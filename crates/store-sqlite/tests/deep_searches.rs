//! Searching deep is paid for by those who search, and not by those who pay.

#![allow(
    clippy::unwrap_used,
    clippy::panic,
    clippy::print_stderr,
    reason = "these are tests: what fails, panics"
)]

use std::sync::Arc;
use std::sync::atomic::{AtomicBool, Ordering};
use std::time::{Duration, Instant};

use payment_store::contract::sample::{self, txn_id};
use payment_store::{Created, PageRequest, SearchQuery, Store, StoreError, TenantScope};
use payment_store_sqlite::SqliteStore;
use tokio::task::JoinHandle;

/// The deepest page that can be asked for.
const DEEPEST: PageRequest = PageRequest { limit: 500, offset: 10_000 };
const SEARCHERS: usize = 32;
/// The longest median of a create while others search as deep as they can.
const BOUND: Duration = Duration::from_millis(250);

/// The median of so many creates, each as a payment makes it: who holds the bill, then the create, then a
/// look at what was stored.
async fn median(store: &Arc<dyn Store>, name: &str, creates: usize) -> Duration {
    let mut took = Vec::new();
    for nth in 0..creates {
        let begun = Instant::now();
        let new = sample::new_transaction(&format!("{name}{nth}"), &format!("B-{name}{nth}"));
        assert_eq!(store.claims(&new.txn.bill_keys()).await.unwrap(), []);
        assert_eq!(store.create(new).await.unwrap(), Created::Stored);
        assert!(store.transaction(&txn_id(&format!("{name}{nth}"))).await.unwrap().is_some());
        took.push(begun.elapsed());
    }
    took.sort_unstable();
    took[creates / 2]
}

/// Searches as deep as can be, over and over, until it is told to stop; returns how often.
fn keep_searching(store: &Arc<dyn Store>, stop: &Arc<AtomicBool>) -> JoinHandle<usize> {
    let (store, stop) = (store.clone(), stop.clone());
    tokio::spawn(async move {
        let within = Some(TenantScope { root: "pb".to_owned() });
        let query = SearchQuery { within, page: DEEPEST, ..SearchQuery::default() };
        let mut searches = 0;
        while !stop.load(Ordering::Relaxed) {
            match store.search(&query).await {
                Ok(found) => assert_eq!(found.len(), 500),
                // A searcher may be put off; a payer is not.
                Err(StoreError::Unavailable(_)) => {}
                Err(failed) => panic!("{failed:?}"),
            }
            searches += 1;
        }
        searches
    })
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn deep_searches_slow_no_create() {
    let folder = tempfile::tempdir().unwrap();
    let file = folder.path().join("payments.db");
    let store: Arc<dyn Store> = Arc::new(SqliteStore::open(&file, &Default::default()).unwrap());
    sample::stored(&store, sample::new_transaction("SEED", "SEED")).await;
    let database = rusqlite::Connection::open(&file).unwrap();
    let mut columns = database.prepare("SELECT name FROM pragma_table_info('eg_pg_transactions')").unwrap();
    let columns: Vec<String> = columns.query_map([], |row| row.get(0)).unwrap().map(Result::unwrap).collect();
    let picked: Vec<String> = columns
        .iter()
        .map(|column| match column.as_str() {
            "txn_id" => "'F' || n".to_owned(),
            "created_time" => "created_time - n".to_owned(),
            column => column.to_owned(),
        })
        .collect();
    let fill = format!(
        "WITH RECURSIVE numbers (n) AS (SELECT 1 UNION ALL SELECT n + 1 FROM numbers WHERE n < 20000)
         INSERT INTO eg_pg_transactions ({}) SELECT {} FROM eg_pg_transactions, numbers WHERE txn_id = 'SEED'",
        columns.join(", "),
        picked.join(", ")
    );
    database.execute(&fill, []).unwrap();
    let alone = median(&store, "alone", 41).await;
    let stop = Arc::new(AtomicBool::new(false));
    let searchers: Vec<_> = (0..SEARCHERS).map(|_| keep_searching(&store, &stop)).collect();
    tokio::time::sleep(Duration::from_millis(300)).await;
    let beside = median(&store, "beside", 41).await;
    stop.store(true, Ordering::Relaxed);
    let mut searches = 0;
    for searcher in searchers {
        searches += searcher.await.unwrap();
    }
    eprintln!(
        "a create takes {alone:?} alone, {beside:?} beside {SEARCHERS} searchers ({searches} searches)"
    );
    assert!(beside < BOUND, "{beside:?}, and {alone:?} alone");
}
