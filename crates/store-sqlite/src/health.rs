//! Whether the database works, and how much is open.

use payment_domain::Timestamp;
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

/// What is tried for: more than a payment takes, in bytes.
const ROOM: u32 = 128 * 1024;

/// Finds out whether there is room on the disk: writes as much as a payment needs, as far as into the
/// log, and takes it back. A change of one row says nothing: it needs no more room than there was.
pub(crate) fn try_for_room(conn: &Connection) -> Result<(), Failure> {
    const INSERT: &str = "INSERT INTO eg_pg_callbacks (digest, gateway, received_at, content)
        VALUES (randomblob(32), '', 0, hex(zeroblob(?1)))";
    conn.execute_batch("SAVEPOINT room")?;
    let tried = conn
        .prepare_cached(INSERT)
        .and_then(|mut insert| insert.execute([ROOM / 2]))
        .and_then(|_| conn.cache_flush());
    // SQLite may have given up the whole transaction.
    if !conn.is_autocommit() {
        conn.execute_batch("ROLLBACK TO room; RELEASE room")?;
    }
    Ok(tried?)
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

/// When the latest commit was made.
pub(crate) fn latest_commit(conn: &Connection) -> Result<Timestamp, Failure> {
    let at = conn.query_row("SELECT committed_at FROM eg_pg_heartbeat", [], |row| row.get(0))?;
    Ok(Timestamp::from_millis(at))
}

/// Writes down when this commit is made.
pub(crate) fn stamp(conn: &Connection, now: Timestamp) -> Result<(), Failure> {
    conn.prepare_cached("UPDATE eg_pg_heartbeat SET committed_at = ?1 WHERE committed_at < ?1")?
        .execute([now.as_millis()])?;
    Ok(())
}
