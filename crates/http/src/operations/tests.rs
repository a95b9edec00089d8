//! Promises of the pages, and the answer where there is none.

use axum::body::Body;
use http::{Method, StatusCode};

use crate::Pages;
use crate::testing::{Choices, TestApp, request};

#[tokio::test]
async fn the_root_redirects_to_the_start_page() {
    let app = TestApp::new();
    for door in ["//", "//pg-service"] {
        let answer = app.get(door).await;
        assert_eq!(
            (answer.status, answer.header("location")),
            (StatusCode::TEMPORARY_REDIRECT, Some("/pg-service/"))
        );
    }
    let page = app.get("/").await;
    assert_eq!(
        (page.status, page.header("content-type")),
        (StatusCode::OK, Some("text/html; charset=utf-8"))
    );
    insta::assert_snapshot!(page.text());
}

#[tokio::test]
async fn the_api_can_be_tried_on_a_page() {
    let app = TestApp::new();
    assert_eq!(app.get("/docs").await.header("location"), Some("/pg-service/docs/"));
    let page = app.get("/docs/").await;
    assert!(page.text().contains("swagger-ui"), "{}", page.text());
    let script = app.get("/docs/swagger-initializer.js").await;
    assert!(script.text().contains("/pg-service/openapi.json"), "{}", script.text());
    assert_eq!(app.get("/docs/swagger-ui.css").await.status, StatusCode::OK);
    for nothing in ["/docs/nothing", "/docs/../Cargo.toml", "/docs/%2e%2e/%2e%2e/etc/passwd", "/docs/%FF"] {
        assert_eq!(app.get(nothing).await.codes(), ["NOT_FOUND"], "{nothing}");
    }
}

#[tokio::test]
async fn documents_and_metrics_can_be_switched_off() {
    for (docs, metrics) in [(false, true), (true, false), (false, false)] {
        let app = TestApp::with(Choices { pages: Pages { docs, metrics }, ..Choices::default() });
        let status = |served| if served { StatusCode::OK } else { StatusCode::NOT_FOUND };
        for path in ["/docs/", "/docs/index.css", "/openapi.json"] {
            assert_eq!(app.get(path).await.status, status(docs), "{path}");
            assert_eq!(app.get_of_admin(path).await.status, status(docs), "{path}");
        }
        assert_eq!(app.get("/prometheus").await.status, status(metrics));
        assert_eq!(app.get_of_admin("/prometheus").await.status, status(metrics));
        let landing = app.get("/").await;
        assert_eq!(landing.text().contains("/docs/"), docs);
        assert_eq!(landing.text().contains("/prometheus"), metrics);
    }
}

#[tokio::test]
async fn the_port_of_its_own_serves_nothing_of_payments() {
    let app = TestApp::new();
    for path in
        ["/health", "/health/liveness", "/health/readiness", "/prometheus", "/docs/", "/openapi.json", "/"]
    {
        assert_eq!(app.get_of_admin(path).await.status, StatusCode::OK, "{path}");
    }
    for path in ["/transaction/v1/_update?transactionId=T1", "/gateway/v1/_pay", "/jobs/v1/_search"] {
        assert_eq!(app.get_of_admin(path).await.codes(), ["NOT_FOUND"], "{path}");
    }
}

#[tokio::test]
async fn pages_say_what_they_may_load() {
    let app = TestApp::new();
    for path in ["/", "/docs/", "/docs/swagger-initializer.js"] {
        let page = app.get(path).await;
        let policy = page.header("content-security-policy").unwrap();
        assert!(
            policy.starts_with("default-src 'none'") && policy.contains("frame-ancestors 'none'"),
            "{policy}"
        );
        assert!(!policy.contains("script-src 'unsafe") && !policy.contains("http"), "{policy}");
    }
    // The page needs nothing beyond the policy: it holds no inline script.
    let page = app.get("/docs/").await;
    assert!(!page.text().contains("<script>"), "{}", page.text());
}

#[tokio::test]
async fn an_unknown_path_is_an_error_in_the_envelope() {
    let app = TestApp::new();
    insta::assert_snapshot!("no_such_endpoint", app.get("/nothing").await.shown());
    for elsewhere in ["//nothing", "//health", "/transaction/v1/_create/", "/transaction//v1/_create"] {
        assert_eq!(app.get(elsewhere).await.codes(), ["NOT_FOUND"], "{elsewhere}");
    }
    let deleted = request(Method::DELETE, "/transaction/v1/_update", &[], Body::empty());
    insta::assert_snapshot!("method_not_allowed", app.send(deleted).await.shown());
    assert_eq!(app.get("/transaction/v1/_create").await.header("allow"), Some("POST"));
    let invented = request(Method::from_bytes(b"PAY").unwrap(), "/health", &[], Body::empty());
    assert_eq!(app.send(invented).await.codes(), ["METHOD_NOT_ALLOWED"]);
}

#[tokio::test]
async fn the_context_path_is_a_choice() {
    for (chosen, prefix) in [("", "/"), ("payments/v2", "//payments/v2")] {
        let app = TestApp::with(Choices { context_path: chosen, ..Choices::default() });
        for path in ["/health", "/openapi.json", "/docs/", "/prometheus", "/"] {
            assert_eq!(app.get(&format!("{prefix}{path}")).await.status, StatusCode::OK, "{prefix}{path}");
        }
        assert_eq!(app.get("/health").await.status, StatusCode::NOT_FOUND, "no longer below /pg-service");
        let document = app.get(&format!("{prefix}/openapi.json")).await.json();
        let server = if chosen.is_empty() { "/" } else { "/payments/v2" };
        assert_eq!(document["servers"][0]["url"], server);
    }
}
