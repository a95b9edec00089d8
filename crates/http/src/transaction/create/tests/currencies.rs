//! `Transaction.currency`.

use std::collections::BTreeMap;

use http::StatusCode;
use payment_domain::{Currency, Money, Outcome, TxnId};
use serde_json::{Value, json};

use super::changed;
use crate::testing::{TestApp, create_body, request_info};

/// The request in another currency.
fn body_in(code: &str, bill: &str, amount: Value) -> Value {
    let mut body = changed(bill, "currency", json!(code));
    body["Transaction"]["txnAmount"] = amount.clone();
    body["Transaction"]["taxAndPayments"][0]["amountPaid"] = amount;
    body
}

#[tokio::test]
async fn a_payment_shows_its_currency_wherever_it_is_shown() {
    let app = TestApp::new();
    let body = body_in("usd", "bill-1", json!("15.50"));
    let created = app.create(&body).await;
    insta::assert_snapshot!("created_in_dollars", created.shown());
    let id = TxnId::new(created.json()["Transaction"]["txnId"].as_str().unwrap()).unwrap();
    let dollars = Money::parse("15.50", Currency::from_code("USD").unwrap()).unwrap();
    app.gateway.answers_for(&id, Outcome::Paid { amount: Some(dollars) });
    let updated = app.update(id.as_str()).await.json();
    let path = format!("/transaction/v1/_search?txnId={id}");
    let found = app.post(&path, &json!({ "RequestInfo": request_info() })).await.json();
    for shown in [&updated["Transaction"][0], &found["Transaction"][0]] {
        assert_eq!((&shown["currency"], &shown["txnAmount"]), (&json!("USD"), &json!("15.50")));
        assert_eq!((&shown["txnStatus"], shown["receipt"].is_string()), (&json!("SUCCESS"), true));
    }
    let mut events = Vec::new();
    for stored in app.store.events_of(&id).await.unwrap() {
        let body: Value = serde_json::from_str(&stored.event.body).unwrap();
        events.push(format!("{} {}", stored.event.kind.as_str(), body["Transaction"]["currency"]));
    }
    insta::assert_snapshot!("events_in_dollars", events.join("\n"));
}

#[tokio::test]
async fn a_payment_in_rupees_shows_none() {
    let app = TestApp::new();
    for (bill, written) in [("bill-1", json!("INR")), ("bill-2", json!("inr")), ("bill-3", Value::Null)] {
        let answer = app.create(&changed(bill, "currency", written)).await;
        assert_eq!(answer.status, StatusCode::OK, "{}", answer.text());
        assert!(!answer.text().contains("currency"), "{}", answer.text());
    }
}

#[tokio::test]
async fn amounts_are_read_and_echoed_in_the_decimals_of_the_currency() {
    let app = TestApp::new();
    for (bill, written, echoed) in [
        ("bill-1", json!("1500"), "1500"),
        ("bill-2", json!("1500.00"), "1500"),
        ("bill-3", json!(1500), "1500"),
    ] {
        let answer = app.create(&body_in("JPY", bill, written.clone())).await.json();
        let txn = &answer["Transaction"];
        assert_eq!((&txn["txnAmount"], &txn["currency"]), (&json!(echoed), &json!("JPY")), "{written}");
        assert_eq!(txn["taxAndPayments"][0]["amountPaid"].to_string(), "1500", "{written}");
    }
    insta::assert_snapshot!(
        "fraction_of_a_yen",
        app.create(&body_in("JPY", "bill-4", json!("100.5"))).await.shown()
    );
}

#[tokio::test]
async fn a_currency_that_cannot_be_taken_is_refused_clearly() {
    let app = TestApp::new();
    let mut shown = BTreeMap::new();
    for code in ["KWD", "bhd", "CLF", "XXZ", "XAU", "", "RUPEES", "₹", "840"] {
        let answer = app.create(&body_in(code, "bill-1", json!(100))).await;
        assert_eq!(
            (answer.status, answer.codes()),
            (StatusCode::BAD_REQUEST, vec!["CURRENCY_NOT_SUPPORTED".to_owned()])
        );
        shown.insert(code, answer.json()["Errors"][0]["message"].clone());
    }
    insta::assert_snapshot!("refused_codes", format!("{:#}", json!(shown)));
    for (wrong, code) in [(json!(5), "CURRENCY_NOT_SUPPORTED"), (json!(true), "CURRENCY_NOT_SUPPORTED")] {
        assert_eq!(app.create(&changed("bill-1", "currency", wrong)).await.codes(), [code]);
    }
    for wrong in [json!({}), json!([]), json!(["USD"])] {
        let answer = app.create(&changed("bill-1", "currency", wrong)).await;
        assert_eq!(answer.status, StatusCode::BAD_REQUEST);
        insta::assert_snapshot!("wrong_type", answer.shown());
    }
}

#[tokio::test]
async fn a_currency_for_which_there_are_no_receipts_is_refused() {
    let app = TestApp::new();
    app.collections.takes_rupees_only();
    insta::assert_snapshot!("no_receipts", app.create(&body_in("USD", "bill-1", json!(100))).await.shown());
    assert_eq!(app.create(&create_body("bill-1")).await.status, StatusCode::OK);
}

#[tokio::test]
async fn the_same_key_with_another_currency_is_another_request() {
    let app = TestApp::new();
    let create = async |body: &Value| {
        app.post_with("/transaction/v1/_create", &[("idempotency-key", "key-1")], body).await
    };
    let first = create(&body_in("USD", "bill-1", json!(100))).await;
    let again = create(&body_in("USD", "bill-1", json!(100))).await;
    assert_eq!(first.json()["Transaction"], again.json()["Transaction"]);
    for other in [create_body("bill-1"), body_in("JPY", "bill-1", json!(100))] {
        assert_eq!(create(&other).await.status, StatusCode::CONFLICT);
    }
}
