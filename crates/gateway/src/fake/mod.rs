//! A scripted gateway for tests.

mod refunds;

use std::collections::HashMap;
use std::sync::atomic::{AtomicUsize, Ordering};
use std::sync::{Mutex, PoisonError};
use std::time::Duration;

use async_trait::async_trait;
use payment_domain::{GatewayName, Outcome, Report, Transaction, TxnId};
use serde_json::json;

use crate::{
    Answer, Availability, Closing, Currencies, Evidence, Gateway, GatewayError, Order, Profile, Redirect,
    Refunding, StartMode, USUAL_SESSION, VerifyMode,
};

use refunds::RefundScript;
pub use refunds::{GivenBack, RefundFate};

/// A scripted gateway for tests: answers are set per transaction, or for all of them at once. Parameters are
/// "signed" by `sign=good`; any other `sign` is a bad signature. A signed report says "pending", or with
/// `said=paid` that the whole amount was paid, as the payment `payment`.
#[derive(Debug)]
pub struct FakeGateway {
    profile: Profile,
    gives_back: bool,
    script: Mutex<Script>,
    starts: AtomicUsize,
    asked: AtomicUsize,
    /// Calls under way, while they take time, and the most of them so far.
    under_way: AtomicUsize,
    most_at_once: AtomicUsize,
    /// The return and the notify URL of each order.
    addresses: Mutex<Vec<(String, Option<String>)>>,
}

#[derive(Debug)]
struct Script {
    default: Option<Outcome>,
    per_transaction: HashMap<TxnId, Option<Outcome>>,
    start_fails: Option<StartFault>,
    tells_other_pages: bool,
    delay: Duration,
    availability: Availability,
    closes: bool,
    loses_answers_to_close: bool,
    bank_txn_no: Option<&'static str>,
    refunds: RefundScript,
}

/// How a scripted [`FakeGateway`] fails to start a payment.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum StartFault {
    /// As if the connection was refused.
    NotSent,
    /// As if the answer never came.
    Unanswered,
}

impl FakeGateway {
    /// A gateway of that name which knows of no payment yet.
    pub fn new(name: &str, start_mode: StartMode) -> FakeGateway {
        FakeGateway {
            profile: Profile {
                name: GatewayName::new(name),
                transaction_parameter: "fakeOrderId".into(),
                start_mode,
                verify_mode: VerifyMode::Offline,
                needs_bank_account: false,
                needs_form_page: false,
                sends_callbacks: true,
                currencies: Currencies::All,
                refuses_second_payment: true,
                session: USUAL_SESSION,
            },
            gives_back: true,
            script: Mutex::new(Script {
                default: Some(Outcome::NotFound),
                per_transaction: HashMap::new(),
                start_fails: None,
                tells_other_pages: false,
                delay: Duration::ZERO,
                availability: Availability::Available,
                closes: false,
                loses_answers_to_close: false,
                bank_txn_no: None,
                refunds: RefundScript::default(),
            }),
            starts: AtomicUsize::new(0),
            asked: AtomicUsize::new(0),
            under_way: AtomicUsize::new(0),
            most_at_once: AtomicUsize::new(0),
            addresses: Mutex::default(),
        }
    }

    /// One that wants a form posted.
    #[must_use]
    pub fn that_wants_a_form(mut self) -> FakeGateway {
        self.profile.needs_form_page = true;
        self
    }

    /// One whose orders can be paid more than once.
    #[must_use]
    pub fn that_takes_an_order_twice(mut self) -> FakeGateway {
        self.profile.refuses_second_payment = false;
        self
    }

    /// One that takes these currencies; without it, all.
    #[must_use]
    pub fn that_takes(mut self, currencies: Currencies) -> FakeGateway {
        self.profile.currencies = currencies;
        self
    }

    fn refuse_while_unavailable(&self) -> Result<(), GatewayError> {
        match self.script().availability {
            Availability::Available => Ok(()),
            Availability::Unavailable { retry_after } => Err(GatewayError::Unavailable { retry_after }),
        }
    }

    async fn takes(&self, delay: Duration) {
        if !delay.is_zero() {
            let at_once = self.under_way.fetch_add(1, Ordering::SeqCst) + 1;
            self.most_at_once.fetch_max(at_once, Ordering::SeqCst);
            tokio::time::sleep(delay).await;
            self.under_way.fetch_sub(1, Ordering::SeqCst);
        }
    }

    fn script(&self) -> std::sync::MutexGuard<'_, Script> {
        self.script.lock().unwrap_or_else(PoisonError::into_inner)
    }

    /// The answer about every transaction without an answer of its own.
    pub fn answers(&self, outcome: Outcome) {
        self.script().default = Some(outcome);
    }

    /// The answer about one transaction.
    pub fn answers_for(&self, txn_id: &TxnId, outcome: Outcome) {
        self.script().per_transaction.insert(txn_id.clone(), Some(outcome));
    }

    /// No answer about one transaction.
    pub fn is_silent_about(&self, txn_id: &TxnId) {
        self.script().per_transaction.insert(txn_id.clone(), None);
    }

    /// No answer at all.
    pub fn is_unavailable(&self) {
        let mut script = self.script();
        script.default = None;
        script.per_transaction.clear();
    }

    /// The duration of every call.
    pub fn is_slow(&self, delay: Duration) {
        self.script().delay = delay;
    }

    /// The failure of `start`; `None` makes it work again.
    pub fn start_fails(&self, fault: Option<StartFault>) {
        self.script().start_fails = fault;
    }

    /// Another pay page each time an order is started.
    pub fn tells_another_page_each_time(&self) {
        self.script().tells_other_pages = true;
    }

    /// Its availability, as a guard would report it.
    pub fn is(&self, availability: Availability) {
        self.script().availability = availability;
    }

    /// Orders can be closed; the answers may be lost.
    pub fn closes_orders(&self, loses_answers: bool) {
        let mut script = self.script();
        script.closes = true;
        script.loses_answers_to_close = loses_answers;
    }

    /// The bank's number of every payment.
    pub fn names_the_bank(&self, number: &'static str) {
        self.script().bank_txn_no = Some(number);
    }

    /// The number of times a payment was started.
    pub fn starts(&self) -> usize {
        self.starts.load(Ordering::SeqCst)
    }

    /// The return and the notify URL of each order since the last call.
    pub fn addresses(&self) -> Vec<(String, Option<String>)> {
        std::mem::take(&mut *self.addresses.lock().unwrap_or_else(PoisonError::into_inner))
    }

    /// The number of status requests.
    pub fn asked(&self) -> usize {
        self.asked.load(Ordering::SeqCst)
    }

    /// The most calls at the same time since it became slow.
    pub fn most_at_once(&self) -> usize {
        self.most_at_once.load(Ordering::SeqCst)
    }
}

fn report(outcome: Outcome) -> Report {
    Report {
        status_code: Some(outcome.name().to_owned()),
        status_message: None,
        gateway_txn_id: Some("FAKE-1".to_owned()),
        payment_mode: Some("TEST".to_owned()),
        bank_txn_no: None,
        returned: None,
        raw: json!({ "state": outcome.name() }),
        outcome,
    }
}

#[async_trait]
impl Gateway for FakeGateway {
    fn profile(&self) -> &Profile {
        &self.profile
    }

    fn availability(&self) -> Availability {
        self.script().availability
    }

    fn closing(&self) -> Option<&dyn Closing> {
        self.script().closes.then_some(self as &dyn Closing)
    }

    fn refunding(&self) -> Option<&dyn Refunding> {
        self.gives_back.then_some(self as &dyn Refunding)
    }

    async fn start(&self, order: &Order<'_>) -> Result<Redirect, GatewayError> {
        match self.profile.start_mode {
            StartMode::Offline => {}
            StartMode::Network => self.refuse_while_unavailable()?,
        }
        let before = self.starts.fetch_add(1, Ordering::SeqCst);
        self.addresses
            .lock()
            .unwrap_or_else(PoisonError::into_inner)
            .push((order.return_url.to_owned(), order.notify_url.map(str::to_owned)));
        let delay = self.script().delay;
        self.takes(delay).await;
        let (fault, tells_other_pages) = {
            let script = self.script();
            (script.start_fails, script.tells_other_pages)
        };
        match fault {
            Some(StartFault::NotSent) => Err(GatewayError::NotSent("connection refused".into())),
            Some(StartFault::Unanswered) => Err(GatewayError::Unanswered("timed out".into())),
            None if self.profile.needs_form_page => {
                Ok(Redirect::Form { action: "https://fake.example/form".to_owned(), fields: Vec::new() })
            }
            None => {
                let page = if tells_other_pages { format!("&page={before}") } else { String::new() };
                Ok(Redirect::To(format!("https://fake.example/pay?order={}{page}", order.txn.id)))
            }
        }
    }

    fn names(&self, answer: &Answer) -> Option<TxnId> {
        answer.transaction_in(&self.profile.transaction_parameter)
    }

    async fn verify(&self, txn: &Transaction, answer: &Answer) -> Result<Evidence, GatewayError> {
        match answer.params.get("sign") {
            None => Ok(Evidence::Unsigned),
            Some("good") if self.names(answer).is_none_or(|named| named == txn.id) => {
                let mut signed = match answer.params.get("said") {
                    Some("paid") => report(Outcome::Paid { amount: Some(txn.amount) }),
                    Some(_) | None => report(Outcome::Pending),
                };
                if let Some(payment) = answer.params.get("payment") {
                    signed.gateway_txn_id = Some(payment.to_owned());
                }
                Ok(Evidence::Signed(signed))
            }
            Some("good") => Err(GatewayError::WrongTransaction),
            Some(_) => Err(GatewayError::BadSignature),
        }
    }

    async fn status(&self, txn: &Transaction) -> Result<Report, GatewayError> {
        self.refuse_while_unavailable()?;
        let (outcome, delay, bank_txn_no) = {
            let script = self.script();
            let own = script.per_transaction.get(&txn.id).cloned();
            (own.unwrap_or_else(|| script.default.clone()), script.delay, script.bank_txn_no)
        };
        // A test that sees the status request may change the script: its answer is fixed by then.
        self.asked.fetch_add(1, Ordering::SeqCst);
        self.takes(delay).await;
        let report = |outcome| Report { bank_txn_no: bank_txn_no.map(str::to_owned), ..report(outcome) };
        outcome.map(report).ok_or_else(|| GatewayError::Unanswered("timed out".into()))
    }
}

#[async_trait]
impl Closing for FakeGateway {
    async fn close(&self, txn: &Transaction) -> Result<Report, GatewayError> {
        let stands = self.status(txn).await?;
        if !matches!(stands.outcome, Outcome::NotFound | Outcome::Pending) {
            return Ok(stands);
        }
        let closed = Outcome::Declined { reason: "closed".to_owned() };
        self.answers_for(&txn.id, closed.clone());
        if self.script().loses_answers_to_close {
            return Err(GatewayError::Unanswered("timed out".into()));
        }
        Ok(report(closed))
    }
}
