-- Why: clients of UPYOG read the bank's number of a payment. NULL where the gateway reports none, and in rows of the
-- previous version.
ALTER TABLE eg_pg_transactions ADD COLUMN pg_bank_transaction_no TEXT;
