-- Why: operators log in to the console with sessions that can be listed and ended from any replica, and look for
-- payments by the gateway's number. Secrets of links and sessions stand here by their digests alone.

CREATE TABLE eg_pg_console_links (
    digest     bytea            NOT NULL PRIMARY KEY CHECK (length(digest) = 32),
    uuid       text COLLATE "C" NOT NULL,
    name       text             NOT NULL,
    -- [[tenant, role], …]
    grants     text             NOT NULL,
    issued_at  bigint           NOT NULL,
    expires_at bigint           NOT NULL
);

CREATE TABLE eg_pg_console_sessions (
    session_id text COLLATE "C" NOT NULL PRIMARY KEY,
    digest     bytea            NOT NULL UNIQUE CHECK (length(digest) = 32),
    method     text             NOT NULL,
    uuid       text COLLATE "C" NOT NULL,
    name       text             NOT NULL,
    grants     text             NOT NULL,
    address    text,
    started_at bigint           NOT NULL,
    used_at    bigint           NOT NULL,
    expires_at bigint           NOT NULL,
    ended_at   bigint,
    ended_by   text,
    CHECK ((ended_at IS NULL) = (ended_by IS NULL))
);

CREATE INDEX eg_pg_console_sessions_by_end ON eg_pg_console_sessions (expires_at);

-- Gateways write their numbers in letters of both cases. NULL until the gateway names one: a create has no further
-- index to keep.
CREATE INDEX eg_pg_transactions_by_gateway_txn_id ON eg_pg_transactions
    (lower(gateway_txn_id) COLLATE "C", created_time NULLS FIRST, txn_id COLLATE "C")
    WHERE gateway_txn_id IS NOT NULL;
