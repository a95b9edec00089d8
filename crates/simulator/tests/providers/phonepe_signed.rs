//! PhonePe's signed protocols: legacy and v1.

use payment_simulator::providers::signature::phonepe::{encode, x_verify};
use payment_simulator::providers::{Choice, PhonepeAccount, Provider, State, WayBack};
use reqwest::RequestBuilder;
use secrecy::ExposeSecret;
use serde_json::{Value, json};

use crate::world::{World, field};

const ORDER: &str = "PB_PG_2024_03_15_000123_45";

fn signature(payload: &str, path: &str) -> String {
    let account = PhonepeAccount::default();
    x_verify(payload, path, account.salt_key.expose_secret(), &account.salt_index)
}

fn signed_post(world: &World, path: &str, payload: &Value) -> RequestBuilder {
    let payload = encode(&payload.to_string());
    world
        .http
        .post(world.url(&format!("/phonepe{path}")))
        .header("X-VERIFY", signature(&payload, path))
        .json(&json!({ "request": payload }))
}

async fn signed_get(world: &World, path: &str) -> (u16, Value) {
    let request =
        world.http.get(world.url(&format!("/phonepe{path}"))).header("X-VERIFY", signature("", path));
    let answer = request.header("X-MERCHANT-ID", PhonepeAccount::default().merchant_id).send().await.unwrap();
    (answer.status().as_u16(), answer.json().await.unwrap())
}

fn debit(amount: i64) -> Value {
    json!({
        "merchantId": PhonepeAccount::default().merchant_id,
        "transactionId": ORDER,
        "merchantUserId": "9876500001",
        "amount": amount,
        "merchantOrderId": "BILL-1",
        "mobileNumber": "9876500001",
        "message": "Property Tax & Water + 2=2",
    })
}

pub(crate) fn legacy_request(world: &World, amount: i64) -> RequestBuilder {
    signed_post(world, "/v3/debit", &debit(amount))
        .header("X-REDIRECT-URL", world.return_url())
        .header("X-REDIRECT-MODE", "POST")
        .header("X-CALLBACK-URL", format!("{}/hook", world.service))
}

pub(crate) async fn legacy_page(world: &World) -> WayBack {
    let answer = legacy_request(world, 1_999).send().await.unwrap();
    assert_eq!(answer.status(), 302);
    WayBack::Follow(answer.headers()["location"].to_str().unwrap().to_owned())
}

pub(crate) async fn legacy_status(world: &World) -> (u16, Value) {
    let merchant = PhonepeAccount::default().merchant_id;
    signed_get(world, &format!("/v3/transaction/{merchant}/{ORDER}/status")).await
}

fn payment(world: &World, redirect_mode: &str) -> Value {
    json!({
        "merchantId": PhonepeAccount::default().merchant_id,
        "merchantTransactionId": ORDER,
        "merchantUserId": "9876500001",
        "amount": 1_999,
        "redirectUrl": world.return_url(),
        "redirectMode": redirect_mode,
        "callbackUrl": format!("{}/hook", world.service),
        "paymentInstrument": { "type": "PAY_PAGE" },
    })
}

async fn v1_pay(world: &World, payment: &Value) -> (u16, Value) {
    let answer = signed_post(world, "/pg/v1/pay", payment).send().await.unwrap();
    (answer.status().as_u16(), answer.json().await.unwrap())
}

fn v1_page(answer: &Value) -> WayBack {
    let url = &answer["data"]["instrumentResponse"]["redirectInfo"]["url"];
    WayBack::Follow(url.as_str().unwrap().to_owned())
}

async fn v1_status(world: &World) -> (u16, Value) {
    let merchant = PhonepeAccount::default().merchant_id;
    signed_get(world, &format!("/pg/v1/status/{merchant}/{ORDER}")).await
}

#[tokio::test]
async fn a_legacy_payment_comes_back_by_a_form_and_is_found_by_asking() {
    let world = World::new().await;
    let (status, answer) = legacy_status(&world).await;
    assert_eq!((status, answer["code"].as_str()), (404, Some("TRANSACTION_NOT_FOUND")));
    let page = legacy_page(&world).await;
    assert_eq!(legacy_page(&world).await, page, "the same order again is the same page");
    assert_eq!(legacy_status(&world).await.1["code"], "PAYMENT_PENDING");
    let back = world.choose_and_return(&page, Choice::Pay).await;
    assert_eq!((back.method.as_str(), back.path.as_str()), ("POST", "/back?eg_pg_txnid=T1"));
    let fields = back.form();
    assert_eq!(
        (field(&fields, "code"), field(&fields, "transactionId"), field(&fields, "amount")),
        ("PAYMENT_SUCCESS", ORDER, "1999")
    );
    insta::assert_snapshot!(format!("{:#}", legacy_status(&world).await.1));
    let entry = world.book(Provider::Phonepe, ORDER);
    assert_eq!(
        (entry.state, entry.taken.map(|taken| taken.minor), entry.status_calls),
        (State::Paid, Some(1_999), 2)
    );
}

#[tokio::test]
async fn a_v1_payment_is_reported_with_its_terms() {
    for (mode, method) in [("POST", "POST"), ("REDIRECT", "GET")] {
        let world = World::new().await;
        let (status, answer) = v1_pay(&world, &payment(&world, mode)).await;
        assert_eq!((status, answer["code"].as_str()), (200, Some("PAYMENT_INITIATED")));
        let back = world.choose_and_return(&v1_page(&answer), Choice::Pay).await;
        assert_eq!((back.method.as_str(), back.path.as_str()), (method, "/back?eg_pg_txnid=T1"));
        let (status, answer) = v1_status(&world).await;
        assert_eq!(status, 200);
        insta::assert_snapshot!("v1_status_of_a_paid_order", format!("{answer:#}"));
    }
}

#[tokio::test]
async fn a_declined_payment_is_declined_and_a_left_one_pending() {
    let world = World::new().await;
    let (_, answer) = v1_pay(&world, &payment(&world, "POST")).await;
    let page = v1_page(&answer);
    assert_eq!(world.choose(&page, Choice::Leave).await, None);
    let (_, answer) = v1_status(&world).await;
    assert_eq!((answer["code"].as_str(), answer["success"].as_bool()), (Some("PAYMENT_PENDING"), Some(true)));
    world.choose(&page, Choice::Decline).await;
    let (_, answer) = v1_status(&world).await;
    assert_eq!(
        (answer["code"].as_str(), answer["success"].as_bool()),
        (Some("PAYMENT_DECLINED"), Some(false))
    );
    assert_eq!(world.book(Provider::Phonepe, ORDER).taken, None);
}

#[tokio::test]
async fn calls_that_are_not_signed_over_their_own_path_are_refused() {
    let world = World::new().await;
    let payload = encode(&debit(1_999).to_string());
    for forged in
        [signature(&payload, "/pg/v1/pay"), signature("", "/v3/debit"), "guess###1".to_owned(), String::new()]
    {
        let request = world.http.post(world.url("/phonepe/v3/debit")).header("X-VERIFY", forged);
        let answer = request.json(&json!({ "request": payload })).send().await.unwrap();
        assert_eq!(answer.status(), 401);
        assert_eq!(answer.json::<Value>().await.unwrap()["code"], "AUTHORIZATION_FAILED");
    }
    legacy_page(&world).await;
    let merchant = PhonepeAccount::default().merchant_id;
    let path = format!("/v3/transaction/{merchant}/{ORDER}/status");
    let other = signature("", &path.replace(ORDER, "OTHER"));
    let answer = world.http.get(world.url(&format!("/phonepe{path}"))).header("X-VERIFY", other).send().await;
    assert_eq!(answer.unwrap().status(), 401);
    let v1_path = format!("/pg/v1/status/{merchant}/{ORDER}");
    let unnamed =
        world.http.get(world.url(&format!("/phonepe{v1_path}"))).header("X-VERIFY", signature("", &v1_path));
    assert_eq!(unnamed.send().await.unwrap().status(), 400, "v1 wants the merchant in a header too");
    assert_eq!(v1_status(&world).await.0, 404, "an order of another protocol");
    assert_eq!(world.book(Provider::Phonepe, ORDER).status_calls, 1);
}

#[tokio::test]
async fn requests_that_cannot_be_meant_open_nothing() {
    let world = World::new().await;
    for (member, value) in [
        ("merchantId", json!("OTHER")),
        ("merchantTransactionId", json!("a b")),
        ("merchantTransactionId", json!("x".repeat(39))),
        ("amount", json!(0)),
        ("amount", json!(19.99)),
        ("amount", json!("1999")),
        ("redirectUrl", json!("nowhere")),
        ("redirectMode", json!("CARRIER_PIGEON")),
        ("callbackUrl", json!("file:///etc/passwd")),
        ("paymentInstrument", json!({ "type": "UPI_COLLECT" })),
        ("merchantUserId", json!(null)),
    ] {
        let mut payment = payment(&world, "POST");
        payment[member] = value;
        let (status, answer) = v1_pay(&world, &payment).await;
        assert_eq!((status, answer["code"].as_str()), (400, Some("BAD_REQUEST")), "{member}");
    }
    assert_eq!(world.providers.books(0, 10), []);
    legacy_page(&world).await;
    let dearer = legacy_request(&world, 2_000).send().await.unwrap();
    assert_eq!(dearer.status(), 400);
    assert_eq!(dearer.json::<Value>().await.unwrap()["code"], "DUPLICATE_TXN_REQUEST");
}
