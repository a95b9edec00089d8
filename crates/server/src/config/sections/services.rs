//! The services of DIGIT: called where their hosts are set, otherwise embedded implementations.

use std::collections::HashMap;
use std::fmt;
use std::time::Duration;

use jiff::tz::TimeZone;
use payment_digit::clients::{
    BankAccountMasterConfig, BillingConfig, CollectionConfig, IdGenerationConfig, LIMITS, Limits,
    LinkShortenerConfig, LocalizationConfig, TokenConfig, UserConfig,
};
use payment_digit::embedded::{ConfiguredBankAccounts, IdFormat};
use payment_domain::TenantId;
use payment_settings::parser::{FLAG, TEXT, millis, number, secs};
use payment_settings::{Declared, Optional, Reader, Setting, digit, own, settings, variable};

use super::notifications::{
    BILL_PATH, BILLING_HOST, LOCALE, LOCALIZATION_CONTEXT, LOCALIZATION_HOST, LOCALIZATION_PATH,
    OTHER_BILLING_HOST, SHORTENER_HOST, SHORTENER_PATH,
};
use super::payments::RECEIPT_LEASE;
use super::server::TIME_ZONE;
use crate::config::parsers::SERVICE;

settings! {
    /// The embedded implementations.
    pub(in crate::config) const EMBEDDED;
    ID_FORMAT: Optional<String> = digit("egov.idgen.ack.format", TEXT,
        "The format of transaction ids, as DIGIT's id generation writes it: `[cy:…]` and `[fy:…]` dates, \
         `[SEQ_…]` sequence numbers, `[d{n}]` random digits, `[city]` and `[tenantid]`. DIGIT's service \
         is given it, too.")
        .or_worked_out("`PB_PG_[cy:yyyy_MM_dd]_[SEQ_EG_PG_TXN]_[d{9}]`; `…_[d{2}]` is what DIGIT's service is given");
    BANK_ACCOUNT: Optional<String> = own("bank-account", TEXT,
        "The number of the tenant's bank account, for gateways that ask for it.").per_tenant();
}

settings! {
    pub(in crate::config) const SERVICES;
    IDGEN_HOST: Optional<String> = digit("egov.idgen.host", SERVICE, "Where transactions are numbered.");
    IDGEN_PATH: Setting<String> = digit("egov.idgen.path", TEXT,
        "The path that numbers transactions.").or("egov-idgen/id/_generate");
    ID_NAME: Setting<String> = digit("egov.idgen.ack.name", TEXT,
        "The name of the id at the service.").or("pg.txnid");
    COLLECTIONS_HOST: Optional<String> = digit("egov.collectionservice.host", SERVICE,
        "Where payments are registered and receipts issued.");
    PAYMENT_CREATE_PATH: Setting<String> = digit("egov.collectionservice.payment.create.path", TEXT,
        "The path that registers a payment.").or("collection-services/payments/_create");
    PAYMENT_VALIDATE_PATH: Setting<String> = digit("egov.collectionservice.payment.validate.path", TEXT,
        "The path that validates a payment.").or("collection-services/payments/_validate");
    PAYMENT_SEARCH_PATH: Setting<String> = own("egov.collectionservice.payment.search.path", TEXT,
        "The path that tells whether a payment was registered before.")
        .or("collection-services/payments/_search");
    PAYMENT_WORKFLOW_PATH: Setting<String> = own("egov.collectionservice.payment.workflow.path", TEXT,
        "The path that cancels the receipts of a payment; `{businessService}` stands for its business service.")
        .or("collection-services/payments/{businessService}/_workflow");
    CANCELLING_USER_ID: Setting<u64> = own("egov.collectionservice.cancelling-user-id", number(0, 9_223_372_036_854_775_807),
        "The `userInfo.id` with which receipts are cancelled: the service requires one, and records it as who \
         has cancelled.").or("0");
    BANK_ACCOUNTS_HOST: Optional<String> = digit("egov.bankaccountservice.host", SERVICE,
        "Where the bank accounts of tenants are known.");
    BANK_ACCOUNTS_PATH: Setting<String> = digit("egov.bankaccountservice.path", TEXT,
        "The path that finds bank accounts.").or("egf-master/bankaccounts/_search");
    USERS_HOST: Optional<String> = digit("egov.userservice.host", SERVICE, "Where payers are known.");
    USER_SEARCH_PATH: Setting<String> = digit("egov.userservice.search.path", TEXT,
        "The path that finds a user.").or("user/_search");
    USER_CREATE_PATH: Setting<String> = digit("egov.userservice.create.path", TEXT,
        "The path that registers a user.").or("user/users/_createnovalidate");
    DETAILS_PATH: Setting<String> = own("egov.userservice.details.path", TEXT,
        "The path that returns the user of an access token.").or("user/_details");
    USER_CREATE_ENABLED: Setting<bool> = digit("pg.is.user.create.enabled", FLAG,
        "Whether payers whom the user service does not know are registered there.").or("true");
    CONNECT_TIMEOUT: Setting<Duration> = own("services.connect-timeout-ms", millis(100, 30_000),
        "How many milliseconds a connection to a service of DIGIT may take to be made.").or("3000");
    CALL_TIMEOUT: Setting<Duration> = own("services.timeout-ms", millis(100, 120_000),
        "How many milliseconds a call to a service of DIGIT may take in all. Calls that only ask are \
         repeated within that time when they are not answered; calls that act never are.").or("15000");
    CACHE_BANK_ACCOUNTS: Setting<Duration> = own("cache.bank-accounts-secs", secs(0, 86_400),
        "For how many seconds the number of a tenant's bank account is remembered; 0 asks each time.")
        .or("600");
    CACHE_PAYERS: Setting<Duration> = own("cache.payers-secs", secs(0, 86_400),
        "For how many seconds a payer who was found is remembered; 0 asks each time.").or("600");
    CACHE_MESSAGES: Setting<Duration> = own("cache.messages-secs", secs(0, 86_400),
        "For how many seconds the texts of messages are remembered; 0 asks each time.").or("3600");
}

/// The services of DIGIT; an embedded implementation takes the place of each that is `None`.
#[derive(Debug, Clone)]
pub struct DigitServices {
    pub idgen: Option<IdGenerationConfig>,
    pub collections: Option<CollectionConfig>,
    pub users: Option<UserConfig>,
    /// Access tokens, known to the user service.
    pub tokens: Option<TokenConfig>,
    pub bank_accounts: Option<BankAccountMasterConfig>,
    pub billing: Option<BillingConfig>,
    pub localization: Option<LocalizationConfig>,
    pub url_shortener: Option<LinkShortenerConfig>,
    /// Of calls to all of them.
    pub limits: Limits,
}

/// The embedded implementations for DIGIT's services.
#[derive(Clone)]
pub struct Embedded {
    pub id_format: IdFormat,
    /// Where the day turns.
    pub time_zone: TimeZone,
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

/// The original's, for the service whose ids they are.
const DIGITS_ID_FORMAT: &str = "PB_PG_[cy:yyyy_MM_dd]_[SEQ_EG_PG_TXN]_[d{2}]";
/// How long the absence of a text is cached: it may be about to be written.
const MISSING_TEXT_LIFE: Duration = Duration::from_secs(60);

pub(super) fn services(reader: &mut Reader<'_>) -> DigitServices {
    let call_timeout = reader.get(&CALL_TIMEOUT);
    let messages_life = reader.get(&CACHE_MESSAGES);
    let users_host = reader.set(&USERS_HOST);
    let services = DigitServices {
        idgen: reader.set(&IDGEN_HOST).map(|host| IdGenerationConfig {
            host,
            path: reader.get(&IDGEN_PATH),
            id_name: reader.get(&ID_NAME),
            id_format: reader.set(&ID_FORMAT).unwrap_or_else(|| DIGITS_ID_FORMAT.to_owned()),
        }),
        collections: reader.set(&COLLECTIONS_HOST).map(|host| CollectionConfig {
            host,
            create_path: reader.get(&PAYMENT_CREATE_PATH),
            validate_path: reader.get(&PAYMENT_VALIDATE_PATH),
            search_path: reader.get(&PAYMENT_SEARCH_PATH),
            workflow_path: reader.get(&PAYMENT_WORKFLOW_PATH),
            cancelling_user_id: reader.get(&CANCELLING_USER_ID),
        }),
        users: users_host.clone().map(|host| UserConfig {
            host,
            search_path: reader.get(&USER_SEARCH_PATH),
            create_path: reader.get(&USER_CREATE_PATH),
            create_enabled: reader.get(&USER_CREATE_ENABLED),
            cache_life: reader.get(&CACHE_PAYERS),
        }),
        tokens: users_host.map(|host| {
            let default = TokenConfig::at(host);
            let details_path = reader.get(&DETAILS_PATH);
            TokenConfig { details_path, wait: default.wait.min(call_timeout), ..default }
        }),
        bank_accounts: reader.set(&BANK_ACCOUNTS_HOST).map(|host| BankAccountMasterConfig {
            host,
            path: reader.get(&BANK_ACCOUNTS_PATH),
            cache_life: reader.get(&CACHE_BANK_ACCOUNTS),
        }),
        billing: reader
            .set(&BILLING_HOST)
            .or_else(|| reader.set(&OTHER_BILLING_HOST))
            .map(|host| BillingConfig { host, path: reader.get(&BILL_PATH) }),
        localization: reader.set(&LOCALIZATION_HOST).map(|host| LocalizationConfig {
            context_path: reader.get(&LOCALIZATION_CONTEXT),
            search_path: reader.get(&LOCALIZATION_PATH),
            default_locale: reader.get(&LOCALE),
            cache_life: messages_life,
            missing_life: MISSING_TEXT_LIFE.min(messages_life),
            ..LocalizationConfig::at(host)
        }),
        url_shortener: reader
            .set(&SHORTENER_HOST)
            .map(|host| LinkShortenerConfig { host, path: reader.get(&SHORTENER_PATH) }),
        limits: Limits {
            connect_timeout: reader.get(&CONNECT_TIMEOUT),
            total_timeout: call_timeout,
            ..LIMITS
        },
    };
    tell_what_is_idle(reader);
    tell_lone_embedded(reader);
    check_lease(reader, call_timeout);
    services
}

/// Paths and lifetimes of services that are not called, and settings of embedded implementations that are not
/// used.
fn tell_what_is_idle(reader: &mut Reader<'_>) {
    let unless_set =
        |reader: &mut Reader<'_>, host: &Optional<String>, settings: &[&'static dyn Declared]| {
            if !reader.is_set(host) {
                let why = format!("{} is not set, the embedded implementation is used", host.key);
                reader.idle(settings, &why);
            }
        };
    unless_set(reader, &IDGEN_HOST, &[&IDGEN_PATH, &ID_NAME]);
    let payment_paths: &[&dyn Declared] =
        &[&PAYMENT_CREATE_PATH, &PAYMENT_VALIDATE_PATH, &PAYMENT_SEARCH_PATH];
    unless_set(reader, &COLLECTIONS_HOST, payment_paths);
    unless_set(reader, &USERS_HOST, &[&USER_SEARCH_PATH, &USER_CREATE_PATH, &CACHE_PAYERS]);
    unless_set(reader, &BANK_ACCOUNTS_HOST, &[&BANK_ACCOUNTS_PATH, &CACHE_BANK_ACCOUNTS]);
    if !reader.is_set(&USERS_HOST) && !reader.get(&USER_CREATE_ENABLED) {
        let why = format!(
            "{} is not set, the embedded implementation is used, and it always registers payers whom it does not know",
            USERS_HOST.key
        );
        reader.idle(&[&USER_CREATE_ENABLED], &why);
    }
    if reader.is_set(&BILLING_HOST) {
        reader.idle(&[&OTHER_BILLING_HOST], "egov.billing.service.host counts more");
    }
    if reader.is_set(&BANK_ACCOUNTS_HOST) {
        let why = format!("accounts are looked up at {}", BANK_ACCOUNTS_HOST.key);
        reader.idle(&[&BANK_ACCOUNT], &why);
    }
}

const ESSENTIAL: [(&Optional<String>, &str); 3] = [
    (&IDGEN_HOST, "transactions are numbered by the embedded implementation"),
    (&COLLECTIONS_HOST, "receipts come from the built-in register, and the collection service knows of none"),
    (&USERS_HOST, "payers are kept in the built-in directory, and the user service knows of none"),
];
const OTHERS: [&Optional<String>; 5] =
    [&BANK_ACCOUNTS_HOST, &BILLING_HOST, &OTHER_BILLING_HOST, &LOCALIZATION_HOST, &SHORTENER_HOST];

/// Whether any service of DIGIT is configured.
pub(super) fn digit_is_there(reader: &Reader<'_>) -> bool {
    ESSENTIAL.iter().map(|(host, _)| *host).chain(OTHERS).any(|host| reader.is_set(host))
}

/// Beside called services an embedded implementation of another was perhaps not meant: the environment of
/// DIGIT's chart names some hosts and leaves others to the packaged file.
fn tell_lone_embedded(reader: &mut Reader<'_>) {
    if !digit_is_there(reader) {
        return;
    }
    for (host, what) in ESSENTIAL {
        if !reader.is_set(host) {
            let variable = variable(host.key);
            let text = format!(
                "is not set, though other services of DIGIT are: {what}; unless that is meant, set it (in the environment: {variable})"
            );
            reader.doubt(host, text);
        }
    }
}

/// The holder of a receipt task's lease looks the payment up and registers it. If the lease ended before both
/// calls do, two holders could register the same payment at once; a holder with too little of it left
/// registers nothing. A tenth of it is for the database, before, between and after the calls.
fn check_lease(reader: &mut Reader<'_>, call_timeout: Duration) {
    let lease = reader.get(&RECEIPT_LEASE);
    let for_calls = lease - lease / 10;
    let two_calls = call_timeout.saturating_mul(2);
    if !reader.is_set(&COLLECTIONS_HOST) || for_calls > two_calls {
        return;
    }
    // Told at the one of the two that was set.
    let key = if reader.is_set(&RECEIPT_LEASE) { &RECEIPT_LEASE } else { &CALL_TIMEOUT };
    reader.problem(
        key,
        format!(
            "the right to issue a receipt ({} ms) does not outlast two calls to the collection service \
             ({} ms) and a tenth of it for the database",
            lease.as_millis(),
            two_calls.as_millis()
        ),
        format!(
            "set {} to more than {}, or {} to less than {}",
            RECEIPT_LEASE.key,
            two_calls.as_millis() * 10 / 9,
            CALL_TIMEOUT.key,
            for_calls.as_millis() / 2
        ),
    );
}

/// `None` where the format of ids is wrong. One that a called service numbers by is that service's affair.
pub(super) fn embedded(reader: &mut Reader<'_>, idgen_is_called: bool) -> Option<Embedded> {
    let format = reader.set(&ID_FORMAT).filter(|_| !idgen_is_called);
    let id_format = match format.map(|text| text.parse::<IdFormat>()) {
        None => Some(IdFormat::default()),
        Some(Ok(format)) => {
            tell_guessable(reader, &format);
            Some(format)
        }
        Some(Err(error)) => {
            let fix = "see docs/configuration.md for what a format may hold";
            reader.problem(&ID_FORMAT, error.to_string(), fix);
            None
        }
    };
    let (time_zone, bank_accounts) = (reader.get(&TIME_ZONE), bank_accounts(reader));
    Some(Embedded { id_format: id_format?, time_zone, bank_accounts })
}

/// A stranger who names a transaction sees its data that are not personal: its id must not be guessable.
fn tell_guessable(reader: &mut Reader<'_>, format: &IdFormat) {
    const FEWEST: u32 = 8;
    let digits = format.random_digits();
    if digits < FEWEST {
        let text = format!(
            "has {digits} random digits, so that strangers can guess the ids of transactions: end it with \
             [d{{9}}], or leave it out"
        );
        reader.doubt(&ID_FORMAT, text);
    }
}

fn bank_accounts(reader: &mut Reader<'_>) -> ConfiguredBankAccounts {
    let (mut of_tenants, mut of_others) = (HashMap::new(), None);
    for (tenant, account) in reader.per_tenant(&BANK_ACCOUNT) {
        match TenantId::new(tenant) {
            Ok(_) if tenant == "*" => of_others = Some(account),
            Ok(tenant) => {
                of_tenants.insert(tenant, account);
            }
            Err(error) => {
                let key = format!("{}.{tenant}", BANK_ACCOUNT.key);
                reader.problem_of(&key, error.to_string(), "name a tenant behind the dot");
            }
        }
    }
    ConfiguredBankAccounts::new(of_tenants, of_others)
}
