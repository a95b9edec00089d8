//! Refunds at the simulated providers, through every fault of a refund: the answer to the request, the answer
//! to the status request, and the provider's books.

#![allow(
    clippy::unwrap_used,
    clippy::expect_used,
    clippy::panic,
    clippy::wildcard_enum_match_arm,
    reason = "a test"
)]

use std::collections::HashMap;
use std::sync::Arc;
use std::time::Duration;

use bytes::Bytes;
use payment_domain::{Money, RefundId, RefundReport, SystemClock, Transaction};
use payment_gateway::conformance::sample;
use payment_gateway::{Answer, Gateway, GatewayError, Redirect, RefundOrder};
use payment_gateways::account::RedirectThrough;
use payment_gateways::client::{Client, Limits};
use payment_gateways::{Adapter, ccavenue, hyperswitch, payu, razorpay, stripe};
use payment_simulator::providers::{
    Choice, Fault, Provider, Providers, ProvidersSettings, RefundTwist, Visitor, WayBack,
};
use tokio::sync::mpsc::{UnboundedReceiver, unbounded_channel};

const REFUND: &str = "RF-0000000001";
/// An hour: a delayed decision comes when requested.
const LATER: u64 = 3_600;

const PROVIDERS: [(Provider, &Adapter); 5] = [
    (Provider::Ccavenue, &ccavenue::ADAPTER),
    (Provider::Hyperswitch, &hyperswitch::ADAPTER),
    (Provider::Payu, &payu::ADAPTER),
    (Provider::Razorpay, &razorpay::ADAPTER),
    (Provider::Stripe, &stripe::ADAPTER),
];

struct World {
    provider: Provider,
    base_url: String,
    simulator: Providers,
    adapter: Arc<dyn Gateway>,
    payment: Transaction,
}

impl World {
    async fn paid(
        provider: Provider,
        adapter: &Adapter,
        change: impl FnOnce(&mut ProvidersSettings),
    ) -> World {
        let listener = tokio::net::TcpListener::bind("127.0.0.1:0").await.unwrap();
        let base_url = format!("http://{}", listener.local_addr().unwrap());
        let mut settings = ProvidersSettings::new(&base_url);
        change(&mut settings);
        let simulator = Providers::new(settings).unwrap();
        let router = simulator.router();
        tokio::spawn(async move { axum::serve(listener, router).await });
        let properties: HashMap<&str, String> = simulator.properties(&base_url).into_iter().collect();
        let account = adapter.account(properties, RedirectThrough::Service).unwrap();
        let client =
            Client::new(Limits { total_timeout: Duration::from_secs(20), ..Limits::default() }).unwrap();
        let adapter = account.adapter(client, Arc::new(SystemClock));
        let mut payment = sample::transaction("PB_PG_2024_03_15_000123_45", "100.00");
        let redirect = adapter.start(&sample::order(&payment)).await.unwrap();
        let way = match redirect.clone() {
            Redirect::To(url) => WayBack::Follow(url),
            Redirect::Form { action, fields } => WayBack::Post { action, fields },
        };
        if let Redirect::To(url) = redirect {
            payment.redirect_url = Some(url);
        }
        let visitor = Visitor::new(Duration::from_secs(20)).unwrap();
        let page = visitor.open(&way).await.unwrap();
        visitor.choose(&page, Choice::Pay).await.unwrap();
        let report = adapter.status(&payment).await.unwrap();
        assert_eq!(report.outcome.name(), "paid", "{}", provider.name());
        payment.gateway_details.txn_id = report.gateway_txn_id;
        World { provider, base_url, simulator, adapter, payment }
    }

    fn with(&self, twist: RefundTwist) {
        let order = self.payment.id.as_str();
        assert!(self.simulator.set_fault(self.provider, order, Some(Fault::Refund(twist))));
    }

    async fn refund(&self, id: &str, rupees: &str) -> Result<RefundReport, GatewayError> {
        let id = RefundId::new(id).unwrap();
        self.adapter.refunding().unwrap().refund(&self.order(&id, rupees, None)).await
    }

    async fn state(
        &self,
        id: &str,
        rupees: &str,
        number: Option<&str>,
    ) -> Result<RefundReport, GatewayError> {
        let id = RefundId::new(id).unwrap();
        self.adapter.refunding().unwrap().refund_status(&self.order(&id, rupees, number)).await
    }

    fn order<'a>(&'a self, id: &'a RefundId, rupees: &str, number: Option<&'a str>) -> RefundOrder<'a> {
        let amount = Money::parse(rupees, self.payment.amount.currency()).unwrap();
        RefundOrder { payment: &self.payment, id, amount, gateway_refund_id: number, notify_url: None }
    }

    /// The money that has left or will leave, in minor units.
    fn given_back(&self) -> i64 {
        let books = self.simulator.refund_books(0, 100);
        let leaves = |state: &str| ["PENDING", "DONE"].contains(&state);
        books.iter().filter(|entry| leaves(entry.state.as_str())).map(|entry| entry.amount.minor).sum()
    }

    /// The refund requested over the API.
    fn elapse(&self) {
        let asked = self.simulator.refund_books(0, 100).into_iter().find(|entry| !entry.in_portal).unwrap();
        self.simulator.elapse_refund(self.provider, &asked.refund).unwrap();
    }
}

fn name_of(report: &Result<RefundReport, GatewayError>) -> &'static str {
    match report {
        Ok(report) => report.outcome.name(),
        Err(GatewayError::Unanswered(_)) => "unanswered",
        Err(GatewayError::Unreadable(_)) => "unreadable",
        Err(other) => panic!("{other:?}"),
    }
}

/// By fault: the answer to the request for a refund of the whole payment, the state then, and the amount
/// refunded. CCAVENUE accepts a request in its answer, PAYU before the end is known.
fn expected(provider: Provider, twist: RefundTwist) -> (&'static str, &'static str, i64) {
    let (is_ccavenue, is_payu) = (provider == Provider::Ccavenue, provider == Provider::Payu);
    let takes_on = is_ccavenue || is_payu;
    match twist {
        RefundTwist::Pending { .. } | RefundTwist::RefusedLater { .. } => ("pending", "pending", 10_000),
        RefundTwist::Refused if is_ccavenue => ("failed", "pending", 0),
        RefundTwist::Refused if is_payu => ("pending", "failed", 0),
        RefundTwist::Refused => ("failed", "failed", 0),
        RefundTwist::NoBalance => match provider {
            Provider::Stripe | Provider::Payu => ("pending", "pending", 10_000),
            Provider::Ccavenue => ("failed", "pending", 0),
            Provider::Razorpay => ("failed", "not found", 0),
            _ => ("failed", "failed", 0),
        },
        RefundTwist::AnswerLost => ("unanswered", "succeeded", 10_000),
        RefundTwist::RequestLost if is_ccavenue => ("unanswered", "pending", 0),
        RefundTwist::RequestLost => ("unanswered", "not found", 0),
        RefundTwist::WrongAmount if takes_on => ("pending", "unclear", 10_000),
        RefundTwist::WrongAmount => ("unclear", "unclear", 10_000),
        RefundTwist::WrongSignature if is_ccavenue => ("unreadable", "succeeded", 10_000),
        RefundTwist::UnknownCode if is_ccavenue => ("unreadable", "unrecognised", 10_000),
        RefundTwist::UnknownCode => ("unrecognised", "unrecognised", 10_000),
        RefundTwist::NotFound if is_ccavenue => ("pending", "pending", 10_000),
        RefundTwist::NotFound if is_payu => ("pending", "not found", 10_000),
        RefundTwist::NotFound => ("succeeded", "not found", 10_000),
        RefundTwist::WrongSignature | RefundTwist::Silent | RefundTwist::Returned { .. } if takes_on => {
            ("pending", "succeeded", 10_000)
        }
        RefundTwist::WrongSignature | RefundTwist::Silent | RefundTwist::Returned { .. } => {
            ("succeeded", "succeeded", 10_000)
        }
    }
}

#[tokio::test]
async fn every_fault_of_a_refund_has_its_states_and_none_gives_back_twice() {
    for (provider, adapter) in PROVIDERS {
        for twist in RefundTwist::ALL.map(later) {
            let told = format!("{} {}", provider.name(), twist.word());
            let world = World::paid(provider, adapter, |_| {}).await;
            world.with(twist);
            let (answer, state, given_back) = expected(provider, twist);
            assert_eq!(name_of(&world.refund(REFUND, "100.00").await), answer, "{told}: the answer");
            assert_eq!(name_of(&world.state(REFUND, "100.00", None).await), state, "{told}: the state");
            assert_eq!(world.given_back(), given_back, "{told}");
            // Where a second call is allowed, it gives nothing back that the first one has given.
            if provider != Provider::Ccavenue {
                let again = world.refund(REFUND, "100.00").await;
                assert!(world.given_back() <= 10_000, "{told}: {again:?}");
                let state = name_of(&world.state(REFUND, "100.00", None).await);
                assert!(state != "failed" || world.given_back() == 0, "{told}: {state}");
            }
        }
    }
}

fn later(twist: RefundTwist) -> RefundTwist {
    match twist {
        RefundTwist::Pending { .. } => RefundTwist::Pending { seconds: LATER },
        RefundTwist::RefusedLater { .. } => RefundTwist::RefusedLater { seconds: LATER },
        RefundTwist::Returned { .. } => RefundTwist::Returned { seconds: LATER },
        other => other,
    }
}

#[tokio::test]
async fn an_accepted_refund_ends_and_a_completed_one_may_be_returned() {
    for (provider, adapter) in PROVIDERS {
        for (twist, end) in [
            (RefundTwist::Pending { seconds: LATER }, "succeeded"),
            // The order of CCAVENUE stays as it was.
            (RefundTwist::RefusedLater { seconds: LATER }, "failed"),
            (RefundTwist::Returned { seconds: LATER }, "failed"),
        ] {
            let world = World::paid(provider, adapter, |_| {}).await;
            world.with(twist);
            let number = world.refund(REFUND, "100.00").await.unwrap().gateway_refund_id;
            world.elapse();
            let end = match (provider, twist) {
                (Provider::Ccavenue, RefundTwist::RefusedLater { .. } | RefundTwist::Returned { .. }) => {
                    "pending"
                }
                // Only STRIPE reports a credit that came back.
                (
                    Provider::Hyperswitch | Provider::Payu | Provider::Razorpay,
                    RefundTwist::Returned { .. },
                ) => "succeeded",
                _ => end,
            };
            let state = world.state(REFUND, "100.00", number.as_deref()).await;
            assert_eq!(name_of(&state), end, "{} {}", provider.name(), twist.word());
        }
    }
}

#[tokio::test]
async fn parts_are_given_back_up_to_the_whole_and_not_beyond() {
    for (provider, adapter) in PROVIDERS {
        let told = provider.name();
        let world = World::paid(provider, adapter, |_| {}).await;
        let done = if provider == Provider::Ccavenue { "pending" } else { "succeeded" };
        for (id, rupees) in [("RF-0000000001", "60.00"), ("RF-0000000002", "39.00")] {
            world.refund(id, rupees).await.unwrap();
            assert_eq!(name_of(&world.state(id, rupees, None).await), done, "{told}");
        }
        let beyond = world.refund("RF-0000000003", "1.01").await;
        // HYPERSWITCH and STRIPE refuse in words that are in no table.
        let refused = match provider {
            Provider::Hyperswitch | Provider::Stripe => "unrecognised",
            _ => "failed",
        };
        assert_eq!((name_of(&beyond), world.given_back()), (refused, 9_900), "{told}");
        world.refund("RF-0000000004", "1.00").await.unwrap();
        assert_eq!(world.given_back(), 10_000, "{told}");
        let state = name_of(&world.state("RF-0000000001", "60.00", None).await);
        assert_eq!(state, if provider == Provider::Ccavenue { "unclear" } else { "succeeded" }, "{told}");
    }
}

#[tokio::test]
async fn money_given_back_in_the_portal_is_no_refund_of_ours_and_blocks_one() {
    for (provider, adapter) in PROVIDERS {
        let told = provider.name();
        let world = World::paid(provider, adapter, |_| {}).await;
        world.simulator.refund_in_portal(provider, world.payment.id.as_str(), None).unwrap();
        let state = name_of(&world.state(REFUND, "100.00", None).await);
        // An order of CCAVENUE shows that all was refunded, and not by which refund.
        assert_eq!(state, if provider == Provider::Ccavenue { "succeeded" } else { "not found" }, "{told}");
        let answer = name_of(&world.refund(REFUND, "100.00").await);
        assert_ne!(answer, "succeeded", "{told}");
        assert_eq!(world.given_back(), 10_000, "{told}");
    }
}

#[tokio::test]
async fn an_unconfirmed_order_of_ccavenue_is_cancelled() {
    let unconfirmed = |settings: &mut ProvidersSettings| settings.ccavenue.confirms_orders = false;
    let world = World::paid(Provider::Ccavenue, &ccavenue::ADAPTER, unconfirmed).await;
    assert_eq!(name_of(&world.refund(REFUND, "40.00").await), "failed");
    assert_eq!((name_of(&world.refund(REFUND, "100.00").await), world.given_back()), ("pending", 10_000));
    assert_eq!(name_of(&world.state(REFUND, "100.00", None).await), "succeeded");
}

#[tokio::test]
async fn payus_newer_api_reports_the_same() {
    let world = World::paid(Provider::Payu, &payu::ADAPTER, |_| {}).await;
    let base_url = &world.base_url;
    let mut properties: HashMap<&str, String> = world.simulator.properties(base_url).into_iter().collect();
    properties.insert("payu.url.refunds", format!("{base_url}/payu/v2/refunds/status"));
    let account = payu::ADAPTER.account(properties, RedirectThrough::Service).unwrap();
    let adapter = account.adapter(Client::new(Limits::default()).unwrap(), Arc::new(SystemClock));
    let id = RefundId::new(REFUND).unwrap();
    let (order, refunding) = (world.order(&id, "100.00", None), adapter.refunding().unwrap());
    assert_eq!(name_of(&refunding.refund_status(&order).await), "not found");
    world.refund(REFUND, "100.00").await.unwrap();
    assert_eq!(name_of(&refunding.refund_status(&order).await), "succeeded");
}

#[tokio::test]
async fn a_message_about_a_refund_names_it_and_no_payment() {
    for (provider, adapter) in PROVIDERS.into_iter().filter(|(provider, _)| *provider != Provider::Ccavenue) {
        let told = provider.name();
        let (url, mut messages) = receiver().await;
        let world = World::paid(provider, adapter, |settings| {
            settings.hyperswitch.webhook_url = Some(url.clone());
            settings.razorpay.webhook_url = Some(url.clone());
            settings.stripe.webhook_url = Some(url.clone());
        })
        .await;
        let id = RefundId::new(REFUND).unwrap();
        let order = RefundOrder { notify_url: Some(&url), ..world.order(&id, "100.00", None) };
        world.adapter.refunding().unwrap().refund(&order).await.unwrap();
        world.simulator.tick().await;
        let named: Vec<RefundId> = std::iter::from_fn(|| messages.try_recv().ok())
            .filter_map(|answer| {
                let refund = world.adapter.refunding().unwrap().names_refund(&answer)?;
                assert_eq!(world.adapter.names(&answer), None, "{told}");
                Some(refund)
            })
            .collect();
        assert_eq!(named, [id], "{told}");
    }
}

/// A server of the merchant's, and the requests it receives.
async fn receiver() -> (String, UnboundedReceiver<Answer>) {
    let (sender, messages) = unbounded_channel();
    let listener = tokio::net::TcpListener::bind("127.0.0.1:0").await.unwrap();
    let url = format!("http://{}/notify", listener.local_addr().unwrap());
    let take = move |body: Bytes| async move {
        sender.send(Answer { body, ..Answer::default() }).unwrap();
    };
    let router = axum::Router::new().route("/notify", axum::routing::post(take));
    tokio::spawn(async move { axum::serve(listener, router).await });
    (url, messages)
}
