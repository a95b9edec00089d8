//! Pending transactions that are due to be checked with their gateways, and the notes of checks.

use std::sync::LazyLock;

use async_trait::async_trait;
use payment_domain::{GatewayName, StatusName};
use payment_store::{
    Applied, CheckCursor, CheckNote, Checks, DueCheck, DueChecks, NextCheck, StoreError, Turn,
};
use tokio_postgres::Row;

use crate::PostgresStore;
use crate::connections::Values;
use crate::failure::Failure;
use crate::jobs::begin_fenced;
use crate::rows::{self, Columns};
use crate::transactions::{append, lock_status};

/// A statement begins where a page begins ($1, $2), goes on to a moment ($3), and reads the pending part of
/// an index in its order. Gateways are stored in any letter case: an earlier service's rows, too.
fn due(place: &str, condition: &str) -> String {
    format!(
        "SELECT t.txn_id, t.gateway, t.created_time, t.checks, {place} AS place
        FROM eg_pg_transactions AS t
        WHERE t.txn_status = 'PENDING' AND ({place}, t.txn_id COLLATE \"C\") > ($1, $2) AND {condition}
            AND ($4::text IS NULL OR upper(t.gateway) = $4)
        ORDER BY {place}, t.txn_id COLLATE \"C\" LIMIT $5"
    )
}

const CREATED: &str = "coalesce(t.created_time, 0)";
const WAS_CHECKED: &str = "(CASE WHEN t.last_checked_at IS NULL THEN 0 ELSE 1 END)";

static FIRST: LazyLock<String> =
    LazyLock::new(|| due(CREATED, &format!("{WAS_CHECKED} = 0 AND {CREATED} <= $3")));
static NEXT: LazyLock<String> = LazyLock::new(|| due("t.next_check_at", "t.next_check_at <= $3"));
/// Payments never checked and payments checked before are two runs of the index.
static EVERY: LazyLock<String> = LazyLock::new(|| {
    let never = due(CREATED, &format!("{WAS_CHECKED} = 0 AND {CREATED} < $3"));
    let condition = format!(
        "{WAS_CHECKED} = 1 AND {CREATED} < $3 AND (t.last_checked_at < $6 OR t.last_checked_at > $7)"
    );
    format!("({never}) UNION ALL ({})", due(CREATED, &condition))
});

#[async_trait]
impl Checks for PostgresStore {
    /// Each is found by one step along the index.
    async fn pending_gateways(&self) -> Result<Vec<GatewayName>, StoreError> {
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
        let found = self.db.ask(GATEWAYS, &[]).await?;
        let mut gateways = rows::all(&found, |row| Ok(GatewayName::new(row.try_get(0)?)))?;
        gateways.sort();
        gateways.dedup();
        Ok(gateways)
    }

    async fn due_checks(&self, due: &DueChecks) -> Result<Vec<DueCheck>, StoreError> {
        let (at, txn_id) = match &due.after {
            Some(place) => (place.at.as_millis(), place.txn_id.as_str()),
            None => (i64::MIN, ""),
        };
        let gateway = due.gateway.as_ref().map(GatewayName::as_str);
        let limit = i64::from(due.limit);
        let found = match due.turn {
            Turn::First { created_by } => {
                let values: Values<'_> = &[&at, &txn_id, &created_by.as_millis(), &gateway, &limit];
                self.db.planned(&FIRST, values).await?
            }
            Turn::Next { due_by } => {
                let values: Values<'_> = &[&at, &txn_id, &due_by.as_millis(), &gateway, &limit];
                self.db.planned(&NEXT, values).await?
            }
            Turn::Every { created_before, not_checked_since, now } => {
                let (before, since) = (created_before.as_millis(), not_checked_since.as_millis());
                let values: Values<'_> = &[&at, &txn_id, &before, &gateway, &limit, &since, &now.as_millis()];
                self.db.planned(&EVERY, values).await?
            }
        };
        let mut checks = rows::all(&found, read)?;
        checks.sort_by(|one, other| one.place.cmp(&other.place));
        checks.truncate(usize::try_from(due.limit).unwrap_or(usize::MAX));
        Ok(checks)
    }

    /// The version stays: a concurrent settlement need not read it again.
    async fn note_check(&self, note: CheckNote) -> Result<Applied, StoreError> {
        const NOTE: &str = "
            UPDATE eg_pg_transactions SET
                checks = coalesce(checks, 0) + 1, last_checked_at = $2, next_check_at = $3
            WHERE txn_id = $1";
        let Some(transaction) = begin_fenced(&self.db, note.fence.as_ref()).await? else {
            return Ok(Applied::Fenced);
        };
        let status = lock_status(&transaction, &note.txn_id).await?;
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
            transaction.rows(NOTE, &[&note.txn_id.as_str(), &note.at.as_millis(), &next]).await?;
        }
        append(&transaction, note.history.as_ref(), &note.events, note.at).await?;
        transaction.commit().await?;
        Ok(Applied::Stored)
    }
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
