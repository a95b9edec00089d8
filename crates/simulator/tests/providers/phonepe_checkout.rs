//! PhonePe's Standard Checkout (v2).

use payment_simulator::providers::{Choice, PhonepeAccount, Provider, State, WayBack};
use secrecy::ExposeSecret;
use serde_json::{Value, json};

use crate::world::{World, pairs};

pub(crate) const ORDER: &str = "PB_PG_2024_03_15_000123_45";

async fn token_answer(world: &World, secret: &str) -> (u16, Value) {
    let account = PhonepeAccount::default();
    let fields = pairs(&[
        ("client_id", &account.client_id),
        ("client_secret", secret),
        ("grant_type", "client_credentials"),
        ("client_version", &account.client_version),
    ]);
    let (status, text) = world.post_form("/phonepe/v1/oauth/token", &fields).await;
    (status, serde_json::from_str(&text).unwrap())
}

async fn authorization(world: &World) -> String {
    let (status, answer) = token_answer(world, PhonepeAccount::default().client_secret.expose_secret()).await;
    assert_eq!(status, 200);
    format!("{} {}", answer["token_type"].as_str().unwrap(), answer["access_token"].as_str().unwrap())
}

fn order(world: &World) -> Value {
    json!({
        "merchantOrderId": ORDER,
        "amount": 1_999,
        "expireAfter": 1_200,
        "metaInfo": { "udf1": ORDER },
        "paymentFlow": { "type": "PG_CHECKOUT", "message": "Tax", "merchantUrls": { "redirectUrl": world.return_url() } },
    })
}

async fn pay(world: &World, authorization: &str, order: &Value) -> (u16, Value) {
    let request =
        world.http.post(world.url("/phonepe/checkout/v2/pay")).header("authorization", authorization);
    let answer = request.json(order).send().await.unwrap();
    (answer.status().as_u16(), answer.json().await.unwrap())
}

pub(crate) async fn opened(world: &World) -> WayBack {
    let (status, answer) = pay(world, &authorization(world).await, &order(world)).await;
    assert_eq!(status, 200);
    WayBack::Follow(answer["redirectUrl"].as_str().unwrap().to_owned())
}

async fn status_with(world: &World, authorization: &str) -> (u16, Value) {
    let url = world.url(&format!("/phonepe/checkout/v2/order/{ORDER}/status?details=false"));
    let answer = world.http.get(url).header("authorization", authorization).send().await.unwrap();
    (answer.status().as_u16(), answer.json().await.unwrap())
}

async fn status(world: &World) -> (u16, Value) {
    status_with(world, &authorization(world).await).await
}

#[tokio::test]
async fn a_payment_comes_back_by_a_bare_address_and_is_found_by_asking() {
    let world = World::new().await;
    let (code, answer) = status(&world).await;
    assert_eq!((code, answer["code"].as_str()), (400, Some("INVALID_MERCHANT_ORDER_ID")));
    let page = opened(&world).await;
    assert_eq!(opened(&world).await, page, "the same order again is the same page");
    let (_, open) = status(&world).await;
    assert_eq!(
        (open["state"].as_str(), open["paymentDetails"].as_array().map(Vec::len)),
        (Some("PENDING"), Some(0))
    );
    let back = world.choose_and_return(&page, Choice::Pay).await;
    assert_eq!((back.method.as_str(), back.path.as_str()), ("GET", "/back?eg_pg_txnid=T1"));
    insta::assert_snapshot!(format!("{:#}", status(&world).await.1));
    let entry = world.book(Provider::Phonepe, ORDER);
    assert_eq!(
        (entry.state, entry.taken.map(|taken| taken.minor), entry.status_calls),
        (State::Paid, Some(1_999), 2)
    );
}

#[tokio::test]
async fn a_declined_order_and_one_whose_time_ran_out_failed() {
    let world = World::new().await;
    world.choose(&opened(&world).await, Choice::Decline).await;
    let (_, declined) = status(&world).await;
    assert_eq!(
        (declined["state"].as_str(), declined["errorCode"].as_str()),
        (Some("FAILED"), Some("AUTHORIZATION_ERROR"))
    );

    let world = World::new().await;
    let page = opened(&world).await;
    world.pass(1_200);
    assert_eq!(status(&world).await.1["state"], "PENDING", "the last moment counts");
    world.pass(1);
    let (_, expired) = status(&world).await;
    assert_eq!(
        (expired["state"].as_str(), expired["errorCode"].as_str()),
        (Some("FAILED"), Some("ORDER_EXPIRED"))
    );
    assert!(world.visitor.open(&page).await.is_err(), "there is nothing to choose any more");
}

#[tokio::test]
async fn tokens_are_for_the_merchant_and_end() {
    let world = World::new().await;
    assert_eq!(token_answer(&world, "guess").await.0, 401);
    opened(&world).await;
    let authorization = authorization(&world).await;
    assert_eq!(status_with(&world, &authorization).await.0, 200);
    let later = authorization.replacen("O-Bearer 1", "O-Bearer 2", 1);
    for wrong in ["", "O-Bearer ", "O-Bearer x.y", &authorization.replace("O-Bearer", "Bearer"), &later] {
        let (code, answer) = status_with(&world, wrong).await;
        assert_eq!((code, answer["code"].as_str()), (401, Some("AUTHORIZATION_FAILED")), "{wrong}");
    }
    world.pass(3_599);
    assert_eq!(status_with(&world, &authorization).await.0, 200);
    world.pass(1);
    assert_eq!(status_with(&world, &authorization).await.0, 401);
}

#[tokio::test]
async fn tokens_can_be_revoked() {
    let world = World::new().await;
    opened(&world).await;
    let before = authorization(&world).await;
    assert_eq!(world.post_json("/control/phonepe/revoke-tokens", String::new()).await.0, 204);
    assert_eq!(status_with(&world, &before).await.0, 401);
    assert_eq!(status(&world).await.0, 200);
}

#[tokio::test]
async fn requests_that_cannot_be_meant_open_nothing() {
    let world = World::new().await;
    let authorization = authorization(&world).await;
    assert_eq!(pay(&world, "O-Bearer guess", &order(&world)).await.0, 401);
    for (member, value) in [
        ("merchantOrderId", json!("a b")),
        ("merchantOrderId", json!("x".repeat(64))),
        ("amount", json!(99)),
        ("amount", json!("1999")),
        ("expireAfter", json!(1)),
        ("metaInfo", json!({ "udf1": "x".repeat(5_000) })),
        ("paymentFlow", json!({ "type": "PG_CHECKOUT", "merchantUrls": { "redirectUrl": "nowhere" } })),
        ("paymentFlow", json!({ "type": "OTHER", "merchantUrls": { "redirectUrl": world.return_url() } })),
    ] {
        let mut order = order(&world);
        order[member] = value;
        let (code, answer) = pay(&world, &authorization, &order).await;
        assert_eq!((code, answer["code"].as_str()), (400, Some("BAD_REQUEST")), "{member}");
    }
    assert_eq!(world.providers.books(0, 10), []);
    opened(&world).await;
    let mut dearer = order(&world);
    dearer["amount"] = json!(2_000);
    let (code, answer) = pay(&world, &authorization, &dearer).await;
    assert_eq!((code, answer["code"].as_str()), (400, Some("INVALID_MERCHANT_ORDER_ID")));
}
