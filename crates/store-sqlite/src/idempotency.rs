//! Idempotency keys of clients, with the first answers to their creates.

use async_trait::async_trait;
use payment_domain::{Timestamp, TxnId};
use payment_store::{Idempotency, IdempotencyKey, IdempotencyRecord, StoreError};
use rusqlite::{Connection, params};

use crate::SqliteStore;
use crate::failure::Failure;
use crate::rows::{self, Columns};

#[async_trait]
impl Idempotency for SqliteStore {
    async fn idempotency(&self, key: &IdempotencyKey) -> Result<Option<IdempotencyRecord>, StoreError> {
        let key = key.clone();
        Ok(self.readers.read(move |conn| find(conn, &key)).await?)
    }

    async fn remember_key(&self, record: IdempotencyRecord) -> Result<Option<IdempotencyRecord>, StoreError> {
        let remember = move |conn: &Connection| {
            let kept = find(conn, &record.key)?;
            if kept.is_none() {
                insert(conn, &record)?;
            }
            Ok(kept)
        };
        Ok(self.writer.write(remember).await?)
    }

    async fn keep_answer(&self, key: &IdempotencyKey, answer: &str) -> Result<(), StoreError> {
        let (key, answer) = (key.clone(), answer.to_owned());
        let keep = move |conn: &Connection| {
            conn.prepare_cached(
                "UPDATE eg_pg_idempotency_keys SET answer = ?3
                 WHERE scope = ?1 AND key = ?2 AND answer IS NULL",
            )?
            .execute([&key.scope, &key.key, &answer])?;
            Ok(())
        };
        Ok(self.writer.write(keep).await?)
    }

    async fn forget_idempotency_keys(
        &self,
        created_before: Timestamp,
        limit: u32,
    ) -> Result<u32, StoreError> {
        let forget = move |conn: &Connection| {
            let deleted = conn
                .prepare_cached(
                    "DELETE FROM eg_pg_idempotency_keys WHERE (scope, key) IN (
                         SELECT scope, key FROM eg_pg_idempotency_keys WHERE created_at < ?1
                         ORDER BY created_at LIMIT ?2)",
                )?
                .execute(params![created_before.as_millis(), limit])?;
            rows::count(deleted)
        };
        Ok(self.writer.write(forget).await?)
    }
}

/// Stores a key that is free.
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

pub(crate) fn find(conn: &Connection, key: &IdempotencyKey) -> Result<Option<IdempotencyRecord>, Failure> {
    let mut statement = conn.prepare_cached(
        "SELECT txn_id, digest, answer, created_at FROM eg_pg_idempotency_keys WHERE scope = ?1 AND key = ?2",
    )?;
    let mut found = statement.query([&key.scope, &key.key])?;
    let Some(row) = found.next()? else { return Ok(None) };
    let columns = Columns::of(row, "eg_pg_idempotency_keys")?;
    Ok(Some(IdempotencyRecord {
        key: key.clone(),
        txn_id: columns.txn_id()?,
        digest: columns.get("digest")?,
        answer: columns.get("answer")?,
        created_at: columns.moment("created_at")?,
    }))
}

/// Frees a key, if it belongs to this transaction.
pub(crate) fn free(conn: &Connection, key: &IdempotencyKey, txn_id: &TxnId) -> Result<(), Failure> {
    conn.prepare_cached("DELETE FROM eg_pg_idempotency_keys WHERE scope = ?1 AND key = ?2 AND txn_id = ?3")?
        .execute([key.scope.as_str(), key.key.as_str(), txn_id.as_str()])?;
    Ok(())
}
