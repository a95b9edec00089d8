-- Why: operators log in to the console with sessions that can be listed and ended from any replica, and look for
-- payments by the gateway's number. Secrets of links and sessions stand here by their digests alone.

CREATE TABLE eg_pg_console_links (
    digest     BLOB    NOT NULL PRIMARY KEY CHECK (length(digest) = 32),
    uuid       TEXT    NOT NULL,
    name       TEXT    NOT NULL,
    -- [[tenant, role], …]
    grants     TEXT    NOT NULL,
    issued_at  INTEGER NOT NULL,
    expires_at INTEGER NOT NULL
) STRICT, WITHOUT ROWID;

CREATE TABLE eg_pg_console_sessions (
    session_id TEXT    NOT NULL PRIMARY KEY,
    digest     BLOB    NOT NULL UNIQUE CHECK (length(digest) = 32),
    method     TEXT    NOT NULL,
    uuid       TEXT    NOT NULL,
    name       TEXT    NOT NULL,
    grants     TEXT    NOT NULL,
    address    TEXT,
    started_at INTEGER NOT NULL,
    used_at    INTEGER NOT NULL,
    expires_at INTEGER NOT NULL,
    ended_at   INTEGER,
    ended_by   TEXT,
    CHECK ((ended_at IS NULL) = (ended_by IS NULL))
) STRICT, WITHOUT ROWID;

CREATE INDEX eg_pg_console_sessions_by_end ON eg_pg_console_sessions (expires_at);

-- Gateways write their numbers in letters of both cases. NULL until the gateway names one: a create has no further
-- index to keep.
CREATE INDEX eg_pg_transactions_by_gateway_txn_id
    ON eg_pg_transactions (lower(gateway_txn_id), created_time, txn_id) WHERE gateway_txn_id IS NOT NULL;
