//! Checked copies of database files that are in use.

use std::collections::BTreeMap;
use std::fs::File;
use std::path::Path;

use payment_domain::Timestamp;
use payment_store::StoreError;
use rusqlite::backup::{Backup, StepResult};
use rusqlite::{Connection, OpenFlags};

use crate::failure::Failure;
use crate::{Options, connection};

/// The step by which numbers advance in a restored database: more than a city's payments between a backup and
/// the loss of the data after it.
pub const SKIPPED_NUMBERS: i64 = 1_000_000;

#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Copied {
    rows: BTreeMap<String, u64>,
    pub bytes: u64,
}

impl Copied {
    /// The number of rows in a table, 0 when there is no such table.
    pub fn rows(&self, table: &str) -> u64 {
        self.rows.get(table).copied().unwrap_or_default()
    }
}

/// Copies the database in the file `from` into `to`, an empty file, as of one moment, under concurrent
/// writes. The copy is checked, flushed to disk, and needs no other file beside it. Takes time, and holds
/// back the shortening of the log of `from` for as long.
///
/// # Errors
/// [`StoreError::Unavailable`] when one of the files cannot be used, for example because the disk is full,
/// [`StoreError::Failed`] when `from` is no database, or the copy is not the same as it.
pub fn copy(from: &Path, to: &Path) -> Result<Copied, StoreError> {
    Ok(copied(from, to)?)
}

fn copied(from: &Path, to: &Path) -> Result<Copied, Failure> {
    let source = connection::reading(from, Options::default().busy_timeout)?;
    // The rows are counted in the snapshot that is copied.
    source.execute_batch("BEGIN")?;
    let expected = count_rows(&source)?;
    let mut target =
        Connection::open_with_flags(to, OpenFlags::SQLITE_OPEN_READ_WRITE | OpenFlags::SQLITE_OPEN_NO_MUTEX)?;
    target.execute_batch("PRAGMA synchronous = OFF")?;
    let ended = Backup::new(&source, &mut target)?.step(-1)?;
    if ended != StepResult::Done {
        return Err(Failure::NotWhole(format!("copying ended with {ended:?}")));
    }
    drop(source);
    // A log of its own would be a second file to keep.
    target.pragma_update_and_check(None, "journal_mode", "DELETE", |_| Ok(()))?;
    let rows = check(&target)?;
    if rows != expected {
        return Err(Failure::NotWhole("it has other numbers of rows than the original".to_owned()));
    }
    target.close().map_err(|(_, error)| error)?;
    let file = File::options().write(true).open(to)?;
    file.sync_all()?;
    Ok(Copied { rows, bytes: file.metadata()?.len() })
}

/// Checks that all of it can be read and is consistent; returns the number of rows of each table.
fn check(conn: &Connection) -> Result<BTreeMap<String, u64>, Failure> {
    let found: String = conn.query_row("PRAGMA integrity_check(1)", [], |row| row.get(0))?;
    if found != "ok" {
        return Err(Failure::NotWhole(found));
    }
    if conn.prepare("PRAGMA foreign_key_check")?.exists([])? {
        return Err(Failure::NotWhole("rows refer to others that are not there".to_owned()));
    }
    count_rows(conn)
}

fn count_rows(conn: &Connection) -> Result<BTreeMap<String, u64>, Failure> {
    let mut tables = conn.prepare("SELECT name FROM sqlite_schema WHERE type = 'table'")?;
    let names: Vec<String> = tables.query_map([], |row| row.get(0))?.collect::<Result<_, _>>()?;
    names
        .into_iter()
        .map(|name| {
            let quoted = name.replace('"', "\"\"");
            let count: i64 =
                conn.query_row(&format!("SELECT count(*) FROM \"{quoted}\""), [], |row| row.get(0))?;
            Ok((name, u64::try_from(count).map_err(|_| Failure::OutOfRange)?))
        })
        .collect()
}

/// When the newest payment in a database was created or last changed; `None` when there is none.
///
/// # Errors
/// As [`SqliteStore::migrations`](crate::SqliteStore::migrations).
pub fn newest(path: &Path) -> Result<Option<Timestamp>, StoreError> {
    let read = || -> Result<Option<i64>, Failure> {
        let conn = connection::reading(path, Options::default().busy_timeout)?;
        let newest = "SELECT max(coalesce(last_modified_time, created_time)) FROM eg_pg_transactions";
        Ok(conn.query_row(newest, [], |row| row.get(0))?)
    };
    Ok(read()?.map(Timestamp::from_millis))
}

/// Makes a copy fit for use: numbers given after it was made are not given again. Otherwise a new payment
/// could get the id of one that the database has lost and its gateway knows as paid.
///
/// # Errors
/// As [`copy`].
pub fn skip_numbers(path: &Path) -> Result<(), StoreError> {
    let skip = || -> Result<(), Failure> {
        let mut conn = Connection::open_with_flags(
            path,
            OpenFlags::SQLITE_OPEN_READ_WRITE | OpenFlags::SQLITE_OPEN_NO_MUTEX,
        )?;
        let txn = conn.transaction()?;
        txn.execute("UPDATE stand_in_sequences SET last_taken = last_taken + ?1", [SKIPPED_NUMBERS])?;
        // Readers of events go on behind the last number that they have seen.
        txn.execute(
            "UPDATE sqlite_sequence SET seq = seq + ?1 WHERE name = 'eg_pg_outbox'",
            [SKIPPED_NUMBERS],
        )?;
        txn.commit()?;
        conn.close().map_err(|(_, error)| error)?;
        Ok(File::options().write(true).open(path)?.sync_all()?)
    };
    Ok(skip()?)
}
