-- Why: the stand-ins for the DIGIT services keep their books beside the payments, in tables of their
-- own, so that ids, receipts and payers survive a restart and are shared by all replicas.

CREATE TABLE stand_in_sequences (
    name       text COLLATE "C" NOT NULL PRIMARY KEY,
    last_taken bigint           NOT NULL
);

CREATE TABLE stand_in_payments (
    transaction_number text COLLATE "C" NOT NULL PRIMARY KEY,
    tenant_id          text             NOT NULL,
    total_minor        bigint           NOT NULL CHECK (total_minor >= 0),
    currency           text             NOT NULL,
    payer_name         text             NOT NULL,
    payer_mobile       text             NOT NULL,
    paid_at            bigint           NOT NULL,
    registered_at      bigint           NOT NULL,
    additional_details json             NOT NULL
);

-- One receipt a bill, for ever.
CREATE TABLE stand_in_receipts (
    tenant_id          text COLLATE "C" NOT NULL,
    bill_id            text COLLATE "C" NOT NULL,
    receipt_number     text COLLATE "C" NOT NULL UNIQUE,
    transaction_number text COLLATE "C" NOT NULL,
    position           bigint           NOT NULL,
    paid_minor         bigint           NOT NULL CHECK (paid_minor >= 0),
    PRIMARY KEY (tenant_id, bill_id),
    UNIQUE (transaction_number, position)
);

CREATE TABLE stand_in_payers (
    state         text COLLATE "C" NOT NULL,
    mobile_number text COLLATE "C" NOT NULL,
    name          text COLLATE "C" NOT NULL,
    uuid          text COLLATE "C" NOT NULL UNIQUE,
    user_name     text             NOT NULL,
    email_id      text,
    created_at    bigint           NOT NULL,
    PRIMARY KEY (state, mobile_number, name)
);
