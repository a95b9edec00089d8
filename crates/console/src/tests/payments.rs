//! The list of payments, one payment, and refunds of it.

use http::StatusCode;
use payment_domain::{Outcome, Role};
use payment_store::AuditQuery;

use super::{Browser, World, world};

fn of_city() -> [(Role, &'static str); 3] {
    [(Role::Operator, "pb.amritsar"), (Role::Viewer, "pb.amritsar"), (Role::RefundMaker, "pb.amritsar")]
}

fn paid() -> Outcome {
    let hundred = payment_domain::Money::parse("100", payment_domain::Currency::INR).unwrap();
    Outcome::Paid { amount: Some(hundred) }
}

#[tokio::test]
async fn one_box_finds_a_payment_by_its_numbers_with_slips() {
    let world = world();
    world.pending("PB_PG_2026_11_22_000072_14", "pb.amritsar").await;
    world.pending("PB_PG_2026_11_22_000073_15", "pb.amritsar").await;
    let browser = world.log_in("asha", &of_city()).await;
    for typed in [
        "PB_PG_2026_11_22_000072_14",
        "+pb_pg_2026_11_22_000072_14++",
        "PB_PG_2026_11_22_+000072_14",
        "bill-pb_pg_2026_11_22_000072_14",
    ] {
        let page = browser.get(&format!("/payments?q={typed}")).await;
        assert_eq!(page.location(), "/pg-service/console/payments/PB_PG_2026_11_22_000072_14", "{typed}");
    }
    let both = browser.get("/payments?q=pt-1001").await;
    both.check();
    assert!(both.words().contains("000072_14") && both.words().contains("000073_15"));
    let none = browser.get("/payments?q=%25").await;
    assert!(none.words().contains("Nothing matches"), "{}", none.words());
}

#[tokio::test]
async fn every_filter_in_force_is_shown_and_removed_one_by_one() {
    let world = world();
    for nth in 0..60 {
        world.pending(&format!("T{nth:03}"), "pb.amritsar").await;
    }
    let browser = world.log_in("asha", &of_city()).await;
    let all = browser.get("/payments").await;
    all.check();
    let words = all.words();
    assert!(
        words.contains("All of pb.amritsar") && words.contains("Any status") && words.contains("Any day")
    );
    assert!(words.contains("T059") && !words.contains("T009"), "newest first, a page of fifty");
    let next = all.attribute("a", ("rel", "next"), "href");
    let second = browser.get(next.strip_prefix(super::BASE).unwrap()).await;
    assert!(second.words().contains("T009") && !second.words().contains("T010"));
    let path = "/payments?status=PENDING&gateway=SANDBOX&service=PT&from=2026-11-22&to=2026-11-22&amount_from=1%2C00\
        &amount_to=100.00&tenant=pb.amritsar";
    let page = browser.get(path).await;
    assert_eq!(page.status, StatusCode::OK, "{}", page.text);
    let words = page.words();
    for chip in [
        "Status: Pending",
        "Gateway: SANDBOX",
        "Service: PT",
        "From day: 22-11-2026",
        "Amount to: 100.00",
        "Tenant: pb.amritsar",
        "T059",
        "₹100.00",
    ] {
        assert!(words.contains(chip), "{chip}: {words}");
    }
    let without = page.addresses().into_iter().filter(|address| address.contains("/payments?"));
    assert!(
        without.clone().any(|address| address.contains("gateway=SANDBOX") && !address.contains("status="))
    );
    for (wrong, field) in
        [("status=PAID", "#status"), ("from=22-11-2026", "#from"), ("amount_to=x", "#amount_to")]
    {
        let page = browser.get(&format!("/payments?{wrong}")).await;
        assert_eq!(page.status, StatusCode::BAD_REQUEST, "{wrong}");
        page.check();
        assert!(page.addresses().iter().any(|address| address == field), "{wrong}");
        assert!(!page.words().contains("T059"), "shows no more than was asked for");
    }
}

#[tokio::test]
async fn names_are_starred_until_they_are_revealed_with_a_reason() {
    let world = world();
    world.pending("T1", "pb.amritsar").await;
    let browser = world.log_in("asha", &of_city()).await;
    for path in ["/payments", "/payments/T1", "/"] {
        let page = browser.get(path).await;
        page.check();
        for personal in ["Asha Rani", "9876543210", "asha@example.org"] {
            assert!(!page.text.contains(personal), "{path} {personal}");
        }
    }
    assert!(browser.get("/payments/T1").await.words().contains("As*****ni"));
    assert_eq!(browser.post("/payments/T1/reveal", &[("reason", " ")]).await.status, StatusCode::BAD_REQUEST);
    let shown = browser.post("/payments/T1/reveal", &[("reason", "the payer calls")]).await;
    shown.check();
    for personal in ["Asha Rani", "9876543210", "asha@example.org"] {
        assert!(shown.words().contains(personal), "{personal}");
    }
    let query = AuditQuery { object_id: Some("T1".to_owned()), limit: 9, ..AuditQuery::default() };
    let entries = world.store.audit_entries(&query).await.unwrap();
    assert!(entries.len() == 1 && entries[0].entry.contains("revealed"), "{entries:?}");
    let viewer = world.log_in("vera", &[(Role::Viewer, "pb"), (Role::Auditor, "pb")]).await;
    assert_eq!(viewer.post("/payments/T1/reveal", &[("reason", "x")]).await.status, StatusCode::FORBIDDEN);
}

#[tokio::test]
async fn the_gateway_is_asked_and_the_page_tells_the_story() {
    let world = world();
    let id = world.pending("T1", "pb.amritsar").await;
    let browser = world.log_in("asha", &of_city()).await;
    let pending = browser.get("/payments/T1").await;
    let words = pending.words();
    for said in [
        "The gateway is asked by itself for the first time at 22-11-2026 16:15:00 IST",
        "Ask the gateway now",
        "A payment of ₹100.00 was begun.",
    ] {
        assert!(words.contains(said), "{said}: {words}");
    }
    world.gateway.answers_for(&id, paid());
    let asked = browser.post("/payments/T1/ask", &[]).await;
    assert_eq!(asked.location(), "/pg-service/console/payments/T1?said=asked");
    let page = browser.get("/payments/T1?said=asked").await;
    page.check();
    let words = page.words();
    for said in [
        "The gateway has confirmed that ₹100.00 was paid.",
        "was issued. by user u-asha",
        "Nothing: the payment is complete.",
        "issued",
        "Evidence",
        "has taken the money",
    ] {
        assert!(words.contains(said), "{said}: {words}");
    }
    assert!(!words.contains("Ask the gateway now"));
    for language in ["hi", "pa"] {
        let page = browser.get_in(language, "/payments/T1").await;
        page.check();
        assert!(
            page.text.contains(&format!("<html lang=\"{language}\">")) && page.words().contains("₹100.00")
        );
        assert!(!page.words().contains("What happened"));
    }
}

async fn bought(world: &World, operator: &Browser<'_>, id: &str) {
    let txn_id = world.pending(id, "pb.amritsar").await;
    world.gateway.answers_for(&txn_id, paid());
    operator.post(&format!("/payments/{id}/ask"), &[]).await;
}

#[tokio::test]
async fn a_refund_takes_two_people_and_a_double_click_requests_one() {
    let world = world();
    let maker = world.log_in("maker", &of_city()).await;
    let both = [(Role::RefundChecker, "pb"), (Role::RefundMaker, "pb")];
    let checker = world.log_in("checker", &both).await;
    bought(&world, &maker, "T1").await;
    let form = maker.get("/payments/T1/refund").await;
    form.check();
    let token = form.attribute("input", ("name", "form_token"), "value");
    let same_origin = [("sec-fetch-site", "same-origin")];
    let fields = [
        ("form_token", token.as_str()),
        ("left", "100.00"),
        ("amount", "40.00"),
        ("reason_code", "OTHER"),
        ("reason", "half of it"),
    ];
    let (first, again) = tokio::join!(
        maker.post_raw("/payments/T1/refund", &same_origin, &fields),
        maker.post_raw("/payments/T1/refund", &same_origin, &fields)
    );
    assert_eq!(first.status, StatusCode::SEE_OTHER, "{}", first.text);
    assert_eq!(again.location(), first.location(), "one refund of a form");
    let later = maker.post_raw("/payments/T1/refund", &same_origin, &fields).await;
    assert_eq!(later.location(), first.location(), "also after the back button");
    let path = first.location().strip_prefix(super::BASE).unwrap().split('?').next().unwrap().to_owned();
    let page = maker.get(&path).await;
    page.check();
    assert!(page.words().contains("Requested") && !page.words().contains("Approve"));
    let stale =
        maker.post("/payments/T1/refund", &[("left", "100.00"), ("amount", "1"), ("reason", "x")]).await;
    assert_eq!(stale.status, StatusCode::CONFLICT, "another amount is left now: {}", stale.text);
    let own = maker.post(&format!("{path}/approve"), &[("version", "1")]).await;
    assert_eq!(own.status, StatusCode::FORBIDDEN);
    let list = checker.get("/refunds?view=decide").await;
    list.check();
    assert!(list.words().contains("₹40.00"));
    let confirm = checker.get(&format!("{path}/approve")).await;
    confirm.check();
    assert!(
        confirm.words().contains("₹40.00 leave through the gateway for payment T1. This cannot be undone.")
    );
    assert_eq!(world.gateway.refund_calls(), 0, "nothing has left");
    let old = checker.post(&format!("{path}/approve"), &[("version", "7")]).await;
    assert_eq!(old.status, StatusCode::CONFLICT, "a stale page decides nothing");
    let approved = checker.post(&format!("{path}/approve"), &[("version", "1")]).await;
    assert_eq!(approved.status, StatusCode::SEE_OTHER, "{}", approved.text);
    world.payments.ports.tasks.close();
    world.payments.ports.tasks.wait().await;
    assert_eq!(world.gateway.refund_calls(), 1);
    let done = maker.get("/payments/T1").await;
    done.check();
    let words = done.words();
    for told in ["of ₹40.00: Requested.", "of ₹40.00: Approved.", "of ₹40.00: Given back."] {
        assert!(words.contains(told), "{told}: {words}");
    }
}
