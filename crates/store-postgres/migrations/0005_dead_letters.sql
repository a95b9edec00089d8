-- Why: an event that the brokers refuse for good held back the later ones of its transaction and topic for
-- ever. As a dead letter it stays in the outbox, holds back nothing and is tried no more until it is
-- revived. A version before this one tries it again, which does no harm.
ALTER TABLE eg_pg_outbox
    ADD COLUMN dead_at     bigint,
    ADD COLUMN dead_reason text,
    ADD CONSTRAINT eg_pg_outbox_dead_for_a_reason CHECK ((dead_at IS NULL) = (dead_reason IS NULL)) NOT VALID;

CREATE INDEX eg_pg_outbox_dead ON eg_pg_outbox (sequence) WHERE published_at IS NULL AND dead_at IS NOT NULL;
