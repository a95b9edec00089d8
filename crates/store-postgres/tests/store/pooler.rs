//! A pooler before the database that gives its sessions to others after each database transaction.

use std::sync::Arc;
use std::time::{Duration, Instant};

use crate::support::{Database, number, options, refusal};
use futures_util::future::{join, join_all};
use payment_store::contract::sample::{self, at, txn_id};
use payment_store::{
    Created, JobLedger, Outbox, RunEnd, SearchQuery, Store, StoreError, Tally, TickAnswer, TickRequest,
};
use payment_store_postgres::{PostgresOptions, PostgresStore, PreparedStatements};
use payment_testing::postgres::{PgBouncer, PoolMode};

fn unnamed(pooler: &PgBouncer) -> PostgresOptions {
    PostgresOptions { prepared_statements: PreparedStatements::None, ..options(&pooler.url()) }
}

#[tokio::test]
async fn a_pooler_that_loses_prepared_statements_is_refused_at_the_start() {
    let database = Database::create().await;
    let pooler = PgBouncer::start(database.url(), PoolMode::Transaction { sessions: 5 }).await;
    let reason = refusal(options(&pooler.url())).await;
    for advice in ["database.prepared-statements = none", "max_prepared_statements", "pool_mode = session"] {
        assert!(reason.contains(advice), "{reason}");
    }
    let client = database.client().await;
    let tables = "SELECT count(*) FROM pg_tables WHERE schemaname = 'public'";
    assert_eq!(number(&client, tables).await, 0, "and nothing was done");
    assert!(PostgresStore::migrations(&options(&pooler.url())).await.is_err());
}

/// PgBouncer's stock settings drop, or refuse, a client's startup options: the schema and the limits of time
/// are set all the same.
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

    pooler.restart(PoolMode::Transaction { sessions: 30 }).await;
    let deadline = Instant::now() + Duration::from_secs(60);
    let mut round = 50;
    let unready = loop {
        assert!(Instant::now() < deadline, "the pooler is not noticed");
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

/// The role's settings are asked for in statements that can be used as they are.
#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn without_prepared_statements_replicas_work_through_a_pooler_that_shares_sessions() {
    let database = Database::create().await;
    let client = database.client().await;
    client.batch_execute("CREATE SCHEMA own").await.unwrap();
    let mut pooler = PgBouncer::start(database.url(), PoolMode::Transaction { sessions: 5 }).await;
    let options = PostgresOptions { schema: Some("own".to_owned()), ..unnamed(&pooler) };
    let reason = refusal(options.clone()).await;
    let begin = reason.find("ALTER ROLE").unwrap();
    let end = reason.rfind(';').unwrap();
    client.batch_execute(reason.get(begin..=end).unwrap()).await.unwrap();
    pooler.restart(PoolMode::Transaction { sessions: 5 }).await;

    let mut replicas = Vec::new();
    for _ in 0..3 {
        replicas.push(Arc::new(PostgresStore::connect(options.clone()).await.unwrap()));
    }
    let sessions = "SELECT count(*) FROM pg_stat_activity WHERE datname = current_database()
        AND pid <> pg_backend_pid() AND backend_type = 'client backend'";
    let payments = join_all((0..300).map(|nth| {
        let replica = replicas[nth % 3].clone();
        async move { pay(&replica, &format!("T{nth}")).await }
    }));
    let jobs = join_all(replicas.iter().zip(["one", "two", "three"]).map(|(replica, job)| run(replica, job)));
    join(payments, jobs).await;
    assert!(number(&client, sessions).await <= 5, "all replicas shared a few sessions");
    assert_eq!(number(&client, "SELECT count(*) FROM own.eg_pg_transactions").await, 300);
    assert_eq!(number(&client, "SELECT count(*) FROM own.eg_pg_transaction_history").await, 900);
    assert_eq!(number(&client, "SELECT count(*) FROM own.eg_pg_receipt_duties").await, 0);
    assert_eq!(number(&client, "SELECT count(*) FROM pg_tables WHERE schemaname = 'public'").await, 0);
    for replica in replicas {
        Arc::into_inner(replica).unwrap().close().await;
    }
}

/// Creates, finds, settles and receipts a payment; another claim on its bill is refused.
async fn pay(replica: &Arc<PostgresStore>, id: &str) {
    let store: Arc<dyn Store> = replica.clone();
    sample::stored(&store, sample::new_transaction(id, id)).await;
    let competing = store.create(sample::new_transaction(&format!("{id}-again"), id)).await.unwrap();
    assert!(matches!(competing, Created::BillsTaken(_)), "{competing:?}");
    let txn = store.transaction(&txn_id(id)).await.unwrap().unwrap();
    let paid = sample::applied(&store, sample::success(&txn)).await;
    assert!(store.receipt_task(&txn.id).await.unwrap().is_some());
    sample::applied(&store, sample::receipted(&paid, "first")).await;
    assert_eq!(store.history(&txn.id).await.unwrap().len(), 3);
    assert!(!store.search(&SearchQuery::default()).await.unwrap().is_empty());
    store.ping().await.unwrap();
}

/// Runs a job twenty times.
async fn run(replica: &Arc<PostgresStore>, job: &str) {
    for nth in 0..20 {
        let request = TickRequest {
            job: job.to_owned(),
            scheduled_at: at(nth),
            missed: 0,
            node: "n".to_owned(),
            lease: Duration::from_secs(60),
            not_renewed: None,
            newest_known: None,
        };
        let TickAnswer::Begun(run) = replica.begin_run(request).await.unwrap() else { panic!("busy") };
        let events = replica.unpublished(0, 50).await.unwrap();
        let sequences: Vec<i64> = events.iter().map(|event| event.sequence).collect();
        assert!(replica.mark_published(&sequences, at(nth), &run.fence).await.unwrap());
        assert!(replica.renew_run(&run.fence, Duration::from_secs(60), Tally::default()).await.unwrap());
        assert!(replica.end_run(&run.fence, at(nth), Tally::default(), RunEnd::Finished).await.unwrap());
    }
}
