//! A pretend DIGIT and the clients that call it.

use std::sync::Arc;
use std::time::Duration;

use payment_digit::clients::{
    BankAccountMaster, BankAccountMasterConfig, BillingConfig, BillingService, Client, CollectionConfig,
    CollectionService, IdGeneration, IdGenerationConfig, LIMITS, Limits, LinkShortener, LinkShortenerConfig,
    LocalizationConfig, LocalizationService, PasswordConfig, PasswordService, TokenConfig, TokenService,
    UserConfig, UserService,
};
use payment_digit::{
    Credentials, DigitError, Passwords, PayerDetails, Payment, PaymentKey, Receipts, Registered, Standing,
};
use payment_domain::{
    BillId, Clock, Currency, ManualClock, Money, Personal, RequestInfo, TenantId, Timestamp, TxnId,
};
use payment_simulator::digit::PretendDigit;
use secrecy::ExposeSecret;
use serde_json::{Value, json};

/// Values from a caller that must never be printed.
pub(crate) const SECRETS: [&str; 4] = ["s3cret-token", "Asha Rani", "9876543210", "127.0.0.1"];

pub(crate) struct World {
    pub(crate) digit: PretendDigit,
    pub(crate) clock: Arc<ManualClock>,
    pub(crate) clients: Clients,
}

pub(crate) struct Clients {
    pub(crate) ids: IdGeneration,
    pub(crate) collections: CollectionService,
    pub(crate) users: UserService,
    pub(crate) bank_accounts: BankAccountMaster,
    pub(crate) bills: BillingService,
    pub(crate) messages: LocalizationService,
    pub(crate) links: LinkShortener,
    pub(crate) tokens: TokenService,
    pub(crate) passwords: PasswordService,
}

/// Limits that no test runs into by accident, however busy the machine is.
pub(crate) fn patient() -> Limits {
    Limits { total_timeout: Duration::from_secs(60), ..LIMITS }
}

/// Limits for answers that never come; long enough for the request to arrive on a busy machine.
pub(crate) fn hurried() -> Limits {
    Limits { total_timeout: Duration::from_secs(2), ..LIMITS }
}

impl Clients {
    /// Clients of the services at that host.
    pub(crate) fn at(host: &str, limits: Limits, clock: &Arc<ManualClock>) -> Clients {
        let client = Client::new(limits).unwrap();
        let clock: Arc<dyn Clock> = clock.clone();
        let tokens = TokenConfig { wait: limits.total_timeout, ..TokenConfig::at(host) };
        let passwords = PasswordConfig {
            host: host.to_owned(),
            path: "/user/oauth/token".to_owned(),
            client_id: "egov-user-client".to_owned(),
            client_secret: "".into(),
        };
        Clients {
            passwords: PasswordService::new(&passwords, &client).unwrap(),
            tokens: TokenService::new(&tokens, &client, clock.clone()).unwrap(),
            ids: IdGeneration::new(&IdGenerationConfig::at(host), &client).unwrap(),
            collections: CollectionService::new(&CollectionConfig::at(host), &client).unwrap(),
            users: UserService::new(&UserConfig::at(host), &client, clock.clone()).unwrap(),
            bank_accounts: BankAccountMaster::new(&BankAccountMasterConfig::at(host), &client, clock.clone())
                .unwrap(),
            bills: BillingService::new(&BillingConfig::at(host), &client).unwrap(),
            messages: LocalizationService::new(&LocalizationConfig::at(host), &client, clock).unwrap(),
            links: LinkShortener::new(&LinkShortenerConfig::at(host), &client).unwrap(),
        }
    }
}

impl World {
    pub(crate) async fn new() -> World {
        World::with(patient()).await
    }

    pub(crate) async fn with(limits: Limits) -> World {
        let digit = PretendDigit::start().await.unwrap();
        let clock = Arc::new(ManualClock::at(Timestamp::from_millis(1_764_000_000_000)));
        let clients = Clients::at(digit.url(), limits, &clock);
        World { digit, clock, clients }
    }
}

/// The `RequestInfo` of a citizen's browser, with an unknown field.
pub(crate) fn info() -> RequestInfo {
    serde_json::from_value(json!({
        "apiId": "Rainmaker",
        "ts": 1_764_000_000_000_i64,
        "msgId": "20170310130900|en_IN",
        "authToken": "s3cret-token",
        "correlationId": "corr-1",
        "plainAccessRequest": {"recordId": "r"},
        "fieldNobodyKnows": [1, {"a": null}],
        "userInfo": {"id": 24, "uuid": "u-1", "userName": "9876543210", "name": "Asha Rani", "type": "CITIZEN",
            "mobileNumber": "9876543210", "tenantId": "pb", "roles": [{"code": "CITIZEN"}]},
    }))
    .unwrap()
}

pub(crate) fn tenant() -> TenantId {
    TenantId::new("pb.amritsar").unwrap()
}

pub(crate) fn bill(id: &str) -> BillId {
    BillId::new(id).unwrap()
}

pub(crate) fn txn(id: &str) -> TxnId {
    TxnId::new(id).unwrap()
}

/// A payment of these bills under that number.
pub(crate) fn payment(number: Option<&str>, bills: &[(&str, &str)]) -> Payment {
    payment_in(Currency::INR, number, bills)
}

/// The same in another currency.
pub(crate) fn payment_in(currency: Currency, number: Option<&str>, bills: &[(&str, &str)]) -> Payment {
    let bills: Vec<(BillId, Money)> =
        bills.iter().map(|(id, paid)| (bill(id), Money::parse(paid, currency).unwrap())).collect();
    Payment {
        tenant_id: tenant(),
        transaction_number: number.map(txn),
        total: Money::sum(bills.iter().map(|(_, paid)| *paid), currency).unwrap(),
        bills,
        payer_name: Personal::new("Asha Rani"),
        payer_mobile: Personal::new("9876543210"),
        paid_at: Timestamp::from_millis(1_764_000_000_123),
        additional_details: json!({"isWhatsapp": false}).as_object().unwrap().clone(),
    }
}

/// The first payment that a pretend DIGIT registers, as a look-up shows it.
pub(crate) fn first_registered() -> Registered {
    let key = PaymentKey {
        id: Some("00000000-0000-4000-9000-000000000001".to_owned()),
        business_services: vec!["PT".to_owned()],
        consumer_codes: vec!["B0".to_owned()],
        made_at: Some(1_764_000_000_000),
    };
    let receipts = Receipts(vec!["PT/107/2026-27/000001".to_owned()]);
    Registered { receipts, standing: Standing::Valid, key }
}

/// An employee who logs in with [`log_in`]'s password.
pub(crate) fn employee() -> Value {
    json!({"uuid": "e-1", "type": "EMPLOYEE", "userName": "asha", "tenantId": "pb.amritsar", "roles": []})
}

pub(crate) const PASSWORD: &str = "s3cret &=% ਪਾਸਵਰਡ";

pub(crate) async fn log_in(clients: &Clients, password: &str) -> Result<Option<String>, DigitError> {
    let (tenant, password) = (tenant(), password.into());
    let credentials = Credentials { user_name: "asha", password: &password, tenant: &tenant };
    let token = clients.passwords.log_in(&credentials).await?;
    Ok(token.map(|token| token.expose_secret().to_owned()))
}

/// The payer of that name, with an id and a login of their own choice.
pub(crate) fn payer(name: &str) -> PayerDetails {
    PayerDetails {
        name: Personal::new(name),
        mobile_number: Personal::new("9876543210"),
        email_id: Some(Personal::new("asha@example.org")),
        user_name: Some(Personal::new("admin")),
        uuid: Some("somebody-else".to_owned()),
        tenant_id: tenant(),
    }
}

/// The meaning of an error for the caller: the body of a refusal, the code of an error of ours.
#[derive(Debug, PartialEq, Eq)]
pub(crate) enum ErrorKind {
    NotSent,
    Unanswered,
    Refused(String),
    Ours(&'static str),
}

/// Sorts an error, which must not show any part of the request.
pub(crate) fn kind_of(error: DigitError) -> ErrorKind {
    let mut printed = format!("{error} {error:?}");
    let mut source = std::error::Error::source(&error);
    while let Some(cause) = source {
        printed.push_str(&format!(" {cause} {cause:?}"));
        source = cause.source();
    }
    // The address of a failed connection is in the system's own error; nothing else of the URL is.
    let connects = matches!(error, DigitError::NotSent { .. });
    for secret in SECRETS.iter().filter(|secret| !(connects && **secret == "127.0.0.1")) {
        assert!(!printed.contains(secret), "{printed}");
    }
    assert!(!printed.contains("_search") && !printed.contains("pb.amritsar"), "{printed}");
    match error {
        DigitError::NotSent { .. } => ErrorKind::NotSent,
        DigitError::Unanswered { .. } => ErrorKind::Unanswered,
        DigitError::Refused { body, .. } => ErrorKind::Refused(body),
        DigitError::Incomplete { code, .. } => ErrorKind::Ours(code),
    }
}
