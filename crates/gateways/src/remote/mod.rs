//! Remote gateways: a provider's adapter as a small HTTP service of the operator's, in any language.
//!
//! The service answers three requests: the pay page of an order (`start`), its status (`status`), whether a
//! provider's message is genuine (`verify`); where its provider can, it closes orders and refunds. Requests
//! and answers are signed with a shared secret. The protocol is described in `docs/remote-gateway.md`.
//!
//! The service is trusted with the provider's report, not with its consequences: order, amount and currency
//! in its answers are compared here, and unknown words are unrecognised.

pub mod account;
pub mod refund;
pub mod signature;
pub mod wire;

use std::sync::Arc;

use async_trait::async_trait;
use payment_domain::{Clock, RefundId, RefundReport, Report, Transaction, TxnId};
use payment_gateway::{
    Answer, Closing, Evidence, Gateway, GatewayError, NoRefund, Order, Profile, Redirect, RefundOrder,
    RefundTerms, Refunding,
};

pub use account::{RemoteAccount, SETTINGS};

use self::refund::Refunds;
use self::wire::{Operation, Question, Verdict};
use crate::account::Account;
use crate::client::Client;
use crate::json::Object;
use crate::refund::minimum;

/// Our own parameter, which our return URL carries.
const OUR_PARAMETER: &str = "eg_pg_txnid";

/// The adapter of one remote gateway.
pub struct Remote {
    profile: Profile,
    account: RemoteAccount,
    client: Client,
    clock: Arc<dyn Clock>,
}

impl Remote {
    /// An adapter that calls with this client, which should keep [`RemoteAccount::limits`]. The clock dates
    /// requests and judges the age of answers.
    pub fn new(account: RemoteAccount, client: Client, clock: Arc<dyn Clock>) -> Remote {
        Remote { profile: account.profile(), account, client, clock }
    }

    async fn ask(&self, operation: Operation, body: String) -> Result<Object, GatewayError> {
        let nonce = signature::new_nonce().map_err(|error| GatewayError::LocalFault(error.into()))?;
        let question = Question::new(&self.account, operation, body, self.clock.now(), nonce);
        let reply = self.client.send(&question.call).await?;
        question.read(&self.account, reply, self.clock.now())
    }
}

impl std::fmt::Debug for Remote {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.debug_struct("Remote").field("account", &self.account).finish_non_exhaustive()
    }
}

#[async_trait]
impl Gateway for Remote {
    fn profile(&self) -> &Profile {
        &self.profile
    }

    fn closing(&self) -> Option<&dyn Closing> {
        self.account.closes_orders.then_some(self as &dyn Closing)
    }

    fn refunding(&self) -> Option<&dyn Refunding> {
        (self.account.refunds != Refunds::None).then_some(self as &dyn Refunding)
    }

    async fn start(&self, order: &Order<'_>) -> Result<Redirect, GatewayError> {
        let body = wire::start_body(&self.account, order)?;
        wire::redirect(&self.ask(Operation::Start, body).await?, order.txn)
    }

    fn names(&self, answer: &Answer) -> Option<TxnId> {
        let parameter = self.profile.transaction_parameter.as_ref();
        let in_body = || TxnId::new(Object::parse(&answer.body)?.text(parameter)?).ok();
        answer.transaction_in(parameter).or_else(in_body).or_else(|| answer.transaction_in(OUR_PARAMETER))
    }

    async fn verify(&self, txn: &Transaction, answer: &Answer) -> Result<Evidence, GatewayError> {
        if self.names(answer).is_some_and(|named| named != txn.id) {
            return Err(GatewayError::WrongTransaction);
        }
        if wire::is_bare(answer, txn) {
            return Ok(Evidence::Unsigned);
        }
        let body = wire::verify_body(&self.account, txn, answer)?;
        match wire::verdict(&self.ask(Operation::Verify, body).await?, txn)? {
            Verdict::Unsigned => Ok(Evidence::Unsigned),
            Verdict::BadSignature => Err(GatewayError::BadSignature),
            Verdict::WrongTransaction => Err(GatewayError::WrongTransaction),
            Verdict::Signed(report) => Ok(Evidence::Signed(report)),
        }
    }

    async fn status(&self, txn: &Transaction) -> Result<Report, GatewayError> {
        let body = wire::status_body(&self.account, txn)?;
        wire::status_report(&self.ask(Operation::Status, body).await?, txn)
    }
}

#[async_trait]
impl Closing for Remote {
    async fn close(&self, txn: &Transaction) -> Result<Report, GatewayError> {
        let body = wire::status_body(&self.account, txn)?;
        wire::status_report(&self.ask(Operation::Close, body).await?, txn)
    }
}

#[async_trait]
impl Refunding for Remote {
    fn terms(&self, payment: &Transaction) -> Result<RefundTerms, NoRefund> {
        let parts = match self.account.refunds {
            Refunds::None => return Err(NoRefund::Never),
            Refunds::Whole => false,
            Refunds::Parts => true,
        };
        let minimum = if parts { minimum(1, payment) } else { payment.amount };
        Ok(RefundTerms { partial: parts, several: parts, minimum, repetition: self.account.repetition })
    }

    async fn refund(&self, order: &RefundOrder<'_>) -> Result<RefundReport, GatewayError> {
        let body = refund::body(&self.account, order)?;
        Ok(refund::report(&self.ask(Operation::Refund, body).await?, order))
    }

    async fn refund_status(&self, order: &RefundOrder<'_>) -> Result<RefundReport, GatewayError> {
        let body = refund::body(&self.account, order)?;
        Ok(refund::report(&self.ask(Operation::RefundStatus, body).await?, order))
    }

    fn names_refund(&self, answer: &Answer) -> Option<RefundId> {
        refund::named(answer)
    }
}

#[cfg(test)]
mod tests;
