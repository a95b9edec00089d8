-- Why: refunds. The table of UPYOG's pg-service is taken in where it is there: its rows and columns stay as
-- they are, in either spelling of its tenant, and unknown columns are left alone. NULL in pg_version says that
-- a row is not ours. Our columns begin with pg_, so that none of a fork has the same name.

CREATE TABLE IF NOT EXISTS eg_pg_transaction_refund (
    id                 varchar(128)  NOT NULL,
    tenant_id          varchar(128)  NOT NULL,
    refund_id          varchar(128)  NOT NULL PRIMARY KEY,
    original_txn_id    varchar(128)  NOT NULL,
    service_code       varchar(64)   NOT NULL,
    original_amount    numeric(15,2) NOT NULL,
    refund_amount      numeric(15,2) NOT NULL,
    gateway_txn_id     varchar(128),
    gateway            varchar(64)   NOT NULL,
    status             varchar(64)   NOT NULL,
    additional_details varchar(1024),
    created_by         varchar(64),
    created_time       bigint,
    last_updated_by    varchar(64),
    last_updated_time  bigint
);

-- pg_capture_key: empty for the payment itself, the gateway's number of a second payment of its order.
-- pg_details: what no statement looks at, as JSON.
-- pg_due_at: when the refund is to be worked on; pg_checks: how often it was without a new status.
ALTER TABLE eg_pg_transaction_refund
    ADD COLUMN IF NOT EXISTS gateway_status_code varchar(128),
    ADD COLUMN IF NOT EXISTS gateway_status_msg  varchar(128),
    ADD COLUMN pg_version            bigint,
    ADD COLUMN pg_status             text COLLATE "C",
    ADD COLUMN pg_currency           text,
    ADD COLUMN pg_captured_minor     bigint,
    ADD COLUMN pg_amount_minor       bigint,
    ADD COLUMN pg_capture_key        text,
    ADD COLUMN pg_consumer_code      text,
    ADD COLUMN pg_requested_by       text,
    ADD COLUMN pg_approved_by        text,
    ADD COLUMN pg_second_approved_by text,
    ADD COLUMN pg_waiver             text,
    ADD COLUMN pg_case_id            bigint,
    ADD COLUMN pg_receipt_status     text,
    ADD COLUMN pg_details            json,
    ADD COLUMN pg_request_scope      text COLLATE "C",
    ADD COLUMN pg_request_key        text COLLATE "C",
    ADD COLUMN pg_request_digest     bytea,
    ADD COLUMN pg_due_at             bigint,
    ADD COLUMN pg_checks             bigint;

ALTER TABLE eg_pg_transaction_refund
    ADD CONSTRAINT eg_pg_refund_is_whole CHECK (pg_version IS NULL OR (
        pg_status IN ('REQUESTED', 'APPROVED', 'SENT', 'SUCCEEDED', 'FAILED', 'REJECTED', 'WITHDRAWN', 'EXPIRED')
        AND pg_amount_minor > 0 AND pg_amount_minor <= pg_captured_minor AND pg_currency IS NOT NULL
        AND pg_capture_key IS NOT NULL AND pg_requested_by <> '' AND pg_details IS NOT NULL) IS TRUE) NOT VALID,
    -- A checker is another person than the maker and the first checker.
    ADD CONSTRAINT eg_pg_refund_is_checked_by_another CHECK (
        (pg_approved_by IS NULL OR pg_approved_by <> pg_requested_by)
        AND (pg_second_approved_by IS NULL OR (pg_approved_by IS NOT NULL
            AND pg_second_approved_by NOT IN (pg_requested_by, pg_approved_by)))) NOT VALID,
    ADD CONSTRAINT eg_pg_refund_is_approved_before_it_leaves CHECK (
        pg_version IS NULL OR pg_status NOT IN ('APPROVED', 'SENT', 'SUCCEEDED', 'FAILED')
        OR pg_approved_by IS NOT NULL OR pg_waiver IN ('approval-above', 'trusted-role') IS TRUE) NOT VALID;

-- Whatever a statement does: the refunds of a capture that are not dead never exceed it, and of two that are
-- stored at once the second sees the first, because both lock the payment.
CREATE FUNCTION eg_pg_refunds_stay_within_capture() RETURNS trigger LANGUAGE plpgsql AS $$
DECLARE
    others   numeric;
    smallest bigint;
BEGIN
    PERFORM 1 FROM eg_pg_transactions WHERE txn_id = NEW.original_txn_id FOR UPDATE;
    IF NOT FOUND THEN
        RAISE EXCEPTION 'a refund without a payment' USING ERRCODE = 'integrity_constraint_violation';
    END IF;
    SELECT coalesce(sum(coalesce(pg_amount_minor, refund_amount * 100)), 0), min(pg_captured_minor)
    INTO others, smallest
    FROM eg_pg_transaction_refund
    WHERE original_txn_id = NEW.original_txn_id AND refund_id <> NEW.refund_id
        AND coalesce(pg_capture_key, '') = NEW.pg_capture_key
        AND CASE WHEN pg_version IS NULL THEN upper(status) <> 'FAILURE'
            ELSE pg_status IN ('REQUESTED', 'APPROVED', 'SENT', 'SUCCEEDED') END;
    IF others + NEW.pg_amount_minor > least(smallest, NEW.pg_captured_minor) THEN
        RAISE EXCEPTION 'the refunds of a payment exceed what was captured'
            USING ERRCODE = 'integrity_constraint_violation';
    END IF;
    RETURN NEW;
END
$$;

CREATE TRIGGER eg_pg_refunds_stay_within_capture
    BEFORE INSERT OR UPDATE OF pg_version, pg_status, pg_amount_minor, pg_captured_minor, pg_capture_key, original_txn_id
    ON eg_pg_transaction_refund FOR EACH ROW
    WHEN (NEW.pg_version IS NOT NULL AND NEW.pg_status IN ('REQUESTED', 'APPROVED', 'SENT', 'SUCCEEDED'))
    EXECUTE FUNCTION eg_pg_refunds_stay_within_capture();

-- The last line of defence under the state machine.
CREATE FUNCTION eg_pg_refund_follows_its_machine() RETURNS trigger LANGUAGE plpgsql AS $$
BEGIN
    IF TG_OP = 'DELETE' THEN
        RAISE EXCEPTION 'a refund is not deleted' USING ERRCODE = 'integrity_constraint_violation';
    END IF;
    IF (NEW.pg_version, NEW.refund_id, NEW.original_txn_id, NEW.pg_amount_minor, NEW.pg_captured_minor,
            NEW.pg_currency, NEW.pg_capture_key, NEW.pg_requested_by)
        IS DISTINCT FROM (greatest(OLD.pg_version, NEW.pg_version), OLD.refund_id, OLD.original_txn_id,
            OLD.pg_amount_minor, OLD.pg_captured_minor, OLD.pg_currency, OLD.pg_capture_key, OLD.pg_requested_by)
    THEN
        RAISE EXCEPTION 'a refund keeps what it was requested with'
            USING ERRCODE = 'integrity_constraint_violation';
    END IF;
    IF NEW.pg_status <> OLD.pg_status AND (OLD.pg_status || '>' || NEW.pg_status) NOT IN (
        'REQUESTED>APPROVED', 'REQUESTED>REJECTED', 'REQUESTED>WITHDRAWN', 'REQUESTED>EXPIRED',
        'APPROVED>SENT', 'APPROVED>FAILED', 'SENT>SUCCEEDED', 'SENT>FAILED')
    THEN
        RAISE EXCEPTION 'a refund may not become % after %', NEW.pg_status, OLD.pg_status
            USING ERRCODE = 'integrity_constraint_violation';
    END IF;
    RETURN NEW;
END
$$;

CREATE TRIGGER eg_pg_refund_follows_its_machine
    BEFORE UPDATE OR DELETE ON eg_pg_transaction_refund FOR EACH ROW
    WHEN (OLD.pg_version IS NOT NULL)
    EXECUTE FUNCTION eg_pg_refund_follows_its_machine();

CREATE INDEX eg_pg_refunds_by_payment ON eg_pg_transaction_refund (original_txn_id, created_time);
CREATE INDEX eg_pg_refunds_by_time ON eg_pg_transaction_refund (created_time NULLS FIRST, refund_id);
CREATE INDEX eg_pg_refunds_by_consumer_code ON eg_pg_transaction_refund (pg_consumer_code, created_time)
    WHERE pg_consumer_code IS NOT NULL;
CREATE INDEX eg_pg_refunds_by_maker ON eg_pg_transaction_refund (pg_requested_by, created_time)
    WHERE pg_requested_by IS NOT NULL;
CREATE INDEX eg_pg_refunds_due ON eg_pg_transaction_refund (gateway, pg_due_at, refund_id)
    WHERE pg_due_at IS NOT NULL;
CREATE UNIQUE INDEX eg_pg_refunds_by_request ON eg_pg_transaction_refund (pg_request_scope, pg_request_key)
    WHERE pg_request_key IS NOT NULL;

DO $$
DECLARE
    tenant text;
BEGIN
    SELECT attname INTO tenant FROM pg_attribute
    WHERE attrelid = 'eg_pg_transaction_refund'::regclass AND attname IN ('tenant_id', 'tanant_id')
        AND NOT attisdropped
    ORDER BY attname DESC LIMIT 1;
    EXECUTE format('CREATE INDEX eg_pg_refunds_by_tenant ON eg_pg_transaction_refund
        (%I COLLATE "C", created_time NULLS FIRST, refund_id)', tenant);
END
$$;

CREATE TABLE eg_pg_refund_history (
    refund_id    text COLLATE "C" NOT NULL,
    entry_number bigint           NOT NULL,
    txn_id       text             NOT NULL,
    at_time      bigint           NOT NULL,
    actor_kind   text             NOT NULL,
    actor_id     text             NOT NULL,
    from_status  text,
    to_status    text             NOT NULL,
    why          text             NOT NULL,
    evidence     json             NOT NULL,
    PRIMARY KEY (refund_id, entry_number)
);

CREATE TRIGGER eg_pg_refund_history_is_never_changed
    BEFORE UPDATE OR DELETE ON eg_pg_refund_history FOR EACH ROW
    EXECUTE FUNCTION eg_pg_history_is_append_only();

CREATE TRIGGER eg_pg_refund_history_is_never_emptied
    BEFORE TRUNCATE ON eg_pg_refund_history FOR EACH STATEMENT
    EXECUTE FUNCTION eg_pg_history_is_append_only();
