//! Hyperswitch, a router to many payment providers, by its payment links.
//!
//! A payment is created unconfirmed, with a link where the payer chooses how to pay. Its number follows from
//! our transaction id ([`wire::payment_id`]): an order that is started again finds the payment of the first
//! start. The link may allow a further attempt after one that failed, so a payment counts as declined only
//! when the link has ended.
//!
//! A webhook is signed over its body, and is evidence. A redirect is signed too, over a text in which one
//! value can pass for two ([`signature`]): it is only a reason for a status request.

pub mod account;
pub mod answer;
#[cfg(test)]
mod closing_tests;
pub mod refund;
pub mod refund_answer;
#[cfg(test)]
mod refund_tests;
pub mod signature;
#[cfg(test)]
mod tests;
#[cfg(test)]
mod webhook_tests;
pub mod wire;

use std::sync::Arc;

use async_trait::async_trait;
use payment_domain::{Clock, Report, Transaction, TxnId};
use payment_gateway::{
    Answer, Closing, Evidence, Gateway, GatewayError, Order, Profile, Redirect, Refunding,
};

pub use self::account::{ADAPTER, HyperswitchAccount};
use self::answer::{Created, Event, Payment};
use self::signature::X_WEBHOOK_SIGNATURE;
use self::wire::NewPayment;
use crate::account::Account;
use crate::client::{Call, Client};

/// The parameter of our return URL that names the transaction: the router adds none with our id.
pub const REFERENCE: &str = "eg_pg_txnid";

pub struct Hyperswitch {
    profile: Profile,
    account: HyperswitchAccount,
    client: Client,
    clock: Arc<dyn Clock>,
}

impl Hyperswitch {
    /// The adapter for one account. The clock decides whether a link has ended.
    pub fn new(account: HyperswitchAccount, client: Client, clock: Arc<dyn Clock>) -> Hyperswitch {
        Hyperswitch { profile: account.profile(), account, client, clock }
    }

    /// The router's answer about the payment; `None` when it knows none.
    async fn ask(&self, txn: &Transaction, call: &Call) -> Result<Option<Payment>, GatewayError> {
        let payment = answer::payment(self.client.send(call).await?)?;
        match payment {
            Some(payment) if !payment.is_of(&wire::payment_id(&txn.id)) => {
                Err(GatewayError::Unreadable("it is about another payment, or none".to_owned()))
            }
            found => Ok(found),
        }
    }

    fn report(&self, txn: &Transaction, payment: Option<Payment>) -> Report {
        payment.map_or_else(|| answer::unknown(txn), |payment| payment.report(self.clock.now()))
    }
}

impl std::fmt::Debug for Hyperswitch {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.debug_struct("Hyperswitch").field("account", &self.account).finish_non_exhaustive()
    }
}

#[async_trait]
impl Gateway for Hyperswitch {
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
        let id = wire::payment_id(&order.txn.id);
        let call = wire::create_call(&self.account, &NewPayment::of(&id, order, self.clock.now()));
        let payment = match answer::created(self.client.send(&call).await?)? {
            Created::New(payment) => payment,
            // The answer to an earlier start was lost, not the payment.
            Created::Known => {
                let known = self.ask(order.txn, &wire::link_call(&self.account, &id)).await?;
                known.ok_or_else(|| {
                    GatewayError::Unreadable("the payment exists already, and is not found".to_owned())
                })?
            }
        };
        if !payment.is_of(&id) || !payment.asks_for(order.txn.amount) {
            return Err(GatewayError::Unreadable(
                "it is about another payment or amount, or none".to_owned(),
            ));
        }
        payment.link(&call.url).map(Redirect::To)
    }

    fn names(&self, answer: &Answer) -> Option<TxnId> {
        match Event::in_body(&answer.body) {
            Some(event) if event.refund().is_some() => None,
            Some(event) => event.transaction(),
            None => answer.transaction_in(REFERENCE),
        }
    }

    async fn verify(&self, txn: &Transaction, answer: &Answer) -> Result<Evidence, GatewayError> {
        if self.names(answer).is_some_and(|named| named != txn.id) {
            return Err(GatewayError::WrongTransaction);
        }
        let keys = &self.account.hash_keys;
        let Some(event) = Event::in_body(&answer.body) else {
            return match keys.signed_redirect(answer.params.iter()) {
                Some(false) => Err(GatewayError::BadSignature),
                Some(true) | None => Ok(Evidence::Unsigned),
            };
        };
        let signature = answer.headers.get_ignoring_case(X_WEBHOOK_SIGNATURE).unwrap_or_default();
        if !keys.signed(&answer.body, signature) {
            return Err(GatewayError::BadSignature);
        }
        if !event.payment.is_of(&wire::payment_id(&txn.id)) || event.payment.asks_for_another(txn.amount) {
            return Err(GatewayError::WrongTransaction);
        }
        Ok(Evidence::Signed(event.report(self.clock.now())))
    }

    async fn status(&self, txn: &Transaction) -> Result<Report, GatewayError> {
        let call = wire::status_call(&self.account, &wire::payment_id(&txn.id));
        Ok(self.report(txn, self.ask(txn, &call).await?))
    }
}

#[async_trait]
impl Closing for Hyperswitch {
    /// Cancels a payment that no provider has received. One that is under way there could be paid although
    /// the router calls it cancelled, so it is left to its end.
    async fn close(&self, txn: &Transaction) -> Result<Report, GatewayError> {
        let id = wire::payment_id(&txn.id);
        let status = wire::status_call(&self.account, &id);
        let found = self.ask(txn, &status).await?;
        if !found.as_ref().is_some_and(Payment::is_unused) {
            return Ok(self.report(txn, found));
        }
        // Refused because the payment was made, or done: the answer to the next status request counts.
        self.client.send(&wire::cancel_call(&self.account, &id)).await?;
        Ok(self.report(txn, self.ask(txn, &status).await?))
    }
}
