//! The embedded database: payments in one SQLite file beside the service.
//!
//! [`SqliteStore`] implements [`payment_store::Store`] and the embedded implementations'
//! [`Registers`](payment_digit::embedded::Registers). SQLite has one writer: all writes go through one
//! thread that commits the queued ones in groups, each durable (write-ahead log, `synchronous = FULL`)
//! before a caller is answered. Queries are answered by threads with connections of their own, from the
//! latest commit. Several processes may open the same file: a command beside the running service waits
//! for its turn to write.
//!
//! One case is left open by the file system: a commit that fails while it is flushed, followed by a
//! crash before the next commit, may turn out stored although the caller was told that it is not.

mod accounts;
mod api_tokens;
mod attention;
mod audit;
mod backlog;
pub mod backup;
mod callbacks;
mod cancelling;
mod case_work;
mod checks;
mod claims;
mod connection;
mod embedded;
mod exporting;
mod failure;
mod figures;
mod health;
mod idempotency;
mod jobs;
mod listings;
mod migrations;
pub mod moving;
mod outbox;
#[cfg(test)]
mod plans;
mod readers;
mod receipts;
mod refunds;
mod rows;
mod search;
mod sent_forms;
mod sessions;
mod transaction_columns;
mod transactions;
mod writer;

use std::path::Path;
use std::sync::Arc;
use std::time::Duration;

use payment_domain::{AnchoredClock, Clock, SystemClock, Timestamp};
use payment_store::StoreError;
use payment_store::migration::{MigrationReport, MigrationState};

use crate::exporting::DatabaseFile;
use crate::readers::Readers;
use crate::writer::Writer;

/// How the database is used. The defaults suit one service on one machine.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Options {
    /// Threads that read; at least one.
    pub readers: usize,
    /// More threads for searches alone; at least one.
    pub searchers: usize,
    /// The most writes, and the most queries, that wait; more are refused as [`StoreError::Unavailable`].
    pub queued: usize,
    /// The most writes in one commit.
    pub group: usize,
    /// The wait for another process that writes.
    pub busy_timeout: Duration,
}

impl Default for Options {
    fn default() -> Options {
        Options { readers: 2, searchers: 1, queued: 8_192, group: 512, busy_timeout: Duration::from_secs(5) }
    }
}

/// Payments in one SQLite file. Dropping it finishes the queued writes, which may take a moment.
pub struct SqliteStore {
    // Dropped first: the last connection to close copies the log back into the database file, and
    // one that only reads cannot.
    readers: Readers,
    /// For searches alone, which may take long.
    searchers: Readers,
    writer: Writer,
    /// For exports, each with a connection of its own.
    file: DatabaseFile,
    migrated: MigrationReport,
    clock: Arc<dyn Clock>,
}

impl SqliteStore {
    /// Opens the database, creating the file when it does not exist, and brings its tables up to
    /// date. The folder must exist. Its clock begins with the computer's, but never before the latest
    /// commit, and goes on by a stopwatch.
    ///
    /// # Errors
    /// [`StoreError::Unavailable`] when the file cannot be used or is locked for too long,
    /// [`StoreError::Failed`] when it is not a database of ours, its migrations were tampered with, or it was moved.
    pub fn open(path: &Path, options: &Options) -> Result<SqliteStore, StoreError> {
        SqliteStore::open_by(path, options, |latest_commit| {
            Arc::new(AnchoredClock::new(latest_commit.max(SystemClock.now()), Arc::new(SystemClock)))
        })
    }

    /// The same beside a running service, whose clock need not be the computer's: it is taken from the
    /// latest commit, and lags by the time since.
    ///
    /// # Errors
    /// As [`SqliteStore::open`].
    pub fn open_beside_a_service(path: &Path, options: &Options) -> Result<SqliteStore, StoreError> {
        SqliteStore::open_by(path, options, |latest_commit| {
            Arc::new(AnchoredClock::new(latest_commit, Arc::new(SystemClock)))
        })
    }

    /// The same with a given clock: for tests.
    ///
    /// # Errors
    /// As [`SqliteStore::open`].
    pub fn open_with_clock(
        path: &Path,
        options: &Options,
        clock: Arc<dyn Clock>,
    ) -> Result<SqliteStore, StoreError> {
        SqliteStore::open_by(path, options, |_| clock)
    }

    fn open_by(
        path: &Path,
        options: &Options,
        clock: impl FnOnce(Timestamp) -> Arc<dyn Clock>,
    ) -> Result<SqliteStore, StoreError> {
        let mut conn = connection::writing(path, options.busy_timeout)?;
        moving::refuse_moved(&conn)?;
        let migrated = migrations::migrate(&mut conn)?;
        if !migrated.newer.is_empty() {
            tracing::warn!(migrations = ?migrated.newer, "a newer version has changed this database");
        }
        let clock = clock(health::latest_commit(&conn)?);
        let reading = |count| Readers::start(path, count, options.queued, options.busy_timeout);
        let (readers, searchers) = (reading(options.readers)?, reading(options.searchers)?);
        let stamp = {
            let clock = clock.clone();
            move |conn: &_| health::stamp(conn, clock.now())
        };
        let writer = Writer::start(conn, options.queued, options.group, stamp)?;
        let file = DatabaseFile { path: path.to_owned(), busy_timeout: options.busy_timeout };
        Ok(SqliteStore { writer, readers, searchers, file, migrated, clock })
    }

    /// The clock by which leases and due moments are judged, and by which all else should be.
    pub fn clock(&self) -> Arc<dyn Clock> {
        self.clock.clone()
    }

    /// The migrations that opening it has applied.
    pub fn migrated(&self) -> &MigrationReport {
        &self.migrated
    }

    /// Which migrations the database file at `path` has and which it lacks; changes nothing.
    ///
    /// # Errors
    /// As [`SqliteStore::open`]; [`StoreError::Unavailable`] when there is no such file.
    pub fn migrations(path: &Path) -> Result<Vec<MigrationState>, StoreError> {
        let conn = connection::reading(path, Options::default().busy_timeout)?;
        Ok(migrations::states(&conn)?)
    }
}
