-- Why: the figures of the console cost the same however many payments there are. They are kept by day, counted from
-- the histories by a job after the commits of payments: no payment waits for them.

-- day: of the creation of payments, and of the request of refunds, in the time zone of the service, as 2026-11-30.
-- created counts payments of any status, also of one that is unknown. Amounts are in minor units.
CREATE TABLE eg_pg_daily_figures (
    day            text COLLATE "C" NOT NULL,
    tenant_id      text COLLATE "C" NOT NULL,
    gateway        text COLLATE "C" NOT NULL,
    currency       text COLLATE "C" NOT NULL,
    created        bigint           NOT NULL,
    pending        bigint           NOT NULL,
    paid           bigint           NOT NULL,
    paid_minor     bigint           NOT NULL,
    failed         bigint           NOT NULL,
    refunded       bigint           NOT NULL,
    refunded_minor bigint           NOT NULL,
    PRIMARY KEY (day, tenant_id, gateway, currency)
);

-- Few days but the last have pending payments.
CREATE INDEX eg_pg_daily_figures_pending ON eg_pg_daily_figures (day, tenant_id) WHERE pending > 0;

-- How far the counting has come. revision: counts the writes. through, gaps: as in eg_pg_history_seal.
-- counted_from: the earliest day that is counted; is_complete: there are no payments before it.
-- verified_down_to: the last of the older days that was compared with its payments.
CREATE TABLE eg_pg_figures_state (
    only_row         integer PRIMARY KEY CHECK (only_row = 1),
    revision         bigint  NOT NULL,
    zone             text,
    through          bigint  NOT NULL,
    gaps             text    NOT NULL,
    counted_from     text,
    is_complete      boolean NOT NULL,
    counted_at       bigint,
    verified_at      bigint,
    verified_days    bigint  NOT NULL,
    verified_down_to text,
    differed_at      bigint,
    differed_day     text
);

INSERT INTO eg_pg_figures_state (only_row, revision, through, gaps, is_complete, verified_days)
VALUES (1, 0, 0, '[]', false, 0);

-- Refunds that changed a short while ago are counted anew.
CREATE INDEX eg_pg_refunds_by_change ON eg_pg_transaction_refund (last_updated_time)
    WHERE last_updated_time IS NOT NULL;

-- The calls of each replica to its gateways, by interval. buckets: how many took at most so long, as JSON.
-- is_open: whether the breaker was open at the end.
CREATE TABLE eg_pg_gateway_readings (
    until_time bigint           NOT NULL,
    gateway    text COLLATE "C" NOT NULL,
    node       text COLLATE "C" NOT NULL,
    from_time  bigint           NOT NULL,
    calls      bigint           NOT NULL,
    failed     bigint           NOT NULL,
    buckets    text             NOT NULL,
    is_open    boolean          NOT NULL,
    PRIMARY KEY (until_time, gateway, node)
);
