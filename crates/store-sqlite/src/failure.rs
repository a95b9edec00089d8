//! Failures of this store, and which of them are worth another try.

use std::sync::Arc;

use payment_domain::TxnId;
use payment_store::StoreError;
use rusqlite::ErrorCode;

/// No text holds anything that a payer has entered.
#[derive(Debug, thiserror::Error)]
pub(crate) enum Failure {
    #[error("SQLite reports an error")]
    Database(#[from] rusqlite::Error),
    #[error("the database file cannot be used")]
    File(#[from] std::io::Error),
    /// The file system cannot share memory between processes, which the write-ahead log needs.
    #[error("the file system does not support a write-ahead log")]
    NoWriteAheadLog,
    #[error("a thread of the store could not be started")]
    Thread(#[source] std::io::Error),
    #[error("the commit failed")]
    NotCommitted(#[source] Arc<Failure>),
    #[error("too much work is queued for the database")]
    Overloaded,
    #[error("the database thread has stopped")]
    Stopped,
    #[error("the work on the database panicked")]
    Panicked,
    #[error("{table} of {owner} cannot be read: {column}")]
    Unreadable {
        table: &'static str,
        /// The transaction, or the number of the run, the row belongs to.
        owner: String,
        column: &'static str,
    },
    #[error("a value cannot be written as JSON")]
    Unwritable(#[from] serde_json::Error),
    #[error("a change may not alter what transaction {0} was created with")]
    AltersPayment(TxnId),
    #[error("the copy is not whole: {0}")]
    NotWhole(String),
    #[error("the payments of this database have moved to {0}")]
    Moved(String),
    #[error("the database lacks migrations of this version")]
    NotUpToDate,
    #[error("a number is out of range")]
    OutOfRange,
    #[error("the system yields no random bytes")]
    NoRandomness,
    #[error(transparent)]
    Migration(#[from] payment_store::migration::MigrationError),
}

impl Failure {
    /// Whether the same work may succeed later without a repair of the database itself: a lock held too
    /// long, a full disk, an error of the file system.
    fn is_passing(&self) -> bool {
        match self {
            Failure::Database(error) => is_passing(error),
            Failure::NotCommitted(cause) => cause.is_passing(),
            Failure::File(_)
            | Failure::Thread(_)
            | Failure::Overloaded
            | Failure::Stopped
            | Failure::NoRandomness => true,
            Failure::NoWriteAheadLog
            | Failure::Panicked
            | Failure::Unreadable { .. }
            | Failure::Unwritable(_)
            | Failure::AltersPayment(_)
            | Failure::NotWhole(_)
            | Failure::Moved(_)
            | Failure::NotUpToDate
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
    fn only_transient_failures_are_retried() {
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
