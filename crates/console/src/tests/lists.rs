//! Lists: filters in force are shown and removed one by one, pages are whole, and words that name a person stay out
//! of addresses.

use std::time::Duration;

use futures_util::future::join_all;
use http::StatusCode;
use payment_domain::{GatewayName, Role, TenantId};
use payment_store::contract::sample;
use payment_store::{PaymentQuery, TenantScope};
use tokio::time::Instant;

use super::{BASE, Browser, NOW, Page, world};
use crate::screens::payments::look_back;

const ALL: [Role; 6] = Role::ALL;

fn everywhere() -> Vec<(Role, &'static str)> {
    ALL.into_iter().filter(|role| *role != Role::Admin).map(|role| (role, "pb")).collect()
}

/// The chips with the addresses by which they are removed.
fn chips(page: &Page) -> Vec<(String, Option<String>)> {
    let tree = page.tree();
    let list = tree.descendants().find(|node| node.attribute("class") == Some("chips")).unwrap();
    let items = list.children().filter(|node| node.tag_name().name() == "li");
    items
        .map(|item| {
            let text = item.text().unwrap_or_default().trim().to_owned();
            let link = item.descendants().find(|node| node.tag_name().name() == "a");
            (text, link.and_then(|link| link.attribute("href")).map(str::to_owned))
        })
        .collect()
}

async fn follow(browser: &Browser<'_>, href: &str) -> Page {
    browser.get(href.strip_prefix(BASE).unwrap()).await
}

#[tokio::test]
async fn each_chip_removes_its_filter_alone_and_the_page_begins_anew() {
    let world = world();
    for nth in 0..3 {
        world.pending(&format!("T{nth}"), "pb.amritsar").await;
    }
    let browser = world.log_in("asha", &everywhere()).await;
    for (path, defaults) in [
        (
            "/payments?tenant=pb.amritsar&status=PENDING&pending_for=1d&receipt=none&gateway=SANDBOX&service=PT\
             &from=2026-11-01&to=2026-11-30&amount_from=1&amount_to=200&after=T2&before=1795343400001",
            3,
        ),
        (
            "/refunds?tenant=pb.amritsar&view=decide&status=REQUESTED&gateway=SANDBOX&maker=u-maker&from=2026-11-01\
             &to=2026-11-30&amount_from=1&amount_to=200&before=1795343400001",
            4,
        ),
        ("/attention?tenant=pb.amritsar&state=resolved&kind=late-success&older=7d&after=1", 2),
        ("/events?state=dead&topic=save-pg-txns&after=1", 2),
        (
            "/audit?action=logged-in&actor=u-asha&object=x&tenant=pb&from=2026-11-01&to=2026-11-30&before=99",
            2,
        ),
    ] {
        let page = browser.get(path).await;
        assert_eq!(page.status, StatusCode::OK, "{path}");
        page.check();
        let all = chips(&page);
        assert!(all.iter().all(|(_, remove)| remove.is_some()), "each was chosen: {all:?}");
        for (text, remove) in &all {
            let without = follow(&browser, remove.as_deref().unwrap()).await;
            without.check();
            let left: Vec<String> = chips(&without).into_iter().map(|(text, _)| text).collect();
            let expected: Vec<&String> =
                all.iter().map(|(text, _)| text).filter(|other| *other != text).collect();
            assert!(expected.iter().all(|other| left.contains(other)), "{path} without {text}: {left:?}");
            assert!(!left.contains(text), "{text}: {left:?}");
            let remove = remove.as_deref().unwrap();
            assert!(!remove.contains("after=") && !remove.contains("before="), "{remove}");
            let mut once = left.clone();
            once.sort();
            once.dedup();
            assert_eq!(once.len(), left.len(), "none twice: {left:?}");
        }
        let plain = browser.get(path.split('?').next().unwrap()).await;
        assert_eq!(chips(&plain).len(), defaults, "the defaults are shown, too: {path} {:?}", chips(&plain));
    }
}

#[tokio::test]
async fn the_default_state_of_a_list_can_be_removed() {
    let world = world();
    let browser = world.log_in("asha", &everywhere()).await;
    for (path, default, all) in
        [("/attention", "Status: Open", "Status: All"), ("/events", "Status: Waiting", "Status: All")]
    {
        let page = browser.get(path).await;
        let (_, remove) = chips(&page).into_iter().find(|(text, _)| text == default).unwrap();
        let wider = chips(&follow(&browser, &remove.unwrap()).await);
        assert!(wider.contains(&(all.to_owned(), None)), "{path}: {wider:?}");
    }
}

#[tokio::test]
async fn the_form_of_a_list_has_its_filters_as_the_address_has_them() {
    let world = world();
    world.pending("T1", "pb.amritsar").await;
    world.pending("T2", "pb.nabha").await;
    let browser = world.log_in("asha", &everywhere()).await;
    let page = browser.get("/payments?tenant=pb.nabha&status=PENDING&pending_for=7d&from=2026-11-01").await;
    let chosen = |name: &str| {
        let tree = page.tree();
        let field = tree.descendants().find(|node| node.attribute("name") == Some(name)).unwrap();
        let option = field.descendants().find(|node| node.attribute("selected").is_some());
        option.unwrap_or(field).attribute("value").unwrap_or_default().to_owned()
    };
    for (name, value) in [
        ("tenant", "pb.nabha"),
        ("status", "PENDING"),
        ("pending_for", "7d"),
        ("from", "2026-11-01"),
        ("to", ""),
    ] {
        assert_eq!(chosen(name), value, "{name}");
    }
    let tenants = |page: &Page| -> Vec<String> {
        let tree = page.tree();
        let field = tree.descendants().find(|node| node.attribute("name") == Some("tenant")).unwrap();
        field.descendants().filter_map(|node| node.attribute("value")).map(str::to_owned).collect()
    };
    assert_eq!(tenants(&page), ["", "pb", "pb.amritsar", "pb.nabha"]);
    let of_city = world.log_in("vera", &[(Role::Viewer, "pb.nabha")]).await;
    assert_eq!(tenants(&of_city.get("/payments").await), ["", "pb.nabha"]);
    let foreign = of_city.get("/payments?tenant=pb.amritsar").await;
    assert!(foreign.words().contains("Nothing matches"));
}

#[tokio::test]
async fn words_that_may_name_a_person_are_in_no_address() {
    let world = world();
    for (id, tenant) in [("T1", "pb.amritsar"), ("T2", "pb.amritsar"), ("T3", "pb.nabha")] {
        world.pending(id, tenant).await;
    }
    let browser = world.log_in("asha", &[(Role::Viewer, "pb.amritsar")]).await;
    let found = browser.post("/payments/find", &[("q", " +91 98765-43210 ")]).await;
    let address = found.location().to_owned();
    assert!(address.starts_with("/pg-service/console/payments?s="), "{address}");
    for typed in ["98765", "43210"] {
        assert!(!address.contains(typed), "{address}");
    }
    let list = follow(&browser, &address).await;
    list.check();
    let words = list.words();
    assert!(words.contains("T1") && words.contains("T2") && !words.contains("T3"), "{words}");
    for link in list.addresses() {
        assert!(!link.contains("98765"), "{link}");
    }
    assert!(chips(&list)[0].0.starts_with("Search: +9"), "{:?}", chips(&list));
    assert!(!chips(&list)[0].0.contains("98765"), "it is starred");
    assert!(follow(&browser, &chips(&list)[0].1.clone().unwrap()).await.words().contains("Any status"));
    let other = world.log_in("vera", &[(Role::Viewer, "pb")]).await;
    let refused = follow(&other, &address).await;
    assert_eq!(refused.status, StatusCode::BAD_REQUEST);
    assert!(refused.words().contains("searched for in another session"), "{}", refused.words());
    let in_address = browser.get("/payments?q=9876543210").await;
    assert!(in_address.words().contains("Nothing matches"), "it is no number of a payment");
    for (typed, leads_to) in [
        ("t1", "/pg-service/console/payments?q=t1"),
        ("  ", "/pg-service/console/payments"),
        ("bill-T2 ", "/pg-service/console/payments?q=bill-T2"),
    ] {
        let found = browser.post("/payments/find", &[("q", typed)]).await;
        assert_eq!(found.location(), leads_to, "{typed}");
    }
    let by_name = browser.post("/payments/find", &[("q", "Asha Rani")]).await;
    assert!(by_name.location().contains("?s="), "{}", by_name.location());
}

#[tokio::test]
async fn one_payment_of_a_mobile_number_is_shown_at_once() {
    let world = world();
    let mut txn = sample::transaction("T9", &["B9"]);
    txn.tenant_id = TenantId::new("pb.amritsar").unwrap();
    txn.payer.mobile_number = payment_domain::Personal::new("+91 90000 00001");
    txn.audit.created_at = NOW;
    world.store.create(sample::new(txn)).await.unwrap();
    let browser = world.log_in("asha", &[(Role::Viewer, "pb")]).await;
    let found = browser.post("/payments/find", &[("q", "9000000001")]).await;
    let shown = follow(&browser, found.location()).await;
    assert_eq!(shown.location(), "/pg-service/console/payments/T9");
}

/// The rows of a list by their heads.
fn rows(page: &Page) -> Vec<String> {
    let tree = page.tree();
    let heads = tree.descendants().filter(|node| node.attribute("scope") == Some("row"));
    heads.map(|head| head.descendants().filter_map(|node| node.text()).next().unwrap().to_owned()).collect()
}

/// The address of another page.
fn paged(page: &Page, rel: &str) -> Option<String> {
    let tree = page.tree();
    let link = tree.descendants().find(|node| node.attribute("rel") == Some(rel))?;
    link.attribute("href").map(str::to_owned)
}

#[tokio::test]
async fn the_way_back_leads_through_the_same_pages() {
    let world = world();
    let ids: Vec<String> = (0..120).map(|nth| format!("T{nth:03}")).collect();
    join_all(ids.iter().map(|id| world.pending(id, "pb.amritsar"))).await;
    let browser = world.log_in("asha", &everywhere()).await;
    for (path, sizes) in [
        ("/payments?status=PENDING", vec![50, 50, 20]),
        ("/events", vec![50, 50, 50, 50, 40]),
        ("/payments?gateway=SANDBOX&before=1795343400001", vec![50, 50, 20]),
    ] {
        let mut page = browser.get(path).await;
        assert_eq!(paged(&page, "prev"), None, "{path}");
        let mut seen = vec![rows(&page)];
        while let Some(next) = paged(&page, "next") {
            page = follow(&browser, &next).await;
            page.check();
            seen.push(rows(&page));
        }
        assert_eq!(seen.iter().map(Vec::len).collect::<Vec<_>>(), sizes, "{path}");
        for earlier in seen.iter().rev().skip(1) {
            page = follow(&browser, &paged(&page, "prev").unwrap()).await;
            page.check();
            assert_eq!(rows(&page), *earlier, "{path}");
        }
        assert_eq!(paged(&page, "prev"), None, "{path}: it is the first page again");
        assert!(chips(&page).len() > 1 && !page.text.contains("trail=a"), "{path}");
    }
    let hostile = browser.get("/payments?after=T000&trail=x+-+b%22%3E%3Cscript%3E+a%26after%3DT9").await;
    assert_eq!(hostile.status, StatusCode::OK);
    hostile.check();
}

#[tokio::test]
async fn a_search_that_goes_on_takes_several_steps_within_its_time() {
    let world = world();
    for nth in 0..12_u64 {
        let mut txn = sample::transaction(&format!("T{nth:02}"), &[&format!("B{nth}")]);
        txn.gateway = GatewayName::new(if nth == 11 { "RARE" } else { "SANDBOX" });
        txn.audit.created_at = NOW.minus(Duration::from_secs(60 * nth));
        world.store.create(sample::new(txn)).await.unwrap();
    }
    let store = world.store.as_ref();
    let tenant = sample::transaction("T", &["B"]).tenant_id.to_string();
    let query = PaymentQuery {
        within: vec![TenantScope { root: tenant }],
        gateway: Some(GatewayName::new("RARE")),
        limit: 51,
        ..PaymentQuery::default()
    };
    let ((found, is_more), step) = look_back(store, query.clone(), 2, None).await.unwrap();
    assert!(found.is_empty() && !is_more && step > Some(NOW.minus(Duration::from_secs(300))), "{step:?}");
    let over = Some(Instant::now());
    assert_eq!(
        look_back(store, query.clone(), 2, over).await.unwrap().1,
        step,
        "a step is made all the same"
    );
    let long = Some(Instant::now() + Duration::from_secs(600));
    let ((found, is_more), end) = look_back(store, query, 2, long).await.unwrap();
    let ids: Vec<&str> = found.iter().map(|txn| txn.id.as_str()).collect();
    assert_eq!((ids, is_more, end), (vec!["T11"], false, None), "to the end of the list");
}
