//! Create on PostgreSQL with a tenth of the traces exported, to a collector that takes everything at once, and
//! without traces.

use std::sync::Arc;
use std::sync::atomic::{AtomicUsize, Ordering};

use anyhow::{Result, ensure};
use tokio::io::{AsyncReadExt, AsyncWriteExt};
use tokio::net::{TcpListener, TcpStream};

use crate::Options;
use crate::database::Database;
use crate::pairs::{self, Side};
use crate::report::{Report, progress};
use crate::requests::SANDBOX;
use crate::service::{self, Service};

/// Measures both in turn.
pub(crate) async fn run(options: &Options) -> Result<Report> {
    let binary = service::binary(options).await?;
    let folder = tempfile::tempdir()?;
    progress("PostgreSQL starts, twice");
    let (database, bare_database) = (Database::start().await?, Database::start().await?);
    let collector = TcpListener::bind("127.0.0.1:0").await?;
    let endpoint = format!("http://{}", collector.local_addr()?);
    let received = Arc::new(AtomicUsize::new(0));
    tokio::spawn(collect(collector, received.clone()));
    let launch = database.launch(&binary, &folder.path().join("with"));
    let launch = launch
        .set("otel.exporter.otlp.endpoint", endpoint)
        .set("otel.traces.sampler", "parentbased_traceidratio")
        .set("otel.traces.sampler.arg", "0.1");
    let traced = Service::start(&launch).await?;
    let bare = Service::start(&bare_database.launch(&binary, &folder.path().join("without"))).await?;

    let with = Side { service: &traced, database: &database };
    let without = Side { service: &bare, database: &bare_database };
    let compared = pairs::compare(options, SANDBOX, with, without).await?;

    let payments = database.number("SELECT count(*) FROM eg_pg_transactions").await?;
    let sampled = database.number(SAMPLED).await?;
    let settings = database.settings().await?;
    traced.stop().await?;
    bare.stop().await?;
    let received = received.load(Ordering::Relaxed);
    ensure!(received > 0, "the collector got nothing");
    Ok(Report {
        lines: compared.lines("≥ 0.95"),
        facts: vec![
            ("payments, of them traced", format!("{payments}, {sampled}")),
            ("KiB that the collector got", (received / 1024).to_string()),
            ("connections, seconds a load", format!("{}, {}", options.connections, options.seconds)),
            ("PostgreSQL", settings),
        ],
    })
}

const SAMPLED: &str = "SELECT count(DISTINCT txn_id) FROM eg_pg_outbox WHERE trace_context IS NOT NULL";

/// Answers every export.
async fn collect(listener: TcpListener, received: Arc<AtomicUsize>) {
    while let Ok((connection, _)) = listener.accept().await {
        tokio::spawn(take(connection, received.clone()));
    }
}

/// Reads requests by their lengths, until the connection ends.
async fn take(mut connection: TcpStream, received: Arc<AtomicUsize>) -> std::io::Result<()> {
    const ANSWER: &[u8] =
        b"HTTP/1.1 200 OK\r\ncontent-type: application/x-protobuf\r\ncontent-length: 0\r\n\r\n";
    let mut bytes = Vec::new();
    loop {
        let end = bytes.windows(4).position(|window| window == b"\r\n\r\n");
        let length = end.and_then(|end| {
            let head = String::from_utf8_lossy(bytes.get(..end)?).to_lowercase();
            let line =
                head.lines().find_map(|line| line.strip_prefix("content-length:").map(str::to_owned))?;
            Some(end + 4 + line.trim().parse::<usize>().ok()?)
        });
        match length.filter(|length| bytes.len() >= *length) {
            Some(length) => {
                bytes.drain(..length);
                received.fetch_add(length, Ordering::Relaxed);
                connection.write_all(ANSWER).await?;
            }
            None if connection.read_buf(&mut bytes).await? == 0 => return Ok(()),
            None => {}
        }
    }
}
