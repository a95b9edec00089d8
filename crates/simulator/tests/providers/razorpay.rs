//! Razorpay's payment links.

use payment_simulator::providers::signature::razorpay::{is_valid, sign_callback};
use payment_simulator::providers::{Choice, Provider, RazorpayAccount, State, WayBack};
use secrecy::ExposeSecret;
use serde_json::{Value, json};

use crate::world::World;

const ORDER: &str = "PB_PG_2024_03_15_000123_45";
/// 15 minutes after the world's clock begins.
const EXPIRE_BY_S: i64 = 1_710_481_332 + 900;

async fn call(world: &World, method: &str, path: &str, body: Option<&Value>) -> (u16, Value) {
    let account = RazorpayAccount::default();
    let method = method.parse().unwrap();
    let request = world.http.request(method, world.url(&format!("/razorpay/v1/{path}")));
    let request = request.basic_auth(account.key_id, Some(account.key_secret.expose_secret()));
    let request = body.into_iter().fold(request, |request, body| request.json(body));
    let answer = request.send().await.unwrap();
    (answer.status().as_u16(), answer.json().await.unwrap())
}

fn new_link(world: &World) -> Value {
    json!({
        "amount": 1_999,
        "currency": "INR",
        "accept_partial": false,
        "reference_id": ORDER,
        "description": "Tax",
        "customer": { "contact": "+919876500001" },
        "expire_by": EXPIRE_BY_S,
        "notes": { "billId": "B1" },
        "callback_url": world.return_url(),
        "callback_method": "get",
    })
}

/// Opens a link; returns its id and the way to its page.
async fn opened(world: &World) -> (String, WayBack) {
    let (status, link) = call(world, "POST", "payment_links", Some(&new_link(world))).await;
    assert_eq!((status, &link["status"]), (200, &json!("created")), "{link}");
    (link["id"].as_str().unwrap().to_owned(), WayBack::Follow(link["short_url"].as_str().unwrap().to_owned()))
}

async fn found(world: &World) -> Vec<Value> {
    let (status, listed) = call(world, "GET", &format!("payment_links?reference_id={ORDER}"), None).await;
    assert_eq!(status, 200);
    listed["payment_links"].as_array().unwrap().clone()
}

async fn attempts(world: &World, link: &Value) -> Vec<Value> {
    let path = format!("orders/{}/payments", link["order_id"].as_str().unwrap());
    let (status, listed) = call(world, "GET", &path, None).await;
    assert_eq!((status, &listed["entity"]), (200, &json!("collection")));
    listed["items"].as_array().unwrap().clone()
}

#[tokio::test]
async fn a_paid_link_comes_back_signed_and_is_found_by_its_reference_and_its_id() {
    let world = World::new().await;
    assert_eq!(found(&world).await, [Value::Null; 0]);
    let (id, page) = opened(&world).await;
    assert_eq!(
        (&found(&world).await[0]["payments"], &found(&world).await[0]["order_id"]),
        (&json!([]), &Value::Null)
    );
    let back = world.choose_and_return(&page, Choice::Pay).await;
    assert_eq!(back.method.as_str(), "GET");
    let url = url::Url::parse(&format!("http://x{}", back.path)).unwrap();
    let value = |name: &str| url.query_pairs().find(|(field, _)| field == name).unwrap().1.into_owned();
    assert_eq!((value("eg_pg_txnid"), value("razorpay_payment_link_status")), ("T1".into(), "paid".into()));
    assert_eq!(
        (value("razorpay_payment_link_reference_id"), value("razorpay_payment_link_id")),
        (ORDER.into(), id.clone())
    );
    let key_secret = RazorpayAccount::default().key_secret;
    let payment = value("razorpay_payment_id");
    let signature = sign_callback(key_secret.expose_secret(), &id, ORDER, "paid", &payment);
    assert_eq!(value("razorpay_signature"), signature);

    let (_, link) = call(&world, "GET", &format!("payment_links/{id}"), None).await;
    assert_eq!(found(&world).await, std::slice::from_ref(&link));
    assert_eq!((&link["amount_paid"], &link["payments"][0]["payment_id"]), (&json!(1_999), &json!(payment)));
    let attempts = attempts(&world, &link).await;
    assert_eq!((attempts.len(), &attempts[0]["status"]), (1, &json!("captured")));
    let mut shown = link;
    shown["short_url"] = "…".into();
    shown["callback_url"] = "…".into();
    insta::assert_snapshot!(format!("{shown:#}\n{:#}", attempts[0]));
    assert_eq!(world.book(Provider::Razorpay, ORDER).state, State::Paid);
}

#[tokio::test]
async fn a_declined_link_and_one_whose_time_ran_out_are_expired() {
    let world = World::new().await;
    let (_, page) = opened(&world).await;
    world.choose(&page, Choice::Decline).await;
    let link = &found(&world).await[0];
    assert_eq!(
        (&link["status"], &link["amount_paid"], &link["payments"]),
        (&json!("expired"), &json!(0), &json!([]))
    );
    assert_eq!(attempts(&world, link).await[0]["error_reason"], "payment_failed");

    let world = World::new().await;
    opened(&world).await;
    world.pass(900);
    assert_eq!(found(&world).await[0]["status"], "created", "the last moment counts");
    world.pass(1);
    let link = &found(&world).await[0];
    assert_eq!((&link["status"], &link["order_id"]), (&json!("expired"), &Value::Null));
}

#[tokio::test]
async fn a_payment_under_way_is_among_the_attempts_alone() {
    let world = World::new().await;
    let (id, page) = opened(&world).await;
    world.fault("razorpay", ORDER, "pending").await;
    world.choose(&page, Choice::Pay).await;
    let link = &found(&world).await[0];
    assert_eq!((&link["status"], &link["payments"]), (&json!("created"), &json!([])));
    assert_eq!(attempts(&world, link).await[0]["status"], "created");
    let (status, _) = call(&world, "POST", &format!("payment_links/{id}/cancel"), Some(&json!({}))).await;
    assert_eq!(status, 400, "a payer is paying");
}

#[tokio::test]
async fn a_link_is_cancelled_unless_it_is_paid() {
    let world = World::new().await;
    let (id, page) = opened(&world).await;
    let cancel = format!("payment_links/{id}/cancel");
    let (status, link) = call(&world, "POST", &cancel, Some(&json!({}))).await;
    assert_eq!((status, &link["status"]), (200, &json!("cancelled")));
    assert!(link["cancelled_at"].as_i64().unwrap() > 0);
    assert_eq!(call(&world, "POST", &cancel, Some(&json!({}))).await.0, 400, "it is cancelled");
    assert!(world.visitor.open(&page).await.is_err(), "there is nothing to choose any more");

    let world = World::new().await;
    let (id, page) = opened(&world).await;
    world.choose(&page, Choice::Pay).await;
    assert_eq!(call(&world, "POST", &format!("payment_links/{id}/cancel"), Some(&json!({}))).await.0, 400);
    assert_eq!(found(&world).await[0]["status"], "paid");
}

#[tokio::test]
async fn requests_that_cannot_be_meant_open_nothing() {
    let world = World::new().await;
    for (member, value, field) in [
        ("amount", json!(99), Some("amount")),
        ("amount", json!("1999"), None),
        ("currency", json!("USD"), Some("currency")),
        ("accept_partial", json!(true), Some("currency")),
        ("reference_id", json!("x".repeat(41)), Some("reference_id")),
        ("reference_id", json!(""), Some("reference_id")),
        ("description", json!("a\nb"), Some("description")),
        ("customer", json!({ "contact": "none" }), Some("customer.contact")),
        ("expire_by", json!(EXPIRE_BY_S - 1), Some("expire_by")),
        ("expire_by", json!(EXPIRE_BY_S + 200 * 86_400), Some("expire_by")),
        ("notes", json!({ "a": "x".repeat(257) }), Some("notes")),
        ("callback_method", json!("post"), Some("callback_url")),
        ("callback_url", json!("javascript:alert(1)"), Some("callback_url")),
    ] {
        let mut link = new_link(&world);
        link[member] = value;
        let (status, answer) = call(&world, "POST", "payment_links", Some(&link)).await;
        assert_eq!((status, &answer["error"]["code"]), (400, &json!("BAD_REQUEST_ERROR")), "{member}");
        assert_eq!(answer["error"]["field"].as_str(), field, "{member}");
    }
    for path in
        ["payment_links", "payment_links/plink_x", "payment_links/order_00", "orders/order_00/payments"]
    {
        assert_eq!(call(&world, "GET", path, None).await.0, 400, "{path}");
    }
    let unsigned =
        world.http.get(world.url("/razorpay/v1/payment_links?reference_id=T1")).send().await.unwrap();
    assert_eq!(unsigned.status(), 401);
    assert_eq!(world.providers.books(0, 10), []);
    opened(&world).await;
    let (status, again) = call(&world, "POST", "payment_links", Some(&new_link(&world))).await;
    assert_eq!((status, &again["error"]["field"]), (400, &json!("reference_id")), "a reference is used once");
}

#[tokio::test]
async fn events_are_signed_over_the_raw_body() {
    let world = World::new().await;
    let secret = RazorpayAccount::default().webhook_secret;
    world.choose(&opened(&world).await.1, Choice::Pay).await;
    world.providers.tick().await;
    let received = world.merchant.take().remove(0);
    assert_eq!(received.path, "/pg-service/gateway/v1/razorpay/_callback");
    let signature = received.header("x-razorpay-signature");
    assert!(is_valid(secret.expose_secret(), received.body.as_bytes(), signature));
    assert!(!received.header("x-razorpay-event-id").is_empty());
    let event: Value = serde_json::from_str(&received.body).unwrap();
    assert_eq!(
        (&event["event"], &event["contains"]),
        (&json!("payment_link.paid"), &json!(["payment", "payment_link"]))
    );

    let world = World::new().await;
    world.fault("razorpay", ORDER, "wrong-signature").await;
    world.choose(&opened(&world).await.1, Choice::Decline).await;
    world.providers.tick().await;
    let received = world.merchant.take().remove(0);
    let signature = received.header("x-razorpay-signature");
    assert!(!is_valid(secret.expose_secret(), received.body.as_bytes(), signature));
    assert_eq!(serde_json::from_str::<Value>(&received.body).unwrap()["event"], "payment_link.expired");
}
