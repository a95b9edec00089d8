//! Query plans of SQLite: for tests of the tables a statement must not read.

use std::collections::BTreeSet;
use std::path::{Path, PathBuf};
use std::sync::Mutex;

use rusqlite::Connection;
use rusqlite::config::DbConfig;
use rusqlite::trace::{TraceEvent, TraceEventCodes};

use crate::migrations;

/// The statements that were carried out, by the database file.
static SEEN: Mutex<BTreeSet<(PathBuf, String)>> = Mutex::new(BTreeSet::new());

/// A connection whose statements are [`SEEN`].
pub(crate) fn watched(mut conn: Connection, path: &Path) -> Connection {
    let path = path.to_owned();
    let see = move |event: TraceEvent<'_>| {
        if let TraceEvent::Stmt(statement, _) = event {
            SEEN.lock().unwrap().insert((path.clone(), statement.sql().into_owned()));
        }
    };
    conn.trace_v2(TraceEventCodes::SQLITE_TRACE_STMT, Some(see)).unwrap();
    conn
}

/// An empty database, in which a statement is planned as in a real one.
pub(crate) fn migrated() -> Connection {
    let mut conn = Connection::open_in_memory().unwrap();
    conn.set_db_config(DbConfig::SQLITE_DBCONFIG_ENABLE_QPSG, true).unwrap();
    migrations::migrate(&mut conn).unwrap();
    conn
}

/// The steps of the plan, the same for any values.
pub(crate) fn plan(conn: &Connection, sql: &str) -> Vec<String> {
    let mut statement = conn.prepare(&format!("EXPLAIN QUERY PLAN {sql}")).unwrap();
    let steps = statement.raw_query().mapped(|row| row.get(3));
    steps.collect::<Result<_, _>>().unwrap()
}

mod tests {
    use std::sync::Arc;

    use payment_domain::{GatewayName, ManualClock, RefundStatus, Timestamp};
    use payment_store::contract::sample::{self, at};
    use payment_store::figures::{DaySpan, FiguresAsk, FiguresUpdate};
    use payment_store::{
        DueRefunds, FormClaim, LoginMethod, NewSession, PageRequest, ReceiptTaskClaim, ReceiptTaskKind,
        RefundQuery, SentForm, SessionHolder, Store, TenantScope,
    };

    use super::*;
    use crate::{Options, SqliteStore};

    /// Tables with one row or a few dozens, indexes of what is open, and the rows of subqueries.
    const SMALL: [&str; 18] = [
        "eg_pg_heartbeat",
        "eg_pg_history_seal",
        "eg_pg_figures_state",
        "eg_pg_audit_head",
        "eg_pg_merchant_account",
        "eg_pg_merchant_credential",
        "eg_pg_merchant_account_revision",
        "eg_pg_console_links",
        "eg_pg_receipt_duties_by_due",
        "eg_pg_receipt_duties_by_lease",
        "eg_pg_receipt_cancellations_by_lease",
        "eg_pg_refunds_due",
        "eg_pg_refunds_open",
        "eg_pg_attention_open",
        "eg_pg_transactions_without_receipt",
        "eg_pg_daily_figures_pending",
        "open",
        "number",
    ];

    /// The questions of jobs, and those of each page and form of the console, that other tests of plans leave out.
    async fn ask(store: &Arc<dyn Store>) {
        let scopes = || vec![TenantScope { root: "pb".to_owned() }];
        let run = sample::begun(store, sample::tick("audit-seal", 0)).await;
        let paid = sample::stored(store, sample::new_transaction("T1", "B1")).await;
        sample::applied(store, sample::success(&paid)).await;
        for _ in 0..2 {
            store.seal_history(at(1), 100, &run.fence).await.unwrap();
        }
        store.last_checkpoint().await.unwrap();
        for kind in [ReceiptTaskKind::Issue, ReceiptTaskKind::Cancel] {
            let claim = ReceiptTaskClaim { kind, ..sample::task_claim("token", 5) };
            store.claim_receipt_tasks(claim).await.unwrap();
        }
        store.receipt_leases(9).await.unwrap();
        store.due_refund_gateways().await.unwrap();
        let due = DueRefunds { gateway: GatewayName::new("AXIS"), after: None, limit: 5 };
        store.due_refunds(&due).await.unwrap();
        store.accounts_revision().await.unwrap();
        figures(store, &run.fence).await;
        let now = at(0);
        store.forget_idempotency_keys(now, 5).await.unwrap();
        store.forget_callbacks(now, 5).await.unwrap();
        store.open_cases(&scopes()).await.unwrap();
        store.receipts_due(&scopes()).await.unwrap();
        store.pending_by_day(&scopes()).await.unwrap();
        let to_decide = RefundQuery {
            within: Some(scopes()),
            statuses: vec![RefundStatus::Requested],
            page: PageRequest { limit: 5, offset: 0 },
            ..RefundQuery::default()
        };
        store.search_refunds(&to_decide).await.unwrap();
        store.count_refunds(&to_decide).await.unwrap();
        sessions(store).await;
    }

    async fn figures(store: &Arc<dyn Store>, fence: &payment_store::Fence) {
        let day = || DaySpan { day: "2026-11-30".to_owned(), from: at(0), to: at(9) };
        let ask = FiguresAsk { lines: 9, day: Some(day()), refunds_of: vec![day()] };
        let reading = store.figures_reading(&ask).await.unwrap();
        let update =
            FiguresUpdate { refund_days: vec![day().day], ..FiguresUpdate::of(reading.state, fence) };
        store.store_figures(update).await.unwrap();
        store.latest_creation(at(9)).await.unwrap();
        store.refunds_changed(at(0)).await.unwrap();
        store.store_gateway_readings(Vec::new(), at(0)).await.unwrap();
        store.gateway_readings(at(0)).await.unwrap();
    }

    async fn sessions(store: &Arc<dyn Store>) {
        let session = NewSession {
            id: "s".to_owned(),
            digest: [1; 32],
            link: None,
            attempt: Some([2; 32]),
            method: LoginMethod::Provider,
            holder: SessionHolder {
                uuid: "u".to_owned(),
                name: payment_domain::Personal::new("n"),
                grants: Vec::new(),
            },
            address: None,
            started_at: at(0),
            expires_at: at(9),
            sealed: None,
            audit: Vec::new(),
        };
        store.begin_session(session).await.unwrap();
        store.session(&[1; 32]).await.unwrap();
        store.note_session_use("s", at(5)).await.unwrap();
        store.valid_sessions(None, at(5), 9).await.unwrap();
        store.api_token(&[1; 32]).await.unwrap();
        let form = SentForm { key: [1; 32], digest: [1; 32], sent_at: at(0) };
        assert_eq!(store.claim_form(&form, Timestamp::from_millis(0)).await.unwrap(), FormClaim::Ours);
        store.answer_form(&form, Some("/")).await.unwrap();
    }

    #[test]
    fn what_is_asked_again_and_again_reads_no_table_whole() {
        let folder = tempfile::tempdir().unwrap();
        let file = folder.path().join("payments.db");
        let clock = Arc::new(ManualClock::at(at(0)));
        let store: Arc<dyn Store> =
            Arc::new(SqliteStore::open_with_clock(&file, &Options::default(), clock).unwrap());
        // Migrations read tables once.
        SEEN.lock().unwrap().retain(|(path, _)| *path != file);
        tokio::runtime::Builder::new_current_thread().build().unwrap().block_on(ask(&store));
        drop(store);
        let seen = SEEN.lock().unwrap();
        let statements: Vec<&String> =
            seen.iter().filter(|(path, _)| *path == file).map(|(_, sql)| sql).collect();
        assert!(statements.len() > 30, "statements are seen no more: {statements:#?}");
        let conn = migrated();
        let mut offences = Vec::new();
        for sql in statements {
            let word = sql.split_whitespace().next().unwrap_or_default();
            let is_question = ["SELECT", "INSERT", "UPDATE", "DELETE", "WITH"].contains(&word);
            // The first rows of all, in order.
            let is_head = !sql.contains("WHERE") && sql.contains("LIMIT");
            if is_head || !is_question {
                continue;
            }
            for step in plan(&conn, sql) {
                let is_small = |name: &str| SMALL.contains(&name);
                let is_of_rows =
                    ["(subquery", "CONSTANT ROW", "VIRTUAL TABLE"].iter().all(|it| !step.contains(it));
                // A tenant or a status may have all payments.
                let is_whole = step.starts_with("SCAN ")
                    || step == "MULTI-INDEX OR"
                    || step.ends_with("eg_pg_transactions_by_status (txn_status=?)");
                if is_whole && is_of_rows && !step.split_whitespace().any(is_small) {
                    offences.push(format!("{step}: {sql}"));
                }
            }
        }
        assert!(offences.is_empty(), "{offences:#?}");
    }
}
