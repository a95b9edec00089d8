//! The numbered migrations of this store.

use payment_store::migration::{self, AppliedMigration, Migration, MigrationReport, MigrationState};
use rusqlite::{Connection, OptionalExtension, TransactionBehavior};

use crate::failure::Failure;

const MIGRATIONS: &[Migration] = &[
    Migration { version: 1, name: "payments", sql: include_str!("../migrations/0001_payments.sql") },
    Migration { version: 2, name: "stand_ins", sql: include_str!("../migrations/0002_stand_ins.sql") },
    Migration {
        version: 3,
        name: "reconciliation",
        sql: include_str!("../migrations/0003_reconciliation.sql"),
    },
    Migration {
        version: 4,
        name: "unsigned_callbacks",
        sql: include_str!("../migrations/0004_unsigned_callbacks.sql"),
    },
    Migration { version: 5, name: "dead_letters", sql: include_str!("../migrations/0005_dead_letters.sql") },
    Migration { version: 6, name: "one_clock", sql: include_str!("../migrations/0006_one_clock.sql") },
    Migration { version: 7, name: "audit_log", sql: include_str!("../migrations/0007_audit_log.sql") },
    Migration {
        version: 8,
        name: "receipt_cancellations",
        sql: include_str!("../migrations/0008_receipt_cancellations.sql"),
    },
    Migration { version: 9, name: "api_tokens", sql: include_str!("../migrations/0009_api_tokens.sql") },
    Migration {
        version: 10,
        name: "merchant_accounts",
        sql: include_str!("../migrations/0010_merchant_accounts.sql"),
    },
    Migration { version: 11, name: "refunds", sql: include_str!("../migrations/0011_refunds.sql") },
    Migration { version: 12, name: "open_refunds", sql: include_str!("../migrations/0012_open_refunds.sql") },
    Migration {
        version: 13,
        name: "bank_transaction_no",
        sql: include_str!("../migrations/0013_bank_transaction_no.sql"),
    },
    Migration {
        version: 14,
        name: "trace_contexts",
        sql: include_str!("../migrations/0014_trace_contexts.sql"),
    },
    Migration { version: 15, name: "console", sql: include_str!("../migrations/0015_console.sql") },
    Migration { version: 16, name: "lists", sql: include_str!("../migrations/0016_lists.sql") },
    Migration { version: 17, name: "console_work", sql: include_str!("../migrations/0017_console_work.sql") },
    Migration { version: 18, name: "figures", sql: include_str!("../migrations/0018_figures.sql") },
    Migration { version: 19, name: "login", sql: include_str!("../migrations/0019_login.sql") },
    Migration { version: 20, name: "case_tenants", sql: include_str!("../migrations/0020_case_tenants.sql") },
];

/// Brings the database up to date, in one transaction. Two processes that start together do it one
/// after the other, and the second finds it done.
pub(crate) fn migrate(conn: &mut Connection) -> Result<MigrationReport, Failure> {
    apply(conn, MIGRATIONS)
}

/// Which migrations the database has and which are pending; changes nothing.
pub(crate) fn states(conn: &Connection) -> Result<Vec<MigrationState>, Failure> {
    let applied = if has_table(conn)? { applied(conn)? } else { Vec::new() };
    Ok(migration::states(MIGRATIONS, &applied)?)
}

fn apply(conn: &mut Connection, migrations: &[Migration]) -> Result<MigrationReport, Failure> {
    let tx = conn.transaction_with_behavior(TransactionBehavior::Immediate)?;
    tx.execute_batch(
        "CREATE TABLE IF NOT EXISTS eg_pg_store_migrations (
             version    INTEGER PRIMARY KEY,
             name       TEXT    NOT NULL,
             checksum   BLOB    NOT NULL,
             applied_at INTEGER NOT NULL
         ) STRICT",
    )?;
    let before = applied(&tx)?;
    migration::check(migrations, &before)?;
    let is_new = |migration: &&Migration| migration.is_pending(&before);
    for migration in migrations.iter().filter(is_new) {
        tx.execute_batch(migration.sql)?;
        tx.execute(
            "INSERT INTO eg_pg_store_migrations (version, name, checksum, applied_at)
             VALUES (?1, ?2, ?3, CAST(unixepoch('subsec') * 1000 AS INTEGER))",
            (migration.version, migration.name, migration.checksum()),
        )?;
    }
    let after = applied(&tx)?;
    tx.commit()?;
    Ok(MigrationReport::between(migrations, &before, &after))
}

fn has_table(conn: &Connection) -> Result<bool, Failure> {
    let found = conn
        .query_row("SELECT 1 FROM sqlite_schema WHERE name = 'eg_pg_store_migrations'", [], |_| Ok(()))
        .optional()?;
    Ok(found.is_some())
}

fn applied(conn: &Connection) -> Result<Vec<AppliedMigration>, Failure> {
    let mut statement =
        conn.prepare("SELECT version, checksum, applied_at FROM eg_pg_store_migrations ORDER BY version")?;
    let rows = statement.query_map([], |row| {
        Ok(AppliedMigration { version: row.get(0)?, checksum: row.get(1)?, at_ms: row.get(2)? })
    })?;
    Ok(rows.collect::<Result<_, _>>()?)
}

#[cfg(test)]
mod tests {
    use payment_store::contract::sample;
    use payment_store::{DueChecks, Turn};

    use payment_store::migration::MigrationError;

    use super::*;
    use crate::checks;
    use crate::transaction_columns::JsonParts;
    use crate::transactions;

    const ONE: Migration = Migration { version: 1, name: "one", sql: "CREATE TABLE one (a INTEGER) STRICT" };
    const TWO: Migration = Migration { version: 2, name: "two", sql: "CREATE TABLE two (a INTEGER) STRICT" };

    #[test]
    fn every_migration_opens_with_a_comment_that_says_why_and_the_numbers_grow_by_one() {
        for (at, migration) in MIGRATIONS.iter().enumerate() {
            assert!(migration.sql.starts_with("-- Why: "), "{}", migration.name);
            assert_eq!(usize::try_from(migration.version).unwrap(), at + 1, "{}", migration.name);
        }
    }

    #[test]
    fn migrating_twice_changes_nothing() {
        let mut conn = Connection::open_in_memory().unwrap();
        assert!(states(&conn).unwrap().iter().all(|state| state.applied_at_ms.is_none()));
        let first = migrate(&mut conn).unwrap();
        assert_eq!(first.applied.len(), MIGRATIONS.len());
        let second = migrate(&mut conn).unwrap();
        assert_eq!((second.applied.len(), second.present), (0, first.applied.clone()));
        assert_eq!(states(&conn).unwrap(), first.applied);
    }

    /// The version before reconciliation knew nothing of checks; its rows, and those it still writes
    /// beside a newer node, are due like all others.
    #[test]
    fn what_was_pending_before_there_were_checks_is_due_for_its_first() {
        let mut conn = Connection::open_in_memory().unwrap();
        apply(&mut conn, &MIGRATIONS[..2]).unwrap();
        let store = |conn: &Connection, id: &str| {
            let new = sample::new_transaction(id, id);
            let json = JsonParts::of_new(&new).unwrap();
            transactions::create(conn, &new, &json, sample::at(0)).unwrap();
        };
        // The columns that today's statement names and that version had not.
        let later = [
            ("eg_pg_transactions", "merchant_account"),
            ("eg_pg_transactions", "pg_bank_transaction_no"),
            ("eg_pg_outbox", "trace_context"),
        ];
        for (table, column) in later {
            conn.execute_batch(&format!("ALTER TABLE {table} ADD COLUMN {column} TEXT")).unwrap();
        }
        store(&conn, "T1");
        for (table, column) in later {
            conn.execute_batch(&format!("ALTER TABLE {table} DROP COLUMN {column}")).unwrap();
        }
        assert_eq!(migrate(&mut conn).unwrap().applied.len(), MIGRATIONS.len() - 2);
        store(&conn, "T2");
        let due = DueChecks {
            turn: Turn::First { created_by: sample::at(0) },
            gateway: None,
            after: None,
            limit: 10,
        };
        let found = checks::find(&conn, &due).unwrap();
        assert_eq!(found.iter().map(|due| due.txn_id.as_str()).collect::<Vec<_>>(), ["T1", "T2"]);
        assert!(found.iter().all(|due| due.checks == 0));
    }

    #[test]
    fn a_migration_edited_after_its_release_is_an_error() {
        let mut conn = Connection::open_in_memory().unwrap();
        apply(&mut conn, &[ONE]).unwrap();
        let edited = Migration { sql: "CREATE TABLE one (a TEXT) STRICT", ..ONE };
        let refused = apply(&mut conn, &[edited, TWO]);
        assert!(matches!(refused, Err(Failure::Migration(MigrationError::Changed { version: 1, .. }))));
        assert_eq!(applied(&conn).unwrap().len(), 1, "and nothing was applied");
    }

    #[test]
    fn migrations_of_a_newer_version_are_left_alone_and_named() {
        let mut conn = Connection::open_in_memory().unwrap();
        apply(&mut conn, &[ONE, TWO]).unwrap();
        assert_eq!(apply(&mut conn, &[ONE]).unwrap().newer, [2]);
    }

    #[test]
    fn a_gap_in_what_was_applied_is_an_error() {
        let mut conn = Connection::open_in_memory().unwrap();
        apply(&mut conn, &[TWO]).unwrap();
        let refused = apply(&mut conn, &[ONE, TWO]);
        assert!(matches!(refused, Err(Failure::Migration(MigrationError::Missing { version: 1, .. }))));
    }

    #[test]
    fn a_migration_that_fails_leaves_nothing_behind() {
        let mut conn = Connection::open_in_memory().unwrap();
        let broken = Migration { version: 2, name: "broken", sql: "CREATE TABLE half (a INTEGER); nonsense" };
        assert!(apply(&mut conn, &[ONE, broken]).is_err());
        assert!(!has_table(&conn).unwrap());
    }
}
