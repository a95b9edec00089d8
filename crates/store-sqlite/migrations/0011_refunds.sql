-- Why: refunds, of which no sum may exceed what was captured, and their append-only history.

-- capture_key: empty for the payment itself, the gateway's number of a second payment of its order.
-- details: what no statement looks at, as JSON.
-- due_at: when the refund is to be worked on; checks: how often it was without a new status.
CREATE TABLE eg_pg_transaction_refund (
    refund_id          TEXT    NOT NULL PRIMARY KEY,
    original_txn_id    TEXT    NOT NULL REFERENCES eg_pg_transactions (txn_id),
    tenant_id          TEXT    NOT NULL,
    gateway            TEXT    NOT NULL,
    service_code       TEXT,
    gateway_txn_id     TEXT,
    status             TEXT    NOT NULL,
    workflow_status    TEXT    NOT NULL CHECK (workflow_status IN (
        'REQUESTED', 'APPROVED', 'SENT', 'SUCCEEDED', 'FAILED', 'REJECTED', 'WITHDRAWN', 'EXPIRED')),
    currency           TEXT    NOT NULL,
    captured_minor     INTEGER NOT NULL,
    amount_minor       INTEGER NOT NULL CHECK (amount_minor > 0 AND amount_minor <= captured_minor),
    capture_key        TEXT    NOT NULL,
    consumer_code      TEXT    NOT NULL,
    requested_by       TEXT    NOT NULL CHECK (requested_by <> ''),
    approved_by        TEXT,
    second_approved_by TEXT,
    waiver             TEXT    CHECK (waiver IN ('approval-above', 'trusted-role')),
    case_id            INTEGER,
    receipt_status     TEXT    NOT NULL,
    created_time       INTEGER NOT NULL,
    last_updated_by    TEXT,
    last_updated_time  INTEGER,
    version            INTEGER NOT NULL CHECK (version >= 1),
    details            TEXT    NOT NULL,
    request_scope      TEXT,
    request_key        TEXT,
    request_digest     BLOB    CHECK (length(request_digest) = 32),
    due_at             INTEGER,
    checks             INTEGER NOT NULL,
    -- A checker is another person than the maker and the first checker.
    CHECK (approved_by IS NULL OR approved_by <> requested_by),
    CHECK (second_approved_by IS NULL
        OR (approved_by IS NOT NULL AND second_approved_by NOT IN (requested_by, approved_by))),
    CHECK (workflow_status NOT IN ('APPROVED', 'SENT', 'SUCCEEDED', 'FAILED')
        OR approved_by IS NOT NULL OR waiver IS NOT NULL)
) STRICT;

-- Whatever a statement does: the refunds of a capture that are not dead never exceed it.
CREATE TRIGGER eg_pg_refunds_stay_within_capture_when_requested
    AFTER INSERT ON eg_pg_transaction_refund
    WHEN (SELECT sum(amount_minor) > min(captured_minor) FROM eg_pg_transaction_refund
          WHERE original_txn_id = NEW.original_txn_id AND capture_key = NEW.capture_key
              AND workflow_status IN ('REQUESTED', 'APPROVED', 'SENT', 'SUCCEEDED'))
BEGIN
    SELECT RAISE(ABORT, 'the refunds of a payment exceed what was captured');
END;

CREATE TRIGGER eg_pg_refunds_stay_within_capture_when_changed
    AFTER UPDATE OF workflow_status ON eg_pg_transaction_refund
    WHEN (SELECT sum(amount_minor) > min(captured_minor) FROM eg_pg_transaction_refund
          WHERE original_txn_id = NEW.original_txn_id AND capture_key = NEW.capture_key
              AND workflow_status IN ('REQUESTED', 'APPROVED', 'SENT', 'SUCCEEDED'))
BEGIN
    SELECT RAISE(ABORT, 'the refunds of a payment exceed what was captured');
END;

-- The last line of defence under the state machine.
CREATE TRIGGER eg_pg_refund_keeps_what_it_was_requested_with
    BEFORE UPDATE OF refund_id, original_txn_id, amount_minor, captured_minor, currency, capture_key, requested_by
    ON eg_pg_transaction_refund
BEGIN
    SELECT RAISE(ABORT, 'a refund keeps what it was requested with');
END;

CREATE TRIGGER eg_pg_refund_follows_its_machine
    BEFORE UPDATE OF workflow_status ON eg_pg_transaction_refund
    WHEN NEW.workflow_status <> OLD.workflow_status
        AND OLD.workflow_status || '>' || NEW.workflow_status NOT IN (
            'REQUESTED>APPROVED', 'REQUESTED>REJECTED', 'REQUESTED>WITHDRAWN', 'REQUESTED>EXPIRED',
            'APPROVED>SENT', 'APPROVED>FAILED', 'SENT>SUCCEEDED', 'SENT>FAILED')
BEGIN
    SELECT RAISE(ABORT, 'a refund may not become this after that');
END;

CREATE TRIGGER eg_pg_refund_is_never_deleted
    BEFORE DELETE ON eg_pg_transaction_refund
BEGIN
    SELECT RAISE(ABORT, 'a refund is not deleted');
END;

-- REPLACE deletes the row that is in its way without asking the trigger above.
CREATE TRIGGER eg_pg_refund_is_never_replaced
    BEFORE INSERT ON eg_pg_transaction_refund
    WHEN EXISTS (SELECT 1 FROM eg_pg_transaction_refund WHERE refund_id = NEW.refund_id)
BEGIN
    SELECT RAISE(ABORT, 'a refund is not replaced');
END;

CREATE INDEX eg_pg_refunds_by_payment ON eg_pg_transaction_refund (original_txn_id, created_time);
CREATE INDEX eg_pg_refunds_by_time ON eg_pg_transaction_refund (created_time, refund_id);
CREATE INDEX eg_pg_refunds_by_tenant ON eg_pg_transaction_refund (tenant_id, created_time, refund_id);
CREATE INDEX eg_pg_refunds_due ON eg_pg_transaction_refund (gateway, due_at, refund_id) WHERE due_at IS NOT NULL;
CREATE UNIQUE INDEX eg_pg_refunds_by_request ON eg_pg_transaction_refund (request_scope, request_key)
    WHERE request_key IS NOT NULL;

CREATE TABLE eg_pg_refund_history (
    refund_id    TEXT    NOT NULL REFERENCES eg_pg_transaction_refund (refund_id),
    entry_number INTEGER NOT NULL,
    txn_id       TEXT    NOT NULL,
    at_time      INTEGER NOT NULL,
    actor_kind   TEXT    NOT NULL,
    actor_id     TEXT    NOT NULL,
    from_status  TEXT,
    to_status    TEXT    NOT NULL,
    why          TEXT    NOT NULL,
    evidence     TEXT    NOT NULL,
    PRIMARY KEY (refund_id, entry_number)
) STRICT, WITHOUT ROWID;

CREATE TRIGGER eg_pg_refund_history_is_never_changed
    BEFORE UPDATE ON eg_pg_refund_history
BEGIN
    SELECT RAISE(ABORT, 'the history is append-only');
END;

CREATE TRIGGER eg_pg_refund_history_is_never_deleted
    BEFORE DELETE ON eg_pg_refund_history
BEGIN
    SELECT RAISE(ABORT, 'the history is append-only');
END;

CREATE TRIGGER eg_pg_refund_history_is_never_replaced
    BEFORE INSERT ON eg_pg_refund_history
    WHEN EXISTS (SELECT 1 FROM eg_pg_refund_history
                 WHERE refund_id = NEW.refund_id AND entry_number = NEW.entry_number)
BEGIN
    SELECT RAISE(ABORT, 'the history is append-only');
END;
