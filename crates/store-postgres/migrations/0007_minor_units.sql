-- Why: payments are in currencies with other decimals than the rupee's. An amount is its minor units
-- together with its currency; txn_amount keeps the major units for reports.

-- NULL in a row of the previous version or of an earlier service: its amount is txn_amount, in rupees
-- where currency is NULL too.
ALTER TABLE eg_pg_transactions ADD COLUMN txn_amount_minor bigint;

-- A hand that alters one of the two alone is refused. Both are fixed when a transaction is created.
ALTER TABLE eg_pg_transactions
    ADD CONSTRAINT eg_pg_transactions_amounts_agree
        CHECK (txn_amount_minor IS NULL OR txn_amount_minor IN (txn_amount, txn_amount * 100)) NOT VALID;
