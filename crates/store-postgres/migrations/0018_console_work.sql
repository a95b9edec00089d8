-- Why: operators take review cases, release them and add notes, which are never changed; a case has a version, so that
-- a stale page changes nothing; and a form of the console is carried out once, on whichever replica it arrives.

ALTER TABLE eg_pg_attention
    ADD COLUMN owner text COLLATE "C",
    ADD COLUMN owned_since bigint,
    ADD COLUMN version bigint NOT NULL DEFAULT 1;

CREATE TABLE eg_pg_attention_history (
    case_id      bigint           NOT NULL REFERENCES eg_pg_attention (case_id),
    entry_number bigint           NOT NULL,
    at_time      bigint           NOT NULL,
    author       text             NOT NULL,
    act          text COLLATE "C" NOT NULL,
    note         text,
    -- The form that brought it: stored once.
    note_key     text COLLATE "C",
    PRIMARY KEY (case_id, entry_number),
    UNIQUE (case_id, note_key)
);

CREATE TRIGGER eg_pg_attention_history_is_never_changed
    BEFORE UPDATE OR DELETE ON eg_pg_attention_history FOR EACH ROW
    EXECUTE FUNCTION eg_pg_history_is_append_only();

CREATE TRIGGER eg_pg_attention_history_is_never_emptied
    BEFORE TRUNCATE ON eg_pg_attention_history FOR EACH STATEMENT
    EXECUTE FUNCTION eg_pg_history_is_append_only();

CREATE TABLE eg_pg_console_forms (
    form_key bytea  NOT NULL PRIMARY KEY CHECK (length(form_key) = 32),
    digest   bytea  NOT NULL CHECK (length(digest) = 32),
    sent_at  bigint NOT NULL,
    -- The address that answers it; NULL while it is carried out.
    answer   text
);

CREATE INDEX eg_pg_console_forms_by_age ON eg_pg_console_forms (sent_at);
