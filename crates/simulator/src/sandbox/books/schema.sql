-- The sandbox's own books. Apart from the service's database on purpose: a gateway is another party.

-- Values the sandbox makes once, such as the key of its forms.
CREATE TABLE own_values (
    name  TEXT PRIMARY KEY,
    value BLOB NOT NULL
) STRICT;

CREATE TABLE orders (
    sequence     INTEGER PRIMARY KEY AUTOINCREMENT,
    order_id     TEXT NOT NULL UNIQUE,
    amount_paise INTEGER NOT NULL CHECK (amount_paise > 0),
    currency     TEXT NOT NULL,
    description  TEXT NOT NULL,
    bill         TEXT NOT NULL,
    payee        TEXT NOT NULL,
    return_url   TEXT NOT NULL,
    notify_url   TEXT NOT NULL,
    expires_ms   INTEGER NOT NULL,
    opened_ms    INTEGER NOT NULL,
    state        TEXT NOT NULL CHECK (state IN ('CREATED', 'PENDING', 'PAID', 'DECLINED', 'EXPIRED')),
    choice       TEXT,
    paid_paise   INTEGER,
    decided_ms   INTEGER,
    due_ms       INTEGER,
    -- Money is taken exactly when the order is paid.
    CHECK ((state = 'PAID') = (paid_paise IS NOT NULL)),
    CHECK ((state = 'PENDING') <= (due_ms IS NOT NULL))
) STRICT;

-- Late answers, found without reading the whole table.
CREATE INDEX orders_due ON orders (due_ms) WHERE state = 'PENDING';

-- The history of an order, append-only.
CREATE TABLE log (
    sequence INTEGER PRIMARY KEY AUTOINCREMENT,
    order_sequence INTEGER NOT NULL REFERENCES orders (sequence),
    at_ms    INTEGER NOT NULL,
    what     TEXT NOT NULL
) STRICT;

CREATE INDEX log_of_order ON log (order_sequence);

-- Callbacks: one an order, made in the commit of the decision it tells of.
CREATE TABLE callbacks (
    order_sequence INTEGER PRIMARY KEY REFERENCES orders (sequence),
    attempts       INTEGER NOT NULL DEFAULT 0,
    -- When it is tried next; NULL once it arrived or was given up.
    next_ms        INTEGER,
    delivered_ms   INTEGER,
    last_result    TEXT
) STRICT;

CREATE INDEX callbacks_due ON callbacks (next_ms) WHERE next_ms IS NOT NULL;
