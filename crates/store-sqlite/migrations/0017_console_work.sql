-- Why: operators take review cases, release them and add notes, which are never changed; a case has a version, so that
-- a stale page changes nothing; and a form of the console is carried out once, however often it is sent.

ALTER TABLE eg_pg_attention ADD COLUMN owner TEXT;
ALTER TABLE eg_pg_attention ADD COLUMN owned_since INTEGER;
ALTER TABLE eg_pg_attention ADD COLUMN version INTEGER NOT NULL DEFAULT 1;

CREATE TABLE eg_pg_attention_history (
    case_id      INTEGER NOT NULL REFERENCES eg_pg_attention (case_id),
    entry_number INTEGER NOT NULL,
    at_time      INTEGER NOT NULL,
    author       TEXT    NOT NULL,
    act          TEXT    NOT NULL,
    note         TEXT,
    -- The form that brought it: stored once.
    note_key     TEXT,
    PRIMARY KEY (case_id, entry_number),
    UNIQUE (case_id, note_key)
) STRICT, WITHOUT ROWID;

CREATE TRIGGER eg_pg_attention_history_is_never_changed
    BEFORE UPDATE ON eg_pg_attention_history
BEGIN
    SELECT RAISE(ABORT, 'the history is append-only');
END;

CREATE TRIGGER eg_pg_attention_history_is_never_deleted
    BEFORE DELETE ON eg_pg_attention_history
BEGIN
    SELECT RAISE(ABORT, 'the history is append-only');
END;

CREATE TRIGGER eg_pg_attention_history_is_never_replaced
    BEFORE INSERT ON eg_pg_attention_history
    WHEN EXISTS (SELECT 1 FROM eg_pg_attention_history
                 WHERE case_id = NEW.case_id AND entry_number = NEW.entry_number)
BEGIN
    SELECT RAISE(ABORT, 'the history is append-only');
END;

CREATE TABLE eg_pg_console_forms (
    form_key BLOB    NOT NULL PRIMARY KEY CHECK (length(form_key) = 32),
    digest   BLOB    NOT NULL CHECK (length(digest) = 32),
    sent_at  INTEGER NOT NULL,
    -- The address that answers it; NULL while it is carried out.
    answer   TEXT
) STRICT, WITHOUT ROWID;

CREATE INDEX eg_pg_console_forms_by_age ON eg_pg_console_forms (sent_at);
