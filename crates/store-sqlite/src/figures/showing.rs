//! Figures for pages: sums, open work, readings of gateways.

use std::collections::BTreeMap;

use payment_domain::{AttentionKind, Timestamp};
use payment_store::TenantScope;
use payment_store::figures::{FigureSum, FiguresQuery, GatewayReading, OPEN_WORK_COUNTED, PendingDay};
use rusqlite::types::Value;
use rusqlite::{Connection, Row, params, params_from_iter};

use super::{FIGURES, figures};
use crate::failure::Failure;
use crate::rows::{self, Columns};
use crate::search::below;

/// More groups than a page can show are not read.
const GROUPS: i64 = 20_000;

/// A condition on `tenant_id`, of the table or of `t`, with the values of its question marks. No condition holds
/// where there is no scope.
fn in_scopes(within: &[TenantScope], tenant: &str) -> (String, Vec<Value>) {
    let one = format!("{tenant} = ? OR ({tenant} >= ? AND {tenant} < ?)");
    let any = vec![one; within.len()].join(" OR ");
    let sql = if any.is_empty() { "FALSE".to_owned() } else { format!("({any})") };
    (sql, within.iter().flat_map(below).map(Value::Text).collect())
}

pub(super) fn sums(conn: &Connection, query: &FiguresQuery) -> Result<Vec<FigureSum>, Failure> {
    let [period, tenant, gateway] = query.by.columns();
    let (scopes, values) = in_scopes(&query.within, "+tenant_id");
    let sql = format!(
        "SELECT {period} AS period, {tenant} AS tenant_id, {gateway} AS gateway, currency,
            sum(created) AS created, sum(pending) AS pending, sum(paid) AS paid, sum(paid_minor) AS paid_minor,
            sum(failed) AS failed, sum(refunded) AS refunded, sum(refunded_minor) AS refunded_minor
         FROM eg_pg_daily_figures WHERE {scopes} AND day >= ? AND day <= ?
         GROUP BY 1, 2, 3, 4 ORDER BY 1, 2, 3, 4 LIMIT {GROUPS}"
    );
    let days = [&query.from_day, &query.to_day].map(|day| Value::Text(day.clone()));
    rows::all(conn, &sql, params_from_iter(values.into_iter().chain(days)), |row| {
        let columns = Columns::without_owner(row, FIGURES);
        Ok(FigureSum {
            period: columns.get("period")?,
            tenant: columns.get("tenant_id")?,
            gateway: columns.get("gateway")?,
            currency: columns.get("currency")?,
            figures: figures(&columns)?,
        })
    })
}

pub(super) fn pending(conn: &Connection, within: &[TenantScope]) -> Result<Vec<PendingDay>, Failure> {
    let (scopes, values) = in_scopes(within, "+tenant_id");
    let sql = format!(
        "SELECT day, tenant_id, sum(pending) AS pending FROM eg_pg_daily_figures
             INDEXED BY eg_pg_daily_figures_pending
         WHERE pending > 0 AND {scopes} GROUP BY day, tenant_id ORDER BY day DESC, tenant_id LIMIT {GROUPS}"
    );
    rows::all(conn, &sql, params_from_iter(values), |row| {
        let columns = Columns::without_owner(row, FIGURES);
        let (day, tenant) = (columns.get("day")?, columns.get("tenant_id")?);
        Ok(PendingDay { day, tenant, pending: columns.get("pending")? })
    })
}

pub(super) fn open_cases(
    conn: &Connection,
    within: &[TenantScope],
) -> Result<BTreeMap<AttentionKind, u64>, Failure> {
    let (scopes, values) = in_scopes(within, "tenant_id");
    let sql = format!(
        "SELECT kind, count(*) AS count FROM (
             SELECT kind, tenant_id FROM eg_pg_attention INDEXED BY eg_pg_attention_open
             WHERE resolved_at IS NULL ORDER BY raised_at LIMIT {OPEN_WORK_COUNTED}) AS open
         WHERE {scopes} GROUP BY kind"
    );
    let cases = rows::all(conn, &sql, params_from_iter(values), |row| {
        let columns = Columns::without_owner(row, "eg_pg_attention");
        let kind = columns.read("kind", AttentionKind::from_word)?;
        let count: i64 = columns.get("count")?;
        Ok((kind, u64::try_from(count).map_err(|_| columns.unreadable("count"))?))
    })?;
    Ok(cases.into_iter().collect())
}

pub(super) fn receipts_due(conn: &Connection, within: &[TenantScope]) -> Result<u64, Failure> {
    let (scopes, values) = in_scopes(within, "+tenant_id");
    let sql = format!(
        "SELECT count(*) FROM (SELECT 1 FROM eg_pg_transactions INDEXED BY eg_pg_transactions_without_receipt
             WHERE txn_status = 'SUCCESS' AND receipt IS NULL AND {scopes} LIMIT {OPEN_WORK_COUNTED})"
    );
    let due: i64 = conn.prepare_cached(&sql)?.query_row(params_from_iter(values), |row| row.get(0))?;
    u64::try_from(due).map_err(|_| Failure::OutOfRange)
}

pub(super) fn store_readings(
    conn: &Connection,
    readings: &[GatewayReading],
    forget_before: Timestamp,
) -> Result<(), Failure> {
    for reading in readings {
        conn.prepare_cached(
            "INSERT INTO eg_pg_gateway_readings
                 (until_time, gateway, node, from_time, calls, failed, buckets, is_open)
             VALUES (?1, ?2, ?3, ?4, ?5, ?6, ?7, ?8) ON CONFLICT DO NOTHING",
        )?
        .execute(params![
            reading.until.as_millis(),
            reading.gateway,
            reading.node,
            reading.from.as_millis(),
            reading.calls,
            reading.failed,
            serde_json::json!(reading.buckets).to_string(),
            reading.is_open,
        ])?;
    }
    conn.prepare_cached("DELETE FROM eg_pg_gateway_readings WHERE until_time < ?1")?
        .execute([forget_before.as_millis()])?;
    Ok(())
}

pub(super) fn readings(conn: &Connection, since: Timestamp) -> Result<Vec<GatewayReading>, Failure> {
    const SINCE: &str = "
        SELECT until_time, gateway, node, from_time, calls, failed, buckets, is_open
        FROM eg_pg_gateway_readings WHERE until_time >= ?1 ORDER BY until_time, gateway, node";
    rows::all(conn, SINCE, [since.as_millis()], reading)
}

fn reading(row: &Row<'_>) -> Result<GatewayReading, Failure> {
    let columns = Columns::without_owner(row, "eg_pg_gateway_readings");
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
