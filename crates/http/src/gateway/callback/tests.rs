//! What `_callback` promises, over HTTP.

use axum::body::Body;
use http::{Method, StatusCode};
use payment_domain::{Outcome, TxnId};

use crate::testing::{Answer, Choices, TestApp, paid, request};

async fn call(app: &TestApp, query: &str, form: &str) -> Answer {
    app.post_form(&format!("/gateway/v1/fake/_callback{query}"), form).await
}

#[tokio::test]
async fn a_gateway_that_reports_a_payment_settles_it() {
    let app = TestApp::new();
    let id = app.pending("bill-1").await;
    app.gateway.answers(paid("100"));
    let form = format!("fakeOrderId={id}&sign=good");
    let answer = call(&app, "", &form).await;
    assert_eq!((answer.status, answer.text()), (StatusCode::OK, r#"{"status":"SETTLED"}"#));
    assert_eq!(call(&app, "", &form).await.text(), r#"{"status":"REPEATED"}"#);
    assert_eq!(app.gateway.asked(), 1, "a repetition asks nobody");

    let id = TxnId::new(id).unwrap();
    let history = app.store.history(&id).await.unwrap();
    assert_eq!(history[1].actor.id, "FAKE");
    assert!(app.store.transaction(&id).await.unwrap().unwrap().receipt().is_some());
}

#[tokio::test]
async fn the_callback_may_come_by_get_and_in_any_letter_case() {
    let app = TestApp::new();
    let id = app.pending("bill-1").await;
    app.gateway.answers(paid("100"));
    let answer = app.get(&format!("/gateway/v1/FaKe/_callback?fakeOrderId={id}&sign=good")).await;
    assert_eq!(answer.text(), r#"{"status":"SETTLED"}"#);
}

#[tokio::test]
async fn a_payment_that_is_not_finished_is_asked_about_again() {
    let app = TestApp::new();
    let id = app.pending("bill-1").await;
    app.gateway.answers(Outcome::Pending);
    for _ in 0..2 {
        assert_eq!(
            call(&app, "", &format!("fakeOrderId={id}&sign=good")).await.text(),
            r#"{"status":"PENDING"}"#
        );
    }
    app.gateway.is_away();
    insta::assert_snapshot!(call(&app, "", &format!("fakeOrderId={id}&sign=good")).await.shown());
    app.gateway.answers(paid("100"));
    assert_eq!(
        call(&app, "", &format!("fakeOrderId={id}&sign=good")).await.text(),
        r#"{"status":"SETTLED"}"#
    );
}

#[tokio::test]
async fn a_forged_callback_is_refused_and_changes_nothing() {
    let app = TestApp::new();
    let id = app.pending("bill-1").await;
    app.gateway.answers(paid("100"));
    let before = app.whole(&id).await;
    insta::assert_snapshot!(call(&app, "", &format!("fakeOrderId={id}&sign=forged")).await.shown());
    assert_eq!((app.whole(&id).await, app.gateway.asked()), (before, 0));
}

#[tokio::test]
async fn a_callback_about_nothing_of_ours_is_refused() {
    let app = TestApp::new();
    let id = app.pending("bill-1").await;
    insta::assert_snapshot!(
        "unknown_transaction",
        call(&app, "", "fakeOrderId=PB_PG_1&sign=good").await.shown()
    );
    assert_eq!(call(&app, "", "a=1").await.codes(), ["TXN_UPDATE_NOT_FOUND"]);
    let path = format!("/gateway/v1/network/_callback?fakeOrderId={id}&sign=good");
    assert_eq!(app.get(&path).await.codes(), ["TXN_UPDATE_NOT_FOUND"], "it goes through another gateway");
    insta::assert_snapshot!("unknown_gateway", app.get("/gateway/v1/paypal/_callback").await.shown());
    assert_eq!(app.get("/gateway/v1/%FF/_callback").await.codes(), ["INVALID_PAYMENT_GATEWAY"]);
}

#[tokio::test]
async fn any_kind_of_body_is_taken_and_kept_within_its_bound() {
    let app = TestApp::new();
    let id = app.pending("bill-1").await;
    app.gateway.answers(paid("100"));
    for (content_type, body) in
        [("application/json", "{broken"), ("text/xml", "<a>\u{0}</a>"), ("", "\u{FFFD}")]
    {
        let path = format!("/gateway/v1/fake/_callback?fakeOrderId={id}");
        let answer =
            app.send(request(Method::POST, &path, &[("content-type", content_type)], Body::from(body))).await;
        assert_eq!(answer.status, StatusCode::OK, "{content_type}: {}", answer.text());
    }
    let large = Body::from(vec![b'x'; 256 * 1024 + 1]);
    let answer = app.send(request(Method::POST, "/gateway/v1/fake/_callback", &[], large)).await;
    assert_eq!(answer.codes(), ["PayloadTooLarge"]);
}

#[tokio::test]
async fn while_the_database_is_away_the_gateway_is_asked_to_call_again() {
    let app = TestApp::with(Choices { database_is_away: true, ..Choices::default() });
    let answer = call(&app, "", "fakeOrderId=PB_PG_1").await;
    assert_eq!((answer.status, answer.header("retry-after")), (StatusCode::SERVICE_UNAVAILABLE, Some("5")));
}
