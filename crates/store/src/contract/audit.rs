//! The audit log: one chain, whatever is appended at once.

use std::sync::Arc;

use futures_util::future::join_all;
use payment_domain::{AuditAction, AuditEntry, Event, EventKind, TenantId};

use super::Promise;
use super::sample::{self, at, audit_entry};
use crate::audit::chain::{Link, entry_hash};
use crate::audit::merkle::Tree;
use crate::audit::sealing::{Covered, HistoryLine, Progress, Seal, Span};
use crate::{AuditQuery, HistoryLines, RunEnd, Store, StoredCheckpoint, TenantScope};

pub(super) fn promises() -> Vec<Promise> {
    vec![
        Promise::of(entries_recorded_at_once_make_one_chain_without_a_gap),
        Promise::of(the_audit_log_is_searched_by_what_its_entries_say),
        Promise::of(a_redaction_in_the_audit_log_leaves_the_entry_as_it_was),
        Promise::of(every_line_of_the_history_is_in_one_seal_of_the_audit_log),
        Promise::of(checkpoints_of_the_audit_log_are_stored_once_for_a_size),
    ]
}

/// An entry about an object, as a change brings it along.
pub(super) fn about(action: AuditAction, object_id: &str) -> Vec<AuditEntry> {
    vec![AuditEntry { action, object_id: object_id.to_owned(), ..audit_entry(0, None) }]
}

fn all() -> AuditQuery {
    AuditQuery { limit: 1_000, ..AuditQuery::default() }
}

async fn entries_recorded_at_once_make_one_chain_without_a_gap(store: Arc<dyn Store>) {
    let before = store.audit_head().await.unwrap();
    assert_eq!(before.end, Link::START);
    store.record(Vec::new()).await.unwrap();
    let recorded =
        join_all((0..40).map(|nth| store.record(vec![audit_entry(nth, None), audit_entry(nth, None)]))).await;
    assert!(recorded.iter().all(Result::is_ok), "{recorded:?}");
    let entries = store.audit_entries(&all()).await.unwrap();
    assert_eq!(entries.len(), 80);
    let mut end = Link::START;
    for stored in &entries {
        let hash = entry_hash(stored.entry.as_bytes(), &end.hash);
        assert_eq!((stored.number, stored.hash), (end.number + 1, hash));
        end = Link { number: stored.number, hash };
        let value: serde_json::Value = serde_json::from_str(&stored.entry).unwrap();
        let [reason] = stored.personal.as_slice() else { panic!("{:?}", stored.personal) };
        let salted = reason.value.as_ref().unwrap();
        assert_eq!((reason.field.as_str(), &value["reason"]), ("reason", &hex::encode(salted.hash()).into()));
        assert!(salted.value.expose().starts_with("ਆਸ਼ਾ was paid back"));
    }
    let after = store.audit_head().await.unwrap();
    assert_eq!((after.end, after.database_id), (end, before.database_id));
}

async fn the_audit_log_is_searched_by_what_its_entries_say(store: Arc<dyn Store>) {
    for (nth, tenant) in
        [(1, Some("pb.amritsar")), (2, Some("pb")), (3, Some("pbx.far")), (4, None), (5, Some("pb.amritsar"))]
    {
        store.record(vec![audit_entry(nth, tenant)]).await.unwrap();
    }
    let found = async |query: AuditQuery| -> Vec<i64> {
        store.audit_entries(&query).await.unwrap().iter().map(|entry| entry.number).collect()
    };
    let within = |root: &str| Some(TenantScope { root: root.to_owned() });
    assert_eq!(found(all()).await, [1, 2, 3, 4, 5]);
    assert_eq!(found(AuditQuery { after: 2, limit: 2, ..all() }).await, [3, 4]);
    assert_eq!(found(AuditQuery { before: Some(5), limit: 2, ..all() }).await, [4, 3]);
    assert_eq!(found(AuditQuery { before: Some(i64::MAX), within: within("pb"), ..all() }).await, [5, 2, 1]);
    assert_eq!(found(AuditQuery { within: within("pb"), ..all() }).await, [1, 2, 5]);
    assert_eq!(found(AuditQuery { within: within("pb.amritsar"), ..all() }).await, [1, 5]);
    assert_eq!(found(AuditQuery { actor: Some("operator-0".to_owned()), ..all() }).await, [2, 4]);
    assert_eq!(found(AuditQuery { object_id: Some("3".to_owned()), ..all() }).await, [3]);
    assert_eq!(found(AuditQuery { object_kind: Some("refund".to_owned()), ..all() }).await, [0; 0]);
    assert_eq!(found(AuditQuery { action: Some(AuditAction::Refused), ..all() }).await, [0; 0]);
    assert_eq!(found(AuditQuery { action: Some(AuditAction::CaseResolved), ..all() }).await.len(), 5);
    let between =
        |from: Option<i64>, to: Option<i64>| AuditQuery { from: from.map(at), to: to.map(at), ..all() };
    assert_eq!(found(between(Some(2), Some(5))).await, [2, 3, 4]);
    assert_eq!(found(AuditQuery { before: Some(4), ..between(Some(2), None) }).await, [3, 2]);
    assert_eq!(found(between(None, Some(3))).await, [1, 2]);
    for (from, to) in [(Some(6), None), (None, Some(1)), (Some(3), Some(3))] {
        assert_eq!(found(between(from, to)).await, [0; 0], "{from:?} {to:?}");
    }
    // Later than the entry after it, and earlier than that before it.
    let disordered = [7, 1_000_000, 900_000, 2_000_000].map(|at| audit_entry(at, None));
    for entry in disordered {
        store.record(vec![entry]).await.unwrap();
    }
    assert_eq!(found(between(Some(900_000), None)).await, [7, 8, 9]);
    assert_eq!(found(between(None, Some(950_000))).await, [1, 2, 3, 4, 5, 6, 8]);
    assert_eq!(found(between(Some(950_000), Some(1_500_000))).await, [7]);
}

async fn a_redaction_in_the_audit_log_leaves_the_entry_as_it_was(store: Arc<dyn Store>) {
    store.record(vec![audit_entry(1, None), audit_entry(2, None)]).await.unwrap();
    let before = store.audit_entries(&all()).await.unwrap();
    let redaction = || AuditEntry { action: AuditAction::Redacted, ..audit_entry(3, None) };
    assert!(!store.redact_audit(7, redaction()).await.unwrap(), "there is no such entry");
    assert!(store.redact_audit(1, redaction()).await.unwrap());
    assert!(!store.redact_audit(1, redaction()).await.unwrap(), "it was redacted before");
    let after = store.audit_entries(&all()).await.unwrap();
    assert_eq!(after.len(), 3, "what did nothing is not on record");
    assert_eq!((&after[0].entry, after[0].hash), (&before[0].entry, before[0].hash));
    assert_eq!((after[0].personal[0].field.as_str(), &after[0].personal[0].value), ("reason", &None));
    assert_eq!(after[1], before[1]);
}

async fn every_line_of_the_history_is_in_one_seal_of_the_audit_log(store: Arc<dyn Store>) {
    let run = sample::begun(&store, sample::tick("audit-seal", 0)).await;
    let seal = async |limit: u32| store.seal_history(at(9), limit, &run.fence).await.unwrap();
    assert_eq!(seal(10).await, Some(0));
    assert_eq!(store.audit_head().await.unwrap().end.number, 0, "nothing is sealed by no entry");
    let mut lines = 0;
    for round in 0..3 {
        let walk = async |nth: usize| {
            let id = format!("T{round}-{nth}");
            let txn = sample::stored(&store, sample::new_transaction(&id, &id)).await;
            let mut change = sample::change(&txn);
            change.history.why = r"\x41 \\ ₹ 'ਕਰ'".to_owned();
            sample::applied(&store, change).await;
        };
        join_all((0..10).map(walk)).await;
        lines += 20;
        let sealed = [seal(15).await, seal(15).await, seal(15).await];
        assert_eq!(sealed, [Some(15), Some(5), Some(0)]);
    }
    let all_lines = HistoryLines::Positions(Span { from: 1, to: i64::MAX });
    let stored = store.history_lines(&all_lines, 1_000).await.unwrap();
    assert_eq!(stored.len(), lines);
    assert_eq!(store.history_lines(&HistoryLines::Earlier { after: None }, 9).await.unwrap(), []);
    let mut progress = Progress::default();
    let mut covered = 0;
    for stored_entry in store.audit_entries(&all()).await.unwrap() {
        let seal = Seal::read(&serde_json::from_str(&stored_entry.entry).unwrap()).unwrap();
        let Covered::Positions(spans) = &seal.covers else { panic!("{seal:?}") };
        assert!(progress.pass(spans, 9));
        let of_seal = |line: &&HistoryLine| spans.iter().any(|span| span.holds(line.position.unwrap()));
        let of_seal: Vec<HistoryLine> = stored.iter().filter(of_seal).cloned().collect();
        assert_eq!(seal.first_changed(&of_seal), None);
        covered += of_seal.len();
    }
    assert_eq!((covered, progress.gaps.len()), (lines, 0));
    sample::ended(&store, &run, 10, RunEnd::Finished).await;
    sample::stored(&store, sample::new_transaction("late", "late")).await;
    assert_eq!(seal(10).await, None, "the run is over");
}

async fn checkpoints_of_the_audit_log_are_stored_once_for_a_size(store: Arc<dyn Store>) {
    let mut tree = Tree::default();
    let mut made = Vec::new();
    assert_eq!(store.last_checkpoint().await.unwrap(), None);
    for size in [3, 7, 12] {
        while tree.size() < size {
            tree.push(&[tree.size() as u8; 32]);
        }
        let size = i64::try_from(size).unwrap();
        let (signature, public_key) = ([size as u8; 64], [8; 32]);
        let (root, tree) = (tree.root(), tree.clone());
        let checkpoint = StoredCheckpoint { size, root, at: at(size), signature, public_key, tree };
        let event = Event {
            kind: EventKind::AuditCheckpoint,
            txn_id: sample::txn_id("pg-audit"),
            tenant_id: TenantId::new("pb").unwrap(),
            body: format!("{{\"size\":{size}}}"),
            trace: None,
        };
        assert!(store.store_checkpoint(checkpoint.clone(), event.clone()).await.unwrap());
        assert!(!store.store_checkpoint(checkpoint.clone(), event).await.unwrap());
        made.push(checkpoint);
    }
    assert_eq!(store.checkpoints(0, 2).await.unwrap(), made[..2]);
    assert_eq!(store.checkpoints(7, 9).await.unwrap(), made[2..]);
    assert_eq!(store.last_checkpoint().await.unwrap().as_ref(), made.last());
    assert_eq!(store.unpublished(0, 9).await.unwrap().len(), 3);
}
