//! The sandbox gateway: real in everything but the money.
//!
//! The pay link is made and signed here, without calling anybody; the sandbox learns of an order when
//! the payer opens its page. What it says about an order, by browser, callback or answer, is one set
//! of signed fields, in which the amount that was asked and the amount that was taken stand apart:
//! the first identifies our order, the second is the result.

pub mod signature;
pub mod wire;

use std::sync::Arc;

use async_trait::async_trait;
use payment_domain::{Clock, GatewayName, Report, Timestamp, Transaction, TxnId};
use payment_gateway::{
    Answer, Closing, Currencies, Evidence, Gateway, GatewayError, Order, Profile, Redirect, StartMode,
    USUAL_SESSION, VerifyMode,
};
use secrecy::SecretString;

use self::wire::Told;
use crate::client::{Call, Client};

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

    async fn start(&self, order: &Order<'_>) -> Result<Redirect, GatewayError> {
        Ok(Redirect::To(wire::pay_link(&self.account, order)))
    }

    fn names(&self, answer: &Answer) -> Option<TxnId> {
        answer.transaction_in(wire::ORDER).or_else(|| TxnId::new(Told::in_answer(answer)?.order()).ok())
    }

    async fn verify(&self, txn: &Transaction, answer: &Answer) -> Result<Evidence, GatewayError> {
        let Some(told) = Told::in_answer(answer) else { return Ok(Evidence::Unsigned) };
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

impl Sandbox {
    /// The answer of the sandbox about an order.
    async fn ask(&self, txn: &Transaction, call: &Call, asked_at: Timestamp) -> Result<Report, GatewayError> {
        let unreadable = |problem: &str| GatewayError::Unreadable(problem.to_owned());
        let reply = self.client.send(call).await?;
        // "No such order" comes with 404, like a wrong address: only the signature tells them apart.
        let reply = if reply.status == 404 { reply } else { reply.accepted()? };
        let told = Told::in_reply(&reply.body).ok_or_else(|| unreadable("it is not a signed report"))?;
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
