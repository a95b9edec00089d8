//! The first migration of an egov-pg-service drops both tables of payments: here it is refused.

use crate::support::earlier::earlier_database;
use crate::support::{Database, number};
use payment_store::contract::sample;
use tokio_postgres::Client;
use tokio_postgres::error::SqlState;

/// The first statements of that migration.
const DROPS: [&str; 2] =
    ["DROP TABLE IF EXISTS eg_pg_transactions", "DROP TABLE IF EXISTS eg_pg_transactions_dump"];

/// Both are refused with a message that names the guard, and no row is gone.
async fn refuses_to_drop_the_payments(client: &Client) {
    let count = "SELECT count(*) FROM eg_pg_transactions FULL JOIN eg_pg_transactions_dump USING (txn_id)";
    let before = number(client, count).await;
    assert!(before > 0);
    for drop in DROPS {
        let error = client.batch_execute(drop).await.unwrap_err();
        let error = error.as_db_error().unwrap();
        assert_eq!(error.code(), &SqlState::DEPENDENT_OBJECTS_STILL_EXIST);
        let detail = error.detail().unwrap();
        assert!(detail.contains("eg_pg_payments_must_not_be_dropped"), "{detail}");
    }
    assert_eq!(number(client, count).await, before);
}

#[tokio::test]
async fn the_earlier_services_migrations_cannot_drop_payments_that_were_made_here() {
    let database = Database::create().await;
    let store = database.store().await;
    sample::stored(&store, sample::new_transaction("T1", "B1")).await;
    refuses_to_drop_the_payments(&database.client().await).await;
}

#[tokio::test]
async fn the_earlier_services_migrations_cannot_drop_payments_that_were_adopted() {
    let (database, client) = earlier_database().await;
    drop(database.open().await);
    refuses_to_drop_the_payments(&client).await;
}

#[tokio::test]
async fn a_database_that_was_migrated_before_is_guarded_too() {
    let (database, client) = earlier_database().await;
    for migration in [
        include_str!("../../migrations/0001_payments.sql"),
        include_str!("../../migrations/0002_stand_ins.sql"),
    ] {
        client.batch_execute(migration).await.unwrap();
    }
    client
        .batch_execute(
            "BEGIN; DROP TABLE IF EXISTS eg_pg_transactions; ROLLBACK;
             CREATE TABLE eg_pg_store_migrations (
                 version bigint PRIMARY KEY, name text NOT NULL, checksum bytea NOT NULL, applied_at bigint NOT NULL)",
        )
        .await
        .unwrap();
    let elsewhere = Database::create().await;
    drop(elsewhere.open().await);
    let known = "SELECT version, name, checksum, applied_at FROM eg_pg_store_migrations WHERE version <= 2";
    for row in elsewhere.client().await.query(known, &[]).await.unwrap() {
        let (version, name): (i64, String) = (row.get(0), row.get(1));
        let (checksum, applied_at): (Vec<u8>, i64) = (row.get(2), row.get(3));
        client
            .execute(
                "INSERT INTO eg_pg_store_migrations VALUES ($1, $2, $3, $4)",
                &[&version, &name, &checksum, &applied_at],
            )
            .await
            .unwrap();
    }
    let store = database.open().await;
    assert_eq!(store.migrated().applied[0].version, 3, "only what was not there yet");
    refuses_to_drop_the_payments(&client).await;
}

#[tokio::test]
async fn the_guard_hinders_no_other_change_of_the_tables() {
    let (database, client) = earlier_database().await;
    drop(database.open().await);
    client
        .batch_execute(
            "ALTER TABLE eg_pg_transactions ALTER COLUMN txn_id TYPE varchar(256), ADD COLUMN later bigint,
                 ALTER COLUMN user_name TYPE text, DROP COLUMN module_id;
             ALTER TABLE eg_pg_transactions_dump ALTER COLUMN txn_id TYPE varchar(256);
             CREATE INDEX later ON eg_pg_transactions (later)",
        )
        .await
        .unwrap();
}
