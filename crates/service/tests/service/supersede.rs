//! A payment that seems abandoned is closed at its gateway when its bill is to be paid by another.

use std::sync::Arc;
use std::time::Duration;

use crate::support::{World, codes, paid, request, world_where};
use payment_domain::{AttentionKind, Outcome, Status, TxnId};
use payment_gateway::StartMode;
use payment_service::CreateRequest;

const LONG_ENOUGH: Duration = Duration::from_secs(61);

/// A world whose gateway can close orders, with a payment of the bill `B1` that is a minute old.
async fn abandoned(loses_answers: bool) -> (World, TxnId) {
    let world = world_where(StartMode::Offline, |settings| settings.order_life = None);
    world.gateway.closes_orders(loses_answers);
    let id = world.pending("B1", "100").await;
    world.clock.advance(LONG_ENOUGH);
    (world, id)
}

/// Another payer's payment of these bills.
fn another(bills: &[(&str, &str)]) -> CreateRequest {
    CreateRequest { callback_text: "https://city.example.org/other".to_owned(), ..request(bills) }
}

#[tokio::test]
async fn a_new_payment_closes_the_abandoned_one_and_continues() {
    let (world, first) = abandoned(false).await;
    let second = world.create(another(&[("B1", "100")])).await.unwrap();
    assert_eq!(second["txnId"], "T0002");
    let closed = world.stored(&first).await;
    assert_eq!(closed.status, Status::Failure);
    assert_eq!(closed.status_message, "Transaction failed, superseded by another payment");
    let why = world.store.history(&first).await.unwrap().pop().unwrap().why;
    assert_eq!(why, "closed for another payment; the gateway says: declined, closed");
    assert_eq!(world.claims("B1").await[0].txn_id.as_str(), "T0002");
    // Should it be paid all the same, it is put before an operator.
    world.gateway.answers_for(&first, paid("100"));
    assert_eq!(world.settle(&first).await.status, Status::Failure);
    assert_eq!(world.store.attention(&first).await.unwrap()[0].kind, AttentionKind::LateSuccess);
}

#[tokio::test]
async fn a_payment_before_the_closing_counts() {
    let (world, first) = abandoned(false).await;
    world.gateway.answers_for(&first, paid("100"));
    assert_eq!(codes(world.create(another(&[("B1", "100")])).await), ["TXN_CREATE_BILL_ALREADY_PAID"]);
    assert!(world.stored(&first).await.receipt().is_some());
}

#[tokio::test]
async fn a_closing_with_a_lost_answer_is_found_by_the_next_request() {
    let (world, first) = abandoned(true).await;
    assert_eq!(codes(world.create(another(&[("B1", "100")])).await), ["TXN_ABRUPTLY_DISCARDED"]);
    assert_eq!(world.stored(&first).await.status, Status::Pending, "nothing is failed on doubt");
    let second = world.create(another(&[("B1", "100")])).await.unwrap();
    assert_eq!(
        (second["txnId"].as_str(), world.stored(&first).await.status),
        (Some("T0002"), Status::Failure)
    );
}

#[tokio::test]
async fn nothing_is_closed_that_is_young_or_where_it_would_not_help() {
    let world = world_where(StartMode::Offline, |settings| settings.order_life = None);
    world.gateway.closes_orders(false);
    let young = world.pending("B1", "100").await;
    world.clock.advance(Duration::from_secs(59));
    assert_eq!(codes(world.create(another(&[("B1", "100")])).await), ["TXN_ABRUPTLY_DISCARDED"]);
    assert_eq!(world.stored(&young).await.status, Status::Pending);

    // One of two bills is paid: the other is not given up for nothing.
    world.clock.advance(LONG_ENOUGH);
    let settled = world.pending("B2", "1").await;
    world.gateway.answers_for(&settled, paid("1"));
    world.settle(&settled).await;
    let both = world.create(another(&[("B1", "100"), ("B2", "1")])).await;
    assert_eq!(codes(both), ["TXN_ABRUPTLY_DISCARDED", "TXN_CREATE_BILL_ALREADY_PAID"]);
    assert_eq!(world.stored(&young).await.status, Status::Pending);

    // A repetition by the same payer does not close the payment but finds it again.
    let again = world.create(request(&[("B1", "100")])).await.unwrap();
    assert_eq!(
        (again["txnId"].as_str(), world.stored(&young).await.status),
        (Some(young.as_str()), Status::Pending)
    );
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn of_many_concurrent_replacements_one_pays_the_bill() {
    let (world, first) = abandoned(false).await;
    let world = Arc::new(world);
    let tasks: Vec<_> = (0..20)
        .map(|_| {
            let world = world.clone();
            tokio::spawn(async move { world.create(another(&[("B1", "100")])).await })
        })
        .collect();
    let mut won = 0;
    for task in tasks {
        match task.await.unwrap() {
            Ok(_) => won += 1,
            refused @ Err(_) => assert_eq!(codes(refused), ["TXN_ABRUPTLY_DISCARDED"]),
        }
    }
    assert_eq!(won, 1);
    assert_eq!(world.stored(&first).await.status, Status::Failure);
    let failures = world.steps(&first).await.iter().filter(|step| *step == "PENDING>FAILURE").count();
    assert_eq!(failures, 1);
}

#[tokio::test]
async fn a_payment_under_way_at_the_gateway_is_reported_and_not_closed() {
    let (world, first) = abandoned(false).await;
    world.gateway.answers_for(&first, Outcome::Unrecognised { code: "AT_BANK".to_owned() });
    assert_eq!(codes(world.create(another(&[("B1", "100")])).await), ["TXN_ABRUPTLY_DISCARDED"]);
    assert_eq!(world.stored(&first).await.status, Status::Pending);
}
