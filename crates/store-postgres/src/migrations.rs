//! The numbered migrations of this store: which there are, which were applied, and applying them.

use payment_store::migration::{self, AppliedMigration, Migration, MigrationReport, MigrationState, OddRows};

use sha2::{Digest, Sha256};

use crate::adopted;
use crate::connections::Migrator;
use crate::failure::Failure;
use crate::surroundings;

const MIGRATIONS: &[Migration] = &[
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
];

/// The advisory lock of migrations, "payments" as a number: nodes that start at once take turns.
const LOCK: i64 = 0x7061_796d_656e_7473;

/// Brings the database up to date, then takes in what an earlier service left, each in a transaction
/// of its own, so that the old tables are unlocked before their rows are read. A failed one leaves nothing behind:
/// the caller closes the connection. A replica serves after both.
pub(crate) async fn migrate(migrator: &Migrator) -> Result<MigrationReport, Failure> {
    begin(migrator).await?;
    let report = apply(migrator, MIGRATIONS).await?;
    migrator.commit().await?;
    begin(migrator).await?;
    let adopted_rows = adopted::take_in(migrator).await?;
    migrator.commit().await?;
    let odd_rows = if adopted_rows > 0 { adopted::odd_rows(migrator).await? } else { OddRows::default() };
    Ok(MigrationReport { adopted_rows, odd_rows, ..report })
}

/// The beginning of a digest of all migrations, in lower-case hexadecimal.
pub(crate) fn digest() -> String {
    let checksums: Vec<u8> = MIGRATIONS.iter().flat_map(Migration::checksum).collect();
    hex::encode(Sha256::digest(checksums).iter().take(8).copied().collect::<Vec<u8>>())
}

/// Which migrations the database has and which are pending; changes nothing.
pub(crate) async fn states(migrator: &Migrator) -> Result<Vec<MigrationState>, Failure> {
    let applied = if has_table(migrator).await? { applied(migrator).await? } else { Vec::new() };
    Ok(migration::states(MIGRATIONS, &applied)?)
}

/// Begins the transaction in which this node alone migrates.
pub(crate) async fn begin(migrator: &Migrator) -> Result<(), Failure> {
    migrator.begin().await?;
    // Others may take longer to migrate than a lock may take otherwise.
    migrator.batch("SET LOCAL lock_timeout = 0").await?;
    migrator.rows("SELECT pg_advisory_xact_lock($1)", &[&LOCK]).await?;
    // Our changes would wait for a long look at the old tables, and everything else would wait for them.
    migrator.batch("SET LOCAL lock_timeout = '20s'; SET LOCAL client_min_messages = warning").await
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
        migrator.batch(migration.sql).await?;
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

async fn has_table(migrator: &Migrator) -> Result<bool, Failure> {
    let found = migrator.row("SELECT to_regclass('eg_pg_store_migrations') IS NOT NULL", &[]).await?;
    Ok(found.try_get(0)?)
}

async fn applied(migrator: &Migrator) -> Result<Vec<AppliedMigration>, Failure> {
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
        let client = connect(database).await;
        begin(&client).await?;
        let report = apply(&client, migrations).await?;
        client.commit().await?;
        Ok(report)
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
