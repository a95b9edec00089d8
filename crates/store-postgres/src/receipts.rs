//! The written-down duties to issue receipts, and the leases under which they are carried out.

use payment_domain::{Timestamp, TxnId};
use payment_store::{Lease, ReceiptDuty};
use tokio_postgres::Row;

use crate::cells::{Cell, Rows, storable};
use crate::connections::Connections;
use crate::failure::Failure;
use crate::rows::{self, Columns};

/// Stores new duties.
pub(crate) const PUT: &str = "
    INSERT INTO eg_pg_receipt_duties (txn_id, due_at, attempts, lease_token, lease_until, last_error)
    SELECT u.txn_id, u.due_at, u.attempts, u.lease_token, u.lease_until, u.last_error
    FROM unnest($1::text[], $2::bigint[], $3::bigint[], $4::text[], $5::bigint[], $6::text[])
    AS u (txn_id, due_at, attempts, lease_token, lease_until, last_error)";

/// A row of [`PUT`].
pub(crate) fn row<'a>(rows: &mut Rows<'a>, duty: &'a ReceiptDuty) {
    rows.push([
        Cell::text(duty.txn_id.as_str()),
        Cell::moment(duty.due_at),
        Cell::number(duty.attempts),
        Cell::optional(duty.lease.as_ref().map(|lease| lease.token.as_str())),
        Cell::optional_moment(duty.lease.as_ref().map(|lease| lease.until)),
        Cell::optional(duty.last_error.as_deref()),
    ]);
}

/// Locks the duties of these transactions, and says under which leases they are.
pub(crate) const LOCK: &str = "
    SELECT txn_id, lease_token FROM eg_pg_receipt_duties WHERE txn_id = ANY($1::text[])
    ORDER BY txn_id FOR UPDATE";

/// Strikes duties off.
pub(crate) const DONE: &str = "DELETE FROM eg_pg_receipt_duties WHERE txn_id = ANY($1::text[])";

/// The duty of a transaction.
pub(crate) async fn of(db: &Connections, id: &TxnId) -> Result<Option<ReceiptDuty>, Failure> {
    const OF: &str = "
        SELECT txn_id, due_at, attempts, lease_token, lease_until, last_error FROM eg_pg_receipt_duties
        WHERE txn_id = $1";
    db.ask(OF, &[&id.as_str()]).await?.first().map(read).transpose()
}

/// Leases what is due and free, longest due first. What another is about to lease is passed over.
pub(crate) async fn lease(
    db: &Connections,
    now: Timestamp,
    lease: &Lease,
    limit: u32,
) -> Result<Vec<ReceiptDuty>, Failure> {
    const LEASE: &str = "
        UPDATE eg_pg_receipt_duties AS duty SET lease_token = $1, lease_until = $2
        FROM (SELECT txn_id FROM eg_pg_receipt_duties
            WHERE due_at <= $3 AND (lease_until IS NULL OR lease_until <= $3)
            ORDER BY due_at, txn_id LIMIT $4 FOR UPDATE SKIP LOCKED) AS due
        WHERE duty.txn_id = due.txn_id
        RETURNING duty.txn_id, due_at, attempts, lease_token, lease_until, last_error";
    let until = lease.until.as_millis();
    let leased =
        db.once(LEASE, &[&storable(&lease.token), &until, &now.as_millis(), &i64::from(limit)]).await?;
    let mut duties = rows::all(&leased, read)?;
    // The order of what an UPDATE returns is PostgreSQL's own.
    duties.sort_by(|one, other| (one.due_at, &one.txn_id).cmp(&(other.due_at, &other.txn_id)));
    Ok(duties)
}

/// Gives a leased duty back; `false` when the lease is no longer held.
pub(crate) async fn postpone(
    db: &Connections,
    id: &TxnId,
    lease_token: &str,
    due_at: Timestamp,
    reason: &str,
) -> Result<bool, Failure> {
    const POSTPONE: &str = "
        UPDATE eg_pg_receipt_duties SET
            due_at = $3, last_error = $4, attempts = attempts + 1, lease_token = NULL, lease_until = NULL
        WHERE txn_id = $1 AND lease_token = $2 RETURNING txn_id";
    let (lease_token, reason) = (storable(lease_token), storable(reason));
    let changed = db.once(POSTPONE, &[&id.as_str(), &lease_token, &due_at.as_millis(), &reason]).await?;
    Ok(!changed.is_empty())
}

fn read(row: &Row) -> Result<ReceiptDuty, Failure> {
    let columns = Columns::of(row, "eg_pg_receipt_duties")?;
    Ok(ReceiptDuty {
        txn_id: columns.txn_id(),
        due_at: columns.moment("due_at")?,
        attempts: columns.number("attempts")?,
        lease: match (columns.get("lease_token")?, columns.optional_moment("lease_until")?) {
            (Some(token), Some(until)) => Some(Lease { token, until }),
            // A check sees to it that both are there or none.
            (None, _) | (_, None) => None,
        },
        last_error: columns.get("last_error")?,
    })
}
