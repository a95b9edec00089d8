//! Promises to every request.

use std::sync::Arc;
use std::time::Duration;

use axum::Router;
use axum::body::Body;
use axum::response::Response;
use axum::routing::get;
use bytes::Bytes;
use http::{Method, StatusCode};
use http_body_util::BodyExt;
use metrics_exporter_prometheus::PrometheusBuilder;
use serde_json::json;
use tower::ServiceExt;

use super::{ErrorPage, RequestId, RequestLayer, SharedBytes};
use crate::limits::RequestLimits;
use crate::testing::{Choices, Fault, Log, TestApp, create_body, paid, post_request, request};

fn limited(limits: RequestLimits) -> TestApp {
    TestApp::with(Choices { limits, ..Choices::default() })
}

#[tokio::test]
async fn a_request_keeps_its_number_or_gets_one() {
    let app = TestApp::new();
    let given = async |id: &str| {
        let answer = app.send(request(Method::GET, "/health", &[("x-request-id", id)], Body::empty())).await;
        answer.header("x-request-id").unwrap().to_owned()
    };
    assert_eq!(given("abc-123").await, "abc-123");
    let (first, second) = (given("").await, given("a b").await);
    assert_ne!(first, second);
    assert_ne!(given(&"x".repeat(65)).await, "x".repeat(65));
    assert!(app.get("/nothing").await.header("x-request-id").is_some());
}

#[tokio::test]
async fn a_body_that_is_too_large_is_refused_with_a_clear_error() {
    let app =
        limited(RequestLimits { body_bytes: 100, url_bytes: 100, parameters: 3, ..RequestLimits::default() });
    insta::assert_snapshot!("body", app.create(&create_body("bill-1")).await.shown());
    insta::assert_snapshot!("url", app.get(&format!("/health?{}", "x".repeat(100))).await.shown());
    insta::assert_snapshot!("parameters", app.get("/transaction/v1/_update?a&b&c&d").await.shown());
    let both = app.post_form("/transaction/v1/_update?a&b", "c&d").await;
    assert_eq!(both.codes(), ["TOO_MANY_PARAMETERS"], "query and form together");
    let exact =
        app.send(post_request("/transaction/v1/_search", &[], &format!("{{}}{}", " ".repeat(98)))).await;
    assert_eq!(exact.codes(), ["SEARCH_CRITERIA_REQUIRED"], "100 bytes may be");
}

#[tokio::test]
async fn a_body_that_does_not_come_is_not_waited_for() {
    let app = limited(RequestLimits { body_time: Duration::from_millis(20), ..RequestLimits::default() });
    let never = Body::from_stream(futures_util::stream::pending::<Result<&str, std::io::Error>>());
    insta::assert_snapshot!(
        app.send(request(Method::POST, "/transaction/v1/_create", &[], never)).await.shown()
    );
}

#[tokio::test]
async fn long_answers_share_a_budget_until_they_are_read() {
    async fn long() -> String {
        "x".repeat(100_000)
    }
    async fn shared() -> Response {
        let mut response = Response::new(Body::from(Bytes::from_static(&[0; 500_000])));
        response.extensions_mut().insert(SharedBytes);
        response
    }
    let limits = RequestLimits { bytes_in_flight: 150_000, body_bytes: 100, ..RequestLimits::default() };
    let router = Router::new()
        .route("/long", get(long))
        .route("/shared", get(shared))
        .route("/short", get(async || "short"))
        .layer(RequestLayer::new(limits));
    let ask = async |path: &str| {
        router.clone().oneshot(request(Method::GET, path, &[], Body::empty())).await.unwrap()
    };
    let unread = ask("//long").await;
    assert_eq!(unread.status(), StatusCode::OK);
    let refused = ask("//long").await;
    assert_eq!(refused.status(), StatusCode::SERVICE_UNAVAILABLE);
    assert_eq!(refused.headers()["retry-after"], "2");
    for free in ["//short", "//shared"] {
        assert_eq!(ask(free).await.status(), StatusCode::OK, "{free}");
    }
    // A server holds the bytes when it has done with the body.
    let bytes = unread.into_body().collect().await.unwrap().to_bytes();
    assert_eq!(ask("//long").await.status(), StatusCode::SERVICE_UNAVAILABLE);
    drop(bytes);
    assert_eq!(ask("//long").await.status(), StatusCode::OK);
}

#[tokio::test]
async fn routes_of_others_are_served_within_the_same_limits() {
    let limits = RequestLimits {
        body_bytes: 100,
        url_bytes: 100,
        body_time: Duration::from_millis(20),
        ..RequestLimits::default()
    };
    let beside =
        Router::new().route("/pg-service/sandbox/pay", get(async || "page").post(async |_: Bytes| {}));
    let app = TestApp::with(Choices { limits, beside, ..Choices::default() });
    let page = app.get("/sandbox/pay").await;
    assert_eq!((page.text(), page.header("x-content-type-options")), ("page", Some("nosniff")));
    assert!(page.header("x-request-id").is_some());
    let long = app.post_form("/sandbox/pay", &"x".repeat(101)).await;
    assert_eq!(long.codes(), ["PayloadTooLarge"]);
    let never = Body::from_stream(futures_util::stream::pending::<Result<&str, std::io::Error>>());
    let slow = app.send(request(Method::POST, "/sandbox/pay", &[], never)).await;
    assert_eq!(slow.codes(), ["REQUEST_TIMEOUT"]);
    assert_eq!(app.get(&format!("/sandbox/pay?{}", "x".repeat(100))).await.codes(), ["UrlTooLong"]);
    assert_eq!(app.get("/nothing").await.codes(), ["NOT_FOUND"]);
}

#[tokio::test]
async fn an_answer_not_ready_in_time_is_not_awaited_and_the_work_continues() {
    let app = limited(RequestLimits { request_time: Duration::from_millis(300), ..RequestLimits::default() });
    let id = app.pending("bill-1").await;
    app.gateway.answers(paid("100"));
    app.gateway.is_slow(Duration::from_millis(600));
    insta::assert_snapshot!(app.update(&id).await.shown());
    app.payments.ports.tasks.close();
    app.payments.ports.tasks.wait().await;
    app.payments.ports.tasks.reopen();
    assert_eq!(app.update(&id).await.json()["Transaction"][0]["receipt"], "RCPT/2026-27/000001");
}

#[tokio::test]
async fn errors_in_front_of_pages_are_pages_and_pages_know_the_id_of_their_request() {
    async fn named(axum::Extension(id): axum::Extension<RequestId>) -> String {
        id.as_str().to_owned()
    }
    let limits =
        RequestLimits { request_time: Duration::from_millis(20), url_bytes: 50, ..RequestLimits::default() };
    let error_page: ErrorPage = Arc::new(|headers, id, status| {
        let language = headers.get("accept-language").map_or("en", |value| value.to_str().unwrap());
        Response::new(Body::from(format!("{language} {} {status}", id.as_str())))
    });
    let router = Router::new()
        .route("/named", get(named))
        .route("/slow", get(async || tokio::time::sleep(Duration::from_secs(60)).await))
        .route("/panics", get(panics))
        .layer(RequestLayer::new(limits).of_pages(error_page));
    let ask = async |path: &str| {
        let headers = [("x-request-id", "r-1"), ("accept-language", "hi")];
        let response =
            router.clone().oneshot(request(Method::GET, path, &headers, Body::empty())).await.unwrap();
        let (parts, body) = response.into_parts();
        let text = String::from_utf8(body.collect().await.unwrap().to_bytes().to_vec()).unwrap();
        (parts, text)
    };
    assert_eq!(ask("//named").await.1, "r-1");
    let (slow, text) = ask("//slow").await;
    assert_eq!(
        (slow.status, text.as_str()),
        (StatusCode::SERVICE_UNAVAILABLE, "hi r-1 503 Service Unavailable")
    );
    assert_eq!(slow.headers["retry-after"], "5");
    assert_eq!(slow.headers["x-request-id"], "r-1");
    assert!(ask("//panics").await.1.ends_with("500 Internal Server Error"));
    assert!(ask(&format!("//named?{}", "x".repeat(60))).await.1.ends_with("414 URI Too Long"));
}

async fn panics() -> StatusCode {
    panic!("a bug about Asha Rani")
}

#[tokio::test]
async fn a_panic_is_answered_without_details() {
    let router = Router::new().route("/", get(panics)).layer(RequestLayer::new(RequestLimits::default()));
    let response = router.oneshot(request(Method::GET, "//", &[], Body::empty())).await.unwrap();
    assert_eq!(response.status(), StatusCode::INTERNAL_SERVER_ERROR);
    let body = response.into_body().collect().await.unwrap().to_bytes();
    insta::assert_snapshot!(String::from_utf8_lossy(&body));
}

#[tokio::test]
async fn a_request_has_one_line_in_the_log_that_names_its_transaction() {
    let log = Log::listen(tracing::Level::INFO);
    let app = TestApp::new();
    let id = app.pending("bill-1").await;
    app.post("/transaction/v1/_update?transactionId=PB_PG_9", &json!({})).await;
    app.get("/health").await;
    let lines: Vec<serde_json::Value> = log
        .text()
        .lines()
        .map(|line| serde_json::from_str::<serde_json::Value>(line).unwrap())
        .filter(|line| line["target"] == "http")
        .map(|mut line| {
            for measured in ["duration_ms", "request_id"] {
                assert!(!line["fields"][measured].take().is_null(), "{line}");
            }
            line["fields"].take()
        })
        .collect();
    assert_eq!(id, "PB_PG_2026_11_22_000001");
    insta::assert_snapshot!(format!("{:#}", json!(lines)));
}

#[tokio::test]
async fn nothing_personal_or_secret_is_ever_logged() {
    let log = Log::listen(tracing::Level::TRACE);
    let mut app = TestApp::new();
    app.may_owe_receipts();
    let id = app.pending("bill-1").await;
    app.create(&create_body("bill-1")).await;
    app.create(&json!({"RequestInfo": {}, "Transaction": {"user": {"name": "Asha Rani"}}})).await;
    app.send(post_request("/transaction/v1/_create", &[], "{\"Transaction\": {\"name\": \"Asha Rani\""))
        .await;
    let mut form = create_body("bill-2");
    form["Transaction"]["gateway"] = "FORM".into();
    let pay_url = app.create(&form).await.json()["Transaction"]["redirectUrl"].as_str().unwrap().to_owned();
    let (page, token) = pay_url.split_once("token=").unwrap();
    app.get(&format!("{}token={token}", page.strip_prefix("https://pay.example.org/pg-service").unwrap()))
        .await;
    app.get(&format!("/transaction/v1/_update?eg_pg_txnid={id}&card=4111111111111111&sign=forged-sign"))
        .await;
    app.post_form(
        &format!("/gateway/v1/fake/_callback?fakeOrderId={id}&phone=9876543210"),
        "sign=forged-sign",
    )
    .await;
    app.gateway.answers(paid("100"));
    app.collections.has(Fault::Refuses(r#"{"name": "Asha Rani"}"#));
    app.update(&id).await;
    app.post(
        &format!("/transaction/v1/_search?txnId={id}"),
        &json!({"RequestInfo": {"authToken": "secret-token"}}),
    )
    .await;

    let text = log.text();
    assert!(text.contains(&id), "there is a log: {text}");
    for secret in
        ["Asha", "9876543210", "98******10", "secret-token", token, "4111111111111111", "forged-sign"]
    {
        assert!(!text.contains(secret), "{secret} in {text}");
    }
}

#[test]
fn requests_are_counted_by_route_and_status_not_by_invented_paths() {
    let recorder = PrometheusBuilder::new().build_recorder();
    let handle = recorder.handle();
    let runtime = tokio::runtime::Builder::new_current_thread().enable_all().build().unwrap();
    metrics::with_local_recorder(&recorder, || {
        runtime.block_on(async {
            let app = TestApp::new();
            app.get("/health").await;
            app.get("/transaction/v1/_update?transactionId=PB_PG_1").await;
            app.get("/gateway/v1/evil/_callback").await;
            app.get("/invented/by/a/client").await;
        });
    });
    let counted: Vec<String> = handle
        .render()
        .lines()
        .filter(|line| line.starts_with("http_requests_total{"))
        .map(str::to_owned)
        .collect::<std::collections::BTreeSet<_>>()
        .into_iter()
        .collect();
    insta::assert_snapshot!(counted.join("\n"));
    assert!(handle.render().contains("http_request_duration_seconds"));
}
