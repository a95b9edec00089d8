//! Counting: the rows that the figures rest on, read in one snapshot; and storing them, if they rest on the latest ones.

use payment_domain::{StatusName, Timestamp};
use payment_store::Applied;
use payment_store::audit::sealing::Progress;
use payment_store::figures::{
    DaySpan, FigureKey, FigureLine, FigureRows, FiguresAsk, FiguresReading, FiguresState, FiguresUpdate,
    LinePayment, Verified,
};
use rusqlite::{Connection, Params, Row, params};

use super::{FIGURES, figures};
use crate::failure::Failure;
use crate::jobs;
use crate::rows::{self, Columns};

pub(super) fn state(conn: &Connection) -> Result<FiguresState, Failure> {
    const STATE: &str = "
        SELECT revision, zone, through, gaps, counted_from, is_complete, counted_at, verified_at, verified_days,
            verified_down_to, differed_at, differed_day
        FROM eg_pg_figures_state";
    let read = |row: &Row<'_>| {
        let columns = Columns::without_owner(row, "eg_pg_figures_state");
        let (revision, zone, through) =
            (columns.get("revision")?, columns.get("zone")?, columns.get("through")?);
        let progress = columns.read("gaps", |gaps| Progress::read(through, gaps))?;
        let counted_from = columns.get("counted_from")?;
        let (is_complete, counted_at) = (columns.get("is_complete")?, columns.optional_moment("counted_at")?);
        let (at, days) = (columns.optional_moment("verified_at")?, columns.get("verified_days")?);
        let down_to = columns.get("verified_down_to")?;
        let (differed_at, day) = (columns.optional_moment("differed_at")?, columns.get("differed_day")?);
        let verified = Verified { at, days, down_to, differed: differed_at.zip(day) };
        Ok(FiguresState { revision, zone, progress, counted_from, is_complete, counted_at, verified })
    };
    rows::all(conn, STATE, [], read)?.pop().ok_or(Failure::OutOfRange)
}

pub(super) fn reading(conn: &Connection, ask: &FiguresAsk) -> Result<FiguresReading, Failure> {
    let snapshot = conn.unchecked_transaction()?;
    let state = state(&snapshot)?;
    let mut lines = Vec::new();
    for gap in &state.progress.gaps {
        lines.extend(all_lines(&snapshot, "BETWEEN ?1 AND ?2", params![gap.span.from, gap.span.to])?);
    }
    let behind =
        all_lines(&snapshot, "> ?1 ORDER BY position LIMIT ?2", params![state.progress.through, ask.lines])?;
    let is_behind = behind.len() >= usize::try_from(ask.lines).unwrap_or(usize::MAX);
    lines.extend(behind);
    let last = "SELECT coalesce(max(position), 0) FROM eg_pg_history_positions";
    let last_position = snapshot.prepare_cached(last)?.query_row([], |row| row.get(0))?;
    let mut reading = FiguresReading { state, lines, is_behind, last_position, ..FiguresReading::default() };
    if let Some(day) = &ask.day {
        reading.counted = payments_of(&snapshot, day)?;
        for (key, refunded) in refunds_of(&snapshot, day)? {
            reading.counted.entry(key).or_default().add(refunded);
        }
        let kept = "
            SELECT tenant_id, gateway, currency, created, pending, paid, paid_minor, failed, refunded, refunded_minor
            FROM eg_pg_daily_figures WHERE day = ?1";
        reading.kept = figure_rows(&snapshot, kept, [&day.day], &day.day, FIGURES)?;
    }
    for day in &ask.refunds_of {
        reading.refunds.extend(refunds_of(&snapshot, day)?);
    }
    Ok(reading)
}

/// In the order of their positions.
fn all_lines(conn: &Connection, which: &str, values: impl Params) -> Result<Vec<FigureLine>, Failure> {
    let sql = format!(
        "SELECT number.position, line.from_status, line.to_status, t.created_time, t.tenant_id, t.gateway,
            t.currency, t.txn_amount_minor AS minor
         FROM (SELECT position, txn_id, entry_number FROM eg_pg_history_positions WHERE position {which}) AS number
         JOIN eg_pg_transaction_history AS line
             ON line.txn_id = number.txn_id AND line.entry_number = number.entry_number
         LEFT JOIN eg_pg_transactions AS t
             ON t.txn_id = number.txn_id AND line.from_status IS NOT line.to_status
         ORDER BY number.position"
    );
    rows::all(conn, &sql, values, |row| {
        let columns = Columns::without_owner(row, "eg_pg_transaction_history");
        let (position, from, to) =
            (columns.get("position")?, columns.get("from_status")?, columns.get("to_status")?);
        let payment = match columns.optional_moment("created_time")? {
            Some(created_at) => Some(LinePayment {
                created_at,
                tenant: columns.get("tenant_id")?,
                gateway: columns.get("gateway")?,
                currency: columns.get("currency")?,
                minor: columns.get("minor")?,
            }),
            None => None,
        };
        Ok(FigureLine { position, from, to, payment })
    })
}

/// The payments of a day are read as one run of the index a status.
const PAYMENTS_OF: &str = "
    SELECT tenant_id, gateway, currency, count(*) AS created,
        count(*) FILTER (WHERE txn_status = 'PENDING') AS pending,
        count(*) FILTER (WHERE txn_status = 'SUCCESS') AS paid,
        coalesce(sum(txn_amount_minor) FILTER (WHERE txn_status = 'SUCCESS'), 0) AS paid_minor,
        count(*) FILTER (WHERE txn_status = 'FAILURE') AS failed, 0 AS refunded, 0 AS refunded_minor
    FROM eg_pg_transactions
    WHERE txn_status IN ('PENDING', 'SUCCESS', 'FAILURE') AND created_time >= ?1 AND created_time < ?2
    GROUP BY tenant_id, gateway, currency";

fn payments_of(conn: &Connection, day: &DaySpan) -> Result<FigureRows, Failure> {
    let bounds = params![day.from.as_millis(), day.to.as_millis()];
    figure_rows(conn, PAYMENTS_OF, bounds, &day.day, "eg_pg_transactions")
}

const REFUNDS_OF: &str = "
    SELECT tenant_id, gateway, currency, 0 AS created, 0 AS pending, 0 AS paid, 0 AS paid_minor, 0 AS failed,
        count(*) AS refunded, sum(amount_minor) AS refunded_minor
    FROM eg_pg_transaction_refund
    WHERE created_time >= ?1 AND created_time < ?2 AND workflow_status = 'SUCCEEDED'
    GROUP BY tenant_id, gateway, currency";

fn refunds_of(conn: &Connection, day: &DaySpan) -> Result<FigureRows, Failure> {
    let bounds = params![day.from.as_millis(), day.to.as_millis()];
    figure_rows(conn, REFUNDS_OF, bounds, &day.day, "eg_pg_transaction_refund")
}

fn figure_rows(
    conn: &Connection,
    sql: &str,
    values: impl Params,
    day: &str,
    table: &'static str,
) -> Result<FigureRows, Failure> {
    let read = |row: &Row<'_>| {
        let columns = Columns::without_owner(row, table);
        let key = FigureKey {
            day: day.to_owned(),
            tenant: columns.get("tenant_id")?,
            gateway: columns.get("gateway")?,
            currency: columns.get("currency")?,
        };
        Ok((key, figures(&columns)?))
    };
    Ok(rows::all(conn, sql, values, read)?.into_iter().collect())
}

pub(super) fn latest_creation(conn: &Connection, before: Timestamp) -> Result<Option<Timestamp>, Failure> {
    const OF_STATUS: &str =
        "SELECT max(created_time) FROM eg_pg_transactions WHERE txn_status = ?2 AND created_time < ?1";
    const OF_REFUNDS: &str = "SELECT max(created_time) FROM eg_pg_transaction_refund WHERE created_time < ?1";
    let mut latest: Option<i64> =
        conn.prepare_cached(OF_REFUNDS)?.query_row([before.as_millis()], |row| row.get(0))?;
    for status in [StatusName::Pending, StatusName::Success, StatusName::Failure] {
        let of_status: Option<i64> = conn
            .prepare_cached(OF_STATUS)?
            .query_row(params![before.as_millis(), status.as_str()], |row| row.get(0))?;
        latest = latest.max(of_status);
    }
    Ok(latest.map(Timestamp::from_millis))
}

pub(super) fn refunds_changed(conn: &Connection, since: Timestamp) -> Result<Vec<Timestamp>, Failure> {
    const CHANGED: &str = "SELECT created_time FROM eg_pg_transaction_refund WHERE last_updated_time >= ?1";
    rows::all(conn, CHANGED, [since.as_millis()], |row| Ok(Timestamp::from_millis(row.get(0)?)))
}

const ADD: &str = "
    INSERT INTO eg_pg_daily_figures (day, tenant_id, gateway, currency, created, pending, paid, paid_minor, failed,
        refunded, refunded_minor)
    VALUES (?1, ?2, ?3, ?4, ?5, ?6, ?7, ?8, ?9, ?10, ?11)
    ON CONFLICT (day, tenant_id, gateway, currency) DO UPDATE SET
        created = created + excluded.created, pending = pending + excluded.pending,
        paid = paid + excluded.paid, paid_minor = paid_minor + excluded.paid_minor,
        failed = failed + excluded.failed, refunded = refunded + excluded.refunded,
        refunded_minor = refunded_minor + excluded.refunded_minor";

pub(super) fn store(conn: &Connection, update: &FiguresUpdate) -> Result<Applied, Failure> {
    if jobs::is_over(conn, Some(&update.fence))? {
        return Ok(Applied::Fenced);
    }
    let revision: i64 =
        conn.prepare_cached("SELECT revision FROM eg_pg_figures_state")?.query_row([], |row| row.get(0))?;
    if revision != update.state.revision {
        return Ok(Applied::Stale);
    }
    if update.drops_all {
        conn.execute("DELETE FROM eg_pg_daily_figures", [])?;
    }
    for day in &update.refund_days {
        conn.prepare_cached(
            "UPDATE eg_pg_daily_figures SET refunded = 0, refunded_minor = 0 WHERE day = ?1 AND refunded <> 0",
        )?
        .execute([day])?;
    }
    if let Some((day, _)) = &update.day {
        conn.prepare_cached("DELETE FROM eg_pg_daily_figures WHERE day = ?1")?.execute([day])?;
    }
    let of_day = update.day.iter().flat_map(|(_, figures)| figures);
    let mut add = conn.prepare_cached(ADD)?;
    for (key, figures) in update.differences.iter().chain(&update.refunds).chain(of_day) {
        if figures.is_nothing() {
            continue;
        }
        add.execute(params![
            key.day,
            key.tenant,
            key.gateway,
            key.currency,
            figures.created,
            figures.pending,
            figures.paid,
            figures.paid_minor,
            figures.failed,
            figures.refunded,
            figures.refunded_minor,
        ])?;
    }
    store_state(conn, &update.state)?;
    Ok(Applied::Stored)
}

fn store_state(conn: &Connection, state: &FiguresState) -> Result<(), Failure> {
    let verified = &state.verified;
    let differed = verified.differed.as_ref();
    conn.prepare_cached(
        "UPDATE eg_pg_figures_state SET revision = revision + 1, zone = ?1, through = ?2, gaps = ?3,
            counted_from = ?4, is_complete = ?5, counted_at = ?6, verified_at = ?7, verified_days = ?8,
            verified_down_to = ?9, differed_at = ?10, differed_day = ?11",
    )?
    .execute(params![
        state.zone,
        state.progress.through,
        state.progress.gaps_text(),
        state.counted_from,
        state.is_complete,
        state.counted_at.map(Timestamp::as_millis),
        verified.at.map(Timestamp::as_millis),
        verified.days,
        verified.down_to,
        differed.map(|(at, _)| at.as_millis()),
        differed.map(|(_, day)| day),
    ])?;
    Ok(())
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::plans::{migrated, plan};

    #[test]
    fn a_day_is_counted_from_its_own_rows() {
        let conn = migrated();
        for (sql, index) in [
            (
                PAYMENTS_OF,
                "eg_pg_transactions_by_status (txn_status=? AND created_time>? AND created_time<?)",
            ),
            (REFUNDS_OF, "eg_pg_refunds_by_time (created_time>? AND created_time<?)"),
        ] {
            let steps = plan(&conn, sql);
            assert!(steps.iter().any(|step| step.contains(index)), "{steps:#?}");
            assert!(!steps.iter().any(|step| step.contains("SCAN")), "{steps:#?}");
        }
    }
}
