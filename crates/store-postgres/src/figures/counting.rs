//! Counting: the rows that the figures rest on, read in one snapshot without locks; and storing them, if they rest on the
//! latest ones.

use payment_domain::Timestamp;
use payment_store::Applied;
use payment_store::audit::sealing::Progress;
use payment_store::figures::{
    DaySpan, FigureKey, FigureLine, FigureRows, Figures, FiguresAsk, FiguresReading, FiguresState,
    FiguresUpdate, LinePayment, Verified,
};
use tokio_postgres::Row;

use super::{FIGURES, PAYMENTS, figures, first_number};
use crate::PostgresStore;
use crate::connections::Transaction;
use crate::failure::Failure;
use crate::jobs::begin_fenced;
use crate::parameters::{Parameter, Rows, at_least};
use crate::rows::{self, Columns};

const STATE_TABLE: &str = "eg_pg_figures_state";

pub(super) const STATE: &str = "
    SELECT revision, zone, through, gaps, counted_from, is_complete, counted_at, verified_at, verified_days,
        verified_down_to, differed_at, differed_day
    FROM eg_pg_figures_state";

/// The amount in minor units; zero where an earlier service left one that is unknown.
const MINOR: &str = "
    coalesce(t.txn_amount_minor, CASE WHEN t.txn_amount >= 0 AND t.txn_amount <= 9999999999999.99
        AND t.txn_amount * 100 = trunc(t.txn_amount * 100) THEN (t.txn_amount * 100)::bigint END, 0)";

pub(super) fn state(row: &Row) -> Result<FiguresState, Failure> {
    let columns = Columns::keyless(row, STATE_TABLE);
    let (revision, zone, through) = (columns.get("revision")?, columns.get("zone")?, columns.get("through")?);
    let progress = columns.read("gaps", |gaps| Progress::read(through, gaps))?;
    let counted_from = columns.get("counted_from")?;
    let (is_complete, counted_at) = (columns.get("is_complete")?, columns.optional_moment("counted_at")?);
    let (at, days) = (columns.optional_moment("verified_at")?, columns.get("verified_days")?);
    let down_to = columns.get("verified_down_to")?;
    let (differed_at, day) = (columns.optional_moment("differed_at")?, columns.get("differed_day")?);
    let verified = Verified { at, days, down_to, differed: differed_at.zip(day) };
    Ok(FiguresState { revision, zone, progress, counted_from, is_complete, counted_at, verified })
}

pub(super) async fn reading(store: &PostgresStore, ask: &FiguresAsk) -> Result<FiguresReading, Failure> {
    const SNAPSHOT: &str = "SET TRANSACTION ISOLATION LEVEL REPEATABLE READ READ ONLY";
    const LAST: &str = "
        SELECT coalesce((SELECT position FROM eg_pg_transaction_history WHERE position IS NOT NULL
            ORDER BY position DESC LIMIT 1), 0)";
    let snapshot = store.db.begin().await?;
    snapshot.rows(SNAPSHOT, &[]).await?;
    snapshot.prepare_for_searches().await?;
    let found = snapshot.rows(STATE, &[]).await?;
    let state = state(found.first().ok_or(Failure::OutOfRange)?)?;
    let mut lines = in_gaps(&snapshot, &state.progress).await?;
    let behind = behind(&snapshot, state.progress.through, ask.lines).await?;
    let is_behind = behind.len() >= usize::try_from(ask.lines).unwrap_or(usize::MAX);
    lines.extend(behind);
    let mut reading = FiguresReading { state, lines, is_behind, ..FiguresReading::default() };
    reading.last_position = first_number(&snapshot.rows(LAST, &[]).await?)?;
    if let Some(day) = &ask.day {
        reading.counted = payments_of(&snapshot, day, &store.all_statuses()).await?;
        for (key, refunded) in refunds_of(&snapshot, day, store.refunds.tenant()).await? {
            reading.counted.entry(key).or_default().add(refunded);
        }
        reading.kept = kept(&snapshot, &day.day).await?;
    }
    for day in &ask.refunds_of {
        reading.refunds.extend(refunds_of(&snapshot, day, store.refunds.tenant()).await?);
    }
    snapshot.roll_back().await;
    Ok(reading)
}

/// The payments of a few lines, one by one: PostgreSQL takes gaps for a large part of the history, and would read all
/// payments to join them.
fn lines(which: &str) -> String {
    format!(
        "SELECT line.position, line.from_status, line.to_status, t.created_time, t.tenant_id::text AS tenant_id,
            upper(t.gateway) AS gateway, coalesce(t.currency, 'INR') AS currency, {MINOR} AS minor
         FROM ({which}) AS line
         LEFT JOIN LATERAL (
             SELECT * FROM eg_pg_transactions AS t WHERE t.txn_id = line.txn_id COLLATE \"default\"
                 AND line.from_status IS DISTINCT FROM line.to_status LIMIT 1) AS t ON TRUE
         ORDER BY line.position"
    )
}

async fn in_gaps(snapshot: &Transaction, progress: &Progress) -> Result<Vec<FigureLine>, Failure> {
    if progress.gaps.is_empty() {
        return Ok(Vec::new());
    }
    let from: Vec<i64> = progress.gaps.iter().map(|gap| gap.span.from).collect();
    let to: Vec<i64> = progress.gaps.iter().map(|gap| gap.span.to).collect();
    let sql = lines(
        "SELECT line.position, line.txn_id, line.from_status, line.to_status
         FROM unnest($1::bigint[], $2::bigint[]) AS gap (first, last)
         JOIN eg_pg_transaction_history AS line ON line.position BETWEEN gap.first AND gap.last OFFSET 0",
    );
    rows::all(&snapshot.planned(&sql, &[&from, &to]).await?, line)
}

async fn behind(snapshot: &Transaction, position: i64, limit: u32) -> Result<Vec<FigureLine>, Failure> {
    let sql = lines(&format!(
        "SELECT position, txn_id, from_status, to_status FROM eg_pg_transaction_history
         WHERE {} ORDER BY position LIMIT $2",
        at_least("position", "$1::bigint + 1")
    ));
    rows::all(&snapshot.planned(&sql, &[&position, &i64::from(limit)]).await?, line)
}

fn line(row: &Row) -> Result<FigureLine, Failure> {
    let columns = Columns::keyless(row, "eg_pg_transaction_history");
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
}

async fn payments_of(
    snapshot: &Transaction,
    day: &DaySpan,
    statuses: &[String],
) -> Result<FigureRows, Failure> {
    let sql = format!(
        "SELECT t.tenant_id::text AS tenant_id, upper(t.gateway) AS gateway,
            coalesce(t.currency, 'INR') AS currency, count(*) AS created,
            count(*) FILTER (WHERE t.txn_status = 'PENDING') AS pending,
            count(*) FILTER (WHERE t.txn_status = 'SUCCESS') AS paid,
            coalesce(sum({MINOR}) FILTER (WHERE t.txn_status = 'SUCCESS'), 0)::bigint AS paid_minor,
            count(*) FILTER (WHERE t.txn_status = 'FAILURE') AS failed,
            0::bigint AS refunded, 0::bigint AS refunded_minor
         FROM eg_pg_transactions AS t
         WHERE t.txn_status = ANY($3::text[]) AND t.created_time >= $1 AND t.created_time < $2
         GROUP BY 1, 2, 3"
    );
    let found = snapshot.planned(&sql, &[&day.from.as_millis(), &day.to.as_millis(), &statuses]).await?;
    figure_rows(&found, &day.day, PAYMENTS)
}

async fn refunds_of(snapshot: &Transaction, day: &DaySpan, tenant: &str) -> Result<FigureRows, Failure> {
    let sql = format!(
        "SELECT coalesce({tenant}, '')::text AS tenant_id, upper(gateway) AS gateway,
            coalesce(pg_currency, 'INR') AS currency, 0::bigint AS created, 0::bigint AS pending,
            0::bigint AS paid, 0::bigint AS paid_minor, 0::bigint AS failed, count(*) AS refunded,
            coalesce(sum(coalesce(pg_amount_minor, (refund_amount * 100)::bigint)), 0)::bigint AS refunded_minor
         FROM eg_pg_transaction_refund
         WHERE created_time >= $1 AND created_time < $2
             AND (pg_status = 'SUCCEEDED' OR (pg_status IS NULL AND upper(status) = 'SUCCESS'))
         GROUP BY 1, 2, 3"
    );
    let found = snapshot.planned(&sql, &[&day.from.as_millis(), &day.to.as_millis()]).await?;
    figure_rows(&found, &day.day, "eg_pg_transaction_refund")
}

async fn kept(snapshot: &Transaction, day: &str) -> Result<FigureRows, Failure> {
    const KEPT: &str = "
        SELECT tenant_id, gateway, currency, created, pending, paid, paid_minor, failed, refunded, refunded_minor
        FROM eg_pg_daily_figures WHERE day = $1";
    figure_rows(&snapshot.planned(KEPT, &[&day]).await?, day, FIGURES)
}

fn figure_rows(found: &[Row], day: &str, table: &'static str) -> Result<FigureRows, Failure> {
    let read = |row: &Row| {
        let columns = Columns::keyless(row, table);
        let key = FigureKey {
            day: day.to_owned(),
            tenant: columns.get("tenant_id")?,
            gateway: columns.get("gateway")?,
            currency: columns.get("currency")?,
        };
        Ok((key, figures(&columns)?))
    };
    Ok(rows::all(found, read)?.into_iter().collect())
}

const ADD: &str = "
    INSERT INTO eg_pg_daily_figures AS kept (day, tenant_id, gateway, currency, created, pending, paid, paid_minor,
        failed, refunded, refunded_minor)
    SELECT * FROM unnest($1::text[], $2::text[], $3::text[], $4::text[], $5::bigint[], $6::bigint[], $7::bigint[],
        $8::bigint[], $9::bigint[], $10::bigint[], $11::bigint[])
    ON CONFLICT (day, tenant_id, gateway, currency) DO UPDATE SET
        created = kept.created + EXCLUDED.created, pending = kept.pending + EXCLUDED.pending,
        paid = kept.paid + EXCLUDED.paid, paid_minor = kept.paid_minor + EXCLUDED.paid_minor,
        failed = kept.failed + EXCLUDED.failed, refunded = kept.refunded + EXCLUDED.refunded,
        refunded_minor = kept.refunded_minor + EXCLUDED.refunded_minor";

pub(super) async fn store(store: &PostgresStore, update: &FiguresUpdate) -> Result<Applied, Failure> {
    const LOCK: &str = "SELECT revision FROM eg_pg_figures_state FOR UPDATE";
    const DROP_ALL: &str = "DELETE FROM eg_pg_daily_figures";
    const DROP_DAY: &str = "DELETE FROM eg_pg_daily_figures WHERE day = $1";
    const DROP_REFUNDS: &str = "
        UPDATE eg_pg_daily_figures SET refunded = 0, refunded_minor = 0
        WHERE day = ANY($1::text[]) AND (refunded <> 0 OR refunded_minor <> 0)";
    let Some(transaction) = begin_fenced(&store.db, Some(&update.fence)).await? else {
        return Ok(Applied::Fenced);
    };
    if first_number(&transaction.rows(LOCK, &[]).await?)? != update.state.revision {
        transaction.roll_back().await;
        return Ok(Applied::Stale);
    }
    if update.drops_all {
        transaction.rows(DROP_ALL, &[]).await?;
    }
    if !update.refund_days.is_empty() {
        transaction.planned(DROP_REFUNDS, &[&update.refund_days]).await?;
    }
    let mut added = Rows::default();
    let all = update.differences.iter().chain(&update.refunds);
    if let Some((day, _)) = &update.day {
        transaction.rows(DROP_DAY, &[day]).await?;
    }
    let of_day = update.day.iter().flat_map(|(_, figures)| figures);
    let mut sums = FigureRows::new();
    for (key, figures) in all.chain(of_day) {
        sums.entry(key.clone()).or_default().add(*figures);
    }
    sums.retain(|_, figures| !figures.is_nothing());
    for (key, figures) in &sums {
        add(&mut added, key, figures);
    }
    if !added.is_empty() {
        transaction.rows(ADD, &added.values()).await?;
    }
    store_state(&transaction, &update.state).await?;
    transaction.commit().await?;
    Ok(Applied::Stored)
}

fn add<'a>(added: &mut Rows<'a>, key: &'a FigureKey, figures: &Figures) {
    added.push([
        Parameter::text(&key.day),
        Parameter::text(&key.tenant),
        Parameter::text(&key.gateway),
        Parameter::text(&key.currency),
        Parameter::number(figures.created),
        Parameter::number(figures.pending),
        Parameter::number(figures.paid),
        Parameter::number(figures.paid_minor),
        Parameter::number(figures.failed),
        Parameter::number(figures.refunded),
        Parameter::number(figures.refunded_minor),
    ]);
}

async fn store_state(transaction: &Transaction, state: &FiguresState) -> Result<(), Failure> {
    const STORE: &str = "
        UPDATE eg_pg_figures_state SET revision = revision + 1, zone = $1, through = $2, gaps = $3,
            counted_from = $4, is_complete = $5, counted_at = $6, verified_at = $7, verified_days = $8,
            verified_down_to = $9, differed_at = $10, differed_day = $11";
    let verified = &state.verified;
    let differed = verified.differed.as_ref();
    transaction
        .rows(
            STORE,
            &[
                &state.zone,
                &state.progress.through,
                &state.progress.gaps_text(),
                &state.counted_from,
                &state.is_complete,
                &state.counted_at.map(Timestamp::as_millis),
                &verified.at.map(Timestamp::as_millis),
                &verified.days,
                &verified.down_to,
                &differed.map(|(at, _)| at.as_millis()),
                &differed.map(|(_, day)| day),
            ],
        )
        .await?;
    Ok(())
}
