//! The sandbox gateway: real in everything but the money.
//!
//! The pay link is made and signed here, without a call; the sandbox learns of an order when the payer opens
//! its page. Its report on an order, by browser, callback or answer, is one set of signed fields, in which
//! the requested amount and the taken amount are separate: the first identifies our order, the second is the
//! result.

pub mod refund;
pub mod signature;
pub mod wire;

use std::sync::Arc;

use async_trait::async_trait;
use payment_domain::{Clock, GatewayName, RefundId, RefundReport, Report, Timestamp, Transaction, TxnId};
use payment_gateway::{
    Answer, Closing, Currencies, Evidence, Gateway, GatewayError, NoRefund, Order, Profile, Redirect,
    RefundOrder, RefundTerms, Refunding, Repetition, StartMode, USUAL_SESSION, VerifyMode,
};
use secrecy::SecretString;

use self::wire::SignedMessage;
use crate::client::{Call, Client};
use crate::refund::minimum;

/// The account at a sandbox.
#[derive(Debug, Clone)]
pub struct SandboxAccount {
    /// Where payers' browsers reach the sandbox, e.g. `http://localhost:9000/sandbox`.
    pub page_url: String,
    pub api_url: String,
    /// The name it knows us by.
    pub merchant: String,
    pub secret: SecretString,
}

pub struct Sandbox {
    profile: Profile,
    account: SandboxAccount,
    client: Client,
    clock: Arc<dyn Clock>,
}

impl Sandbox {
    /// An adapter for this merchant. The clock signs the questions.
    pub fn new(account: SandboxAccount, client: Client, clock: Arc<dyn Clock>) -> Sandbox {
        let profile = Profile {
            name: GatewayName::new(GatewayName::SANDBOX),
            transaction_parameter: wire::ORDER.into(),
            start_mode: StartMode::Offline,
            verify_mode: VerifyMode::Offline,
            needs_bank_account: false,
            needs_form_page: false,
            sends_callbacks: true,
            currencies: Currencies::All,
            refuses_second_payment: true,
            session: USUAL_SESSION,
        };
        Sandbox { profile, account, client, clock }
    }
}

impl std::fmt::Debug for Sandbox {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.debug_struct("Sandbox").field("account", &self.account).finish_non_exhaustive()
    }
}

#[async_trait]
impl Gateway for Sandbox {
    fn profile(&self) -> &Profile {
        &self.profile
    }

    fn closing(&self) -> Option<&dyn Closing> {
        Some(self)
    }

    fn refunding(&self) -> Option<&dyn Refunding> {
        Some(self)
    }

    async fn start(&self, order: &Order<'_>) -> Result<Redirect, GatewayError> {
        Ok(Redirect::To(wire::pay_link(&self.account, order)))
    }

    fn names(&self, answer: &Answer) -> Option<TxnId> {
        answer
            .transaction_in(wire::ORDER)
            .or_else(|| TxnId::new(SignedMessage::in_answer(answer)?.order()).ok())
    }

    async fn verify(&self, txn: &Transaction, answer: &Answer) -> Result<Evidence, GatewayError> {
        let Some(told) = SignedMessage::in_answer(answer) else { return Ok(Evidence::Unsigned) };
        if !told.is_genuine(&self.account) {
            return Err(GatewayError::BadSignature);
        }
        if !told.is_about(&self.account, txn) {
            return Err(GatewayError::WrongTransaction);
        }
        Ok(Evidence::Signed(told.report()))
    }

    async fn status(&self, txn: &Transaction) -> Result<Report, GatewayError> {
        let asked_at = self.clock.now();
        self.ask(txn, &wire::status_call(&self.account, txn.id.as_str(), asked_at), asked_at).await
    }
}

#[async_trait]
impl Closing for Sandbox {
    async fn close(&self, txn: &Transaction) -> Result<Report, GatewayError> {
        let asked_at = self.clock.now();
        self.ask(txn, &wire::close_call(&self.account, txn, asked_at), asked_at).await
    }
}

#[async_trait]
impl Refunding for Sandbox {
    fn terms(&self, payment: &Transaction) -> Result<RefundTerms, NoRefund> {
        let minimum = minimum(1, payment);
        Ok(RefundTerms { partial: true, several: true, minimum, repetition: Repetition::Replayed })
    }

    async fn refund(&self, order: &RefundOrder<'_>) -> Result<RefundReport, GatewayError> {
        let asked_at = self.clock.now();
        let call = refund::refund_call(&self.account, order, asked_at);
        self.ask_about_refund(order, &call, asked_at).await
    }

    async fn refund_status(&self, order: &RefundOrder<'_>) -> Result<RefundReport, GatewayError> {
        let asked_at = self.clock.now();
        let call = refund::status_call(&self.account, order, asked_at);
        self.ask_about_refund(order, &call, asked_at).await
    }

    fn names_refund(&self, _answer: &Answer) -> Option<RefundId> {
        None
    }
}

impl Sandbox {
    async fn ask_about_refund(
        &self,
        order: &RefundOrder<'_>,
        call: &Call,
        asked_at: Timestamp,
    ) -> Result<RefundReport, GatewayError> {
        let reply = self.client.send(call).await?;
        // "No such refund" and "id used" are signed answers as well.
        let reply = if matches!(reply.status, 404 | 409) { reply } else { reply.accepted()? };
        refund::report(&self.account, order, asked_at, &reply.body)
            .map_err(|problem| GatewayError::Unreadable(problem.to_owned()))
    }

    /// The answer of the sandbox about an order.
    async fn ask(&self, txn: &Transaction, call: &Call, asked_at: Timestamp) -> Result<Report, GatewayError> {
        let unreadable = |problem: &str| GatewayError::Unreadable(problem.to_owned());
        let reply = self.client.send(call).await?;
        // "No such order" comes with 404, like a wrong address: only the signature distinguishes them.
        let reply = if reply.status == 404 { reply } else { reply.accepted()? };
        let told =
            SignedMessage::in_reply(&reply.body).ok_or_else(|| unreadable("it is not a signed report"))?;
        if !told.is_genuine(&self.account) {
            return Err(unreadable("its signature is wrong"));
        }
        if !told.answers(asked_at) {
            return Err(unreadable("it answers another question"));
        }
        if told.knows_no_such_order() && told.names(&self.account, txn.id.as_str()) {
            return Ok(told.report());
        }
        if !told.is_about(&self.account, txn) {
            return Err(unreadable("it is about another order, amount or merchant"));
        }
        Ok(told.report())
    }
}

#[cfg(test)]
mod tests;
