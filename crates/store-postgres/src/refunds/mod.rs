//! Refunds. The row of the payment is locked before one of its refunds is stored or changed, so that the sum
//! of its refunds is decided by one writer at a time; a trigger refuses a sum above the captured amount.

mod columns;
mod due;
mod searching;

use async_trait::async_trait;
use payment_domain::{
    Actor, ActorKind, AuditEntry, Currency, Event, GatewayName, Money, Refund, RefundHistoryEntry, RefundId,
    RefundStatus, Timestamp, TxnId,
};
use payment_store::{
    Applied, ClosedCase, DueRefund, DueRefunds, NewCase, NewRefund, RefundChange, RefundDue, RefundKey,
    RefundNote, RefundQuery, RefundRequested, RefundRow, Refunds, RequestDigest, StoreError, TenantScope,
};
use tokio_postgres::Row;
use tokio_postgres::types::ToSql;

pub(crate) use self::columns::{RefundColumns, read};
pub(crate) use self::searching::whole;

use crate::PostgresStore;
use crate::audit::commit_with_audit;
use crate::clock::present;
use crate::connections::{Step, Transaction};
use crate::failure::Failure;
use crate::jobs::begin_fenced;
use crate::parameters::{Parameter, Rows, storable};
use crate::rows::{self, Columns};
use crate::transactions::{append, lock_status};
use crate::{attention, cancelling, outbox};

#[async_trait]
impl Refunds for PostgresStore {
    async fn request_refund(&self, new: NewRefund) -> Result<RefundRequested, StoreError> {
        let refund = &new.refund;
        let transaction = self.db.begin().await?;
        // With the payment's row locked no other refund of it is stored.
        if lock_status(&transaction, &refund.txn_id).await?.is_none() {
            transaction.roll_back().await;
            return Ok(RefundRequested::NoPayment);
        }
        if let Some((key, _)) = &new.key
            && let Some((known, digest)) = self.of_key(&transaction, key).await?
        {
            transaction.roll_back().await;
            return Ok(RefundRequested::KeyTaken { refund: Box::new(known), digest });
        }
        let available = available(&transaction, refund).await?;
        if new.expected_available.is_some_and(|expected| expected != available) {
            transaction.roll_back().await;
            return Ok(RefundRequested::AvailableDiffers { available });
        }
        if refund.amount.minor() > available.minor() {
            transaction.roll_back().await;
            return Ok(RefundRequested::Exceeds { available });
        }
        if !self.insert(&transaction, &new).await? {
            transaction.roll_back().await;
            return Ok(RefundRequested::IdTaken);
        }
        if new.cancels_receipt {
            cancelling::demand(&transaction, refund, false, self.clock.now()).await?;
        }
        let lines: Vec<&RefundHistoryEntry> = new.history.iter().collect();
        let events = (new.events.as_slice(), refund.audit.created_at);
        commit_with_record(transaction, &lines, events, &new.audit).await?;
        Ok(RefundRequested::Stored)
    }

    async fn apply_refund(&self, change: RefundChange) -> Result<Applied, StoreError> {
        let refund = &change.refund;
        let Some(transaction) = begin_fenced(&self.db, change.fence.as_ref()).await? else {
            return Ok(Applied::Fenced);
        };
        lock_status(&transaction, &refund.txn_id).await?;
        if !self.update(&transaction, &change).await? {
            transaction.roll_back().await;
            return Ok(Applied::Stale);
        }
        if !cancelling::apply(&transaction, refund, &change.cancellation, self.clock.now()).await? {
            transaction.roll_back().await;
            return Ok(Applied::Stale);
        }
        if let Some(case) = &change.case {
            raise(&transaction, case).await?;
        }
        if let Some(ClosedCase { id, resolution, history, release }) = &change.closes {
            attention::resolve(&transaction, (*id).into(), resolution, history, &[], release).await?;
        }
        let events = (change.events.as_slice(), change.history.at);
        commit_with_record(transaction, &[&change.history], events, &change.audit).await?;
        Ok(Applied::Stored)
    }

    async fn note_refund(&self, note: RefundNote) -> Result<Applied, StoreError> {
        let now = present("$3");
        let sql = format!(
            "UPDATE eg_pg_transaction_refund SET pg_checks = pg_checks + 1,
                 pg_due_at = CASE WHEN $5 THEN pg_due_at ELSE {now} + $4 END
             WHERE refund_id = $1 AND pg_version = $2 RETURNING refund_id"
        );
        let Some(transaction) = begin_fenced(&self.db, note.fence.as_ref()).await? else {
            return Ok(Applied::Fenced);
        };
        let due = due::delay(note.due);
        let (version, given) = (i64::from(note.version), self.clock.now().0);
        let stays = note.due == RefundDue::Unchanged;
        let noted = transaction.rows(&sql, &[&note.id.as_str(), &version, &given, &due, &stays]).await?;
        if noted.is_empty() {
            transaction.roll_back().await;
            return Ok(Applied::Stale);
        }
        let Some(line) = &note.history else {
            transaction.commit().await?;
            return Ok(Applied::Stored);
        };
        commit_with_record(transaction, &[line], (&[], line.at), &[]).await?;
        Ok(Applied::Stored)
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
        Ok(self.search_refunds(&query).await?.pop())
    }

    async fn refund_of_key(&self, key: &RefundKey) -> Result<Option<(Refund, RequestDigest)>, StoreError> {
        let values = [storable(&key.scope), storable(&key.key)];
        let found = self.db.ask(&self.refunds.of_key, &[&values[0], &values[1]]).await?;
        Ok(found.first().map(columns::read_with_digest).transpose()?)
    }

    async fn refunds_of(&self, id: &TxnId) -> Result<Vec<Refund>, StoreError> {
        let found = self.db.ask(&self.refunds.of_payment, &[&id.as_str()]).await?;
        Ok(rows::all(&found, columns::read)?)
    }

    async fn refund_history(&self, id: &RefundId) -> Result<Vec<RefundHistoryEntry>, StoreError> {
        const HISTORY: &str = "
            SELECT txn_id, refund_id, at_time, actor_kind, actor_id, from_status, to_status, why, evidence::text
            FROM eg_pg_refund_history WHERE refund_id = $1 ORDER BY entry_number";
        Ok(rows::all(&self.db.ask(HISTORY, &[&id.as_str()]).await?, history_entry)?)
    }

    async fn search_refunds(&self, query: &RefundQuery) -> Result<Vec<Refund>, StoreError> {
        Ok(searching::search(self, query).await?)
    }

    async fn refunds_horizon(
        &self,
        query: &RefundQuery,
        examined: u32,
    ) -> Result<Option<Timestamp>, StoreError> {
        Ok(searching::horizon(self, query, examined).await?)
    }

    async fn count_refunds(&self, query: &RefundQuery) -> Result<u64, StoreError> {
        Ok(searching::count(self, query).await?)
    }

    async fn due_refund_gateways(&self) -> Result<Vec<GatewayName>, StoreError> {
        Ok(due::gateways(self).await?)
    }

    async fn due_refunds(&self, due: &DueRefunds) -> Result<Vec<DueRefund>, StoreError> {
        Ok(due::find(self, due).await?)
    }
}

impl PostgresStore {
    async fn of_key(
        &self,
        transaction: &Transaction,
        key: &RefundKey,
    ) -> Result<Option<(Refund, RequestDigest)>, Failure> {
        let values = [storable(&key.scope), storable(&key.key)];
        let found = transaction.rows(&self.refunds.of_key, &[&values[0], &values[1]]).await?;
        found.first().map(columns::read_with_digest).transpose()
    }

    /// `false` when a refund of this id or key exists.
    async fn insert(&self, transaction: &Transaction, new: &NewRefund) -> Result<bool, Failure> {
        let row = RefundRow::of(&new.refund).map_err(|_| Failure::Unwritable)?;
        let (scope, key, digest) = match &new.key {
            Some((key, digest)) => {
                (Some(storable(&key.scope)), Some(storable(&key.key)), Some(digest.as_slice()))
            }
            None => (None, None, None),
        };
        let cut = |column: &str, text: &str| self.column_limits.cut(column, text).into_owned();
        let (captured, amount) = (new.refund.capture.amount.to_string(), new.refund.amount.to_string());
        let details = row.rest.as_deref().map(storable);
        let inserted = transaction
            .rows(
                &self.refunds.insert,
                &[
                    &row.refund_id,
                    &storable(&row.tenant_id),
                    &row.txn_id,
                    &cut("service_code", row.service_code.as_deref().unwrap_or_default()),
                    &captured,
                    &amount,
                    &row.gateway_txn_id.as_deref().map(|number| cut("gateway_txn_id", number)),
                    &row.gateway,
                    &row.status,
                    &cut("created_by", &row.requested_by),
                    &row.created_at,
                    &row.version,
                    &row.workflow_status,
                    &row.currency,
                    &row.captured_minor,
                    &row.amount_minor,
                    &storable(&row.capture_key),
                    &storable(&row.consumer_code),
                    &storable(&row.requested_by),
                    &row.waiver,
                    &row.case_id,
                    &row.receipt_status,
                    &details,
                    &scope,
                    &key,
                    &digest,
                    &self.clock.now().0,
                    &due::delay(new.due),
                ],
            )
            .await?;
        Ok(!inserted.is_empty())
    }

    /// `false` when the stored refund is not at the version before.
    async fn update(&self, transaction: &Transaction, change: &RefundChange) -> Result<bool, Failure> {
        let refund = &change.refund;
        let row = RefundRow::of(refund).map_err(|_| Failure::Unwritable)?;
        let details = &refund.gateway_details;
        let cut = |column: &str, text: &Option<String>| {
            text.as_deref().map(|text| self.column_limits.cut(column, text).into_owned())
        };
        let rest = row.rest.as_deref().map(storable);
        let before = i64::from(refund.version) - 1;
        let updated = transaction
            .rows(
                &self.refunds.update,
                &[
                    &row.refund_id,
                    &before,
                    &row.status,
                    &row.workflow_status,
                    &row.approved_by.as_deref().map(storable),
                    &row.second_approved_by.as_deref().map(storable),
                    &row.receipt_status,
                    &rest,
                    &cut("gateway_status_code", &details.status_code),
                    &cut("gateway_status_msg", &details.status_message),
                    &cut("last_updated_by", &row.modified_by),
                    &row.modified_at,
                    &self.clock.now().0,
                    &due::delay(change.due),
                    &(change.due == RefundDue::Unchanged),
                ],
            )
            .await?;
        Ok(!updated.is_empty())
    }
}

/// The refundable rest of the capture that a refund names; nothing, where other refunds contradict it.
async fn available(transaction: &Transaction, refund: &Refund) -> Result<Money, Failure> {
    const LEFT: &str = "
        SELECT (least(min(pg_captured_minor), $3::bigint)
            - coalesce(sum(coalesce(pg_amount_minor, (refund_amount * 100)::bigint)), 0))::bigint
        FROM eg_pg_transaction_refund
        WHERE original_txn_id = $1 AND coalesce(pg_capture_key, '') = $2
            AND CASE WHEN pg_version IS NULL THEN upper(status) <> 'FAILURE'
                ELSE pg_status IN ('REQUESTED', 'APPROVED', 'SENT', 'SUCCEEDED') END";
    let captured = refund.capture.amount;
    let key = storable(refund.capture.key());
    let found = transaction.rows(LEFT, &[&refund.txn_id.as_str(), &key, &captured.minor()]).await?;
    let left: i64 = rows::first(&found)?.ok_or(Failure::OutOfRange)?;
    money(left, captured.currency())
}

fn money(left: i64, currency: Currency) -> Result<Money, Failure> {
    Money::from_minor(left.max(0), currency).map_err(|_| Failure::OutOfRange)
}

/// Commits a change of a refund with its record, in one exchange: lines of its history, events with their moment,
/// entries of the audit log. Its payment is locked.
async fn commit_with_record(
    transaction: Transaction,
    history: &[&RefundHistoryEntry],
    (events, at): (&[Event], Timestamp),
    audit: &[AuditEntry],
) -> Result<(), Failure> {
    const APPEND: &str = "
        INSERT INTO eg_pg_refund_history (
            refund_id, entry_number, txn_id, at_time, actor_kind, actor_id, from_status, to_status, why, evidence)
        VALUES ($1::text,
            (SELECT coalesce(max(entry_number), 0) + 1 FROM eg_pg_refund_history WHERE refund_id = $1::text),
            $2::text, $3::bigint, $4::text, $5::text, $6::text, $7::text, $8::text, $9::text::json)";
    let lines: Vec<[Parameter<'_>; 9]> = history.iter().map(|entry| history_line(entry)).collect();
    let mut steps = Vec::new();
    for line in &lines {
        steps.push(Step::new(APPEND, line.iter().map(|value| value as &(dyn ToSql + Sync)).collect()));
    }
    let mut stored = Rows::default();
    for event in events {
        outbox::row(&mut stored, event, at);
    }
    if !stored.is_empty() {
        steps.push(Step::new(outbox::STORE, stored.values()));
    }
    commit_with_audit(transaction, steps, audit).await
}

fn history_line(entry: &RefundHistoryEntry) -> [Parameter<'_>; 9] {
    [
        Parameter::text(entry.refund_id.as_str()),
        Parameter::text(entry.txn_id.as_str()),
        Parameter::moment(entry.at),
        Parameter::text(entry.actor.kind.as_str()),
        Parameter::text(&entry.actor.id),
        Parameter::optional(entry.from.map(RefundStatus::as_str)),
        Parameter::text(entry.to.as_str()),
        Parameter::text(&entry.why),
        Parameter::owned(storable(&entry.evidence.to_string()).into_owned()),
    ]
}

/// Raises a case of a payment that is locked; one that was resolved is opened again.
async fn raise(transaction: &Transaction, new: &NewCase) -> Result<(), Failure> {
    const RAISE: &str = "
        INSERT INTO eg_pg_attention AS known (txn_id, kind, raised_at, evidence) VALUES ($1, $2, $3, $4::text::json)
        ON CONFLICT (txn_id, kind) DO UPDATE SET raised_at = excluded.raised_at, evidence = excluded.evidence,
            resolved_at = NULL, resolved_by = NULL, resolution = NULL
        WHERE known.resolved_at IS NOT NULL";
    let evidence = new.case.evidence.to_string();
    let (kind, raised_at) = (new.case.kind.as_str(), new.case.raised_at.as_millis());
    transaction.rows(RAISE, &[&new.case.txn_id.as_str(), &kind, &raised_at, &storable(&evidence)]).await?;
    append(transaction, Some(&new.history), &new.events, new.history.at).await
}

fn history_entry(row: &Row) -> Result<RefundHistoryEntry, Failure> {
    let columns = Columns::of(row, "eg_pg_refund_history")?;
    Ok(RefundHistoryEntry {
        txn_id: columns.txn_id(),
        refund_id: RefundId::stored(columns.get::<&str>("refund_id")?),
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
