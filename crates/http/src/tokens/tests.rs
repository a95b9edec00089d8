//! Tokens over HTTP: issued by admins, presented as bearers.

use http::StatusCode;
use payment_domain::{Grant, Personal, Role, TenantId};
use payment_service::{TokenIssuer, TokenWish};
use payment_store::{AuditQuery, HolderKind, TokenHolder};
use secrecy::ExposeSecret;
use serde_json::{Value, json};
use tracing::Level;

use crate::operators::tests::roles::{app, info, vouched};
use crate::testing::{Answer, Log, TOKEN, TestApp};

/// A token that the command line has issued.
pub(crate) async fn issued(app: &TestApp, uuid: &str, grants: &[(Role, &str)]) -> String {
    let wish = TokenWish {
        label: "test".to_owned(),
        holder: TokenHolder {
            uuid: uuid.to_owned(),
            name: Personal::new(format!("holder {uuid}")),
            kind: HolderKind::Person,
        },
        grants: grants
            .iter()
            .map(|(role, tenant)| Grant { role: *role, tenant: TenantId::new(*tenant).unwrap() })
            .collect(),
        life: std::time::Duration::from_secs(86_400),
    };
    let root = TokenIssuer::CommandLine { user: Personal::new("root") };
    app.payments.tokens.issue(&root, wish).await.unwrap().secret.expose_secret().to_owned()
}

pub(crate) async fn bearing(app: &TestApp, token: &str, path: &str, body: &Value) -> Answer {
    app.post_with(path, &[("authorization", &format!("Bearer {token}"))], body).await
}

fn wish(uuid: &str, role: &str, tenant: &str) -> Value {
    json!({"Token": {"label": "laptop", "days": 30, "holder": {"uuid": uuid, "name": format!("name of {uuid}")},
        "grants": [{"role": role, "tenantId": tenant}]}})
}

#[tokio::test]
async fn a_token_has_its_roles_until_it_is_revoked() {
    let app = app();
    let admin = issued(&app, "admin-1", &[(Role::Admin, "pb")]).await;
    let answer = bearing(&app, &admin, "/tokens/v1/_issue", &wish("u-1", "PG_VIEWER", "pb")).await;
    assert_eq!(answer.status, StatusCode::OK, "{}", answer.text());
    let (secret, id) = (answer.json()["secret"].clone(), answer.json()["Token"]["id"].clone());
    let (secret, id) = (secret.as_str().unwrap(), id.as_str().unwrap());
    assert_eq!(bearing(&app, secret, "/jobs/v1/_search", &json!({})).await.status, StatusCode::OK);
    // The caller's claims in the request add nothing.
    let claims = json!({"RequestInfo": info("other", "PG_OPERATOR", "pb")});
    let refused = bearing(&app, secret, "/jobs/v1/test/_run", &claims).await;
    assert_eq!(refused.status, StatusCode::FORBIDDEN);
    let listed = bearing(&app, &admin, "/tokens/v1/_search", &json!({})).await;
    assert!(!listed.text().contains(secret) && listed.text().contains(id), "{}", listed.text());
    let states = |answer: &Answer| -> Vec<String> {
        let tokens = answer.json()["Tokens"].as_array().unwrap().clone();
        // Both were issued in one moment.
        let states = tokens.iter().map(|token| token["state"].as_str().unwrap().to_owned());
        let mut states: Vec<String> = states.collect();
        states.sort();
        states
    };
    assert_eq!(states(&listed), ["VALID", "VALID"]);
    let path = format!("/tokens/v1/{id}/_revoke");
    assert_eq!(bearing(&app, &admin, &path, &json!({})).await.status, StatusCode::OK);
    let again = bearing(&app, &admin, &path, &json!({})).await;
    assert_eq!((again.status, again.codes()), (StatusCode::CONFLICT, vec!["TOKEN_REVOKED".to_owned()]));
    assert_eq!(bearing(&app, secret, "/jobs/v1/_search", &json!({})).await.status, StatusCode::UNAUTHORIZED);
    let all = bearing(&app, &admin, "/tokens/v1/_search", &json!({"all": true})).await;
    assert_eq!(states(&all), ["REVOKED", "VALID"]);
}

#[tokio::test]
async fn a_token_beyond_the_admins_roles_is_refused_and_recorded() {
    let app = app();
    let admin = |body: Value| {
        let mut body = body;
        body["RequestInfo"] = info("admin-1", "PG_ADMIN", "pb");
        body
    };
    for (body, status, code) in [
        (wish("Admin-1", "PG_REFUND_MAKER", "pb.amritsar"), StatusCode::FORBIDDEN, "TOKEN_OWN_REFUNDS"),
        (wish("u-1", "PG_VIEWER", "mh"), StatusCode::FORBIDDEN, "FORBIDDEN"),
        (wish("u-1", "PG_SOMETHING", "pb"), StatusCode::BAD_REQUEST, "Pattern.tokenRequest.token.grants"),
        (json!({}), StatusCode::BAD_REQUEST, "NotNull.tokenRequest.token"),
    ] {
        let answer = vouched(&app, "/tokens/v1/_issue", &admin(body)).await;
        assert_eq!((answer.status, answer.codes()[0].as_str()), (status, code), "{}", answer.text());
    }
    let entries = app.store.audit_entries(&AuditQuery { limit: 9, ..AuditQuery::default() }).await.unwrap();
    assert_eq!(entries.len(), 2, "{entries:?}");
    assert!(entries.iter().all(|entry| entry.entry.contains("refused")));
    let shared = app.operate("/tokens/v1/_issue", &wish("u-1", "PG_VIEWER", "pb")).await;
    assert_eq!(shared.status, StatusCode::UNAUTHORIZED, "the shared token issues none");
    assert_ne!(TOKEN, "");
}

#[tokio::test]
async fn no_token_is_ever_logged() {
    let log = Log::listen(Level::DEBUG);
    let app = app();
    let admin = issued(&app, "admin-1", &[(Role::Admin, "pb")]).await;
    let answer = bearing(&app, &admin, "/tokens/v1/_issue", &wish("u-1", "PG_VIEWER", "pb")).await;
    let secret = answer.json()["secret"].as_str().unwrap().to_owned();
    bearing(&app, &secret, "/jobs/v1/_search", &json!({})).await;
    let text = log.text();
    assert!(
        text.contains("/tokens/v1/_issue") && !text.contains(&secret) && !text.contains(&admin),
        "{text}"
    );
}
