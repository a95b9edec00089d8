//! Transactions, with their history and the dump of the exchange with the gateway.

use async_trait::async_trait;
use payment_domain::{Event, HistoryEntry, StatusName, Timestamp, Transaction, TxnId};
use payment_store::{Applied, Change, Created, Dump, NewTransaction, StoreError, StoredDump, Transactions};
use serde_json::Value;

use crate::changing::Alteration;
use crate::creating::Creation;
use crate::failure::Failure;
use crate::parameters::{ColumnLimits, Parameter, Rows};
use crate::rows::{self, Columns};
use crate::transaction_columns::{self, JsonParts};
use crate::{PostgresStore, connections, outbox};

#[async_trait]
impl Transactions for PostgresStore {
    async fn create(&self, new: NewTransaction) -> Result<Created, StoreError> {
        Ok(self.creations.submit(Creation::new(new, self.clock.now())?).await?)
    }

    async fn apply(&self, change: Change) -> Result<Applied, StoreError> {
        Ok(self.alterations.submit(Alteration::new(change, self.clock.now())?).await?)
    }

    async fn transaction(&self, id: &TxnId) -> Result<Option<Transaction>, StoreError> {
        let found = self.findings.submit(id.clone()).await?;
        Ok(found.as_ref().map(transaction_columns::read).transpose()?)
    }

    async fn redirect_form(&self, id: &TxnId) -> Result<Option<Value>, StoreError> {
        const FORM: &str = "SELECT txn_id, redirect_form::text FROM eg_pg_transactions WHERE txn_id = $1";
        match self.db.ask(FORM, &[&id.as_str()]).await?.first() {
            Some(row) => {
                Ok(Columns::of(row, "eg_pg_transactions")?.read_optional("redirect_form", rows::json)?)
            }
            None => Ok(None),
        }
    }

    async fn history(&self, id: &TxnId) -> Result<Vec<HistoryEntry>, StoreError> {
        const HISTORY: &str = "
            SELECT txn_id, at_time, actor_kind, actor_id, from_status, to_status, why, evidence::text
            FROM eg_pg_transaction_history WHERE txn_id = $1 ORDER BY entry_number";
        Ok(rows::all(&self.db.ask(HISTORY, &[&id.as_str()]).await?, rows::history_entry)?)
    }

    async fn dump(&self, id: &TxnId) -> Result<Option<StoredDump>, StoreError> {
        const DUMP: &str = "
            SELECT txn_id, txn_request, coalesce(txn_response_exact, txn_response::text) AS txn_response,
                created_by, created_time, last_modified_by, last_modified_time
            FROM eg_pg_transactions_dump WHERE txn_id = $1";
        let found = self.db.ask(DUMP, &[&id.as_str()]).await?;
        let Some(row) = found.first() else { return Ok(None) };
        let columns = Columns::of(row, "eg_pg_transactions_dump")?;
        let dump = Dump {
            request: columns.get("txn_request")?,
            // A response that an earlier service has stored need not be JSON.
            response: columns.read_optional("txn_response", |text| {
                Some(rows::json(text).unwrap_or_else(|| Value::from(text)))
            })?,
        };
        Ok(Some(StoredDump { dump, audit: columns.audit()? }))
    }
}

/// Locks the row of a transaction, as every write does that adds to its history or its events, so that both
/// keep the order of the commits. Returns its status, empty where an adopted row has none; `None` when there is no such transaction.
pub(crate) async fn lock_status(
    transaction: &connections::Transaction,
    id: &TxnId,
) -> Result<Option<String>, Failure> {
    const LOCK: &str = "SELECT coalesce(txn_status, '') FROM eg_pg_transactions WHERE txn_id = $1 FOR UPDATE";
    rows::first(&transaction.rows(LOCK, &[&id.as_str()]).await?)
}

/// Adds lines at the end of histories: one for each transaction, whose row is locked or new.
pub(crate) const APPEND_HISTORY: &str = "INSERT INTO eg_pg_transaction_history (
        txn_id, entry_number, at_time, actor_kind, actor_id, from_status, to_status, why, evidence)
    SELECT u.txn_id,
        (SELECT coalesce(max(h.entry_number), 0) + 1 FROM eg_pg_transaction_history AS h
         WHERE h.txn_id = u.txn_id),
        u.at_time, u.actor_kind, u.actor_id, u.from_status, u.to_status, u.why, u.evidence::json
    FROM
        (SELECT * FROM unnest($1::text[], $2::bigint[], $3::text[], $4::text[], $5::text[], $6::text[], $7::text[],
                $8::text[])
            AS elements (txn_id, at_time, actor_kind, actor_id, from_status, to_status, why, evidence)
            LIMIT cardinality($1::text[])) AS u";

/// A row of [`APPEND_HISTORY`].
pub(crate) fn history_line<'a>(rows: &mut Rows<'a>, entry: &'a HistoryEntry, evidence: &'a str) {
    rows.push([
        Parameter::text(entry.txn_id.as_str()),
        Parameter::moment(entry.at),
        Parameter::text(entry.actor.kind.as_str()),
        Parameter::text(&entry.actor.id),
        Parameter::optional(entry.from.map(StatusName::as_str)),
        Parameter::text(entry.to.as_str()),
        Parameter::text(&entry.why),
        Parameter::text(evidence),
    ]);
}

/// Adds a line to the history of a transaction whose row is locked, and stores its events.
pub(crate) async fn append(
    transaction: &connections::Transaction,
    entry: Option<&HistoryEntry>,
    events: &[Event],
    at: Timestamp,
) -> Result<(), Failure> {
    if let Some(entry) = entry {
        let evidence = entry.evidence.to_string();
        let mut lines = Rows::default();
        history_line(&mut lines, entry, &evidence);
        transaction.rows(APPEND_HISTORY, &lines.values()).await?;
    }
    let mut stored = Rows::default();
    for event in events {
        outbox::row(&mut stored, event, at);
    }
    if !stored.is_empty() {
        transaction.rows(outbox::STORE, &stored.values()).await?;
    }
    Ok(())
}

/// Stores dumps, or replaces the parts of stored ones that are set.
pub(crate) const STORE_DUMPS: &str = "
    INSERT INTO eg_pg_transactions_dump AS d (
        txn_id, txn_request, txn_response, txn_response_exact, created_by, created_time,
        last_modified_by, last_modified_time)
    SELECT u.txn_id, u.txn_request, u.txn_response::jsonb, u.txn_response_exact, u.created_by,
        u.created_time, u.last_modified_by, u.last_modified_time
    FROM unnest($1::text[], $2::text[], $3::text[], $4::text[], $5::text[], $6::bigint[], $7::text[],
        $8::bigint[])
    AS u (txn_id, txn_request, txn_response, txn_response_exact, created_by, created_time,
        last_modified_by, last_modified_time)
    ON CONFLICT (txn_id) DO UPDATE SET
        txn_request = coalesce(excluded.txn_request, d.txn_request),
        txn_response = coalesce(excluded.txn_response, d.txn_response),
        txn_response_exact = CASE WHEN excluded.txn_response IS NULL THEN d.txn_response_exact
            ELSE excluded.txn_response_exact END,
        last_modified_by = excluded.last_modified_by,
        last_modified_time = excluded.last_modified_time";

/// A row of [`STORE_DUMPS`].
pub(crate) fn dump<'a>(
    rows: &mut Rows<'a>,
    txn: &'a Transaction,
    dump: &'a Dump,
    json: &'a JsonParts,
    column_limits: &ColumnLimits,
) {
    let by = |column, text| Parameter::Text(Some(column_limits.cut(column, text)));
    let response = json.response.as_ref();
    rows.push([
        Parameter::text(txn.id.as_str()),
        Parameter::optional(dump.request.as_deref()),
        Parameter::optional(response.map(|text| text.searchable.as_str())),
        Parameter::optional(response.and_then(|text| text.exact.as_deref())),
        by("created_by", &txn.audit.created_by),
        Parameter::moment(txn.audit.created_at),
        txn.audit.modified_by.as_deref().map_or(Parameter::Text(None), |user| by("last_modified_by", user)),
        Parameter::optional_moment(txn.audit.modified_at),
    ]);
}
