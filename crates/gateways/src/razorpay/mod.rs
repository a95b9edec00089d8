//! Razorpay's payment links: one link per transaction, found again by its reference, which is the transaction id.
//!
//! The payer's browser brings a signed message, which says neither which amount was paid nor that it stays
//! so: it is only a reason for a status request. Webhooks are signed as a whole.

pub mod account;
pub mod answer;
pub mod refund;
pub mod refund_answer;
#[cfg(test)]
mod refund_tests;
pub mod signature;
#[cfg(test)]
mod signed_tests;
#[cfg(test)]
mod tests;
pub mod webhook;
pub mod wire;

use std::sync::Arc;

use async_trait::async_trait;
use payment_domain::{Clock, Report, Transaction, TxnId};
use payment_gateway::{
    Answer, Closing, Evidence, Gateway, GatewayError, Order, Profile, Redirect, Refunding,
};
use serde_json::Value;

pub use self::account::{ADAPTER, RazorpayAccount};
use self::answer::Link;
use self::wire::Id;
use crate::account::Account;
use crate::client::{Call, Client, Reply};
use crate::form;
use crate::json::Object;
use crate::pay_page::pay_page;
use crate::text::cut;
use crate::unknown_order;

/// The callback parameter with our transaction id.
pub const REFERENCE: &str = "razorpay_payment_link_reference_id";
/// The callback parameter with the signature over the others, in this order.
const SIGNATURE: &str = "razorpay_signature";
const SIGNED: [&str; 4] =
    ["razorpay_payment_link_id", REFERENCE, "razorpay_payment_link_status", "razorpay_payment_id"];

pub struct Razorpay {
    profile: Profile,
    account: RazorpayAccount,
    client: Client,
    clock: Arc<dyn Clock>,
}

impl Razorpay {
    /// The adapter for one merchant account. The clock decides about the life of a link and the time a
    /// payment has waited for its capture.
    pub fn new(account: RazorpayAccount, client: Client, clock: Arc<dyn Clock>) -> Razorpay {
        Razorpay { profile: account.profile(), account, client, clock }
    }

    async fn ask(&self, call: &Call) -> Result<Object, GatewayError> {
        parse(&self.client.send(call).await?.accepted()?)
    }

    /// The link with this reference, if there is one.
    async fn find(&self, reference: &TxnId) -> Result<Option<Link>, GatewayError> {
        let found = self.ask(&wire::find_call(&self.account, reference.as_str())).await?;
        let found = found.list("payment_links").ok_or_else(|| unreadable("no list of payment links"))?;
        match found.as_slice() {
            [] => Ok(None),
            [link] => read_link(link, reference).map(Some),
            [_, _, ..] => Err(unreadable("several payment links, of which one was asked for")),
        }
    }

    /// The link of a transaction: by its id, if an earlier report named it.
    async fn link_of(&self, txn: &Transaction) -> Result<Option<Link>, GatewayError> {
        let known = txn.gateway_details.txn_id.as_deref();
        if known.and_then(Id::of_order).is_some() {
            let why =
                "it was begun by another service, as an order without a payment link: see the dashboard";
            return Err(unreadable(why));
        }
        let link = match known.and_then(Id::of_link) {
            Some(id) => Some(self.link(&id, &txn.id).await?),
            None => self.find(&txn.id).await?,
        };
        match link {
            Some(link) if link.currency() != Some(txn.amount.currency()) => {
                Err(unreadable("it is in another currency, or none"))
            }
            link => Ok(link),
        }
    }

    async fn link(&self, id: &Id, reference: &TxnId) -> Result<Link, GatewayError> {
        read_link(&self.ask(&wire::link_call(&self.account, id)).await?, reference)
    }

    /// The report on a link. Unless it names the attempt by which it was paid, its attempts are requested:
    /// one that is under way, or authorised, is not among the link's own payments; and a payment stored
    /// without its number would pass for another one when an event names it.
    async fn report(&self, link: Link) -> Result<Report, GatewayError> {
        let link = match &link.order {
            Some(order) if !link.is_paid_by_known() => {
                let attempts = self.ask(&wire::attempts_call(&self.account, order)).await?;
                link.with_attempts(&attempts).ok_or_else(|| unreadable("no list of payments"))?
            }
            Some(_) | None => link,
        };
        Ok(link.report(self.clock.now()))
    }

    /// The way to a link that was opened for this order.
    fn page(&self, link: &Link, order: &Order<'_>) -> Result<Redirect, GatewayError> {
        if !link.is_open() || !link.asks_for(order.txn) {
            return Err(unreadable("the payment link cannot be paid, or asks for something else"));
        }
        let url = link.short_url.as_deref().ok_or_else(|| unreadable("no address of a pay page"))?;
        pay_page(&self.account.base_url, url).map(Redirect::To)
    }
}

impl std::fmt::Debug for Razorpay {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.debug_struct("Razorpay").field("account", &self.account).finish_non_exhaustive()
    }
}

#[async_trait]
impl Gateway for Razorpay {
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
        let txn = order.txn;
        if txn.id.as_str().chars().count() > wire::MAX_REFERENCE {
            return Err(refused("INVALID_TRANSACTION_ID"));
        }
        if txn.amount.minor() < wire::MIN_MINOR {
            return Err(refused("AMOUNT_BELOW_MINIMUM"));
        }
        // One that an earlier call has opened, whose answer was lost.
        if let Some(link) = self.find(&txn.id).await? {
            return self.page(&link, order);
        }
        let reply = self.client.send(&wire::create_call(&self.account, order, self.clock.now())).await?;
        match reply.status {
            200..=299 => self.page(&read_link(&parse(&reply)?, &txn.id)?, order),
            // Perhaps because the reference is taken: by a call whose answer is still on the way.
            400 | 409 => match self.find(&txn.id).await? {
                Some(link) => self.page(&link, order),
                None => Err(refused(&refusal(&reply))),
            },
            401..=407 | 410..=428 => Err(refused(&refusal(&reply))),
            status => {
                reply.accepted()?;
                Err(GatewayError::Unreadable(format!("HTTP status {status}")))
            }
        }
    }

    fn names(&self, answer: &Answer) -> Option<TxnId> {
        match webhook::reference(&answer.body) {
            Some(reference) => TxnId::new(reference).ok(),
            None => answer.transaction_in(REFERENCE),
        }
    }

    async fn verify(&self, txn: &Transaction, answer: &Answer) -> Result<Evidence, GatewayError> {
        if webhook::is_event(&answer.body) {
            return webhook::verify(&self.account, txn, answer, self.clock.now());
        }
        if let Some(signature) = answer.params.get(SIGNATURE) {
            // A repeated name has no value: it is ambiguous which one was signed.
            let ours = answer.params.iter().filter(|(name, _)| SIGNED.contains(name));
            let members = form::unique(ours).ok_or(GatewayError::BadSignature)?;
            let values = SIGNED.map(|name| members.get(name).copied().unwrap_or_default());
            let text = signature::joined(&values);
            if !signature::verifies(&self.account.key_secret, text.as_bytes(), signature) {
                return Err(GatewayError::BadSignature);
            }
            if members.get(REFERENCE) != Some(&txn.id.as_str()) {
                return Err(GatewayError::WrongTransaction);
            }
        }
        match answer.transaction_in(REFERENCE) {
            Some(named) if named != txn.id => Err(GatewayError::WrongTransaction),
            Some(_) | None => Ok(Evidence::Unsigned),
        }
    }

    async fn status(&self, txn: &Transaction) -> Result<Report, GatewayError> {
        match self.link_of(txn).await? {
            Some(link) => self.report(link).await,
            None => Ok(unknown(txn)),
        }
    }
}

#[async_trait]
impl Closing for Razorpay {
    async fn close(&self, txn: &Transaction) -> Result<Report, GatewayError> {
        let Some(link) = self.link_of(txn).await? else { return Ok(unknown(txn)) };
        let Some(id) = link.id.as_ref().filter(|_| link.is_open()) else { return self.report(link).await };
        let reply = self.client.send(&wire::cancel_call(&self.account, id)).await?;
        match reply.status {
            // Refused: a payer was faster, or it was closed before.
            200..=299 | 400 | 409 => {}
            _ => drop(reply.accepted()?),
        }
        // An attempt may be under way, which closing does not stop.
        self.report(self.link(id, &txn.id).await?).await
    }
}

fn read_link(link: &Object, reference: &TxnId) -> Result<Link, GatewayError> {
    let link = Link::read(link).ok_or_else(|| unreadable("no list of payments"))?;
    match link.names(reference.as_str()) {
        true => Ok(link),
        false => Err(unreadable("it is about another payment link, or none")),
    }
}

fn parse(reply: &Reply) -> Result<Object, GatewayError> {
    Object::parse(&reply.body).ok_or_else(|| unreadable("not a JSON object"))
}

/// The reason a link was not opened: the gateway's code, and the field that it is about.
fn refusal(reply: &Reply) -> String {
    let error = Object::parse(&reply.body).and_then(|answer| answer.object("error"));
    let word = |name: &str| error.as_ref().and_then(|error| error.text(name)).filter(|text| is_word(text));
    let code = word("code").unwrap_or_else(|| format!("HTTP_{}", reply.status));
    match word("field") {
        Some(field) => format!("{}: {}", cut(&code, 64), cut(&field, 64)),
        None => cut(&code, 64).to_owned(),
    }
}

/// Nothing that a payer wrote.
fn is_word(text: &str) -> bool {
    text.bytes().all(|byte| byte.is_ascii_alphanumeric() || b"_.".contains(&byte))
}

/// No link has the reference.
fn unknown(txn: &Transaction) -> Report {
    unknown_order::report(txn, None, Value::Object(serde_json::Map::new()))
}

fn refused(code: &str) -> GatewayError {
    GatewayError::Refused { code: code.to_owned() }
}

fn unreadable(what: &str) -> GatewayError {
    GatewayError::Unreadable(what.to_owned())
}
