//! The DIGIT services: called over HTTP where a host is configured, stood in for where none is.

use std::sync::Arc;
use std::time::Duration;

use payment_digit::clients::{
    BankAccountMaster, BankAccountMasterConfig, BillingConfig, BillingService, Client, CollectionConfig,
    CollectionService, IdGeneration, IdGenerationConfig, InvalidAddress, LIMITS, Limits, LinkShortener,
    LinkShortenerConfig, LocalizationConfig, LocalizationService, TokenConfig, TokenService, UserConfig,
    UserService,
};
use payment_digit::embedded::{DefaultMessages, PayerDirectory, ReceiptRegister, Registers, SequenceIds};
use payment_digit::{BankAccounts, Bills, Collections, Links, Messages, Payers, TransactionIds};
use payment_domain::Clock;
use payment_http::IdentityProof;

use crate::config::{self, Config};
use crate::failure::{Failure, Outcome};

/// What payments need of DIGIT.
pub(super) struct Services {
    pub(super) ids: Arc<dyn TransactionIds>,
    pub(super) collections: Arc<dyn Collections>,
    pub(super) payers: Arc<dyn Payers>,
    pub(super) bank_accounts: Arc<dyn BankAccounts>,
}

/// What text messages need of DIGIT.
pub(super) struct MessageServices {
    pub(super) messages: Arc<dyn Messages>,
    pub(super) bills: Option<Arc<dyn Bills>>,
    pub(super) links: Option<Arc<dyn Links>>,
}

/// How long it is remembered that a text is missing: it may be about to be written.
const MISSING_TEXT_LIFE: Duration = Duration::from_secs(60);

/// The services that payments need.
pub(super) fn services(
    config: &Config,
    registers: &Arc<dyn Registers>,
    clock: &Arc<dyn Clock>,
) -> Outcome<Services> {
    let client = client(&config.services)?;
    let embedded = &config.embedded;
    let ids: Arc<dyn TransactionIds> = match &config.services.idgen {
        Some(idgen) => {
            let idgen = IdGenerationConfig {
                host: idgen.host.clone(),
                path: idgen.path.clone(),
                id_name: idgen.id_name.clone(),
                id_format: idgen.format.clone(),
            };
            Arc::new(usable(IdGeneration::new(&idgen, &client))?)
        }
        None => Arc::new(SequenceIds::new(
            registers.clone(),
            clock.clone(),
            embedded.time_zone.clone(),
            embedded.id_format.clone(),
        )),
    };
    let collections: Arc<dyn Collections> = match &config.services.collections {
        Some(collections) => {
            let collections = CollectionConfig {
                host: collections.host.clone(),
                create_path: collections.create_path.clone(),
                validate_path: collections.validate_path.clone(),
                search_path: collections.search_path.clone(),
            };
            Arc::new(usable(CollectionService::new(&collections, &client))?)
        }
        None => Arc::new(ReceiptRegister::new(registers.clone(), clock.clone())),
    };
    let payers: Arc<dyn Payers> = match &config.services.users {
        Some(users) => {
            let users = UserConfig {
                host: users.host.clone(),
                search_path: users.search_path.clone(),
                create_path: users.create_path.clone(),
                create_enabled: users.create_enabled,
                cache_life: config.services.caches.payers,
            };
            Arc::new(usable(UserService::new(&users, &client, clock.clone()))?)
        }
        None => Arc::new(PayerDirectory::new(registers.clone(), clock.clone())),
    };
    let bank_accounts: Arc<dyn BankAccounts> = match &config.services.bank_accounts {
        Some(config::Endpoint { host, path }) => {
            let accounts = BankAccountMasterConfig {
                host: host.clone(),
                path: path.clone(),
                cache_life: config.services.caches.bank_accounts,
            };
            Arc::new(usable(BankAccountMaster::new(&accounts, &client, clock.clone()))?)
        }
        None => Arc::new(embedded.bank_accounts.clone()),
    };
    Ok(Services { ids, collections, payers, bank_accounts })
}

/// How callers prove who they are.
pub(super) fn identity_proof(config: &Config, clock: &Arc<dyn Clock>) -> Outcome<IdentityProof> {
    let services = &config.services;
    match (&config.identity, &services.users) {
        (config::IdentityProof::Token, Some(users)) => {
            let default = TokenConfig::at(users.host.clone());
            let tokens = TokenConfig {
                details_path: users.details_path.clone(),
                wait: default.wait.min(services.call_timeout),
                ..default
            };
            let tokens = usable(TokenService::new(&tokens, &client(services)?, clock.clone()))?;
            Ok(IdentityProof::token(Arc::new(tokens)))
        }
        (config::IdentityProof::Token, None) => {
            Err(Failure::new("callers cannot prove who they are by tokens")
                .try_this("set egov.userservice.host, or another identity.proof"))
        }
        (config::IdentityProof::Header { name, secret }, _) => {
            Ok(IdentityProof::Header { name: name.clone(), secret: secret.clone() })
        }
        (config::IdentityProof::Believed, _) => Ok(IdentityProof::Believed),
    }
}

/// The services that text messages need.
pub(super) fn message_services(config: &Config, clock: &Arc<dyn Clock>) -> Outcome<MessageServices> {
    let services = &config.services;
    let client = client(services)?;
    let messages: Arc<dyn Messages> = match &services.localization {
        Some(localization) => {
            let localization = LocalizationConfig {
                context_path: localization.context_path.clone(),
                search_path: localization.search_path.clone(),
                default_locale: config.notifications.locale.clone(),
                cache_life: services.caches.messages,
                missing_life: MISSING_TEXT_LIFE.min(services.caches.messages),
                ..LocalizationConfig::at(localization.host.clone())
            };
            Arc::new(usable(LocalizationService::new(&localization, &client, clock.clone()))?)
        }
        None => Arc::new(DefaultMessages { with_payment_link: config.notifications.link_base.is_some() }),
    };
    let bills = match &services.billing {
        Some(config::Endpoint { host, path }) => {
            let billing = BillingConfig { host: host.clone(), path: path.clone() };
            Some(Arc::new(usable(BillingService::new(&billing, &client))?) as Arc<dyn Bills>)
        }
        None => None,
    };
    let links = match &services.url_shortener {
        Some(config::Endpoint { host, path }) => {
            let shortener = LinkShortenerConfig { host: host.clone(), path: path.clone() };
            Some(Arc::new(usable(LinkShortener::new(&shortener, &client))?) as Arc<dyn Links>)
        }
        None => None,
    };
    Ok(MessageServices { messages, bills, links })
}

fn client(services: &config::DigitServices) -> Outcome<Client> {
    let limits =
        Limits { connect_timeout: services.connect_timeout, total_timeout: services.call_timeout, ..LIMITS };
    Client::new(limits).map_err(|error| {
        Failure::new("DIGIT's services cannot be called")
            .because(error.as_ref())
            .try_this("install the system's CA certificates")
    })
}

fn usable<T>(made: Result<T, InvalidAddress>) -> Outcome<T> {
    made.map_err(|error| {
        Failure::new("the address of a DIGIT service cannot be used")
            .because(&error)
            .try_this("`pg-service check-config` shows where it is set")
    })
}
