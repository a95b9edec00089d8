//! Loads the service and, in the same run, its limits; prints the share of each limit that is reached.
//!
//! Figures are valid on a quiet machine only, and ratios more reliable than figures: load, service and
//! database share the processors.

mod accounts;
mod audit;
mod beside_pgbench;
mod console;
mod console_data;
mod database;
mod download;
mod due;
mod embedded;
mod exports;
mod fill;
mod gateway;
mod history;
mod limits;
mod load;
mod measure;
mod operators;
mod pairs;
mod pgbench;
mod reconcile;
mod refund_script;
mod refunds;
mod report;
mod requests;
mod rows;
mod service;
mod today;
mod traces;
mod variety;

use std::path::PathBuf;

use anyhow::Result;
use clap::{Args, Parser, Subcommand};

use console::ConsoleOptions;
use exports::ExportOptions;
use history::HistoryOptions;
use reconcile::{ReconcileOptions, SweepOptions};
use today::TodayOptions;

/// Measures the service beside the limits of its parts.
///
/// Without a command: with the embedded database, beside a bare axum endpoint and raw SQLite.
#[derive(Parser)]
struct Cli {
    #[command(subcommand)]
    command: Option<Command>,
    #[command(flatten)]
    options: Options,
}

/// The size of the load, and the output format.
#[derive(Debug, Clone, Args)]
struct Options {
    /// Connections at a time
    #[arg(long, global = true, default_value_t = 64)]
    connections: usize,
    /// How long each load runs, in seconds
    #[arg(long, global = true, default_value_t = 8)]
    seconds: u64,
    /// The number of payments that are paid and updated
    #[arg(long, global = true, default_value_t = 5000)]
    updates: usize,
    /// A program to measure instead of building one
    #[arg(long, global = true, value_name = "FILE")]
    binary: Option<PathBuf>,
    /// Print one JSON document
    #[arg(long, global = true)]
    json: bool,
}

#[derive(Debug, Subcommand)]
enum Command {
    /// Create, search by id and update on PostgreSQL, beside pgbench running the same statements
    Postgres,
    /// Create, search by id and the search for due checks on PostgreSQL, in an empty table and in a full one
    History(HistoryOptions),
    /// Every list and search of the console, with random filters, in a database of years: PostgreSQL, or SQLite
    Console(ConsoleOptions),
    /// Create on PostgreSQL with the audit log and without it
    Audit,
    /// Create on PostgreSQL with merchant accounts in the store and without them
    Accounts,
    /// Create on PostgreSQL with a tenth of the traces exported and without traces
    Traces,
    /// Request and approve refunds on PostgreSQL, beside pgbench running the same statements; then send them to a
    /// gateway, and ask about all of them when it is slow
    Refunds(SweepOptions),
    /// Export payments from the console on PostgreSQL, beside `COPY … TO STDOUT (FORMAT csv)` of the same rows
    Exports(ExportOptions),
    /// Reconcile pending payments at a slow gateway, then at one with occasional failures
    Reconcile(ReconcileOptions),
    /// The console's page Today on PostgreSQL, beside ten thousand payments and beside many
    Today(TodayOptions),
}

#[tokio::main]
async fn main() -> Result<()> {
    let Cli { command, options } = Cli::parse();
    let report = match command {
        None => embedded::run(&options).await?,
        Some(Command::Audit) => audit::run(&options).await?,
        Some(Command::Accounts) => accounts::run(&options).await?,
        Some(Command::Traces) => traces::run(&options).await?,
        Some(Command::Refunds(sweep)) => refunds::run(&options, &sweep).await?,
        Some(Command::Postgres) => beside_pgbench::run(&options).await?,
        Some(Command::Console(console)) => console::run(&options, &console).await?,
        Some(Command::History(history)) => history::run(&options, &history).await?,
        Some(Command::Exports(exports)) => exports::run(&options, &exports).await?,
        Some(Command::Reconcile(reconcile)) => reconcile::run(&options, &reconcile).await?,
        Some(Command::Today(today)) => today::run(&options, &today).await?,
    };
    if options.json {
        report.print_json()
    } else {
        report.print()
    }
    Ok(())
}
