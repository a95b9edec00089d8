//! Finding transactions by their ids, many in one question.
//!
//! This is the most frequent query, and the server spends far more on a statement than on finding a row. A
//! query is sent at once while a slot is free; queries that arrive while all are busy are sent together. A
//! group is sent after each of its pieces arrived: so every caller finds rows stored before the call.

use std::collections::HashMap;
use std::sync::LazyLock;

use payment_domain::TxnId;
use tokio_postgres::Row;

use crate::connections::Connections;
use crate::failure::Failure;
use crate::transaction_columns::SELECTED;

static FIND: LazyLock<String> = LazyLock::new(|| {
    const IDS: &str = "(SELECT * FROM unnest($1::text[])
        AS elements (txn_id) LIMIT cardinality($1::text[])) AS u";
    format!("SELECT {} FROM {IDS} JOIN eg_pg_transactions AS t ON t.txn_id = u.txn_id", *SELECTED)
});

/// The rows of these transactions, each in the place of its id. They are read by their callers: an unreadable
/// row fails its own caller only.
pub(crate) async fn find(db: &Connections, ids: Vec<TxnId>) -> Vec<Result<Option<Row>, Failure>> {
    match by_id(db, &ids.iter().map(TxnId::as_str).collect::<Vec<_>>()).await {
        Ok(found) => ids.iter().map(|id| Ok(found.get(id.as_str()).cloned())).collect(),
        Err(failure) => ids.iter().map(|_| Err(failure.clone())).collect(),
    }
}

/// The rows of those of these transactions that are there, by their ids.
pub(crate) async fn by_id(db: &Connections, ids: &[&str]) -> Result<HashMap<String, Row>, Failure> {
    if ids.is_empty() {
        return Ok(HashMap::new());
    }
    let found = db.ask(&FIND, &[&ids]).await?;
    found.into_iter().map(|row| Ok((row.try_get("txn_id")?, row))).collect()
}
