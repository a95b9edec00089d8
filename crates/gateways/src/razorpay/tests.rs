//! Links against a server: opened once, checked, closed.

use std::time::Duration;

use payment_domain::{ManualClock, Outcome, Timestamp};
use payment_gateway::USUAL_SESSION;
use serde_json::json;
use wiremock::matchers::{header, method, path, query_param};
use wiremock::{Mock, MockServer, ResponseTemplate};

use super::*;
use crate::testing::{asks_through_every_fault, client, transaction};

pub(super) const ID: &str = "PB_PG_2024_03_15_000123_45";
const LINK_PAID: &str = include_str!("fixtures/link_paid.json");
const ATTEMPTS: &str = include_str!("fixtures/order_payments.json");
const LINK_PATH: &str = "/payment_links/plink_FAKE0000000001";
const ATTEMPTS_PATH: &str = "/orders/order_FAKE0000000001/payments";
/// A minute and 40 seconds after the second attempt of the fixture began.
const NOW_MS: i64 = 1_710_480_200_000;

pub(super) fn razorpay_at(base_url: &str, client: Client) -> Razorpay {
    let account = RazorpayAccount {
        key_id: "rzp_live_FAKE".to_owned(),
        key_secret: "FAKEsecretFAKEsecret0000".into(),
        webhook_secrets: vec!["fake-webhook-secret+&=1".into(), "fake-webhook-secret-0".into()],
        base_url: base_url.to_owned(),
    };
    Razorpay::new(account, client, Arc::new(ManualClock::at(Timestamp::from_millis(NOW_MS))))
}

fn razorpay(server: &MockServer) -> Razorpay {
    razorpay_at(&server.uri(), client())
}

fn after(duration: Duration) -> Timestamp {
    Timestamp::from_millis(NOW_MS).plus(duration)
}

fn order(txn: &Transaction) -> Order<'_> {
    Order {
        txn,
        return_url: "https://pg.example/pg-service/transaction/v1/_redirect?eg_pg_txnid=T1",
        notify_url: Some("https://pg.example/pg-service/gateway/v1/razorpay/_callback"),
        payable_until: after(USUAL_SESSION),
        bank_account: None,
    }
}

/// The link of the fixture, with other members.
pub(super) fn link(changes: &[(&str, Value)]) -> Value {
    let mut link: Value = serde_json::from_str(LINK_PAID).unwrap();
    for (name, value) in changes {
        link[*name] = value.clone();
    }
    link
}

fn open_link() -> Value {
    link(&[("status", json!("created")), ("amount_paid", json!(0)), ("payments", Value::Null)])
}

fn found(links: &[Value]) -> ResponseTemplate {
    ResponseTemplate::new(200).set_body_json(json!({ "payment_links": links }))
}

async fn serving(verb: &str, at: &str, answer: ResponseTemplate) -> MockServer {
    let server = MockServer::start().await;
    also(&server, verb, at, answer).await;
    server
}

async fn also(server: &MockServer, verb: &str, at: &str, answer: ResponseTemplate) {
    Mock::given(method(verb)).and(path(at)).respond_with(answer).mount(server).await;
}

async fn requests(server: &MockServer) -> Vec<String> {
    let received = server.received_requests().await.unwrap();
    received.iter().map(|request| format!("{} {}", request.method, request.url.path())).collect()
}

fn page(started: Result<Redirect, GatewayError>) -> String {
    match started {
        Ok(Redirect::To(url)) => url,
        other => panic!("{other:?}"),
    }
}

fn is_unreadable<T>(result: &Result<T, GatewayError>) -> bool {
    matches!(result, Err(GatewayError::Unreadable(_)))
}

#[tokio::test]
async fn a_link_is_opened_for_the_order_and_expires_with_it() {
    let server = serving("GET", "/payment_links", found(&[])).await;
    also(&server, "POST", "/payment_links", ResponseTemplate::new(200).set_body_json(open_link())).await;
    let txn = transaction(ID, "19.99");
    assert_eq!(page(razorpay(&server).start(&order(&txn)).await), "https://rzp.io/i/FAKE123");
    let received = server.received_requests().await.unwrap();
    assert_eq!(received[0].url.query(), Some(format!("reference_id={ID}").as_str()));
    let authorization = "Basic cnpwX2xpdmVfRkFLRTpGQUtFc2VjcmV0RkFLRXNlY3JldDAwMDA=";
    assert!(received.iter().all(|request| request.headers["authorization"] == authorization));
    let body: Value = serde_json::from_slice(&received[1].body).unwrap();
    insta::assert_snapshot!(format!("{body:#}"));
}

#[test]
fn a_link_lives_as_long_as_its_order_within_what_the_gateway_accepts() {
    let account = razorpay_at("https://x", client()).account;
    let txn = transaction(ID, "19.99");
    let (minute, day) = (Duration::from_secs(60), Duration::from_secs(86_400));
    for (left, expected) in [
        (USUAL_SESSION, USUAL_SESSION),
        (minute * 16, minute * 16),
        // Shorter is refused: the link outlives its order, and keeps the payment pending.
        (minute, minute * 16),
        (Duration::ZERO, minute * 16),
        (day * 365, day * 180),
    ] {
        let order = Order { payable_until: after(left), ..order(&txn) };
        let call = wire::create_call(&account, &order, after(Duration::ZERO));
        let crate::client::Body::Json(body) = call.body else { panic!("no JSON") };
        let body: Value = serde_json::from_str(&body).unwrap();
        assert_eq!(body["expire_by"], after(expected).as_millis() / 1_000, "{left:?}");
        assert_eq!(body["accept_partial"], false);
    }
}

#[tokio::test]
async fn an_order_that_is_started_again_opens_no_second_link() {
    let server = serving("GET", "/payment_links", found(&[open_link()])).await;
    let txn = transaction(ID, "19.99");
    assert_eq!(page(razorpay(&server).start(&order(&txn)).await), "https://rzp.io/i/FAKE123");
    assert_eq!(requests(&server).await, ["GET /payment_links"]);
    for link in [
        link(&[]),
        link(&[("status", json!("cancelled"))]),
        link(&[("status", json!("created")), ("amount", json!(1998))]),
        link(&[("status", json!("created")), ("currency", json!("USD"))]),
        link(&[("status", json!("created")), ("reference_id", json!("T2"))]),
        link(&[("status", json!("created")), ("short_url", json!("javascript:alert(1)"))]),
    ] {
        let server = serving("GET", "/payment_links", found(std::slice::from_ref(&link))).await;
        assert!(is_unreadable(&razorpay(&server).start(&order(&txn)).await), "{link}");
        assert_eq!(requests(&server).await, ["GET /payment_links"]);
    }
}

#[tokio::test]
async fn a_reference_that_is_taken_meanwhile_leads_to_its_link() {
    let server = MockServer::start().await;
    let taken =
        json!({ "error": { "code": "BAD_REQUEST_ERROR", "field": "reference_id", "description": "taken" } });
    Mock::given(method("GET")).respond_with(found(&[])).up_to_n_times(1).mount(&server).await;
    also(&server, "GET", "/payment_links", found(&[open_link()])).await;
    also(&server, "POST", "/payment_links", ResponseTemplate::new(400).set_body_json(taken)).await;
    let txn = transaction(ID, "19.99");
    assert_eq!(page(razorpay(&server).start(&order(&txn)).await), "https://rzp.io/i/FAKE123");
    assert_eq!(requests(&server).await, ["GET /payment_links", "POST /payment_links", "GET /payment_links"]);
}

#[tokio::test]
async fn a_refusal_opens_no_order_and_its_error_holds_no_text_of_the_payer() {
    let error = |description: &str, field: &str| json!({ "error": { "code": "BAD_REQUEST_ERROR", "description": description, "field": field } });
    let txn = transaction(ID, "19.99");
    for (status, body, expected) in [
        (400, error("expire_by is in the past for Asha", "expire_by"), "BAD_REQUEST_ERROR: expire_by"),
        (401, error("Authentication failed", ""), "BAD_REQUEST_ERROR"),
        (400, error("x", "Asha Sharma"), "BAD_REQUEST_ERROR"),
        (403, json!([]), "HTTP_403"),
    ] {
        let server = serving("GET", "/payment_links", found(&[])).await;
        also(&server, "POST", "/payment_links", ResponseTemplate::new(status).set_body_json(body)).await;
        let error = razorpay(&server).start(&order(&txn)).await.unwrap_err();
        assert!(matches!(&error, GatewayError::Refused { code } if code == expected), "{error:?}");
    }
    for status in [408, 429, 500, 503] {
        let server = serving("GET", "/payment_links", found(&[])).await;
        also(&server, "POST", "/payment_links", ResponseTemplate::new(status)).await;
        let error = razorpay(&server).start(&order(&txn)).await.unwrap_err();
        assert!(matches!(error, GatewayError::Unanswered(_)), "{status}: {error:?}");
    }
    let unreachable = razorpay_at("http://127.0.0.1:9", client());
    for (id, amount, expected) in
        [(ID, "0.99", "AMOUNT_BELOW_MINIMUM"), (&"x".repeat(41), "1.00", "INVALID_TRANSACTION_ID")]
    {
        let error = unreachable.start(&order(&transaction(id, amount))).await.unwrap_err();
        assert!(matches!(&error, GatewayError::Refused { code } if code == expected), "{error:?}");
    }
}

#[tokio::test]
async fn a_paid_link_is_reported_with_its_payment_and_nothing_personal() {
    let server = MockServer::start().await;
    Mock::given(query_param("reference_id", ID))
        .and(header("authorization", "Basic cnpwX2xpdmVfRkFLRTpGQUtFc2VjcmV0RkFLRXNlY3JldDAwMDA="))
        .respond_with(found(&[link(&[])]))
        .mount(&server)
        .await;
    let report = razorpay(&server).status(&transaction(ID, "19.99")).await.unwrap();
    assert_eq!(report.outcome, Outcome::Paid { amount: Some(transaction(ID, "19.99").amount) });
    insta::assert_snapshot!(format!(
        "{:?} {:?}\n{:#}",
        report.gateway_txn_id, report.payment_mode, report.raw
    ));
    assert_eq!(requests(&server).await.len(), 1, "nothing more can be learned");
}

#[tokio::test]
async fn the_attempts_of_an_unpaid_link_are_requested() {
    let txn = transaction(ID, "19.99");
    let paid = Outcome::Paid { amount: Some(txn.amount) };
    let declined = |word: &str| Outcome::Declined { reason: format!("the payment link is {word}") };
    for (status, attempt, expected) in [
        ("created", "failed", Outcome::Pending),
        ("created", "created", Outcome::Pending),
        ("created", "captured", Outcome::Pending),
        ("partially_paid", "captured", Outcome::Pending),
        ("expired", "failed", declined("expired")),
        ("cancelled", "failed", declined("cancelled")),
        ("expired", "created", Outcome::Pending),
        ("cancelled", "created", Outcome::Pending),
        // Begun in time, and captured afterwards.
        ("expired", "captured", paid.clone()),
        ("cancelled", "captured", paid),
        ("expired", "refunded", Outcome::Refunded),
        ("expired", "on_hold", Outcome::Unrecognised { code: "expired/on_hold".to_owned() }),
        ("expired", "authorized", Outcome::Pending),
        ("sleeping", "failed", Outcome::Unrecognised { code: "sleeping".to_owned() }),
    ] {
        let unpaid = link(&[("status", json!(status)), ("payments", json!([]))]);
        let server = serving("GET", "/payment_links", found(&[unpaid])).await;
        let attempts = ATTEMPTS.replace("STATUS", attempt);
        also(&server, "GET", ATTEMPTS_PATH, ResponseTemplate::new(200).set_body_string(attempts)).await;
        let report = razorpay(&server).status(&txn).await.unwrap();
        assert_eq!(report.outcome, expected, "{status}, {attempt}");
        assert_eq!(report.status_code.as_deref(), Some(status));
    }
}

#[test]
fn an_authorised_payment_is_reported_once_nothing_captures_it() {
    let attempts = crate::json::Object::parse(ATTEMPTS.replace("STATUS", "authorized").as_bytes()).unwrap();
    for status in ["created", "expired", "cancelled"] {
        let link = link(&[("status", json!(status)), ("payments", json!([]))]).to_string();
        let link = Link::read(&crate::json::Object::parse(link.as_bytes()).unwrap()).unwrap();
        let link = link.with_attempts(&attempts).unwrap();
        let at = |seconds: u64| {
            link.clone().report(Timestamp::from_millis(1_710_480_100_000).plus(Duration::from_secs(seconds)))
        };
        assert_eq!(at(299).outcome, Outcome::Pending, "{status}");
        assert_eq!(at(300).outcome, Outcome::Authorised, "{status}");
        assert_eq!(at(300).gateway_txn_id.as_deref(), Some("plink_FAKE0000000001"));
    }
}

#[tokio::test]
async fn the_gateways_amount_is_reported_and_a_missing_one_is_none() {
    let txn = transaction(ID, "19.99");
    for (member, amount) in
        [(json!(1_899), Some(1_899)), (json!("1999"), Some(1_999)), (Value::Null, None), (json!(19.99), None)]
    {
        let server = serving("GET", "/payment_links", found(&[link(&[("amount_paid", member)])])).await;
        let outcome = razorpay(&server).status(&txn).await.unwrap().outcome;
        let Outcome::Paid { amount: told } = outcome else { panic!("{outcome:?}") };
        assert_eq!(told.map(payment_domain::Money::minor), amount);
    }
    let server =
        serving("GET", "/payment_links", found(&[link(&[("payments", json!([{"status": "refunded"}]))])]))
            .await;
    assert_eq!(razorpay(&server).status(&txn).await.unwrap().outcome, Outcome::Refunded);
}

#[tokio::test]
async fn an_answer_about_something_else_decides_nothing() {
    let txn = transaction(ID, "19.99");
    for answer in [
        found(&[link(&[("reference_id", json!("T2"))])]),
        found(&[link(&[("reference_id", Value::Null)])]),
        found(&[link(&[]), link(&[])]),
        found(&[link(&[("currency", json!("USD"))])]),
        found(&[link(&[("currency", Value::Null)])]),
        found(&[link(&[("payments", json!("none"))])]),
        found(&[link(&[("payments", json!([1]))])]),
        found(&[json!("x")]),
        ResponseTemplate::new(200).set_body_json(json!({ "items": [] })),
        ResponseTemplate::new(400).set_body_json(json!({ "error": { "code": "BAD_REQUEST_ERROR" } })),
        ResponseTemplate::new(401).set_body_json(json!({ "error": { "code": "BAD_REQUEST_ERROR" } })),
    ] {
        let server = serving("GET", "/payment_links", answer).await;
        let report = razorpay(&server).status(&txn).await;
        assert!(is_unreadable(&report), "{report:?}");
    }
    // The attempts cannot be read: nothing was declined.
    let expired = link(&[("status", json!("expired")), ("payments", json!([]))]);
    for answer in [json!({}), json!({ "items": null }), json!({ "items": [null] })] {
        let server = serving("GET", "/payment_links", found(std::slice::from_ref(&expired))).await;
        also(&server, "GET", ATTEMPTS_PATH, ResponseTemplate::new(200).set_body_json(answer)).await;
        let report = razorpay(&server).status(&txn).await;
        assert!(is_unreadable(&report), "{report:?}");
    }
    let mut begun_elsewhere = transaction(ID, "19.99");
    begun_elsewhere.gateway_details.txn_id = Some("order_FAKE0000000001".to_owned());
    let unreachable = razorpay_at("http://127.0.0.1:9", client());
    assert!(is_unreadable(&unreachable.status(&begun_elsewhere).await));
    assert!(is_unreadable(&unreachable.close(&begun_elsewhere).await));
}

#[tokio::test]
async fn a_known_link_is_requested_by_its_id() {
    let mut txn = transaction(ID, "19.99");
    txn.gateway_details.txn_id = Some("plink_FAKE0000000001".to_owned());
    let server = serving("GET", LINK_PATH, ResponseTemplate::new(200).set_body_json(link(&[]))).await;
    let report = razorpay(&server).status(&txn).await.unwrap();
    assert!(matches!(report.outcome, Outcome::Paid { .. }));
    let other = link(&[("reference_id", json!("T2"))]);
    let server = serving("GET", LINK_PATH, ResponseTemplate::new(200).set_body_json(other)).await;
    assert!(is_unreadable(&razorpay(&server).status(&txn).await));
    // Known once, it is not unknown later.
    let server = serving("GET", LINK_PATH, ResponseTemplate::new(400)).await;
    assert!(is_unreadable(&razorpay(&server).status(&txn).await));
    txn.gateway_details.txn_id = Some("plink_/../../orders".to_owned());
    let server = serving("GET", "/payment_links", found(&[])).await;
    assert_eq!(razorpay(&server).status(&txn).await.unwrap().outcome, Outcome::NotFound);
}

/// Twice the amount is not another amount, for which the payment would fail and its bill be free.
#[tokio::test]
async fn a_link_paid_twice_becomes_a_review_case() {
    let expired = link(&[("status", json!("expired")), ("amount_paid", json!(0)), ("payments", Value::Null)]);
    let server = serving("GET", "/payment_links", found(&[expired])).await;
    let attempt = |id: &str| json!({ "id": id, "status": "captured", "amount": 1_999, "currency": "INR" });
    let attempts = json!({ "items": [attempt("pay_1"), attempt("pay_2")] });
    also(&server, "GET", ATTEMPTS_PATH, ResponseTemplate::new(200).set_body_json(attempts)).await;
    let report = razorpay(&server).status(&transaction(ID, "19.99")).await.unwrap();
    assert_eq!(report.outcome, Outcome::Paid { amount: None });
}

/// Else the number in an event that follows would be taken for that of a second payment.
#[tokio::test]
async fn the_attempts_of_a_paid_link_without_a_payment_are_requested() {
    for payments in [Value::Null, json!([]), json!([{ "payment_id": "pay_1", "status": "failed" }])] {
        let paid = link(&[("payments", payments)]);
        let server = serving("GET", "/payment_links", found(&[paid])).await;
        let attempts = ATTEMPTS.replace("STATUS", "captured");
        also(&server, "GET", ATTEMPTS_PATH, ResponseTemplate::new(200).set_body_string(attempts)).await;
        let report = razorpay(&server).status(&transaction(ID, "19.99")).await.unwrap();
        assert!(matches!(report.outcome, Outcome::Paid { .. }));
        assert_eq!(report.gateway_txn_id.as_deref(), Some("pay_FAKE0000000003"));
    }
}

/// Its payer was sent to it: it was opened by another account than the one of the status request.
#[tokio::test]
async fn a_link_that_was_opened_and_is_not_listed_is_no_failure() {
    let page = Some("https://rzp.io/i/FAKE".to_owned());
    let opened = Transaction { redirect_url: page, ..transaction(ID, "19.99") };
    let server = serving("GET", "/payment_links", found(&[])).await;
    assert_eq!(razorpay(&server).status(&opened).await.unwrap().outcome.name(), "unrecognised");
    assert_eq!(razorpay(&server).close(&opened).await.unwrap().outcome.name(), "unrecognised");
}

#[tokio::test]
async fn a_link_is_closed_unless_a_payer_was_faster() {
    let txn = transaction(ID, "19.99");
    let cancelled = link(&[("status", json!("cancelled")), ("payments", json!([]))]);
    let attempts = |word: &str| ResponseTemplate::new(200).set_body_string(ATTEMPTS.replace("STATUS", word));
    let refusal =
        ResponseTemplate::new(400).set_body_json(json!({ "error": { "code": "BAD_REQUEST_ERROR" } }));
    for (answer, then, attempt, declined) in [
        (ResponseTemplate::new(200), cancelled.clone(), "failed", true),
        (ResponseTemplate::new(200), cancelled.clone(), "created", false),
        (refusal.clone(), link(&[]), "captured", false),
        (refusal, cancelled, "failed", true),
    ] {
        let server = serving("GET", "/payment_links", found(&[open_link()])).await;
        also(&server, "POST", &format!("{LINK_PATH}/cancel"), answer).await;
        also(&server, "GET", LINK_PATH, ResponseTemplate::new(200).set_body_json(then)).await;
        also(&server, "GET", ATTEMPTS_PATH, attempts(attempt)).await;
        let outcome = razorpay(&server).closing().unwrap().close(&txn).await.unwrap().outcome;
        assert_eq!(matches!(outcome, Outcome::Declined { .. }), declined, "{attempt}: {outcome:?}");
        assert_eq!(requests(&server).await[1], format!("POST {LINK_PATH}/cancel"));
    }
    let server = serving("GET", "/payment_links", found(&[open_link()])).await;
    also(&server, "POST", &format!("{LINK_PATH}/cancel"), ResponseTemplate::new(500)).await;
    let error = razorpay(&server).close(&txn).await.unwrap_err();
    assert!(matches!(error, GatewayError::Unanswered(_)), "it may be closed: {error:?}");
    // Closed or paid before: nothing is to be cancelled.
    let server = serving("GET", "/payment_links", found(&[link(&[])])).await;
    assert!(matches!(razorpay(&server).close(&txn).await.unwrap().outcome, Outcome::Paid { .. }));
    let server = serving("GET", "/payment_links", found(&[])).await;
    assert_eq!(razorpay(&server).close(&txn).await.unwrap().outcome, Outcome::NotFound);
}

#[tokio::test]
async fn no_fault_is_an_answer() {
    asks_through_every_fault(razorpay_at).await;
}
