//! The changes that opening a store would make to a database, and their approximate duration; nothing is
//! changed.

use std::time::Duration;

use payment_store::migration::{self, Migration};

use crate::connections::Migrator;
use crate::failure::Failure;
use crate::migrations::{self, MIGRATIONS, indexes};

/// A pending migration.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct MigrationPlan {
    /// The pending migrations, by number and name.
    pub pending: Vec<(u32, &'static str)>,
    /// The tables that are altered: locked for a moment, and waited for as long as [`Self::longest_wait`] each time.
    pub altered: Vec<String>,
    /// How long everything else may wait behind the wait for one of those locks.
    pub longest_wait: Duration,
    /// Transactions of others that hold those tables for longer than that wait already; the migration tries again
    /// until they have ended.
    pub holders: u64,
    /// The age of the oldest of those.
    pub oldest_holder: Option<Duration>,
    /// The indexes that are built while payments go on.
    pub indexes: Vec<PlannedIndex>,
    /// How many transactions of an earlier service are taken in, in batches.
    pub adopted_rows: u64,
    /// About how long that takes.
    pub adoption: Duration,
    /// About how many bytes all of it needs.
    pub bytes: u64,
}

/// An index of a large table.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct PlannedIndex {
    pub name: &'static str,
    pub table: &'static str,
    /// About how many rows the table has.
    pub rows: u64,
    /// About how long it takes.
    pub time: Duration,
}

impl MigrationPlan {
    /// About how long all of it takes.
    pub fn time(&self) -> Duration {
        self.indexes.iter().map(|index| index.time).sum::<Duration>() + self.adoption
    }
}

/// Measured with five million rows on a machine with two cores whose [`PROBE`] took [`PROBE_MICROS`]:
/// nanoseconds for each row.
const INDEX_NANOS: u64 = 1_150;
const ADOPTION_NANOS: u64 = 28_000;
/// Bytes for each row of an index, and for the bills and claims of each row that is adopted.
const INDEX_BYTES: u64 = 30;
const ADOPTION_BYTES: u64 = 210;
const PROBE_MICROS: u64 = 120_000;

/// The speed of the server's sorting, the main part of both an index and the adoption.
const PROBE: &str = "
    SELECT count(*), (extract(epoch FROM clock_timestamp() - statement_timestamp()) * 1000000)::bigint
    FROM (SELECT md5(number::text) FROM generate_series(1, 50000) AS number ORDER BY 1 OFFSET 0) AS sorted";

pub(crate) async fn plan(migrator: &Migrator) -> Result<MigrationPlan, Failure> {
    migrator.begin().await?;
    migrator.batch("SET TRANSACTION READ ONLY").await?;
    let applied = if migrations::has_table(migrator).await? {
        migrations::applied(migrator).await?
    } else {
        Vec::new()
    };
    migration::check(MIGRATIONS, &applied)?;
    let pending: Vec<&Migration> = MIGRATIONS.iter().filter(|one| one.is_pending(&applied)).collect();
    let micros: i64 = migrator.row(PROBE, &[]).await?.try_get(1)?;
    let probe = u64::try_from(micros).unwrap_or(PROBE_MICROS).clamp(PROBE_MICROS / 10, PROBE_MICROS * 20);
    let mut plan = MigrationPlan {
        pending: pending.iter().map(|one| (one.version, one.name)).collect(),
        altered: altered(migrator, &pending).await?,
        longest_wait: migrations::LOCK_TIMEOUT,
        ..MigrationPlan::default()
    };
    (plan.holders, plan.oldest_holder) = holders(migrator, &plan.altered).await?;
    for index in MIGRATIONS.iter().flat_map(indexes::of) {
        if !is_to_be_built(migrator, &index).await? {
            continue;
        }
        let rows = estimated_rows(migrator, index.table).await?;
        let time = each(rows, INDEX_NANOS, probe);
        plan.bytes += rows * INDEX_BYTES;
        plan.indexes.push(PlannedIndex { name: index.name, table: index.table, rows, time });
    }
    plan.adopted_rows = to_adopt(migrator).await?;
    plan.adoption = each(plan.adopted_rows, ADOPTION_NANOS, probe);
    plan.bytes += plan.adopted_rows * ADOPTION_BYTES;
    migrator.batch("ROLLBACK").await?;
    Ok(plan)
}

/// The time of so many rows on a server whose probe took so long.
fn each(rows: u64, nanos: u64, probe: u64) -> Duration {
    Duration::from_nanos(rows.saturating_mul(nanos) / PROBE_MICROS * probe)
}

async fn exists(migrator: &Migrator, table: &str) -> Result<bool, Failure> {
    Ok(migrator.row("SELECT to_regclass($1) IS NOT NULL", &[&table]).await?.try_get(0)?)
}

/// The tables that are there and that the migrations alter.
async fn altered(migrator: &Migrator, pending: &[&Migration]) -> Result<Vec<String>, Failure> {
    let mut tables: Vec<&str> = Vec::new();
    for line in pending.iter().flat_map(|migration| migration.sql.lines()) {
        let Some(table) = line.strip_prefix("ALTER TABLE ").and_then(|rest| rest.split_whitespace().next())
        else {
            continue;
        };
        if !tables.contains(&table) && exists(migrator, table).await? {
            tables.push(table);
        }
    }
    Ok(tables.into_iter().map(str::to_owned).collect())
}

async fn holders(migrator: &Migrator, tables: &[String]) -> Result<(u64, Option<Duration>), Failure> {
    const HOLDERS: &str = "
        SELECT count(DISTINCT activity.pid),
            (extract(epoch FROM max(clock_timestamp() - activity.xact_start)) * 1000)::bigint
        FROM pg_locks JOIN pg_stat_activity AS activity ON activity.pid = pg_locks.pid
        WHERE pg_locks.database = (SELECT oid FROM pg_database WHERE datname = current_database())
            AND pg_locks.relation IN (SELECT to_regclass(name) FROM unnest($1::text[]) AS tables (name))
            AND pg_locks.granted AND activity.pid <> pg_backend_pid()
            AND clock_timestamp() - activity.xact_start > make_interval(secs => $2::bigint / 1000.0)";
    let patience = i64::try_from(migrations::LOCK_TIMEOUT.as_millis()).map_err(|_| Failure::OutOfRange)?;
    let found = migrator.row(HOLDERS, &[&tables, &patience]).await?;
    let count = u64::try_from(found.try_get::<_, i64>(0)?).map_err(|_| Failure::OutOfRange)?;
    let oldest: Option<i64> = found.try_get(1)?;
    Ok((count, oldest.and_then(|millis| u64::try_from(millis).ok()).map(Duration::from_millis)))
}

async fn is_to_be_built(migrator: &Migrator, index: &indexes::Index) -> Result<bool, Failure> {
    if !indexes::is_large(indexes::size(migrator, index.table).await?) {
        return Ok(false);
    }
    const VALID: &str = "SELECT count(*) FROM pg_index WHERE indexrelid = to_regclass($1) AND indisvalid";
    Ok(migrator.row(VALID, &[&index.name]).await?.try_get::<_, i64>(0)? == 0)
}

/// As the server estimates it for its own plans.
async fn estimated_rows(migrator: &Migrator, table: &str) -> Result<u64, Failure> {
    const ESTIMATE: &str = "
        SELECT CASE WHEN reltuples > 0 AND relpages > 0
            THEN (reltuples / relpages * (pg_relation_size(oid) / current_setting('block_size')::bigint))::bigint
            ELSE -1 END
        FROM pg_class WHERE oid = to_regclass($1)";
    let estimate: i64 = migrator.row(ESTIMATE, &[&table]).await?.try_get(0)?;
    match u64::try_from(estimate) {
        Ok(rows) => Ok(rows),
        // It has none yet.
        Err(_) => count(migrator, &format!("SELECT count(*) FROM {table}")).await,
    }
}

async fn to_adopt(migrator: &Migrator) -> Result<u64, Failure> {
    const TABLE: &str = "eg_pg_transactions";
    if !exists(migrator, TABLE).await? {
        return Ok(0);
    }
    if exists(migrator, "eg_pg_adoption").await? {
        return crate::adopted::count(migrator).await;
    }
    count(migrator, &format!("SELECT count(*) FROM {TABLE}")).await
}

async fn count(migrator: &Migrator, sql: &str) -> Result<u64, Failure> {
    u64::try_from(migrator.row(sql, &[]).await?.try_get::<_, i64>(0)?).map_err(|_| Failure::OutOfRange)
}
