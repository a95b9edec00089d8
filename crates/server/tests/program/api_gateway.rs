//! Whole payments through the real program behind DIGIT's API gateway, which opens only the paths in its
//! lists: `_create` and `_update` as delivered.

mod application;
mod gateway;
mod world;

use axum::http::Method;
use payment_simulator::providers::{Choice, Fault, State, Twist, WayBack};
use serde_json::Value;

use self::world::World;
use crate::support::account::Account;

/// How a provider sends the browser back.
fn way_back(account: Account) -> Method {
    match account {
        Account::Axis
        | Account::Hyperswitch
        | Account::PhonepeV1
        | Account::PhonepeV2
        | Account::Razorpay
        | Account::Stripe => Method::GET,
        Account::Ccavenue
        | Account::PaytmLegacy
        | Account::PaytmV3
        | Account::PhonepeLegacy
        | Account::Payu => Method::POST,
    }
}

fn id_of(txn: &Value) -> String {
    txn["txnId"].as_str().unwrap().to_owned()
}

/// The payer pays or is declined, comes back to the application, and its web client relays the query of
/// the page. Returns the transaction as it was answered.
async fn comes_back(world: &World, txn: &Value, choice: Choice) -> Value {
    let redirect = txn["redirectUrl"].as_str().unwrap();
    assert!(world.is_at_provider(redirect), "{redirect}");
    let page = world.open(txn).await;
    let way = world.choose(&page, choice).await.expect("the browser is sent back");
    let (WayBack::Follow(url) | WayBack::Post { action: url, .. }) = &way;
    assert!(url.starts_with(&world.application.callback_url()), "{url}");
    let visit = world.back_at_application(way).await;
    assert_eq!(visit.method, way_back(world.account), "{:?}", world.account);
    let named = format!("eg_pg_txnid={}", id_of(txn));
    assert!(visit.query.contains(&named), "{}", visit.query);
    let relayed = world.relay(&visit.query).await;
    // A server behind the page could relay the posted form as well, and another web client relays the id
    // alone.
    let more = [visit.query.as_str(), &visit.form].join("&");
    let id_alone = format!("transactionId={}", id_of(txn));
    for query in [more.trim_end_matches('&'), &id_alone] {
        assert_eq!(world.relay(query).await, relayed, "{:?}: {query}", world.account);
    }
    relayed
}

async fn every_walk(account: Account) {
    let world = World::stock(account).await;
    let log = world.service.log();
    assert!(log.contains(r#""redirect_through":"application""#), "the start tells: {log}");

    let txn = world.create().await;
    let paid = comes_back(&world, &txn, Choice::Pay).await;
    let receipt = paid["receipt"].as_str().unwrap_or_else(|| panic!("{account:?}: {paid}"));
    assert_eq!(paid["txnStatus"], "SUCCESS", "{account:?}");
    let registered = world.digit.payment(&id_of(&txn)).unwrap();
    assert_eq!((registered.total_paise, registered.bills[0].receipt_number.as_str()), (10_050, receipt));

    let txn = world.create().await;
    let mut declined = comes_back(&world, &txn, Choice::Decline).await;
    if account.protocol().allows_retries() {
        assert_eq!(declined["txnStatus"], "PENDING", "{account:?}: the payer can try again");
        world.elapse(&id_of(&txn)).await;
        declined = world.update(&id_of(&txn)).await;
    }
    assert_eq!((&declined["txnStatus"], &declined["receipt"]), (&"FAILURE".into(), &Value::Null));
    let again = world.create_for(txn["billId"].as_str().unwrap()).await;
    assert_ne!(id_of(&again), id_of(&txn), "the bill is free");

    let abandoned = world.create().await;
    let page = world.open(&abandoned).await;
    assert_eq!(world.choose(&page, Choice::Leave).await, None);
    let id_alone = format!("transactionId={}", id_of(&abandoned));
    assert_eq!(world.relay(&id_alone).await["txnStatus"], "PENDING", "{account:?}");

    // Paid, and the tab was closed before the browser was sent back.
    let silent = world.create().await;
    let page = world.open(&silent).await;
    let way = world.choose(&page, Choice::PayWith(Fault::Order(Twist::Silent))).await;
    assert_eq!(way, None);
    world.reconcile();
    let found = world.digit.payment(&id_of(&silent)).expect("reconciliation finds out");
    assert_eq!(found.total_paise, 10_050);
    let stands = world.update(&id_of(&silent)).await;
    assert_eq!((&stands["txnStatus"], stands["receipt"].is_string()), (&"SUCCESS".into(), true));

    assert_eq!(world.digit.payments().len(), 2, "{account:?}: one receipt for each payment");
    assert_eq!(world.api_gateway.refused(), [""; 0], "no browser was sent to a closed path");
    for txn in [&paid, &declined, &stands] {
        let entry = world.simulator.book_entry_of(account.provider(), &id_of(txn)).unwrap();
        assert_eq!(entry.webhooks.attempts, 0, "{account:?}: the provider was given an address to report to");
        assert_eq!(entry.state == State::Paid, txn["txnStatus"] == "SUCCESS");
    }
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn axis_is_paid_behind_the_stock_api_gateway() {
    every_walk(Account::Axis).await;
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn ccavenue_is_paid_behind_the_stock_api_gateway() {
    every_walk(Account::Ccavenue).await;
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn hyperswitch_is_paid_behind_the_stock_api_gateway() {
    every_walk(Account::Hyperswitch).await;
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn paytm_legacy_is_paid_behind_the_stock_api_gateway() {
    every_walk(Account::PaytmLegacy).await;
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn phonepe_legacy_is_paid_behind_the_stock_api_gateway() {
    every_walk(Account::PhonepeLegacy).await;
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn phonepe_v1_is_paid_behind_the_stock_api_gateway() {
    every_walk(Account::PhonepeV1).await;
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn phonepe_v2_is_paid_behind_the_stock_api_gateway() {
    every_walk(Account::PhonepeV2).await;
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn payu_is_paid_behind_the_stock_api_gateway() {
    every_walk(Account::Payu).await;
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn razorpay_is_paid_behind_the_stock_api_gateway() {
    every_walk(Account::Razorpay).await;
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn stripe_is_paid_behind_the_stock_api_gateway() {
    every_walk(Account::Stripe).await;
}

/// With the paths opened that `check-config` names, every gateway is paid through this service, too.
#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn every_gateway_is_paid_through_the_service_where_its_paths_are_open() {
    for account in Account::ALL {
        let world = World::through_service(account).await;
        let txn = world.create().await;
        let page = world.open(&txn).await;
        let way = world.choose(&page, Choice::Pay).await.unwrap();
        let (WayBack::Follow(url) | WayBack::Post { action: url, .. }) = &way;
        assert!(url.starts_with(world.api_gateway.url()), "{account:?}: {url}");
        let visit = world.back_at_application(way).await;
        assert_eq!(visit.method, Method::GET, "{account:?}");
        assert!(visit.query.ends_with("&txnStatus=SUCCESS"), "{account:?}: {}", visit.query);
        assert!(world.relay(&visit.query).await["receipt"].is_string(), "{account:?}");
        if account.has_webhooks() {
            world.webhooks_have_come(&id_of(&txn), 1).await;
        }
        assert_eq!(world.api_gateway.refused(), [""; 0], "{account:?}: a path is missing");
    }
}
