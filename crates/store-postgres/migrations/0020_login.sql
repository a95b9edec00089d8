-- Why: sessions begin at a login provider, by an attempt that counts once, and at DIGIT's user service. Secrets of
-- others that a session needs are encrypted under its own, which is in the browser's cookie alone.

ALTER TABLE eg_pg_console_sessions
    ADD COLUMN attempt bytea CHECK (length(attempt) = 32),
    ADD COLUMN sealed  bytea;

CREATE UNIQUE INDEX eg_pg_console_sessions_by_attempt ON eg_pg_console_sessions (attempt) WHERE attempt IS NOT NULL;
