//! Loads the service and, in the same run, its limits; prints what share of each limit is reached.
//!
//! The figures mean something on a quiet machine only, and the ratios more than the figures: load,
//! service and database share the processors.

mod limits;
mod load;
mod report;
mod service;

use std::sync::Arc;
use std::time::Duration;

use anyhow::{Context, Result};
use clap::Parser;

use load::{Figures, Response};
use report::{Line, ratio};
use service::Service;

/// Measures create, search and update beside a bare axum endpoint and raw SQLite.
#[derive(Parser)]
struct Options {
    /// Connections at a time
    #[arg(long, default_value_t = 64)]
    connections: usize,
    /// How long each load runs, in seconds
    #[arg(long, default_value_t = 8)]
    seconds: u64,
    /// How many payments are paid and updated
    #[arg(long, default_value_t = 5000)]
    updates: usize,
    /// Print one JSON document
    #[arg(long)]
    json: bool,
}

fn nothing(_: &Response) -> Option<String> {
    None
}

/// The transaction in an answer: its id and where to pay, with a space between.
fn transaction(response: &Response) -> Option<String> {
    let body: serde_json::Value = serde_json::from_slice(&response.body).ok()?;
    let txn = &body["Transaction"];
    Some(format!("{} {}", txn["txnId"].as_str()?, txn["redirectUrl"].as_str()?))
}

#[tokio::main]
async fn main() -> Result<()> {
    let options = Options::parse();
    let limit = Duration::from_secs(options.seconds);
    let binary = service::build().await?;
    let folder = tempfile::tempdir()?;
    let service = Service::start(&binary, &folder.path().join("service")).await?;
    tokio::time::sleep(Duration::from_secs(2)).await;
    let idle_memory = service.memory_kib()?;

    let warm_up =
        load(&service, &options, 2000, limit, |number| service::create("warm", number), transaction).await?;

    let (created, create_cpu) =
        measured(&service, &options, usize::MAX, limit, |number| service::create("load", number), nothing)
            .await?;

    let ids: Vec<String> =
        warm_up.kept.iter().filter_map(|kept| Some(kept.split(' ').next()?.to_owned())).collect();
    let ids = Arc::new(ids);
    let searched_ids = ids.clone();
    let (searched, search_cpu) = measured(
        &service,
        &options,
        usize::MAX,
        limit,
        move |number| service::search(&searched_ids[number % searched_ids.len()]),
        nothing,
    )
    .await?;

    let payable = load(
        &service,
        &options,
        options.updates,
        Duration::MAX,
        |number| service::create("pay", number),
        transaction,
    )
    .await?;
    let to_update = Arc::new(pay_all(&service, &options, payable.kept).await?);
    let pending = to_update.clone();
    let (settled, settle_cpu) = measured(
        &service,
        &options,
        to_update.len(),
        Duration::MAX,
        move |number| service::update(&pending[number]),
        success,
    )
    .await?;
    anyhow::ensure!(settled.kept.len() == to_update.len(), "a paid transaction was not settled");
    let paid = to_update.clone();
    let (repeated, repeat_cpu) = measured(
        &service,
        &options,
        usize::MAX,
        limit,
        move |number| service::update(&paid[number % paid.len()]),
        success,
    )
    .await?;
    let busy_memory = service.memory_kib()?;

    // The limits, with the service idle.
    let answer = serde_json::json!({ "answer": "x".repeat(1500) }).to_string();
    let bare_address = limits::bare_endpoint(answer).await?;
    let bare_request = move |_| {
        let search = service::search("PB_PG_2026_11_22_000001_42");
        String::from_utf8_lossy(&search)
            .replacen("/pg-service/transaction/v1/_search?txnId=PB_PG_2026_11_22_000001_42", "/bare", 1)
            .into_bytes()
    };
    let bare =
        load::run(&bare_address, options.connections, usize::MAX, limit, bare_request, nothing).await?;
    let (written, first_answer) = (service.folder.join("payments.db"), service.first_answer);
    let empty = folder.path().join("raw");
    let migrated = tokio::process::Command::new(&service.binary)
        .args(["migrate", "--data-dir"])
        .arg(&empty)
        .stdout(std::process::Stdio::null())
        .status()
        .await?;
    anyhow::ensure!(migrated.success(), "the empty database could not be made");
    let group = options.connections;
    let raw = tokio::task::spawn_blocking(move || {
        limits::raw_sqlite(&written, &empty.join("payments.db"), group, limit)
    })
    .await??;
    service.stop().await?;

    let lines = [
        line("raw SQLite, groups, one thread", raw),
        Line { cpu_per_request: None, ..of("bare axum endpoint", &bare, None, None, "") },
        of(
            "create",
            &created,
            Some(create_cpu),
            Some((ratio(created.per_second(), raw), "raw SQLite")),
            "≥ 0.5, p99 < 25 ms",
        ),
        of(
            "search by id",
            &searched,
            Some(search_cpu),
            Some((ratio(searched.per_second(), bare.per_second()), "bare")),
            "≥ 0.25",
        ),
        of(
            "update: ask, settle, receipt",
            &settled,
            Some(settle_cpu),
            Some((ratio(settled.per_second(), raw), "raw SQLite")),
            "",
        ),
        of(
            "update of a settled one",
            &repeated,
            Some(repeat_cpu),
            Some((ratio(repeated.per_second(), bare.per_second()), "bare")),
            "",
        ),
    ];
    let facts = [
        ("start to first answer", format!("{} ms   aim < 100 ms", first_answer.as_millis())),
        (
            "memory idle (resident, own)",
            format!("{} MB, {} MB   aim < 25 MB", idle_memory.0 / 1024, idle_memory.1 / 1024),
        ),
        ("memory after the load", format!("{} MB, {} MB", busy_memory.0 / 1024, busy_memory.1 / 1024)),
        ("connections, seconds a load", format!("{}, {}", options.connections, options.seconds)),
    ];
    if options.json {
        report::print_json(&lines, &facts)
    } else {
        report::print(&lines, &facts)
    }
    Ok(())
}

fn success(response: &Response) -> Option<String> {
    let body: serde_json::Value = serde_json::from_slice(&response.body).ok()?;
    let txn = &body["Transaction"][0];
    (txn["txnStatus"] == "SUCCESS" && txn["receipt"].is_string()).then(String::new)
}

async fn load(
    service: &Service,
    options: &Options,
    count: usize,
    limit: Duration,
    request: impl Fn(usize) -> Vec<u8> + Send + Sync + 'static,
    keep: impl Fn(&Response) -> Option<String> + Send + Sync + 'static,
) -> Result<Figures> {
    load::run(&service.address, options.connections, count, limit, request, keep).await
}

/// A load, with the processor time that the service used for each request.
async fn measured(
    service: &Service,
    options: &Options,
    count: usize,
    limit: Duration,
    request: impl Fn(usize) -> Vec<u8> + Send + Sync + 'static,
    keep: impl Fn(&Response) -> Option<String> + Send + Sync + 'static,
) -> Result<(Figures, Duration)> {
    let before = service.processor_time()?;
    let figures = load(service, options, count, limit, request, keep).await?;
    let used = service.processor_time()?.saturating_sub(before);
    let each = used / u32::try_from(figures.requests.max(1))?;
    Ok((figures, each))
}

/// Pays each of these on the sandbox's page; returns their ids.
async fn pay_all(service: &Service, options: &Options, created: Vec<String>) -> Result<Vec<String>> {
    let mut workers = Vec::new();
    for part in created.chunks(created.len().div_ceil(options.connections).max(1)) {
        let (part, address) = (part.to_vec(), service.address.clone());
        workers.push(tokio::spawn(async move {
            let mut connection = load::Connection::open(&address).await?;
            let mut ids = Vec::new();
            for payment in part {
                let (id, redirect_url) = payment.split_once(' ').context("an odd payment")?;
                service::pay(&mut connection, redirect_url).await?;
                ids.push(id.to_owned());
            }
            anyhow::Ok(ids)
        }));
    }
    let mut ids = Vec::new();
    for worker in workers {
        ids.extend(worker.await??);
    }
    Ok(ids)
}

fn line(name: &'static str, per_second: f64) -> Line {
    Line {
        name,
        per_second,
        p50: Duration::ZERO,
        p99: Duration::ZERO,
        cpu_per_request: None,
        of_limit: None,
        aim: "",
    }
}

fn of(
    name: &'static str,
    figures: &Figures,
    cpu_per_request: Option<Duration>,
    of_limit: Option<(f64, &'static str)>,
    aim: &'static str,
) -> Line {
    Line {
        p50: figures.percentile(50),
        p99: figures.percentile(99),
        cpu_per_request,
        of_limit,
        aim,
        ..line(name, figures.per_second())
    }
}
