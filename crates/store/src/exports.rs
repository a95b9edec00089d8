//! Whole lists, for exports: read page by page in one read view and in the order of the list, in the memory of a few
//! pages however long the list is.

use std::time::Duration;

use payment_domain::Refund;
use tokio::sync::mpsc;

use crate::{
    AttentionCase, AttentionQuery, AuditQuery, EventQuery, PaymentLines, PaymentQuery, RefundQuery,
    RunRecord, StoreError, StoredEntry, StoredEvent,
};

/// The longest time for which a read view is held: a database keeps the rows that have changed since.
pub const LONGEST_READING: Duration = Duration::from_secs(15 * 60);

/// Cursors and limits of the queries are left out of account: a reading has every page of its list.
pub trait Exports: Send + Sync {
    /// The payments of [`list_payments`](crate::Listings::list_payments).
    fn read_payments(&self, query: &PaymentQuery) -> Reading<PaymentLines>;

    /// The refunds of [`search_refunds`](crate::Refunds::search_refunds).
    fn read_refunds(&self, query: &RefundQuery) -> Reading<Vec<Refund>>;

    /// The cases of [`attention_cases`](crate::ReviewCases::attention_cases).
    fn read_cases(&self, query: &AttentionQuery) -> Reading<Vec<AttentionCase>>;

    /// The events of [`list_events`](crate::Outbox::list_events).
    fn read_events(&self, query: &EventQuery) -> Reading<Vec<StoredEvent>>;

    /// The [`runs`](crate::JobLedger::runs) of a job.
    fn read_runs(&self, job: &str) -> Reading<Vec<RunRecord>>;

    /// The entries of [`audit_entries`](crate::AuditLog::audit_entries), with
    /// [`AuditQuery::before`] newest first.
    fn read_audit(&self, query: &AuditQuery) -> Reading<Vec<StoredEntry>>;
}

/// A reading under way. Dropping it ends its read view.
pub struct Reading<P> {
    pages: mpsc::Receiver<Result<Option<P>, StoreError>>,
}

/// The side of a [`Reading`] that reads the database.
pub struct Pages<P>(mpsc::Sender<Result<Option<P>, StoreError>>);

impl<P> Reading<P> {
    /// A reading with the sender of its pages, of which one waits at most.
    pub fn channel() -> (Pages<P>, Reading<P>) {
        let (sender, pages) = mpsc::channel(1);
        (Pages(sender), Reading { pages })
    }

    /// A reading of nothing but this failure.
    pub fn failed(error: StoreError) -> Reading<P> {
        let (pages, reading) = Reading::channel();
        // There is room for one.
        let _ = pages.0.try_send(Err(error));
        reading
    }

    /// The next page; `None` at the end, behind which nothing is asked for.
    ///
    /// # Errors
    /// [`StoreError`]: what was read so far is not the whole list.
    pub async fn next(&mut self) -> Result<Option<P>, StoreError> {
        // A reading that was not ended is not whole.
        let broken = || Err(StoreError::Unavailable("a reading has broken off".into()));
        self.pages.recv().await.unwrap_or_else(broken)
    }
}

impl<P> Pages<P> {
    /// Hands a page over when the one before was taken; `false` when the reader is gone.
    pub async fn page(&self, page: P) -> bool {
        self.0.send(Ok(Some(page))).await.is_ok()
    }

    /// The same on a thread that may wait.
    pub fn blocking_page(&self, page: P) -> bool {
        self.0.blocking_send(Ok(Some(page))).is_ok()
    }

    /// Ends the reading. A reader that is gone needs no end.
    pub async fn end(self, outcome: Result<(), StoreError>) {
        let _ = self.0.send(outcome.map(|()| None)).await;
    }

    /// The same on a thread that may wait.
    pub fn blocking_end(self, outcome: Result<(), StoreError>) {
        let _ = self.0.blocking_send(outcome.map(|()| None));
    }

    /// Waits until the reader is gone.
    pub async fn gone(&self) {
        self.0.closed().await;
    }
}
