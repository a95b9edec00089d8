//! Cases for operators: one of a kind for each transaction, open until it is resolved.

use std::sync::Arc;

use futures_util::future::join_all;
use payment_domain::{AttentionKind, HistoryEntry, TenantId, Transaction};
use serde_json::json;

use super::Promise;
use super::sample::{self, at, txn_id};
use crate::{
    Attention, AttentionCase, AttentionQuery, CaseState, Change, NewCase, REOPENED_AFTER, Resolution,
    Resolved, Store, TenantScope,
};

pub(super) fn promises() -> Vec<Promise> {
    vec![
        Promise::of(a_case_is_raised_once_a_kind_with_its_line_in_the_history),
        Promise::of(of_cases_raised_at_once_one_is_stored),
        Promise::of(a_change_may_bring_a_case_along),
        Promise::of(every_kind_of_case_is_read_back),
        Promise::of(cases_are_listed_in_the_order_of_their_numbers_and_page_by_page),
        Promise::of(cases_that_meet_every_condition_are_listed_and_no_others),
        Promise::of(cases_are_found_within_the_tenants_of_a_caller),
        Promise::of(a_resolved_case_names_resolver_and_reason_and_is_not_raised_again),
        Promise::of(of_resolutions_at_once_the_first_stays),
        Promise::of(a_resolved_case_of_a_state_that_lasts_is_opened_again_a_day_later),
        Promise::of(a_case_is_opened_again_once_among_reports_at_once),
    ]
}

pub(super) fn case(txn: &Transaction, kind: AttentionKind, offset_ms: i64) -> Attention {
    Attention {
        txn_id: txn.id.clone(),
        kind,
        raised_at: at(offset_ms),
        evidence: json!({ "taken": 0.1, "at": offset_ms }),
    }
}

/// Raises a case, which must be a new one, and returns its number.
pub(super) async fn raised(store: &Arc<dyn Store>, new: NewCase) -> i64 {
    let (txn_id, kind) = (new.case.txn_id.clone(), new.case.kind);
    assert!(store.raise_attention(new).await.unwrap(), "{txn_id} {kind:?}");
    let query = AttentionQuery { kind: Some(kind), txn_id: Some(txn_id), limit: 2, ..everything() };
    let found = store.attention_cases(&query).await.unwrap();
    assert_eq!(found.len(), 1);
    found[0].id
}

/// The query for every case in any state.
pub(super) fn everything() -> AttentionQuery {
    AttentionQuery { state: CaseState::All, limit: 10_000, ..AttentionQuery::default() }
}

/// How an operator resolves a case.
pub(super) fn resolution(at_ms: i64) -> Resolution {
    Resolution { at: at(at_ms), by: "operator-1".to_owned(), reason: format!("refunded, '{at_ms}'") }
}

/// The case with a line in the history, raised without a job's run.
pub(super) fn new_case(txn: &Transaction, case: Attention, why: &str) -> NewCase {
    NewCase { case, history: entry(txn, why), events: Vec::new(), hold: Vec::new(), fence: None }
}

pub(super) fn entry(txn: &Transaction, why: &str) -> HistoryEntry {
    let change = sample::change(txn);
    HistoryEntry { why: why.to_owned(), to: txn.status.name(), ..change.history }
}

async fn a_case_is_raised_once_a_kind_with_its_line_in_the_history(store: Arc<dyn Store>) {
    let txn = sample::stored(&store, sample::new_transaction("T1", "B1")).await;
    let other = sample::stored(&store, sample::new_transaction("T2", "B2")).await;
    let late = case(&txn, AttentionKind::LateSuccess, 9);
    let refunded = case(&txn, AttentionKind::Refunded, 3);
    assert!(store.raise_attention(new_case(&txn, late.clone(), "late")).await.unwrap());
    assert!(store.raise_attention(new_case(&txn, refunded.clone(), "refunded")).await.unwrap());
    let again = case(&txn, AttentionKind::LateSuccess, 12);
    assert!(!store.raise_attention(new_case(&txn, again, "late again")).await.unwrap());
    let elsewhere = case(&other, AttentionKind::LateSuccess, 12);
    assert!(store.raise_attention(new_case(&other, elsewhere, "late")).await.unwrap());

    assert_eq!(store.attention(&txn.id).await.unwrap(), [refunded, late]);
    let reasons: Vec<_> = store.history(&txn.id).await.unwrap().into_iter().skip(1).collect();
    assert_eq!(reasons, [entry(&txn, "late"), entry(&txn, "refunded")]);
    assert_eq!(store.transaction(&txn.id).await.unwrap(), Some(txn), "the transaction is not changed");
}

async fn of_cases_raised_at_once_one_is_stored(store: Arc<dyn Store>) {
    let txn = sample::stored(&store, sample::new_transaction("T1", "B1")).await;
    let raised = join_all((0..30).map(|nth| {
        let case = case(&txn, AttentionKind::AmountMismatch, nth);
        store.raise_attention(new_case(&txn, case, "mismatch"))
    }))
    .await;
    assert_eq!(raised.into_iter().filter(|stored| *stored.as_ref().unwrap()).count(), 1);
    assert_eq!(store.attention(&txn.id).await.unwrap().len(), 1);
    assert_eq!(store.history(&txn.id).await.unwrap().len(), 2);
}

async fn a_change_may_bring_a_case_along(store: Arc<dyn Store>) {
    let mut txn = sample::stored(&store, sample::new_transaction("T1", "B1")).await;
    let first = case(&txn, AttentionKind::ReceiptRefused, 1);
    for attention in [first.clone(), case(&txn, AttentionKind::ReceiptRefused, 2)] {
        let change = Change { attention: Some(attention), ..sample::change(&txn) };
        txn = sample::applied(&store, change).await;
    }
    assert_eq!(store.attention(&txn.id).await.unwrap(), [first], "the first case stays as it is");
    assert_eq!(store.transaction(&txn.id).await.unwrap(), Some(txn), "and both changes are stored");
}

async fn every_kind_of_case_is_read_back(store: Arc<dyn Store>) {
    let txn = sample::stored(&store, sample::new_transaction("T1", "B1")).await;
    for (raised_ms, kind) in (0..).zip(AttentionKind::ALL) {
        let brought = case(&txn, kind, raised_ms);
        let id = raised(&store, new_case(&txn, brought.clone(), "raised")).await;
        let stored = store.attention_case(id).await.unwrap().unwrap();
        assert_eq!((stored.id, stored.case, stored.resolution), (id, brought, None));
    }
}

/// Six cases of three payments, of which the second and the fifth are resolved.
async fn six(store: &Arc<dyn Store>) -> Vec<AttentionCase> {
    let mut txns = Vec::new();
    for nth in 1..=3 {
        txns.push(
            sample::stored(store, sample::new_transaction(&format!("T{nth}"), &format!("B{nth}"))).await,
        );
    }
    let (late, refused) = (AttentionKind::LateSuccess, AttentionKind::ReceiptRefused);
    let raised_at = [(0, late), (1, late), (0, refused), (2, refused), (2, late), (1, refused)];
    let mut cases = Vec::new();
    // Their moments are not in the order of their numbers: clocks do not agree.
    for (nth, (of, kind)) in (1..).zip(raised_at) {
        let case = case(&txns[of], kind, 100 - nth);
        if nth == 4 {
            let change = Change { attention: Some(case), ..sample::change(&txns[of]) };
            txns[of] = sample::applied(store, change).await;
        } else {
            raised(store, new_case(&txns[of], case, "raised")).await;
        }
        let found = store.attention_cases(&everything()).await.unwrap();
        let mut stored = found.last().unwrap().clone();
        if nth == 2 || nth == 5 {
            let line = entry(&txns[of], "resolved");
            let resolved = store
                .resolve_attention(stored.id.into(), resolution(nth), line, Vec::new(), Vec::new(), &[])
                .await
                .unwrap();
            assert_eq!(resolved, Resolved::Now);
            stored.resolution = Some(resolution(nth));
            stored.version += 1;
        }
        cases.push(stored);
    }
    cases
}

async fn cases_are_listed_in_the_order_of_their_numbers_and_page_by_page(store: Arc<dyn Store>) {
    assert_eq!(store.attention_cases(&everything()).await.unwrap(), []);
    let cases = six(&store).await;
    assert!(cases.windows(2).all(|pair| pair[0].id < pair[1].id));
    assert!(cases[0].id > 0);
    assert_eq!(store.attention_cases(&everything()).await.unwrap(), cases);
    for state in [CaseState::All, CaseState::Open, CaseState::Resolved] {
        let all = store.attention_cases(&AttentionQuery { state, ..everything() }).await.unwrap();
        let mut query = AttentionQuery { state, limit: 1, ..everything() };
        let mut paged = Vec::new();
        while let Some(case) = store.attention_cases(&query).await.unwrap().pop() {
            query.after = case.id;
            paged.push(case);
            assert!(paged.len() <= 6);
        }
        assert_eq!(paged, all);
        let of_state = AttentionQuery { state, ..everything() };
        for (examined, last) in all.iter().enumerate() {
            let examined = u32::try_from(examined + 1).unwrap();
            let horizon = store.cases_horizon(&of_state, examined).await.unwrap();
            assert_eq!(horizon, Some(last.id));
            let within_reach = AttentionQuery { through: horizon, ..of_state.clone() };
            let found = store.attention_cases(&within_reach).await.unwrap();
            assert_eq!(found, all.iter().filter(|case| case.id <= last.id).cloned().collect::<Vec<_>>());
        }
        let beyond = u32::try_from(all.len() + 1).unwrap();
        assert_eq!(store.cases_horizon(&of_state, beyond).await.unwrap(), None);
    }
    let nothing = AttentionQuery { limit: 0, ..everything() };
    assert_eq!(store.attention_cases(&nothing).await.unwrap(), []);
}

async fn cases_that_meet_every_condition_are_listed_and_no_others(store: Arc<dyn Store>) {
    let cases = six(&store).await;
    for state in [CaseState::All, CaseState::Open, CaseState::Resolved] {
        for kind in [None, Some(AttentionKind::LateSuccess), Some(AttentionKind::Contradiction)] {
            for txn in [None, Some(txn_id("T1")), Some(txn_id("T3")), Some(txn_id("T4"))] {
                for after in [0, cases[2].id] {
                    let query = AttentionQuery {
                        state,
                        kind,
                        txn_id: txn.clone(),
                        after,
                        limit: 10,
                        ..AttentionQuery::default()
                    };
                    let expected: Vec<&AttentionCase> = cases
                        .iter()
                        .filter(|stored| match state {
                            CaseState::All => true,
                            CaseState::Open => stored.resolution.is_none(),
                            CaseState::Resolved => stored.resolution.is_some(),
                        })
                        .filter(|stored| kind.is_none_or(|kind| kind == stored.case.kind))
                        .filter(|stored| txn.as_ref().is_none_or(|id| *id == stored.case.txn_id))
                        .filter(|stored| stored.id > after)
                        .collect();
                    let found = store.attention_cases(&query).await.unwrap();
                    assert_eq!(found.iter().collect::<Vec<_>>(), expected, "{query:?}");
                }
            }
        }
    }
    assert_eq!(AttentionQuery::default().state, CaseState::Open);
}

async fn cases_are_found_within_the_tenants_of_a_caller(store: Arc<dyn Store>) {
    let mut ids = Vec::new();
    for (nth, tenant) in (1..).zip(["pb", "pb.amritsar", "pb.nabha", "pbx", "mh.pune"]) {
        let mut new = sample::new_transaction(&format!("T{nth}"), &format!("B{nth}"));
        new.txn.tenant_id = TenantId::new(tenant).unwrap();
        let txn = sample::stored(&store, new).await;
        ids.push(raised(&store, new_case(&txn, case(&txn, AttentionKind::LateSuccess, 1), "late")).await);
    }
    for (roots, found) in
        [(&["pb"][..], &[0, 1, 2][..]), (&["pb.amritsar", "mh"], &[1, 4]), (&["p_", "pb%"], &[]), (&[], &[])]
    {
        let scopes = roots.iter().map(|root| TenantScope { root: (*root).to_owned() }).collect();
        let within = AttentionQuery { within: Some(scopes), ..everything() };
        let listed = store.attention_cases(&within).await.unwrap();
        let expected: Vec<i64> = found.iter().map(|nth: &usize| ids[*nth]).collect();
        assert_eq!(listed.iter().map(|case| case.id).collect::<Vec<_>>(), expected, "{roots:?}");
        for id in &ids {
            let one = AttentionQuery { id: Some(*id), ..within.clone() };
            let is_found = store.attention_cases(&one).await.unwrap().len() == 1;
            assert_eq!(is_found, expected.contains(id), "{id} {roots:?}");
        }
    }
    let one = AttentionQuery { id: Some(ids[4]), txn_id: Some(txn_id("T5")), ..everything() };
    assert_eq!(store.attention_cases(&one).await.unwrap().len(), 1);
    let other = AttentionQuery { txn_id: Some(txn_id("T4")), ..one };
    assert_eq!(store.attention_cases(&other).await.unwrap(), []);
}

async fn a_resolved_case_names_resolver_and_reason_and_is_not_raised_again(store: Arc<dyn Store>) {
    let txn = sample::stored(&store, sample::new_transaction("T1", "B1")).await;
    let late = case(&txn, AttentionKind::LateSuccess, 1);
    let id = raised(&store, new_case(&txn, late.clone(), "late")).await;
    let unknown = store
        .resolve_attention(
            (id + 1).into(),
            resolution(4),
            entry(&txn, "unknown"),
            Vec::new(),
            Vec::new(),
            &[],
        )
        .await
        .unwrap();
    assert_eq!(unknown, Resolved::NotFound);
    assert_eq!(store.attention_case(id + 1).await.unwrap(), None);

    for (at_ms, expected) in [(5, Resolved::Now), (6, Resolved::Before(resolution(5)))] {
        let line = entry(&txn, &format!("resolved at {at_ms}"));
        assert_eq!(
            store
                .resolve_attention(id.into(), resolution(at_ms), line, Vec::new(), Vec::new(), &[])
                .await
                .unwrap(),
            expected
        );
    }
    let stored =
        AttentionCase { id, case: late.clone(), version: 2, owner: None, resolution: Some(resolution(5)) };
    assert_eq!(store.attention_case(id).await.unwrap().as_ref(), Some(&stored));
    assert_eq!(store.attention(&txn.id).await.unwrap(), std::slice::from_ref(&late));
    let history: Vec<_> = store.history(&txn.id).await.unwrap().into_iter().map(|line| line.why).collect();
    assert_eq!(history, ["created", "late", "resolved at 5"]);
    assert!(store.backlog(at(0)).await.unwrap().cases.is_empty());

    assert!(!store.raise_attention(new_case(&txn, late, "again")).await.unwrap());
    assert_eq!(store.attention_cases(&everything()).await.unwrap(), [stored]);
}

async fn of_resolutions_at_once_the_first_stays(store: Arc<dyn Store>) {
    let txn = sample::stored(&store, sample::new_transaction("T1", "B1")).await;
    let new = new_case(&txn, case(&txn, AttentionKind::Refunded, 1), "refunded");
    let id = raised(&store, new).await;
    let answers = join_all((0..30).map(|nth| {
        let line = entry(&txn, &format!("resolved {nth}"));
        store.resolve_attention(id.into(), resolution(nth), line, Vec::new(), Vec::new(), &[])
    }))
    .await;
    let stored = store.attention_case(id).await.unwrap().unwrap().resolution.unwrap();
    let mut now = 0;
    for (nth, answer) in (0..).zip(answers) {
        match answer.unwrap() {
            Resolved::Now => {
                now += 1;
                assert_eq!(stored, resolution(nth));
            }
            Resolved::Before(first) => assert_eq!(first, stored),
            Resolved::NotFound | Resolved::Stale => panic!("it is there, in any version"),
        }
    }
    assert_eq!(now, 1);
    assert_eq!(store.history(&txn.id).await.unwrap().len(), 3);
}

/// How many milliseconds after its resolution a case may be opened again.
fn reopened_after_ms() -> i64 {
    i64::try_from(REOPENED_AFTER.as_millis()).unwrap()
}

async fn a_resolved_case_of_a_state_that_lasts_is_opened_again_a_day_later(store: Arc<dyn Store>) {
    let (resolved_ms, day_ms) = (5, reopened_after_ms());
    for (nth, kind) in AttentionKind::ALL.into_iter().enumerate() {
        let name = format!("T{nth}");
        let txn = sample::stored(&store, sample::new_transaction(&name, &format!("B{nth}"))).await;
        let first = case(&txn, kind, 1);
        let id = raised(&store, new_case(&txn, first.clone(), "raised")).await;
        let line = entry(&txn, "resolved");
        store
            .resolve_attention(id.into(), resolution(resolved_ms), line, Vec::new(), Vec::new(), &[])
            .await
            .unwrap();

        let early = case(&txn, kind, resolved_ms + day_ms - 1);
        assert!(!store.raise_attention(new_case(&txn, early, "early")).await.unwrap(), "{kind:?}");
        let again = case(&txn, kind, resolved_ms + day_ms);
        let opened = store.raise_attention(new_case(&txn, again.clone(), "again")).await.unwrap();
        let lasts = matches!(
            kind,
            AttentionKind::ReceiptRefused
                | AttentionKind::PendingBeyondLife
                | AttentionKind::NotCaptured
                | AttentionKind::RefundUnclear
        );
        assert_eq!(opened, lasts, "{kind:?}");

        let stored = store.attention_case(id).await.unwrap().unwrap();
        let expected = match lasts {
            true => AttentionCase { id, case: again, version: 3, owner: None, resolution: None },
            false => AttentionCase {
                id,
                case: first,
                version: 2,
                owner: None,
                resolution: Some(resolution(resolved_ms)),
            },
        };
        assert_eq!(stored, expected);
        let history: Vec<_> =
            store.history(&txn.id).await.unwrap().into_iter().map(|line| line.why).collect();
        let reopened = "again; the case, which was resolved, is open again";
        let told = if lasts {
            &["created", "raised", "resolved", reopened][..]
        } else {
            &["created", "raised", "resolved"]
        };
        assert_eq!(history, told);

        let open = AttentionQuery { txn_id: Some(txn.id.clone()), limit: 9, ..AttentionQuery::default() };
        assert_eq!(store.attention_cases(&open).await.unwrap().len(), usize::from(lasts));
        if lasts {
            let later = case(&txn, kind, resolved_ms + 9 * day_ms);
            assert!(!store.raise_attention(new_case(&txn, later, "open")).await.unwrap(), "it is open");
            let line = entry(&txn, "resolved again");
            let once_more = resolution(resolved_ms + 10 * day_ms);
            assert_eq!(
                store
                    .resolve_attention(id.into(), once_more, line, Vec::new(), Vec::new(), &[])
                    .await
                    .unwrap(),
                Resolved::Now,
                "and can be resolved like any other"
            );
        }
    }
    assert!(store.backlog(at(0)).await.unwrap().cases.is_empty());
}

async fn a_case_is_opened_again_once_among_reports_at_once(store: Arc<dyn Store>) {
    let txn = sample::stored(&store, sample::new_transaction("T1", "B1")).await;
    let kind = AttentionKind::PendingBeyondLife;
    let id = raised(&store, new_case(&txn, case(&txn, kind, 1), "raised")).await;
    store
        .resolve_attention(id.into(), resolution(2), entry(&txn, "resolved"), Vec::new(), Vec::new(), &[])
        .await
        .unwrap();
    let reports = join_all((0..30).map(|nth| {
        let case = case(&txn, kind, 2 + reopened_after_ms() + nth);
        store.raise_attention(new_case(&txn, case, "again"))
    }))
    .await;
    assert_eq!(reports.into_iter().filter(|opened| *opened.as_ref().unwrap()).count(), 1);
    assert_eq!(store.history(&txn.id).await.unwrap().len(), 4);
    assert_eq!(store.attention_case(id).await.unwrap().unwrap().resolution, None);
}
