//! Pending transactions that are due to be checked with their gateways, and the notes of checks.

use async_trait::async_trait;
use payment_domain::GatewayName;
use payment_store::{
    Applied, CheckCursor, CheckNote, Checks, DueCheck, DueChecks, NextCheck, StoreError, Turn,
};
use rusqlite::{Connection, Row, params};

use crate::failure::Failure;
use crate::rows::{self, Columns};
use crate::{SqliteStore, jobs, transactions};

const GATEWAYS: &str = "
    SELECT txn_id, gateway FROM eg_pg_transactions WHERE txn_status = 'PENDING' GROUP BY gateway";

/// Each statement begins where a page begins (?1, ?2), goes on to a moment (?3), and reads the pending
/// part of an index in its order. The planner would sort all pending rows rather than take the index
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

#[async_trait]
impl Checks for SqliteStore {
    async fn pending_gateways(&self) -> Result<Vec<GatewayName>, StoreError> {
        let gateways = |conn: &Connection| {
            rows::all(conn, GATEWAYS, [], |row| Columns::of(row, "eg_pg_transactions")?.gateway("gateway"))
        };
        Ok(self.readers.read(gateways).await?)
    }

    async fn due_checks(&self, due: &DueChecks) -> Result<Vec<DueCheck>, StoreError> {
        let due = due.clone();
        Ok(self.readers.read(move |conn| find(conn, &due)).await?)
    }

    /// The version stays: a concurrent settlement need not read it again.
    async fn note_check(&self, note: CheckNote) -> Result<Applied, StoreError> {
        Ok(self.writer.write(move |conn| store(conn, &note)).await?)
    }
}

pub(crate) fn find(conn: &Connection, due: &DueChecks) -> Result<Vec<DueCheck>, Failure> {
    let (at, txn_id) = match &due.after {
        Some(place) => (place.at.as_millis(), place.txn_id.as_str()),
        None => (i64::MIN, ""),
    };
    let gateway = due.gateway.as_ref().map(GatewayName::as_str);
    match due.turn {
        Turn::First { created_by } => {
            let values = params![at, txn_id, created_by.as_millis(), gateway, due.limit];
            rows::all(conn, FIRST, values, read)
        }
        Turn::Next { due_by } => {
            let values = params![at, txn_id, due_by.as_millis(), gateway, due.limit];
            rows::all(conn, NEXT, values, read)
        }
        Turn::Every { created_before, not_checked_since, now } => {
            let (before, since) = (created_before.as_millis(), not_checked_since.as_millis());
            let values = params![at, txn_id, before, gateway, due.limit, since, now.as_millis()];
            rows::all(conn, EVERY, values, read)
        }
    }
}

fn store(conn: &Connection, note: &CheckNote) -> Result<Applied, Failure> {
    const NOTE: &str = "
        UPDATE eg_pg_transactions SET checks = checks + 1, last_checked_at = ?2, next_check_at = ?3
        WHERE txn_id = ?1 AND txn_status = 'PENDING'";
    const PENDING: &str = "SELECT 1 FROM eg_pg_transactions WHERE txn_id = ?1 AND txn_status = 'PENDING'";
    if jobs::is_over(conn, note.fence.as_ref())? {
        return Ok(Applied::Fenced);
    }
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
    transactions::append(conn, note.history.as_ref(), &note.events, note.at)?;
    Ok(Applied::Stored)
}

fn read(row: &Row<'_>) -> Result<DueCheck, Failure> {
    let columns = Columns::of(row, "eg_pg_transactions")?;
    let txn_id = columns.txn_id()?;
    Ok(DueCheck {
        gateway: columns.gateway("gateway")?,
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
    fn due_checks_are_read_in_order_from_pending_payments_alone() {
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
