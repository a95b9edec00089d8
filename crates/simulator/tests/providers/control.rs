//! The control: the books and the rules.

use payment_simulator::providers::{Choice, Fault, Provider, Rate, Rule, Strike};
use serde_json::{Value, json};

use crate::paytm::{ORDER, legacy_form};
use crate::world::World;
use crate::{payu, phonepe_checkout};

#[tokio::test]
async fn the_books_list_orders_and_payments() {
    let world = World::new().await;
    world.choose(&legacy_form(&world, &[]), Choice::Pay).await;
    world.visitor.open(&payu::form(&world, &[("txnid", "T2")])).await.unwrap();
    world.fault("payu", "T2", "hang").await;
    insta::assert_snapshot!(format!("{:#}", world.control_get("/orders").await));
    let orders = |books: &Value| {
        let listed = books["orders"].as_array().unwrap();
        listed.iter().map(|entry| entry["order"].as_str().unwrap().to_owned()).collect::<Vec<_>>()
    };
    let first = world.control_get("/orders?limit=1").await;
    assert_eq!((orders(&first), first["next"].as_u64()), (vec![ORDER.to_owned()], Some(1)));
    let second = world.control_get("/orders?limit=2&after=1").await;
    assert_eq!((orders(&second), second["next"].as_u64()), (vec!["T2".to_owned()], None));
    assert_eq!(orders(&world.control_get("/orders?provider=PAYTM").await), [ORDER]);
    assert_eq!(world.control_get(&format!("/orders/paytm/{ORDER}")).await["taken"]["minor"], 1_999);
}

#[tokio::test]
async fn an_unknown_path_is_not_found() {
    let world = World::new().await;
    let status = async |path: &str| world.http.get(world.url(path)).send().await.unwrap().status().as_u16();
    for path in ["/control/orders/payu/T9", "/control/orders/nobody/T9", "/control/nobody", "/nowhere"] {
        assert_eq!(status(path).await, 404, "{path}");
    }
    for path in ["/control/orders?after=x", "/control/orders?limit=0", "/control/orders?limit=10001"] {
        assert_eq!(status(path).await, 400, "{path}");
    }
    assert_eq!(world.control("/orders/payu/T9/elapse", json!(null)).await.0, 404);
    assert_eq!(world.control("/payu", json!({"fault": "earthquake"})).await.0, 400);
    assert_eq!(world.control("/payu", json!({"fault": "hang", "rate": 2})).await.0, 400);
    assert_eq!(world.control("/orders/payu/T9", json!({"fault": "hang", "rate": 0.5})).await.0, 400);
}

#[tokio::test]
async fn a_page_elsewhere_cannot_ask_for_faults_through_a_browser() {
    let world = World::new().await;
    let form = world.http.post(world.url("/control/payu")).header("content-type", "text/plain");
    assert_eq!(form.body(r#"{"fault":"hang"}"#).send().await.unwrap().status(), 415);
}

#[tokio::test]
async fn rules_are_added_listed_and_cleared() {
    let world = World::new().await;
    world.control("/payu", json!({"fault": "http-500", "rate": 0.25, "seed": 7})).await;
    let (_, rules) = world.control("/payu", json!({"fault": "wrong-amount"})).await;
    assert_eq!(
        rules["rules"],
        json!([
            {"fault": "http-500", "rate": "0.250000", "seed": 7},
            {"fault": "wrong-amount", "rate": "1.000000", "seed": 0},
        ])
    );
    assert_eq!(world.control_get("/paytm").await["rules"], json!([]));
    assert_eq!(world.control("/payu", json!({"fault": "none"})).await.1["rules"], json!([]));
}

#[tokio::test]
async fn a_rate_strikes_the_same_calls_every_time() {
    let struck = async || {
        let world = World::with(|settings| {
            let fault = Fault::Call(Strike::ServerError);
            let rule = Rule { fault, rate: Rate::parse("0.3").unwrap(), seed: 11 };
            settings.rules.push((Provider::Payu, rule));
        })
        .await;
        let mut struck = Vec::new();
        for _ in 0..40 {
            let (status, _) = world.post_form("/payu/merchant/postservice.php?form=2", &[]).await;
            struck.push(status == 500);
        }
        struck
    };
    let first = struck().await;
    assert_eq!(first, struck().await);
    let count = first.iter().filter(|struck| **struck).count();
    assert!((5..=20).contains(&count), "{count} of 40");
}

#[tokio::test]
async fn an_order_can_be_kept_from_a_providers_faults() {
    let world = World::new().await;
    world.control("/payu", json!({"fault": "wrong-amount"})).await;
    world.fault("payu", "T2", "none").await;
    for id in ["T1", "T2"] {
        world.choose(&payu::form(&world, &[("txnid", id)]), Choice::Pay).await;
    }
    let taken: Vec<_> = world.providers.books(0, 9).iter().map(|entry| entry.taken.unwrap().minor).collect();
    assert_eq!(taken, [9_900, 10_000]);
}

#[tokio::test]
async fn full_books_take_no_more_orders() {
    let world = World::with(|settings| settings.max_orders = 1).await;
    phonepe_checkout::opened(&world).await;
    assert_eq!(world.visitor.follow(&payu::form(&world, &[])).await.unwrap(), (400, None));
    assert_eq!(world.providers.books(0, 9).len(), 1);
}

#[tokio::test]
async fn long_requests_are_not_read() {
    let world = World::new().await;
    let fields = [("txnid".to_owned(), "x".repeat(70_000))];
    assert_eq!(world.post_form("/payu/_payment", &fields).await.0, 413);
}

#[tokio::test]
async fn the_front_page_lists_orders_and_allows_nothing_from_elsewhere() {
    let world = World::new().await;
    world.visitor.open(&payu::form(&world, &[("txnid", "T-<b>")])).await.unwrap();
    let answer = world.http.get(world.url("")).send().await.unwrap();
    let policy = answer.headers()["content-security-policy"].to_str().unwrap().to_owned();
    assert!(policy.starts_with("default-src 'none'; style-src 'sha256-"), "{policy}");
    let page = answer.text().await.unwrap();
    assert!(page.contains("T-&#60;b&#62;") && page.contains("no real money"), "{page}");
}
