//! Server-to-server callbacks as they arrived, and what became of them.

use payment_domain::{Timestamp, TxnId};
use payment_store::{RawCallback, Recorded};

use crate::cells::storable;
use crate::connections::Connections;
use crate::failure::Failure;

/// Stores a callback, unless the same one is there.
pub(crate) async fn record(db: &Connections, callback: &RawCallback) -> Result<Recorded, Failure> {
    const RECORD: &str = "
        INSERT INTO eg_pg_callbacks (digest, gateway, received_at, content) VALUES ($1, $2, $3, $4)
        ON CONFLICT (digest) DO NOTHING RETURNING 1";
    const IS_CONCLUDED: &str = "SELECT 1 FROM eg_pg_callbacks WHERE digest = $1 AND conclusion IS NOT NULL";
    let digest = callback.digest.as_slice();
    let (gateway, content) = (storable(callback.gateway.as_str()), storable(&callback.content));
    let values: [&(dyn tokio_postgres::types::ToSql + Sync); 4] =
        [&digest, &gateway, &callback.received_at.as_millis(), &content];
    if !db.repeatable(RECORD, &values).await?.is_empty() {
        return Ok(Recorded::Unfinished);
    }
    let is_unfinished = db.ask(IS_CONCLUDED, &[&digest]).await?.is_empty();
    Ok(if is_unfinished { Recorded::Unfinished } else { Recorded::Concluded })
}

/// Notes the conclusion; the first one stays.
pub(crate) async fn conclude(
    db: &Connections,
    digest: &[u8; 32],
    txn_id: Option<&TxnId>,
    conclusion: &str,
) -> Result<(), Failure> {
    const CONCLUDE: &str = "
        UPDATE eg_pg_callbacks SET txn_id = $2, conclusion = $3 WHERE digest = $1 AND conclusion IS NULL";
    let txn_id = txn_id.map(TxnId::as_str);
    db.repeatable(CONCLUDE, &[&digest.as_slice(), &txn_id, &storable(conclusion)]).await?;
    Ok(())
}

/// Forgets up to `limit` callbacks from before a moment, the oldest first; returns how many.
pub(crate) async fn forget(db: &Connections, received_before: Timestamp, limit: u32) -> Result<u32, Failure> {
    const FORGET: &str = "
        DELETE FROM eg_pg_callbacks AS callback USING (
            SELECT digest FROM eg_pg_callbacks WHERE received_at < $1
            ORDER BY received_at LIMIT $2 FOR UPDATE SKIP LOCKED) AS old
        WHERE callback.digest = old.digest RETURNING 1";
    let forgotten = db.repeatable(FORGET, &[&received_before.as_millis(), &i64::from(limit)]).await?;
    u32::try_from(forgotten.len()).map_err(|_| Failure::OutOfRange)
}
