//! The table of refunds: taken in from UPYOG's service as it is, and guarded by the database itself.

use std::sync::Arc;

use crate::support::Database;
use payment_domain::{Money, RefundStatus};
use payment_store::contract::refunding;
use payment_store::contract::sample::{self, paise};
use payment_store::{RefundQuery, RefundRequested, Store, TenantScope};
use tokio_postgres::Client;

/// As one of its versions has created it, with a column that a fork has added.
fn upyogs_table(tenant: &str) -> String {
    format!(
        "CREATE TABLE eg_pg_transaction_refund (
            id VARCHAR(128) NOT NULL, {tenant} VARCHAR(128) NOT NULL, refund_id VARCHAR(128) NOT NULL,
            original_txn_id VARCHAR(128) NOT NULL, service_code VARCHAR(64) NOT NULL,
            original_amount NUMERIC(15,2) NOT NULL, refund_amount NUMERIC(15,2) NOT NULL,
            gateway_txn_id VARCHAR(128), gateway VARCHAR(64) NOT NULL, status VARCHAR(64) NOT NULL,
            additional_details VARCHAR(1024), created_by VARCHAR(64), created_time BIGINT,
            last_updated_by VARCHAR(64), last_updated_time BIGINT, of_a_fork TEXT,
            PRIMARY KEY (refund_id));
        INSERT INTO eg_pg_transaction_refund (id, {tenant}, refund_id, original_txn_id, service_code,
            original_amount, refund_amount, gateway, status, created_by, created_time, of_a_fork)
        VALUES ('i1', 'pb.amritsar', 'OLD-1', 'T1', 'PT', 100.00, 30.00, 'NTTDATA', 'SUCCESS', 'u1', 5, 'kept'),
            ('i2', 'pb.amritsar', 'OLD-2', 'T1', 'PT', 100.00, 50.00, 'NTTDATA', 'FAILURE', NULL, NULL, NULL);"
    )
}

async fn old_rows(client: &Client, tenant: &str) -> Vec<String> {
    let sql = format!(
        "SELECT ctid::text || (id, {tenant}, refund_id, original_txn_id, service_code, original_amount,
            refund_amount, gateway, status, created_by, created_time, of_a_fork)::text
        FROM eg_pg_transaction_refund WHERE id IN ('i1', 'i2') ORDER BY refund_id"
    );
    client.query(&sql, &[]).await.unwrap().iter().map(|row| row.get(0)).collect()
}

async fn paid(store: &Arc<dyn Store>, id: &str) -> payment_domain::Transaction {
    let pending = sample::stored(store, sample::new_transaction(id, &format!("B-{id}"))).await;
    sample::applied(store, sample::success(&pending)).await
}

#[tokio::test]
async fn a_table_of_either_spelling_is_adopted_and_its_refunds_count() {
    for tenant in ["tanant_id", "tenant_id"] {
        let database = Database::create().await;
        let client = database.client().await;
        client.batch_execute(&upyogs_table(tenant)).await.unwrap();
        let before = old_rows(&client, tenant).await;
        let store = database.store().await;
        assert_eq!(old_rows(&client, tenant).await, before, "no row is touched");

        let payment = paid(&store, "T1").await;
        let known = store.refunds_of(&payment.id).await.unwrap();
        let told: Vec<(RefundStatus, Money)> =
            known.iter().map(|refund| (refund.status, refund.amount)).collect();
        assert_eq!(told, [(RefundStatus::Failed, paise(5_000)), (RefundStatus::Succeeded, paise(3_000))]);

        let whole = refunding::new(refunding::refund(&payment, "1", 10_000));
        let refused = store.request_refund(whole).await.unwrap();
        assert_eq!(refused, RefundRequested::Exceeds { available: paise(7_000) });
        let rest = refunding::new(refunding::refund(&payment, "2", 7_000));
        assert_eq!(store.request_refund(rest.clone()).await.unwrap(), RefundRequested::Stored);
        let within = Some(vec![TenantScope { root: "pb".to_owned() }]);
        let found = store.search_refunds(&RefundQuery { within, ..RefundQuery::default() }).await.unwrap();
        assert_eq!(found.len(), 3);
        assert_eq!(found.iter().find(|found| found.id == rest.refund.id), Some(&rest.refund));
        // By the statuses that they are read as.
        for (status, id) in [
            (RefundStatus::Succeeded, Some("OLD-1")),
            (RefundStatus::Failed, Some("OLD-2")),
            (RefundStatus::Requested, Some(rest.refund.id.as_str())),
            (RefundStatus::Sent, None),
            (RefundStatus::Expired, None),
        ] {
            let query = RefundQuery { statuses: vec![status], ..RefundQuery::default() };
            let found = store.search_refunds(&query).await.unwrap();
            let ids: Vec<&str> = found.iter().map(|refund| refund.id.as_str()).collect();
            assert_eq!(ids, Vec::from_iter(id), "{status:?}");
        }
        let sql = format!(
            "SELECT {tenant} || ' ' || refund_amount || ' ' || status FROM eg_pg_transaction_refund
            WHERE refund_id = '{}'",
            rest.refund.id
        );
        let row: String = client.query_one(&sql, &[]).await.unwrap().get(0);
        assert_eq!(row, "pb.amritsar 70.00 INITIATED", "reports read UPYOG's columns");
    }
}

#[tokio::test]
async fn the_database_refuses_invalid_rows() {
    let database = Database::create().await;
    let store = database.store().await;
    let payment = paid(&store, "T1").await;
    for (id, minor) in [("1", 6_000), ("2", 4_000)] {
        let new = refunding::new(refunding::refund(&payment, id, minor));
        assert_eq!(store.request_refund(new).await.unwrap(), RefundRequested::Stored);
    }
    let client = database.client().await;
    let copied = |changed: &str| {
        format!(
            "CREATE TEMPORARY TABLE copied AS SELECT * FROM eg_pg_transaction_refund LIMIT 1;
            UPDATE copied SET refund_id = 'RF-other-one', {changed};
            INSERT INTO eg_pg_transaction_refund SELECT * FROM copied"
        )
    };
    for wrong in [
        copied("pg_amount_minor = 1"),
        copied("pg_amount_minor = 1, pg_captured_minor = 999999"),
        "UPDATE eg_pg_transaction_refund SET pg_amount_minor = pg_amount_minor + 1".to_owned(),
        "UPDATE eg_pg_transaction_refund SET pg_captured_minor = 999999".to_owned(),
        "UPDATE eg_pg_transaction_refund SET pg_status = 'SENT'".to_owned(),
        "UPDATE eg_pg_transaction_refund SET pg_status = 'APPROVED'".to_owned(),
        "UPDATE eg_pg_transaction_refund SET pg_approved_by = pg_requested_by".to_owned(),
        "UPDATE eg_pg_transaction_refund SET pg_requested_by = 'another'".to_owned(),
        "UPDATE eg_pg_transaction_refund SET pg_version = NULL".to_owned(),
        "DELETE FROM eg_pg_transaction_refund".to_owned(),
        "UPDATE eg_pg_refund_history SET why = ''".to_owned(),
        "TRUNCATE eg_pg_refund_history".to_owned(),
    ] {
        let refused = client.batch_execute(&wrong).await;
        assert!(refused.is_err(), "{wrong}");
        client.batch_execute("DROP TABLE IF EXISTS copied").await.unwrap();
    }
    assert_eq!(store.refunds_of(&payment.id).await.unwrap().len(), 2);
}

/// Two writers past our code at the same moment: the second waits for the first, and sees its refund.
#[tokio::test]
async fn two_writers_beside_the_store_do_not_exceed_the_captured_amount() {
    let database = Database::create().await;
    let store = database.store().await;
    let payment = paid(&store, "T1").await;
    let seed = refunding::new(refunding::refund(&payment, "1", 1_000));
    assert_eq!(store.request_refund(seed).await.unwrap(), RefundRequested::Stored);
    let insert = |id: &str| {
        format!(
            "CREATE TEMPORARY TABLE copied AS SELECT * FROM eg_pg_transaction_refund WHERE refund_id LIKE '%1';
            UPDATE copied SET refund_id = '{id}', pg_amount_minor = 6000;
            INSERT INTO eg_pg_transaction_refund SELECT * FROM copied"
        )
    };
    let (one, other) = (database.client().await, database.client().await);
    let (first, second) = (insert("RF-writer-a"), insert("RF-writer-b"));
    let (first, second) = tokio::join!(one.batch_execute(&first), other.batch_execute(&second));
    assert!(first.is_ok() != second.is_ok(), "{first:?} {second:?}");
}
