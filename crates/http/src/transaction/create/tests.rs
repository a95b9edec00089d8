use http::StatusCode;
use serde_json::{Value, json};

use crate::testing::{TestApp, create_body};

#[tokio::test]
async fn what_digits_web_client_sends_creates_a_transaction() {
    let app = TestApp::new();
    let answer = app.post("/transaction/v1/_create?tenantId=pb.amritsar", &create_body("bill-1")).await;
    insta::assert_json_snapshot!(answer.shown());
}

#[tokio::test]
async fn a() {
    let app = TestApp::new();
    let answer = app.create(&json!({"RequestInfo": null})).await;
    assert_eq!(answer.status, StatusCode::BAD_REQUEST);
    insta::assert_json_snapshot!(answer.shown());
    let _: Value = answer.json();
}
