//! Deep searches slow down searchers, and not payers.

use std::sync::Arc;
use std::time::{Duration, Instant};

use crate::support::{Database, number, prompt_options};
use payment_store::Store;
use payment_store::contract::deep_searches::{ROWS, Searchers};
use payment_store::contract::sample;
use payment_store_postgres::PostgresStore;

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn deep_searches_slow_no_create() {
    let database = Database::create().await;
    let options = prompt_options(database.url());
    let at_most = i64::try_from(options.pool_size / 4).unwrap();
    let store: Arc<dyn Store> = Arc::new(PostgresStore::connect(options).await.unwrap());
    sample::stored(&store, sample::new_transaction("SEED", "SEED")).await;
    let client = database.client().await;
    let fill = format!(
        "
        DO $$ DECLARE names text; picked text; BEGIN
            SELECT string_agg(quote_ident(attname), ', '), string_agg(CASE attname
                    WHEN 'txn_id' THEN '$f$F$f$ || n' WHEN 'created_time' THEN 'created_time - n'
                    ELSE quote_ident(attname) END, ', ')
                INTO names, picked FROM pg_attribute
                WHERE attrelid = 'eg_pg_transactions'::regclass AND attnum > 0 AND NOT attisdropped;
            EXECUTE format('INSERT INTO eg_pg_transactions (%s) SELECT %s FROM eg_pg_transactions,
                generate_series(1, {ROWS}) AS n WHERE txn_id = $f$SEED$f$', names, picked);
        END $$"
    );
    for statement in [fill.as_str(), "VACUUM ANALYZE eg_pg_transactions"] {
        client.batch_execute(statement).await.unwrap();
    }
    let searchers = Searchers::start(&store);
    // The server shows the beginning of a statement; only that of a search is longer than 1000 characters.
    let searching = "SELECT count(*) FROM pg_stat_activity
        WHERE datname = current_database() AND state = 'active' AND length(query) > 1000
            AND query LIKE 'SELECT t.txn_id, t.whole_texts%'";
    let mut most = 0;
    let deadline = Instant::now() + Duration::from_secs(30);
    while most == 0 {
        assert!(Instant::now() < deadline, "no search is under way");
        most = number(&client, searching).await;
    }
    searchers.do_not_hold_up_creates(&store).await;
    for _ in 0..50 {
        most = most.max(number(&client, searching).await);
    }
    searchers.stop().await;
    assert!(most <= at_most, "{most} searches at a time");
}
