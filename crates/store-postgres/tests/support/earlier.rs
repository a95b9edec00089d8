//! Rows left by an earlier egov-pg-service.

use tokio_postgres::Client;

use super::Database;

/// The tables as the earlier service's Flyway left them, with its own and Quartz's beside them.
const EARLIER: &str = r#"
    CREATE TABLE flyway_schema_history (installed_rank integer PRIMARY KEY, version varchar(50),
        script varchar(1000) NOT NULL, success boolean NOT NULL);
    INSERT INTO flyway_schema_history VALUES (1, '20180607185601', 'ddl', true), (2, '2019', 'alter', true);
    CREATE TABLE qrtz_triggers (sched_name varchar(120) NOT NULL, trigger_name varchar(200) NOT NULL,
        PRIMARY KEY (sched_name, trigger_name));
    INSERT INTO qrtz_triggers VALUES ('scheduler', 'early-reconciliation');
    CREATE TABLE eg_pg_transactions (
        txn_id varchar(128) NOT NULL PRIMARY KEY,
        txn_amount numeric(15,2) NOT NULL,
        txn_status varchar(64) NOT NULL,
        txn_status_msg varchar(64),
        gateway varchar(64) NOT NULL,
        bill_id varchar(64) NOT NULL,
        module varchar(64),
        module_id varchar(64),
        product_info varchar(512) NOT NULL,
        user_uuid varchar(128) NOT NULL,
        user_name varchar(128) NOT NULL,
        name varchar(128) NOT NULL,
        mobile_number varchar(50),
        email_id varchar(128),
        user_tenant_id varchar(128) NOT NULL,
        tenant_id varchar(128) NOT NULL,
        gateway_txn_id varchar(128) DEFAULT NULL,
        gateway_payment_mode varchar(128) DEFAULT NULL,
        gateway_status_code varchar(128) DEFAULT NULL,
        gateway_status_msg varchar(128) DEFAULT NULL,
        receipt varchar(128) DEFAULT NULL,
        created_by varchar(64),
        created_time bigint,
        last_modified_by varchar(64),
        last_modified_time bigint,
        consumer_code varchar(128),
        additional_details jsonb);
    CREATE TABLE eg_pg_transactions_dump (
        txn_id varchar(128) NOT NULL PRIMARY KEY, txn_request varchar, txn_response jsonb,
        created_by varchar(64), created_time bigint, last_modified_by varchar(64),
        last_modified_time bigint);
"#;

/// Payments in all states; B2 was paid twice, B5 is pending beside a success and another pending, B9 is
/// pending twice; some say next to nothing, some were written by hand.
const HISTORY: &str = r#"
    INSERT INTO eg_pg_transactions (txn_id, txn_amount, txn_status, txn_status_msg, gateway, bill_id, module,
        product_info, user_uuid, user_name, name, mobile_number, email_id, user_tenant_id, tenant_id,
        gateway_txn_id, receipt, created_by, created_time, last_modified_by, last_modified_time,
        consumer_code, additional_details)
    SELECT id, amount, status, 'Transaction ' || lower(status), gateway, bill, 'PT', 'Property tax', 'payer-1',
        '9876543210', 'Asha Rani', '9876543210', 'asha@example.org', 'pb', 'pb.amritsar', 'G-' || id,
        receipt, 'creator-1', created, 'job', created + 5, 'PT-1001',
        details::jsonb
    FROM (VALUES
        ('OLD_SUCCESS', 100.00, 'SUCCESS', 'AXIS', 'B1', 'R1', 1000,
            '{"taxAndPayments": [{"billId": "B1", "amountPaid": 100.0, "taxAmount": 100.00}]}'),
        ('OLD_TWICE_1', 50.50, 'SUCCESS', 'PAYTM', 'B2', 'R2', 2000,
            '{"taxAndPayments": [{"billId": "B2", "amountPaid": 50.50}]}'),
        ('OLD_TWICE_2', 50.50, 'SUCCESS', 'PAYTM', 'B2', 'R3', 1500,
            '{"taxAndPayments": [{"billId": "B2", "amountPaid": 50.50}]}'),
        ('OLD_FAILURE', 7.00, 'FAILURE', 'AXIS', 'B3', NULL, 3000, '{}'),
        ('OLD_SEVERAL', 30.00, 'PENDING', 'axis', 'B6', NULL, 4000,
            '{"taxAndPayments": [{"billId": "B6", "amountPaid": 10.000}, {"billId": "B7", "amountPaid": 20}],
              "other": [1.50, null]}'),
        ('OLD_PENDING', 5.00, 'PENDING', 'PAYTM', 'B5', NULL, 900, '[1]'),
        ('OLD_PAID_TOO', 5.00, 'SUCCESS', 'PAYTM', 'B5', NULL, 5000, NULL),
        ('OLD_PENDING_TOO', 5.00, 'PENDING', 'PAYTM', 'B5', NULL, 950, NULL),
        ('OLD_RIVAL_A', 5.00, 'PENDING', 'PAYTM', 'B9', NULL, 7001, NULL),
        ('OLD_RIVAL_b', 5.00, 'PENDING', 'PAYTM', 'B9', NULL, 7000, NULL),
        ('OLD_ODD', 6.00, 'PENDING', 'PAYTM', 'B10', NULL, 7500,
            '{"taxAndPayments": [{"billId": "B10"}, {"billId": "B11", "amountPaid": "six"}, 5, {"billId": ""}]}')
    ) AS old (id, amount, status, gateway, bill, receipt, created, details);
    INSERT INTO eg_pg_transactions (txn_id, txn_amount, txn_status, gateway, bill_id, product_info, user_uuid,
        user_name, name, user_tenant_id, tenant_id)
    VALUES ('OLD_BARE', 9.99, 'PENDING', 'PHONEPE', 'B8', '', '', '', '', '', 'pb');
    INSERT INTO eg_pg_transactions_dump VALUES ('OLD_SUCCESS', 'https://gateway.example/old',
        '{"vpc_TxnResponseCode": "0"}', 'creator-1', 1000, NULL, NULL);
"#;

/// Payments of several years, as many as `$1`: a bill has one to three of them, hours or months apart, in all
/// states.
const YEARS: &str = r#"
    INSERT INTO eg_pg_transactions (txn_id, txn_amount, txn_status, txn_status_msg, gateway, bill_id, module,
        product_info, user_uuid, user_name, name, mobile_number, email_id, user_tenant_id, tenant_id,
        gateway_txn_id, receipt, created_by, created_time, last_modified_by, last_modified_time,
        consumer_code, additional_details)
    SELECT 'PB_PG_' || lpad(n::text, 10, '0'), 100 + n % 900, status, 'Transaction ' || lower(status),
        (ARRAY['AXIS', 'PAYTM', 'PHONEPE'])[n % 3 + 1], 'B-' || bill, 'PT', 'Property tax',
        'payer-' || n % (1 + rows / 4), '9876543210', 'Asha Rani', '9876543210', 'asha@example.org', 'pb',
        'pb.' || (ARRAY['amritsar', 'jalandhar', 'mohali'])[bill % 3 + 1], 'G-' || n,
        CASE status WHEN 'SUCCESS' THEN 'R-' || n END, 'payer-' || n % (1 + rows / 4),
        CASE WHEN n % 5000 <> 7 THEN 1500000000000 + n * 30000 END, 'job', 1500000000000 + n * 30000 + 5,
        'PT-' || bill, jsonb_build_object('taxAndPayments', jsonb_build_array(jsonb_build_object(
            'billId', 'B-' || bill, 'amountPaid', 100 + n % 900, 'taxAmount', 100 + n % 900)))
    FROM (SELECT n, $1::bigint AS rows,
            CASE n % 3 WHEN 0 THEN n WHEN 1 THEN greatest(n - 100, 1) ELSE greatest(n - $1::bigint / 2, 1) END AS bill,
            CASE WHEN n % 10 < 6 THEN 'SUCCESS' WHEN n % 10 < 9 THEN 'FAILURE' ELSE 'PENDING' END AS status
        FROM generate_series(1, $1::bigint) AS n) AS years
"#;

/// A database that an earlier service has left after years, with so many payments.
pub(crate) async fn database_of_years(payments: i64) -> (Database, Client) {
    let database = Database::create_sorted_by_language().await;
    let client = database.client().await;
    client.batch_execute(EARLIER).await.unwrap();
    client.execute(YEARS, &[&payments]).await.unwrap();
    client.batch_execute("ANALYZE eg_pg_transactions").await.unwrap();
    (database, client)
}

/// A database that an earlier service has left.
pub(crate) async fn earlier_database() -> (Database, Client) {
    let database = Database::create_sorted_by_language().await;
    let client = database.client().await;
    client.batch_execute(EARLIER).await.unwrap();
    client.batch_execute(HISTORY).await.unwrap();
    (database, client)
}
