//! The effect of a refund's change on the receipt of its payment.

use payment_domain::{Refund, Timestamp};
use payment_store::CancellationChange;
use rusqlite::{Connection, OptionalExtension, params};

use crate::failure::Failure;
use crate::{claims, transactions};

/// Whether the effect can be stored.
pub(crate) fn is_possible(
    conn: &Connection,
    refund: &Refund,
    change: &CancellationChange,
) -> Result<bool, Failure> {
    match change {
        CancellationChange::None | CancellationChange::Due { .. } => Ok(true),
        CancellationChange::Completed { lease_token, .. } => Ok(conn
            .prepare_cached(
                "SELECT 1 FROM eg_pg_receipt_cancellations
                 WHERE txn_id = ?1 AND lease_token = ?2 AND outcome IS NULL",
            )?
            .exists([refund.txn_id.as_str(), lease_token])?),
    }
}

/// Stores an effect that [`is_possible`].
pub(crate) fn apply(
    conn: &Connection,
    refund: &Refund,
    change: &CancellationChange,
    now: Timestamp,
) -> Result<(), Failure> {
    match change {
        CancellationChange::None => Ok(()),
        CancellationChange::Due { frees_bills } => demand(conn, refund, *frees_bills, now),
        CancellationChange::Completed { outcome, history, bills, .. } => {
            let frees_bills = conn
                .prepare_cached(
                    "UPDATE eg_pg_receipt_cancellations
                     SET outcome = ?2, lease_token = NULL, lease_until = NULL
                     WHERE txn_id = ?1 RETURNING frees_bills",
                )?
                .query_row([refund.txn_id.as_str(), outcome.as_str()], |row| row.get::<_, bool>(0))
                .optional()?;
            transactions::append(conn, Some(history), &[], history.at)?;
            if frees_bills == Some(true) {
                claims::release(conn, &refund.txn_id, bills)?;
            }
            Ok(())
        }
    }
}

/// The receipt of the payment is to be cancelled, at once; a task that exists is open again.
pub(crate) fn demand(
    conn: &Connection,
    refund: &Refund,
    frees_bills: bool,
    now: Timestamp,
) -> Result<(), Failure> {
    conn.prepare_cached(
        "INSERT INTO eg_pg_receipt_cancellations AS known (txn_id, refund_id, frees_bills, due_at, attempts)
         VALUES (?1, ?2, ?3, ?4, 0)
         ON CONFLICT (txn_id) DO UPDATE SET refund_id = excluded.refund_id, outcome = NULL,
             frees_bills = max(known.frees_bills, excluded.frees_bills),
             due_at = min(known.due_at, excluded.due_at)",
    )?
    .execute(params![refund.txn_id.as_str(), refund.id.as_str(), frees_bills, now.as_millis()])?;
    // The receipt is not to be issued any more: that task is concluded at once.
    conn.prepare_cached("UPDATE eg_pg_receipt_duties SET due_at = min(due_at, ?2) WHERE txn_id = ?1")?
        .execute(params![refund.txn_id.as_str(), now.as_millis()])?;
    Ok(())
}
