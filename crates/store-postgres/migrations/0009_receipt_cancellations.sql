-- Why: a refund of a whole payment has its receipt cancelled, and then lets go of the bills it had paid. The
-- task to do so is stored in the commit of the refund; a table of its own keeps it from the previous
-- version, which would issue the receipt. And the embedded collection service cancels receipts, too.

CREATE TABLE eg_pg_receipt_cancellations (
    txn_id      text COLLATE "C" NOT NULL PRIMARY KEY,
    refund_id   text             NOT NULL,
    -- Whether the bills can be paid again once the task is completed.
    frees_bills boolean          NOT NULL,
    due_at      bigint           NOT NULL,
    attempts    bigint           NOT NULL,
    lease_token text,
    lease_until bigint,
    last_error  text,
    -- The end of the latest cancellation whose outcome is unknown.
    unclear_at  bigint,
    -- NULL while the task is open.
    outcome     text CHECK (outcome IN ('CANCELLED', 'NO_RECEIPT', 'KEPT')),
    CHECK ((lease_token IS NULL) = (lease_until IS NULL)),
    CHECK (outcome IS NULL OR lease_token IS NULL)
);

CREATE INDEX eg_pg_receipt_cancellations_by_due ON eg_pg_receipt_cancellations (due_at, txn_id)
    WHERE outcome IS NULL;
CREATE INDEX eg_pg_receipt_cancellations_by_lease ON eg_pg_receipt_cancellations (lease_until, lease_token)
    WHERE lease_until IS NOT NULL;

-- Cancelled receipts of the embedded collection service: a bill has at most one that is valid.
CREATE TABLE stand_in_cancelled_receipts (
    receipt_number     text COLLATE "C" NOT NULL PRIMARY KEY,
    tenant_id          text COLLATE "C" NOT NULL,
    bill_id            text COLLATE "C" NOT NULL,
    transaction_number text COLLATE "C" NOT NULL,
    position           bigint           NOT NULL,
    paid_minor         bigint           NOT NULL CHECK (paid_minor >= 0),
    cancelled_at       bigint           NOT NULL,
    reason             text             NOT NULL,
    UNIQUE (transaction_number, position)
);
