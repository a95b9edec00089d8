-- Why: the figures of the console cost the same however many payments there are. They are kept by day, counted from
-- the histories by a job after the commits of payments: no payment waits for them.

-- day: of the creation of payments, and of the request of refunds, in the time zone of the service, as 2026-11-30.
-- created counts payments of any status. Amounts are in minor units.
CREATE TABLE eg_pg_daily_figures (
    day            TEXT    NOT NULL,
    tenant_id      TEXT    NOT NULL,
    gateway        TEXT    NOT NULL,
    currency       TEXT    NOT NULL,
    created        INTEGER NOT NULL,
    pending        INTEGER NOT NULL,
    paid           INTEGER NOT NULL,
    paid_minor     INTEGER NOT NULL,
    failed         INTEGER NOT NULL,
    refunded       INTEGER NOT NULL,
    refunded_minor INTEGER NOT NULL,
    PRIMARY KEY (day, tenant_id, gateway, currency)
) STRICT, WITHOUT ROWID;

-- Few days but the last have pending payments.
CREATE INDEX eg_pg_daily_figures_pending ON eg_pg_daily_figures (day, tenant_id, pending) WHERE pending > 0;

-- How far the counting has come. revision: counts the writes. through, gaps: as in eg_pg_history_seal.
-- counted_from: the earliest day that is counted; is_complete: there are no payments before it.
-- verified_down_to: the last of the older days that was compared with its payments.
CREATE TABLE eg_pg_figures_state (
    only_row         INTEGER PRIMARY KEY CHECK (only_row = 1),
    revision         INTEGER NOT NULL,
    zone             TEXT,
    through          INTEGER NOT NULL,
    gaps             TEXT    NOT NULL,
    counted_from     TEXT,
    is_complete      INTEGER NOT NULL CHECK (is_complete IN (0, 1)),
    counted_at       INTEGER,
    verified_at      INTEGER,
    verified_days    INTEGER NOT NULL,
    verified_down_to TEXT,
    differed_at      INTEGER,
    differed_day     TEXT
) STRICT;

INSERT INTO eg_pg_figures_state (only_row, revision, through, gaps, is_complete, verified_days)
VALUES (1, 0, 0, '[]', 0, 0);

-- Refunds that changed a short while ago are counted anew.
CREATE INDEX eg_pg_refunds_by_change ON eg_pg_transaction_refund (last_updated_time)
    WHERE last_updated_time IS NOT NULL;

-- The calls of each replica to its gateways, by interval. buckets: how many took at most so long, as JSON.
-- is_open: whether the breaker was open at the end.
CREATE TABLE eg_pg_gateway_readings (
    until_time INTEGER NOT NULL,
    gateway    TEXT    NOT NULL,
    node       TEXT    NOT NULL,
    from_time  INTEGER NOT NULL,
    calls      INTEGER NOT NULL,
    failed     INTEGER NOT NULL,
    buckets    TEXT    NOT NULL,
    is_open    INTEGER NOT NULL CHECK (is_open IN (0, 1)),
    PRIMARY KEY (until_time, gateway, node)
) STRICT, WITHOUT ROWID;
