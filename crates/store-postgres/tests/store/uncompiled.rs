//! Statements that may be of long runs of indexes are not compiled (JIT), whatever PostgreSQL believes them to cost.

use std::sync::Arc;
use std::time::{Duration, Instant};

use payment_store::contract::sample::{self, at};
use payment_store::figures::FiguresAsk;
use payment_store::{
    AuditLog, FigureBooks, Listings, PageRequest, PaymentQuery, Search, SearchQuery, Store, TenantScope,
};
use payment_store_postgres::PostgresStore;
use payment_testing::postgres::{PostgresServer, connect};

use crate::support::options;

#[tokio::test(flavor = "multi_thread")]
async fn searches_and_the_readings_of_jobs_are_not_compiled() {
    let server = PostgresServer::builder()
        .setting("session_preload_libraries", "auto_explain")
        .setting("auto_explain.log_min_duration", "0")
        .setting("auto_explain.log_nested_statements", "off")
        .start()
        .await;
    let store = Arc::new(PostgresStore::connect(options(&server.url())).await.unwrap());
    let shared: Arc<dyn Store> = store.clone();
    let client = connect(&server.url()).await.unwrap();
    sample::stored(&shared, sample::new_transaction("T1", "B1")).await;
    client.batch_execute("SELECT nextval('eg_pg_history_positions')").await.unwrap();
    sample::stored(&shared, sample::new_transaction("T2", "B2")).await;
    let run = sample::begun(&shared, sample::tick("audit-seal", 0)).await;
    assert_eq!(store.seal_history(at(9), 10, &run.fence).await.unwrap(), Some(2));

    client.batch_execute("ALTER SYSTEM SET jit_above_cost = 0").await.unwrap();
    client.batch_execute("SELECT pg_reload_conf()").await.unwrap();
    let compiles = || async {
        client.batch_execute("SELECT max(txn_amount) AS control FROM eg_pg_transactions").await.unwrap();
        compiled(&server.log_text()).iter().any(|plan| plan.contains("AS control"))
    };
    // Sessions take the setting over a moment later. Without PostgreSQL's compiler this never ends.
    let patience = Instant::now();
    while !compiles().await {
        assert!(patience.elapsed() < Duration::from_secs(30), "this PostgreSQL compiles nothing");
    }

    let reported = server.log_text().len();
    assert_eq!(store.seal_history(at(9), 10, &run.fence).await.unwrap(), Some(0), "there is a gap");
    let ask = FiguresAsk { lines: 10, day: None, refunds_of: Vec::new() };
    assert_eq!(store.figures_reading(&ask).await.unwrap().lines.len(), 2);
    assert_eq!(
        store
            .search(&SearchQuery { page: PageRequest { limit: 9, offset: 0 }, ..SearchQuery::default() })
            .await
            .unwrap()
            .len(),
        2
    );
    let within = vec![TenantScope { root: "pb".to_owned() }];
    let query = PaymentQuery { within: within.clone(), limit: 9, ..PaymentQuery::default() };
    assert_eq!(store.list_payments(&query).await.unwrap().len(), 2);
    assert_eq!(store.receipts_due(&within).await.unwrap(), 0);
    let long =
        |plan: &&String| plan.contains("FROM eg_pg_transactions AS t") || plan.contains("line.position");
    // The others are small.
    let all = plans(&server.log_text()[reported..]);
    assert!(all.iter().filter(long).count() >= 5, "{all:#?}");
    let compiled = compiled(&server.log_text()[reported..]);
    assert_eq!(compiled.iter().filter(long).collect::<Vec<_>>(), Vec::<&String>::new());
}

/// The plans in a server's log.
fn plans(log: &str) -> Vec<String> {
    log.split(" LOG:  duration: ").skip(1).map(str::to_owned).collect()
}

/// Those that were compiled.
fn compiled(log: &str) -> Vec<String> {
    plans(log).into_iter().filter(|plan| plan.contains("JIT:")).collect()
}
