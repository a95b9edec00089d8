//! The written-down tasks to issue receipts, and the leases under which they are carried out.

use payment_domain::{Timestamp, TxnId};
use payment_store::lease::FARTHEST_END;
use payment_store::{
    ClaimedReceiptTask, Lease, NewReceiptTask, Postponement, ReceiptTask, ReceiptTaskClaim, Tried,
};
use rusqlite::{Connection, Row, params};

use crate::failure::Failure;
use crate::rows::{self, Columns};

const COLUMNS: &str = "txn_id, due_at, attempts, lease_token, lease_until, last_error, unclear_at";
/// Many tokens in one value.
const TOKENS: &str = "SELECT value FROM json_each(?5)";

/// Stores a new task.
pub(crate) fn arises(
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

/// Whether the task is there and leased under this token.
pub(crate) fn is_leased(conn: &Connection, id: &TxnId, lease_token: &str) -> Result<bool, Failure> {
    Ok(conn
        .prepare_cached("SELECT 1 FROM eg_pg_receipt_duties WHERE txn_id = ?1 AND lease_token = ?2")?
        .exists([id.as_str(), lease_token])?)
}

/// Strikes a task off.
pub(crate) fn done(conn: &Connection, id: &TxnId) -> Result<(), Failure> {
    conn.prepare_cached("DELETE FROM eg_pg_receipt_duties WHERE txn_id = ?1")?.execute([id.as_str()])?;
    Ok(())
}

/// The task of a transaction.
pub(crate) fn of(conn: &Connection, id: &TxnId) -> Result<Option<ReceiptTask>, Failure> {
    let mut statement =
        conn.prepare_cached(&format!("SELECT {COLUMNS} FROM eg_pg_receipt_duties WHERE txn_id = ?1"))?;
    let mut found = statement.query([id.as_str()])?;
    found.next()?.map(read).transpose()
}

/// Leases what is due and free, longest due first.
pub(crate) fn claim(
    conn: &Connection,
    claim: &ReceiptTaskClaim,
    now: Timestamp,
) -> Result<Vec<ClaimedReceiptTask>, Failure> {
    let mut statement = conn.prepare_cached(&format!(
        "UPDATE eg_pg_receipt_duties SET
             unclear_at = CASE WHEN lease_until IS NULL THEN unclear_at ELSE min(lease_until, ?3) END,
             lease_token = ?1, lease_until = ?2
         WHERE txn_id IN (
             SELECT txn_id FROM eg_pg_receipt_duties
             WHERE due_at <= ?3 AND (lease_until IS NULL
                 OR ((lease_until <= ?3 OR lease_until > ?6) AND lease_token IN ({TOKENS})))
             ORDER BY due_at, txn_id LIMIT ?4)
         RETURNING {COLUMNS}"
    ))?;
    let values = params![
        claim.lease_token,
        now.plus(claim.lease).as_millis(),
        now.as_millis(),
        claim.limit,
        serde_json::Value::from(claim.abandoned.as_slice()).to_string(),
        now.plus(FARTHEST_END).as_millis(),
    ];
    let mut tasks = rows::all(&mut statement, values, read)?;
    // The order of what an UPDATE returns is SQLite's own.
    tasks.sort_by(|one, other| (one.due_at, &one.txn_id).cmp(&(other.due_at, &other.txn_id)));
    let claimed = |task: ReceiptTask| ClaimedReceiptTask {
        txn_id: task.txn_id,
        attempts: task.attempts,
        unclear_for: task.unclear_at.map(|at| now.since(at)),
    };
    Ok(tasks.into_iter().map(claimed).collect())
}

/// The leases under which tasks are, the first to end first.
pub(crate) fn leases(conn: &Connection, limit: u32) -> Result<Vec<Lease>, Failure> {
    let mut statement = conn.prepare_cached(
        "SELECT DISTINCT lease_until, lease_token FROM eg_pg_receipt_duties WHERE lease_until IS NOT NULL
         ORDER BY lease_until, lease_token LIMIT ?1",
    )?;
    let read = |row: &Row<'_>| Ok(Lease { until: Timestamp::from_millis(row.get(0)?), token: row.get(1)? });
    rows::all(&mut statement, params![limit], read)
}

/// Gives a leased task back; `false` when the lease is no longer held.
pub(crate) fn postpone(
    conn: &Connection,
    postponement: &Postponement,
    now: Timestamp,
) -> Result<bool, Failure> {
    let Postponement { txn_id, lease_token, delay, reason, tried } = postponement;
    let changed = conn
        .prepare_cached(
            "UPDATE eg_pg_receipt_duties SET
                 due_at = ?3, last_error = ?4, attempts = attempts + ?5, unclear_at = coalesce(?6, unclear_at),
                 lease_token = NULL, lease_until = NULL
             WHERE txn_id = ?1 AND lease_token = ?2",
        )?
        .execute(params![
            txn_id.as_str(),
            lease_token,
            now.plus(*delay).as_millis(),
            reason,
            *tried != Tried::Looked,
            (*tried == Tried::Unclear).then_some(now.as_millis()),
        ])?;
    Ok(changed > 0)
}

fn read(row: &Row<'_>) -> Result<ReceiptTask, Failure> {
    let columns = Columns::of(row, "eg_pg_receipt_duties")?;
    Ok(ReceiptTask {
        txn_id: columns.txn_id()?,
        due_at: columns.moment("due_at")?,
        attempts: columns.get("attempts")?,
        lease: match (columns.get("lease_token")?, columns.optional_moment("lease_until")?) {
            (Some(token), Some(until)) => Some(Lease { token, until }),
            // A check sees to it that both are there or none.
            (None, _) | (_, None) => None,
        },
        last_error: columns.get("last_error")?,
        unclear_at: columns.optional_moment("unclear_at")?,
    })
}
