//! The service's address, data folder and log.

use std::net::IpAddr;
use std::num::NonZeroUsize;
use std::path::PathBuf;
use std::time::Duration;

use jiff::tz::TimeZone;
use payment_http::{ContextPath, ForwardedHeader, IpNet, Pages, RequestLimits, ServeLimits, TrustedProxies};
use payment_settings::parser::{FLAG, IP, PATH, PORT, URL, count, one_of, secs};
use payment_settings::{Optional, Reader, Setting, digit, own, settings};

use crate::config::parsers::{CONTEXT, LOG_FILTER, NETWORKS, ZONE};

settings! {
    pub(in crate::config) const SERVER;
    ADDRESS: Setting<IpAddr> = digit("server.address", IP,
        "The address to listen on. `0.0.0.0` listens on every interface.").or("127.0.0.1");
    LISTEN_PORT: Setting<u16> = digit("server.port", PORT,
        "The port to listen on; 0 takes a free one, which the start-up lines name.").or("9000");
    CONTEXT_PATH: Setting<ContextPath> = digit("server.context-path", CONTEXT,
        "The path below which everything is served.").also("server.servlet.context-path").or("/pg-service");
    ADMIN_PORT: Optional<u16> = own("server.admin-port", PORT,
        "A port of its own, at the same address, for what operators and developers need: `/prometheus`, \
         `/docs/` and `/openapi.json` are then served there and no longer beside payments, and `/health` \
         is served on both. 0 takes a free one.");
    METRICS: Setting<bool> = own("server.metrics", FLAG, "Whether `/prometheus` is served.").or("true");
    DOCS: Setting<bool> = own("server.docs", FLAG,
        "Whether `/docs/` and `/openapi.json` are served.").or("true");
    PUBLIC_URL: Optional<String> = own("server.public-url", URL,
        "The address of this service as payers' browsers and gateways reach it, with the context path.")
        .or_worked_out("alone `http://<server.address>:<server.port><server.context-path>`, beside DIGIT none");
    TRUSTED_PROXIES: Optional<Vec<IpNet>> = own("server.trusted-proxies", NETWORKS,
        "The networks of the proxies in front. In the audit log a client behind them has the address that they name in \
         `server.forwarded-header`; without any it is that of the connection.");
    FORWARDED_HEADER: Setting<ForwardedHeader> = own("server.forwarded-header",
        one_of(&[("x-forwarded-for", ForwardedHeader::XForwardedFor), ("forwarded", ForwardedHeader::Forwarded)]),
        "The header to which the trusted proxies append the address that they see. The other one is not read: it is the \
         client's own.").or("x-forwarded-for");
    SHUTDOWN_WAIT: Setting<Duration> = own("server.shutdown-wait-secs", secs(0, 3_600),
        "How many seconds running requests are given to finish when the service is asked to stop. Those \
         that have not are then answered 503 with the id of their transaction.").or("20");
    WORKER_THREADS: Optional<usize> = own("server.worker-threads", count(1, 256),
        "How many threads handle requests.").or_worked_out("as many as there are processors, at most 4");
    DATA_DIR: Setting<PathBuf> = own("data.dir", PATH,
        "The folder of the embedded database and of generated secrets. It is created for its owner alone.")
        .only_prefixed().or("./data");
    LOG_FORMAT: Setting<LogFormat> = own("log.format",
        one_of(&[("human", LogFormat::Human), ("json", LogFormat::Json)]),
        "How log lines on standard error look.").only_prefixed().or("human");
    LOG_LEVEL: Setting<String> = own("log.level", LOG_FILTER,
        "What is logged: `error`, `warn`, `info`, `debug`, or a list of levels by module such as \
         `info,payment_service=debug`.").only_prefixed().or("info");
    TIME_ZONE: Setting<TimeZone> = own("time-zone", ZONE,
        "The time zone in which transaction ids and receipts are dated and daily jobs are run.")
        .or("Asia/Kolkata");
}

settings! {
    /// Limits per caller.
    pub(in crate::config) const LIMITS;
    BODY_BYTES: Setting<usize> = own("limits.body-bytes", count(1, 1 << 30),
        "The longest request body, in bytes.").or("262144");
    URL_BYTES: Setting<usize> = own("limits.url-bytes", count(1, 1 << 30),
        "The longest path with its query, in bytes.").or("8192");
    PARAMETERS: Setting<usize> = own("limits.parameters", count(1, 1 << 30),
        "The most parameters of a request, in query and form together.").or("200");
    BODY_TIME: Setting<Duration> = own("limits.body-secs", secs(1, 3_600),
        "How many seconds a client may take to send its body.").or("15");
    REQUEST_TIME: Setting<Duration> = own("limits.request-secs", secs(1, 3_600),
        "How many seconds a request may take in all. Work that it has begun goes on behind that.").or("30");
    BYTES_IN_FLIGHT: Setting<usize> = own("limits.bytes-in-flight", count(1, 1 << 30),
        "The most bytes of request bodies that are held at once, beyond the first 16384 of each, and as \
         many of answers longer than 65536. More are answered 503 with a `Retry-After`.").or("33554432");
    CONNECTIONS: Setting<usize> = own("limits.connections", count(1, 1 << 30),
        "The most connections open at once; fewer where the system's limit of open files leaves less.")
        .or("4096");
    HEADER_BYTES: Setting<usize> = own("limits.header-bytes", count(8_192, 1_048_576),
        "The longest head of a request, in bytes.").or("16384");
    HEADER_TIME: Setting<Duration> = own("limits.header-secs", secs(1, 3_600),
        "How many seconds a client may take to send the head of a request.").or("10");
    WRITE_TIME: Setting<Duration> = own("limits.write-secs", secs(1, 3_600),
        "How many seconds a client may leave an answer unread. In each such time it must take 1024 bytes \
         a second of what waits for it.").or("15");
    IDLE_TIME: Setting<Duration> = own("limits.idle-secs", secs(1, 3_600),
        "How many seconds a connection may stay open between requests; longer than a load balancer in \
         front keeps its own end open.").or("75");
}

/// Where the service listens and how it is reached.
#[derive(Debug, Clone)]
pub struct Server {
    pub address: IpAddr,
    /// 0 for a free one.
    pub port: u16,
    /// The path below which everything is served.
    pub context_path: ContextPath,
    /// The address payers and gateways use, without a slash at its end.
    pub public_url: Option<String>,
    /// The port of its own for health, metrics and documents, 0 for a free one; `None` serves them beside
    /// payments.
    pub admin_port: Option<u16>,
    /// Served beside payments and health, on whichever port.
    pub pages: Pages,
    /// Whose word about a client's address is taken.
    pub proxies: TrustedProxies,
    pub worker_threads: usize,
}

/// Log levels and format.
#[derive(Debug, Clone)]
pub struct Log {
    pub format: LogFormat,
    /// Levels by module, as `tracing` reads them.
    pub filter: String,
}

#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum LogFormat {
    /// For people.
    Human,
    /// One JSON object a line.
    Json,
}

pub(super) fn server(reader: &mut Reader<'_>) -> Server {
    const MOST_THREADS: usize = 4;
    let public_url = reader.set(&PUBLIC_URL);
    if public_url.as_ref().is_some_and(|url| url.contains('?')) {
        reader.problem(&PUBLIC_URL, "must not have a query", "leave out what begins with `?`");
    }
    let worked_out = || std::thread::available_parallelism().map_or(1, NonZeroUsize::get).min(MOST_THREADS);
    Server {
        address: reader.get(&ADDRESS),
        port: reader.get(&LISTEN_PORT),
        context_path: reader.get(&CONTEXT_PATH),
        public_url,
        admin_port: reader.set(&ADMIN_PORT),
        pages: Pages { metrics: reader.get(&METRICS), docs: reader.get(&DOCS) },
        proxies: TrustedProxies {
            networks: reader.set(&TRUSTED_PROXIES).unwrap_or_default(),
            header: reader.get(&FORWARDED_HEADER),
        },
        worker_threads: reader.set(&WORKER_THREADS).unwrap_or_else(worked_out),
    }
}

pub(super) fn log(reader: &Reader<'_>) -> Log {
    Log { format: reader.get(&LOG_FORMAT), filter: reader.get(&LOG_LEVEL) }
}

pub(super) fn request_limits(reader: &Reader<'_>) -> RequestLimits {
    RequestLimits {
        body_bytes: reader.get(&BODY_BYTES),
        url_bytes: reader.get(&URL_BYTES),
        parameters: reader.get(&PARAMETERS),
        body_time: reader.get(&BODY_TIME),
        bytes_in_flight: reader.get(&BYTES_IN_FLIGHT),
        request_time: reader.get(&REQUEST_TIME),
    }
}

pub(super) fn serve_limits(reader: &Reader<'_>) -> ServeLimits {
    ServeLimits {
        connections: reader.get(&CONNECTIONS),
        header_bytes: reader.get(&HEADER_BYTES),
        header_time: reader.get(&HEADER_TIME),
        write_time: reader.get(&WRITE_TIME),
        idle_time: reader.get(&IDLE_TIME),
        shutdown_time: reader.get(&SHUTDOWN_WAIT),
    }
}
