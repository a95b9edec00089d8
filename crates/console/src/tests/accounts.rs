//! Merchant accounts: added once, entered, verified, activated, rotated and retired, without a secret coming out.

use http::StatusCode;
use payment_domain::{AuditAction, Role};
use payment_store::AuditQuery;
use payment_testing::provider::LoginProvider;
use serde_json::json;

use super::logins::{beside_provider_with, entered};
use super::{Browser, Page, World, world, world_with};

const SECRET: &str = "secret-0F1E2D3C4B5A";
const NEXT_SECRET: &str = "secret-99887766554C";

/// The address of a page without the console's path and the query.
fn path(location: &str) -> String {
    location.strip_prefix(super::BASE).unwrap().split('?').next().unwrap().to_owned()
}

pub(super) async fn added(admin: &Browser<'_>, tenant: &str, service: &str, label: &str) -> String {
    let fields = [("tenant", tenant), ("service", service), ("gateway", "FAKE"), ("label", label)];
    let page = admin.post("/accounts/new", &fields).await;
    assert_eq!(page.status, StatusCode::SEE_OTHER, "{}", page.text);
    path(page.location())
}

/// The version in the forms of a page.
fn version(page: &Page) -> String {
    page.attribute("input", ("name", "version"), "value")
}

async fn act(admin: &Browser<'_>, account: &str, step: &str, fields: &[(&str, &str)]) -> Page {
    let form = match step {
        "verify" => admin.get(account).await,
        _ => admin.get(&format!("{account}/{step}")).await,
    };
    assert_eq!(form.status, StatusCode::OK, "{step}: {}", form.text);
    form.check();
    let version = version(&form);
    let mut all = vec![("version", version.as_str())];
    all.extend_from_slice(fields);
    admin.post(&format!("{account}/{step}"), &all).await
}

pub(super) async fn enter(admin: &Browser<'_>, account: &str, merchant: &str, secret: &str) -> Page {
    act(admin, account, "enter", &[("field.fake.merchant", merchant), ("field.fake.key", secret)]).await
}

async fn activated(admin: &Browser<'_>, account: &str, merchant: &str, secret: &str) {
    for done in [
        enter(admin, account, merchant, secret).await,
        act(admin, account, "verify", &[]).await,
        act(admin, account, "activate", &[]).await,
    ] {
        assert_eq!(done.status, StatusCode::SEE_OTHER, "{}", done.text);
    }
}

async fn admin(world: &World) -> Browser<'_> {
    world.log_in("admin", &[(Role::Admin, "pb"), (Role::Auditor, "pb")]).await
}

#[tokio::test]
async fn an_account_is_rotated_step_by_step_and_no_page_has_a_byte_of_its_secrets() {
    let world = world();
    let admin = admin(&world).await;
    let account = added(&admin, "pb.amritsar", "", "Amritsar <b>").await;
    let words = admin.get(&account).await.words();
    assert!(words.contains("Enter its credentials.") && words.contains("Amritsar <b>"), "{words}");
    activated(&admin, &account, "AMRITSAR", SECRET).await;
    let words = admin.get(&account).await.words();
    assert!(
        words.contains("payments are made with version 1") && words.contains("fake.key: …4B5A"),
        "{words}"
    );

    assert_eq!(enter(&admin, &account, "AMRITSAR", NEXT_SECRET).await.status, StatusCode::SEE_OTHER);
    let words = admin.get(&account).await.words();
    assert!(words.contains("Verify version 2") && words.contains("Version 1 ✓ Active"), "{words}");
    act(&admin, &account, "verify", &[]).await;
    let confirm = admin.get(&format!("{account}/activate")).await.words();
    for said in [
        "New payments of pb.amritsar, service All, go to the merchant of Amritsar <b> from now on.",
        "Version 1 is retired, and verifies callbacks until",
    ] {
        assert!(confirm.contains(said), "{said}: {confirm}");
    }
    act(&admin, &account, "activate", &[]).await;
    let words = admin.get(&account).await.words();
    assert!(words.contains("Version 2 ✓ Active") && words.contains("Version 1 ✗ Retired"), "{words}");
    assert!(words.contains("Verifies callbacks until"), "{words}");

    let other = enter(&admin, &account, "NABHA", SECRET).await;
    assert_eq!(other.status, StatusCode::BAD_REQUEST, "another merchant is another account");
    let wrong = act(&admin, &account, "enter", &[("field.fake.key", SECRET), ("field.unknown", "x")]).await;
    assert_eq!(wrong.status, StatusCode::BAD_REQUEST);
    wrong.check();
    assert!(wrong.words().contains("unknown is no field of an account of FAKE"), "{}", wrong.words());
    let pages = [
        "/accounts".to_owned(),
        "/accounts?tenant=pb.amritsar".to_owned(),
        account.clone(),
        format!("{account}/enter"),
        format!("{account}/retire"),
        format!("{account}/retire?credential=1"),
        "/audit".to_owned(),
        "/".to_owned(),
    ];
    let mut shown = vec![other, wrong];
    for page in pages {
        shown.push(admin.get(&page).await);
    }
    for page in shown {
        page.check();
        let headers = format!("{:?}", page.headers);
        for secret in [SECRET, NEXT_SECRET] {
            assert!(!page.text.contains(secret) && !headers.contains(secret), "{}", page.text);
        }
    }
}

#[tokio::test]
async fn a_form_of_an_account_that_is_sent_twice_adds_one_and_a_stale_one_changes_nothing() {
    let world = world();
    let admin = admin(&world).await;
    let token = admin.token().await;
    let fields =
        [("form_token", token.as_str()), ("tenant", "pb.amritsar"), ("gateway", "FAKE"), ("label", "One")];
    let (one, two) = tokio::join!(
        admin.post_raw("/accounts/new", &[("sec-fetch-site", "same-origin")], &fields),
        admin.post_raw("/accounts/new", &[("sec-fetch-site", "same-origin")], &fields)
    );
    assert!(one.location().contains("/accounts/") && one.location() == two.location(), "{}", two.text);
    let account = path(one.location());
    let other =
        [("form_token", token.as_str()), ("tenant", "pb.nabha"), ("gateway", "FAKE"), ("label", "Two")];
    let changed = admin.post_raw("/accounts/new", &[("sec-fetch-site", "same-origin")], &other).await;
    assert_eq!(changed.status, StatusCode::CONFLICT, "the form was carried out with other entries");
    assert_eq!(world.store.merchant_accounts().await.unwrap().accounts.len(), 1);

    enter(&admin, &account, "AMRITSAR", SECRET).await;
    let stale = [("version", "1"), ("field.fake.merchant", "OTHER"), ("field.fake.key", NEXT_SECRET)];
    for step in ["enter", "verify", "activate", "retire"] {
        let page = admin.post(&format!("{account}/{step}"), &stale).await;
        assert_eq!(page.status, StatusCode::CONFLICT, "{step}");
        assert!(page.words().contains("has changed meanwhile"), "{step}: {}", page.words());
    }
    let unnumbered = admin.post(&format!("{account}/verify"), &[]).await;
    assert_eq!(unnumbered.status, StatusCode::BAD_REQUEST, "a form without the version it has seen");
    let words = admin.get(&account).await.words();
    assert!(words.contains("fake.merchant: AMRITSAR") && words.contains("Verify version 1"), "{words}");
}

#[tokio::test]
async fn which_account_takes_a_payment_is_told_with_the_reasons() {
    let world = world();
    let admin = admin(&world).await;
    let state = added(&admin, "pb", "", "State account").await;
    activated(&admin, &state, "STATE", SECRET).await;
    let water = added(&admin, "pb.amritsar", "WS", "Amritsar water").await;
    activated(&admin, &water, "WATER", SECRET).await;
    let idle = added(&admin, "pb.amritsar", "", "Amritsar new").await;
    let told = async |query: &str| {
        let page = admin.get(&format!("/accounts?{query}")).await;
        page.check();
        page.words()
    };
    let of_water = told("tenant=pb.amritsar&service=WS").await;
    for said in [
        "FAKE Amritsar water",
        "pb.amritsar · WS · Amritsar water: takes them, with version 1 of its credentials",
        "pb.amritsar · All · Amritsar new: has no active credentials",
        "pb · All · State account: is behind another account",
        "SANDBOX The configuration file's account",
    ] {
        assert!(of_water.contains(said), "{said}: {of_water}");
    }
    let of_tax = told("tenant=pb.amritsar&service=PT").await;
    assert!(
        of_tax.contains("pb · All · State account: takes them") && !of_tax.contains("· WS ·"),
        "{of_tax}"
    );
    let clerk = world.log_in("clerk", &[(Role::Auditor, "pb.amritsar")]).await;
    let inherited = clerk.get("/accounts?tenant=pb.amritsar&service=PT").await.words();
    assert!(inherited.contains("An account of pb") && !inherited.contains("State account"), "{inherited}");
    assert_eq!(clerk.get("/accounts?tenant=pb").await.status, StatusCode::FORBIDDEN);
    assert_eq!(clerk.get(&state).await.status, StatusCode::NOT_FOUND);
    assert_eq!(clerk.get(&format!("{water}/enter")).await.status, StatusCode::FORBIDDEN);
    let retired = act(&admin, &state, "retire", &[]).await;
    assert_eq!(retired.status, StatusCode::SEE_OTHER, "{}", retired.text);
    assert!(told("tenant=pb").await.contains("State account: is retired"));
    enter(&admin, &idle, "IDLE", SECRET).await;
    let wipe = admin.get(&format!("{idle}/retire?credential=1")).await;
    let wiped =
        admin.post(&format!("{idle}/retire"), &[("version", &version(&wipe)), ("credential", "1")]).await;
    assert!(wiped.location().ends_with("said=wiped"), "{}", wiped.text);
}

#[tokio::test]
async fn the_holder_of_a_link_is_no_second_person() {
    let world = world_with(|console| console.accounts.settings.second_person = true);
    let admin = admin(&world).await;
    let account = added(&admin, "pb.amritsar", "", "Amritsar").await;
    let page = enter(&admin, &account, "AMRITSAR", SECRET).await;
    assert_eq!(page.status, StatusCode::FORBIDDEN, "{}", page.text);
    assert!(page.words().contains("entered and activated by two people"), "{}", page.words());
    let elsewhere = world.log_in("other", &[(Role::Admin, "pb.nabha")]).await;
    for step in ["", "/enter", "/activate", "/retire"] {
        assert_eq!(elsewhere.get(&format!("{account}{step}")).await.status, StatusCode::NOT_FOUND, "{step}");
    }
    for step in ["enter", "verify", "activate", "retire"] {
        let page = elsewhere.post(&format!("{account}/{step}"), &[("version", "1")]).await;
        assert_eq!(page.status, StatusCode::NOT_FOUND, "{step}");
    }
    let foreign = [("tenant", "pb.amritsar"), ("gateway", "FAKE"), ("label", "x")];
    assert_eq!(elsewhere.post("/accounts/new", &foreign).await.status, StatusCode::FORBIDDEN);
}

/// A person with these roles at the login provider, logged in.
async fn person<'a>(world: &'a World, provider: &LoginProvider, subject: &str, name: &str) -> Browser<'a> {
    let roles = ["PG_ADMIN@pb", "PG_AUDITOR@pb"];
    provider.set_person(json!({"sub": subject, "name": name, "roles": roles}));
    entered(world, provider).await
}

#[tokio::test]
async fn one_person_enters_credentials_and_another_activates_them() {
    let (world, provider) =
        beside_provider_with(|console| console.accounts.settings.second_person = true).await;
    let asha = person(&world, &provider, "s-1", "Asha Rani").await;
    let account = added(&asha, "pb.amritsar", "", "Amritsar").await;
    assert_eq!(enter(&asha, &account, "AMRITSAR", SECRET).await.status, StatusCode::SEE_OTHER);
    assert_eq!(act(&asha, &account, "verify", &[]).await.status, StatusCode::SEE_OTHER);
    let confirm = asha.get(&format!("{account}/activate")).await.words();
    assert!(confirm.contains("Another person activates than the one who entered them"), "{confirm}");
    // Also in another session, under another name.
    let again = person(&world, &provider, "s-1", "A. Rani").await;
    for own in [&asha, &again] {
        let refused = act(own, &account, "activate", &[]).await;
        assert_eq!(refused.status, StatusCode::FORBIDDEN, "{}", refused.text);
        refused.check();
        let words = refused.words();
        assert!(words.contains("Another person than the one who entered the credentials"), "{words}");
    }
    let query = AuditQuery { action: Some(AuditAction::Refused), limit: 9, ..AuditQuery::default() };
    assert_eq!(world.store.audit_entries(&query).await.unwrap().len(), 2, "each refusal is recorded");
    let waiting = asha.get(&account).await.words();
    assert!(waiting.contains("Activate version 1") && !waiting.contains("✓ Active"), "{waiting}");

    let bala = person(&world, &provider, "s-2", "Bala").await;
    let done = act(&bala, &account, "activate", &[]).await;
    assert!(done.location().ends_with("said=activated"), "{}", done.text);
    let page = asha.get(&account).await;
    page.check();
    let words = page.words();
    assert!(
        words.contains("Version 1 ✓ Active") && words.contains("payments are made with version 1"),
        "{words}"
    );
    let signed = |step: &str| {
        let behind = words.split(&format!("{step}: ")).nth(1).unwrap_or_else(|| panic!("{step}: {words}"));
        behind.split_once(" · ").unwrap().1.split_whitespace().next().unwrap().to_owned()
    };
    assert_eq!(signed("Entered"), signed("Verified"));
    assert_ne!(signed("Entered"), signed("Activated"), "two people");
}
