//! Whether the database works, and how much is open.

use payment_store::Backlog;
use rusqlite::Connection;

use crate::failure::Failure;

/// Counts what is open.
pub(crate) fn backlog(conn: &Connection) -> Result<Backlog, Failure> {
    let count = |sql: &str| -> Result<u64, Failure> {
        let rows: i64 = conn.prepare_cached(sql)?.query_row([], |row| row.get(0))?;
        u64::try_from(rows).map_err(|_| Failure::OutOfRange)
    };
    Ok(Backlog {
        pending_transactions: count("SELECT count(*) FROM eg_pg_transactions WHERE txn_status = 'PENDING'")?,
        receipts_due: count("SELECT count(*) FROM eg_pg_receipt_duties")?,
        open_attention: count("SELECT count(*) FROM eg_pg_attention WHERE resolved_at IS NULL")?,
    })
}

/// Writes something that is committed like everything else.
pub(crate) fn beat(conn: &Connection) -> Result<(), Failure> {
    conn.prepare_cached("UPDATE eg_pg_heartbeat SET beats = beats + 1")?.execute([])?;
    Ok(())
}

/// Reads it.
pub(crate) fn read_beat(conn: &Connection) -> Result<(), Failure> {
    Ok(conn.prepare_cached("SELECT beats FROM eg_pg_heartbeat")?.query_row([], |_| Ok(()))?)
}
