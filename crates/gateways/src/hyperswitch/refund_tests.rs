//! Refunds: the tables, and the calls against a server.

use payment_domain::{Currency, Money, RefundId, RefundOutcome};
use payment_gateway::{RefundTerms, Refunding, Repetition};
use proptest::prelude::*;
use serde_json::{Value, json};
use wiremock::matchers::{header, method, path};
use wiremock::{Mock, MockServer, ResponseTemplate};

use super::refund::refund_number;
use super::refund_answer::{found, made};
use super::tests::{ID, NUMBER, hyperswitch, hyperswitch_at};
use super::*;
use crate::refund::Asked;
use crate::testing::{client, name_of, refund_of, refunds_through_every_fault, reply, transaction};

const REFUND: &str = "RF-0000000001";
const REFUND_NUMBER: &str = "RF-0000000001-0000000000000000";

fn object(status: &str) -> Value {
    json!({
        "refund_id": REFUND_NUMBER, "payment_id": *NUMBER, "amount": 1999, "currency": "INR", "status": status,
        "connector": "phonepe",
    })
}

fn asked() -> Asked<'static> {
    Asked { id: REFUND_NUMBER, payment: &NUMBER, amount: Money::parse("19.99", Currency::INR).unwrap() }
}

#[test]
fn every_status_has_its_meaning() {
    for (words, outcome) in [
        ("succeeded", "succeeded"),
        ("pending review", "pending"),
        ("failed", "failed"),
        ("Succeeded brand_new", "unrecognised"),
    ] {
        for word in words.split(' ') {
            assert_eq!(name_of(made(reply(200, &object(word)), &asked())), outcome, "{word}");
            assert_eq!(name_of(found(reply(200, &object(word)), &asked())), outcome, "{word}");
        }
    }
}

#[test]
fn every_refusal_has_its_meaning() {
    for (status, code, of_request, of_question) in [
        (400, "HE_01", "pending", "pending"),
        (404, "HE_02", "unclear", "not found"),
        (401, "IR_01", "unclear", "unclear"),
        (403, "IR_01", "unclear", "unclear"),
        (400, "IR_06", "unrecognised", "unrecognised"),
        (422, "IR_99", "unrecognised", "unrecognised"),
        (408, "HE_00", "unanswered", "unanswered"),
        (429, "HE_00", "unanswered", "unanswered"),
        (500, "HE_00", "unanswered", "unanswered"),
    ] {
        let body = json!({ "error": { "code": code, "message": "x" } });
        assert_eq!(name_of(made(reply(status, &body), &asked())), of_request, "{status} {code}");
        assert_eq!(name_of(found(reply(status, &body), &asked())), of_question, "{status} {code}");
    }
    assert_eq!(name_of(found(reply(404, &json!("nginx")), &asked())), "unrecognised", "a wrong address");
    assert_eq!(name_of(found(reply(409, &json!({})), &asked())), "unreadable");
}

#[test]
fn an_answer_about_another_refund_is_left_to_operators() {
    for (member, value) in [
        ("refund_id", json!("RF-0000000002-0000000000000000")),
        ("refund_id", Value::Null),
        ("payment_id", json!("another")),
        ("payment_id", Value::Null),
        ("amount", json!(1)),
        ("amount", Value::Null),
        ("currency", json!("USD")),
        ("currency", Value::Null),
    ] {
        for status in ["succeeded", "pending", "failed"] {
            let mut other = object(status);
            other[member] = value.clone();
            assert_eq!(name_of(found(reply(200, &other), &asked())), "unclear", "{other}");
        }
    }
}

#[tokio::test]
async fn a_network_fault_is_no_answer() {
    let (payment, id) = (transaction(ID, "100.00"), RefundId::new(REFUND).unwrap());
    let adapter = |base_url: &str, client| hyperswitch_at(base_url, client, 0);
    refunds_through_every_fault(&refund_of(&payment, &id, "19.99"), adapter).await;
}

#[tokio::test]
async fn a_refund_is_made_and_found_by_our_number() {
    let server = MockServer::start().await;
    let answer = |status: &str| ResponseTemplate::new(200).set_body_json(object(status));
    let request = Mock::given(method("POST")).and(path("/refunds")).and(header("api-key", "snd_FAKE"));
    request.respond_with(answer("pending")).mount(&server).await;
    let question = Mock::given(method("GET")).and(path(format!("/refunds/{REFUND_NUMBER}")));
    question.respond_with(answer("succeeded")).mount(&server).await;
    let (payment, id) = (transaction(ID, "100.00"), RefundId::new(REFUND).unwrap());
    let (adapter, order) = (hyperswitch(&server), refund_of(&payment, &id, "19.99"));
    assert_eq!(adapter.refund(&order).await.unwrap().outcome, RefundOutcome::Pending);
    let sent: Value = server.received_requests().await.unwrap()[0].body_json().unwrap();
    let expected = json!({
        "payment_id": *NUMBER, "refund_id": REFUND_NUMBER, "amount": 1999, "reason": "CUSTOMER REQUEST",
    });
    assert_eq!(sent, expected);
    let report = adapter.refund_status(&order).await.unwrap();
    assert_eq!(report.outcome, RefundOutcome::Succeeded { amount: Some(order.amount) });
    let RefundTerms { partial, several, minimum, repetition } = adapter.terms(&payment).unwrap();
    assert_eq!((partial, several, repetition), (true, true, Repetition::Refused));
    assert_eq!(minimum.to_string(), "1.00");
}

#[test]
fn a_webhook_about_a_refund_names_it_and_no_payment() {
    let adapter = hyperswitch_at("http://127.0.0.1:1", client(), 0);
    let mut refund = object("failed");
    refund["metadata"] = json!({ REFERENCE: ID });
    let event = |object: Value| Answer {
        body: json!({ "event_type": "x", "content": { "type": "x", "object": object } }).to_string().into(),
        ..Answer::default()
    };
    let told = event(refund.clone());
    assert_eq!(adapter.names_refund(&told).as_ref().map(RefundId::as_str), Some(REFUND));
    assert_eq!(adapter.names(&told), None);
    refund.as_object_mut().unwrap().remove("refund_id");
    assert_eq!(adapter.names_refund(&event(refund.clone())), None);
    assert!(adapter.names(&event(refund)).is_some());
}

proptest! {
    #[test]
    fn every_refund_has_one_number_of_the_routers_form_and_is_found_in_it(id in "[A-Za-z0-9_0-]{10,20}") {
        let id = RefundId::new(id).unwrap();
        let number = refund_number(&id);
        prop_assert_eq!(number.len(), 30);
        let body = json!({ "content": { "object": { "refund_id": number } } }).to_string();
        let answer = Answer { body: body.into(), ..Answer::default() };
        let adapter = hyperswitch_at("http://127.0.0.1:1", client(), 0);
        prop_assert_eq!(adapter.names_refund(&answer), Some(id));
    }
}
