-- Why: programs and people act under names of their own. A token stands here by its digest alone; its holder has
-- one uuid, so that two tokens of one person never count as two people.

CREATE TABLE eg_pg_api_holders (
    uuid     text COLLATE "C" PRIMARY KEY,
    name     text NOT NULL,
    -- In lower case, with single spaces.
    name_key text COLLATE "C" NOT NULL UNIQUE,
    kind     text NOT NULL
);

CREATE TABLE eg_pg_api_tokens (
    token_id     text COLLATE "C" PRIMARY KEY,
    -- SHA-256 of the token.
    digest       bytea  NOT NULL UNIQUE CHECK (length(digest) = 32),
    label        text   NOT NULL,
    uuid         text COLLATE "C" NOT NULL REFERENCES eg_pg_api_holders (uuid),
    issued_at    bigint NOT NULL,
    issued_by    text   NOT NULL,
    expires_at   bigint NOT NULL,
    last_used_at bigint,
    revoked_at   bigint,
    revoked_by   text,
    CHECK ((revoked_at IS NULL) = (revoked_by IS NULL))
);

CREATE TABLE eg_pg_api_token_grants (
    token_id  text COLLATE "C" NOT NULL REFERENCES eg_pg_api_tokens (token_id),
    tenant_id text COLLATE "C" NOT NULL,
    role      text NOT NULL,
    PRIMARY KEY (token_id, tenant_id, role)
);
