//! Operators' work on cases: one owner, notes that stay, and no change by a stale page.

use std::sync::Arc;

use futures_util::future::join_all;
use payment_domain::{AttentionKind, AuditAction, Personal};

use super::attention::{case, entry, everything, new_case, raised, resolution};
use super::sample::{self, at};
use super::{Promise, audit};
use crate::{
    AttentionQuery, AuditQuery, CaseAct, CaseLine, CaseOwner, CaseStep, CaseWork, CaseWorked, OwnedBy,
    REOPENED_AFTER, Resolved, SeenCase, Store,
};

pub(super) fn promises() -> Vec<Promise> {
    vec![
        Promise::of(of_operators_who_take_a_case_at_once_one_owns_it),
        Promise::of(a_case_is_released_by_its_owner_and_taken_over_by_another),
        Promise::of(notes_stay_in_their_order_and_one_that_comes_twice_is_one),
        Promise::of(a_stale_page_neither_takes_nor_resolves_a_case),
        Promise::of(a_case_that_is_opened_again_has_no_owner_and_keeps_its_history),
        Promise::of(cases_are_found_by_their_owner),
    ]
}

async fn one(store: &Arc<dyn Store>, nth: u8) -> i64 {
    let txn = sample::stored(store, sample::new_transaction(&format!("T{nth}"), &format!("B{nth}"))).await;
    raised(store, new_case(&txn, case(&txn, AttentionKind::PendingBeyondLife, 1), "raised")).await
}

fn step(id: i64, by: &str, at_ms: i64, work: CaseWork) -> CaseStep {
    let audit = audit::about(AuditAction::CaseTaken, &id.to_string());
    CaseStep { id, at: at(at_ms), by: by.to_owned(), work, audit }
}

fn note(text: &str, key: Option<&str>) -> CaseWork {
    CaseWork::Note { text: Personal::new(text), key: key.map(str::to_owned) }
}

fn line(by: &str, at_ms: i64, act: CaseAct, note: Option<&str>) -> CaseLine {
    CaseLine { at: at(at_ms), by: by.to_owned(), act, note: note.map(Personal::new) }
}

async fn entries(store: &Arc<dyn Store>) -> usize {
    store.audit_entries(&AuditQuery { limit: 99, ..AuditQuery::default() }).await.unwrap().len()
}

async fn of_operators_who_take_a_case_at_once_one_owns_it(store: Arc<dyn Store>) {
    let id = one(&store, 1).await;
    let names: Vec<String> = (0..8).map(|nth| format!("operator-{nth}")).collect();
    let takes = names.iter().map(|by| store.work_on_case(step(id, by, 5, CaseWork::Take { version: 1 })));
    let taken: Vec<CaseWorked> = join_all(takes).await.into_iter().map(Result::unwrap).collect();
    assert_eq!(taken.iter().filter(|worked| **worked == CaseWorked::Stored).count(), 1);
    assert_eq!(taken.iter().filter(|worked| **worked == CaseWorked::Stale).count(), 7);
    let by = &names[taken.iter().position(|worked| *worked == CaseWorked::Stored).unwrap()];
    let stored = store.attention_case(id).await.unwrap().unwrap();
    assert_eq!((stored.version, stored.owner), (2, Some(CaseOwner { by: by.clone(), since: at(5) })));
    assert_eq!(store.case_history(id).await.unwrap(), [line(by, 5, CaseAct::Taken, None)]);
    assert_eq!(entries(&store).await, 1, "what was not done is not recorded");
    let unknown = store.work_on_case(step(id + 1, by, 5, CaseWork::Take { version: 1 })).await.unwrap();
    assert_eq!(unknown, CaseWorked::NotFound);
}

async fn a_case_is_released_by_its_owner_and_taken_over_by_another(store: Arc<dyn Store>) {
    let id = one(&store, 1).await;
    let work = async |by: &str, at_ms, work| store.work_on_case(step(id, by, at_ms, work)).await.unwrap();
    assert_eq!(work("a", 1, CaseWork::Release { version: 1 }).await, CaseWorked::Stale, "it has no owner");
    assert_eq!(work("a", 2, CaseWork::Take { version: 1 }).await, CaseWorked::Stored);
    assert_eq!(work("b", 3, CaseWork::Release { version: 2 }).await, CaseWorked::Stale, "it is another's");
    assert_eq!(work("b", 4, CaseWork::Take { version: 2 }).await, CaseWorked::Stored);
    assert_eq!(work("b", 5, CaseWork::Release { version: 3 }).await, CaseWorked::Stored);
    let stored = store.attention_case(id).await.unwrap().unwrap();
    assert_eq!((stored.version, stored.owner), (4, None));
    let history = store.case_history(id).await.unwrap();
    let told: Vec<(&str, CaseAct)> = history.iter().map(|line| (line.by.as_str(), line.act)).collect();
    assert_eq!(told, [("a", CaseAct::Taken), ("b", CaseAct::Taken), ("b", CaseAct::Released)]);
}

async fn notes_stay_in_their_order_and_one_that_comes_twice_is_one(store: Arc<dyn Store>) {
    let (id, other) = (one(&store, 1).await, one(&store, 2).await);
    let text = "called the bank\n\u{202e}<b>'--";
    for (id, key) in [(id, Some("k")), (id, Some("k")), (other, Some("k")), (id, None), (id, None)] {
        let worked = store.work_on_case(step(id, "a", 5, note(text, key))).await.unwrap();
        assert_eq!(worked, CaseWorked::Stored);
    }
    let told = line("a", 5, CaseAct::Noted, Some(text));
    assert_eq!(store.case_history(id).await.unwrap(), [told.clone(), told.clone(), told.clone()]);
    assert_eq!(store.case_history(other).await.unwrap(), [told]);
    assert_eq!(entries(&store).await, 4);
    let notes = (0..8).map(|nth| store.work_on_case(step(id, "b", 10 + nth, note("at once", None))));
    assert!(join_all(notes).await.into_iter().all(|worked| worked.unwrap() == CaseWorked::Stored));
    assert_eq!(store.case_history(id).await.unwrap().len(), 11);
    let stored = store.attention_case(id).await.unwrap().unwrap();
    assert_eq!((stored.version, stored.owner), (1, None), "a note overwrites nothing");
}

async fn a_stale_page_neither_takes_nor_resolves_a_case(store: Arc<dyn Store>) {
    let id = one(&store, 1).await;
    let txn = store.transaction(&sample::txn_id("T1")).await.unwrap().unwrap();
    let resolve = async |version: Option<u32>| {
        let line = entry(&txn, "resolved");
        let seen = SeenCase { id, version };
        store.resolve_attention(seen, resolution(9), line, Vec::new(), Vec::new(), &[]).await.unwrap()
    };
    store.work_on_case(step(id, "a", 5, CaseWork::Take { version: 1 })).await.unwrap();
    assert_eq!(resolve(Some(1)).await, Resolved::Stale);
    assert_eq!(store.history(&txn.id).await.unwrap().len(), 2);
    assert_eq!(resolve(Some(2)).await, Resolved::Now);
    assert_eq!(resolve(Some(2)).await, Resolved::Before(resolution(9)));
    for work in [CaseWork::Take { version: 3 }, CaseWork::Release { version: 3 }] {
        assert_eq!(store.work_on_case(step(id, "a", 10, work)).await.unwrap(), CaseWorked::Stale, "resolved");
    }
    let noted = store.work_on_case(step(id, "a", 11, note("afterwards", None))).await.unwrap();
    assert_eq!(noted, CaseWorked::Stored);
    let ended = resolution(9);
    assert_eq!(
        store.case_history(id).await.unwrap(),
        [
            line("a", 5, CaseAct::Taken, None),
            line(&ended.by, 9, CaseAct::Resolved, Some(&ended.reason)),
            line("a", 11, CaseAct::Noted, Some("afterwards")),
        ]
    );
}

async fn a_case_that_is_opened_again_has_no_owner_and_keeps_its_history(store: Arc<dyn Store>) {
    let id = one(&store, 1).await;
    let txn = store.transaction(&sample::txn_id("T1")).await.unwrap().unwrap();
    store.work_on_case(step(id, "a", 1, CaseWork::Take { version: 1 })).await.unwrap();
    let resolved = entry(&txn, "resolved");
    store.resolve_attention(id.into(), resolution(2), resolved, Vec::new(), Vec::new(), &[]).await.unwrap();
    let day = i64::try_from(REOPENED_AFTER.as_millis()).unwrap();
    let again = case(&txn, AttentionKind::PendingBeyondLife, 2 + day);
    assert!(store.raise_attention(new_case(&txn, again, "again")).await.unwrap());
    let stored = store.attention_case(id).await.unwrap().unwrap();
    assert_eq!((stored.version, stored.owner, stored.resolution), (4, None, None));
    assert_eq!(store.case_history(id).await.unwrap().len(), 2);
}

async fn cases_are_found_by_their_owner(store: Arc<dyn Store>) {
    let ids = [one(&store, 1).await, one(&store, 2).await, one(&store, 3).await];
    for (id, by) in [(ids[0], "a"), (ids[1], "b")] {
        store.work_on_case(step(id, by, 5, CaseWork::Take { version: 1 })).await.unwrap();
    }
    for (owner, expected) in [
        (OwnedBy::Anyone, &ids[..]),
        (OwnedBy::Unowned, &ids[2..]),
        (OwnedBy::One("a".to_owned()), &ids[..1]),
        (OwnedBy::One("c".to_owned()), &[]),
    ] {
        let query = AttentionQuery { owner, ..everything() };
        let found: Vec<i64> =
            store.attention_cases(&query).await.unwrap().iter().map(|case| case.id).collect();
        assert_eq!(found, expected, "{query:?}");
    }
}
