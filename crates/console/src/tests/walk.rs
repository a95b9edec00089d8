//! Every route, asked by every role, at its own tenant, at a foreign one and without a session, out of the router's
//! own list.

use http::{Method, StatusCode};
use payment_domain::Role;
use payment_store::AuditQuery;

use super::{get, request, world};
use crate::routes::{Access, ROUTES, Verb};

/// A path of the route about things that there are not.
fn filled(path: &str) -> String {
    let part = |part: &str| if part.starts_with('{') { "7".to_owned() } else { part.to_owned() };
    path.split('/').map(part).collect::<Vec<_>>().join("/")
}

/// Whether the role, held at this tenant, opens the page.
pub(super) fn opens(access: Access, role: Role, tenant: &str) -> bool {
    match access {
        Access::Open | Access::Session | Access::Anyone => true,
        Access::Anywhere(roles) => roles.contains(&role),
        Access::Installation(roles) => roles.contains(&role) && !tenant.contains('.'),
    }
}

#[tokio::test]
async fn every_page_is_open_to_its_roles_alone() {
    let world = world();
    let mut asked = 0;
    for role in Role::ALL {
        for tenant in ["pb", "pb.amritsar"] {
            let browser = world.log_in("asha", &[(role, tenant)]).await;
            let token = browser.token().await;
            for route in ROUTES.iter().filter(|route| !route.path.starts_with("/logout")) {
                let path = filled(route.path);
                let page = match route.verb {
                    Verb::Get => browser.get(&path).await,
                    Verb::Post | Verb::Ask => {
                        let headers = [("sec-fetch-site", "same-origin")];
                        browser.post_raw(&path, &headers, &[("form_token", &token)]).await
                    }
                };
                let is_open = opens(route.access, role, tenant);
                assert_eq!(
                    page.status != StatusCode::FORBIDDEN,
                    is_open,
                    "{} {tenant} {path}: {} {}",
                    role.code(),
                    page.status,
                    page.text
                );
                assert!(!page.status.is_server_error(), "{path}: {}", page.text);
                asked += 1;
            }
        }
    }
    assert_eq!(asked, 12 * (ROUTES.len() - 2));
    let refused = AuditQuery { object_kind: Some("request".to_owned()), limit: 500, ..AuditQuery::default() };
    assert!(!world.store.audit_entries(&refused).await.unwrap().is_empty(), "refusals are recorded");
}

#[tokio::test]
async fn without_a_session_there_is_the_login_alone() {
    let world = world();
    for route in ROUTES {
        let path = filled(route.path);
        let page = match route.verb {
            Verb::Get => world.send(get(&path)).await,
            Verb::Post | Verb::Ask => {
                world.send(request(Method::POST, &path, &[("sec-fetch-site", "same-origin")], "")).await
            }
        };
        match (route.access, route.verb) {
            (Access::Open, _) => assert_ne!(page.status, StatusCode::UNAUTHORIZED, "{path}"),
            (_, Verb::Get) => {
                assert_eq!(
                    (page.status, page.location()),
                    (StatusCode::SEE_OTHER, "/pg-service/console/login"),
                    "{path}"
                );
            }
            (_, Verb::Post | Verb::Ask) => assert_eq!(page.status, StatusCode::UNAUTHORIZED, "{path}"),
        }
    }
}

#[tokio::test]
async fn nothing_of_a_foreign_tenant_is_found_on_any_page() {
    let world = world();
    let ours = world.pending("OURS-1", "pb.amritsar").await;
    let theirs = world.pending("THEIRS-1", "pb.nabha").await;
    let all = Role::ALL.into_iter().filter(|role| *role != Role::Admin);
    let held: Vec<(Role, &str)> = all.map(|role| (role, "pb.amritsar")).collect();
    let browser = world.log_in("asha", &held).await;
    for id in [&ours, &theirs] {
        world.store.raise_attention(case(id)).await.unwrap();
    }
    let pages = [
        "/",
        "/payments",
        "/payments?tenant=pb.nabha",
        "/payments?tenant=pb",
        "/payments?q=THEIRS-1",
        "/payments?q=BILL-THEIRS-1",
        "/payments?after=THEIRS-1",
        "/payments?receipt=none&amount_from=1",
        "/payments?pending_for=1h&before=9999999999999",
        "/refunds?tenant=pb.nabha&status=REQUESTED",
        "/attention",
        "/attention?state=all",
        "/attention?tenant=pb.nabha",
        "/refunds",
    ];
    for path in pages {
        let page = browser.get(path).await;
        assert_eq!(page.status, StatusCode::OK, "{path}");
        page.check();
        let names_theirs = page.addresses().iter().any(|address| address.contains("/payments/THEIRS-1"));
        assert!(!names_theirs, "{path}: {}", page.text);
    }
    assert!(browser.get("/payments").await.text.contains("OURS-1"));
    for path in ["/payments/THEIRS-1", "/payments/THEIRS-1/refund", "/attention/2"] {
        assert_eq!(browser.get(path).await.status, StatusCode::NOT_FOUND, "{path}");
    }
    for path in [
        "/payments/THEIRS-1/reveal",
        "/payments/THEIRS-1/ask",
        "/payments/THEIRS-1/refund",
        "/attention/2/resolve",
        "/attention/2/take",
        "/attention/2/release",
        "/attention/2/note",
    ] {
        let fields = [("reason", "curious"), ("amount", "1"), ("version", "1"), ("note", "x")];
        let page = browser.post(path, &fields).await;
        assert_eq!(page.status, StatusCode::NOT_FOUND, "{path}");
    }
    assert_eq!(world.gateway.asked(), 0);
    assert_eq!(browser.get("/payments/OURS-1").await.status, StatusCode::OK);
}

fn case(id: &payment_domain::TxnId) -> payment_store::NewCase {
    super::screens::case_of(id)
}
