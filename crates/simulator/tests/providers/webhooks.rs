//! The providers' messages to the merchant's server.

use std::sync::atomic::Ordering;
use std::time::Duration;

use payment_simulator::providers::signature::{paytm as paytm_signature, payu as payu_signature, phonepe};
use payment_simulator::providers::{
    Choice, PaytmAccount, PayuAccount, PhonepeAccount, Provider, State, Tally, WayBack,
};
use secrecy::ExposeSecret;
use serde_json::Value;

use crate::world::{World, borrowed, field};
use crate::{paytm, payu, phonepe_checkout, phonepe_signed};

async fn ticked(world: &World) -> (Tally, Vec<crate::world::Received>) {
    let tally = world.providers.tick().await;
    (tally, world.merchant.take())
}

/// The payer chooses and never comes back.
async fn only_choose(world: &World, way: &WayBack, choice: Choice) {
    world.choose(way, choice).await;
    assert!(world.merchant.take().is_empty());
}

#[tokio::test]
async fn paytm_posts_its_signed_form() {
    let world = World::new().await;
    only_choose(&world, &paytm::legacy_form(&world, &[]), Choice::Pay).await;
    let (tally, received) = ticked(&world).await;
    assert_eq!((tally.delivered, received.len()), (1, 1));
    assert_eq!(received[0].path, "/pg-service/gateway/v1/paytm/_callback");
    let (fields, key) = (received[0].form(), PaytmAccount::default().key);
    let text = paytm_signature::text_of_form(borrowed(&fields));
    assert!(paytm_signature::is_valid(key.expose_secret().as_bytes(), &text, field(&fields, "CHECKSUMHASH")));
    assert_eq!((field(&fields, "ORDERID"), field(&fields, "STATUS")), (paytm::ORDER, "TXN_SUCCESS"));
    assert_eq!(ticked(&world).await.0, Tally::default(), "once is enough");
}

#[tokio::test]
async fn phonepe_posts_its_signed_callback_to_the_address_in_the_request() {
    let world = World::new().await;
    only_choose(&world, &phonepe_signed::legacy_page(&world).await, Choice::Decline).await;
    let (_, received) = ticked(&world).await;
    assert_eq!(received[0].path, "/hook");
    let body: Value = serde_json::from_str(&received[0].body).unwrap();
    let (payload, account) = (body["response"].as_str().unwrap(), PhonepeAccount::default());
    let salt_key = account.salt_key.expose_secret();
    assert!(phonepe::is_x_verify(payload, "", salt_key, &account.salt_index, received[0].header("x-verify")));
    let report: Value = serde_json::from_slice(&phonepe::decode(payload).unwrap()).unwrap();
    assert_eq!(report["code"], "PAYMENT_DECLINED");
}

#[tokio::test]
async fn standard_checkout_shows_its_password() {
    let world = World::new().await;
    only_choose(&world, &phonepe_checkout::opened(&world).await, Choice::Pay).await;
    let (_, received) = ticked(&world).await;
    assert_eq!(received[0].path, "/pg-service/gateway/v1/phonepe/_callback");
    let account = PhonepeAccount::default();
    let password = account.webhook_password.expose_secret();
    assert!(phonepe::is_webhook_authorization(
        &account.webhook_user,
        password,
        received[0].header("authorization")
    ));
    insta::assert_snapshot!(format!("{:#}", serde_json::from_str::<Value>(&received[0].body).unwrap()));
}

#[tokio::test]
async fn payu_posts_its_signed_form() {
    let world = World::new().await;
    only_choose(&world, &payu::form(&world, &[]), Choice::Pay).await;
    let (_, received) = ticked(&world).await;
    assert_eq!(received[0].path, "/pg-service/gateway/v1/payu/_callback");
    let (fields, account) = (received[0].form(), PayuAccount::default());
    let value = |name: &str| field(&fields, name);
    let hash = payu_signature::response_hash(&account.merchant_key, account.salt.expose_secret(), value);
    assert_eq!((value("hash"), value("status")), (hash.as_str(), "success"));
}

#[tokio::test]
async fn an_unanswered_webhook_is_repeated_for_a_while() {
    let world = World::with(|settings| settings.webhooks.most_attempts = 3).await;
    only_choose(&world, &payu::form(&world, &[]), Choice::Pay).await;
    world.merchant.status.store(500, Ordering::SeqCst);
    let mut bodies = Vec::new();
    for wait_s in [0, 1, 2] {
        if wait_s > 0 {
            assert_eq!(world.providers.tick().await, Tally::default(), "not before its time");
            world.pass(wait_s);
        }
        let (tally, received) = ticked(&world).await;
        assert_eq!((tally.delivered, tally.failed), (0, 1));
        bodies.extend(received.into_iter().map(|received| received.body));
        if wait_s == 0 {
            let progress = world.book(Provider::Payu, phonepe_checkout::ORDER).webhooks;
            assert_eq!((progress.attempts, progress.waiting), (1, 1));
            assert_eq!(progress.last_result.as_deref(), Some("answered 500"));
        }
    }
    world.pass(1_000_000);
    assert_eq!(ticked(&world).await.0, Tally::default(), "given up");
    assert!(bodies.windows(2).all(|pair| pair[0] == pair[1]), "the same bytes every time");
    let progress = world.book(Provider::Payu, phonepe_checkout::ORDER).webhooks;
    assert_eq!((progress.attempts, progress.delivered, progress.waiting), (3, 0, 0));
}

#[tokio::test]
async fn they_go_out_by_themselves_in_the_background() {
    let world = World::new().await;
    let (stop, stopped) = tokio::sync::oneshot::channel::<()>();
    let running = tokio::spawn(world.providers.clone().run(async {
        let _ = stopped.await;
    }));
    world.choose(&paytm::legacy_form(&world, &[]), Choice::Pay).await;
    tokio::time::timeout(Duration::from_secs(10), world.merchant.bell.notified()).await.unwrap();
    assert_eq!(world.merchant.take().len(), 1);
    stop.send(()).unwrap();
    running.await.unwrap();
}

#[tokio::test]
async fn nothing_is_sent_before_anything_is_decided() {
    let world = World::new().await;
    let way = payu::form(&world, &[]);
    only_choose(&world, &way, Choice::Leave).await;
    world.fault("payu", phonepe_checkout::ORDER, "pending").await;
    only_choose(&world, &way, Choice::Pay).await;
    assert_eq!(ticked(&world).await.0, Tally::default());
    world.pass(20);
    let (tally, received) = ticked(&world).await;
    assert_eq!((tally.delivered, field(&received[0].form(), "status")), (1, "success"));
    assert_eq!(world.book(Provider::Payu, phonepe_checkout::ORDER).state, State::Paid);
}
