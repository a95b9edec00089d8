//! Server-to-server callbacks as they arrived, with their conclusions.

use async_trait::async_trait;
use payment_domain::{Timestamp, TxnId};
use payment_store::{Callbacks, RawCallback, Recorded, StoreError, UnsignedCallback};
use rusqlite::{Connection, params};

use crate::SqliteStore;
use crate::failure::Failure;
use crate::rows;

#[async_trait]
impl Callbacks for SqliteStore {
    async fn record_callback(&self, callback: RawCallback) -> Result<Recorded, StoreError> {
        let record = move |conn: &Connection| {
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
        };
        Ok(self.writer.write(record).await?)
    }

    async fn conclude_callback(
        &self,
        digest: &[u8; 32],
        txn_id: Option<&TxnId>,
        conclusion: &str,
    ) -> Result<(), StoreError> {
        let (digest, txn_id, conclusion) = (*digest, txn_id.cloned(), conclusion.to_owned());
        let conclude = move |conn: &Connection| {
            conn.prepare_cached(
                "UPDATE eg_pg_callbacks SET txn_id = ?2, conclusion = ?3
                 WHERE digest = ?1 AND conclusion IS NULL",
            )?
            .execute(params![digest, txn_id.as_ref().map(TxnId::as_str), conclusion])?;
            Ok(())
        };
        Ok(self.writer.write(conclude).await?)
    }

    async fn keep_unsigned_callback(
        &self,
        callback: UnsignedCallback,
        limit: u32,
    ) -> Result<bool, StoreError> {
        let (txn_id, day) = (callback.txn_id.clone(), callback.day());
        // Readers refuse a flood: the writer is only for callbacks that are stored.
        let kept = self.readers.read(move |conn| kept_unsigned(conn, &txn_id, day)).await?;
        if kept >= limit {
            return Ok(false);
        }
        let keep = move |conn: &Connection| {
            let kept = kept_unsigned(conn, &callback.txn_id, day)?;
            if kept >= limit {
                return Ok(false);
            }
            conn.prepare_cached(
                "INSERT INTO eg_pg_unsigned_callbacks (txn_id, day, nth, gateway, received_at, content)
                 VALUES (?1, ?2, ?3, ?4, ?5, ?6)",
            )?
            .execute(params![
                callback.txn_id.as_str(),
                day,
                kept + 1,
                callback.gateway.as_str(),
                callback.received_at.as_millis(),
                callback.content,
            ])?;
            Ok(true)
        };
        Ok(self.writer.write(keep).await?)
    }

    async fn forget_callbacks(&self, received_before: Timestamp, limit: u32) -> Result<u32, StoreError> {
        let forget = move |conn: &Connection| {
            let mut forgotten = 0;
            for statement in [
                "DELETE FROM eg_pg_unsigned_callbacks WHERE (txn_id, day, nth) IN (
                     SELECT txn_id, day, nth FROM eg_pg_unsigned_callbacks WHERE received_at < ?1
                     ORDER BY received_at LIMIT ?2)",
                "DELETE FROM eg_pg_callbacks WHERE digest IN (
                     SELECT digest FROM eg_pg_callbacks WHERE received_at < ?1
                     ORDER BY received_at LIMIT ?2)",
            ] {
                let rest = limit.saturating_sub(forgotten);
                let values = params![received_before.as_millis(), rest];
                forgotten += rows::count(conn.prepare_cached(statement)?.execute(values)?)?;
            }
            Ok(forgotten)
        };
        Ok(self.writer.write(forget).await?)
    }
}

/// The number of unsigned callbacks of a transaction that were kept on a day.
fn kept_unsigned(conn: &Connection, txn_id: &TxnId, day: i64) -> Result<u32, Failure> {
    let mut statement = conn.prepare_cached(
        "SELECT coalesce(max(nth), 0) FROM eg_pg_unsigned_callbacks WHERE txn_id = ?1 AND day = ?2",
    )?;
    Ok(statement.query_row(params![txn_id.as_str(), day], |row| row.get(0))?)
}
