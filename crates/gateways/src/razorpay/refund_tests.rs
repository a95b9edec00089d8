//! Refunds: the tables, and the calls against a server.

use payment_domain::{Currency, Money, RefundId, RefundOutcome, RefundReport};
use payment_gateway::{RefundOrder, Repetition};
use serde_json::json;
use wiremock::matchers::{header, method, path, query_param, query_param_is_missing};
use wiremock::{Mock, MockServer, ResponseTemplate};

use super::refund_answer::refund;
use super::tests::{ID, razorpay_at};
use super::*;
use crate::refund::Asked;
use crate::testing::{client, name_of, refund_of, refunds_through_every_fault, reply, transaction};

const PAYMENT: &str = "pay_FAKE0000000001";
const RECEIPT: &str = "RF-0000000001";
const LIST: &str = "/payments/pay_FAKE0000000001/refunds";

fn payment() -> Transaction {
    let mut payment = transaction(ID, "100.00");
    payment.gateway_details.txn_id = Some(PAYMENT.to_owned());
    payment
}

fn refund_id() -> RefundId {
    RefundId::new(RECEIPT).unwrap()
}

fn entity(status: &str) -> Value {
    json!({
        "id": "rfnd_FAKE000000001", "entity": "refund", "amount": 1999, "currency": "INR", "payment_id": PAYMENT,
        "receipt": RECEIPT, "status": status, "acquirer_data": { "arn": "10000000000000" },
    })
}

fn read(status: u16, body: &Value) -> Result<RefundReport, GatewayError> {
    let asked =
        Asked { id: RECEIPT, payment: PAYMENT, amount: Money::parse("19.99", Currency::INR).unwrap() };
    refund(reply(status, body), &asked)
}

fn error(description: &str) -> Value {
    json!({ "error": { "code": "BAD_REQUEST_ERROR", "description": description } })
}

#[test]
fn every_status_has_its_meaning() {
    for (words, outcome) in [
        ("processed", "succeeded"),
        ("pending created", "pending"),
        ("failed", "failed"),
        ("PROCESSED reversed", "unrecognised"),
    ] {
        for word in words.split(' ') {
            assert_eq!(name_of(read(200, &entity(word))), outcome, "{word}");
        }
    }
    let report = read(200, &entity("processed")).unwrap();
    assert_eq!(report.raw["acquirer_data"]["arn"], "10000000000000");
}

#[test]
fn every_refusal_has_its_meaning() {
    for (status, description, outcome, may_repeat) in [
        (400, "The total refund amount is greater than the refund payment amount", "failed", false),
        (
            400,
            "Your account does not have enough balance to carry out the refund operation.",
            "failed",
            false,
        ),
        (400, "The payment status should be captured for action to be taken", "failed", false),
        (400, "The payment has been fully refunded already", "pending", false),
        (400, "Different request with the same idempotency key", "unclear", false),
        (400, "Something unheard of", "unrecognised", false),
        (401, "Authentication failed", "unclear", false),
        (403, "Access denied", "unclear", false),
        (404, "The requested URL was not found on the server.", "unrecognised", false),
        (409, "The first request is in progress", "pending", true),
    ] {
        let report = read(status, &error(description)).unwrap();
        assert_eq!((report.outcome.name(), report.may_repeat), (outcome, may_repeat), "{description}");
        assert_eq!(report.status_message.as_deref(), Some(description));
    }
    for status in [408, 429, 500, 502, 504] {
        assert_eq!(name_of(read(status, &error("x"))), "unanswered", "{status}");
    }
    assert_eq!(name_of(read(400, &json!([]))), "unrecognised");
    assert_eq!(name_of(read(200, &json!({ "entity": "payment" }))), "unreadable");
}

#[test]
fn an_answer_about_another_refund_is_left_to_operators() {
    for (member, value) in [
        ("amount", json!(2000)),
        ("amount", json!("19.99")),
        ("amount", Value::Null),
        ("currency", json!("USD")),
        ("currency", Value::Null),
        ("payment_id", json!("pay_FAKE0000000002")),
        ("receipt", json!("RF-0000000002")),
        ("receipt", Value::Null),
    ] {
        for status in ["processed", "pending", "failed"] {
            let mut other = entity(status);
            other[member] = value.clone();
            assert_eq!(name_of(read(200, &other)), "unclear", "{other}");
        }
    }
}

async fn lists(server: &MockServer, skip: Option<usize>, items: &[Value]) {
    let body = json!({ "entity": "collection", "count": items.len(), "items": items });
    let asked = Mock::given(method("GET")).and(path(LIST));
    let asked = match skip {
        Some(skip) => asked.and(query_param("skip", skip.to_string())),
        None => asked.and(query_param_is_missing("skip")),
    };
    asked.respond_with(ResponseTemplate::new(200).set_body_json(body)).mount(server).await;
}

#[tokio::test]
async fn a_network_fault_is_no_answer() {
    let (payment, id) = (payment(), refund_id());
    refunds_through_every_fault(&refund_of(&payment, &id, "19.99"), razorpay_at).await;
}

#[tokio::test]
async fn a_refund_is_requested_with_its_number_as_receipt_and_key() {
    let server = MockServer::start().await;
    Mock::given(method("POST"))
        .and(path("/payments/pay_FAKE0000000001/refund"))
        .and(header("X-Refund-Idempotency", RECEIPT))
        .respond_with(ResponseTemplate::new(200).set_body_json(entity("pending")))
        .mount(&server)
        .await;
    let (payment, id) = (payment(), refund_id());
    let report =
        razorpay_at(&server.uri(), client()).refund(&refund_of(&payment, &id, "19.99")).await.unwrap();
    assert_eq!(
        (report.outcome, report.gateway_refund_id.as_deref()),
        (RefundOutcome::Pending, Some("rfnd_FAKE000000001"))
    );
    let sent: Value = server.received_requests().await.unwrap()[0].body_json().unwrap();
    assert_eq!(sent, json!({ "amount": 1999, "speed": "normal", "receipt": RECEIPT }));
}

#[tokio::test]
async fn after_a_lost_answer_the_refund_is_found_by_its_receipt_on_every_page() {
    let mut others = vec![entity("processed"); 10];
    others
        .iter_mut()
        .enumerate()
        .for_each(|(n, refund)| refund["receipt"] = format!("RF-000000010{n}").into());
    let (payment, id) = (payment(), refund_id());
    let order = refund_of(&payment, &id, "19.99");
    for (behind, outcome) in [
        (vec![], "not found"),
        (vec![entity("processed")], "succeeded"),
        (vec![entity("processed"), entity("pending")], "unclear"),
    ] {
        let server = MockServer::start().await;
        lists(&server, None, &others).await;
        lists(&server, Some(10), &behind).await;
        let report = razorpay_at(&server.uri(), client()).refund_status(&order).await.unwrap();
        assert_eq!(report.outcome.name(), outcome, "{behind:?}");
    }
    let server = MockServer::start().await;
    let odd = ResponseTemplate::new(200).set_body_json(json!({ "entity": "collection", "items": ["x"] }));
    Mock::given(path(LIST)).respond_with(odd).mount(&server).await;
    let error = razorpay_at(&server.uri(), client()).refund_status(&order).await.unwrap_err();
    assert!(matches!(error, GatewayError::Unreadable(_)), "{error:?}");
}

#[tokio::test]
async fn a_known_refund_is_requested_by_its_id() {
    let server = MockServer::start().await;
    let asked = Mock::given(method("GET")).and(path("/refunds/rfnd_FAKE000000001"));
    asked.respond_with(ResponseTemplate::new(200).set_body_json(entity("failed"))).mount(&server).await;
    let (payment, id) = (payment(), refund_id());
    let order =
        RefundOrder { gateway_refund_id: Some("rfnd_FAKE000000001"), ..refund_of(&payment, &id, "19.99") };
    let report = razorpay_at(&server.uri(), client()).refund_status(&order).await.unwrap();
    assert_eq!(report.outcome.name(), "failed");
}

#[tokio::test]
async fn a_refusal_counts_only_while_the_refund_is_not_in_the_list() {
    let (payment, id) = (payment(), refund_id());
    let order = refund_of(&payment, &id, "19.99");
    for (listed, outcome) in [(vec![], "failed"), (vec![entity("pending")], "pending")] {
        let server = MockServer::start().await;
        let refused = ResponseTemplate::new(400)
            .set_body_json(error("The total refund amount is greater than the refund payment amount"));
        Mock::given(method("POST")).respond_with(refused).mount(&server).await;
        lists(&server, None, &listed).await;
        let report = razorpay_at(&server.uri(), client()).refund(&order).await.unwrap();
        assert_eq!(report.outcome.name(), outcome);
    }
}

#[tokio::test]
async fn only_a_payment_is_given_back_and_no_link_or_order() {
    let adapter = razorpay_at("http://127.0.0.1:1", client());
    let terms = adapter.terms(&payment()).unwrap();
    assert_eq!((terms.partial, terms.several, terms.repetition), (true, true, Repetition::Replayed));
    assert_eq!(terms.minimum.to_string(), "1.00");
    for number in [None, Some("plink_FAKE0000000001"), Some("order_FAKE0000000001"), Some("pay_../x")] {
        let mut other = payment();
        other.gateway_details.txn_id = number.map(str::to_owned);
        assert!(adapter.terms(&other).is_err(), "{number:?}");
        let error = adapter.refund(&refund_of(&other, &refund_id(), "1.00")).await.unwrap_err();
        assert!(matches!(error, GatewayError::NotSent(_)), "{error:?}");
    }
}

#[test]
fn an_event_names_the_refund_unless_razorpay_made_it_by_itself() {
    let adapter = razorpay_at("http://127.0.0.1:1", client());
    let event = |captured: bool| Answer {
        body: json!({
            "event": "refund.created",
            "payload": {
                "refund": { "entity": entity("processed") },
                "payment": { "entity": { "id": PAYMENT, "captured": captured } },
            },
        })
        .to_string()
        .into(),
        ..Answer::default()
    };
    assert_eq!(adapter.names_refund(&event(true)), Some(refund_id()));
    assert_eq!(adapter.names(&event(true)), None);
    assert_eq!(adapter.names_refund(&event(false)), None);
}
