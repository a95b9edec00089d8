-- Why: cities and services are paid into merchant accounts of their own, whose credentials are entered,
-- changed and retired while the service runs.

-- The merchant account of a payment: 'configured/<digest of the merchant>' or '<account>/<version>'. NULL in a row
-- of the previous version.
ALTER TABLE eg_pg_transactions ADD COLUMN merchant_account TEXT;

CREATE TABLE eg_pg_merchant_account (
    id               TEXT    NOT NULL PRIMARY KEY,
    tenant_id        TEXT    NOT NULL,
    business_service TEXT,
    gateway          TEXT    NOT NULL,
    label            TEXT    NOT NULL,
    priority         INTEGER NOT NULL,
    state            TEXT    NOT NULL CHECK (state IN ('OPEN', 'RETIRED')),
    bank_account_ref TEXT,
    merchant         TEXT,
    created_by       TEXT    NOT NULL,
    created_at       INTEGER NOT NULL,
    modified_by      TEXT    NOT NULL,
    modified_at      INTEGER NOT NULL,
    version          INTEGER NOT NULL
) STRICT;

-- options, hints: texts by the names of settings. sealed: the wrapped data key and the encrypted fields.
CREATE TABLE eg_pg_merchant_credential (
    account_id    TEXT    NOT NULL,
    version       INTEGER NOT NULL,
    state         TEXT    NOT NULL
        CHECK (state IN ('CREATED', 'ENTERED', 'VERIFIED', 'ACTIVE', 'RETIRED', 'WIPED')),
    options       TEXT    NOT NULL,
    hints         TEXT    NOT NULL,
    sealed        TEXT,
    kek_id        TEXT,
    fingerprint   TEXT,
    created_by    TEXT    NOT NULL,
    created_at    INTEGER NOT NULL,
    entered_by    TEXT,
    entered_at    INTEGER,
    verified_by   TEXT,
    verified_at   INTEGER,
    approved_by   TEXT,
    active_from   INTEGER,
    second_person INTEGER NOT NULL,
    retired_by    TEXT,
    active_until  INTEGER,
    wiped_at      INTEGER,
    PRIMARY KEY (account_id, version),
    CHECK (NOT second_person OR approved_by IS NULL OR approved_by <> entered_by),
    CHECK ((sealed IS NULL) = (kek_id IS NULL) AND (state <> 'WIPED' OR sealed IS NULL)
        AND (state NOT IN ('ENTERED', 'VERIFIED', 'ACTIVE') OR sealed IS NOT NULL))
) STRICT;

CREATE UNIQUE INDEX eg_pg_merchant_credential_one_is_active
    ON eg_pg_merchant_credential (account_id) WHERE state = 'ACTIVE';

CREATE TABLE eg_pg_merchant_account_revision (
    only_row INTEGER NOT NULL PRIMARY KEY DEFAULT 1 CHECK (only_row = 1),
    revision INTEGER NOT NULL
) STRICT;
INSERT INTO eg_pg_merchant_account_revision (revision) VALUES (0);

CREATE TRIGGER eg_pg_merchant_account_is_kept BEFORE DELETE ON eg_pg_merchant_account
BEGIN
    SELECT RAISE(ABORT, 'merchant accounts and credentials are never deleted');
END;

CREATE TRIGGER eg_pg_merchant_credential_is_kept BEFORE DELETE ON eg_pg_merchant_credential
BEGIN
    SELECT RAISE(ABORT, 'merchant accounts and credentials are never deleted');
END;
