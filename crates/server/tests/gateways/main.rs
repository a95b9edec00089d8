//! Whole payments through the real adapters, over HTTP, against the simulated providers: in every protocol,
//! with every fault. Afterwards the service's rows are compared with the providers' books.

#![allow(clippy::unwrap_used, clippy::expect_used, clippy::panic)]

mod audit;
mod cases;
mod forging;
mod merchants;
mod refunds;
#[path = "../support/mod.rs"]
mod support;
mod world;

use std::time::Duration;

use payment_domain::AttentionKind;
use payment_simulator::providers::{Choice, Fault, Provider, State, Strike, Twist};
use serde_json::json;

use crate::audit::audit;
use crate::cases::{CASES, Case, Relief};
use crate::support::account::Account;
use crate::world::World;

/// As long as it takes: no answer is missed because the machine is busy.
const PATIENT: Duration = Duration::from_secs(20);
/// For answers that never come.
const IMPATIENT: Duration = Duration::from_secs(3);

async fn all_cases(account: Account) {
    let world = World::new(account, PATIENT).await;
    let mut played = Vec::new();
    let is_played = |case: &&Case| match case.fault {
        Some(Fault::Call(Strike::Hang)) => false,
        Some(Fault::Order(Twist::WrongCurrency)) => account.protocol().has_currencies(),
        Some(_) | None => true,
    };
    for case in CASES.iter().filter(is_played).flat_map(Case::with_other_choices) {
        let case = if account.protocol().allows_retries() { case.with_retries() } else { case };
        played.push((play(&world, &case).await, case.attention));
    }
    audit(world, &played).await;
}

/// Plays a payment with its fault; returns the transaction's id.
async fn play(world: &World, case: &Case) -> String {
    let case_at = format!("{}, {} at {:?}", case.name, case.choice, world.account);
    let txn = world.create().await;
    let id = txn["txnId"].as_str().unwrap().to_owned();
    let page = world.open(&txn).await;
    if let Some(fault) = case.fault {
        assert!(world.simulator.set_fault(world.provider(), &id, Some(fault)));
    }
    let way_back = world.visitor.choose(&page, case.choice).await.unwrap();
    assert_eq!(way_back.is_some(), case.comes_back, "{case_at}");
    if let Some(way_back) = way_back {
        let (status, location) = world.visitor.follow(&way_back).await.unwrap();
        assert!(case.returned.contains(&status), "{case_at}: the browser was answered {status}");
        let back = location.is_some_and(|url| url.starts_with("https://city.example/back?"));
        assert_eq!(back, status == 303, "{case_at}");
    }
    let meanwhile = world.update(&id).await;
    let stands = meanwhile["txnStatus"].as_str().unwrap();
    assert!(case.meanwhile.contains(&stands), "{case_at}: stands at {stands}");
    match case.relief {
        Relief::None => {}
        Relief::Ends => assert!(world.simulator.set_fault(world.provider(), &id, None)),
        Relief::Elapses => world.elapse(&id).await,
        Relief::EndsAndElapses => {
            assert!(world.simulator.set_fault(world.provider(), &id, None));
            world.elapse(&id).await;
        }
    }
    let settled = world.settled(&id, case.finally).await;
    assert_eq!(settled["receipt"].is_string(), case.finally == "SUCCESS", "{case_at}: {settled}");
    if case.fault == Some(Fault::Order(Twist::DuplicateWebhooks))
        && world.account.has_webhooks()
        && case.choice != Choice::Leave
    {
        world.webhooks_have_come(&id, 2).await;
        assert_eq!(world.update(&id).await, settled, "{case_at}");
    }
    id
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn axis() {
    all_cases(Account::Axis).await;
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn ccavenue() {
    all_cases(Account::Ccavenue).await;
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn hyperswitch() {
    all_cases(Account::Hyperswitch).await;
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn paytm_legacy() {
    all_cases(Account::PaytmLegacy).await;
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn paytm_v3() {
    all_cases(Account::PaytmV3).await;
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn phonepe_legacy() {
    all_cases(Account::PhonepeLegacy).await;
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn phonepe_v1() {
    all_cases(Account::PhonepeV1).await;
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn phonepe_v2() {
    all_cases(Account::PhonepeV2).await;
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn payu() {
    all_cases(Account::Payu).await;
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn razorpay() {
    all_cases(Account::Razorpay).await;
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn stripe() {
    all_cases(Account::Stripe).await;
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_gateway_that_hangs_keeps_a_payment_pending_and_loses_none() {
    let mut worlds = tokio::task::JoinSet::new();
    for account in Account::ALL {
        worlds.spawn(async move {
            let world = World::new(account, IMPATIENT).await;
            let hang = CASES.iter().find(|case| case.fault == Some(Fault::Call(Strike::Hang))).unwrap();
            let mut played = Vec::new();
            for case in hang.with_other_choices() {
                let case = if account.protocol().allows_retries() { case.with_retries() } else { case };
                played.push((play(&world, &case).await, case.attention));
            }
            audit(world, &played).await;
        });
    }
    worlds.join_all().await;
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_payment_that_is_confirmed_late_is_found_by_itself_or_by_asking() {
    for account in Account::ALL {
        let world = World::new(account, PATIENT).await;
        let txn = world.create().await;
        let id = txn["txnId"].as_str().unwrap().to_owned();
        let page = world.open(&txn).await;
        let soon = Fault::Order(Twist::Pending { seconds: 1 });
        assert!(world.simulator.set_fault(world.provider(), &id, Some(soon)));
        world.visitor.choose(&page, Choice::Pay).await.unwrap();
        if account.has_webhooks() {
            // No request asks: the provider's server reports.
            world.stored(&id, "SUCCESS").await;
        }
        world.settled(&id, "SUCCESS").await;
        audit(world, &[(id, None)]).await;
    }
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn an_order_whose_opening_goes_wrong_is_never_lost_and_never_a_success() {
    for account in [
        Account::Hyperswitch,
        Account::PaytmV3,
        Account::PhonepeLegacy,
        Account::PhonepeV1,
        Account::PhonepeV2,
        Account::Razorpay,
        Account::Stripe,
    ] {
        let world = World::new(account, PATIENT).await;
        let mut played = Vec::new();
        for fault in ["http-500", "cut", "garbage"] {
            // It strikes every call, that for an access token as well.
            world.control(&format!("/{}", world.provider().path()), &json!({ "fault": fault })).await;
            let bill = world.bill();
            let (status, answer) = world.try_to_create(&bill).await;
            world.control(&format!("/{}", world.provider().path()), &json!({ "fault": "none" })).await;
            assert_ne!(status, 200, "{fault} at {account:?}: {answer}");
            let txn = world.of_bill(&bill).await;
            let id = txn["txnId"].as_str().unwrap().to_owned();
            let stands = world.update(&id).await["txnStatus"].as_str().unwrap().to_owned();
            let is_open = world.simulator.book_entry_of(world.provider(), &id).is_some();
            // No payer reaches a session of Stripe whose address was lost.
            if is_open && account != Account::Stripe {
                assert_eq!(stands, "PENDING", "{fault} at {account:?}: the order could be paid");
            }
            let (status, again) = world.try_to_create(&bill).await;
            if stands == "PENDING" {
                assert_eq!(again["Errors"][0]["code"], "TXN_ABRUPTLY_DISCARDED", "{fault} at {account:?}");
            } else {
                assert_eq!((stands.as_str(), status), ("FAILURE", 200), "{fault} at {account:?}: {again}");
            }
            played.push((id, None));
        }
        audit(world, &played).await;
    }
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_returning_payer_pays_the_same_order() {
    for account in Account::ALL {
        let world = World::with(account, PATIENT, &[("create.reuse-pending.after-secs", "1")]).await;
        let bill = world.bill();
        let (status, first) = world.try_to_create(&bill).await;
        assert_eq!(status, 200, "{account:?}: {first}");
        let id = first["Transaction"]["txnId"].as_str().unwrap().to_owned();
        let page = world.open(&first["Transaction"]).await;
        world.visitor.choose(&page, Choice::Leave).await.unwrap();
        tokio::time::sleep(Duration::from_millis(1_100)).await;
        let (status, again) = world.try_to_create(&bill).await;
        if matches!(account, Account::Axis | Account::Ccavenue) {
            // It would take the money of one order twice.
            let refusal = &again["Errors"][0];
            assert_eq!((status, &refusal["code"]), (400, &json!("TXN_ABRUPTLY_DISCARDED")), "{again}");
            let told = refusal["message"].as_str().unwrap();
            assert!(told.contains("please retry after 30 mins: ") && told.contains(&id), "{told}");
            audit(world, &[]).await;
            continue;
        }
        assert_eq!(status, 200, "{account:?}: {again}");
        for same in ["txnId", "redirectUrl"] {
            assert_eq!(again["Transaction"][same], first["Transaction"][same], "{account:?}");
        }
        let page = world.open(&again["Transaction"]).await;
        world.visitor.choose(&page, Choice::Pay).await.unwrap();
        world.settled(&id, "SUCCESS").await;
        let (_, paid) = world.try_to_create(&bill).await;
        assert_eq!(paid["Errors"][0]["code"], "TXN_CREATE_BILL_ALREADY_PAID", "{account:?}: {paid}");
        audit(world, &[(id, None)]).await;
    }
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn an_abandoned_link_is_closed_for_another_payment_of_its_bill_unless_it_is_paid() {
    let world = World::with(Account::Razorpay, PATIENT, &[("reconciliation.ask-after-secs", "1")]).await;
    for (choice, stands, state) in [
        (Choice::Leave, "FAILURE", State::Expired),
        (Choice::PayWith(Fault::Order(Twist::Silent)), "SUCCESS", State::Paid),
    ] {
        let bill = world.bill();
        let (_, first) = world.try_to_create(&bill).await;
        let id = first["Transaction"]["txnId"].as_str().unwrap().to_owned();
        let page = world.open(&first["Transaction"]).await;
        world.visitor.choose(&page, choice).await.unwrap();
        tokio::time::sleep(Duration::from_millis(1_100)).await;
        let (status, other) = world.try_to_create_at("PAYU", &bill).await;
        assert_eq!(status == 200, stands == "FAILURE", "{other}");
        let txn = world.search("txnId", &id).await;
        assert_eq!(txn["txnStatus"], stands, "{txn}");
        assert_eq!(world.simulator.book_entry_of(world.provider(), &id).unwrap().state, state);
        if stands == "FAILURE" {
            assert_eq!(txn["txnStatusMsg"], "Transaction failed, superseded by another payment");
        }
    }
    audit(world, &[]).await;
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn an_abandoned_session_is_closed_for_another_payment_of_its_bill() {
    let settings = [("reconciliation.ask-after-secs", "1"), ("create.reuse-pending.after-secs", "0")];
    let world = World::with(Account::Stripe, PATIENT, &settings).await;
    let bill = world.bill();
    let first = world.create_for(&bill).await;
    let abandoned = first["txnId"].as_str().unwrap().to_owned();
    world.visitor.choose(&world.open(&first).await, Choice::Leave).await.unwrap();
    tokio::time::sleep(Duration::from_millis(1_100)).await;
    let second = world.create_for(&bill).await;
    let id = second["txnId"].as_str().unwrap().to_owned();
    assert_ne!(id, abandoned);
    assert_eq!(world.simulator.book_entry_of(world.provider(), &abandoned).unwrap().state, State::Expired);
    world.settled(&abandoned, "FAILURE").await;
    assert!(world.visitor.open(first["redirectUrl"].as_str().unwrap()).await.is_err(), "it can be paid");
    world.visitor.choose(&world.open(&second).await, Choice::Pay).await.unwrap();
    world.settled(&id, "SUCCESS").await;
    audit(world, &[(abandoned, None), (id, None)]).await;
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn other_currencies_are_paid_and_receipted_as_such() {
    for account in Account::ALL.into_iter().filter(|account| account.protocol().has_currencies()) {
        let world = World::new(account, PATIENT).await;
        for (amount, currency, minor) in [("19.99", "USD", 1_999), ("1500", "JPY", 1_500)] {
            let txn = world.create_in(amount, currency).await;
            let id = txn["txnId"].as_str().unwrap();
            let page = world.visitor.open(txn["redirectUrl"].as_str().unwrap()).await.unwrap();
            world.visitor.choose(&page, Choice::Pay).await.unwrap();
            let paid = world.settled(id, "SUCCESS").await;
            assert_eq!((&paid["txnAmount"], &paid["currency"]), (&json!(amount), &json!(currency)), "{paid}");
            let taken = world.simulator.book_entry_of(world.provider(), id).unwrap().taken.unwrap();
            assert_eq!((taken.minor, taken.currency.code()), (minor, currency), "{account:?}");
        }
        let txn = world.create_in("19.99", "USD").await;
        let id = txn["txnId"].as_str().unwrap().to_owned();
        let page = world.visitor.open(txn["redirectUrl"].as_str().unwrap()).await.unwrap();
        let other = Choice::PayWith(Fault::Order(Twist::WrongCurrency));
        world.visitor.choose(&page, other).await.unwrap();
        world.settled(&id, "FAILURE").await;
        audit(world, &[(id, Some(AttentionKind::AmountMismatch))]).await;
    }
}

/// PhonePe as it is when it opens no order: an error for every order, and it knows none.
async fn opens_nothing() -> String {
    let not_found =
        json!({ "success": false, "code": "TRANSACTION_NOT_FOUND", "message": "No such transaction" });
    let status = axum::routing::get(async move || axum::Json(not_found.clone()));
    let router = axum::Router::new()
        .route("/v3/debit", axum::routing::post(async || axum::http::StatusCode::INTERNAL_SERVER_ERROR))
        .route("/v3/transaction/{merchant}/{order}/status", status);
    let listener = tokio::net::TcpListener::bind("127.0.0.1:0").await.unwrap();
    let url = format!("http://{}", listener.local_addr().unwrap());
    tokio::spawn(async move { axum::serve(listener, router).await });
    url
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_bill_whose_order_could_not_be_opened_is_free_at_once() {
    let host = opens_nothing().await;
    let world = World::with(Account::PhonepeLegacy, PATIENT, &[("phonepe.merchant.host", &host)]).await;
    let bill = world.bill();
    for _ in 0..3 {
        let (status, answer) = world.try_to_create(&bill).await;
        assert_eq!((status, &answer["Errors"][0]["code"]), (503, &json!("GATEWAY_UNAVAILABLE")), "{answer}");
        let txn = world.of_bill(&bill).await;
        assert_eq!(txn["txnStatus"], "FAILURE", "{txn}");
        assert_eq!(txn["txnStatusMsg"], "Transaction failed, the gateway could not be reached", "{txn}");
    }
    audit(world, &[]).await;
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn an_unavailable_gateway_is_reported_at_once_and_used_when_it_returns() {
    let world = World::with(Account::PhonepeV1, PATIENT, &[("gateways.cool-down-secs", "1")]).await;
    world.control("/phonepe", &json!({ "fault": "http-500" })).await;
    loop {
        let known = world.simulator.books(0, 100).len();
        let (status, answer) = world.try_to_create(&world.bill()).await;
        if answer["Errors"][0]["code"] == "GATEWAY_UNAVAILABLE" {
            assert_eq!((status, world.retry_after().as_deref()), (503, Some("1")), "{answer}");
            assert_eq!(world.simulator.books(0, 100).len(), known, "it was not called");
            break;
        }
        assert_eq!(answer["Errors"][0]["code"], "GATEWAY_UNANSWERED", "{answer}");
        assert!(world.bills_made() < 20, "the breaker does not open: {answer}");
    }
    world.control("/phonepe", &json!({ "fault": "none" })).await;
    let txn = world.create_when_it_is_back().await;
    let id = txn["txnId"].as_str().unwrap().to_owned();
    let page = world.open(&txn).await;
    world.visitor.choose(&page, Choice::Pay).await.unwrap();
    world.settled(&id, "SUCCESS").await;
    audit(world, &[(id, None)]).await;
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_remote_gateway_is_offered_and_called_without_being_named_in_the_code() {
    // Port 9 has no listener, so the payment is refused and the bill stays free.
    let extra = [
        ("remote.citypay.active", "true"),
        ("remote.citypay.base-url", "http://127.0.0.1:9"),
        ("remote.citypay.secret", "0123456789abcdef0123456789abcdef"),
    ];
    let world = World::with(Account::Payu, PATIENT, &extra).await;
    assert!(world.gateways().await.contains(&"CITYPAY".to_owned()));
    for _ in 0..2 {
        let (status, answer) = world.try_to_create_at("CITYPAY", "BILL-R").await;
        assert_eq!((status, &answer["Errors"][0]["code"]), (503, &json!("GATEWAY_UNAVAILABLE")), "{answer}");
    }
    audit(world, &[]).await;
}

#[test]
fn every_fault_and_every_provider_is_played() {
    for fault in Fault::ALL {
        let word = fault.word();
        assert!(CASES.iter().any(|case| case.fault.map(Fault::word) == Some(word)), "{word}");
    }
    for provider in Provider::ALL {
        assert!(Account::ALL.iter().any(|account| account.provider() == provider), "{}", provider.name());
    }
}
