//! Server-to-server callbacks as they arrived, and what became of them.

use payment_domain::{Timestamp, TxnId};
use payment_store::{RawCallback, Recorded, UnsignedCallback};
use rusqlite::{Connection, params};

use crate::failure::Failure;

/// Stores a callback, unless the same one is there.
pub(crate) fn record(conn: &Connection, callback: &RawCallback) -> Result<Recorded, Failure> {
    let is_concluded = conn
        .prepare_cached("SELECT 1 FROM eg_pg_callbacks WHERE digest = ?1 AND conclusion IS NOT NULL")?
        .exists([callback.digest])?;
    if is_concluded {
        return Ok(Recorded::Concluded);
    }
    conn.prepare_cached(
        "INSERT INTO eg_pg_callbacks (digest, gateway, received_at, content) VALUES (?1, ?2, ?3, ?4)
         ON CONFLICT (digest) DO NOTHING",
    )?
    .execute(params![
        callback.digest,
        callback.gateway.as_str(),
        callback.received_at.as_millis(),
        callback.content,
    ])?;
    Ok(Recorded::Unfinished)
}

/// Notes the conclusion; the first one stays.
pub(crate) fn conclude(
    conn: &Connection,
    digest: &[u8; 32],
    txn_id: Option<&TxnId>,
    conclusion: &str,
) -> Result<(), Failure> {
    conn.prepare_cached(
        "UPDATE eg_pg_callbacks SET txn_id = ?2, conclusion = ?3 WHERE digest = ?1 AND conclusion IS NULL",
    )?
    .execute(params![digest, txn_id.map(TxnId::as_str), conclusion])?;
    Ok(())
}

/// How many unsigned callbacks of a transaction were kept on a day.
pub(crate) fn kept_unsigned(conn: &Connection, txn_id: &TxnId, day: i64) -> Result<u32, Failure> {
    let mut statement = conn.prepare_cached(
        "SELECT coalesce(max(nth), 0) FROM eg_pg_unsigned_callbacks WHERE txn_id = ?1 AND day = ?2",
    )?;
    Ok(statement.query_row(params![txn_id.as_str(), day], |row| row.get(0))?)
}

/// Keeps an unsigned callback while there is room on its transaction's day.
pub(crate) fn keep_unsigned(
    conn: &Connection,
    callback: &UnsignedCallback,
    limit: u32,
) -> Result<bool, Failure> {
    let kept = kept_unsigned(conn, &callback.txn_id, callback.day())?;
    if kept >= limit {
        return Ok(false);
    }
    conn.prepare_cached(
        "INSERT INTO eg_pg_unsigned_callbacks (txn_id, day, nth, gateway, received_at, content)
         VALUES (?1, ?2, ?3, ?4, ?5, ?6)",
    )?
    .execute(params![
        callback.txn_id.as_str(),
        callback.day(),
        kept + 1,
        callback.gateway.as_str(),
        callback.received_at.as_millis(),
        callback.content,
    ])?;
    Ok(true)
}

/// Forgets up to `limit` callbacks from before a moment, unsigned ones first, the oldest of them
/// first; returns how many.
pub(crate) fn forget(conn: &Connection, received_before: Timestamp, limit: u32) -> Result<u32, Failure> {
    let mut forgotten = 0;
    for statement in [
        "DELETE FROM eg_pg_unsigned_callbacks WHERE (txn_id, day, nth) IN (
             SELECT txn_id, day, nth FROM eg_pg_unsigned_callbacks WHERE received_at < ?1
             ORDER BY received_at LIMIT ?2)",
        "DELETE FROM eg_pg_callbacks WHERE digest IN (
             SELECT digest FROM eg_pg_callbacks WHERE received_at < ?1 ORDER BY received_at LIMIT ?2)",
    ] {
        let rest = limit.saturating_sub(forgotten);
        let rows = conn.prepare_cached(statement)?.execute(params![received_before.as_millis(), rest])?;
        forgotten += u32::try_from(rows).map_err(|_| Failure::OutOfRange)?;
    }
    Ok(forgotten)
}
