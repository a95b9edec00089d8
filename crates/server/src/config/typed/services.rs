//! The services of DIGIT, each called where its host is set.

use std::time::Duration;

use crate::config::reader::Reader;
use crate::config::setting;

/// The services of DIGIT. Those that are `None` are stood in for by what is built in.
#[derive(Debug, Clone)]
pub struct DigitServices {
    /// Numbers transactions.
    pub idgen: Option<IdGeneration>,
    /// Registers payments and issues receipts.
    pub collections: Option<Collections>,
    /// Knows payers.
    pub users: Option<Users>,
    /// Knows the bank accounts of tenants.
    pub bank_accounts: Option<Endpoint>,
    /// Knows bills.
    pub billing: Option<Endpoint>,
    /// Knows the texts of messages.
    pub localization: Option<Localization>,
    /// Shortens links.
    pub url_shortener: Option<Endpoint>,
    /// How long a connection may take to be made.
    pub connect_timeout: Duration,
    /// How long a call may take in all, with its repetitions.
    pub call_timeout: Duration,
    /// For how long answers are remembered.
    pub caches: Caches,
}

/// A service with one path.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Endpoint {
    /// The host: an http(s) URL without a slash at its end.
    pub host: String,
    /// The path, with or without a slash at its beginning.
    pub path: String,
}

/// egov-idgen.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct IdGeneration {
    /// The host: an http(s) URL without a slash at its end.
    pub host: String,
    /// The path.
    pub path: String,
    /// The name of the id.
    pub id_name: String,
    /// Its format.
    pub format: String,
}

/// collection-services.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Collections {
    /// The host: an http(s) URL without a slash at its end.
    pub host: String,
    /// The path that registers a payment.
    pub create_path: String,
    /// The path that validates a payment.
    pub validate_path: String,
    /// The path that finds a payment.
    pub search_path: String,
}

/// egov-user.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Users {
    /// The host: an http(s) URL without a slash at its end.
    pub host: String,
    /// The path that finds a user.
    pub search_path: String,
    /// The path that registers a user.
    pub create_path: String,
    /// The path that tells whose an access token is.
    pub details_path: String,
    /// Whether users whom nobody knows are registered.
    pub create_enabled: bool,
}

/// egov-localization.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Localization {
    /// The host: an http(s) URL without a slash at its end.
    pub host: String,
    /// The path of the service.
    pub context_path: String,
    /// Behind that, the path that finds texts.
    pub search_path: String,
}

/// For how long answers are remembered; zero is not at all.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Caches {
    /// The number of a tenant's bank account.
    pub bank_accounts: Duration,
    /// A payer who was found.
    pub payers: Duration,
    /// The texts of messages.
    pub messages: Duration,
}

/// The original's, for the service whose ids they are.
const IDGEN_FORMAT: &str = "PB_PG_[cy:yyyy_MM_dd]_[SEQ_EG_PG_TXN]_[d{2}]";
const IDGEN: &str = "egov.idgen.host";
const COLLECTIONS: &str = "egov.collectionservice.host";
const USERS: &str = "egov.userservice.host";
const BANK_ACCOUNTS: &str = "egov.bankaccountservice.host";

pub(super) fn services(reader: &mut Reader<'_>) -> DigitServices {
    let services = DigitServices {
        idgen: reader.service(IDGEN).map(|host| IdGeneration {
            host,
            path: reader.owned("egov.idgen.path"),
            id_name: reader.owned("egov.idgen.ack.name"),
            format: reader.set("egov.idgen.ack.format").unwrap_or(IDGEN_FORMAT).to_owned(),
        }),
        collections: reader.service(COLLECTIONS).map(|host| Collections {
            host,
            create_path: reader.owned("egov.collectionservice.payment.create.path"),
            validate_path: reader.owned("egov.collectionservice.payment.validate.path"),
            search_path: reader.owned("egov.collectionservice.payment.search.path"),
        }),
        users: reader.service(USERS).map(|host| Users {
            host,
            search_path: reader.owned("egov.userservice.search.path"),
            create_path: reader.owned("egov.userservice.create.path"),
            details_path: reader.owned("egov.userservice.details.path"),
            create_enabled: reader.flag("pg.is.user.create.enabled"),
        }),
        bank_accounts: endpoint(reader, BANK_ACCOUNTS, "egov.bankaccountservice.path"),
        billing: endpoint(reader, "egov.billing.service.host", "egov.bill.searchendpoint")
            .or_else(|| endpoint(reader, "egov.billingservice.host", "egov.bill.searchendpoint")),
        localization: reader.service("egov.localization.host").map(|host| Localization {
            host,
            context_path: reader.owned("egov.localization.context.path"),
            search_path: reader.owned("egov.localization.search.endpoint"),
        }),
        url_shortener: endpoint(reader, "egov.url.shortner.host", "egov.url.shortner.endpoint"),
        connect_timeout: reader.millis("services.connect-timeout-ms"),
        call_timeout: reader.millis("services.timeout-ms"),
        caches: Caches {
            bank_accounts: reader.secs("cache.bank-accounts-secs"),
            payers: reader.secs("cache.payers-secs"),
            messages: reader.secs("cache.messages-secs"),
        },
    };
    tell_what_is_idle(reader, &services);
    tell_lone_stand_ins(reader);
    check_lease(reader, &services);
    services
}

fn endpoint(reader: &Reader<'_>, host: &str, path: &str) -> Option<Endpoint> {
    Some(Endpoint { host: reader.service(host)?, path: reader.owned(path) })
}

/// Paths and lifetimes of services that are not called, and what only embedded implementations would have used.
fn tell_what_is_idle(reader: &mut Reader<'_>, services: &DigitServices) {
    let stood_in = |host: &str| format!("{host} is not set, the embedded implementation is used");
    if services.idgen.is_none() {
        reader.idle(["egov.idgen.path", "egov.idgen.ack.name"], &stood_in(IDGEN));
    }
    if services.collections.is_none() {
        let paths = ["create", "validate", "search"]
            .map(|what| format!("egov.collectionservice.payment.{what}.path"));
        reader.idle(paths.iter().map(String::as_str), &stood_in(COLLECTIONS));
    }
    if services.users.is_none() {
        let why = stood_in(USERS);
        reader.idle(["egov.userservice.search.path", "egov.userservice.create.path"], &why);
        reader.idle(["cache.payers-secs"], &why);
        if !reader.flag("pg.is.user.create.enabled") {
            let why = format!("{why}, and it always registers payers whom it does not know");
            reader.idle(["pg.is.user.create.enabled"], &why);
        }
    }
    if reader.set("egov.billing.service.host").is_some() {
        reader.idle(["egov.billingservice.host"], "egov.billing.service.host counts more");
    }
    match services.bank_accounts {
        None => {
            let why = stood_in(BANK_ACCOUNTS);
            reader.idle(["egov.bankaccountservice.path", "cache.bank-accounts-secs"], &why);
        }
        Some(_) => reader.idle(["bank-account"], &format!("accounts are looked up at {BANK_ACCOUNTS}")),
    }
}

/// Whether any service of DIGIT is configured.
pub(in crate::config) fn digit_is_there(reader: &Reader<'_>) -> bool {
    STOOD_IN.iter().map(|(host, _)| *host).chain(OTHERS).any(|host| reader.set(host).is_some())
}

const OTHERS: [&str; 5] = [
    BANK_ACCOUNTS,
    "egov.billing.service.host",
    "egov.billingservice.host",
    "egov.localization.host",
    "egov.url.shortner.host",
];
const STOOD_IN: [(&str, &str); 3] = [
    (IDGEN, "transactions are numbered by the embedded implementation"),
    (COLLECTIONS, "receipts come from the built-in register, and the collection service knows of none"),
    (USERS, "payers are kept in the built-in directory, and the user service knows of none"),
];

/// Where some of DIGIT's services are called, a embedded implementation for another was perhaps not meant: the
/// environment of DIGIT's chart alone names some hosts and leaves others to the packaged file.
fn tell_lone_stand_ins(reader: &mut Reader<'_>) {
    if !digit_is_there(reader) {
        return;
    }
    for (host, what) in STOOD_IN {
        if reader.set(host).is_none() {
            let variable = setting::variable(host);
            let text = format!(
                "is not set, though other services of DIGIT are: {what}; unless that is meant, set it (in the environment: {variable})"
            );
            reader.doubt(host, text);
        }
    }
}

/// Whoever holds the right to issue a receipt looks the payment up and registers it. Were the right
/// to end before both calls do, two could register the same payment at once: what finds too little of
/// it left registers nothing. A tenth of it is for the database, before, between and after the calls.
fn check_lease(reader: &mut Reader<'_>, services: &DigitServices) {
    const LEASE: &str = "receipts.lease-ms";
    let lease = reader.millis(LEASE);
    let for_calls = lease - lease / 10;
    let two_calls = services.call_timeout.saturating_mul(2);
    if services.collections.is_some() && for_calls <= two_calls {
        // Told at the one of the two that somebody set.
        let key = if reader.set(LEASE).is_none() { "services.timeout-ms" } else { LEASE };
        reader.problem(
            key,
            format!(
                "the right to issue a receipt ({} ms) does not outlast two calls to the collection service \
                 ({} ms) and a tenth of it for the database",
                lease.as_millis(),
                two_calls.as_millis()
            ),
            format!(
                "set {LEASE} to more than {}, or services.timeout-ms to less than {}",
                two_calls.as_millis() * 10 / 9,
                for_calls.as_millis() / 2
            ),
        );
    }
}
