//! Writes of a job's run are stored as long as the run is not over, and refused once another has begun.

use std::sync::Arc;
use std::sync::atomic::{AtomicBool, Ordering};

use futures_util::future::{join, join_all};
use payment_domain::{AttentionKind, Clock, Transaction, TxnId};
use serde_json::Value;

use super::changing::{assert_untouched, loaded};
use super::sample::{self, MINUTE, at, begun, bill_key, checked, ended, tick};
use super::{Promise, Timed};
use crate::{
    Applied, Attention, Change, CheckNote, Fence, NewCase, NextCheck, ReceiptTaskChange, RunEnd, Store,
    Tally, TickRequest,
};

pub(super) fn promises() -> Vec<Promise> {
    vec![
        Promise::timed(a_current_run_stores_its_results_even_after_its_lease),
        Promise::timed(a_change_of_a_run_that_is_over_stores_nothing),
        Promise::timed(a_check_noted_by_a_run_that_is_over_stores_nothing),
        Promise::timed(a_case_brought_by_a_run_that_is_over_stores_nothing),
        Promise::timed(events_published_by_a_run_that_is_over_stay_unpublished),
        Promise::timed(nothing_of_a_run_is_stored_after_another_has_begun),
    ]
}

/// Fences of runs that are over, each in its own way, and of such as never were. A minute passes.
async fn worthless(timed: &Timed, job: &str) -> Vec<Fence> {
    let store: &Arc<dyn Store> = timed;
    let mut fences = Vec::new();
    let ends = [RunEnd::Finished, RunEnd::Cancelled, RunEnd::Failed("broken".to_owned())];
    for (scheduled_ms, end) in (0..).zip(ends) {
        let run = begun(store, tick(job, scheduled_ms)).await;
        ended(store, &run, scheduled_ms, end).await;
        fences.push(run.fence);
    }
    let dead = begun(store, tick(job, 10)).await;
    let until = timed.clock.now().plus(MINUTE);
    let request = TickRequest { not_renewed: Some(until), ..tick(job, 60_010) };
    let at_work = begun(timed.when(until), request).await;
    assert_eq!(at_work.scheduled_at, dead.scheduled_at, "taken over");
    fences.push(dead.fence);
    fences.push(Fence { job: "another".to_owned(), ..at_work.fence.clone() });
    fences
        .extend([0, at_work.fence.run_id + 1, i64::MAX].map(|run_id| Fence { job: job.to_owned(), run_id }));
    fences
}

async fn a_current_run_stores_its_results_even_after_its_lease(timed: Timed) {
    let txn = sample::stored(&timed, sample::new_transaction("T1", "B1")).await;
    let run = begun(&timed, tick("early", 0)).await;
    let store = timed.when(at(999_000));
    let fence = Some(run.fence.clone());

    let note = CheckNote { fence: fence.clone(), ..checked(&txn.id, 10, NextCheck::WithAll) };
    assert_eq!(store.note_check(note).await.unwrap(), Applied::Stored);
    let failed = sample::applied(store, Change { fence: fence.clone(), ..sample::failure(&txn) }).await;
    assert!(store.raise_attention(case(&failed, fence)).await.unwrap());
    assert!(store.mark_published(&[sequence(store, &txn.id).await], at(5), &run.fence).await.unwrap());

    assert_eq!(store.history(&txn.id).await.unwrap().len(), 3);
    assert_eq!(store.claims(&[bill_key("B1")]).await.unwrap().len(), 1, "held by the case");
    assert_eq!(store.events_of(&txn.id).await.unwrap()[0].published_at, Some(at(5)));
}

fn case(txn: &Transaction, fence: Option<Fence>) -> NewCase {
    let case = Attention {
        txn_id: txn.id.clone(),
        kind: AttentionKind::PendingBeyondLife,
        raised_at: at(9),
        evidence: Value::Null,
    };
    NewCase { case, history: sample::change(txn).history, events: Vec::new(), hold: txn.bill_keys(), fence }
}

async fn sequence(store: &Arc<dyn Store>, id: &TxnId) -> i64 {
    store.events_of(id).await.unwrap()[0].sequence
}

async fn a_change_of_a_run_that_is_over_stores_nothing(store: Timed) {
    let new = sample::new_transaction("T1", "B1");
    let key = sample::idempotency("K", "T1");
    let txn = sample::stored(&store, crate::NewTransaction { idempotency: Some(key.clone()), ..new }).await;
    for fence in worthless(&store, "early").await {
        let change = Change { forget_key: Some(key.key.clone()), fence: Some(fence.clone()), ..loaded(&txn) };
        assert_eq!(store.apply(change).await.unwrap(), Applied::Fenced, "{fence:?}");
        assert_untouched(&store, &txn, 0).await;
        assert_eq!(store.idempotency(&key.key).await.unwrap().as_ref(), Some(&key));
    }
    let paid = sample::applied(&store, sample::success(&txn)).await;
    for fence in worthless(&store, "receipts").await {
        let change = Change { fence: Some(fence), ..sample::receipted(&paid, "first") };
        assert_eq!(store.apply(change).await.unwrap(), Applied::Fenced);
    }
    assert!(store.receipt_task(&txn.id).await.unwrap().is_some(), "its receipt is still due");
    let receipted = sample::receipted(&paid, "first");
    assert!(matches!(receipted.receipt_task, ReceiptTaskChange::Completed { .. }));
    sample::applied(&store, receipted).await;
}

async fn a_check_noted_by_a_run_that_is_over_stores_nothing(store: Timed) {
    let txn = sample::stored(&store, sample::new_transaction("T1", "B1")).await;
    for fence in worthless(&store, "early").await {
        let note = CheckNote {
            history: Some(sample::change(&txn).history),
            fence: Some(fence.clone()),
            ..checked(&txn.id, 10, NextCheck::At(at(20)))
        };
        assert_eq!(store.note_check(note).await.unwrap(), Applied::Fenced, "{fence:?}");
    }
    assert_eq!(store.history(&txn.id).await.unwrap().len(), 1);
    let turn = crate::Turn::First { created_by: at(0) };
    let never_checked = crate::DueChecks { turn, gateway: None, after: None, limit: 10 };
    assert_eq!(store.due_checks(&never_checked).await.unwrap().len(), 1);
}

async fn a_case_brought_by_a_run_that_is_over_stores_nothing(store: Timed) {
    let txn = sample::stored(&store, sample::new_transaction("T1", "B1")).await;
    let failed = sample::applied(&store, sample::failure(&txn)).await;
    for fence in worthless(&store, "early").await {
        assert!(!store.raise_attention(case(&failed, Some(fence.clone()))).await.unwrap(), "{fence:?}");
    }
    assert_eq!(store.attention(&txn.id).await.unwrap(), []);
    assert_eq!(store.history(&txn.id).await.unwrap().len(), 2);
    assert_eq!(store.claims(&[bill_key("B1")]).await.unwrap(), [], "nor is its bill held");
    assert!(store.raise_attention(case(&failed, None)).await.unwrap(), "another caller may still raise it");
}

async fn events_published_by_a_run_that_is_over_stay_unpublished(store: Timed) {
    let txn = sample::stored(&store, sample::new_transaction("T1", "B1")).await;
    let waiting = store.unpublished(0, 10).await.unwrap();
    let sequences: Vec<i64> = waiting.iter().map(|stored| stored.sequence).collect();
    for fence in worthless(&store, "early").await {
        assert!(!store.mark_published(&sequences, at(5), &fence).await.unwrap(), "{fence:?}");
        assert!(!store.mark_published(&[], at(5), &fence).await.unwrap(), "not even nothing");
    }
    assert_eq!(store.unpublished(0, 10).await.unwrap(), waiting);
    assert!(store.events_of(&txn.id).await.unwrap().iter().all(|stored| stored.published_at.is_none()));
}

/// Whether anything was stored for a payment since it was created.
async fn is_touched(store: &Arc<dyn Store>, id: &TxnId) -> bool {
    let is_published = store.events_of(id).await.unwrap()[0].published_at.is_some();
    is_published || store.history(id).await.unwrap().len() > 1
}

async fn nothing_of_a_run_is_stored_after_another_has_begun(store: Timed) {
    for round in 0..5 {
        let old = begun(&store, tick("early", round * 1_000_000)).await.fence;
        let mut txns = Vec::new();
        for nth in 0..24 {
            let id = format!("T{round}-{nth}");
            txns.push(sample::stored(&store, sample::new_transaction(&id, &id)).await);
        }
        let is_taken_over = AtomicBool::new(false);
        // Each stores something in its own way, while another run takes the tick over: before that,
        // in its midst, or after it, by so many questions as it asks first.
        let write = async |nth: usize, txn: &Transaction| {
            for _ in 0..nth / 4 {
                store.transaction(&txn.id).await.unwrap();
            }
            let first = sequence(&store, &txn.id).await;
            let fence = Some(old.clone());
            let is_late = is_taken_over.load(Ordering::SeqCst);
            let is_stored = match nth % 4 {
                0 => store.apply(Change { fence, ..sample::failure(txn) }).await.unwrap() == Applied::Stored,
                1 => {
                    let history = Some(sample::change(txn).history);
                    let note = CheckNote { fence, history, ..checked(&txn.id, 1, NextCheck::WithAll) };
                    store.note_check(note).await.unwrap() == Applied::Stored
                }
                2 => store.raise_attention(case(txn, fence)).await.unwrap(),
                _ => store.mark_published(&[first], at(1), &old).await.unwrap(),
            };
            assert!(!(is_late && is_stored), "{}: begun after the next run had", txn.id);
            is_stored
        };
        let take_over = async {
            for _ in 0..3 {
                store.last_tick("early", at(0)).await.unwrap();
            }
            let until = store.clock.now().plus(MINUTE);
            let request =
                TickRequest { not_renewed: Some(until), ..tick("early", round * 1_000_000 + 60_000) };
            let next = begun(store.when(until), request).await;
            is_taken_over.store(true, Ordering::SeqCst);
            let seen = join_all(txns.iter().map(|txn| is_touched(&store, &txn.id))).await;
            ended(&store, &next, 1, RunEnd::Cancelled).await;
            seen
        };
        let writes = join_all(txns.iter().enumerate().map(|(nth, txn)| write(nth, txn)));
        let (seen, stored) = join(take_over, writes).await;
        for ((stored, seen), txn) in stored.into_iter().zip(seen).zip(&txns) {
            assert_eq!(stored, seen, "{}: what is there when the next run begins is all there is", txn.id);
            assert_eq!(is_touched(&store, &txn.id).await, stored, "{}", txn.id);
        }
        assert!(!store.renew_run(&old, MINUTE, Tally::default()).await.unwrap());
    }
}
