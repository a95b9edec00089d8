-- Why: who decided what is kept in a log that shows any tampering: every entry is hashed with the hash of the
-- one before it, in the commit that makes it true.

-- entry: the very text that was hashed. The generated columns are for searching, and cannot differ from it.
CREATE TABLE eg_pg_audit (
    entry_number INTEGER PRIMARY KEY CHECK (entry_number >= 1),
    entry        TEXT NOT NULL,
    entry_hash   BLOB NOT NULL CHECK (length(entry_hash) = 32),
    action       TEXT GENERATED ALWAYS AS (entry ->> '$.action') VIRTUAL,
    actor        TEXT GENERATED ALWAYS AS (entry ->> '$.actor.id') VIRTUAL,
    object_kind  TEXT GENERATED ALWAYS AS (entry ->> '$.object.kind') VIRTUAL,
    object_id    TEXT GENERATED ALWAYS AS (entry ->> '$.object.id') VIRTUAL,
    tenant_id    TEXT GENERATED ALWAYS AS (entry ->> '$.tenant') VIRTUAL
) STRICT;

CREATE INDEX eg_pg_audit_by_action ON eg_pg_audit (action, entry_number);
CREATE INDEX eg_pg_audit_by_actor ON eg_pg_audit (actor, entry_number);
CREATE INDEX eg_pg_audit_by_object ON eg_pg_audit (object_id, entry_number);
CREATE INDEX eg_pg_audit_by_tenant ON eg_pg_audit (tenant_id, entry_number);

-- Personal values, of which entries hold salted hashes. To redact one is to remove its value and its salt.
CREATE TABLE eg_pg_audit_personal (
    entry_number INTEGER NOT NULL,
    field        TEXT    NOT NULL,
    salt         BLOB CHECK (length(salt) = 32),
    value        TEXT,
    PRIMARY KEY (entry_number, field),
    CHECK ((salt IS NULL) = (value IS NULL))
) STRICT, WITHOUT ROWID;

-- The end of the log.
CREATE TABLE eg_pg_audit_head (
    only_row    INTEGER PRIMARY KEY CHECK (only_row = 1),
    database_id TEXT    NOT NULL,
    last_number INTEGER NOT NULL,
    last_hash   BLOB    NOT NULL CHECK (length(last_hash) = 32)
) STRICT;

INSERT INTO eg_pg_audit_head (only_row, database_id, last_number, last_hash)
VALUES (1, lower(hex(randomblob(16))), 0, zeroblob(32));

CREATE TRIGGER eg_pg_audit_is_never_changed BEFORE UPDATE ON eg_pg_audit
BEGIN
    SELECT RAISE(ABORT, 'the audit log is append-only');
END;
CREATE TRIGGER eg_pg_audit_is_never_deleted BEFORE DELETE ON eg_pg_audit
BEGIN
    SELECT RAISE(ABORT, 'the audit log is append-only');
END;
-- REPLACE deletes the row that is in its way without asking the trigger above.
CREATE TRIGGER eg_pg_audit_is_never_replaced BEFORE INSERT ON eg_pg_audit
    WHEN EXISTS (SELECT 1 FROM eg_pg_audit WHERE entry_number = NEW.entry_number)
BEGIN
    SELECT RAISE(ABORT, 'the audit log is append-only');
END;

CREATE TRIGGER eg_pg_audit_personal_is_only_redacted BEFORE UPDATE ON eg_pg_audit_personal
    WHEN NEW.value IS NOT NULL OR NEW.entry_number <> OLD.entry_number OR NEW.field <> OLD.field
BEGIN
    SELECT RAISE(ABORT, 'the audit log is append-only');
END;
CREATE TRIGGER eg_pg_audit_personal_is_never_deleted BEFORE DELETE ON eg_pg_audit_personal
BEGIN
    SELECT RAISE(ABORT, 'the audit log is append-only');
END;
CREATE TRIGGER eg_pg_audit_personal_is_never_replaced BEFORE INSERT ON eg_pg_audit_personal
    WHEN EXISTS (SELECT 1 FROM eg_pg_audit_personal
                 WHERE entry_number = NEW.entry_number AND field = NEW.field)
BEGIN
    SELECT RAISE(ABORT, 'the audit log is append-only');
END;

CREATE TRIGGER eg_pg_audit_head_only_grows BEFORE UPDATE ON eg_pg_audit_head
    WHEN NEW.last_number <= OLD.last_number OR NEW.database_id <> OLD.database_id
BEGIN
    SELECT RAISE(ABORT, 'the audit log is append-only');
END;
CREATE TRIGGER eg_pg_audit_head_is_never_deleted BEFORE DELETE ON eg_pg_audit_head
BEGIN
    SELECT RAISE(ABORT, 'the audit log is append-only');
END;
CREATE TRIGGER eg_pg_audit_head_is_never_replaced BEFORE INSERT ON eg_pg_audit_head
BEGIN
    SELECT RAISE(ABORT, 'the audit log is append-only');
END;

-- Seals over the histories of payments: lines are numbered in the order of their insertion.
CREATE TABLE eg_pg_history_positions (
    position     INTEGER PRIMARY KEY,
    txn_id       TEXT    NOT NULL,
    entry_number INTEGER NOT NULL
) STRICT;

INSERT INTO eg_pg_history_positions (txn_id, entry_number)
SELECT txn_id, entry_number FROM eg_pg_transaction_history ORDER BY at_time, txn_id, entry_number;

CREATE TRIGGER eg_pg_transaction_history_is_numbered AFTER INSERT ON eg_pg_transaction_history
BEGIN
    INSERT INTO eg_pg_history_positions (txn_id, entry_number) VALUES (NEW.txn_id, NEW.entry_number);
END;

CREATE TRIGGER eg_pg_history_positions_are_never_changed BEFORE UPDATE ON eg_pg_history_positions
BEGIN
    SELECT RAISE(ABORT, 'the history is append-only');
END;
CREATE TRIGGER eg_pg_history_positions_are_never_deleted BEFORE DELETE ON eg_pg_history_positions
BEGIN
    SELECT RAISE(ABORT, 'the history is append-only');
END;
CREATE TRIGGER eg_pg_history_positions_are_never_replaced BEFORE INSERT ON eg_pg_history_positions
    WHEN EXISTS (SELECT 1 FROM eg_pg_history_positions WHERE position = NEW.position)
BEGIN
    SELECT RAISE(ABORT, 'the history is append-only');
END;

-- How far the sealing has come. gaps: the positions that had no line when they were passed, and since when, as
-- JSON.
CREATE TABLE eg_pg_history_seal (
    only_row       INTEGER PRIMARY KEY CHECK (only_row = 1),
    sealed_through INTEGER NOT NULL,
    gaps           TEXT    NOT NULL
) STRICT;

INSERT INTO eg_pg_history_seal (only_row, sealed_through, gaps) VALUES (1, 0, '[]');

-- tree: the roots of the full subtrees at this size, to go on from.
CREATE TABLE eg_pg_audit_checkpoints (
    size       INTEGER PRIMARY KEY CHECK (size >= 1),
    root       BLOB    NOT NULL CHECK (length(root) = 32),
    at_time    INTEGER NOT NULL,
    signature  BLOB    NOT NULL CHECK (length(signature) = 64),
    public_key BLOB    NOT NULL CHECK (length(public_key) = 32),
    tree       BLOB    NOT NULL
) STRICT;

CREATE TRIGGER eg_pg_audit_checkpoints_are_never_changed BEFORE UPDATE ON eg_pg_audit_checkpoints
BEGIN
    SELECT RAISE(ABORT, 'the audit log is append-only');
END;
CREATE TRIGGER eg_pg_audit_checkpoints_are_never_deleted BEFORE DELETE ON eg_pg_audit_checkpoints
BEGIN
    SELECT RAISE(ABORT, 'the audit log is append-only');
END;
CREATE TRIGGER eg_pg_audit_checkpoints_are_never_replaced BEFORE INSERT ON eg_pg_audit_checkpoints
    WHEN EXISTS (SELECT 1 FROM eg_pg_audit_checkpoints WHERE size = NEW.size)
BEGIN
    SELECT RAISE(ABORT, 'the audit log is append-only');
END;
