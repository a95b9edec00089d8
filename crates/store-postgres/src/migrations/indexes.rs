//! Indexes of large tables: built while payments go on.
//!
//! A migration creates an index with its table locked against writes, and a table that it alters first against
//! everything. Where the table is large, the statement is left out of the migration, and the index built afterwards
//! with CONCURRENTLY, before the replica serves. An interrupted build leaves an index that is not valid, or none:
//! the next start finds and builds it. Unique indexes are rules and not only fast: they stay in their migrations.

use payment_store::migration::Migration;

use crate::connections::{Migrator, Sessions};
use crate::failure::Failure;

/// From this size on the indexes of a table are built concurrently, in bytes. The ten of an adopted table take a few
/// milliseconds each below it.
const LARGE: i64 = 1024 * 1024;
/// The largest table whose indexes are built with the table locked where sessions are shared: what builds an index
/// concurrently has to set its session's limits of time, and cannot.
const LARGEST_LOCKED: i64 = 64 * 1024 * 1024;

/// An index as a migration creates it.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) struct Index {
    pub(crate) name: &'static str,
    pub(crate) table: &'static str,
    /// From the first word to the semicolon.
    statement: &'static str,
}

impl Index {
    fn concurrently(&self) -> String {
        let rest = self.statement.trim_start_matches("CREATE INDEX").trim_start_matches(" IF NOT EXISTS");
        format!("CREATE INDEX CONCURRENTLY IF NOT EXISTS{rest}")
    }
}

/// The indexes that a migration creates by statements of their own, without the unique ones.
pub(crate) fn of(migration: &Migration) -> Vec<Index> {
    const BEGIN: &str = "\nCREATE INDEX ";
    let mut found = Vec::new();
    let mut rest: &'static str = migration.sql;
    while let Some((_, from)) = rest.split_once(BEGIN).map(|(before, _)| rest.split_at(before.len() + 1)) {
        let end = from.find(';').map_or(from.len(), |at| at + 1);
        let (statement, after) = from.split_at(end);
        rest = after;
        let mut words =
            statement.split_whitespace().skip(2).filter(|word| !["IF", "NOT", "EXISTS"].contains(word));
        if let (Some(name), Some("ON"), Some(table)) = (words.next(), words.next(), words.next()) {
            found.push(Index { name, table, statement });
        }
    }
    found
}

/// The statements of a migration without those that create indexes of large tables.
pub(super) async fn without_those_of_large_tables(
    migrator: &Migrator,
    migration: &Migration,
) -> Result<String, Failure> {
    let mut sql = migration.sql.to_owned();
    for index in of(migration) {
        let size = size(migrator, index.table).await?;
        if size < LARGE {
            continue;
        }
        match migrator.sessions {
            Sessions::Own => sql = sql.replacen(index.statement, "", 1),
            Sessions::Shared if size > LARGEST_LOCKED => return Err(direct_connection_needed(index.table)),
            Sessions::Shared => {}
        }
    }
    Ok(sql)
}

fn direct_connection_needed(table: &str) -> Failure {
    Failure::Unsuitable(format!(
        "indexes of {table}, a large table, have to be built while payments go on, and sessions are shared \
         (database.prepared-statements = none, or a pooler before the database): run `pg-service migrate` once with \
         the address of the server itself"
    ))
}

/// The size of a table's rows in bytes; 0 where there is none.
pub(crate) async fn size(migrator: &Migrator, table: &str) -> Result<i64, Failure> {
    let found = migrator.row("SELECT coalesce(pg_relation_size(to_regclass($1)), 0)", &[&table]).await?;
    Ok(found.try_get(0)?)
}

/// Whether a table is so large that its indexes are built concurrently.
pub(crate) fn is_large(size: i64) -> bool {
    size >= LARGE
}

/// Builds the indexes of the migrations that are missing. One node at a time does it.
pub(super) async fn build_missing(migrator: &Migrator, migrations: &[Migration]) -> Result<(), Failure> {
    let indexes: Vec<Index> = migrations.iter().flat_map(of).collect();
    let names: Vec<&str> = indexes.iter().map(|index| index.name).collect();
    const MISSING: &str = "
        SELECT name, found.indexrelid IS NOT NULL FROM unnest($1::text[]) AS expected (name)
        LEFT JOIN pg_index AS found ON found.indexrelid = to_regclass(name)
        WHERE found.indisvalid IS NOT TRUE";
    for row in migrator.rows(MISSING, &[&names]).await? {
        let (name, is_interrupted): (String, bool) = (row.try_get(0)?, row.try_get(1)?);
        let Some(index) = indexes.iter().find(|index| index.name == name) else { continue };
        if migrator.sessions == Sessions::Shared {
            return Err(direct_connection_needed(index.table));
        }
        tracing::info!(index = index.name, table = index.table, "an index is built while payments go on");
        if is_interrupted {
            migrator.batch(&format!("DROP INDEX CONCURRENTLY {}", index.name)).await?;
        }
        migrator.batch(&index.concurrently()).await?;
    }
    Ok(())
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::migrations::MIGRATIONS;

    #[test]
    fn every_index_but_the_unique_ones_is_found_in_the_migrations() {
        for migration in MIGRATIONS {
            let written = migration.sql.lines().filter(|line| line.starts_with("CREATE INDEX ")).count();
            let found = of(migration);
            assert_eq!(found.len(), written, "{}", migration.name);
            for index in found {
                assert!(index.statement.ends_with(");") || index.statement.contains(" WHERE "), "{index:?}");
            }
            assert!(!migration.sql.contains("DROP INDEX"), "it would be built again at each start");
        }
        let adopted = of(&MIGRATIONS[0]);
        assert_eq!(adopted.iter().filter(|index| index.table == "eg_pg_transactions").count(), 10);
        let first = &adopted[0];
        assert_eq!((first.name, first.table), ("eg_pg_transactions_by_tenant", "eg_pg_transactions"));
        let built = first.concurrently();
        assert!(
            built
                .starts_with("CREATE INDEX CONCURRENTLY IF NOT EXISTS eg_pg_transactions_by_tenant ON eg_pg"),
            "{built}"
        );
        let position =
            of(&MIGRATIONS[7]).into_iter().find(|index| index.table == "eg_pg_transaction_history");
        let built = position.unwrap().concurrently();
        assert!(built.ends_with("(position)\n    WHERE position IS NOT NULL;"), "{built}");
    }
}
