-- Why: operators see the review cases of their tenants, page after page. The tenant was with the payment alone, which was
-- read for each case.

-- NULL in the rows of previous versions, whose replicas may still run: theirs get it by the trigger.
ALTER TABLE eg_pg_attention ADD COLUMN tenant_id text COLLATE "C";

CREATE FUNCTION eg_pg_case_has_its_tenant() RETURNS trigger LANGUAGE plpgsql AS $$
BEGIN
    NEW.tenant_id := (SELECT tenant_id FROM eg_pg_transactions WHERE txn_id = NEW.txn_id);
    RETURN NEW;
END
$$;

CREATE TRIGGER eg_pg_case_has_its_tenant
    BEFORE INSERT ON eg_pg_attention FOR EACH ROW
    EXECUTE FUNCTION eg_pg_case_has_its_tenant();
