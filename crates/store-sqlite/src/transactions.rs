//! Transactions: created and changed with everything that is stored in the same commit.

use async_trait::async_trait;
use payment_domain::{HistoryEntry, StatusName, Timestamp, Transaction, TxnId};
use payment_store::{
    Applied, Change, ClaimChange, Created, Dump, NewTransaction, ReceiptTaskChange, StoreError, StoredDump,
    Transactions,
};
use rusqlite::{Connection, OptionalExtension, params};
use serde_json::Value;

use crate::failure::Failure;
use crate::rows::{self, Columns, TRANSACTION_COLUMNS};
use crate::{SqliteStore, attention, claims, idempotency, jobs, outbox, receipts};

/// The parts of a transaction that are stored as JSON, written before the work is queued so that
/// the one writing thread need not.
pub(crate) struct JsonParts {
    bills: String,
    additional_details: String,
    redirect_form: Option<String>,
    evidence: String,
    response: Option<String>,
}

impl JsonParts {
    pub(crate) fn of_new(new: &NewTransaction) -> Result<JsonParts, Failure> {
        JsonParts::of(&new.txn, new.redirect_form.as_ref(), &new.history, Some(&new.dump))
    }

    pub(crate) fn of_change(change: &Change) -> Result<JsonParts, Failure> {
        JsonParts::of(&change.txn, change.redirect_form.as_ref(), &change.history, change.dump.as_ref())
    }

    fn of(
        txn: &Transaction,
        redirect_form: Option<&Value>,
        history: &HistoryEntry,
        dump: Option<&Dump>,
    ) -> Result<JsonParts, Failure> {
        Ok(JsonParts {
            bills: serde_json::to_string(&txn.bills)?,
            additional_details: serde_json::to_string(&txn.additional_details)?,
            redirect_form: redirect_form.map(Value::to_string),
            evidence: history.evidence.to_string(),
            response: dump.and_then(|dump| dump.response.as_ref()).map(Value::to_string),
        })
    }
}

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
        Ok(self.readers.read(move |conn| find(conn, &id)).await?)
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
    if insert(conn, txn, json)? == 0 {
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
    if update(conn, txn, json)? == 0 {
        return not_updated(conn, txn);
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

fn insert(conn: &Connection, txn: &Transaction, json: &JsonParts) -> Result<usize, Failure> {
    let mut statement = conn.prepare_cached(
        "INSERT INTO eg_pg_transactions (
             txn_id, tenant_id, txn_amount_minor, currency, bill_id, module, consumer_code, bills,
             product_info, gateway, callback_url, redirect_url, redirect_form, user_uuid, user_name, name,
             mobile_number, email_id, user_tenant_id, txn_status, txn_status_msg, receipt, gateway_txn_id,
             gateway_payment_mode, gateway_status_code, gateway_status_msg, created_by, created_time,
             last_modified_by, last_modified_time, additional_details, version)
         VALUES (?1, ?2, ?3, ?4, ?5, ?6, ?7, ?8, ?9, ?10, ?11, ?12, ?13, ?14, ?15, ?16, ?17, ?18, ?19, ?20,
             ?21, ?22, ?23, ?24, ?25, ?26, ?27, ?28, ?29, ?30, ?31, ?32)
         ON CONFLICT (txn_id) DO NOTHING",
    )?;
    Ok(statement.execute(params![
        txn.id.as_str(),
        txn.tenant_id.as_str(),
        txn.amount.minor(),
        txn.amount.currency().code(),
        txn.bill_id.as_str(),
        txn.module,
        txn.consumer_code,
        json.bills,
        txn.product_info,
        txn.gateway.as_str(),
        txn.callback_url,
        txn.redirect_url,
        json.redirect_form,
        txn.payer.uuid,
        txn.payer.user_name.expose(),
        txn.payer.name.expose(),
        txn.payer.mobile_number.expose(),
        txn.payer.email_id.as_ref().map(|email| email.expose()),
        txn.payer.tenant_id,
        txn.status.name().as_str(),
        txn.status_message,
        txn.receipt(),
        txn.gateway_details.txn_id,
        txn.gateway_details.payment_mode,
        txn.gateway_details.status_code,
        txn.gateway_details.status_message,
        txn.audit.created_by,
        txn.audit.created_at.as_millis(),
        txn.audit.modified_by,
        txn.audit.modified_at.map(|at| at.as_millis()),
        json.additional_details,
        txn.version,
    ])?)
}

/// Writes what may change; the `WHERE` holds what may not, and the version it rests on.
fn update(conn: &Connection, txn: &Transaction, json: &JsonParts) -> Result<usize, Failure> {
    let mut statement = conn.prepare_cached(
        "UPDATE eg_pg_transactions SET
             module = ?1, product_info = ?2, gateway = ?3, callback_url = ?4, redirect_url = ?5,
             redirect_form = coalesce(?6, redirect_form), user_name = ?7, name = ?8, mobile_number = ?9,
             email_id = ?10, user_tenant_id = ?11, txn_status = ?12, txn_status_msg = ?13, receipt = ?14,
             gateway_txn_id = ?15, gateway_payment_mode = ?16, gateway_status_code = ?17,
             gateway_status_msg = ?18, last_modified_by = ?19, last_modified_time = ?20,
             additional_details = ?21, version = ?22
         WHERE txn_id = ?23 AND version = ?22 - 1 AND tenant_id = ?24 AND txn_amount_minor = ?25
             AND currency = ?26 AND bill_id = ?27 AND bills = ?28 AND consumer_code = ?29
             AND user_uuid = ?30 AND created_by = ?31 AND created_time = ?32",
    )?;
    Ok(statement.execute(params![
        txn.module,
        txn.product_info,
        txn.gateway.as_str(),
        txn.callback_url,
        txn.redirect_url,
        json.redirect_form,
        txn.payer.user_name.expose(),
        txn.payer.name.expose(),
        txn.payer.mobile_number.expose(),
        txn.payer.email_id.as_ref().map(|email| email.expose()),
        txn.payer.tenant_id,
        txn.status.name().as_str(),
        txn.status_message,
        txn.receipt(),
        txn.gateway_details.txn_id,
        txn.gateway_details.payment_mode,
        txn.gateway_details.status_code,
        txn.gateway_details.status_message,
        txn.audit.modified_by,
        txn.audit.modified_at.map(|at| at.as_millis()),
        json.additional_details,
        txn.version,
        txn.id.as_str(),
        txn.tenant_id.as_str(),
        txn.amount.minor(),
        txn.amount.currency().code(),
        txn.bill_id.as_str(),
        json.bills,
        txn.consumer_code,
        txn.payer.uuid,
        txn.audit.created_by,
        txn.audit.created_at.as_millis(),
    ])?)
}

/// Tells a stale change from one that would alter the payment itself: trying that again is no use.
fn not_updated(conn: &Connection, txn: &Transaction) -> Result<Applied, Failure> {
    let stored: Option<u32> = conn
        .prepare_cached("SELECT version FROM eg_pg_transactions WHERE txn_id = ?1")?
        .query_row([txn.id.as_str()], |row| row.get(0))
        .optional()?;
    match stored {
        Some(version) if version.checked_add(1) == Some(txn.version) => {
            Err(Failure::AltersPayment(txn.id.clone()))
        }
        Some(_) | None => Ok(Applied::Stale),
    }
}

/// Adds a line to the end of a transaction's history.
pub(crate) fn append_history(conn: &Connection, entry: &HistoryEntry, evidence: &str) -> Result<(), Failure> {
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

/// The transaction of this id.
pub(crate) fn find(conn: &Connection, id: &TxnId) -> Result<Option<Transaction>, Failure> {
    let mut statement = conn
        .prepare_cached(&format!("SELECT {TRANSACTION_COLUMNS} FROM eg_pg_transactions WHERE txn_id = ?1"))?;
    let mut found = statement.query([id.as_str()])?;
    found.next()?.map(rows::transaction).transpose()
}
