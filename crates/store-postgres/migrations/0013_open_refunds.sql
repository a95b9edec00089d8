-- Why: refunds that are under way are counted again and again, by their age; others grow in number.
CREATE INDEX eg_pg_refunds_open ON eg_pg_transaction_refund (created_time)
    INCLUDE (pg_status, gateway, last_updated_time)
    WHERE pg_status IN ('REQUESTED', 'APPROVED', 'SENT');
