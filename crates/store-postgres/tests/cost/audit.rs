//! Questions about the audit log and the seals.

use payment_domain::{AuditAction, Event, EventKind, TenantId, Timestamp};
use payment_store::audit::merkle::Tree;
use payment_store::audit::sealing::Span;
use payment_store::contract::sample::{self, at};
use payment_store::{AuditLog, AuditQuery, HistoryLines, StoredCheckpoint, TenantScope, Transactions};

use crate::question::{Question, question};
use crate::{entries, fence, written};

pub(crate) fn all(round: i64) -> Vec<Question> {
    let mut all = seals(round);
    all.extend(entries_that_match());
    all.extend(checkpoints(round));
    all
}

fn seals(round: i64) -> Vec<Question> {
    let new = move || sample::new_transaction(&written("SEALED", round), &written("SEALED", round));
    vec![
        // With a gap.
        question!("seal", |store| {
            while store.seal_history(at(1), 1_000, &fence()).await.unwrap() != Some(0) {}
            store.create(new()).await.unwrap();
            assert_eq!(store.seal_history(at(2), 1_000, &fence()).await.unwrap(), Some(1));
            assert_eq!(store.seal_history(at(3), 1_000, &fence()).await.unwrap(), Some(0));
        }),
        question!("lines by their positions", |store| {
            let which = HistoryLines::Positions(Span { from: 100, to: 20_000 });
            assert_eq!(store.history_lines(&which, 5).await.unwrap().len(), 5);
        }),
        question!("whether earlier lines are sealed", |store| assert!(
            store.earlier_lines_are_sealed().await.unwrap()
        )),
    ]
}

fn entries_that_match() -> Vec<Question> {
    let all = || AuditQuery { limit: 5, ..AuditQuery::default() };
    let newest = || AuditQuery { before: Some(i64::MAX), ..all() };
    let text = |text: &str| Some(text.to_owned());
    let within = |root: &str| Some(TenantScope { root: root.to_owned() });
    let day = |from: i64| Some(at(from * 10_000));
    let queries = [
        ("audit entries", all()),
        ("audit entries behind one", AuditQuery { after: 20_000, ..all() }),
        ("newest audit entries", newest()),
        ("audit entries of a state", AuditQuery { within: within("pb"), ..newest() }),
        ("audit entries of a tenant", AuditQuery { within: within("pb.7"), ..newest() }),
        ("audit entries of an actor", AuditQuery { actor: text("operator-15"), ..newest() }),
        ("audit entries of an object", AuditQuery { object_id: text("777"), ..newest() }),
        ("audit entries of an action", AuditQuery { action: Some(AuditAction::Exported), ..newest() }),
        ("audit entries of a time", AuditQuery { from: day(7_000), to: day(7_100), ..newest() }),
        (
            "audit entries of a tenant at a time",
            AuditQuery { within: within("pb.7"), from: day(7_000), to: day(7_100), ..newest() },
        ),
    ];
    let ask = |(name, query)| {
        Question::by(name, query, move |store, query: AuditQuery| async move {
            assert!(!store.audit_entries(&query).await.unwrap().is_empty(), "{name}");
        })
    };
    let mut found: Vec<Question> = queries.into_iter().map(ask).collect();
    found.push(Question::by(
        "audit entries of an action that never was",
        AuditQuery { action: Some(AuditAction::KeysRotated), ..all() },
        |store, query| async move { assert!(store.audit_entries(&query).await.unwrap().is_empty()) },
    ));
    found
}

fn checkpoints(round: i64) -> Vec<Question> {
    vec![
        question!("record", |store| store.record(entries()).await.unwrap()),
        question!("head of the audit log", |store| assert!(
            store.audit_head().await.unwrap().end.number >= 40_000
        )),
        question!("redact", |store| {
            let redaction = || entries().remove(0);
            assert!(store.redact_audit(1_000 * (round + 1), redaction()).await.unwrap());
        }),
        question!("checkpoints", |store| assert_eq!(store.checkpoints(20_000, 5).await.unwrap().len(), 5)),
        question!("store a checkpoint", |store| {
            let last = store.last_checkpoint().await.unwrap().unwrap();
            let size = last.size + 1;
            let peaks = usize::try_from(size.count_ones()).unwrap();
            let new = StoredCheckpoint {
                size,
                tree: Tree::from_bytes(size.unsigned_abs(), &vec![0; 32 * peaks]).unwrap(),
                at: Timestamp::from_millis(1),
                ..last
            };
            let event = Event {
                kind: EventKind::AuditCheckpoint,
                txn_id: sample::txn_id("pg-audit"),
                tenant_id: TenantId::new("pb").unwrap(),
                body: "{}".to_owned(),
                trace: None,
            };
            assert!(store.store_checkpoint(new, event).await.unwrap());
        }),
    ]
}
