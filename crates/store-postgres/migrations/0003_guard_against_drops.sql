-- Why: the migrations of egov-pg-service begin with DROP TABLE IF EXISTS for both tables. Its Flyway does
-- not find its own history in a database that we have set up, and would carry them out there: every
-- payment would be gone. PostgreSQL refuses to drop a table on which a view depends, unless CASCADE is
-- said, and names the view; so there is one, and nobody reads it. It uses no column, so that every other
-- change of the tables is as possible as before.

CREATE VIEW eg_pg_payments_must_not_be_dropped AS
    SELECT 'eg_pg_transactions' AS table_name FROM eg_pg_transactions WHERE false
    UNION ALL
    SELECT 'eg_pg_transactions_dump' FROM eg_pg_transactions_dump WHERE false;

COMMENT ON VIEW eg_pg_payments_must_not_be_dropped IS
    'Keeps the migrations of egov-pg-service from dropping the payments of pg-service: switch the '
    'container that runs them off (initContainers.dbMigration.enabled=false). It is always empty.';
