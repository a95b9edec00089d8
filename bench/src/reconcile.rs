//! Reconciliation of many pending payments at a slow gateway.

use std::path::Path;
use std::time::Duration;

use anyhow::{Context, Result, ensure};
use clap::{Args, ValueEnum};

use crate::Options;
use crate::database::Database;
use crate::gateway::{self, Gateway};
use crate::load::run as load;
use crate::operators::{self, Ran};
use crate::report::{Report, progress, ratio};
use crate::requests::{self, nothing};
use crate::service::{self, Launch, Service};

/// The job of first checks.
pub(crate) const JOB: &str = "reconcile-early";
/// The age of the payments, in milliseconds: older than the job's interval.
const AGE_MS: i64 = 26 * 3_600_000;
/// One status request in so many fails in the second run.
const ONE_WRONG_IN: usize = 100;
/// The longest run, relative to the ideal.
const LONGEST: f64 = 1.2;

/// The payments to reconcile, and their database.
#[derive(Debug, Clone, Args)]
pub(crate) struct ReconcileOptions {
    #[command(flatten)]
    pub(crate) sweep: SweepOptions,
    /// Where payments are kept
    #[arg(long, value_enum, default_value_t = Keeping::Postgres)]
    database: Keeping,
}

/// The number of payments, and the delay of the gateway.
#[derive(Debug, Clone, Args)]
pub(crate) struct SweepOptions {
    /// How many payments are pending, or are refunded
    #[arg(long, default_value_t = 10_000)]
    pub(crate) payments: usize,
    /// How long the gateway takes to answer, in milliseconds
    #[arg(long, default_value_t = 200)]
    pub(crate) delay_ms: u64,
    /// Concurrent calls of the gateway
    #[arg(long, default_value_t = 64)]
    pub(crate) at_once: usize,
}

#[derive(Debug, Clone, Copy, PartialEq, Eq, ValueEnum)]
enum Keeping {
    Postgres,
    Sqlite,
}

impl SweepOptions {
    pub(crate) async fn gateway(&self) -> Result<Gateway> {
        Gateway::start(self.delay()).await
    }

    pub(crate) fn delay(&self) -> Duration {
        Duration::from_millis(self.delay_ms)
    }

    /// The options, as text.
    pub(crate) fn size(&self) -> String {
        format!("{}, {} ms, {}", self.payments, self.delay_ms, self.at_once)
    }

    /// A service with this gateway that sends no status request before the run.
    pub(crate) fn launch(&self, gateway: &Gateway, launch: Launch) -> Launch {
        let launch = gateway
            .offered(launch)
            .set("sandbox.active", true)
            .set("reconciliation.calls-at-once", self.at_once)
            .set("gateways.calls-at-once", self.at_once)
            // No other run finds a payment, and no order's life ends.
            .set("pg.earlyReconcileJobRunInterval.mins", 1440)
            .set("reconciliation.daily-cron", "0 0 0 29 2 ?")
            .set("order.life-mins", 525_600);
        operators::admitted(launch)
    }

    /// The time of waiting for the gateway alone.
    fn ideal(&self) -> Duration {
        let payments = u32::try_from(self.payments).unwrap_or(u32::MAX);
        let at_once = u32::try_from(self.at_once.max(1)).unwrap_or(u32::MAX);
        self.delay() * payments / at_once
    }

    /// A run compared with the ideal, as text.
    pub(crate) fn for_people(&self, ran: &Ran) -> String {
        let (took, ideal) = (ran.took.as_secs_f64(), self.ideal().as_secs_f64());
        format!("{took:.1} s, {:.2} of the ideal {ideal:.1} s   aim ≤ {LONGEST}", ratio(took, ideal))
    }
}

/// Measures two runs: at a reliable gateway, and at an unreliable one.
pub(crate) async fn run(options: &Options, reconcile: &ReconcileOptions) -> Result<Report> {
    let binary = service::binary(options).await?;
    let folder = tempfile::tempdir()?;
    let data = folder.path().join("service");
    let sweep = &reconcile.sweep;
    let gateway = sweep.gateway().await?;
    let database = match reconcile.database {
        Keeping::Postgres => Some(Database::start().await?),
        Keeping::Sqlite => None,
    };
    let launch = match &database {
        Some(database) => database.launch(&binary, &data),
        None => Launch::plain(&binary, &data),
    };
    let service = Service::start(&sweep.launch(&gateway, launch)).await?;
    let books = match &database {
        Some(database) => Books::Postgres(database),
        None => Books::Sqlite(&data),
    };

    let used = service.processor_time()?;
    let clean = one_sweep(&service, &books, options, sweep, "clean").await?;
    let used = service.processor_time()?.saturating_sub(used);
    let most_at_once = gateway.most_under_way();
    let receipts = books.receipts().await?;
    ensure!(
        (clean.changed, clean.failed) == (u64::try_from(sweep.payments)?, 0) && receipts == clean.changed,
        "not every payment was reconciled: {clean:?}, {receipts} receipts"
    );

    gateway.one_wrong_in(ONE_WRONG_IN);
    let troubled = one_sweep(&service, &books, options, sweep, "troubled").await?;
    let wrong = u64::try_from(sweep.payments / ONE_WRONG_IN)?;
    let receipts = books.receipts().await? - receipts;
    ensure!(
        troubled.failed == wrong && troubled.changed + wrong == clean.changed && receipts == troubled.changed,
        "the others were not all reconciled: {troubled:?}, {receipts} receipts"
    );
    service.stop().await?;

    let per_second = ratio(sweep.payments as f64, clean.took.as_secs_f64());
    let mut facts = vec![
        ("every question is answered", sweep.for_people(&clean)),
        (
            "one in a hundred fails, hangs or is garbage",
            format!(
                "{:.1} s: {} reconciled, {} not   aim: the others all are",
                troubled.took.as_secs_f64(),
                troubled.changed,
                troubled.failed
            ),
        ),
        ("checks a second", format!("{per_second:.0}")),
        ("processor time of the service, with the creates", format!("{:.1} s", used.as_secs_f64())),
        ("most questions at once", most_at_once.to_string()),
        ("payments, delay, at once", sweep.size()),
    ];
    if let Some(database) = &database {
        facts.push(("PostgreSQL", database.settings().await?));
    }
    Ok(Report { lines: Vec::new(), facts })
}

/// Creates payments, ages them, and reconciles them.
pub(crate) async fn one_sweep(
    service: &Service,
    books: &Books<'_>,
    options: &Options,
    sweep: &SweepOptions,
    run: &'static str,
) -> Result<Ran> {
    pending(service, books, options, sweep, run).await?;
    progress(&format!("{} payments are reconciled, {run}", sweep.payments));
    operators::run_job(service, JOB).await
}

/// Creates payments at the gateway and ages them so that they are due.
pub(crate) async fn pending(
    service: &Service,
    books: &Books<'_>,
    options: &Options,
    sweep: &SweepOptions,
    run: &'static str,
) -> Result<()> {
    progress("pending payments are created");
    let request = move |number| requests::create(gateway::NAME, run, number);
    load(&service.address, options.connections, sweep.payments, Duration::MAX, request, nothing).await?;
    books.age().await
}

/// The service's database.
pub(crate) enum Books<'a> {
    Postgres(&'a Database),
    /// In the file of this folder.
    Sqlite(&'a Path),
}

impl Books<'_> {
    /// Ages payments that were never checked.
    async fn age(&self) -> Result<()> {
        let sql = format!(
            "UPDATE eg_pg_transactions SET created_time = created_time - {AGE_MS}
             WHERE txn_status = 'PENDING' AND last_checked_at IS NULL AND gateway = '{}'",
            gateway::NAME
        );
        match self {
            Books::Postgres(database) => database.client.execute(&sql, &[]).await.map(drop)?,
            Books::Sqlite(_) => self.sqlite()?.execute(&sql, []).map(drop)?,
        }
        Ok(())
    }

    /// The number of payments with a unique receipt.
    pub(crate) async fn receipts(&self) -> Result<u64> {
        let sql = format!(
            "SELECT count(DISTINCT receipt) FROM eg_pg_transactions
             WHERE txn_status = 'SUCCESS' AND gateway = '{}'",
            gateway::NAME
        );
        let count = match self {
            Books::Postgres(database) => database.number(&sql).await?,
            Books::Sqlite(_) => self.sqlite()?.query_row(&sql, [], |row| row.get(0))?,
        };
        Ok(u64::try_from(count)?)
    }

    fn sqlite(&self) -> Result<rusqlite::Connection> {
        let folder = match self {
            Books::Sqlite(folder) => folder,
            Books::Postgres(_) => anyhow::bail!("payments are kept elsewhere"),
        };
        let connection = rusqlite::Connection::open(folder.join("payments.db")).context("the database")?;
        connection.busy_timeout(Duration::from_secs(10))?;
        Ok(connection)
    }
}
