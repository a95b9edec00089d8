//! Receipts of payments that are given back: cancelled once, and the bills free only then.

use std::time::Duration;

use payment_digit::Standing;
use payment_domain::{AttentionKind, RefundOutcome, RefundReceipt, RefundStatus, TxnId};
use payment_gateway::{RefundFate, StartMode};
use payment_service::{CancelReceipt, ReceiptTally, Receipts};
use payment_store::CancellationOutcome;
use payment_testing::collections::Fault;

use crate::support::refunds::{approved, given_back, reaches, receipted, requested, stored};
use crate::support::{LEASE, World, caller, impatient_world, paid, request, world, world_where};

const NOTHING: ReceiptTally = ReceiptTally { issued: 0, cancelled: 0, postponed: 0 };
const CANCELLED: ReceiptTally = ReceiptTally { cancelled: 1, ..NOTHING };
const POSTPONED: ReceiptTally = ReceiptTally { postponed: 1, ..NOTHING };
const NOT_APPLICABLE: Fault =
    Fault::Refuses(r#"{"Errors":[{"code":"RECEIPT_WORKFLOW_ACTION_NOT_APPLICABLE"}]}"#);

async fn outcome(world: &World, id: &TxnId) -> Option<CancellationOutcome> {
    world.store.cancellation(id).await.unwrap().unwrap().outcome
}

async fn tick(world: &World) -> ReceiptTally {
    world.payments.receipts.tick().await.unwrap()
}

/// The seconds in which attempts were made, and their outcome.
async fn tries(world: &World, receipts: &Receipts, seconds: u64) -> Vec<(u64, ReceiptTally)> {
    let mut tries = Vec::new();
    for second in 1..=seconds {
        world.clock.advance(Duration::from_secs(1));
        let tally = receipts.tick().await.unwrap();
        if tally != NOTHING {
            tries.push((second, tally));
        }
    }
    tries
}

#[tokio::test]
async fn a_fully_refunded_payment_loses_its_receipt_and_its_bill_can_be_paid_again() {
    let world = world();
    let id = receipted(&world, "B1").await;
    let refund = given_back(&world, &id, None).await;
    assert_eq!(stored(&world, &refund.id).await.receipt, RefundReceipt::ToCancel);
    assert_eq!(world.claims("B1").await.len(), 1, "the receipt stands");
    assert_eq!(tick(&world).await, CANCELLED);
    assert_eq!(world.collections.standing(&id), Some(Standing::Cancelled));
    assert_eq!(stored(&world, &refund.id).await.receipt, RefundReceipt::Cancelled);
    assert_eq!(world.claims("B1").await, []);
    assert_eq!(world.store.history(&id).await.unwrap().pop().unwrap().why, "receipt cancelled");
    assert_eq!(tick(&world).await, NOTHING);
    world.create(request(&[("B1", "100")])).await.unwrap();
    assert_eq!(world.collections.cancels(), 1);
    assert!(world.stored(&id).await.receipt().is_some(), "its number stays");
    let events = world.store.events_of(&id).await.unwrap();
    assert!(events.last().unwrap().event.body.contains(r#""receiptStatus":"CANCELLED""#));
}

#[tokio::test]
async fn a_partial_refund_leaves_receipt_and_bill_and_becomes_a_review_case() {
    let world = world();
    let id = receipted(&world, "B1").await;
    let refund = given_back(&world, &id, Some("40")).await;
    assert_eq!(tick(&world).await, NOTHING);
    assert_eq!(stored(&world, &refund.id).await.receipt, RefundReceipt::NeedsAdjustment);
    assert_eq!(world.claims("B1").await.len(), 1);
    let kinds: Vec<_> = world.store.attention(&id).await.unwrap().into_iter().map(|case| case.kind).collect();
    assert_eq!(kinds, [AttentionKind::ReceiptNeedsAdjustment]);
    given_back(&world, &id, Some("60")).await;
    assert_eq!(tick(&world).await, CANCELLED, "the rest makes it whole");
    assert_eq!(world.claims("B1").await, []);
}

#[tokio::test]
async fn where_receipts_are_never_cancelled_the_bill_stays_claimed() {
    let world = world_where(StartMode::Offline, |settings| {
        settings.refunds.cancel_receipt = CancelReceipt::Never;
    });
    let id = receipted(&world, "B1").await;
    given_back(&world, &id, None).await;
    assert_eq!(tick(&world).await, NOTHING);
    assert_eq!(world.collections.standing(&id), Some(Standing::Valid));
    assert_eq!(world.claims("B1").await.len(), 1);
}

#[tokio::test]
async fn a_lost_answer_is_looked_up_and_nothing_is_cancelled_twice() {
    let world = world();
    let id = receipted(&world, "B1").await;
    given_back(&world, &id, None).await;
    world.collections.has(Fault::AnswerLost);
    assert_eq!(tick(&world).await, POSTPONED);
    assert_eq!(world.claims("B1").await.len(), 1);
    assert_eq!(tries(&world, &world.payments.receipts, 30).await, [(2, CANCELLED)]);
    assert_eq!(world.collections.cancels(), 1);
    assert_eq!(world.claims("B1").await, []);
}

#[tokio::test]
async fn a_call_cut_off_is_looked_up_and_repeated_after_the_length_of_a_lease() {
    let world = world();
    let id = receipted(&world, "B1").await;
    given_back(&world, &id, None).await;
    world.collections.has(Fault::Cut);
    assert_eq!(tick(&world).await, POSTPONED);
    let again = tries(&world, &world.payments.receipts, 119).await;
    assert_eq!(again, [2, 5, 15, 30].map(|second| (second, POSTPONED)));
    assert_eq!(world.collections.cancels(), 1);
    world.collections.has(None);
    assert_eq!(tries(&world, &world.payments.receipts, 1).await, [(1, CANCELLED)]);
    assert_eq!(world.collections.cancels(), 2);
}

#[tokio::test]
async fn a_worker_that_dies_is_replaced_and_two_workers_cancel_once() {
    let world = impatient_world();
    let id = receipted(&world, "B1").await;
    given_back(&world, &id, None).await;
    world.collections.has(Fault::Hangs);
    let dying = world.with_ports(|ports| ports).receipts;
    let hangs = tokio::spawn(async move { dying.tick().await });
    while world.collections.cancels() == 0 {
        tokio::task::yield_now().await;
    }
    hangs.abort();
    world.collections.has(None);
    let (one, other) = (world.with_ports(|ports| ports).receipts, world.with_ports(|ports| ports).receipts);
    assert_eq!(one.tick().await.unwrap(), NOTHING);
    assert_eq!(other.tick().await.unwrap(), NOTHING);
    world.clock.advance(LEASE);
    let mut completed = 0;
    for _ in 0..150 {
        let (first, second) = tokio::join!(one.tick(), other.tick());
        completed += first.unwrap().cancelled + second.unwrap().cancelled;
        world.clock.advance(Duration::from_secs(1));
    }
    assert_eq!((completed, world.collections.cancels()), (1, 2), "the first call never arrived");
    assert_eq!(world.claims("B1").await, []);
}

#[tokio::test]
async fn a_refusal_is_a_review_case_and_a_cancellation_by_hand_completes_the_task() {
    let world = world();
    let id = receipted(&world, "B1").await;
    let refund = given_back(&world, &id, None).await;
    world.collections.has(NOT_APPLICABLE);
    assert_eq!(tick(&world).await, POSTPONED);
    world.clock.advance(Duration::from_secs(600));
    assert_eq!(tick(&world).await, POSTPONED);
    let cases = world.store.attention(&id).await.unwrap();
    assert_eq!(cases.len(), 1);
    assert_eq!(cases[0].kind, AttentionKind::ReceiptNeedsAdjustment);
    assert!(cases[0].evidence.to_string().contains("RECEIPT_WORKFLOW_ACTION_NOT_APPLICABLE"));
    assert_eq!(stored(&world, &refund.id).await.receipt, RefundReceipt::NotCancellable);
    assert_eq!(world.claims("B1").await.len(), 1);

    world.collections.has_cancelled(&id);
    world.clock.advance(Duration::from_secs(600));
    assert_eq!(tick(&world).await, CANCELLED);
    assert_eq!(world.claims("B1").await, []);
    assert_eq!(stored(&world, &refund.id).await.receipt, RefundReceipt::Cancelled);
}

#[tokio::test]
async fn a_receipt_that_was_not_issued_when_the_money_went_back_is_issued_no_more() {
    let world = world();
    let id = world.pending("B1", "100").await;
    world.gateway.answers(paid("100"));
    world.collections.has(Fault::Unreachable);
    assert_eq!(world.settle(&id).await.receipt(), None);
    world.collections.has(None);
    let refund = given_back(&world, &id, None).await;
    assert_eq!(tick(&world).await, ReceiptTally { issued: 1, cancelled: 1, postponed: 0 });
    assert_eq!((world.collections.creates(), world.collections.registered()), (1, 0));
    assert_eq!(world.store.receipt_task(&id).await.unwrap(), None);
    assert_eq!(outcome(&world, &id).await, Some(CancellationOutcome::NoReceipt));
    assert_eq!(stored(&world, &refund.id).await.receipt, RefundReceipt::None);
    assert_eq!(world.stored(&id).await.receipt(), None);
    assert_eq!(world.claims("B1").await, []);
}

#[tokio::test]
async fn a_registration_that_ends_after_the_refund_is_found_and_cancelled() {
    let world = world();
    let id = world.pending("B1", "100").await;
    world.gateway.answers(paid("100"));
    world.collections.has(Fault::Cut);
    assert_eq!(world.settle(&id).await.receipt(), None);
    world.collections.has(None);
    given_back(&world, &id, None).await;
    assert_eq!(tick(&world).await, POSTPONED, "its registration may still be at work");
    world.collections.has_registered(&id, "R-LATE");
    let done = tries(&world, &world.payments.receipts, 5).await;
    assert_eq!(done, [(2, ReceiptTally { issued: 1, cancelled: 1, postponed: 0 })]);
    assert_eq!(world.stored(&id).await.receipt(), Some("R-LATE"));
    assert_eq!(world.collections.standing(&id), Some(Standing::Cancelled));
    assert_eq!(world.claims("B1").await, []);
}

fn cancelling_on_approval() -> World {
    world_where(StartMode::Offline, |settings| {
        settings.refunds.cancel_receipt = CancelReceipt::OnApproval;
    })
}

#[tokio::test]
async fn a_receipt_cancelled_on_approval_keeps_the_bill_until_the_money_has_gone() {
    let world = cancelling_on_approval();
    let id = receipted(&world, "B1").await;
    world.gateway.refunds_are(RefundFate::Taken);
    let refund = requested(&world, &id, None).await;
    approved(&world, &refund).await;
    reaches(&world, &refund.id, RefundStatus::Sent).await;
    assert_eq!(tick(&world).await, CANCELLED);
    assert_eq!(world.claims("B1").await.len(), 1, "the money may be ours for ever");
    world.gateway.decides_refund(&refund.id, RefundOutcome::Succeeded { amount: Some(refund.amount) });
    world.payments.refunds.update(&refund.id, None, &caller()).await.unwrap();
    assert_eq!(stored(&world, &refund.id).await.status, RefundStatus::Succeeded);
    assert_eq!(tick(&world).await, CANCELLED);
    assert_eq!((world.claims("B1").await, world.collections.cancels()), (Vec::new(), 1));
}

#[tokio::test]
async fn a_receipt_to_be_cancelled_on_approval_stays_when_the_refund_has_failed_before() {
    let world = cancelling_on_approval();
    let id = receipted(&world, "B1").await;
    world.gateway.refunds_are(RefundFate::Taken);
    let refund = requested(&world, &id, None).await;
    approved(&world, &refund).await;
    reaches(&world, &refund.id, RefundStatus::Sent).await;
    world.gateway.decides_refund(&refund.id, RefundOutcome::Failed { reason: "no".to_owned() });
    world.payments.refunds.update(&refund.id, None, &caller()).await.unwrap();
    assert_eq!(tick(&world).await, CANCELLED);
    assert_eq!(outcome(&world, &id).await, Some(CancellationOutcome::Kept));
    assert_eq!(world.collections.standing(&id), Some(Standing::Valid));
    assert_eq!((world.claims("B1").await.len(), world.collections.cancels()), (1, 0));
}

#[tokio::test]
async fn a_receipt_cancelled_for_a_failed_refund_becomes_a_review_case() {
    let world = cancelling_on_approval();
    let id = receipted(&world, "B1").await;
    world.gateway.refunds_are(RefundFate::Taken);
    let refund = requested(&world, &id, None).await;
    approved(&world, &refund).await;
    reaches(&world, &refund.id, RefundStatus::Sent).await;
    assert_eq!(tick(&world).await, CANCELLED);
    world.gateway.decides_refund(&refund.id, RefundOutcome::Failed { reason: "no".to_owned() });
    world.payments.refunds.update(&refund.id, None, &caller()).await.unwrap();
    assert_eq!(stored(&world, &refund.id).await.status, RefundStatus::Failed);
    let kinds: Vec<_> = world.store.attention(&id).await.unwrap().into_iter().map(|case| case.kind).collect();
    assert_eq!(kinds, [AttentionKind::ReceiptNeedsAdjustment]);
    assert_eq!(world.claims("B1").await.len(), 1);
}
