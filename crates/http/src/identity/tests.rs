//! The identity of callers at every endpoint that shows or stores it.

use std::sync::Arc;
use std::sync::atomic::{AtomicBool, AtomicU32, Ordering};

use async_trait::async_trait;
use http::{Method, StatusCode};
use payment_digit::DigitError;
use payment_domain::{TxnId, UserInfo};
use serde_json::{Value, json};

use super::*;
use crate::testing::{Answer, Choices, TestApp, create_body, paid, request, request_info_of};

const SECRET: &str = "0123456789abcdef0123456789abcdef";

/// A user service that knows a few tokens.
#[derive(Default)]
struct Users {
    is_down: AtomicBool,
    asked: AtomicU32,
}

#[async_trait]
impl Tokens for Users {
    async fn user_of(&self, token: &str) -> Result<Option<UserInfo>, DigitError> {
        self.asked.fetch_add(1, Ordering::SeqCst);
        if self.is_down.load(Ordering::SeqCst) {
            return Err(DigitError::NotSent { service: "egov-user", source: "connection refused".into() });
        }
        let (uuid, kind, tenant) = match token {
            "creator" => ("creator-1", "CITIZEN", "pb"),
            "other" => ("other-1", "CITIZEN", "pb"),
            "clerk" => ("clerk-1", "EMPLOYEE", "pb.amritsar"),
            "clerk of nabha" => ("clerk-2", "EMPLOYEE", "pb.nabha"),
            "system" => ("system-uuid", "SYSTEM", "pb"),
            _ => return Ok(None),
        };
        let user = json!({"uuid": uuid, "type": kind, "tenantId": tenant, "roles": [{"code": kind}]});
        Ok(UserInfo::new(user.as_object().unwrap().clone()))
    }
}

fn by_token() -> (TestApp, Arc<Users>) {
    let users = Arc::new(Users::default());
    (app_with(IdentityProof::token(users.clone())), users)
}

fn by_header() -> TestApp {
    app_with(IdentityProof::Header {
        name: HeaderName::from_static("x-identity-secret"),
        secret: SecretString::from(SECRET),
    })
}

fn app_with(identity: IdentityProof) -> TestApp {
    TestApp::with(Choices { identity, ..Choices::default() })
}

/// A way to state an identity.
struct Claim {
    name: &'static str,
    info: Value,
    header: Option<&'static str>,
    /// The tenant's employee or the creator: callers who may see the payer.
    knows_payer: bool,
    /// The user type of the events.
    published: Value,
}

impl Claim {
    fn new(name: &'static str, info: Value) -> Claim {
        Claim { name, info, header: None, knows_payer: false, published: Value::Null }
    }

    fn with_token(self, token: &str) -> Claim {
        let mut info = self.info;
        info["authToken"] = token.into();
        Claim { info, ..self }
    }

    fn with_header(self, header: &'static str) -> Claim {
        Claim { header: Some(header), ..self }
    }

    /// The claim is proven, and events tell this user type.
    fn published(self, kind: &str) -> Claim {
        Claim { published: kind.into(), ..self }
    }

    fn knows_payer(self) -> Claim {
        Claim { knows_payer: true, ..self }
    }

    async fn send(&self, app: &TestApp, method: Method, path: &str, body: &Value) -> Answer {
        let mut headers = vec![("content-type", "application/json")];
        headers.extend(self.header.map(|secret| ("x-identity-secret", secret)));
        app.send(request(method, path, &headers, body.to_string().into())).await
    }
}

fn claimed(uuid: &str, kind: &str, tenant: &str) -> Value {
    let mut info = request_info_of(uuid, kind, tenant);
    info["authToken"] = Value::Null;
    info
}

/// Claims without proof, which are ignored.
fn forgeries(payer: &str) -> Vec<Claim> {
    vec![
        Claim::new("nothing", json!({})),
        Claim::new("no user", json!({"userInfo": null, "authToken": null})),
        Claim::new("SYSTEM", claimed("system-uuid", "SYSTEM", "pb")),
        Claim::new("system in another case", claimed("system-uuid", "System ", "pb")),
        Claim::new("CITIZEN with the payer's uuid", claimed(payer, "CITIZEN", "pb")),
        Claim::new("CITIZEN with the creator's uuid", claimed("creator-1", "CITIZEN", "pb")),
        Claim::new("EMPLOYEE of the tenant", claimed("clerk-1", "EMPLOYEE", "pb.amritsar")),
        Claim::new("EMPLOYEE of the state", claimed("clerk-1", "EMPLOYEE", "pb")),
    ]
}

async fn created_by(app: &TestApp, claim: &Claim, bill: &str) -> Value {
    let mut body = create_body(bill);
    body["RequestInfo"] = claim.info.clone();
    let answer = claim.send(app, Method::POST, "/transaction/v1/_create", &body).await;
    assert_eq!(answer.status, StatusCode::OK, "{}: {}", claim.name, answer.text());
    answer.json()["Transaction"].clone()
}

fn assert_shown(shown: &Value, txn: &Value, claim: &Claim, place: &str) {
    let place = format!("{place} for {}: {shown}", claim.name);
    assert_eq!(shown["txnId"], txn["txnId"], "{place}");
    if claim.knows_payer {
        assert_eq!(shown["user"], txn["user"], "{place}");
        assert_eq!(shown["auditDetails"]["createdBy"], txn["auditDetails"]["createdBy"], "{place}");
        assert_eq!(shown["additionalDetails"], txn["additionalDetails"], "{place}");
        assert_eq!(shown["callbackUrl"], txn["callbackUrl"], "{place}");
        return;
    }
    let members = |value: &Value| value.as_object().unwrap().keys().cloned().collect::<Vec<_>>();
    assert_eq!(members(shown), members(txn), "every member is there, {place}");
    for null in [
        "/user/uuid",
        "/auditDetails/createdBy",
        "/auditDetails/lastModifiedBy",
        "/additionalDetails",
        "/redirectUrl",
    ] {
        assert_eq!(shown.pointer(null), Some(&Value::Null), "{null} {place}");
    }
    let text = shown.to_string();
    for known in
        ["Asha", "9876543210", "creator-1", "isWhatsapp", "propertyId", txn["user"]["uuid"].as_str().unwrap()]
    {
        assert!(!text.contains(known), "{known} {place}");
    }
    assert_eq!(shown["callbackUrl"], "https://city.example.org/payment/success/PT/PT-107-000123", "{place}");
    assert_eq!(shown["user"]["mobileNumber"], "98******10", "{place}");
}

/// Every endpoint that shows a transaction, for every caller.
async fn each_caller_sees_what_their_roles_allow(app: &TestApp, creator: &Claim, claims: Vec<Claim>) {
    let txn = created_by(app, creator, "bill-1").await;
    let id = txn["txnId"].as_str().unwrap();
    let payer = txn["user"]["uuid"].as_str().unwrap();
    app.gateway.answers(paid("100"));
    for claim in forgeries(payer).into_iter().chain(claims) {
        let body = json!({ "RequestInfo": claim.info });
        let path = format!("/transaction/v1/_update?transactionId={id}");
        for method in [Method::POST, Method::GET] {
            let updated = claim.send(app, method.clone(), &path, &body).await.json();
            assert_shown(&updated["Transaction"][0], &txn, &claim, &format!("{method} _update"));
        }
        for query in
            [format!("txnId={id}"), "billId=bill-1".to_owned(), "consumerCode=PT-107-000123".to_owned()]
        {
            let path = format!("/transaction/v1/_search?{query}");
            let found = claim.send(app, Method::POST, &path, &body).await.json();
            let found = found["Transaction"].as_array().unwrap();
            // A proven caller without a relation to it does not find it.
            match found.as_slice() {
                [] => assert!(!claim.published.is_null() && !claim.knows_payer, "{}", claim.name),
                [shown] => assert_shown(shown, &txn, &claim, "_search"),
                more => panic!("{more:?}"),
            }
        }
        let all = claim.send(app, Method::POST, "/transaction/v1/_search", &body).await;
        match (claim.knows_payer, claim.published.is_null()) {
            (true, _) => assert_eq!(all.json()["Transaction"][0]["txnId"], id, "{}", claim.name),
            (false, true) => assert_eq!(all.codes(), ["SEARCH_CRITERIA_REQUIRED"], "{}", claim.name),
            (false, false) => assert_eq!(all.json()["Transaction"], json!([]), "{}", claim.name),
        }
    }
}

/// The identity that each caller's `_create` stores and publishes.
async fn callers_claims_are_published_as_far_as_they_are_proven(app: &TestApp, claims: Vec<Claim>) {
    for (number, claim) in forgeries("payer-1").into_iter().chain(claims).enumerate() {
        if !claim.info["userInfo"].is_object() {
            continue;
        }
        let txn = created_by(app, &claim, &format!("bill-{number}")).await;
        let id = TxnId::new(txn["txnId"].as_str().unwrap()).unwrap();
        for stored in app.store.events_of(&id).await.unwrap() {
            let event: Value = serde_json::from_str(&stored.event.body).unwrap();
            let user = &event["RequestInfo"]["userInfo"];
            assert_eq!(user["type"], claim.published, "{}", claim.name);
            assert_eq!(event.get("notifyPayer"), None, "{}", claim.name);
            if claim.published.is_null() {
                assert_eq!(user["uuid"], claim.info["userInfo"]["uuid"], "{}", claim.name);
                assert_eq!(txn["auditDetails"]["createdBy"], user["uuid"], "{}", claim.name);
            }
        }
    }
}

fn creator_by_token() -> Claim {
    Claim::new("the creator's token", claimed("creator-1", "CITIZEN", "pb")).with_token("creator")
}

fn token_claims() -> Vec<Claim> {
    vec![
        Claim::new("an expired token", claimed("clerk-1", "EMPLOYEE", "pb")).with_token("expired"),
        Claim::new("a token that is a number", claimed("clerk-1", "EMPLOYEE", "pb")).with_token("7"),
        Claim::new("the system user's token", claimed("system-uuid", "SYSTEM", "pb")).with_token("system"),
        Claim::new("another citizen's token", claimed("creator-1", "CITIZEN", "pb"))
            .with_token("other")
            .published("CITIZEN"),
        Claim::new(
            "a citizen's token, with the claim to be an employee",
            claimed("clerk-1", "EMPLOYEE", "pb"),
        )
        .with_token("other")
        .published("CITIZEN"),
        Claim::new("an employee's token of another tenant", claimed("clerk-1", "EMPLOYEE", "pb.amritsar"))
            .with_token("clerk of nabha")
            .published("EMPLOYEE"),
        Claim::new("an employee's token", json!({})).with_token("clerk").published("EMPLOYEE").knows_payer(),
        creator_by_token().published("CITIZEN").knows_payer(),
    ]
}

#[tokio::test]
async fn only_a_token_identifies_the_caller() {
    let (app, _) = by_token();
    each_caller_sees_what_their_roles_allow(&app, &creator_by_token(), token_claims()).await;
}

#[tokio::test]
async fn events_name_the_identity_that_a_token_proves() {
    let (app, _) = by_token();
    callers_claims_are_published_as_far_as_they_are_proven(&app, token_claims()).await;
}

#[tokio::test]
async fn a_proven_creator_is_the_user_of_the_token() {
    let (app, _) = by_token();
    let forger = Claim::new("another's token", claimed("creator-1", "CITIZEN", "pb")).with_token("other");
    assert_eq!(created_by(&app, &forger, "bill-1").await["auditDetails"]["createdBy"], "other-1");
}

#[tokio::test]
async fn an_unavailable_user_service_leaves_callers_unproven_and_fails_no_payment() {
    let (app, users) = by_token();
    let creator = creator_by_token();
    let txn = created_by(&app, &creator, "bill-1").await;
    let id = txn["txnId"].as_str().unwrap();
    users.is_down.store(true, Ordering::SeqCst);
    app.gateway.answers(paid("100"));
    created_by(&app, &creator, "bill-2").await;
    let body = json!({ "RequestInfo": creator.info });
    let path = format!("/transaction/v1/_update?transactionId={id}");
    let updated = creator.send(&app, Method::POST, &path, &body).await.json();
    assert_eq!(updated["Transaction"][0]["txnStatus"], "SUCCESS");
    assert_shown(&updated["Transaction"][0], &txn, &creator, "_update");
    let named =
        creator.send(&app, Method::POST, &format!("/transaction/v1/_search?txnId={id}"), &body).await.json();
    assert_shown(&named["Transaction"][0], &txn, &creator, "_search");
    let all = creator.send(&app, Method::POST, "/transaction/v1/_search", &body).await;
    insta::assert_snapshot!("unverified", all.shown());
    let stranger = app.post("/transaction/v1/_search", &json!({"RequestInfo": {}})).await;
    assert_eq!(stranger.codes(), ["SEARCH_CRITERIA_REQUIRED"], "who brings no token is not put off");
    users.is_down.store(false, Ordering::SeqCst);
    let all = creator.send(&app, Method::POST, "/transaction/v1/_search?billId=bill-1", &body).await.json();
    assert_eq!(all["Transaction"][0]["user"], txn["user"]);
}

#[tokio::test]
async fn only_requests_with_a_token_cause_a_call() {
    let (app, users) = by_token();
    for info in [json!({}), json!({"authToken": null}), json!({"authToken": ""}), json!({"authToken": []})] {
        app.post("/transaction/v1/_search?billId=b", &json!({ "RequestInfo": info })).await;
    }
    app.get("/transaction/v1/_redirect?eg_pg_txnid=T1").await;
    assert_eq!(users.asked.load(Ordering::SeqCst), 0);
}

#[tokio::test]
async fn user_info_counts_beside_the_secret_of_the_api_gateway() {
    let app = by_header();
    let creator = || Claim::new("the creator", claimed("creator-1", "CITIZEN", "pb")).with_header(SECRET);
    let employee = |tenant: &str| claimed("clerk-1", "EMPLOYEE", tenant);
    let claims = || {
        vec![
            Claim::new("an employee with a wrong secret", employee("pb")).with_header("wrong"),
            Claim::new("an employee with the beginning of the secret", employee("pb"))
                .with_header(&SECRET[..31]),
            Claim::new("an employee with an empty secret", employee("pb")).with_header(""),
            Claim::new("the system user", claimed("s", "SYSTEM", "pb")).with_header(SECRET),
            Claim::new("an employee of another tenant", employee("pb.nabha"))
                .with_header(SECRET)
                .published("EMPLOYEE"),
            Claim::new("an employee", employee("pb.amritsar"))
                .with_header(SECRET)
                .published("EMPLOYEE")
                .knows_payer(),
            creator().published("CITIZEN").knows_payer(),
        ]
    };
    each_caller_sees_what_their_roles_allow(&app, &creator(), claims()).await;
    callers_claims_are_published_as_far_as_they_are_proven(&by_header(), claims()).await;
}

#[tokio::test]
async fn the_api_gateways_header_counts_beside_one_that_the_client_has_sent() {
    let app = by_header();
    let body = json!({"RequestInfo": claimed("clerk-1", "EMPLOYEE", "pb")}).to_string();
    for (headers, status) in [
        (&[("x-identity-secret", "guess"), ("x-identity-secret", SECRET)][..], StatusCode::OK),
        (&[("x-identity-secret", "guess"), ("x-identity-secret", "again")], StatusCode::BAD_REQUEST),
    ] {
        let mut headers = headers.to_vec();
        headers.push(("content-type", "application/json"));
        let answer =
            app.send(request(Method::POST, "/transaction/v1/_search", &headers, body.clone().into())).await;
        assert_eq!(answer.status, status);
    }
}

#[tokio::test]
async fn the_history_names_no_unproven_user() {
    let (app, _) = by_token();
    let txn = created_by(&app, &creator_by_token(), "bill-1").await;
    let id = txn["txnId"].as_str().unwrap();
    app.gateway.answers(paid("100"));
    let forged = json!({"RequestInfo": claimed("system-uuid", "SYSTEM", "pb")});
    app.post(&format!("/transaction/v1/_update?transactionId={id}"), &forged).await;
    let id = TxnId::new(id).unwrap();
    let actors: Vec<_> =
        app.store.history(&id).await.unwrap().iter().map(|line| line.actor.id.clone()).collect();
    assert_eq!(actors, ["creator-1", "anonymous", "anonymous"]);
    let stored = app.store.transaction(&id).await.unwrap().unwrap();
    assert_eq!(stored.audit.modified_by.as_deref(), Some("anonymous"));
}
