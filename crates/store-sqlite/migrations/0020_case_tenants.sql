-- Why: operators see the review cases of their tenants, page after page. The tenant was with the payment alone, which was
-- read for each case.

ALTER TABLE eg_pg_attention ADD COLUMN tenant_id TEXT;

UPDATE eg_pg_attention SET tenant_id = (
    SELECT tenant_id FROM eg_pg_transactions AS t WHERE t.txn_id = eg_pg_attention.txn_id);
