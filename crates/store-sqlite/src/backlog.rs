//! Open work by its age: a bounded part of each index that holds nothing else.

use std::sync::LazyLock;

use payment_domain::Timestamp;
use payment_store::backlog::{Age, Backlog, COUNTED, CountedWork};
use rusqlite::{Connection, params};

use crate::failure::Failure;
use crate::rows::{self, Columns};

/// A statement for each kind of work.
static STATEMENTS: LazyLock<[String; 5]> = LazyLock::new(|| {
    let task = |work: &str, since: &str, table: &str| {
        format!(
            "SELECT '{work}' AS work, '' AS name, coalesce(({since}), due_at) AS since
             FROM {table} AS task ORDER BY due_at, txn_id LIMIT {COUNTED}"
        )
    };
    [
        format!(
            "SELECT 'pending' AS work, gateway AS name, created_time AS since FROM eg_pg_transactions
             WHERE txn_status = 'PENDING' ORDER BY created_time, txn_id LIMIT 2 * {COUNTED}"
        ),
        task(
            CountedWork::ISSUE,
            "SELECT coalesce(last_modified_time, created_time) FROM eg_pg_transactions AS t
             WHERE t.txn_id = task.txn_id",
            "eg_pg_receipt_duties",
        ),
        task(
            CountedWork::CANCEL,
            "SELECT coalesce(last_updated_time, created_time) FROM eg_pg_transaction_refund AS r
             WHERE r.refund_id = task.refund_id",
            "(SELECT txn_id, refund_id, due_at FROM eg_pg_receipt_cancellations WHERE outcome IS NULL)",
        ),
        format!(
            "SELECT 'case' AS work, kind AS name, raised_at AS since FROM eg_pg_attention
             INDEXED BY eg_pg_attention_open WHERE resolved_at IS NULL ORDER BY raised_at LIMIT {COUNTED}"
        ),
        format!(
            "SELECT workflow_status AS work, gateway AS name, CASE workflow_status WHEN 'REQUESTED' THEN created_time
                ELSE coalesce(last_updated_time, created_time) END AS since
             FROM eg_pg_transaction_refund WHERE workflow_status IN ('REQUESTED', 'APPROVED', 'SENT')
             ORDER BY created_time LIMIT {COUNTED}"
        ),
    ]
    .map(|open| {
        format!(
            "SELECT work, name, (since <= ?1) + (since <= ?2) + (since <= ?3) + (since <= ?4) AS passed,
                count(*) AS count
             FROM ({open}) GROUP BY work, name, passed"
        )
    })
});

/// The open work at this moment.
pub(crate) fn read(conn: &Connection, now: Timestamp) -> Result<Backlog, Failure> {
    let [first, second, third, fourth] = Age::bounds(now).map(Timestamp::as_millis);
    let mut backlog = Backlog::default();
    for statement in STATEMENTS.iter() {
        let counted = rows::all(conn, statement, params![first, second, third, fourth], |row| {
            let columns = Columns::without_owner(row, "the backlog");
            let counted = CountedWork {
                work: columns.get("work")?,
                name: columns.get("name")?,
                passed: columns.get("passed")?,
                count: columns.get("count")?,
            };
            Ok((counted, columns.unreadable("count")))
        })?;
        for (counted, unreadable) in counted {
            counted.add_to(&mut backlog).map_err(|_| unreadable)?;
        }
    }
    Ok(backlog)
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::plans::{migrated, plan};

    #[test]
    fn nothing_but_open_work_is_read() {
        let conn = migrated();
        let indexes = [
            "eg_pg_transactions_by_status (txn_status=?)",
            "eg_pg_receipt_duties_by_due",
            "eg_pg_receipt_cancellations_by_due",
            "eg_pg_attention_open",
            "eg_pg_refunds_open",
        ];
        for (statement, index) in STATEMENTS.iter().zip(indexes) {
            let steps = plan(&conn, statement);
            let reads = |step: &&String| step.contains("SCAN") || step.contains("SEARCH");
            assert!(steps.iter().any(|step| step.contains(index)), "{statement}\n{steps:#?}");
            let others = steps.iter().filter(reads).filter(|step| !step.contains(index));
            for step in others {
                // The groups, and the subject of a task, by its key.
                let is_small =
                    step.contains("(subquery") || step.contains("autoindex") || step.contains("PRIMARY KEY");
                assert!(is_small, "{statement}\n{steps:#?}");
            }
        }
    }
}
