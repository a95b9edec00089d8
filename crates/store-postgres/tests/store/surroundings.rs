//! The surroundings of the store: a limit of connections, an encoding, a search path. Unusable ones are
//! refused at the start, with the remedy.

use std::sync::Arc;

use crate::support::{Database, refusal};
use futures_util::future::{join, join_all};
use payment_store::contract::sample::{self, txn_id};
use payment_store::{Created, Health, ReceiptTasks, Search, SearchQuery, Transactions};
use payment_store_postgres::{PostgresOptions, PostgresStore};
use payment_testing::postgres::{connect, database_url};

/// A role that may have fewer connections than the pool, in a database of its own.
struct Limited {
    database: Database,
    role: String,
}

impl Limited {
    async fn to(connections: u32) -> Limited {
        // The role owns it: it is dropped, and not used again.
        let database = Database::create_with("").await;
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
    let database = Database::create_with("TEMPLATE template0 ENCODING 'LATIN1' LOCALE 'C'").await;
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
    // No right to create tables is needed where they exist.
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
