-- Why: clients of UPYOG read the bank's number of a payment. The name begins with pg_, so that no column of a fork
-- has it. NULL where the gateway reports none, and in rows of the previous version.
ALTER TABLE eg_pg_transactions ADD COLUMN pg_bank_transaction_no text;
