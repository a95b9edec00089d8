//! The DIGIT services: called over HTTP where a host is configured, otherwise embedded implementations.

use std::sync::Arc;

use payment_digit::clients::{
    BankAccountMaster, BillingService, Client, CollectionService, IdGeneration, InvalidAddress,
    LinkShortener, LocalizationService, TokenService, UserService,
};
use payment_digit::embedded::{DefaultMessages, PayerDirectory, ReceiptRegister, Registers, SequenceIds};
use payment_digit::{BankAccounts, Bills, Collections, Links, Messages, Payers, TransactionIds};
use payment_domain::Clock;
use payment_http::IdentityProof;

use crate::config::{self, Config};
use crate::failure::{Failure, Outcome};

/// DIGIT's services for payments.
pub(super) struct Services {
    pub(super) ids: Arc<dyn TransactionIds>,
    pub(super) collections: Arc<dyn Collections>,
    pub(super) payers: Arc<dyn Payers>,
    pub(super) bank_accounts: Arc<dyn BankAccounts>,
}

/// DIGIT's services for text messages.
pub(super) struct MessageServices {
    pub(super) messages: Arc<dyn Messages>,
    pub(super) bills: Option<Arc<dyn Bills>>,
    pub(super) links: Option<Arc<dyn Links>>,
}

/// The services that payments need.
pub(super) fn services(
    config: &Config,
    registers: &Arc<dyn Registers>,
    clock: &Arc<dyn Clock>,
) -> Outcome<Services> {
    let client = client(&config.services)?;
    let (services, embedded) = (&config.services, &config.embedded);
    let ids: Arc<dyn TransactionIds> = match &services.idgen {
        Some(idgen) => Arc::new(usable(IdGeneration::new(idgen, &client))?),
        None => Arc::new(SequenceIds::new(
            registers.clone(),
            clock.clone(),
            embedded.time_zone.clone(),
            embedded.id_format.clone(),
        )),
    };
    let collections: Arc<dyn Collections> = match &services.collections {
        Some(collections) => Arc::new(usable(CollectionService::new(collections, &client))?),
        None => Arc::new(ReceiptRegister::new(registers.clone(), clock.clone())),
    };
    let payers: Arc<dyn Payers> = match &services.users {
        Some(users) => Arc::new(usable(UserService::new(users, &client, clock.clone()))?),
        None => Arc::new(PayerDirectory::new(registers.clone(), clock.clone())),
    };
    let bank_accounts: Arc<dyn BankAccounts> = match &services.bank_accounts {
        Some(accounts) => Arc::new(usable(BankAccountMaster::new(accounts, &client, clock.clone()))?),
        None => Arc::new(embedded.bank_accounts.clone()),
    };
    Ok(Services { ids, collections, payers, bank_accounts })
}

/// The proof of callers' identities.
pub(super) fn identity_proof(config: &Config, clock: &Arc<dyn Clock>) -> Outcome<IdentityProof> {
    Ok(match &config.identity {
        config::IdentityProof::Token(tokens) => {
            let tokens = usable(TokenService::new(tokens, &client(&config.services)?, clock.clone()))?;
            IdentityProof::token(Arc::new(tokens))
        }
        config::IdentityProof::Header { name, secret } => {
            IdentityProof::Header { name: name.clone(), secret: secret.clone() }
        }
        config::IdentityProof::Believed => IdentityProof::Believed,
    })
}

/// The services that text messages need.
pub(super) fn message_services(config: &Config, clock: &Arc<dyn Clock>) -> Outcome<MessageServices> {
    let services = &config.services;
    let client = client(services)?;
    let with_payment_link =
        config.notifications.as_ref().is_some_and(|settings| settings.payment_link.is_some());
    let messages: Arc<dyn Messages> = match &services.localization {
        Some(localization) => {
            Arc::new(usable(LocalizationService::new(localization, &client, clock.clone()))?)
        }
        None => Arc::new(DefaultMessages { with_payment_link }),
    };
    let bills = match &services.billing {
        Some(billing) => Some(Arc::new(usable(BillingService::new(billing, &client))?) as Arc<dyn Bills>),
        None => None,
    };
    let links = match &services.url_shortener {
        Some(shortener) => Some(Arc::new(usable(LinkShortener::new(shortener, &client))?) as Arc<dyn Links>),
        None => None,
    };
    Ok(MessageServices { messages, bills, links })
}

pub(super) fn client(services: &config::DigitServices) -> Outcome<Client> {
    Client::new(services.limits).map_err(|error| {
        Failure::new("DIGIT's services cannot be called")
            .because(error.as_ref())
            .try_this("install the system's CA certificates")
    })
}

pub(super) fn usable<T>(made: Result<T, InvalidAddress>) -> Outcome<T> {
    made.map_err(|error| {
        Failure::new("the address of a DIGIT service cannot be used")
            .because(&error)
            .try_this("`pg-service check-config` shows where it is set")
    })
}
