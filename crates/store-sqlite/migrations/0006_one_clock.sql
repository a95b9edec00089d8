-- Why: leases and due moments are judged by one clock, which nobody's setting of the computer's clock
-- moves: it is carried on from the latest commit. And what became of a registration that was cut off is
-- looked up for a while before the payment may be registered again.

-- When the latest commit was made, in milliseconds since 1970. An earlier version leaves it as it is.
ALTER TABLE eg_pg_heartbeat ADD COLUMN committed_at INTEGER NOT NULL DEFAULT 0;

UPDATE eg_pg_heartbeat SET committed_at = max(
    coalesce((SELECT stored_at FROM eg_pg_outbox ORDER BY sequence DESC LIMIT 1), 0),
    coalesce((SELECT started_at FROM eg_pg_job_runs ORDER BY run_id DESC LIMIT 1), 0));

-- When a registration ended of which nobody knows what became.
ALTER TABLE eg_pg_receipt_duties ADD COLUMN unclear_at INTEGER;

-- Duties under a lease are few, and are looked at again and again.
CREATE INDEX eg_pg_receipt_duties_by_lease ON eg_pg_receipt_duties (lease_until, lease_token)
    WHERE lease_until IS NOT NULL;
