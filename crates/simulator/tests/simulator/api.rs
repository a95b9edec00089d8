//! Answers to the merchant's server, and to no other client.

use crate::world::{NOW_MS, Page, SECRET, World, link};
use axum::body::Body;
use axum::http::{Request, StatusCode};
use payment_simulator::sandbox::Choice;
use payment_simulator::sandbox::signature::{Purpose, sign};
use serde_json::Value;

/// A signed question; `change` alters it after it was signed.
async fn ask(world: &World, path: &str, purpose: Purpose, about: &[(&str, &str)], timestamp_ms: i64) -> Page {
    let timestamp = timestamp_ms.to_string();
    let mut fields = vec![("merchant", "CITY"), ("timestamp", timestamp.as_str())];
    fields.extend_from_slice(about);
    let request = Request::get(path)
        .header("X-Sandbox-Merchant", "CITY")
        .header("X-Sandbox-Timestamp", &timestamp)
        .header("X-Sandbox-Signature", sign(SECRET.as_bytes(), purpose, &fields));
    world.send(request.body(Body::empty()).unwrap()).await
}

async fn status(world: &World, order: &str) -> Page {
    ask(world, &format!("/sandbox/api/v1/orders/{order}"), Purpose::Status, &[("order", order)], NOW_MS).await
}

fn json(page: &Page) -> Value {
    serde_json::from_str(&page.text).unwrap()
}

#[tokio::test]
async fn an_unknown_order_is_answered_with_404_and_a_signature() {
    let page = status(&World::new(), "T1").await;
    assert_eq!(page.status, StatusCode::NOT_FOUND);
    insta::assert_snapshot!(format!("{:#}", json(&page)), @r#"
        {
          "amount_paise": null,
          "code": "NO_SUCH_ORDER",
          "currency": "",
          "merchant": "CITY",
          "message": "No such order has been opened",
          "mode": "",
          "order": "T1",
          "paid_paise": null,
          "payment_id": null,
          "signature": "7a0c39bcb5162bf710755071afeab275bc0d49360342a2789d584f1188b7ba57",
          "state": "UNKNOWN",
          "timestamp": 1795342200000
        }
        "#);
}

#[tokio::test]
async fn a_wrong_amount_is_answered_with_the_requested_and_the_taken_amount() {
    let world = World::new();
    world.choose(&link(&[]), Choice::WrongAmount).await;
    let page = status(&world, "T1").await;
    assert_eq!(page.status, StatusCode::OK);
    insta::assert_snapshot!(format!("{:#}", json(&page)), @r#"
        {
          "amount_paise": 12345600,
          "code": "PAID",
          "currency": "INR",
          "merchant": "CITY",
          "message": "Payment successful",
          "mode": "SANDBOX",
          "order": "T1",
          "paid_paise": 12345500,
          "payment_id": "SBX0000000001",
          "signature": "bc797ad6f319ad18e533cdf079dd0cda46bf2cbe68e754958549804214323022",
          "state": "PAID",
          "timestamp": 1795342200000
        }
        "#);
}

#[tokio::test]
async fn a_caller_without_a_signature_learns_nothing() {
    let world = World::new();
    world.choose(&link(&[]), Choice::Pay).await;
    let path = "/sandbox/api/v1/orders/T1";
    for page in [
        world.get(path).await,
        ask(&world, path, Purpose::Status, &[("order", "T2")], NOW_MS).await,
        ask(&world, path, Purpose::Pay, &[("order", "T1")], NOW_MS).await,
        ask(&world, path, Purpose::Status, &[("order", "T1")], NOW_MS - 300_001).await,
        ask(&world, path, Purpose::Status, &[("order", "T1")], NOW_MS + 300_001).await,
        ask(&world, path, Purpose::Status, &[("order", "T1")], i64::MIN).await,
        world.get("/sandbox/api/v1/orders").await,
        ask(
            &world,
            "/sandbox/api/v1/orders?after=1",
            Purpose::Orders,
            &[("after", "0"), ("limit", "100")],
            NOW_MS,
        )
        .await,
    ] {
        assert_eq!(page.status, StatusCode::UNAUTHORIZED);
        assert!(!page.text.contains("PAID"));
    }
}

#[tokio::test]
async fn the_books_are_read_page_by_page() {
    let world = World::new();
    for order in ["A", "B", "C"] {
        world.choose(&link(&[("order", order)]), Choice::Pay).await;
    }
    let page = async |after: &str, limit: &str| {
        let path = format!("/sandbox/api/v1/orders?after={after}&limit={limit}");
        ask(&world, &path, Purpose::Orders, &[("after", after), ("limit", limit)], NOW_MS).await
    };
    let orders = |page: &Page| -> Vec<String> {
        let body = json(page);
        body["orders"]
            .as_array()
            .unwrap()
            .iter()
            .map(|order| order["order"].as_str().unwrap().to_owned())
            .collect()
    };
    assert_eq!(orders(&page("0", "2").await), ["A", "B"]);
    assert_eq!(orders(&page("2", "2").await), ["C"]);
    assert!(orders(&page("3", "2").await).is_empty());
    for (after, limit) in [("x", "2"), ("0", "0"), ("0", "1001"), ("0", "x")] {
        assert_eq!(page(after, limit).await.status, StatusCode::BAD_REQUEST);
    }
    insta::assert_snapshot!(format!("{:#}", json(&page("2", "1").await)), @r#"
        {
          "orders": [
            {
              "amount_paise": 12345600,
              "callback": {
                "attempts": 0,
                "delivered": false,
                "last_result": null
              },
              "choice": "pay",
              "currency": "INR",
              "decided_ms": 1795342200000,
              "opened_ms": 1795342200000,
              "order": "C",
              "paid_paise": 12345600,
              "payment_id": "SBX0000000003",
              "sequence": 3,
              "state": "PAID"
            }
          ]
        }
        "#);
}
