//! The load: several connections, each sending its next request after the previous answer.

use std::sync::Arc;
use std::sync::atomic::{AtomicUsize, Ordering};
use std::time::{Duration, Instant};

use anyhow::{Context, Result, bail};
use tokio::io::{AsyncReadExt, AsyncWriteExt};
use tokio::net::TcpStream;

pub(crate) struct Response {
    pub(crate) status: u16,
    pub(crate) location: Option<String>,
    /// Its name and value, without attributes.
    pub(crate) cookie: Option<String>,
    pub(crate) body: Vec<u8>,
}

/// One minimal kept-alive HTTP/1.1 connection: the load shares the machine with the service.
pub(crate) struct Connection {
    stream: TcpStream,
    buffer: Vec<u8>,
}

impl Connection {
    pub(crate) async fn open(address: &str) -> Result<Connection> {
        let stream = TcpStream::connect(address).await.with_context(|| format!("connecting to {address}"))?;
        stream.set_nodelay(true)?;
        Ok(Connection { stream, buffer: Vec::with_capacity(16 * 1024) })
    }

    pub(crate) async fn exchange(&mut self, request: &[u8]) -> Result<Response> {
        self.stream.write_all(request).await?;
        self.buffer.clear();
        loop {
            if self.stream.read_buf(&mut self.buffer).await? == 0 {
                bail!("the connection was closed before the answer was complete");
            }
            if let Some(response) = parse(&self.buffer)? {
                return Ok(response);
            }
        }
    }
}

fn parse(buffer: &[u8]) -> Result<Option<Response>> {
    let mut headers = [httparse::EMPTY_HEADER; 32];
    let mut head = httparse::Response::new(&mut headers);
    let httparse::Status::Complete(start) = head.parse(buffer)? else { return Ok(None) };
    let status = head.code.context("an answer without a status")?;
    let value = |name: &str| {
        let header = head.headers.iter().find(|header| header.name.eq_ignore_ascii_case(name));
        header.map(|header| std::str::from_utf8(header.value)).transpose()
    };
    let length = value("content-length")?.map(|text| text.trim().parse::<usize>()).transpose()?.unwrap_or(0);
    let location = value("location")?.map(str::to_owned);
    let cookie = value("set-cookie")?.and_then(|text| text.split(';').next()).map(str::to_owned);
    let response = |body: &[u8]| Response { status, location, cookie, body: body.to_vec() };
    Ok(buffer.get(start..start + length).map(response))
}

pub(crate) fn post(path: &str, body: &str) -> Vec<u8> {
    post_with("", path, body)
}

/// A POST with further headers, each ended by a line end.
pub(crate) fn post_with(headers: &str, path: &str, body: &str) -> Vec<u8> {
    format!(
        "POST {path} HTTP/1.1\r\nHost: bench\r\n{headers}Content-Type: application/json\r\nContent-Length: {}\r\n\r\n{body}",
        body.len()
    )
    .into_bytes()
}

/// The results of a load.
pub(crate) struct Figures {
    pub(crate) requests: usize,
    pub(crate) elapsed: Duration,
    /// Response times, sorted.
    pub(crate) times: Vec<Duration>,
    /// The values that [`run`]'s `keep` returned.
    pub(crate) kept: Vec<String>,
    /// Processor time of the measured process per request, where measured.
    pub(crate) cpu: Option<Duration>,
}

impl Figures {
    pub(crate) fn per_second(&self) -> f64 {
        crate::report::ratio(self.requests as f64, self.elapsed.as_secs_f64())
    }

    pub(crate) fn percentile(&self, percent: usize) -> Duration {
        let last = self.times.len().saturating_sub(1);
        self.times.get(last * percent / 100).copied().unwrap_or_default()
    }
}

/// Sends `request(0..)` over `connections` until `count` are answered or `limit` has passed. Every answer
/// must be a 200; `keep` extracts the value that a later load needs.
pub(crate) async fn run(
    address: &str,
    connections: usize,
    count: usize,
    limit: Duration,
    request: impl Fn(usize) -> Vec<u8> + Send + Sync + 'static,
    keep: impl Fn(&Response) -> Option<String> + Send + Sync + 'static,
) -> Result<Figures> {
    let next = Arc::new(AtomicUsize::new(0));
    let (request, keep) = (Arc::new(request), Arc::new(keep));
    let mut opened = Vec::new();
    for _ in 0..connections {
        opened.push(Connection::open(address).await?);
    }
    let started = Instant::now();
    let workers: Vec<_> = opened
        .into_iter()
        .map(|mut connection| {
            let (next, request, keep) = (next.clone(), request.clone(), keep.clone());
            tokio::spawn(async move {
                let mut times = Vec::new();
                let mut kept = Vec::new();
                while started.elapsed() < limit {
                    let number = next.fetch_add(1, Ordering::Relaxed);
                    if number >= count {
                        break;
                    }
                    let bytes = request(number);
                    let sent = Instant::now();
                    let response = connection.exchange(&bytes).await?;
                    times.push(sent.elapsed());
                    if response.status != 200 {
                        bail!("status {}: {}", response.status, String::from_utf8_lossy(&response.body));
                    }
                    kept.extend(keep(&response));
                }
                Ok((times, kept))
            })
        })
        .collect();
    let (mut times, mut kept) = (Vec::new(), Vec::new());
    for worker in workers {
        let (some, more) = worker.await??;
        times.extend(some);
        kept.extend(more);
    }
    let elapsed = started.elapsed();
    times.sort();
    Ok(Figures { requests: times.len(), elapsed, times, kept, cpu: None })
}
