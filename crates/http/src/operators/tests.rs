//! Promises of the operators' endpoints, over HTTP.

mod attention;
mod audit;
mod jobs;
mod reconciliation;
pub(crate) mod roles;

use http::StatusCode;
use serde_json::{Value, json};
use tracing::Level;

use crate::testing::{Choices, Log, TOKEN, TestApp, post_request};

/// Every endpoint of operators, with a body it takes.
fn endpoints() -> Vec<(&'static str, Value)> {
    vec![
        ("/jobs/v1/_search", json!({})),
        ("/jobs/v1/_history", json!({})),
        ("/jobs/v1/test/_run", json!({})),
        ("/attention/v1/_search", json!({})),
        ("/attention/v1/1/_show", json!({})),
        ("/attention/v1/1/_resolve", json!({"reason": "seen to", "by": "clerk-7"})),
        ("/reconciliation/v1/_run", json!({})),
        ("/audit/v1/_search", json!({})),
        ("/audit/v1/_verify", json!({})),
        ("/audit/v1/_checkpoint", json!({})),
    ]
}

#[tokio::test]
async fn without_a_token_in_the_configuration_they_are_not_there() {
    let app = TestApp::with(Choices { operators: false, ..Choices::default() });
    for (path, body) in endpoints() {
        for token in [TOKEN, ""] {
            let answer = app.post_with(path, &[("authorization", &format!("Bearer {token}"))], &body).await;
            assert_eq!(
                (answer.status, answer.codes()),
                (StatusCode::NOT_FOUND, vec!["OPERATORS_OFF".to_owned()])
            );
            assert!(answer.text().contains("operators.token"), "{}", answer.text());
        }
    }
}

#[tokio::test]
async fn a_request_without_the_token_is_refused_before_anything_is_read_or_done() {
    let app = TestApp::new();
    for (path, _) in endpoints() {
        for wrong in [
            &[][..],
            &[("authorization", "Bearer")],
            &[("authorization", "Bearer another")],
            &[("authorization", TOKEN)],
            &[("authorization", "Basic operators-token-of-a-test")],
        ] {
            // The body is not even JSON: the answer does not reveal it.
            let answer = app.send(post_request(path, wrong, "{")).await;
            assert_eq!(
                (answer.status, answer.codes()),
                (StatusCode::UNAUTHORIZED, vec!["UNAUTHORIZED".to_owned()]),
                "{path} {wrong:?}"
            );
            assert_eq!(answer.header("www-authenticate"), Some("Bearer"));
        }
    }
    let runs = app.operate("/jobs/v1/_history", &json!({})).await.json();
    assert_eq!(runs["Runs"], json!([]));
}

#[tokio::test]
async fn the_token_is_never_logged() {
    let log = Log::listen(Level::DEBUG);
    let app = TestApp::new();
    for (path, body) in endpoints() {
        app.operate(path, &body).await;
        app.post_with(path, &[("authorization", "Bearer a-wrong-token")], &body).await;
    }
    let text = log.text();
    assert!(text.contains("/jobs/v1/_search") && text.contains("UNAUTHORIZED"), "{text}");
    assert!(!text.contains(TOKEN) && !text.contains("a-wrong-token"), "{text}");
}

#[tokio::test]
async fn wrong_bodies_have_the_common_error() {
    let app = TestApp::new();
    let bearer = format!("Bearer {TOKEN}");
    for (path, _) in endpoints() {
        for (body, code) in [
            ("{", "JsonParseException"),
            ("[]", "JsonMappingException"),
            (r#"{"RequestInfo":{"userInfo":1}}"#, "JsonMappingException"),
        ] {
            let headers = [("authorization", bearer.as_str()), ("content-type", "application/json")];
            let answer = app.send(post_request(path, &headers, body)).await;
            assert_eq!(
                (answer.status, answer.codes()),
                (StatusCode::BAD_REQUEST, vec![code.to_owned()]),
                "{path}"
            );
        }
        let headers = [("authorization", bearer.as_str()), ("content-type", "text/plain")];
        let answer = app.send(post_request(path, &headers, "x")).await;
        assert_eq!(answer.codes(), ["UnsupportedMediaType"], "{path}");
    }
}

#[tokio::test]
async fn an_unavailable_database_is_reported() {
    let app = TestApp::with(Choices { database_is_unavailable: true, ..Choices::default() });
    for (path, body) in endpoints() {
        let answer = app.operate(path, &body).await;
        assert_eq!(answer.codes(), ["DATABASE_UNAVAILABLE"], "{path}");
        assert!(!answer.text().contains("/secret"), "{}", answer.text());
    }
}
