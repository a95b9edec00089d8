//! The outbox: events stored in the commit that made them true, kept for the relay that publishes them.

use async_trait::async_trait;
use payment_domain::{AuditEntry, Event, EventKind, TenantId, Timestamp, TraceContext, TxnId};
use payment_store::{
    DeadLetter, EventQuery, EventState, Fence, Outbox, OutboxBacklog, StoreError, StoredEvent,
};
use rusqlite::types::Value;
use rusqlite::{Connection, OptionalExtension, Row, params};

use crate::audit::append_audit;
use crate::exporting::{ALL, Statement};
use crate::failure::Failure;
use crate::rows::{self, Columns};
use crate::{SqliteStore, jobs};

const SELECT: &str = "
    SELECT txn_id, sequence, stored_at, published_at, dead_at, dead_reason, kind, tenant_id, body, trace_context
    FROM eg_pg_outbox WHERE";
const WAITING: &str = "published_at IS NULL AND dead_at IS NULL AND sequence > ?1 ORDER BY sequence LIMIT ?2";
const COUNT: &str = "
    SELECT count(*) FROM (SELECT 1 FROM eg_pg_outbox WHERE published_at IS NULL LIMIT 100000)";
const DEAD: &str = "
    SELECT count(*) FROM (SELECT 1 FROM eg_pg_outbox INDEXED BY eg_pg_outbox_dead
        WHERE published_at IS NULL AND dead_at IS NOT NULL LIMIT 100000)";
const OLDEST: &str = "
    SELECT stored_at FROM eg_pg_outbox WHERE published_at IS NULL AND dead_at IS NULL
    ORDER BY sequence LIMIT 1";
const TRACE: &str = "
    SELECT trace_context FROM eg_pg_outbox WHERE txn_id = ?1 AND trace_context IS NOT NULL
    ORDER BY sequence LIMIT 1";
const FORGET: &str = "
    DELETE FROM eg_pg_outbox WHERE sequence IN (
        SELECT sequence FROM eg_pg_outbox WHERE published_at < ?1 ORDER BY published_at, sequence LIMIT ?2)";

/// The keys of events that are stored once.
const EVENT_KEYS: &str = "eg_pg_event_keys";

#[async_trait]
impl Outbox for SqliteStore {
    async fn events_after(&self, sequence: i64, limit: u32) -> Result<Vec<StoredEvent>, StoreError> {
        let after = move |conn: &Connection| {
            let sql = format!("{SELECT} sequence > ?1 ORDER BY sequence LIMIT ?2");
            rows::all(conn, &sql, params![sequence, limit], read)
        };
        Ok(self.readers.read(after).await?)
    }

    async fn events_of(&self, id: &TxnId) -> Result<Vec<StoredEvent>, StoreError> {
        let id = id.clone();
        let of = move |conn: &Connection| {
            let sql = format!("{SELECT} txn_id = ?1 ORDER BY sequence");
            rows::all(conn, &sql, [id.as_str()], read)
        };
        Ok(self.readers.read(of).await?)
    }

    async fn trace_of(&self, id: &TxnId) -> Result<Option<TraceContext>, StoreError> {
        let id = id.clone();
        let first = move |conn: &Connection| -> Result<Option<String>, Failure> {
            Ok(conn.prepare_cached(TRACE)?.query_row([id.as_str()], |row| row.get(0)).optional()?)
        };
        Ok(self.readers.read(first).await?.as_deref().map(TraceContext::from_text))
    }

    async fn unpublished(&self, after: i64, limit: u32) -> Result<Vec<StoredEvent>, StoreError> {
        let unpublished = move |conn: &Connection| {
            let sql = format!("{SELECT} {WAITING}");
            rows::all(conn, &sql, params![after, limit], read)
        };
        Ok(self.readers.read(unpublished).await?)
    }

    async fn list_events(&self, query: &EventQuery) -> Result<Vec<StoredEvent>, StoreError> {
        let query = query.clone();
        let list = move |conn: &Connection| {
            let kind = query.kind.map(EventKind::as_str);
            rows::all(conn, &list_sql(&query), params![query.after, query.before, kind, query.limit], read)
        };
        Ok(self.searchers.read(list).await?)
    }

    async fn events_horizon(&self, query: &EventQuery, examined: u32) -> Result<Option<i64>, StoreError> {
        if query.kind.is_none() {
            return Ok(None);
        }
        let query = query.clone();
        let horizon = move |conn: &Connection| -> Result<Option<i64>, Failure> {
            let values = params![query.after, query.before, examined.saturating_sub(1)];
            Ok(conn.prepare_cached(&horizon_sql(&query))?.query_row(values, |row| row.get(0)).optional()?)
        };
        Ok(self.searchers.read(horizon).await?)
    }

    async fn mark_published(
        &self,
        sequences: &[i64],
        at: Timestamp,
        fence: &Fence,
    ) -> Result<bool, StoreError> {
        let (sequences, fence) = (sequences.to_vec(), fence.clone());
        let mark = move |conn: &Connection| {
            if jobs::is_over(conn, Some(&fence))? {
                return Ok(false);
            }
            let mut statement = conn.prepare_cached(
                "UPDATE eg_pg_outbox SET published_at = ?2 WHERE sequence = ?1 AND published_at IS NULL",
            )?;
            for sequence in &sequences {
                statement.execute(params![sequence, at.as_millis()])?;
            }
            Ok(true)
        };
        Ok(self.writer.write(mark).await?)
    }

    async fn mark_dead(&self, sequence: i64, letter: DeadLetter, fence: &Fence) -> Result<bool, StoreError> {
        let fence = fence.clone();
        let mark = move |conn: &Connection| {
            if jobs::is_over(conn, Some(&fence))? {
                return Ok(false);
            }
            conn.prepare_cached(
                "UPDATE eg_pg_outbox SET dead_at = ?2, dead_reason = ?3
                 WHERE sequence = ?1 AND published_at IS NULL AND dead_at IS NULL",
            )?
            .execute(params![sequence, letter.at.as_millis(), letter.reason])?;
            Ok(true)
        };
        Ok(self.writer.write(mark).await?)
    }

    async fn revive(&self, sequence: i64, audit: Vec<AuditEntry>) -> Result<bool, StoreError> {
        let revive = move |conn: &Connection| {
            let revived = conn
                .prepare_cached(
                    "UPDATE eg_pg_outbox SET dead_at = NULL, dead_reason = NULL
                     WHERE sequence = ?1 AND dead_at IS NOT NULL",
                )?
                .execute([sequence])?;
            if revived > 0 {
                append_audit(conn, &audit)?;
            }
            Ok(revived > 0)
        };
        Ok(self.writer.write(revive).await?)
    }

    async fn forget_published(&self, published_before: Timestamp, limit: u32) -> Result<u32, StoreError> {
        let forget = move |conn: &Connection| {
            rows::count(conn.prepare_cached(FORGET)?.execute(params![published_before.as_millis(), limit])?)
        };
        Ok(self.writer.write(forget).await?)
    }

    async fn outbox_backlog(&self) -> Result<OutboxBacklog, StoreError> {
        Ok(self.readers.read(backlog).await?)
    }

    async fn store_event_once(&self, key: &str, event: Event, at: Timestamp) -> Result<bool, StoreError> {
        let (key, events) = (key.to_owned(), [event]);
        let store = move |conn: &Connection| {
            let is_new = conn
                .prepare_cached(&format!(
                    "INSERT INTO {EVENT_KEYS} (key, stored_at) VALUES (?1, ?2)
                     ON CONFLICT (key) DO NOTHING"
                ))?
                .execute(params![key, at.as_millis()])?
                > 0;
            if is_new {
                append(conn, &events, at)?;
            }
            Ok(is_new)
        };
        Ok(self.writer.write(store).await?)
    }
}

/// Stores events in their order.
pub(crate) fn append(conn: &Connection, events: &[Event], at: Timestamp) -> Result<(), Failure> {
    let mut statement = conn.prepare_cached(
        "INSERT INTO eg_pg_outbox (kind, txn_id, tenant_id, body, stored_at, trace_context)
         VALUES (?1, ?2, ?3, ?4, ?5, ?6)",
    )?;
    for event in events {
        statement.execute(params![
            event.kind.as_str(),
            event.txn_id.as_str(),
            event.tenant_id.as_str(),
            event.body,
            at.as_millis(),
            event.trace.as_ref().map(TraceContext::to_text),
        ])?;
    }
    Ok(())
}

/// The events of a state; the plus sign keeps those that were published from being read in the order in which they
/// were.
fn of_state(state: EventState) -> &'static str {
    match state {
        EventState::Waiting => "published_at IS NULL AND dead_at IS NULL",
        EventState::Dead => "published_at IS NULL AND dead_at IS NOT NULL",
        EventState::Published => "+published_at IS NOT NULL",
        EventState::All => "TRUE",
    }
}

fn direction(query: &EventQuery) -> &'static str {
    if query.newest_first { "DESC" } else { "ASC" }
}

fn list_sql(query: &EventQuery) -> String {
    format!(
        "{SELECT} {} AND sequence > ?1 AND sequence < ?2 AND (?3 IS NULL OR kind = ?3)
        ORDER BY sequence {} LIMIT ?4",
        of_state(query.state),
        direction(query)
    )
}

fn horizon_sql(query: &EventQuery) -> String {
    format!(
        "SELECT sequence FROM eg_pg_outbox WHERE {} AND sequence > ?1 AND sequence < ?2
        ORDER BY sequence {} LIMIT 1 OFFSET ?3",
        of_state(query.state),
        direction(query)
    )
}

/// The events of a query, on all pages.
pub(crate) fn whole(query: &EventQuery) -> Statement {
    let kind = query.kind.map_or(Value::Null, |kind| Value::Text(kind.as_str().to_owned()));
    let values = vec![Value::Integer(0), Value::Integer(i64::MAX), kind, Value::Integer(ALL)];
    (list_sql(query), values)
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

pub(crate) fn read(row: &Row<'_>) -> Result<StoredEvent, Failure> {
    let columns = Columns::of(row, "eg_pg_outbox")?;
    Ok(StoredEvent {
        sequence: columns.get("sequence")?,
        stored_at: columns.moment("stored_at")?,
        published_at: columns.optional_moment("published_at")?,
        dead_letter: match (columns.optional_moment("dead_at")?, columns.get("dead_reason")?) {
            (Some(at), Some(reason)) => Some(DeadLetter { at, reason }),
            // Both are set or neither.
            (None, _) | (_, None) => None,
        },
        event: Event {
            kind: columns.read("kind", EventKind::from_word)?,
            txn_id: columns.txn_id()?,
            tenant_id: columns.read("tenant_id", |text| TenantId::new(text).ok())?,
            body: columns.get("body")?,
            trace: columns.get::<Option<String>>("trace_context")?.as_deref().map(TraceContext::from_text),
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
        let unpublished = format!("{SELECT} {WAITING}");
        for (sql, index) in [
            (unpublished.as_str(), "INDEX eg_pg_outbox_by_publication (published_at=? AND rowid>?)"),
            (COUNT, "COVERING INDEX eg_pg_outbox_by_publication (published_at=?)"),
            (DEAD, "INDEX eg_pg_outbox_dead (published_at=?)"),
            (OLDEST, "INDEX eg_pg_outbox_by_publication (published_at=?)"),
        ] {
            let steps = plan(&conn, sql);
            let (of_outbox, others): (Vec<_>, Vec<_>) =
                steps.iter().partition(|step| step.contains("eg_pg_outbox"));
            let is_it = of_outbox.len() == 1 && of_outbox[0].ends_with(index);
            assert!(is_it && others.iter().all(|step| step.contains("(subquery")), "{sql}\n{steps:#?}");
        }
        for state in [EventState::Waiting, EventState::Dead, EventState::Published, EventState::All] {
            for newest_first in [false, true] {
                let query = EventQuery { newest_first, ..EventQuery::of(state, 10) };
                for sql in [list_sql(&query), horizon_sql(&query)] {
                    let steps = plan(&conn, &sql);
                    let is_run = |step: &String| !step.contains("SCAN") && !step.contains("B-TREE");
                    assert!(steps.iter().all(is_run), "{sql}\n{steps:#?}");
                }
            }
        }
        let steps = plan(&conn, FORGET);
        assert!(steps.iter().all(|step| !step.contains("SCAN") && !step.contains("B-TREE")), "{steps:#?}");
    }
}
