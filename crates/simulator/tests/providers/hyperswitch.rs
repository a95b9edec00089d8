//! Hyperswitch: payments by link, retries, cancelling, signatures.

use payment_simulator::providers::signature::hyperswitch as signature;
use payment_simulator::providers::{Choice, HyperswitchAccount, Provider, State, WayBack};
use secrecy::ExposeSecret;
use serde_json::{Value, json};

use crate::world::World;

pub(crate) const ORDER: &str = "T1";
const PAYMENT: &str = "PB_PG_2024_03_15_000123_45_FAK";

fn account() -> HyperswitchAccount {
    HyperswitchAccount::default()
}

async fn call(world: &World, method: &str, path: &str, key: &str, body: Option<&Value>) -> (u16, Value) {
    let url = world.url(&format!("/hyperswitch{path}"));
    let request = world.http.request(method.parse().unwrap(), url).header("api-key", key);
    let request = match body {
        Some(body) => request.header("content-type", "application/json").body(body.to_string()),
        None => request,
    };
    let answer = request.send().await.unwrap();
    (answer.status().as_u16(), serde_json::from_str(&answer.text().await.unwrap()).unwrap())
}

async fn called(world: &World, method: &str, path: &str, body: Option<&Value>) -> (u16, Value) {
    call(world, method, path, account().api_key.expose_secret(), body).await
}

fn asked(world: &World, changes: &Value) -> Value {
    let mut body = json!({
        "payment_id": PAYMENT,
        "merchant_order_reference_id": ORDER,
        "amount": 1_999,
        "currency": "INR",
        "confirm": false,
        "capture_method": "automatic",
        "payment_link": true,
        "session_expiry": 900,
        "return_url": world.return_url(),
        "metadata": { "eg_pg_txnid": ORDER },
    });
    for (name, value) in changes.as_object().unwrap() {
        body[name] = value.clone();
    }
    body
}

/// Creates a payment; where its payer goes.
pub(crate) async fn created(world: &World) -> WayBack {
    let (status, payment) = called(world, "POST", "/payments", Some(&asked(world, &json!({})))).await;
    assert_eq!((status, payment["status"].as_str()), (200, Some("requires_payment_method")), "{payment}");
    WayBack::Follow(payment["payment_link"]["link"].as_str().unwrap().to_owned())
}

pub(crate) async fn says(world: &World) -> Value {
    called(world, "GET", &format!("/payments/{PAYMENT}?force_sync=true"), None).await.1
}

#[tokio::test]
async fn a_payment_comes_back_signed_and_is_found_by_asking() {
    let world = World::new().await;
    let back = world.choose_and_return(&created(&world).await, Choice::Pay).await;
    let url = format!("http://x{}", back.path);
    let query: Vec<_> =
        form_urlencoded::parse(url.split_once('?').unwrap().1.as_bytes()).into_owned().collect();
    let value = |name: &str| crate::world::field(&query, name).to_owned();
    let text = signature::text_of_url(&url);
    assert_eq!(
        text,
        format!(
            "amount=1999&eg_pg_txnid=T1&manual_retry_allowed=false&payment_intent_client_secret={PAYMENT}_secret_simulator&status=succeeded"
        )
    );
    assert_eq!(value("signature_algorithm"), "HMAC-SHA512");
    assert!(signature::is_signed(account().hash_key.expose_secret(), &text, &value("signature")));
    let payment = says(&world).await;
    assert_eq!((&payment["status"], &payment["amount_received"]), (&json!("succeeded"), &json!(1_999)));
    assert_eq!(payment["metadata"]["eg_pg_txnid"], ORDER);
}

#[tokio::test]
async fn a_webhook_is_signed_over_its_body() {
    let world = World::new().await;
    world.choose(&created(&world).await, Choice::Pay).await;
    world.providers.tick().await;
    let received = world.merchant.take();
    assert_eq!(received[0].path, "/pg-service/gateway/v1/hyperswitch/_callback");
    let given = received[0].header(signature::X_WEBHOOK_SIGNATURE);
    assert!(signature::is_signed(account().hash_key.expose_secret(), &received[0].body, given));
    let event: Value = serde_json::from_str(&received[0].body).unwrap();
    assert_eq!(
        (&event["event_type"], &event["content"]["type"]),
        (&json!("payment_succeeded"), &json!("payment_details"))
    );
    assert_eq!(event["content"]["object"]["payment_id"], PAYMENT);
}

#[tokio::test]
async fn a_declined_payment_is_paid_on_the_same_page_until_that_ends() {
    let world = World::new().await;
    let page = created(&world).await;
    let back = world.choose_and_return(&page, Choice::Decline).await;
    assert!(
        back.path.contains("status=failed") && back.path.contains("manual_retry_allowed=true"),
        "{}",
        back.path
    );
    assert_eq!(says(&world).await["status"], "failed");
    world.pass(1);
    world.choose_and_return(&page, Choice::Pay).await;
    assert_eq!(says(&world).await["status"], "succeeded");
    world.providers.tick().await;
    let ids: Vec<Value> = world
        .merchant
        .take()
        .iter()
        .map(|got| serde_json::from_str::<Value>(&got.body).unwrap()["event_id"].take())
        .collect();
    assert!(ids.len() == 2 && ids[0] != ids[1], "{ids:?}");
    assert_eq!(world.book(Provider::Hyperswitch, ORDER).state, State::Paid);

    let world = World::new().await;
    let page = created(&world).await;
    world.choose_and_return(&page, Choice::Decline).await;
    world.control(&format!("/orders/hyperswitch/{ORDER}/elapse"), json!(null)).await;
    assert!(world.visitor.open(&page).await.is_err(), "nothing can be chosen any more");
    let payment = says(&world).await;
    assert_eq!(payment["status"], "failed");
    assert!(payment["expires_on"].as_str().unwrap() < "2024-03-15T05:42:12", "{payment}");
}

#[tokio::test]
async fn only_a_payment_that_has_not_begun_is_cancelled() {
    let world = World::new().await;
    let page = created(&world).await;
    let cancel = format!("/payments/{PAYMENT}/cancel");
    let (status, payment) = called(&world, "POST", &cancel, Some(&json!({}))).await;
    assert_eq!((status, &payment["status"], &payment["connector"]), (200, &json!("cancelled"), &Value::Null));
    let (status, refused) = called(&world, "POST", &cancel, Some(&json!({}))).await;
    assert_eq!((status, &refused["error"]["code"]), (400, &json!("IR_16")));
    assert!(world.visitor.open(&page).await.is_err());

    let world = World::new().await;
    world.choose(&created(&world).await, Choice::Pay).await;
    assert_eq!(called(&world, "POST", &cancel, Some(&json!({}))).await.0, 400);
    let unopened = World::new().await;
    assert_eq!(called(&unopened, "POST", &cancel, Some(&json!({}))).await.0, 404);
}

#[tokio::test]
async fn a_link_that_is_not_used_ends() {
    let world = World::new().await;
    let page = created(&world).await;
    world.pass(901);
    let payment = says(&world).await;
    assert_eq!(
        (&payment["status"], &payment["connector"]),
        (&json!("requires_payment_method"), &Value::Null)
    );
    assert!(world.visitor.open(&page).await.is_err());
}

#[tokio::test]
async fn a_payment_is_created_once_and_as_the_router_wants_it() {
    let world = World::new().await;
    created(&world).await;
    let (status, refused) = called(&world, "POST", "/payments", Some(&asked(&world, &json!({})))).await;
    assert_eq!((status, &refused["error"]["code"]), (400, &json!("HE_01")));
    for changes in [
        json!({ "payment_id": "short" }),
        json!({ "payment_id": PAYMENT.replace('_', ".") }),
        json!({ "amount": 0 }),
        json!({ "amount": 1.5 }),
        json!({ "currency": "XXX" }),
        json!({ "confirm": true }),
        json!({ "payment_link": false }),
        json!({ "session_expiry": 59 }),
        json!({ "return_url": "javascript:alert(1)" }),
        json!({ "profile_id": "pro_other" }),
    ] {
        let mut body =
            asked(&world, &json!({ "payment_id": "X".repeat(30), "merchant_order_reference_id": "T2" }));
        for (name, value) in changes.as_object().unwrap() {
            body[name] = value.clone();
        }
        let (status, refused) = called(&world, "POST", "/payments", Some(&body)).await;
        assert_eq!((status, &refused["error"]["code"]), (400, &json!("IR_06")), "{changes}");
    }
    let (status, refused) = called(&world, "GET", "/payments/unknown", None).await;
    assert_eq!((status, &refused["error"]["code"]), (404, &json!("HE_02")));
    let (status, refused) = call(&world, "GET", &format!("/payments/{PAYMENT}"), "another", None).await;
    assert_eq!((status, &refused["error"]["code"]), (401, &json!("IR_01")));
}
