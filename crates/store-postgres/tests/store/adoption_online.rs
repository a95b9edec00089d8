//! Adopting a database of years while the earlier service goes on: its payments wait for no longer than a
//! second, beside any reader of its tables.
//!
//! `ADOPTION_ROWS=5000000` for the size of a state, with `--nocapture` for the figures.

use std::sync::Arc;
use std::sync::atomic::{AtomicBool, Ordering};
use std::time::{Duration, Instant};

use crate::support::earlier::database_of_years;
use crate::support::{Database, number};
use payment_store_postgres::{MigrationPlan, PostgresStore};
use tokio::task::JoinHandle;
use tokio_postgres::Client;

/// How long a payment of the earlier service may wait. It is the promise; a machine that tests much else at once is
/// given a second more.
const LONGEST_WAIT: Duration = Duration::from_secs(1);
/// How long a report holds the table: by far longer.
const REPORT: Duration = Duration::from_secs(3);
const WRITE_INTERVAL: Duration = Duration::from_millis(10);

/// The earlier service: pays without a pause, and notes how long it waited.
struct Original {
    stop: Arc<AtomicBool>,
    writing: JoinHandle<Waits>,
}

#[derive(Default)]
struct Waits {
    payments: u32,
    longest: Duration,
    in_all: Duration,
}

impl Original {
    async fn start(database: &Database) -> Original {
        let stop = Arc::new(AtomicBool::new(false));
        let writing = tokio::spawn(pay(database.client().await, stop.clone()));
        Original { stop, writing }
    }

    async fn stop(self) -> Waits {
        self.stop.store(true, Ordering::SeqCst);
        self.writing.await.unwrap()
    }
}

async fn pay(client: Client, stop: Arc<AtomicBool>) -> Waits {
    const CREATE: &str = "
        INSERT INTO eg_pg_transactions (txn_id, txn_amount, txn_status, gateway, bill_id, product_info, user_uuid,
            user_name, name, user_tenant_id, tenant_id, created_time)
        VALUES ($1, 1, 'PENDING', 'AXIS', $1, '', '', '', '', '', 'pb.amritsar',
            (extract(epoch FROM clock_timestamp()) * 1000)::bigint)";
    const DUMP: &str =
        "INSERT INTO eg_pg_transactions_dump (txn_id, txn_request) VALUES ($1, 'https://gateway')";
    const SETTLE: &str =
        "UPDATE eg_pg_transactions SET txn_status = 'SUCCESS', receipt = $1 WHERE txn_id = $1";
    let mut waits = Waits::default();
    while !stop.load(Ordering::SeqCst) {
        let id = format!("LIVE_{}", waits.payments);
        let began = Instant::now();
        for sql in [CREATE, DUMP, SETTLE] {
            client.execute(sql, &[&id]).await.unwrap();
        }
        let took = began.elapsed();
        waits.payments += 1;
        waits.longest = waits.longest.max(took);
        waits.in_all += took;
        tokio::time::sleep(WRITE_INTERVAL).await;
    }
    waits
}

/// The bills whose claim is with another than the earliest SUCCESS, or else the earliest PENDING; those of the
/// payments that were made meanwhile aside.
async fn wrong_claims(client: &Client) -> i64 {
    const WRONG: &str = r#"
        WITH expected AS (
            SELECT DISTINCT ON (tenant_id, bill_id) tenant_id, bill_id, txn_id FROM eg_pg_transactions
            WHERE txn_status IN ('SUCCESS', 'PENDING') AND txn_id NOT LIKE 'LIVE%'
            ORDER BY tenant_id, bill_id, txn_status = 'SUCCESS' DESC, created_time NULLS LAST, txn_id COLLATE "C"
        ), held AS (
            SELECT tenant_id, bill_id, txn_id FROM eg_pg_bill_claims WHERE txn_id NOT LIKE 'LIVE%'
        )
        SELECT count(*) FROM expected FULL JOIN held ON held.tenant_id = expected.tenant_id COLLATE "C"
            AND held.bill_id = expected.bill_id COLLATE "C"
        WHERE held.txn_id IS DISTINCT FROM expected.txn_id"#;
    number(client, WRONG).await
}

async fn unknown_bills(client: &Client) -> i64 {
    const UNKNOWN: &str = r#"
        SELECT count(*) FROM eg_pg_transactions AS t WHERE txn_id NOT LIKE 'LIVE%' AND NOT EXISTS (
            SELECT 1 FROM eg_pg_transaction_bills AS known
            WHERE known.bill_id = t.bill_id COLLATE "C" AND known.txn_id = t.txn_id)"#;
    number(client, UNKNOWN).await
}

async fn invalid_indexes(client: &Client) -> i64 {
    number(client, "SELECT count(*) FROM pg_index WHERE NOT indisvalid").await
}

async fn adoption_indexes(client: &Client) -> i64 {
    number(client, "SELECT count(*) FROM pg_indexes WHERE tablename = 'eg_pg_transactions'").await
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn payments_go_on_while_a_database_of_years_is_adopted() {
    let measured: Option<i64> = std::env::var("ADOPTION_ROWS").ok().map(|rows| rows.parse().unwrap());
    let rows = measured.unwrap_or(25_000);
    let (database, client) = database_of_years(rows).await;
    let before = number(&client, "SELECT pg_database_size(current_database())").await;

    let began = Instant::now();
    let plan = PostgresStore::plan(&database.options()).await.unwrap();
    let planned = began.elapsed();
    assert_eq!(number(&client, "SELECT count(*) FROM pg_tables WHERE tablename LIKE 'eg_pg_%'").await, 2);
    assert_eq!((plan.pending.len() >= 12, plan.adopted_rows), (true, rows.unsigned_abs()));
    assert_eq!((plan.indexes.len(), plan.altered.len(), plan.holders), (14, 2, 0), "{plan:?}");
    assert!(
        plan.indexes
            .iter()
            .all(|index| index.rows.abs_diff(rows.unsigned_abs()) < 1 + rows.unsigned_abs() / 20),
        "{plan:?}"
    );

    // A report that reads all payments for a while. Any change of the table waits for its end, and all other
    // statements wait behind that.
    let report = database.client().await;
    report
        .batch_execute("BEGIN; SELECT count(*) FROM eg_pg_transactions WHERE txn_amount > 5")
        .await
        .unwrap();
    let original = Original::start(&database).await;
    let reported = tokio::spawn(async move {
        tokio::time::sleep(REPORT).await;
        report.batch_execute("COMMIT").await.unwrap();
    });
    tokio::time::sleep(plan.longest_wait + Duration::from_millis(100)).await;
    let held = PostgresStore::plan(&database.options()).await.unwrap();
    assert_eq!((held.holders, held.oldest_holder.is_some()), (1, true), "{held:?}");
    let began = Instant::now();
    let store = database.open().await;
    let took = began.elapsed();
    reported.await.unwrap();
    let waits = original.stop().await;

    let after = number(&client, "SELECT pg_database_size(current_database())").await;
    tell(rows, &plan, &waits, &[("dry run", planned), ("planned", plan.time()), ("took", took)]);
    println!("  bytes planned {}, needed {}", plan.bytes, after - before);
    // In the short form other tests keep the machine busy.
    assert!(measured.is_none() || waits.longest < LONGEST_WAIT, "a payment waited for {:?}", waits.longest);
    assert!(store.migrated().adopted_rows >= rows.unsigned_abs());
    assert_eq!(wrong_claims(&client).await, 0);
    assert_eq!((unknown_bills(&client).await, invalid_indexes(&client).await), (0, 0));
    assert_eq!(adoption_indexes(&client).await, 15);
    let nothing = PostgresStore::plan(&database.options()).await.unwrap();
    assert_eq!(
        (nothing.pending.len(), nothing.indexes.len(), nothing.altered.len()),
        (0, 0, 0),
        "{nothing:?}"
    );
    // Rows stored meanwhile are adopted by the next start, if not by this one.
    drop(database.open().await);
    assert_eq!(
        number(&client, "SELECT count(*) FROM eg_pg_bill_claims WHERE txn_id LIKE 'LIVE%'").await,
        i64::from(waits.payments)
    );
}

fn tell(rows: i64, plan: &MigrationPlan, waits: &Waits, times: &[(&str, Duration)]) {
    println!("{rows} transactions of an earlier service, {} payments meanwhile", waits.payments);
    for (what, time) in times {
        println!("  {what}: {:.1} s", time.as_secs_f64());
    }
    for index in &plan.indexes {
        println!("  {}: planned {:.1} s", index.name, index.time.as_secs_f64());
    }
    let average = waits.in_all / waits.payments.max(1);
    println!("  longest wait of a payment {:?}, average {average:?}", waits.longest);
}

#[tokio::test]
async fn an_interrupted_adoption_is_finished_by_the_next_start() {
    let (database, client) = database_of_years(12_000).await;
    drop(database.open().await);
    // As it is when the process dies in a batch, or while an index is built.
    client
        .batch_execute(
            "DELETE FROM eg_pg_adoption;
             DELETE FROM eg_pg_bill_claims WHERE txn_id > 'PB_PG_0000006000';
             DELETE FROM eg_pg_transaction_bills WHERE txn_id > 'PB_PG_0000006000';
             DROP INDEX eg_pg_transactions_by_payer;
             UPDATE pg_index SET indisvalid = false WHERE indexrelid = 'eg_pg_transactions_by_receipt'::regclass",
        )
        .await
        .unwrap();
    let (one, other) = tokio::join!(database.open(), database.open());
    assert_eq!(one.migrated().adopted_rows + other.migrated().adopted_rows, 6_000);
    assert_eq!((unknown_bills(&client).await, wrong_claims(&client).await), (0, 0));
    assert_eq!((invalid_indexes(&client).await, adoption_indexes(&client).await), (0, 15));
}
