//! Figures: each number is that of its list, for every role and tenant; plots are well-formed and named.

use std::time::Duration;

use http::StatusCode;
use payment_domain::{GatewayName, Role, TenantId, Timestamp};
use payment_service::figures::{Days, FigureCounts};
use payment_store::contract::sample;
use payment_store::figures::GatewayReading;

use super::{BASE, Browser, NOW, Page, World, world};
use crate::language::Language;

const HOSTILE: &str = "\"><script>alert(1)</script>";

/// Payments of some tenants, gateways and days in each status, counted.
async fn counted(world: &World) {
    let tenants = ["pb.amritsar", "pb.amritsar.north", "pb.amritsarx", "pb.nabha", "pb", "mh.pune"];
    for nth in 0..90_usize {
        let mut txn = sample::transaction(&format!("T{nth:03}"), &[&format!("B{nth}")]);
        if nth % 11 == 0 {
            txn = sample::in_currency(txn, "USD", 1_050);
        }
        txn.tenant_id = TenantId::new(tenants[nth % 6]).unwrap();
        txn.gateway = GatewayName::new(["SANDBOX", "AXIS", "PAYU&CO"][nth / 6 % 3]);
        let days = Duration::from_secs(86_400 * u64::try_from(nth * 7 % 45).unwrap());
        txn.audit.created_at = NOW.minus(days);
        let txn = sample::stored(&world.store, sample::new(txn)).await;
        match nth % 4 {
            0 | 1 => {
                sample::applied(&world.store, sample::success(&txn)).await;
            }
            2 => {
                sample::applied(&world.store, sample::failure(&txn)).await;
            }
            _ => {}
        }
    }
    count(world).await;
}

async fn count(world: &World) {
    let days = Days::of(world.payments.ports.settings.time_zone.clone());
    let counts = FigureCounts::new(world.store.clone(), world.clock.clone(), days);
    let fence = sample::begun(&world.store, sample::tick("figures", 0)).await.fence;
    while counts.pass(&fence).await.unwrap().is_more {}
}

/// The numbers of tables that lead to a list.
fn numbers(page: &Page) -> Vec<(usize, String)> {
    let tree = page.tree();
    let cells = tree.descendants().filter(|node| node.tag_name().name() == "td");
    let number = |cell: roxmltree::Node<'_, '_>| {
        let link = cell.children().find(|node| node.tag_name().name() == "a")?;
        let number = link.text()?.replace(',', "").parse().ok()?;
        Some((number, link.attribute("href")?.strip_prefix(BASE)?.to_owned()))
    };
    cells.filter_map(number).collect()
}

/// The rows of a list, page by page.
async fn rows(browser: &Browser<'_>, path: &str) -> usize {
    let (mut rows, mut next) = (0, Some(path.to_owned()));
    while let Some(path) = next {
        let page = browser.get(&path).await;
        assert_eq!(page.status, StatusCode::OK, "{path}");
        let tree = page.tree();
        let of = |name: &'static str| tree.descendants().filter(move |node| node.tag_name().name() == name);
        rows +=
            of("tbody").flat_map(|body| body.children()).filter(|row| row.tag_name().name() == "tr").count();
        next = of("a")
            .find(|link| link.attribute("rel") == Some("next"))
            .map(|link| link.attribute("href").unwrap().strip_prefix(BASE).unwrap().to_owned());
    }
    rows
}

#[tokio::test]
async fn every_number_is_that_of_its_list_for_each_role_and_tenant() {
    let world = world();
    counted(&world).await;
    let mut sums = Vec::new();
    for (role, tenant, path) in [
        (Role::Viewer, "pb", "/?period=30-days"),
        (Role::Auditor, "pb", "/?period=days&from=2026-10-01&to=2026-11-21&tenant=pb.amritsar"),
        (Role::RefundMaker, "pb.amritsar", "/?period=month"),
        (Role::Operator, "mh", "/?period=today"),
    ] {
        let browser = world.log_in("asha", &[(role, tenant)]).await;
        let page = browser.get(path).await;
        page.check();
        let numbers = numbers(&page);
        assert!(numbers.len() > 10, "{path}: {}", page.text);
        let mut known = std::collections::BTreeMap::new();
        for (number, list) in &numbers {
            let found = match known.get(list) {
                Some(found) => *found,
                None => rows(&browser, list).await,
            };
            known.insert(list.clone(), found);
            assert_eq!(*number, found, "{tenant} {path} {list}");
        }
        sums.push(numbers.iter().map(|(number, _)| number).sum::<usize>());
        let foreign = if tenant == "mh" { "pb.nabha" } else { "mh.pune" };
        assert!(!page.words().contains(foreign), "{tenant}: {}", page.words());
    }
    assert!(sums[0] > sums[2] && sums[2] > 0, "{sums:?}");
}

#[tokio::test]
async fn amounts_are_sums_by_currency_and_freshness_is_told() {
    let world = world();
    let browser = world.log_in("asha", &[(Role::Viewer, "pb")]).await;
    assert!(browser.get("/").await.words().contains("The payments are being counted."));
    counted(&world).await;
    let page = browser.get("/?period=days&from=2026-10-01&to=2026-11-22").await;
    let words = page.words();
    for said in [
        "Counted at 22-11-2026 16:00:00 IST.",
        "Not verified yet",
        "01-10-2026 to 22-11-2026",
        " + USD ",
        "Success rate",
    ] {
        assert!(words.contains(said), "{said}: {words}");
    }
    let query = payment_store::PaymentQuery {
        within: vec![payment_store::TenantScope { root: "pb".to_owned() }],
        status: Some(payment_domain::StatusName::Success),
        limit: 100,
        ..payment_store::PaymentQuery::default()
    };
    let paid = world.store.list_payments(&query).await.unwrap();
    let rupees = paid.iter().filter(|txn| txn.amount.currency() == payment_domain::Currency::INR);
    let sum = crate::format::sum(rupees.map(|txn| txn.amount.minor()).sum(), payment_domain::Currency::INR);
    assert!(words.contains(&format!("In all 75 {} {sum} + USD ", paid.len())), "{sum}: {words}");
    for wrong in ["/?period=days&from=2026-11-22&to=2026-11-21", "/?period=week", "/?period=days&from=x&to=y"]
    {
        let page = browser.get(wrong).await;
        page.check();
        assert!(page.words().contains("Choose days in their order"), "{wrong}");
        assert!(numbers(&page).is_empty(), "{wrong}");
    }
}

#[tokio::test]
async fn a_plot_has_a_title_a_description_and_a_table_and_hostile_names_are_texts() {
    let world = world();
    let mut txn = sample::transaction("T1", &["B1"]);
    txn.tenant_id = TenantId::new(format!("pb.{HOSTILE}")).unwrap();
    txn.gateway = GatewayName::new(HOSTILE);
    txn.audit.created_at = NOW;
    let txn = sample::stored(&world.store, sample::new(txn)).await;
    sample::applied(&world.store, sample::success(&txn)).await;
    count(&world).await;
    let reading = |until: Timestamp, gateway: &str| GatewayReading {
        until,
        from: until.minus(Duration::from_secs(300)),
        gateway: gateway.to_owned(),
        node: "n".to_owned(),
        calls: 10,
        failed: 1,
        buckets: vec![1, 8, 1],
        is_open: false,
    };
    let readings = (1..9_u64).flat_map(|nth| {
        let until = NOW.minus(Duration::from_secs(nth * 3_600));
        ["AXIS".to_owned(), format!("{HOSTILE}{}", nth % 7)].map(|gateway| reading(until, &gateway))
    });
    world.store.store_gateway_readings(readings.collect(), Timestamp::from_millis(0)).await.unwrap();
    world.pending("T2", "pb.amritsar").await;
    let browser = world.log_in("asha", &[(Role::Viewer, "pb")]).await;
    for (path, plots) in [("/", 1), ("/gateways", 5), ("/gateways?span=week", 5)] {
        for language in Language::ALL {
            let page = browser.get_in(language.code(), path).await;
            assert_eq!(page.status, StatusCode::OK);
            page.check();
            let tree = page.tree();
            let drawn: Vec<_> = tree.descendants().filter(|node| node.tag_name().name() == "svg").collect();
            assert_eq!(drawn.len(), plots, "{path}");
            for svg in &drawn {
                let part = |name: &str| svg.children().find(|node| node.tag_name().name() == name).unwrap();
                let (title, words) = (part("title"), part("desc"));
                assert!(!title.text().unwrap().is_empty() && !words.text().unwrap().is_empty());
                let labelled =
                    format!("{} {}", title.attribute("id").unwrap(), words.attribute("id").unwrap());
                assert_eq!(svg.attribute("aria-labelledby"), Some(labelled.as_str()));
            }
            let tables = tree.descendants().filter(|node| node.tag_name().name() == "table").count();
            assert!(tables >= plots, "{path}");
        }
    }
    let words = browser.get("/gateways").await.words();
    assert!(words.contains("10.0") && words.contains("100"), "{words}");
    assert_eq!(browser.get("/gateways?span=year").await.status, StatusCode::BAD_REQUEST);
}

#[tokio::test]
async fn refunds_given_back_are_as_many_as_their_list_shows() {
    let world = world();
    let maker = [(Role::Operator, "pb"), (Role::Viewer, "pb"), (Role::RefundMaker, "pb")];
    let maker = world.log_in("asha", &maker).await;
    let checker = world.log_in("bala", &[(Role::RefundChecker, "pb")]).await;
    let hundred = payment_domain::Money::parse("100", payment_domain::Currency::INR).unwrap();
    for (id, tenant, decided) in [
        ("T1", "pb.amritsar", true),
        ("T2", "pb.amritsar", true),
        ("T3", "pb.nabha", true),
        ("T4", "pb.nabha", false),
    ] {
        let txn = world.pending(id, tenant).await;
        world.gateway.answers_for(&txn, payment_domain::Outcome::Paid { amount: Some(hundred) });
        maker.post(&format!("/payments/{id}/ask"), &[]).await;
        let fields = [("amount", "40.00"), ("reason", "half of it")];
        let refund = maker.post(&format!("/payments/{id}/refund"), &fields).await;
        let refund = refund.location().strip_prefix(BASE).unwrap().split('?').next().unwrap().to_owned();
        if decided {
            let approved = checker.post(&format!("{refund}/approve"), &[("version", "1")]).await;
            assert_eq!(approved.status, StatusCode::SEE_OTHER, "{}", approved.text);
        }
        world.rest().await;
    }
    count(&world).await;
    let page = maker.get("/").await;
    page.check();
    let of_refunds = |(_, list): &&(usize, String)| list.starts_with("/refunds?");
    let numbers = numbers(&page);
    let refunded: Vec<usize> = numbers.iter().filter(of_refunds).map(|(number, _)| *number).collect();
    assert_eq!(refunded, [3, 2, 1], "of all tenants, of each: {}", page.words());
    for (number, list) in numbers.iter().filter(of_refunds) {
        assert_eq!(rows(&maker, list).await, *number, "{list}");
    }
    let to_decide = checker.get("/").await.words();
    assert!(to_decide.contains("1 refunds are yours to decide"), "{to_decide}");
}
