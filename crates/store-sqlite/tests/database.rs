//! Promises of this store beyond the contract: about its file, its constraints, its neighbours.

#![allow(clippy::unwrap_used, clippy::panic, reason = "these are tests: what fails, panics")]

use std::path::{Path, PathBuf};
use std::sync::Arc;
use std::time::Duration;

use futures_util::future::join_all;
use payment_domain::{Clock, ManualClock, SystemClock};
use payment_store::contract::sample;
use payment_store::{Created, Health, RunEnd, Store, StoreError, Tally, TickAnswer, TickRequest};
use payment_store_sqlite::{Options, SqliteStore};
use rusqlite::Connection;

struct Folder(tempfile::TempDir);

impl Folder {
    fn new() -> Folder {
        Folder(tempfile::tempdir().unwrap())
    }

    fn database(&self) -> PathBuf {
        self.0.path().join("payments.db")
    }

    fn open(&self) -> Arc<dyn Store> {
        Arc::new(SqliteStore::open(&self.database(), &Options::default()).unwrap())
    }
}

#[tokio::test]
async fn all_data_survives_reopening() {
    let folder = Folder::new();
    let store = folder.open();
    let txn = sample::stored(&store, sample::new_transaction("T1", "B1")).await;
    let paid = sample::applied(&store, sample::success(&txn)).await;
    sample::stored(&store, sample::new_transaction("T2", "B2")).await;
    let events = store.events_after(0, 100).await.unwrap();
    drop(store);

    let store = folder.open();
    assert_eq!(store.transaction(&paid.id).await.unwrap(), Some(paid.clone()));
    assert_eq!(store.history(&paid.id).await.unwrap().len(), 2);
    assert!(store.receipt_task(&paid.id).await.unwrap().is_some());
    assert_eq!(store.events_after(0, 100).await.unwrap(), events);
    let taken = store.create(sample::new_transaction("T3", "B2")).await.unwrap();
    assert!(matches!(taken, Created::BillsTaken(_)));
    sample::stored(&store, sample::new_transaction("T4", "B4")).await;
    let last = events.last().unwrap().sequence;
    assert!(store.events_after(last, 100).await.unwrap().len() == 2, "new events come behind the old");
}

#[tokio::test]
async fn a_store_that_was_closed_is_one_file_that_can_be_copied() {
    let folder = Folder::new();
    let store = folder.open();
    sample::stored(&store, sample::new_transaction("T1", "B1")).await;
    drop(store);
    let files: Vec<_> =
        std::fs::read_dir(folder.0.path()).unwrap().map(|file| file.unwrap().file_name()).collect();
    assert_eq!(files, ["payments.db"]);
}

#[test]
fn opening_it_again_migrates_nothing() {
    let folder = Folder::new();
    assert!(SqliteStore::migrations(&folder.database()).is_err(), "asking creates no file");
    assert!(!folder.database().exists());
    let first = SqliteStore::open(&folder.database(), &Options::default()).unwrap();
    assert!(!first.migrated().applied.is_empty());
    let second = SqliteStore::open(&folder.database(), &Options::default()).unwrap();
    assert_eq!(second.migrated().applied, []);
    assert_eq!(second.migrated().present, first.migrated().applied);
    assert_eq!(SqliteStore::migrations(&folder.database()).unwrap(), first.migrated().applied);
}

#[tokio::test]
async fn the_history_can_be_neither_changed_nor_deleted() {
    let folder = Folder::new();
    let store = folder.open();
    let txn = sample::stored(&store, sample::new_transaction("T1", "B1")).await;
    let conn = Connection::open(folder.database()).unwrap();
    for statement in [
        "UPDATE eg_pg_transaction_history SET why = 'something else'",
        "DELETE FROM eg_pg_transaction_history",
        "DELETE FROM eg_pg_transaction_history WHERE txn_id = 'T1'",
        "INSERT OR REPLACE INTO eg_pg_transaction_history
             SELECT txn_id, entry_number, 0, actor_kind, actor_id, from_status, to_status, 'forged', evidence
             FROM eg_pg_transaction_history",
    ] {
        let refused = conn.execute_batch(statement);
        assert!(refused.is_err(), "{statement}");
    }
    assert_eq!(store.history(&txn.id).await.unwrap()[0].why, "created");
}

#[tokio::test]
async fn triggers_keep_a_success_and_its_receipt_final() {
    let folder = Folder::new();
    let store = folder.open();
    let txn = sample::stored(&store, sample::new_transaction("T1", "B1")).await;
    let paid = sample::applied(&store, sample::success(&txn)).await;
    assert!(matches!(store.apply(sample::failure(&paid)).await, Err(StoreError::Failed(_))));
    let receipted = sample::applied(&store, sample::receipted(&paid, "first")).await;
    let mut another = sample::change(&receipted);
    another.txn.status = payment_domain::Status::Success { receipt: Some("RCPT/another".to_owned()) };
    assert!(matches!(store.apply(another).await, Err(StoreError::Failed(_))));
    let mut none = sample::change(&receipted);
    none.txn.status = payment_domain::Status::Success { receipt: None };
    assert!(matches!(store.apply(none).await, Err(StoreError::Failed(_))));
    assert_eq!(store.transaction(&txn.id).await.unwrap(), Some(receipted.clone()));
    sample::applied(&store, sample::change(&receipted)).await;
}

#[tokio::test]
async fn the_constraint_holds_where_a_check_is_bypassed() {
    let folder = Folder::new();
    let store = folder.open();
    sample::stored(&store, sample::new_transaction("T1", "B1")).await;
    sample::stored(&store, sample::new_transaction("T2", "B2")).await;
    let over = sample::begun(&store, sample::tick("daily", 0)).await;
    sample::ended(&store, &over, 1, RunEnd::Finished).await;
    sample::begun(&store, sample::tick("early", 0)).await;
    let conn = Connection::open(folder.database()).unwrap();
    for forged in [
        "INSERT INTO eg_pg_bill_claims (tenant_id, bill_id, txn_id) VALUES ('pb.amritsar', 'B1', 'T2')",
        "INSERT INTO eg_pg_bill_claims (tenant_id, bill_id, txn_id) VALUES ('pb.amritsar', 'B3', 'unknown')",
        "UPDATE eg_pg_transactions SET receipt = 'R' WHERE txn_id = 'T1'",
        "UPDATE eg_pg_transactions SET txn_amount_minor = -1",
        "UPDATE eg_pg_transactions SET txn_status = 'DONE'",
        "INSERT INTO eg_pg_job_runs (job, scheduled_at, attempt, missed, node, started_at, lease_until)
             VALUES ('early', 5, 1, 0, 'node-2', 5, 6)",
        "UPDATE eg_pg_job_runs SET ended_at = NULL, ended = NULL WHERE job = 'daily'",
        "UPDATE eg_pg_job_runs SET ended_at = 5 WHERE job = 'early'",
    ] {
        assert!(conn.execute_batch(forged).is_err(), "{forged}");
    }
}

#[tokio::test]
async fn two_stores_on_one_file_take_turns() {
    let folder = Folder::new();
    let stores = [folder.open(), folder.open()];
    let creates = (0..200).map(|nth| {
        let new = sample::new_transaction(&format!("T{nth}"), &format!("B{}", nth / 2));
        stores[nth % 2].create(new)
    });
    let outcomes: Vec<Created> = join_all(creates).await.into_iter().map(Result::unwrap).collect();
    for pair in outcomes.chunks(2) {
        let stored = pair.iter().filter(|outcome| **outcome == Created::Stored).count();
        assert_eq!(stored, 1, "each bill is claimed by one of the two");
    }
    let backlogs = join_all(stores.iter().map(|store| store.backlog(sample::at(0)))).await;
    assert_eq!(backlogs[0].as_ref().unwrap(), backlogs[1].as_ref().unwrap());
}

#[tokio::test]
async fn of_two_stores_on_one_file_one_runs_a_tick() {
    let folder = Folder::new();
    let stores = [folder.open(), folder.open()];
    for scheduled_ms in 0..20 {
        let answers =
            join_all((0..10).map(|nth| stores[nth % 2].begin_run(sample::tick("early", scheduled_ms))));
        let mut begun: Vec<_> = answers
            .await
            .into_iter()
            .filter_map(|answer| match answer.unwrap() {
                TickAnswer::Begun(run) => Some(run),
                TickAnswer::Busy { .. } | TickAnswer::Done | TickAnswer::Overtaken => None,
            })
            .collect();
        assert_eq!(begun.len(), 1);
        sample::ended(&stores[1], &begun.remove(0), scheduled_ms, RunEnd::Finished).await;
    }
}

#[tokio::test]
async fn a_run_continues_after_a_restart_or_is_taken_over() {
    let folder = Folder::new();
    let clock = Arc::new(ManualClock::at(sample::at(0)));
    let open = || -> Arc<dyn Store> {
        let options = Options::default();
        Arc::new(SqliteStore::open_with_clock(&folder.database(), &options, clock.clone()).unwrap())
    };
    let store = open();
    let run = sample::begun(&store, sample::tick("early", 0)).await;
    drop(store);

    let store = open();
    clock.set(sample::at(10_000));
    let busy = store.begin_run(sample::tick("early", 1_000)).await.unwrap();
    assert_eq!(busy, TickAnswer::Busy { until: sample::at(60_000) });
    assert!(store.renew_run(&run.fence, sample::MINUTE, Tally::default()).await.unwrap());
    drop(store);

    let store = open();
    clock.set(sample::at(70_000));
    let seen = TickRequest { not_renewed: Some(sample::at(70_000)), ..sample::tick("early", 70_000) };
    let next = sample::begun(&store, seen).await;
    assert_eq!((next.scheduled_at, next.attempt), (sample::at(0), 2));
    assert!(!store.renew_run(&run.fence, sample::MINUTE, Tally::default()).await.unwrap());
}

#[tokio::test]
async fn the_clock_never_begins_before_the_latest_commit() {
    let folder = Folder::new();
    let a_year = Duration::from_secs(365 * 86_400);
    let ahead = Arc::new(ManualClock::at(SystemClock.now().plus(a_year)));
    let options = Options::default();
    let store = SqliteStore::open_with_clock(&folder.database(), &options, ahead.clone()).unwrap();
    store.ping().await.unwrap();
    let latest = ahead.now();
    ahead.set(SystemClock.now());
    store.ping().await.unwrap();
    drop(store);

    let service = SqliteStore::open(&folder.database(), &options).unwrap();
    let begins = service.clock().now();
    assert!(begins >= latest && begins.since(latest) < Duration::from_secs(60), "{begins:?}");
    assert!(service.clock().computer_ahead_ms() < -364 * 86_400_000, "and says so");
    let beside = SqliteStore::open_beside_a_service(&folder.database(), &options).unwrap();
    assert!(beside.clock().now() >= latest);
}

#[tokio::test]
async fn beside_a_service_its_clock_counts_and_not_the_computers() {
    let folder = Folder::new();
    let behind = Arc::new(ManualClock::at(SystemClock.now().minus(Duration::from_secs(86_400))));
    let options = Options::default();
    let service = SqliteStore::open_with_clock(&folder.database(), &options, behind.clone()).unwrap();
    service.ping().await.unwrap();
    let beside = SqliteStore::open_beside_a_service(&folder.database(), &options).unwrap();
    let differs = beside.clock().now().since(behind.now());
    assert!(differs < Duration::from_secs(60), "{differs:?}");
}

#[test]
fn a_new_database_may_be_opened_by_many_at_once() {
    for _ in 0..10 {
        let folder = Folder::new();
        let path = folder.database();
        let opened: Vec<_> = std::thread::scope(|scope| {
            let threads: Vec<_> =
                (0..4).map(|_| scope.spawn(|| SqliteStore::open(&path, &Options::default()))).collect();
            threads.into_iter().map(|thread| thread.join().unwrap()).collect()
        });
        let applied: usize =
            opened.iter().map(|store| store.as_ref().unwrap().migrated().applied.len()).sum();
        assert_eq!(applied, SqliteStore::migrations(&path).unwrap().len(), "each migration was applied once");
    }
}

#[test]
fn a_foreign_database_is_refused() {
    let folder = Folder::new();
    std::fs::write(folder.database(), "not a database, but long enough to be looked at ".repeat(100))
        .unwrap();
    let refused = SqliteStore::open(&folder.database(), &Options::default());
    assert!(matches!(refused, Err(StoreError::Failed(_))));
    let nowhere = SqliteStore::open(Path::new("/nonexistent/folder/payments.db"), &Options::default());
    assert!(nowhere.is_err());
}

#[cfg(unix)]
#[tokio::test]
async fn the_files_are_readable_by_their_owner_alone() {
    use std::os::unix::fs::PermissionsExt;

    let folder = Folder::new();
    let store = folder.open();
    sample::stored(&store, sample::new_transaction("T1", "B1")).await;
    let files: Vec<_> = std::fs::read_dir(folder.0.path()).unwrap().map(Result::unwrap).collect();
    assert_eq!(files.len(), 3, "the database, its log, and what its users share");
    for file in files {
        assert_eq!(file.metadata().unwrap().permissions().mode() & 0o077, 0, "{:?}", file.file_name());
    }
}

#[tokio::test]
async fn a_database_locked_by_another_process_is_unavailable_to_writers_and_open_to_readers() {
    let folder = Folder::new();
    let options = Options { busy_timeout: Duration::from_millis(20), ..Options::default() };
    let store: Arc<dyn Store> = Arc::new(SqliteStore::open(&folder.database(), &options).unwrap());
    let txn = sample::stored(&store, sample::new_transaction("T1", "B1")).await;
    let other = Connection::open(folder.database()).unwrap();
    other.execute_batch("BEGIN IMMEDIATE").unwrap();
    let refused = store.create(sample::new_transaction("T2", "B2")).await;
    assert!(matches!(refused, Err(StoreError::Unavailable(_))));
    assert!(matches!(store.ping().await, Err(StoreError::Unavailable(_))));
    assert_eq!(store.transaction(&txn.id).await.unwrap(), Some(txn));
    other.execute_batch("ROLLBACK").unwrap();
    sample::stored(&store, sample::new_transaction("T2", "B2")).await;
}

#[tokio::test]
async fn a_row_that_cannot_be_read_is_an_error_that_names_the_transaction_only() {
    let folder = Folder::new();
    let store = folder.open();
    let txn = sample::stored(&store, sample::new_transaction("T1", "B1")).await;
    let conn = Connection::open(folder.database()).unwrap();
    conn.execute_batch("UPDATE eg_pg_transactions SET bills = '[{\"secret\": \"Asha\"}]'").unwrap();
    let Err(StoreError::Failed(failure)) = store.transaction(&txn.id).await else { panic!("it was read") };
    let shown = format!("{failure} {failure:?}");
    assert!(shown.contains("T1") && !shown.contains("Asha") && !shown.contains("9876543210"), "{shown}");
}
