//! Sessions: checked, closed, and left by the browser.

use payment_domain::{Currency, Money, Outcome};
use payment_gateway::Params;
use proptest::prelude::*;
use serde_json::{Value, json};
use wiremock::matchers::{body_string, method, path};
use wiremock::{Mock, MockServer, ResponseTemplate};

use super::tests::{ID, OPEN, SESSION, but, started, stripe};
use super::*;
use crate::json::Object;
use crate::testing::{asks_about_through_every_fault, client, server_that_answers, transaction};

const PAID: &str = include_str!("fixtures/session_paid.json");
const MISSING: &str = include_str!("fixtures/resource_missing.json");

async fn status(reply: ResponseTemplate, txn: &Transaction) -> Result<Report, GatewayError> {
    let server = server_that_answers(reply).await;
    stripe(&server.uri(), client()).status(txn).await
}

fn says(body: &Value) -> ResponseTemplate {
    ResponseTemplate::new(200).set_body_json(body)
}

#[tokio::test]
async fn a_paid_session_is_reported_with_its_evidence_and_without_the_payer() {
    let report = status(ResponseTemplate::new(200).set_body_string(PAID), &started()).await.unwrap();
    assert_eq!(report.outcome, Outcome::Paid { amount: Some(started().amount) });
    assert_eq!(report.gateway_txn_id.as_deref(), Some("pi_FAKE1"));
    let kept = report.raw.to_string();
    assert!(!kept.contains("asha@") && !kept.contains("secret"), "{kept}");
    insta::assert_snapshot!(format!("{:#}", report.raw));
}

#[tokio::test]
async fn every_state_of_a_session_has_its_meaning() {
    let payment = |state: &str| json!({ "id": "pi_1", "status": state });
    let paid = |amount: i64, code: &str| {
        let currency = Currency::from_code(code).unwrap();
        Outcome::Paid { amount: Some(Money::from_minor(amount, currency).unwrap()) }
    };
    let declined = |reason: &str| Outcome::Declined { reason: reason.to_owned() };
    let unrecognised = |code: &str| Outcome::Unrecognised { code: code.to_owned() };
    for (state, payment_status, changes, outcome) in [
        ("complete", "paid", json!({}), paid(1_999, "INR")),
        ("complete", "paid", json!({ "amount_total": 1_899 }), paid(1_899, "INR")),
        ("complete", "paid", json!({ "currency": "usd" }), paid(1_999, "USD")),
        ("complete", "paid", json!({ "currency": "jpy" }), paid(1_999, "JPY")),
        ("complete", "paid", json!({ "currency": "isk" }), Outcome::Paid { amount: None }),
        ("complete", "paid", json!({ "currency": null }), Outcome::Paid { amount: None }),
        ("complete", "paid", json!({ "amount_total": null }), Outcome::Paid { amount: None }),
        ("complete", "paid", json!({ "amount_total": 19.99 }), Outcome::Paid { amount: None }),
        ("open", "unpaid", json!({}), Outcome::Pending),
        ("open", "unpaid", json!({ "payment_intent": payment("requires_payment_method") }), Outcome::Pending),
        ("complete", "unpaid", json!({}), Outcome::Pending),
        ("complete", "unpaid", json!({ "payment_intent": payment("processing") }), Outcome::Pending),
        ("complete", "unpaid", json!({ "payment_intent": payment("requires_capture") }), Outcome::Authorised),
        (
            "complete",
            "unpaid",
            json!({ "payment_intent": payment("requires_payment_method") }),
            declined("the payment failed"),
        ),
        (
            "complete",
            "unpaid",
            json!({ "payment_intent": payment("canceled") }),
            declined("the payment failed"),
        ),
        ("expired", "unpaid", json!({}), declined("the session expired")),
        ("expired", "unpaid", json!({ "payment_intent": "pi_1" }), unrecognised("expired/unpaid")),
        (
            "expired",
            "unpaid",
            json!({ "payment_intent": payment("processing") }),
            unrecognised("expired/unpaid"),
        ),
        (
            "expired",
            "unpaid",
            json!({ "payment_intent": payment("succeeded") }),
            unrecognised("expired/unpaid"),
        ),
        ("expired", "paid", json!({}), unrecognised("expired/paid")),
        ("open", "paid", json!({}), unrecognised("open/paid")),
        ("complete", "no_payment_required", json!({}), unrecognised("complete/no_payment_required")),
        ("archived", "paid", json!({}), unrecognised("archived/paid")),
        ("complete", "under_review", json!({}), unrecognised("complete/under_review")),
    ] {
        let mut body = but(OPEN, &json!({ "status": state, "payment_status": payment_status }));
        body = but(&body.to_string(), &changes);
        let report = status(says(&body), &started()).await.unwrap();
        assert_eq!(report.outcome, outcome, "{state}/{payment_status} {changes}");
    }
}

#[tokio::test]
async fn an_answer_about_another_session_says_nothing() {
    for changes in [
        json!({ "id": "cs_test_other" }),
        json!({ "id": null }),
        json!({ "client_reference_id": "OTHER" }),
        json!({ "client_reference_id": null, "metadata": null }),
        json!({ "object": "payment_intent" }),
        json!({ "object": null }),
    ] {
        let answer = status(says(&but(PAID, &changes)), &started()).await;
        assert!(matches!(answer, Err(GatewayError::Unreadable(_))), "{changes}: {answer:?}");
    }
}

#[tokio::test]
async fn a_session_unknown_to_stripe_is_of_another_account_and_a_refused_request_is_no_answer() {
    let missing = || ResponseTemplate::new(404).set_body_string(MISSING);
    assert_eq!(status(missing(), &started()).await.unwrap().outcome.name(), "unrecognised");
    let server = server_that_answers(missing()).await;
    let closed = stripe(&server.uri(), client()).close(&started()).await.unwrap();
    assert_eq!(closed.outcome.name(), "unrecognised");
    for code in [400, 401, 403, 404] {
        let body = json!({ "error": { "type": "invalid_request_error", "message": "no" } });
        let answer = status(ResponseTemplate::new(code).set_body_json(body), &started()).await;
        assert!(matches!(answer, Err(GatewayError::Unreadable(_))), "{code}: {answer:?}");
        let answer = status(ResponseTemplate::new(code).set_body_string("<html>"), &started()).await;
        assert!(matches!(answer, Err(GatewayError::Unreadable(_))), "{code}: {answer:?}");
    }
    let busy = json!({ "error": { "type": "invalid_request_error", "code": "rate_limit" } });
    let answer = status(ResponseTemplate::new(429).set_body_json(busy), &started()).await;
    assert!(matches!(answer, Err(GatewayError::Unanswered(_))), "{answer:?}");
}

#[tokio::test]
async fn an_order_whose_payer_was_sent_nowhere_was_not_paid() {
    let unreachable = stripe("http://127.0.0.1:9", client());
    let unopened = transaction(ID, "19.99");
    assert_eq!(unreachable.status(&unopened).await.unwrap().outcome, Outcome::NotFound);
    assert_eq!(unreachable.close(&unopened).await.unwrap().outcome, Outcome::NotFound);
    // A page that is stored and names no session may be any.
    let elsewhere = Transaction { redirect_url: Some("https://short.example/x1".to_owned()), ..unopened };
    for answer in [unreachable.status(&elsewhere).await, unreachable.close(&elsewhere).await] {
        assert!(matches!(answer, Err(GatewayError::Unreadable(_))), "{answer:?}");
    }
}

#[tokio::test]
async fn every_fault_has_its_error() {
    asks_about_through_every_fault(&started(), stripe).await;
}

#[tokio::test]
async fn an_open_session_is_closed_and_any_other_is_checked() {
    let server = MockServer::start().await;
    let expire = Mock::given(method("POST")).and(path(format!("/v1/checkout/sessions/{SESSION}/expire")));
    let expired = but(OPEN, &json!({ "status": "expired", "url": null }));
    expire.and(body_string("")).respond_with(says(&expired)).up_to_n_times(1).mount(&server).await;
    Mock::given(method("GET")).respond_with(says(&expired)).up_to_n_times(1).mount(&server).await;
    let adapter = stripe(&server.uri(), client());
    let closed = adapter.close(&started()).await.unwrap();
    assert_eq!(closed.outcome, Outcome::Declined { reason: "the session expired".to_owned() });

    let refusal = json!({ "error": { "type": "invalid_request_error", "message": "not open" } });
    let refused = ResponseTemplate::new(400).set_body_json(refusal);
    Mock::given(method("POST")).respond_with(refused).mount(&server).await;
    let paid = ResponseTemplate::new(200).set_body_string(PAID);
    Mock::given(method("GET")).respond_with(paid).mount(&server).await;
    let told = adapter.close(&started()).await.unwrap();
    assert_eq!(told.outcome, Outcome::Paid { amount: Some(started().amount) });
}

/// The answer to closing names the payment without its state: a payer may be with the bank.
#[tokio::test]
async fn a_session_that_was_closed_is_over_only_when_its_payment_is() {
    for (state, outcome) in
        [("requires_action", "unrecognised"), ("processing", "unrecognised"), ("canceled", "declined")]
    {
        let server = MockServer::start().await;
        let expired = but(OPEN, &json!({ "status": "expired", "url": null, "payment_intent": "pi_1" }));
        Mock::given(method("POST")).respond_with(says(&expired)).mount(&server).await;
        let told = but(&expired.to_string(), &json!({ "payment_intent": { "id": "pi_1", "status": state } }));
        Mock::given(method("GET")).respond_with(says(&told)).mount(&server).await;
        let closed = stripe(&server.uri(), client()).close(&started()).await.unwrap();
        assert_eq!(closed.outcome.name(), outcome, "{state}");
    }
}

#[tokio::test]
async fn the_way_back_says_nothing_and_that_of_another_session_is_refused() {
    let adapter = stripe("https://api.stripe.com", client());
    let came_back = |session: &str| {
        let pairs = vec![
            ("eg_pg_txnid".to_owned(), ID.to_owned()),
            (SESSION_PARAMETER.to_owned(), session.to_owned()),
        ];
        Answer::of_params(Params::new(pairs))
    };
    for session in [SESSION, "{CHECKOUT_SESSION_ID}", ""] {
        assert_eq!(adapter.verify(&started(), &came_back(session)).await.unwrap(), Evidence::Unsigned);
    }
    let cancelled = Answer::of_params(Params::new(vec![("eg_pg_txnid".to_owned(), ID.to_owned())]));
    assert_eq!(adapter.verify(&started(), &cancelled).await.unwrap(), Evidence::Unsigned);
    let other = adapter.verify(&started(), &came_back("cs_test_other")).await;
    assert!(matches!(other, Err(GatewayError::WrongTransaction)), "{other:?}");
}

proptest! {
    #[test]
    fn no_answer_panics_and_only_paid_is_read_as_paid(
        body: Vec<u8>, status in "[a-z_]{0,12}", payment_status in "[a-z_]{0,12}", total in "\\PC{0,20}",
    ) {
        let parsed = Object::parse(&body).and_then(|object| Facts::of_session(&object));
        prop_assert!(parsed.is_none());
        let _ = Event::parse(&body);
        let session = but(OPEN, &json!({ "status": status, "payment_status": payment_status, "amount_total": total }));
        let object = Object::parse(session.to_string().as_bytes()).unwrap();
        let outcome = Facts::of_session(&object).unwrap().outcome();
        let is_paid = status == "complete" && payment_status == "paid";
        prop_assert_eq!(matches!(outcome, Outcome::Paid { .. }), is_paid);
        if total != "1999" {
            let expected = Outcome::Paid { amount: Some(started().amount) };
            prop_assert!(outcome != expected || total.trim_start_matches('0') == "1999");
        }
    }
}
