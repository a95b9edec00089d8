-- Refunds: the merchant's id of each is used once, ever.
CREATE TABLE refunds (
    sequence     INTEGER PRIMARY KEY AUTOINCREMENT,
    refund_id    TEXT NOT NULL UNIQUE,
    order_id     TEXT NOT NULL,
    amount_paise INTEGER NOT NULL CHECK (amount_paise > 0),
    currency     TEXT NOT NULL,
    state        TEXT NOT NULL CHECK (state IN ('PENDING', 'REFUNDED', 'REFUSED', 'RETURNED')),
    code         TEXT NOT NULL,
    asked_ms     INTEGER NOT NULL,
    due_ms       INTEGER
) STRICT;

CREATE INDEX refunds_of_order ON refunds (order_id);
CREATE INDEX refunds_due ON refunds (due_ms) WHERE due_ms IS NOT NULL;
