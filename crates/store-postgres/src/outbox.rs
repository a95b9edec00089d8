//! The outbox: events stored in the commit that made them true, kept for the relay that publishes them.

use async_trait::async_trait;
use payment_domain::{AuditEntry, Event, EventKind, Timestamp, TraceContext, TxnId};
use payment_store::{
    DeadLetter, EventQuery, EventState, Fence, Outbox, OutboxBacklog, StoreError, StoredEvent,
};
use tokio_postgres::Row;

use crate::PostgresStore;
use crate::audit::commit_with_audit;
use crate::connections::Values;
use crate::failure::Failure;
use crate::jobs::begin_fenced;
use crate::parameters::{Parameter, Rows, storable};
use crate::rows::{self, Columns};
use crate::transactions::{append, lock_status};

const SELECT: &str = "
    SELECT txn_id, sequence, stored_at, published_at, dead_at, dead_reason, kind, tenant_id, body,
        trace_context
    FROM eg_pg_outbox";

/// The keys of events that are stored once, in a table that keeps the name it was released with.
const EVENT_KEYS: &str = "eg_pg_once_keys";

/// Stores events, numbered in their order.
pub(crate) const STORE: &str = "
    INSERT INTO eg_pg_outbox (kind, txn_id, tenant_id, body, stored_at, trace_context)
    SELECT u.kind, u.txn_id, u.tenant_id, u.body, u.stored_at, u.trace_context
    FROM unnest($1::text[], $2::text[], $3::text[], $4::text[], $5::bigint[], $6::text[])
    AS u (kind, txn_id, tenant_id, body, stored_at, trace_context)";

/// A row of [`STORE`].
pub(crate) fn row<'a>(rows: &mut Rows<'a>, event: &'a Event, at: Timestamp) {
    rows.push([
        Parameter::text(event.kind.as_str()),
        Parameter::text(event.txn_id.as_str()),
        Parameter::text(event.tenant_id.as_str()),
        Parameter::text(&event.body),
        Parameter::moment(at),
        event.trace.as_ref().map_or(Parameter::optional(None), |trace| Parameter::owned(trace.to_text())),
    ]);
}

#[async_trait]
impl Outbox for PostgresStore {
    async fn events_after(&self, sequence: i64, limit: u32) -> Result<Vec<StoredEvent>, StoreError> {
        let after = format!("{SELECT} WHERE sequence > $1 ORDER BY sequence LIMIT $2");
        Ok(rows::all(&self.db.repeatable(&after, &[&sequence, &i64::from(limit)]).await?, read)?)
    }

    async fn events_of(&self, id: &TxnId) -> Result<Vec<StoredEvent>, StoreError> {
        let of = format!("{SELECT} WHERE txn_id = $1 ORDER BY sequence");
        Ok(rows::all(&self.db.ask(&of, &[&id.as_str()]).await?, read)?)
    }

    async fn trace_of(&self, id: &TxnId) -> Result<Option<TraceContext>, StoreError> {
        const FIRST: &str = "
            SELECT trace_context FROM eg_pg_outbox WHERE txn_id = $1 AND trace_context IS NOT NULL
            ORDER BY sequence LIMIT 1";
        let found = self.db.ask(FIRST, &[&id.as_str()]).await?;
        let Some(row) = found.first() else { return Ok(None) };
        let text: String = row.try_get(0).map_err(Failure::from)?;
        Ok(Some(TraceContext::from_text(&text)))
    }

    async fn unpublished(&self, after: i64, limit: u32) -> Result<Vec<StoredEvent>, StoreError> {
        let unpublished = format!(
            "{SELECT} WHERE published_at IS NULL AND dead_at IS NULL AND sequence > $1
            ORDER BY sequence LIMIT $2"
        );
        Ok(rows::all(&self.db.repeatable(&unpublished, &[&after, &i64::from(limit)]).await?, read)?)
    }

    async fn list_events(&self, query: &EventQuery) -> Result<Vec<StoredEvent>, StoreError> {
        let kind = query.kind.map(EventKind::as_str);
        let values: Values<'_> = &[&query.after, &query.before, &kind, &i64::from(query.limit)];
        Ok(rows::all(&self.db.search(&list_sql(query), values).await?, read)?)
    }

    async fn events_horizon(&self, query: &EventQuery, examined: u32) -> Result<Option<i64>, StoreError> {
        if query.kind.is_none() {
            return Ok(None);
        }
        let sql = format!(
            "SELECT sequence FROM eg_pg_outbox WHERE {} AND sequence > $1 AND sequence < $2
            ORDER BY sequence {} LIMIT 1 OFFSET (SELECT $3::bigint)",
            of_state(query.state),
            direction(query)
        );
        let values: Values<'_> = &[&query.after, &query.before, &i64::from(examined.saturating_sub(1))];
        Ok(rows::first(&self.db.search(&sql, values).await?)?)
    }

    async fn mark_published(
        &self,
        sequences: &[i64],
        at: Timestamp,
        fence: &Fence,
    ) -> Result<bool, StoreError> {
        const MARK: &str = "
            UPDATE eg_pg_outbox SET published_at = $2
            WHERE sequence = ANY($1::bigint[]) AND published_at IS NULL";
        let Some(transaction) = begin_fenced(&self.db, Some(fence)).await? else { return Ok(false) };
        transaction.rows(MARK, &[&sequences, &at.as_millis()]).await?;
        transaction.commit().await?;
        Ok(true)
    }

    async fn mark_dead(&self, sequence: i64, letter: DeadLetter, fence: &Fence) -> Result<bool, StoreError> {
        const DEAD: &str = "
            UPDATE eg_pg_outbox SET dead_at = $2, dead_reason = $3
            WHERE sequence = $1 AND published_at IS NULL AND dead_at IS NULL";
        let Some(transaction) = begin_fenced(&self.db, Some(fence)).await? else { return Ok(false) };
        transaction.rows(DEAD, &[&sequence, &letter.at.as_millis(), &storable(&letter.reason)]).await?;
        transaction.commit().await?;
        Ok(true)
    }

    async fn revive(&self, sequence: i64, audit: Vec<AuditEntry>) -> Result<bool, StoreError> {
        const REVIVE: &str = "
            UPDATE eg_pg_outbox SET dead_at = NULL, dead_reason = NULL
            WHERE sequence = $1 AND dead_at IS NOT NULL RETURNING sequence";
        let transaction = self.db.begin().await?;
        if transaction.rows(REVIVE, &[&sequence]).await?.is_empty() {
            transaction.roll_back().await;
            return Ok(false);
        }
        commit_with_audit(transaction, Vec::new(), &audit).await?;
        Ok(true)
    }

    async fn forget_published(&self, published_before: Timestamp, limit: u32) -> Result<u32, StoreError> {
        const FORGET: &str = "
            WITH old AS MATERIALIZED (
                SELECT sequence FROM eg_pg_outbox WHERE published_at < $1
                ORDER BY published_at LIMIT $2 FOR UPDATE SKIP LOCKED)
            DELETE FROM eg_pg_outbox AS event USING old
            WHERE event.sequence = old.sequence RETURNING 1";
        let deleted = self.db.planned(FORGET, &[&published_before.as_millis(), &i64::from(limit)]).await?;
        Ok(rows::count(&deleted)?)
    }

    async fn outbox_backlog(&self) -> Result<OutboxBacklog, StoreError> {
        const BACKLOG: &str = "
            SELECT (SELECT count(*) FROM (SELECT FROM eg_pg_outbox WHERE published_at IS NULL LIMIT 100000) AS counted),
                (SELECT count(*) FROM (SELECT FROM eg_pg_outbox
                    WHERE published_at IS NULL AND dead_at IS NOT NULL LIMIT 100000) AS counted),
                (SELECT stored_at FROM eg_pg_outbox WHERE published_at IS NULL AND dead_at IS NULL
                 ORDER BY sequence LIMIT 1)";
        let found = self.db.repeatable(BACKLOG, &[]).await?;
        Ok(backlog(found.first().ok_or(Failure::OutOfRange)?)?)
    }

    async fn store_event_once(&self, key: &str, event: Event, at: Timestamp) -> Result<bool, StoreError> {
        let keep = format!(
            "INSERT INTO {EVENT_KEYS} (key, stored_at) VALUES ($1, $2) ON CONFLICT (key) DO NOTHING
            RETURNING key"
        );
        let transaction = self.db.begin().await?;
        lock_status(&transaction, &event.txn_id).await?;
        if transaction.rows(&keep, &[&storable(key), &at.as_millis()]).await?.is_empty() {
            transaction.roll_back().await;
            return Ok(false);
        }
        append(&transaction, None, &[event], at).await?;
        transaction.commit().await?;
        Ok(true)
    }
}

pub(crate) fn list_sql(query: &EventQuery) -> String {
    format!(
        "{SELECT} WHERE {} AND sequence > $1 AND sequence < $2 AND ($3::text IS NULL OR kind = $3)
        ORDER BY sequence {} LIMIT $4",
        of_state(query.state),
        direction(query)
    )
}

/// As the indexes of those that wait and of dead letters have it.
fn of_state(state: EventState) -> &'static str {
    match state {
        EventState::Waiting => "published_at IS NULL AND dead_at IS NULL",
        EventState::Dead => "published_at IS NULL AND dead_at IS NOT NULL",
        EventState::Published => "published_at IS NOT NULL",
        EventState::All => "TRUE",
    }
}

fn direction(query: &EventQuery) -> &'static str {
    if query.newest_first { "DESC" } else { "ASC" }
}

fn backlog(row: &Row) -> Result<OutboxBacklog, Failure> {
    let count = |place: usize| -> Result<u64, Failure> {
        u64::try_from(row.try_get::<_, i64>(place)?).map_err(|_| Failure::OutOfRange)
    };
    let oldest: Option<i64> = row.try_get(2)?;
    let (unpublished, dead) = (count(0)?, count(1)?);
    let waiting = unpublished.saturating_sub(dead);
    Ok(OutboxBacklog { waiting, dead, oldest_at: oldest.map(Timestamp::from_millis) })
}

pub(crate) fn read(row: &Row) -> Result<StoredEvent, Failure> {
    let columns = Columns::of(row, "eg_pg_outbox")?;
    Ok(StoredEvent {
        sequence: columns.get("sequence")?,
        stored_at: columns.moment("stored_at")?,
        published_at: columns.optional_moment("published_at")?,
        dead_letter: match (columns.optional_moment("dead_at")?, columns.get("dead_reason")?) {
            (Some(at), Some(reason)) => Some(DeadLetter { at, reason }),
            // A constraint keeps them both set or both empty.
            (None, _) | (_, None) => None,
        },
        event: Event {
            kind: columns.read("kind", EventKind::from_word)?,
            txn_id: columns.txn_id(),
            tenant_id: columns.tenant("tenant_id")?,
            body: columns.get("body")?,
            trace: columns.get::<Option<String>>("trace_context")?.as_deref().map(TraceContext::from_text),
        },
    })
}
