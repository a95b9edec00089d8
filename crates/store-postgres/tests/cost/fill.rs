//! The rows of large tables.

/// A year of a large city: 40 000 payments, of which eighty are pending.
pub(crate) const ALL: i64 = 1;
/// A tenth of them, and the few that are asked for: 4 200 or so.
pub(crate) const SOME: i64 = 10;
/// The 280 that are asked for, and no others.
pub(crate) const FEW: i64 = 1_000_000;

/// The numbers of the payments to add: those of the questions, and every so many of the rest.
pub(crate) fn numbers(every: i64) -> String {
    format!(
        "CREATE TEMP TABLE numbers AS SELECT n FROM generate_series(1, 40000) AS n
            WHERE (n % {every} = 0 OR n % 1000 IN (0, 1, 2, 7, 501, 777, 778))
                AND NOT EXISTS (SELECT 1 FROM eg_pg_transactions WHERE txn_id = 'T' || n);
        ANALYZE numbers;"
    )
}

pub(crate) const PARTS: [&str; 4] = [PAYMENTS, REFUNDS, CONSOLE, AUDIT_AND_FIGURES];

const PAYMENTS: &str = "
    INSERT INTO eg_pg_transactions (txn_id, txn_amount, currency, txn_status, txn_status_msg, gateway, bill_id,
        product_info, user_uuid, user_name, name, mobile_number, user_tenant_id, tenant_id, receipt, created_by,
        created_time, consumer_code, additional_details, bills, version, checks, last_checked_at, next_check_at)
    SELECT 'T' || n, 100, 'INR', status, 'm', (ARRAY['AXIS', 'PAYTM', 'PAYU'])[n % 3 + 1], 'B' || n,
        'p', 'payer-' || n / 4, 'u', 'n', (9800000000 + n)::text, 'pb', 'pb.' || n % 20,
        CASE status WHEN 'SUCCESS' THEN 'R' || n END, CASE n % 5 WHEN 0 THEN 'clerk-' || n / 50 ELSE 'payer-' || n / 4 END,
        1790000000000 + n, 'PT-' || n / 6, '{}', json_build_array(json_build_object('billId', 'B' || n, 'amountPaid', 100)),
        1, n % 2, CASE n % 2 WHEN 1 THEN n END, CASE n % 2 WHEN 1 THEN 1790000000000 + n END
    FROM (SELECT n, CASE WHEN n % 1000 = 0 OR n % 1000 = 501 THEN 'PENDING' WHEN n % 50 = 7 THEN 'FAILURE' ELSE 'SUCCESS' END
          AS status FROM numbers) AS rows;
    INSERT INTO eg_pg_transaction_bills SELECT 'B' || n, 'T' || n FROM numbers;
    INSERT INTO eg_pg_bill_claims SELECT 'pb.' || n % 20, 'B' || n, 'T' || n FROM numbers WHERE n % 50 <> 7;
    INSERT INTO eg_pg_transactions_dump (txn_id, txn_response) SELECT 'T' || n, '{}' FROM numbers;
    INSERT INTO eg_pg_transaction_history
        SELECT 'T' || n, 1, 1790000000000 + n, 'user', 'u', NULL, 'PENDING', 'w', '{}' FROM numbers;
    INSERT INTO eg_pg_outbox (kind, txn_id, tenant_id, body, stored_at, published_at, trace_context)
        SELECT 'save-pg-txns', 'T' || n, 'pb.' || n % 20, '{}', n, CASE WHEN n % 1000 > 0 THEN n END,
            CASE n % 2 WHEN 0 THEN '00-0af7651916cd43dd8448eb211c80319c-b7ad6b7169203331-01' END FROM numbers;
    INSERT INTO eg_pg_once_keys SELECT 'sms-' || n, n FROM numbers;
    INSERT INTO eg_pg_idempotency_keys SELECT 'pb', 'K' || n, sha256('x'), 'T' || n, '{}', n FROM numbers;
    INSERT INTO eg_pg_callbacks SELECT sha256(n::text::bytea), 'PAYTM', n, 'c', 'T' || n, 'paid' FROM numbers;
    INSERT INTO eg_pg_unsigned_callbacks SELECT 'T' || n, 0, 1, 'PAYTM', n, 'c' FROM numbers;
    INSERT INTO eg_pg_attention (txn_id, kind, raised_at, evidence, resolved_at, resolved_by, resolution)
        SELECT 'T' || n, (ARRAY['late-success', 'refunded'])[n % 2 + 1], n, '{}', closed, CASE WHEN closed > 0 THEN 'b' END,
            CASE WHEN closed > 0 THEN 'r' END
        FROM (SELECT n, CASE WHEN n % 1000 > 0 THEN n END AS closed FROM numbers) AS rows;
    INSERT INTO eg_pg_attention_history
        SELECT c.case_id, 1, c.raised_at, 'o', 'noted', 'called the bank', 'key'
        FROM numbers JOIN eg_pg_attention AS c ON c.txn_id = 'T' || n;
    INSERT INTO eg_pg_receipt_duties SELECT 'T' || n, n, 0 FROM numbers WHERE n % 1000 = 2;
    INSERT INTO eg_pg_receipt_cancellations (txn_id, refund_id, frees_bills, due_at, attempts, outcome)
        SELECT 'C' || n, 'RF' || n, true, n, 0, CASE WHEN n % 1000 <> 2 THEN 'CANCELLED' END FROM numbers;
    INSERT INTO eg_pg_jobs VALUES ('old', 1) ON CONFLICT DO NOTHING;
    INSERT INTO eg_pg_job_runs (job, scheduled_at, missed, attempt, node, started_at, lease_until, examined, changed,
            still_pending, failed, ended_at, end_kind)
        SELECT 'old', n, 0, 1, 'n', n, n, 0, 0, 0, 0, n, 'finished' FROM numbers;
    INSERT INTO stand_in_receipts SELECT 'pb.' || n % 20, 'B' || n, 'RT' || n, 'T' || n, 1, 100 FROM numbers;
    INSERT INTO stand_in_payers SELECT 'pb', n::text, 'n', 'u' || n, 'u', NULL, n FROM numbers;";

/// A refund of each payment: two of a thousand are under way, and due.
const REFUNDS: &str = r#"
    ALTER TABLE eg_pg_transaction_refund DISABLE TRIGGER USER;
    INSERT INTO eg_pg_transaction_refund (id, refund_id, tenant_id, original_txn_id, service_code, original_amount,
        refund_amount, gateway, status, created_by, created_time, last_updated_time, pg_version, pg_status, pg_currency,
        pg_captured_minor, pg_amount_minor, pg_capture_key, pg_consumer_code, pg_requested_by, pg_approved_by, pg_details,
        pg_request_scope, pg_request_key, pg_request_digest, pg_due_at, pg_checks)
    SELECT 'RF' || n, 'RF' || n, 'pb.' || n % 20, 'T' || n, 'PT', 100, 1, (ARRAY['AXIS', 'PAYTM', 'PAYU'])[n % 3 + 1], 'x',
        'maker-' || n / 50, 1790000000000 + n, 1790000000000 + n, 1, status, 'INR', 10000, 100, '', 'PT-' || n / 6,
        'maker-' || n / 50, CASE WHEN status <> 'REQUESTED' THEN 'checker' END,
        json_build_object('reasonCode', 'x', 'approvedAt', '{}'::json, 'calls', 0, 'notTaken', false,
            'gatewayRefundId', 'GR' || n, 'additionalDetails', '{}'::json),
        'pb', 'K' || n, sha256('x'), CASE WHEN status IN ('REQUESTED', 'SENT') THEN 1790000000000 + n END, 0
    FROM (SELECT n, CASE WHEN n % 1000 = 0 THEN 'REQUESTED' WHEN n % 1000 = 501 THEN 'SENT'
            WHEN n % 50 = 7 THEN 'FAILED' ELSE 'SUCCEEDED' END AS status FROM numbers) AS rows;
    ALTER TABLE eg_pg_transaction_refund ENABLE TRIGGER USER;
    INSERT INTO eg_pg_refund_history
        SELECT 'RF' || n, 1, 'T' || n, 1790000000000 + n, 'user', 'u', NULL, 'REQUESTED', 'w', '{}' FROM numbers;"#;

/// Sessions and forms of a month, of which a few are of today. Links, tokens and merchant accounts are made by hand:
/// they are few, and are read whole.
const CONSOLE: &str = r#"
    INSERT INTO eg_pg_console_sessions
        (session_id, digest, method, uuid, name, grants, started_at, used_at, expires_at, attempt)
    SELECT 's-' || n, sha256(n::text::bytea), 'provider', 'operator-' || n % 20, 'n', '[["pb", "PG_OPERATOR"]]', start, start,
        start + 28800000, sha256(('a' || n)::bytea)
    FROM (SELECT n, 1790000000000 - CASE WHEN n % 1000 = 0 THEN 0 ELSE n * 60000::bigint + 40000000 END AS start
          FROM numbers) AS rows;
    INSERT INTO eg_pg_console_forms
        SELECT sha256(n::text::bytea), sha256('x'), 1790000000000 - n, '/refunds' FROM numbers;
    INSERT INTO eg_pg_console_links SELECT sha256(n::text::bytea), 'operator', 'n', '[["pb", "PG_OPERATOR"]]',
        1790000000000, 1790000000000 + n FROM numbers WHERE n % 10000 = 7;
    INSERT INTO eg_pg_api_holders SELECT 'u-' || n, 'n ' || n, 'n ' || n, 'PERSON' FROM numbers WHERE n % 10000 = 7;
    INSERT INTO eg_pg_api_tokens (token_id, digest, label, uuid, issued_at, issued_by, expires_at)
        SELECT 'pgs_' || n, sha256(n::text::bytea), 'l', 'u-' || n, n, 'root', 1800000000000
        FROM numbers WHERE n % 10000 = 7;
    INSERT INTO eg_pg_api_token_grants SELECT 'pgs_' || n, 'pb.' || n % 20, 'PG_VIEWER' FROM numbers WHERE n % 10000 = 7;
    INSERT INTO eg_pg_merchant_account
        SELECT 'account-' || n, 'pb.' || n % 20, NULL, 'PAYTM', 'l', 1, 'OPEN', NULL, NULL, 'a', n, 'a', n, 1
        FROM numbers WHERE n % 10000 = 7;
    INSERT INTO eg_pg_merchant_credential (account_id, version, state, options, hints, created_by, created_at, second_person)
        SELECT 'account-' || n, 1, 'CREATED', '{}', '{}', 'a', n, true FROM numbers WHERE n % 10000 = 7;"#;

/// An entry in ten seconds; the latest line of the histories is sealed and counted, and the position behind it is lost,
/// as that of a line that was rolled back.
const AUDIT_AND_FIGURES: &str = r#"
    INSERT INTO eg_pg_audit (entry_number, entry, entry_hash)
    SELECT n, json_build_object('number', n, 'at', 1790000000000 + n * 10000,
            'actor', json_build_object('kind', 'principal', 'id', 'operator-' || n / 50),
            'action', CASE n % 1000 WHEN 7 THEN 'exported' ELSE 'case.resolved' END,
            'object', json_build_object('kind', 'case', 'id', n::text), 'tenant', 'pb.' || n % 20), sha256('x')
    FROM numbers;
    INSERT INTO eg_pg_audit_personal SELECT n, 'reason', sha256('x'), 'because' FROM numbers;
    UPDATE eg_pg_audit_head SET last_number = 40000 WHERE last_number < 40000;
    INSERT INTO eg_pg_audit_checkpoints SELECT n, sha256('x'), n, decode(repeat('00', 64), 'hex'), sha256('x'),
            decode(repeat('00', 32 * length(replace(n::bit(32)::text, '0', ''))), 'hex') FROM numbers;
    UPDATE eg_pg_history_seal SET earlier_is_done = true,
        sealed_through = (SELECT max(position) FROM eg_pg_transaction_history);
    SELECT nextval('eg_pg_history_positions');
    UPDATE eg_pg_figures_state SET zone = 'Asia/Kolkata', counted_from = '2000-01-01', is_complete = true,
        through = (SELECT max(position) FROM eg_pg_transaction_history);
    INSERT INTO eg_pg_daily_figures
        SELECT (date '2000-01-01' + n / 4)::text, 'pb.' || n % 20, 'AXIS', 'INR', 1, (n % 1000 = 0)::int, 1, 100, 0, 0, 0
        FROM numbers;
    INSERT INTO eg_pg_gateway_readings
        SELECT 1790000000000 + n, 'AXIS', 'n', 1790000000000 + n - 1, 1, 0, '[1]', false FROM numbers;
    DROP TABLE numbers;"#;

/// All work is done.
pub(crate) const NOTHING_WAITS: &str = "
    UPDATE eg_pg_transactions SET txn_status = 'FAILURE', next_check_at = NULL WHERE txn_status = 'PENDING';
    UPDATE eg_pg_outbox SET published_at = 1 WHERE published_at IS NULL;
    UPDATE eg_pg_attention SET resolved_at = 1, resolved_by = 'b', resolution = 'r' WHERE resolved_at IS NULL;
    DELETE FROM eg_pg_receipt_duties;
    UPDATE eg_pg_receipt_cancellations SET outcome = 'CANCELLED', lease_token = NULL, lease_until = NULL
        WHERE outcome IS NULL;
    UPDATE eg_pg_transaction_refund SET pg_due_at = NULL, pg_status = CASE pg_status
            WHEN 'REQUESTED' THEN 'REJECTED' WHEN 'APPROVED' THEN 'FAILED' ELSE 'SUCCEEDED' END
        WHERE pg_status IN ('REQUESTED', 'APPROVED', 'SENT');
    UPDATE eg_pg_console_sessions SET ended_at = 1, ended_by = 'b' WHERE ended_at IS NULL AND expires_at > 1790000000000;
    UPDATE eg_pg_daily_figures SET pending = 0 WHERE pending > 0;
    UPDATE eg_pg_history_seal SET gaps = '[]', sealed_through = (SELECT max(position) FROM eg_pg_transaction_history);
    UPDATE eg_pg_figures_state SET gaps = '[]', through = (SELECT max(position) FROM eg_pg_transaction_history);";

/// No table is analysed by the server itself.
pub(crate) const NO_AUTOVACUUM: &str = "
    DO $$ DECLARE name text; BEGIN
        FOR name IN SELECT tablename FROM pg_tables WHERE schemaname = 'public' LOOP
            EXECUTE format('ALTER TABLE %I SET (autovacuum_enabled = off)', name);
        END LOOP;
    END $$";
