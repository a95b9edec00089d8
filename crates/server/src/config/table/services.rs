//! The services of DIGIT: called where their hosts are set, stood in for where they are not.

use crate::config::setting::{Kind, Setting};

const CACHE: Kind = Kind::Number { min: 0, max: 86_400 };

/// The embedded implementations that are built in.
pub(super) const STAND_INS: &[Setting] = &[
    Setting::digit(
        "egov.idgen.ack.format",
        Kind::Text,
        "The format of transaction ids, as DIGIT's id generation writes it: `[cy:…]` and `[fy:…]` dates, `[SEQ_…]` sequence numbers, `[d{n}]` random digits, `[city]` and `[tenantid]`. DIGIT's service is given it, too.",
    )
    .or_worked_out(
        "`PB_PG_[cy:yyyy_MM_dd]_[SEQ_EG_PG_TXN]_[d{9}]`; `…_[d{2}]` is what DIGIT's service is given",
    ),
    Setting::own(
        "bank-account",
        Kind::Text,
        "The number of the tenant's bank account, for gateways that ask for it.",
    )
    .per_tenant(),
];

pub(super) const SERVICES: &[Setting] = &[
    Setting::digit("egov.idgen.host", Kind::Service, "Where transactions are numbered."),
    Setting::digit("egov.idgen.path", Kind::Text, "The path that numbers transactions.").or("egov-idgen/id/_generate"),
    Setting::digit("egov.idgen.ack.name", Kind::Text, "The name of the id at the service.").or("pg.txnid"),
    Setting::digit(
        "egov.collectionservice.host",
        Kind::Service,
        "Where payments are registered and receipts issued.",
    ),
    Setting::digit("egov.collectionservice.payment.create.path", Kind::Text, "The path that registers a payment.")
        .or("collection-services/payments/_create"),
    Setting::digit("egov.collectionservice.payment.validate.path", Kind::Text, "The path that validates a payment.")
        .or("collection-services/payments/_validate"),
    Setting::own(
        "egov.collectionservice.payment.search.path",
        Kind::Text,
        "The path that tells whether a payment was registered before.",
    )
    .or("collection-services/payments/_search"),
    Setting::digit("egov.bankaccountservice.host", Kind::Service, "Where the bank accounts of tenants are known."),
    Setting::digit("egov.bankaccountservice.path", Kind::Text, "The path that finds bank accounts.")
        .or("egf-master/bankaccounts/_search"),
    Setting::digit("egov.userservice.host", Kind::Service, "Where payers are known."),
    Setting::digit("egov.userservice.search.path", Kind::Text, "The path that finds a user.").or("user/_search"),
    Setting::digit("egov.userservice.create.path", Kind::Text, "The path that registers a user.")
        .or("user/users/_createnovalidate"),
    Setting::own(
        "egov.userservice.details.path",
        Kind::Text,
        "The path that tells whose an access token is.",
    )
    .or("user/_details"),
    Setting::digit(
        "pg.is.user.create.enabled",
        Kind::Flag,
        "Whether payers whom the user service does not know are registered there.",
    )
    .or("true"),
    Setting::own(
        "services.connect-timeout-ms",
        Kind::Number { min: 100, max: 30_000 },
        "How many milliseconds a connection to a service of DIGIT may take to be made.",
    )
    .or("3000"),
    Setting::own(
        "services.timeout-ms",
        Kind::Number { min: 100, max: 120_000 },
        "How many milliseconds a call to a service of DIGIT may take in all. Calls that only ask are repeated within that time when they are not answered; calls that act never are.",
    )
    .or("15000"),
    Setting::own(
        "cache.bank-accounts-secs",
        CACHE,
        "For how many seconds the number of a tenant's bank account is remembered; 0 asks each time.",
    )
    .or("600"),
    Setting::own(
        "cache.payers-secs",
        CACHE,
        "For how many seconds a payer who was found is remembered; 0 asks each time.",
    )
    .or("600"),
    Setting::own(
        "cache.messages-secs",
        CACHE,
        "For how many seconds the texts of messages are remembered; 0 asks each time.",
    )
    .or("3600"),
];
