//! The PostgreSQL implementation of [`payment_store::Store`], for any number of replicas.
//!
//! [`PostgresStore`] also implements the [`Registers`](payment_digit::embedded::Registers) of the
//! embedded DIGIT services. PostgreSQL 12 or later is needed.
//!
//! **Concurrency.** Constraints and row locks decide everything that may exist only once (a bill's
//! claim, an idempotency key, a lease, a run), never a look-up before the write. All writers lock in
//! the same order: jobs, transactions, receipt tasks, claims in the order of their keys.
//!
//! **Group commit** (`group_commit`). Creates (`creating`), changes (`changing`), look-ups by id
//! (`finding`) and payments of the embedded collection service (`registering`) that arrive together
//! share a database transaction or a statement. Everything else is a statement or a short transaction of
//! its own.
//!
//! - A group of creates inserts all keys, all claims and all transactions with one statement each,
//!   `ON CONFLICT DO NOTHING`; the rows that come back tell winners from losers. Rows of losers are
//!   removed, the rest of the winners is stored, and only after the commit each loser is told which
//!   committed row it lost to.
//! - A group of changes locks the rows it rests on, decides each change against them, and writes.
//! - A group that fails because of one of its rows is repeated one by one, so that no failure reaches
//!   its neighbours.
//!
//! **Connections** (`connections`). Of the pool a quarter each, four at most, serves groups of creates
//! and groups of changes; searches have a quarter, readings of whole lists two (`exporting`); two more connections carry single small statements,
//! pipelined. A server that admits fewer connections is handled by `crowding`; a database that cannot
//! hold payments is refused at start (`surroundings`).
//!
//! **Earlier data** (`adopted`). Opening a store applies the migrations and adopts the rows of an
//! earlier egov-pg-service without changing them.
//!
//! **Ambiguous commits.** When the connection breaks during a commit, a create determines from its own
//! rows whether it was stored, if the database answers again at once. Any other write, and a create that
//! gets no answer, fails with [`StoreError::Unavailable`]; only reading again tells whether it was stored.

mod accounts;
mod adopted;
mod api_tokens;
mod attention;
mod audit;
mod backlog;
mod callbacks;
mod cancelling;
mod case_work;
mod changing;
mod checks;
mod claims;
mod client_certificate;
mod clock;
mod connections;
mod creating;
mod crowding;
mod embedded;
mod exporting;
mod failure;
mod figures;
mod finding;
mod group_commit;
mod health;
mod idempotency;
mod jdbc;
mod jobs;
mod listings;
mod migrations;
pub mod moving;
mod options;
mod outbox;
mod parameters;
mod plan;
mod receipts;
mod refunds;
mod registering;
mod rows;
mod search;
mod sent_forms;
mod sessions;
mod surroundings;
mod tls;
mod transaction_columns;
mod transactions;

use std::sync::Arc;

use payment_digit::embedded::Registration;
use payment_domain::{Clock, TxnId};
use payment_store::migration::{MigrationReport, MigrationState, OddRows};
use payment_store::{Applied, Created, StoreError};
use tokio_postgres::Row;

use crate::changing::Alteration;
use crate::clock::StoreClock;
use crate::connections::{Connections, Migrator};
use crate::creating::Creation;
use crate::failure::Failure;
use crate::group_commit::{GroupCommit, GroupLimits};
use crate::parameters::ColumnLimits;
use crate::refunds::RefundColumns;
use crate::registering::Entry;

pub use jdbc::{InvalidUrl, without_password};
pub use options::{PostgresHost, PostgresOptions, PreparedStatements, SslMode};
pub use plan::{MigrationPlan, PlannedIndex};

/// Payments in a PostgreSQL database. Dropping it finishes the changes that are queued, as long as
/// its runtime runs; [`PostgresStore::close`] waits for them.
pub struct PostgresStore {
    db: Arc<Connections>,
    column_limits: Arc<ColumnLimits>,
    foreign_statuses: Vec<String>,
    refunds: RefundColumns,
    creations: GroupCommit<Creation, Created>,
    alterations: GroupCommit<Alteration, Applied>,
    registrations: GroupCommit<Entry, Registration>,
    findings: GroupCommit<TxnId, Option<Row>>,
    migrated: MigrationReport,
    clock: StoreClock,
}

impl PostgresStore {
    /// Connects to the database, and brings its tables up to date. Nodes that start together do
    /// that one after the other. It must be called within a Tokio runtime, which the store then uses.
    ///
    /// # Errors
    /// [`StoreError::Unavailable`] when the server is unavailable, [`StoreError::Failed`] when it refuses us, the
    /// options make no sense, payments cannot be kept in the database, a pooler before it loses prepared
    /// statements, or the migrations in it are not ours.
    pub async fn connect(options: PostgresOptions) -> Result<PostgresStore, StoreError> {
        PostgresStore::connect_by(options, None).await
    }

    /// The same with a clock of the caller's in place of the database's: for tests.
    ///
    /// # Errors
    /// As [`PostgresStore::connect`].
    pub async fn connect_with_clock(
        options: PostgresOptions,
        clock: Arc<dyn Clock>,
    ) -> Result<PostgresStore, StoreError> {
        PostgresStore::connect_by(options, Some(clock)).await
    }

    async fn connect_by(
        options: PostgresOptions,
        clock: Option<Arc<dyn Clock>>,
    ) -> Result<PostgresStore, StoreError> {
        let migrator = Migrator::connect(&options).await?;
        surroundings::check(&migrator).await?;
        moving::refuse_unfinished(&migrator).await?;
        let migrated = migrations::migrate(&migrator).await?;
        // A move that was under way has ended meanwhile.
        moving::refuse_unfinished(&migrator).await?;
        if !migrated.newer.is_empty() {
            tracing::warn!(migrations = ?migrated.newer, "a newer version has changed this database");
        }
        if migrated.adopted_rows > 0 {
            tracing::info!(rows = migrated.adopted_rows, "transactions of an earlier service were taken in");
        }
        if migrated.odd_rows.count > 0 {
            let first: Vec<String> =
                migrated.odd_rows.named.iter().map(|(id, oddity)| format!("{id:?} ({oddity})")).collect();
            tracing::warn!(
                rows = migrated.odd_rows.count,
                first = first.join(", "),
                "transactions of an earlier service hold what this service does not know; they are shown as \
                 they are, `pg-service migrate` names them"
            );
        }
        let column_limits = Arc::new(column_limits(&migrator).await?);
        let foreign_statuses = search::foreign_statuses(&migrator).await?;
        let refunds = RefundColumns::detect(&migrator).await?;
        let sessions = migrator.sessions;
        // The server may let in no other connection beside it.
        drop(migrator);
        let db = Arc::new(Connections::new(&options, sessions)?);
        let clock = match clock {
            Some(clock) => StoreClock::Given(clock),
            None => StoreClock::of_database(&db).await?,
        };
        // Of the pool, a half for the two kinds of groups, the rest for everything else.
        let limits = GroupLimits {
            concurrent: (options.pool_size / 4).clamp(1, 4),
            group: options.group,
            queued: options.queued,
            patience: options.statement_timeout,
        };
        let creations = {
            let (db, column_limits) = (db.clone(), column_limits.clone());
            GroupCommit::start("create", limits, move |group| {
                let (db, column_limits) = (db.clone(), column_limits.clone());
                async move { creating::store(&db, &column_limits, group).await }
            })
        };
        let alterations = {
            let (db, column_limits) = (db.clone(), column_limits.clone());
            GroupCommit::start("change", limits, move |group| {
                let (db, column_limits) = (db.clone(), column_limits.clone());
                async move { changing::store(&db, &column_limits, group).await }
            })
        };
        // One group at a time: each has to wait for the one before anyway.
        let registrations = {
            let db = db.clone();
            GroupCommit::start("register", GroupLimits { concurrent: 1, ..limits }, move |group| {
                let db = db.clone();
                async move { registering::store(&db, group).await }
            })
        };
        // A group for each connection that answers: more would only be smaller, and each costs the server as
        // much as dozens of rows.
        let findings = {
            let db = db.clone();
            GroupCommit::start("find", GroupLimits { concurrent: options.readers, ..limits }, move |ids| {
                let db = db.clone();
                async move { finding::find(&db, ids).await }
            })
        };
        Ok(PostgresStore {
            db,
            column_limits,
            foreign_statuses,
            refunds,
            creations,
            alterations,
            registrations,
            findings,
            migrated,
            clock,
        })
    }

    /// The clock by which leases and due moments are judged, and everything else should be: the
    /// database's, carried on by a stopwatch between two readings.
    pub fn clock(&self) -> Arc<dyn Clock> {
        self.clock.clock()
    }

    /// The migrations made when it was connected.
    pub fn migrated(&self) -> &MigrationReport {
        &self.migrated
    }

    /// A word for the tables that the migrations make: the same migrations have the same word.
    pub fn tables() -> String {
        migrations::digest()
    }

    /// Which migrations the database has and which it lacks; changes nothing.
    ///
    /// # Errors
    /// As [`PostgresStore::connect`].
    pub async fn migrations(options: &PostgresOptions) -> Result<Vec<MigrationState>, StoreError> {
        Ok(migrations::states(&Migrator::connect(options).await?).await?)
    }

    /// The migrations that [`PostgresStore::connect`] would make; changes nothing. It counts the rows of an earlier
    /// service.
    ///
    /// # Errors
    /// As [`PostgresStore::connect`].
    pub async fn plan(options: &PostgresOptions) -> Result<MigrationPlan, StoreError> {
        let migrator = Migrator::connect(options).await?;
        surroundings::check(&migrator).await?;
        Ok(plan::plan(&migrator).await?)
    }

    /// The rows of an earlier service that keep no rule of ours, however long ago they were taken in. It
    /// reads all of them.
    ///
    /// # Errors
    /// As [`PostgresStore::connect`].
    pub async fn odd_rows(options: &PostgresOptions) -> Result<OddRows, StoreError> {
        Ok(adopted::odd_rows(&Migrator::connect(options).await?).await?)
    }

    /// Finishes the changes that are queued, and closes the connections.
    pub async fn close(self) {
        self.creations.close().await;
        self.alterations.close().await;
        self.registrations.close().await;
        self.findings.close().await;
        self.db.close();
    }
}

/// How long the texts may be that an adopted table holds.
async fn column_limits(migrator: &Migrator) -> Result<ColumnLimits, Failure> {
    const WIDTHS: &str = "
        SELECT attname::text, min(atttypmod - 4)::bigint FROM pg_attribute
        WHERE attrelid IN ('eg_pg_transactions'::regclass, 'eg_pg_transactions_dump'::regclass,
                'eg_pg_transaction_refund'::regclass)
            AND atttypid = 'varchar'::regtype AND atttypmod > 4 AND NOT attisdropped
        GROUP BY attname";
    let mut column_limits = Vec::new();
    for row in migrator.rows(WIDTHS, &[]).await? {
        let width: i64 = row.try_get(1)?;
        column_limits.push((row.try_get(0)?, usize::try_from(width).map_err(|_| Failure::OutOfRange)?));
    }
    Ok(ColumnLimits::new(column_limits))
}
