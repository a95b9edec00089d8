//! Every guarded route, asked by every role, at its own tenant and at a foreign one.

use std::collections::BTreeMap;

use http::{Method, StatusCode};
use payment_domain::Role;
use payment_store::AuditQuery;
use secrecy::SecretString;
use serde_json::{Value, json};

use super::super::{ACTS, AUDITS, READS};
use super::attention::paid_late;
use crate::ContextPath;
use crate::account;
use crate::identity::IdentityProof;
use crate::refund;
use crate::testing::{Answer, Choices, TestApp, request, request_info_of};
use crate::tokens::ADMINS;

pub(crate) const SECRET: &str = "0123456789abcdef0123456789abcdef";

pub(crate) fn app() -> TestApp {
    TestApp::with(Choices { identity: proof(), ..Choices::default() })
}

pub(crate) fn proof() -> IdentityProof {
    IdentityProof::Header {
        name: http::HeaderName::from_static("x-identity-secret"),
        secret: SecretString::from(SECRET),
    }
}

/// The `RequestInfo` of an employee with one role.
pub(crate) fn info(uuid: &str, role: &str, tenant: &str) -> Value {
    let mut info = request_info_of(uuid, "EMPLOYEE", tenant);
    info["userInfo"]["roles"] = json!([{"code": role, "tenantId": tenant}]);
    info
}

/// Posts a body whose `RequestInfo` the API gateway vouches for.
pub(crate) async fn vouched(app: &TestApp, path: &str, body: &Value) -> Answer {
    let headers = [("content-type", "application/json"), ("x-identity-secret", SECRET)];
    app.send(request(Method::POST, path, &headers, body.to_string().into())).await
}

/// The role that a guarded route requires of its caller.
enum Guard {
    /// The role at a state.
    Installation(&'static [Role]),
    /// The same, of a caller with a name.
    OwnInstallation(&'static [Role]),
    /// The role anywhere; what lies elsewhere is not found.
    Scope(&'static [Role]),
    /// A caller with a name and the role anywhere: the shared token does not do.
    Own(&'static [Role]),
}

use Guard::{Installation, Own, OwnInstallation, Scope};

fn guards() -> BTreeMap<&'static str, (Guard, Value)> {
    BTreeMap::from([
        ("/account/v1/_activate", (Own(account::MANAGES), json!({}))),
        ("/account/v1/_create", (Own(account::MANAGES), json!({}))),
        ("/account/v1/_enter", (Own(account::MANAGES), json!({}))),
        ("/account/v1/_fields", (Own(account::SEES), json!({}))),
        ("/account/v1/_import", (Own(account::MANAGES), json!({}))),
        ("/account/v1/_retire", (Own(account::MANAGES), json!({}))),
        ("/account/v1/_search", (Own(account::SEES), json!({}))),
        ("/account/v1/_verify", (Own(account::MANAGES), json!({}))),
        ("/audit/v1/_checkpoint", (Own(AUDITS), json!({}))),
        ("/audit/v1/_export", (OwnInstallation(AUDITS), json!({}))),
        ("/audit/v1/_search", (Installation(AUDITS), json!({}))),
        ("/audit/v1/_show", (Scope(AUDITS), json!({"number": 1}))),
        ("/audit/v1/_verify", (Installation(AUDITS), json!({}))),
        ("/jobs/v1/_search", (Installation(READS), json!({}))),
        ("/jobs/v1/_history", (Installation(READS), json!({}))),
        ("/jobs/v1/{name}/_run", (Installation(ACTS), json!({}))),
        ("/attention/v1/_search", (Scope(READS), json!({}))),
        ("/attention/v1/{id}/_show", (Scope(READS), json!({}))),
        ("/attention/v1/{id}/_resolve", (Scope(ACTS), json!({"reason": "seen to", "by": "another person"}))),
        ("/reconciliation/v1/_run", (Installation(ACTS), json!({"dryRun": true}))),
        ("/refund/v1/_approve", (Own(refund::CHECKS), json!({}))),
        ("/refund/v1/_count", (Scope(refund::READS), json!({}))),
        ("/refund/v1/_create", (Own(refund::MAKES), json!({}))),
        ("/refund/v1/_reject", (Own(refund::CHECKS), json!({}))),
        ("/refund/v1/_search", (Scope(refund::READS), json!({}))),
        ("/refund/v1/_update", (Own(refund::ASKS), json!({}))),
        ("/refund/v1/_withdraw", (Own(refund::MAKES), json!({}))),
        ("/tokens/v1/_issue", (Own(ADMINS), json!({}))),
        ("/tokens/v1/_search", (Own(ADMINS), json!({}))),
        ("/tokens/v1/{id}/_revoke", (Own(ADMINS), json!({}))),
    ])
}

/// The routes that ask for proof, out of the router's own list, with their methods.
fn guarded() -> Vec<(String, Vec<Method>)> {
    let document = serde_json::to_value(crate::document(&ContextPath::default())).unwrap();
    let mut guarded = Vec::new();
    for (path, operations) in document["paths"].as_object().unwrap() {
        let secured = operations
            .as_object()
            .unwrap()
            .iter()
            .filter(|(_, operation)| operation["security"].is_array())
            .map(|(method, _)| Method::from_bytes(method.to_uppercase().as_bytes()).unwrap());
        let secured: Vec<Method> = secured.collect();
        if !secured.is_empty() {
            guarded.push((path.clone(), secured));
        }
    }
    guarded
}

fn filled(path: &str) -> String {
    path.replace("{name}", "test").replace("{id}", "1")
}

#[tokio::test]
async fn every_guarded_route_is_open_to_its_roles_alone() {
    let guards = guards();
    let listed: Vec<String> = guarded().into_iter().map(|(path, _)| path).collect();
    let known: Vec<&str> = guards.keys().copied().collect();
    assert_eq!(listed, known, "a new route says here whom it serves");

    for (path, (guard, body)) in &guards {
        let mut app = app();
        paid_late(&app, "bill-1").await;
        for role in Role::ALL {
            for tenant in ["pb", "pb.amritsar", "pb.nabha", "mh"] {
                if path.contains("{name}") {
                    // A job runs once at a time.
                    app = self::app();
                }
                let mut body = body.clone();
                body["RequestInfo"] = info("clerk-1", role.code(), tenant);
                let answer = vouched(&app, &filled(path), &body).await;
                if let Own(roles) = guard {
                    let is_refused = answer.status == StatusCode::FORBIDDEN;
                    assert_eq!(is_refused, !roles.contains(&role), "{path} {role:?}: {}", answer.text());
                    continue;
                }
                let expected = match guard {
                    Own(_) => continue,
                    Installation(roles) | OwnInstallation(roles)
                        if roles.contains(&role) && !tenant.contains('.') =>
                    {
                        StatusCode::OK
                    }
                    Installation(_) | OwnInstallation(_) => StatusCode::FORBIDDEN,
                    Scope(roles) if !roles.contains(&role) => StatusCode::FORBIDDEN,
                    Scope(_) if path.contains("{id}") && ["pb.nabha", "mh"].contains(&tenant) => {
                        StatusCode::NOT_FOUND
                    }
                    // The first entry is a refusal, which is of no tenant.
                    Scope(_) if *path == "/audit/v1/_show" && tenant.contains('.') => StatusCode::NOT_FOUND,
                    // The case was resolved by the first who could.
                    Scope(_) if path.ends_with("_resolve") && tenant == "pb.amritsar" => StatusCode::CONFLICT,
                    Scope(_) => StatusCode::OK,
                };
                assert_eq!(answer.status, expected, "{path} {role:?} {tenant}: {}", answer.text());
                if *path == "/attention/v1/_search" && expected == StatusCode::OK {
                    let found = answer.json()["Cases"].as_array().unwrap().len();
                    assert_eq!(found, usize::from(tenant.starts_with("pb") && tenant != "pb.nabha"));
                }
            }
        }
    }
}

#[tokio::test]
async fn who_proves_nothing_is_let_in_nowhere() {
    let app = app();
    paid_late(&app, "bill-1").await;
    for (path, (_, body)) in &guards() {
        let mut claimed = body.clone();
        claimed["RequestInfo"] = info("clerk-1", "PG_OPERATOR", "pb");
        assert_eq!(app.post(&filled(path), &claimed).await.status, StatusCode::UNAUTHORIZED, "{path}");
        let headers = [("authorization", "Bearer pgs_AAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAA")];
        let answer = app.post_with(&filled(path), &headers, &claimed).await;
        assert_eq!(answer.status, StatusCode::UNAUTHORIZED, "{path}");
        // A token that is wrong is not made good by an identity beside it.
        let headers = [headers[0], ("x-identity-secret", SECRET)];
        let answer = app.post_with(&filled(path), &headers, &claimed).await;
        assert_eq!(answer.status, StatusCode::UNAUTHORIZED, "{path}");
        let mut roleless = body.clone();
        roleless["RequestInfo"] = request_info_of("clerk-1", "EMPLOYEE", "pb");
        assert_eq!(vouched(&app, &filled(path), &roleless).await.status, StatusCode::FORBIDDEN, "{path}");
        let mut citizen = body.clone();
        citizen["RequestInfo"] = info("citizen-1", "PG_OPERATOR", "pb");
        citizen["RequestInfo"]["userInfo"]["type"] = "CITIZEN".into();
        assert_eq!(vouched(&app, &filled(path), &citizen).await.status, StatusCode::FORBIDDEN, "{path}");
    }
    assert_eq!(
        app.store.audit_entries(&AuditQuery { limit: 99, ..AuditQuery::default() }).await.unwrap(),
        []
    );
}

#[tokio::test]
async fn a_callers_claims_open_nothing_while_every_caller_is_believed() {
    for stands_alone in [false, true] {
        let app = TestApp::with(Choices { stands_alone, ..Choices::default() });
        for (path, (_, body)) in &guards() {
            for role in Role::ALL {
                let mut body = body.clone();
                body["RequestInfo"] = info("clerk-1", role.code(), "pb");
                let answer = app.post(&filled(path), &body).await;
                assert_eq!(answer.status, StatusCode::UNAUTHORIZED, "{path} {role:?}");
            }
        }
    }
}

#[tokio::test]
async fn a_named_operator_resolves_in_their_own_name_whatever_the_request_states() {
    let app = app();
    paid_late(&app, "bill-1").await;
    let body = json!({"RequestInfo": info("Clerk-9", "PG_OPERATOR", "pb.amritsar"), "reason": "seen to", "by": "other"});
    let resolved = vouched(&app, "/attention/v1/1/_resolve", &body).await;
    assert_eq!(resolved.json()["Case"]["resolution"]["by"], "clerk-9", "{}", resolved.text());
}

#[tokio::test]
async fn the_refusal_of_a_caller_with_a_role_is_recorded() {
    let app = app();
    let body = json!({"RequestInfo": info("clerk-1", "PG_VIEWER", "pb")});
    let answer = vouched(&app, "/jobs/v1/test/_run", &body).await;
    assert_eq!((answer.status, answer.codes()), (StatusCode::FORBIDDEN, vec!["FORBIDDEN".to_owned()]));
    assert!(answer.text().contains("PG_OPERATOR"), "{}", answer.text());
    let entries = app.store.audit_entries(&AuditQuery { limit: 9, ..AuditQuery::default() }).await.unwrap();
    assert_eq!(entries.len(), 1);
    for told in ["refused", "clerk-1", "PG_VIEWER", "PG_OPERATOR", "/jobs/v1/{name}/_run"] {
        assert!(entries[0].entry.contains(told), "{told}: {}", entries[0].entry);
    }
}
