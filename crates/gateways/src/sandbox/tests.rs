//! The adapter against the sandbox's own side, over HTTP.

mod refunds;

use std::sync::Mutex;
use std::time::Duration;

use axum::body::Bytes;
use axum::http::StatusCode;
use axum::routing::post;
use payment_domain::{Currency, ManualClock, Money, Outcome, Timestamp};
use payment_gateway::Params;
use payment_simulator::sandbox::{self as simulator, Choice, SandboxSettings, State, Visitor};
use proptest::prelude::*;
use serde_json::json;

use super::*;
use crate::client::Limits;
use crate::form;
use crate::testing;

const SECRET: &str = "0123456789abcdef0123456789abcdef";
const START: Timestamp = Timestamp::from_millis(1_795_342_200_000);
const LIFE: Duration = Duration::from_secs(1800);

/// The sandbox on a port of its own, an address for its callbacks, and the adapter.
struct World {
    adapter: Sandbox,
    simulator: simulator::Sandbox,
    visitor: Visitor,
    clock: Arc<ManualClock>,
    address: String,
    callbacks: Arc<Mutex<Vec<Bytes>>>,
    _folder: tempfile::TempDir,
}

fn config(address: &str) -> SandboxAccount {
    SandboxAccount {
        page_url: format!("{address}/sandbox"),
        api_url: format!("{address}/sandbox/"),
        merchant: "CITY".to_owned(),
        secret: SecretString::from(SECRET),
    }
}

impl World {
    async fn new() -> World {
        let listener = tokio::net::TcpListener::bind("127.0.0.1:0").await.unwrap();
        let address = format!("http://{}", listener.local_addr().unwrap());
        let folder = tempfile::tempdir().unwrap();
        let clock = Arc::new(ManualClock::at(START));
        let mut settings =
            SandboxSettings::new("CITY", SecretString::from(SECRET), format!("{address}/sandbox"));
        let shown = clock.clone();
        settings.clock = simulator::Clock::from_fn(move || shown.now().as_millis());
        let simulator = simulator::Sandbox::open(&folder.path().join("sandbox.db"), settings).unwrap();
        let callbacks = Arc::<Mutex<Vec<Bytes>>>::default();
        let received = callbacks.clone();
        let notify = post(move |body: Bytes| async move {
            received.lock().unwrap().push(body);
            StatusCode::OK
        });
        let router = axum::Router::new().nest("/sandbox", simulator.router()).route("/notify", notify);
        tokio::spawn(async move { axum::serve(listener, router).await });
        World {
            adapter: Sandbox::new(config(&address), testing::client(), clock.clone()),
            simulator,
            visitor: Visitor::new(Duration::from_secs(10)).unwrap(),
            clock,
            address,
            callbacks,
            _folder: folder,
        }
    }

    fn transaction(&self, id: &str) -> Transaction {
        let mut txn = testing::transaction(id, "1234.56");
        txn.audit.created_at = self.clock.now();
        txn
    }

    async fn pay_link(&self, txn: &Transaction) -> String {
        let id = form::encode_query(&[("eg_pg_txnid", txn.id.as_str())]);
        let return_url = format!("{}/pg/_redirect?{id}", self.address);
        let notify_url = format!("{}/notify", self.address);
        let order = Order {
            txn,
            return_url: &return_url,
            notify_url: Some(&notify_url),
            payable_until: txn.audit.created_at.plus(LIFE),
            bank_account: None,
        };
        match self.adapter.start(&order).await.unwrap() {
            Redirect::To(url) => url,
            other @ Redirect::Form { .. } => panic!("{other:?}"),
        }
    }

    /// Opens the page and chooses; returns the answer in the browser's return, if it returns.
    async fn choose(&self, txn: &Transaction, choice: Choice) -> Option<Answer> {
        let page = self.visitor.open(&self.pay_link(txn).await).await.unwrap();
        let way = self.visitor.choose(&page, choice).await.unwrap().expect("the browser is sent on");
        let query = way.url().strip_prefix(&format!("{}/pg/_redirect?", self.address))?;
        Some(Answer::of_params(Params::new(form::decode(query.as_bytes()))))
    }

    async fn outcome(&self, txn: &Transaction) -> Outcome {
        self.adapter.status(txn).await.unwrap().outcome
    }

    async fn verified(&self, txn: &Transaction, answer: &Answer) -> Outcome {
        match self.adapter.verify(txn, answer).await.unwrap() {
            Evidence::Signed(report) => report.outcome,
            Evidence::Unsigned => panic!("not signed"),
        }
    }

    async fn next_callback(&self) -> Option<Answer> {
        self.simulator.tick().await.unwrap();
        let body = self.callbacks.lock().unwrap().pop()?;
        Some(Answer { body, ..Answer::default() })
    }
}

fn with(answer: &Answer, name: &str, value: &str) -> Answer {
    let changed = |(key, old): (&str, &str)| {
        (key.to_owned(), if key == name { value.to_owned() } else { old.to_owned() })
    };
    Answer::of_params(Params::new(answer.params.iter().map(changed).collect()))
}

fn paid(rupees: &str) -> Outcome {
    Outcome::Paid { amount: Some(Money::parse(rupees, Currency::INR).unwrap()) }
}

#[tokio::test]
async fn an_order_is_unknown_until_its_page_is_opened_and_open_while_the_tab_is() {
    let world = World::new().await;
    let txn = world.transaction("T1");
    let report = world.adapter.status(&txn).await.unwrap();
    assert_eq!((report.outcome, report.status_code.as_deref()), (Outcome::NotFound, Some("NO_SUCH_ORDER")));
    world.visitor.open(&world.pay_link(&txn).await).await.unwrap();
    assert_eq!(world.outcome(&txn).await, Outcome::Pending);
}

#[tokio::test]
async fn browser_callback_and_status_report_a_payment_alike() {
    let world = World::new().await;
    let txn = world.transaction("T1");
    let back = world.choose(&txn, Choice::Pay).await.unwrap();
    assert_eq!(world.adapter.names(&back), Some(txn.id.clone()));
    assert_eq!(world.verified(&txn, &back).await, paid("1234.56"));
    let callback = world.next_callback().await.unwrap();
    assert_eq!(world.adapter.names(&callback), Some(txn.id.clone()));
    assert_eq!(world.verified(&txn, &callback).await, paid("1234.56"));
    let report = world.adapter.status(&txn).await.unwrap();
    let raw = json!({
        "merchant": "CITY", "order": "T1", "state": "PAID", "amount_paise": "123456", "currency": "INR",
        "paid_paise": "123456", "payment_id": "SBX0000000001", "mode": "SANDBOX", "code": "PAID",
        "message": "Payment successful", "timestamp": START.as_millis().to_string(),
    });
    assert_eq!(report.raw, raw, "the evidence holds no signature");
    assert_eq!(report.gateway_txn_id.as_deref(), Some("SBX0000000001"));
}

#[tokio::test]
async fn a_decline_is_definite() {
    let world = World::new().await;
    let txn = world.transaction("T1");
    let back = world.choose(&txn, Choice::Decline).await.unwrap();
    let declined = Outcome::Declined { reason: "The payer declined".to_owned() };
    assert_eq!(world.verified(&txn, &back).await, declined);
    assert_eq!(world.outcome(&txn).await, declined);
    assert_eq!(world.verified(&txn, &world.next_callback().await.unwrap()).await, declined);
}

#[tokio::test]
async fn a_payment_without_a_callback_is_found_by_a_status_request() {
    let world = World::new().await;
    let txn = world.transaction("T1");
    assert!(world.choose(&txn, Choice::SayNothing).await.is_none(), "the browser stays");
    assert!(world.next_callback().await.is_none());
    assert_eq!(world.outcome(&txn).await, paid("1234.56"));
}

#[tokio::test]
async fn a_late_answer_is_pending_first_and_paid_with_a_callback_then() {
    let world = World::new().await;
    let txn = world.transaction("T1");
    let back = world.choose(&txn, Choice::AnswerLate).await.unwrap();
    assert_eq!(world.verified(&txn, &back).await, Outcome::Pending);
    world.clock.advance(Duration::from_millis(19_999));
    assert!(world.next_callback().await.is_none());
    assert_eq!(world.outcome(&txn).await, Outcome::Pending);
    world.clock.advance(Duration::from_millis(1));
    assert_eq!(world.verified(&txn, &world.next_callback().await.unwrap()).await, paid("1234.56"));
    assert_eq!(world.outcome(&txn).await, paid("1234.56"));
}

#[tokio::test]
async fn a_wrong_amount_is_reported_as_taken() {
    let world = World::new().await;
    let txn = world.transaction("T1");
    let back = world.choose(&txn, Choice::WrongAmount).await.unwrap();
    assert_eq!(world.verified(&txn, &back).await, paid("1233.56"));
    assert_eq!(world.outcome(&txn).await, paid("1233.56"));
}

#[tokio::test]
async fn an_expired_order_can_never_be_paid() {
    let world = World::new().await;
    let (opened, unopened) = (world.transaction("T1"), world.transaction("T2"));
    let page = world.visitor.open(&world.pay_link(&opened).await).await.unwrap();
    let unopened_link = world.pay_link(&unopened).await;
    world.clock.advance(LIFE + Duration::from_millis(1));
    world.visitor.choose(&page, Choice::Pay).await.unwrap();
    assert_eq!(
        world.outcome(&opened).await,
        Outcome::Declined { reason: "The order's time ran out".to_owned() }
    );
    assert!(world.visitor.open(&unopened_link).await.is_err());
    assert_eq!(world.outcome(&unopened).await, Outcome::NotFound);
}

#[tokio::test]
async fn a_form_sent_many_times_at_once_pays_once() {
    let world = World::new().await;
    let txn = world.transaction("T1");
    let page = world.visitor.open(&world.pay_link(&txn).await).await.unwrap();
    let mut sending = tokio::task::JoinSet::new();
    for at in 0..20 {
        let (visitor, page) = (world.visitor.clone(), page.clone());
        let choice = if at % 2 == 0 { Choice::Pay } else { Choice::Decline };
        sending.spawn(async move { visitor.choose(&page, choice).await.unwrap() });
    }
    let locations = sending.join_all().await;
    assert!(locations.iter().all(|location| *location == locations[0]), "every reader gets the same");
    let books = world.simulator.books(0, 10).await.unwrap();
    assert_eq!(books.len(), 1);
    assert!(matches!(books[0].state, State::Paid | State::Declined));
    assert!(world.next_callback().await.is_some());
    assert!(world.next_callback().await.is_none(), "one decision, one callback");
}

#[tokio::test]
async fn a_link_with_another_amount_opens_nothing() {
    let world = World::new().await;
    let txn = world.transaction("T1");
    let link = world.pay_link(&txn).await;
    let forged = link.replace("amount_paise=123456", "amount_paise=100");
    assert_ne!(link, forged);
    assert!(world.visitor.open(&forged).await.is_err());
    assert_eq!(world.outcome(&txn).await, Outcome::NotFound);
    let mut cheaper = txn.clone();
    cheaper.amount = Money::parse("1.00", Currency::INR).unwrap();
    world.visitor.open(&link).await.unwrap();
    assert!(world.visitor.open(&world.pay_link(&cheaper).await).await.is_err(), "well signed, but too late");
    assert_eq!(world.simulator.books(0, 10).await.unwrap()[0].amount_paise, 123_456);
}

#[tokio::test]
async fn a_return_that_was_tampered_with_is_refused() {
    let world = World::new().await;
    let txn = world.transaction("T1");
    let back = world.choose(&txn, Choice::Decline).await.unwrap();
    for (name, value) in [
        ("sandboxState", "PAID"),
        ("sandboxPaidPaise", "123456"),
        ("sandboxOrder", "T2"),
        ("sandboxAmountPaise", "100"),
        ("sandboxTimestamp", "0"),
        ("sandboxMessage", ""),
        ("sandboxSignature", ""),
        ("sandboxSignature", "zz"),
        ("sandboxSignature", &"0".repeat(64)),
    ] {
        let refused = world.adapter.verify(&txn, &with(&back, name, value)).await;
        assert!(matches!(refused, Err(GatewayError::BadSignature)), "{name}: {refused:?}");
    }
    let mut twice = back.clone();
    twice.params.extend(Params::new(vec![("sandboxState".to_owned(), "PAID".to_owned())]));
    assert!(matches!(world.adapter.verify(&txn, &twice).await, Err(GatewayError::BadSignature)));
}

#[tokio::test]
async fn an_unsigned_answer_proves_nothing() {
    let world = World::new().await;
    let txn = world.transaction("T1");
    let unsigned = Params::new(vec![
        (wire::ORDER.to_owned(), "T1".to_owned()),
        ("sandboxState".to_owned(), "PAID".to_owned()),
    ]);
    let bodies: [&[u8]; 4] = [b"", b"\xff", b"[]", br#"{"order":"T1","state":"PAID"}"#];
    let answers = bodies
        .map(|body| Answer { body: Bytes::from_static(body), ..Answer::default() })
        .into_iter()
        .chain([Answer::of_params(unsigned)]);
    for answer in answers {
        assert_eq!(world.adapter.verify(&txn, &answer).await.unwrap(), Evidence::Unsigned);
    }
}

#[tokio::test]
async fn a_genuine_answer_is_worth_nothing_for_another_transaction() {
    let world = World::new().await;
    let (first, second) = (world.transaction("T1"), world.transaction("T2"));
    let back = world.choose(&first, Choice::Pay).await.unwrap();
    let callback = world.next_callback().await.unwrap();
    let mut dearer = first.clone();
    dearer.amount = Money::parse("9999", Currency::INR).unwrap();
    for answer in [&back, &callback] {
        for txn in [&second, &dearer] {
            let refused = world.adapter.verify(txn, answer).await;
            assert!(matches!(refused, Err(GatewayError::WrongTransaction)), "{refused:?}");
        }
    }
    assert_eq!(world.outcome(&second).await, Outcome::NotFound);
    assert!(matches!(world.adapter.status(&dearer).await, Err(GatewayError::Unreadable(_))));
}

#[tokio::test]
async fn a_callback_is_no_answer_and_a_return_is_no_callback() {
    let world = World::new().await;
    let txn = world.transaction("T1");
    let back = world.choose(&txn, Choice::Pay).await.unwrap();
    let callback = world.next_callback().await.unwrap();
    let mut signed_for_return: serde_json::Value = serde_json::from_slice(&callback.body).unwrap();
    signed_for_return["signature"] = json!(back.params.get("sandboxSignature"));
    let mixed = Answer { body: signed_for_return.to_string().into(), ..Answer::default() };
    assert!(matches!(world.adapter.verify(&txn, &mixed).await, Err(GatewayError::BadSignature)));
    assert!(!SignedMessage::in_reply(&callback.body).unwrap().is_genuine(&config(&world.address)));
}

#[tokio::test]
async fn our_own_signature_is_no_return_and_no_callback() {
    let world = World::new().await;
    let txn = world.transaction("T1");
    let link = Params::new(form::decode(world.pay_link(&txn).await.split_once('?').unwrap().1.as_bytes()));
    let question = wire::status_call(&config(&world.address), "T1", START);
    let header = |name: &str| question.headers.iter().find(|(header, _)| header == name).unwrap().1.clone();
    for signature in [link.get("signature").unwrap().to_owned(), header("X-Sandbox-Signature")] {
        let fields = [("order", "T1"), ("merchant", "CITY"), ("state", "PAID"), ("amount_paise", "123456")];
        let more = [("currency", "INR"), ("paid_paise", "123456"), ("signature", signature.as_str())];
        let body: std::collections::BTreeMap<_, _> = fields.into_iter().chain(more).collect();
        let callback = Answer { body: json!(body).to_string().into(), ..Answer::default() };
        let names = ["Order", "Merchant", "State", "AmountPaise", "Currency", "PaidPaise", "Signature"];
        let values = fields.into_iter().chain(more).map(|(_, value)| value.to_owned());
        let back = names.map(|name| format!("sandbox{name}")).into_iter().zip(values).collect();
        for answer in [callback, Answer::of_params(Params::new(back))] {
            let refused = world.adapter.verify(&txn, &answer).await;
            assert!(matches!(refused, Err(GatewayError::BadSignature)), "{refused:?}");
        }
    }
}

#[tokio::test]
async fn a_stranger_is_not_answered() {
    let world = World::new().await;
    let txn = world.transaction("T1");
    let strange = |merchant: &str, secret: &str| {
        let config = SandboxAccount {
            merchant: merchant.to_owned(),
            secret: SecretString::from(secret),
            ..config(&world.address)
        };
        Sandbox::new(config, testing::client(), world.clock.clone())
    };
    for adapter in [strange("TOWN", SECRET), strange("CITY", "another secret")] {
        assert!(matches!(adapter.status(&txn).await, Err(GatewayError::Unreadable(_))));
    }
    let slow_clock = Arc::new(ManualClock::at(START.minus(Duration::from_secs(301))));
    let adapter = Sandbox::new(config(&world.address), testing::client(), slow_clock);
    assert!(matches!(adapter.status(&txn).await, Err(GatewayError::Unreadable(_))));
}

#[tokio::test]
async fn an_old_answer_does_not_pass_for_a_new_one() {
    let world = World::new().await;
    let txn = world.transaction("T1");
    world.choose(&txn, Choice::Pay).await;
    let asked_at = world.clock.now();
    let call = wire::status_call(&config(&world.address), "T1", asked_at);
    let told = SignedMessage::in_reply(&testing::client().send(&call).await.unwrap().body).unwrap();
    assert!(told.is_genuine(&config(&world.address)) && told.answers(asked_at));
    assert!(!told.answers(asked_at.plus(Duration::from_millis(1))));
}

#[tokio::test]
async fn a_wrong_address_is_not_read_as_no_such_order() {
    let world = World::new().await;
    let adapter = Sandbox::new(
        SandboxAccount { api_url: format!("{}/elsewhere", world.address), ..config(&world.address) },
        testing::client(),
        world.clock.clone(),
    );
    let report = adapter.status(&world.transaction("T1")).await;
    assert!(matches!(report, Err(GatewayError::Unreadable(_))), "{report:?}");
}

#[tokio::test]
async fn no_network_fault_is_read_as_an_answer() {
    testing::asks_through_every_fault(|url, client| {
        Sandbox::new(config(url), client, Arc::new(ManualClock::at(START)))
    })
    .await;
}

#[tokio::test]
async fn awkward_text_goes_there_and_back() {
    let world = World::new().await;
    let awkward = "नगर निगम & Söhne + 50% = \"½\" 'x' <b> #?/";
    let mut ids = vec!["A+B C/D&E=F%47#?'\"".to_owned(), "ਪੰ".repeat(64)];
    ids.push("x".repeat(128));
    for id in ids {
        let mut txn = world.transaction(&id);
        txn.product_info = awkward.repeat(13).chars().take(512).collect();
        let link = world.pay_link(&txn).await;
        assert!(link.is_ascii());
        let page = world.visitor.open(&link).await.unwrap();
        assert_eq!(page.order(), id);
        let back = world.choose(&txn, Choice::Pay).await.unwrap();
        assert_eq!(world.adapter.names(&back), Some(txn.id.clone()));
        assert_eq!(world.verified(&txn, &back).await, paid("1234.56"));
        assert_eq!(world.outcome(&txn).await, paid("1234.56"));
        assert!(world.next_callback().await.is_some());
    }
}

#[tokio::test]
async fn the_same_order_gives_the_same_link() {
    let world = World::new().await;
    let txn = world.transaction("T1");
    let link = world.pay_link(&txn).await;
    world.clock.advance(Duration::from_secs(60));
    assert_eq!(world.pay_link(&txn).await, link);
}

/// A signed reply with these members.
fn reply(members: &[(&str, &str)]) -> SignedMessage {
    let mut body = json!({
        "merchant": "CITY", "order": "T1", "state": "PAID", "amount_paise": 123_456, "currency": "INR",
        "paid_paise": 123_456, "timestamp": 0, "signature": "0",
    });
    for (name, value) in members {
        body[*name] = json!(value);
    }
    SignedMessage::in_reply(body.to_string().as_bytes()).unwrap()
}

#[test]
fn missing_or_unknown_members_are_never_a_payment_or_a_failure() {
    let txn = testing::transaction("T1", "1234.56");
    let config = config("http://x");
    assert!(reply(&[]).is_about(&config, &txn));
    for (name, value) in [
        ("currency", ""),
        ("currency", "USD"),
        ("amount_paise", ""),
        ("amount_paise", "123456.0"),
        ("merchant", ""),
    ] {
        assert!(!reply(&[(name, value)]).is_about(&config, &txn), "{name} {value}");
    }
    for (members, outcome) in [
        (vec![("paid_paise", "")], Outcome::Paid { amount: None }),
        (vec![("paid_paise", "12.5")], Outcome::Paid { amount: None }),
        (vec![("paid_paise", "-1")], Outcome::Paid { amount: None }),
        (vec![("state", "REFUNDING")], Outcome::Unrecognised { code: "REFUNDING".to_owned() }),
        (vec![("state", "paid")], Outcome::Unrecognised { code: "paid".to_owned() }),
        (vec![("state", "")], Outcome::Unrecognised { code: String::new() }),
        (vec![("state", "UNKNOWN")], Outcome::Unrecognised { code: "UNKNOWN".to_owned() }),
    ] {
        assert_eq!(reply(&members).report().outcome, outcome);
    }
}

proptest! {
    #[test]
    fn no_answer_panics(
        pairs in proptest::collection::vec((prop_oneof!["sandbox(Order|State|Signature|PaidPaise)", "\\PC{0,8}"], "\\PC{0,20}"), 0..6),
        body in proptest::collection::vec(any::<u8>(), 0..60),
        json in r#"\{("(order|state|signature|paid_paise)":("\PC{0,6}"|[0-9]{0,20}|null|\{\}|\[\]),?){0,4}\}"#,
    ) {
        let txn = testing::transaction("T1", "1234.56");
        for body in [Bytes::from(body), Bytes::from(json)] {
            let answer = Answer { params: Params::new(pairs.clone()), body, ..Answer::default() };
            if let Some(told) = SignedMessage::in_answer(&answer) {
                let config = config("http://x");
                prop_assert!(!told.is_genuine(&config));
                let _ = (told.report(), told.is_about(&config, &txn), format!("{told:?}"));
            }
        }
    }
}

#[test]
fn debug_shows_no_secret() {
    let adapter = Sandbox::new(
        config("http://x"),
        Client::new(Limits::default()).unwrap(),
        Arc::new(ManualClock::at(START)),
    );
    assert!(!format!("{adapter:?}").contains(SECRET));
}

#[tokio::test]
async fn a_closed_order_cannot_be_paid() {
    let world = World::new().await;
    let unopened = world.transaction("T1");
    let link = world.pay_link(&unopened).await;
    let closed = world.adapter.close(&unopened).await.unwrap();
    assert!(matches!(closed.outcome, Outcome::Declined { .. }), "{closed:?}");
    assert_eq!(closed.status_code.as_deref(), Some("CLOSED_BY_MERCHANT"));
    assert!(world.visitor.open(&link).await.is_err(), "its page offers nothing to choose");

    let opened = world.transaction("T2");
    let page = world.visitor.open(&world.pay_link(&opened).await).await.unwrap();
    world.adapter.close(&opened).await.unwrap();
    world.visitor.choose(&page, Choice::Pay).await.unwrap();
    assert!(matches!(world.outcome(&opened).await, Outcome::Declined { .. }), "the payer came too late");
}
