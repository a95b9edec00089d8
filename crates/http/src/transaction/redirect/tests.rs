//! Promises of `_redirect`, over HTTP.

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
async fn a_redirect_never_leads_to_a_foreign_host() {
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
async fn a_request_without_a_transaction_is_not_redirected() {
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
    let other = app.pending("bill-2").await;
    for form in [
        format!("eg_pg_txnid={id}&sign=forged"),
        format!("eg_pg_txnid={id}&fakeOrderId={other}&sign=good"),
        format!("fakeOrderId={id}&sign=a+b"),
    ] {
        let answer = app.post_form("/transaction/v1/_redirect", &form).await;
        assert_eq!(answer.status, StatusCode::SEE_OTHER, "{form}: {}", answer.text());
        let home = format!("{CALLBACK}&eg_pg_txnid={id}&txnStatus=PENDING");
        assert_eq!(answer.header("location"), Some(home.as_str()), "{form}");
        let by_get = app.get(&format!("/transaction/v1/_redirect?{form}")).await;
        assert_eq!(by_get.header("location"), Some(home.as_str()), "{form}");
    }
    assert_eq!(app.whole(&id).await, before);
    assert_eq!(app.gateway.asked(), 0);
}

#[tokio::test]
async fn a_form_is_read_whatever_it_is_called() {
    let app = TestApp::new();
    let id = app.pending("bill-1").await;
    app.gateway.answers(paid("100"));
    let form = format!("fakeOrderId={id}&sign=good");
    let flat = json!({ "fakeOrderId": id, "sign": "good" }).to_string();
    for (content_type, body) in [
        (None, &form),
        (Some("text/plain"), &form),
        (Some("application/octet-stream"), &form),
        (Some("application/json"), &flat),
        (Some("application/x-www-form-urlencoded"), &flat),
    ] {
        let headers: Vec<_> = content_type.map(|value| ("content-type", value)).into_iter().collect();
        let posted = request(Method::POST, "/transaction/v1/_redirect", &headers, Body::from(body.clone()));
        let answer = app.send(posted).await;
        let home = format!("{CALLBACK}&eg_pg_txnid={id}&txnStatus=SUCCESS");
        assert_eq!(answer.header("location"), Some(home.as_str()), "{content_type:?}: {}", answer.text());
    }
    let xml = async |query: &str| {
        let path = format!("/transaction/v1/_redirect{query}");
        app.send(request(Method::POST, &path, &[("content-type", "text/xml")], Body::from("<a b='c'/>")))
            .await
    };
    assert_eq!(xml("").await.codes(), ["UnsupportedMediaType"]);
    assert_eq!(
        xml(&format!("?eg_pg_txnid={id}")).await.status,
        StatusCode::SEE_OTHER,
        "the query says enough"
    );
}
