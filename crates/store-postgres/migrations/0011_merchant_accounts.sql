-- Why: cities and services are paid into merchant accounts of their own, whose credentials are entered,
-- changed and retired while the service runs.

-- The merchant account of a payment: 'configured/<digest of the merchant>' or '<account>/<version>'. NULL in a row
-- of the previous version or of an earlier service.
ALTER TABLE eg_pg_transactions ADD COLUMN merchant_account text;

CREATE TABLE eg_pg_merchant_account (
    id               text   NOT NULL PRIMARY KEY,
    tenant_id        text   NOT NULL COLLATE "C",
    business_service text,
    gateway          text   NOT NULL,
    label            text   NOT NULL,
    priority         bigint NOT NULL,
    state            text   NOT NULL CHECK (state IN ('OPEN', 'RETIRED')),
    bank_account_ref text,
    merchant         text,
    created_by       text   NOT NULL,
    created_at       bigint NOT NULL,
    modified_by      text   NOT NULL,
    modified_at      bigint NOT NULL,
    version          bigint NOT NULL
);

-- options, hints: texts by the names of settings. sealed: the wrapped data key and the encrypted fields.
CREATE TABLE eg_pg_merchant_credential (
    account_id    text    NOT NULL,
    version       bigint  NOT NULL,
    state         text    NOT NULL
        CHECK (state IN ('CREATED', 'ENTERED', 'VERIFIED', 'ACTIVE', 'RETIRED', 'WIPED')),
    options       text    NOT NULL,
    hints         text    NOT NULL,
    sealed        text,
    kek_id        text,
    fingerprint   text,
    created_by    text    NOT NULL,
    created_at    bigint  NOT NULL,
    entered_by    text,
    entered_at    bigint,
    verified_by   text,
    verified_at   bigint,
    approved_by   text,
    active_from   bigint,
    second_person boolean NOT NULL,
    retired_by    text,
    active_until  bigint,
    wiped_at      bigint,
    PRIMARY KEY (account_id, version),
    CONSTRAINT eg_pg_merchant_credential_two_people
        CHECK (NOT second_person OR approved_by IS NULL OR approved_by <> entered_by),
    CONSTRAINT eg_pg_merchant_credential_is_sealed_or_gone
        CHECK ((sealed IS NULL) = (kek_id IS NULL) AND (state <> 'WIPED' OR sealed IS NULL)
            AND (state NOT IN ('ENTERED', 'VERIFIED', 'ACTIVE') OR sealed IS NOT NULL))
);

CREATE UNIQUE INDEX eg_pg_merchant_credential_one_is_active
    ON eg_pg_merchant_credential (account_id) WHERE state = 'ACTIVE';

-- Its one row is locked by every change of an account, so that the numbers grow with the commits.
CREATE TABLE eg_pg_merchant_account_revision (
    only_row boolean NOT NULL PRIMARY KEY DEFAULT true CHECK (only_row),
    revision bigint  NOT NULL
);
INSERT INTO eg_pg_merchant_account_revision (revision) VALUES (0);

CREATE FUNCTION eg_pg_merchant_account_is_kept() RETURNS trigger LANGUAGE plpgsql AS $$
BEGIN
    RAISE EXCEPTION 'merchant accounts and credentials are never deleted';
END $$;

CREATE TRIGGER eg_pg_merchant_account_is_kept
    BEFORE DELETE OR TRUNCATE ON eg_pg_merchant_account FOR EACH STATEMENT
    EXECUTE FUNCTION eg_pg_merchant_account_is_kept();

CREATE TRIGGER eg_pg_merchant_credential_is_kept
    BEFORE DELETE OR TRUNCATE ON eg_pg_merchant_credential FOR EACH STATEMENT
    EXECUTE FUNCTION eg_pg_merchant_account_is_kept();
