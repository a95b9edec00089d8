//! Transactions: created and changed with everything that is stored in the same commit.

use async_trait::async_trait;
use payment_domain::{Event, HistoryEntry, StatusName, Timestamp, Transaction, TxnId};
use payment_store::{
    Applied, Change, ClaimChange, Created, Dump, NewTransaction, ReceiptTaskChange, StoreError, StoredDump,
    Transactions,
};
use rusqlite::{Connection, params};
use serde_json::Value;

use crate::failure::Failure;
use crate::rows::{self, Columns};
use crate::transaction_columns::{self, JsonParts};
use crate::{SqliteStore, attention, claims, idempotency, jobs, outbox, receipts};

#[async_trait]
impl Transactions for SqliteStore {
    async fn create(&self, new: NewTransaction) -> Result<Created, StoreError> {
        let json = JsonParts::of_new(&new)?;
        let clock = self.clock();
        Ok(self.writer.write(move |conn| create(conn, &new, &json, clock.now())).await?)
    }

    async fn apply(&self, change: Change) -> Result<Applied, StoreError> {
        let json = JsonParts::of_change(&change)?;
        let clock = self.clock();
        Ok(self.writer.write(move |conn| apply(conn, &change, &json, clock.now())).await?)
    }

    async fn transaction(&self, id: &TxnId) -> Result<Option<Transaction>, StoreError> {
        let id = id.clone();
        Ok(self.readers.read(move |conn| transaction_columns::find(conn, &id)).await?)
    }

    async fn redirect_form(&self, id: &TxnId) -> Result<Option<Value>, StoreError> {
        let id = id.clone();
        let form = move |conn: &Connection| {
            let mut statement = conn
                .prepare_cached("SELECT txn_id, redirect_form FROM eg_pg_transactions WHERE txn_id = ?1")?;
            let mut found = statement.query([id.as_str()])?;
            let Some(row) = found.next()? else { return Ok(None) };
            Columns::of(row, "eg_pg_transactions")?.read_optional("redirect_form", rows::json)
        };
        Ok(self.readers.read(form).await?)
    }

    async fn history(&self, id: &TxnId) -> Result<Vec<HistoryEntry>, StoreError> {
        let id = id.clone();
        const HISTORY: &str = "
            SELECT txn_id, at_time, actor_kind, actor_id, from_status, to_status, why, evidence
            FROM eg_pg_transaction_history WHERE txn_id = ?1 ORDER BY entry_number";
        let history = move |conn: &Connection| rows::all(conn, HISTORY, [id.as_str()], rows::history_entry);
        Ok(self.readers.read(history).await?)
    }

    async fn dump(&self, id: &TxnId) -> Result<Option<StoredDump>, StoreError> {
        let id = id.clone();
        let dump = move |conn: &Connection| {
            let mut statement = conn.prepare_cached(
                "SELECT txn_id, txn_request, txn_response, created_by, created_time, last_modified_by,
                     last_modified_time
                 FROM eg_pg_transactions_dump WHERE txn_id = ?1",
            )?;
            let mut found = statement.query([id.as_str()])?;
            let Some(row) = found.next()? else { return Ok(None) };
            let columns = Columns::of(row, "eg_pg_transactions_dump")?;
            let dump = Dump {
                request: columns.get("txn_request")?,
                response: columns.read_optional("txn_response", rows::json)?,
            };
            Ok(Some(StoredDump { dump, audit: columns.audit()? }))
        };
        Ok(self.readers.read(dump).await?)
    }
}

/// Stores a new transaction. All that may prevent it is looked at before the first row is written: there
/// is no other writer meanwhile, and nothing to undo.
pub(crate) fn create(
    conn: &Connection,
    new: &NewTransaction,
    json: &JsonParts,
    now: Timestamp,
) -> Result<Created, Failure> {
    let txn = &new.txn;
    if let Some(record) = &new.idempotency
        && let Some(stored) = idempotency::find(conn, &record.key)?
    {
        return Ok(Created::KeyTaken(stored));
    }
    let bills = txn.bill_keys();
    let is_live = txn.status.name() != StatusName::Failure;
    if is_live {
        let claims = claims::held(conn, &bills)?;
        if !claims.is_empty() {
            return Ok(Created::BillsTaken(claims));
        }
    }
    if !transaction_columns::insert(conn, txn, json)? {
        return Ok(Created::IdTaken);
    }
    for key in &bills {
        conn.prepare_cached("INSERT INTO eg_pg_transaction_bills (bill_id, txn_id) VALUES (?1, ?2)")?
            .execute([key.bill.as_str(), txn.id.as_str()])?;
        if is_live {
            conn.prepare_cached(
                "INSERT INTO eg_pg_bill_claims (tenant_id, bill_id, txn_id) VALUES (?1, ?2, ?3)",
            )?
            .execute([key.tenant.as_str(), key.bill.as_str(), txn.id.as_str()])?;
        }
    }
    append_history(conn, &new.history, &json.evidence)?;
    store_dump(conn, txn, &new.dump, json)?;
    outbox::append(conn, &new.events, new.history.at)?;
    if let Some(task) = &new.receipt_task {
        receipts::insert(conn, &txn.id, task, now)?;
    }
    if let Some(record) = &new.idempotency {
        idempotency::insert(conn, record)?;
    }
    Ok(Created::Stored)
}

/// Stores a change, if the stored transaction is at the version before it.
pub(crate) fn apply(
    conn: &Connection,
    change: &Change,
    json: &JsonParts,
    now: Timestamp,
) -> Result<Applied, Failure> {
    let txn = &change.txn;
    // Both are looked at first, because such a change stores nothing.
    if jobs::is_over(conn, change.fence.as_ref())? {
        return Ok(Applied::Fenced);
    }
    let lease_is_lost = match &change.receipt_task {
        ReceiptTaskChange::None | ReceiptTaskChange::Created(_) => false,
        ReceiptTaskChange::Completed { lease_token } => !receipts::is_leased(conn, &txn.id, lease_token)?,
    };
    if lease_is_lost {
        return Ok(Applied::Stale);
    }
    if !transaction_columns::update(conn, txn, json)? {
        let is_stale = transaction_columns::is_stale(conn, txn)?;
        return if is_stale { Ok(Applied::Stale) } else { Err(Failure::AltersPayment(txn.id.clone())) };
    }
    match change.claims {
        ClaimChange::Keep => {}
        ClaimChange::Release => claims::release(conn, &txn.id, &txn.bill_keys())?,
    }
    append_history(conn, &change.history, &json.evidence)?;
    if let Some(dump) = &change.dump {
        store_dump(conn, txn, dump, json)?;
    }
    outbox::append(conn, &change.events, change.history.at)?;
    match &change.receipt_task {
        ReceiptTaskChange::None => {}
        ReceiptTaskChange::Created(task) => receipts::insert(conn, &txn.id, task, now)?,
        ReceiptTaskChange::Completed { .. } => receipts::complete(conn, &txn.id)?,
    }
    if let Some(case) = &change.attention {
        attention::insert(conn, case)?;
    }
    if let Some(key) = &change.forget_key {
        idempotency::free(conn, key, &txn.id)?;
    }
    Ok(Applied::Stored)
}

/// Adds a line to the end of a transaction's history.
fn append_history(conn: &Connection, entry: &HistoryEntry, evidence: &str) -> Result<(), Failure> {
    conn.prepare_cached(
        "INSERT INTO eg_pg_transaction_history (
             txn_id, entry_number, at_time, actor_kind, actor_id, from_status, to_status, why, evidence)
         VALUES (?1,
             (SELECT coalesce(max(entry_number), 0) + 1 FROM eg_pg_transaction_history WHERE txn_id = ?1),
             ?2, ?3, ?4, ?5, ?6, ?7, ?8)",
    )?
    .execute(params![
        entry.txn_id.as_str(),
        entry.at.as_millis(),
        entry.actor.kind.as_str(),
        entry.actor.id,
        entry.from.map(StatusName::as_str),
        entry.to.as_str(),
        entry.why,
        evidence,
    ])?;
    Ok(())
}

/// Adds a line to the end of a transaction's history, and stores its events.
pub(crate) fn append(
    conn: &Connection,
    entry: Option<&HistoryEntry>,
    events: &[Event],
    at: Timestamp,
) -> Result<(), Failure> {
    if let Some(entry) = entry {
        append_history(conn, entry, &entry.evidence.to_string())?;
    }
    outbox::append(conn, events, at)
}

fn store_dump(conn: &Connection, txn: &Transaction, dump: &Dump, json: &JsonParts) -> Result<(), Failure> {
    conn.prepare_cached(
        "INSERT INTO eg_pg_transactions_dump (txn_id, txn_request, txn_response, created_by, created_time)
         VALUES (?1, ?2, ?3, ?4, ?5)
         ON CONFLICT (txn_id) DO UPDATE SET
             txn_request = coalesce(?2, txn_request), txn_response = coalesce(?3, txn_response),
             last_modified_by = ?6, last_modified_time = ?7",
    )?
    .execute(params![
        txn.id.as_str(),
        dump.request,
        json.response,
        txn.audit.created_by,
        txn.audit.created_at.as_millis(),
        txn.audit.modified_by,
        txn.audit.modified_at.map(|at| at.as_millis()),
    ])?;
    Ok(())
}
