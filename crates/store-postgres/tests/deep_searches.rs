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
use payment_store_postgres::PostgresStore;
use support::{Database, number, prompt_options};
use tokio::task::JoinHandle;

mod support;

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
    let database = Database::create().await;
    let options = prompt_options(database.url());
    let at_most = i64::try_from(options.pool_size / 4).unwrap();
    let store: Arc<dyn Store> = Arc::new(PostgresStore::connect(options).await.unwrap());
    sample::stored(&store, sample::new_transaction("SEED", "SEED")).await;
    let client = database.client().await;
    let fill = "
        DO $$ DECLARE names text; picked text; BEGIN
            SELECT string_agg(quote_ident(attname), ', '), string_agg(CASE attname
                    WHEN 'txn_id' THEN '$f$F$f$ || n' WHEN 'created_time' THEN 'created_time - n'
                    ELSE quote_ident(attname) END, ', ')
                INTO names, picked FROM pg_attribute
                WHERE attrelid = 'eg_pg_transactions'::regclass AND attnum > 0 AND NOT attisdropped;
            EXECUTE format('INSERT INTO eg_pg_transactions (%s) SELECT %s FROM eg_pg_transactions,
                generate_series(1, 20000) AS n WHERE txn_id = $f$SEED$f$', names, picked);
        END $$";
    for statement in [fill, "VACUUM ANALYZE eg_pg_transactions"] {
        client.batch_execute(statement).await.unwrap();
    }
    let alone = median(&store, "alone", 41).await;
    let stop = Arc::new(AtomicBool::new(false));
    let searchers: Vec<_> = (0..SEARCHERS).map(|_| keep_searching(&store, &stop)).collect();
    // The server shows the beginning of a statement: that of a search alone is longer than what it shows.
    let searching = "SELECT count(*) FROM pg_stat_activity
        WHERE datname = current_database() AND state = 'active' AND length(query) > 1000
            AND query LIKE 'SELECT t.txn_id, t.whole_texts%'";
    let mut most = 0;
    let deadline = Instant::now() + Duration::from_secs(30);
    while most == 0 {
        assert!(Instant::now() < deadline, "nobody searches");
        most = number(&client, searching).await;
    }
    let beside = median(&store, "beside", 41).await;
    for _ in 0..50 {
        most = most.max(number(&client, searching).await);
    }
    stop.store(true, Ordering::Relaxed);
    let mut searches = 0;
    for searcher in searchers {
        searches += searcher.await.unwrap();
    }
    eprintln!(
        "a create takes {alone:?} alone, {beside:?} beside {SEARCHERS} searchers ({searches} searches)"
    );
    assert!(most <= at_most, "{most} searches at a time");
    assert!(beside < BOUND, "{beside:?}, and {alone:?} alone");
}
