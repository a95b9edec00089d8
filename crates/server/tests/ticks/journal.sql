-- The database's own notes of runs and of what they store: each line is written by a trigger,
-- inside the transaction it tells of.
--
-- xid is that transaction; sees is what was committed when the line was written. A line whose xid is
-- in another line's sees was committed before the other one was written.
CREATE TABLE journal (
    place  bigint GENERATED ALWAYS AS IDENTITY PRIMARY KEY,
    what   text        NOT NULL,
    job    text,
    run_id bigint,
    txn_id text,
    detail text,
    -- The runs of jobs that reconcile which are at work on the node that writes.
    owns   bigint[],
    node   text        NOT NULL DEFAULT current_setting('application_name'),
    xid    xid8        NOT NULL DEFAULT pg_current_xact_id(),
    sees   pg_snapshot NOT NULL DEFAULT pg_current_snapshot(),
    at     timestamptz NOT NULL DEFAULT clock_timestamp()
);
CREATE INDEX journal_by_run ON journal (run_id, what);
CREATE INDEX journal_by_xid ON journal (xid, txn_id);

CREATE FUNCTION journal_run() RETURNS trigger LANGUAGE plpgsql AS $$
BEGIN
    IF TG_OP = 'INSERT' THEN
        INSERT INTO journal (what, job, run_id) VALUES ('begin', NEW.job, NEW.run_id);
    ELSE
        INSERT INTO journal (what, job, run_id, detail) VALUES ('end', NEW.job, NEW.run_id, NEW.end_kind);
    END IF;
    RETURN NULL;
END
$$;
CREATE TRIGGER journal_begin AFTER INSERT ON eg_pg_job_runs FOR EACH ROW EXECUTE FUNCTION journal_run();
CREATE TRIGGER journal_end AFTER UPDATE OF ended_at ON eg_pg_job_runs FOR EACH ROW
    WHEN (NEW.ended_at IS NOT NULL) EXECUTE FUNCTION journal_run();

CREATE FUNCTION journal_history() RETURNS trigger LANGUAGE plpgsql AS $$
BEGIN
    INSERT INTO journal (what, job, run_id, txn_id, detail) VALUES ('line',
        CASE WHEN NEW.actor_kind = 'job' THEN split_part(NEW.actor_id, '#', 1) END,
        CASE WHEN NEW.actor_kind = 'job' AND NEW.actor_id LIKE '%#%'
            THEN split_part(NEW.actor_id, '#', 2)::bigint END,
        NEW.txn_id, NEW.why);
    RETURN NULL;
END
$$;
CREATE TRIGGER journal_line AFTER INSERT ON eg_pg_transaction_history FOR EACH ROW
    EXECUTE FUNCTION journal_history();

CREATE FUNCTION journal_event() RETURNS trigger LANGUAGE plpgsql AS $$
BEGIN
    INSERT INTO journal (what, txn_id, detail) VALUES ('event', NEW.txn_id, NEW.kind);
    RETURN NULL;
END
$$;
CREATE TRIGGER journal_event AFTER INSERT ON eg_pg_outbox FOR EACH ROW EXECUTE FUNCTION journal_event();

CREATE FUNCTION journal_note() RETURNS trigger LANGUAGE plpgsql AS $$
BEGIN
    INSERT INTO journal (what, txn_id, owns) VALUES ('note', NEW.txn_id, ARRAY(
        SELECT run.run_id FROM eg_pg_jobs AS job JOIN eg_pg_job_runs AS run ON run.run_id = job.current_run
        WHERE job.job LIKE 'reconcile-%' AND run.node = current_setting('application_name')));
    RETURN NULL;
END
$$;
CREATE TRIGGER journal_note AFTER UPDATE OF checks ON eg_pg_transactions FOR EACH ROW
    WHEN (NEW.checks IS DISTINCT FROM OLD.checks) EXECUTE FUNCTION journal_note();
