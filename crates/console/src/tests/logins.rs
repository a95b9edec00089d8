//! Logins at a provider and as an employee of DIGIT, and what ends them.

use std::sync::Arc;
use std::time::Duration;

use http::{Method, StatusCode, header};
use payment_digit::clients::{
    Client as DigitClient, LIMITS, PasswordConfig, PasswordService, TokenConfig, TokenService,
};
use payment_domain::{RequestInfo, Role};
use payment_oidc::{Provider, ProviderSettings};
use payment_service::{ClaimMapping, Employees, RoleCodes};
use payment_simulator::digit::{Endpoint, Fault, PretendDigit};
use payment_store::AuditQuery;
use payment_testing::provider::{CLIENT, LoginProvider, SECRET, Signing, Trouble};
use serde_json::{Value, json};

use super::{BASE, Browser, NOW, Page, World, get, request, world, world_with};
use crate::{Console, LoginLimits, ProviderLogin};

const SAME: (&str, &str) = ("sec-fetch-site", "same-origin");

/// A console with a login at a provider.
async fn beside_provider() -> (World, LoginProvider) {
    beside_provider_with(|_| {}).await
}

pub(super) async fn beside_provider_with(change: impl FnOnce(&mut Console)) -> (World, LoginProvider) {
    let provider = LoginProvider::start(NOW.as_millis() / 1_000).await;
    provider.set_person(json!({"sub": "s-1", "name": "Asha Rani", "roles": ["PG_OPERATOR@pb", "cook"]}));
    let issuer = provider.url();
    let world = world_with(|console| {
        change(console);
        let settings = ProviderSettings {
            issuer: issuer.clone(),
            client_id: CLIENT.to_owned(),
            client_secret: Some(SECRET.into()),
            scopes: vec!["profile".to_owned()],
        };
        let client = payment_http_client::Client::new(payment_oidc::LIMITS).unwrap();
        let clock = console.payments.ports.clock.clone();
        console.logins.provider = Some(ProviderLogin {
            name: "City accounts".to_owned(),
            issuer,
            provider: Provider::new(settings, client, clock).unwrap(),
            claims: ClaimMapping {
                roles_claim: "roles".to_owned(),
                tenants_claim: None,
                name_claim: "name".to_owned(),
                uuid_claim: None,
                roles: Vec::new(),
                refunds_by_subject: true,
            },
        });
    });
    (world, provider)
}

/// A console beside DIGIT.
async fn beside_digit() -> (World, PretendDigit) {
    beside_digit_with(LoginLimits { of_an_address: 1000, of_all: 1000 }).await
}

async fn beside_digit_with(limits: LoginLimits) -> (World, PretendDigit) {
    let digit = PretendDigit::start().await.unwrap();
    digit.enter_employee("s3cret word ", employee("PG_OPERATOR"));
    let host = digit.url().to_owned();
    let world = world_with(|console| {
        console.limits = limits;
        let client = DigitClient::new(LIMITS).unwrap();
        let clock = console.payments.ports.clock.clone();
        let tokens = TokenService::new(&TokenConfig::at(host.clone()), &client, clock).unwrap();
        let config = PasswordConfig {
            host,
            path: "user/oauth/token".to_owned(),
            client_id: "egov-user-client".to_owned(),
            client_secret: "".into(),
        };
        let passwords = PasswordService::new(&config, &client).unwrap();
        console.logins.employees =
            Some(Employees::new(Arc::new(tokens), Arc::new(passwords), RoleCodes::default()));
    });
    (world, digit)
}

fn employee(role: &str) -> Value {
    json!({"uuid": "E-1", "type": "EMPLOYEE", "userName": "asha", "name": "Asha Rani", "tenantId": "pb.amritsar",
        "active": true, "roles": [{"code": role, "tenantId": "pb.amritsar"}, {"code": "GRO", "tenantId": "pb"}]})
}

fn cookie_of(page: &Page, name: &str) -> Option<String> {
    let all = page.headers.get_all(header::SET_COOKIE).iter().filter_map(|value| value.to_str().ok());
    let mut pairs = all.filter_map(|cookie| cookie.split(';').next());
    pairs.find(|pair| pair.starts_with(&format!("{name}="))).map(str::to_owned)
}

/// A browser that was sent to the provider and is back: the path and the cookie of its attempt.
async fn returning(world: &World, provider: &LoginProvider) -> (String, String) {
    let begun = world.send(get("/login/provider")).await;
    assert_eq!(begun.status, StatusCode::SEE_OTHER, "{}", begun.text);
    begun.check();
    let back = provider.visit(begun.location());
    let attempt = cookie_of(&begun, "pg_login").unwrap();
    (format!("/login/provider/back?code={}&state={}", back.code, back.state), attempt)
}

async fn back(world: &World, path: &str, cookie: &str) -> Page {
    world.send(request(Method::GET, path, &[("cookie", cookie)], "")).await
}

/// A browser that has logged in at the provider.
pub(super) async fn entered<'a>(world: &'a World, provider: &LoginProvider) -> Browser<'a> {
    let (path, attempt) = returning(world, provider).await;
    let page = back(world, &path, &attempt).await;
    assert_eq!(
        (page.status, page.location()),
        (StatusCode::SEE_OTHER, "/pg-service/console/"),
        "{}",
        page.text
    );
    Browser { world, cookie: cookie_of(&page, "pg_session").unwrap() }
}

/// The words of the refused logins, the oldest first.
async fn refusals(world: &World) -> Vec<String> {
    let query = AuditQuery { limit: 99, ..AuditQuery::default() };
    let entries = world.store.audit_entries(&query).await.unwrap();
    let why = entries.iter().filter_map(|entry| {
        let entry: Value = serde_json::from_str(&entry.entry).unwrap();
        let is_refused = entry["action"] == "login.refused";
        is_refused.then(|| entry["details"]["why"].as_str().unwrap().to_owned())
    });
    why.collect()
}

async fn log(world: &World) -> String {
    let query = AuditQuery { limit: 99, ..AuditQuery::default() };
    let entries = world.store.audit_entries(&query).await.unwrap();
    entries.iter().map(|entry| entry.entry.as_str()).collect()
}

#[tokio::test]
async fn the_login_page_offers_what_there_is() {
    let alone = world().send(get("/login")).await;
    alone.check();
    assert!(!alone.words().contains("City accounts") && !alone.text.contains("password"));
    let (world, _provider) = beside_provider().await;
    let page = world.send(get("/login")).await;
    page.check();
    assert!(page.addresses().contains(&format!("{BASE}/login/provider")), "{}", page.text);
    let (world, _digit) = beside_digit().await;
    let page = world.send(get("/login")).await;
    page.check();
    assert!(page.words().contains("Log in as an employee of DIGIT"));
    assert_eq!(world.send(get("/login/provider")).await.status, StatusCode::NOT_FOUND);
}

#[tokio::test]
async fn a_person_enters_by_the_provider_with_the_roles_of_their_claims() {
    let (world, provider) = beside_provider().await;
    let browser = entered(&world, &provider).await;
    let sessions = browser.get("/sessions").await;
    sessions.check();
    assert!(
        sessions.words().contains("Asha Rani (this session) PG_OPERATOR pb login provider"),
        "{}",
        sessions.words()
    );
    assert_eq!(browser.get("/accounts").await.status, StatusCode::FORBIDDEN);
    assert_eq!(browser.get("/login/provider").await.location(), "/pg-service/console/");
    let stored = world.store.valid_sessions(None, NOW, 9).await.unwrap();
    let sealed = String::from_utf8_lossy(stored[0].sealed.as_ref().unwrap()).into_owned();
    assert!(
        stored[0].holder.uuid.starts_with("oidc:") && !sealed.contains("eyJ"),
        "the ID token cannot be read"
    );
    assert!(!log(&world).await.contains("Asha"), "no name in the log");

    let out = browser.post("/logout", &[]).await;
    out.check();
    assert!(out.words().contains("You are logged out") && !out.words().contains("Asha"), "{}", out.words());
    let elsewhere = out.addresses().into_iter().find(|address| address.starts_with(&provider.url())).unwrap();
    assert!(
        elsewhere.contains("/logout?id_token_hint=eyJ") && elsewhere.contains("console%2Flogin"),
        "{elsewhere}"
    );
    assert_eq!(browser.get("/").await.location(), "/pg-service/console/login");
    assert_eq!(world.store.valid_sessions(None, NOW, 9).await.unwrap(), []);
}

#[tokio::test]
async fn an_attempt_is_completed_once_and_by_the_browser_that_began_it() {
    let (world, provider) = beside_provider().await;
    provider.give_codes_again();
    let (path, attempt) = returning(&world, &provider).await;
    let (_, others) = returning(&world, &provider).await;
    let wrong_state = path.replace("state=", "state=x");
    for (path, cookie) in
        [(path.as_str(), ""), (&path, &others), (&path, "pg_login=1.a.b.c"), (&wrong_state, &attempt)]
    {
        let page = back(&world, path, cookie).await;
        assert_eq!(page.status, StatusCode::GONE, "{path} {cookie}");
        page.check();
        assert_eq!(cookie_of(&page, "pg_login").as_deref(), Some("pg_login="), "the attempt is forgotten");
        assert_eq!(cookie_of(&page, "pg_session"), None);
    }
    assert_eq!(back(&world, &path, &attempt).await.status, StatusCode::SEE_OTHER);
    let replayed = back(&world, &path, &attempt).await;
    assert_eq!(replayed.status, StatusCode::GONE, "even where the provider gives a code again");
    assert_eq!(world.store.valid_sessions(None, NOW, 9).await.unwrap().len(), 1);
    let (late, attempt) = returning(&world, &provider).await;
    world.clock.advance(payment_oidc::ATTEMPT_LIFE);
    assert_eq!(back(&world, &late, &attempt).await.status, StatusCode::GONE);
    assert_eq!(refusals(&world).await, ["attempt"; 6]);
}

#[tokio::test]
async fn a_login_ends_the_session_that_the_browser_had_and_has_a_secret_of_its_own() {
    let (world, provider) = beside_provider().await;
    let before = world.log_in("mallory", &[(Role::Viewer, "pb")]).await;
    let (path, attempt) = returning(&world, &provider).await;
    let page = back(&world, &path, &format!("{attempt}; {}", before.cookie)).await;
    assert_eq!(page.status, StatusCode::SEE_OTHER);
    assert_ne!(cookie_of(&page, "pg_session").unwrap(), before.cookie);
    assert_eq!(before.get("/").await.location(), "/pg-service/console/login");
}

#[tokio::test]
async fn an_answer_that_proves_nothing_logs_nobody_in_and_is_recorded() {
    let (world, provider) = beside_provider().await;
    let refused = async |status: StatusCode, said: &str| {
        let (path, attempt) = returning(&world, &provider).await;
        let page = back(&world, &path, &attempt).await;
        assert_eq!(page.status, status, "{said}: {}", page.text);
        page.check();
        assert!(page.words().contains(said), "{said}: {}", page.words());
        assert_eq!(cookie_of(&page, "pg_session"), None);
    };
    provider.alter(|_, claims| claims["nonce"] = "another".into());
    refused(StatusCode::FORBIDDEN, "proves nothing: it belongs to another login").await;
    provider.be_honest();
    provider.sign(Signing::ForgedKey);
    refused(StatusCode::FORBIDDEN, "proves nothing: its signature is wrong").await;
    provider.be_honest();
    provider.set_person(json!({"sub": "s-2", "name": "<b>Bala", "roles": ["cook", "<i>gardener"]}));
    refused(
        StatusCode::FORBIDDEN,
        "known as <b>Bala, and none of your values gives a role here. roles: cook, <i>gardener",
    )
    .await;
    let (path, attempt) = returning(&world, &provider).await;
    let state = path.split("state=").nth(1).unwrap();
    let declined = format!("/login/provider/back?error=access_denied<b>&state={state}")
        .replace('<', "%3C")
        .replace('>', "%3E");
    let page = back(&world, &declined, &attempt).await;
    page.check();
    assert!(page.words().contains("has not logged you in: access_denied<b>"), "{}", page.words());
    provider.trouble(Some(Trouble::Unavailable));
    let (page, other) = (back(&world, &path, &attempt).await, "does not answer as it should");
    assert_eq!(page.status, StatusCode::SERVICE_UNAVAILABLE);
    assert!(page.words().contains(&format!("City accounts {other}")), "{}", page.words());
    assert_eq!(refusals(&world).await, ["nonce", "signature", "no role", "declined"]);
}

#[tokio::test]
async fn a_provider_that_is_down_stops_no_start_and_is_told_on_a_page() {
    let (world, provider) = beside_provider().await;
    provider.trouble(Some(Trouble::Garbage));
    let page = world.send(get("/login/provider")).await;
    assert_eq!(page.status, StatusCode::SERVICE_UNAVAILABLE);
    page.check();
    assert!(page.words().contains("City accounts does not answer as it should"), "{}", page.words());
    assert_eq!(world.send(get("/login")).await.status, StatusCode::OK);
}

async fn employee_in(world: &World, password: &str) -> Page {
    let fields = [("user_name", "asha"), ("password", password), ("tenant", "pb.amritsar")];
    let body = form_urlencoded::Serializer::new(String::new()).extend_pairs(fields).finish();
    world.send(request(Method::POST, "/login/employee", &[SAME], &body)).await
}

#[tokio::test]
async fn an_employee_enters_by_password_and_stays_as_long_as_digit_knows_them() {
    let (world, digit) = beside_digit().await;
    let page = employee_in(&world, "s3cret word ").await;
    assert_eq!(page.location(), "/pg-service/console/", "{}", page.text);
    let browser = Browser { world: &world, cookie: cookie_of(&page, "pg_session").unwrap() };
    let sessions = browser.get("/sessions").await;
    assert!(sessions.words().contains("PG_OPERATOR pb.amritsar DIGIT account"), "{}", sessions.words());
    let call = digit.calls(Endpoint::LogIn).pop().unwrap();
    assert_eq!(call.headers["authorization"], "Basic ZWdvdi11c2VyLWNsaWVudDo=");
    assert!(call.query.is_empty(), "nothing in the address");
    let stored = world.store.valid_sessions(None, NOW, 9).await.unwrap();
    let sealed = String::from_utf8_lossy(stored[0].sealed.as_ref().unwrap()).into_owned();
    assert!(!sealed.contains("token-of") && !log(&world).await.contains("s3cret"));

    // Another role now, and then none that counts here.
    let minute = Duration::from_secs(60);
    digit.log_in("token-of-E-1", employee("PG_AUDITOR"));
    world.clock.advance(minute);
    assert!(browser.get("/sessions").await.words().contains("PG_AUDITOR pb.amritsar"));
    digit.set_fault(Endpoint::UserDetails, Fault::Status500);
    world.clock.advance(minute);
    let unanswered = browser.get("/sessions").await;
    unanswered.check();
    assert_eq!(unanswered.status, StatusCode::SERVICE_UNAVAILABLE, "{}", unanswered.words());
    digit.clear_faults();
    assert_eq!(browser.get("/sessions").await.status, StatusCode::OK, "an outage ends no session");
    digit.log_in("token-of-E-1", employee("GRO"));
    world.clock.advance(minute - Duration::from_millis(1));
    assert_eq!(browser.get("/sessions").await.status, StatusCode::OK, "not asked about each time");
    world.clock.advance(Duration::from_millis(1));
    assert_eq!(browser.get("/sessions").await.location(), "/pg-service/console/login");
    digit.log_in("token-of-E-1", employee("PG_OPERATOR"));
    world.clock.advance(minute);
    assert_eq!(
        browser.get("/sessions").await.location(),
        "/pg-service/console/login",
        "it has ended for good"
    );
    assert!(log(&world).await.contains("neither token nor roles at egov-user"));
}

#[tokio::test]
async fn a_revoked_token_ends_the_session_within_a_minute_and_logout_needs_no_answer() {
    let (world, digit) = beside_digit().await;
    digit.log_in("t-1", employee("PG_VIEWER"));
    let by_token = |token: &str| request(Method::POST, "/login/employee", &[SAME], &format!("token={token}"));
    let (page, other) = (world.send(by_token("t-1")).await, world.send(by_token("t-1")).await);
    let session = |page: &Page| Browser { world: &world, cookie: cookie_of(page, "pg_session").unwrap() };
    let (browser, other) = (session(&page), session(&other));
    let token = other.token().await;
    digit.set_fault(Endpoint::UserDetails, Fault::Status500);
    world.clock.advance(Duration::from_secs(60));
    let out = other.post_raw("/logout", &[SAME], &[("form_token", &token)]).await;
    assert_eq!(out.location(), "/pg-service/console/login", "{}", out.text);
    digit.clear_faults();
    assert_eq!(other.get("/").await.location(), "/pg-service/console/login");
    assert_eq!(browser.get("/").await.status, StatusCode::OK);
    digit.log_out("t-1");
    world.clock.advance(Duration::from_secs(60));
    assert_eq!(browser.get("/").await.location(), "/pg-service/console/login");
    digit.log_in(
        "t-2",
        json!({"uuid": "c-1", "type": "CITIZEN", "roles": [{"code": "PG_ADMIN", "tenantId": "pb"}]}),
    );
    for (token, status) in [("t-2", StatusCode::FORBIDDEN), ("unknown", StatusCode::FORBIDDEN)] {
        let page = world.send(by_token(token)).await;
        assert_eq!(page.status, status);
        page.check();
    }
    assert_eq!(refusals(&world).await, ["credentials"; 2]);
}

#[tokio::test]
async fn an_employee_without_a_role_is_told_so() {
    let (world, digit) = beside_digit().await;
    let other = json!({"uuid": "e-2", "type": "EMPLOYEE", "userName": "asha", "tenantId": "pb.amritsar",
        "roles": [{"code": "GRO", "tenantId": "pb"}]});
    digit.enter_employee("other", other);
    let page = employee_in(&world, "other").await;
    page.check();
    assert_eq!(page.status, StatusCode::FORBIDDEN);
    assert!(page.words().contains("known as e-2") && page.words().contains("GRO pb"), "{}", page.words());
    digit.set_fault(Endpoint::LogIn, Fault::CutBeforeWork);
    let unanswered = employee_in(&world, "other").await;
    unanswered.check();
    assert_eq!(unanswered.status, StatusCode::SERVICE_UNAVAILABLE);
    assert_eq!(refusals(&world).await, ["no role"]);
}

#[tokio::test]
async fn passwords_are_tried_a_few_times_a_minute_from_pages_of_ours() {
    let (world, digit) = beside_digit_with(LoginLimits { of_an_address: 3, of_all: 100 }).await;
    let tries = (0..9).map(|_| employee_in(&world, "wrong"));
    let statuses: Vec<StatusCode> =
        futures_util::future::join_all(tries).await.into_iter().map(|page| page.status).collect();
    let refused = statuses.iter().filter(|status| **status == StatusCode::FORBIDDEN).count();
    assert_eq!(refused, 3, "{statuses:?}");
    assert_eq!(employee_in(&world, "s3cret word ").await.status, StatusCode::TOO_MANY_REQUESTS);
    world.clock.advance(Duration::from_secs(60));
    for _ in 0..5 {
        assert_eq!(employee_in(&world, "s3cret word ").await.status, StatusCode::SEE_OTHER);
    }
    assert_eq!(digit.count(Endpoint::LogIn), 8, "right ones are not rationed");
    let foreign = [("sec-fetch-site", "cross-site")];
    let forged = request(Method::POST, "/login/employee", &foreign, "token=token-of-E-1");
    assert_eq!(world.send(forged).await.status, StatusCode::FORBIDDEN);
}

#[tokio::test]
async fn logging_out_everywhere_ends_the_sessions_of_that_person_alone() {
    let world = world();
    let viewer = [(Role::Viewer, "pb")];
    let (first, second) = (world.log_in("asha", &viewer).await, world.log_in("asha", &viewer).await);
    let other = world.log_in("bala", &viewer).await;
    let out = first.post("/logout/everywhere", &[]).await;
    assert_eq!(out.location(), "/pg-service/console/login");
    for browser in [&first, &second] {
        assert_eq!(browser.get("/").await.location(), "/pg-service/console/login");
    }
    assert_eq!(other.get("/").await.status, StatusCode::OK);
}

#[tokio::test]
async fn a_token_of_ones_own_is_shown_once_acts_with_its_role_and_is_revoked() {
    let world = world();
    let asha = world.log_in("asha", &[(Role::Operator, "pb"), (Role::RefundMaker, "pb")]).await;
    let page = asha.get("/tokens").await;
    page.check();
    assert!(page.words().contains("PG_OPERATOR pb") && !page.text.contains("<option>PG_REFUND_MAKER"));
    let wish =
        [("label", "nightly <b>"), ("grant", "PG_OPERATOR pb"), ("tenant", "pb.amritsar"), ("days", "30")];
    let issued = asha.post("/tokens", &wish).await;
    issued.check();
    let secret = issued.words().split(' ').find(|word| word.starts_with("pgs_")).unwrap().to_owned();
    assert_eq!(asha.post("/tokens", &wish).await.status, StatusCode::CONFLICT, "a form that is sent twice");
    let tokens = &world.payments.tokens;
    let identity = tokens.identify(&secret, &RequestInfo::default()).await.unwrap().unwrap();
    let grants = identity.grants();
    assert!(
        grants.len() == 1 && grants[0].role == Role::Operator && grants[0].tenant.as_str() == "pb.amritsar"
    );
    let list = asha.get("/tokens").await;
    list.check();
    assert!(!list.text.contains(&secret) && list.words().contains("nightly <b>"), "{}", list.words());
    assert!(!list.words().contains("never"), "its use is noted: {}", list.words());
    for wrong in [
        [("label", "x"), ("grant", "PG_ADMIN pb"), ("tenant", ""), ("days", "30")],
        [("label", "x"), ("grant", "PG_OPERATOR pb"), ("tenant", ""), ("days", "91")],
        [("label", ""), ("grant", "PG_OPERATOR pb"), ("tenant", ""), ("days", "7")],
    ] {
        assert_eq!(asha.post("/tokens", &wrong).await.status, StatusCode::BAD_REQUEST, "{wrong:?}");
    }
    let wider = [("label", "x"), ("grant", "PG_OPERATOR pb"), ("tenant", "mh"), ("days", "7")];
    assert_eq!(asha.post("/tokens", &wider).await.status, StatusCode::FORBIDDEN);

    let revoke = list.addresses().into_iter().find(|address| address.ends_with("/revoke")).unwrap();
    let revoke = revoke.strip_prefix(BASE).unwrap();
    let bala = world.log_in("bala", &[(Role::Operator, "pb"), (Role::Admin, "pb.nabha")]).await;
    assert!(!bala.get("/tokens").await.words().contains("nightly"));
    assert_eq!(bala.post(revoke, &[]).await.status, StatusCode::NOT_FOUND);
    let admin = world.log_in("chand", &[(Role::Admin, "pb")]).await;
    assert!(admin.get("/tokens").await.words().contains("nightly"));
    assert_eq!(admin.post(revoke, &[]).await.location(), "/pg-service/console/tokens");
    assert_eq!(asha.post(revoke, &[]).await.status, StatusCode::CONFLICT);
    assert!(tokens.identify(&secret, &RequestInfo::default()).await.unwrap().is_none());
    assert!(asha.get("/tokens?state=all").await.words().contains("revoked"));
}
