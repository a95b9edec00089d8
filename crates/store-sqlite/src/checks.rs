//! Which pending transactions are to be checked with their gateways, and what is noted of a check.

use payment_domain::GatewayName;
use payment_store::{Applied, CheckCursor, CheckNote, DueCheck, DueChecks, NextCheck, Turn};
use rusqlite::{Connection, Row, params};

use crate::failure::Failure;
use crate::rows::{self, Columns};
use crate::{jobs, transactions};

const GATEWAYS: &str = "
    SELECT txn_id, gateway FROM eg_pg_transactions WHERE txn_status = 'PENDING' GROUP BY gateway";

/// Each begins where a page begins (?1, ?2), goes on to a moment (?3), and reads the pending part
/// of an index in its order. The planner would sort all that is pending rather than take the index
/// of the next checks, unless it is named.
const FIRST: &str = "
    SELECT txn_id, gateway, created_time, checks, created_time AS place FROM eg_pg_transactions
    WHERE txn_status = 'PENDING' AND created_time <= ?3 AND (created_time, txn_id) > (?1, ?2)
        AND checks = 0 AND (?4 IS NULL OR gateway = ?4)
    ORDER BY created_time, txn_id LIMIT ?5";
const NEXT: &str = "
    SELECT txn_id, gateway, created_time, checks, next_check_at AS place
    FROM eg_pg_transactions INDEXED BY eg_pg_transactions_by_next_check
    WHERE txn_status = 'PENDING' AND next_check_at <= ?3 AND (next_check_at, txn_id) > (?1, ?2)
        AND (?4 IS NULL OR gateway = ?4)
    ORDER BY next_check_at, txn_id LIMIT ?5";
const EVERY: &str = "
    SELECT txn_id, gateway, created_time, checks, created_time AS place FROM eg_pg_transactions
    WHERE txn_status = 'PENDING' AND created_time < ?3 AND (created_time, txn_id) > (?1, ?2)
        AND (last_checked_at IS NULL OR last_checked_at < ?6 OR last_checked_at > ?7) AND (?4 IS NULL OR gateway = ?4)
    ORDER BY created_time, txn_id LIMIT ?5";

/// The gateways that have pending transactions.
pub(crate) fn gateways(conn: &Connection) -> Result<Vec<GatewayName>, Failure> {
    let mut statement = conn.prepare_cached(GATEWAYS)?;
    rows::all(&mut statement, [], |row| {
        Columns::of(row, "eg_pg_transactions")?.read("gateway", |text| Some(GatewayName::new(text)))
    })
}

/// What is due, in the order of its places.
pub(crate) fn due(conn: &Connection, due: &DueChecks) -> Result<Vec<DueCheck>, Failure> {
    let (at, txn_id) = match &due.after {
        Some(place) => (place.at.as_millis(), place.txn_id.as_str()),
        None => (i64::MIN, ""),
    };
    let gateway = due.gateway.as_ref().map(GatewayName::as_str);
    match due.turn {
        Turn::First { created_by } => {
            let mut statement = conn.prepare_cached(FIRST)?;
            rows::all(&mut statement, params![at, txn_id, created_by.as_millis(), gateway, due.limit], read)
        }
        Turn::Next { due_by } => {
            let mut statement = conn.prepare_cached(NEXT)?;
            rows::all(&mut statement, params![at, txn_id, due_by.as_millis(), gateway, due.limit], read)
        }
        Turn::Every { created_before, not_checked_since, now } => {
            let mut statement = conn.prepare_cached(EVERY)?;
            let (before, since) = (created_before.as_millis(), not_checked_since.as_millis());
            let values = params![at, txn_id, before, gateway, due.limit, since, now.as_millis()];
            rows::all(&mut statement, values, read)
        }
    }
}

/// Notes a check of a transaction that is still pending. Its version stays: whoever settles it
/// meanwhile need not read it again.
pub(crate) fn note(conn: &Connection, note: &CheckNote) -> Result<Applied, Failure> {
    if jobs::is_over(conn, note.fence.as_ref())? {
        return Ok(Applied::Fenced);
    }
    const NOTE: &str = "
        UPDATE eg_pg_transactions SET checks = checks + 1, last_checked_at = ?2, next_check_at = ?3
        WHERE txn_id = ?1 AND txn_status = 'PENDING'";
    const PENDING: &str = "SELECT 1 FROM eg_pg_transactions WHERE txn_id = ?1 AND txn_status = 'PENDING'";
    let id = note.txn_id.as_str();
    let noted = |next: Option<i64>| {
        let changed = conn.prepare_cached(NOTE)?.execute(params![id, note.at.as_millis(), next])?;
        Ok::<_, Failure>(changed > 0)
    };
    let is_pending = match note.next {
        NextCheck::At(at) => noted(Some(at.as_millis()))?,
        NextCheck::WithAll => noted(None)?,
        NextCheck::AsBefore => conn.prepare_cached(PENDING)?.exists([id])?,
    };
    if !is_pending {
        return Ok(Applied::Stale);
    }
    if let Some(entry) = &note.history {
        transactions::append_history(conn, entry, &entry.evidence.to_string())?;
    }
    Ok(Applied::Stored)
}

fn read(row: &Row<'_>) -> Result<DueCheck, Failure> {
    let columns = Columns::of(row, "eg_pg_transactions")?;
    let txn_id = columns.txn_id()?;
    Ok(DueCheck {
        gateway: columns.read("gateway", |text| Some(GatewayName::new(text)))?,
        created_at: columns.moment("created_time")?,
        checks: columns.get("checks")?,
        place: CheckCursor { at: columns.moment("place")?, txn_id: txn_id.clone() },
        txn_id,
    })
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::plans::{migrated, plan};

    #[test]
    fn due_checks_are_read_in_order_from_what_is_pending_alone() {
        let conn = migrated();
        let by_status = "eg_pg_transactions_by_status (txn_status=? AND (created_time,txn_id)>(?,?)";
        let by_next_check = "eg_pg_transactions_by_next_check ((next_check_at,txn_id)>(?,?)";
        for (sql, index) in [(FIRST, by_status), (NEXT, by_next_check), (EVERY, by_status)] {
            let steps = plan(&conn, sql);
            assert!(steps.len() == 1 && steps[0].contains(index), "{sql}\n{steps:#?}");
        }
        let steps = plan(&conn, GATEWAYS);
        assert!(steps[0].contains("SEARCH") && steps[0].contains("(txn_status=?)"), "{steps:#?}");
    }
}
