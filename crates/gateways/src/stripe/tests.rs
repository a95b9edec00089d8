//! Sessions: opened.

use payment_domain::{Currency, ManualClock, Money, SystemClock, Timestamp};
use payment_settings::Reader;
use serde_json::{Value, json};
use wiremock::{MockServer, ResponseTemplate};

use super::*;
use crate::form;
use crate::testing::{client, server_that_answers, texts, transaction};

pub(super) const ID: &str = "PB_PG_2024_03_15_000123_45";
pub(super) const SESSION: &str = "cs_test_a1FAKE";
pub(super) const SECRET: &str = "whsec_FAKE+fake/123=";
pub(super) const OPEN: &str = include_str!("fixtures/session_open.json");
const PAGE: &str = "https://checkout.stripe.com/c/pay/cs_test_a1FAKE#fidkdWxOYHwnPyd1blppbHNgWjA0";

pub(super) fn account(base_url: &str) -> StripeAccount {
    let lookup = |name: &str| {
        Some(match name {
            "stripe.secret.key" => "sk_test_FAKE".to_owned(),
            "stripe.webhook.secret" => SECRET.to_owned(),
            "stripe.webhook.secret.previous" => "whsec_old".to_owned(),
            "stripe.currencies" => "all".to_owned(),
            "stripe.url" => base_url.to_owned(),
            _ => return None,
        })
    };
    let values = texts(account::SETTINGS, lookup);
    StripeAccount::read(&mut Reader::new(&values)).unwrap()
}

pub(super) fn stripe(base_url: &str, client: Client) -> Stripe {
    Stripe::new(account(base_url), client, Arc::new(SystemClock))
}

/// A transaction whose payer was sent to the session.
pub(super) fn started() -> Transaction {
    Transaction { redirect_url: Some(PAGE.to_owned()), ..transaction(ID, "19.99") }
}

fn order(txn: &Transaction) -> Order<'_> {
    Order {
        txn,
        return_url: "https://pg.example/pg-service/transaction/v1/_redirect?eg_pg_txnid=T1",
        notify_url: Some("https://pg.example/pg-service/gateway/v1/stripe/_callback"),
        payable_until: txn.audit.created_at.plus(std::time::Duration::from_secs(3_600)),
        bank_account: None,
    }
}

/// A fixture with other members; null removes one.
pub(super) fn but(fixture: &str, changes: &Value) -> Value {
    let mut value: Value = serde_json::from_str(fixture).unwrap();
    for (name, change) in changes.as_object().unwrap() {
        value[name] = change.clone();
    }
    value
}

async fn started_at(server: &MockServer, txn: &Transaction) -> Result<Redirect, GatewayError> {
    stripe(&server.uri(), client()).start(&order(txn)).await
}

#[test]
fn the_same_order_is_always_the_same_request() {
    let txn = transaction(ID, "19.99");
    let account = account("https://api.stripe.com");
    let call = || wire::open_call(&account, &Session::of(&order(&txn)).unwrap());
    assert!(call() == call());
    let call = call();
    assert_eq!(call.url, "https://api.stripe.com/v1/checkout/sessions");
    let headers: Vec<_> = call.headers.iter().map(|(name, value)| format!("{name}: {value}")).collect();
    assert_eq!(
        headers,
        [
            "Authorization: Bearer sk_test_FAKE",
            "Stripe-Version: 2026-10-28.endive",
            "Idempotency-Key: PB_PG_2024_03_15_000123_45",
        ]
    );
    let crate::client::Body::Form(fields) = &call.body else { panic!("a form") };
    let lines: Vec<_> = fields.iter().map(|(name, value)| format!("{name}={value}")).collect();
    insta::assert_snapshot!(lines.join("\n"), @r"
    mode=payment
    success_url=https://pg.example/pg-service/transaction/v1/_redirect?eg_pg_txnid=T1&stripe_session_id={CHECKOUT_SESSION_ID}
    cancel_url=https://pg.example/pg-service/transaction/v1/_redirect?eg_pg_txnid=T1
    client_reference_id=PB_PG_2024_03_15_000123_45
    expires_at=3600
    line_items[0][quantity]=1
    line_items[0][price_data][currency]=inr
    line_items[0][price_data][unit_amount]=1999
    line_items[0][price_data][product_data][name]=Property Tax & Water + Sewer = 2
    customer_email=asha@example.org
    metadata[txnId]=PB_PG_2024_03_15_000123_45
    metadata[tenantId]=pb.amritsar
    payment_intent_data[metadata][txnId]=PB_PG_2024_03_15_000123_45
    payment_intent_data[metadata][tenantId]=pb.amritsar
    ");
}

#[test]
fn a_session_is_open_as_long_as_the_order_within_stripes_bounds() {
    let txn = transaction(ID, "19.99");
    for (life_s, at_s) in [(60, 2_100), (2_099, 2_100), (3_600, 3_600), (86_400, 85_800), (900_000, 85_800)] {
        let payable_until = txn.audit.created_at.plus(std::time::Duration::from_secs(life_s));
        let session = Order { payable_until, ..order(&txn) };
        assert_eq!(Session::of(&session).unwrap().expires_at, at_s, "{life_s}");
    }
}

#[tokio::test]
async fn the_payer_goes_to_the_page_of_the_session() {
    let server = server_that_answers(ResponseTemplate::new(200).set_body_string(OPEN)).await;
    let txn = transaction(ID, "19.99");
    assert_eq!(started_at(&server, &txn).await.unwrap(), Redirect::To(PAGE.to_owned()));
    let sent = &server.received_requests().await.unwrap()[0];
    let fields = form::decode(&sent.body);
    assert!(fields.iter().any(|(_, value)| value.ends_with("={CHECKOUT_SESSION_ID}")));
}

#[tokio::test]
async fn a_session_about_something_else_is_no_start() {
    for (changes, why) in [
        (json!({ "client_reference_id": "OTHER" }), "another payment"),
        (json!({ "client_reference_id": null, "metadata": {} }), "another payment"),
        (json!({ "amount_total": 2_000 }), "another payment"),
        (json!({ "currency": "usd" }), "another payment"),
        (json!({ "amount_total": null }), "another payment"),
        (json!({ "object": "payment_link" }), "not a session"),
        (json!({ "url": null }), "no page"),
        (json!({ "url": "http://checkout.example/c/pay/cs_test_a1FAKE%" }), "name its session"),
        (json!({ "url": "javascript:alert(1)" }), "not usable"),
        (json!({ "url": "https://checkout.stripe.com/c/pay/cs_test_other" }), "name its session"),
        (json!({ "id": "cs_test_other" }), "name its session"),
    ] {
        let body = but(OPEN, &changes).to_string();
        let server = server_that_answers(ResponseTemplate::new(200).set_body_string(body)).await;
        match started_at(&server, &transaction(ID, "19.99")).await {
            Err(GatewayError::Unreadable(told)) => assert!(told.contains(why), "{changes}: {told}"),
            other => panic!("{changes}: {other:?}"),
        }
    }
}

#[tokio::test]
async fn a_refusal_differs_from_a_session_that_may_be_open() {
    let error = |kind: &str, code: &str| json!({ "error": { "type": kind, "code": code, "message": "no" } });
    for (status, body) in [
        (400, error("invalid_request_error", "amount_too_small")),
        (401, error("invalid_request_error", "api_key_expired")),
        (402, error("card_error", "x")),
        (403, error("invalid_request_error", "x")),
    ] {
        let server = server_that_answers(ResponseTemplate::new(status).set_body_json(body)).await;
        let refused = started_at(&server, &transaction(ID, "19.99")).await.unwrap_err();
        assert!(matches!(refused, GatewayError::Refused { .. }), "{status}: {refused:?}");
    }
    for (status, body) in [
        (409, error("invalid_request_error", "idempotency_key_in_use")),
        (429, error("invalid_request_error", "rate_limit")),
        (500, error("api_error", "")),
        (503, json!({})),
    ] {
        let server = server_that_answers(ResponseTemplate::new(status).set_body_json(body)).await;
        let unclear = started_at(&server, &transaction(ID, "19.99")).await.unwrap_err();
        assert!(matches!(unclear, GatewayError::Unanswered(_)), "{status}: {unclear:?}");
    }
    for (status, body) in
        [(400, error("idempotency_error", "")), (403, json!({ "message": "Forbidden" })), (302, json!({}))]
    {
        let server = server_that_answers(ResponseTemplate::new(status).set_body_json(body)).await;
        let unclear = started_at(&server, &transaction(ID, "19.99")).await.unwrap_err();
        assert!(matches!(unclear, GatewayError::Unreadable(_)), "{status}: {unclear:?}");
    }
}

/// A server that closes the first connection without an answer, and opens the session for the second.
fn loses_one_answer() -> (String, std::thread::JoinHandle<Vec<String>>) {
    use std::io::{Read, Write};

    let listener = std::net::TcpListener::bind("127.0.0.1:0").unwrap();
    let url = format!("http://{}", listener.local_addr().unwrap());
    let serving = std::thread::spawn(move || {
        let requests = [false, true].map(|answers| {
            let (mut connection, _) = listener.accept().unwrap();
            let (mut request, mut chunk) = (String::new(), [0; 8192]);
            while !request.contains("%5BtenantId%5D=pb.amritsar&payment_intent_data%5Bmetadata%5D%5BtxnId")
                || !request.ends_with("=pb.amritsar")
            {
                let read = connection.read(&mut chunk).unwrap();
                request += std::str::from_utf8(&chunk[..read]).unwrap();
            }
            if answers {
                let head = format!("HTTP/1.1 200 OK\r\ncontent-length: {}\r\n\r\n{OPEN}", OPEN.len());
                connection.write_all(head.as_bytes()).unwrap();
            }
            request
        });
        requests.to_vec()
    });
    (url, serving)
}

#[tokio::test]
async fn a_lost_answer_is_requested_once_more_with_the_same_key() {
    let (url, serving) = loses_one_answer();
    let started = stripe(&url, client()).start(&order(&transaction(ID, "19.99"))).await.unwrap();
    assert_eq!(started, Redirect::To(PAGE.to_owned()));
    let requests = serving.join().unwrap();
    assert!(requests[0].contains(&format!("idempotency-key: {ID}")), "{}", requests[0]);
    assert_eq!(requests[0], requests[1]);
}

#[tokio::test]
async fn a_currency_in_another_unit_is_refused_before_stripe_is_called() {
    let shilling = Money::from_minor(500, Currency::from_code("UGX").unwrap()).unwrap();
    let txn = Transaction { amount: shilling, ..transaction(ID, "19.99") };
    let refused = stripe("http://127.0.0.1:9", client()).start(&order(&txn)).await.unwrap_err();
    assert!(matches!(refused, GatewayError::Refused { code } if code == "UNSUPPORTED_CURRENCY"));
}

#[test]
fn the_adapter_prints_without_its_secrets() {
    let clock = Arc::new(ManualClock::at(Timestamp::from_millis(0)));
    let printed = format!("{:?}", Stripe::new(account("https://api.stripe.com"), client(), clock));
    assert!(!printed.contains("FAKE") && !printed.contains("whsec"), "{printed}");
}
