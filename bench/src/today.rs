//! The console's page Today on PostgreSQL beside ten thousand payments and beside a history of years: its cost must not
//! grow with payments.

use std::time::{Duration, Instant};

use anyhow::{Result, ensure};
use clap::Args;

use crate::Options;
use crate::console::{Browser, page_get};
use crate::database::Database;
use crate::fill::{self, Filling};
use crate::history;
use crate::load::{self, Figures};
use crate::report::{Line, Report, progress};
use crate::requests;
use crate::service::{self, Launch, Service};
use crate::variety::TENANTS;

/// Payments on the small side.
const FEW: u64 = 10_000;
/// Pages of one measurement, one after the other.
const PAGES: usize = 300;
const LONGEST_COUNT: Duration = Duration::from_secs(3_600);
/// Paths of the page below the console's.
const PATHS: [(&str, &str); 2] = [("today", "/"), ("thirty days", "/?period=30-days")];

/// The size of the history.
#[derive(Debug, Clone, Args)]
pub(crate) struct TodayOptions {
    /// How many settled payments are filled in; 10000000 take a quarter of an hour and 40 GB
    #[arg(long, default_value_t = 200_000)]
    rows: u64,
}

/// The page with few or many payments, and how long the first count took.
struct Measured {
    pages: Vec<Figures>,
    counted: Duration,
}

pub(crate) async fn run(options: &Options, today: &TodayOptions) -> Result<Report> {
    let binary = service::binary(options).await?;
    let folder = tempfile::tempdir()?;
    progress("PostgreSQL starts");
    let database = Database::start().await?;
    fill::refuse_without_room(&database, today.rows).await?;
    let launch = database.launch(&binary, &folder.path().join("service")).set("console.enabled", true);
    let template = history::settled_payment(&launch, options).await?;
    let few = measured(&launch, &database, &template, "FEW-", FEW).await?;
    let many = measured(&launch, &database, &template, "HISTORY-", today.rows).await?;
    let payments = database.number("SELECT sum(created)::bigint FROM eg_pg_daily_figures").await?;
    let stored = database.number("SELECT count(*) FROM eg_pg_transactions").await?;
    ensure!(payments == stored, "{payments} payments are counted, {stored} are stored");
    let kept = database.number("SELECT count(*) FROM eg_pg_daily_figures").await?;
    let pairs = few.pages.iter().zip(&many.pages).zip(PATHS);
    let lines = pairs.flat_map(|((few, many), (name, _))| {
        let names = match name {
            "today" => ("Today, few payments", "Today, many payments"),
            _ => ("Today of 30 days, few payments", "Today of 30 days, many payments"),
        };
        let aim = "≥ 0.83 (within 1.2)";
        [Line::of(names.0, few), Line::of(names.1, many).beside(few.per_second(), "few", aim)]
    });
    Ok(Report {
        lines: lines.collect(),
        facts: vec![
            ("payments", format!("{FEW} and {stored}")),
            ("tenants", TENANTS.to_string()),
            ("rows of figures", kept.to_string()),
            (
                "first count of all",
                format!("{} ms and {} ms", few.counted.as_millis(), many.counted.as_millis()),
            ),
            ("PostgreSQL", database.settings().await?),
        ],
    })
}

async fn measured(
    launch: &Launch,
    database: &Database,
    template: &str,
    prefix: &'static str,
    count: u64,
) -> Result<Measured> {
    let filling = Filling { template: template.to_owned(), prefix, count, is_history: true, is_varied: true };
    fill::fill(database, &filling).await?;
    database.count_anew().await?;
    progress("vacuum and analyze");
    database.tidy().await?;
    let service = Service::start(launch).await?;
    let began = Instant::now();
    database.wait_for_figures().await?;
    let counted = began.elapsed();
    let cookie = Browser::enter(launch, &service, "pb").await?.cookie;
    let mut pages = Vec::new();
    for (_, path) in PATHS {
        let request = page_get(path, &cookie);
        let shown = move |_| request.clone();
        // Prepared statements and caches.
        load::run(&service.address, 1, PAGES / 10, LONGEST_COUNT, shown.clone(), requests::nothing).await?;
        pages.push(load::run(&service.address, 1, PAGES, LONGEST_COUNT, shown, requests::nothing).await?);
    }
    service.stop().await?;
    Ok(Measured { pages, counted })
}
