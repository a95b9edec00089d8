-- Why: the first schema, which is also how the database of an earlier egov-pg-service is adopted. Its
-- two tables keep their names, columns and types, because DIGIT's reports read them: they are created
-- here when they are not there, and get our columns when they are. No stored row is touched: each
-- new column is nullable and has no default, and NULL says that the row was adopted and never
-- changed since. Whatever else is in the database (Flyway's and Quartz's tables) is left alone.
--
-- There are no foreign keys. Each would cost a trigger and a row lock for every row stored, and what
-- they would guard is written by one statement group in one transaction, or not at all.
--
-- Columns that are compared or sorted in the order of their bytes say COLLATE "C": the order of an
-- adopted database's own collation depends on its operating system.

CREATE TABLE IF NOT EXISTS eg_pg_transactions (
    txn_id               varchar(128)  NOT NULL PRIMARY KEY,
    txn_amount           numeric(15,2) NOT NULL,
    txn_status           varchar(64)   NOT NULL,
    txn_status_msg       varchar(64),
    gateway              varchar(64)   NOT NULL,
    bill_id              varchar(64)   NOT NULL,
    module               varchar(64),
    module_id            varchar(64),
    product_info         varchar(512)  NOT NULL,
    user_uuid            varchar(128)  NOT NULL,
    user_name            varchar(128)  NOT NULL,
    name                 varchar(128)  NOT NULL,
    mobile_number        varchar(50),
    email_id             varchar(128),
    user_tenant_id       varchar(128)  NOT NULL,
    tenant_id            varchar(128)  NOT NULL,
    gateway_txn_id       varchar(128),
    gateway_payment_mode varchar(128),
    gateway_status_code  varchar(128),
    gateway_status_msg   varchar(128),
    receipt              varchar(128),
    created_by           varchar(64),
    created_time         bigint,
    last_modified_by     varchar(64),
    last_modified_time   bigint,
    consumer_code        varchar(128),
    additional_details   jsonb
);

CREATE TABLE IF NOT EXISTS eg_pg_transactions_dump (
    txn_id             varchar(128) NOT NULL PRIMARY KEY,
    txn_request        varchar,
    txn_response       jsonb,
    created_by         varchar(64),
    created_time       bigint,
    last_modified_by   varchar(64),
    last_modified_time bigint
);

-- version: counts the changes; NULL in a row that was adopted.
-- whole_texts: by column, the texts that are longer than their columns.
-- additional_details_exact: the JSON text, where jsonb would alter it.
-- checks, last_checked_at, next_check_at: how often and when a pending payment was looked up.
ALTER TABLE eg_pg_transactions
    ADD COLUMN IF NOT EXISTS version                  bigint,
    ADD COLUMN IF NOT EXISTS currency                 text,
    ADD COLUMN IF NOT EXISTS bills                    json,
    ADD COLUMN IF NOT EXISTS callback_url             text,
    ADD COLUMN IF NOT EXISTS redirect_url             text,
    ADD COLUMN IF NOT EXISTS redirect_form            json,
    ADD COLUMN IF NOT EXISTS whole_texts              jsonb,
    ADD COLUMN IF NOT EXISTS additional_details_exact text,
    ADD COLUMN IF NOT EXISTS checks                   bigint,
    ADD COLUMN IF NOT EXISTS last_checked_at          bigint,
    ADD COLUMN IF NOT EXISTS next_check_at            bigint;

ALTER TABLE eg_pg_transactions_dump
    ADD COLUMN IF NOT EXISTS txn_response_exact text;

-- NOT VALID: for what is stored from now on. The history of others is not ours to judge.
ALTER TABLE eg_pg_transactions
    ADD CONSTRAINT eg_pg_transactions_status_is_known
        CHECK (version IS NULL OR txn_status IN ('PENDING', 'SUCCESS', 'FAILURE')) NOT VALID,
    ADD CONSTRAINT eg_pg_transactions_amount_is_not_negative
        CHECK (version IS NULL OR txn_amount >= 0) NOT VALID,
    ADD CONSTRAINT eg_pg_transactions_receipt_means_success
        CHECK (version IS NULL OR receipt IS NULL OR txn_status = 'SUCCESS') NOT VALID;

-- Every index ends in the order of a search, newest first, so that a page is read and not sorted.
-- They are read backwards: entries of growing times are then added at the end of each run. Adopted
-- rows without a time count as the oldest.
CREATE INDEX IF NOT EXISTS eg_pg_transactions_by_tenant ON eg_pg_transactions
    (tenant_id COLLATE "C", txn_status, created_time NULLS FIRST, txn_id COLLATE "C");
CREATE INDEX IF NOT EXISTS eg_pg_transactions_by_status ON eg_pg_transactions
    (txn_status, created_time NULLS FIRST, txn_id COLLATE "C");
CREATE INDEX IF NOT EXISTS eg_pg_transactions_by_consumer_code ON eg_pg_transactions
    (consumer_code, created_time NULLS FIRST, txn_id COLLATE "C");
CREATE INDEX IF NOT EXISTS eg_pg_transactions_by_payer ON eg_pg_transactions
    (user_uuid, created_time NULLS FIRST, txn_id COLLATE "C");
-- Most payers create their transactions themselves: only the others need a second entry.
CREATE INDEX IF NOT EXISTS eg_pg_transactions_by_creator ON eg_pg_transactions
    (created_by, created_time NULLS FIRST, txn_id COLLATE "C") WHERE created_by <> user_uuid;
CREATE INDEX IF NOT EXISTS eg_pg_transactions_by_receipt ON eg_pg_transactions
    (receipt, created_time NULLS FIRST, txn_id COLLATE "C") WHERE receipt IS NOT NULL;

-- The pending ones in the order in which they are checked: those never checked (0) apart from the
-- others (1), by age; and by the moment of the next check.
CREATE INDEX IF NOT EXISTS eg_pg_transactions_pending ON eg_pg_transactions (
    (CASE WHEN last_checked_at IS NULL THEN 0 ELSE 1 END),
    (coalesce(created_time, 0)), txn_id COLLATE "C") WHERE txn_status = 'PENDING';
CREATE INDEX IF NOT EXISTS eg_pg_transactions_next_check ON eg_pg_transactions
    (next_check_at, txn_id COLLATE "C") WHERE txn_status = 'PENDING' AND next_check_at IS NOT NULL;
CREATE INDEX IF NOT EXISTS eg_pg_transactions_pending_gateways ON eg_pg_transactions
    (gateway COLLATE "C") WHERE txn_status = 'PENDING';

-- What was adopted, for the adoption alone: no row of ours is in it.
CREATE INDEX IF NOT EXISTS eg_pg_transactions_adopted ON eg_pg_transactions
    (created_time) WHERE version IS NULL;

-- The last line of defence under the state machine.
CREATE FUNCTION eg_pg_success_is_final() RETURNS trigger LANGUAGE plpgsql AS $$
BEGIN
    RAISE EXCEPTION 'a successful transaction keeps its status and its receipt'
        USING ERRCODE = 'integrity_constraint_violation';
END
$$;

CREATE TRIGGER eg_pg_transactions_success_is_final
    BEFORE UPDATE OF txn_status, receipt ON eg_pg_transactions FOR EACH ROW
    WHEN (OLD.txn_status = 'SUCCESS' AND (NEW.txn_status <> 'SUCCESS'
        OR (OLD.receipt IS NOT NULL AND NEW.receipt IS DISTINCT FROM OLD.receipt)))
    EXECUTE FUNCTION eg_pg_success_is_final();

-- Every bill of every transaction, for searching; a claim is let go, this stays. The transaction is
-- joined by its primary key, and so has the collation of that.
CREATE TABLE eg_pg_transaction_bills (
    bill_id text COLLATE "C" NOT NULL,
    txn_id  text             NOT NULL,
    PRIMARY KEY (bill_id, txn_id)
);

-- At most one live transaction a bill.
CREATE TABLE eg_pg_bill_claims (
    tenant_id text COLLATE "C" NOT NULL,
    bill_id   text COLLATE "C" NOT NULL,
    txn_id    text             NOT NULL,
    PRIMARY KEY (tenant_id, bill_id)
);

-- json, not jsonb: evidence is kept to the last character.
CREATE TABLE eg_pg_transaction_history (
    txn_id       text COLLATE "C" NOT NULL,
    entry_number bigint           NOT NULL,
    at_time      bigint           NOT NULL,
    actor_kind   text             NOT NULL,
    actor_id     text             NOT NULL,
    from_status  text,
    to_status    text             NOT NULL,
    why          text             NOT NULL,
    evidence     json             NOT NULL,
    PRIMARY KEY (txn_id, entry_number)
);

CREATE FUNCTION eg_pg_history_is_append_only() RETURNS trigger LANGUAGE plpgsql AS $$
BEGIN
    RAISE EXCEPTION 'the history is append-only' USING ERRCODE = 'integrity_constraint_violation';
END
$$;

CREATE TRIGGER eg_pg_transaction_history_is_never_changed
    BEFORE UPDATE OR DELETE ON eg_pg_transaction_history FOR EACH ROW
    EXECUTE FUNCTION eg_pg_history_is_append_only();

CREATE TRIGGER eg_pg_transaction_history_is_never_emptied
    BEFORE TRUNCATE ON eg_pg_transaction_history FOR EACH STATEMENT
    EXECUTE FUNCTION eg_pg_history_is_append_only();

-- The row of the transaction is locked before its events are numbered, so that the numbers of one
-- transaction's events grow with its commits.
CREATE TABLE eg_pg_outbox (
    sequence     bigint GENERATED ALWAYS AS IDENTITY PRIMARY KEY,
    kind         text             NOT NULL,
    txn_id       text COLLATE "C" NOT NULL,
    tenant_id    text             NOT NULL,
    body         text             NOT NULL,
    stored_at    bigint           NOT NULL,
    published_at bigint
);

CREATE INDEX eg_pg_outbox_by_transaction ON eg_pg_outbox (txn_id, sequence);
CREATE INDEX eg_pg_outbox_waiting ON eg_pg_outbox (sequence) WHERE published_at IS NULL;
CREATE INDEX eg_pg_outbox_published ON eg_pg_outbox (published_at) WHERE published_at IS NOT NULL;

CREATE TABLE eg_pg_once_keys (
    key       text COLLATE "C" NOT NULL PRIMARY KEY,
    stored_at bigint           NOT NULL
);

CREATE TABLE eg_pg_receipt_duties (
    txn_id      text COLLATE "C" NOT NULL PRIMARY KEY,
    due_at      bigint           NOT NULL,
    attempts    bigint           NOT NULL,
    lease_token text,
    lease_until bigint,
    last_error  text,
    CHECK ((lease_token IS NULL) = (lease_until IS NULL))
);

CREATE INDEX eg_pg_receipt_duties_by_due ON eg_pg_receipt_duties (due_at, txn_id);

CREATE TABLE eg_pg_idempotency_keys (
    scope      text COLLATE "C" NOT NULL,
    key        text COLLATE "C" NOT NULL,
    digest     bytea            NOT NULL CHECK (length(digest) = 32),
    txn_id     text COLLATE "C" NOT NULL,
    answer     text,
    created_at bigint           NOT NULL,
    PRIMARY KEY (scope, key)
);

CREATE INDEX eg_pg_idempotency_keys_by_age ON eg_pg_idempotency_keys (created_at);

CREATE TABLE eg_pg_attention (
    case_id     bigint GENERATED ALWAYS AS IDENTITY PRIMARY KEY,
    txn_id      text             NOT NULL,
    kind        text COLLATE "C" NOT NULL,
    raised_at   bigint           NOT NULL,
    evidence    json             NOT NULL,
    resolved_at bigint,
    resolved_by text,
    resolution  text,
    UNIQUE (txn_id, kind)
);

CREATE INDEX eg_pg_attention_open ON eg_pg_attention (case_id) WHERE resolved_at IS NULL;
CREATE INDEX eg_pg_attention_open_by_kind ON eg_pg_attention (kind, case_id) WHERE resolved_at IS NULL;
CREATE INDEX eg_pg_attention_resolved ON eg_pg_attention (case_id) WHERE resolved_at IS NOT NULL;
CREATE INDEX eg_pg_attention_by_kind ON eg_pg_attention (kind, case_id);

CREATE TABLE eg_pg_callbacks (
    digest      bytea  NOT NULL PRIMARY KEY CHECK (length(digest) = 32),
    gateway     text   NOT NULL,
    received_at bigint NOT NULL,
    content     text   NOT NULL,
    txn_id      text,
    conclusion  text
);

CREATE INDEX eg_pg_callbacks_by_age ON eg_pg_callbacks (received_at);

-- current_run is NULL while no run of the job is at work. It is the fence: what a run stores locks
-- this row shared, so that the row cannot change before that is committed.
CREATE TABLE eg_pg_jobs (
    job         text COLLATE "C" NOT NULL PRIMARY KEY,
    current_run bigint
);

CREATE TABLE eg_pg_job_runs (
    run_id        bigint GENERATED ALWAYS AS IDENTITY PRIMARY KEY,
    job           text COLLATE "C" NOT NULL,
    scheduled_at  bigint           NOT NULL,
    missed        bigint           NOT NULL,
    attempt       bigint           NOT NULL,
    node          text             NOT NULL,
    started_at    bigint           NOT NULL,
    lease_until   bigint           NOT NULL,
    examined      bigint           NOT NULL,
    changed       bigint           NOT NULL,
    still_pending bigint           NOT NULL,
    failed        bigint           NOT NULL,
    ended_at      bigint,
    end_kind      text,
    end_detail    text,
    CHECK ((ended_at IS NULL) = (end_kind IS NULL))
);

CREATE INDEX eg_pg_job_runs_by_job ON eg_pg_job_runs (job, run_id);
CREATE INDEX eg_pg_job_runs_by_tick ON eg_pg_job_runs (job, scheduled_at, run_id);
CREATE INDEX eg_pg_job_runs_by_end ON eg_pg_job_runs (ended_at) WHERE ended_at IS NOT NULL;

-- Written by the health check, which asks whether this database can be written.
CREATE TABLE eg_pg_heartbeat (
    only_row integer PRIMARY KEY CHECK (only_row = 1),
    beats    bigint  NOT NULL
);

INSERT INTO eg_pg_heartbeat (only_row, beats) VALUES (1, 0);

-- How far the rows of an earlier service were taken in: their youngest creation time.
CREATE TABLE eg_pg_adoption (
    only_row        integer PRIMARY KEY CHECK (only_row = 1),
    adopted_through bigint
);
