//! The sections of the configuration: each declares its settings and reads them into the settings types of
//! the crates that use them.

pub(super) mod accounts;
pub(super) mod audit;
pub(super) mod callback_hosts;
pub(super) mod console;
pub(super) mod database;
pub(crate) mod gateway_hosts;
pub(super) mod gateways;
pub(super) mod identity;
pub(super) mod ignored;
pub(super) mod kafka;
pub(super) mod logins;
pub(super) mod notifications;
pub(super) mod payments;
pub(super) mod redirect;
pub(super) mod refunds;
pub(super) mod sandbox;
pub(super) mod server;
pub(super) mod services;
pub(super) mod traces;

use std::path::PathBuf;
use std::time::Duration;

use payment_gateway::GuardSettings;
use payment_http::{RequestLimits, ServeLimits};
use payment_service::{NotificationSettings, RoleCodes, Settings};
use payment_settings::{Notice, Problem, Reader, Values};
use secrecy::SecretString;

pub use accounts::{AccountDefaults, StoredAccounts};
pub use audit::Audit;
pub use console::Console;
pub use database::Database;
pub use gateways::{Configured, Listed};
pub use identity::IdentityProof;
pub use kafka::Kafka;
pub use logins::Logins;
pub use payments::Jobs;
pub use redirect::{Reachable, Redirect};
pub use sandbox::Sandbox;
pub use server::{Log, LogFormat, Server};
pub use services::{DigitServices, Embedded};
pub use traces::{TraceExport, TraceProtocol, TraceSampler};

/// The whole configuration.
#[derive(Debug)]
pub struct Config {
    pub server: Server,
    /// The folder of the embedded database and of generated secrets.
    pub data_dir: PathBuf,
    pub log: Log,
    /// `None` where nothing is traced.
    pub traces: Option<TraceExport>,
    pub redirect: Redirect,
    /// Of the use cases; the redirects are final once the address is known ([`Config::redirects`]).
    pub settings: Settings,
    pub jobs: Jobs,
    pub audit: Audit,
    pub console: Console,
    pub identity: IdentityProof,
    /// The roles that proven callers have.
    pub roles: RoleCodes,
    /// Of refunds, towards UPYOG.
    pub upyog_accepted_code: String,
    pub request_limits: RequestLimits,
    pub serve_limits: ServeLimits,
    pub sandbox: Sandbox,
    /// The accounts of gateways beside the sandbox.
    pub gateways: Vec<Configured>,
    /// Of the accounts in the database.
    pub stored_accounts: StoredAccounts,
    /// Of every gateway.
    pub guard: GuardSettings,
    pub embedded: Embedded,
    pub database: Database,
    /// `None` where events stay in the database.
    pub kafka: Option<Kafka>,
    pub services: DigitServices,
    /// `None` where no text messages are sent.
    pub notifications: Option<NotificationSettings>,
    /// `None` serves operators nothing over HTTP.
    pub operators_token: Option<SecretString>,
}

impl Config {
    /// Whether the sandbox is offered and is the built-in one.
    pub fn has_built_in_sandbox(&self) -> bool {
        self.sandbox.active && self.sandbox.url.is_none()
    }

    /// Whether nothing real is configured: no gateway but the built-in sandbox, no service of DIGIT, and callers are
    /// believed.
    pub fn stands_alone(&self) -> bool {
        let DigitServices {
            idgen,
            collections,
            users,
            tokens,
            bank_accounts,
            billing,
            localization,
            url_shortener,
            limits: _,
        } = &self.services;
        let is_alone = idgen.is_none()
            && collections.is_none()
            && users.is_none()
            && tokens.is_none()
            && bank_accounts.is_none()
            && billing.is_none()
            && localization.is_none()
            && url_shortener.is_none();
        let is_believed = matches!(self.identity, IdentityProof::Believed);
        is_alone && is_believed && self.has_built_in_sandbox() && self.gateways.is_empty()
    }

    /// Whether the console is served.
    pub fn has_console(&self) -> bool {
        self.console.enabled.unwrap_or_else(|| self.stands_alone())
    }

    /// Whether anything is kept in the data folder. Replicas that keep everything in PostgreSQL need none.
    pub fn needs_data_folder(&self) -> bool {
        matches!(self.database, Database::Embedded) || self.has_built_in_sandbox()
    }

    /// How far a replica's clock may differ for jobs to be run. Replicas share a database's clock; an embedded
    /// database's is that of the one service itself.
    fn largest_clock_offset(&self) -> Option<Duration> {
        match &self.database {
            Database::Embedded => None,
            Database::Postgres { .. } => Some(self.jobs.lease),
        }
    }

    /// The effective value of a setting, where it is short enough to show.
    pub(super) fn worked_out(&self, key: &str) -> Option<String> {
        match key {
            key if key == server::WORKER_THREADS.key => Some(self.server.worker_threads.to_string()),
            key if key == payment_gateways::account::REDIRECT_THROUGH.key => {
                Some(self.redirect.through.as_str().to_owned())
            }
            key if key == payments::CALLBACK_HOSTS.key => {
                Some(self.settings.allowed_callback_hosts.of_others().join(","))
            }
            key if key == identity::PROOF.key => Some(self.identity.word().to_owned()),
            key if key == console::ENABLED.key => Some(self.has_console().to_string()),
            key if key == sandbox::ACTIVE.key => Some(self.sandbox.active.to_string()),
            key if key == payments::NODE_NAME.key => Some(self.jobs.node_name.clone()),
            key if key == kafka::MESSAGE_TIMEOUT.key => {
                self.kafka.as_ref().map(|kafka| kafka.relay.delivery_timeout.as_millis().to_string())
            }
            _ => None,
        }
    }
}

/// The meaning of effective values.
pub(super) struct Built {
    /// `None` where a part of it has no embedded implementation.
    pub(super) config: Option<Config>,
    pub(super) problems: Vec<Problem>,
    pub(super) notices: Vec<Notice>,
}

/// Builds the configuration. An invalid value is replaced where possible, so that reading continues.
pub(super) fn build(values: &Values) -> Built {
    let mut reader = Reader::new(values);
    let server = server::server(&mut reader);
    let settings = payments::settings(&mut reader);
    let sandbox = sandbox::sandbox(&mut reader);
    let redirect = redirect::redirect(&reader);
    let gateways = gateways::gateways(&mut reader, redirect.through);
    let stored_accounts = accounts::stored_accounts(&mut reader, redirect.through);
    let built_in_sandbox = sandbox.active && sandbox.url.is_none();
    redirect::check(&mut reader, redirect, &server, &gateways, built_in_sandbox);
    let database = database::database(&mut reader);
    let kafka = kafka::kafka(&mut reader);
    let services = services::services(&mut reader);
    let identity = identity::identity(&mut reader, &server, &services);
    let notifications = notifications::notifications(&mut reader);
    let operators_token = payments::operators_token(&mut reader);
    let audit = audit::audit(&mut reader);
    let traces = traces::traces(&mut reader);
    let console = console::console(&mut reader, &services);
    let embedded = services::embedded(&mut reader, services.idgen.is_some());
    let roles = identity::roles(&reader, settings.refunds.trusted_role.clone());
    let config = embedded.map(|embedded| Config {
        server,
        redirect,
        data_dir: reader.get(&server::DATA_DIR),
        log: server::log(&reader),
        traces,
        settings,
        jobs: payments::jobs(&reader),
        audit,
        console,
        identity,
        roles,
        upyog_accepted_code: refunds::upyog_accepted_code(&reader),
        request_limits: server::request_limits(&reader),
        serve_limits: server::serve_limits(&reader),
        sandbox,
        gateways,
        stored_accounts,
        guard: payments::guard(&reader),
        embedded,
        database,
        kafka,
        services,
        notifications,
        operators_token,
    });
    let config = config.map(|mut config| {
        config.settings.largest_clock_offset = config.largest_clock_offset();
        // The embedded implementation answers at once, and registers a bill once in any case.
        if config.services.collections.is_some() {
            config.settings.collection_call = config.services.limits.total_timeout;
        }
        config
    });
    Built { config, problems: reader.problems, notices: reader.notices }
}
