//! The numbered migrations of this store: which there are, which were applied, and applying them.
//!
//! Payments go on meanwhile, those of the previous version and those of an earlier service whose tables are adopted.
//! A migration alters large tables in their catalogue entries alone, and waits for each of its locks for a moment
//! only, because everything else waits behind it; indexes are built ([`indexes`]) and rows taken in
//! ([`crate::adopted`]) beside the payments.

pub(crate) mod indexes;

use std::time::Duration;

use payment_store::migration::{self, AppliedMigration, Migration, MigrationReport, MigrationState, OddRows};

use sha2::{Digest, Sha256};

use crate::adopted;
use crate::connections::{Migrator, Sessions};
use crate::failure::Failure;
use crate::surroundings;

pub(crate) const MIGRATIONS: &[Migration] = &[
    Migration { version: 1, name: "payments", sql: include_str!("../migrations/0001_payments.sql") },
    Migration { version: 2, name: "stand_ins", sql: include_str!("../migrations/0002_stand_ins.sql") },
    Migration {
        version: 3,
        name: "guard_against_drops",
        sql: include_str!("../migrations/0003_guard_against_drops.sql"),
    },
    Migration {
        version: 4,
        name: "unsigned_callbacks",
        sql: include_str!("../migrations/0004_unsigned_callbacks.sql"),
    },
    Migration { version: 5, name: "dead_letters", sql: include_str!("../migrations/0005_dead_letters.sql") },
    Migration { version: 6, name: "one_clock", sql: include_str!("../migrations/0006_one_clock.sql") },
    Migration { version: 7, name: "minor_units", sql: include_str!("../migrations/0007_minor_units.sql") },
    Migration { version: 8, name: "audit_log", sql: include_str!("../migrations/0008_audit_log.sql") },
    Migration {
        version: 9,
        name: "receipt_cancellations",
        sql: include_str!("../migrations/0009_receipt_cancellations.sql"),
    },
    Migration { version: 10, name: "api_tokens", sql: include_str!("../migrations/0010_api_tokens.sql") },
    Migration {
        version: 11,
        name: "merchant_accounts",
        sql: include_str!("../migrations/0011_merchant_accounts.sql"),
    },
    Migration { version: 12, name: "refunds", sql: include_str!("../migrations/0012_refunds.sql") },
    Migration { version: 13, name: "open_refunds", sql: include_str!("../migrations/0013_open_refunds.sql") },
    Migration {
        version: 14,
        name: "bank_transaction_no",
        sql: include_str!("../migrations/0014_bank_transaction_no.sql"),
    },
    Migration {
        version: 15,
        name: "trace_contexts",
        sql: include_str!("../migrations/0015_trace_contexts.sql"),
    },
    Migration { version: 16, name: "console", sql: include_str!("../migrations/0016_console.sql") },
    Migration { version: 17, name: "lists", sql: include_str!("../migrations/0017_lists.sql") },
    Migration { version: 18, name: "console_work", sql: include_str!("../migrations/0018_console_work.sql") },
    Migration { version: 19, name: "figures", sql: include_str!("../migrations/0019_figures.sql") },
    Migration { version: 20, name: "login", sql: include_str!("../migrations/0020_login.sql") },
    Migration { version: 21, name: "case_tenants", sql: include_str!("../migrations/0021_case_tenants.sql") },
    Migration {
        version: 22,
        name: "earlier_refunds",
        sql: include_str!("../migrations/0022_earlier_refunds.sql"),
    },
];

/// The advisory lock of migrations, "payments" as a number: nodes that start at once take turns.
const LOCK: i64 = 0x7061_796d_656e_7473;
/// That of the work beside the payments, which takes longer and is more than one database transaction.
const LOCK_BESIDE: i64 = LOCK + 1;
/// How often the latter is asked for. It is not waited for: a waiting statement has a snapshot, for whose end the
/// building of an index waits.
const ASK_INTERVAL: Duration = Duration::from_millis(100);

/// How long a migration waits for a table's lock.
pub(crate) const LOCK_TIMEOUT: Duration = Duration::from_millis(300);
/// The pause after which it tries again, in which those who waited behind it go on.
const LOCK_PAUSE: Duration = Duration::from_secs(1);
/// How often it tries: three minutes.
const LOCK_ATTEMPTS: u32 = 140;

/// Brings the database up to date, then builds large indexes and takes in what an earlier service left. A replica
/// serves after all of that.
pub(crate) async fn migrate(migrator: &Migrator) -> Result<MigrationReport, Failure> {
    let report = apply_between_payments(migrator, MIGRATIONS).await?;
    lock_beside(migrator).await?;
    // A newer version may have other indexes.
    if report.newer.is_empty() {
        indexes::build_missing(migrator, MIGRATIONS).await?;
    }
    let adopted_rows = adopted::take_in(migrator).await?;
    unlock_beside(migrator).await?;
    let odd_rows = if adopted_rows > 0 { adopted::odd_rows(migrator).await? } else { OddRows::default() };
    Ok(MigrationReport { adopted_rows, odd_rows, ..report })
}

/// The beginning of a digest of all migrations, in lower-case hexadecimal.
pub(crate) fn digest() -> String {
    let checksums: Vec<u8> = MIGRATIONS.iter().flat_map(Migration::checksum).collect();
    hex::encode(Sha256::digest(checksums).iter().take(8).copied().collect::<Vec<u8>>())
}

/// Applies what is pending in one database transaction, again and again while others hold the tables. A failed one
/// leaves nothing behind.
async fn apply_between_payments(
    migrator: &Migrator,
    migrations: &[Migration],
) -> Result<MigrationReport, Failure> {
    let mut attempt = 1;
    loop {
        begin(migrator).await?;
        let patience = LOCK_TIMEOUT.as_millis();
        migrator.batch(&format!("SET LOCAL lock_timeout = '{patience}ms'")).await?;
        match apply(migrator, migrations).await {
            Ok(report) => {
                migrator.commit().await?;
                return Ok(report);
            }
            Err(failure) if failure.is_lock_timeout() && attempt < LOCK_ATTEMPTS => {
                migrator.batch("ROLLBACK").await?;
                if attempt == 1 {
                    tracing::warn!(
                        "a migration waits for a table that others hold; it tries again until it is free"
                    );
                }
                attempt += 1;
                tokio::time::sleep(LOCK_PAUSE).await;
            }
            // The caller closes the connection.
            Err(failure) => return Err(failure),
        }
    }
}

/// From now on this node alone does the work beside the payments, for as long as it takes. Nodes with shared sessions
/// do it one after the other, batch by batch.
async fn lock_beside(migrator: &Migrator) -> Result<(), Failure> {
    if migrator.sessions == Sessions::Shared {
        return Ok(());
    }
    migrator
        .batch("SET statement_timeout = 0; SET lock_timeout = 0; SET idle_in_transaction_session_timeout = 0")
        .await?;
    while !migrator.row("SELECT pg_try_advisory_lock($1)", &[&LOCK_BESIDE]).await?.try_get::<_, bool>(0)? {
        tokio::time::sleep(ASK_INTERVAL).await;
    }
    Ok(())
}

async fn unlock_beside(migrator: &Migrator) -> Result<(), Failure> {
    match migrator.sessions {
        Sessions::Own => migrator.rows("SELECT pg_advisory_unlock($1)", &[&LOCK_BESIDE]).await.map(|_| ()),
        Sessions::Shared => Ok(()),
    }
}

/// Which migrations the database has and which are pending; changes nothing.
pub(crate) async fn states(migrator: &Migrator) -> Result<Vec<MigrationState>, Failure> {
    let applied = if has_table(migrator).await? { applied(migrator).await? } else { Vec::new() };
    Ok(migration::states(MIGRATIONS, &applied)?)
}

/// Begins a transaction in which this node alone migrates, or takes in rows. Its locks are waited for: others may take
/// long to migrate, and behind the lock of a row that is taken in no payment waits.
pub(crate) async fn begin(migrator: &Migrator) -> Result<(), Failure> {
    migrator.begin().await?;
    migrator.batch("SET LOCAL lock_timeout = 0; SET LOCAL client_min_messages = warning").await?;
    migrator.rows("SELECT pg_advisory_xact_lock($1)", &[&LOCK]).await?;
    Ok(())
}

async fn apply(migrator: &Migrator, migrations: &[Migration]) -> Result<MigrationReport, Failure> {
    // A service that may not create tables still finds them up to date.
    let before = if has_table(migrator).await? { applied(migrator).await? } else { Vec::new() };
    migration::check(migrations, &before)?;
    let is_new = |migration: &&Migration| migration.is_pending(&before);
    if migrations.iter().any(|migration| migration.is_pending(&before)) {
        surroundings::check_creating(migrator).await?;
        migrator
            .batch(
                "CREATE TABLE IF NOT EXISTS eg_pg_store_migrations (
                     version    bigint PRIMARY KEY,
                     name       text   NOT NULL,
                     checksum   bytea  NOT NULL,
                     applied_at bigint NOT NULL
                 )",
            )
            .await?;
    }
    for migration in migrations.iter().filter(is_new) {
        migrator.batch(&indexes::without_those_of_large_tables(migrator, migration).await?).await?;
        migrator
            .rows(
                "INSERT INTO eg_pg_store_migrations (version, name, checksum, applied_at)
                 VALUES ($1, $2, $3, (extract(epoch FROM clock_timestamp()) * 1000)::bigint)",
                &[&i64::from(migration.version), &migration.name, &migration.checksum()],
            )
            .await?;
    }
    let after = applied(migrator).await?;
    Ok(MigrationReport::between(migrations, &before, &after))
}

pub(crate) async fn has_table(migrator: &Migrator) -> Result<bool, Failure> {
    let found = migrator.row("SELECT to_regclass('eg_pg_store_migrations') IS NOT NULL", &[]).await?;
    Ok(found.try_get(0)?)
}

pub(crate) async fn applied(migrator: &Migrator) -> Result<Vec<AppliedMigration>, Failure> {
    let rows = migrator
        .rows("SELECT version, checksum, applied_at FROM eg_pg_store_migrations ORDER BY version", &[])
        .await?;
    rows.iter()
        .map(|row| {
            Ok(AppliedMigration {
                version: u32::try_from(row.try_get::<_, i64>(0)?).map_err(|_| Failure::OutOfRange)?,
                checksum: row.try_get(1)?,
                at_ms: row.try_get(2)?,
            })
        })
        .collect()
}

#[cfg(test)]
mod tests {
    use payment_store::migration::MigrationError;
    use payment_testing::postgres::FreshDatabase;

    use super::*;
    use crate::PostgresOptions;

    const ONE: Migration = Migration { version: 1, name: "one", sql: "CREATE TABLE one (a bigint)" };
    const TWO: Migration = Migration { version: 2, name: "two", sql: "CREATE TABLE two (a bigint)" };

    async fn connect(database: &FreshDatabase) -> Migrator {
        let (options, _) = PostgresOptions::from_jdbc_url(database.url(), None, None).unwrap();
        Migrator::connect(&options).await.unwrap()
    }

    async fn applied_by(
        database: &FreshDatabase,
        migrations: &[Migration],
    ) -> Result<MigrationReport, Failure> {
        apply_between_payments(&connect(database).await, migrations).await
    }

    #[test]
    fn every_migration_opens_with_a_comment_that_says_why_and_the_numbers_grow_by_one() {
        for (at, migration) in MIGRATIONS.iter().enumerate() {
            assert!(migration.sql.starts_with("-- Why: "), "{}", migration.name);
            assert_eq!(usize::try_from(migration.version).unwrap(), at + 1, "{}", migration.name);
        }
    }

    #[tokio::test]
    async fn a_migration_edited_after_its_release_is_an_error() {
        let database = FreshDatabase::create().await;
        applied_by(&database, &[ONE]).await.unwrap();
        let edited = Migration { sql: "CREATE TABLE one (a text)", ..ONE };
        let refused = applied_by(&database, &[edited, TWO]).await;
        assert!(matches!(refused, Err(Failure::Migration(MigrationError::Changed { version: 1, .. }))));
        assert_eq!(applied(&connect(&database).await).await.unwrap().len(), 1, "and nothing was applied");
    }

    #[tokio::test]
    async fn migrations_of_a_newer_version_are_left_alone_and_named() {
        let database = FreshDatabase::create().await;
        applied_by(&database, &[ONE, TWO]).await.unwrap();
        assert_eq!(applied_by(&database, &[ONE]).await.unwrap().newer, [2]);
    }

    #[tokio::test]
    async fn a_gap_in_what_was_applied_is_an_error() {
        let database = FreshDatabase::create().await;
        applied_by(&database, &[TWO]).await.unwrap();
        let refused = applied_by(&database, &[ONE, TWO]).await;
        assert!(matches!(refused, Err(Failure::Migration(MigrationError::Missing { version: 1, .. }))));
    }

    #[tokio::test]
    async fn a_migration_that_fails_leaves_nothing_behind() {
        let database = FreshDatabase::create().await;
        let broken = Migration { version: 2, name: "broken", sql: "CREATE TABLE half (a bigint); nonsense" };
        assert!(applied_by(&database, &[ONE, broken]).await.is_err());
        assert!(!has_table(&connect(&database).await).await.unwrap());
    }
}
