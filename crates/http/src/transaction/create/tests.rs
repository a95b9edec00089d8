//! Promises of `_create`, over HTTP.

mod additional_details;
mod currencies;
mod idempotency;
mod refusals;
mod wrong_bodies;

use std::sync::Arc;
use std::time::Duration;

use http::StatusCode;
use payment_gateway::StartFault;
use serde_json::{Value, json};

use crate::testing::{Choices, Fault, TestApp, create_body};

/// The request with one field of its transaction changed.
fn changed(bill: &str, field: &str, value: Value) -> Value {
    let mut body = create_body(bill);
    body["Transaction"][field] = value;
    body
}

#[tokio::test]
async fn a_create_of_digits_web_client_creates_a_transaction() {
    let app = TestApp::new();
    let answer = app.post("/transaction/v1/_create?tenantId=pb.amritsar", &create_body("bill-1")).await;
    insta::assert_snapshot!(answer.shown());
}

#[tokio::test]
async fn several_bills_are_paid_at_once_and_all_are_claimed() {
    let app = TestApp::new();
    let mut body = create_body("bill-1");
    body["Transaction"]["txnAmount"] = json!("150.50");
    body["Transaction"]["taxAndPayments"] = json!([
        {"billId": "bill-1", "amountPaid": 100, "taxAmount": 120.10},
        {"billId": "bill-2", "amountPaid": "50.50", "taxAmount": ""},
    ]);
    let answer = app.create(&body).await;
    insta::assert_snapshot!(format!("{:#}", answer.json()["Transaction"]["taxAndPayments"]), @r#"
    [
      {
        "amountPaid": 100,
        "billId": "bill-1",
        "taxAmount": 120.1
      },
      {
        "amountPaid": 50.5,
        "billId": "bill-2",
        "taxAmount": null
      }
    ]
    "#);
    assert_eq!(answer.json()["Transaction"]["txnAmount"], "150.50", "as the client wrote it");
    assert_eq!(app.create(&create_body("bill-2")).await.codes(), ["TXN_ABRUPTLY_DISCARDED"]);
}

#[tokio::test]
async fn scalars_are_taken_as_clients_write_them() {
    let app = TestApp::new();
    let body = r#"{"RequestInfo": {"ts": 1764000000000, "did": 1, "apiId": true, "msgId": null, "userInfo": {
            "uuid": "u", "name": "N", "userName": 7, "mobileNumber": 9999999999, "tenantId": "pb", "type": "CITIZEN"}},
        "Transaction": {"tenantId": "pb.amritsar", "txnAmount": 100.10, "billId": 77, "module": null,
            "consumerCode": 0.10, "productInfo": true, "gateway": "Fake", "callbackUrl": "http://localhost:3000",
            "taxAndPayments": [{"billId": 77, "amountPaid": 100.10, "taxAmount": null}], "unknown": {"a": []},
            "user": {"name": "N", "mobileNumber": 9999999999, "tenantId": "pb", "uuid": null, "emailId": ""},
            "additionalDetails": null}}"#;
    let headers = [("content-type", "application/json;charset=UTF-8")];
    let answer = app.send(crate::testing::post_request("/transaction/v1/_create", &headers, body)).await;
    insta::assert_snapshot!(answer.shown());
}

#[tokio::test]
async fn fields_set_by_the_service_are_not_taken_from_a_client() {
    let app = TestApp::new();
    let mut body = create_body("bill-1");
    let fields = json!({"txnId": "MINE", "txnStatus": "SUCCESS", "txnStatusMsg": "paid", "receipt": "R-1",
        "redirectUrl": "https://evil.example", "gatewayTxnId": "G-1", "gatewayStatusCode": "0",
        "auditDetails": {"createdBy": "me"}});
    body["Transaction"].as_object_mut().unwrap().extend(fields.as_object().unwrap().clone());
    let forged = app.create(&body).await.json()["Transaction"].clone();
    let honest = app.create(&create_body("bill-2")).await.json()["Transaction"].clone();
    for field in ["txnStatus", "txnStatusMsg", "receipt", "gatewayTxnId", "gatewayStatusCode", "auditDetails"]
    {
        assert_eq!(forged[field], honest[field], "{field}");
    }
    assert_eq!(forged["txnId"], "PB_PG_2026_11_22_000001");
    assert_eq!(forged["redirectUrl"], "https://fake.example/pay?order=PB_PG_2026_11_22_000001");
}

#[tokio::test]
async fn nothing_to_pay_is_a_success_with_a_receipt_at_once() {
    let app = TestApp::new();
    let mut body = changed("bill-1", "txnAmount", json!("0.00"));
    body["Transaction"]["taxAndPayments"][0]["amountPaid"] = json!(0);
    insta::assert_snapshot!(app.create(&body).await.shown());
    assert_eq!(app.gateway.starts(), 0);
    assert_eq!(app.create(&body).await.codes(), ["TXN_CREATE_BILL_ALREADY_PAID"]);
}

#[tokio::test]
async fn a_gateway_that_must_be_called_is_called_once() {
    let app = TestApp::new();
    let answer = app.create(&changed("bill-1", "gateway", json!("network"))).await;
    let txn = &answer.json()["Transaction"];
    assert_eq!(txn["redirectUrl"], "https://fake.example/pay?order=PB_PG_2026_11_22_000001");
    assert_eq!((txn["txnStatus"].as_str(), app.network.starts()), (Some("PENDING"), 1));
}

#[tokio::test]
async fn an_unavailable_gateway_frees_the_bill_at_once() {
    let app = TestApp::new();
    app.network.start_fails(Some(StartFault::NotSent));
    let body = changed("bill-1", "gateway", json!("network"));
    insta::assert_snapshot!(app.create(&body).await.shown());
    app.network.start_fails(None);
    assert_eq!(app.create(&body).await.status, StatusCode::OK);
}

#[tokio::test]
async fn a_gateway_that_does_not_answer_keeps_the_bill() {
    let app = TestApp::new();
    app.network.start_fails(Some(StartFault::Unanswered));
    app.network.is_unavailable();
    let body = changed("bill-1", "gateway", json!("network"));
    insta::assert_snapshot!(app.create(&body).await.shown());
    assert_eq!(app.create(&body).await.codes(), ["TXN_ABRUPTLY_DISCARDED"]);
}

#[tokio::test]
async fn a_gateway_that_wants_a_form_is_reached_through_our_page() {
    let app = TestApp::new();
    let answer = app.create(&changed("bill-1", "gateway", json!("FORM"))).await;
    let url = answer.json()["Transaction"]["redirectUrl"].as_str().unwrap().to_owned();
    let page =
        "https://pay.example.org/pg-service/gateway/v1/_pay?eg_pg_txnid=PB_PG_2026_11_22_000001&token=";
    assert!(url.strip_prefix(page).is_some_and(|token| token.len() == 32), "{url}");
}

#[tokio::test]
async fn of_200_concurrent_creates_of_one_bill_one_succeeds() {
    let app = Arc::new(TestApp::new());
    let start = Arc::new(tokio::sync::Barrier::new(200));
    let tasks: Vec<_> = (0..200)
        .map(|at| {
            let (app, start) = (app.clone(), start.clone());
            tokio::spawn(async move {
                let mut body = create_body("bill-1");
                // Half of them come with the bill as one of two.
                if at % 2 == 0 {
                    body["Transaction"]["taxAndPayments"] = json!([
                        {"billId": format!("own-{at}"), "amountPaid": 50}, {"billId": "bill-1", "amountPaid": 50}]);
                }
                start.wait().await;
                app.create(&body).await
            })
        })
        .collect();
    let mut won = 0;
    for task in tasks {
        let answer = task.await.unwrap();
        if answer.status == StatusCode::OK {
            won += 1;
        } else {
            assert_eq!(answer.status, StatusCode::BAD_REQUEST);
            assert_eq!(answer.codes(), ["TXN_ABRUPTLY_DISCARDED"]);
        }
    }
    assert_eq!(won, 1);
}

#[tokio::test]
async fn an_unavailable_database_is_reported_without_details() {
    let app = TestApp::with(Choices { database_is_unavailable: true, ..Choices::default() });
    let answer = app.create(&create_body("bill-1")).await;
    insta::assert_snapshot!(answer.shown());
}

#[tokio::test]
async fn an_unavailable_collection_service_is_reported() {
    let app = TestApp::new();
    app.collections.has(Fault::Unreachable);
    insta::assert_snapshot!("collections_away", app.create(&create_body("bill-1")).await.shown());
    app.collections.has(Fault::Cut);
    insta::assert_snapshot!("collections_unanswered", app.create(&create_body("bill-1")).await.shown());
    app.collections.has(None);
    assert_eq!(app.create(&create_body("bill-1")).await.status, StatusCode::OK, "nothing was claimed");
}

#[tokio::test]
async fn refusals_of_the_collection_service_are_passed_on_unchanged() {
    const BODY: &str = r#"{"Errors": [{"code":"BILL_EXPIRED",  "message":"x"}], "anything": 1}"#;
    let app = TestApp::new();
    app.collections.has(Fault::Refuses(BODY));
    let answer = app.create(&create_body("bill-1")).await;
    assert_eq!((answer.status, answer.text()), (StatusCode::BAD_REQUEST, BODY));
    assert_eq!(answer.header("content-type"), Some("application/json"));

    app.collections.has(Fault::Refuses("<html>java.lang.NullPointerException"));
    insta::assert_snapshot!("refused_without_json", app.create(&create_body("bill-1")).await.shown());
    app.collections.has(Fault::Incomplete);
    insta::assert_snapshot!("incomplete", app.create(&create_body("bill-1")).await.shown());
}

#[tokio::test]
async fn every_key_of_the_contract_is_in_the_answer() {
    let app = TestApp::new();
    let answer = app.create(&create_body("bill-1")).await;
    let txn = answer.json()["Transaction"].clone();
    let mut keys: Vec<&str> = txn.as_object().unwrap().keys().map(String::as_str).collect();
    let mut expected = vec![
        "tenantId",
        "txnAmount",
        "billId",
        "module",
        "consumerCode",
        "taxAndPayments",
        "productInfo",
        "gateway",
        "callbackUrl",
        "txnId",
        "user",
        "redirectUrl",
        "txnStatus",
        "txnStatusMsg",
        "gatewayTxnId",
        "gatewayPaymentMode",
        "gatewayStatusCode",
        "gatewayStatusMsg",
        "receipt",
        "auditDetails",
        "additionalDetails",
    ];
    keys.sort_unstable();
    expected.sort_unstable();
    assert_eq!(keys, expected);
    assert!(answer.is_envelope());
}

#[tokio::test]
async fn a_bug_is_an_answer_and_claims_nothing() {
    let app = TestApp::new();
    app.collections.has(Fault::Panics);
    let answer = app.create(&create_body("bill-1")).await;
    assert!(answer.status.is_server_error() && answer.is_envelope(), "{}", answer.text());
    app.collections.has(None);
    assert_eq!(app.create(&create_body("bill-1")).await.status, StatusCode::OK);
}

#[tokio::test]
async fn a_returning_payer_gets_the_same_payment_and_the_answer_says_so() {
    let app = TestApp::new();
    let first = app.create(&create_body("bill-1")).await;
    assert_eq!(first.header("x-transaction-reused"), None);
    app.clock.advance(Duration::from_secs(5));
    let again = app.create(&create_body("bill-1")).await;
    assert_eq!((again.status, again.header("x-transaction-reused")), (StatusCode::OK, Some("true")));
    for same in ["txnId", "redirectUrl"] {
        assert_eq!(again.json()["Transaction"][same], first.json()["Transaction"][same], "{same}");
    }
}
