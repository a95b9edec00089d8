//! Figures for pages: sums, open work, readings of gateways.

use std::collections::BTreeMap;
use std::sync::LazyLock;

use payment_domain::{AttentionKind, Timestamp};
use payment_store::TenantScope;
use payment_store::figures::{FigureSum, FiguresQuery, GatewayReading, OPEN_WORK_COUNTED, PendingDay};
use tokio_postgres::Row;

use super::{FIGURES, figures, first_number};
use crate::PostgresStore;
use crate::attention::TENANT;
use crate::failure::Failure;
use crate::listings::IN_SCOPES;
use crate::parameters::{Parameter, Rows, at_least, storable};
use crate::rows::{self, Columns};

const READINGS: &str = "eg_pg_gateway_readings";
/// More groups than a page can show are not read.
const GROUPS: i64 = 20_000;

fn roots(within: &[TenantScope]) -> Vec<String> {
    within.iter().map(|scope| storable(&scope.root).into_owned()).collect()
}

pub(super) async fn sums(store: &PostgresStore, query: &FiguresQuery) -> Result<Vec<FigureSum>, Failure> {
    let [period, tenant, gateway] = query.by.columns();
    let sql = format!(
        "SELECT {period}::text AS period, {tenant}::text AS tenant_id, {gateway}::text AS gateway, currency,
            sum(created)::bigint AS created, sum(pending)::bigint AS pending, sum(paid)::bigint AS paid,
            sum(paid_minor)::bigint AS paid_minor, sum(failed)::bigint AS failed,
            sum(refunded)::bigint AS refunded, sum(refunded_minor)::bigint AS refunded_minor
         FROM eg_pg_daily_figures AS t WHERE day >= $2 AND day <= $3 AND {IN_SCOPES}
         GROUP BY 1, 2, 3, 4 ORDER BY 1, 2, 3, 4 LIMIT $4"
    );
    let values: crate::connections::Values<'_> =
        &[&roots(&query.within), &query.from_day, &query.to_day, &GROUPS];
    rows::all(&store.db.planned(&sql, values).await?, |row| {
        let columns = Columns::keyless(row, FIGURES);
        Ok(FigureSum {
            period: columns.get("period")?,
            tenant: columns.get("tenant_id")?,
            gateway: columns.get("gateway")?,
            currency: columns.get("currency")?,
            figures: figures(&columns)?,
        })
    })
}

pub(super) async fn pending(
    store: &PostgresStore,
    within: &[TenantScope],
) -> Result<Vec<PendingDay>, Failure> {
    let sql = format!(
        "SELECT day, tenant_id, sum(pending)::bigint AS pending FROM eg_pg_daily_figures AS t
         WHERE pending > 0 AND {IN_SCOPES} GROUP BY day, tenant_id ORDER BY day DESC, tenant_id LIMIT $2"
    );
    rows::all(&store.db.planned(&sql, &[&roots(within), &GROUPS]).await?, |row| {
        let columns = Columns::keyless(row, FIGURES);
        let (day, tenant) = (columns.get("day")?, columns.get("tenant_id")?);
        Ok(PendingDay { day, tenant, pending: columns.get("pending")? })
    })
}

/// The oldest ones.
static CASES: LazyLock<String> = LazyLock::new(|| {
    format!(
        "SELECT t.kind, count(*) AS count FROM (
             SELECT kind, {TENANT} AS tenant_id FROM eg_pg_attention WHERE resolved_at IS NULL
             ORDER BY case_id LIMIT {OPEN_WORK_COUNTED}) AS t
         WHERE {IN_SCOPES} GROUP BY t.kind"
    )
});

static RECEIPTS: LazyLock<String> = LazyLock::new(|| {
    format!(
        "SELECT count(*) FROM (
             SELECT 1 FROM eg_pg_transactions AS t
             WHERE t.txn_status = 'SUCCESS' AND t.receipt IS NULL AND {IN_SCOPES} LIMIT {OPEN_WORK_COUNTED}) AS due"
    )
});

pub(super) async fn open_cases(
    store: &PostgresStore,
    within: &[TenantScope],
) -> Result<BTreeMap<AttentionKind, u64>, Failure> {
    let cases = rows::all(&store.db.planned(&CASES, &[&roots(within)]).await?, |row| {
        let columns = Columns::keyless(row, "eg_pg_attention");
        Ok((columns.read("kind", AttentionKind::from_word)?, columns.number("count")?))
    })?;
    Ok(cases.into_iter().collect())
}

pub(super) async fn receipts_due(store: &PostgresStore, within: &[TenantScope]) -> Result<u64, Failure> {
    let due = first_number(&store.db.search(&RECEIPTS, &[&roots(within)]).await?)?;
    u64::try_from(due).map_err(|_| Failure::OutOfRange)
}

pub(super) async fn store_readings(
    store: &PostgresStore,
    readings: &[GatewayReading],
    forget_before: Timestamp,
) -> Result<(), Failure> {
    const STORE: &str = "
        INSERT INTO eg_pg_gateway_readings
            (until_time, gateway, node, from_time, calls, failed, buckets, is_open)
        SELECT u.until_time, u.gateway, u.node, u.from_time, u.calls, u.failed, u.buckets, u.is_open <> 0
        FROM unnest($1::bigint[], $2::text[], $3::text[], $4::bigint[], $5::bigint[], $6::bigint[], $7::text[],
            $8::bigint[]) AS u (until_time, gateway, node, from_time, calls, failed, buckets, is_open)
        ON CONFLICT DO NOTHING";
    const FORGET: &str = "
        DELETE FROM eg_pg_gateway_readings WHERE ctid = ANY(ARRAY(
            SELECT ctid FROM eg_pg_gateway_readings WHERE until_time < $1
            ORDER BY until_time LIMIT 1000 FOR UPDATE SKIP LOCKED))";
    let mut stored = Rows::default();
    for reading in readings {
        stored.push([
            Parameter::moment(reading.until),
            Parameter::text(&reading.gateway),
            Parameter::text(&reading.node),
            Parameter::moment(reading.from),
            Parameter::number(reading.calls),
            Parameter::number(reading.failed),
            Parameter::owned(serde_json::json!(reading.buckets).to_string()),
            Parameter::number(i64::from(reading.is_open)),
        ]);
    }
    if !stored.is_empty() {
        store.db.repeatable(STORE, &stored.values()).await?;
    }
    store.db.planned(FORGET, &[&forget_before.as_millis()]).await?;
    Ok(())
}

pub(super) async fn readings(
    store: &PostgresStore,
    since: Timestamp,
) -> Result<Vec<GatewayReading>, Failure> {
    let sql = format!(
        "SELECT until_time, gateway, node, from_time, calls, failed, buckets, is_open
        FROM eg_pg_gateway_readings WHERE {} ORDER BY until_time, gateway, node",
        at_least("until_time", "$1")
    );
    rows::all(&store.db.planned(&sql, &[&since.as_millis()]).await?, reading)
}

fn reading(row: &Row) -> Result<GatewayReading, Failure> {
    let columns = Columns::keyless(row, READINGS);
    let until = columns.moment("until_time")?;
    let (gateway, node, from) = (columns.get("gateway")?, columns.get("node")?, columns.moment("from_time")?);
    Ok(GatewayReading {
        until,
        gateway,
        node,
        from,
        calls: columns.get("calls")?,
        failed: columns.get("failed")?,
        buckets: columns.read("buckets", rows::json)?,
        is_open: columns.get("is_open")?,
    })
}
