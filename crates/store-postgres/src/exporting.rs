//! Whole lists, each by a cursor in a database transaction of its own, which sees one state of the database. The
//! next rows are on their way while those before are converted.

mod payments;

use std::sync::Arc;
use std::time::Duration;

use futures_util::StreamExt;
use futures_util::stream::FuturesOrdered;
use payment_domain::{EventKind, Refund};
use payment_store::{
    AttentionCase, AttentionQuery, AuditQuery, EventQuery, Exports, LONGEST_READING, Pages, PaymentLines,
    PaymentQuery, Reading, RefundQuery, RunRecord, StoreError, StoredEntry, StoredEvent,
};
use tokio_postgres::Row;
use tokio_postgres::types::ToSql;

use crate::connections::{Connections, Session};
use crate::failure::Failure;
use crate::listings::Bound;
use crate::parameters::storable;
use crate::{PostgresStore, attention, audit, jobs, outbox, refunds, rows};

/// Rows of payments are short; others hold evidence and events.
const FETCH_PAYMENTS: &str = "FETCH 2000 FROM export";
const FETCH_OTHERS: &str = "FETCH 250 FROM export";
/// For rows whose filters few payments meet; the server is asked for so long at most.
const ROWS_TIMEOUT: Duration = Duration::from_secs(60);

/// A statement with the values of its parameters.
pub(crate) struct Statement {
    pub(crate) sql: String,
    pub(crate) values: Vec<Bound>,
}

impl Statement {
    fn new(sql: impl Into<String>, values: Vec<Bound>) -> Statement {
        Statement { sql: sql.into(), values }
    }
}

impl Exports for PostgresStore {
    fn read_payments(&self, query: &PaymentQuery) -> Reading<PaymentLines> {
        let source = Source::Payments(Box::new(query.clone()), self.foreign_statuses.clone());
        start(&self.db, source, payments::read)
    }

    fn read_refunds(&self, query: &RefundQuery) -> Reading<Vec<Refund>> {
        let (sql, values) = refunds::whole(self, query);
        start(&self.db, Source::of(sql, values), |found| rows::all(found, refunds::read))
    }

    fn read_cases(&self, query: &AttentionQuery) -> Reading<Vec<AttentionCase>> {
        let (sql, values) = attention::scoped(query, 0, None);
        start(&self.db, Source::of(sql, values), |found| rows::all(found, attention::read))
    }

    fn read_events(&self, query: &EventQuery) -> Reading<Vec<StoredEvent>> {
        let values: Vec<Bound> = vec![
            Box::new(0_i64),
            Box::new(i64::MAX),
            Box::new(query.kind.map(EventKind::as_str)),
            Box::new(None::<i64>),
        ];
        start(&self.db, Source::of(outbox::list_sql(query), values), |found| rows::all(found, outbox::read))
    }

    fn read_runs(&self, job: &str) -> Reading<Vec<RunRecord>> {
        let values: Vec<Bound> = vec![Box::new(None::<i64>), Box::new(storable(job).into_owned())];
        start(&self.db, Source::of(jobs::runs_sql(), values), |found| rows::all(found, jobs::read))
    }

    fn read_audit(&self, query: &AuditQuery) -> Reading<Vec<StoredEntry>> {
        start(&self.db, Source::Entries(Box::new(query.clone())), |found| rows::all(found, audit::entry))
    }
}

/// The statement of a reading, or how it is made in its read view.
enum Source {
    Statement(Statement),
    /// With the statuses of an earlier service.
    Payments(Box<PaymentQuery>, Vec<String>),
    Entries(Box<AuditQuery>),
}

impl Source {
    fn of(sql: impl Into<String>, values: Vec<Bound>) -> Source {
        Source::Statement(Statement::new(sql, values))
    }
}

type Convert<P> = fn(&[Row]) -> Result<P, Failure>;

fn start<P: Send + 'static>(db: &Arc<Connections>, source: Source, convert: Convert<P>) -> Reading<P> {
    let (pages, reading) = Reading::channel();
    let db = db.clone();
    tokio::spawn(async move {
        let outcome = tokio::select! {
            biased;
            // The connection is closed, whatever is under way on it.
            () = pages.gone() => return,
            outcome = carry_out(&db, source, convert, &pages) => outcome,
        };
        pages.end(outcome.map_err(StoreError::from)).await;
    });
    reading
}

async fn carry_out<P>(
    db: &Connections,
    source: Source,
    convert: Convert<P>,
    pages: &Pages<P>,
) -> Result<(), Failure> {
    let (session, _turn) = db.reading().await?;
    let view = View::open(session).await?;
    let (statement, fetch) = match source {
        Source::Statement(statement) => (Some(statement), FETCH_OTHERS),
        Source::Payments(query, foreign) => {
            (payments::statement(&view, &query, &foreign).await?, FETCH_PAYMENTS)
        }
        Source::Entries(query) => (entries(&view, &query).await?, FETCH_OTHERS),
    };
    let Some(Statement { sql, values }) = statement else { return view.close().await };
    view.rows(&format!("DECLARE export NO SCROLL CURSOR FOR {sql}"), &values).await?;
    // The next two are asked for, so that the server never waits.
    let mut asked: FuturesOrdered<_> = (0..2).map(|_| view.rows(fetch, &[])).collect();
    let mut found = asked.next().await.transpose()?.unwrap_or_default();
    while !found.is_empty() {
        asked.push_back(view.rows(fetch, &[]));
        let (next, taken) = tokio::join!(asked.next(), hand_over(&found, convert, pages));
        if !taken? {
            return Ok(());
        }
        found = next.transpose()?.unwrap_or_default();
    }
    while asked.next().await.transpose()?.is_some() {}
    drop(asked);
    view.close().await
}

/// The statement of a part of the audit log; `None` when there are no entries of its moments.
async fn entries(view: &View, query: &AuditQuery) -> Result<Option<Statement>, Failure> {
    let found = match audit::bounds(query) {
        Some((sql, moments)) => view.rows(&sql, &moments.map(|at| Box::new(at) as Bound)).await?,
        None => Vec::new(),
    };
    let numbers = audit::numbers((0, i64::MAX), &found)?;
    Ok(numbers.map(|numbers| {
        let (sql, values) = audit::search(query, numbers, None);
        Statement::new(sql, values)
    }))
}

async fn hand_over<P>(found: &[Row], convert: Convert<P>, pages: &Pages<P>) -> Result<bool, Failure> {
    Ok(pages.page(convert(found)?).await)
}

/// One state of the database. Unless it is closed its connection is.
struct View(Session);

impl View {
    async fn open(session: Session) -> Result<View, Failure> {
        const BEGIN: &str = "BEGIN ISOLATION LEVEL REPEATABLE READ READ ONLY";
        /// Of this transaction alone. A reader may take pages slowly; rows are read in the order of an index, because
        /// a sort gathers all of them before the first; compiling the statement of many tenants takes longer than it.
        const LIMITS: &str = "
            SELECT set_config('statement_timeout', $1, true),
                set_config('idle_in_transaction_session_timeout', $2, true),
                set_config('enable_sort', 'off', true), set_config('jit', 'off', true)";
        let view = View(session);
        view.rows(BEGIN, &[]).await?;
        let limits =
            [ROWS_TIMEOUT, LONGEST_READING + ROWS_TIMEOUT].map(|limit| limit.as_millis().to_string());
        let limits = limits.map(|limit| Box::new(limit) as Bound);
        view.rows(LIMITS, &limits).await?;
        Ok(view)
    }

    async fn rows(&self, sql: &str, values: &[Bound]) -> Result<Vec<Row>, Failure> {
        let values: Vec<&(dyn ToSql + Sync)> =
            values.iter().map(|value| value.as_ref() as &(dyn ToSql + Sync)).collect();
        self.0.rows_within(ROWS_TIMEOUT, sql, &values).await
    }

    async fn close(self) -> Result<(), Failure> {
        self.rows("COMMIT", &[]).await?;
        self.0.give_back();
        Ok(())
    }
}
