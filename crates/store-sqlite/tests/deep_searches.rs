//! Deep searches slow down searchers, and not payers.

#![allow(clippy::unwrap_used, reason = "these are tests: what fails, panics")]

use std::sync::Arc;

use payment_store::Store;
use payment_store::contract::deep_searches::{ROWS, Searchers};
use payment_store::contract::sample;
use payment_store_sqlite::SqliteStore;

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
        "WITH RECURSIVE numbers (n) AS (SELECT 1 UNION ALL SELECT n + 1 FROM numbers WHERE n < {ROWS})
         INSERT INTO eg_pg_transactions ({}) SELECT {} FROM eg_pg_transactions, numbers WHERE txn_id = 'SEED'",
        columns.join(", "),
        picked.join(", ")
    );
    database.execute(&fill, []).unwrap();
    let searchers = Searchers::start(&store);
    searchers.do_not_hold_up_creates(&store).await;
    searchers.stop().await;
}
