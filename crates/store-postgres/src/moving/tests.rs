use std::collections::BTreeSet;

use payment_domain::{AuditActor, Personal, Timestamp};
use payment_testing::postgres::FreshDatabase;
use serde_json::Map;

use super::*;
use crate::PostgresStore;

/// Columns that hold nothing of the embedded database.
const NOT_FILLED: &[(&str, &str, &str)] = &[
    ("eg_pg_transactions", "module_id", "of an earlier service's rows"),
    ("eg_pg_history_seal", "earlier_txn_id", "lines without a position are of an earlier service"),
    ("eg_pg_history_seal", "earlier_entry", "the same"),
    ("eg_pg_history_seal", "earlier_is_done", "the same"),
    ("eg_pg_transaction_refund", "additional_details", "of an earlier service's rows"),
];
/// Tables that hold nothing of it.
const NOT_MOVED: &[(&str, &str)] = &[
    ("eg_pg_store_migrations", "each database has migrations of its own"),
    ("eg_pg_heartbeat", "each database counts its own commits"),
    ("eg_pg_adoption", "rows of an earlier service"),
    ("eg_pg_jobs", "made from the runs"),
    ("eg_pg_move", "the mark itself"),
    ("eg_pg_console_links", "operators log in again"),
    ("eg_pg_console_sessions", "operators log in again"),
    ("eg_pg_console_forms", "forms end with their sessions"),
    ("eg_pg_daily_figures", "counted anew"),
    ("eg_pg_figures_state", "counted anew"),
    ("eg_pg_gateway_readings", "of replicas that are no more"),
];

async fn refusal(options: &PostgresOptions) -> String {
    match PostgresStore::connect(options.clone()).await {
        Err(StoreError::Failed(why)) => why.to_string(),
        Err(StoreError::Unavailable(why)) => panic!("unavailable: {why}"),
        Ok(_) => panic!("a service starts"),
    }
}

async fn connected() -> (FreshDatabase, Target) {
    let database = FreshDatabase::create().await;
    let (options, _) = PostgresOptions::from_jdbc_url(database.url(), None, None).unwrap();
    let target = Target::connect(&options).await.unwrap();
    (database, target)
}

/// A migration that adds a table or a column decides here whether a move copies it.
#[tokio::test]
async fn every_table_and_column_is_filled_or_left_for_a_reason() {
    let (_database, target) = connected().await;
    const COLUMNS: &str = "
        SELECT table_name::text, column_name::text FROM information_schema.columns
            JOIN information_schema.tables USING (table_schema, table_name)
        WHERE table_schema = current_schema() AND is_generated = 'NEVER' AND table_type = 'BASE TABLE'";
    let mut found = BTreeSet::new();
    for row in target.migrator.rows(COLUMNS, &[]).await.unwrap() {
        let (table, column): (String, String) = (row.get(0), row.get(1));
        let is_left = NOT_MOVED.iter().any(|(left, _)| *left == table)
            || NOT_FILLED.iter().any(|(of, left, _)| (*of, *left) == (table.as_str(), column.as_str()));
        if !is_left {
            found.insert((table, column));
        }
    }
    let mut known = BTreeSet::new();
    for table in TABLES {
        for place in places::places(table, target.tenant) {
            known.insert((places::table_name(table).to_owned(), place.name.to_owned()));
        }
    }
    let differing: Vec<_> = found.symmetric_difference(&known).collect();
    assert!(differing.is_empty(), "{differing:?}");
}

#[tokio::test]
async fn a_database_is_empty_until_it_is_used_and_no_service_starts_in_an_unfinished_copy() {
    let (database, target) = connected().await;
    assert_eq!(target.state("S").await.unwrap(), TargetState::Empty);
    target.reserve("S").await.unwrap();
    assert_eq!(target.state("S").await.unwrap(), TargetState::Begun);
    assert_eq!(target.state("other").await.unwrap(), TargetState::Foreign(Vec::new()));
    let (options, _) = PostgresOptions::from_jdbc_url(database.url(), None, None).unwrap();
    let refused = refusal(&options).await;
    assert!(refused.contains("being moved into this database"), "{refused}");
    target.begin().await.unwrap();
    target.release().await.unwrap();
    assert_eq!(target.state("S").await.unwrap(), TargetState::Empty);
    let store = PostgresStore::connect(options.clone()).await.unwrap();
    assert!(target.connected_services().await.unwrap() > 0);
    store.close().await;
    let used = "INSERT INTO eg_pg_once_keys (key, stored_at) VALUES ('k', 1)";
    target.migrator.batch(used).await.unwrap();
    assert_eq!(target.state("S").await.unwrap(), TargetState::Foreign(vec!["eg_pg_once_keys"]));
    target.migrator.batch("DELETE FROM eg_pg_once_keys").await.unwrap();

    target.reserve("S").await.unwrap();
    target.begin().await.unwrap();
    target.give_back().await.unwrap();
    assert_eq!(target.state("S").await.unwrap(), TargetState::GivenBack);
    let refused = refusal(&options).await;
    assert!(refused.contains("given back"), "{refused}");
    let written = target.migrator.batch(used).await.unwrap_err().to_string();
    assert!(written.contains("55000"), "{written}");
}

/// Any text or JSON value is read back as it was written.
#[tokio::test]
async fn rows_that_postgresql_holds_otherwise_are_read_back_the_same() {
    let (_database, target) = connected().await;
    target.reserve("S").await.unwrap();
    target.begin().await.unwrap();
    let payments = TABLES.iter().find(|table| table.name == payment_store::moving::PAYMENTS).unwrap();
    let row = |id: &str, details: &str| -> CellRow {
        payments
            .columns()
            .map(|(column, kind)| match (column, kind) {
                ("txn_id", _) => Cell::Text(id.to_owned()),
                ("currency", _) => Cell::Text("INR".to_owned()),
                ("txn_status", _) => Cell::Text("SUCCESS".to_owned()),
                ("txn_amount_minor", _) => Cell::Integer(1_234_567),
                ("additional_details", _) => Cell::Text(details.to_owned()),
                ("bills", _) => Cell::Text("[ ]".to_owned()),
                ("redirect_form" | "email_id" | "next_check_at" | "merchant_account", _) => Cell::Null,
                ("name" | "gateway_status_msg", _) => Cell::Text("ਗੁਰਪ੍ਰੀਤ\0".repeat(40)),
                (_, Kind::Integer) => Cell::Integer(7),
                (_, Kind::Text | Kind::Bytes | Kind::Json | Kind::Flag) => Cell::Text("x".to_owned()),
            })
            .collect()
    };
    let rows = [
        row("T1", r#"{"b": 1e400000, "a": "\u0000", "c": [-0, {"z": 1, "y": 2.50}]}"#),
        row("T2", r#"{"b": 1, "a": 2}"#),
        row("T3", "{}"),
    ];
    let mut expected = Digest::default();
    target.put(payments, &rows, &mut expected).await.unwrap();
    assert_eq!(target.digest(payments).await.unwrap(), expected);
    let mut again = Digest::default();
    target.expected(payments, &rows, &mut again);
    assert_eq!((again.rows, &again), (3, &expected));
    let found = target
        .migrator
        .row(
            "SELECT txn_amount::text, length(name), whole_texts ->> 'name' FROM eg_pg_transactions LIMIT 1",
            &[],
        )
        .await
        .unwrap();
    assert_eq!((found.get::<_, &str>(0), found.get::<_, i32>(1)), ("12345.67", 128));
    assert_eq!(found.get::<_, String>(2), "ਗੁਰਪ੍ਰੀਤ\u{fffd}".repeat(40));
    // A row that is altered on the way is found.
    target
        .migrator
        .batch("UPDATE eg_pg_transactions SET additional_details_exact = '{}' WHERE txn_id = 'T1'")
        .await
        .unwrap();
    assert_ne!(target.digest(payments).await.unwrap(), expected);
}

fn entry(action: AuditAction) -> AuditEntry {
    AuditEntry {
        at: Timestamp::from_millis(1_790_000_000_000),
        actor: AuditActor::CommandLine { user: Personal::new("Gurmeet Kaur") },
        action,
        object_kind: "database",
        object_id: "S".to_owned(),
        tenant: None,
        before: None,
        after: None,
        reason: None,
        details: Map::new(),
    }
}

/// The entry of the move is no use of the copy, any later entry is.
#[tokio::test]
async fn a_copy_is_as_copied_until_its_audit_log_has_an_entry_behind_that_of_the_move() {
    let (_database, target) = connected().await;
    target.reserve("S").await.unwrap();
    target.begin().await.unwrap();
    // The log of the original ends with entry 1.
    audit::append(&target.migrator, &[entry(AuditAction::Exported)]).await.unwrap();
    let log = [AUDIT, AUDIT_PERSONAL, AUDIT_HEAD];
    let log: Vec<&Table> = TABLES.iter().filter(|table| log.contains(&table.name)).collect();
    let mut copied = Vec::new();
    for table in &log {
        copied.push(target.digest(table).await.unwrap());
    }
    let differing = async || {
        let mut differing = Vec::new();
        for (table, digest) in log.iter().zip(&copied) {
            if !target.is_as_copied(table, digest, 1).await.unwrap() {
                differing.push(table.name);
            }
        }
        differing
    };
    assert!(differing().await.is_empty());
    target.complete(&entry(AuditAction::PaymentsMoved)).await.unwrap();
    assert_eq!(target.state("S").await.unwrap(), TargetState::Complete);
    target.migrator.begin().await.unwrap();
    assert!(differing().await.is_empty());
    audit::append(&target.migrator, &[entry(AuditAction::Exported)]).await.unwrap();
    assert_eq!(differing().await, [AUDIT_HEAD]);
}
