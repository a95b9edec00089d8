//! A database of years for the console: payments, refunds, review cases, events and the audit log.

use std::path::Path;

use anyhow::{Context, Result};
use rusqlite::{Connection, params};

use crate::database::{COUNT_ANEW, COUNTED, Database};
use crate::fill::{self, EVENTS_OF_ONE_IN, Filling, SPAN_MS};
use crate::report::progress;
use crate::variety;

/// The prefix of the payments' ids; a number from 1 follows.
pub(crate) const PREFIX: &str = "HISTORY-";
/// One payment in so many has a refund, and a review case.
const REFUND_IN: u64 = 100;
const CASE_IN: u64 = 500;
/// Entries of the audit log.
const ENTRIES: u64 = 300_000;

/// A statement in the words of both databases.
struct Words {
    /// The table of the numbers from 1 to a number.
    numbers: fn(u64) -> String,
    hash: &'static str,
    refunds: &'static str,
}

const POSTGRES: Words = Words {
    numbers: |last| format!("generate_series(1, {last}::bigint) AS numbers (k)"),
    hash: "sha256(k::text::bytea)",
    refunds: "INSERT INTO eg_pg_transaction_refund (id, refund_id, tenant_id, original_txn_id, service_code, original_amount,
            refund_amount, gateway, status, created_by, created_time, pg_version, pg_status, pg_currency,
            pg_captured_minor, pg_amount_minor, pg_capture_key, pg_consumer_code, pg_requested_by, pg_approved_by,
            pg_receipt_status, pg_details, pg_checks)
        SELECT id, id, tenant, txn_id, service, amount, amount, gateway, digit, maker, at, 2, status, 'INR',
            amount * 100, amount * 100, '', 'PT-1', maker, checker, 'KEPT', details::json, 0 FROM refunds",
};

const SQLITE: Words = Words {
    numbers: |last| {
        format!(
            "(WITH RECURSIVE numbers (k) AS (SELECT 1 UNION ALL SELECT k + 1 FROM numbers WHERE k < {last})
            SELECT k FROM numbers) AS numbers"
        )
    },
    hash: "randomblob(32)",
    refunds: "INSERT INTO eg_pg_transaction_refund (refund_id, tenant_id, original_txn_id, service_code, gateway, status,
            last_updated_by, created_time, version, workflow_status, currency, captured_minor, amount_minor, capture_key,
            consumer_code, requested_by, approved_by, receipt_status, details, checks)
        SELECT id, tenant, txn_id, service, gateway, digit, maker, at, 2, status, 'INR', amount * 100, amount * 100, '',
            'PT-1', maker, checker, 'KEPT', details, 0 FROM refunds",
};

/// The rows beside the payments: statements, in their order.
fn beside(words: &Words, rows: u64) -> Vec<String> {
    let numbers = words.numbers;
    let refunds = format!(
        "WITH refunds AS (
            SELECT 'RF-' || k AS id, t.tenant_id AS tenant, t.txn_id AS txn_id, t.module AS service,
                k % 90 + 10 AS amount, t.gateway AS gateway, t.created_time + 86400000 AS at,
                'maker-' || (k % 40) AS maker,
                CASE WHEN k % 200 = 0 THEN 'INITIATED' WHEN k % 50 = 0 THEN 'FAILURE' ELSE 'SUCCESS' END AS digit,
                CASE WHEN k % 200 = 0 THEN 'REQUESTED' WHEN k % 50 = 0 THEN 'REJECTED' ELSE 'SUCCEEDED' END AS status,
                CASE WHEN k % 50 = 0 THEN NULL ELSE 'checker-' || (k % 20) END AS checker,
                '{{\"reasonCode\":\"OTHER\",\"approvedAt\":{{}},\"calls\":1,\"notTaken\":false,\"additionalDetails\":{{}},\"gatewayRefundId\":\"rfnd_' || k || '\"}}' AS details
            FROM {} JOIN eg_pg_transactions AS t ON t.txn_id = '{PREFIX}' || (k * {REFUND_IN}))
        {}",
        numbers(rows / REFUND_IN),
        words.refunds
    );
    let cases = format!(
        "INSERT INTO eg_pg_attention (txn_id, tenant_id, kind, raised_at, evidence, resolved_at, resolved_by, resolution)
        SELECT t.txn_id, t.tenant_id, CASE k % 3 WHEN 0 THEN 'late-success' WHEN 1 THEN 'receipt-refused' ELSE 'pending-beyond-life' END,
            t.created_time + 3600000, '{{}}', CASE WHEN k % 20 > 0 THEN t.created_time + 7200000 END,
            CASE WHEN k % 20 > 0 THEN 'asha' END, CASE WHEN k % 20 > 0 THEN 'seen to' END
        FROM {} JOIN eg_pg_transactions AS t ON t.txn_id = '{PREFIX}' || (k * {CASE_IN})",
        numbers(rows / CASE_IN)
    );
    let step = SPAN_MS / ENTRIES;
    let entries = format!(
        "INSERT INTO eg_pg_audit (entry_number, entry, entry_hash)
        SELECT h.last_number + k, '{{\"action\":\"' || CASE WHEN k % 10 = 0 THEN 'refused' ELSE 'logged-in' END
                || '\",\"actor\":{{\"id\":\"u-' || (k % 200) || '\",\"kind\":\"principal\",\"role\":\"PG_VIEWER\"}},\"at\":'
                || (h.at - {SPAN_MS} + k * {step})
                || ',\"object\":{{\"id\":\"s-' || k || '\",\"kind\":\"session\"}},\"tenant\":\"pb.t' || (k % {}) || '\"}}',
            {}
        FROM (SELECT last_number, (SELECT max(created_time) FROM eg_pg_transactions WHERE txn_status = 'SUCCESS') AS at
            FROM eg_pg_audit_head) AS h CROSS JOIN {}",
        variety::TENANTS,
        words.hash,
        numbers(ENTRIES)
    );
    let head = format!("UPDATE eg_pg_audit_head SET last_number = last_number + {ENTRIES}");
    vec![refunds, cases, entries, head]
}

/// Whether an earlier run has filled so many payments in.
pub(crate) async fn is_filled(database: &Database, rows: u64) -> Result<bool> {
    if database.number("SELECT count(*) FROM pg_class WHERE relname = 'eg_pg_transactions'").await? == 0 {
        return Ok(false);
    }
    let last = format!("SELECT count(*) FROM eg_pg_transactions WHERE txn_id = '{PREFIX}{rows}'");
    Ok(database.number(&last).await? > 0)
}

/// Fills PostgreSQL with copies of a settled payment.
pub(crate) async fn fill_postgres(database: &Database, template: String, rows: u64) -> Result<()> {
    let filling = Filling { template, prefix: PREFIX, count: rows, is_history: true, is_varied: true };
    fill::fill(database, &filling).await?;
    progress("refunds, review cases and the audit log");
    for statement in beside(&POSTGRES, rows) {
        database.client.batch_execute(&statement).await.with_context(|| statement.clone())?;
    }
    database.count_anew().await?;
    progress("vacuum and analyze");
    database.tidy().await
}

/// Waits until the service has counted all payments, which it does beside other work after its start.
pub(crate) fn wait_for_figures(file: &Path) -> Result<()> {
    progress("the payments are counted");
    let connection = Connection::open(file)?;
    connection.busy_timeout(std::time::Duration::from_secs(10))?;
    while connection.query_row(COUNTED, [], |row| row.get::<_, i64>(0))? == 0 {
        std::thread::sleep(std::time::Duration::from_millis(200));
    }
    Ok(())
}

/// The same for SQLite, without what no list looks at.
pub(crate) fn fill_sqlite(file: &Path, template: &str, rows: u64) -> Result<()> {
    const BATCH: u64 = 50_000;
    let mut connection = Connection::open(file)?;
    connection.busy_timeout(std::time::Duration::from_secs(10))?;
    let table = "eg_pg_transactions";
    let columns: Vec<String> = connection
        .prepare("SELECT name FROM pragma_table_info(?1)")?
        .query_map([table], |row| row.get(0))?
        .collect::<Result<_, _>>()?;
    let value = |column: &String| match column.as_str() {
        "txn_id" => format!("'{PREFIX}' || n"),
        "bill_id" => format!("'{PREFIX}B-' || n"),
        "consumer_code" => "'PT-' || (n % 1000000)".to_owned(),
        "user_uuid" => "'payer-' || (n % 500000)".to_owned(),
        "created_time" => format!("t.created_time - {SPAN_MS} + n * {}", SPAN_MS / rows.max(1)),
        other => variety::value(table, other, PREFIX, rows).unwrap_or_else(|| format!("t.{other}")),
    };
    let values: Vec<String> = columns.iter().map(value).collect();
    const NUMBERS: &str =
        "WITH RECURSIVE numbers (n) AS (SELECT ?1 UNION ALL SELECT n + 1 FROM numbers WHERE n < ?2)";
    let payments = format!(
        "INSERT INTO {table} ({}) {NUMBERS} SELECT {} FROM numbers CROSS JOIN {table} AS t WHERE t.txn_id = ?3",
        columns.join(", "),
        values.join(", ")
    );
    let bills = format!(
        "INSERT INTO eg_pg_transaction_bills (bill_id, txn_id) {NUMBERS}
        SELECT '{PREFIX}B-' || n, '{PREFIX}' || n FROM numbers"
    );
    // Published as the payment that is copied: older ones are forgotten.
    let events = format!(
        "INSERT INTO eg_pg_outbox (kind, txn_id, tenant_id, body, stored_at, published_at) {NUMBERS}
        SELECT 'save-pg-txns', '{PREFIX}' || n, t.tenant_id, '{{}}', t.created_time, t.created_time
        FROM numbers CROSS JOIN {table} AS t WHERE t.txn_id = ?3 AND n % {EVENTS_OF_ONE_IN} = 0"
    );
    let mut from = 1;
    while from <= rows {
        let to = (from + BATCH - 1).min(rows);
        let batch = connection.transaction()?;
        let (first, last) = (i64::try_from(from)?, i64::try_from(to)?);
        batch.execute(&payments, params![first, last, template])?;
        batch.execute(&bills, params![first, last])?;
        batch.execute(&events, params![first, last, template])?;
        batch.commit()?;
        from = to + 1;
        progress(&format!("{to} of {rows} payments are filled in"));
    }
    for statement in beside(&SQLITE, rows) {
        connection.execute_batch(&statement).with_context(|| statement.clone())?;
    }
    Ok(connection.execute_batch(COUNT_ANEW)?)
}
