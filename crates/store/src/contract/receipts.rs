//! The duty to issue a receipt: held by one at a time, lost by nobody.

use std::sync::Arc;

use futures_util::future::join_all;
use payment_domain::{Status, Timestamp, Transaction};

use super::Promise;
use super::sample::{self, at, lease, txn_id};
use crate::{Applied, Change, DutyChange, NewTransaction, ReceiptDuty, Store};

pub(super) fn promises() -> Vec<Promise> {
    vec![
        Promise::of(a_duty_arises_with_the_success_and_in_the_hands_of_whoever_stored_it),
        Promise::of(a_duty_is_leased_once_among_callers_at_once),
        Promise::of(duties_are_leased_longest_due_first_and_no_more_than_asked),
        Promise::of(a_lease_that_ends_is_taken_over_and_its_holder_can_do_no_more),
        Promise::of(a_postponed_duty_is_free_again_when_it_is_due),
        Promise::of(a_duty_is_done_once),
        Promise::of(a_stale_change_leaves_its_duty_undone),
    ]
}

/// A payment of nothing, successful at once, whose receipt is due at a moment.
fn due(nth: usize, due_at: Timestamp) -> NewTransaction {
    let (id, bill) = (format!("T{nth}"), format!("B{nth}"));
    let mut txn = sample::transaction(&id, &[&bill]);
    txn.status = Status::Success { receipt: None };
    NewTransaction { receipt_duty: Some(sample::duty(&id, due_at)), ..sample::new(txn) }
}

fn ids(duties: &[ReceiptDuty]) -> Vec<&str> {
    duties.iter().map(|duty| duty.txn_id.as_str()).collect()
}

async fn paid(store: &Arc<dyn Store>) -> Transaction {
    let txn = sample::stored(store, sample::new_transaction("T1", "B1")).await;
    sample::applied(store, sample::success(&txn)).await
}

async fn a_duty_arises_with_the_success_and_in_the_hands_of_whoever_stored_it(store: Arc<dyn Store>) {
    let txn = paid(&store).await;
    let duty = store.receipt_duty(&txn.id).await.unwrap().unwrap();
    let held = Some(lease("first", 61_000));
    assert_eq!(duty, ReceiptDuty { lease: held, ..sample::duty("T1", at(1_000)) });
    let others = store.lease_receipt_duties(at(60_999), lease("second", 120_000), 10).await.unwrap();
    assert_eq!(others, []);
}

async fn a_duty_is_leased_once_among_callers_at_once(store: Arc<dyn Store>) {
    for nth in 0..30 {
        sample::stored(&store, due(nth, at(0))).await;
    }
    let calls =
        (0..20).map(|nth| store.lease_receipt_duties(at(0), lease(&format!("worker {nth}"), 60_000), 4));
    let mut leased: Vec<ReceiptDuty> = join_all(calls).await.into_iter().flat_map(Result::unwrap).collect();
    assert_eq!(leased.len(), 30);
    for duty in &leased {
        assert_eq!(store.receipt_duty(&duty.txn_id).await.unwrap().as_ref(), Some(duty));
    }
    leased.sort_by(|one, other| one.txn_id.cmp(&other.txn_id));
    leased.dedup_by(|one, other| one.txn_id == other.txn_id);
    assert_eq!(leased.len(), 30, "no duty was leased to two");
}

async fn duties_are_leased_longest_due_first_and_no_more_than_asked(store: Arc<dyn Store>) {
    for (nth, due_ms) in [(1, 300), (2, 400), (3, 500), (4, 200), (5, 100)] {
        sample::stored(&store, due(nth, at(due_ms))).await;
    }
    assert_eq!(store.lease_receipt_duties(at(99), lease("L0", 9_000), 10).await.unwrap(), []);
    assert_eq!(store.lease_receipt_duties(at(400), lease("L1", 9_000), 0).await.unwrap(), []);
    let first = store.lease_receipt_duties(at(400), lease("L1", 9_000), 3).await.unwrap();
    assert_eq!(ids(&first), ["T5", "T4", "T1"]);
    assert!(first.iter().all(|duty| duty.lease == Some(lease("L1", 9_000)) && duty.attempts == 0));
    let rest = store.lease_receipt_duties(at(400), lease("L2", 9_000), 3).await.unwrap();
    assert_eq!(ids(&rest), ["T2"], "the last is not due yet");
}

async fn a_lease_that_ends_is_taken_over_and_its_holder_can_do_no_more(store: Arc<dyn Store>) {
    let txn = paid(&store).await;
    let taken = store.lease_receipt_duties(at(61_000), lease("second", 120_000), 10).await.unwrap();
    assert_eq!(
        taken,
        [ReceiptDuty { lease: Some(lease("second", 120_000)), ..sample::duty("T1", at(1_000)) }]
    );

    assert_eq!(store.apply(sample::receipted(&txn, "first")).await.unwrap(), Applied::Stale);
    assert!(!store.postpone_receipt_duty(&txn.id, "first", at(0), "late").await.unwrap());
    assert_eq!(store.transaction(&txn.id).await.unwrap(), Some(txn.clone()));
    assert_eq!(store.receipt_duty(&txn.id).await.unwrap().as_ref(), taken.first());
    sample::applied(&store, sample::receipted(&txn, "second")).await;
}

async fn a_postponed_duty_is_free_again_when_it_is_due(store: Arc<dyn Store>) {
    let txn = paid(&store).await;
    assert!(!store.postpone_receipt_duty(&txn_id("T0"), "first", at(0), "unknown").await.unwrap());
    assert!(store.postpone_receipt_duty(&txn.id, "first", at(5_000), "no answer").await.unwrap());
    let postponed = ReceiptDuty {
        attempts: 1,
        last_error: Some("no answer".to_owned()),
        ..sample::duty("T1", at(5_000))
    };
    assert_eq!(store.receipt_duty(&txn.id).await.unwrap(), Some(postponed.clone()));
    let again = store.postpone_receipt_duty(&txn.id, "first", at(0), "twice").await.unwrap();
    assert!(!again, "the lease was given back");

    assert_eq!(store.lease_receipt_duties(at(4_999), lease("second", 90_000), 10).await.unwrap(), []);
    let leased = store.lease_receipt_duties(at(5_000), lease("second", 90_000), 10).await.unwrap();
    assert_eq!(leased, [ReceiptDuty { lease: Some(lease("second", 90_000)), ..postponed }]);
    assert!(store.postpone_receipt_duty(&txn.id, "second", at(9_000), "refused").await.unwrap());
    let duty = store.receipt_duty(&txn.id).await.unwrap().unwrap();
    assert_eq!((duty.attempts, duty.last_error.as_deref()), (2, Some("refused")));
}

async fn a_duty_is_done_once(store: Arc<dyn Store>) {
    let txn = paid(&store).await;
    assert_eq!(store.apply(sample::receipted(&txn, "another")).await.unwrap(), Applied::Stale);
    assert_eq!(store.apply(sample::receipted(&txn, "")).await.unwrap(), Applied::Stale);

    let attempts = join_all((0..20).map(|_| store.apply(sample::receipted(&txn, "first")))).await;
    let stored = attempts.into_iter().filter(|outcome| matches!(outcome, Ok(Applied::Stored))).count();
    assert_eq!(stored, 1);
    assert_eq!(store.receipt_duty(&txn.id).await.unwrap(), None);
    assert_eq!(store.lease_receipt_duties(at(999_000), lease("second", 999_999), 10).await.unwrap(), []);

    let receipted = store.transaction(&txn.id).await.unwrap().unwrap();
    assert_eq!(receipted.receipt(), Some("RCPT/T1"));
    let once_more = Change {
        receipt_duty: DutyChange::Done { lease_token: "first".to_owned() },
        ..sample::change(&receipted)
    };
    assert_eq!(store.apply(once_more).await.unwrap(), Applied::Stale);
    assert_eq!(store.history(&txn.id).await.unwrap().len(), 3);
    assert_eq!(store.events_of(&txn.id).await.unwrap().len(), 4);
}

async fn a_stale_change_leaves_its_duty_undone(store: Arc<dyn Store>) {
    let txn = paid(&store).await;
    sample::applied(&store, sample::change(&txn)).await;
    assert_eq!(store.apply(sample::receipted(&txn, "first")).await.unwrap(), Applied::Stale);
    let duty = store.receipt_duty(&txn.id).await.unwrap().unwrap();
    assert_eq!(duty.lease, Some(lease("first", 61_000)));
}
