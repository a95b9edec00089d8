-- Why: callbacks were stored before anybody knew whether they are signed, so that whoever knew a
-- transaction could fill the disk. Unsigned ones are kept apart now, so many of a transaction and day;
-- the key holds that number against any number of writers. The previous version goes on writing all to
-- eg_pg_callbacks.

-- The day counts from 1970-01-01 in UTC.
CREATE TABLE eg_pg_unsigned_callbacks (
    txn_id      text COLLATE "C" NOT NULL,
    day         bigint NOT NULL,
    nth         bigint NOT NULL,
    gateway     text   NOT NULL,
    received_at bigint NOT NULL,
    content     text   NOT NULL,
    PRIMARY KEY (txn_id, day, nth)
);

CREATE INDEX eg_pg_unsigned_callbacks_by_age ON eg_pg_unsigned_callbacks (received_at);
