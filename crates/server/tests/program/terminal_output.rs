//! Output of commands for people: texts from outside forge no line and steer no terminal.

use std::path::Path;

use crate::support::{Service, free_port, http_client, pg_service, run, stderr, stdout};
use rusqlite::Connection;
use serde_json::{Value, json};

/// Clears the line, forges one, colours it, and turns the rest around: in one-byte and two-byte form.
const HOSTILE: &str = "x\u{1b}[2K\r\n  2026-11-29  SUCCESS\u{1b}[31m\u{9b}1A\u{7}\u{202e}\u{2028}y";

/// A payment whose texts are all hostile, in a database as a careless earlier version may have left it.
async fn hostile_payment(folder: &Path) -> String {
    let port = free_port();
    let mut service = Service::start(pg_service(folder), port, &folder.join("log")).await;
    let user = json!({"uuid": "u-1", "userName": "asha", "name": "Asha", "mobileNumber": "9876543210", "tenantId": "pb"});
    let body = json!({"RequestInfo": {"userInfo": user}, "Transaction": {"tenantId": "pb.amritsar", "txnAmount": "100.00",
        "billId": "B-1", "consumerCode": "PT-1", "taxAndPayments": [{"billId": "B-1", "amountPaid": "100.00"}],
        "productInfo": "Tax", "gateway": "SANDBOX", "callbackUrl": "http://127.0.0.1/done",
        "user": {"name": "Asha", "mobileNumber": "9876543210", "tenantId": "pb"}}});
    let url = format!("{}/transaction/v1/_create", service.url());
    let answer: Value = http_client().post(url).json(&body).send().await.unwrap().json().await.unwrap();
    let id = answer["Transaction"]["txnId"].as_str().unwrap_or_else(|| panic!("{answer}")).to_owned();
    service.kill();

    let database =
        std::fs::read_dir(folder.join("data")).unwrap().filter_map(Result::ok).map(|entry| entry.path());
    let database = database.into_iter().find(|path| path.ends_with("payments.db")).expect("the database");
    let database = Connection::open(database).unwrap();
    let evidence = json!({ "said": HOSTILE }).to_string();
    database
        .execute(
            "UPDATE eg_pg_transactions SET txn_status = 'SUCCESS', txn_status_msg = ?1, consumer_code = ?1, product_info = ?1,
                 module = ?1, user_uuid = ?1, name = ?1, gateway_txn_id = ?1, gateway_status_msg = ?1, receipt = ?1,
                 created_by = ?1, last_modified_by = ?1, last_modified_time = 1",
            [HOSTILE],
        )
        .unwrap();
    database
        .execute(
            "INSERT INTO eg_pg_transaction_history VALUES (?1, 99, 1, 'user', ?2, 'PENDING', 'SUCCESS', ?2, ?3)",
            (&id, HOSTILE, &evidence),
        )
        .unwrap();
    database
        .execute(
            "INSERT INTO eg_pg_receipt_duties (txn_id, due_at, attempts, last_error) VALUES (?1, 1, 1, ?2)",
            (&id, HOSTILE),
        )
        .unwrap();
    database
        .execute(
            "INSERT INTO eg_pg_attention (txn_id, kind, raised_at, evidence, resolved_at, resolved_by, resolution)
             VALUES (?1, 'late-success', 1, ?3, 2, ?2, ?2)",
            (&id, HOSTILE, &evidence),
        )
        .unwrap();
    let receipt = json!({"Transaction": {"txnStatus": "SUCCESS", "receipt": HOSTILE}}).to_string();
    database
        .execute(
            "INSERT INTO eg_pg_outbox (kind, txn_id, tenant_id, body, stored_at) VALUES ('update-pg-txns', ?1, 'pb', ?2, 1)",
            (&id, &receipt),
        )
        .unwrap();
    database
        .execute(
            "INSERT INTO eg_pg_job_runs (job, scheduled_at, missed, attempt, node, started_at, lease_until, examined, changed,
                 still_pending, failed, ended_at, ended, ended_detail)
             VALUES ('receipts', 1, 0, 1, ?1, 1, 1, 0, 0, 0, 0, 1, 'failed', ?1)",
            [HOSTILE],
        )
        .unwrap();
    id
}

#[tokio::test]
async fn texts_from_outside_forge_no_line_and_steer_no_terminal() {
    let folder = tempfile::tempdir().unwrap();
    let id = hostile_payment(folder.path()).await;
    for arguments in [
        &["transaction", "show", &id][..],
        &["transaction", "show", &id, "--show-personal-data"],
        &["transaction", "show", &id, "--json", "--show-personal-data"],
        &["attention", "list", "--all"],
        &["attention", "list", "--all", "--json"],
        &["attention", "show", "1", "--show-personal-data"],
        &["attention", "show", "1", "--json", "--show-personal-data"],
        &["attention", "resolve", "1", "--reason", "seen to", "--by", "me"],
        &["events", "tail"],
        &["events", "tail", "--json", "--show-personal-data"],
        &["jobs", "list"],
        &["jobs", "history"],
        &["jobs", "history", "--json"],
    ] {
        let output = run(folder.path(), arguments);
        let told = format!("{}{}", stdout(&output), stderr(&output));
        assert!(
            told.contains("\\u{202e}") || told.contains("\\u202e"),
            "{arguments:?} shows none of it:\n{told}"
        );
        let steering =
            |char: char| char.is_control() && char != '\n' || matches!(char, '\u{2028}' | '\u{202e}');
        assert!(!told.contains(steering), "{arguments:?}: {told:?}");
        assert!(
            !told.lines().any(|line| line.starts_with("  2026-11-29  SUCCESS")),
            "{arguments:?} shows a forged line:\n{told}"
        );
    }
}
