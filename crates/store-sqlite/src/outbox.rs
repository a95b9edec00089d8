//! Events, stored in the commit that made them true.

use payment_domain::{Event, EventKind, TenantId, Timestamp, TxnId};
use payment_store::StoredEvent;
use rusqlite::{Connection, Row, params};

use crate::failure::Failure;
use crate::rows::{self, Columns};

const COLUMNS: &str = "txn_id, sequence, stored_at, published_at, kind, tenant_id, body";

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

fn read(row: &Row<'_>) -> Result<StoredEvent, Failure> {
    let columns = Columns::of(row, "eg_pg_outbox")?;
    Ok(StoredEvent {
        sequence: columns.get("sequence")?,
        stored_at: columns.moment("stored_at")?,
        published_at: columns.optional_moment("published_at")?,
        event: Event {
            kind: columns.read("kind", EventKind::from_word)?,
            txn_id: columns.txn_id()?,
            tenant_id: columns.read("tenant_id", |text| TenantId::new(text).ok())?,
            body: columns.get("body")?,
        },
    })
}
