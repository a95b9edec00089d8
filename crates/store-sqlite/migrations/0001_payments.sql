-- Why: the first schema. Payments with their claims, history, events and duties, so that one commit
-- stores a change whole and a constraint, not a check, keeps two payments off one bill.
--
-- Tables that DIGIT's reports read keep their names and columns; amounts are whole minor units,
-- moments are milliseconds since 1970.

CREATE TABLE eg_pg_transactions (
    txn_id               TEXT    NOT NULL PRIMARY KEY,
    tenant_id            TEXT    NOT NULL,
    txn_amount_minor     INTEGER NOT NULL CHECK (txn_amount_minor BETWEEN 0 AND 999999999999999),
    currency             TEXT    NOT NULL,
    bill_id              TEXT    NOT NULL,
    module               TEXT,
    consumer_code        TEXT    NOT NULL,
    bills                TEXT    NOT NULL,
    product_info         TEXT    NOT NULL,
    gateway              TEXT    NOT NULL,
    callback_url         TEXT,
    redirect_url         TEXT,
    redirect_form        TEXT,
    user_uuid            TEXT    NOT NULL,
    user_name            TEXT    NOT NULL,
    name                 TEXT    NOT NULL,
    mobile_number        TEXT    NOT NULL,
    email_id             TEXT,
    user_tenant_id       TEXT    NOT NULL,
    txn_status           TEXT    NOT NULL CHECK (txn_status IN ('PENDING', 'SUCCESS', 'FAILURE')),
    txn_status_msg       TEXT    NOT NULL,
    receipt              TEXT,
    gateway_txn_id       TEXT,
    gateway_payment_mode TEXT,
    gateway_status_code  TEXT,
    gateway_status_msg   TEXT,
    created_by           TEXT    NOT NULL,
    created_time         INTEGER NOT NULL,
    last_modified_by     TEXT,
    last_modified_time   INTEGER,
    additional_details   TEXT    NOT NULL,
    version              INTEGER NOT NULL CHECK (version >= 1),
    CHECK (receipt IS NULL OR txn_status = 'SUCCESS')
) STRICT;

-- Every index ends in the order of a search, newest first, so that a page is read and not sorted.
-- All of a tenant is read as three runs, one a status, and all there is likewise.
CREATE INDEX eg_pg_transactions_by_tenant
    ON eg_pg_transactions (tenant_id, txn_status, created_time, txn_id);
CREATE INDEX eg_pg_transactions_by_status
    ON eg_pg_transactions (txn_status, created_time, txn_id);
CREATE INDEX eg_pg_transactions_by_consumer_code
    ON eg_pg_transactions (consumer_code, created_time, txn_id);
CREATE INDEX eg_pg_transactions_by_payer
    ON eg_pg_transactions (user_uuid, created_time, txn_id);
-- Most payers create their transactions themselves: only the others need a second entry.
CREATE INDEX eg_pg_transactions_by_creator
    ON eg_pg_transactions (created_by, created_time, txn_id) WHERE created_by <> user_uuid;
CREATE INDEX eg_pg_transactions_by_receipt
    ON eg_pg_transactions (receipt, created_time, txn_id) WHERE receipt IS NOT NULL;

-- The last line of defence under the state machine.
CREATE TRIGGER eg_pg_transactions_success_is_final
    BEFORE UPDATE OF txn_status, receipt ON eg_pg_transactions
    WHEN OLD.txn_status = 'SUCCESS'
        AND (NEW.txn_status <> 'SUCCESS' OR (OLD.receipt IS NOT NULL AND NEW.receipt IS NOT OLD.receipt))
BEGIN
    SELECT RAISE(ABORT, 'a successful transaction keeps its status and its receipt');
END;

-- Every bill of every transaction, for searching; a claim is let go, this stays.
CREATE TABLE eg_pg_transaction_bills (
    bill_id TEXT NOT NULL,
    txn_id  TEXT NOT NULL REFERENCES eg_pg_transactions (txn_id),
    PRIMARY KEY (bill_id, txn_id)
) STRICT, WITHOUT ROWID;

-- At most one live transaction a bill.
CREATE TABLE eg_pg_bill_claims (
    tenant_id TEXT NOT NULL,
    bill_id   TEXT NOT NULL,
    txn_id    TEXT NOT NULL REFERENCES eg_pg_transactions (txn_id),
    PRIMARY KEY (tenant_id, bill_id)
) STRICT, WITHOUT ROWID;

CREATE TABLE eg_pg_transactions_dump (
    txn_id             TEXT    NOT NULL PRIMARY KEY REFERENCES eg_pg_transactions (txn_id),
    txn_request        TEXT,
    txn_response       TEXT,
    created_by         TEXT    NOT NULL,
    created_time       INTEGER NOT NULL,
    last_modified_by   TEXT,
    last_modified_time INTEGER
) STRICT, WITHOUT ROWID;

CREATE TABLE eg_pg_transaction_history (
    txn_id       TEXT    NOT NULL REFERENCES eg_pg_transactions (txn_id),
    entry_number INTEGER NOT NULL,
    at_time      INTEGER NOT NULL,
    actor_kind   TEXT    NOT NULL,
    actor_id     TEXT    NOT NULL,
    from_status  TEXT,
    to_status    TEXT    NOT NULL,
    why          TEXT    NOT NULL,
    evidence     TEXT    NOT NULL,
    PRIMARY KEY (txn_id, entry_number)
) STRICT, WITHOUT ROWID;

CREATE TRIGGER eg_pg_transaction_history_is_never_changed
    BEFORE UPDATE ON eg_pg_transaction_history
BEGIN
    SELECT RAISE(ABORT, 'the history is append-only');
END;

CREATE TRIGGER eg_pg_transaction_history_is_never_deleted
    BEFORE DELETE ON eg_pg_transaction_history
BEGIN
    SELECT RAISE(ABORT, 'the history is append-only');
END;

-- REPLACE deletes the row that is in its way without asking the trigger above.
CREATE TRIGGER eg_pg_transaction_history_is_never_replaced
    BEFORE INSERT ON eg_pg_transaction_history
    WHEN EXISTS (SELECT 1 FROM eg_pg_transaction_history
                 WHERE txn_id = NEW.txn_id AND entry_number = NEW.entry_number)
BEGIN
    SELECT RAISE(ABORT, 'the history is append-only');
END;

-- AUTOINCREMENT: a number is never given twice, even when the last events are cleared away.
CREATE TABLE eg_pg_outbox (
    sequence     INTEGER PRIMARY KEY AUTOINCREMENT,
    kind         TEXT    NOT NULL,
    txn_id       TEXT    NOT NULL,
    tenant_id    TEXT    NOT NULL,
    body         TEXT    NOT NULL,
    stored_at    INTEGER NOT NULL,
    published_at INTEGER
) STRICT;

CREATE INDEX eg_pg_outbox_by_transaction ON eg_pg_outbox (txn_id, sequence);

CREATE TABLE eg_pg_receipt_duties (
    txn_id      TEXT    NOT NULL PRIMARY KEY REFERENCES eg_pg_transactions (txn_id),
    due_at      INTEGER NOT NULL,
    attempts    INTEGER NOT NULL,
    lease_token TEXT,
    lease_until INTEGER,
    last_error  TEXT,
    CHECK ((lease_token IS NULL) = (lease_until IS NULL))
) STRICT, WITHOUT ROWID;

CREATE INDEX eg_pg_receipt_duties_by_due ON eg_pg_receipt_duties (due_at, txn_id);

CREATE TABLE eg_pg_idempotency_keys (
    scope      TEXT    NOT NULL,
    key        TEXT    NOT NULL,
    digest     BLOB    NOT NULL CHECK (length(digest) = 32),
    txn_id     TEXT    NOT NULL,
    answer     TEXT,
    created_at INTEGER NOT NULL,
    PRIMARY KEY (scope, key)
) STRICT, WITHOUT ROWID;

CREATE INDEX eg_pg_idempotency_keys_by_age ON eg_pg_idempotency_keys (created_at);

CREATE TABLE eg_pg_attention (
    case_id     INTEGER PRIMARY KEY,
    txn_id      TEXT    NOT NULL REFERENCES eg_pg_transactions (txn_id),
    kind        TEXT    NOT NULL,
    raised_at   INTEGER NOT NULL,
    evidence    TEXT    NOT NULL,
    resolved_at INTEGER,
    resolved_by TEXT,
    resolution  TEXT,
    UNIQUE (txn_id, kind)
) STRICT;

CREATE INDEX eg_pg_attention_open ON eg_pg_attention (raised_at) WHERE resolved_at IS NULL;

-- The transaction a callback names is the sender's word: no foreign key.
CREATE TABLE eg_pg_callbacks (
    digest      BLOB    NOT NULL PRIMARY KEY CHECK (length(digest) = 32),
    gateway     TEXT    NOT NULL,
    received_at INTEGER NOT NULL,
    content     TEXT    NOT NULL,
    txn_id      TEXT,
    conclusion  TEXT
) STRICT;

-- Written by the health check, which asks whether this database can be written.
CREATE TABLE eg_pg_heartbeat (
    only_row INTEGER PRIMARY KEY CHECK (only_row = 1),
    beats    INTEGER NOT NULL
) STRICT;

INSERT INTO eg_pg_heartbeat (only_row, beats) VALUES (1, 0);
