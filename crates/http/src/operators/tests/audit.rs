//! The audit log: what operators do is in it, found and verified.

use http::StatusCode;
use serde_json::{Value, json};

use crate::testing::{TestApp, request_info};

async fn entries(app: &TestApp, body: Value) -> Vec<Value> {
    let answer = app.operate("/audit/v1/_search", &body).await;
    assert_eq!(answer.status, StatusCode::OK, "{}", answer.text());
    answer.json()["Entries"].as_array().unwrap().clone()
}

#[tokio::test]
async fn what_operators_do_is_in_the_audit_log_without_personal_data() {
    let app = TestApp::new();
    app.operate("/jobs/v1/test/_run", &json!({ "RequestInfo": request_info() })).await;
    let run = json!({"by": "clerk-of-amritsar", "olderThan": "1h"});
    app.operate("/reconciliation/v1/_run", &run).await;
    app.operate("/jobs/v1/unknown/_run", &json!({})).await;
    let found = entries(&app, json!({})).await;
    let acts: Vec<(&Value, &Value)> =
        found.iter().map(|entry| (&entry["entry"]["action"], &entry["entry"]["object"]["id"])).collect();
    assert_eq!(acts, [(&json!("job.run"), &json!("test")), (&json!("reconciled"), &json!(""))]);
    assert_eq!(found[1]["personal"]["name"], "cl*************ar");
    let text: Value = serde_json::from_str(found[1]["text"].as_str().unwrap()).unwrap();
    assert_eq!(text, found[1]["entry"]);
    assert_eq!(entries(&app, json!({"action": "reconciled"})).await.len(), 1);
    assert_eq!(entries(&app, json!({"after": 1, "objectKind": "transaction"})).await.len(), 1);
    assert_eq!(entries(&app, json!({"tenantId": "pb"})).await, [Value::Null; 0]);
    let wrong = app.operate("/audit/v1/_search", &json!({"action": "eaten", "limit": 0})).await;
    assert_eq!(wrong.codes(), ["Pattern.audit.action", "Range.audit.limit"]);

    let verified = app.operate("/audit/v1/_verify", &json!({})).await.json();
    assert_eq!(verified["Verification"]["broken"], Value::Null);
    assert_eq!(verified["Verification"]["entries"], 2);
    let unsigned = app.operate("/audit/v1/_checkpoint", &json!({})).await;
    assert_eq!(
        (unsigned.status, unsigned.codes()),
        (StatusCode::CONFLICT, vec!["NO_SIGNING_KEY".to_owned()])
    );
}
