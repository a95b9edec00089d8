//! What stands between the store and its tables: a pooler, a limit of connections, an encoding, a search
//! path. What cannot work is refused at the start, with what to change.

#![allow(clippy::unwrap_used, clippy::panic, reason = "these are tests: what fails, panics")]

use std::sync::Arc;
use std::time::{Duration, Instant};

use futures_util::future::{join, join_all};
use payment_store::contract::sample::{self, txn_id};
use payment_store::{Created, Health, ReceiptTasks, Search, SearchQuery, Store, StoreError, Transactions};
use payment_store_postgres::{PostgresOptions, PostgresStore};
use payment_testing::postgres::{PgBouncer, PoolMode, connect, database_url};
use support::{Database, number, options};

mod support;

/// Why a database is refused for good.
async fn refusal(options: PostgresOptions) -> String {
    match PostgresStore::connect(options).await {
        Err(StoreError::Failed(reason)) => reason.to_string(),
        Err(StoreError::Unavailable(reason)) => panic!("that passes: {reason}"),
        Ok(_) => panic!("it was taken"),
    }
}

#[tokio::test]
async fn a_pooler_that_shares_sessions_is_refused_at_the_start() {
    let database = Database::create().await;
    let pooler = PgBouncer::start(database.url(), PoolMode::Transaction).await;
    let reason = refusal(options(&pooler.url())).await;
    assert!(reason.contains("PgBouncer") && reason.contains("pool_mode = session"), "{reason}");
    let client = database.client().await;
    let tables = "SELECT count(*) FROM pg_tables WHERE schemaname = 'public'";
    assert_eq!(number(&client, tables).await, 0, "and nothing was done");
    assert!(PostgresStore::migrations(&options(&pooler.url())).await.is_err());
}

/// PgBouncer's stock settings drop, or refuse, what a client asks for at its start: the schema and the
/// limits of time are set all the same.
#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_pooler_that_keeps_sessions_is_worked_through_and_one_that_shares_them_later_is_noticed() {
    let database = Database::create().await;
    let client = database.client().await;
    client.batch_execute("CREATE SCHEMA own").await.unwrap();
    let mut pooler = PgBouncer::start(database.url(), PoolMode::Session).await;
    let options = PostgresOptions { schema: Some("own".to_owned()), ..options(&pooler.url()) };
    let store: Arc<dyn Store> = Arc::new(PostgresStore::connect(options).await.unwrap());
    join_all((0..50).map(|nth| {
        let store = store.clone();
        async move {
            let new = sample::new_transaction(&format!("T{nth}"), &format!("B{nth}"));
            assert_eq!(store.create(new).await.unwrap(), Created::Stored);
        }
    }))
    .await;
    store.ping().await.unwrap();
    assert_eq!(number(&client, "SELECT count(*) FROM own.eg_pg_transactions").await, 50);

    pooler.restart(PoolMode::Transaction).await;
    let deadline = Instant::now() + Duration::from_secs(60);
    let mut round = 50;
    let unready = loop {
        assert!(Instant::now() < deadline, "nobody notices");
        let work = join_all((0..20).map(|nth| {
            let new = sample::new_transaction(&format!("T{}", round + nth), &format!("B{}", round + nth));
            store.create(new)
        }));
        let query = SearchQuery::default();
        let reads = join_all((0..20).map(|_| store.search(&query)));
        let (created, _) = join(work, reads).await;
        for failure in created.into_iter().filter_map(Result::err) {
            assert!(matches!(failure, StoreError::Unavailable(_)), "not for good: {failure:?}");
        }
        round += 20;
        if let Err(StoreError::Unavailable(reason)) = store.ping().await
            && reason.to_string().contains("pool_mode")
        {
            break reason.to_string();
        }
    };
    assert!(unready.contains("pool_mode = session"), "{unready}");
}

/// A role that may have fewer connections than the pool, in a database of its own.
struct Limited {
    database: Database,
    role: String,
}

impl Limited {
    async fn to(connections: u32) -> Limited {
        let database = Database::create().await;
        let client = database.client().await;
        let name: String = client.query_one("SELECT current_database()::text", &[]).await.unwrap().get(0);
        let role = format!("few_{name}");
        client
            .batch_execute(&format!(
                "CREATE ROLE {role} LOGIN PASSWORD 'few' CONNECTION LIMIT {connections};
                 ALTER DATABASE {name} OWNER TO {role}"
            ))
            .await
            .unwrap();
        Limited { database, role }
    }

    fn options(&self) -> PostgresOptions {
        let options = self.database.options();
        PostgresOptions { user: self.role.clone(), password: Some("few".into()), ..options }
    }

    async fn forget(self) {
        let Limited { database, role } = self;
        drop(database);
        let server = connect(&database_url()).await.unwrap();
        server.batch_execute(&format!("DROP ROLE {role}")).await.unwrap();
    }
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn fewer_connections_than_the_pool_may_have_are_shared_by_all() {
    for connections in [3, 1] {
        let limited = Limited::to(connections).await;
        let store = Arc::new(PostgresStore::connect(limited.options()).await.unwrap());
        let creates = join_all((0..300).map(|nth| {
            let store = store.clone();
            async move {
                let new = sample::new_transaction(&format!("T{nth}"), &format!("B{nth}"));
                assert_eq!(store.create(new).await.unwrap(), Created::Stored);
                // A change, a small question, and a search.
                let txn = store.transaction(&txn_id(&format!("T{nth}"))).await.unwrap().unwrap();
                store.apply(sample::success(&txn)).await.unwrap();
                assert!(store.receipt_task(&txn.id).await.unwrap().is_some());
                assert!(!store.search(&SearchQuery::default()).await.unwrap().is_empty());
            }
        }));
        let pings = join_all((0..20).map(|_| store.ping()));
        let (_, pings) = join(creates, pings).await;
        for ping in pings {
            ping.unwrap();
        }
        Arc::into_inner(store).unwrap().close().await;
        limited.forget().await;
    }
}

#[tokio::test]
async fn a_database_that_cannot_hold_every_text_is_refused() {
    let database = Database::create().await;
    let server = connect(&database_url()).await.unwrap();
    let name = database.options().database;
    for statement in [
        format!("DROP DATABASE {name}"),
        format!("CREATE DATABASE {name} TEMPLATE template0 ENCODING 'LATIN1' LOCALE 'C'"),
    ] {
        server.batch_execute(&statement).await.unwrap();
    }
    let reason = refusal(database.options()).await;
    assert!(reason.contains("LATIN1") && reason.contains("ENCODING 'UTF8'"), "{reason}");
}

#[tokio::test]
async fn a_search_path_without_a_place_for_tables_is_refused() {
    let database = Database::create().await;
    for schema in ["pg_catalog", "nowhere", "information_schema"] {
        let options = PostgresOptions { schema: Some(schema.to_owned()), ..database.options() };
        let reason = refusal(options).await;
        assert!(reason.contains(schema) && reason.contains("currentSchema"), "{reason}");
    }
    let limited = Limited::to(10).await;
    let client = limited.database.client().await;
    client.batch_execute("CREATE SCHEMA others").await.unwrap();
    client.batch_execute(&format!("GRANT USAGE ON SCHEMA others TO {}", limited.role)).await.unwrap();
    let options = PostgresOptions { schema: Some("others".to_owned()), ..limited.options() };
    let reason = refusal(options.clone()).await;
    assert!(reason.contains("GRANT CREATE ON SCHEMA others"), "{reason}");
    // Where the tables are made by somebody else, it need not be allowed to.
    let maker = PostgresOptions { schema: Some("others".to_owned()), ..limited.database.options() };
    drop(PostgresStore::connect(maker).await.unwrap());
    let grant = format!(
        "GRANT ALL ON ALL TABLES IN SCHEMA others TO {role}; GRANT ALL ON ALL SEQUENCES IN SCHEMA others TO {role}",
        role = limited.role
    );
    client.batch_execute(&grant).await.unwrap();
    drop(PostgresStore::connect(options).await.unwrap());
    limited.forget().await;
}
