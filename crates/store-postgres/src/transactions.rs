//! Reading transactions and what is stored beside them.

use std::collections::HashSet;

use payment_domain::{HistoryEntry, TxnId};
use payment_store::{Dump, StoredDump};
use serde_json::Value;

use crate::connections::Connections;
use crate::failure::Failure;
use crate::rows::{self, Columns};

/// Which of these ids are in use.
pub(crate) async fn known(db: &Connections, ids: &[&str]) -> Result<HashSet<String>, Failure> {
    const KNOWN: &str = "SELECT txn_id FROM eg_pg_transactions WHERE txn_id = ANY($1::text[])";
    db.ask(KNOWN, &[&ids]).await?.iter().map(|row| Ok(row.try_get(0)?)).collect()
}

/// The form its redirect page posts.
pub(crate) async fn redirect_form(db: &Connections, id: &TxnId) -> Result<Option<Value>, Failure> {
    const FORM: &str = "SELECT txn_id, redirect_form::text FROM eg_pg_transactions WHERE txn_id = $1";
    match db.ask(FORM, &[&id.as_str()]).await?.first() {
        Some(row) => Columns::of(row, "eg_pg_transactions")?.read_optional("redirect_form", rows::json),
        None => Ok(None),
    }
}

/// The history of a transaction, oldest first.
pub(crate) async fn history(db: &Connections, id: &TxnId) -> Result<Vec<HistoryEntry>, Failure> {
    const HISTORY: &str = "
        SELECT txn_id, at_time, actor_kind, actor_id, from_status, to_status, why, evidence::text
        FROM eg_pg_transaction_history WHERE txn_id = $1 ORDER BY entry_number";
    rows::all(&db.ask(HISTORY, &[&id.as_str()]).await?, rows::history_entry)
}

/// The request to the gateway and its last answer.
pub(crate) async fn dump(db: &Connections, id: &TxnId) -> Result<Option<StoredDump>, Failure> {
    const DUMP: &str = "
        SELECT txn_id, txn_request, coalesce(txn_response_exact, txn_response::text) AS txn_response,
            created_by, created_time, last_modified_by, last_modified_time
        FROM eg_pg_transactions_dump WHERE txn_id = $1";
    let found = db.ask(DUMP, &[&id.as_str()]).await?;
    let Some(row) = found.first() else { return Ok(None) };
    let columns = Columns::of(row, "eg_pg_transactions_dump")?;
    let dump = Dump {
        request: columns.get("txn_request")?,
        // What an earlier service has kept need not be what this one can parse.
        response: columns.read_optional("txn_response", |text| {
            Some(rows::json(text).unwrap_or_else(|| Value::from(text)))
        })?,
    };
    Ok(Some(StoredDump { dump, audit: columns.audit()? }))
}
