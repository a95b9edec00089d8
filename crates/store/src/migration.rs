//! Numbered migrations: the part shared by the stores.

use sha2::{Digest, Sha256};

/// A migration file. Once released it is never edited; corrections come in the next one.
#[derive(Debug, Clone, Copy)]
pub struct Migration {
    /// Its number; they are applied in this order, without a gap.
    pub version: u32,
    pub name: &'static str,
    /// Its statements.
    pub sql: &'static str,
}

/// A migration as recorded in the database.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct AppliedMigration {
    /// Its number.
    pub version: u32,
    /// SHA-256 over its statements.
    pub checksum: Vec<u8>,
    /// When it was applied, in milliseconds since 1970.
    pub at_ms: i64,
}

/// The reason the migrations in a database and those of this program do not agree.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
pub enum MigrationError {
    /// A migration that was applied has been edited since.
    #[error(
        "migration {version} ({name}) was changed after it was applied: the database may not be what it seems"
    )]
    Changed {
        /// Its number.
        version: u32,
        /// Its name.
        name: &'static str,
    },
    /// A migration was applied while an earlier one was not.
    #[error("migration {version} ({name}) is missing although a later one was applied")]
    Missing {
        /// Its number.
        version: u32,
        /// Its name.
        name: &'static str,
    },
}

/// A migration and whether the database has it.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct MigrationState {
    /// Its number; they are applied in this order.
    pub version: u32,
    pub name: &'static str,
    /// When it was applied, in milliseconds since 1970; `None` while it is pending.
    pub applied_at_ms: Option<i64>,
}

/// The outcome of bringing a database up to date.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct MigrationReport {
    /// Migrations applied before.
    pub present: Vec<MigrationState>,
    /// Migrations applied now.
    pub applied: Vec<MigrationState>,
    /// The numbers of those that a newer version of this program has applied. That version guarantees that
    /// this one still runs after them.
    pub newer: Vec<u32>,
    /// The number of transactions of an earlier service that were adopted now.
    pub adopted_rows: u64,
    /// Rows of an earlier service that break this service's rules; searched for when rows were adopted.
    pub odd_rows: OddRows,
}

/// Rows of an earlier service that this service shows unchanged: a bill, a tenant, an amount, a status, a
/// gateway or a time of creation is absent or unknown.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct OddRows {
    /// How many there are.
    pub count: u64,
    /// The first of them, at most [`OddRows::NAMED`]: the transaction and its odd values.
    pub named: Vec<(String, String)>,
}

impl OddRows {
    /// The largest number that is named.
    pub const NAMED: usize = 20;
}

impl Migration {
    /// SHA-256 over its statements.
    pub fn checksum(&self) -> Vec<u8> {
        Sha256::digest(self.sql.as_bytes()).to_vec()
    }

    /// Whether it is not among these.
    pub fn is_pending(&self, applied: &[AppliedMigration]) -> bool {
        applied.iter().all(|row| row.version != self.version)
    }

    fn state(&self, applied: &[AppliedMigration]) -> MigrationState {
        let applied_at_ms = applied.iter().find(|row| row.version == self.version).map(|row| row.at_ms);
        MigrationState { version: self.version, name: self.name, applied_at_ms }
    }
}

/// Migrations are applied in order, and as they were released.
///
/// # Errors
/// A [`MigrationError`] when these were not.
pub fn check(migrations: &[Migration], applied: &[AppliedMigration]) -> Result<(), MigrationError> {
    let last = applied.iter().map(|row| row.version).max().unwrap_or(0);
    for migration in migrations {
        let Migration { version, name, .. } = *migration;
        match applied.iter().find(|row| row.version == version) {
            Some(row) if row.checksum != migration.checksum() => {
                return Err(MigrationError::Changed { version, name });
            }
            None if version < last => return Err(MigrationError::Missing { version, name }),
            Some(_) | None => {}
        }
    }
    Ok(())
}

/// Each migration with whether it was applied.
///
/// # Errors
/// As [`check`].
pub fn states(
    migrations: &[Migration],
    applied: &[AppliedMigration],
) -> Result<Vec<MigrationState>, MigrationError> {
    check(migrations, applied)?;
    Ok(migrations.iter().map(|migration| migration.state(applied)).collect())
}

impl MigrationReport {
    /// The difference between the two states.
    pub fn between(
        migrations: &[Migration],
        before: &[AppliedMigration],
        after: &[AppliedMigration],
    ) -> MigrationReport {
        let (applied, present): (Vec<&Migration>, Vec<&Migration>) =
            migrations.iter().partition(|migration| migration.is_pending(before));
        let states = |migrations: Vec<&Migration>| migrations.iter().map(|m| m.state(after)).collect();
        let known = |row: &&AppliedMigration| migrations.iter().any(|m| m.version == row.version);
        MigrationReport {
            present: states(present),
            applied: states(applied),
            newer: before.iter().filter(|row| !known(row)).map(|row| row.version).collect(),
            adopted_rows: 0,
            odd_rows: OddRows::default(),
        }
    }
}
