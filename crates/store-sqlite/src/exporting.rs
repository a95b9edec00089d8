//! Whole lists, each by a thread and a connection of its own: in one read transaction, without a turn among the
//! readers, who answer small questions.

mod payments;

use std::panic::{AssertUnwindSafe, catch_unwind};
use std::path::PathBuf;
use std::time::Duration;

use payment_domain::Refund;
use payment_store::{
    AttentionCase, AttentionQuery, AuditQuery, EventQuery, Exports, Pages, PaymentLines, PaymentQuery,
    Reading, RefundQuery, RunRecord, StoreError, StoredEntry, StoredEvent,
};
use rusqlite::types::Value;
use rusqlite::{Connection, Row, params_from_iter};

use crate::failure::Failure;
use crate::{SqliteStore, attention, audit, connection, jobs, outbox, refunds};

/// The rows of a page; they hold evidence and events.
const PAGE: usize = 250;
/// A LIMIT that is none.
pub(crate) const ALL: i64 = -1;

/// The place of the database file.
pub(crate) struct DatabaseFile {
    pub(crate) path: PathBuf,
    pub(crate) busy_timeout: Duration,
}

/// A statement with the values of its question marks.
pub(crate) type Statement = (String, Vec<Value>);

impl Exports for SqliteStore {
    fn read_payments(&self, query: &PaymentQuery) -> Reading<PaymentLines> {
        let query = query.clone();
        self.file.start(move |conn, pages| payments::read(conn, &query, pages))
    }

    fn read_refunds(&self, query: &RefundQuery) -> Reading<Vec<Refund>> {
        self.file.rows(refunds::whole(query), refunds::read)
    }

    fn read_cases(&self, query: &AttentionQuery) -> Reading<Vec<AttentionCase>> {
        self.file.rows(attention::whole(query), attention::read)
    }

    fn read_events(&self, query: &EventQuery) -> Reading<Vec<StoredEvent>> {
        self.file.rows(outbox::whole(query), outbox::read)
    }

    fn read_runs(&self, job: &str) -> Reading<Vec<RunRecord>> {
        self.file.rows(jobs::all_runs(job), jobs::read)
    }

    fn read_audit(&self, query: &AuditQuery) -> Reading<Vec<StoredEntry>> {
        let statement = audit::whole(query);
        self.file.start(move |conn, pages| each_page(conn, statement, audit::entry, pages, audit::complete))
    }
}

impl DatabaseFile {
    fn start<P: Send + 'static>(
        &self,
        work: impl FnOnce(&Connection, &Pages<P>) -> Result<(), Failure> + Send + 'static,
    ) -> Reading<P> {
        let (pages, reading) = Reading::channel();
        let (path, busy_timeout) = (self.path.clone(), self.busy_timeout);
        let thread = std::thread::Builder::new().name("sqlite-export".to_owned()).spawn(move || {
            let read = AssertUnwindSafe(|| {
                let conn = connection::reading(&path, busy_timeout)?;
                let snapshot = conn.unchecked_transaction()?;
                work(&snapshot, &pages)
            });
            let outcome = catch_unwind(read).unwrap_or(Err(Failure::Panicked));
            pages.blocking_end(outcome.map_err(StoreError::from));
        });
        if let Err(error) = thread {
            // The reading has broken off.
            tracing::warn!(%error, "the thread of an export could not be started");
        }
        reading
    }

    fn rows<T: Send + 'static>(&self, statement: Statement, read: Read<T>) -> Reading<Vec<T>> {
        self.start(move |conn, pages| each_page(conn, statement, read, pages, |_, _| Ok(())))
    }
}

type Read<T> = fn(&Row<'_>) -> Result<T, Failure>;

fn each_page<T>(
    conn: &Connection,
    (sql, values): Statement,
    read: Read<T>,
    pages: &Pages<Vec<T>>,
    complete: fn(&Connection, &mut [T]) -> Result<(), Failure>,
) -> Result<(), Failure> {
    let mut statement = conn.prepare(&sql)?;
    let mut rows = statement.query(params_from_iter(values))?;
    loop {
        let mut page = Vec::with_capacity(PAGE);
        while page.len() < PAGE
            && let Some(row) = rows.next()?
        {
            page.push(read(row)?);
        }
        let is_last = page.len() < PAGE;
        complete(conn, &mut page)?;
        if !pages.blocking_page(page) || is_last {
            return Ok(());
        }
    }
}
