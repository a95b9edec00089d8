//! The DIGIT services that a payment needs: ids, the collection service, the user service, the bank account
//! master, and the services behind text messages to payers. Each is a small trait; [`clients`] calls the real
//! services over HTTP, [`embedded`] holds embedded implementations that do the same work inside this process,
//! for running without DIGIT. Any mix works.

mod cancelling;
pub mod clients;
pub mod embedded;
mod payer_key;

use async_trait::async_trait;
use payment_domain::{
    BillId, Currency, Money, Payer, Personal, RequestInfo, TenantId, Timestamp, TxnId, UserInfo,
};

use secrecy::SecretString;

pub use cancelling::{Cancellability, PaymentKey, Registered, Standing, cancellability};

/// An error of the layer below, boxed.
pub type BoxError = Box<dyn std::error::Error + Send + Sync>;

/// The failure of a DIGIT service. The variants are decisions for the caller. Neither `Debug` nor `Display`
/// shows an error body: it may name people.
#[derive(thiserror::Error)]
pub enum DigitError {
    /// The request never left us: nothing happened, repeating is safe.
    #[error("{service} could not be reached")]
    NotSent {
        service: &'static str,
        #[source]
        source: BoxError,
    },
    /// The request left, no usable answer came: the service may have acted.
    #[error("{service} did not answer")]
    Unanswered {
        service: &'static str,
        #[source]
        source: BoxError,
    },
    /// The service refused with an error body of its own, which is passed on as it came.
    #[error("{service} refused")]
    Refused {
        service: &'static str,
        /// Its error body, JSON text.
        body: String,
    },
    /// The service answered, but without a required value: an error of ours, with its code.
    #[error("{code}: {message}")]
    Incomplete {
        /// The contract's error code, e.g. `PAYMENT_VALIDATION_FAILED`.
        code: &'static str,
        message: String,
    },
}

impl DigitError {
    /// Of a collection service that [`takes`](Collections::takes) no such payments.
    pub fn currency(currency: Currency) -> DigitError {
        DigitError::Incomplete {
            code: Currency::NOT_SUPPORTED,
            message: format!("The collection service issues no receipts for payments in {}", currency.code()),
        }
    }
}

impl std::fmt::Debug for DigitError {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        let unclear = |f: &mut std::fmt::Formatter<'_>, name, service, source: &BoxError| {
            f.debug_struct(name).field("service", service).field("source", source).finish()
        };
        match self {
            DigitError::NotSent { service, source } => unclear(f, "NotSent", service, source),
            DigitError::Unanswered { service, source } => unclear(f, "Unanswered", service, source),
            DigitError::Refused { service, .. } => {
                f.debug_struct("Refused").field("service", service).finish_non_exhaustive()
            }
            DigitError::Incomplete { code, message } => {
                f.debug_struct("Incomplete").field("code", code).field("message", message).finish()
            }
        }
    }
}

#[async_trait]
pub trait TransactionIds: Send + Sync {
    /// A transaction id that was never given before.
    async fn next(&self, info: &RequestInfo, tenant: &TenantId) -> Result<TxnId, DigitError>;
}

/// A payment as the collection service registers it.
#[derive(Debug, Clone)]
pub struct Payment {
    pub tenant_id: TenantId,
    /// The transaction's id; `None` while the payment is only validated.
    pub transaction_number: Option<TxnId>,
    pub total: Money,
    pub bills: Vec<(BillId, Money)>,
    pub payer_name: Personal,
    pub payer_mobile: Personal,
    pub paid_at: Timestamp,
    /// The client's own data of the transaction.
    pub additional_details: serde_json::Map<String, serde_json::Value>,
}

/// The numbers of the receipts of one registered payment, one a bill, in the order of the bills.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Receipts(pub Vec<String>);

/// The cancellation of a registered payment's receipts.
#[derive(Debug, Clone, Copy)]
pub struct Cancellation<'a> {
    pub tenant: &'a TenantId,
    pub transaction_number: &'a TxnId,
    pub payment: &'a Registered,
    /// For the service's books.
    pub reason: &'a str,
}

#[async_trait]
pub trait Collections: Send + Sync {
    /// Whether it registers payments in this currency. With any other, no other call is made.
    fn takes(&self, currency: Currency) -> bool;

    /// Whether such a payment could be registered now.
    ///
    /// # Errors
    /// [`DigitError::Refused`] or [`DigitError::Incomplete`] when it could not.
    async fn validate(&self, info: &RequestInfo, payment: &Payment) -> Result<(), DigitError>;

    /// Registers a payment. This acts: after an unclear answer, [`Collections::find`] first.
    ///
    /// # Errors
    /// [`DigitError::Refused`] when it is not registered and will not be.
    async fn create(&self, info: &RequestInfo, payment: &Payment) -> Result<Receipts, DigitError>;

    /// The payment with this transaction number, if it is registered, also when its receipts are cancelled.
    async fn find(
        &self,
        info: &RequestInfo,
        tenant: &TenantId,
        transaction_number: &TxnId,
    ) -> Result<Option<Registered>, DigitError>;

    /// Whether no later payment of one of its consumer codes is registered, cancelled ones apart.
    ///
    /// # Errors
    /// [`DigitError`] when that cannot be found out.
    async fn is_latest(
        &self,
        info: &RequestInfo,
        tenant: &TenantId,
        payment: &Registered,
    ) -> Result<bool, DigitError>;

    /// Cancels all receipts of a payment that was found [`Valid`](Standing::Valid), so that its bills can be
    /// paid again. This acts: after an unclear answer, [`Collections::find`] first.
    ///
    /// # Errors
    /// [`DigitError::Refused`] or [`DigitError::Incomplete`] when they are not cancelled.
    async fn cancel(&self, info: &RequestInfo, cancellation: &Cancellation<'_>) -> Result<(), DigitError>;
}

/// The payer as a client describes them.
#[derive(Debug, Clone)]
pub struct PayerDetails {
    pub name: Personal,
    pub mobile_number: Personal,
    /// The e-mail address, where given.
    pub email_id: Option<Personal>,
    /// The login name, where given.
    pub user_name: Option<Personal>,
    /// The user service's id, where given.
    pub uuid: Option<String>,
    pub tenant_id: TenantId,
}

#[async_trait]
pub trait Payers: Send + Sync {
    /// The payer of this description; an unknown one is registered.
    async fn find_or_create(&self, info: &RequestInfo, details: &PayerDetails) -> Result<Payer, DigitError>;
}

/// Knows to whom access tokens were given.
#[async_trait]
pub trait Tokens: Send + Sync {
    /// The user of an access token; `None` when the token is unknown, expired or revoked.
    ///
    /// # Errors
    /// [`DigitError::NotSent`] and [`DigitError::Unanswered`] when the service could not be asked.
    async fn user_of(&self, token: &str) -> Result<Option<UserInfo>, DigitError>;
}

/// The name and password of an employee.
#[derive(Debug, Clone, Copy)]
pub struct Credentials<'a> {
    pub user_name: &'a str,
    pub password: &'a SecretString,
    pub tenant: &'a TenantId,
}

/// Gives employees access tokens.
#[async_trait]
pub trait Passwords: Send + Sync {
    /// An access token; `None` when name, password or tenant are wrong.
    ///
    /// # Errors
    /// [`DigitError::NotSent`] and [`DigitError::Unanswered`] when the service could not be asked.
    async fn log_in(&self, credentials: &Credentials<'_>) -> Result<Option<SecretString>, DigitError>;
}

#[async_trait]
pub trait BankAccounts: Send + Sync {
    /// The number of the tenant's one bank account.
    async fn account_number(&self, info: &RequestInfo, tenant: &TenantId) -> Result<String, DigitError>;
}

#[async_trait]
pub trait Bills: Send + Sync {
    /// The service a bill belongs to, e.g. `PT`; `None` for an unknown bill.
    async fn business_service(
        &self,
        info: &RequestInfo,
        tenant: &TenantId,
        bill: &BillId,
    ) -> Result<Option<String>, DigitError>;
}

/// Knows the texts that payers are sent, in their languages.
#[async_trait]
pub trait Messages: Send + Sync {
    /// The text of a code in a language (`en_IN`), with its placeholders; `None` when there is none.
    async fn text(
        &self,
        info: &RequestInfo,
        tenant: &TenantId,
        locale: &str,
        code: &str,
    ) -> Result<Option<String>, DigitError>;
}

#[async_trait]
pub trait Links: Send + Sync {
    /// A short link that leads to a long one.
    async fn shorten(&self, url: &str) -> Result<String, DigitError>;
}
