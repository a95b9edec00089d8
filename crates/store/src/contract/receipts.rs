//! The task to issue a receipt: held by one at a time, never lost.

use std::sync::Arc;
use std::time::Duration;

use futures_util::future::join_all;
use payment_domain::{Status, Transaction};

use super::sample::{self, at, lease, postponement, task_claim, txn_id};
use super::{Promise, Timed};
use crate::{
    Applied, Change, ClaimedReceiptTask, NewTransaction, Postponement, ReceiptTask, ReceiptTaskChange,
    ReceiptTaskClaim, Store, Tried,
};

pub(super) fn promises() -> Vec<Promise> {
    vec![
        Promise::timed(a_receipt_task_is_created_with_the_success_and_leased_to_the_caller),
        Promise::timed(a_task_is_leased_once_among_callers_at_once),
        Promise::timed(tasks_are_leased_longest_due_first_and_no_more_than_asked),
        Promise::timed(an_abandoned_lease_is_taken_over_and_its_former_holder_stores_nothing),
        Promise::timed(an_abandoned_lease_is_taken_over_once_among_callers_at_once),
        Promise::timed(a_lease_whose_end_means_nothing_is_taken_over_when_it_is_abandoned),
        Promise::timed(leases_are_listed_once_the_first_to_end_first),
        Promise::timed(a_postponed_task_is_free_again_when_it_is_due),
        Promise::timed(the_age_of_an_unclear_registration_is_stored),
        Promise::of(a_task_is_done_once),
        Promise::timed(a_stale_change_leaves_its_task_undone),
    ]
}

/// A payment of nothing, successful at once, whose receipt is due.
fn due(nth: usize) -> NewTransaction {
    let (id, bill) = (format!("T{nth}"), format!("B{nth}"));
    let mut txn = sample::transaction(&id, &[&bill]);
    txn.status = Status::Success { receipt: None };
    NewTransaction { receipt_task: Some(sample::new_task("first")), ..sample::new(txn) }
}

/// Stores such payments, whose tasks were postponed and are due again after that time.
async fn postponed(store: &Arc<dyn Store>, tasks: impl IntoIterator<Item = (usize, u64)>) {
    for (nth, delay_ms) in tasks {
        let txn = sample::stored(store, due(nth)).await;
        let given_back = postponement(&txn.id, "first", delay_ms, "unavailable");
        assert!(store.postpone_receipt_task(given_back).await.unwrap());
    }
}

fn abandoning(token: &str, claim: ReceiptTaskClaim) -> ReceiptTaskClaim {
    ReceiptTaskClaim { abandoned: vec!["no lease".to_owned(), token.to_owned()], ..claim }
}

fn ids(tasks: &[ClaimedReceiptTask]) -> Vec<&str> {
    tasks.iter().map(|task| task.txn_id.as_str()).collect()
}

async fn paid(store: &Arc<dyn Store>) -> Transaction {
    let txn = sample::stored(store, sample::new_transaction("T1", "B1")).await;
    sample::applied(store, sample::success(&txn)).await
}

async fn a_receipt_task_is_created_with_the_success_and_leased_to_the_caller(timed: Timed) {
    let txn = paid(timed.when(at(1_000))).await;
    let task = timed.receipt_task(&txn.id).await.unwrap().unwrap();
    assert_eq!(task, sample::task("T1", "first", 1_000));
    for now in [60_999, 61_000, 9_000_000] {
        let others = timed.when(at(now)).claim_receipt_tasks(task_claim("second", 10)).await.unwrap();
        assert_eq!(others, [], "at {now}: its abandonment was not observed");
    }
}

async fn a_task_is_leased_once_among_callers_at_once(store: Timed) {
    postponed(&store, (0..30).map(|nth| (nth, 0))).await;
    let names: Vec<String> = (0..20).map(|nth| format!("worker {nth}")).collect();
    let calls = names.iter().map(|name| store.claim_receipt_tasks(task_claim(name, 4)));
    let mut leased = Vec::new();
    for (name, claimed) in names.iter().zip(join_all(calls).await) {
        for task in claimed.unwrap() {
            let held = store.receipt_task(&task.txn_id).await.unwrap().unwrap().lease;
            assert_eq!(held, Some(lease(name, 60_000)));
            leased.push(task.txn_id);
        }
    }
    assert_eq!(leased.len(), 30);
    leased.sort();
    leased.dedup();
    assert_eq!(leased.len(), 30, "no task was leased to two");
}

async fn tasks_are_leased_longest_due_first_and_no_more_than_asked(timed: Timed) {
    postponed(&timed, [(1, 300), (2, 400), (3, 500), (4, 200), (5, 100)]).await;
    let claimed = async |now, token, limit| {
        timed.when(at(now)).claim_receipt_tasks(task_claim(token, limit)).await.unwrap()
    };
    assert_eq!(claimed(99, "L0", 10).await, []);
    assert_eq!(claimed(400, "L1", 0).await, []);
    let first = claimed(400, "L1", 3).await;
    assert_eq!(ids(&first), ["T5", "T4", "T1"]);
    assert!(first.iter().all(|task| task.attempts == 1 && task.unclear_for.is_none()));
    assert_eq!(ids(&claimed(400, "L2", 3).await), ["T2"], "the last is not due yet");
}

async fn an_abandoned_lease_is_taken_over_and_its_former_holder_stores_nothing(timed: Timed) {
    let txn = paid(&timed).await;
    let claim = abandoning("first", task_claim("second", 10));
    assert_eq!(timed.when(at(59_999)).claim_receipt_tasks(claim.clone()).await.unwrap(), [], "it holds");
    let other = abandoning("another", task_claim("third", 10));
    assert_eq!(timed.when(at(65_000)).claim_receipt_tasks(other).await.unwrap(), []);
    let taken = timed.claim_receipt_tasks(claim).await.unwrap();
    let unclear_for = Some(Duration::from_secs(5));
    assert_eq!(taken, [ClaimedReceiptTask { txn_id: txn.id.clone(), attempts: 0, unclear_for }]);
    let held = Some(lease("second", 125_000));
    let task = ReceiptTask { lease: held, unclear_at: Some(at(60_000)), ..sample::task("T1", "first", 0) };
    assert_eq!(timed.receipt_task(&txn.id).await.unwrap().as_ref(), Some(&task));

    assert_eq!(timed.apply(sample::receipted(&txn, "first")).await.unwrap(), Applied::Stale);
    let late = postponement(&txn.id, "first", 0, "late");
    assert!(!timed.postpone_receipt_task(late).await.unwrap());
    assert_eq!(timed.transaction(&txn.id).await.unwrap(), Some(txn.clone()));
    assert_eq!(timed.receipt_task(&txn.id).await.unwrap(), Some(task));
    sample::applied(&timed, sample::receipted(&txn, "second")).await;
}

async fn an_abandoned_lease_is_taken_over_once_among_callers_at_once(timed: Timed) {
    for nth in 0..30 {
        sample::stored(&timed, due(nth)).await;
    }
    let store = timed.when(at(60_000));
    let names: Vec<String> = (0..20).map(|nth| format!("worker {nth}")).collect();
    let calls = names.iter().map(|name| store.claim_receipt_tasks(abandoning("first", task_claim(name, 4))));
    let mut taken: Vec<_> =
        join_all(calls).await.into_iter().flat_map(Result::unwrap).map(|task| task.txn_id).collect();
    assert_eq!(taken.len(), 30);
    taken.sort();
    taken.dedup();
    assert_eq!(taken.len(), 30);
}

async fn a_lease_whose_end_means_nothing_is_taken_over_when_it_is_abandoned(timed: Timed) {
    let a_day = 86_400_000;
    sample::stored(timed.when(at(a_day)), due(1)).await;
    let given_back = postponement(&txn_id("T1"), "first", 0, "unavailable");
    assert!(timed.when(at(0)).postpone_receipt_task(given_back).await.unwrap());
    // Leased by a clock that is a day ahead.
    let ahead = timed.when(at(a_day)).claim_receipt_tasks(task_claim("ahead", 1)).await.unwrap();
    assert_eq!(ids(&ahead), ["T1"]);
    assert_eq!(timed.when(at(5)).claim_receipt_tasks(task_claim("second", 1)).await.unwrap(), []);
    let claim = abandoning("ahead", task_claim("second", 1));
    let taken = timed.claim_receipt_tasks(claim).await.unwrap();
    assert_eq!(taken[0].unclear_for, Some(Duration::ZERO), "it ended now at the latest");
}

async fn leases_are_listed_once_the_first_to_end_first(timed: Timed) {
    assert_eq!(timed.receipt_leases(10).await.unwrap(), []);
    postponed(&timed, (0..5).map(|nth| (nth, 0))).await;
    assert_eq!(timed.receipt_leases(10).await.unwrap(), [], "no lease is held");
    timed.when(at(20)).claim_receipt_tasks(task_claim("a", 2)).await.unwrap();
    timed.when(at(10)).claim_receipt_tasks(task_claim("b", 2)).await.unwrap();
    let leases = [lease("b", 60_010), lease("a", 60_020)];
    assert_eq!(timed.receipt_leases(10).await.unwrap(), leases);
    assert_eq!(timed.receipt_leases(1).await.unwrap(), leases[..1]);
}

async fn a_postponed_task_is_free_again_when_it_is_due(timed: Timed) {
    let txn = paid(&timed).await;
    let unknown = postponement(&txn_id("T0"), "first", 0, "unknown");
    assert!(!timed.postpone_receipt_task(unknown).await.unwrap());
    let given_back = postponement(&txn.id, "first", 4_000, "no answer");
    assert!(timed.when(at(1_000)).postpone_receipt_task(given_back).await.unwrap());
    let postponed = ReceiptTask {
        attempts: 1,
        lease: None,
        due_at: at(5_000),
        last_error: Some("no answer".to_owned()),
        ..sample::task("T1", "", 0)
    };
    assert_eq!(timed.receipt_task(&txn.id).await.unwrap(), Some(postponed));
    let again = postponement(&txn.id, "first", 0, "twice");
    assert!(!timed.postpone_receipt_task(again).await.unwrap(), "the lease was given back");

    let claim = task_claim("second", 10);
    assert_eq!(timed.when(at(4_999)).claim_receipt_tasks(claim.clone()).await.unwrap(), []);
    let leased = timed.when(at(5_000)).claim_receipt_tasks(claim).await.unwrap();
    assert_eq!(leased, [ClaimedReceiptTask { txn_id: txn.id.clone(), attempts: 1, unclear_for: None }]);
    let refused = postponement(&txn.id, "second", 4_000, "refused");
    assert!(timed.postpone_receipt_task(refused).await.unwrap());
    let task = timed.receipt_task(&txn.id).await.unwrap().unwrap();
    assert_eq!((task.attempts, task.last_error.as_deref()), (2, Some("refused")));
}

async fn the_age_of_an_unclear_registration_is_stored(timed: Timed) {
    let txn = paid(&timed).await;
    let given_back = |token, tried| Postponement { tried, ..postponement(&txn.id, token, 0, "cut") };
    let unclear = given_back("first", Tried::Unclear);
    assert!(timed.when(at(3_000)).postpone_receipt_task(unclear).await.unwrap());
    let claimed = async |now, token| {
        let claimed = timed.when(at(now)).claim_receipt_tasks(task_claim(token, 1)).await.unwrap();
        (claimed[0].attempts, claimed[0].unclear_for)
    };
    let seconds = |seconds| Some(Duration::from_secs(seconds));
    assert_eq!(claimed(5_000, "second").await, (1, seconds(2)));
    assert!(timed.postpone_receipt_task(given_back("second", Tried::Looked)).await.unwrap());
    assert_eq!(claimed(8_000, "third").await, (1, seconds(5)), "to look is no try");
    assert!(timed.postpone_receipt_task(given_back("third", Tried::Failed)).await.unwrap());
    assert_eq!(claimed(9_000, "fourth").await, (2, seconds(6)));
    let unclear = given_back("fourth", Tried::Unclear);
    assert!(timed.postpone_receipt_task(unclear).await.unwrap());
    assert_eq!(claimed(9_000, "fifth").await, (3, seconds(0)), "the latest counts");
}

async fn a_task_is_done_once(store: Arc<dyn Store>) {
    let txn = paid(&store).await;
    assert_eq!(store.apply(sample::receipted(&txn, "another")).await.unwrap(), Applied::Stale);
    assert_eq!(store.apply(sample::receipted(&txn, "")).await.unwrap(), Applied::Stale);

    let attempts = join_all((0..20).map(|_| store.apply(sample::receipted(&txn, "first")))).await;
    let stored = attempts.into_iter().filter(|outcome| matches!(outcome, Ok(Applied::Stored))).count();
    assert_eq!(stored, 1);
    assert_eq!(store.receipt_task(&txn.id).await.unwrap(), None);
    assert_eq!(store.receipt_leases(10).await.unwrap(), []);

    let receipted = store.transaction(&txn.id).await.unwrap().unwrap();
    assert_eq!(receipted.receipt(), Some("RCPT/T1"));
    let once_more = Change {
        receipt_task: ReceiptTaskChange::Completed { lease_token: "first".to_owned() },
        ..sample::change(&receipted)
    };
    assert_eq!(store.apply(once_more).await.unwrap(), Applied::Stale);
    assert_eq!(store.history(&txn.id).await.unwrap().len(), 3);
    assert_eq!(store.events_of(&txn.id).await.unwrap().len(), 4);
}

async fn a_stale_change_leaves_its_task_undone(timed: Timed) {
    let txn = paid(&timed).await;
    sample::applied(&timed, sample::change(&txn)).await;
    assert_eq!(timed.apply(sample::receipted(&txn, "first")).await.unwrap(), Applied::Stale);
    let task = timed.receipt_task(&txn.id).await.unwrap().unwrap();
    assert_eq!(task.lease, Some(lease("first", 60_000)));
}
