//! Refunds: the tables, and the calls against a server.

use payment_domain::{Currency, Money, RefundId, RefundOutcome, Transaction};
use payment_gateway::{RefundOrder, Refunding, Repetition};
use serde_json::{Value, json};
use wiremock::matchers::body_string_contains;
use wiremock::{Mock, MockServer, ResponseTemplate};

use super::refund_answer::{among_all, by_token, of_action, taken};
use super::tests::payu;
use super::*;
use crate::refund::Asked;
use crate::testing::{client, name_of, refund_of, refunds_through_every_fault, transaction};

const ID: &str = "PB_PG_2024_03_15_000123_45";
const PAYMENT: &str = "403993715531077182";
const TOKEN: &str = "RF-0000000001";

fn payment() -> Transaction {
    let mut payment = transaction(ID, "100.00");
    payment.gateway_details.txn_id = Some(PAYMENT.to_owned());
    payment
}

fn asked() -> Asked<'static> {
    Asked { id: TOKEN, payment: PAYMENT, amount: Money::parse("19.99", Currency::INR).unwrap() }
}

#[test]
fn every_error_code_has_its_meaning() {
    let pending = "100 101 102 104 106 107 108 109 112 120 122 123 126 127 214 225 226 227";
    let failed = "103 105 110 111 113 115 117 121 124 125 128 129 230";
    let table = [
        (pending, "pending"),
        (failed, "failed"),
        ("116 119", "unclear"),
        ("1 114 999 E000", "unrecognised"),
    ];
    for (codes, outcome) in table {
        for code in codes.split(' ') {
            let read = |body: &Value| taken(body.to_string().as_bytes(), &asked());
            let as_text = json!({ "status": 0, "msg": "x", "error_code": code });
            assert_eq!(name_of(read(&as_text)), outcome, "{code}");
            if let Ok(number) = code.parse::<u16>() {
                let as_number = json!({ "status": "0", "msg": "x", "error_code": number });
                assert_eq!(name_of(read(&as_number)), outcome, "{code}");
            }
            let taken_on = json!({ "status": 1, "msg": "x", "error_code": code, "request_id": 7 });
            let report = read(&taken_on).unwrap();
            assert_ne!(report.outcome.name(), "failed", "taken on: {code}");
            assert_eq!(report.may_repeat, code == "120", "{code}");
        }
    }
}

#[test]
fn without_a_code_the_message_decides_about_our_configuration_alone() {
    for (body, outcome) in [
        (json!({ "status": 0, "msg": "Invalid Hash." }), "unclear"),
        (json!({ "status": 0, "msg": "Something new" }), "unrecognised"),
        (json!({ "status": 0 }), "unrecognised"),
        (json!({ "status": 1, "msg": "Refund Request Queued", "request_id": "1" }), "pending"),
        (json!({ "status": 1, "mihpayid": "1", "error_code": 102 }), "unclear"),
    ] {
        assert_eq!(name_of(taken(body.to_string().as_bytes(), &asked())), outcome, "{body}");
    }
}

fn in_all(refund: Value) -> String {
    json!({ "status": 1, "msg": "x", "Refund Details": { PAYMENT: [refund] } }).to_string()
}

fn in_action(refund: Value) -> String {
    json!({ "status": 1, "transaction_details": { "7": { "7": refund } } }).to_string()
}

fn in_result(refund: Value, payment: &str) -> String {
    json!({ "status": 1, "result": [{ "payuId": payment, "transactionActionDetails": [refund] }] })
        .to_string()
}

#[test]
fn every_state_has_its_meaning_in_all_three_answers() {
    for (words, outcome) in [
        ("SUCCESS|success", "succeeded"),
        ("QUEUED|queued|IN PROGRESS|in_progress|REQUESTED|od_hit|OD HIT", "pending"),
        ("FAILURE|failed|Failed", "failed"),
        ("captured|considered|", "unrecognised"),
    ] {
        for word in words.split('|') {
            let all = json!({ "PayuID": PAYMENT, "RequestID": 7, "RefundToken": TOKEN, "Amount": "19.99", "Status": word });
            assert_eq!(name_of(among_all(in_all(all).as_bytes(), &asked())), outcome, "{word}");
            let action = json!({ "mihpayid": PAYMENT, "action": "refund", "token": TOKEN, "amt": 19.99, "status": word });
            assert_eq!(name_of(of_action(in_action(action).as_bytes(), &asked())), outcome, "{word}");
            let new =
                json!({ "id": 7, "token": TOKEN, "actionType": "refund", "amount": "19.99", "status": word });
            assert_eq!(name_of(by_token(in_result(new, PAYMENT).as_bytes(), &asked())), outcome, "{word}");
        }
    }
}

#[test]
fn an_answer_about_another_refund_is_left_to_operators() {
    let ours = json!({ "PayuID": PAYMENT, "RequestID": 7, "RefundToken": TOKEN, "Amount": "19.99", "Status": "success" });
    for (member, value, outcome) in [
        ("PayuID", json!("1"), "unclear"),
        ("PayuID", Value::Null, "unclear"),
        ("Amount", json!("20.00"), "unclear"),
        ("Amount", json!("19.990"), "succeeded"),
        ("Amount", json!("19.999"), "unclear"),
        ("Amount", Value::Null, "unclear"),
        ("RefundToken", json!("RF-0000000002"), "not found"),
    ] {
        let mut other = ours.clone();
        other[member] = value;
        assert_eq!(name_of(among_all(in_all(other.clone()).as_bytes(), &asked())), outcome, "{other}");
    }
    let twice = json!({ "status": 1, "Refund Details": { PAYMENT: [ours, ours] } }).to_string();
    assert_eq!(name_of(among_all(twice.as_bytes(), &asked())), "unclear");
    let capture = json!({ "mihpayid": PAYMENT, "action": "capture", "token": TOKEN, "amt": "19.99", "status": "SUCCESS" });
    assert_eq!(name_of(of_action(in_action(capture).as_bytes(), &asked())), "not found");
}

#[test]
fn nothing_is_not_found_unless_the_answer_says_so() {
    let asked = asked();
    for body in [
        json!({ "status": 0, "msg": "Something new" }),
        json!({ "status": 1, "msg": "x", "Refund Details": { PAYMENT: "none" } }),
        json!({ "status": 1, "msg": "x", "Refund Details": { PAYMENT: ["none"] } }),
        json!({ "status": 1, "msg": "x", "Refund Details": [] }),
    ] {
        assert_eq!(name_of(among_all(body.to_string().as_bytes(), &asked)), "unreadable", "{body}");
    }
    let hash = json!({ "status": 0, "msg": "Invalid Hash." }).to_string();
    assert_eq!(name_of(among_all(hash.as_bytes(), &asked)), "unclear");
    assert_eq!(name_of(of_action(hash.as_bytes(), &asked)), "unclear");
    for body in [json!({ "status": 0, "result": [] }), json!({ "status": 1 })] {
        assert_eq!(name_of(by_token(body.to_string().as_bytes(), &asked)), "unreadable", "{body}");
    }
}

async fn answers(server: &MockServer, command: &str, body: Value) {
    let response = ResponseTemplate::new(200).set_body_json(body);
    Mock::given(body_string_contains(command)).respond_with(response).mount(server).await;
}

#[tokio::test]
async fn a_network_fault_is_no_answer() {
    let (payment, id) = (payment(), RefundId::new(TOKEN).unwrap());
    refunds_through_every_fault(&refund_of(&payment, &id, "19.99"), payu).await;
}

#[tokio::test]
async fn a_refusal_counts_only_when_payu_has_no_refund_of_the_token() {
    let (payment, id) = (payment(), RefundId::new(TOKEN).unwrap());
    let order = refund_of(&payment, &id, "19.99");
    let refused = json!({ "status": 0, "msg": "Refund amount is more", "error_code": 105 });
    let earlier = json!({ "PayuID": PAYMENT, "RequestID": 7, "RefundToken": TOKEN, "Amount": "19.99", "Status": "queued" });
    for (known, outcome) in [
        (json!({ "status": 1, "msg": "No Refunds Found for the transaction." }), "failed"),
        (json!({ "status": 1, "Refund Details": { PAYMENT: [earlier] } }), "pending"),
        (json!({ "unreadable": true }), "pending"),
    ] {
        let server = MockServer::start().await;
        answers(&server, "cancel_refund_transaction", refused.clone()).await;
        answers(&server, "getAllRefundsFromTxnIds", known.clone()).await;
        let report = payu(&server.uri(), client()).refund(&order).await.unwrap();
        assert_eq!(report.outcome.name(), outcome, "{known}");
    }
}

#[tokio::test]
async fn a_refund_numbered_by_payu_is_requested_by_its_number_as_well() {
    let (payment, id) = (payment(), RefundId::new(TOKEN).unwrap());
    let server = MockServer::start().await;
    answers(
        &server,
        "getAllRefundsFromTxnIds",
        json!({ "status": 1, "msg": "No Refunds Found for the transaction." }),
    )
    .await;
    let action = json!({ "mihpayid": PAYMENT, "action": "refund", "request_id": "7", "token": TOKEN, "amt": "19.99", "status": "SUCCESS" });
    answers(
        &server,
        "check_action_status",
        json!({ "status": 1, "transaction_details": { "7": { "7": action } } }),
    )
    .await;
    let adapter = payu(&server.uri(), client());
    let order = refund_of(&payment, &id, "19.99");
    assert_eq!(adapter.refund_status(&order).await.unwrap().outcome, RefundOutcome::NotFound);
    let numbered = RefundOrder { gateway_refund_id: Some("7"), ..order };
    let report = adapter.refund_status(&numbered).await.unwrap();
    assert_eq!(report.outcome, RefundOutcome::Succeeded { amount: Some(order.amount) });
    assert_eq!(report.gateway_refund_id.as_deref(), Some("7"));
}

#[tokio::test]
async fn the_newer_api_is_used_where_it_is_set() {
    let server = MockServer::start().await;
    let empty = ResponseTemplate::new(200).set_body_json(json!({ "status": 1, "result": [] }));
    Mock::given(wiremock::matchers::path("/v2/refunds/status")).respond_with(empty).mount(&server).await;
    let mut adapter = payu("https://gateway.example", client());
    adapter.account.refund_status_url = Some(format!("{}/v2/refunds/status", server.uri()));
    let (payment, id) = (payment(), RefundId::new(TOKEN).unwrap());
    let report = adapter.refund_status(&refund_of(&payment, &id, "19.99")).await.unwrap();
    assert_eq!(report.outcome, RefundOutcome::NotFound);
    let request = &server.received_requests().await.unwrap()[0];
    assert_eq!(request.body_json::<Value>().unwrap(), json!({ "tokenId": [TOKEN] }));
    let date = request.headers["date"].to_str().unwrap();
    assert!(date.ends_with(" GMT") && date.len() == 29, "{date}");
    assert!(request.headers["authorization"].to_str().unwrap().starts_with("hmac username=\"fAk3kY\""));
}

#[tokio::test]
async fn nothing_is_sent_for_a_payment_whose_number_is_not_known() {
    let (unknown, id) = (transaction(ID, "100.00"), RefundId::new(TOKEN).unwrap());
    let adapter = payu("http://127.0.0.1:1", client());
    assert!(adapter.terms(&unknown).is_err());
    let error = adapter.refund(&refund_of(&unknown, &id, "1.00")).await.unwrap_err();
    assert!(matches!(error, GatewayError::NotSent(_)), "{error:?}");
    let terms = adapter.terms(&payment()).unwrap();
    assert_eq!((terms.partial, terms.several, terms.repetition), (true, true, Repetition::Refused));
    assert_eq!(terms.minimum.to_string(), "0.01");
}

#[test]
fn a_callback_names_the_refund_and_no_payment() {
    let adapter = payu("http://127.0.0.1:1", client());
    let of = |body: Value| Answer { body: body.to_string().into(), ..Answer::default() };
    let told = of(
        json!({ "action": "refund", "status": "success", "token": TOKEN, "mihpayid": format!("  {PAYMENT}"), "merchantTxnId": ID }),
    );
    assert_eq!(adapter.names_refund(&told).as_ref().map(RefundId::as_str), Some(TOKEN));
    assert_eq!(adapter.names(&told), None);
    for other in [json!({ "action": "capture", "token": TOKEN }), json!({ "action": "refund" }), json!([])] {
        assert_eq!(adapter.names_refund(&of(other)), None);
    }
}
