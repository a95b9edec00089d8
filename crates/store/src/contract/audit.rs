//! The audit log: one chain, whatever is appended at once.

use std::sync::Arc;

use futures_util::future::join_all;
use payment_domain::{AuditAction, AuditActor, AuditEntry, Personal, Principal, Role, TenantId};
use serde_json::{Map, Value};

use super::Promise;
use super::sample::at;
use crate::audit::chain::{Link, entry_hash};
use crate::{AuditQuery, Store, TenantScope};

pub(super) fn promises() -> Vec<Promise> {
    vec![
        Promise::of(entries_recorded_at_once_make_one_chain_without_a_gap),
        Promise::of(the_audit_log_is_searched_by_what_its_entries_say),
    ]
}

/// The entry of an operator who resolved a case of a tenant.
pub(super) fn entry(nth: i64, tenant: Option<&str>) -> AuditEntry {
    AuditEntry {
        at: at(nth),
        actor: AuditActor::Principal(Principal {
            uuid: format!("operator-{}", nth % 2),
            role: Role::Operator,
            tenant: TenantId::new("pb").unwrap(),
            address: None,
        }),
        action: AuditAction::CaseResolved,
        object_kind: "case",
        object_id: nth.to_string(),
        tenant: tenant.map(|tenant| TenantId::new(tenant).unwrap()),
        before: None,
        after: Some([9; 32]),
        reason: Some(Personal::new(format!("ਆਸ਼ਾ was paid back: {nth}\0"))),
        details: Map::from_iter([("text\0".to_owned(), Value::from("\0"))]),
    }
}

/// An entry about an object, as a change brings it along.
pub(super) fn about(action: AuditAction, object_id: &str) -> Vec<AuditEntry> {
    vec![AuditEntry { action, object_id: object_id.to_owned(), ..entry(0, None) }]
}

fn all() -> AuditQuery {
    AuditQuery { limit: 1_000, ..AuditQuery::default() }
}

async fn entries_recorded_at_once_make_one_chain_without_a_gap(store: Arc<dyn Store>) {
    let before = store.audit_head().await.unwrap();
    assert_eq!(before.end, Link::START);
    store.record(Vec::new()).await.unwrap();
    let recorded = join_all((0..40).map(|nth| store.record(vec![entry(nth, None), entry(nth, None)]))).await;
    assert!(recorded.iter().all(Result::is_ok), "{recorded:?}");
    let entries = store.audit_entries(&all()).await.unwrap();
    assert_eq!(entries.len(), 80);
    let mut end = Link::START;
    for stored in &entries {
        let hash = entry_hash(stored.entry.as_bytes(), &end.hash);
        assert_eq!((stored.number, stored.hash), (end.number + 1, hash));
        end = Link { number: stored.number, hash };
        let value: Value = serde_json::from_str(&stored.entry).unwrap();
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
        store.record(vec![entry(nth, tenant)]).await.unwrap();
    }
    let found = async |query: AuditQuery| -> Vec<i64> {
        store.audit_entries(&query).await.unwrap().iter().map(|entry| entry.number).collect()
    };
    let within = |root: &str| Some(TenantScope { root: root.to_owned() });
    assert_eq!(found(all()).await, [1, 2, 3, 4, 5]);
    assert_eq!(found(AuditQuery { after: 2, limit: 2, ..all() }).await, [3, 4]);
    assert_eq!(found(AuditQuery { within: within("pb"), ..all() }).await, [1, 2, 5]);
    assert_eq!(found(AuditQuery { within: within("pb.amritsar"), ..all() }).await, [1, 5]);
    assert_eq!(found(AuditQuery { actor: Some("operator-0".to_owned()), ..all() }).await, [2, 4]);
    assert_eq!(found(AuditQuery { object_id: Some("3".to_owned()), ..all() }).await, [3]);
    assert_eq!(found(AuditQuery { object_kind: Some("refund".to_owned()), ..all() }).await, [0; 0]);
    assert_eq!(found(AuditQuery { action: Some(AuditAction::Refused), ..all() }).await, [0; 0]);
    assert_eq!(found(AuditQuery { action: Some(AuditAction::CaseResolved), ..all() }).await.len(), 5);
}
