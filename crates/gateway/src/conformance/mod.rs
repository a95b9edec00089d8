//! The promises every adapter keeps, as checks that try to break them.
//!
//! [`promises`] lists them. Each is checked against a [`Provider`] of its own: the test's double of the
//! payment provider, with its books, its actions and its messages. An adapter's tests make one for each
//! promise and show each as a test:
//!
//! ```ignore
//! for promise in payment_gateway::conformance::promises() {
//!     let provider: Arc<dyn Provider> = fresh_provider().await;
//!     if promise.applies_to(provider.as_ref()) {
//!         promise.check(provider).await;
//!     }
//! }
//! ```
//!
//! A check panics when the promise is broken. The provider should check requests as the real one does,
//! written from its protocol and not from the adapter.

#![allow(
    clippy::unwrap_used,
    clippy::expect_used,
    clippy::panic,
    reason = "checks for tests: a broken promise panics"
)]

pub mod sample;

mod asking;
mod bringing;
mod closing;
mod currencies;
mod faults;
mod network;
mod privacy;
mod refunding;
mod starting;

use std::future::Future;
use std::pin::Pin;
use std::sync::Arc;
use std::time::Duration;

use async_trait::async_trait;
use payment_domain::{Currency, Money, Outcome, RefundId, Report, Transaction, TxnId};

use crate::{Answer, Gateway, GatewayError, Order, Params, Redirect};

/// The parameter of our own that return URLs carry.
pub const OUR_PARAMETER: &str = "eg_pg_txnid";

/// The test's double of the payment provider.
#[async_trait]
pub trait Provider: Send + Sync {
    /// The adapter under test, speaking to this provider.
    fn gateway(&self) -> Arc<dyn Gateway>;

    /// The same adapter with its calls about orders going to `base_url` under `timeout`. Calls before them
    /// (for an access token) still go to this provider.
    fn gateway_at(&self, base_url: &str, timeout: Duration) -> Arc<dyn Gateway>;

    /// Where this provider can reach the test from server to server.
    fn notify_url(&self) -> String;

    /// The payer follows the redirect to the pay page; returns the order as the provider sees it then. Panics
    /// when the provider refuses it.
    async fn arrive(&self, redirect: &Redirect) -> Seen;

    /// The event happens at the provider to an order whose payer has arrived.
    async fn does(&self, order: &TxnId, deed: Deed);

    /// The deeds that never happen at this provider.
    fn never(&self) -> Vec<Deed>;

    /// The provider's notifications after the last event of an order: by the payer's browser, and from server
    /// to server once sent.
    async fn notifications(&self, order: &TxnId) -> Vec<Notification>;

    /// The same notification, forged. `None` when it has nothing that could be changed in this way.
    fn forged(&self, notification: &Notification, forgery: &Forgery) -> Option<Answer>;

    /// Sets the outcome of a payment's later refunds; `false` where that is not possible.
    async fn refunds_are(&self, payment: &TxnId, deed: RefundDeed) -> bool;

    /// The later state of a refund comes.
    async fn ends(&self, refund: &RefundId);

    /// The refunds that were really made of a payment: our id of each refund, and its sum in minor units.
    async fn given_back(&self, payment: &TxnId) -> Vec<(String, i64)>;

    /// Whether the adapter sends a status request before a refund: without an answer to it nothing was sent.
    fn asks_before_it_refunds(&self) -> bool;

    /// Keys and passwords of the account, which must not appear anywhere.
    fn secrets(&self) -> Vec<String>;
}

/// An order as the provider sees it.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Seen {
    /// The order number.
    pub order: String,
    /// The amount to be paid.
    pub amount: Money,
}

/// An event of an order at the provider.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Deed {
    /// The payer pays the requested amount.
    IsPaid,
    /// Another amount than the requested one is taken.
    IsPaidOtherwise,
    /// The same digits in another currency are taken.
    IsPaidInAnotherCurrency,
    /// It is declined finally.
    IsDeclined,
    /// The payer pays, and the bank takes its time.
    IsPending,
    /// It is said to be declined, and is paid all the same later.
    IsDeclinedForNow,
    /// The decision comes: a pending or declined payment is paid.
    IsPaidAtLast,
    /// The provider returns an unknown state.
    IsUnheardOf,
}

/// The fate of a refund at the provider.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum RefundDeed {
    /// The money is given back.
    IsGivenBack,
    /// It is accepted, and done later.
    IsTakenOn,
    /// It is refused finally.
    IsRefused,
    /// The money is given back, and the answer to the request is lost.
    LosesTheAnswer,
    /// The first request never arrives.
    LosesTheRequest,
    /// The money is given back, and another amount is reported.
    IsToldOtherwise,
    /// The provider returns an unknown state.
    IsUnheardOf,
}

/// Something the provider brings.
#[derive(Debug, Clone)]
pub struct Notification {
    /// It, as an adapter gets it.
    pub answer: Answer,
    /// Whether it comes by the payer's browser; else from the provider's server.
    pub by_browser: bool,
    /// Its evidential value.
    pub proof: Proof,
}

/// The evidential value of a notification.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Proof {
    /// The provider signed order, amount and outcome.
    Content,
    /// It comes from the provider, but its content could have been changed.
    Sender,
    /// Nothing.
    Nothing,
}

/// A way to forge a notification.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Forgery {
    /// The signature, or the password, is another one.
    Signature,
    /// It names another order.
    Order(TxnId),
    /// It names another amount.
    Amount,
    /// It names another outcome.
    Outcome,
}

/// The answer with another value for a parameter, which is added when it is missing.
pub fn with_param(answer: &Answer, name: &str, value: &str) -> Answer {
    let mut pairs: Vec<(String, String)> =
        answer.params.iter().map(|(name, value)| (name.to_owned(), value.to_owned())).collect();
    match pairs.iter_mut().find(|(present, _)| present == name) {
        Some(pair) => value.clone_into(&mut pair.1),
        None => pairs.push((name.to_owned(), value.to_owned())),
    }
    Answer { params: Params::new(pairs), ..answer.clone() }
}

type Check = Box<dyn Fn(Arc<dyn Provider>) -> Pin<Box<dyn Future<Output = ()> + Send>> + Send + Sync>;

/// One promise of an adapter, with the check that tries to break it.
pub struct Promise {
    /// The promise in words, usable as the name of a test.
    pub name: &'static str,
    needs: &'static [Deed],
    check: Check,
}

impl Promise {
    /// The promise checked by a function, under the function's name.
    fn of<C, F>(check: C) -> Promise
    where
        C: Fn(Case) -> F + Send + Sync + 'static,
        F: Future<Output = ()> + Send + 'static,
    {
        let path = std::any::type_name::<C>();
        Promise {
            name: path.rsplit("::").next().unwrap_or(path),
            needs: &[],
            check: Box::new(move |provider| Box::pin(check(Case::new(provider)))),
        }
    }

    /// It can be checked only where these happen.
    fn where_it(self, needs: &'static [Deed]) -> Promise {
        Promise { needs, ..self }
    }

    /// Whether it can be checked: whether its subject exists at this provider.
    pub fn applies_to(&self, provider: &dyn Provider) -> bool {
        let never = provider.never();
        !self.needs.iter().any(|deed| never.contains(deed))
    }

    /// Checks it against a provider that knows no orders yet.
    ///
    /// # Panics
    /// When the promise is broken.
    pub async fn check(&self, provider: Arc<dyn Provider>) {
        (self.check)(provider).await;
    }
}

/// Every promise.
pub fn promises() -> Vec<Promise> {
    [
        starting::promises(),
        asking::promises(),
        bringing::promises(),
        closing::promises(),
        currencies::promises(),
        network::promises(),
        privacy::promises(),
        refunding::promises(),
    ]
    .into_iter()
    .flatten()
    .collect()
}

/// A provider and the adapter under test, with the steps that checks are made of.
struct Case {
    provider: Arc<dyn Provider>,
    gateway: Arc<dyn Gateway>,
}

/// The requested amount where it does not matter. As a float times a hundred it is 1998.9999….
const AMOUNT: &str = "19.99";

/// The currencies of the checks, as far as the gateway takes them: with two decimals, and with none.
const CURRENCIES: [&str; 3] = ["INR", "USD", "JPY"];

impl Case {
    fn new(provider: Arc<dyn Provider>) -> Case {
        Case { gateway: provider.gateway(), provider }
    }

    /// Opens the order at the provider and returns the payer's redirect. The transaction keeps it, as a
    /// stored one does.
    async fn start(&self, txn: &mut Transaction) -> Redirect {
        let redirect = self.try_start(self.gateway.as_ref(), txn).await.expect("the order is opened");
        txn.redirect_url = Some(match &redirect {
            Redirect::To(url) => url.clone(),
            Redirect::Form { .. } => sample::FORM_PAGE.to_owned(),
        });
        redirect
    }

    /// The currencies of [`CURRENCIES`] that the gateway takes.
    fn currencies(&self) -> impl Iterator<Item = Currency> {
        let taken = &self.gateway.profile().currencies;
        let known = CURRENCIES.map(|code| Currency::from_code(code).expect("a code of ISO 4217"));
        known.into_iter().filter(|currency| taken.include(*currency))
    }

    async fn try_start(&self, gateway: &dyn Gateway, txn: &Transaction) -> Result<Redirect, GatewayError> {
        let return_url = format!("{}{}", sample::RETURN_URL, txn.id);
        let notify_url = self.provider.notify_url();
        let order = Order { return_url: &return_url, notify_url: Some(&notify_url), ..sample::order(txn) };
        gateway.start(&order).await
    }

    /// A transaction of the usual amount whose payer is at the pay page.
    async fn arrived(&self, number: u32) -> Transaction {
        self.arrived_at(sample::transaction(&id(number), AMOUNT)).await
    }

    /// The transaction, with its payer at the pay page.
    async fn arrived_at(&self, mut txn: Transaction) -> Transaction {
        let redirect = self.start(&mut txn).await;
        self.provider.arrive(&redirect).await;
        txn
    }

    /// A transaction to which that happened.
    async fn after(&self, number: u32, deed: Deed) -> Transaction {
        let txn = self.arrived(number).await;
        self.provider.does(&txn.id, deed).await;
        txn
    }

    async fn status(&self, txn: &Transaction) -> Report {
        self.gateway.status(txn).await.expect("the provider says where the payment stands")
    }
}

/// The number of the transactions' ids, in the form that DIGIT gives them.
fn id(number: u32) -> String {
    format!("PB_PG_2026_11_22_{number:06}_14")
}

/// Whether it is a payment of the requested amount.
fn is_paid(outcome: &Outcome, txn: &Transaction) -> bool {
    *outcome == Outcome::Paid { amount: Some(txn.amount) }
}

/// Neither a success nor a failure.
fn is_undecided(outcome: &Outcome) -> bool {
    match outcome {
        Outcome::Pending | Outcome::Authorised | Outcome::NotFound | Outcome::Unrecognised { .. } => true,
        Outcome::Paid { .. } | Outcome::Declined { .. } | Outcome::Refunded => false,
    }
}
