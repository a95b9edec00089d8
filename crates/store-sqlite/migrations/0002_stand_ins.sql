-- Why: the stand-ins for the DIGIT services keep their books beside the payments, in tables of their
-- own, so that ids, receipts and payers survive a restart without another service.

CREATE TABLE stand_in_sequences (
    name       TEXT    NOT NULL PRIMARY KEY,
    last_taken INTEGER NOT NULL
) STRICT, WITHOUT ROWID;

CREATE TABLE stand_in_payments (
    transaction_number TEXT    NOT NULL PRIMARY KEY,
    tenant_id          TEXT    NOT NULL,
    total_minor        INTEGER NOT NULL CHECK (total_minor >= 0),
    currency           TEXT    NOT NULL,
    payer_name         TEXT    NOT NULL,
    payer_mobile       TEXT    NOT NULL,
    paid_at            INTEGER NOT NULL,
    registered_at      INTEGER NOT NULL,
    additional_details TEXT    NOT NULL
) STRICT, WITHOUT ROWID;

-- One receipt a bill, for ever.
CREATE TABLE stand_in_receipts (
    tenant_id          TEXT    NOT NULL,
    bill_id            TEXT    NOT NULL,
    receipt_number     TEXT    NOT NULL UNIQUE,
    transaction_number TEXT    NOT NULL REFERENCES stand_in_payments (transaction_number),
    position           INTEGER NOT NULL,
    paid_minor         INTEGER NOT NULL CHECK (paid_minor >= 0),
    PRIMARY KEY (tenant_id, bill_id),
    UNIQUE (transaction_number, position)
) STRICT, WITHOUT ROWID;

CREATE TABLE stand_in_payers (
    state         TEXT    NOT NULL,
    mobile_number TEXT    NOT NULL,
    name          TEXT    NOT NULL,
    uuid          TEXT    NOT NULL UNIQUE,
    user_name     TEXT    NOT NULL,
    email_id      TEXT,
    created_at    INTEGER NOT NULL,
    PRIMARY KEY (state, mobile_number, name)
) STRICT, WITHOUT ROWID;
