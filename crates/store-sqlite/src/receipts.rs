//! Receipt tasks of both kinds, and the leases under which they are carried out.

use async_trait::async_trait;
use payment_domain::{RefundId, Timestamp, TxnId};
use payment_store::lease::FARTHEST_END;
use payment_store::{
    CancellationOutcome, ClaimedReceiptTask, Lease, NewReceiptTask, Postponement, ReceiptCancellation,
    ReceiptTask, ReceiptTaskClaim, ReceiptTaskKind, ReceiptTasks, StoreError, Tried,
};
use rusqlite::{Connection, Row, params};

use crate::SqliteStore;
use crate::failure::Failure;
use crate::rows::{self, Columns};

const COLUMNS: &str = "txn_id, due_at, attempts, lease_token, lease_until, last_error, unclear_at";
/// Many tokens in one value.
const TOKENS: &str = "SELECT value FROM json_each(?5)";

fn table(kind: ReceiptTaskKind) -> &'static str {
    match kind {
        ReceiptTaskKind::Issue => "eg_pg_receipt_duties",
        ReceiptTaskKind::Cancel => "eg_pg_receipt_cancellations",
    }
}

#[async_trait]
impl ReceiptTasks for SqliteStore {
    async fn receipt_task(&self, id: &TxnId) -> Result<Option<ReceiptTask>, StoreError> {
        let id = id.clone();
        let of = move |conn: &Connection| {
            let mut statement = conn
                .prepare_cached(&format!("SELECT {COLUMNS} FROM eg_pg_receipt_duties WHERE txn_id = ?1"))?;
            let mut found = statement.query([id.as_str()])?;
            found.next()?.map(read).transpose()
        };
        Ok(self.readers.read(of).await?)
    }

    async fn cancellation(&self, id: &TxnId) -> Result<Option<ReceiptCancellation>, StoreError> {
        let id = id.clone();
        let of = move |conn: &Connection| {
            let mut statement = conn.prepare_cached(&format!(
                "SELECT {COLUMNS}, refund_id, frees_bills, outcome FROM eg_pg_receipt_cancellations
                 WHERE txn_id = ?1"
            ))?;
            let mut found = statement.query([id.as_str()])?;
            found.next()?.map(read_cancellation).transpose()
        };
        Ok(self.readers.read(of).await?)
    }

    async fn claim_receipt_tasks(
        &self,
        claim: ReceiptTaskClaim,
    ) -> Result<Vec<ClaimedReceiptTask>, StoreError> {
        let clock = self.clock();
        Ok(self.writer.write(move |conn| lease(conn, &claim, clock.now())).await?)
    }

    async fn receipt_leases(&self, limit: u32) -> Result<Vec<Lease>, StoreError> {
        const LEASES: &str = "
            SELECT lease_until, lease_token FROM eg_pg_receipt_duties WHERE lease_until IS NOT NULL
            UNION
            SELECT lease_until, lease_token FROM eg_pg_receipt_cancellations WHERE lease_until IS NOT NULL
            ORDER BY lease_until, lease_token LIMIT ?1";
        let leases = move |conn: &Connection| {
            rows::all(conn, LEASES, params![limit], |row| {
                Ok(Lease { until: Timestamp::from_millis(row.get(0)?), token: row.get(1)? })
            })
        };
        Ok(self.readers.read(leases).await?)
    }

    async fn postpone_receipt_task(&self, postponement: Postponement) -> Result<bool, StoreError> {
        let clock = self.clock();
        let postpone = move |conn: &Connection| {
            let (Postponement { kind, txn_id, lease_token, delay, reason, tried }, now) =
                (&postponement, clock.now());
            let changed = conn
                .prepare_cached(&format!(
                    "UPDATE {} SET
                         due_at = ?3, last_error = ?4, attempts = attempts + ?5,
                         unclear_at = coalesce(?6, unclear_at), lease_token = NULL, lease_until = NULL
                     WHERE txn_id = ?1 AND lease_token = ?2",
                    table(*kind)
                ))?
                .execute(params![
                    txn_id.as_str(),
                    lease_token,
                    now.plus(*delay).as_millis(),
                    reason,
                    *tried != Tried::Looked,
                    (*tried == Tried::Unclear).then_some(now.as_millis()),
                ])?;
            Ok(changed > 0)
        };
        Ok(self.writer.write(postpone).await?)
    }
}

fn lease(
    conn: &Connection,
    claim: &ReceiptTaskClaim,
    now: Timestamp,
) -> Result<Vec<ClaimedReceiptTask>, Failure> {
    let table = table(claim.kind);
    // A cancellation waits until the receipt is no longer to be issued.
    let ready = match claim.kind {
        ReceiptTaskKind::Issue => "true",
        ReceiptTaskKind::Cancel => {
            "outcome IS NULL AND NOT EXISTS (SELECT 1 FROM eg_pg_receipt_duties AS issue
                 WHERE issue.txn_id = eg_pg_receipt_cancellations.txn_id)"
        }
    };
    let sql = format!(
        "UPDATE {table} SET
             unclear_at = CASE WHEN lease_until IS NULL THEN unclear_at ELSE min(lease_until, ?3) END,
             lease_token = ?1, lease_until = ?2
         WHERE txn_id IN (
             SELECT txn_id FROM {table}
             WHERE {ready} AND due_at <= ?3 AND (lease_until IS NULL
                 OR ((lease_until <= ?3 OR lease_until > ?6) AND lease_token IN ({TOKENS})))
             ORDER BY due_at, txn_id LIMIT ?4)
         RETURNING {COLUMNS}"
    );
    let values = params![
        claim.lease_token,
        now.plus(claim.lease).as_millis(),
        now.as_millis(),
        claim.limit,
        serde_json::Value::from(claim.abandoned.as_slice()).to_string(),
        now.plus(FARTHEST_END).as_millis(),
    ];
    let mut tasks = rows::all(conn, &sql, values, read)?;
    // The order of an UPDATE's rows is SQLite's own.
    tasks.sort_by(|one, other| (one.due_at, &one.txn_id).cmp(&(other.due_at, &other.txn_id)));
    let claimed = |task: ReceiptTask| ClaimedReceiptTask {
        txn_id: task.txn_id,
        attempts: task.attempts,
        unclear_for: task.unclear_at.map(|at| now.since(at)),
    };
    Ok(tasks.into_iter().map(claimed).collect())
}

/// Stores a new task.
pub(crate) fn insert(
    conn: &Connection,
    id: &TxnId,
    task: &NewReceiptTask,
    now: Timestamp,
) -> Result<(), Failure> {
    let until = now.plus(task.lease).as_millis();
    conn.prepare_cached(
        "INSERT INTO eg_pg_receipt_duties (txn_id, due_at, attempts, lease_token, lease_until)
         VALUES (?1, ?2, 0, ?3, ?4)",
    )?
    .execute(params![id.as_str(), now.as_millis(), task.lease_token, until])?;
    Ok(())
}

/// Whether the task exists and is leased under this token.
pub(crate) fn is_leased(conn: &Connection, id: &TxnId, lease_token: &str) -> Result<bool, Failure> {
    Ok(conn
        .prepare_cached("SELECT 1 FROM eg_pg_receipt_duties WHERE txn_id = ?1 AND lease_token = ?2")?
        .exists([id.as_str(), lease_token])?)
}

/// Removes a completed task.
pub(crate) fn complete(conn: &Connection, id: &TxnId) -> Result<(), Failure> {
    conn.prepare_cached("DELETE FROM eg_pg_receipt_duties WHERE txn_id = ?1")?.execute([id.as_str()])?;
    Ok(())
}

fn read(row: &Row<'_>) -> Result<ReceiptTask, Failure> {
    read_task(&Columns::of(row, "eg_pg_receipt_duties")?)
}

fn read_cancellation(row: &Row<'_>) -> Result<ReceiptCancellation, Failure> {
    let columns = Columns::of(row, "eg_pg_receipt_cancellations")?;
    let task = read_task(&columns)?;
    Ok(ReceiptCancellation {
        refund_id: RefundId::stored(columns.get::<String>("refund_id")?),
        frees_bills: columns.get("frees_bills")?,
        outcome: columns.read_optional("outcome", CancellationOutcome::from_word)?,
        task,
    })
}

fn read_task(columns: &Columns<'_, '_>) -> Result<ReceiptTask, Failure> {
    Ok(ReceiptTask {
        txn_id: columns.txn_id()?,
        due_at: columns.moment("due_at")?,
        attempts: columns.get("attempts")?,
        lease: match (columns.get("lease_token")?, columns.optional_moment("lease_until")?) {
            (Some(token), Some(until)) => Some(Lease { token, until }),
            // A constraint keeps them both set or both empty.
            (None, _) | (_, None) => None,
        },
        last_error: columns.get("last_error")?,
        unclear_at: columns.optional_moment("unclear_at")?,
    })
}
