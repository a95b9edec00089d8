//! What can go wrong inside this store, and which of it is worth another try.

use std::sync::Arc;

use payment_domain::TxnId;
use payment_store::StoreError;
use rusqlite::ErrorCode;

/// Why a piece of work was not done. None of the texts holds anything a payer entered.
#[derive(Debug, thiserror::Error)]
pub(crate) enum Failure {
    /// SQLite reports an error.
    #[error("SQLite reports an error")]
    Database(#[from] rusqlite::Error),
    /// The database file could not be created or opened.
    #[error("the database file cannot be used")]
    File(#[from] std::io::Error),
    /// The file system cannot share memory between processes, which the write-ahead log needs.
    #[error("the file system does not support a write-ahead log")]
    NoWriteAheadLog,
    /// A thread of the store could not be started.
    #[error("a thread of the store could not be started")]
    Thread(#[source] std::io::Error),
    /// The group that the work belonged to was not committed.
    #[error("the commit failed")]
    NotCommitted(#[source] Arc<Failure>),
    /// More work is queued than is allowed.
    #[error("too much work is queued for the database")]
    Overloaded,
    /// The thread that does the work is gone.
    #[error("the database thread has stopped")]
    Stopped,
    /// The work panicked.
    #[error("the work on the database panicked")]
    Panicked,
    /// A row holds what this version cannot read.
    #[error("{table} of {owner} cannot be read: {column}")]
    Unreadable {
        /// The table.
        table: &'static str,
        /// The transaction, or the number of the run, the row belongs to.
        owner: String,
        /// The column.
        column: &'static str,
    },
    /// A value that cannot be written as JSON text.
    #[error("a value cannot be written as JSON")]
    Unwritable(#[from] serde_json::Error),
    /// A change would alter what was fixed when the transaction was created.
    #[error("a change may not alter what transaction {0} was created with")]
    AltersPayment(TxnId),
    /// A copy of the database is of no use.
    #[error("the copy is not whole: {0}")]
    NotWhole(String),
    /// A number that does not fit.
    #[error("a number is out of range")]
    OutOfRange,
    /// The migrations in the database and those of this program do not agree.
    #[error(transparent)]
    Migration(#[from] payment_store::migration::MigrationError),
}

impl Failure {
    /// Whether the same work may succeed later without anybody repairing anything but the
    /// surroundings: a lock held too long, a full disk, a file system that stumbles.
    fn is_passing(&self) -> bool {
        match self {
            Failure::Database(error) => is_passing(error),
            Failure::NotCommitted(cause) => cause.is_passing(),
            Failure::File(_) | Failure::Thread(_) | Failure::Overloaded | Failure::Stopped => true,
            Failure::NoWriteAheadLog
            | Failure::Panicked
            | Failure::Unreadable { .. }
            | Failure::Unwritable(_)
            | Failure::AltersPayment(_)
            | Failure::NotWhole(_)
            | Failure::OutOfRange
            | Failure::Migration(_) => false,
        }
    }
}

fn is_passing(error: &rusqlite::Error) -> bool {
    matches!(
        error.sqlite_error_code(),
        Some(
            ErrorCode::DatabaseBusy
                | ErrorCode::DatabaseLocked
                | ErrorCode::DiskFull
                | ErrorCode::SystemIoFailure
                | ErrorCode::CannotOpen
                | ErrorCode::OutOfMemory
                | ErrorCode::FileLockingProtocolFailed
                | ErrorCode::OperationInterrupted
                // Rolled back because of one of the above.
                | ErrorCode::OperationAborted
        )
    )
}

impl From<Failure> for StoreError {
    fn from(failure: Failure) -> StoreError {
        if failure.is_passing() {
            StoreError::Unavailable(Box::new(failure))
        } else {
            StoreError::Failed(Box::new(failure))
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn sqlite(code: i32) -> Failure {
        Failure::Database(rusqlite::Error::SqliteFailure(rusqlite::ffi::Error::new(code), None))
    }

    #[test]
    fn only_what_may_pass_by_itself_is_worth_another_try() {
        use rusqlite::ffi;
        for code in [ffi::SQLITE_BUSY, ffi::SQLITE_FULL, ffi::SQLITE_IOERR_FSYNC, ffi::SQLITE_NOMEM] {
            let group = Failure::NotCommitted(Arc::new(sqlite(code)));
            assert!(matches!(StoreError::from(group), StoreError::Unavailable(_)), "{code}");
        }
        for code in
            [ffi::SQLITE_CORRUPT, ffi::SQLITE_CONSTRAINT_UNIQUE, ffi::SQLITE_NOTADB, ffi::SQLITE_MISMATCH]
        {
            assert!(matches!(StoreError::from(sqlite(code)), StoreError::Failed(_)), "{code}");
        }
        assert!(matches!(StoreError::from(Failure::Overloaded), StoreError::Unavailable(_)));
        assert!(matches!(StoreError::from(Failure::Panicked), StoreError::Failed(_)));
    }
}
