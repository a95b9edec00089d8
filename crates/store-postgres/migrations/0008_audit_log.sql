-- Why: who decided what is kept in a log that shows any tampering: every entry is hashed with the hash of the
-- one before it, in the commit that makes it true.

-- entry: the very text that was hashed. The generated columns are for searching, and cannot differ from it.
CREATE TABLE eg_pg_audit (
    entry_number bigint NOT NULL PRIMARY KEY CHECK (entry_number >= 1),
    entry        text   NOT NULL,
    entry_hash   bytea  NOT NULL CHECK (length(entry_hash) = 32),
    action       text COLLATE "C" GENERATED ALWAYS AS (entry::json ->> 'action') STORED,
    actor        text COLLATE "C" GENERATED ALWAYS AS (entry::json #>> '{actor,id}') STORED,
    object_kind  text COLLATE "C" GENERATED ALWAYS AS (entry::json #>> '{object,kind}') STORED,
    object_id    text COLLATE "C" GENERATED ALWAYS AS (entry::json #>> '{object,id}') STORED,
    tenant_id    text COLLATE "C" GENERATED ALWAYS AS (entry::json ->> 'tenant') STORED
);

CREATE INDEX eg_pg_audit_by_action ON eg_pg_audit (action, entry_number);
CREATE INDEX eg_pg_audit_by_actor ON eg_pg_audit (actor, entry_number);
CREATE INDEX eg_pg_audit_by_object ON eg_pg_audit (object_id, entry_number);
CREATE INDEX eg_pg_audit_by_tenant ON eg_pg_audit (tenant_id, entry_number);

-- Personal values, of which entries hold salted hashes. To redact one is to remove its value and its salt.
CREATE TABLE eg_pg_audit_personal (
    entry_number bigint           NOT NULL,
    field        text COLLATE "C" NOT NULL,
    salt         bytea CHECK (length(salt) = 32),
    value        text,
    PRIMARY KEY (entry_number, field),
    CHECK ((salt IS NULL) = (value IS NULL))
);

-- The end of the log. A commit that appends entries locks this row, last of all rows.
CREATE TABLE eg_pg_audit_head (
    only_row    integer PRIMARY KEY CHECK (only_row = 1),
    database_id text    NOT NULL,
    last_number bigint  NOT NULL,
    last_hash   bytea   NOT NULL CHECK (length(last_hash) = 32)
);

INSERT INTO eg_pg_audit_head (only_row, database_id, last_number, last_hash)
VALUES (1, md5(random()::text || clock_timestamp()::text || pg_backend_pid()::text || random()::text), 0,
    decode(repeat('00', 32), 'hex'));

CREATE FUNCTION eg_pg_audit_is_append_only() RETURNS trigger LANGUAGE plpgsql AS $$
BEGIN
    RAISE EXCEPTION 'the audit log is append-only' USING ERRCODE = 'integrity_constraint_violation';
END
$$;

CREATE TRIGGER eg_pg_audit_is_never_changed
    BEFORE UPDATE OR DELETE ON eg_pg_audit FOR EACH ROW EXECUTE FUNCTION eg_pg_audit_is_append_only();
CREATE TRIGGER eg_pg_audit_is_never_emptied
    BEFORE TRUNCATE ON eg_pg_audit FOR EACH STATEMENT EXECUTE FUNCTION eg_pg_audit_is_append_only();

CREATE TRIGGER eg_pg_audit_personal_is_only_redacted
    BEFORE UPDATE ON eg_pg_audit_personal FOR EACH ROW
    WHEN (NEW.value IS NOT NULL OR NEW.entry_number <> OLD.entry_number OR NEW.field <> OLD.field)
    EXECUTE FUNCTION eg_pg_audit_is_append_only();
CREATE TRIGGER eg_pg_audit_personal_is_never_deleted
    BEFORE DELETE ON eg_pg_audit_personal FOR EACH ROW EXECUTE FUNCTION eg_pg_audit_is_append_only();
CREATE TRIGGER eg_pg_audit_personal_is_never_emptied
    BEFORE TRUNCATE ON eg_pg_audit_personal FOR EACH STATEMENT EXECUTE FUNCTION eg_pg_audit_is_append_only();

CREATE TRIGGER eg_pg_audit_head_only_grows
    BEFORE UPDATE ON eg_pg_audit_head FOR EACH ROW
    WHEN (NEW.last_number <= OLD.last_number OR NEW.database_id <> OLD.database_id)
    EXECUTE FUNCTION eg_pg_audit_is_append_only();
CREATE TRIGGER eg_pg_audit_head_is_never_deleted
    BEFORE DELETE ON eg_pg_audit_head FOR EACH ROW EXECUTE FUNCTION eg_pg_audit_is_append_only();
CREATE TRIGGER eg_pg_audit_head_is_never_emptied
    BEFORE TRUNCATE ON eg_pg_audit_head FOR EACH STATEMENT EXECUTE FUNCTION eg_pg_audit_is_append_only();

-- Seals over the histories of payments. The default numbers lines in the order of their insertion, those of the
-- previous version too; NULL in a line from before. No stored line is touched; the index is made by reading the
-- history once.
CREATE SEQUENCE eg_pg_history_positions;
-- For a service that is granted tables alone.
GRANT USAGE ON SEQUENCE eg_pg_history_positions TO PUBLIC;

ALTER TABLE eg_pg_transaction_history ADD COLUMN position bigint;
ALTER TABLE eg_pg_transaction_history ALTER COLUMN position SET DEFAULT nextval('eg_pg_history_positions');

CREATE INDEX eg_pg_transaction_history_by_position ON eg_pg_transaction_history (position)
    WHERE position IS NOT NULL;

-- How far the sealing has come. gaps: the positions that had no line when they were passed, and since when, as
-- JSON. earlier_*: the last sealed line of those without a position, and whether all are sealed.
CREATE TABLE eg_pg_history_seal (
    only_row         integer PRIMARY KEY CHECK (only_row = 1),
    sealed_through   bigint  NOT NULL,
    gaps             text    NOT NULL,
    earlier_txn_id   text,
    earlier_entry    bigint,
    earlier_is_done  boolean NOT NULL,
    CHECK ((earlier_txn_id IS NULL) = (earlier_entry IS NULL))
);

INSERT INTO eg_pg_history_seal (only_row, sealed_through, gaps, earlier_is_done)
SELECT 1, 0, '[]', NOT EXISTS (SELECT 1 FROM eg_pg_transaction_history);

-- tree: the roots of the full subtrees at this size, to go on from.
CREATE TABLE eg_pg_audit_checkpoints (
    size       bigint NOT NULL PRIMARY KEY CHECK (size >= 1),
    root       bytea  NOT NULL CHECK (length(root) = 32),
    at_time    bigint NOT NULL,
    signature  bytea  NOT NULL CHECK (length(signature) = 64),
    public_key bytea  NOT NULL CHECK (length(public_key) = 32),
    tree       bytea  NOT NULL
);

CREATE TRIGGER eg_pg_audit_checkpoints_are_never_changed
    BEFORE UPDATE OR DELETE ON eg_pg_audit_checkpoints FOR EACH ROW
    EXECUTE FUNCTION eg_pg_audit_is_append_only();
CREATE TRIGGER eg_pg_audit_checkpoints_are_never_emptied
    BEFORE TRUNCATE ON eg_pg_audit_checkpoints FOR EACH STATEMENT
    EXECUTE FUNCTION eg_pg_audit_is_append_only();
