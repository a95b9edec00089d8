//! Mutated requests: no answer is a 5xx, and each keeps the headers of a page.

use http::{Method, Request, header};
use payment_domain::Role;

use super::{BASE, HOST, world};
use crate::routes::{ROUTES, Verb};

/// Requests; `CONSOLE_MUTATIONS` sets another number.
const REQUESTS: u64 = 600;

/// A generator of no quality that gives the same numbers each time.
struct Numbers(u64);

impl Numbers {
    fn below(&mut self, end: usize) -> usize {
        self.0 ^= self.0 << 13;
        self.0 ^= self.0 >> 7;
        self.0 ^= self.0 << 17;
        usize::try_from(self.0 % u64::try_from(end).unwrap()).unwrap()
    }

    fn pick<'a>(&mut self, from: &[&'a str]) -> &'a str {
        from[self.below(from.len())]
    }
}

const PARTS: [&str; 24] = [
    "",
    "T1",
    "1",
    "0",
    "-1",
    "9223372036854775808",
    "%00",
    "%ff",
    "..",
    "%2e%2e%2f",
    "%0d%0aSet-Cookie:x=1",
    "'--",
    "%22%3E%3Cscript%3E",
    "2026-11-22",
    "0000-00-00",
    "PENDING",
    "SUCCESS",
    "1e9",
    "-0.01",
    "99999999999999.999",
    "%F0%9F%92%B8",
    "pb%25",
    "pb.amritsar",
    "logged-in",
];
const NAMES: [&str; 27] = [
    "q",
    "s",
    "receipt",
    "pending_for",
    "older",
    "topic",
    "maker",
    "token",
    "tenant",
    "status",
    "gateway",
    "service",
    "from",
    "to",
    "amount_from",
    "amount_to",
    "after",
    "before",
    "action",
    "actor",
    "object",
    "view",
    "state",
    "kind",
    "said",
    "case",
    "reason",
];

#[tokio::test]
async fn no_request_breaks_a_page() {
    let requests =
        std::env::var("CONSOLE_MUTATIONS").ok().and_then(|text| text.parse().ok()).unwrap_or(REQUESTS);
    let world = world();
    world.pending("T1", "pb.amritsar").await;
    let held: Vec<(Role, &str)> = Role::ALL.map(|role| (role, "pb")).into();
    let browser = world.log_in("asha", &held).await;
    let token = browser.token().await;
    let mut numbers = Numbers(0x5eed_1234_5678_9abc);
    for _ in 0..requests {
        let route = &ROUTES[numbers.below(ROUTES.len())];
        if route.path.starts_with("/logout") || route.path.ends_with("/end") {
            continue;
        }
        let parts =
            route.path.split('/').map(|part| if part.starts_with('{') { numbers.pick(&PARTS) } else { part });
        let path = parts.collect::<Vec<_>>().join("/");
        let fields: Vec<String> = (0..numbers.below(5))
            .map(|_| format!("{}={}", numbers.pick(&NAMES), numbers.pick(&PARTS)))
            .collect();
        let (query, body) = match route.verb {
            Verb::Get => (fields.join("&"), String::new()),
            Verb::Post | Verb::Ask => (String::new(), format!("form_token={token}&{}", fields.join("&"))),
        };
        let method = if route.verb == Verb::Get { Method::GET } else { Method::POST };
        let cookie = if numbers.below(10) == 0 { "pg_session=%00; =;;" } else { browser.cookie.as_str() };
        let request = Request::builder()
            .method(method)
            .uri(format!("{BASE}{path}?{query}"))
            .header(header::HOST, HOST)
            .header(header::COOKIE, cookie)
            .header("sec-fetch-site", "same-origin")
            .body(body.into());
        let Ok(request) = request else { continue };
        let asked = format!("{request:?}");
        let page = world.send(request).await;
        assert!(!page.status.is_server_error(), "{} {asked}\n{}", page.status, page.text);
        assert!(!page.headers.contains_key("x"), "{asked}");
        if !route.path.starts_with("/assets") || page.status.is_client_error() {
            page.check();
        }
    }
}
