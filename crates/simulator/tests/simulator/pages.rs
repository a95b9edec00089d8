//! The visitor's pages, and the limits of visitors.

use crate::world::{NOW_MS, Page, World, form, link};
use axum::http::StatusCode;
use payment_simulator::sandbox::{Choice, State};

#[tokio::test]
async fn the_pay_page_names_amount_and_merchant_and_offers_every_choice() {
    let page = World::new().get(&link(&[])).await;
    assert_eq!(page.status, StatusCode::OK);
    for shown in
        ["no real money", "₹1,23,456.00", "pb.amritsar", "BILL-7", "T1", "Property tax 2026-27", "30 minutes"]
    {
        assert!(page.text.contains(shown), "{shown}");
    }
    for choice in Choice::ALL {
        assert!(page.text.contains(&format!("name=\"choice\" value=\"{}\"", choice.as_str())), "{choice:?}");
    }
}

#[tokio::test]
async fn every_page_forbids_scripts_frames_and_keeping() {
    let world = World::new();
    for path in
        [&link(&[]), "/sandbox", "/sandbox/return?eg_pg_txnid=T1", "/sandbox/pay", "/sandbox/api/v1/orders"]
    {
        let page = world.get(path).await;
        let header = |name: &str| page.headers[name].to_str().unwrap();
        assert!(header("content-security-policy").starts_with("default-src 'none'; style-src 'sha256-"));
        assert!(header("content-security-policy").contains("frame-ancestors 'none'"));
        assert_eq!(header("x-frame-options"), "DENY");
        assert_eq!(header("cache-control"), "no-store");
        assert_eq!(header("referrer-policy"), "no-referrer");
        assert!(!page.text.contains("<script") && !page.text.contains(" style=\""));
    }
}

#[tokio::test]
async fn text_from_outside_is_never_markup() {
    let world = World::new();
    let hostile = "\"><script>alert('x')</script>&amp;<b>";
    let link = link(&[("order", hostile), ("description", hostile), ("bill", hostile), ("payee", hostile)]);
    let pay = world.get(&link).await;
    world.choose_raw(&pay, hostile).await;
    let back = format!(
        "/sandbox/return?{}",
        form(&[("eg_pg_txnid", hostile), ("txnStatus", hostile), (hostile, hostile)])
    );
    for page in [pay, world.get(&link).await, world.get("/sandbox").await, world.get(&back).await] {
        assert_eq!(page.status, StatusCode::OK);
        assert!(!page.text.contains("<script") && !page.text.contains("<b>"));
        assert!(page.text.contains("&#60;script&#62;alert"));
    }
}

impl World {
    async fn choose_raw(&self, page: &Page, order: &str) {
        let fields = [("order", order), ("token", &page.token().unwrap()), ("choice", "decline")];
        assert_eq!(self.post("/sandbox/pay", form(&fields)).await.status, StatusCode::SEE_OTHER);
    }
}

#[tokio::test]
async fn a_link_that_is_not_genuine_gets_a_friendly_refusal() {
    let world = World::new();
    let forged = world.get(&link(&[]).replace("12345600", "100")).await;
    assert_eq!(forged.status, StatusCode::FORBIDDEN);
    assert!(forged.text.contains("This pay link is not genuine") && forged.text.contains("Nothing was paid"));
    for (changes, status) in [
        (vec![("amount_paise", "0")], StatusCode::BAD_REQUEST),
        (vec![("merchant", "TOWN")], StatusCode::FORBIDDEN),
        (vec![("return_url", "javascript:alert(1)")], StatusCode::BAD_REQUEST),
        (vec![("expires", "1")], StatusCode::GONE),
    ] {
        let page = world.get(&link(&changes)).await;
        assert_eq!(page.status, status, "{changes:?}");
        assert!(page.text.contains("Nothing was paid"));
    }
    assert_eq!(world.get("/sandbox/pay").await.status, StatusCode::BAD_REQUEST);
    assert!(world.sandbox.books(0, 10).await.unwrap().is_empty(), "nothing of it is in the books");
}

#[tokio::test]
async fn an_orders_amount_and_addresses_are_fixed_once_it_is_opened() {
    let world = World::new();
    world.get(&link(&[])).await;
    for change in [
        ("amount_paise", "100"),
        ("return_url", "http://other.example/back"),
        ("notify_url", "http://other.example/notify"),
    ] {
        assert_eq!(world.get(&link(&[change])).await.status, StatusCode::CONFLICT, "{change:?}");
    }
    let reworded = world.get(&link(&[("description", "Other words")])).await;
    assert!(reworded.text.contains("Property tax 2026-27"), "the first texts stay");
}

#[tokio::test]
async fn after_a_decision_the_page_shows_it_and_the_way_back_and_no_form() {
    for (choice, shown) in [
        (Choice::Pay, "The money was taken"),
        (Choice::Decline, "Nothing was taken"),
        (Choice::SayNothing, "without a report"),
        (Choice::AnswerLate, "in 20 seconds"),
        (Choice::WrongAmount, "₹1,23,455.00"),
    ] {
        let world = World::new();
        let answered = world.choose(&link(&[]), choice).await;
        assert_eq!(answered.status, StatusCode::SEE_OTHER);
        let again = world.get(&link(&[])).await;
        assert!(again.text.contains(shown), "{choice:?}");
        assert!(again.text.contains("http://service.example/back?eg_pg_txnid=T1&#38;sandboxMerchant=CITY"));
        assert!(again.token().is_none() && !again.text.contains("<form"));
    }
}

#[tokio::test]
async fn the_browser_goes_back_unless_the_payment_stays_unreported() {
    let world = World::new();
    let paid = world.choose(&link(&[]), Choice::Pay).await;
    assert!(paid.location().starts_with("http://service.example/back?eg_pg_txnid=T1&sandboxMerchant=CITY&"));
    assert!(paid.location().contains("&sandboxState=PAID&"));
    let silent = world.choose(&link(&[("order", "T2")]), Choice::SayNothing).await;
    assert!(silent.location().starts_with("/sandbox/order?order=T2&token="));
    let page = world.get(silent.location()).await;
    assert!(page.text.contains("Paid, without a report"));
}

#[tokio::test]
async fn a_second_choice_changes_nothing_and_answers_as_the_first() {
    let world = World::new();
    let page = world.get(&link(&[])).await;
    let token = page.token().unwrap();
    let choose = async |choice: &str| {
        world.post("/sandbox/pay", form(&[("order", "T1"), ("token", &token), ("choice", choice)])).await
    };
    let first = choose("decline").await;
    for later in ["pay", "decline", "say-nothing", "wrong-amount"] {
        let again = choose(later).await;
        assert_eq!((again.status, again.location()), (first.status, first.location()), "{later}");
    }
    let books = world.sandbox.books(0, 10).await.unwrap();
    assert_eq!((books.len(), books[0].state, books[0].paid_paise), (1, State::Declined, None));
}

#[tokio::test]
async fn a_form_without_its_own_token_is_refused() {
    let world = World::new();
    let token = world.get(&link(&[])).await.token().unwrap();
    world.get(&link(&[("order", "T2")])).await;
    for fields in [
        vec![("order", "T2"), ("token", token.as_str()), ("choice", "pay")],
        vec![("order", "T1"), ("token", ""), ("choice", "pay")],
        vec![("order", "T1"), ("choice", "pay")],
        vec![("order", "T1"), ("token", &token)],
        vec![("order", "T1"), ("token", &token), ("choice", "refund")],
        vec![("order", "T1"), ("order", "T2"), ("token", &token), ("choice", "pay")],
        vec![],
    ] {
        assert_eq!(
            world.post("/sandbox/pay", form(&fields)).await.status,
            StatusCode::FORBIDDEN,
            "{fields:?}"
        );
    }
    assert_eq!(world.post("/sandbox/pay", "x".repeat(17_000)).await.status, StatusCode::PAYLOAD_TOO_LARGE);
    let shown = world.get(&format!("/sandbox/order?order=T2&token={token}")).await;
    assert_eq!(shown.status, StatusCode::NOT_FOUND);
    assert!(world.sandbox.books(0, 10).await.unwrap().iter().all(|order| order.state == State::Created));
}

#[tokio::test]
async fn a_closed_tab_leaves_the_order_open_until_its_time_runs_out() {
    let world = World::new();
    world.get(&link(&[])).await;
    world.advance_ms(1_800_000);
    assert!(world.get(&link(&[])).await.token().is_some());
    assert_eq!(world.sandbox.books(0, 10).await.unwrap()[0].state, State::Created);
    world.advance_ms(1);
    let page = world.get(&link(&[])).await;
    assert!(page.text.contains("The time ran out") && page.token().is_none());
    let entry = &world.sandbox.books(0, 10).await.unwrap()[0];
    assert_eq!((entry.state, entry.decided_ms), (State::Expired, Some(NOW_MS + 1_800_001)));
}

#[tokio::test]
async fn the_front_page_lists_orders_and_leads_to_them() {
    let world = World::new();
    let nowhere = world.get("/sandbox/x").await;
    assert!(nowhere.status == StatusCode::NOT_FOUND && nowhere.text.contains("There is no such page"));
    assert!(world.get("/sandbox").await.text.contains("None yet"));
    world.choose(&link(&[]), Choice::Pay).await;
    world.get(&link(&[("order", "T2")])).await;
    world.advance_ms(240_000);
    let front = world.get("/sandbox").await;
    for shown in ["₹1,23,456.00", ">Paid<", ">Open<", "4 minutes ago"] {
        assert!(front.text.contains(shown), "{shown}");
    }
    let newest = front.attribute("<li><a href=\"").unwrap().replace("&#38;", "&");
    assert!(world.get(&newest).await.text.contains("Or try what can go wrong"));
}

#[tokio::test]
async fn the_return_page_plays_the_application() {
    let world = World::new();
    let query = form(&[("x", "1"), ("eg_pg_txnid", "PB_PG_1'; rm -rf /"), ("txnStatus", "SUCCESS")]);
    for page in [
        world.get(&format!("/sandbox/return?{query}")).await,
        world.post("/sandbox/return", query.clone()).await,
    ] {
        assert!(page.text.contains("The payment went through"));
        assert!(page.text.contains("PB_PG_1&#39;; rm -rf /"));
        assert!(
            page.text.contains("_search?txnId=PB_PG_1%27%3B+rm+-rf+%2F&#39;"),
            "safe to paste into a shell"
        );
    }
    assert!(world.get("/sandbox/return").await.text.contains("Nothing was paid yet"));
    let long = form(&[("eg_pg_txnid", &"x".repeat(4_000))]);
    assert!(world.get(&format!("/sandbox/return?{long}")).await.text.len() < 20_000);
}
