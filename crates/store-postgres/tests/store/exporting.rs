//! Whole lists, when the server ends the reading.

use std::collections::BTreeSet;

use payment_store::contract::sample;
use payment_store::{AuditQuery, Exports, Reading, StoreError, StoredEntry};

use crate::support::Database;

async fn numbers(mut reading: Reading<Vec<StoredEntry>>) -> Result<BTreeSet<i64>, StoreError> {
    let mut numbers = BTreeSet::new();
    while let Some(page) = reading.next().await? {
        numbers.extend(page.iter().map(|entry| entry.number));
    }
    Ok(numbers)
}

#[tokio::test(flavor = "multi_thread")]
async fn a_connection_that_ends_midway_ends_the_reading_as_a_failure_and_leaves_room_for_the_next() {
    const ENTRIES: i64 = 12_000;
    let database = Database::create().await;
    let store = database.open().await;
    let client = database.client().await;
    sample::recorded(&store, ENTRIES).await;
    let query = AuditQuery::default();
    // A backend is listed for a moment after its end.
    let mut over: Vec<i32> = Vec::new();
    // Of both that the pool can spare.
    for _ in 0..3 {
        let mut reading = store.read_audit(&query);
        assert!(reading.next().await.unwrap().is_some());
        let ended = client
            .query(
                "SELECT pid, pg_terminate_backend(pid) FROM pg_stat_activity
                WHERE datname = current_database() AND query LIKE 'FETCH % FROM export' AND pid <> ALL($1)",
                &[&over],
            )
            .await
            .unwrap();
        assert_eq!(ended.len(), 1, "it reads, or waits in its database transaction");
        over.push(ended[0].get(0));
        let failed = numbers(reading).await;
        assert!(matches!(failed, Err(StoreError::Unavailable(_))), "{failed:?}");
    }
    assert_eq!(numbers(store.read_audit(&query)).await.unwrap(), (1..=ENTRIES).collect());
}

#[tokio::test(flavor = "multi_thread")]
async fn a_reader_who_leaves_lets_the_connection_go() {
    let database = Database::create().await;
    let store = database.open().await;
    let client = database.client().await;
    sample::recorded(&store, 9_000).await;
    let mut reading = store.read_audit(&AuditQuery::default());
    assert!(reading.next().await.unwrap().is_some());
    let at_work = "SELECT count(*) FROM pg_stat_activity
        WHERE datname = current_database() AND query LIKE 'FETCH % FROM export'";
    assert_eq!(crate::support::number(&client, at_work).await, 1);
    drop(reading);
    let left = async {
        while crate::support::number(&client, at_work).await > 0 {
            tokio::time::sleep(std::time::Duration::from_millis(5)).await;
        }
    };
    tokio::time::timeout(std::time::Duration::from_secs(30), left).await.unwrap();
}
