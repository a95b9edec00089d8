//! Merchant accounts over HTTP: by two people, once, within their tenants, without a secret coming out.

use http::StatusCode;
use payment_domain::{Outcome, Role, TxnId};
use payment_store::AuditQuery;
use serde_json::{Value, json};
use tracing::Level;

use crate::operators::tests::roles::app;
use crate::testing::{Answer, Log, TestApp, create_body};
use crate::tokens::tests::{bearing, issued};

const SECRET: &str = "secret-0F1E2D3C4B5A";

struct Office {
    app: TestApp,
    maker: String,
    checker: String,
}

impl Office {
    async fn open() -> Office {
        let app = app();
        let maker = issued(&app, "maker-1", &[(Role::Admin, "pb")]).await;
        let checker = issued(&app, "checker-1", &[(Role::Admin, "pb.amritsar")]).await;
        Office { app, maker, checker }
    }

    async fn post(&self, token: &str, act: &str, account: &Value) -> Answer {
        bearing(&self.app, token, &format!("/account/v1/{act}"), &json!({ "Account": account })).await
    }

    /// The account after an act that is done.
    async fn done(&self, token: &str, act: &str, account: &Value) -> Value {
        let answer = self.post(token, act, account).await;
        assert_eq!(answer.status, StatusCode::OK, "{act}: {}", answer.text());
        assert!(!answer.text().contains(SECRET), "{act}: {}", answer.text());
        answer.json()["Account"].clone()
    }

    async fn create_under(&self, token: &str, key: &str, account: &Value) -> Answer {
        let headers = [("authorization", &*format!("Bearer {token}")), ("idempotency-key", key)];
        self.app.post_with("/account/v1/_create", &headers, &json!({ "Account": account })).await
    }

    async fn found(&self, token: &str, body: &Value) -> Vec<Value> {
        let answer = bearing(&self.app, token, "/account/v1/_search", body).await;
        assert_eq!(answer.status, StatusCode::OK, "{}", answer.text());
        assert!(!answer.text().contains(SECRET), "{}", answer.text());
        answer.json()["Accounts"].as_array().unwrap().clone()
    }
}

fn amritsar() -> Value {
    json!({"tenantId": "pb.amritsar", "gateway": "FAKE", "label": "Amritsar"})
}

fn at(account: &Value) -> Value {
    json!({"id": account["id"], "version": account["version"]})
}

fn entered(account: &Value) -> Value {
    json!({"id": account["id"], "version": account["version"],
        "fields": {"fake.merchant": "AMRITSAR", "fake.key": SECRET}})
}

fn codes(answer: &Answer) -> (StatusCode, Vec<String>) {
    (answer.status, answer.codes())
}

fn refused(status: StatusCode, code: &str) -> (StatusCode, Vec<String>) {
    (status, vec![code.to_owned()])
}

#[tokio::test]
async fn an_account_is_entered_by_one_admin_and_activated_by_another_and_then_takes_payments() {
    let log = Log::listen(Level::DEBUG);
    let office = Office::open().await;
    let (maker, checker) = (office.maker.as_str(), office.checker.as_str());
    let added = office.done(maker, "_create", &amritsar()).await;
    let account = office.done(maker, "_enter", &entered(&added)).await;
    assert_eq!(account["credentials"][0]["secrets"]["fake.key"], "…4B5A");
    assert_eq!(account["credentials"][0]["fields"]["fake.merchant"], "AMRITSAR");
    let account = office.done(maker, "_verify", &at(&account)).await;
    let own = office.post(maker, "_activate", &at(&account)).await;
    assert_eq!(codes(&own), refused(StatusCode::FORBIDDEN, "ACCOUNT_SAME_USER"), "{}", own.text());
    let account = office.done(checker, "_activate", &at(&account)).await;
    assert_eq!(account["credentials"][0]["activated"]["by"], "checker-1");
    let answer = office.app.create(&create_body("B1")).await;
    assert_eq!(answer.status, StatusCode::OK, "{}", answer.text());
    let id = TxnId::new(answer.json()["Transaction"]["txnId"].as_str().unwrap()).unwrap();
    let paid_through = office.app.store.transaction(&id).await.unwrap().unwrap().account.unwrap();
    assert_eq!(paid_through.to_string(), format!("{}/1", account["id"].as_str().unwrap()));
    let account = office.done(maker, "_retire", &at(&account)).await;
    assert_eq!(
        (&account["state"], &account["credentials"][0]["state"]),
        (&json!("RETIRED"), &json!("RETIRED"))
    );
    let query = AuditQuery { object_kind: Some("account".to_owned()), limit: 99, ..AuditQuery::default() };
    let entries = office.app.store.audit_entries(&query).await.unwrap();
    let acts: Vec<Value> = entries
        .iter()
        .map(|entry| serde_json::from_str::<Value>(&entry.entry).unwrap()["action"].clone())
        .collect();
    let expected = [
        "account.added",
        "credential.entered",
        "credential.verified",
        "credential.activated",
        "credential.retired",
    ];
    assert_eq!(acts, expected);
    let refusals = AuditQuery { actor: Some("maker-1".to_owned()), limit: 99, ..AuditQuery::default() };
    let refusals = office.app.store.audit_entries(&refusals).await.unwrap();
    assert_eq!(refusals.iter().filter(|entry| entry.entry.contains("\"refused\"")).count(), 1);
    let text = log.text();
    assert!(text.contains("/account/v1/_enter") && !text.contains(SECRET), "{text}");
}

#[tokio::test]
async fn a_repeated_request_adds_one_account_and_a_key_serves_one_request() {
    let office = Office::open().await;
    let (maker, checker) = (office.maker.as_str(), office.checker.as_str());
    let first = office.create_under(maker, "k-1", &amritsar()).await.json()["Account"].clone();
    let advanced = office.done(maker, "_enter", &entered(&first)).await;
    let again = office.create_under(maker, "k-1", &amritsar()).await;
    assert_eq!((again.status, &again.json()["Account"]), (StatusCode::OK, &advanced), "{}", again.text());
    let mut other = amritsar();
    other["label"] = "Another".into();
    let reused = office.create_under(maker, "k-1", &other).await;
    assert_eq!(codes(&reused), refused(StatusCode::CONFLICT, "IDEMPOTENCY_KEY_REUSED"));
    let of_another = office.create_under(checker, "k-1", &amritsar()).await;
    assert_eq!(of_another.status, StatusCode::OK);
    assert_ne!(of_another.json()["Account"]["id"], first["id"], "a key is its holder's own");
    assert_eq!(office.found(maker, &json!({})).await.len(), 2);
}

#[tokio::test]
async fn of_an_account_that_has_moved_on_nothing_is_changed() {
    let office = Office::open().await;
    let maker = office.maker.as_str();
    let added = office.done(maker, "_create", &amritsar()).await;
    let account = office.done(maker, "_enter", &entered(&added)).await;
    for act in ["_enter", "_verify", "_activate", "_retire"] {
        let stale = office.post(maker, act, &entered(&added)).await;
        assert_eq!(codes(&stale), refused(StatusCode::CONFLICT, "ACCOUNT_CHANGED"), "{act}");
    }
    assert_eq!(office.found(maker, &json!({"id": account["id"]})).await, [account]);
}

#[tokio::test]
async fn accounts_of_other_tenants_are_not_found_and_the_auditor_changes_none() {
    let office = Office::open().await;
    let added = office.done(&office.maker, "_create", &amritsar()).await;
    let stranger = issued(&office.app, "stranger-1", &[(Role::Admin, "mh")]).await;
    let auditor = issued(&office.app, "auditor-1", &[(Role::Auditor, "pb")]).await;
    for act in ["_enter", "_verify", "_activate", "_retire"] {
        let unseen = office.post(&stranger, act, &entered(&added)).await;
        assert_eq!(codes(&unseen), refused(StatusCode::NOT_FOUND, "ACCOUNT_NOT_FOUND"), "{act}");
        let denied = office.post(&auditor, act, &entered(&added)).await;
        assert_eq!(codes(&denied), refused(StatusCode::FORBIDDEN, "FORBIDDEN"), "{act}");
    }
    assert_eq!(office.found(&stranger, &json!({})).await, [] as [Value; 0]);
    assert_eq!(office.found(&auditor, &json!({"tenantId": "pb.amritsar"})).await, [added]);
    assert_eq!(office.found(&auditor, &json!({"gateway": "OTHER"})).await, [] as [Value; 0]);
    let elsewhere =
        bearing(&office.app, &office.checker, "/account/v1/_search", &json!({"tenantId": "pb"})).await;
    assert_eq!(codes(&elsewhere), refused(StatusCode::FORBIDDEN, "FORBIDDEN"));
    let mut above = amritsar();
    above["tenantId"] = "pb".into();
    let above = office.post(&office.checker, "_create", &above).await;
    assert_eq!(codes(&above), refused(StatusCode::FORBIDDEN, "FORBIDDEN"));
    let shared = office.app.operate("/account/v1/_search", &json!({})).await;
    assert_eq!(shared.status, StatusCode::UNAUTHORIZED, "the shared token sees none");
}

#[tokio::test]
async fn wrong_requests_are_told_by_their_fields() {
    let office = Office::open().await;
    let maker = office.maker.as_str();
    let answer = bearing(&office.app, maker, "/account/v1/_fields", &json!({"gateway": "fake"})).await;
    let fields = answer.json()["Fields"].as_array().unwrap().clone();
    let is_secret = |name: &str| fields.iter().find(|field| field["name"] == name).unwrap()["secret"].clone();
    assert_eq!(
        (fields.len(), is_secret("fake.key"), is_secret("fake.merchant")),
        (2, json!(true), json!(false))
    );
    let unknown = bearing(&office.app, maker, "/account/v1/_fields", &json!({"gateway": "NONE"})).await;
    assert_eq!(codes(&unknown), refused(StatusCode::BAD_REQUEST, "INVALID_ACCOUNT"));
    let added = office.done(maker, "_create", &amritsar()).await;
    let with = |fields: Value| json!({"id": added["id"], "version": 1, "fields": fields});
    for (act, account, code) in [
        ("_create", json!({}), "NotNull.accountRequest.account.tenantId"),
        ("_create", json!({"tenantId": "pb", "gateway": "NONE", "label": "x"}), "INVALID_ACCOUNT"),
        ("_enter", json!({"version": 1}), "NotNull.accountRequest.account.id"),
        ("_enter", json!({"id": "x", "fields": {}}), "NotNull.accountRequest.account.version"),
        ("_enter", with(json!({"fake.key": SECRET})), "INVALID_ACCOUNT"),
        (
            "_enter",
            with(json!({"fake.merchant": "M", "fake.key": SECRET, "fake.more": "x"})),
            "INVALID_ACCOUNT",
        ),
        ("_retire", json!({"id": "x", "version": 1, "wipe": "yes"}), "Pattern.accountRequest.account.wipe"),
        ("_retire", json!({"id": "x", "version": 0}), "Range.accountRequest.account.version"),
    ] {
        let answer = office.post(maker, act, &account).await;
        assert_eq!(
            (answer.status, answer.codes()[0].as_str()),
            (StatusCode::BAD_REQUEST, code),
            "{act} {account}"
        );
        assert!(!answer.text().contains(SECRET));
    }
    let account = office.done(maker, "_enter", &entered(&added)).await;
    office.app.gateway.answers(Outcome::Pending);
    let unproven = office.post(maker, "_verify", &at(&account)).await;
    assert_eq!(codes(&unproven), refused(StatusCode::BAD_REQUEST, "ACCOUNT_NOT_VERIFIED"));
}

#[tokio::test]
async fn an_import_that_is_repeated_adds_nothing_and_one_of_a_foreign_tenant_nothing_at_all() {
    let office = Office::open().await;
    let import = async |token: &str, import: Value| {
        bearing(&office.app, token, "/account/v1/_import", &json!({ "Import": import })).await
    };
    let header = "tenantId,gateway,label,fake.merchant,fake.key\n";
    let csv = |lines: &str| json!({"csv": format!("{header}{lines}")});
    let two = csv(&format!("pb.amritsar,FAKE,Amritsar,M1,{SECRET}\npb.nabha,FAKE,Nabha,M2,{SECRET}\n"));
    let denied = import(&office.checker, two.clone()).await;
    assert_eq!(codes(&denied), refused(StatusCode::FORBIDDEN, "FORBIDDEN"));
    assert_eq!(office.found(&office.maker, &json!({})).await, [] as [Value; 0]);
    for (added, present) in [(2, 0), (0, 2)] {
        let answer = import(&office.maker, two.clone()).await;
        assert_eq!(answer.status, StatusCode::OK, "{}", answer.text());
        assert!(!answer.text().contains(SECRET), "{}", answer.text());
        let answer = answer.json();
        assert_eq!(
            (answer["Accounts"].as_array().unwrap().len(), &answer["present"]),
            (added, &json!(present))
        );
    }
    let listed = office.found(&office.maker, &json!({"tenantId": "pb.nabha"})).await;
    assert_eq!(listed[0]["credentials"][0]["state"], "ENTERED");
    let detail = json!({"gateway": "FAKE", "pgDetail": {"tenantId": "pb", "merchantId": "M3"}});
    for (wrong, code) in [
        (json!({}), "NotNull.accountRequest.import.csv"),
        (json!({"csv": "x", "pgDetail": {}}), "Exclusive.accountRequest.import.pgDetail"),
        (json!({"pgDetail": {}}), "NotNull.accountRequest.import.gateway"),
        (csv("pb,FAKE\n"), "INVALID_ACCOUNT"),
        (detail, "INVALID_ACCOUNT"),
    ] {
        let answer = import(&office.maker, wrong.clone()).await;
        assert_eq!((answer.status, answer.codes()[0].as_str()), (StatusCode::BAD_REQUEST, code), "{wrong}");
    }
}
