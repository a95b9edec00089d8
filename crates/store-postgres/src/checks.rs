//! Which pending transactions are to be checked with their gateways, and what is noted of a check.

use payment_domain::{GatewayName, StatusName};
use payment_store::{Applied, CheckCursor, CheckNote, DueCheck, DueChecks, NextCheck, Turn};
use tokio_postgres::Row;

use crate::attention;
use crate::connections::Connections;
use crate::failure::Failure;
use crate::jobs;
use crate::rows::{self, Columns};

/// Each begins where a page begins ($1, $2), goes on to a moment ($3), and reads the pending part of
/// an index in its order. Gateways stand there in any letter case: an earlier service's rows, too.
macro_rules! due {
    ($place:literal, $condition:literal) => {
        concat!(
            "SELECT t.txn_id, t.gateway, t.created_time, t.checks, ",
            $place,
            " AS place FROM eg_pg_transactions AS t WHERE t.txn_status = 'PENDING' AND (",
            $place,
            ", t.txn_id COLLATE \"C\") > ($1, $2) AND ",
            $condition,
            " AND ($4::text IS NULL OR upper(t.gateway) = $4) ORDER BY ",
            $place,
            ", t.txn_id COLLATE \"C\" LIMIT $5"
        )
    };
}

const FIRST: &str = due!(
    "coalesce(t.created_time, 0)",
    "(CASE WHEN t.last_checked_at IS NULL THEN 0 ELSE 1 END) = 0 AND coalesce(t.created_time, 0) <= $3"
);
const NEXT: &str = due!("t.next_check_at", "t.next_check_at <= $3");
/// Those never checked and those checked before are two runs of the index.
const EVERY: &str = concat!(
    "(",
    due!(
        "coalesce(t.created_time, 0)",
        "(CASE WHEN t.last_checked_at IS NULL THEN 0 ELSE 1 END) = 0 AND coalesce(t.created_time, 0) < $3"
    ),
    ") UNION ALL (",
    due!(
        "coalesce(t.created_time, 0)",
        "(CASE WHEN t.last_checked_at IS NULL THEN 0 ELSE 1 END) = 1 AND coalesce(t.created_time, 0) < $3
         AND (t.last_checked_at < $6 OR t.last_checked_at > $7)"
    ),
    ")"
);

/// The gateways that have pending transactions, each found by one step along the index.
pub(crate) async fn gateways(db: &Connections) -> Result<Vec<GatewayName>, Failure> {
    const GATEWAYS: &str = "
        WITH RECURSIVE named AS (
            (SELECT gateway COLLATE \"C\" AS gateway FROM eg_pg_transactions WHERE txn_status = 'PENDING'
             ORDER BY gateway COLLATE \"C\" LIMIT 1)
            UNION ALL
            SELECT (SELECT t.gateway COLLATE \"C\" FROM eg_pg_transactions AS t
                WHERE t.txn_status = 'PENDING' AND t.gateway COLLATE \"C\" > named.gateway
                ORDER BY t.gateway COLLATE \"C\" LIMIT 1)
            FROM named WHERE named.gateway IS NOT NULL)
        SELECT gateway FROM named WHERE gateway IS NOT NULL";
    let found = db.ask(GATEWAYS, &[]).await?;
    let mut gateways: Vec<GatewayName> = Vec::with_capacity(found.len());
    for row in &found {
        gateways.push(GatewayName::new(row.try_get(0)?));
    }
    gateways.sort();
    gateways.dedup();
    Ok(gateways)
}

/// What is due, in the order of its places.
pub(crate) async fn due(db: &Connections, due: &DueChecks) -> Result<Vec<DueCheck>, Failure> {
    let (at, txn_id) = match &due.after {
        Some(place) => (place.at.as_millis(), place.txn_id.as_str()),
        None => (i64::MIN, ""),
    };
    let gateway = due.gateway.as_ref().map(GatewayName::as_str);
    let limit = i64::from(due.limit);
    let found = match due.turn {
        Turn::First { created_by } => {
            db.repeatable(FIRST, &[&at, &txn_id, &created_by.as_millis(), &gateway, &limit]).await?
        }
        Turn::Next { due_by } => {
            db.repeatable(NEXT, &[&at, &txn_id, &due_by.as_millis(), &gateway, &limit]).await?
        }
        Turn::Every { created_before, not_checked_since, now } => {
            let (before, since) = (created_before.as_millis(), not_checked_since.as_millis());
            let now = now.as_millis();
            db.repeatable(EVERY, &[&at, &txn_id, &before, &gateway, &limit, &since, &now]).await?
        }
    };
    let mut checks = rows::all(&found, read)?;
    checks.sort_by(|one, other| one.place.cmp(&other.place));
    checks.truncate(usize::try_from(due.limit).unwrap_or(usize::MAX));
    Ok(checks)
}

/// Notes a check of a transaction that is still pending. Its version stays: whoever settles it
/// meanwhile need not read it again.
pub(crate) async fn note(db: &Connections, note: &CheckNote) -> Result<Applied, Failure> {
    const LOCK: &str = "SELECT txn_status FROM eg_pg_transactions WHERE txn_id = $1 FOR UPDATE";
    const NOTE: &str = "
        UPDATE eg_pg_transactions SET
            checks = coalesce(checks, 0) + 1, last_checked_at = $2, next_check_at = $3
        WHERE txn_id = $1";
    let id = note.txn_id.as_str();
    let transaction = db.begin().await?;
    if jobs::is_over(&transaction, note.fence.as_ref()).await? {
        transaction.roll_back().await;
        return Ok(Applied::Fenced);
    }
    let status: Option<String> = match transaction.rows(LOCK, &[&id]).await?.first() {
        Some(row) => Some(row.try_get(0)?),
        None => None,
    };
    if status.as_deref() != Some(StatusName::Pending.as_str()) {
        transaction.roll_back().await;
        return Ok(Applied::Stale);
    }
    let next = match note.next {
        NextCheck::At(at) => Some(Some(at.as_millis())),
        NextCheck::WithAll => Some(None),
        NextCheck::AsBefore => None,
    };
    if let Some(next) = next {
        transaction.rows(NOTE, &[&id, &note.at.as_millis(), &next]).await?;
    }
    if let Some(entry) = &note.history {
        attention::append_history(&transaction, entry).await?;
    }
    transaction.commit().await?;
    Ok(Applied::Stored)
}

fn read(row: &Row) -> Result<DueCheck, Failure> {
    let columns = Columns::of(row, "eg_pg_transactions")?;
    let txn_id = columns.txn_id();
    let gateway = columns.gateway("gateway")?;
    let created_at = columns.moment_or_zero("created_time")?;
    let checks = columns.get::<Option<i64>>("checks")?.unwrap_or(0);
    Ok(DueCheck {
        gateway,
        created_at,
        checks: u32::try_from(checks).map_err(|_| columns.unreadable("checks"))?,
        place: CheckCursor { at: columns.moment("place")?, txn_id: txn_id.clone() },
        txn_id,
    })
}
