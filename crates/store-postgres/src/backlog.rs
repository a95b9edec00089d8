//! Open work by its age: a bounded part of each index that holds nothing else.

use std::sync::LazyLock;

use payment_domain::Timestamp;
use payment_store::backlog::{Age, Backlog, COUNTED, CountedWork};

use crate::connections::Connections;
use crate::failure::Failure;
use crate::rows::Columns;

/// Payment or refund of a task are found by their keys, one by one, however many the planner expects.
static BACKLOG: LazyLock<String> = LazyLock::new(|| {
    let pending = |was_checked: u8| {
        format!(
            "(SELECT upper(gateway) AS name, coalesce(created_time, 0) AS since FROM eg_pg_transactions
              WHERE txn_status = 'PENDING' AND (CASE WHEN last_checked_at IS NULL THEN 0 ELSE 1 END) = {was_checked}
              ORDER BY coalesce(created_time, 0), txn_id COLLATE \"C\" LIMIT {COUNTED})"
        )
    };
    let pending = format!("{} UNION ALL {}", pending(0), pending(1));
    let issue = format!(
        "SELECT '' AS name, coalesce((SELECT coalesce(last_modified_time, created_time)
            FROM eg_pg_transactions AS t WHERE t.txn_id = task.txn_id COLLATE \"default\"), due_at) AS since
         FROM (SELECT txn_id, due_at FROM eg_pg_receipt_duties ORDER BY due_at, txn_id LIMIT {COUNTED}) AS task"
    );
    let cancel = format!(
        "SELECT '' AS name, coalesce((SELECT coalesce(last_updated_time, created_time)
            FROM eg_pg_transaction_refund AS r WHERE r.refund_id = task.refund_id), due_at) AS since
         FROM (SELECT refund_id, due_at FROM eg_pg_receipt_cancellations WHERE outcome IS NULL
             ORDER BY due_at, txn_id LIMIT {COUNTED}) AS task"
    );
    let cases = format!(
        "SELECT kind AS name, raised_at AS since FROM eg_pg_attention WHERE resolved_at IS NULL
         ORDER BY case_id LIMIT {COUNTED}"
    );
    let refunds = format!(
        "SELECT pg_status AS work, gateway AS name, CASE pg_status WHEN 'REQUESTED' THEN created_time
            ELSE coalesce(last_updated_time, created_time) END AS since
         FROM eg_pg_transaction_refund WHERE pg_status IN ('REQUESTED', 'APPROVED', 'SENT')
         ORDER BY created_time LIMIT {COUNTED}"
    );
    let counted = |work: &str, open: &str| {
        format!(
            "(SELECT {work} AS work, name, (since <= $1)::int + (since <= $2)::int + (since <= $3)::int
                + (since <= $4)::int AS passed, count(*) AS count
              FROM ({open}) AS open GROUP BY 1, 2, 3)"
        )
    };
    let word = |word: &str| format!("'{word}'");
    [
        counted(&word(CountedWork::PENDING), &pending),
        counted(&word(CountedWork::ISSUE), &issue),
        counted(&word(CountedWork::CANCEL), &cancel),
        counted(&word(CountedWork::CASE), &cases),
        counted("work", &refunds),
    ]
    .join(" UNION ALL ")
});

/// The open work at this moment.
pub(crate) async fn read(db: &Connections, now: Timestamp) -> Result<Backlog, Failure> {
    let [first, second, third, fourth] = Age::bounds(now).map(Timestamp::as_millis);
    let mut backlog = Backlog::default();
    for row in db.planned(&BACKLOG, &[&first, &second, &third, &fourth]).await? {
        let columns = Columns::keyless(&row, "the backlog");
        let counted = CountedWork {
            work: columns.get("work")?,
            name: columns.get("name")?,
            passed: i64::from(columns.get::<i32>("passed")?),
            count: columns.get("count")?,
        };
        counted.add_to(&mut backlog).map_err(|column| columns.unreadable(column))?;
    }
    Ok(backlog)
}
