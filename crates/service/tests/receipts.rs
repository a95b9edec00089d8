//! One receipt per successful transaction, whatever fails, dies or happens twice.

mod support;

use std::sync::atomic::Ordering;
use std::time::Duration;

use payment_domain::{AttentionKind, Status};
use payment_service::ReceiptTally;
use support::{Fault, LEASE, impatient_world, paid, world};

const ISSUED: ReceiptTally = ReceiptTally { issued: 1, postponed: 0 };
const POSTPONED: ReceiptTally = ReceiptTally { issued: 0, postponed: 1 };
const NOTHING: ReceiptTally = ReceiptTally { issued: 0, postponed: 0 };

#[tokio::test]
async fn a_collection_service_that_is_away_delays_the_receipt_and_nothing_else() {
    let world = world();
    let id = world.pending("B1", "100").await;
    world.gateway.answers(paid("100"));
    world.collections.has(Some(Fault::Away));
    assert_eq!(world.settle(&id).await.status, Status::Success { receipt: None });
    assert_eq!(world.payments.receipts.tick().await.unwrap(), NOTHING, "not due yet");
    world.clock.advance(Duration::from_secs(5));
    assert_eq!(world.payments.receipts.tick().await.unwrap(), POSTPONED);
    world.collections.has(None);
    world.clock.advance(Duration::from_secs(9));
    assert_eq!(world.payments.receipts.tick().await.unwrap(), NOTHING, "the second wait is twice the first");
    world.clock.advance(Duration::from_secs(1));
    assert_eq!(world.payments.receipts.tick().await.unwrap(), ISSUED);
    assert_eq!(world.stored(&id).await.receipt(), Some("R-T0001-B1"));
    assert_eq!(world.payments.receipts.tick().await.unwrap(), NOTHING);
    assert_eq!(world.events(&id).await.last().unwrap(), "update-pg-txns SUCCESS+receipt");
}

#[tokio::test]
async fn a_lost_answer_is_looked_up_and_not_created_again() {
    let world = world();
    let id = world.pending("B1", "100").await;
    world.gateway.answers(paid("100"));
    world.collections.has(Some(Fault::AnswerLost));
    assert_eq!(world.settle(&id).await.receipt(), None);
    world.collections.has(None);
    world.clock.advance(LEASE - Duration::from_millis(1));
    assert_eq!(
        world.payments.receipts.tick().await.unwrap(),
        NOTHING,
        "the call may still be at work over there"
    );
    world.clock.advance(Duration::from_millis(1));
    assert_eq!(world.payments.receipts.tick().await.unwrap(), ISSUED);
    assert_eq!(world.stored(&id).await.receipt(), Some("R-T0001-B1"));
    assert_eq!(world.collections.creates.load(Ordering::SeqCst), 1);
}

#[tokio::test]
async fn whoever_dies_at_it_is_replaced_when_the_lease_runs_out() {
    let world = impatient_world();
    let id = world.pending("B1", "100").await;
    world.gateway.answers(paid("100"));
    world.collections.has(Some(Fault::Hangs));
    world.settle(&id).await;
    world.collections.has(None);
    world.clock.advance(LEASE - Duration::from_millis(1));
    assert_eq!(world.payments.receipts.tick().await.unwrap(), NOTHING);
    world.clock.advance(Duration::from_millis(1));
    assert_eq!(world.payments.receipts.tick().await.unwrap(), ISSUED);
    assert_eq!(world.collections.registered(), 1);
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn workers_at_the_same_time_do_each_duty_once() {
    let world = world();
    world.gateway.answers(paid("100"));
    world.collections.has(Some(Fault::Away));
    let mut ids = Vec::new();
    world.collections.has(None);
    for number in 0..20 {
        ids.push(world.pending(&format!("B{number}"), "100").await);
    }
    world.collections.has(Some(Fault::Away));
    for id in &ids {
        world.settle(id).await;
    }
    world.collections.has(None);
    world.clock.advance(Duration::from_secs(60));
    let receipts = &world.payments.receipts;
    let creates_before = world.collections.creates.load(Ordering::SeqCst);
    let (a, b, c) = tokio::join!(receipts.tick(), receipts.tick(), receipts.tick());
    assert_eq!(a.unwrap().issued + b.unwrap().issued + c.unwrap().issued, 20);
    assert_eq!(world.collections.registered(), 20);
    assert_eq!(world.collections.creates.load(Ordering::SeqCst) - creates_before, 20);
}

#[tokio::test]
async fn a_refused_receipt_is_shown_to_an_operator_and_stays_due() {
    let world = world();
    let id = world.pending("B1", "100").await;
    world.gateway.answers(paid("100"));
    world.collections.has(Some(Fault::Refuses));
    assert_eq!(world.settle(&id).await.status, Status::Success { receipt: None });
    let cases = world.store.attention(&id).await.unwrap();
    assert_eq!(cases[0].kind, AttentionKind::ReceiptRefused);
    assert_eq!(cases[0].evidence["body"]["Errors"][0]["code"], "PAID");
    world.collections.has(None);
    world.clock.advance(Duration::from_secs(600));
    assert_eq!(world.payments.receipts.tick().await.unwrap(), ISSUED);
}

#[tokio::test]
async fn one_duty_that_fails_does_not_stop_the_others() {
    let world = world();
    world.gateway.answers(paid("100"));
    let hangs = world.pending("B1", "100").await;
    let waits = world.pending("B2", "100").await;
    world.collections.has(Some(Fault::AnswerLost));
    world.settle(&hangs).await;
    world.collections.has(Some(Fault::Away));
    world.settle(&waits).await;
    world.collections.has(Some(Fault::Refuses));
    world.clock.advance(LEASE);
    let tally = world.payments.receipts.tick().await.unwrap();
    assert_eq!(
        tally,
        ReceiptTally { issued: 1, postponed: 1 },
        "the one registered before is found, the other refused"
    );
}
