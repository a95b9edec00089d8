//! Keys under which clients repeat a create, and the first answers they were given.

use payment_domain::{Timestamp, TxnId};
use payment_store::{IdempotencyKey, IdempotencyRecord};
use rusqlite::{Connection, params};

use crate::failure::Failure;
use crate::rows::Columns;

/// Stores a key that is not there.
pub(crate) fn insert(conn: &Connection, record: &IdempotencyRecord) -> Result<(), Failure> {
    conn.prepare_cached(
        "INSERT INTO eg_pg_idempotency_keys (scope, key, digest, txn_id, answer, created_at)
         VALUES (?1, ?2, ?3, ?4, ?5, ?6)",
    )?
    .execute(params![
        record.key.scope,
        record.key.key,
        record.digest,
        record.txn_id.as_str(),
        record.answer,
        record.created_at.as_millis(),
    ])?;
    Ok(())
}

/// What is kept under a key.
pub(crate) fn find(conn: &Connection, key: &IdempotencyKey) -> Result<Option<IdempotencyRecord>, Failure> {
    let mut statement = conn.prepare_cached(
        "SELECT txn_id, digest, answer, created_at FROM eg_pg_idempotency_keys WHERE scope = ?1 AND key = ?2",
    )?;
    let mut found = statement.query([&key.scope, &key.key])?;
    let Some(row) = found.next()? else { return Ok(None) };
    let columns = Columns::of(row, "eg_pg_idempotency_keys")?;
    Ok(Some(IdempotencyRecord {
        key: key.clone(),
        digest: columns.get("digest")?,
        txn_id: columns.txn_id()?,
        answer: columns.get("answer")?,
        created_at: columns.moment("created_at")?,
    }))
}

/// Stores a key, or tells what is kept under it.
pub(crate) fn remember(
    conn: &Connection,
    record: &IdempotencyRecord,
) -> Result<Option<IdempotencyRecord>, Failure> {
    let kept = find(conn, &record.key)?;
    if kept.is_none() {
        insert(conn, record)?;
    }
    Ok(kept)
}

/// Keeps the first answer; one that is kept already stays.
pub(crate) fn keep_answer(conn: &Connection, key: &IdempotencyKey, answer: &str) -> Result<(), Failure> {
    conn.prepare_cached(
        "UPDATE eg_pg_idempotency_keys SET answer = ?3 WHERE scope = ?1 AND key = ?2 AND answer IS NULL",
    )?
    .execute([key.scope.as_str(), key.key.as_str(), answer])?;
    Ok(())
}

/// Makes a key free again, if it is the one of this transaction.
pub(crate) fn free(conn: &Connection, key: &IdempotencyKey, txn_id: &TxnId) -> Result<(), Failure> {
    conn.prepare_cached("DELETE FROM eg_pg_idempotency_keys WHERE scope = ?1 AND key = ?2 AND txn_id = ?3")?
        .execute([key.scope.as_str(), key.key.as_str(), txn_id.as_str()])?;
    Ok(())
}

/// Forgets up to `limit` keys from before a moment, the oldest first; returns how many.
pub(crate) fn forget(conn: &Connection, created_before: Timestamp, limit: u32) -> Result<u32, Failure> {
    let forgotten = conn
        .prepare_cached(
            "DELETE FROM eg_pg_idempotency_keys WHERE (scope, key) IN (
                 SELECT scope, key FROM eg_pg_idempotency_keys WHERE created_at < ?1
                 ORDER BY created_at LIMIT ?2)",
        )?
        .execute(params![created_before.as_millis(), limit])?;
    u32::try_from(forgotten).map_err(|_| Failure::OutOfRange)
}
