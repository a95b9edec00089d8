//! Pending transactions are found when they are to be checked: none too early, none twice, none left
//! out, and nothing that is settled.

use std::collections::BTreeSet;
use std::sync::Arc;

use futures_util::future::{join_all, join3};
use payment_domain::{GatewayName, Status, StatusName, Timestamp, Transaction};

use super::Promise;
use super::sample::{self, at, checked, txn_id};
use crate::{Applied, CheckCursor, CheckNote, DueCheck, DueChecks, NextCheck, Store, Turn};

pub(super) fn promises() -> Vec<Promise> {
    vec![
        Promise::of(a_first_check_is_due_to_the_millisecond_and_once),
        Promise::of(a_next_check_is_due_to_the_millisecond),
        Promise::of(pending_payments_are_due_unless_young_or_just_checked),
        Promise::of(a_check_in_the_future_is_none),
        Promise::of(a_check_out_of_turn_changes_no_turn),
        Promise::of(a_settled_payment_is_never_due),
        Promise::of(due_checks_are_paged_in_their_order_without_repeats_or_gaps),
        Promise::of(pages_continue_behind_payments_settled_or_noted_meanwhile),
        Promise::of(due_checks_of_one_gateway_are_all_of_them_and_no_others),
        Promise::of(each_gateway_with_pending_payments_is_named_once),
        Promise::of(a_noted_check_leaves_the_transaction_as_it_is),
        Promise::of(a_check_of_a_settled_payment_is_stale),
        Promise::of(checks_noted_at_once_are_all_counted),
    ]
}

const LONG_AGO: Turn = Turn::Every {
    created_before: Timestamp::from_millis(i64::MAX),
    not_checked_since: Timestamp::from_millis(i64::MAX),
    now: Timestamp::from_millis(i64::MAX),
};

fn everything(turn: Turn) -> DueChecks {
    DueChecks { turn, gateway: None, after: None, limit: 10_000 }
}

async fn due(store: &Arc<dyn Store>, turn: Turn) -> Vec<DueCheck> {
    store.due_checks(&everything(turn)).await.unwrap()
}

fn ids(due: &[DueCheck]) -> Vec<&str> {
    due.iter().map(|due| due.txn_id.as_str()).collect()
}

fn created(id: &str, created_ms: i64) -> Transaction {
    let mut txn = sample::transaction(id, &[&format!("bill of {id}")]);
    txn.audit.created_at = at(created_ms);
    txn
}

async fn pending(store: &Arc<dyn Store>, id: &str, created_ms: i64) -> Transaction {
    sample::stored(store, sample::new(created(id, created_ms))).await
}

async fn noted(store: &Arc<dyn Store>, note: CheckNote) {
    assert_eq!(store.note_check(note).await.unwrap(), Applied::Stored);
}

async fn a_first_check_is_due_to_the_millisecond_and_once(store: Arc<dyn Store>) {
    for (id, created_ms) in [("T3", 102), ("T2", 101), ("T1", 100)] {
        pending(&store, id, created_ms).await;
    }
    let first = |created_by| due(&store, Turn::First { created_by });
    assert_eq!(first(at(99)).await, []);
    let found = first(at(101)).await;
    assert_eq!(ids(&found), ["T1", "T2"], "the moment itself is meant");
    let expected = DueCheck {
        txn_id: txn_id("T2"),
        gateway: GatewayName::new("SANDBOX"),
        created_at: at(101),
        checks: 0,
        place: CheckCursor { at: at(101), txn_id: txn_id("T2") },
    };
    assert_eq!(found[1], expected);

    noted(&store, checked(&txn_id("T1"), 5_000, NextCheck::WithAll)).await;
    noted(&store, checked(&txn_id("T2"), 5_000, NextCheck::At(at(0)))).await;
    assert_eq!(ids(&first(at(9_000)).await), ["T3"], "what was checked has had its first turn");
}

async fn a_next_check_is_due_to_the_millisecond(store: Arc<dyn Store>) {
    for (id, next) in [
        ("T1", Some(NextCheck::At(at(302)))),
        ("T2", Some(NextCheck::At(at(301)))),
        ("T3", Some(NextCheck::At(at(300)))),
        ("T4", Some(NextCheck::WithAll)),
        ("T5", None),
    ] {
        let txn = pending(&store, id, 0).await;
        if let Some(next) = next {
            noted(&store, checked(&txn.id, 100, next)).await;
        }
    }
    let next = |due_by| due(&store, Turn::Next { due_by });
    assert_eq!(next(at(299)).await, []);
    let found = next(at(301)).await;
    assert_eq!(ids(&found), ["T3", "T2"], "the moment itself is meant, and the longest due comes first");
    let place = CheckCursor { at: at(301), txn_id: txn_id("T2") };
    assert_eq!((found[1].checks, found[1].created_at, &found[1].place), (1, at(0), &place));

    noted(&store, checked(&txn_id("T3"), 400, NextCheck::At(at(500)))).await;
    noted(&store, checked(&txn_id("T2"), 400, NextCheck::WithAll)).await;
    let found = next(at(9_000)).await;
    assert_eq!(ids(&found), ["T1", "T3"], "put off, or left for the turn of all");
    assert_eq!(found.iter().map(|due| due.checks).collect::<Vec<_>>(), [1, 2]);
}

async fn pending_payments_are_due_unless_young_or_just_checked(store: Arc<dyn Store>) {
    for (id, created_ms) in [("T1", 98), ("T2", 99), ("T3", 100), ("T4", 10), ("T5", 11), ("T6", 12)] {
        pending(&store, id, created_ms).await;
    }
    let far_off = NextCheck::At(at(9_000_000));
    noted(&store, checked(&txn_id("T4"), 499, far_off)).await;
    noted(&store, checked(&txn_id("T5"), 500, NextCheck::WithAll)).await;
    noted(&store, checked(&txn_id("T6"), 400, NextCheck::WithAll)).await;
    noted(&store, checked(&txn_id("T6"), 501, NextCheck::WithAll)).await;
    let every = |created_before, not_checked_since| {
        due(&store, Turn::Every { created_before, not_checked_since, now: at(600) })
    };
    let found = every(at(100), at(500)).await;
    assert_eq!(ids(&found), ["T4", "T1", "T2"], "neither moment itself is meant");
    assert_eq!((found[0].checks, found[0].place.at), (1, at(10)));
    let found = every(at(101), at(502)).await;
    assert_eq!(ids(&found), ["T4", "T5", "T6", "T1", "T2", "T3"]);
    assert_eq!(ids(&every(at(100), at(0)).await), ["T1", "T2"], "never checked is long ago");
    assert_eq!(every(at(10), at(502)).await, []);
}

async fn a_check_in_the_future_is_none(store: Arc<dyn Store>) {
    for (id, checked_ms) in [("T1", 499), ("T2", 500), ("T3", 600), ("T4", 601)] {
        pending(&store, id, 0).await;
        noted(&store, checked(&txn_id(id), checked_ms, NextCheck::At(at(9_000_000)))).await;
    }
    let turn = Turn::Every { created_before: at(1), not_checked_since: at(500), now: at(600) };
    assert_eq!(ids(&due(&store, turn).await), ["T1", "T4"], "a clock was ahead");
}

async fn a_check_out_of_turn_changes_no_turn(store: Arc<dyn Store>) {
    let (fresh, waiting) = (pending(&store, "T1", 0).await, pending(&store, "T2", 0).await);
    noted(&store, checked(&waiting.id, 10, NextCheck::At(at(20)))).await;
    let before = join_all(TURNS.map(|turn| due(&store, turn))).await;
    for txn in [&fresh, &waiting] {
        let mut line = sample::change(txn).history;
        line.to = StatusName::Pending;
        let note = CheckNote { history: Some(line.clone()), ..checked(&txn.id, 15, NextCheck::AsBefore) };
        noted(&store, note).await;
        assert_eq!(store.history(&txn.id).await.unwrap().last(), Some(&line));
    }
    assert_eq!(join_all(TURNS.map(|turn| due(&store, turn))).await, before);
}

async fn a_settled_payment_is_never_due(store: Arc<dyn Store>) {
    let mut born_settled = Vec::new();
    for (id, status) in [("T1", Status::Success { receipt: None }), ("T2", Status::Failure)] {
        let mut txn = created(id, 0);
        txn.status = status;
        born_settled.push(sample::stored(&store, sample::new(txn)).await);
    }
    for (id, is_checked) in [("T3", false), ("T4", true), ("T5", false), ("T6", true)] {
        let txn = pending(&store, id, 0).await;
        if is_checked {
            noted(&store, checked(&txn.id, 10, NextCheck::At(at(20)))).await;
        }
        let settled = if id < "T5" { sample::success(&txn) } else { sample::failure(&txn) };
        sample::applied(&store, settled).await;
    }
    sample::applied(&store, sample::change(&pending(&store, "T7", 0).await)).await;
    assert_eq!(ids(&due(&store, Turn::First { created_by: at(9_000) }).await), ["T7"]);
    assert_eq!(ids(&due(&store, LONG_AGO).await), ["T7"]);
    assert_eq!(due(&store, Turn::Next { due_by: at(9_000) }).await, []);
}

/// Forty pending payments on seven moments, with ids whose order is not that of a dictionary: half
/// of them checked, and due again on five moments.
async fn crowd(store: &Arc<dyn Store>) {
    for nth in 0..40_i64 {
        let id = match nth % 4 {
            0 => format!("t{nth}"),
            1 => format!("T_{nth}"),
            2 => format!("T{nth}"),
            _ => format!("É-{nth}"),
        };
        let mut txn = created(&id, nth * 37 % 7);
        txn.gateway = GatewayName::new(["PAYTM", "AXIS", "PAYU"][usize::try_from(nth * 11 % 3).unwrap()]);
        let txn = sample::stored(store, sample::new(txn)).await;
        if nth % 8 < 4 {
            noted(store, checked(&txn.id, nth, NextCheck::At(at(100 + nth * 13 % 5)))).await;
        }
    }
}

const TURNS: [Turn; 3] = [
    Turn::First { created_by: Timestamp::from_millis(i64::MAX) },
    Turn::Next { due_by: Timestamp::from_millis(i64::MAX) },
    LONG_AGO,
];

async fn paged(store: &Arc<dyn Store>, mut query: DueChecks) -> Vec<DueCheck> {
    let mut found: Vec<DueCheck> = Vec::new();
    loop {
        let page = store.due_checks(&query).await.unwrap();
        assert!(page.len() <= usize::try_from(query.limit).unwrap());
        let Some(last) = page.last() else { return found };
        assert!(found.len() <= 40, "a page was answered twice");
        query.after = Some(last.place.clone());
        found.extend(page);
    }
}

async fn due_checks_are_paged_in_their_order_without_repeats_or_gaps(store: Arc<dyn Store>) {
    crowd(&store).await;
    for (turn, expected) in TURNS.into_iter().zip([20, 20, 40]) {
        let all = due(&store, turn).await;
        assert_eq!(all.iter().map(|due| &due.txn_id).collect::<BTreeSet<_>>().len(), expected);
        assert_eq!(all.len(), expected);
        assert!(all.windows(2).all(|pair| pair[0].place < pair[1].place), "{turn:?}: {:?}", ids(&all));
        assert!(all.iter().all(|due| due.place.txn_id == due.txn_id));
        for limit in [1, 3, 7, 20, 40] {
            assert_eq!(paged(&store, DueChecks { limit, ..everything(turn) }).await, all, "by {limit}");
        }
        assert_eq!(store.due_checks(&DueChecks { limit: 0, ..everything(turn) }).await.unwrap(), []);
    }
    let first_two = Turn::First { created_by: at(1) };
    let all = due(&store, first_two).await;
    assert!(!all.is_empty() && all.iter().all(|due| due.created_at <= at(1)));
    let by_one = DueChecks { limit: 1, ..everything(first_two) };
    assert_eq!(paged(&store, by_one).await, all, "paging ends where the turn ends");
}

async fn pages_continue_behind_payments_settled_or_noted_meanwhile(store: Arc<dyn Store>) {
    crowd(&store).await;
    for (round, turn) in TURNS.into_iter().enumerate() {
        let mut expected: BTreeSet<_> = due(&store, turn).await.into_iter().map(|due| due.txn_id).collect();
        let mut query = DueChecks { limit: 3, ..everything(turn) };
        loop {
            let page = store.due_checks(&query).await.unwrap();
            for (nth, due) in page.iter().enumerate() {
                assert!(expected.remove(&due.txn_id), "{} twice in round {round}", due.txn_id);
                if nth == 0 {
                    let txn = store.transaction(&due.txn_id).await.unwrap().unwrap();
                    sample::applied(&store, sample::failure(&txn)).await;
                } else {
                    noted(&store, checked(&due.txn_id, 1, NextCheck::WithAll)).await;
                }
            }
            let Some(last) = page.last() else { break };
            query.after = Some(last.place.clone());
        }
        assert!(expected.is_empty(), "left out in round {round}: {expected:?}");
    }
}

async fn due_checks_of_one_gateway_are_all_of_them_and_no_others(store: Arc<dyn Store>) {
    crowd(&store).await;
    for turn in TURNS {
        let all = due(&store, turn).await;
        for name in ["PAYTM", "AXIS", "PAYU", "PHONEPE"] {
            let gateway = GatewayName::new(name);
            let expected: Vec<DueCheck> = all.iter().filter(|due| due.gateway == gateway).cloned().collect();
            let query = DueChecks { gateway: Some(gateway), limit: 2, ..everything(turn) };
            assert_eq!(paged(&store, query).await, expected, "{name}");
        }
    }
}

async fn each_gateway_with_pending_payments_is_named_once(store: Arc<dyn Store>) {
    assert_eq!(store.pending_gateways().await.unwrap(), []);
    for (nth, name) in ["PAYU", "AXIS", "PAYU", "PAYTM", "AXIS"].into_iter().enumerate() {
        let mut txn = created(&format!("T{nth}"), 0);
        txn.gateway = GatewayName::new(name);
        let txn = sample::stored(&store, sample::new(txn)).await;
        if name == "PAYTM" {
            sample::applied(&store, sample::success(&txn)).await;
        }
    }
    let mut named = store.pending_gateways().await.unwrap();
    named.sort_by(|one, other| one.as_str().cmp(other.as_str()));
    assert_eq!(named, ["AXIS", "PAYU"].map(GatewayName::new));
}

async fn a_noted_check_leaves_the_transaction_as_it_is(store: Arc<dyn Store>) {
    let txn = pending(&store, "T1", 0).await;
    let other = pending(&store, "T2", 0).await;
    let mut line = sample::change(&txn).history;
    line.to = StatusName::Pending;
    line.why = "the gateway did not answer".to_owned();
    let note = CheckNote { history: Some(line.clone()), ..checked(&txn.id, 10, NextCheck::At(at(20))) };
    noted(&store, note).await;
    noted(&store, checked(&txn.id, 20, NextCheck::At(at(30)))).await;

    assert_eq!(store.transaction(&txn.id).await.unwrap().as_ref(), Some(&txn), "not even its version");
    let history = store.history(&txn.id).await.unwrap();
    assert_eq!(history[1..], [line], "one check had something to tell, the other had not");
    assert_eq!(store.events_of(&txn.id).await.unwrap().len(), 2, "no other event is published");
    let untouched = due(&store, Turn::First { created_by: at(0) }).await;
    assert_eq!(ids(&untouched), [other.id.as_str()]);

    let changed = sample::applied(&store, sample::change(&txn)).await;
    let found = due(&store, Turn::Next { due_by: at(30) }).await;
    assert_eq!((ids(&found), found[0].checks), (vec!["T1"], 2), "and a change leaves its checks");
    sample::applied(&store, sample::success(&changed)).await;
}

async fn a_check_of_a_settled_payment_is_stale(store: Arc<dyn Store>) {
    let paid = sample::applied(&store, sample::success(&pending(&store, "T1", 0).await)).await;
    let failed = sample::applied(&store, sample::failure(&pending(&store, "T2", 0).await)).await;
    for txn in [paid, failed, sample::transaction("T3", &["never stored"])] {
        let before = store.history(&txn.id).await.unwrap();
        for next in [NextCheck::At(at(20)), NextCheck::AsBefore] {
            let note =
                CheckNote { history: Some(sample::change(&txn).history), ..checked(&txn.id, 10, next) };
            assert_eq!(store.note_check(note).await.unwrap(), Applied::Stale);
        }
        assert_eq!(store.history(&txn.id).await.unwrap(), before, "{}", txn.id);
    }
    for turn in TURNS {
        assert_eq!(due(&store, turn).await, []);
    }
}

async fn checks_noted_at_once_are_all_counted(store: Arc<dyn Store>) {
    let txn = pending(&store, "T1", 0).await;
    let settled = pending(&store, "T2", 0).await;
    let notes = join_all((0..50).map(|nth| {
        let note = CheckNote {
            history: Some(sample::change(&txn).history),
            ..checked(&txn.id, nth, NextCheck::At(at(nth)))
        };
        store.note_check(note)
    }));
    let race = join_all((0..20).map(|nth| store.note_check(checked(&settled.id, nth, NextCheck::WithAll))));
    let (notes, raced, change) = join3(notes, race, sample::applied(&store, sample::failure(&settled))).await;
    assert!(notes.into_iter().all(|noted| noted.unwrap() == Applied::Stored));
    let found = due(&store, LONG_AGO).await;
    assert_eq!((ids(&found), found[0].checks), (vec!["T1"], 50));
    assert_eq!(store.history(&txn.id).await.unwrap().len(), 51);
    assert!(raced.into_iter().all(|noted| matches!(noted, Ok(Applied::Stored | Applied::Stale))));
    assert_eq!(store.transaction(&settled.id).await.unwrap(), Some(change), "a check is no obstacle");
}
