//! Server-to-server callbacks as they arrived, with their conclusions.

use async_trait::async_trait;
use payment_domain::{Timestamp, TxnId};
use payment_store::{Callbacks, RawCallback, Recorded, StoreError, UnsignedCallback};

use crate::PostgresStore;
use crate::connections::Values;
use crate::parameters::storable;
use crate::rows;

#[async_trait]
impl Callbacks for PostgresStore {
    async fn record_callback(&self, callback: RawCallback) -> Result<Recorded, StoreError> {
        const RECORD: &str = "
            INSERT INTO eg_pg_callbacks (digest, gateway, received_at, content) VALUES ($1, $2, $3, $4)
            ON CONFLICT (digest) DO NOTHING RETURNING 1";
        const IS_CONCLUDED: &str =
            "SELECT 1 FROM eg_pg_callbacks WHERE digest = $1 AND conclusion IS NOT NULL";
        let digest = callback.digest.as_slice();
        let (gateway, content) = (storable(callback.gateway.as_str()), storable(&callback.content));
        let values: Values<'_> = &[&digest, &gateway, &callback.received_at.as_millis(), &content];
        if !self.db.repeatable(RECORD, values).await?.is_empty() {
            return Ok(Recorded::Unfinished);
        }
        let is_unfinished = self.db.ask(IS_CONCLUDED, &[&digest]).await?.is_empty();
        Ok(if is_unfinished { Recorded::Unfinished } else { Recorded::Concluded })
    }

    async fn conclude_callback(
        &self,
        digest: &[u8; 32],
        txn_id: Option<&TxnId>,
        conclusion: &str,
    ) -> Result<(), StoreError> {
        const CONCLUDE: &str = "
            UPDATE eg_pg_callbacks SET txn_id = $2, conclusion = $3
            WHERE digest = $1 AND conclusion IS NULL";
        let txn_id = txn_id.map(TxnId::as_str);
        self.db.repeatable(CONCLUDE, &[&digest.as_slice(), &txn_id, &storable(conclusion)]).await?;
        Ok(())
    }

    /// Of two that take the same place at once, one is left out.
    async fn keep_unsigned_callback(
        &self,
        callback: UnsignedCallback,
        limit: u32,
    ) -> Result<bool, StoreError> {
        const KEEP: &str = "
            INSERT INTO eg_pg_unsigned_callbacks (txn_id, day, nth, gateway, received_at, content)
            SELECT $1, $2, kept + 1, $4, $5, $6 FROM (
                SELECT coalesce(max(nth), 0) AS kept FROM eg_pg_unsigned_callbacks WHERE txn_id = $1 AND day = $2
            ) AS of_that_day
            WHERE kept < $3
            ON CONFLICT DO NOTHING RETURNING 1";
        let (gateway, content) = (storable(callback.gateway.as_str()), storable(&callback.content));
        let values: Values<'_> = &[
            &callback.txn_id.as_str(),
            &callback.day(),
            &i64::from(limit),
            &gateway,
            &callback.received_at.as_millis(),
            &content,
        ];
        Ok(!self.db.repeatable(KEEP, values).await?.is_empty())
    }

    async fn forget_callbacks(&self, received_before: Timestamp, limit: u32) -> Result<u32, StoreError> {
        const FORGET_UNSIGNED: &str = "
            WITH old AS MATERIALIZED (
                SELECT txn_id, day, nth FROM eg_pg_unsigned_callbacks WHERE received_at < $1
                ORDER BY received_at LIMIT $2 FOR UPDATE SKIP LOCKED)
            DELETE FROM eg_pg_unsigned_callbacks AS callback USING old
            WHERE callback.txn_id = old.txn_id AND callback.day = old.day AND callback.nth = old.nth
            RETURNING 1";
        const FORGET_SIGNED: &str = "
            WITH old AS MATERIALIZED (
                SELECT digest FROM eg_pg_callbacks WHERE received_at < $1
                ORDER BY received_at LIMIT $2 FOR UPDATE SKIP LOCKED)
            DELETE FROM eg_pg_callbacks AS callback USING old
            WHERE callback.digest = old.digest RETURNING 1";
        let mut forgotten = 0;
        for statement in [FORGET_UNSIGNED, FORGET_SIGNED] {
            let rest = i64::from(limit.saturating_sub(forgotten));
            let deleted = self.db.planned(statement, &[&received_before.as_millis(), &rest]).await?;
            forgotten += rows::count(&deleted)?;
        }
        Ok(forgotten)
    }
}
