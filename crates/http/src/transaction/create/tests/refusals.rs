//! Requests that are understood and refused.

use std::collections::BTreeMap;

use http::StatusCode;
use payment_service::AllowedCallbackHosts;
use serde_json::{Value, json};

use super::changed;
use crate::testing::{Choices, TestApp, create_body};

#[tokio::test]
async fn all_reasons_against_a_payment_are_answered_together() {
    let app = TestApp::new();
    app.pending("bill-1").await;
    app.paid("bill-2").await;
    let mut body = create_body("bill-1");
    body["RequestInfo"]["userInfo"]["mobileNumber"] = "".into();
    body["Transaction"]["gateway"] = "PAYPAL".into();
    body["Transaction"]["txnAmount"] = "100.01".into();
    body["Transaction"]["taxAndPayments"] =
        json!([{"billId": "bill-1", "amountPaid": 50}, {"billId": "bill-2", "amountPaid": 50}]);
    insta::assert_snapshot!(app.create(&body).await.shown());
}

#[tokio::test]
async fn a_bill_is_paid_by_one_live_payment() {
    let app = TestApp::new();
    app.pending("bill-1").await;
    insta::assert_snapshot!("bill_pending", app.create(&create_body("bill-1")).await.shown());
    app.paid("bill-2").await;
    insta::assert_snapshot!("bill_paid", app.create(&create_body("bill-2")).await.shown());
    let mut elsewhere = create_body("bill-2");
    elsewhere["Transaction"]["tenantId"] = "pb.nabha".into();
    assert_eq!(app.create(&elsewhere).await.status, StatusCode::OK, "another tenant's bill of that number");
}

#[tokio::test]
async fn users_must_say_who_they_are() {
    let app = TestApp::new();
    for field in ["uuid", "name", "userName", "mobileNumber", "tenantId"] {
        for nothing in [Value::Null, json!("")] {
            let mut body = create_body("bill-1");
            body["RequestInfo"]["userInfo"][field] = nothing;
            assert_eq!(app.create(&body).await.codes(), ["INVALID_USER_DETAILS"], "{field}");
        }
    }
    let mut body = create_body("bill-1");
    body["RequestInfo"] = json!({});
    assert_eq!(app.create(&body).await.codes(), ["INVALID_USER_DETAILS"]);
}

#[tokio::test]
async fn an_amount_is_a_plain_decimal_by_its_digits() {
    let app = TestApp::new();
    let mut shown = BTreeMap::new();
    for amount in ["1e-3", "-1", "0.001", "10000000000000", "12345678901234567890123.45"] {
        // As a number and as a text: no digit is lost on the way.
        for json in [amount.to_owned(), format!("{amount:?}")] {
            let body = create_body("bill-1")
                .to_string()
                .replace("\"txnAmount\":100,", &format!("\"txnAmount\":{json},"));
            let headers = [("content-type", "application/json")];
            let answer =
                app.send(crate::testing::post_request("/transaction/v1/_create", &headers, &body)).await;
            assert_eq!(answer.codes(), ["INVALID_TXN_AMOUNT"], "{json}");
            shown.insert(amount, answer.json()["Errors"][0]["message"].clone());
        }
    }
    insta::assert_snapshot!(format!("{:#}", json!(shown)));
    for wrong in ["abc", "true", "1,000", "१००"] {
        assert_eq!(
            app.create(&changed("bill-1", "txnAmount", json!(wrong))).await.codes(),
            ["INVALID_TXN_AMOUNT"]
        );
    }
    assert_eq!(
        app.create(&changed("bill-1", "txnAmount", json!("99.99"))).await.codes(),
        ["TXN_CREATE_INVALID_TXN_AMT"]
    );
}

#[tokio::test]
async fn an_amount_in_javas_forms_is_the_same_as_a_plain_one() {
    let app = TestApp::new();
    for (bill, written, echoed) in [
        ("bill-1", "0100.00", "0100.00"),
        ("bill-2", "100.000", "100.00"),
        ("bill-3", "1E+2", "100.00"),
        ("bill-4", "1.0E2", "100.00"),
    ] {
        let answer = app.create(&changed(bill, "txnAmount", json!(written))).await;
        assert_eq!(answer.json()["Transaction"]["txnAmount"], echoed, "{written}");
    }
}

#[tokio::test]
async fn every_missing_field_is_reported_in_the_order_of_the_contract() {
    let app = TestApp::new();
    insta::assert_snapshot!("nothing", app.create(&json!({})).await.shown());
    let empty = json!({"RequestInfo": null, "Transaction": {"tenantId": null}});
    insta::assert_snapshot!("empty_transaction", app.create(&empty).await.shown());
    let hollow = json!({"RequestInfo": {}, "Transaction": {
        "tenantId": "p", "txnAmount": "", "billId": "", "consumerCode": "", "taxAndPayments": [], "productInfo": "",
        "gateway": "A", "callbackUrl": "x", "user": {}}});
    insta::assert_snapshot!("hollow_transaction", app.create(&hollow).await.shown());
}

#[tokio::test]
async fn every_overlong_field_is_reported_with_its_bound() {
    let app = TestApp::new();
    let long = "x".repeat(3000);
    let bill = json!({"billId": &long, "amountPaid": &long, "taxAmount": &long});
    let user = json!({"name": &long, "mobileNumber": &long, "tenantId": &long, "uuid": &long, "userName": &long,
        "emailId": &long});
    let body = json!({"RequestInfo": {}, "Transaction": {
        "tenantId": &long, "txnAmount": &long, "billId": &long, "module": &long, "consumerCode": &long,
        "taxAndPayments": [bill], "productInfo": &long, "gateway": &long,
        "callbackUrl": format!("https://{long}"), "user": user}});
    let answer = app.create(&body).await;
    let told: Vec<String> = answer.json()["Errors"]
        .as_array()
        .unwrap()
        .iter()
        .map(|error| format!("{}: {}", error["code"].as_str().unwrap(), error["message"].as_str().unwrap()))
        .collect();
    insta::assert_snapshot!(told.join("\n"));
    let many = vec![json!({"billId": "b", "amountPaid": 1}); 101];
    let answer = app.create(&changed("bill-1", "taxAndPayments", many.into())).await;
    assert_eq!(answer.json()["Errors"][0]["message"], "size must be between 1 and 100");
}

#[tokio::test]
async fn nested_fields_are_named_by_their_path() {
    let app = TestApp::new();
    let mut body = create_body("bill-1");
    body["Transaction"]["user"]["name"] = Value::Null;
    body["Transaction"]["user"]["mobileNumber"] = "".into();
    body["Transaction"]["taxAndPayments"] = json!([{"amountPaid": ""}, null, {"billId": ""}]);
    assert_eq!(
        app.create(&body).await.codes(),
        [
            "NotNull.transactionRequest.transaction.taxAndPayments[0].amountPaid",
            "NotNull.transactionRequest.transaction.taxAndPayments[0].billId",
            "NotNull.transactionRequest.transaction.taxAndPayments[1]",
            "NotNull.transactionRequest.transaction.taxAndPayments[2].amountPaid",
            "Size.transactionRequest.transaction.taxAndPayments[2].billId",
            "NotNull.transactionRequest.transaction.user.name",
            "Size.transactionRequest.transaction.user.mobileNumber",
        ]
    );
}

#[tokio::test]
async fn control_characters_have_no_place_in_ids() {
    let app = TestApp::new();
    for field in ["tenantId", "billId", "consumerCode", "gateway", "module"] {
        let answer = app.create(&changed("bill-1", field, json!("ab\u{0}c"))).await;
        assert_eq!(answer.codes(), [format!("Pattern.transactionRequest.transaction.{field}")]);
    }
    let described = changed("bill-1", "productInfo", json!("line one\nline two"));
    assert_eq!(app.create(&described).await.status, StatusCode::OK);
}

#[tokio::test]
async fn a_callback_url_is_an_absolute_http_url_without_credentials() {
    let app = TestApp::new();
    for url in [
        "javascript:alert(1)",
        "/relative",
        "//city.example.org",
        "ftp://city.example.org",
        "data:text/html,x",
        "https://",
        "https://user@city.example.org",
        "https://user:secret@city.example.org/",
        "not a url",
    ] {
        let answer = app.create(&changed("bill-1", "callbackUrl", json!(url))).await;
        assert_eq!(answer.codes(), ["INVALID_CALLBACK_URL"], "{url}");
    }
    let answer = app.create(&changed("bill-1", "callbackUrl", json!("mailto:a@example.org"))).await;
    insta::assert_snapshot!(answer.shown());
    let answer =
        app.create(&changed("bill-1", "callbackUrl", json!("HTTP://City.example.org:8080/ü?x=1#top"))).await;
    assert_eq!(
        answer.json()["Transaction"]["callbackUrl"],
        "http://city.example.org:8080/%C3%BC?x=1&eg_pg_txnid=PB_PG_2026_11_22_000001#top"
    );
}

#[tokio::test]
async fn callback_hosts_can_be_restricted_per_tenant() {
    let hosts = BTreeMap::from([("pb".to_owned(), vec!["city.example.org".to_owned()])]);
    let app = TestApp::with(Choices {
        allowed_callback_hosts: AllowedCallbackHosts::new(hosts),
        ..Choices::default()
    });
    assert_eq!(app.create(&create_body("bill-1")).await.status, StatusCode::OK);
    for evil in [
        "https://evil.example/",
        "https://city.example.org.evil.example/",
        "https://evil.example\\@city.example.org/",
    ] {
        let answer = app.create(&changed("bill-2", "callbackUrl", json!(evil))).await;
        assert_eq!(answer.codes(), ["INVALID_CALLBACK_URL"], "{evil}");
    }
}
