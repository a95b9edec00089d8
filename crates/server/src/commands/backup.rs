//! `backup` and `restore`: copies the embedded database to a file, and back.

use std::process::ExitCode;

use super::database::second;
use crate::cli::BackupArgs;
use crate::config::Config;
use crate::failure::Outcome;
use crate::service::backup::{self, BackedUp};
use crate::terminal::{Paint, say};

pub(super) fn back_up(config: &Config, args: &BackupArgs) -> Outcome<ExitCode> {
    let done = backup::back_up(config, &args.file)?;
    show(config, &args.file.display().to_string(), &done, "Backed up and checked.")
}

pub(super) fn restore(config: &Config, args: &BackupArgs) -> Outcome<ExitCode> {
    let done = backup::restore(config, &args.file)?;
    let database = config.data_dir.join("payments.db").display().to_string();
    show(
        config,
        &database,
        &done,
        "Put back and checked. What was paid later is not in it: before applications create payments, compare \
         with the gateways' own reports (docs/operating.md).",
    )
}

fn show(config: &Config, payments: &str, done: &BackedUp, closing: &str) -> Outcome<ExitCode> {
    let paint = Paint::detect();
    let rows = |table| done.payments.rows(table);
    let mut out = format!(
        "{}\n  {} transactions, {} lines of history, {} events, {} receipts due, {} kB\n",
        paint.title(payments),
        rows("eg_pg_transactions"),
        rows("eg_pg_transaction_history"),
        rows("eg_pg_outbox"),
        rows("eg_pg_receipt_duties"),
        done.payments.bytes / 1024,
    );
    if let Some(newest) = done.newest {
        let at = second(newest, &config.embedded.time_zone);
        out.push_str(&format!("  the newest payment was created or changed at {at}\n"));
    }
    if let Some((path, books)) = &done.sandbox {
        let title = paint.title(&path.display().to_string());
        out.push_str(&format!("{title}\n  {} orders of the sandbox\n", books.rows("orders")));
    }
    out.push_str(&paint.good(closing));
    say(&out)?;
    Ok(ExitCode::SUCCESS)
}
