//! Stripe Checkout: a hosted page for each session.
//!
//! A session is requested by its id, and cannot be found by ours: the id is in the URL of its page, which is
//! stored with the transaction before a payer is sent there. After a lost answer the same request, with the
//! same idempotency key, is answered with the same session.
//!
//! The browser's way back, also that from the link *cancel*, says nothing: the session is still open. Webhooks
//! are signed.

pub mod account;
pub mod answer;
pub mod currency;
pub mod refund;
pub mod refund_answer;
#[cfg(test)]
mod refund_tests;
pub mod signature;
#[cfg(test)]
mod status_tests;
#[cfg(test)]
mod tests;
#[cfg(test)]
mod webhook_tests;
pub mod wire;

use std::sync::Arc;
use std::time::Instant;

use async_trait::async_trait;
use payment_domain::{Clock, Report, Transaction, TxnId};
use payment_gateway::{
    Answer, Closing, Evidence, Gateway, GatewayError, Order, Profile, Redirect, Refunding,
};
use serde_json::json;

pub use self::account::{ADAPTER, StripeAccount};
use self::answer::{Event, Facts};
use self::signature::STRIPE_SIGNATURE;
use self::wire::{SESSION_PARAMETER, Session};
use crate::account::Account;
use crate::client::{Call, CallError, Client, Reply};
use crate::unknown_order;

pub struct Stripe {
    profile: Profile,
    account: StripeAccount,
    client: Client,
    clock: Arc<dyn Clock>,
}

impl Stripe {
    /// The adapter for one account. The clock judges the age of a webhook's signature.
    pub fn new(account: StripeAccount, client: Client, clock: Arc<dyn Clock>) -> Stripe {
        Stripe { profile: account.profile(), account, client, clock }
    }

    /// Opens a session. When the answer is lost soon, the request is repeated once in the time that is left: with
    /// the same idempotency key it is answered with the same session.
    async fn open(&self, call: &Call) -> Result<Reply, CallError> {
        let begun = Instant::now();
        match self.client.send(call).await {
            Err(lost @ CallError::Unanswered(_)) => {
                let total = self.client.limits().total_timeout;
                let left = total.saturating_sub(begun.elapsed());
                if left < total / 2 {
                    return Err(lost);
                }
                // That it could not be sent again says nothing about the first.
                self.client.send_within(call, left).await.map_err(|_repeated| lost)
            }
            answered => answered,
        }
    }

    /// The report on the session of a transaction.
    async fn ask(&self, txn: &Transaction, session: &str) -> Result<Report, GatewayError> {
        let reply = self.client.send(&wire::status_call(&self.account, session)).await?;
        Ok(answer::session(reply, txn, session)?.map_or_else(|| unknown(txn), reported))
    }

    fn verify_webhook(
        &self,
        txn: &Transaction,
        answer: &Answer,
        event: Option<Event>,
    ) -> Result<Evidence, GatewayError> {
        let secrets = &self.account.webhook_secrets;
        if secrets.is_empty() {
            return Ok(Evidence::Unsigned);
        }
        let header = answer.headers.get_ignoring_case(STRIPE_SIGNATURE).unwrap_or_default();
        if !signature::is_signed(secrets, &answer.body, header, self.clock.now()) {
            return Err(GatewayError::BadSignature);
        }
        // Nothing but a session says that an order is paid.
        let Some(event) = event else { return Ok(Evidence::Unsigned) };
        let Some(facts) = Facts::of_session(&event.object) else { return Ok(Evidence::Unsigned) };
        if !facts.fits(txn) {
            return Err(GatewayError::WrongTransaction);
        }
        Ok(match facts.outcome_of_event(&event.kind) {
            Some(outcome) => Evidence::Signed(event.reported(facts.into_report(outcome))),
            None => Evidence::Unsigned,
        })
    }
}

impl std::fmt::Debug for Stripe {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.debug_struct("Stripe").field("account", &self.account).finish_non_exhaustive()
    }
}

#[async_trait]
impl Gateway for Stripe {
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
        if !currency::has_our_unit(order.txn.amount.currency()) {
            return Err(GatewayError::Refused { code: "UNSUPPORTED_CURRENCY".to_owned() });
        }
        let session = Session::of(order)
            .ok_or_else(|| GatewayError::Refused { code: "INVALID_TRANSACTION_ID".to_owned() })?;
        let call = wire::open_call(&self.account, &session);
        answer::opened(self.open(&call).await?, &call.url, order.txn).map(Redirect::To)
    }

    fn names(&self, answer: &Answer) -> Option<TxnId> {
        match Event::parse(&answer.body) {
            // Its metadata names the payment as well, of which it says nothing.
            Some(event) if event.is_of_refund() => None,
            Some(event) => event.reference().and_then(|reference| TxnId::new(reference).ok()),
            None => answer.transaction_in(&self.profile.transaction_parameter),
        }
    }

    async fn verify(&self, txn: &Transaction, answer: &Answer) -> Result<Evidence, GatewayError> {
        if self.names(answer).is_some_and(|named| named != txn.id) {
            return Err(GatewayError::WrongTransaction);
        }
        let event = Event::parse(&answer.body);
        if event.is_some() || answer.headers.get_ignoring_case(STRIPE_SIGNATURE).is_some() {
            return self.verify_webhook(txn, answer, event);
        }
        // A browser that comes back from another session is not this payer's.
        let brought = answer.params.get(SESSION_PARAMETER);
        match (brought, session_of(txn)?) {
            (Some(brought), Some(session)) if wire::is_session_id(brought) && brought != session => {
                Err(GatewayError::WrongTransaction)
            }
            (Some(_) | None, _) => Ok(Evidence::Unsigned),
        }
    }

    async fn status(&self, txn: &Transaction) -> Result<Report, GatewayError> {
        match session_of(txn)? {
            Some(session) => self.ask(txn, session).await,
            None => Ok(unknown(txn)),
        }
    }
}

#[async_trait]
impl Closing for Stripe {
    async fn close(&self, txn: &Transaction) -> Result<Report, GatewayError> {
        let Some(session) = session_of(txn)? else { return Ok(unknown(txn)) };
        let reply = self.client.send(&wire::expire_call(&self.account, session)).await?;
        match reply.status {
            // Closed now, by an answer that does not tell where its payment stands; or not open any more: paid, or
            // closed before.
            200 | 400 => self.ask(txn, session).await,
            _ => Ok(answer::session(reply, txn, session)?.map_or_else(|| unknown(txn), reported)),
        }
    }
}

/// The session to which the payer of a transaction is sent; `None` when no payer is.
///
/// # Errors
/// [`GatewayError::Unreadable`] when the stored address names none: the payer may be at any.
fn session_of(txn: &Transaction) -> Result<Option<&str>, GatewayError> {
    let session_in = |page| {
        let missing = || GatewayError::Unreadable("the stored pay page names no session".to_owned());
        wire::session_in(page).ok_or_else(missing)
    };
    txn.redirect_url.as_deref().map(session_in).transpose()
}

fn reported(facts: Facts) -> Report {
    let outcome = facts.outcome();
    facts.into_report(outcome)
}

/// No payer was sent to a session, or Stripe does not know it.
fn unknown(txn: &Transaction) -> Report {
    unknown_order::report(txn, None, json!({ "session": null }))
}
