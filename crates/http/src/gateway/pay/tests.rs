//! Promises of the page to the gateway, over HTTP.

use std::time::Duration;

use http::StatusCode;
use payment_domain::{GatewayName, TxnId};
use serde_json::json;

use crate::testing::{Choices, TestApp, create_body, paid};

/// Creates a payment that needs the page; returns its id and the page's path.
async fn page_path(app: &TestApp, bill: &str) -> (String, String) {
    let mut body = create_body(bill);
    body["Transaction"]["gateway"] = json!("form");
    let txn = app.create(&body).await.json()["Transaction"].clone();
    let url = txn["redirectUrl"].as_str().unwrap();
    let path = url.strip_prefix("https://pay.example.org/pg-service").unwrap();
    (txn["txnId"].as_str().unwrap().to_owned(), path.to_owned())
}

#[tokio::test]
async fn the_page_posts_the_gateways_form_with_and_without_javascript() {
    let app = TestApp::new();
    let (_, path) = page_path(&app, "bill-1").await;
    let answer = app.get(&path).await;
    assert_eq!(answer.status, StatusCode::OK);
    assert_eq!(answer.header("content-type"), Some("text/html; charset=utf-8"));
    insta::assert_snapshot!(answer.text());
}

#[tokio::test]
async fn the_page_runs_only_its_own_script_and_is_not_cached() {
    let app = TestApp::new();
    let (_, path) = page_path(&app, "bill-1").await;
    let answer = app.get(&path).await;
    insta::assert_snapshot!(answer.header("content-security-policy").unwrap());
    assert_eq!(answer.header("cache-control"), Some("no-store"));
    assert_eq!(answer.header("referrer-policy"), Some("origin"));
    assert_eq!(answer.header("x-content-type-options"), Some("nosniff"));
}

#[tokio::test]
async fn the_page_opens_only_with_its_token() {
    let app = TestApp::new();
    let (id, path) = page_path(&app, "bill-1").await;
    let (_, other) = page_path(&app, "bill-2").await;
    let (without, token) = path.split_once("&token=").unwrap();
    let others_token = other.split_once("&token=").unwrap().1;
    let simple = app.pending("bill-3").await;
    for wrong in [
        without.to_owned(),
        format!("{without}&token="),
        format!("{without}&token={others_token}"),
        format!("{without}&token={}", &token[..31]),
        format!("/gateway/v1/_pay?eg_pg_txnid=PB_PG_9&token={token}"),
        format!("/gateway/v1/_pay?eg_pg_txnid={simple}&token={token}"),
        format!("/gateway/v1/_pay?token={token}"),
        "/gateway/v1/_pay".to_owned(),
    ] {
        let answer = app.get(&wrong).await;
        assert_eq!(answer.status, StatusCode::NOT_FOUND, "{wrong}");
        assert_eq!(answer.codes(), ["PAYMENT_PAGE_NOT_FOUND"]);
    }
    assert_eq!(
        app.get(&format!("/gateway/v1/_pay?token={token}&eg_pg_txnid={id}")).await.status,
        StatusCode::OK
    );
}

#[tokio::test]
async fn a_payer_who_has_paid_is_not_redirected_to_pay_again() {
    let app = TestApp::new();
    let (id, path) = page_path(&app, "bill-1").await;
    app.gateway.answers_for(&TxnId::new(id.as_str()).unwrap(), paid("100"));
    app.update(&id).await;
    let answer = app.get(&path).await;
    assert_eq!(answer.status, StatusCode::SEE_OTHER);
    assert!(answer.header("location").unwrap().ends_with(&format!("eg_pg_txnid={id}&txnStatus=SUCCESS")));
}

#[tokio::test]
async fn the_page_closes_before_the_end_of_its_gateways_order() {
    let minute = Duration::from_secs(60);
    for (life, closes_after) in
        [(minute, Duration::from_secs(40)), (minute * 30, minute * 20), (minute * 90, minute * 80)]
    {
        let order_life_of = [(GatewayName::new("FORM"), life)].into();
        let app = TestApp::with(Choices { order_life_of, ..Choices::default() });
        let (id, path) = page_path(&app, "bill-1").await;
        app.clock.advance(closes_after - Duration::from_millis(1));
        assert_eq!(app.get(&path).await.status, StatusCode::OK, "{life:?}");
        app.clock.advance(Duration::from_millis(1));
        let closed = app.get(&path).await;
        assert_eq!(closed.status, StatusCode::SEE_OTHER, "{life:?}");
        assert!(closed.header("location").unwrap().ends_with(&format!("eg_pg_txnid={id}&txnStatus=PENDING")));
    }
}

#[tokio::test]
async fn an_unavailable_database_is_reported() {
    let app = TestApp::with(Choices { database_is_unavailable: true, ..Choices::default() });
    assert_eq!(app.get("/gateway/v1/_pay?eg_pg_txnid=T&token=x").await.codes(), ["DATABASE_UNAVAILABLE"]);
}

#[tokio::test]
async fn the_page_by_its_path_answers_post_like_get_and_ignores_what_is_posted() {
    let app = TestApp::with(Choices { upyog_form: true, ..Choices::default() });
    let (id, path) = page_path(&app, "bill-1").await;
    let (_, page) = path.split_once("&txURL=https://pay.example.org/pg-service").unwrap();
    let shown = app.get(page).await;
    let posted = app.post_form(page, "eg_pg_txnid=other&token=x&txURL=https%3A%2F%2Fevil.example").await;
    assert_eq!((shown.status, posted.status), (StatusCode::OK, StatusCode::OK));
    assert_eq!(shown.text(), posted.text());
    assert_eq!(app.get("/gateway/v1/_pay/x").await.codes(), ["PAYMENT_PAGE_NOT_FOUND"]);
    app.gateway.answers_for(&TxnId::new(id.as_str()).unwrap(), paid("100"));
    app.update(&id).await;
    assert_eq!(app.post_form(page, "").await.status, StatusCode::SEE_OTHER);
}
