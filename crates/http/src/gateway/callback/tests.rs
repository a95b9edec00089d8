//! Promises of `_callback`, over HTTP.

use axum::body::Body;
use http::{Method, StatusCode};
use payment_domain::{Outcome, TxnId};
use serde_json::json;

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
    assert_eq!(app.gateway.asked(), 1, "a repetition makes no status request");

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
async fn an_unfinished_payment_is_checked_again() {
    let app = TestApp::new();
    let id = app.pending("bill-1").await;
    app.gateway.answers(Outcome::Pending);
    for _ in 0..2 {
        assert_eq!(
            call(&app, "", &format!("fakeOrderId={id}&sign=good")).await.text(),
            r#"{"status":"PENDING"}"#
        );
    }
    app.gateway.is_unavailable();
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
async fn a_form_or_a_flat_object_is_read_whatever_it_is_called() {
    let app = TestApp::new();
    let mut bills = 0;
    for content_type in ["", "text/plain", "application/octet-stream", "application/json", "text/xml"] {
        for is_json in [false, true] {
            bills += 1;
            let id = app.pending(&format!("bill-{bills}")).await;
            app.gateway.answers_for(&TxnId::new(id.as_str()).unwrap(), paid("100"));
            let body = match is_json {
                true => json!({ "fakeOrderId": id, "sign": "good", "more": null, "deep": [1] }).to_string(),
                false => format!("fakeOrderId={id}&sign=good"),
            };
            let headers: &[(&str, &str)] =
                if content_type.is_empty() { &[] } else { &[("content-type", content_type)] };
            let posted = request(Method::POST, "/gateway/v1/fake/_callback", headers, Body::from(body));
            let answer = app.send(posted).await;
            assert_eq!(answer.text(), r#"{"status":"SETTLED"}"#, "{content_type}, JSON: {is_json}");
        }
    }
    for (content_type, body) in
        [("text/xml", "<a/>"), ("multipart/form-data", "--x\r\n"), ("text/plain", "[1]")]
    {
        let headers = [("content-type", content_type)];
        let posted = request(Method::POST, "/gateway/v1/fake/_callback", &headers, Body::from(body));
        assert_eq!(app.send(posted).await.codes(), ["UnsupportedMediaType"], "{content_type}");
    }
}

/// Stored callbacks are bounded, and others are answered meanwhile: at most 20 of 4 kB each for a transaction
/// and day, and none for a transaction that does not exist.
#[tokio::test]
async fn a_flood_of_unsigned_callbacks_is_kept_within_its_bound() {
    const SENDERS: usize = 16;
    const EACH: usize = 60;
    let app = TestApp::new();
    let (known, forged) = (app.pending("bill-1").await, app.pending("bill-2").await);
    app.gateway.answers(Outcome::Pending);
    let junk = "x".repeat(200 * 1024);
    let send = async |sender: usize, nth: usize| {
        let form = match nth % 3 {
            0 => format!("fakeOrderId={known}&n={sender}-{nth}&junk={junk}"),
            1 => format!("fakeOrderId={forged}&sign=forged&n={sender}-{nth}&junk={junk}"),
            _ => format!("fakeOrderId=PB_PG_{sender}_{nth}&junk={junk}"),
        };
        call(&app, "", &form).await.status
    };
    let flood = futures_util::future::join_all((0..SENDERS).map(|sender| async move {
        for nth in 0..EACH {
            let status = send(sender, nth).await;
            let told = [StatusCode::OK, StatusCode::BAD_REQUEST, StatusCode::SERVICE_UNAVAILABLE];
            assert!(told.contains(&status), "{status}");
        }
    }));
    let payers = async {
        for nth in 0..10 {
            app.paid(&format!("meanwhile-{nth}")).await;
        }
    };
    let answered = tokio::time::timeout(std::time::Duration::from_secs(20), payers);
    let (_, answered) = tokio::join!(flood, answered);
    answered.expect("ten payers pay while callbacks pour in");
    let far = payment_domain::Timestamp::from_millis(i64::MAX);
    assert_eq!(app.store.forget_callbacks(far, 10_000).await.unwrap(), 2 * 20);
}

#[tokio::test]
async fn while_the_database_is_unavailable_the_gateway_is_asked_to_call_again() {
    let app = TestApp::with(Choices { database_is_unavailable: true, ..Choices::default() });
    let answer = call(&app, "", "fakeOrderId=PB_PG_1").await;
    assert_eq!((answer.status, answer.header("retry-after")), (StatusCode::SERVICE_UNAVAILABLE, Some("5")));
}
