//! The service on PostgreSQL with an empty table and with years of payments: costs must not grow with
//! settled payments.

use std::sync::Arc;
use std::time::Instant;

use anyhow::{Context, Result, ensure};
use clap::Args;

use crate::Options;
use crate::database::Database;
use crate::due::{self, DueTimes};
use crate::fill::{self, Filling};
use crate::load::Figures;
use crate::measure;
use crate::operators::{self, Ran};
use crate::reconcile::{Books, JOB, SweepOptions, pending};
use crate::report::{Line, Report, progress};
use crate::requests::id_of;
use crate::service::{self, Launch, Service};

/// The size of the history.
#[derive(Debug, Clone, Args)]
pub(crate) struct HistoryOptions {
    /// How many settled payments are filled in; 10000000 take a quarter of an hour and 40 GB
    #[arg(long, default_value_t = 200_000)]
    rows: u64,
    #[command(flatten)]
    sweep: SweepOptions,
}

/// The figures, measured twice.
struct Measured {
    created: Figures,
    searched: Figures,
    due: DueTimes,
    swept: Ran,
}

/// Measures create, search by id, the search for due checks, and reconciliation.
pub(crate) async fn run(options: &Options, history: &HistoryOptions) -> Result<Report> {
    let binary = service::binary(options).await?;
    let folder = tempfile::tempdir()?;
    let gateway = history.sweep.gateway().await?;
    progress("PostgreSQL starts");
    let database = Database::start().await?;
    fill::refuse_without_room(&database, history.rows).await?;
    let data = folder.path().join("service");
    let launch = history.sweep.launch(&gateway, database.launch(&binary, &data));

    progress("the empty table");
    let empty = measured(&launch, &database, options, history, ["warm-empty", "empty", "due-empty"]).await?;
    let template = settled_payment(&launch, options).await?;

    let (settled_before, size_before) = (settled(&database).await?, size(&database).await?);
    let started = Instant::now();
    let filling =
        Filling { template, prefix: "HISTORY-", count: history.rows, is_history: true, is_varied: false };
    fill::fill(&database, &filling).await?;
    progress("vacuum and analyze");
    database.tidy().await?;
    let filled = started.elapsed();
    let (settled, size) = (settled(&database).await?, size(&database).await?);
    ensure!(settled - settled_before == i64::try_from(history.rows)?, "{settled} payments are settled");

    let each = (size - size_before) / settled.saturating_sub(settled_before).max(1);

    progress("the full table");
    let full = measured(&launch, &database, options, history, ["warm-full", "full", "due-full"]).await?;

    let growth = full.due.growth_since(&empty.due);
    Ok(Report {
        lines: vec![
            Line::of("create, empty table", &empty.created),
            Line::of("create, full table", &full.created).beside(
                empty.created.per_second(),
                "empty",
                "≥ 0.83 (within 1.2)",
            ),
            Line::of("search by id, empty table", &empty.searched),
            Line::of("search by id, full table", &full.searched).beside(
                empty.searched.per_second(),
                "empty",
                "",
            ),
        ],
        facts: vec![
            ("settled payments", format!("{settled_before} and {settled}")),
            ("a page of due ones (first, next, every): empty", empty.due.for_people()),
            ("a page of due ones (first, next, every): full", full.due.for_people()),
            ("  grown by at most", format!("{growth:.2}   aim: it does not grow")),
            ("reconciliation, empty table", history.sweep.for_people(&empty.swept)),
            ("reconciliation, full table", history.sweep.for_people(&full.swept)),
            (
                "filled in",
                format!("{} s, {} MB, {each} bytes a payment", filled.as_secs(), (size - size_before) >> 20),
            ),
            ("connections, seconds a load", format!("{}, {}", options.connections, options.seconds)),
            ("PostgreSQL", database.settings().await?),
        ],
    })
}

/// Measures a freshly started service. The names distinguish the bills of the loads.
async fn measured(
    launch: &Launch,
    database: &Database,
    options: &Options,
    history: &HistoryOptions,
    [warm, load, due]: [&'static str; 3],
) -> Result<Measured> {
    let service = Service::start(launch).await?;
    let known = measure::warm_up(&service, options, warm).await?.iter().map(|kept| id_of(kept)).collect();
    database.settle().await?;
    let created = measure::creates(&service, options, load).await?;
    database.settle().await?;
    let searched = measure::searches(&service, options, known).await?;

    // Pending payments of the loads would disturb the search for due checks.
    let settle = "UPDATE eg_pg_transactions SET txn_status = 'FAILURE' WHERE txn_status = 'PENDING'";
    database.client.execute(settle, &[]).await?;
    let sweep = &history.sweep;
    pending(&service, &Books::Postgres(database), options, sweep, due).await?;
    database.tidy().await?;
    progress("the search for due checks");
    let due = due::measure(database, sweep.payments).await?;
    progress(&format!("{} payments are reconciled", sweep.payments));
    let swept = operators::run_job(&service, JOB).await?;
    ensure!(swept.changed == u64::try_from(sweep.payments)?, "not every payment was reconciled: {swept:?}");
    service.stop().await?;
    Ok(Measured { created, searched, due, swept })
}

/// A settled payment with its receipt.
pub(crate) async fn settled_payment(launch: &Launch, options: &Options) -> Result<String> {
    let service = Service::start(launch).await?;
    let paid = Arc::new(measure::paid(&service, options, 1).await?);
    measure::updates(&service, options, &paid).await?;
    service.stop().await?;
    paid.first().cloned().context("nothing was paid")
}

async fn settled(database: &Database) -> Result<i64> {
    database.number("SELECT count(*) FROM eg_pg_transactions WHERE txn_status <> 'PENDING'").await
}

/// The size of the database, in bytes.
async fn size(database: &Database) -> Result<i64> {
    database.number("SELECT pg_database_size(current_database())").await
}
