//! Refunds on PostgreSQL: their requests and approvals beside pgbench, then a gateway that is slow to decide
//! them.

use std::sync::Arc;
use std::time::{Duration, Instant};

use anyhow::{Context, Result, ensure};

use crate::Options;
use crate::database::Database;
use crate::fill::{self, Filling};
use crate::gateway::{self, Gateway};
use crate::load::Figures;
use crate::measure;
use crate::operators::Ran;
use crate::pgbench::{Extent, Pgbench};
use crate::reconcile::SweepOptions;
use crate::refund_script::{Written, script};
use crate::report::{Line, Report, progress, ratio};
use crate::requests::{self, PROOF_SECRET, created, id_of};
use crate::service::{self, Launch, Service};

/// The refunds that pgbench has not made.
const OURS: &str = "refund_id LIKE 'RF%'";
/// How often the database is asked how far the service is.
const POLL_INTERVAL: Duration = Duration::from_millis(100);
/// The longest time without progress.
const STALL_LIMIT: Duration = Duration::from_secs(120);

/// Measures requests and approvals, the calls of the gateway, and the questions about refunds under way.
pub(crate) async fn run(options: &Options, sweep: &SweepOptions) -> Result<Report> {
    let pgbench = Pgbench::find()?;
    let binary = service::binary(options).await?;
    let folder = tempfile::tempdir()?;
    let gateway = Gateway::start(Duration::ZERO).await?;
    progress("PostgreSQL starts");
    let database = Database::start().await?;
    let data = folder.path().join("service");
    let launch = refunding(sweep.launch(&gateway, database.launch(&binary, &data)));
    let service = Service::start(&launch).await?;

    // Its rows are the model of pgbench's, and its payments are refunded by pgbench.
    let model = paid(&service, options, "model", 1).await?;
    let model = model.first().context("nothing was paid")?;
    let each = sweep.payments.div_ceil(options.connections).max(1);
    let count = u64::try_from(each * options.connections)?;
    let filling =
        Filling { template: model.clone(), prefix: "PGBENCH-", count, is_history: false, is_varied: false };
    fill::fill(&database, &filling).await?;
    let ids = Arc::new(paid(&service, options, "refunded", sweep.payments).await?);
    database.tidy().await?;

    let refund = one(&service, options, requests::refund(model)).await?;
    let as_requested = Written::read(&database.client, &refund, model).await?;
    // While the gateway says nothing about payments no refund leaves.
    let held = gateway.holds_back().await;
    one(&service, options, requests::approval(&refund)).await?;
    let as_approved = Written::read(&database.client, &refund, model).await?;
    drop(held);
    let script = script(&as_requested, &as_approved, filling.prefix, each);
    database.settle().await?;
    let raw = pgbench.run(&database, options, "refund", &script, Extent::Times(each)).await?;

    database.settle().await?;
    let requested = requests(&service, options, &ids).await?;
    let refunds = Arc::new(requested.kept.clone());
    let held = gateway.holds_back().await;
    database.settle().await?;
    let approved = approvals(&service, options, &refunds).await?;

    progress("they are sent");
    drop(held);
    let waiting = at_rest(&database).await?;
    let all = i64::try_from(sweep.payments)? + 1;
    make_due(&database, "APPROVED").await?;
    let began = Instant::now();
    // The fourth version has the number that the gateway gave it.
    reached(&database, "pg_status = 'SENT' AND pg_version = 4", all).await?;
    let sent = began.elapsed();

    progress("the gateway is asked what became of them");
    database.tidy().await?;
    gateway.delays(sweep.delay())?;
    gateway.most_under_way();
    make_due(&database, "SENT").await?;
    let began = Instant::now();
    reached(&database, "pg_status = 'SUCCEEDED'", all).await?;
    let asked = Ran { took: began.elapsed(), changed: u64::try_from(all)?, failed: 0 };
    let most_at_once = gateway.most_under_way();
    service.stop().await?;

    let count = sweep.payments as f64;
    let both = ratio(count, (requested.elapsed + approved.elapsed).as_secs_f64());
    Ok(Report {
        lines: vec![
            Line::of_rate("pgbench: refund", raw),
            Line::of("request", &requested),
            Line::of("approval", &approved),
            Line::of_rate("refund: request and approval", both).beside(raw, "pgbench", "≥ 0.8"),
            Line::of_rate("sent: payment asked about, called", ratio(waiting as f64, sent.as_secs_f64())),
        ],
        facts: vec![
            ("all are asked about at a slow gateway", sweep.for_people(&asked)),
            ("most questions at once", most_at_once.to_string()),
            ("refunds, delay, at once", sweep.size()),
            ("connections", options.connections.to_string()),
            ("PostgreSQL", database.settings().await?),
        ],
    })
}

/// A service whose refunds are asked about when they are made due, and not before.
fn refunding(launch: Launch) -> Launch {
    const PATIENT_MS: u64 = 60_000;
    launch
        .set("remote.far.refunds", "whole")
        .set("remote.far.refund-repetition", "refused")
        .set("remote.far.timeout-ms", PATIENT_MS)
        .set("gateways.wait-ms", PATIENT_MS)
        .set("refund.follow-ups", "2h,3h")
        .set("refund.interval-ms", 100)
        .set("identity.proof", "header")
        .variable("PG_SERVICE_IDENTITY_HEADER_SECRET", PROOF_SECRET)
}

/// Payments with their receipts.
async fn paid(service: &Service, options: &Options, run: &'static str, count: usize) -> Result<Vec<String>> {
    progress("payments to be refunded");
    let request = move |number| requests::create(gateway::NAME, run, number);
    let created = measure::load(service, options, count, Duration::MAX, request, created).await?.kept;
    let ids = Arc::new(created.iter().map(|kept| id_of(kept)).collect::<Vec<String>>());
    measure::updates(service, options, &ids).await?;
    Ok(Arc::unwrap_or_clone(ids))
}

/// The refund that one request is about.
async fn one(service: &Service, options: &Options, request: Vec<u8>) -> Result<String> {
    let request = move |_| request.clone();
    let figures = measure::load(service, options, 1, Duration::MAX, request, requests::refund_id).await?;
    figures.kept.into_iter().next().context("there is no refund in the answer")
}

async fn requests(service: &Service, options: &Options, ids: &Arc<Vec<String>>) -> Result<Figures> {
    progress("request");
    let payments = ids.clone();
    let request = move |number: usize| requests::refund(&payments[number]);
    let figures =
        measure::measured(service, options, ids.len(), Duration::MAX, request, requests::refund_id).await?;
    ensure!(figures.kept.len() == ids.len(), "not every refund was requested");
    Ok(figures)
}

async fn approvals(service: &Service, options: &Options, ids: &Arc<Vec<String>>) -> Result<Figures> {
    progress("approval");
    let refunds = ids.clone();
    let request = move |number: usize| requests::approval(&refunds[number]);
    measure::measured(service, options, ids.len(), Duration::MAX, request, requests::nothing).await
}

/// Has the job take up all refunds of a status.
async fn make_due(database: &Database, status: &str) -> Result<()> {
    let sql = format!("UPDATE eg_pg_transaction_refund SET pg_due_at = 0 WHERE {OURS} AND pg_status = $1");
    database.client.execute(&sql, &[&status]).await?;
    Ok(())
}

/// The number of refunds whose approvals left them to the job, once no approval is at work any more: one gives up
/// after two seconds without a place at the gateway.
async fn at_rest(database: &Database) -> Result<i64> {
    const QUIET: Duration = Duration::from_secs(3);
    let waiting =
        format!("SELECT count(*) FROM eg_pg_transaction_refund WHERE {OURS} AND pg_status = 'APPROVED'");
    let (mut last, mut since) = (database.number(&waiting).await?, Instant::now());
    while since.elapsed() < QUIET {
        tokio::time::sleep(POLL_INTERVAL).await;
        let now = database.number(&waiting).await?;
        if now != last {
            (last, since) = (now, Instant::now());
        }
    }
    Ok(last)
}

/// Waits until so many of the service's refunds are in a state.
async fn reached(database: &Database, state: &str, count: i64) -> Result<()> {
    let sql = format!("SELECT count(*) FROM eg_pg_transaction_refund WHERE {OURS} AND {state}");
    let (mut last, mut since) = (0, Instant::now());
    loop {
        let now = database.number(&sql).await?;
        if now >= count {
            return Ok(());
        }
        if now > last {
            (last, since) = (now, Instant::now());
        }
        ensure!(since.elapsed() < STALL_LIMIT, "{now} of {count} refunds got there: {state}");
        tokio::time::sleep(POLL_INTERVAL).await;
    }
}
