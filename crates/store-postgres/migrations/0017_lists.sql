-- Why: operators look for payments by the payer's mobile number, the bank's number and the gateway's number of a
-- refund, and list what was paid and has no receipt.

-- By the last ten digits: numbers are written with and without the country's code, blanks and hyphens. The payments of
-- one number are few, and are sorted by their ids when they are found.
CREATE INDEX eg_pg_transactions_by_mobile ON eg_pg_transactions
    (right(translate(mobile_number, ' -', ''), 10) COLLATE "C", created_time NULLS FIRST);

-- NULL until the gateway reports one: a create has no further index to keep.
CREATE INDEX eg_pg_transactions_by_bank_transaction_no ON eg_pg_transactions
    (lower(pg_bank_transaction_no) COLLATE "C", created_time NULLS FIRST)
    WHERE pg_bank_transaction_no IS NOT NULL;

-- An entry for each payment, from its success to its receipt.
CREATE INDEX eg_pg_transactions_without_receipt ON eg_pg_transactions
    (created_time NULLS FIRST, txn_id COLLATE "C") WHERE txn_status = 'SUCCESS' AND receipt IS NULL;

CREATE INDEX eg_pg_refunds_by_gateway_refund_id ON eg_pg_transaction_refund
    (lower(pg_details ->> 'gatewayRefundId') COLLATE "C") WHERE pg_details ->> 'gatewayRefundId' IS NOT NULL;

-- Entries are numbered nearly in the order of their moments: a day is found by its first entry.
CREATE INDEX eg_pg_audit_by_time ON eg_pg_audit (((entry::json ->> 'at')::bigint));
