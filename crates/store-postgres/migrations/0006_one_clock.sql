-- Why: what became of a registration that was cut off is looked up for a while before the payment may be
-- registered again, and leases are watched before they are taken over.

-- When a registration ended of which nobody knows what became, in milliseconds since 1970. An earlier
-- version leaves it empty.
ALTER TABLE eg_pg_receipt_duties ADD COLUMN unclear_at bigint;

-- Duties under a lease are few, and are looked at again and again.
CREATE INDEX eg_pg_receipt_duties_by_lease ON eg_pg_receipt_duties (lease_until, lease_token)
    WHERE lease_until IS NOT NULL;
