//! The sandbox, played by the simulator.

use std::collections::HashMap;
use std::sync::{Arc, Mutex};
use std::time::Duration;

use async_trait::async_trait;
use payment_domain::{Clock, Currency, ManualClock, Money, RefundId, SystemClock, TxnId};
use payment_gateway::conformance::{Deed, Forgery, Notification, Proof, Provider, RefundDeed, Seen};
use payment_gateway::{Answer, Gateway, Redirect};
use payment_gateways::client::{Client, Limits};
use payment_gateways::sandbox::{Sandbox, SandboxAccount};
use payment_simulator::sandbox::{self as simulator, Choice, PayPage, SandboxSettings, Visitor};
use secrecy::SecretString;
use serde_json::Value;

use crate::form::{self, Fields};
use crate::receiver::Receiver;

const SECRET: &str = "0123456789abcdef0123456789abcdef";
const LATE: Duration = Duration::from_secs(20);

const FIELDS: Fields = Fields {
    signature: "sandboxSignature",
    order: "sandboxOrder",
    amount: "sandboxAmountPaise",
    outcome: "sandboxState",
    words: ["PAID", "DECLINED"],
};

struct Simulated {
    simulator: simulator::Sandbox,
    base_url: String,
    clock: Arc<ManualClock>,
    visitor: Visitor,
    receiver: Receiver,
    pages: Mutex<HashMap<String, PayPage>>,
    ways_back: Mutex<HashMap<String, String>>,
    _folder: tempfile::TempDir,
}

pub(crate) async fn provider() -> Arc<dyn Provider> {
    let receiver = Receiver::start().await;
    let listener = tokio::net::TcpListener::bind("127.0.0.1:0").await.unwrap();
    let base_url = format!("http://{}", listener.local_addr().unwrap());
    let folder = tempfile::tempdir().unwrap();
    let clock = Arc::new(ManualClock::at(SystemClock.now()));
    let mut settings = SandboxSettings::new("CITY", SecretString::from(SECRET), base_url.as_str());
    settings.late_after = LATE;
    let shown = clock.clone();
    settings.clock = simulator::Clock::from_fn(move || shown.now().as_millis());
    let simulator = simulator::Sandbox::open(&folder.path().join("sandbox.db"), settings).unwrap();
    let router = simulator.router();
    tokio::spawn(async move { axum::serve(listener, router).await });
    let visitor = Visitor::new(Duration::from_secs(20)).unwrap();
    let (pages, ways_back) = Default::default();
    Arc::new(Simulated { simulator, base_url, clock, visitor, receiver, pages, ways_back, _folder: folder })
}

#[async_trait]
impl Provider for Simulated {
    fn gateway(&self) -> Arc<dyn Gateway> {
        self.gateway_at(&self.base_url, Duration::from_secs(20))
    }

    fn gateway_at(&self, base_url: &str, timeout: Duration) -> Arc<dyn Gateway> {
        let config = SandboxAccount {
            page_url: base_url.to_owned(),
            api_url: base_url.to_owned(),
            merchant: "CITY".to_owned(),
            secret: SecretString::from(SECRET),
        };
        let client = Client::new(Limits { total_timeout: timeout, ..Limits::default() }).unwrap();
        Arc::new(Sandbox::new(config, client, self.clock.clone()))
    }

    fn notify_url(&self) -> String {
        self.receiver.url.clone()
    }

    async fn arrive(&self, redirect: &Redirect) -> Seen {
        let Redirect::To(url) = redirect else { panic!("the sandbox is followed to") };
        let page = self.visitor.open(url).await.expect("the sandbox accepts the link");
        let books = self.simulator.books(0, 100).await.unwrap();
        let entry =
            books.into_iter().find(|entry| entry.order == page.order()).expect("the order is in the books");
        self.pages.lock().unwrap().insert(entry.order.clone(), page);
        let currency = Currency::from_code(&entry.currency).unwrap();
        Seen { order: entry.order, amount: Money::from_minor(entry.amount_paise, currency).unwrap() }
    }

    async fn does(&self, order: &TxnId, deed: Deed) {
        let choice = match deed {
            Deed::IsPaid => Choice::Pay,
            Deed::IsPaidOtherwise => Choice::WrongAmount,
            Deed::IsDeclined => Choice::Decline,
            Deed::IsPending => Choice::AnswerLate,
            Deed::IsPaidAtLast => {
                self.clock.advance(LATE);
                self.ways_back.lock().unwrap().remove(order.as_str());
                return;
            }
            Deed::IsPaidInAnotherCurrency | Deed::IsDeclinedForNow | Deed::IsUnheardOf => {
                panic!("{deed:?} never happens here")
            }
        };
        let page = self.pages.lock().unwrap().remove(order.as_str()).expect("the payer is at the pay page");
        let way = self.visitor.choose(&page, choice).await.unwrap();
        self.ways_back.lock().unwrap().extend(way.map(|way| (order.to_string(), way.url().to_owned())));
    }

    fn never(&self) -> Vec<Deed> {
        vec![Deed::IsPaidInAnotherCurrency, Deed::IsDeclinedForNow, Deed::IsUnheardOf]
    }

    async fn notifications(&self, order: &TxnId) -> Vec<Notification> {
        let signed = |answer, by_browser| Notification { answer, by_browser, proof: Proof::Content };
        let way = self.ways_back.lock().unwrap().get(order.as_str()).cloned();
        let mut notifications: Vec<Notification> =
            way.map(|url| signed(form::brought_by_browser(&url, Vec::new()), true)).into_iter().collect();
        self.simulator.tick().await.unwrap();
        notifications.extend(self.receiver.take().into_iter().map(|answer| signed(answer, false)));
        notifications
    }

    fn forged(&self, notification: &Notification, forgery: &Forgery) -> Option<Answer> {
        if notification.by_browser {
            return FIELDS.forged(&notification.answer, forgery);
        }
        let mut body: Value = serde_json::from_slice(&notification.answer.body).unwrap();
        match forgery {
            Forgery::Signature => {
                body["signature"] = form::other_first_letter(body["signature"].as_str().unwrap()).into();
            }
            Forgery::Order(other) => body["order"] = other.as_str().into(),
            Forgery::Amount => body["amount_paise"] = 1.into(),
            Forgery::Outcome => {
                body["state"] = form::other_word(body["state"].as_str().unwrap(), FIELDS.words).into();
            }
        }
        Some(Answer { body: body.to_string().into(), ..notification.answer.clone() })
    }

    /// The others are chosen by the amount, and tested with the adapter.
    async fn refunds_are(&self, _payment: &TxnId, deed: RefundDeed) -> bool {
        deed == RefundDeed::IsGivenBack
    }

    async fn ends(&self, _refund: &RefundId) {
        self.clock.advance(LATE);
    }

    async fn given_back(&self, payment: &TxnId) -> Vec<(String, i64)> {
        let books = self.simulator.refunds(0, 100).await.unwrap().into_iter();
        let given =
            books.filter(|it| it.order == payment.as_str() && it.state == simulator::RefundState::Refunded);
        given.map(|entry| (entry.refund, entry.amount_paise)).collect()
    }

    fn asks_before_it_refunds(&self) -> bool {
        false
    }

    fn secrets(&self) -> Vec<String> {
        vec![SECRET.to_owned()]
    }
}
