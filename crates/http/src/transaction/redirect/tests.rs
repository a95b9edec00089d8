//! What `_redirect` promises, over HTTP.

use http::{Method, StatusCode};
use payment_domain::Outcome;
use serde_json::json;

use axum::body::Body;

use crate::testing::{TestApp, create_body, paid, request};

const CALLBACK: &str = "https://city.example.org/payment/success/PT/PT-107-000123?propertyId=PT-107";

#[tokio::test]
async fn the_payer_comes_back_to_the_application_with_the_status() {
    let app = TestApp::new();
    for (bill, outcome, status) in [
        ("bill-1", paid("100"), "SUCCESS"),
        ("bill-2", Outcome::Declined { reason: "no funds".to_owned() }, "FAILURE"),
        ("bill-3", Outcome::Pending, "PENDING"),
    ] {
        let id = app.pending(bill).await;
        app.gateway.answers(outcome);
        let answer = app.post_form("/transaction/v1/_redirect", &format!("fakeOrderId={id}&sign=good")).await;
        assert_eq!((answer.status, answer.text()), (StatusCode::SEE_OTHER, ""));
        let location = format!("{CALLBACK}&eg_pg_txnid={id}&txnStatus={status}");
        assert_eq!(answer.header("location"), Some(location.as_str()));
        assert_eq!(answer.header("cache-control"), Some("no-store"));
        let again = app.get(&format!("/transaction/v1/_redirect?eg_pg_txnid={id}")).await;
        assert_eq!(again.header("location"), Some(location.as_str()), "by GET, and a second time");
    }
}

#[tokio::test]
async fn nobody_can_make_it_lead_elsewhere() {
    let app = TestApp::new();
    let mut body = create_body("bill-1");
    body["Transaction"]["callbackUrl"] =
        json!("https://city.example.org/done?txnStatus=SUCCESS&next=//evil.example#//x");
    let id = app.create(&body).await.json()["Transaction"]["txnId"].as_str().unwrap().to_owned();
    let evil = "callbackUrl=https://evil.example&redirectUrl=https://evil.example&url=https://evil.example&\
        originalreturnurl=https://evil.example&next=https://evil.example";
    let path = format!("/transaction/v1/_redirect?eg_pg_txnid={id}&{evil}");
    let headers = [
        ("content-type", "application/x-www-form-urlencoded"),
        ("host", "evil.example"),
        ("x-forwarded-host", "evil.example"),
        ("referer", "https://evil.example"),
    ];
    let answer = app.send(request(Method::POST, &path, &headers, Body::from(evil))).await;
    let home =
        format!("https://city.example.org/done?next=//evil.example&eg_pg_txnid={id}&txnStatus=PENDING#//x");
    assert_eq!(answer.header("location"), Some(home.as_str()));
}

#[tokio::test]
async fn who_names_no_transaction_is_not_sent_anywhere() {
    let app = TestApp::new();
    for (form, code) in [
        ("a=1", "MISSING_UPDATE_TXN_ID"),
        ("eg_pg_txnid=PB_PG_1&callbackUrl=https://evil.example", "TXN_UPDATE_NOT_FOUND"),
    ] {
        let answer = app.post_form("/transaction/v1/_redirect", form).await;
        assert_eq!((answer.status, answer.header("location")), (StatusCode::BAD_REQUEST, None));
        assert_eq!(answer.codes(), [code]);
    }
}

#[tokio::test]
async fn a_forged_return_changes_nothing() {
    let app = TestApp::new();
    let id = app.pending("bill-1").await;
    app.gateway.answers(paid("100"));
    let before = app.whole(&id).await;
    let answer = app.post_form("/transaction/v1/_redirect", &format!("eg_pg_txnid={id}&sign=forged")).await;
    insta::assert_snapshot!(answer.shown());
    assert_eq!(app.whole(&id).await, before);
}
