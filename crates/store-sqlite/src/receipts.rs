//! The written-down duties to issue receipts, and the leases under which they are carried out.

use payment_domain::{Timestamp, TxnId};
use payment_store::{Lease, ReceiptDuty};
use rusqlite::{Connection, Row, params};

use crate::failure::Failure;
use crate::rows::{self, Columns};

const COLUMNS: &str = "txn_id, due_at, attempts, lease_token, lease_until, last_error";

/// Stores a new duty.
pub(crate) fn arises(conn: &Connection, duty: &ReceiptDuty) -> Result<(), Failure> {
    conn.prepare_cached(&format!(
        "INSERT INTO eg_pg_receipt_duties ({COLUMNS}) VALUES (?1, ?2, ?3, ?4, ?5, ?6)"
    ))?
    .execute(params![
        duty.txn_id.as_str(),
        duty.due_at.as_millis(),
        duty.attempts,
        duty.lease.as_ref().map(|lease| &lease.token),
        duty.lease.as_ref().map(|lease| lease.until.as_millis()),
        duty.last_error,
    ])?;
    Ok(())
}

/// Whether the duty is there and leased under this token.
pub(crate) fn is_leased(conn: &Connection, id: &TxnId, lease_token: &str) -> Result<bool, Failure> {
    Ok(conn
        .prepare_cached("SELECT 1 FROM eg_pg_receipt_duties WHERE txn_id = ?1 AND lease_token = ?2")?
        .exists([id.as_str(), lease_token])?)
}

/// Strikes a duty off.
pub(crate) fn done(conn: &Connection, id: &TxnId) -> Result<(), Failure> {
    conn.prepare_cached("DELETE FROM eg_pg_receipt_duties WHERE txn_id = ?1")?.execute([id.as_str()])?;
    Ok(())
}

/// The duty of a transaction.
pub(crate) fn of(conn: &Connection, id: &TxnId) -> Result<Option<ReceiptDuty>, Failure> {
    let mut statement =
        conn.prepare_cached(&format!("SELECT {COLUMNS} FROM eg_pg_receipt_duties WHERE txn_id = ?1"))?;
    let mut found = statement.query([id.as_str()])?;
    found.next()?.map(read).transpose()
}

/// Leases what is due and free, longest due first.
pub(crate) fn lease(
    conn: &Connection,
    now: Timestamp,
    lease: &Lease,
    limit: u32,
) -> Result<Vec<ReceiptDuty>, Failure> {
    let mut statement = conn.prepare_cached(&format!(
        "UPDATE eg_pg_receipt_duties SET lease_token = ?1, lease_until = ?2
         WHERE txn_id IN (
             SELECT txn_id FROM eg_pg_receipt_duties
             WHERE due_at <= ?3 AND (lease_until IS NULL OR lease_until <= ?3)
             ORDER BY due_at, txn_id LIMIT ?4)
         RETURNING {COLUMNS}"
    ))?;
    let leased = params![lease.token, lease.until.as_millis(), now.as_millis(), limit];
    let mut duties = rows::all(&mut statement, leased, read)?;
    // The order of what an UPDATE returns is SQLite's own.
    duties.sort_by(|one, other| (one.due_at, &one.txn_id).cmp(&(other.due_at, &other.txn_id)));
    Ok(duties)
}

/// Gives a leased duty back; `false` when the lease is no longer held.
pub(crate) fn postpone(
    conn: &Connection,
    id: &TxnId,
    lease_token: &str,
    due_at: Timestamp,
    reason: &str,
) -> Result<bool, Failure> {
    let changed = conn
        .prepare_cached(
            "UPDATE eg_pg_receipt_duties SET
                 due_at = ?3, last_error = ?4, attempts = attempts + 1, lease_token = NULL, lease_until = NULL
             WHERE txn_id = ?1 AND lease_token = ?2",
        )?
        .execute(params![id.as_str(), lease_token, due_at.as_millis(), reason])?;
    Ok(changed > 0)
}

fn read(row: &Row<'_>) -> Result<ReceiptDuty, Failure> {
    let columns = Columns::of(row, "eg_pg_receipt_duties")?;
    Ok(ReceiptDuty {
        txn_id: columns.txn_id()?,
        due_at: columns.moment("due_at")?,
        attempts: columns.get("attempts")?,
        lease: match (columns.get("lease_token")?, columns.optional_moment("lease_until")?) {
            (Some(token), Some(until)) => Some(Lease { token, until }),
            // A check sees to it that both are there or none.
            (None, _) | (_, None) => None,
        },
        last_error: columns.get("last_error")?,
    })
}
