//! Idempotency keys of clients, with the first answers to their creates.

use async_trait::async_trait;
use payment_domain::Timestamp;
use payment_store::{Idempotency, IdempotencyKey, IdempotencyRecord, StoreError};
use tokio_postgres::Row;

use crate::PostgresStore;
use crate::connections::{Connections, Values};
use crate::failure::Failure;
use crate::parameters::{Parameter, Rows, storable};
use crate::rows::{self, Columns};

/// Stores keys that are free; returns their transactions. The rows come in the order of their keys.
pub(crate) const PUT: &str = "
    INSERT INTO eg_pg_idempotency_keys (scope, key, digest, txn_id, answer, created_at)
    SELECT u.scope, u.key, u.digest, u.txn_id, u.answer, u.created_at
    FROM unnest($1::text[], $2::text[], $3::bytea[], $4::text[], $5::text[], $6::bigint[])
    AS u (scope, key, digest, txn_id, answer, created_at)
    ON CONFLICT (scope, key) DO NOTHING
    RETURNING txn_id";

/// A row of [`PUT`].
pub(crate) fn row<'a>(rows: &mut Rows<'a>, record: &'a IdempotencyRecord) {
    rows.push([
        Parameter::text(&record.key.scope),
        Parameter::text(&record.key.key),
        Parameter::Bytes(&record.digest),
        Parameter::text(record.txn_id.as_str()),
        Parameter::optional(record.answer.as_deref()),
        Parameter::moment(record.created_at),
    ]);
}

/// Frees keys, where they belong to these transactions.
pub(crate) const FREE: &str = "
    DELETE FROM eg_pg_idempotency_keys AS known USING
    (SELECT * FROM unnest($1::text[], $2::text[], $3::text[])
        AS elements (scope, key, txn_id) LIMIT cardinality($1::text[])) AS u
    WHERE known.scope = u.scope AND known.key = u.key AND known.txn_id = u.txn_id";

/// A row of [`FREE`].
pub(crate) fn freed<'a>(rows: &mut Rows<'a>, key: &'a IdempotencyKey, txn_id: &'a str) {
    rows.push([Parameter::text(&key.scope), Parameter::text(&key.key), Parameter::text(txn_id)]);
}

/// The records under these keys.
pub(crate) async fn find_all(
    db: &Connections,
    keys: &[&IdempotencyKey],
) -> Result<Vec<IdempotencyRecord>, Failure> {
    const FIND: &str = "
        SELECT known.txn_id, known.scope, known.key, known.digest, known.answer, known.created_at FROM
        (SELECT * FROM unnest($1::text[], $2::text[])
            AS elements (scope, key) LIMIT cardinality($1::text[])) AS u
        JOIN eg_pg_idempotency_keys AS known ON known.scope = u.scope AND known.key = u.key";
    if keys.is_empty() {
        return Ok(Vec::new());
    }
    let scopes: Vec<Parameter<'_>> = keys.iter().map(|key| Parameter::text(&key.scope)).collect();
    let texts: Vec<Parameter<'_>> = keys.iter().map(|key| Parameter::text(&key.key)).collect();
    rows::all(&db.ask(FIND, &[&scopes, &texts]).await?, read)
}

#[async_trait]
impl Idempotency for PostgresStore {
    async fn idempotency(&self, key: &IdempotencyKey) -> Result<Option<IdempotencyRecord>, StoreError> {
        Ok(find_all(&self.db, &[key]).await?.pop())
    }

    async fn remember_key(&self, record: IdempotencyRecord) -> Result<Option<IdempotencyRecord>, StoreError> {
        const REMEMBER: &str = "
            INSERT INTO eg_pg_idempotency_keys (scope, key, digest, txn_id, answer, created_at)
            VALUES ($1, $2, $3, $4, $5, $6) ON CONFLICT (scope, key) DO NOTHING RETURNING 1";
        loop {
            let values: Values<'_> = &[
                &storable(&record.key.scope),
                &storable(&record.key.key),
                &record.digest.as_slice(),
                &storable(record.txn_id.as_str()),
                &record.answer.as_deref().map(storable),
                &record.created_at.as_millis(),
            ];
            if !self.db.repeatable(REMEMBER, values).await?.is_empty() {
                return Ok(None);
            }
            // It may have been deleted in between: then it can be stored after all.
            if let Some(kept) = self.idempotency(&record.key).await? {
                return Ok(Some(kept));
            }
        }
    }

    async fn keep_answer(&self, key: &IdempotencyKey, answer: &str) -> Result<(), StoreError> {
        const KEEP: &str = "
            UPDATE eg_pg_idempotency_keys SET answer = $3 WHERE scope = $1 AND key = $2 AND answer IS NULL";
        self.db.repeatable(KEEP, &[&storable(&key.scope), &storable(&key.key), &storable(answer)]).await?;
        Ok(())
    }

    async fn forget_idempotency_keys(
        &self,
        created_before: Timestamp,
        limit: u32,
    ) -> Result<u32, StoreError> {
        const FORGET: &str = "
            WITH old AS MATERIALIZED (
                SELECT scope, key FROM eg_pg_idempotency_keys WHERE created_at < $1
                ORDER BY created_at LIMIT $2 FOR UPDATE SKIP LOCKED)
            DELETE FROM eg_pg_idempotency_keys AS known USING old
            WHERE known.scope = old.scope AND known.key = old.key RETURNING 1";
        let deleted = self.db.planned(FORGET, &[&created_before.as_millis(), &i64::from(limit)]).await?;
        Ok(rows::count(&deleted)?)
    }
}

fn read(row: &Row) -> Result<IdempotencyRecord, Failure> {
    let columns = Columns::of(row, "eg_pg_idempotency_keys")?;
    Ok(IdempotencyRecord {
        txn_id: columns.txn_id(),
        key: IdempotencyKey { scope: columns.get("scope")?, key: columns.get("key")? },
        digest: <[u8; 32]>::try_from(columns.get::<&[u8]>("digest")?)
            .map_err(|_| columns.unreadable("digest"))?,
        answer: columns.get("answer")?,
        created_at: columns.moment("created_at")?,
    })
}
