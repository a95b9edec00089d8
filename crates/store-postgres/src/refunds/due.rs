//! Refunds that are due, by the database's clock.

use payment_domain::{GatewayName, RefundId, RefundStatus};
use payment_store::{DueRefund, DueRefunds, RefundCursor, RefundDue};
use tokio_postgres::Row;

use crate::PostgresStore;
use crate::clock::{millis, present};
use crate::failure::Failure;
use crate::rows::{self, Columns};

/// Milliseconds from now; NULL is never.
pub(super) fn delay(due: RefundDue) -> Option<i64> {
    match due {
        RefundDue::In(delay) => Some(millis(delay)),
        RefundDue::Never | RefundDue::Unchanged => None,
    }
}

pub(super) async fn gateways(store: &PostgresStore) -> Result<Vec<GatewayName>, Failure> {
    let now = present("$1");
    // Each is found by one step along the index.
    let sql = format!(
        "WITH RECURSIVE named AS (
            (SELECT gateway FROM eg_pg_transaction_refund WHERE pg_due_at IS NOT NULL ORDER BY gateway LIMIT 1)
            UNION ALL
            SELECT (SELECT next.gateway FROM eg_pg_transaction_refund AS next
                WHERE next.pg_due_at IS NOT NULL AND next.gateway > named.gateway ORDER BY next.gateway LIMIT 1)
            FROM named WHERE named.gateway IS NOT NULL)
        SELECT gateway FROM named WHERE gateway IS NOT NULL AND EXISTS (
            SELECT 1 FROM eg_pg_transaction_refund AS due
            WHERE due.gateway = named.gateway AND due.pg_due_at <= {now})"
    );
    let found = store.db.ask(&sql, &[&store.clock.now().0]).await?;
    rows::all(&found, |row| Ok(GatewayName::new(row.try_get(0)?)))
}

pub(super) async fn find(store: &PostgresStore, due: &DueRefunds) -> Result<Vec<DueRefund>, Failure> {
    let now = present("$1");
    let sql = format!(
        "SELECT original_txn_id AS txn_id, refund_id, pg_status, pg_checks, pg_due_at
        FROM eg_pg_transaction_refund
        WHERE gateway = $2 AND pg_due_at <= {now} AND (pg_due_at, refund_id) > ($3, $4)
        ORDER BY pg_due_at, refund_id LIMIT $5"
    );
    let (at, id) = match &due.after {
        Some(place) => (place.due_at.as_millis(), place.id.as_str()),
        None => (i64::MIN, ""),
    };
    let given = store.clock.now().0;
    let limit = i64::from(due.limit);
    let found = store.db.planned(&sql, &[&given, &due.gateway.as_str(), &at, &id, &limit]).await?;
    rows::all(&found, read)
}

fn read(row: &Row) -> Result<DueRefund, Failure> {
    let columns = Columns::of(row, "eg_pg_transaction_refund")?;
    let id = RefundId::stored(columns.get::<&str>("refund_id")?);
    Ok(DueRefund {
        txn_id: columns.txn_id(),
        status: columns.read("pg_status", RefundStatus::from_word)?,
        checks: columns.number("pg_checks")?,
        place: RefundCursor { due_at: columns.moment("pg_due_at")?, id: id.clone() },
        id,
    })
}
