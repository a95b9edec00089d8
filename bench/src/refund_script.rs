//! pgbench's script of a refund: the statements of the two commits in which the service stores its request and its
//! approval, with the rows that it wrote.

use anyhow::Result;
use tokio_postgres::Client;

use crate::beside_pgbench::{numbered, one};
use crate::pgbench::Script;
use crate::rows::{self, Row, Statements, Table};

const REFUND: Table = Table { name: "eg_pg_transaction_refund", key: "refund_id", order: "refund_id" };
const HISTORY: Table = Table { name: "eg_pg_refund_history", key: "refund_id", order: "entry_number" };
const OUTBOX: Table = Table { name: "eg_pg_outbox", key: "txn_id", order: "sequence" };
const AUDIT: Table =
    Table { name: "eg_pg_audit", key: "entry::json #>> '{object,id}'", order: "entry_number" };
const PERSONAL: Table = Table { name: "eg_pg_audit_personal", key: "entry_number::text", order: "field" };

/// The columns that an approval leaves as they are.
const KEPT: [&str; 21] = [
    "id",
    "tenant_id",
    "refund_id",
    "original_txn_id",
    "service_code",
    "original_amount",
    "refund_amount",
    "gateway_txn_id",
    "gateway",
    "additional_details",
    "created_by",
    "created_time",
    "pg_currency",
    "pg_captured_minor",
    "pg_amount_minor",
    "pg_capture_key",
    "pg_consumer_code",
    "pg_requested_by",
    "pg_waiver",
    "pg_case_id",
    "pg_request_scope",
];

/// The rows of one commit of the service.
pub(crate) struct Written {
    refund: Row,
    history: Row,
    event: Row,
    entry: Row,
    personal: Vec<Row>,
}

impl Written {
    /// The rows of the latest commit about a refund.
    pub(crate) async fn read(client: &Client, refund_id: &str, txn_id: &str) -> Result<Written> {
        let last = async |table: Table, id: &str| {
            let rows = rows::of(client, table, id).await?;
            let place = rows.len().saturating_sub(1);
            one(rows, place)
        };
        let entry = last(AUDIT, refund_id).await?;
        let number = entry.iter().find(|(column, _)| column == "entry_number");
        let number = number.and_then(|(_, number)| number.clone()).unwrap_or_default();
        Ok(Written {
            refund: last(REFUND, refund_id).await?,
            history: last(HISTORY, refund_id).await?,
            event: last(OUTBOX, txn_id).await?,
            personal: rows::of(client, PERSONAL, &number).await?,
            entry,
        })
    }
}

/// The refund of one of the payments `<prefix><number>`, `each` by each client.
pub(crate) fn script(requested: &Written, approved: &Written, prefix: &str, each: usize) -> Script {
    let mut statements = numbered();
    statements.line(&format!("\\set order :client_id * {each} + :n"));
    let payment = format!("'{prefix}' || :order");
    let of_payment = ("txn_id", payment.as_str());
    let id = ("refund_id", "'BENCH-' || :order");
    let lock = format!(
        "SELECT coalesce(txn_status, '') FROM eg_pg_transactions WHERE txn_id = {payment} FOR UPDATE;"
    );

    statements.line("BEGIN;");
    statements.line(&lock);
    statements.line(&format!(
        "SELECT least(min(pg_captured_minor), 10000) - coalesce(sum(pg_amount_minor), 0)
         FROM eg_pg_transaction_refund
         WHERE original_txn_id = {payment} AND coalesce(pg_capture_key, '') = ''
             AND CASE WHEN pg_version IS NULL THEN upper(status) <> 'FAILURE'
                 ELSE pg_status IN ('REQUESTED', 'APPROVED', 'SENT', 'SUCCEEDED') END;"
    ));
    let own = [("id", id.1), id, ("original_txn_id", payment.as_str())];
    statements.insert(REFUND.name, &requested.refund, &own);
    rest(&mut statements, requested, &[id, of_payment]);

    statements.line("BEGIN;");
    statements.line(&lock);
    statements.update(REFUND, &approved.refund, &KEPT, &[], id.1);
    rest(&mut statements, approved, &[id, of_payment]);
    statements.finish()
}

/// History, event and audit entry, and the commit. The end of the audit log is locked last.
fn rest(statements: &mut Statements, written: &Written, own: &[(&str, &str)]) {
    let number = ("entry_number", "(SELECT last_number FROM eg_pg_audit_head)");
    let hash = ("entry_hash", "(SELECT last_hash FROM eg_pg_audit_head)");
    statements.insert(HISTORY.name, &written.history, own);
    statements.insert(OUTBOX.name, &written.event, own);
    statements.line(
        "UPDATE eg_pg_audit_head SET last_number = last_number + 1,
         last_hash = sha256('\\x0001'::bytea || convert_to((last_number + 1)::text || repeat('-', 500), 'UTF8')
             || last_hash);",
    );
    statements.insert(AUDIT.name, &written.entry, &[number, hash]);
    for personal in &written.personal {
        statements.insert(PERSONAL.name, personal, &[number]);
    }
    statements.line("END;");
}
