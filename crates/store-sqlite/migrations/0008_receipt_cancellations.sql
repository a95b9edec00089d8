-- Why: a refund of a whole payment has its receipt cancelled, and then lets go of the bills it had paid. The
-- task to do so is stored in the commit of the refund; a table of its own keeps it from the previous
-- version, which would issue the receipt. And the embedded collection service cancels receipts, too.

CREATE TABLE eg_pg_receipt_cancellations (
    txn_id      TEXT NOT NULL PRIMARY KEY,
    refund_id   TEXT NOT NULL,
    -- Whether the bills can be paid again once the task is completed.
    frees_bills INTEGER NOT NULL CHECK (frees_bills IN (0, 1)),
    due_at      INTEGER NOT NULL,
    attempts    INTEGER NOT NULL,
    lease_token TEXT,
    lease_until INTEGER,
    last_error  TEXT,
    -- The end of the latest cancellation whose outcome is unknown.
    unclear_at  INTEGER,
    -- NULL while the task is open.
    outcome     TEXT CHECK (outcome IN ('CANCELLED', 'NO_RECEIPT', 'KEPT')),
    CHECK ((lease_token IS NULL) = (lease_until IS NULL)),
    CHECK (outcome IS NULL OR lease_token IS NULL)
) STRICT, WITHOUT ROWID;

CREATE INDEX eg_pg_receipt_cancellations_by_due ON eg_pg_receipt_cancellations (due_at, txn_id)
    WHERE outcome IS NULL;
CREATE INDEX eg_pg_receipt_cancellations_by_lease ON eg_pg_receipt_cancellations (lease_until, lease_token)
    WHERE lease_until IS NOT NULL;

-- Cancelled receipts of the embedded collection service: a bill has at most one that is valid.
CREATE TABLE stand_in_cancelled_receipts (
    receipt_number     TEXT NOT NULL PRIMARY KEY,
    tenant_id          TEXT NOT NULL,
    bill_id            TEXT NOT NULL,
    transaction_number TEXT NOT NULL,
    position           INTEGER NOT NULL,
    paid_minor         INTEGER NOT NULL CHECK (paid_minor >= 0),
    cancelled_at       INTEGER NOT NULL,
    reason             TEXT NOT NULL,
    UNIQUE (transaction_number, position)
) STRICT, WITHOUT ROWID;
