//! The service with its embedded database, beside a bare endpoint and raw SQLite.

use std::path::Path;
use std::process::Stdio;
use std::sync::Arc;
use std::time::Duration;

use anyhow::{Result, ensure};
use tokio::process::Command;

use crate::load::{self, Figures};
use crate::measure;
use crate::report::{Line, Report, progress};
use crate::requests::{self, id_of};
use crate::service::{self, Launch, Service};
use crate::{Options, limits};

/// Measures create, search and update.
pub(crate) async fn run(options: &Options) -> Result<Report> {
    let binary = service::binary(options).await?;
    let folder = tempfile::tempdir()?;
    let data = folder.path().join("service");
    let service = Service::start(&Launch::plain(&binary, &data)).await?;
    tokio::time::sleep(Duration::from_secs(2)).await;
    let idle_memory = service.memory_kib()?;

    progress("warm-up");
    let warm = measure::warm_up(&service, options, "warm").await?;
    let created = measure::creates(&service, options, "load").await?;
    let ids = warm.iter().map(|kept| id_of(kept)).collect();
    let searched = measure::searches(&service, options, ids).await?;
    let paid = Arc::new(measure::paid(&service, options, options.updates).await?);
    let settled = measure::updates(&service, options, &paid).await?;
    let repeated = measure::repeated_updates(&service, options, &paid).await?;
    let busy_memory = service.memory_kib()?;

    // The limits, with the service idle.
    let bare = bare_endpoint(options).await?;
    let raw = raw_sqlite(&binary, &data, &folder.path().join("raw"), options).await?;
    let first_answer = service.first_answer;
    service.stop().await?;

    let (raw_name, bare_name) = ("raw SQLite", "bare");
    Ok(Report {
        lines: vec![
            Line::of_rate("raw SQLite, groups, one thread", raw),
            Line::of("bare axum endpoint", &bare),
            Line::of("create", &created).beside(raw, raw_name, "≥ 0.5, p99 < 25 ms"),
            Line::of("search by id", &searched).beside(bare.per_second(), bare_name, "≥ 0.25"),
            Line::of("update: ask, settle, receipt", &settled).beside(raw, raw_name, ""),
            Line::of("update of a settled one", &repeated).beside(bare.per_second(), bare_name, ""),
        ],
        facts: vec![
            ("start to first answer", format!("{} ms   aim < 100 ms", first_answer.as_millis())),
            (
                "memory idle (resident, own)",
                format!("{} MB, {} MB   aim < 25 MB", idle_memory.0 / 1024, idle_memory.1 / 1024),
            ),
            ("memory after the load", format!("{} MB, {} MB", busy_memory.0 / 1024, busy_memory.1 / 1024)),
            ("connections, seconds a load", format!("{}, {}", options.connections, options.seconds)),
        ],
    })
}

async fn bare_endpoint(options: &Options) -> Result<Figures> {
    progress("a bare endpoint");
    let answer = serde_json::json!({ "answer": "x".repeat(1500) }).to_string();
    let address = limits::bare_endpoint(answer).await?;
    let request = move |_| {
        let search = requests::search("PB_PG_2026_11_22_000001_42");
        String::from_utf8_lossy(&search)
            .replacen("/pg-service/transaction/v1/_search?txnId=PB_PG_2026_11_22_000001_42", "/bare", 1)
            .into_bytes()
    };
    let limit = Duration::from_secs(options.seconds);
    load::run(&address, options.connections, usize::MAX, limit, request, requests::nothing).await
}

/// Creates per second of SQLite alone, with rows that the service has written in `data`.
async fn raw_sqlite(binary: &Path, data: &Path, empty: &Path, options: &Options) -> Result<f64> {
    progress("raw SQLite");
    let mut migrate = Command::new(binary);
    migrate.env_clear().args(["migrate", "--data-dir"]).arg(empty).stdout(Stdio::null());
    ensure!(migrate.status().await?.success(), "the empty database could not be made");
    let (written, empty) = (data.join("payments.db"), empty.join("payments.db"));
    let (group, limit) = (options.connections, Duration::from_secs(options.seconds));
    tokio::task::spawn_blocking(move || limits::raw_sqlite(&written, &empty, group, limit)).await?
}
