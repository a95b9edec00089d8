//! The audit log: acts of operators are in it, found and verified.

use http::{Method, StatusCode};
use payment_domain::{AuditAction, AuditActor, Clock};
use payment_service::audit::{KnownCheckpoints, act, verify_export};
use payment_store::AuditQuery;
use serde_json::{Value, json};

use super::roles;
use crate::TrustedProxies;
use crate::caller::Peer;
use crate::testing::{Choices, TestApp, request, request_info};

async fn entries(app: &TestApp, body: Value) -> Vec<Value> {
    let answer = app.operate("/audit/v1/_search", &body).await;
    assert_eq!(answer.status, StatusCode::OK, "{}", answer.text());
    answer.json()["Entries"].as_array().unwrap().clone()
}

#[tokio::test]
async fn acts_of_operators_are_in_the_audit_log_without_personal_data() {
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

#[tokio::test]
async fn an_entry_is_shown_masked_and_for_a_reason_whole_which_is_recorded() {
    let app = roles::app();
    let run = json!({"by": "clerk-of-amritsar", "olderThan": "1h"});
    app.operate("/reconciliation/v1/_run", &run).await;
    let show = async |tenant: &str, reason: Value| {
        let info = roles::info("auditor-1", "PG_AUDITOR", tenant);
        let body = json!({"RequestInfo": info, "number": 1, "reason": reason});
        roles::vouched(&app, "/audit/v1/_show", &body).await
    };
    let masked = show("pb", Value::Null).await;
    assert_eq!(masked.json()["Entry"]["personal"]["name"], "cl*************ar", "{}", masked.text());
    let shown = show("pb", "asked by the court".into()).await;
    assert_eq!(shown.json()["Entry"]["personal"]["name"], "clerk-of-amritsar", "{}", shown.text());
    let of_a_city = show("pb.amritsar", "curious".into()).await;
    assert_eq!(
        (of_a_city.status, of_a_city.codes()),
        (StatusCode::NOT_FOUND, vec!["AUDIT_ENTRY_NOT_FOUND".to_owned()])
    );
    let shared = app.operate("/audit/v1/_show", &json!({"number": 1, "reason": "curious"})).await;
    assert_eq!(shared.status, StatusCode::UNAUTHORIZED, "who sees personal values has a name");
    let found = entries(&app, json!({"after": 1})).await;
    assert_eq!((found.len(), &found[0]["entry"]["action"]), (1, &json!("revealed")), "{found:?}");
    assert_eq!(found[0]["entry"]["actor"]["id"], "auditor-1");
}

#[tokio::test]
async fn the_exported_log_is_verified_elsewhere_and_its_export_is_recorded_first() {
    let app = roles::app();
    let many = (0..1_001).map(|number| {
        let actor = AuditActor::Job("test");
        act(app.clock.now(), actor, AuditAction::JobRunByHand, "job", number.to_string())
    });
    app.store.record(many.collect()).await.unwrap();
    let body = json!({"RequestInfo": roles::info("auditor-1", "PG_AUDITOR", "pb")});
    let answer = roles::vouched(&app, "/audit/v1/_export", &body).await;
    assert_eq!(answer.status, StatusCode::OK, "{}", answer.text());
    assert_eq!(answer.headers["content-type"], "application/x-ndjson");
    assert_eq!(answer.text().lines().count(), 1_002);
    let verified = verify_export(answer.text().as_bytes(), KnownCheckpoints::default()).unwrap();
    assert_eq!((verified.broken, verified.entries), (None, 1_001));
    let found = entries(&app, json!({"after": 1_001})).await;
    assert_eq!(found.len(), 1, "{found:?}");
    assert_eq!(
        (&found[0]["entry"]["action"], &found[0]["entry"]["details"]["rows"]),
        (&json!("exported"), &json!(1_001))
    );
    let shared = app.operate("/audit/v1/_export", &json!({})).await;
    assert_eq!(shared.status, StatusCode::UNAUTHORIZED);
}

#[tokio::test]
async fn the_address_of_a_client_behind_a_trusted_proxy_is_recorded() {
    let proxies =
        TrustedProxies { networks: vec!["10.0.0.0/8".parse().unwrap()], ..TrustedProxies::default() };
    for (peer, recorded) in [("10.0.0.1", "203.0.113.9"), ("192.0.2.7", "192.0.2.7")] {
        let app = TestApp::with(Choices {
            identity: roles::proof(),
            proxies: proxies.clone(),
            ..Choices::default()
        });
        let body = json!({"RequestInfo": roles::info("clerk-1", "PG_VIEWER", "pb")});
        let headers = [
            ("content-type", "application/json"),
            ("x-identity-secret", roles::SECRET),
            ("x-forwarded-for", "6.6.6.6, 203.0.113.9"),
        ];
        let mut request = request(Method::POST, "/jobs/v1/test/_run", &headers, body.to_string().into());
        request.extensions_mut().insert(Peer(peer.parse().unwrap()));
        assert_eq!(app.send(request).await.status, StatusCode::FORBIDDEN);
        let query = AuditQuery { limit: 9, ..AuditQuery::default() };
        let refusal = app.store.audit_entries(&query).await.unwrap().remove(0);
        let of_address = refusal.personal.iter().filter(|personal| personal.field == "address");
        let addresses: Vec<&str> =
            of_address.map(|personal| personal.value.as_ref().unwrap().value.expose()).collect();
        assert_eq!(addresses, [recorded], "{peer}");
    }
}
