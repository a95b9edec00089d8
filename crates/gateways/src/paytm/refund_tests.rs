//! Every code of a refund, and answers about another one.

use payment_domain::{RefundId, RefundOutcome};
use serde_json::{Value, json};

use super::refund::{Asked, report};
use super::tests::{ID, MID, OFFLINE};
use super::*;
use crate::testing::transaction;

fn payment() -> Transaction {
    let mut txn = transaction(ID, "100.00");
    txn.gateway_details.txn_id = Some("20240315".to_owned());
    txn
}

fn told(asked: Asked, body: &Value, signed: bool) -> payment_domain::RefundReport {
    let (payment, id) = (payment(), RefundId::new("RF-0000000001").unwrap());
    let amount = payment_domain::Money::parse("19.99", payment_domain::Currency::INR).unwrap();
    let order = RefundOrder { payment: &payment, id: &id, amount, gateway_refund_id: None, notify_url: None };
    let body = Object::parse(body.to_string().as_bytes()).unwrap();
    report(&OFFLINE.account, &order, asked, &body, signed)
}

fn answer(status: &str, code: &str) -> Value {
    json!({
        "resultInfo": { "resultStatus": status, "resultCode": code, "resultMsg": "x" },
        "mid": MID,
        "orderId": ID,
        "txnId": "20240315",
        "refId": "RF-0000000001",
        "refundId": "2024",
        "refundAmount": "19.99",
        "refundDetailInfoList": [{ "userMobileNo": "9876500001" }],
    })
}

#[test]
fn every_code_has_its_state_and_an_unknown_one_is_none() {
    for (status, code, state) in [
        ("TXN_SUCCESS", "10", "succeeded"),
        ("PENDING", "601", "pending"),
        ("TXN_FAILURE", "601", "pending"),
        ("PENDING", "501", "pending"),
        ("TXN_FAILURE", "501", "pending"),
        ("TXN_FAILURE", "628", "pending"),
        ("PENDING", "628", "pending"),
        ("TXN_FAILURE", "617", "pending"),
        ("TXN_FAILURE", "626", "pending"),
        ("TXN_FAILURE", "629", "pending"),
        ("TXN_FAILURE", "631", "not found"),
        ("TXN_FAILURE", "600", "failed"),
        ("TXN_FAILURE", "607", "failed"),
        ("TXN_FAILURE", "619", "failed"),
        ("TXN_FAILURE", "620", "failed"),
        ("TXN_FAILURE", "627", "failed"),
        ("TXN_FAILURE", "635", "failed"),
        ("TXN_FAILURE", "330", "unclear"),
        ("TXN_FAILURE", "335", "unclear"),
        ("TXN_FAILURE", "999", "unrecognised"),
        ("TXN_FAILURE", "", "unrecognised"),
        ("", "600", "unrecognised"),
        ("TXN_SUCCESS", "600", "unrecognised"),
        ("TXN_FAILURE", "10", "unrecognised"),
    ] {
        let report = told(Asked::Status, &answer(status, code), true);
        assert_eq!(report.outcome.name(), state, "{status} {code}");
        assert!(!report.may_repeat, "{status} {code}");
        assert!(!report.raw.to_string().contains("9876500001"), "no number of the payer is kept");
    }
}

#[test]
fn an_accepted_request_is_pending_and_only_an_untaken_one_may_be_repeated() {
    assert_eq!(told(Asked::Apply, &answer("TXN_SUCCESS", "10"), true).outcome, RefundOutcome::Pending);
    let other_under_way = told(Asked::Apply, &answer("TXN_FAILURE", "626"), false);
    assert_eq!((other_under_way.outcome, other_under_way.may_repeat), (RefundOutcome::Pending, true));
    for code in ["617", "629", "601", "501", "600"] {
        assert!(!told(Asked::Apply, &answer("TXN_FAILURE", code), false).may_repeat, "{code}");
    }
}

#[test]
fn an_answer_about_another_refund_or_without_proof_decides_nothing() {
    for (name, value) in [
        ("mid", json!("OTHER")),
        ("orderId", json!("OTHER")),
        ("txnId", json!("OTHER")),
        ("refId", json!("RF-0000000002")),
        ("refId", Value::Null),
        ("refundAmount", json!("20.00")),
        ("refundAmount", json!("19.990000001")),
        ("refundAmount", Value::Null),
    ] {
        let mut body = answer("TXN_SUCCESS", "10");
        body[name] = value.clone();
        assert_eq!(told(Asked::Status, &body, true).outcome.name(), "unclear", "{name} {value}");
    }
    assert_eq!(told(Asked::Status, &answer("TXN_SUCCESS", "10"), false).outcome.name(), "unclear");
    let mut refused = answer("TXN_FAILURE", "600");
    refused["refId"] = "RF-0000000002".into();
    assert_eq!(told(Asked::Status, &refused, false).outcome.name(), "unclear");
}

#[test]
fn a_webhook_names_its_refund_and_a_payments_callback_none() {
    let webhook = |body: &str| Answer { body: body.as_bytes().to_vec().into(), ..Answer::default() };
    let named = refund::named(&webhook(r#"{"head":{"signature":"x"},"body":{"refId":"RF-0000000001"}}"#));
    assert_eq!(named.unwrap().as_str(), "RF-0000000001");
    for other in ["", "{}", r#"{"body":{"orderId":"T1"}}"#, "ORDERID=T1&STATUS=TXN_SUCCESS"] {
        assert_eq!(refund::named(&webhook(other)), None, "{other}");
    }
}

#[test]
fn an_impossible_refund_is_refused_before_it_is_sent() {
    let terms = OFFLINE.terms(&payment()).unwrap();
    assert_eq!((terms.partial, terms.several, terms.minimum.to_string()), (true, true, "1.00".to_owned()));
    assert_eq!(terms.repetition, Repetition::Refused);
    let small = Transaction {
        amount: payment_domain::Money::from_minor(50, payment().amount.currency()).unwrap(),
        ..payment()
    };
    assert_eq!(OFFLINE.terms(&small).unwrap().minimum, small.amount, "the whole of a small payment");
    assert!(OFFLINE.terms(&transaction(ID, "100.00")).is_err(), "without Paytm's number of the payment");
}
