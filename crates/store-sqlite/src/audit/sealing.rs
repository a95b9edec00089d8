//! Sealing the histories of payments.

use payment_domain::Timestamp;
use payment_store::audit::sealing::{Fingerprint, HistoryLine, Progress};
use payment_store::{Fence, HistoryLines};
use rusqlite::{Connection, Row, params};

use super::append_audit;
use crate::failure::Failure;
use crate::{jobs, rows};

const COLUMNS: &str = "line.txn_id, line.entry_number, line.at_time, line.actor_kind, line.actor_id,
    line.from_status, line.to_status, line.why, line.evidence";

fn behind(condition: &str) -> String {
    format!(
        "SELECT number.position, {COLUMNS} FROM eg_pg_history_positions AS number
         JOIN eg_pg_transaction_history AS line
             ON line.txn_id = number.txn_id AND line.entry_number = number.entry_number
         WHERE number.position {condition} ORDER BY number.position"
    )
}

/// Whether there may be anything to seal.
pub(super) fn is_due(conn: &Connection) -> Result<bool, Failure> {
    const DUE: &str = "
        SELECT gaps <> '[]' OR EXISTS (
            SELECT 1 FROM eg_pg_history_positions WHERE position > sealed_through)
        FROM eg_pg_history_seal";
    Ok(conn.prepare_cached(DUE)?.query_row([], |row| row.get(0))?)
}

/// One writer leaves no gaps but those of lines that another hand has removed: nothing appears in them.
pub(super) fn seal(
    conn: &Connection,
    at: Timestamp,
    limit: u32,
    fence: &Fence,
) -> Result<Option<u32>, Failure> {
    if jobs::is_over(conn, Some(fence))? {
        return Ok(None);
    }
    let (through, gaps): (i64, String) = conn
        .prepare_cached("SELECT sealed_through, gaps FROM eg_pg_history_seal")?
        .query_row([], |row| Ok((row.get(0)?, row.get(1)?)))?;
    let unreadable =
        || Failure::Unreadable { table: "eg_pg_history_seal", owner: String::new(), column: "gaps" };
    let mut progress = Progress::read(through, &gaps).ok_or_else(unreadable)?;
    let sql = format!("{} LIMIT ?2", behind("> ?1"));
    let found = rows::all(conn, &sql, params![through, limit], fingerprint)?;
    if let Some(seal) = progress.advance(&found, at) {
        append_audit(conn, &[seal.entry(at)])?;
    }
    conn.prepare_cached("UPDATE eg_pg_history_seal SET sealed_through = ?1, gaps = ?2")?
        .execute(params![progress.through, progress.gaps_text()])?;
    Ok(Some(rows::count(found.len())?))
}

pub(super) fn lines(
    conn: &Connection,
    which: &HistoryLines,
    limit: u32,
) -> Result<Vec<HistoryLine>, Failure> {
    match which {
        HistoryLines::Positions(span) => {
            let sql = format!("{} LIMIT ?3", behind("BETWEEN ?1 AND ?2"));
            rows::all(conn, &sql, params![span.from, span.to, limit], line)
        }
        HistoryLines::Earlier { after } => {
            let sql = format!(
                "SELECT NULL, {COLUMNS} FROM (
                     SELECT txn_id, entry_number FROM eg_pg_transaction_history
                     EXCEPT SELECT txn_id, entry_number FROM eg_pg_history_positions) AS lost
                 JOIN eg_pg_transaction_history AS line
                     ON line.txn_id = lost.txn_id AND line.entry_number = lost.entry_number
                 WHERE ?1 IS NULL OR (line.txn_id, line.entry_number) > (?1, ?2)
                 ORDER BY line.txn_id, line.entry_number LIMIT ?3"
            );
            let (txn_id, number) =
                (after.as_ref().map(|key| &key.txn_id), after.as_ref().map(|key| key.entry_number));
            rows::all(conn, &sql, params![txn_id, number, limit], line)
        }
    }
}

fn fingerprint(row: &Row<'_>) -> Result<(i64, Fingerprint), Failure> {
    Ok((row.get(0)?, line(row)?.fingerprint()))
}

fn line(row: &Row<'_>) -> Result<HistoryLine, Failure> {
    Ok(HistoryLine {
        position: row.get(0)?,
        txn_id: row.get(1)?,
        entry_number: row.get(2)?,
        at_ms: row.get(3)?,
        actor_kind: row.get(4)?,
        actor_id: row.get(5)?,
        from_status: row.get(6)?,
        to_status: row.get(7)?,
        why: row.get(8)?,
        evidence: row.get(9)?,
    })
}
