//! Failures of this store, and which of them are retried.

use std::io;

use deadpool_postgres::PoolError;
use payment_domain::TxnId;
use payment_store::StoreError;
use tokio_postgres::error::{DbError, SqlState};

use payment_store::migration::MigrationError;

/// The reason a piece of work was not done. None of the texts holds anything a payer entered.
#[derive(Debug, Clone, thiserror::Error)]
pub(crate) enum Failure {
    /// The server reports an error.
    #[error(transparent)]
    Refused(#[from] Box<Refusal>),
    /// The connection broke, or none could be made.
    #[error("the connection to PostgreSQL failed: {0}")]
    Disconnected(String),
    /// The server did not answer in time.
    #[error("PostgreSQL did not answer in time")]
    NoAnswer,
    /// The connection broke while the commit was under way: it may have been stored.
    #[error("the connection to PostgreSQL broke during the commit")]
    CommitUnanswered,
    /// The exchange breaks the protocol between client and server.
    #[error("PostgreSQL was not understood: {0}")]
    Misunderstood(String),
    /// More work is queued than is allowed.
    #[error("too much work is queued for the database")]
    Overloaded,
    /// Others were faster again and again.
    #[error("too many others want the same")]
    Contended,
    /// The store was closed.
    #[error("the database was closed")]
    Stopped,
    /// The work panicked; it may have been stored.
    #[error("the work on the database panicked")]
    Panicked,
    /// A row holds a value that this version cannot read.
    #[error("{table} of {row} cannot be read: {column}")]
    Unreadable {
        /// The table.
        table: &'static str,
        /// The row, by its key.
        row: String,
        /// The column.
        column: &'static str,
    },
    /// A value that cannot be written as JSON text.
    #[error("a value cannot be written as JSON")]
    Unwritable,
    /// A change would alter a value fixed when the transaction was created.
    #[error("a change may not alter what transaction {0} was created with")]
    AltersPayment(TxnId),
    /// There is no such transaction.
    #[error("there is no transaction {0}")]
    UnknownTransaction(TxnId),
    /// A number that does not fit.
    #[error("a number is out of range")]
    OutOfRange,
    /// The system yields no random bytes.
    #[error("the system yields no random bytes")]
    NoRandomness,
    /// The options do not make sense.
    #[error("{0}")]
    Options(String),
    /// The database is none that payments can be kept in.
    #[error("{0}")]
    Unsuitable(String),
    /// A pooler shares our session: its prepared statements belong to another client, or are gone.
    #[error(
        "the connection leads to a pooler that shares sessions among clients and loses prepared statements \
         (PgBouncer with pool_mode transaction or statement): set database.prepared-statements = none here, or \
         there max_prepared_statements = 200 (PgBouncer 1.21 or later) or pool_mode = session"
    )]
    SharedSession,
    /// The migrations in the database and those of this program do not agree.
    #[error(transparent)]
    Migration(#[from] MigrationError),
}

/// An error the server reports. Its own texts may quote rows; of those only the names are kept.
#[derive(Debug, Clone, thiserror::Error)]
#[error("PostgreSQL refuses ({code}){}{}", self.says(), self.place())]
pub(crate) struct Refusal {
    code: String,
    message: Option<String>,
    table: Option<String>,
    column: Option<String>,
    constraint: Option<String>,
}

impl Refusal {
    fn of(error: &DbError) -> Refusal {
        let code = error.code().code();
        // Errors of data, of constraints and of our own triggers quote the offending values.
        let quotes_data = ["22", "23", "P0", "21", "44"].iter().any(|class| code.starts_with(class));
        Refusal {
            code: code.to_owned(),
            message: (!quotes_data).then(|| error.message().to_owned()),
            table: error.table().map(str::to_owned),
            column: error.column().map(str::to_owned),
            constraint: error.constraint().map(str::to_owned),
        }
    }

    fn says(&self) -> String {
        self.message.as_ref().map(|message| format!(": {message}")).unwrap_or_default()
    }

    fn place(&self) -> String {
        [("table", &self.table), ("column", &self.column), ("constraint", &self.constraint)]
            .into_iter()
            .filter_map(|(what, name)| name.as_ref().map(|name| format!(", {what} {name}")))
            .collect()
    }

    /// Whether the same work may succeed later: connections, resources, an operator's intervention,
    /// a system that stumbles, locks held too long, a server that may not write (any more), a session of which
    /// a pooler has made another one, without the schema of our tables, which were there at the start.
    fn is_passing(&self) -> bool {
        ["08", "53", "57", "58", "40"].iter().any(|class| self.code.starts_with(class))
            || [SqlState::LOCK_NOT_AVAILABLE, SqlState::READ_ONLY_SQL_TRANSACTION, SqlState::UNDEFINED_TABLE]
                .iter()
                .any(|state| state.code() == self.code)
    }

    /// Whether the connection is of no use any more.
    fn ends_connection(&self) -> bool {
        self.code.starts_with("08")
            || [
                SqlState::ADMIN_SHUTDOWN,
                SqlState::CRASH_SHUTDOWN,
                SqlState::CANNOT_CONNECT_NOW,
                SqlState::READ_ONLY_SQL_TRANSACTION,
                SqlState::IDLE_IN_TRANSACTION_SESSION_TIMEOUT,
            ]
            .iter()
            .any(|state| state.code() == self.code)
    }
}

impl Failure {
    /// Whether the same work may succeed later without a repair of anything but the surroundings.
    pub(crate) fn is_passing(&self) -> bool {
        match self {
            Failure::Refused(refusal) => refusal.is_passing(),
            Failure::Disconnected(_)
            | Failure::NoAnswer
            | Failure::CommitUnanswered
            | Failure::Overloaded
            | Failure::Contended
            | Failure::Stopped
            | Failure::SharedSession
            | Failure::NoRandomness
            | Failure::Panicked => true,
            Failure::Misunderstood(_)
            | Failure::Unreadable { .. }
            | Failure::Unwritable
            | Failure::AltersPayment(_)
            | Failure::UnknownTransaction(_)
            | Failure::OutOfRange
            | Failure::Options(_)
            | Failure::Unsuitable(_)
            | Failure::Migration(_) => false,
        }
    }

    /// Whether the connection broke before anything could be stored.
    pub(crate) fn is_disconnection(&self) -> bool {
        match self {
            Failure::Disconnected(_) => true,
            Failure::Refused(refusal) => refusal.ends_connection(),
            Failure::NoAnswer
            | Failure::CommitUnanswered
            | Failure::Misunderstood(_)
            | Failure::Overloaded
            | Failure::Contended
            | Failure::Stopped
            | Failure::Panicked
            | Failure::NoRandomness
            | Failure::Unreadable { .. }
            | Failure::Unwritable
            | Failure::AltersPayment(_)
            | Failure::UnknownTransaction(_)
            | Failure::OutOfRange
            | Failure::Options(_)
            | Failure::Unsuitable(_)
            | Failure::SharedSession
            | Failure::Migration(_) => false,
        }
    }

    /// Whether the result of the request is unknown.
    pub(crate) fn is_silence(&self) -> bool {
        self.is_disconnection() || matches!(self, Failure::NoAnswer)
    }

    /// Whether the connection it happened on is of no further use.
    pub(crate) fn spoils_connection(&self) -> bool {
        self.is_silence() || matches!(self, Failure::Misunderstood(_) | Failure::SharedSession)
    }

    /// Whether the server lets in no more connections.
    pub(crate) fn is_crowding(&self) -> bool {
        matches!(self, Failure::Refused(refusal) if refusal.code == SqlState::TOO_MANY_CONNECTIONS.code())
    }

    /// Whether the server has no room left to write.
    pub(crate) fn is_disk_full(&self) -> bool {
        matches!(self, Failure::Refused(refusal) if refusal.code == SqlState::DISK_FULL.code())
    }

    /// Whether others held a lock for longer than was waited for it.
    pub(crate) fn is_lock_timeout(&self) -> bool {
        matches!(self, Failure::Refused(refusal) if refusal.code == SqlState::LOCK_NOT_AVAILABLE.code())
    }

    /// Whether two transactions were in each other's way, and this one was undone for it.
    pub(crate) fn is_collision(&self) -> bool {
        matches!(self, Failure::Refused(refusal)
            if [SqlState::T_R_DEADLOCK_DETECTED, SqlState::T_R_SERIALIZATION_FAILURE]
                .iter()
                .any(|state| state.code() == refusal.code))
    }
}

impl From<tokio_postgres::Error> for Failure {
    fn from(error: tokio_postgres::Error) -> Failure {
        if let Some(reported) = error.as_db_error() {
            // A statement that was prepared is unknown, or one that was not is there already.
            const FOREIGN: [&SqlState; 2] =
                [&SqlState::INVALID_SQL_STATEMENT_NAME, &SqlState::DUPLICATE_PSTATEMENT];
            if FOREIGN.contains(&reported.code()) {
                return Failure::SharedSession;
            }
            return Failure::Refused(Box::new(Refusal::of(reported)));
        }
        let source = std::error::Error::source(&error);
        let because = source.map(|source| format!(": {source}")).unwrap_or_default();
        let shown = format!("{error}{because}");
        if error.is_closed() || source.is_some_and(|source| source.is::<io::Error>()) {
            Failure::Disconnected(shown)
        } else {
            Failure::Misunderstood(shown)
        }
    }
}

impl From<PoolError> for Failure {
    fn from(error: PoolError) -> Failure {
        match error {
            PoolError::Backend(error) => Failure::connecting(error),
            PoolError::Timeout(deadpool_postgres::TimeoutType::Wait) => Failure::Overloaded,
            PoolError::Timeout(
                deadpool_postgres::TimeoutType::Create | deadpool_postgres::TimeoutType::Recycle,
            ) => Failure::NoAnswer,
            PoolError::Closed => Failure::Stopped,
            PoolError::NoRuntimeSpecified | PoolError::PostCreateHook(_) => {
                Failure::Misunderstood("the pool is not set up".to_owned())
            }
        }
    }
}

impl Failure {
    /// The reason there is no connection. Anything but the server's own refusal may be transient.
    pub(crate) fn connecting(error: tokio_postgres::Error) -> Failure {
        let failure = Failure::from(error);
        if let Failure::Misunderstood(shown) = failure { Failure::Disconnected(shown) } else { failure }
    }
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
