//! The server stops, crashes, restarts, or hangs: nothing is half done, no caller waits long, and the store
//! recovers by itself.

use std::collections::BTreeSet;
use std::sync::atomic::{AtomicUsize, Ordering};
use std::sync::{Arc, Mutex};
use std::time::{Duration, Instant};

use crate::support::{Database, number, prompt_options};
use futures_util::future::join_all;
use payment_domain::Transaction;
use payment_store::contract::sample::{self, txn_id};
use payment_store::{Applied, Created, SearchQuery, Store, StoreError};
use payment_store_postgres::{PostgresOptions, PostgresStore};
use payment_testing::postgres::{PostgresServer, Stop, connect};
use payment_testing::proxy::TcpProxy;
use tokio_postgres::Client;

/// The longest wait for any answer.
const PROMPT: Duration = Duration::from_secs(8);

fn new(nth: usize) -> payment_store::NewTransaction {
    sample::new_transaction(&format!("T{nth}"), &format!("B{nth}"))
}

/// The results of an outage that a caller may see.
fn is_outage<T>(outcome: &Result<T, StoreError>) -> bool {
    matches!(outcome, Err(StoreError::Unavailable(_)))
}

async fn promptly<T>(work: impl Future<Output = T>) -> T {
    let began = Instant::now();
    let answer = work.await;
    assert!(began.elapsed() < PROMPT, "it took {:?}", began.elapsed());
    answer
}

/// The number of incomplete groups of rows.
const HALF_DONE: &str = "
    SELECT (SELECT count(*) FROM eg_pg_transactions t WHERE
            (SELECT count(*) FROM eg_pg_transaction_history h WHERE h.txn_id = t.txn_id) <> t.version
            OR (SELECT count(*) FROM eg_pg_outbox o WHERE o.txn_id = t.txn_id) <> t.version + 1
            OR (SELECT count(*) FROM eg_pg_transaction_bills b WHERE b.txn_id = t.txn_id) <> 1
            OR (SELECT count(*) FROM eg_pg_transactions_dump d WHERE d.txn_id = t.txn_id) <> 1
            OR (SELECT count(*) FROM eg_pg_bill_claims c WHERE c.txn_id = t.txn_id) <> 1
            OR (SELECT count(*) FROM eg_pg_receipt_duties r WHERE r.txn_id = t.txn_id)
                <> CASE WHEN t.txn_status = 'SUCCESS' THEN 1 ELSE 0 END)
        + (SELECT count(*) FROM eg_pg_bill_claims c LEFT JOIN eg_pg_transactions t USING (txn_id)
            WHERE t.txn_id IS NULL)";

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn crashes_and_restarts_under_load_leave_nothing_half_done_and_lose_nothing() {
    const WANTED: usize = 900;
    let mut server = PostgresServer::start().await;
    let url = server.url();
    let replicas: [Arc<dyn Store>; 2] = [
        Arc::new(PostgresStore::connect(prompt_options(&url)).await.unwrap()),
        Arc::new(PostgresStore::connect(prompt_options(&url)).await.unwrap()),
    ];
    let (next, stored) = (Arc::new(AtomicUsize::new(0)), Arc::new(AtomicUsize::new(0)));
    let told: Arc<Mutex<(BTreeSet<usize>, BTreeSet<usize>)>> = Arc::default();
    let workers: Vec<_> = (0..16)
        .map(|worker| {
            let (replica, next) = (replicas[worker % 2].clone(), next.clone());
            let (stored, told) = (stored.clone(), told.clone());
            tokio::spawn(async move {
                while stored.load(Ordering::SeqCst) < WANTED {
                    let nth = next.fetch_add(1, Ordering::SeqCst);
                    let created = promptly(replica.create(new(nth))).await;
                    if is_outage(&created) {
                        // As a client does: later.
                        tokio::time::sleep(Duration::from_millis(10)).await;
                        continue;
                    }
                    assert_eq!(created.unwrap(), Created::Stored);
                    told.lock().unwrap().0.insert(nth);
                    stored.fetch_add(1, Ordering::SeqCst);
                    let paid = promptly(replica.apply(sample::success(&new(nth).txn))).await;
                    if !is_outage(&paid) {
                        assert_eq!(paid.unwrap(), Applied::Stored);
                        told.lock().unwrap().1.insert(nth);
                    }
                }
            })
        })
        .collect();
    for (after, how) in [(150, Stop::Immediate), (350, Stop::Fast), (550, Stop::Immediate)] {
        while stored.load(Ordering::SeqCst) < after {
            assert!(!workers.iter().any(|worker| worker.is_finished()), "a worker gave up");
            tokio::time::sleep(Duration::from_millis(2)).await;
        }
        server.restart(how).await;
    }
    for worker in workers {
        worker.await.unwrap();
    }
    let client = connect(&url).await.unwrap();
    assert_eq!(number(&client, HALF_DONE).await, 0);
    let (created, paid) = told.lock().unwrap().clone();
    for nth in &created {
        let txn = replicas[nth % 2].transaction(&txn_id(&format!("T{nth}"))).await.unwrap();
        let txn = txn.unwrap_or_else(|| panic!("T{nth} was stored and is gone"));
        assert!(txn.version == 2 || !paid.contains(nth), "the payment of T{nth} is lost");
    }
}

#[tokio::test]
async fn an_unavailable_server_is_reported_at_once_and_used_when_it_returns() {
    let mut server = PostgresServer::start().await;
    let store: Arc<dyn Store> =
        Arc::new(PostgresStore::connect(prompt_options(&server.url())).await.unwrap());
    let txn = sample::stored(&store, new(1)).await;
    server.stop(Stop::Fast).await;
    for _ in 0..3 {
        assert!(is_outage(&promptly(store.create(new(2))).await));
        assert!(is_outage(&promptly(store.apply(sample::success(&txn))).await));
        assert!(is_outage(&promptly(store.search(&SearchQuery::default())).await));
        assert!(is_outage(&promptly(store.transaction(&txn.id)).await));
        assert!(is_outage(&promptly(store.ping()).await));
    }
    let many = join_all((10..200).map(|nth| store.create(new(nth))));
    assert!(promptly(many).await.iter().all(is_outage));
    server.start_again().await;
    assert_eq!(store.transaction(&txn.id).await.unwrap().as_ref(), Some(&txn));
    sample::stored(&store, new(2)).await;
    sample::applied(&store, sample::success(&txn)).await;
    store.ping().await.unwrap();
}

/// A store that reaches the database by way of a proxy, and directly when the proxy is closed.
struct ByProxy {
    database: Database,
    proxy: TcpProxy,
    options: PostgresOptions,
}

impl ByProxy {
    async fn create() -> ByProxy {
        let database = Database::create().await;
        drop(database.open().await);
        let proxy = TcpProxy::in_front_of(database.url());
        let options = PostgresOptions {
            statement_timeout: Duration::from_secs(2),
            ..prompt_options(&proxy.url(database.url()))
        };
        ByProxy { database, proxy, options }
    }

    async fn store(&self) -> Arc<dyn Store> {
        Arc::new(PostgresStore::connect(self.options.clone()).await.unwrap())
    }

    async fn store_with_a_way_round(&self) -> Arc<dyn Store> {
        let mut options = self.options.clone();
        options.hosts.extend(self.database.options().hosts);
        Arc::new(PostgresStore::connect(options).await.unwrap())
    }

    /// A connection that keeps every line from being added to a history, and so every commit from
    /// getting further than that.
    async fn hold_commits(&self) -> Client {
        let client = self.database.client().await;
        let lock = "BEGIN; LOCK TABLE eg_pg_transaction_history IN ACCESS EXCLUSIVE MODE";
        client.batch_execute(lock).await.unwrap();
        client
    }

    /// Waits until a commit is held. The statements before it must have been prepared by an earlier
    /// one: otherwise it is that which waits.
    async fn commit_is_held(&self) {
        let waiting = "SELECT count(*) FROM pg_locks WHERE NOT granted
            AND relation = 'eg_pg_transaction_history'::regclass";
        self.until(waiting).await;
    }

    /// Waits until a count is not zero.
    async fn until(&self, count: &str) {
        let client = self.database.client().await;
        let deadline = Instant::now() + PROMPT;
        while number(&client, count).await == 0 {
            assert!(Instant::now() < deadline, "still nothing: {count}");
            tokio::task::yield_now().await;
        }
    }

    /// Waits until a transaction is stored at this version.
    async fn is_stored(&self, txn: &Transaction, version: u32) {
        let stored = format!(
            "SELECT count(*) FROM eg_pg_transactions WHERE txn_id = '{}' AND version = {version}",
            txn.id
        );
        self.until(&stored).await;
    }
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_create_without_an_answer_to_its_commit_finds_its_rows() {
    let by_proxy = ByProxy::create().await;
    let store = by_proxy.store_with_a_way_round().await;
    sample::stored(&store, new(0)).await;
    let held = by_proxy.hold_commits().await;
    let creating = tokio::spawn({
        let store = store.clone();
        async move { store.create(new(1)).await }
    });
    by_proxy.commit_is_held().await;
    by_proxy.proxy.hold_answers();
    held.batch_execute("COMMIT").await.unwrap();
    by_proxy.is_stored(&new(1).txn, 1).await;
    by_proxy.proxy.cut();
    assert_eq!(creating.await.unwrap().unwrap(), Created::Stored);
    assert_eq!(store.events_of(&new(1).txn.id).await.unwrap().len(), 2, "once");
    assert_eq!(number(&held, HALF_DONE).await, 0);
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_create_whose_connection_breaks_before_its_commit_is_stored_once() {
    let by_proxy = ByProxy::create().await;
    let store = by_proxy.store_with_a_way_round().await;
    sample::stored(&store, new(0)).await;
    let held = by_proxy.hold_commits().await;
    let creating = tokio::spawn({
        let store = store.clone();
        async move { store.create(new(1)).await }
    });
    by_proxy.commit_is_held().await;
    by_proxy.proxy.cut();
    held.batch_execute("COMMIT").await.unwrap();
    assert_eq!(creating.await.unwrap().unwrap(), Created::Stored);
    assert_eq!(number(&held, "SELECT count(*) FROM eg_pg_outbox").await, 4, "once");
    assert_eq!(number(&held, HALF_DONE).await, 0);
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn an_unknown_commit_is_never_reported_as_not_stored() {
    let by_proxy = ByProxy::create().await;
    let store = by_proxy.store().await;
    let txn = sample::stored(&store, new(1)).await;
    let other = sample::stored(&store, new(2)).await;
    sample::applied(&store, sample::success(&other)).await;
    let held = by_proxy.hold_commits().await;
    let changing = tokio::spawn({
        let (store, change) = (store.clone(), sample::success(&txn));
        async move { store.apply(change).await }
    });
    by_proxy.commit_is_held().await;
    by_proxy.proxy.hold_answers();
    held.batch_execute("COMMIT").await.unwrap();
    by_proxy.is_stored(&txn, 2).await;
    by_proxy.proxy.cut();
    assert!(is_outage(&changing.await.unwrap()), "read again");
    by_proxy.proxy.mend();
    let stored = store.transaction(&txn.id).await.unwrap().unwrap();
    assert_eq!(stored.version, 2);
    assert_eq!(number(&held, HALF_DONE).await, 0);
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn connections_that_broke_meanwhile_are_noticed_and_replaced() {
    let by_proxy = ByProxy::create().await;
    let store = by_proxy.store().await;
    let txn = sample::stored(&store, new(0)).await;
    for nth in 1..6 {
        by_proxy.proxy.cut();
        by_proxy.proxy.mend();
        assert_eq!(store.transaction(&txn.id).await.unwrap().as_ref(), Some(&txn));
        assert!(!store.search(&SearchQuery::default()).await.unwrap().is_empty());
        sample::stored(&store, new(nth)).await;
    }
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_silent_server_blocks_no_caller() {
    let by_proxy = ByProxy::create().await;
    let store = by_proxy.store().await;
    let txn = sample::stored(&store, new(0)).await;
    by_proxy.proxy.blackhole();
    let creates = join_all((1..100).map(|nth| store.create(new(nth))));
    let reads = join_all((0..100).map(|_| store.transaction(&txn.id)));
    let searches = join_all((0..20).map(|_| {
        let store = store.clone();
        async move { store.search(&SearchQuery::default()).await }
    }));
    let (creates, reads, searches) = promptly(async { tokio::join!(creates, reads, searches) }).await;
    assert!(creates.iter().all(is_outage));
    assert!(reads.iter().all(is_outage) && searches.iter().all(is_outage));
    by_proxy.proxy.cut();
    by_proxy.proxy.mend();
    assert_eq!(store.transaction(&txn.id).await.unwrap().as_ref(), Some(&txn));
    sample::stored(&store, new(1_000)).await;
    let client = by_proxy.database.client().await;
    assert_eq!(number(&client, HALF_DONE).await, 0);
}
