//! The rows that a database with tables began with, kept in a schema of their own.

/// The shape of everything that is not a row: a change of it changes the version of a row of the catalogue.
macro_rules! shape {
    () => {
        "SELECT md5(string_agg(version, ',' ORDER BY version)) FROM (
            SELECT 'c' || oid || xmin AS version FROM pg_class WHERE relnamespace = 'public'::regnamespace
            UNION ALL SELECT 'a' || attrelid || attnum || attribute.xmin FROM pg_attribute AS attribute
                JOIN pg_class ON pg_class.oid = attrelid WHERE relnamespace = 'public'::regnamespace
            UNION ALL SELECT 'd' || oid || xmin FROM pg_attrdef
            UNION ALL SELECT 't' || oid || xmin FROM pg_trigger
            UNION ALL SELECT 'k' || oid || xmin FROM pg_constraint
            UNION ALL SELECT 'r' || oid || xmin FROM pg_rewrite WHERE ev_class >= 16384
            UNION ALL SELECT 'p' || oid || xmin FROM pg_proc WHERE oid >= 16384
            UNION ALL SELECT 'n' || oid || xmin FROM pg_namespace WHERE nspname !~ '^(pg_(temp|toast)|test_kept$)'
            UNION ALL SELECT 's' || setrole || setconfig::text FROM pg_db_role_setting
                JOIN pg_database ON pg_database.oid = setdatabase WHERE datname = current_database()
        ) AS parts"
    };
}

/// Keeps the rows and the shape.
pub(super) const KEEP: &str = concat!(
    "DO $$ DECLARE place name; filled boolean; BEGIN
        CREATE SCHEMA test_kept;
        IF EXISTS (SELECT FROM pg_sequences WHERE last_value IS NOT NULL) THEN
            RAISE EXCEPTION 'the numbers of its rows would be given out again';
        END IF;
        FOR place IN SELECT tablename FROM pg_tables WHERE schemaname = 'public' LOOP
            EXECUTE format('SELECT EXISTS (SELECT FROM public.%I)', place) INTO filled;
            IF filled THEN
                EXECUTE format('CREATE TABLE test_kept.%I AS TABLE public.%1$I', place);
            END IF;
        END LOOP;
        CREATE TABLE test_kept.\"the shape\" AS ",
    shape!(),
    ";
    END $$"
);

/// Puts the kept rows back in place of all others. Fails when anything but rows has changed.
pub(super) const RESTORE: &str = concat!(
    "DO $$ DECLARE place name; BEGIN
        IF (",
    shape!(),
    ") IS DISTINCT FROM (SELECT md5 FROM test_kept.\"the shape\") THEN
            RAISE EXCEPTION 'it has another shape';
        END IF;
        -- No trigger, and no foreign key.
        SET LOCAL session_replication_role = replica;
        -- A table that never had a row is not even opened with its indexes.
        FOR place IN SELECT relname FROM pg_class
            WHERE relnamespace = 'public'::regnamespace AND relkind = 'r' AND pg_relation_size(oid) > 0
        LOOP
            EXECUTE format('DELETE FROM public.%I', place);
        END LOOP;
        FOR place IN SELECT tablename FROM pg_tables WHERE schemaname = 'test_kept' AND tablename <> 'the shape'
        LOOP
            EXECUTE format('INSERT INTO public.%I OVERRIDING SYSTEM VALUE TABLE test_kept.%1$I', place);
        END LOOP;
        PERFORM setval(format('public.%I', sequencename), start_value, false)
        FROM pg_sequences WHERE schemaname = 'public';
    END $$"
);
