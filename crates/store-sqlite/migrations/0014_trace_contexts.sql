-- Why: an event carries the trace of what caused it, so that its record and later work on its payment join that
-- trace. NULL for what is not traced, and in rows of an earlier version.

ALTER TABLE eg_pg_outbox ADD COLUMN trace_context TEXT;
