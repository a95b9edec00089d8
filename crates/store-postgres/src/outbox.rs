//! Events, stored in the commit that made them true, and kept for the relay that publishes them.

use async_trait::async_trait;
use payment_domain::{Event, EventKind, Timestamp, TxnId};
use payment_store::{DeadLetter, Fence, Outbox, OutboxBacklog, StoreError, StoredEvent};
use tokio_postgres::Row;

use crate::connections::Connections;
use crate::failure::Failure;
use crate::parameters::{Rows, storable};
use crate::rows::{self, Columns};
use crate::{PostgresStore, jobs, transaction_columns};

macro_rules! select_events {
    () => {
        "SELECT txn_id, sequence, stored_at, published_at, dead_at, dead_reason, kind, tenant_id, body
         FROM eg_pg_outbox"
    };
}

#[async_trait]
impl Outbox for PostgresStore {
    async fn unpublished(&self, after: i64, limit: u32) -> Result<Vec<StoredEvent>, StoreError> {
        Ok(unpublished(&self.db, after, limit).await?)
    }

    async fn mark_published(
        &self,
        sequences: &[i64],
        at: Timestamp,
        fence: &Fence,
    ) -> Result<bool, StoreError> {
        Ok(mark_published(&self.db, sequences, at, fence).await?)
    }

    async fn mark_dead(&self, sequence: i64, letter: DeadLetter, fence: &Fence) -> Result<bool, StoreError> {
        Ok(mark_dead(&self.db, sequence, &letter, fence).await?)
    }

    async fn revive(&self, sequence: i64) -> Result<bool, StoreError> {
        Ok(revive(&self.db, sequence).await?)
    }

    async fn forget_published(&self, published_before: Timestamp, limit: u32) -> Result<u32, StoreError> {
        Ok(forget_published(&self.db, published_before, limit).await?)
    }

    async fn outbox_backlog(&self) -> Result<OutboxBacklog, StoreError> {
        Ok(backlog(&self.db).await?)
    }

    async fn store_event_once(&self, key: &str, event: Event, at: Timestamp) -> Result<bool, StoreError> {
        Ok(store_once(&self.db, key, &event, at).await?)
    }
}

/// Up to `limit` events behind a place.
pub(crate) async fn after(db: &Connections, sequence: i64, limit: u32) -> Result<Vec<StoredEvent>, Failure> {
    const AFTER: &str = concat!(select_events!(), " WHERE sequence > $1 ORDER BY sequence LIMIT $2");
    rows::all(&db.repeatable(AFTER, &[&sequence, &i64::from(limit)]).await?, read)
}

/// The events of one transaction.
pub(crate) async fn of(db: &Connections, id: &TxnId) -> Result<Vec<StoredEvent>, Failure> {
    const OF: &str = concat!(select_events!(), " WHERE txn_id = $1 ORDER BY sequence");
    rows::all(&db.ask(OF, &[&id.as_str()]).await?, read)
}

async fn unpublished(db: &Connections, after: i64, limit: u32) -> Result<Vec<StoredEvent>, Failure> {
    const UNPUBLISHED: &str = concat!(
        select_events!(),
        " WHERE published_at IS NULL AND dead_at IS NULL AND sequence > $1 ORDER BY sequence LIMIT $2"
    );
    rows::all(&db.repeatable(UNPUBLISHED, &[&after, &i64::from(limit)]).await?, read)
}

/// Notes what the broker has confirmed; when it did so first stays. `false`, and nothing noted, when
/// the run that published it is over.
async fn mark_published(
    db: &Connections,
    sequences: &[i64],
    at: Timestamp,
    fence: &Fence,
) -> Result<bool, Failure> {
    const MARK: &str = "
        UPDATE eg_pg_outbox SET published_at = $2
        WHERE sequence = ANY($1::bigint[]) AND published_at IS NULL";
    let transaction = db.begin().await?;
    if jobs::is_over(&transaction, Some(fence)).await? {
        transaction.roll_back().await;
        return Ok(false);
    }
    transaction.rows(MARK, &[&sequences, &at.as_millis()]).await?;
    transaction.commit().await?;
    Ok(true)
}

/// Makes an event that waits a dead letter; `false` when the run that publishes is over.
async fn mark_dead(
    db: &Connections,
    sequence: i64,
    letter: &DeadLetter,
    fence: &Fence,
) -> Result<bool, Failure> {
    const DEAD: &str = "
        UPDATE eg_pg_outbox SET dead_at = $2, dead_reason = $3
        WHERE sequence = $1 AND published_at IS NULL AND dead_at IS NULL";
    let transaction = db.begin().await?;
    if jobs::is_over(&transaction, Some(fence)).await? {
        transaction.roll_back().await;
        return Ok(false);
    }
    transaction.rows(DEAD, &[&sequence, &letter.at.as_millis(), &storable(&letter.reason)]).await?;
    transaction.commit().await?;
    Ok(true)
}

/// Makes a dead letter an event that waits; `false` when it is none.
async fn revive(db: &Connections, sequence: i64) -> Result<bool, Failure> {
    const REVIVE: &str = "
        UPDATE eg_pg_outbox SET dead_at = NULL, dead_reason = NULL
        WHERE sequence = $1 AND dead_at IS NOT NULL RETURNING sequence";
    Ok(!db.once(REVIVE, &[&sequence]).await?.is_empty())
}

/// Forgets up to `limit` events published before a moment, the first published first.
async fn forget_published(db: &Connections, published_before: Timestamp, limit: u32) -> Result<u32, Failure> {
    const FORGET: &str = "
        DELETE FROM eg_pg_outbox AS event USING (
            SELECT sequence FROM eg_pg_outbox WHERE published_at < $1
            ORDER BY published_at LIMIT $2 FOR UPDATE SKIP LOCKED) AS old
        WHERE event.sequence = old.sequence RETURNING 1";
    let forgotten = db.repeatable(FORGET, &[&published_before.as_millis(), &i64::from(limit)]).await?;
    u32::try_from(forgotten.len()).map_err(|_| Failure::OutOfRange)
}

async fn backlog(db: &Connections) -> Result<OutboxBacklog, Failure> {
    const BACKLOG: &str = "
        SELECT (SELECT count(*) FROM eg_pg_outbox WHERE published_at IS NULL),
            (SELECT count(*) FROM eg_pg_outbox WHERE published_at IS NULL AND dead_at IS NOT NULL),
            (SELECT stored_at FROM eg_pg_outbox WHERE published_at IS NULL AND dead_at IS NULL
             ORDER BY sequence LIMIT 1)";
    let found = db.repeatable(BACKLOG, &[]).await?;
    let row = found.first().ok_or(Failure::OutOfRange)?;
    let count = |place: usize| -> Result<u64, Failure> {
        u64::try_from(row.try_get::<_, i64>(place)?).map_err(|_| Failure::OutOfRange)
    };
    let oldest: Option<i64> = row.try_get(2)?;
    let (unpublished, dead) = (count(0)?, count(1)?);
    let waiting = unpublished.saturating_sub(dead);
    Ok(OutboxBacklog { waiting, dead, oldest_at: oldest.map(Timestamp::from_millis) })
}

/// Stores an event whose key is new; `false`, and nothing stored, when it is known.
async fn store_once(db: &Connections, key: &str, event: &Event, at: Timestamp) -> Result<bool, Failure> {
    const LOCK: &str = "SELECT 1 FROM eg_pg_transactions WHERE txn_id = $1 FOR UPDATE";
    const KEEP: &str = "
        INSERT INTO eg_pg_once_keys (key, stored_at) VALUES ($1, $2) ON CONFLICT (key) DO NOTHING
        RETURNING key";
    let transaction = db.begin().await?;
    // As every event of a transaction, in the order of its commits.
    transaction.rows(LOCK, &[&event.txn_id.as_str()]).await?;
    if transaction.rows(KEEP, &[&storable(key), &at.as_millis()]).await?.is_empty() {
        transaction.roll_back().await;
        return Ok(false);
    }
    let mut events = Rows::default();
    transaction_columns::event(&mut events, event, at);
    transaction.rows(transaction_columns::STORE_EVENTS, &events.values()).await?;
    transaction.commit().await?;
    Ok(true)
}

fn read(row: &Row) -> Result<StoredEvent, Failure> {
    let columns = Columns::of(row, "eg_pg_outbox")?;
    Ok(StoredEvent {
        sequence: columns.get("sequence")?,
        stored_at: columns.moment("stored_at")?,
        published_at: columns.optional_moment("published_at")?,
        dead_letter: match (columns.optional_moment("dead_at")?, columns.get("dead_reason")?) {
            (Some(at), Some(reason)) => Some(DeadLetter { at, reason }),
            // A check sees to it that both are there or none.
            (None, _) | (_, None) => None,
        },
        event: Event {
            kind: columns.read("kind", EventKind::from_word)?,
            txn_id: columns.txn_id(),
            tenant_id: columns.tenant("tenant_id")?,
            body: columns.get("body")?,
        },
    })
}
