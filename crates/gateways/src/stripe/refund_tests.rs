//! Refunds: the tables, and the calls against a server.

use payment_domain::{Currency, Money, RefundId, RefundOutcome};
use payment_gateway::{RefundOrder, Repetition};
use serde_json::{Value, json};
use wiremock::matchers::{header, method, path, query_param, query_param_is_missing};
use wiremock::{Mock, MockServer, ResponseTemplate};

use super::refund_answer::{found, made};
use super::tests::{ID, stripe};
use super::*;
use crate::form;
use crate::refund::Asked;
use crate::testing::{client, name_of, refund_of, refunds_through_every_fault, reply, transaction};

const PAYMENT: &str = "pi_FAKE1";
const NUMBER: &str = "RF-0000000001";

fn payment() -> Transaction {
    let mut payment = transaction(ID, "100.00");
    payment.gateway_details.txn_id = Some(PAYMENT.to_owned());
    payment
}

fn refund_id() -> RefundId {
    RefundId::new(NUMBER).unwrap()
}

fn object(status: Value) -> Value {
    json!({
        "id": "re_FAKE1", "object": "refund", "amount": 1999, "currency": "inr", "payment_intent": PAYMENT,
        "status": status, "metadata": { "refundId": NUMBER, "txnId": ID },
        "destination_details": { "type": "card", "card": { "reference": "5555", "type": "refund" } },
    })
}

fn asked() -> Asked<'static> {
    Asked { id: NUMBER, payment: PAYMENT, amount: Money::parse("19.99", Currency::INR).unwrap() }
}

#[test]
fn every_status_has_its_meaning() {
    for (status, outcome) in [
        (json!("succeeded"), "succeeded"),
        (json!("pending"), "pending"),
        (json!("requires_action"), "pending"),
        (Value::Null, "pending"),
        (json!("failed"), "failed"),
        (json!("canceled"), "failed"),
        (json!("Succeeded"), "unrecognised"),
        (json!("reversed"), "unrecognised"),
    ] {
        assert_eq!(name_of(made(reply(200, &object(status.clone())), &asked())), outcome, "{status}");
    }
    let report = made(reply(200, &object(json!("succeeded"))), &asked()).unwrap();
    assert_eq!(report.raw["destination"]["reference"], "5555");
}

#[test]
fn every_refusal_has_its_meaning() {
    for (status, kind, code, outcome, may_repeat) in [
        (400, "idempotency_error", None, "unclear", false),
        (401, "invalid_request_error", None, "unclear", false),
        (403, "invalid_request_error", None, "unclear", false),
        (409, "invalid_request_error", Some("lock_timeout"), "pending", true),
        (400, "invalid_request_error", Some("charge_already_refunded"), "pending", false),
        (400, "invalid_request_error", Some("charge_disputed"), "unclear", false),
        (404, "invalid_request_error", Some("resource_missing"), "unclear", false),
        (400, "invalid_request_error", None, "unrecognised", false),
        (402, "card_error", Some("something_new"), "unrecognised", false),
    ] {
        let body = json!({ "error": { "type": kind, "code": code } });
        let report = made(reply(status, &body), &asked()).unwrap();
        assert_eq!((report.outcome.name(), report.may_repeat), (outcome, may_repeat), "{body}");
    }
    for status in [408, 429, 500, 503] {
        let body = json!({ "error": { "type": "api_error" } });
        assert_eq!(name_of(made(reply(status, &body), &asked())), "unanswered", "{status}");
    }
    let missing = json!({ "error": { "type": "invalid_request_error", "code": "resource_missing" } });
    assert_eq!(name_of(found(reply(404, &missing), &asked())), "not found");
    assert_eq!(name_of(found(reply(404, &json!("nginx")), &asked())), "unrecognised", "a wrong address");
    assert_eq!(name_of(made(reply(200, &json!({ "object": "charge" })), &asked())), "unreadable");
}

#[test]
fn an_answer_about_another_refund_is_left_to_operators() {
    for (member, value) in [
        ("amount", json!(2000)),
        ("amount", Value::Null),
        ("currency", json!("usd")),
        ("currency", Value::Null),
        ("payment_intent", json!("pi_FAKE2")),
        ("payment_intent", Value::Null),
        ("metadata", json!({ "refundId": "RF-0000000002" })),
        ("metadata", json!({})),
    ] {
        for status in ["succeeded", "pending", "failed"] {
            let mut other = object(json!(status));
            other[member] = value.clone();
            assert_eq!(name_of(made(reply(200, &other), &asked())), "unclear", "{other}");
        }
    }
}

#[tokio::test]
async fn a_network_fault_is_no_answer() {
    let (payment, id) = (payment(), refund_id());
    refunds_through_every_fault(&refund_of(&payment, &id, "19.99"), stripe).await;
}

#[tokio::test]
async fn a_refund_is_never_called_fraudulent() {
    let server = MockServer::start().await;
    let asked = Mock::given(method("POST")).and(path("/v1/refunds")).and(header("Idempotency-Key", NUMBER));
    asked
        .respond_with(ResponseTemplate::new(200).set_body_json(object(json!("pending"))))
        .mount(&server)
        .await;
    let (payment, id) = (payment(), refund_id());
    let report = stripe(&server.uri(), client()).refund(&refund_of(&payment, &id, "19.99")).await.unwrap();
    assert_eq!(
        (report.outcome, report.gateway_refund_id.as_deref()),
        (RefundOutcome::Pending, Some("re_FAKE1"))
    );
    let mut sent = form::decode(&server.received_requests().await.unwrap()[0].body);
    sent.sort();
    let expected = [
        ("amount", "1999"),
        ("metadata[refundId]", NUMBER),
        ("metadata[txnId]", ID),
        ("payment_intent", PAYMENT),
        ("reason", "requested_by_customer"),
    ];
    assert_eq!(sent, expected.map(|(name, value)| (name.to_owned(), value.to_owned())));
}

async fn lists(server: &MockServer, behind: Option<&str>, data: &[Value], has_more: bool) {
    let body = json!({ "object": "list", "data": data, "has_more": has_more });
    let asked = Mock::given(path("/v1/refunds")).and(query_param("payment_intent", PAYMENT));
    let asked = match behind {
        Some(id) => asked.and(query_param("starting_after", id)),
        None => asked.and(query_param_is_missing("starting_after")),
    };
    asked.respond_with(ResponseTemplate::new(200).set_body_json(body)).mount(server).await;
}

#[tokio::test]
async fn after_a_lost_answer_the_refund_is_found_by_its_metadata_on_every_page() {
    let mut other = object(json!("succeeded"));
    (other["id"], other["metadata"]) = (json!("re_OTHER"), json!({ "refundId": "RF-0000000009" }));
    let (payment, id) = (payment(), refund_id());
    let order = refund_of(&payment, &id, "19.99");
    let ours = || object(json!("succeeded"));
    for (behind, outcome) in
        [(vec![], "not found"), (vec![ours()], "succeeded"), (vec![ours(), ours()], "unclear")]
    {
        let server = MockServer::start().await;
        lists(&server, None, std::slice::from_ref(&other), true).await;
        lists(&server, Some("re_OTHER"), &behind, false).await;
        let report = stripe(&server.uri(), client()).refund_status(&order).await.unwrap();
        assert_eq!(report.outcome.name(), outcome, "{behind:?}");
    }
    // A list that does not say whether it is whole finds, and misses, nothing.
    let server = MockServer::start().await;
    let body = ResponseTemplate::new(200).set_body_json(json!({ "object": "list", "data": [] }));
    Mock::given(path("/v1/refunds")).respond_with(body).mount(&server).await;
    let error = stripe(&server.uri(), client()).refund_status(&order).await.unwrap_err();
    assert!(matches!(error, GatewayError::Unreadable(_)), "{error:?}");
}

#[tokio::test]
async fn a_refund_that_succeeded_is_requested_by_its_id_and_may_have_failed_since() {
    let server = MockServer::start().await;
    let mut failed = object(json!("failed"));
    failed["failure_reason"] = json!("expired_or_canceled_card");
    let asked = Mock::given(path("/v1/refunds/re_FAKE1"));
    asked.respond_with(ResponseTemplate::new(200).set_body_json(failed)).mount(&server).await;
    let (payment, id) = (payment(), refund_id());
    let order = RefundOrder { gateway_refund_id: Some("re_FAKE1"), ..refund_of(&payment, &id, "19.99") };
    let report = stripe(&server.uri(), client()).refund_status(&order).await.unwrap();
    assert_eq!(report.outcome, RefundOutcome::Failed { reason: "expired_or_canceled_card".to_owned() });
}

#[tokio::test]
async fn nothing_is_sent_for_an_impossible_refund() {
    let adapter = stripe("http://127.0.0.1:1", client());
    let terms = adapter.terms(&payment()).unwrap();
    assert_eq!((terms.partial, terms.several, terms.repetition), (true, true, Repetition::Replayed));
    let mut kronur = payment();
    kronur.amount = Money::from_minor(100, Currency::from_code("ISK").unwrap()).unwrap();
    for other in [transaction(ID, "1.00"), kronur] {
        assert!(adapter.terms(&other).is_err());
        let id = refund_id();
        let order = RefundOrder {
            payment: &other,
            id: &id,
            amount: other.amount,
            gateway_refund_id: None,
            notify_url: None,
        };
        let error = adapter.refund(&order).await.unwrap_err();
        assert!(matches!(error, GatewayError::NotSent(_)), "{error:?}");
    }
}

#[test]
fn an_event_of_a_refund_names_it_and_no_payment() {
    let adapter = stripe("http://127.0.0.1:1", client());
    let event = |subject: Value| {
        Answer {
        body: json!({ "id": "evt_1", "object": "event", "type": "refund.failed", "data": { "object": subject } })
            .to_string()
            .into(),
        ..Answer::default()
    }
    };
    let told = event(object(json!("failed")));
    assert_eq!((adapter.names_refund(&told), adapter.names(&told)), (Some(refund_id()), None));
    let session = json!({ "object": "checkout.session", "metadata": { "refundId": NUMBER, "txnId": ID } });
    assert_eq!(adapter.names_refund(&event(session.clone())), None);
    assert!(adapter.names(&event(session)).is_some());
}
