//! Refunds: the tables, and the calls against a server.

use payment_domain::{Currency, Money, RefundId, RefundReport};
use payment_gateway::Repetition;
use serde_json::{Value, json};
use wiremock::matchers::body_string_contains;
use wiremock::{Mock, MockServer, ResponseTemplate};

use super::cipher::WorkingKey;
use super::refund_answer::{state, taken};
use super::tests::{API_KEY, ID, ccavenue};
use super::*;
use crate::form;
use crate::json::Object;
use crate::testing::{client, name_of, refund_of, states_through_every_fault, transaction};

const REFERENCE: &str = "308005007091";

fn payment() -> Transaction {
    let mut payment = transaction(ID, "100.00");
    payment.gateway_details.txn_id = Some(REFERENCE.to_owned());
    payment
}

fn rupees(text: &str) -> Money {
    Money::parse(text, Currency::INR).unwrap()
}

fn order(word: &str) -> Value {
    json!({
        "order_status": word, "order_amt": 100.00, "order_gross_amt": 100.00, "order_currncy": "INR",
        "reference_no": 308_005_007_091_u64, "order_no": ID, "status": 0, "error_desc": "",
    })
}

fn encrypted(result: &Value) -> ResponseTemplate {
    let response = WorkingKey::new(API_KEY).encrypt(&result.to_string());
    ResponseTemplate::new(200).set_body_string(format!("status=0&enc_response={response}\r\n"))
}

async fn answers(server: &MockServer, command: &str, answer: ResponseTemplate) {
    Mock::given(body_string_contains(format!("command={command}"))).respond_with(answer).mount(server).await;
}

/// The commands that the server was sent, and the last one's request in the clear.
async fn sent(server: &MockServer) -> (Vec<String>, Value) {
    let requests = server.received_requests().await.unwrap();
    let fields: Vec<Vec<(String, String)>> =
        requests.iter().map(|request| form::decode(&request.body)).collect();
    let field = |fields: &[(String, String)], name: &str| {
        fields.iter().find(|(field, _)| field == name).unwrap().1.clone()
    };
    let plain = WorkingKey::new(API_KEY).decrypt(&field(fields.last().unwrap(), "enc_request")).unwrap();
    let commands = fields.iter().map(|fields| field(fields, "command")).collect();
    (commands, serde_json::from_slice(&plain).unwrap())
}

#[test]
fn every_state_of_an_order_has_its_meaning_for_a_refund() {
    for (words, of_whole, of_part) in [
        ("Refunded Cancelled", "succeeded", "unclear"),
        ("Shipped Successful Success", "pending", "pending"),
        ("Systemrefund Auto-Reversed Auto-Cancelled Chargeback", "unclear", "unclear"),
        ("Awaited Unsuccessful Considered", "unrecognised", "unrecognised"),
    ] {
        for word in words.split(' ') {
            let described = Object::parse(order(word).to_string().as_bytes()).unwrap();
            let read = |amount: &str| state(&described, rupees(amount), rupees("100.00")).outcome.name();
            assert_eq!((read("100.00"), read("40.00")), (of_whole, of_part), "{word}");
        }
    }
    for (member, value) in [("order_gross_amt", json!(99.00)), ("order_gross_amt", json!("x"))] {
        let mut other = order("Refunded");
        other[member] = value;
        let described = Object::parse(other.to_string().as_bytes()).unwrap();
        assert_eq!(
            state(&described, rupees("100.00"), rupees("100.00")).outcome.name(),
            "unclear",
            "{other}"
        );
    }
    let mut unknown = order("Refunded");
    (unknown["status"], unknown["error_desc"]) = (json!(1), json!("No records found"));
    let described = Object::parse(unknown.to_string().as_bytes()).unwrap();
    assert_eq!(state(&described, rupees("100.00"), rupees("100.00")).outcome.name(), "unrecognised");
}

#[test]
fn every_answer_to_a_request_has_its_meaning() {
    let of_refund =
        |status: Value| json!({ "Refund_Order_Result": { "refund_status": status, "reason": "why" } });
    let read =
        |answer: &Value| taken(&answer.to_string()).map_or("unreadable", |report| report.outcome.name());
    for (answer, outcome) in [
        (of_refund(json!(0)), "pending"),
        (of_refund(json!("0")), "pending"),
        (of_refund(json!(1)), "failed"),
        (of_refund(json!("1")), "failed"),
        (of_refund(json!(2)), "unreadable"),
        (of_refund(Value::Null), "unreadable"),
        (json!({ "refund_status": 0 }), "pending"),
        (json!({ "Order_Result": { "success_count": 1 } }), "pending"),
        (json!({ "Order_Result": { "success_count": 0, "failed_List": { "reason": "why" } } }), "failed"),
        (json!({ "Order_Result": { "success_count": 2 } }), "unreadable"),
        (json!([]), "unreadable"),
    ] {
        assert_eq!(read(&answer), outcome, "{answer}");
    }
    let refused = taken(&of_refund(json!(1)).to_string()).unwrap();
    assert_eq!(refused.status_message.as_deref(), Some("why"));
}

#[tokio::test]
async fn a_confirmed_order_is_refunded_and_an_unconfirmed_one_is_cancelled_as_a_whole() {
    let (payment, id) = (payment(), RefundId::new("RF-0000000001").unwrap());
    let taken_on = json!({ "Refund_Order_Result": { "refund_status": 0, "reason": "" } });
    let cancelled = json!({ "Order_Result": { "success_count": 1, "failed_List": null } });
    let refund = |amount: &str| json!({ "reference_no": REFERENCE, "refund_amount": amount, "refund_ref_no": "RF-0000000001" });
    let cancel = json!({ "order_List": [{ "reference_no": REFERENCE, "amount": "100.00" }] });
    for (word, amount, command, request) in [
        ("Shipped", "100.00", "refundOrder", refund("100.00")),
        ("Shipped", "40.00", "refundOrder", refund("40.00")),
        ("Successful", "100.00", "cancelOrder", cancel),
    ] {
        let server = MockServer::start().await;
        answers(&server, "orderStatusTracker", encrypted(&order(word))).await;
        answers(&server, "refundOrder", encrypted(&taken_on)).await;
        answers(&server, "cancelOrder", encrypted(&cancelled)).await;
        let report =
            ccavenue(&server.uri(), client()).refund(&refund_of(&payment, &id, amount)).await.unwrap();
        assert_eq!(report.outcome.name(), "pending", "{word}");
        assert_eq!(sent(&server).await, (vec!["orderStatusTracker".to_owned(), command.to_owned()], request));
    }
}

#[tokio::test]
async fn nothing_is_sent_for_an_order_that_cannot_be_given_back() {
    let (payment, id) = (payment(), RefundId::new("RF-0000000001").unwrap());
    for (word, amount, outcome) in [
        ("Successful", "40.00", "failed"),
        ("Refunded", "100.00", "unclear"),
        ("Cancelled", "100.00", "unclear"),
        ("Chargeback", "100.00", "unclear"),
        ("Systemrefund", "40.00", "unclear"),
        ("Auto-Cancelled", "100.00", "unclear"),
        ("Considered", "100.00", "unclear"),
    ] {
        let server = MockServer::start().await;
        answers(&server, "orderStatusTracker", encrypted(&order(word))).await;
        let report =
            ccavenue(&server.uri(), client()).refund(&refund_of(&payment, &id, amount)).await.unwrap();
        assert_eq!(report.outcome.name(), outcome, "{word}");
        assert_eq!(sent(&server).await.0, ["orderStatusTracker"], "{word}");
    }
    for (member, value) in
        [("reference_no", json!(1)), ("order_no", json!("another")), ("order_currncy", json!("USD"))]
    {
        let server = MockServer::start().await;
        let mut other = order("Shipped");
        other[member] = value;
        answers(&server, "orderStatusTracker", encrypted(&other)).await;
        let adapter = ccavenue(&server.uri(), client());
        let order = refund_of(&payment, &id, "100.00");
        assert_eq!(adapter.refund(&order).await.unwrap().outcome.name(), "unclear", "{other}");
        assert_eq!(adapter.refund_status(&order).await.unwrap().outcome.name(), "unclear", "{other}");
        assert_eq!(sent(&server).await.0, ["orderStatusTracker", "orderStatusTracker"]);
    }
}

#[tokio::test]
async fn a_fault_before_the_request_moves_no_money_and_one_behind_it_may() {
    let (payment, id) = (payment(), RefundId::new("RF-0000000001").unwrap());
    let order_of = refund_of(&payment, &id, "100.00");
    let broken = || ResponseTemplate::new(500);
    for (question, request, expected) in [
        (broken(), broken(), "not sent"),
        (ResponseTemplate::new(200).set_body_string("x"), broken(), "not sent"),
        (encrypted(&order("Shipped")), broken(), "unanswered"),
        (encrypted(&order("Shipped")), ResponseTemplate::new(200).set_body_string("x"), "unreadable"),
        (encrypted(&order("Shipped")), encrypted(&json!({ "other": 1 })), "unreadable"),
    ] {
        let server = MockServer::start().await;
        answers(&server, "orderStatusTracker", question).await;
        answers(&server, "refundOrder", request).await;
        let answered = ccavenue(&server.uri(), client()).refund(&order_of).await;
        assert_eq!(name_of(answered), expected);
    }
    let server = MockServer::start().await;
    let plain = "status=1&enc_response=Access_code%3A+Invalid+Parameter&enc_error_code=51407";
    answers(&server, "orderStatusTracker", ResponseTemplate::new(200).set_body_string(plain)).await;
    let report: RefundReport = ccavenue(&server.uri(), client()).refund(&order_of).await.unwrap();
    assert_eq!((report.outcome.name(), report.status_code.as_deref()), ("unclear", Some("51407")));
}

#[tokio::test]
async fn a_network_fault_is_no_state() {
    let (payment, id) = (payment(), RefundId::new("RF-0000000001").unwrap());
    states_through_every_fault(&refund_of(&payment, &id, "100.00"), ccavenue).await;
}

#[test]
fn a_request_is_never_repeated_and_the_terms_say_so() {
    let adapter = ccavenue("http://127.0.0.1:1", client());
    let terms = adapter.terms(&payment()).unwrap();
    assert_eq!((terms.partial, terms.several, terms.repetition), (true, true, Repetition::Doubles));
    assert!(adapter.terms(&transaction(ID, "1.00")).is_err());
    assert_eq!(adapter.names_refund(&Answer::default()), None);
}
