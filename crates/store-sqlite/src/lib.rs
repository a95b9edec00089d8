//! The embedded database: payments in one SQLite file beside the service.
//!
//! [`SqliteStore`] implements [`payment_store::Store`] and the embedded implementations'
//! [`Registers`](payment_digit::embedded::Registers). All changes go through one thread that
//! commits what waits in groups, each durable (write-ahead log, `synchronous = FULL`) before
//! anybody is answered; questions are answered by threads with connections of their own, from the
//! state last committed. Several processes may open the same file: a command line beside the
//! running service waits for its turn to write.
//!
//! One case is left open by the file system: a commit that fails while it is flushed, followed by a
//! crash before the next commit, may turn out stored although the caller was told that it is not.

mod attention;
pub mod backup;
mod callbacks;
mod checks;
mod connection;
mod embedded;
mod failure;
mod health;
mod idempotency;
mod jobs;
mod migrations;
mod outbox;
#[cfg(test)]
mod plans;
mod readers;
mod receipts;
mod rows;
mod search;
mod transactions;
mod writer;

use std::path::Path;
use std::sync::Arc;
use std::time::Duration;

use async_trait::async_trait;
use payment_domain::{
    AnchoredClock, BillKey, Clock, GatewayName, HistoryEntry, SystemClock, Timestamp, Transaction, TxnId,
};
use payment_store::migration::{MigrationReport, MigrationState};
use payment_store::{
    Applied, Attention, AttentionCase, AttentionQuery, Backlog, Change, CheckNote, Claim, ClaimedReceiptTask,
    Created, DueCheck, DueChecks, IdempotencyKey, IdempotencyRecord, Lease, NewCase, NewTransaction,
    Postponement, RawCallback, ReceiptTask, ReceiptTaskClaim, Recorded, Resolution, Resolved, SearchQuery,
    Store, StoreError, StoredDump, StoredEvent, UnsignedCallback,
};
use serde_json::Value;

use crate::readers::Readers;
use crate::transactions::JsonParts;
use crate::writer::Writer;

/// How the database is used. The defaults suit one service on one machine.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Options {
    /// How many threads read; at least one.
    pub readers: usize,
    /// How many more threads search; at least one.
    pub searchers: usize,
    /// How many changes, and how many questions, may wait before more are turned away as
    /// [`StoreError::Unavailable`].
    pub queued: usize,
    /// How many changes are committed together at most.
    pub group: usize,
    /// How long to wait for another process that writes.
    pub busy_timeout: Duration,
}

impl Default for Options {
    fn default() -> Options {
        Options { readers: 2, searchers: 1, queued: 8_192, group: 512, busy_timeout: Duration::from_secs(5) }
    }
}

/// Payments in one SQLite file. Dropping it finishes the changes that are queued, which may take a
/// moment.
pub struct SqliteStore {
    // Dropped first: the last connection to close copies the log back into the database file, and
    // one that only reads cannot.
    readers: Readers,
    /// For searches alone: they may take a while.
    searchers: Readers,
    writer: Writer,
    migrated: MigrationReport,
    clock: Arc<dyn Clock>,
}

impl SqliteStore {
    /// Opens the database, creating the file when it is not there, and brings its tables up to
    /// date. The folder must exist. Its clock begins with the computer's, but never before the latest
    /// commit, and goes on by a stopwatch.
    ///
    /// # Errors
    /// [`StoreError::Unavailable`] when the file cannot be used or is locked for too long,
    /// [`StoreError::Failed`] when it is not a database of ours or its migrations were tampered with.
    pub fn open(path: &Path, options: &Options) -> Result<SqliteStore, StoreError> {
        SqliteStore::open_by(path, options, |latest_commit| {
            Arc::new(AnchoredClock::new(latest_commit.max(SystemClock.now()), Arc::new(SystemClock)))
        })
    }

    /// The same beside a running service, whose clock need not be the computer's: the latest commit
    /// tells it, but for the moments since.
    ///
    /// # Errors
    /// As [`SqliteStore::open`].
    pub fn open_beside_a_service(path: &Path, options: &Options) -> Result<SqliteStore, StoreError> {
        SqliteStore::open_by(path, options, |latest_commit| {
            Arc::new(AnchoredClock::new(latest_commit, Arc::new(SystemClock)))
        })
    }

    /// The same with a clock of the caller's: for tests.
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
        Ok(SqliteStore { writer, readers, searchers, migrated, clock })
    }

    /// The clock by which leases and due moments are judged, and everything else should be.
    pub fn clock(&self) -> Arc<dyn Clock> {
        self.clock.clone()
    }

    /// What opening it did to its tables.
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

#[async_trait]
impl Store for SqliteStore {
    async fn create(&self, new: NewTransaction) -> Result<Created, StoreError> {
        let json = JsonParts::of_new(&new)?;
        let clock = self.clock();
        Ok(self.writer.write(move |conn| transactions::create(conn, &new, &json, clock.now())).await?)
    }

    async fn apply(&self, change: Change) -> Result<Applied, StoreError> {
        let json = JsonParts::of_change(&change)?;
        let clock = self.clock();
        Ok(self.writer.write(move |conn| transactions::apply(conn, &change, &json, clock.now())).await?)
    }

    async fn transaction(&self, id: &TxnId) -> Result<Option<Transaction>, StoreError> {
        let id = id.clone();
        Ok(self.readers.read(move |conn| transactions::find(conn, &id)).await?)
    }

    async fn redirect_form(&self, id: &TxnId) -> Result<Option<Value>, StoreError> {
        let id = id.clone();
        Ok(self.readers.read(move |conn| transactions::redirect_form(conn, &id)).await?)
    }

    async fn claims(&self, bills: &[BillKey]) -> Result<Vec<Claim>, StoreError> {
        let bills = bills.to_vec();
        Ok(self.readers.read(move |conn| transactions::claims(conn, &bills)).await?)
    }

    async fn search(&self, query: &SearchQuery) -> Result<Vec<Transaction>, StoreError> {
        // One transaction is a small question.
        let readers = if query.txn_id.is_some() { &self.readers } else { &self.searchers };
        let query = query.clone();
        Ok(readers.read(move |conn| search::search(conn, &query)).await?)
    }

    async fn history(&self, id: &TxnId) -> Result<Vec<HistoryEntry>, StoreError> {
        let id = id.clone();
        Ok(self.readers.read(move |conn| transactions::history(conn, &id)).await?)
    }

    async fn dump(&self, id: &TxnId) -> Result<Option<StoredDump>, StoreError> {
        let id = id.clone();
        Ok(self.readers.read(move |conn| transactions::dump(conn, &id)).await?)
    }

    async fn raise_attention(&self, new: NewCase) -> Result<bool, StoreError> {
        Ok(self.writer.write(move |conn| attention::raise(conn, &new)).await?)
    }

    async fn attention(&self, id: &TxnId) -> Result<Vec<Attention>, StoreError> {
        let id = id.clone();
        Ok(self.readers.read(move |conn| attention::of(conn, &id)).await?)
    }

    async fn attention_cases(&self, query: &AttentionQuery) -> Result<Vec<AttentionCase>, StoreError> {
        let query = query.clone();
        Ok(self.readers.read(move |conn| attention::search(conn, &query)).await?)
    }

    async fn attention_case(&self, id: i64) -> Result<Option<AttentionCase>, StoreError> {
        Ok(self.readers.read(move |conn| attention::find(conn, id)).await?)
    }

    async fn resolve_attention(
        &self,
        id: i64,
        resolution: Resolution,
        history: HistoryEntry,
        release: &[BillKey],
    ) -> Result<Resolved, StoreError> {
        let release = release.to_vec();
        let work = move |conn: &_| attention::resolve(conn, id, &resolution, &history, &release);
        Ok(self.writer.write(work).await?)
    }

    async fn pending_gateways(&self) -> Result<Vec<GatewayName>, StoreError> {
        Ok(self.readers.read(checks::gateways).await?)
    }

    async fn due_checks(&self, due: &DueChecks) -> Result<Vec<DueCheck>, StoreError> {
        let due = due.clone();
        Ok(self.readers.read(move |conn| checks::due(conn, &due)).await?)
    }

    async fn note_check(&self, note: CheckNote) -> Result<Applied, StoreError> {
        Ok(self.writer.write(move |conn| checks::note(conn, &note)).await?)
    }

    async fn receipt_task(&self, id: &TxnId) -> Result<Option<ReceiptTask>, StoreError> {
        let id = id.clone();
        Ok(self.readers.read(move |conn| receipts::of(conn, &id)).await?)
    }

    async fn claim_receipt_tasks(
        &self,
        claim: ReceiptTaskClaim,
    ) -> Result<Vec<ClaimedReceiptTask>, StoreError> {
        let clock = self.clock();
        Ok(self.writer.write(move |conn| receipts::claim(conn, &claim, clock.now())).await?)
    }

    async fn receipt_leases(&self, limit: u32) -> Result<Vec<Lease>, StoreError> {
        Ok(self.readers.read(move |conn| receipts::leases(conn, limit)).await?)
    }

    async fn postpone_receipt_task(&self, postponement: Postponement) -> Result<bool, StoreError> {
        let clock = self.clock();
        Ok(self.writer.write(move |conn| receipts::postpone(conn, &postponement, clock.now())).await?)
    }

    async fn idempotency(&self, key: &IdempotencyKey) -> Result<Option<IdempotencyRecord>, StoreError> {
        let key = key.clone();
        Ok(self.readers.read(move |conn| idempotency::find(conn, &key)).await?)
    }

    async fn remember_key(&self, record: IdempotencyRecord) -> Result<Option<IdempotencyRecord>, StoreError> {
        Ok(self.writer.write(move |conn| idempotency::remember(conn, &record)).await?)
    }

    async fn keep_answer(&self, key: &IdempotencyKey, answer: &str) -> Result<(), StoreError> {
        let (key, answer) = (key.clone(), answer.to_owned());
        Ok(self.writer.write(move |conn| idempotency::keep_answer(conn, &key, &answer)).await?)
    }

    async fn forget_idempotency_keys(
        &self,
        created_before: Timestamp,
        limit: u32,
    ) -> Result<u32, StoreError> {
        Ok(self.writer.write(move |conn| idempotency::forget(conn, created_before, limit)).await?)
    }

    async fn events_after(&self, sequence: i64, limit: u32) -> Result<Vec<StoredEvent>, StoreError> {
        Ok(self.readers.read(move |conn| outbox::after(conn, sequence, limit)).await?)
    }

    async fn events_of(&self, id: &TxnId) -> Result<Vec<StoredEvent>, StoreError> {
        let id = id.clone();
        Ok(self.readers.read(move |conn| outbox::of(conn, &id)).await?)
    }

    async fn record_callback(&self, callback: RawCallback) -> Result<Recorded, StoreError> {
        Ok(self.writer.write(move |conn| callbacks::record(conn, &callback)).await?)
    }

    async fn conclude_callback(
        &self,
        digest: &[u8; 32],
        txn_id: Option<&TxnId>,
        conclusion: &str,
    ) -> Result<(), StoreError> {
        let (digest, txn_id, conclusion) = (*digest, txn_id.cloned(), conclusion.to_owned());
        let work = move |conn: &_| callbacks::conclude(conn, &digest, txn_id.as_ref(), &conclusion);
        Ok(self.writer.write(work).await?)
    }

    async fn keep_unsigned_callback(
        &self,
        callback: UnsignedCallback,
        limit: u32,
    ) -> Result<bool, StoreError> {
        let (txn_id, day) = (callback.txn_id.clone(), callback.day());
        // A flood is turned away by the readers: the writer is for what is stored.
        let kept = self.readers.read(move |conn| callbacks::kept_unsigned(conn, &txn_id, day)).await?;
        if kept >= limit {
            return Ok(false);
        }
        Ok(self.writer.write(move |conn| callbacks::keep_unsigned(conn, &callback, limit)).await?)
    }

    async fn forget_callbacks(&self, received_before: Timestamp, limit: u32) -> Result<u32, StoreError> {
        Ok(self.writer.write(move |conn| callbacks::forget(conn, received_before, limit)).await?)
    }

    async fn backlog(&self) -> Result<Backlog, StoreError> {
        Ok(self.readers.read(health::backlog).await?)
    }

    async fn ping(&self) -> Result<(), StoreError> {
        // With the work of others in one transaction a full disk would fail them all.
        self.writer.write_alone(|conn| health::try_for_room(conn).and_then(|()| health::beat(conn))).await?;
        Ok(self.readers.read(health::read_beat).await?)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[tokio::test]
    async fn a_full_disk_is_told_and_the_end_of_it() {
        let folder = tempfile::tempdir().unwrap();
        let store = SqliteStore::open(&folder.path().join("payments.db"), &Options::default()).unwrap();
        let allow = async |pages: u32| {
            let limit = format!("PRAGMA max_page_count = {pages}");
            let set = move |conn: &rusqlite::Connection| {
                Ok(conn.query_row(&limit, [], |row| row.get::<_, i64>(0))?)
            };
            store.writer.write(set).await.unwrap()
        };
        store.ping().await.unwrap();
        // No more than there is.
        let pages = u32::try_from(allow(1).await).unwrap();
        let full = store.ping().await;
        assert!(matches!(full, Err(StoreError::Unavailable(_))), "{full:?}");
        let one_row = store.writer.write(health::beat).await;
        assert!(one_row.is_ok(), "which is why one row is not enough to tell");
        allow(pages + 1000).await;
        store.ping().await.unwrap();
        let kept = store
            .readers
            .read(|conn| {
                Ok(conn.query_row("SELECT count(*) FROM eg_pg_callbacks", [], |row| row.get::<_, i64>(0))?)
            })
            .await
            .unwrap();
        assert_eq!(kept, 0, "what is tried for is taken back");
    }
}
