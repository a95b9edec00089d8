//! Query plans of SQLite: for tests of the tables a statement must not read.

use rusqlite::Connection;
use rusqlite::config::DbConfig;

use crate::migrations;

/// An empty database, in which a statement is planned as in a real one.
pub(crate) fn migrated() -> Connection {
    let mut conn = Connection::open_in_memory().unwrap();
    conn.set_db_config(DbConfig::SQLITE_DBCONFIG_ENABLE_QPSG, true).unwrap();
    migrations::migrate(&mut conn).unwrap();
    conn
}

/// The steps of the plan, the same for any values.
pub(crate) fn plan(conn: &Connection, sql: &str) -> Vec<String> {
    let mut statement = conn.prepare(&format!("EXPLAIN QUERY PLAN {sql}")).unwrap();
    let steps = statement.raw_query().mapped(|row| row.get(3));
    steps.collect::<Result<_, _>>().unwrap()
}
