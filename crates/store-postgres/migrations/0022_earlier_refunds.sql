-- Why: open refunds that an earlier service made are listed with ours; they are few in a table that grows.
CREATE INDEX eg_pg_refunds_earlier_open ON eg_pg_transaction_refund (created_time)
    WHERE pg_status IS NULL AND upper(status) NOT IN ('SUCCESS', 'FAILURE');
