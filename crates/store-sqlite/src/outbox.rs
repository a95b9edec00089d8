//! Events, stored in the commit that made them true, and kept for the relay that publishes them.

use async_trait::async_trait;
use payment_domain::{Event, EventKind, TenantId, Timestamp, TxnId};
use payment_store::{DeadLetter, Fence, Outbox, OutboxBacklog, StoreError, StoredEvent};
use rusqlite::{Connection, OptionalExtension, Row, params};

use crate::failure::Failure;
use crate::rows::{self, Columns};
use crate::{SqliteStore, jobs};

const COLUMNS: &str =
    "txn_id, sequence, stored_at, published_at, dead_at, dead_reason, kind, tenant_id, body";

const UNPUBLISHED: &str = "
    SELECT txn_id, sequence, stored_at, published_at, dead_at, dead_reason, kind, tenant_id, body FROM eg_pg_outbox
    WHERE published_at IS NULL AND dead_at IS NULL AND sequence > ?1 ORDER BY sequence LIMIT ?2";
const COUNT: &str = "SELECT count(*) FROM eg_pg_outbox WHERE published_at IS NULL";
const DEAD: &str = "
    SELECT count(*) FROM eg_pg_outbox INDEXED BY eg_pg_outbox_dead
    WHERE published_at IS NULL AND dead_at IS NOT NULL";
const OLDEST: &str = "
    SELECT stored_at FROM eg_pg_outbox WHERE published_at IS NULL AND dead_at IS NULL
    ORDER BY sequence LIMIT 1";
const FORGET: &str = "
    DELETE FROM eg_pg_outbox WHERE sequence IN (
        SELECT sequence FROM eg_pg_outbox WHERE published_at < ?1 ORDER BY published_at, sequence LIMIT ?2)";

#[async_trait]
impl Outbox for SqliteStore {
    async fn unpublished(&self, after: i64, limit: u32) -> Result<Vec<StoredEvent>, StoreError> {
        Ok(self.readers.read(move |conn| unpublished(conn, after, limit)).await?)
    }

    async fn mark_published(
        &self,
        sequences: &[i64],
        at: Timestamp,
        fence: &Fence,
    ) -> Result<bool, StoreError> {
        let (sequences, fence) = (sequences.to_vec(), fence.clone());
        Ok(self.writer.write(move |conn| mark_published(conn, &sequences, at, &fence)).await?)
    }

    async fn mark_dead(&self, sequence: i64, letter: DeadLetter, fence: &Fence) -> Result<bool, StoreError> {
        let fence = fence.clone();
        Ok(self.writer.write(move |conn| mark_dead(conn, sequence, &letter, &fence)).await?)
    }

    async fn revive(&self, sequence: i64) -> Result<bool, StoreError> {
        Ok(self.writer.write(move |conn| revive(conn, sequence)).await?)
    }

    async fn forget_published(&self, published_before: Timestamp, limit: u32) -> Result<u32, StoreError> {
        Ok(self.writer.write(move |conn| forget_published(conn, published_before, limit)).await?)
    }

    async fn outbox_backlog(&self) -> Result<OutboxBacklog, StoreError> {
        Ok(self.readers.read(backlog).await?)
    }

    async fn store_event_once(&self, key: &str, event: Event, at: Timestamp) -> Result<bool, StoreError> {
        let (key, events) = (key.to_owned(), [event]);
        Ok(self.writer.write(move |conn| store_once(conn, &key, &events, at)).await?)
    }
}

/// Stores events in their order.
pub(crate) fn store(conn: &Connection, events: &[Event], at: Timestamp) -> Result<(), Failure> {
    let mut statement = conn.prepare_cached(
        "INSERT INTO eg_pg_outbox (kind, txn_id, tenant_id, body, stored_at) VALUES (?1, ?2, ?3, ?4, ?5)",
    )?;
    for event in events {
        statement.execute(params![
            event.kind.as_str(),
            event.txn_id.as_str(),
            event.tenant_id.as_str(),
            event.body,
            at.as_millis(),
        ])?;
    }
    Ok(())
}

/// Up to `limit` events behind a place.
pub(crate) fn after(conn: &Connection, sequence: i64, limit: u32) -> Result<Vec<StoredEvent>, Failure> {
    let mut statement = conn.prepare_cached(&format!(
        "SELECT {COLUMNS} FROM eg_pg_outbox WHERE sequence > ?1 ORDER BY sequence LIMIT ?2"
    ))?;
    rows::all(&mut statement, params![sequence, limit], read)
}

/// The events of one transaction.
pub(crate) fn of(conn: &Connection, id: &TxnId) -> Result<Vec<StoredEvent>, Failure> {
    let mut statement = conn
        .prepare_cached(&format!("SELECT {COLUMNS} FROM eg_pg_outbox WHERE txn_id = ?1 ORDER BY sequence"))?;
    rows::all(&mut statement, [id.as_str()], read)
}

fn unpublished(conn: &Connection, after: i64, limit: u32) -> Result<Vec<StoredEvent>, Failure> {
    let mut statement = conn.prepare_cached(UNPUBLISHED)?;
    rows::all(&mut statement, params![after, limit], read)
}

/// Notes what the broker has confirmed; when it did so first stays. `false`, and nothing noted,
/// when the run that published it is over.
fn mark_published(
    conn: &Connection,
    sequences: &[i64],
    at: Timestamp,
    fence: &Fence,
) -> Result<bool, Failure> {
    if jobs::is_over(conn, Some(fence))? {
        return Ok(false);
    }
    let mut statement = conn.prepare_cached(
        "UPDATE eg_pg_outbox SET published_at = ?2 WHERE sequence = ?1 AND published_at IS NULL",
    )?;
    for sequence in sequences {
        statement.execute(params![sequence, at.as_millis()])?;
    }
    Ok(true)
}

/// Makes an event that waits a dead letter; `false` when the run that publishes is over.
fn mark_dead(conn: &Connection, sequence: i64, letter: &DeadLetter, fence: &Fence) -> Result<bool, Failure> {
    if jobs::is_over(conn, Some(fence))? {
        return Ok(false);
    }
    conn.prepare_cached(
        "UPDATE eg_pg_outbox SET dead_at = ?2, dead_reason = ?3
         WHERE sequence = ?1 AND published_at IS NULL AND dead_at IS NULL",
    )?
    .execute(params![sequence, letter.at.as_millis(), letter.reason])?;
    Ok(true)
}

/// Makes a dead letter an event that waits; `false` when it is none.
fn revive(conn: &Connection, sequence: i64) -> Result<bool, Failure> {
    let revived = conn
        .prepare_cached(
            "UPDATE eg_pg_outbox SET dead_at = NULL, dead_reason = NULL
             WHERE sequence = ?1 AND dead_at IS NOT NULL",
        )?
        .execute([sequence])?;
    Ok(revived > 0)
}

/// Forgets up to `limit` events published before a moment, the first published first.
fn forget_published(conn: &Connection, published_before: Timestamp, limit: u32) -> Result<u32, Failure> {
    let forgotten = conn.prepare_cached(FORGET)?.execute(params![published_before.as_millis(), limit])?;
    u32::try_from(forgotten).map_err(|_| Failure::OutOfRange)
}

fn backlog(conn: &Connection) -> Result<OutboxBacklog, Failure> {
    let snapshot = conn.unchecked_transaction()?;
    let number =
        |sql| -> Result<i64, Failure> { Ok(snapshot.prepare_cached(sql)?.query_row([], |row| row.get(0))?) };
    let (unpublished, dead) = (number(COUNT)?, number(DEAD)?);
    let count = |number: i64| u64::try_from(number).map_err(|_| Failure::OutOfRange);
    let oldest: Option<i64> = snapshot.prepare_cached(OLDEST)?.query_row([], |row| row.get(0)).optional()?;
    Ok(OutboxBacklog {
        waiting: count(unpublished - dead)?,
        dead: count(dead)?,
        oldest_at: oldest.map(Timestamp::from_millis),
    })
}

/// Stores events whose key is new; `false`, and nothing stored, when it is known.
fn store_once(conn: &Connection, key: &str, events: &[Event], at: Timestamp) -> Result<bool, Failure> {
    let is_new = conn
        .prepare_cached(
            "INSERT INTO eg_pg_event_keys (key, stored_at) VALUES (?1, ?2) ON CONFLICT (key) DO NOTHING",
        )?
        .execute(params![key, at.as_millis()])?
        > 0;
    if is_new {
        store(conn, events, at)?;
    }
    Ok(is_new)
}

fn read(row: &Row<'_>) -> Result<StoredEvent, Failure> {
    let columns = Columns::of(row, "eg_pg_outbox")?;
    Ok(StoredEvent {
        sequence: columns.get("sequence")?,
        stored_at: columns.moment("stored_at")?,
        published_at: columns.optional_moment("published_at")?,
        dead_letter: match (columns.optional_moment("dead_at")?, columns.get("dead_reason")?) {
            (Some(at), Some(reason)) => Some(DeadLetter { at, reason }),
            // Both are there or none.
            (None, _) | (_, None) => None,
        },
        event: Event {
            kind: columns.read("kind", EventKind::from_word)?,
            txn_id: columns.txn_id()?,
            tenant_id: columns.read("tenant_id", |text| TenantId::new(text).ok())?,
            body: columns.get("body")?,
        },
    })
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::plans::{migrated, plan};

    #[test]
    fn what_was_published_is_not_read_to_find_what_waits() {
        let conn = migrated();
        for (sql, index) in [
            (UNPUBLISHED, "INDEX eg_pg_outbox_by_publication (published_at=? AND rowid>?)"),
            (COUNT, "COVERING INDEX eg_pg_outbox_by_publication (published_at=?)"),
            (DEAD, "INDEX eg_pg_outbox_dead (published_at=?)"),
            (OLDEST, "INDEX eg_pg_outbox_by_publication (published_at=?)"),
        ] {
            let steps = plan(&conn, sql);
            assert!(steps.len() == 1 && steps[0].ends_with(index), "{sql}\n{steps:#?}");
        }
        let steps = plan(&conn, FORGET);
        assert!(steps.iter().all(|step| !step.contains("SCAN") && !step.contains("B-TREE")), "{steps:#?}");
    }
}
