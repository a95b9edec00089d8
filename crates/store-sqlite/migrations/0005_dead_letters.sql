-- Why: an event that the brokers refuse for good held back the later ones of its transaction and topic for
-- ever. As a dead letter it stays in the outbox, holds back nothing and is tried no more until it is
-- revived. A version before this one tries it again, which does no harm.
ALTER TABLE eg_pg_outbox ADD COLUMN dead_at INTEGER;
ALTER TABLE eg_pg_outbox ADD COLUMN dead_reason TEXT;

CREATE INDEX eg_pg_outbox_dead ON eg_pg_outbox (published_at) WHERE dead_at IS NOT NULL;
