-- Why: refunds that are under way are counted again and again, by their age; others grow in number.
CREATE INDEX eg_pg_refunds_open ON eg_pg_transaction_refund (created_time, workflow_status, gateway, last_updated_time)
    WHERE workflow_status IN ('REQUESTED', 'APPROVED', 'SENT');
