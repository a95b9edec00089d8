use std::time::Duration;

use http::{StatusCode, header};
use payment_gateway::Availability;
use serde_json::json;

use crate::testing::{TestApp, create_body};

#[tokio::test]
async fn an_unavailable_gateway_states_when_to_retry() {
    let app = TestApp::new();
    let state = |name: &str, available: bool, seconds: Option<u64>| json!({"name": name, "sandbox": false, "available": available, "retryAfterSeconds": seconds});
    let answer = app.get("/gateway/v1/_status").await;
    assert_eq!(answer.status, StatusCode::OK);
    let states = answer.json();
    assert!(states.as_array().unwrap().contains(&state("FAKE", true, None)), "{states}");

    app.gateway.is(Availability::Unavailable { retry_after: Duration::from_millis(16_001) });
    let states = app.get("/gateway/v1/_status").await.json();
    assert!(states.as_array().unwrap().contains(&state("FAKE", false, Some(17))), "{states}");
    assert!(states.as_array().unwrap().contains(&state("NETWORK", true, None)), "{states}");
}

#[tokio::test]
async fn a_create_through_an_unavailable_gateway_is_refused_with_a_retry_time() {
    let app = TestApp::new();
    app.gateway.is(Availability::Unavailable { retry_after: Duration::from_millis(16_001) });
    let answer = app.create(&create_body("BILL-1")).await;
    assert_eq!(answer.status, StatusCode::SERVICE_UNAVAILABLE);
    assert_eq!(answer.headers[header::RETRY_AFTER], "17");
    assert_eq!(answer.json()["Errors"][0]["code"], "GATEWAY_UNAVAILABLE");
    let names = app.post("/gateway/v1/_search", &json!({})).await.json();
    assert!(names.as_array().unwrap().contains(&json!("FAKE")), "it is still listed");
}
