//! Every page in Hindi and Punjabi, without a sentence of ours in another language.

use std::collections::BTreeSet;

use http::StatusCode;
use payment_domain::{AttentionKind, Currency, EventKind, HistoryReason, Money, Outcome, Personal, Role};
use payment_service::audit::VERIFY_JOB;
use payment_store::{Attention, AuditQuery, NewCase};
use roxmltree::Node;
use serde_json::Value;

use super::accounts::{added, enter};
use super::screens::{Run, case_of, everything};
use super::{Browser, Page, World, world};
use crate::language::Language;
use crate::routes::{ROUTES, Verb};

/// Text that people read: of elements, and of the attributes that are read aloud. What machines have written stands in
/// `code` and `pre`; a link to another language has its name.
fn texts(page: &Page) -> Vec<String> {
    let tree = page.tree();
    let is_left_out = |node: Node<'_, '_>| {
        let name = node.tag_name().name();
        matches!(name, "code" | "pre" | "script" | "style") || node.has_attribute("hreflang")
    };
    let mut texts = Vec::new();
    for node in tree.descendants().filter(|node| !node.ancestors().any(is_left_out)) {
        if node.is_text() {
            texts.extend(node.text().map(str::to_owned));
        }
        let attributes = ["aria-label", "title", "alt", "placeholder"];
        texts.extend(attributes.iter().filter_map(|name| node.attribute(*name)).map(str::to_owned));
    }
    texts
}

fn words(text: &str) -> impl Iterator<Item = &str> {
    let words = text.split(|char: char| !char.is_ascii_alphabetic());
    words.filter(|word| word.len() > 1)
}

/// Words that are the same in every language: of the translated texts themselves, codes, and the names of things.
async fn known(world: &World, language: Language, things: &[String]) -> BTreeSet<String> {
    let mut all: Vec<String> = language.texts().all().iter().map(|(_, text)| (*text).to_owned()).collect();
    all.extend(Role::ALL.map(|role| role.code().to_owned()));
    all.extend(EventKind::ALL.map(|kind| kind.as_str().to_owned()));
    all.extend(["Asha Rani", "9876543210", "asha@example.org"].map(|text| Personal::new(text).masked()));
    // Gateways and jobs of tests have no texts.
    let adapters = &world.accounts.adapters;
    let fields = adapters.gateways().into_iter().filter_map(|gateway| adapters.fields(&gateway)).flatten();
    all.extend(fields.flat_map(|field| [field.name.to_owned(), field.doc.to_owned()]));
    all.push(format!("early checks pending payments for the first time {VERIFY_JOB}"));
    // Actors and objects of the audit log are codes and ids.
    let entries =
        world.store.audit_entries(&AuditQuery { limit: 500, ..AuditQuery::default() }).await.unwrap();
    for entry in entries {
        let entry: Value = serde_json::from_str(&entry.entry).unwrap();
        let names = [&entry["actor"]["id"], &entry["object"]["kind"], &entry["object"]["id"]];
        all.extend(names.iter().filter_map(|name| name.as_str()).map(str::to_owned));
    }
    all.extend(
        [
            "CSV XLSX JSONL IST SANDBOX FAKE pb.amritsar BILL PT-1001 node",
            "request-1 Property tax RCPT creator-1 TEST",
        ]
        .map(str::to_owned),
    );
    all.extend(things.iter().cloned());
    all.iter().flat_map(|text| words(text)).map(str::to_owned).collect()
}

fn rupees(amount: &str) -> Outcome {
    Outcome::Paid { amount: Some(Money::parse(amount, Currency::INR).unwrap()) }
}

/// A case of each kind, on payments of their own.
async fn cases(world: &World) -> Vec<String> {
    let mut pages = Vec::new();
    for (nth, kind) in AttentionKind::ALL.into_iter().enumerate() {
        let id = world.pending(&format!("C{nth}"), "pb.amritsar").await;
        let NewCase { case, mut history, .. } = case_of(&id);
        history.why = HistoryReason::PutUp.with(["created", kind.as_str()]);
        let case = NewCase { case: Attention { kind, ..case }, history, ..case_of(&id) };
        assert!(world.store.raise_attention(case).await.unwrap());
        pages.extend([format!("/payments/C{nth}"), format!("/attention/{}", nth + 1)]);
    }
    pages
}

fn path(page: &Page) -> String {
    let location = page.location().strip_prefix(super::BASE).unwrap_or_else(|| panic!("{}", page.text));
    location.split('?').next().unwrap().to_owned()
}

/// Payments in every state, refunds, cases and runs; the addresses of their pages.
async fn furnished(world: &World, asha: &Browser<'_>, vera: &Browser<'_>) -> Vec<String> {
    let mut pages = Vec::new();
    for (id, outcome) in [
        ("PAID", Some(rupees("100"))),
        ("OTHER", Some(rupees("90"))),
        ("FAILED", Some(Outcome::Declined { reason: "42".to_owned() })),
        ("UNKNOWN", Some(Outcome::Unrecognised { code: "42".to_owned() })),
        ("PENDING", None),
    ] {
        let txn = world.pending(id, "pb.amritsar").await;
        match outcome {
            Some(outcome) => world.gateway.answers_for(&txn, outcome),
            None => world.gateway.is_silent_about(&txn),
        }
        asha.post(&format!("/payments/{id}/ask"), &[]).await;
        pages.push(format!("/payments/{id}"));
    }
    world.rest().await;
    for (amount, verb) in [("10", "approve"), ("20", "reject"), ("30", "")] {
        let fields = [("amount", amount), ("reason", "42"), ("reason_code", "PAID_TWICE")];
        let refund = path(&asha.post("/payments/PAID/refund", &fields).await);
        if !verb.is_empty() {
            vera.post(&format!("{refund}/{verb}"), &[("version", "1"), ("comment", "42")]).await;
        }
        pages.push(refund);
    }
    world.rest().await;
    pages.extend(cases(world).await);
    asha.post("/attention/1/take", &[("version", "1")]).await;
    asha.post("/attention/1/note", &[("note", "42")]).await;
    asha.post("/attention/2/resolve", &[("version", "1"), ("reason", "42")]).await;
    asha.post("/tokens", &[("label", "42"), ("grant", "PG_VIEWER pb"), ("days", "7")]).await;
    asha.post("/audit/verify", &[]).await;
    world.rest().await;
    pages
}

const VIEWS: [&str; 13] = [
    "/?period=30-days",
    "/?period=days&from=1&to=2",
    "/payments?status=1&from=1&amount_to=-",
    "/payments?q=0",
    "/payments?tenant=pb.amritsar&status=PENDING&pending_for=1h&receipt=none&gateway=SANDBOX&from=2026-11-01",
    "/attention?state=all",
    "/attention?owner=me",
    "/refunds?view=mine",
    "/events?state=all",
    "/tokens?state=all",
    "/accounts?tenant=pb.amritsar",
    "/0",
    "/payments/0",
];

/// The words of a page that are neither of its language nor known.
fn foreign(page: &Page, known: &BTreeSet<String>) -> Vec<String> {
    let is_foreign = |text: &String| words(text).any(|word| !known.contains(word));
    texts(page).into_iter().filter(is_foreign).map(|text| text.trim().to_owned()).collect()
}

/// A form that is refused: its sender, address and fields.
type Refused<'a> = (&'a Browser<'a>, String, &'a [(&'a str, &'a str)]);

/// Looks at pages and at refused forms in Hindi and Punjabi; gives the number of pages that were shown.
async fn check(browser: &Browser<'_>, pages: &[String], refused: &[Refused<'_>], things: &[String]) -> usize {
    let world = browser.world;
    let (mut shown, mut found) = (0, BTreeSet::new());
    for language in [Language::Hindi, Language::Punjabi] {
        let mut seen = Vec::new();
        for path in pages {
            let page = browser.get_in(language.code(), path).await;
            if !page.status.is_redirection() {
                shown += usize::from(page.status == StatusCode::OK);
                seen.push((path, page));
            }
        }
        for (sender, path, fields) in refused {
            let cookie = format!("{}; pg_language={}", sender.cookie, language.code());
            let page = Browser { world, cookie }.post(path, fields).await;
            assert!(page.status.is_client_error(), "{path}: {} {}", page.status, page.text);
            seen.push((path, page));
        }
        let known = known(world, language, things).await;
        for (path, page) in seen {
            page.check();
            assert!(page.text.contains(&format!("<html lang=\"{}\">", language.code())), "{path}");
            found.extend(foreign(&page, &known).into_iter().map(|text| format!("{path}: {text}")));
        }
    }
    assert!(found.is_empty(), "{found:#?}");
    shown
}

fn listed() -> Vec<String> {
    let listed = ROUTES.iter().filter(|route| route.verb == Verb::Get && !route.path.contains('{'));
    listed.map(|route| route.path.to_owned()).collect()
}

#[tokio::test]
async fn no_sentence_of_ours_is_left_in_english() {
    let world = world();
    let (asha, vera) = (world.log_in("asha", &everything()).await, world.log_in("vera", &everything()).await);
    let things = furnished(&world, &asha, &vera).await;
    let rival = Run::of_another_node(&world, "early").await;
    let refund = things.iter().rfind(|path| path.starts_with("/refunds/")).unwrap().clone();
    let mut pages = [things.clone(), listed(), VIEWS.map(str::to_owned).into()].concat();
    pages.extend(["/jobs/early", "/payments/PAID/refund"].map(str::to_owned));
    let refused: [Refused<'_>; 15] = [
        (&asha, "/attention/1/take".to_owned(), &[("version", "1")]),
        (&asha, "/attention/2/take".to_owned(), &[("version", "2")]),
        (&asha, "/attention/1/note".to_owned(), &[]),
        (&asha, "/payments/PENDING/refund".to_owned(), &[("amount", "1"), ("reason", "42")]),
        (&asha, "/payments/FAILED/refund".to_owned(), &[("amount", "1"), ("reason", "42")]),
        (&asha, "/payments/PAID/refund".to_owned(), &[("amount", "9999"), ("reason", "42")]),
        (&asha, "/payments/PAID/refund".to_owned(), &[("amount", "1"), ("left", "2"), ("reason", "42")]),
        (&asha, "/payments/PAID/refund".to_owned(), &[("amount", "-"), ("reason", "42")]),
        (&asha, format!("{refund}/approve"), &[("version", "1")]),
        (&vera, format!("{refund}/approve"), &[("version", "9")]),
        (&vera, format!("{refund}/withdraw"), &[("version", "1")]),
        (&asha, "/jobs/early/run".to_owned(), &[]),
        (&asha, "/tokens".to_owned(), &[("label", "42"), ("grant", "PG_VIEWER pb"), ("days", "7")]),
        (&asha, "/tokens".to_owned(), &[("label", "43"), ("grant", "PG_VIEWER pb"), ("days", "0")]),
        (&asha, "/accounts/new".to_owned(), &[("tenant", "pb.amritsar")]),
    ];
    let shown = check(&asha, &pages, &refused, &things).await;
    assert!(shown >= 2 * (things.len() + 20), "{shown} of {}", pages.len());
    rival.end(&world).await;
}

#[tokio::test]
async fn no_sentence_about_accounts_is_left_in_english() {
    let world = world();
    let admin = world.log_in("admin", &[(Role::Admin, "pb"), (Role::Auditor, "pb")]).await;
    let account = added(&admin, "pb.amritsar", "", "42").await;
    enter(&admin, &account, "AMRITSAR", "secret-0F1E2D3C4B5A").await;
    let steps = ["", "/enter", "/retire", "/retire?credential=1", "/activate"];
    let mut pages = listed();
    pages.extend(steps.map(|step| format!("{account}{step}")));
    pages.push("/accounts?tenant=pb.amritsar".to_owned());
    let refused: [Refused<'_>; 7] = [
        (&admin, "/accounts/new".to_owned(), &[("tenant", "-")]),
        (&admin, "/accounts/new".to_owned(), &[("tenant", "pb.amritsar"), ("gateway", "SANDBOX")]),
        (
            &admin,
            format!("{account}/enter"),
            &[("version", "2"), ("field.fake.key", "42"), ("field.x", "42")],
        ),
        (&admin, format!("{account}/enter"), &[("version", "2"), ("field.fake.key", "42")]),
        (&admin, format!("{account}/enter"), &[("version", "1")]),
        (&admin, format!("{account}/verify"), &[("version", "2"), ("payment", "?")]),
        (&admin, format!("{account}/activate"), &[("version", "2")]),
    ];
    let shown = check(&admin, &pages, &refused, std::slice::from_ref(&account)).await;
    assert!(shown >= 20, "{shown} of {}", pages.len());
}

#[tokio::test]
async fn a_sentence_in_english_is_found() {
    let world = world();
    let asha = world.log_in("asha", &everything()).await;
    let known = known(&world, Language::Hindi, &[]).await;
    let found = foreign(&asha.get("/sessions").await, &known);
    assert!(found.iter().any(|text| text == Language::English.texts().logins.valid_sessions), "{found:?}");
}
