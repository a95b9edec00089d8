//! Refunds. There is one writer, so that the rest of a capture is decided by one request at a time; a trigger
//! refuses a sum that exceeds it.

mod searching;

pub(crate) use self::searching::whole;

use async_trait::async_trait;
use payment_domain::{
    Actor, ActorKind, GatewayName, Money, Refund, RefundHistoryEntry, RefundId, RefundStatus, Timestamp,
    TxnId,
};
use payment_store::{
    Applied, ClosedCase, DueRefund, DueRefunds, NewCase, NewRefund, RefundChange, RefundCursor, RefundDue,
    RefundKey, RefundNote, RefundQuery, RefundRequested, RefundRow, Refunds, RequestDigest, StoreError,
    TenantScope,
};
use rusqlite::{Connection, Row, params};

use crate::audit::append_audit;
use crate::failure::Failure;
use crate::rows::{self, Columns};
use crate::{SqliteStore, attention, cancelling, jobs, outbox, transactions};

const TABLE: &str = "eg_pg_transaction_refund";

/// The columns of a [`RefundRow`], in its order.
const SELECT: &str = "
    SELECT original_txn_id AS txn_id, refund_id, tenant_id, gateway, service_code, gateway_txn_id, status,
        workflow_status, currency, captured_minor, amount_minor, capture_key, consumer_code, requested_by,
        approved_by, second_approved_by, waiver, case_id, receipt_status, created_time, last_updated_by,
        last_updated_time, version, details, request_digest
    FROM eg_pg_transaction_refund";

#[async_trait]
impl Refunds for SqliteStore {
    async fn request_refund(&self, new: NewRefund) -> Result<RefundRequested, StoreError> {
        let row = RefundRow::of(&new.refund).map_err(Failure::Unwritable)?;
        let clock = self.clock();
        Ok(self.writer.write(move |conn| request(conn, &new, &row, clock.now())).await?)
    }

    async fn apply_refund(&self, change: RefundChange) -> Result<Applied, StoreError> {
        let row = RefundRow::of(&change.refund).map_err(Failure::Unwritable)?;
        let clock = self.clock();
        Ok(self.writer.write(move |conn| apply(conn, &change, &row, clock.now())).await?)
    }

    async fn note_refund(&self, note: RefundNote) -> Result<Applied, StoreError> {
        let clock = self.clock();
        Ok(self.writer.write(move |conn| self::note(conn, &note, clock.now())).await?)
    }

    async fn refund(
        &self,
        id: &RefundId,
        within: Option<&[TenantScope]>,
    ) -> Result<Option<Refund>, StoreError> {
        let query = RefundQuery {
            refund_id: Some(id.clone()),
            within: within.map(<[TenantScope]>::to_vec),
            ..RefundQuery::default()
        };
        Ok(self.readers.read(move |conn| searching::search(conn, &query)).await?.pop())
    }

    async fn refund_of_key(&self, key: &RefundKey) -> Result<Option<(Refund, RequestDigest)>, StoreError> {
        let key = key.clone();
        Ok(self.readers.read(move |conn| of_key(conn, &key)).await?)
    }

    async fn refunds_of(&self, id: &TxnId) -> Result<Vec<Refund>, StoreError> {
        let id = id.clone();
        let of = move |conn: &Connection| {
            let sql = format!("{SELECT} WHERE original_txn_id = ?1 ORDER BY created_time, refund_id");
            rows::all(conn, &sql, [id.as_str()], read)
        };
        Ok(self.readers.read(of).await?)
    }

    async fn refund_history(&self, id: &RefundId) -> Result<Vec<RefundHistoryEntry>, StoreError> {
        const HISTORY: &str = "
            SELECT txn_id, refund_id, at_time, actor_kind, actor_id, from_status, to_status, why, evidence
            FROM eg_pg_refund_history WHERE refund_id = ?1 ORDER BY entry_number";
        let id = id.clone();
        let history = move |conn: &Connection| rows::all(conn, HISTORY, [id.as_str()], history_entry);
        Ok(self.readers.read(history).await?)
    }

    async fn search_refunds(&self, query: &RefundQuery) -> Result<Vec<Refund>, StoreError> {
        let query = query.clone();
        Ok(self.searchers.read(move |conn| searching::search(conn, &query)).await?)
    }

    async fn refunds_horizon(
        &self,
        query: &RefundQuery,
        examined: u32,
    ) -> Result<Option<Timestamp>, StoreError> {
        let query = query.clone();
        Ok(self.searchers.read(move |conn| searching::horizon(conn, &query, examined)).await?)
    }

    async fn count_refunds(&self, query: &RefundQuery) -> Result<u64, StoreError> {
        let query = query.clone();
        Ok(self.searchers.read(move |conn| searching::count(conn, &query)).await?)
    }

    async fn due_refund_gateways(&self) -> Result<Vec<GatewayName>, StoreError> {
        const GATEWAYS: &str = "
            SELECT gateway FROM eg_pg_transaction_refund WHERE due_at IS NOT NULL GROUP BY gateway
            HAVING min(due_at) <= ?1";
        let now = self.clock().now().as_millis();
        let gateways = move |conn: &Connection| {
            rows::all(conn, GATEWAYS, [now], |row| Ok(GatewayName::new(&row.get::<_, String>(0)?)))
        };
        Ok(self.readers.read(gateways).await?)
    }

    async fn due_refunds(&self, due: &DueRefunds) -> Result<Vec<DueRefund>, StoreError> {
        const DUE: &str = "
            SELECT original_txn_id AS txn_id, refund_id, workflow_status, checks, due_at
            FROM eg_pg_transaction_refund
            WHERE gateway = ?1 AND due_at <= ?2 AND (due_at, refund_id) > (?3, ?4)
            ORDER BY due_at, refund_id LIMIT ?5";
        let (due, now) = (due.clone(), self.clock().now().as_millis());
        let find = move |conn: &Connection| {
            let (at, id) = match &due.after {
                Some(place) => (place.due_at.as_millis(), place.id.as_str()),
                None => (i64::MIN, ""),
            };
            rows::all(conn, DUE, params![due.gateway.as_str(), now, at, id, due.limit], read_due)
        };
        Ok(self.readers.read(find).await?)
    }
}

fn request(
    conn: &Connection,
    new: &NewRefund,
    row: &RefundRow,
    now: Timestamp,
) -> Result<RefundRequested, Failure> {
    const PAYMENT: &str = "SELECT 1 FROM eg_pg_transactions WHERE txn_id = ?1";
    const KNOWN: &str = "SELECT 1 FROM eg_pg_transaction_refund WHERE refund_id = ?1";
    let refund = &new.refund;
    if !conn.prepare_cached(PAYMENT)?.exists([refund.txn_id.as_str()])? {
        return Ok(RefundRequested::NoPayment);
    }
    if let Some((key, _)) = &new.key
        && let Some((known, digest)) = of_key(conn, key)?
    {
        return Ok(RefundRequested::KeyTaken { refund: Box::new(known), digest });
    }
    let available = available(conn, refund)?;
    if new.expected_available.is_some_and(|expected| expected != available) {
        return Ok(RefundRequested::AvailableDiffers { available });
    }
    if refund.amount.minor() > available.minor() {
        return Ok(RefundRequested::Exceeds { available });
    }
    if conn.prepare_cached(KNOWN)?.exists([refund.id.as_str()])? {
        return Ok(RefundRequested::IdTaken);
    }
    insert(conn, new, row, now)?;
    for line in &new.history {
        append_history(conn, line)?;
    }
    outbox::append(conn, &new.events, refund.audit.created_at)?;
    if new.cancels_receipt {
        cancelling::demand(conn, refund, false, now)?;
    }
    append_audit(conn, &new.audit)?;
    Ok(RefundRequested::Stored)
}

fn insert(conn: &Connection, new: &NewRefund, row: &RefundRow, now: Timestamp) -> Result<(), Failure> {
    let key = new.key.as_ref();
    conn.prepare_cached(
        "INSERT INTO eg_pg_transaction_refund (
             refund_id, original_txn_id, tenant_id, gateway, service_code, gateway_txn_id, status, workflow_status,
             currency, captured_minor, amount_minor, capture_key, consumer_code, requested_by, waiver, case_id,
             receipt_status, created_time, version, details, request_scope, request_key, request_digest, due_at,
             checks)
         VALUES (?1, ?2, ?3, ?4, ?5, ?6, ?7, ?8, ?9, ?10, ?11, ?12, ?13, ?14, ?15, ?16, ?17, ?18, ?19, ?20, ?21,
             ?22, ?23, ?24, 0)",
    )?
    .execute(params![
        row.refund_id,
        row.txn_id,
        row.tenant_id,
        row.gateway,
        row.service_code,
        row.gateway_txn_id,
        row.status,
        row.workflow_status,
        row.currency,
        row.captured_minor,
        row.amount_minor,
        row.capture_key,
        row.consumer_code,
        row.requested_by,
        row.waiver,
        row.case_id,
        row.receipt_status,
        row.created_at,
        row.version,
        row.rest,
        key.map(|(key, _)| key.scope.as_str()),
        key.map(|(key, _)| key.key.as_str()),
        key.map(|(_, digest)| digest.as_slice()),
        due_at(new.due, now),
    ])?;
    Ok(())
}

fn apply(
    conn: &Connection,
    change: &RefundChange,
    row: &RefundRow,
    now: Timestamp,
) -> Result<Applied, Failure> {
    if jobs::is_over(conn, change.fence.as_ref())? {
        return Ok(Applied::Fenced);
    }
    if !cancelling::is_possible(conn, &change.refund, &change.cancellation)? {
        return Ok(Applied::Stale);
    }
    let updated = conn
        .prepare_cached(
            "UPDATE eg_pg_transaction_refund SET
                 version = ?2, status = ?3,
                 checks = CASE WHEN ?12 THEN checks WHEN workflow_status = ?4 THEN checks + 1 ELSE 0 END,
                 workflow_status = ?4, approved_by = ?5, second_approved_by = ?6, receipt_status = ?7, details = ?8,
                 last_updated_by = ?9, last_updated_time = ?10,
                 due_at = CASE WHEN ?12 THEN due_at ELSE ?11 END
             WHERE refund_id = ?1 AND version = ?2 - 1",
        )?
        .execute(params![
            row.refund_id,
            row.version,
            row.status,
            row.workflow_status,
            row.approved_by,
            row.second_approved_by,
            row.receipt_status,
            row.rest,
            row.modified_by,
            row.modified_at,
            due_at(change.due, now),
            change.due == RefundDue::Unchanged,
        ])?;
    if updated == 0 {
        return Ok(Applied::Stale);
    }
    cancelling::apply(conn, &change.refund, &change.cancellation, now)?;
    append_history(conn, &change.history)?;
    outbox::append(conn, &change.events, change.history.at)?;
    if let Some(case) = &change.case {
        raise(conn, case)?;
    }
    if let Some(ClosedCase { id, resolution, history, release }) = &change.closes {
        attention::resolve(conn, (*id).into(), resolution, history, &[], release)?;
    }
    append_audit(conn, &change.audit)?;
    Ok(Applied::Stored)
}

fn note(conn: &Connection, note: &RefundNote, now: Timestamp) -> Result<Applied, Failure> {
    if jobs::is_over(conn, note.fence.as_ref())? {
        return Ok(Applied::Fenced);
    }
    let noted = conn
        .prepare_cached(
            "UPDATE eg_pg_transaction_refund
             SET checks = checks + 1, due_at = CASE WHEN ?4 THEN due_at ELSE ?3 END
             WHERE refund_id = ?1 AND version = ?2",
        )?
        .execute(params![
            note.id.as_str(),
            note.version,
            due_at(note.due, now),
            note.due == RefundDue::Unchanged
        ])?;
    if noted == 0 {
        return Ok(Applied::Stale);
    }
    if let Some(line) = &note.history {
        append_history(conn, line)?;
    }
    Ok(Applied::Stored)
}

/// Milliseconds since 1970; NULL is never.
fn due_at(due: RefundDue, now: Timestamp) -> Option<i64> {
    match due {
        RefundDue::In(delay) => Some(now.plus(delay).as_millis()),
        RefundDue::Never | RefundDue::Unchanged => None,
    }
}

/// The refundable rest of the capture that a refund names; nothing, where other refunds contradict it.
fn available(conn: &Connection, refund: &Refund) -> Result<Money, Failure> {
    const LEFT: &str = "
        SELECT min(?3, coalesce(min(captured_minor), ?3)) - coalesce(sum(amount_minor), 0)
        FROM eg_pg_transaction_refund
        WHERE original_txn_id = ?1 AND capture_key = ?2
            AND workflow_status IN ('REQUESTED', 'APPROVED', 'SENT', 'SUCCEEDED')";
    let captured = refund.capture.amount;
    let left: i64 = conn
        .prepare_cached(LEFT)?
        .query_row(params![refund.txn_id.as_str(), refund.capture.key(), captured.minor()], |row| {
            row.get(0)
        })?;
    Money::from_minor(left.max(0), captured.currency()).map_err(|_| Failure::OutOfRange)
}

fn of_key(conn: &Connection, key: &RefundKey) -> Result<Option<(Refund, RequestDigest)>, Failure> {
    let sql = format!("{SELECT} WHERE request_scope = ?1 AND request_key = ?2");
    let mut statement = conn.prepare_cached(&sql)?;
    let mut found = statement.query([&key.scope, &key.key])?;
    let Some(row) = found.next()? else { return Ok(None) };
    let digest = row.get::<_, Option<Vec<u8>>>("request_digest")?.unwrap_or_default();
    let refund = read(row)?;
    let unreadable =
        |_| Failure::Unreadable { table: TABLE, owner: refund.txn_id.to_string(), column: "request_digest" };
    let digest = RequestDigest::try_from(digest.as_slice()).map_err(unreadable)?;
    Ok(Some((refund, digest)))
}

fn append_history(conn: &Connection, entry: &RefundHistoryEntry) -> Result<(), Failure> {
    conn.prepare_cached(
        "INSERT INTO eg_pg_refund_history (
             refund_id, entry_number, txn_id, at_time, actor_kind, actor_id, from_status, to_status, why, evidence)
         VALUES (?1, (SELECT coalesce(max(entry_number), 0) + 1 FROM eg_pg_refund_history WHERE refund_id = ?1),
             ?2, ?3, ?4, ?5, ?6, ?7, ?8, ?9)",
    )?
    .execute(params![
        entry.refund_id.as_str(),
        entry.txn_id.as_str(),
        entry.at.as_millis(),
        entry.actor.kind.as_str(),
        entry.actor.id,
        entry.from.map(RefundStatus::as_str),
        entry.to.as_str(),
        entry.why,
        entry.evidence.to_string(),
    ])?;
    Ok(())
}

/// Raises a case; one that was resolved is opened again.
fn raise(conn: &Connection, new: &NewCase) -> Result<(), Failure> {
    if !attention::insert(conn, &new.case)? {
        conn.prepare_cached(
            "UPDATE eg_pg_attention SET
                 raised_at = ?3, evidence = ?4, resolved_at = NULL, resolved_by = NULL, resolution = NULL
             WHERE txn_id = ?1 AND kind = ?2 AND resolved_at IS NOT NULL",
        )?
        .execute(params![
            new.case.txn_id.as_str(),
            new.case.kind.as_str(),
            new.case.raised_at.as_millis(),
            new.case.evidence.to_string(),
        ])?;
    }
    transactions::append(conn, Some(&new.history), &new.events, new.history.at)
}

pub(crate) fn read(row: &Row<'_>) -> Result<Refund, Failure> {
    let columns = Columns::of(row, TABLE)?;
    let stored = RefundRow {
        txn_id: columns.txn_id()?.to_string(),
        refund_id: columns.get("refund_id")?,
        tenant_id: columns.get("tenant_id")?,
        gateway: columns.get("gateway")?,
        service_code: columns.get("service_code")?,
        gateway_txn_id: columns.get("gateway_txn_id")?,
        status: columns.get("status")?,
        workflow_status: columns.get("workflow_status")?,
        currency: columns.get("currency")?,
        captured_minor: columns.get("captured_minor")?,
        amount_minor: columns.get("amount_minor")?,
        capture_key: columns.get("capture_key")?,
        consumer_code: columns.get("consumer_code")?,
        requested_by: columns.get("requested_by")?,
        approved_by: columns.get("approved_by")?,
        second_approved_by: columns.get("second_approved_by")?,
        waiver: columns.get("waiver")?,
        case_id: columns.get("case_id")?,
        receipt_status: columns.get("receipt_status")?,
        created_at: columns.get("created_time")?,
        modified_by: columns.get("last_updated_by")?,
        modified_at: columns.get("last_updated_time")?,
        version: columns.get("version")?,
        rest: columns.get("details")?,
    };
    stored.read().map_err(|column| columns.unreadable(column))
}

fn read_due(row: &Row<'_>) -> Result<DueRefund, Failure> {
    let columns = Columns::of(row, TABLE)?;
    let id = RefundId::stored(columns.get::<String>("refund_id")?);
    Ok(DueRefund {
        txn_id: columns.txn_id()?,
        status: columns.read("workflow_status", RefundStatus::from_word)?,
        checks: columns.get("checks")?,
        place: RefundCursor { due_at: columns.moment("due_at")?, id: id.clone() },
        id,
    })
}

fn history_entry(row: &Row<'_>) -> Result<RefundHistoryEntry, Failure> {
    let columns = Columns::of(row, "eg_pg_refund_history")?;
    Ok(RefundHistoryEntry {
        txn_id: columns.txn_id()?,
        refund_id: RefundId::stored(columns.get::<String>("refund_id")?),
        at: columns.moment("at_time")?,
        actor: Actor {
            kind: columns.read("actor_kind", ActorKind::from_word)?,
            id: columns.get("actor_id")?,
        },
        from: columns.read_optional("from_status", RefundStatus::from_word)?,
        to: columns.read("to_status", RefundStatus::from_word)?,
        why: columns.get("why")?,
        evidence: columns.read("evidence", rows::json)?,
    })
}
