//! Forged and replayed forms, logins, cookies.

use http::{Method, StatusCode, header};
use payment_domain::{AuditActor, Grant, Personal, Role, TenantId};
use payment_store::{AuditQuery, SESSION_IDLE, SessionHolder};
use secrecy::ExposeSecret;

use super::{HOST, World, get, request, world, world_with};
use crate::routes::{Access, ROUTES, Verb};
use crate::{LoginLimits, link_path};

const SAME: (&str, &str) = ("sec-fetch-site", "same-origin");

async fn link(world: &World) -> String {
    let grants = vec![Grant { role: Role::Viewer, tenant: TenantId::new("pb").unwrap() }];
    let holder = SessionHolder { uuid: "u-asha".to_owned(), name: Personal::new("Asha"), grants };
    let issuer = AuditActor::CommandLine { user: Personal::new("root") };
    let issued = world.payments.sessions.issue_link(issuer, holder, false).await.unwrap();
    issued.secret.expose_secret().to_owned()
}

#[tokio::test]
async fn a_link_is_used_by_its_button_once_and_gives_a_cookie_of_its_own() {
    let world = world();
    let secret = link(&world).await;
    for _ in 0..2 {
        let page = world.send(get(&link_path(&secret))).await;
        assert_eq!(page.status, StatusCode::OK);
        page.check();
        assert!(page.words().contains("PG_VIEWER pb"));
    }
    let body = format!("link={secret}");
    // The cookie that a stranger has planted is not taken over.
    let planted = "pg_session=AAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAA";
    let headers = [SAME, ("cookie", planted)];
    let page = world.send(request(Method::POST, "/login/link", &headers, &body)).await;
    assert_eq!((page.status, page.location()), (StatusCode::SEE_OTHER, "/pg-service/console/"));
    let cookie = page.headers[header::SET_COOKIE].to_str().unwrap().to_owned();
    assert!(cookie.starts_with("pg_session=") && !cookie.contains(planted), "{cookie}");
    assert!(cookie.contains("HttpOnly") && cookie.contains("SameSite=Lax") && cookie.contains("Path=/;"));
    let again = world.send(request(Method::POST, "/login/link", &[SAME], &body)).await;
    assert_eq!(again.status, StatusCode::GONE);
    again.check();
    assert_eq!(world.send(get(&link_path(&secret))).await.status, StatusCode::GONE);
    let pair = cookie.split(';').next().unwrap();
    let inside = world.send(request(Method::GET, "/", &[("cookie", pair)], "")).await;
    assert_eq!(inside.status, StatusCode::OK);
}

#[tokio::test]
async fn over_https_the_cookie_is_secure_and_bound_to_its_host() {
    let world = world();
    let secret = link(&world).await;
    let headers = [("host", "pay.example.org"), ("origin", "https://pay.example.org")];
    let mut sent = request(Method::POST, "/login/link", &[], &format!("link={secret}"));
    for (name, value) in headers {
        sent.headers_mut().insert(http::HeaderName::from_static(name), value.parse().unwrap());
    }
    let page = world.send(sent).await;
    let cookie = page.headers[header::SET_COOKIE].to_str().unwrap();
    assert!(cookie.starts_with("__Host-pg_session=") && cookie.contains("; Secure;"), "{cookie}");
    assert!(cookie.contains("Path=/;") && !cookie.contains("Domain"), "{cookie}");
}

#[tokio::test]
async fn no_form_is_carried_out_that_was_not_sent_by_a_page_of_its_session() {
    let world = world();
    let all: Vec<(Role, &str)> =
        Role::ALL.into_iter().filter(|role| *role != Role::Admin).map(|role| (role, "pb")).collect();
    let (mine, other) = (world.log_in("asha", &all).await, world.log_in("mallory", &all).await);
    let (token, foreign) = (mine.token().await, other.token().await);
    let before = world.store.audit_head().await.unwrap().end.number;
    for route in ROUTES.iter().filter(|route| route.verb != Verb::Get && route.access != Access::Open) {
        for (headers, token) in [
            (&[][..], token.as_str()),
            (&[("sec-fetch-site", "cross-site")], &token),
            (&[("sec-fetch-site", "same-site")], &token),
            (&[("origin", "https://evil.example")], &token),
            (&[("origin", "null")], &token),
            (&[SAME], ""),
            (&[SAME], "00"),
            (&[SAME], &foreign),
        ] {
            let fields = [("form_token", token), ("reason", "forged"), ("version", "1"), ("key", "k")];
            let page = mine.post_raw(route.path, headers, &fields).await;
            assert_eq!(page.status, StatusCode::FORBIDDEN, "{} {headers:?} {token}", route.path);
            page.check();
        }
    }
    assert_eq!(world.store.audit_head().await.unwrap().end.number, before, "nothing was done");
    let origin = format!("http://{HOST}");
    let page = mine.post_raw("/logout", &[("origin", &origin)], &[("form_token", &token)]).await;
    assert_eq!(page.status, StatusCode::SEE_OTHER, "an old browser's own form");
}

#[tokio::test]
async fn a_cookie_proves_nothing_after_logout_and_after_its_time() {
    let world = world();
    let browser = world.log_in("asha", &[(Role::Viewer, "pb")]).await;
    let out = browser.post("/logout", &[]).await;
    assert!(out.headers[header::SET_COOKIE].to_str().unwrap().contains("Max-Age=0"));
    assert_eq!(browser.get("/").await.location(), "/pg-service/console/login");
    let browser = world.log_in("asha", &[(Role::Viewer, "pb")]).await;
    world.clock.advance(SESSION_IDLE);
    assert_eq!(browser.get("/").await.location(), "/pg-service/console/login");
    let entries = world.store.audit_entries(&AuditQuery { limit: 9, ..AuditQuery::default() }).await.unwrap();
    let actions: Vec<String> = entries
        .iter()
        .map(|entry| serde_json::from_str::<serde_json::Value>(&entry.entry).unwrap()["action"].to_string())
        .collect();
    let all = [
        "\"login-link.issued\"",
        "\"logged-in\"",
        "\"logged-out\"",
        "\"login-link.issued\"",
        "\"logged-in\"",
    ];
    assert_eq!(actions, all);
}

#[tokio::test]
async fn logins_are_rationed() {
    let world = world_with(|console| console.limits = LoginLimits { of_an_address: 3, of_all: 100 });
    let secret = link(&world).await;
    for _ in 0..3 {
        let wrong = world.send(request(Method::POST, "/login/link", &[SAME], "link=wrong")).await;
        assert_eq!(wrong.status, StatusCode::GONE);
    }
    let page = world.send(request(Method::POST, "/login/link", &[SAME], &format!("link={secret}"))).await;
    assert_eq!(page.status, StatusCode::TOO_MANY_REQUESTS);
    page.check();
    assert_eq!(world.send(get(&link_path(&secret))).await.status, StatusCode::TOO_MANY_REQUESTS);
}

#[tokio::test]
async fn the_language_is_kept_and_leads_nowhere_else() {
    let world = world();
    for (to, location) in [
        ("/pg-service/console/payments?status=PENDING", "/pg-service/console/payments?status=PENDING"),
        ("https://evil.example/", "/pg-service/console/"),
        ("//evil.example/", "/pg-service/console/"),
        ("/pg-service/console/\\evil", "/pg-service/console/"),
        ("/pg-service/console//evil.example", "/pg-service/console/"),
        ("/elsewhere", "/pg-service/console/"),
        ("", "/pg-service/console/"),
    ] {
        let query = form_urlencoded::Serializer::new(String::new()).append_pair("to", to).finish();
        let page = world.send(get(&format!("/language/hi?{query}"))).await;
        assert_eq!(page.location(), location, "{to}");
        assert!(page.headers[header::SET_COOKIE].to_str().unwrap().starts_with("pg_language=hi;"));
    }
    assert_eq!(world.send(get("/language/xx")).await.status, StatusCode::NOT_FOUND);
}

#[tokio::test]
async fn another_host_than_the_consoles_own_finds_no_page() {
    let world = world_with(|console| console.host = Some("console.example.org".to_owned()));
    let mut sent = get("/login");
    assert_eq!(world.send(get("/login")).await.status, StatusCode::NOT_FOUND);
    sent.headers_mut().insert(header::HOST, "CONSOLE.example.org:443".parse().unwrap());
    assert_eq!(world.send(sent).await.status, StatusCode::OK);
}

#[tokio::test]
async fn every_address_below_the_console_is_a_page() {
    let world = world();
    for (method, path) in [
        (Method::GET, "/nothing/here"),
        (Method::GET, "/logout"),
        (Method::DELETE, "/payments"),
        (Method::POST, "/payments"),
        (Method::GET, "/payments/%ff"),
        (Method::GET, "/assets/x/../../etc/passwd"),
    ] {
        let page = world.send(request(method, path, &[SAME], "")).await;
        assert!(
            page.status == StatusCode::NOT_FOUND || page.status == StatusCode::SEE_OTHER,
            "{path} {}",
            page.status
        );
        page.check();
    }
}

#[tokio::test]
async fn a_form_goes_on_when_the_browser_leaves_and_is_not_carried_out_again() {
    let world = world();
    let id = world.pending("T1", "pb.amritsar").await;
    let hundred = payment_domain::Money::parse("100", payment_domain::Currency::INR).unwrap();
    world.gateway.answers_for(&id, payment_domain::Outcome::Paid { amount: Some(hundred) });
    world.gateway.is_slow(std::time::Duration::from_millis(200));
    let browser = world.log_in("asha", &[(Role::Operator, "pb")]).await;
    let token = browser.token().await;
    let fields = [("form_token", token.as_str())];
    let sent = browser.post_raw("/payments/T1/ask", &[SAME], &fields);
    let left = tokio::time::timeout(std::time::Duration::from_millis(20), sent).await;
    assert!(left.is_err(), "the gateway is slow");
    let again = browser.post_raw("/payments/T1/ask", &[SAME], &fields).await;
    assert_eq!(again.location(), "/pg-service/console/payments/T1?said=asked", "the answer of the first");
    assert_eq!(world.gateway.asked(), 1);
}

#[tokio::test]
async fn errors_of_the_server_are_pages_with_the_number_of_their_request() {
    let world = world();
    for (status, said) in [
        (StatusCode::SERVICE_UNAVAILABLE, "No answer in time"),
        (StatusCode::URI_TOO_LONG, "The request was not accepted"),
        (StatusCode::PAYLOAD_TOO_LARGE, "The request was not accepted"),
        (StatusCode::INTERNAL_SERVER_ERROR, "The page cannot be shown"),
    ] {
        let response = (world.error_page)(&http::HeaderMap::new(), "request-77", status);
        let page = super::Page::read(response).await;
        assert_eq!(page.status, status);
        page.check();
        assert!(page.words().contains(said) && page.words().contains("request-77"), "{}", page.words());
    }
}
