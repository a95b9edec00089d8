//! Promises of the health endpoints.

use http::StatusCode;

use crate::testing::{Choices, TestApp};

#[tokio::test]
async fn a_service_that_can_work_is_up() {
    let app = TestApp::new();
    let clock = r#"{"status":"UP","clock":{"status":"UP","computerAheadSeconds":0.0}}"#;
    for (path, expected) in [
        ("/health", r#"{"status":"UP"}"#),
        ("/health/liveness", r#"{"status":"UP"}"#),
        ("/health/readiness", clock),
    ] {
        let answer = app.get(path).await;
        assert_eq!((answer.status, answer.text()), (StatusCode::OK, expected), "{path}");
    }
}

#[tokio::test]
async fn without_its_database_it_lives_but_is_not_ready() {
    let app = TestApp::with(Choices { database_is_unavailable: true, ..Choices::default() });
    for path in ["/health", "/health/liveness"] {
        assert_eq!(app.get(path).await.status, StatusCode::OK, "restarting it would not help");
    }
    let answer = app.get("/health/readiness").await;
    assert_eq!((answer.status, answer.text()), (StatusCode::SERVICE_UNAVAILABLE, r#"{"status":"DOWN"}"#));
    assert_eq!(answer.header("retry-after"), Some("5"));
}
