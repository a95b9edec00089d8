//! Receipt tasks of both kinds, and the leases under which they are carried out.

use std::sync::LazyLock;

use async_trait::async_trait;
use payment_domain::{RefundId, Timestamp, TxnId};
use payment_store::lease::FARTHEST_END;
use payment_store::{
    CancellationOutcome, ClaimedReceiptTask, Lease, NewReceiptTask, Postponement, ReceiptCancellation,
    ReceiptTask, ReceiptTaskClaim, ReceiptTaskKind, ReceiptTasks, StoreError, Tried,
};
use tokio_postgres::Row;

use crate::PostgresStore;
use crate::clock::{Now, millis, present};
use crate::connections::Values;
use crate::failure::Failure;
use crate::parameters::{Parameter, Rows, storable};
use crate::rows::{self, Columns};

/// Stores new tasks.
pub(crate) static PUT: LazyLock<String> = LazyLock::new(|| {
    let now = present("u.now");
    format!(
        "INSERT INTO eg_pg_receipt_duties (txn_id, due_at, attempts, lease_token, lease_until)
         SELECT u.txn_id, {now}, 0, u.lease_token, {now} + u.lease
         FROM unnest($1::text[], $2::text[], $3::bigint[], $4::bigint[]) AS u (txn_id, lease_token, lease, now)"
    )
});

/// A row of [`PUT`].
pub(crate) fn row<'a>(rows: &mut Rows<'a>, txn_id: &'a TxnId, task: &'a NewReceiptTask, now: Now) {
    rows.push([
        Parameter::text(txn_id.as_str()),
        Parameter::text(&task.lease_token),
        Parameter::number(millis(task.lease)),
        Parameter::Number(now.0),
    ]);
}

/// Locks the tasks of these transactions; returns their leases.
pub(crate) const LOCK: &str = "
    SELECT task.txn_id, task.lease_token FROM
    (SELECT * FROM unnest($1::text[]) AS elements (txn_id) LIMIT cardinality($1::text[])) AS u
    JOIN eg_pg_receipt_duties AS task ON task.txn_id = u.txn_id ORDER BY task.txn_id FOR UPDATE OF task";

/// Removes completed tasks.
pub(crate) const COMPLETE: &str = "DELETE FROM eg_pg_receipt_duties AS task USING
        (SELECT * FROM unnest($1::text[]) AS elements (txn_id) LIMIT cardinality($1::text[])) AS u
        WHERE task.txn_id = u.txn_id";

/// The statements of one kind.
struct Statements {
    claim: String,
    postpone: String,
}

static ISSUE: LazyLock<Statements> = LazyLock::new(|| Statements::of("eg_pg_receipt_duties", "true"));

static CANCEL: LazyLock<Statements> = LazyLock::new(|| {
    Statements::of(
        "eg_pg_receipt_cancellations",
        "outcome IS NULL AND NOT EXISTS (SELECT FROM eg_pg_receipt_duties AS issue
            WHERE issue.txn_id = eg_pg_receipt_cancellations.txn_id)",
    )
});

impl Statements {
    /// Tasks of a table, as far as they are ready. A task that another claim has locked is passed over. They are
    /// materialised: a plan that read them again for each row of the table would claim more than the limit.
    fn of(table: &str, ready: &str) -> Statements {
        let now = present("$3");
        let claim = format!(
            "WITH present AS MATERIALIZED (SELECT {now} AS now),
             due AS MATERIALIZED (SELECT txn_id, lease_until FROM {table}, present
                 WHERE {ready} AND due_at <= present.now AND (lease_until IS NULL
                     OR ((lease_until <= present.now OR lease_until > present.now + $6)
                         AND lease_token = ANY($5::text[])))
                 ORDER BY due_at, txn_id LIMIT $4 FOR UPDATE OF {table} SKIP LOCKED)
             UPDATE {table} AS task SET
                 unclear_at = CASE WHEN due.lease_until IS NULL THEN task.unclear_at
                     ELSE least(due.lease_until, present.now) END,
                 lease_token = $1, lease_until = present.now + $2
             FROM present, due WHERE task.txn_id = due.txn_id
             RETURNING task.txn_id, due_at, attempts, lease_token, task.lease_until, last_error, unclear_at, now"
        );
        let postpone = format!(
            "WITH present AS MATERIALIZED (SELECT {now} AS now)
             UPDATE {table} SET
                 due_at = now + $4, last_error = $5, attempts = attempts + $6,
                 unclear_at = CASE WHEN $7 THEN now ELSE unclear_at END, lease_token = NULL, lease_until = NULL
             FROM present WHERE txn_id = $1 AND lease_token = $2 RETURNING txn_id"
        );
        Statements { claim, postpone }
    }

    fn of_kind(kind: ReceiptTaskKind) -> &'static Statements {
        match kind {
            ReceiptTaskKind::Issue => &ISSUE,
            ReceiptTaskKind::Cancel => &CANCEL,
        }
    }
}

#[async_trait]
impl ReceiptTasks for PostgresStore {
    async fn receipt_task(&self, id: &TxnId) -> Result<Option<ReceiptTask>, StoreError> {
        const OF: &str = "
            SELECT txn_id, due_at, attempts, lease_token, lease_until, last_error, unclear_at
            FROM eg_pg_receipt_duties WHERE txn_id = $1";
        Ok(self.db.ask(OF, &[&id.as_str()]).await?.first().map(read).transpose()?)
    }

    async fn cancellation(&self, id: &TxnId) -> Result<Option<ReceiptCancellation>, StoreError> {
        const OF: &str = "
            SELECT txn_id, due_at, attempts, lease_token, lease_until, last_error, unclear_at, refund_id,
                frees_bills, outcome
            FROM eg_pg_receipt_cancellations WHERE txn_id = $1";
        Ok(self.db.ask(OF, &[&id.as_str()]).await?.first().map(read_cancellation).transpose()?)
    }

    async fn claim_receipt_tasks(
        &self,
        claim: ReceiptTaskClaim,
    ) -> Result<Vec<ClaimedReceiptTask>, StoreError> {
        let values: Values<'_> = &[
            &storable(&claim.lease_token),
            &millis(claim.lease),
            &self.clock.now().0,
            &i64::from(claim.limit),
            &claim.abandoned,
            &millis(FARTHEST_END),
        ];
        let claimed = self.db.once(&Statements::of_kind(claim.kind).claim, values).await?;
        let read = |row: &Row| Ok((read(row)?, Timestamp::from_millis(row.try_get("now")?)));
        let mut tasks: Vec<(ReceiptTask, Timestamp)> = rows::all(&claimed, read)?;
        // The order of an UPDATE's rows is PostgreSQL's own.
        tasks.sort_by(|(one, _), (other, _)| (one.due_at, &one.txn_id).cmp(&(other.due_at, &other.txn_id)));
        let claimed = |(task, now): (ReceiptTask, Timestamp)| ClaimedReceiptTask {
            txn_id: task.txn_id,
            attempts: task.attempts,
            unclear_for: task.unclear_at.map(|at| now.since(at)),
        };
        Ok(tasks.into_iter().map(claimed).collect())
    }

    async fn receipt_leases(&self, limit: u32) -> Result<Vec<Lease>, StoreError> {
        const LEASES: &str = "
            SELECT lease_until, lease_token FROM (
                (SELECT DISTINCT lease_until, lease_token FROM eg_pg_receipt_duties
                    WHERE lease_until IS NOT NULL ORDER BY lease_until, lease_token LIMIT $1)
                UNION ALL
                (SELECT DISTINCT lease_until, lease_token FROM eg_pg_receipt_cancellations
                    WHERE lease_until IS NOT NULL ORDER BY lease_until, lease_token LIMIT $1)) AS leases
            ORDER BY lease_until, lease_token LIMIT $1";
        let found = self.db.ask(LEASES, &[&i64::from(limit)]).await?;
        let read =
            |row: &Row| Ok(Lease { until: Timestamp::from_millis(row.try_get(0)?), token: row.try_get(1)? });
        Ok(rows::all(&found, read)?)
    }

    async fn postpone_receipt_task(&self, postponement: Postponement) -> Result<bool, StoreError> {
        let Postponement { kind, txn_id, lease_token, delay, reason, tried } = postponement;
        let values: Values<'_> = &[
            &txn_id.as_str(),
            &storable(&lease_token),
            &self.clock.now().0,
            &millis(delay),
            &storable(&reason),
            &i64::from(tried != Tried::Looked),
            &(tried == Tried::Unclear),
        ];
        Ok(!self.db.once(&Statements::of_kind(kind).postpone, values).await?.is_empty())
    }
}

fn read(row: &Row) -> Result<ReceiptTask, Failure> {
    read_task(&Columns::of(row, "eg_pg_receipt_duties")?)
}

fn read_cancellation(row: &Row) -> Result<ReceiptCancellation, Failure> {
    let columns = Columns::of(row, "eg_pg_receipt_cancellations")?;
    let task = read_task(&columns)?;
    Ok(ReceiptCancellation {
        refund_id: RefundId::stored(columns.get::<String>("refund_id")?),
        frees_bills: columns.get("frees_bills")?,
        outcome: columns.read_optional("outcome", CancellationOutcome::from_word)?,
        task,
    })
}

fn read_task(columns: &Columns<'_>) -> Result<ReceiptTask, Failure> {
    Ok(ReceiptTask {
        txn_id: columns.txn_id(),
        due_at: columns.moment("due_at")?,
        attempts: columns.number("attempts")?,
        lease: match (columns.get("lease_token")?, columns.optional_moment("lease_until")?) {
            (Some(token), Some(until)) => Some(Lease { token, until }),
            // A constraint keeps them both set or both empty.
            (None, _) | (_, None) => None,
        },
        last_error: columns.get("last_error")?,
        unclear_at: columns.optional_moment("unclear_at")?,
    })
}
