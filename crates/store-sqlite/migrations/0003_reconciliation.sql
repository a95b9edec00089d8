-- Why: what stays pending is checked again until it is clear, jobs run on one node at a time, and a
-- relay publishes the outbox. Each needs to find what is due without reading what is done.

-- What was never checked, and all that is pending, are found in eg_pg_transactions_by_status: its
-- pending part does not grow with what is settled, and a create has no further index to keep.
ALTER TABLE eg_pg_transactions ADD COLUMN checks INTEGER NOT NULL DEFAULT 0;
ALTER TABLE eg_pg_transactions ADD COLUMN next_check_at INTEGER;
ALTER TABLE eg_pg_transactions ADD COLUMN last_checked_at INTEGER;

CREATE INDEX eg_pg_transactions_by_next_check
    ON eg_pg_transactions (next_check_at, txn_id)
    WHERE txn_status = 'PENDING' AND next_check_at IS NOT NULL;

-- AUTOINCREMENT: a run's number is its fence, and is never given twice, even when runs are forgotten.
CREATE TABLE eg_pg_job_runs (
    run_id        INTEGER PRIMARY KEY AUTOINCREMENT,
    job           TEXT    NOT NULL,
    scheduled_at  INTEGER NOT NULL,
    attempt       INTEGER NOT NULL CHECK (attempt >= 1),
    missed        INTEGER NOT NULL,
    node          TEXT    NOT NULL,
    started_at    INTEGER NOT NULL,
    lease_until   INTEGER NOT NULL,
    examined      INTEGER NOT NULL DEFAULT 0,
    changed       INTEGER NOT NULL DEFAULT 0,
    still_pending INTEGER NOT NULL DEFAULT 0,
    failed        INTEGER NOT NULL DEFAULT 0,
    ended_at      INTEGER,
    ended         TEXT CHECK (ended IN ('finished', 'cancelled', 'failed', 'taken-over')),
    ended_detail  TEXT,
    UNIQUE (job, scheduled_at, attempt),
    CHECK ((ended_at IS NULL) = (ended IS NULL)),
    CHECK ((ended_detail IS NULL) = (ended IS NULL OR ended IN ('finished', 'cancelled')))
) STRICT;

-- At most one run of a job is at work.
CREATE UNIQUE INDEX eg_pg_job_runs_at_work ON eg_pg_job_runs (job) WHERE ended_at IS NULL;
CREATE INDEX eg_pg_job_runs_by_job ON eg_pg_job_runs (job, run_id);
CREATE INDEX eg_pg_job_runs_by_end ON eg_pg_job_runs (ended_at, run_id) WHERE ended_at IS NOT NULL;

CREATE TRIGGER eg_pg_job_runs_end_once
    BEFORE UPDATE ON eg_pg_job_runs
    WHEN OLD.ended_at IS NOT NULL
BEGIN
    SELECT RAISE(ABORT, 'a run that is over stays as it ended');
END;

-- What waits to be published lies together in the order of its sequence, and what was published in
-- the order in which it may be forgotten.
CREATE INDEX eg_pg_outbox_by_publication ON eg_pg_outbox (published_at);

-- The keys of events that are stored once.
CREATE TABLE eg_pg_event_keys (
    key       TEXT    NOT NULL PRIMARY KEY,
    stored_at INTEGER NOT NULL
) STRICT, WITHOUT ROWID;

-- Open cases lie together in the order of their numbers.
CREATE INDEX eg_pg_attention_by_resolution ON eg_pg_attention (resolved_at);

CREATE INDEX eg_pg_callbacks_by_age ON eg_pg_callbacks (received_at);
