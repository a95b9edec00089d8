//! The lines, events and audit entries that go with a refund.

use payment_domain::{
    Actor, AuditAction, AuditActor, AuditEntry, Event, Personal, Principal, Refund, RefundHistoryEntry,
    RefundStatus, Timestamp,
};
use payment_store::StoreError;
use serde_json::{Map, Value, json};
use sha2::{Digest, Sha256};

use crate::events::{EventWriter, to_json};
use crate::identity::Identity;
use crate::view::{PersonalData, RefundView};

/// A line of the history of a refund as it shall be.
pub(super) fn line(
    refund: &Refund,
    from: Option<RefundStatus>,
    at: Timestamp,
    actor: &Actor,
    why: impl Into<String>,
    evidence: Value,
) -> RefundHistoryEntry {
    RefundHistoryEntry {
        refund_id: refund.id.clone(),
        txn_id: refund.txn_id.clone(),
        at,
        actor: actor.clone(),
        from,
        to: refund.status,
        why: why.into(),
        evidence,
    }
}

/// The event of a refund.
pub(super) fn event(refund: &Refund, identity: &Identity) -> Result<Event, StoreError> {
    EventWriter::new(identity)?.refund(refund)
}

/// The SHA-256 of a refund as the API shows it.
fn digest(refund: &Refund) -> Result<[u8; 32], StoreError> {
    Ok(Sha256::digest(to_json(&RefundView::of(refund, PersonalData::Masked))?).into())
}

pub(super) fn by_principal(by: &Principal) -> AuditActor {
    AuditActor::Principal(by.clone())
}

/// The audit entry of a decision.
pub(super) fn audit(
    action: AuditAction,
    actor: AuditActor,
    before: Option<&Refund>,
    after: &Refund,
    at: Timestamp,
    reason: Option<Personal>,
) -> Result<AuditEntry, StoreError> {
    let mut details = Map::new();
    details.insert("amount".to_owned(), json!(after.amount.with_code()));
    details.insert("payment".to_owned(), json!(after.txn_id));
    details.insert("status".to_owned(), json!(after.status.as_str()));
    details.insert("reasonCode".to_owned(), json!(after.reason_code));
    if let Some(waiver) = after.waiver {
        details.insert("withoutChecker".to_owned(), json!(waiver.as_str()));
    }
    Ok(AuditEntry {
        at,
        actor,
        action,
        object_kind: "refund",
        object_id: after.id.to_string(),
        tenant: Some(after.tenant_id.clone()),
        before: before.map(digest).transpose()?,
        after: Some(digest(after)?),
        reason,
        details,
    })
}
