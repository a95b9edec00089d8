//! Every code and state of a refund in each protocol, and answers about another one.

use payment_domain::{Money, Timestamp};
use serde_json::{Value, json};

use super::refund::{checkout_report, report_of, signed_report};
use super::*;
use crate::testing::transaction;

const ID: &str = "PB_PG_2024_03_15_000123_45";
const REFUND: &str = "RF-0000000001";

fn with_order<T>(read: impl Fn(&RefundOrder<'_>) -> T) -> T {
    let (payment, id) = (transaction(ID, "100.00"), RefundId::new(REFUND).unwrap());
    let amount = Money::parse("19.99", Currency::INR).unwrap();
    read(&RefundOrder { payment: &payment, id: &id, amount, gateway_refund_id: None, notify_url: None })
}

fn object(body: &Value) -> Object {
    Object::parse(body.to_string().as_bytes()).unwrap()
}

fn signed(generation: Generation, body: &Value) -> RefundReport {
    with_order(|order| signed_report("M", generation, order, &object(body)))
}

fn v1(code: &str, state: Option<&str>) -> Value {
    json!({
        "success": code != "PAYMENT_ERROR",
        "code": code,
        "message": "x",
        "data": {
            "merchantId": "M",
            "merchantTransactionId": REFUND,
            "transactionId": "T24",
            "amount": 1999,
            "state": state,
        },
    })
}

fn checkout(body: &Value) -> RefundReport {
    with_order(|order| checkout_report(Some("M"), order, &object(body)))
}

#[test]
fn the_weaker_of_code_and_state_counts() {
    for (code, state, outcome) in [
        ("PAYMENT_SUCCESS", Some("COMPLETED"), "succeeded"),
        ("PAYMENT_SUCCESS", Some("SUCCESS"), "succeeded"),
        ("payment_success", Some("completed"), "succeeded"),
        ("PAYMENT_SUCCESS", Some("PENDING"), "pending"),
        ("PAYMENT_SUCCESS", Some("FAILED"), "pending"),
        ("PAYMENT_SUCCESS", None, "pending"),
        ("PAYMENT_PENDING", Some("COMPLETED"), "pending"),
        ("PAYMENT_PENDING", Some("FAILED"), "pending"),
        ("PAYMENT_ERROR", Some("FAILED"), "failed"),
        ("PAYMENT_ERROR", None, "failed"),
        ("PAYMENT_ERROR", Some("PENDING"), "unrecognised"),
        ("PAYMENT_ERROR", Some("COMPLETED"), "unrecognised"),
        ("TRANSACTION_NOT_FOUND", None, "not found"),
        ("BAD_REQUEST", None, "unclear"),
        ("AUTHORIZATION_FAILED", None, "unclear"),
        ("INTERNAL_SERVER_ERROR", None, "pending"),
        ("TIMED_OUT", None, "pending"),
        ("TOO_MANY_REQUESTS", None, "pending"),
        ("DUPLICATE_TXN_REQUEST", None, "pending"),
        ("SOMETHING_NEW", Some("COMPLETED"), "unrecognised"),
        ("SOMETHING_NEW", Some("FAILED"), "unrecognised"),
    ] {
        let report = signed(Generation::V1, &v1(code, state));
        assert_eq!(report.outcome.name(), outcome, "{code} {state:?}");
    }
    let mut denied = v1("PAYMENT_SUCCESS", Some("COMPLETED"));
    denied["success"] = false.into();
    assert_eq!(signed(Generation::V1, &denied).outcome.name(), "pending");
}

#[test]
fn the_legacy_answer_names_the_refund_as_its_transaction() {
    let mut body = v1("PAYMENT_SUCCESS", None);
    body["data"] = json!({
        "merchantId": "M", "transactionId": REFUND, "providerReferenceId": "P1", "amount": 1999,
        "paymentState": "COMPLETED",
    });
    let report = signed(Generation::Legacy, &body);
    assert_eq!((report.outcome.name(), report.gateway_refund_id.as_deref()), ("succeeded", Some("P1")));
    assert_eq!(signed(Generation::V1, &body).outcome.name(), "unclear", "no refund is named in v1's member");
}

#[test]
fn an_answer_about_another_refund_decides_nothing() {
    for (name, value) in [
        ("merchantId", json!("N")),
        ("merchantTransactionId", json!(ID)),
        ("merchantTransactionId", Value::Null),
        ("originalTransactionId", json!("OTHER")),
        ("amount", json!(19_990)),
        ("amount", json!("19.99")),
        ("amount", Value::Null),
    ] {
        let mut body = v1("PAYMENT_SUCCESS", Some("COMPLETED"));
        body["data"][name] = value.clone();
        assert_eq!(signed(Generation::V1, &body).outcome.name(), "unclear", "{name} {value}");
    }
    let mut refused = v1("PAYMENT_ERROR", Some("FAILED"));
    refused["data"]["merchantTransactionId"] = "RF-0000000002".into();
    assert_eq!(signed(Generation::V1, &refused).outcome.name(), "unclear");
}

#[test]
fn only_the_root_state_of_standard_checkout_counts() {
    let body = |state: &str| {
        json!({
            "originalMerchantOrderId": ID, "amount": 1999, "refundId": "OMR1", "state": state,
            "paymentDetails": [{ "state": "COMPLETED", "amount": 1999 }],
            "splitInstruments": [{ "amount": 1999, "rail": { "vpa": "asha@upi" } }],
        })
    };
    for (state, outcome) in [
        ("COMPLETED", "succeeded"),
        ("PENDING", "pending"),
        ("CONFIRMED", "pending"),
        ("FAILED", "failed"),
        ("SOMETHING_NEW", "unrecognised"),
        ("", "unrecognised"),
    ] {
        let report = checkout(&body(state));
        assert_eq!(report.outcome.name(), outcome, "{state}");
        assert_eq!(report.gateway_refund_id.as_deref(), Some("OMR1"));
        assert!(!report.raw.to_string().contains("asha@upi"));
    }
    for (name, value) in [
        ("originalMerchantOrderId", json!("OTHER")),
        ("originalMerchantOrderId", json!("")),
        ("merchantRefundId", json!("RF-0000000002")),
        ("merchantId", json!("N")),
        ("amount", json!(100)),
        ("amount", Value::Null),
        ("currency", json!("USD")),
    ] {
        let mut other = body("COMPLETED");
        other[name] = value.clone();
        assert_eq!(checkout(&other).outcome.name(), "unclear", "{name} {value}");
    }
    for (code, outcome) in [
        ("REFUND_NOT_FOUND", "not found"),
        ("BAD_REQUEST", "unclear"),
        ("INTERNAL_SERVER_ERROR", "pending"),
        ("SOMETHING_NEW", "unrecognised"),
    ] {
        assert_eq!(checkout(&json!({ "code": code, "message": "x" })).outcome.name(), outcome, "{code}");
    }
}

#[test]
fn an_error_that_says_it_is_a_result_is_none() {
    let reply = |status, body: &Value| Reply {
        status,
        location: None,
        headers: Vec::new(),
        body: body.to_string().into_bytes(),
    };
    let read = |status, body: &Value| {
        with_order(|order| {
            report_of(reply(status, body), |answer| signed_report("M", Generation::V1, order, answer))
        })
    };
    let done = v1("PAYMENT_SUCCESS", Some("COMPLETED"));
    let refused = v1("PAYMENT_ERROR", Some("FAILED"));
    assert!(read(200, &done).is_ok() && read(200, &refused).is_ok());
    for status in [302, 400, 404, 429, 500, 503] {
        for body in [&done, &refused] {
            assert!(read(status, body).is_err(), "{status}");
        }
    }
    let unknown = v1("TRANSACTION_NOT_FOUND", None);
    assert_eq!(read(404, &unknown).unwrap().outcome.name(), "not found");
    assert!(matches!(read(503, &unknown), Err(GatewayError::Unanswered(_))));
}

#[test]
fn a_refund_is_requested_once_with_its_own_id() {
    let account = |protocol: &str| {
        let values = crate::testing::texts(account::SETTINGS, |name| {
            Some(match name {
                "phonepe.protocol" => protocol.to_owned(),
                "phonepe.merchant.id" => "M".to_owned(),
                "phonepe.merchant.secret.key" => "key".to_owned(),
                "phonepe.merchant.secret.index" => "1".to_owned(),
                "phonepe.v2.client.id" => "c".to_owned(),
                "phonepe.v2.client.secret" => "s".to_owned(),
                _ => return None,
            })
        });
        let through = crate::account::RedirectThrough::Service;
        PhonepeAccount::read(&mut payment_settings::Reader::new(&values), through).unwrap()
    };
    let adapter = |protocol: &str| {
        let clock = payment_domain::ManualClock::at(Timestamp::from_millis(0));
        Phonepe::new(account(protocol), crate::testing::client(), Arc::new(clock))
    };
    let terms = |protocol| adapter(protocol).terms(&transaction(ID, "100.00")).unwrap();
    assert_eq!((terms("v1").repetition, terms("v1").minimum.minor()), (Repetition::Refused, 1));
    assert_eq!((terms("v2").repetition, terms("v2").minimum.minor()), (Repetition::Doubles, 100));
    let PhonepeAccount::V2(checkout) = account("v2") else { panic!("not v2") };
    let call = with_order(|order| refund::checkout_call(&checkout, "O-Bearer t", order));
    assert_eq!(call.url, "https://api.phonepe.com/apis/pg/payments/v2/refund");
    let call = refund::checkout_status_call(&checkout, "O-Bearer t", REFUND);
    assert_eq!(call.url, "https://api.phonepe.com/apis/pg/payments/v2/refund/RF-0000000001/status");
}
