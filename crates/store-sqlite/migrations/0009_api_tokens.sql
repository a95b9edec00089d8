-- Why: programs and people act under names of their own. A token stands here by its digest alone; its holder has
-- one uuid, so that two tokens of one person never count as two people.

CREATE TABLE eg_pg_api_holders (
    uuid     TEXT NOT NULL PRIMARY KEY,
    name     TEXT NOT NULL,
    -- In lower case, with single spaces.
    name_key TEXT NOT NULL UNIQUE,
    kind     TEXT NOT NULL
) STRICT, WITHOUT ROWID;

CREATE TABLE eg_pg_api_tokens (
    token_id     TEXT    NOT NULL PRIMARY KEY,
    -- SHA-256 of the token.
    digest       BLOB    NOT NULL UNIQUE CHECK (length(digest) = 32),
    label        TEXT    NOT NULL,
    uuid         TEXT    NOT NULL REFERENCES eg_pg_api_holders (uuid),
    issued_at    INTEGER NOT NULL,
    issued_by    TEXT    NOT NULL,
    expires_at   INTEGER NOT NULL,
    last_used_at INTEGER,
    revoked_at   INTEGER,
    revoked_by   TEXT,
    CHECK ((revoked_at IS NULL) = (revoked_by IS NULL))
) STRICT;

CREATE TABLE eg_pg_api_token_grants (
    token_id  TEXT NOT NULL REFERENCES eg_pg_api_tokens (token_id),
    tenant_id TEXT NOT NULL,
    role      TEXT NOT NULL,
    PRIMARY KEY (token_id, tenant_id, role)
) STRICT, WITHOUT ROWID;
