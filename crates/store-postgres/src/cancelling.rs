//! The effect of a refund's change on the receipt of its payment, whose row is locked.

use std::sync::LazyLock;

use payment_domain::Refund;
use payment_store::CancellationChange;

use crate::claims;
use crate::clock::{Now, present};
use crate::connections::Transaction;
use crate::failure::Failure;
use crate::parameters::{Rows, storable};
use crate::rows;
use crate::transactions::append;

/// Stores the task, due at once, or opens the one that exists.
static PUT: LazyLock<String> = LazyLock::new(|| {
    let now = present("$4");
    format!(
        "INSERT INTO eg_pg_receipt_cancellations AS known (txn_id, refund_id, frees_bills, due_at, attempts)
         VALUES ($1, $2, $3, {now}, 0)
         ON CONFLICT (txn_id) DO UPDATE SET refund_id = excluded.refund_id, outcome = NULL,
             frees_bills = known.frees_bills OR excluded.frees_bills,
             due_at = least(known.due_at, excluded.due_at)
         RETURNING txn_id"
    )
});

/// The receipt is not to be issued any more: that task is concluded at once.
static HASTEN: LazyLock<String> = LazyLock::new(|| {
    let now = present("$2");
    format!(
        "UPDATE eg_pg_receipt_duties SET due_at = least(due_at, {now}) WHERE txn_id = $1 RETURNING txn_id"
    )
});

const COMPLETE: &str = "
    UPDATE eg_pg_receipt_cancellations SET outcome = $3, lease_token = NULL, lease_until = NULL
    WHERE txn_id = $1 AND lease_token = $2 AND outcome IS NULL RETURNING frees_bills";

/// Returns `false`, and stores nothing, when the lease is not held.
pub(crate) async fn apply(
    transaction: &Transaction,
    refund: &Refund,
    change: &CancellationChange,
    now: Now,
) -> Result<bool, Failure> {
    match change {
        CancellationChange::None => Ok(true),
        CancellationChange::Due { frees_bills } => {
            demand(transaction, refund, *frees_bills, now).await?;
            Ok(true)
        }
        CancellationChange::Completed { lease_token, outcome, history, bills } => {
            let token = storable(lease_token);
            let values: [&(dyn tokio_postgres::types::ToSql + Sync); 3] =
                [&refund.txn_id.as_str(), &token, &outcome.as_str()];
            let completed = transaction.rows(COMPLETE, &values).await?;
            let Some(frees_bills) = rows::first::<bool>(&completed)? else { return Ok(false) };
            append(transaction, Some(history), &[], history.at).await?;
            if frees_bills {
                let mut freed = Rows::default();
                for bill in bills {
                    claims::row(&mut freed, bill, refund.txn_id.as_str());
                }
                for statement in [claims::LOCK, claims::RELEASE] {
                    transaction.rows(statement, &freed.values()).await?;
                }
            }
            Ok(true)
        }
    }
}

/// The receipt of the payment is to be cancelled.
pub(crate) async fn demand(
    transaction: &Transaction,
    refund: &Refund,
    frees_bills: bool,
    now: Now,
) -> Result<(), Failure> {
    let id = refund.txn_id.as_str();
    transaction.rows(&PUT, &[&id, &refund.id.as_str(), &frees_bills, &now.0]).await?;
    transaction.rows(&HASTEN, &[&id, &now.0]).await?;
    Ok(())
}
