//! Exports of payments from the console, beside PostgreSQL's own COPY of the same rows and columns.

use std::pin::pin;
use std::time::{Duration, Instant};

use anyhow::{Result, ensure};
use clap::Args;
use futures_util::StreamExt;

use crate::Options;
use crate::console::Browser;
use crate::database::Database;
use crate::download::Downloaded;
use crate::fill::{self, Filling};
use crate::history::settled_payment;
use crate::report::{Line, Report, millis, progress, ratio};
use crate::service::{self, Service};

/// The size of the list.
#[derive(Debug, Clone, Args)]
pub(crate) struct ExportOptions {
    /// The payments that are exported; more than 1048575 do not fit a sheet
    #[arg(long, default_value_t = 1_000_000)]
    rows: u64,
    /// How often each is measured; the medians count
    #[arg(long, default_value_t = 3)]
    times: usize,
}

/// The columns of an export of payments.
const COLUMNS: &str = "txn_id, tenant_id, txn_status, txn_amount, currency, created_time, last_modified_time, module,
    consumer_code, bill_id, gateway, gateway_txn_id, pg_bank_transaction_no, gateway_payment_mode, receipt, name,
    mobile_number, email_id";
/// As the list is ordered.
const ORDER: &str = "ORDER BY created_time DESC NULLS LAST, txn_id COLLATE \"C\" DESC";

/// Measures both in turn.
pub(crate) async fn run(options: &Options, exports: &ExportOptions) -> Result<Report> {
    let binary = service::binary(options).await?;
    let folder = tempfile::tempdir()?;
    progress("PostgreSQL starts");
    let database = Database::start().await?;
    fill::refuse_without_room(&database, exports.rows).await?;
    let launch = database.launch(&binary, folder.path()).set("console.enabled", true);
    let template = settled_payment(&launch, options).await?;
    let filling = Filling {
        template,
        prefix: "EXPORT-",
        count: exports.rows.saturating_sub(1),
        is_history: true,
        is_varied: true,
    };
    fill::fill(&database, &filling).await?;
    database.count_anew().await?;
    progress("vacuum and analyze");
    database.tidy().await?;

    let service = Service::start(&launch).await?;
    database.wait_for_figures().await?;
    let browser = Browser::enter(&launch, &service, "pb").await?;
    let unordered = format!("COPY (SELECT {COLUMNS} FROM eg_pg_transactions) TO STDOUT (FORMAT csv)");
    let ordered = format!("COPY (SELECT {COLUMNS} FROM eg_pg_transactions {ORDER}) TO STDOUT (FORMAT csv)");
    progress("both once, unmeasured");
    copied(&database, &unordered).await?;
    let before = service.peak_memory_kib()?;
    let mut first_byte = browser.download(&service, "payments", "csv").await?.first_byte;
    let (mut plain, mut sorted, mut csv) = (Vec::new(), Vec::new(), Vec::new());
    for nth in 0..exports.times.max(1) {
        progress(&format!("COPY and CSV, {} of {}", nth + 1, exports.times));
        plain.push(copied(&database, &unordered).await?);
        let file = browser.download(&service, "payments", "csv").await?;
        // With its heading.
        ensure!(file.lines == exports.rows + 1, "{} lines of {} payments", file.lines, exports.rows);
        first_byte = first_byte.max(file.first_byte);
        csv.push(file.took);
        sorted.push(copied(&database, &ordered).await?);
    }
    progress("JSONL");
    let jsonl = browser.download(&service, "payments", "jsonl").await?;
    ensure!(jsonl.lines == exports.rows, "{} lines of {} payments", jsonl.lines, exports.rows);
    let streamed = service.peak_memory_kib()?;
    progress("XLSX");
    let xlsx = browser.download(&service, "payments", "xlsx").await?;
    let with_sheet = service.peak_memory_kib()?;
    let settings = database.settings().await?;
    service.stop().await?;

    let rate = |took: Duration| ratio(exports.rows as f64, took.as_secs_f64());
    let (plain, sorted, csv) = (rate(median(plain)), rate(median(sorted)), rate(median(csv)));
    let figure = |file: &Downloaded| {
        format!(
            "{:.0} rows/s, {} MB, {:.1} s, first byte after {:.0} ms",
            rate(file.took),
            file.bytes >> 20,
            file.took.as_secs_f64(),
            millis(file.first_byte)
        )
    };
    Ok(Report {
        lines: vec![
            Line::of_rate("COPY, rows as they lie", plain),
            Line::of_rate("COPY, in the order of the list", sorted),
            Line::of_rate("CSV from the console", csv).beside(plain, "COPY", "≥ 0.5"),
            Line::of_rate("CSV from the console (the same)", csv).beside(sorted, "COPY in order", "≥ 0.5"),
        ],
        facts: vec![
            ("first byte of CSV, at most", format!("{:.0} ms", millis(first_byte))),
            (
                "most memory before, with CSV and JSONL, with XLSX",
                format!("{} {} {} MB", before >> 10, streamed >> 10, with_sheet >> 10),
            ),
            ("JSONL", figure(&jsonl)),
            ("XLSX", figure(&xlsx)),
            ("payments", exports.rows.to_string()),
            ("PostgreSQL", settings),
        ],
    })
}

/// The time that a COPY takes, with all its bytes read.
async fn copied(database: &Database, sql: &str) -> Result<Duration> {
    let began = Instant::now();
    let mut stream = pin!(database.client.copy_out(sql).await?);
    let mut bytes = 0;
    while let Some(piece) = stream.next().await {
        bytes += piece?.len();
    }
    ensure!(bytes > 0, "COPY has sent nothing");
    Ok(began.elapsed())
}

fn median(mut times: Vec<Duration>) -> Duration {
    times.sort();
    times.get(times.len() / 2).copied().unwrap_or_default()
}
