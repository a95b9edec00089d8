//! Server-to-server callbacks as they arrived, and what became of them.

use payment_domain::{Timestamp, TxnId};
use payment_store::{RawCallback, Recorded};
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

/// Forgets up to `limit` callbacks from before a moment, the oldest first; returns how many.
pub(crate) fn forget(conn: &Connection, received_before: Timestamp, limit: u32) -> Result<u32, Failure> {
    let forgotten = conn
        .prepare_cached(
            "DELETE FROM eg_pg_callbacks WHERE digest IN (
                 SELECT digest FROM eg_pg_callbacks WHERE received_at < ?1 ORDER BY received_at LIMIT ?2)",
        )?
        .execute(params![received_before.as_millis(), limit])?;
    u32::try_from(forgotten).map_err(|_| Failure::OutOfRange)
}
