//! Callbacks arrive, also when the merchant is unavailable or the sandbox restarts.

use std::collections::VecDeque;
use std::sync::{Arc, Mutex};
use std::time::Duration;

use crate::world::{SECRET, World, link};
use axum::body::Bytes;
use axum::http::StatusCode;
use axum::routing::post;
use payment_simulator::sandbox::signature::{Purpose, is_signed};
use payment_simulator::sandbox::{CallbackPolicy, Choice, Sandbox, SandboxSettings, Tally};
use secrecy::SecretString;
use serde_json::Value;
use tokio::sync::Notify;

/// A merchant's server with the given answers, and 200 afterwards.
#[derive(Clone, Default)]
struct Merchant {
    answers: Arc<Mutex<VecDeque<StatusCode>>>,
    received: Arc<Mutex<Vec<Bytes>>>,
    arrived: Arc<Notify>,
}

impl Merchant {
    /// Serves; returns its address for callbacks.
    async fn serve(&self) -> String {
        let listener = tokio::net::TcpListener::bind("127.0.0.1:0").await.unwrap();
        let address = format!("http://{}/notify", listener.local_addr().unwrap());
        let merchant = self.clone();
        let notify = post(move |body: Bytes| async move {
            merchant.received.lock().unwrap().push(body);
            merchant.arrived.notify_one();
            merchant.answers.lock().unwrap().pop_front().unwrap_or(StatusCode::OK)
        });
        let router = axum::Router::new().route("/notify", notify);
        tokio::spawn(async move { axum::serve(listener, router).await });
        address
    }

    fn answers(&self, statuses: &[StatusCode]) {
        self.answers.lock().unwrap().extend(statuses);
    }

    fn received(&self) -> Vec<Bytes> {
        self.received.lock().unwrap().clone()
    }
}

const DELIVERED: Tally = Tally { delivered: 1, failed: 0 };
const FAILED: Tally = Tally { delivered: 0, failed: 1 };
const NOTHING: Tally = Tally { delivered: 0, failed: 0 };

#[tokio::test]
async fn a_decision_is_delivered_once_with_a_signature_over_all_of_it() {
    let (world, merchant) = (World::new(), Merchant::default());
    let notify_url = merchant.serve().await;
    world.choose(&link(&[("notify_url", &notify_url)]), Choice::Pay).await;
    assert_eq!(world.sandbox.tick().await.unwrap(), DELIVERED);
    assert_eq!(world.sandbox.tick().await.unwrap(), NOTHING);
    let received = merchant.received();
    assert_eq!(received.len(), 1);
    let body: Value = serde_json::from_slice(&received[0]).unwrap();
    insta::assert_snapshot!(format!("{body:#}"), @r#"
        {
          "amount_paise": 12345600,
          "code": "PAID",
          "currency": "INR",
          "merchant": "CITY",
          "message": "Payment successful",
          "mode": "SANDBOX",
          "order": "T1",
          "paid_paise": 12345600,
          "payment_id": "SBX0000000001",
          "signature": "5a14aa483a3f488f3ff175245c9213e5b50ca0a36d36a6f8feca30b4352acd25",
          "state": "PAID",
          "timestamp": 1795342200000
        }
        "#);
    let text = |name: &str| body[name].as_str().map_or_else(|| body[name].to_string(), str::to_owned);
    let names = [
        "merchant",
        "order",
        "state",
        "amount_paise",
        "currency",
        "paid_paise",
        "payment_id",
        "mode",
        "code",
        "message",
        "timestamp",
    ];
    let values = names.map(text);
    let fields: Vec<(&str, &str)> = names.into_iter().zip(values.iter().map(String::as_str)).collect();
    assert!(is_signed(SECRET.as_bytes(), Purpose::Callback, &fields, &text("signature")));
}

#[tokio::test]
async fn a_callback_is_repeated_byte_for_byte_until_it_arrives() {
    let (world, merchant) = (World::new(), Merchant::default());
    let notify_url = merchant.serve().await;
    merchant.answers(&[StatusCode::INTERNAL_SERVER_ERROR, StatusCode::FOUND]);
    world.choose(&link(&[("notify_url", &notify_url)]), Choice::Decline).await;
    assert_eq!(world.sandbox.tick().await.unwrap(), FAILED);
    world.advance_ms(999);
    assert_eq!(world.sandbox.tick().await.unwrap(), NOTHING, "not before its time");
    world.advance_ms(1);
    assert_eq!(world.sandbox.tick().await.unwrap(), FAILED);
    world.advance_ms(2_000);
    assert_eq!(world.sandbox.tick().await.unwrap(), DELIVERED);
    let received = merchant.received();
    assert_eq!(received.len(), 3);
    assert!(received.iter().all(|body| *body == received[0]));
    let callback = world.sandbox.books(0, 1).await.unwrap().remove(0).callback.unwrap();
    assert_eq!((callback.attempts, callback.delivered), (3, true));
}

#[tokio::test]
async fn a_callback_is_given_up_after_the_last_try() {
    let world = World::new();
    // Port 9 on loopback has no listener.
    world.choose(&link(&[]), Choice::Pay).await;
    for _ in 0..3 {
        assert_eq!(world.sandbox.tick().await.unwrap(), FAILED);
        world.advance_ms(60_000);
    }
    assert_eq!(world.sandbox.tick().await.unwrap(), NOTHING);
    let callback = world.sandbox.books(0, 1).await.unwrap().remove(0).callback.unwrap();
    assert_eq!((callback.attempts, callback.delivered), (3, false));
    assert_eq!(callback.last_result.as_deref(), Some("could not be reached"));
}

#[tokio::test]
async fn decisions_and_callbacks_survive_a_restart() {
    let (world, merchant) = (World::new(), Merchant::default());
    let notify_url = merchant.serve().await;
    let late = link(&[("notify_url", &notify_url), ("order", "LATE")]);
    let paid = link(&[("notify_url", &notify_url), ("order", "PAID")]);
    world.choose(&late, Choice::AnswerLate).await;
    world.choose(&paid, Choice::Pay).await;
    let before = world.sandbox.books(0, 10).await.unwrap();
    let world = world.restarted();
    assert_eq!(world.sandbox.books(0, 10).await.unwrap(), before);
    assert!(world.get(&paid).await.token().is_none(), "still decided");
    assert_eq!(world.sandbox.tick().await.unwrap(), DELIVERED);
    world.advance_ms(20_000);
    let world = world.restarted();
    assert_eq!(world.sandbox.tick().await.unwrap(), DELIVERED, "the late answer came");
    assert_eq!(merchant.received().len(), 2);
}

#[tokio::test]
async fn an_unavailable_merchant_delays_no_other() {
    let (world, merchant) = (World::new(), Merchant::default());
    let notify_url = merchant.serve().await;
    for order in ["A", "B", "C"] {
        world.choose(&link(&[("order", order)]), Choice::Pay).await;
    }
    world.choose(&link(&[("order", "D"), ("notify_url", &notify_url)]), Choice::Pay).await;
    assert_eq!(world.sandbox.tick().await.unwrap(), Tally { delivered: 1, failed: 3 });
}

/// With the real clock: the background task is woken by the decision and ends on request.
#[tokio::test]
async fn the_background_task_delivers_at_once_and_stops_on_request() {
    let (world, merchant) = (World::new(), Merchant::default());
    let notify_url = merchant.serve().await;
    let (stop, stopped) = tokio::sync::oneshot::channel::<()>();
    let running = tokio::spawn(world.sandbox.clone().run(async move {
        let _ = stopped.await;
    }));
    tokio::task::yield_now().await;
    world.choose(&link(&[("notify_url", &notify_url)]), Choice::Pay).await;
    tokio::time::timeout(Duration::from_secs(30), merchant.arrived.notified()).await.unwrap();
    stop.send(()).unwrap();
    tokio::time::timeout(Duration::from_secs(30), running).await.unwrap().unwrap();
}

#[tokio::test]
async fn settings_without_a_secret_or_merchant_are_refused() {
    let world = World::new();
    let open = |merchant: &str, secret: &str, url: &str| {
        let mut settings = SandboxSettings::new(merchant, SecretString::from(secret), url);
        settings.callbacks = CallbackPolicy::default();
        Sandbox::open(&world.database(), settings)
    };
    assert!(open("CITY", "", "http://localhost/sandbox").is_err());
    assert!(open("", SECRET, "http://localhost/sandbox").is_err());
    assert!(open("CITY", SECRET, "localhost").is_err());
    assert!(open("CITY", SECRET, "http://localhost/sandbox/").is_ok());
}
