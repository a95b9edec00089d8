//! Constructors of entries, with their common fields.

use payment_domain::{AuditAction, AuditActor, AuditEntry, Timestamp};
use payment_store::{AuditQuery, Store, StoreError};
use serde_json::{Map, Value};
use sha2::{Digest, Sha256};

/// The entry of an act without anything that only some acts have.
pub fn act(
    at: Timestamp,
    actor: AuditActor,
    action: AuditAction,
    object_kind: &'static str,
    object_id: impl Into<String>,
) -> AuditEntry {
    AuditEntry {
        at,
        actor,
        action,
        object_kind,
        object_id: object_id.into(),
        tenant: None,
        before: None,
        after: None,
        reason: None,
        details: Map::new(),
    }
}

/// SHA-256 of an object, as JSON text.
pub fn digest(object: &Value) -> [u8; 32] {
    Sha256::digest(object.to_string()).into()
}

/// Records the digest of the settings with which a node starts, unless it is that of the last such entry.
///
/// # Errors
/// [`StoreError`] when the database is unavailable.
pub async fn settings_changed(
    store: &dyn Store,
    at: Timestamp,
    node: &str,
    settings: [u8; 32],
) -> Result<bool, StoreError> {
    let before = last_settings(store).await?;
    if before == Some(settings) {
        return Ok(false);
    }
    let entry = AuditEntry {
        before,
        after: Some(settings),
        details: Map::from_iter([("node".to_owned(), node.into())]),
        ..act(at, AuditActor::Job("start"), AuditAction::SettingsChanged, "settings", String::new())
    };
    store.record(vec![entry]).await?;
    Ok(true)
}

async fn last_settings(store: &dyn Store) -> Result<Option<[u8; 32]>, StoreError> {
    const PAGE: u32 = 500;
    let mut query =
        AuditQuery { action: Some(AuditAction::SettingsChanged), limit: PAGE, ..AuditQuery::default() };
    let mut last = None;
    loop {
        let entries = store.audit_entries(&query).await?;
        let Some(newest) = entries.last() else { return Ok(last) };
        query.after = newest.number;
        let entry: Option<Value> = serde_json::from_str(&newest.entry).ok();
        last = entry.and_then(|entry| hex::decode(entry["after"].as_str()?).ok()?.try_into().ok());
    }
}
