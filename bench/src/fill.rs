//! Fills the tables with copies of a payment written by the service, each with its own id, bill, consumer,
//! payer and time.

use std::sync::Arc;
use std::sync::atomic::{AtomicU64, Ordering};

use anyhow::{Result, ensure};

use crate::database::Database;
use crate::report::progress;
use crate::rows::{TABLES, Table, columns};
use crate::variety;

/// Payments per statement.
const BATCH: u64 = 20_000;
/// Concurrent statements.
const WORKERS: usize = 2;
/// The span of a history, in milliseconds.
pub(crate) const SPAN_MS: u64 = 3 * 365 * 86_400_000;
/// The share of payments that keep their events: they are deleted some time after publication.
pub(crate) const EVENTS_OF_ONE_IN: u64 = 25;
/// The jobs that read the history have read the copies.
const KNOWN: &str = "
    UPDATE eg_pg_history_seal SET gaps = '[]',
        sealed_through = (SELECT coalesce(max(position), 0) FROM eg_pg_transaction_history);
    UPDATE eg_pg_figures_state SET gaps = '[]', through = (SELECT sealed_through FROM eg_pg_history_seal)";
/// Approximate disk space of one payment with its indexes.
const BYTES_EACH: u64 = 3400;
/// Disk space for the loads, the log and a reserve.
const BYTES_BESIDE: u64 = 6 << 30;

/// The payment to copy, and the naming of its copies.
#[derive(Debug, Clone)]
pub(crate) struct Filling {
    pub(crate) template: String,
    /// The prefix of the copies' ids; a number from 1 follows.
    pub(crate) prefix: &'static str,
    pub(crate) count: u64,
    /// Whether their times span years, or equal that of the original.
    pub(crate) is_history: bool,
    /// Whether they have many tenants, gateways, services, amounts, states and numbers, as a state's have.
    pub(crate) is_varied: bool,
}

pub(crate) async fn fill(database: &Database, filling: &Filling) -> Result<()> {
    let statements = Arc::new(statements(database, filling).await?);
    let (next, done) = (Arc::new(AtomicU64::new(0)), Arc::new(AtomicU64::new(0)));
    let mut workers = Vec::new();
    for _ in 0..WORKERS {
        let client = database.connect().await?;
        let (filling, statements) = (filling.clone(), statements.clone());
        let (next, done) = (next.clone(), done.clone());
        workers.push(tokio::spawn(async move {
            loop {
                let from = next.fetch_add(BATCH, Ordering::Relaxed);
                if from >= filling.count {
                    return anyhow::Ok(());
                }
                let to = (from + BATCH).min(filling.count);
                let (first, last) = (i64::try_from(from + 1)?, i64::try_from(to)?);
                for statement in statements.iter() {
                    client.execute(statement, &[&filling.template, &first, &last]).await?;
                }
                let done = done.fetch_add(to - from, Ordering::Relaxed) + to - from;
                if done % (BATCH * 10) < BATCH {
                    progress(&format!("{done} of {} payments are filled in", filling.count));
                }
            }
        }));
    }
    for worker in workers {
        worker.await??;
    }
    Ok(database.client.batch_execute(KNOWN).await?)
}

/// Fails when the disk is too small.
pub(crate) async fn refuse_without_room(database: &Database, count: u64) -> Result<()> {
    let folder: String = database.client.query_one("SHOW data_directory", &[]).await?.try_get(0)?;
    let told = std::process::Command::new("df").args(["--output=avail", "-B1", &folder]).output()?;
    let free: Option<u64> =
        String::from_utf8_lossy(&told.stdout).lines().last().and_then(|line| line.trim().parse().ok());
    let needed = count.saturating_mul(BYTES_EACH).saturating_add(BYTES_BESIDE);
    let free = free.unwrap_or(u64::MAX);
    ensure!(
        needed <= free,
        "{count} payments take about {} GB and {folder} has {} GB left: free some, or set TMPDIR to another disk",
        needed >> 30,
        free >> 30
    );
    Ok(())
}

/// A statement per table: $1 is the original, $2 to $3 are the numbers of the copies.
async fn statements(database: &Database, filling: &Filling) -> Result<Vec<String>> {
    let mut statements = Vec::new();
    for Table { name, .. } in TABLES {
        let is_outbox = name == "eg_pg_outbox";
        if is_outbox && !filling.is_history {
            continue;
        }
        let columns = columns(&database.client, name).await?;
        let values: Vec<String> = columns.iter().map(|column| value(name, column, filling)).collect();
        let only = if is_outbox { format!("AND n % {EVENTS_OF_ONE_IN} = 0") } else { String::new() };
        statements.push(format!(
            "INSERT INTO {name} ({}) SELECT {} FROM {name} AS t CROSS JOIN generate_series($2::bigint, $3::bigint) AS n
             WHERE t.txn_id = $1::text {only}",
            columns.join(", "),
            values.join(", ")
        ));
    }
    Ok(statements)
}

/// The value of a copy's column.
fn value(table: &str, column: &str, filling: &Filling) -> String {
    let Filling { prefix, count, is_history, is_varied, .. } = filling;
    let at = format!("t.{column} - {SPAN_MS} + n * {}", SPAN_MS / (*count).max(1));
    if *is_varied && let Some(varied) = variety::value(table, column, prefix, *count) {
        return varied;
    }
    match (table, column) {
        (_, "txn_id") => format!("'{prefix}' || n"),
        (_, "bill_id") => format!("'{prefix}B-' || n"),
        ("eg_pg_transactions", "consumer_code") => "'PT-' || n % 1000000".to_owned(),
        ("eg_pg_transactions", "user_uuid") => "md5((n % 500000)::text)".to_owned(),
        ("eg_pg_transactions", "receipt") => {
            format!("CASE WHEN t.receipt IS NULL THEN NULL ELSE '{prefix}R-' || n END")
        }
        ("eg_pg_outbox", "published_at") => "t.stored_at".to_owned(),
        // These columns are in no index and would only use disk space.
        (_, "redirect_url" | "txn_request") if *is_history => format!("left(t.{column}, 64)"),
        (_, "txn_response") if *is_history => "'{}'::jsonb".to_owned(),
        (_, "evidence") if *is_history => "'null'::json".to_owned(),
        ("eg_pg_transactions", "created_time" | "last_modified_time") | (_, "at_time") if *is_history => at,
        (_, _) => format!("t.{column}"),
    }
}
