//! The configuration as types: what the rest of the program reads.

mod callback_hosts;
mod database;
mod identity;
mod jobs;
mod kafka;
mod notifications;
mod redirect;
mod services;

use std::collections::HashMap;
use std::fmt;
use std::net::{IpAddr, Ipv4Addr};
use std::num::NonZeroUsize;
use std::path::PathBuf;
use std::time::Duration;

use jiff::tz::TimeZone;
use payment_digit::embedded::{ConfiguredBankAccounts, IdFormat, indian_standard_time};
use payment_domain::TenantId;
use payment_gateway::GuardSettings;
use payment_gateways::config::absolute_url;
use payment_http::{ContextPath, Pages, RequestLimits, ServeLimits};
use payment_service::{AllowedCallbackHosts, QuestionSettings};
use secrecy::SecretString;
use tracing_subscriber::EnvFilter;

use super::gateways::{self, Configured};
use super::origin::{Notice, Problem};
use super::reader::Reader;
use super::values::Values;

pub use database::{Database, Postgres, SslMode};
pub use identity::IdentityProof;
pub use jobs::{Keep, PerGateway, Reconciliation, Scheduler};
pub use kafka::{Kafka, KafkaTopics};
pub use notifications::Notifications;
pub use redirect::{Reachable, Redirect};
pub(super) use services::digit_is_there;
pub use services::{Caches, Collections, DigitServices, Endpoint, IdGeneration, Localization, Users};

/// The whole configuration.
#[derive(Debug)]
pub struct Config {
    /// Where it listens.
    pub server: Server,
    /// The folder of the embedded database and of generated secrets.
    pub data_dir: PathBuf,
    /// What it logs.
    pub log: Log,
    /// Through whom payers' browsers are led.
    pub redirect: Redirect,
    /// How payments are handled.
    pub payments: Payments,
    /// How callers prove who they are.
    pub identity: IdentityProof,
    /// What one request may cost.
    pub request_limits: RequestLimits,
    /// What all of them together may cost.
    pub serve_limits: ServeLimits,
    /// The sandbox gateway.
    pub sandbox: Sandbox,
    /// The gateways that are active beside the sandbox.
    pub gateways: Vec<Configured>,
    /// What every gateway is guarded by.
    pub guard: GuardSettings,
    /// The embedded implementations for DIGIT's services.
    pub embedded: Embedded,
    /// The database.
    pub database: Database,
    /// Where events are published; `None` where they stay in the database.
    pub kafka: Option<Kafka>,
    /// The services of DIGIT.
    pub services: DigitServices,
    /// Text messages to payers.
    pub notifications: Notifications,
    /// When jobs run, and where.
    pub scheduler: Scheduler,
    /// How gateways are asked about pending payments.
    pub reconciliation: Reconciliation,
    /// How long what is done with is kept.
    pub keep: Keep,
    /// What operators present over HTTP; `None` serves them nothing there.
    pub operators_token: Option<SecretString>,
}

/// Where the service listens and how it is reached.
#[derive(Debug, Clone)]
pub struct Server {
    /// The address.
    pub address: IpAddr,
    /// The port; 0 for a free one.
    pub port: u16,
    /// The path below which everything is served.
    pub context_path: ContextPath,
    /// The address payers and gateways use, without a slash at its end, where it is set.
    pub public_url: Option<String>,
    /// The port of its own for health, metrics and documents, 0 for a free one; `None` serves them
    /// beside payments.
    pub admin_port: Option<u16>,
    /// What is served beside payments and health, on whichever port.
    pub pages: Pages,
    /// How many threads handle requests.
    pub worker_threads: usize,
}

/// What is logged and how it looks.
#[derive(Debug, Clone)]
pub struct Log {
    /// How a line looks.
    pub format: LogFormat,
    /// Levels by module, as `tracing` reads them.
    pub filter: String,
}

/// How a log line looks.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum LogFormat {
    /// For people.
    Human,
    /// For machines, one JSON object a line.
    Json,
}

/// How payments are handled.
#[derive(Debug, Clone)]
pub struct Payments {
    /// The interval of the early reconciliation.
    pub early_interval: Duration,
    /// How old a pending payment must be for a repeated request to be led to it; `None` for never.
    pub reuse_after: Option<Duration>,
    /// How long a request waits for a receipt.
    pub receipt_wait: Duration,
    /// How long the right to issue a receipt is held.
    pub receipt_lease: Duration,
    /// How often receipts that are due are taken up.
    pub receipt_interval: Duration,
    /// How long one question to a gateway may take.
    pub gateway_wait: Duration,
    /// How many questions news of one payment are worth.
    pub questions: QuestionSettings,
    /// How long an idempotency key is kept at least.
    pub idempotency_life: Duration,
    /// How often expired rows are cleared away.
    pub housekeeping_interval: Duration,
    /// Whether callers see only what is theirs.
    pub search_scope: bool,
    /// The user our own jobs act as.
    pub system_user_uuid: String,
    /// Where payers may be sent back to.
    pub allowed_callback_hosts: AllowedCallbackHosts,
    /// How many unsigned callbacks are kept of one transaction and day.
    pub unsigned_callbacks_per_day: u32,
}

/// The sandbox gateway.
#[derive(Debug, Clone)]
pub struct Sandbox {
    /// Whether it is offered.
    pub active: bool,
    /// The key it signs with; `None` for one that is generated.
    pub secret: Option<SecretString>,
    /// The name by which it knows this service.
    pub merchant: String,
    /// Where one stands that is not the built-in one.
    pub url: Option<String>,
    /// How long the built-in one takes for a late answer.
    pub late_after: Duration,
}

/// The embedded implementations for DIGIT's services.
#[derive(Clone)]
pub struct Embedded {
    /// What transaction ids look like.
    pub id_format: IdFormat,
    /// Where the day turns.
    pub time_zone: TimeZone,
    /// The bank accounts of tenants.
    pub bank_accounts: ConfiguredBankAccounts,
}

impl fmt::Debug for Embedded {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Embedded")
            .field("id_format", &self.id_format)
            .field("time_zone", &self.time_zone.iana_name())
            .field("bank_accounts", &self.bank_accounts)
            .finish()
    }
}

impl Config {
    /// Whether the sandbox is offered and does not stand elsewhere.
    pub fn has_built_in_sandbox(&self) -> bool {
        self.sandbox.active && self.sandbox.url.is_none()
    }

    /// Whether anything is kept in the data folder. Replicas that keep everything in PostgreSQL need
    /// none.
    pub fn needs_data_folder(&self) -> bool {
        matches!(self.database, Database::Embedded) || self.has_built_in_sandbox()
    }

    /// What was worked out for a setting that nobody set, where it can be told in a few words.
    pub(super) fn worked_out(&self, key: &str) -> Option<String> {
        match key {
            "server.worker-threads" => Some(self.server.worker_threads.to_string()),
            "redirect.through" => Some(self.redirect.through.as_str().to_owned()),
            "callback.allowed-hosts" => Some(self.payments.allowed_callback_hosts.of_others().join(",")),
            "identity.proof" => Some(self.identity.word().to_owned()),
            "sandbox.active" => Some(self.sandbox.active.to_string()),
            "scheduler.node-name" => Some(self.scheduler.node_name.clone()),
            "kafka.message-timeout-ms" => {
                self.kafka.as_ref().map(|kafka| kafka.message_timeout.as_millis().to_string())
            }
            _ => None,
        }
    }
}

/// What effective values mean.
pub(super) struct Built {
    /// The configuration; `None` where a part of it could not be stood in for.
    pub(super) config: Option<Config>,
    /// What is wrong about their meaning.
    pub(super) problems: Vec<Problem>,
    /// What is not wrong, but worth to know.
    pub(super) notices: Vec<Notice>,
}

/// Builds the configuration out of effective values. What is wrong is stood in for where that can be
/// done, so that reading goes on.
pub(super) fn build(values: &Values) -> Built {
    let mut reader = Reader::new(values);
    let (server, log, payments) = (server(&mut reader), log(&mut reader), payments(&mut reader));
    let (request_limits, serve_limits) = (request_limits(&reader), serve_limits(&reader));
    let sandbox = sandbox(&mut reader);
    let guard = guard(&reader);
    let redirect = redirect::redirect(&reader);
    let gateways = gateways::read(&mut reader, redirect.through);
    let built_in_sandbox = sandbox.active && sandbox.url.is_none();
    redirect::check(&mut reader, redirect, &server, &gateways, built_in_sandbox);
    let time_zone = time_zone(&mut reader);
    let database = database::database(&mut reader);
    let kafka = kafka::kafka(&mut reader);
    let services = services::services(&mut reader);
    let identity = identity::identity(&mut reader, &server, services.users.is_some());
    let notifications = notifications::notifications(&mut reader, kafka.is_some());
    let scheduler = jobs::scheduler(&reader, time_zone.clone());
    let reconciliation = jobs::reconciliation(&reader);
    let keep = jobs::keep(&reader);
    let operators_token = jobs::operators_token(&mut reader);
    let embedded = embedded(&mut reader, time_zone, services.idgen.is_some());
    let config = embedded.map(|embedded| Config {
        server,
        redirect,
        data_dir: PathBuf::from(reader.text("data.dir")),
        log,
        payments,
        identity,
        request_limits,
        serve_limits,
        sandbox,
        gateways,
        guard,
        embedded,
        database,
        kafka,
        services,
        notifications,
        scheduler,
        reconciliation,
        keep,
        operators_token,
    });
    Built { config, problems: reader.problems, notices: reader.notices }
}

fn server(reader: &mut Reader<'_>) -> Server {
    const MOST_THREADS: usize = 4;
    let processors = std::thread::available_parallelism().map_or(1, NonZeroUsize::get);
    let public_url = reader.set("server.public-url").and_then(|url| absolute_url(url).ok());
    if public_url.as_ref().is_some_and(|url| url.contains('?')) {
        reader.problem("server.public-url", "must not have a query", "leave out what begins with `?`");
    }
    Server {
        address: reader.text("server.address").parse().unwrap_or(IpAddr::V4(Ipv4Addr::LOCALHOST)),
        port: u16::try_from(reader.number("server.port")).unwrap_or_default(),
        context_path: context_path(reader),
        public_url,
        admin_port: reader.set("server.admin-port").and_then(|port| port.parse().ok()),
        pages: Pages { metrics: reader.flag("server.metrics"), docs: reader.flag("server.docs") },
        worker_threads: match reader.small_number("server.worker-threads") {
            0 => processors.min(MOST_THREADS),
            set => set,
        },
    }
}

fn context_path(reader: &mut Reader<'_>) -> ContextPath {
    const KEY: &str = "server.context-path";
    ContextPath::new(reader.text(KEY)).unwrap_or_else(|error| {
        reader.problem(KEY, format!("`{}` is not a context path", reader.text(KEY)), error.to_string());
        ContextPath::default()
    })
}

fn request_limits(reader: &Reader<'_>) -> RequestLimits {
    RequestLimits {
        body_bytes: reader.small_number("limits.body-bytes"),
        url_bytes: reader.small_number("limits.url-bytes"),
        parameters: reader.small_number("limits.parameters"),
        body_time: reader.secs("limits.body-secs"),
        bytes_in_flight: reader.small_number("limits.bytes-in-flight"),
        request_time: reader.secs("limits.request-secs"),
    }
}

fn serve_limits(reader: &Reader<'_>) -> ServeLimits {
    ServeLimits {
        connections: reader.small_number("limits.connections"),
        header_bytes: reader.small_number("limits.header-bytes"),
        header_time: reader.secs("limits.header-secs"),
        write_time: reader.secs("limits.write-secs"),
        idle_time: reader.secs("limits.idle-secs"),
        shutdown_time: reader.secs("server.shutdown-wait-secs"),
    }
}

fn log(reader: &mut Reader<'_>) -> Log {
    let filter = reader.text("log.level");
    if let Err(error) = EnvFilter::try_new(filter) {
        reader.problem(
            "log.level",
            error.to_string(),
            "give a level, or levels by module: info,payment_service=debug",
        );
    }
    let format = if reader.text("log.format") == "json" { LogFormat::Json } else { LogFormat::Human };
    Log { format, filter: filter.to_owned() }
}

fn payments(reader: &mut Reader<'_>) -> Payments {
    let early_interval = reader.mins("pg.earlyReconcileJobRunInterval.mins");
    Payments {
        early_interval,
        reuse_after: Some(reader.secs("create.reuse-pending.after-secs")).filter(|after| !after.is_zero()),
        receipt_wait: reader.millis("receipts.wait-ms"),
        receipt_lease: reader.millis("receipts.lease-ms"),
        receipt_interval: reader.millis("receipts.interval-ms"),
        gateway_wait: reader.millis("gateways.wait-ms"),
        questions: QuestionSettings {
            burst: u32::try_from(reader.number("update.questions.burst")).unwrap_or(u32::MAX),
            every: reader.secs("update.questions.every-secs"),
        },
        idempotency_life: reader.mins("idempotency.life-hours").saturating_mul(60),
        housekeeping_interval: reader.mins("housekeeping.interval-mins"),
        search_scope: reader.flag("search.scope"),
        system_user_uuid: reader.text("egov.pg.reconciliation.system.user.uuid").to_owned(),
        allowed_callback_hosts: callback_hosts::allowed(reader),
        unsigned_callbacks_per_day: reader
            .number("callbacks.unsigned-per-day")
            .try_into()
            .unwrap_or(u32::MAX),
    }
}

fn guard(reader: &Reader<'_>) -> GuardSettings {
    let calls_at_once = reader.small_number("gateways.calls-at-once");
    GuardSettings {
        calls_at_once,
        // What strangers bring must not take the places of payments.
        verifications_at_once: (calls_at_once / 4).max(1),
        failures_in_a_row: reader.small_number("gateways.failures-in-a-row"),
        cool_down: reader.secs("gateways.cool-down-secs"),
        ..GuardSettings::default()
    }
}

fn sandbox(reader: &mut Reader<'_>) -> Sandbox {
    let secret = sandbox_secret(reader);
    let url = reader.set("sandbox.url").and_then(|url| absolute_url(url).ok());
    if url.is_some() && secret.is_none() {
        reader.problem(
            "sandbox.secret",
            "must be set when the sandbox stands elsewhere",
            "set the key that is set there",
        );
    }
    let active = gateways::sandbox_is_active(reader);
    if active && !cfg!(feature = "sandbox") {
        reader.problem(
            "sandbox.active",
            WITHOUT_SANDBOX,
            format!("set sandbox.active=false; {WITH_SANDBOX}"),
        );
    }
    if active && reader.set("egov.collectionservice.host").is_some() && !reader.flag(BESIDE_DIGIT) {
        reader.problem(
            "sandbox.active",
            "the sandbox moves no money, and the collection service would issue receipts for what is paid in it",
            format!("set sandbox.active=false; for a trial where receipts do not count, {BESIDE_DIGIT}=true"),
        );
    }
    Sandbox {
        active,
        secret,
        merchant: reader.text("sandbox.merchant").to_owned(),
        url,
        late_after: reader.secs("sandbox.late-secs"),
    }
}

/// Why a program built without the sandbox refuses it.
pub(crate) const WITHOUT_SANDBOX: &str =
    "this program was built without the sandbox, the simulator and the demo";
/// How to get one with it.
pub(crate) const WITH_SANDBOX: &str = "for a trial build the image with `--build-arg FEATURES=sandbox`, or the program with its default features: `cargo build --package pg-service`";

const BESIDE_DIGIT: &str = "sandbox.beside-digit";

/// The shortest key the sandbox may be given, in bytes: that of the digest it signs with.
const SHORTEST_SANDBOX_SECRET: usize = 32;

fn sandbox_secret(reader: &mut Reader<'_>) -> Option<SecretString> {
    let secret = reader.set("sandbox.secret")?;
    if secret.len() < SHORTEST_SANDBOX_SECRET {
        reader.problem(
            "sandbox.secret",
            "is too short to sign with",
            format!("give at least {SHORTEST_SANDBOX_SECRET} characters, or leave it out: one is generated"),
        );
    }
    Some(SecretString::from(secret))
}

/// `called` says whether the service that numbers transactions is called: what it understands of
/// formats is its own affair.
fn embedded(reader: &mut Reader<'_>, time_zone: TimeZone, called: bool) -> Option<Embedded> {
    const FORMAT: &str = "egov.idgen.ack.format";
    let id_format = match reader.set(FORMAT).filter(|_| !called).map(str::parse::<IdFormat>) {
        None => Some(IdFormat::default()),
        Some(Ok(format)) => {
            tell_guessable(reader, FORMAT, &format);
            Some(format)
        }
        Some(Err(error)) => {
            reader.problem(FORMAT, error.to_string(), "see docs/configuration.md for what a format may hold");
            None
        }
    };
    let bank_accounts = bank_accounts(reader);
    Some(Embedded { id_format: id_format?, time_zone, bank_accounts })
}

/// A stranger who names a transaction is shown what is not personal of it: its id must not be guessed.
fn tell_guessable(reader: &mut Reader<'_>, key: &str, format: &IdFormat) {
    const FEWEST: u32 = 8;
    let digits = format.random_digits();
    if digits < FEWEST {
        let text = format!(
            "has {digits} random digits, so that strangers can guess the ids of transactions: end it with \
             [d{{9}}], or leave it out"
        );
        reader.doubt(key, text);
    }
}

fn time_zone(reader: &mut Reader<'_>) -> TimeZone {
    const KEY: &str = "time-zone";
    match reader.text(KEY) {
        // India's needs no time zone database on the machine.
        "Asia/Kolkata" | "Asia/Calcutta" => indian_standard_time(),
        name => TimeZone::get(name).unwrap_or_else(|_| {
            reader.problem(
                KEY,
                format!("`{name}` is not a time zone this machine knows"),
                "give a name like Asia/Kolkata or UTC",
            );
            TimeZone::UTC
        }),
    }
}

fn bank_accounts(reader: &mut Reader<'_>) -> ConfiguredBankAccounts {
    const KEY: &str = "bank-account";
    let mut of_tenants = HashMap::new();
    let mut of_others = None;
    for (tenant, account) in reader.values.per_tenant(KEY) {
        match TenantId::new(tenant) {
            Ok(_) if tenant == "*" => of_others = Some(account.expose().to_owned()),
            Ok(tenant) => {
                of_tenants.insert(tenant, account.expose().to_owned());
            }
            Err(error) => {
                reader.problem(&format!("{KEY}.{tenant}"), error.to_string(), "name a tenant behind the dot")
            }
        }
    }
    ConfiguredBankAccounts::new(of_tenants, of_others)
}
