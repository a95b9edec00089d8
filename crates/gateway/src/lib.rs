//! The interface between this service and a payment gateway.
//!
//! Implement [`Gateway`] and register the adapter with the server: nothing else needs to change.
//! An adapter translates; it decides nothing. Whether a transaction succeeds is decided by
//! [`payment_domain::machine`] from the [`Report`] that [`Gateway::status`] returns.
//!
//! The server puts a guard before every adapter ([`Guarded`]): a limit on calls at once, and a circuit
//! breaker. The feature `conformance` holds the suite that every adapter has to pass, the feature `fake` a
//! scripted gateway for the tests of callers.
//!
//! Three rules every adapter keeps:
//! - an answer it does not recognise is [`Outcome::Unrecognised`](payment_domain::Outcome::Unrecognised),
//!   never a failure: money may have moved;
//! - every call has a connect and a total timeout, and a call that acts is not repeated;
//! - no secret, signature input, card hint or personal datum appears in an error, a log or
//!   [`Report::raw`](payment_domain::Report::raw).

#![warn(missing_docs)]

mod answer;
#[cfg(any(test, feature = "conformance"))]
pub mod conformance;
#[cfg(any(test, feature = "fake"))]
mod fake;
mod foreign;
pub mod guard;
mod profile;
mod refunding;
mod versions;

use std::time::Duration;

use async_trait::async_trait;
use payment_domain::{Report, Timestamp, Transaction, TxnId};
use payment_http_client::CallError;

pub use answer::{Answer, Params};
#[cfg(any(test, feature = "fake"))]
pub use fake::{FakeGateway, GivenBack, RefundFate, StartFault};
pub use foreign::Foreign;
pub use guard::{CALL_LIMITS_MS, CallCounts, Calls, GuardSettings, Guarded};
pub use payment_http_client::BoxError;
pub use profile::{Currencies, Profile, StartMode, USUAL_SESSION, VerifyMode};
pub use refunding::{NoRefund, RefundOrder, RefundTerms, Refunding, Repetition};
pub use versions::{Version, Versions};

/// Why a gateway could not be used. The variants are decisions for the caller.
#[derive(Debug, thiserror::Error)]
pub enum GatewayError {
    /// The request never left us: nothing happened at the gateway, repeating is safe.
    #[error("the gateway could not be reached")]
    NotSent(#[source] BoxError),
    /// Something of ours is missing that the call needs: a file descriptor, memory, the address that
    /// belongs to the gateway's name. Nothing left us, repeating is safe, and it says nothing about the
    /// gateway.
    #[error("the gateway could not be called for a fault on our side")]
    LocalFault(#[source] BoxError),
    /// The request left, no whole answer came: the gateway may have acted. Only ask for the status.
    #[error("the gateway did not answer")]
    Unanswered(#[source] BoxError),
    /// The answer cannot be read: nothing is known, the transaction keeps its state.
    #[error("the gateway's answer cannot be read: {0}")]
    Unreadable(String),
    /// The gateway refuses to start this payment; nothing was started.
    #[error("the gateway refused the payment: {code}")]
    Refused {
        /// The gateway's code.
        code: String,
    },
    /// No call was made, because the gateway is down or too many calls are under way: nothing
    /// happened there. The work is put off, not failed.
    #[error("the gateway is not available at the moment")]
    Unavailable {
        /// Time until another try makes sense.
        retry_after: Duration,
    },
    /// Signed parameters whose signature is wrong: refused, changes nothing.
    #[error("the signature is wrong")]
    BadSignature,
    /// Well-signed parameters that belong to another transaction, merchant or amount: refused.
    #[error("the answer is not about this transaction")]
    WrongTransaction,
}

impl From<CallError> for GatewayError {
    fn from(error: CallError) -> GatewayError {
        match error {
            CallError::NotSent(source) => GatewayError::NotSent(source),
            CallError::LocalFault(source) => GatewayError::LocalFault(source),
            CallError::Unanswered(source) => GatewayError::Unanswered(source),
            CallError::Unreadable(why) => GatewayError::Unreadable(why),
        }
    }
}

/// Whether a gateway can be used now.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Availability {
    /// No failure is known.
    Available,
    /// It is unavailable; work that needs it should not begin.
    Unavailable {
        /// Time until another try makes sense.
        retry_after: Duration,
    },
}

/// An order as [`Gateway::start`] needs it.
#[derive(Debug, Clone, Copy)]
pub struct Order<'a> {
    /// The transaction; its id is the order number, its amount the requested one.
    pub txn: &'a Transaction,
    /// The URL to which the gateway sends the payer's browser, by GET or by form POST: the
    /// application's or one of this service.
    pub return_url: &'a str,
    /// The URL to which the gateway reports from server to server; `None` where it cannot reach this
    /// service.
    pub notify_url: Option<&'a str>,
    /// End of its life. A provider that takes an expiry is given this one, so that no order is paid after
    /// it was given up.
    pub payable_until: Timestamp,
    /// The tenant's bank account, where [`Profile::needs_bank_account`] says so.
    pub bank_account: Option<&'a str>,
}

/// How the payer's browser gets to the gateway.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Redirect {
    /// By following this absolute URL.
    To(String),
    /// By posting a form; the service shows a page that does so.
    Form {
        /// The absolute URL the form is posted to.
        action: String,
        /// Names and values of the form's fields, in order.
        fields: Vec<(String, String)>,
    },
}

/// The value of a set of callback parameters as evidence.
#[derive(Debug, Clone, PartialEq)]
pub enum Evidence {
    /// Not signed by the gateway: only a reason to ask for the status.
    Unsigned,
    /// Signed by the gateway and about this transaction, its merchant and its amount. A repeated callback is
    /// recognised by [`Report::raw`](payment_domain::Report::raw): it holds the signed content and
    /// distinguishes events (by their id, where the body has one), and holds nothing that changes with a
    /// delivery. An event id in an unsigned header identifies nothing: a sender who repeats a callback can
    /// change it.
    Signed(Report),
}

/// The code of [`Outcome::Unrecognised`](payment_domain::Outcome::Unrecognised) for an order that was opened, and that
/// the account which asks does not have.
pub const ORDER_OF_ANOTHER_ACCOUNT: &str = "ORDER_OF_ANOTHER_ACCOUNT";

/// A gateway at which an order can be closed.
#[async_trait]
pub trait Closing: Send + Sync {
    /// Closes an order, so that it cannot be paid any more, and reports its state then:
    /// [`Outcome::Declined`](payment_domain::Outcome::Declined) when it is closed and nothing was taken,
    /// [`Outcome::Paid`](payment_domain::Outcome::Paid) when a payer was faster. One that the gateway does
    /// not know yet cannot be paid later either. Closing it again changes nothing.
    ///
    /// # Errors
    /// As of [`Gateway::status`]; after [`GatewayError::Unanswered`] it may be closed.
    async fn close(&self, txn: &Transaction) -> Result<Report, GatewayError>;
}

/// A payment gateway.
#[async_trait]
pub trait Gateway: Send + Sync {
    /// The properties of the gateway for the service.
    fn profile(&self) -> &Profile;

    /// Whether the gateway can be used at the moment. [`Guarded`] keeps a record of it; an adapter leaves
    /// this as it is.
    fn availability(&self) -> Availability {
        Availability::Available
    }

    /// How an order is closed, where the provider can do that.
    fn closing(&self) -> Option<&dyn Closing>;

    /// How money is given back; `None` where that cannot be done through the gateway.
    fn refunding(&self) -> Option<&dyn Refunding>;

    /// Opens the order at the gateway and returns the way to the pay page. Called again for the same
    /// order only when the first answer was lost; it must then not open a second order.
    ///
    /// # Errors
    /// [`GatewayError::NotSent`], [`GatewayError::Refused`] and [`GatewayError::Unavailable`] when
    /// nothing was opened; [`GatewayError::Unanswered`] and [`GatewayError::Unreadable`] when that is not known.
    async fn start(&self, order: &Order<'_>) -> Result<Redirect, GatewayError>;

    /// Reads the transaction id out of an answer, before anything in it is verified; `None` when
    /// it names none.
    fn names(&self, answer: &Answer) -> Option<TxnId>;

    /// Checks the signature of an answer and that order id, amount and merchant in it are those of
    /// `txn`.
    ///
    /// # Errors
    /// [`GatewayError::BadSignature`] for a wrong one, [`GatewayError::WrongTransaction`] for a
    /// good one on another payment. Every other error means that it could not be checked: the answer
    /// is then treated as unsigned.
    async fn verify(&self, txn: &Transaction, answer: &Answer) -> Result<Evidence, GatewayError>;

    /// Asks the gateway for the state of the payment. Changes nothing there.
    ///
    /// # Errors
    /// [`GatewayError::NotSent`], [`GatewayError::Unanswered`], [`GatewayError::Unreadable`] or
    /// [`GatewayError::Unavailable`]: in each case the transaction keeps its state.
    async fn status(&self, txn: &Transaction) -> Result<Report, GatewayError>;
}
