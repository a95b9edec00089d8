//! The audit log: reading it, verifying it, and the checkpoints by which others can.

mod checkpoint;
mod checkpointing;
mod counted;
mod entries;
mod export;
mod jobs;
mod verify;
mod view;

use std::path::PathBuf;
use std::sync::Arc;

use payment_domain::{AuditAction, AuditActor, AuditEntry, Clock, Personal};
use payment_store::{AuditQuery, Store, StoreError, StoredEntry};
use serde_json::{Map, Value, json};

pub use checkpoint::{Checkpoint, CheckpointTextError, PublicKey, SignedCheckpoint, SigningKey};
pub use checkpointing::{CheckpointError, Checkpointed};
pub use counted::CountedActs;
pub use entries::{act, digest, settings_changed};
pub use export::{ExportError, Exporting, LONGEST_LINE, entry_line, head_line};
pub use jobs::{CheckpointJob, SealingJob, VERIFY_JOB, VerifyJob};
pub use verify::{
    Broken, CheckpointsHeld, HeldCheckpoint, KnownCheckpoints, Place, Verification, VerifyError,
    verify_export, verify_store,
};
pub use view::AuditEntryView;

/// The audit log of a store.
#[derive(Clone)]
pub struct AuditTrail {
    store: Arc<dyn Store>,
    clock: Arc<dyn Clock>,
    checkpoints: Arc<CheckpointSettings>,
}

/// How checkpoints are made.
#[derive(Debug, Default)]
pub struct CheckpointSettings {
    /// `None`: none are made.
    pub key: Option<SigningKey>,
    /// Appended to by the node that makes one.
    pub file: Option<PathBuf>,
}

/// The reason the personal values of an entry were not removed.
#[derive(Debug, thiserror::Error)]
pub enum RedactError {
    #[error("a reason is required")]
    NoReason,
    #[error("the entry does not exist, or has no personal values")]
    Nothing,
    #[error(transparent)]
    Store(#[from] StoreError),
}

impl AuditTrail {
    pub fn new(
        store: Arc<dyn Store>,
        clock: Arc<dyn Clock>,
        checkpoints: Arc<CheckpointSettings>,
    ) -> AuditTrail {
        AuditTrail { store, clock, checkpoints }
    }

    /// The entries that match, in the order of their numbers.
    ///
    /// # Errors
    /// [`StoreError`] when the database is unavailable.
    pub async fn list(&self, query: &AuditQuery) -> Result<Vec<StoredEntry>, StoreError> {
        self.store.audit_entries(query).await
    }

    /// One entry within a query's tenant.
    ///
    /// # Errors
    /// [`StoreError`] when the database is unavailable.
    pub async fn show(&self, number: i64, query: AuditQuery) -> Result<Option<StoredEntry>, StoreError> {
        let query = AuditQuery { after: number.saturating_sub(1), limit: 1, ..query };
        let found = self.store.audit_entries(&query).await?.pop();
        Ok(found.filter(|entry| entry.number == number))
    }

    /// Records an act in a commit of its own, before it is done.
    ///
    /// # Errors
    /// [`StoreError`] when the database is unavailable: then it must not be done.
    pub async fn acts(
        &self,
        actor: AuditActor,
        action: AuditAction,
        object_kind: &'static str,
        object_id: impl Into<String>,
    ) -> Result<(), StoreError> {
        self.store.record(vec![act(self.clock.now(), actor, action, object_kind, object_id)]).await
    }

    /// Makes a dead letter a waiting event again; returns whether it was one.
    ///
    /// # Errors
    /// [`StoreError`] when the database is unavailable.
    pub async fn requeue(&self, actor: AuditActor, sequence: i64) -> Result<bool, StoreError> {
        let (at, id) = (self.clock.now(), sequence.to_string());
        let entry = act(at, actor, AuditAction::EventRequeued, "event", id);
        self.store.revive(sequence, vec![entry]).await
    }

    /// Records that personal values of the log are shown, before they are, and why.
    ///
    /// # Errors
    /// [`StoreError`] when the database is unavailable: then they must not be shown.
    pub async fn reveal(
        &self,
        actor: AuditActor,
        entries: &[StoredEntry],
        reason: Option<Personal>,
    ) -> Result<(), StoreError> {
        let numbers: Vec<i64> =
            entries.iter().filter(|entry| !entry.personal.is_empty()).map(|entry| entry.number).collect();
        if numbers.is_empty() {
            return Ok(());
        }
        let details = Map::from_iter([("entries".to_owned(), json!(numbers))]);
        let entry = AuditEntry { reason, ..self.about_log(actor, AuditAction::Revealed, details) };
        self.store.record(vec![entry]).await
    }

    /// Begins an export of the log as it stands now, and records it: how many entries it has, and the hash of the
    /// last one, on which all before it depend.
    ///
    /// # Errors
    /// [`StoreError`] when the database is unavailable: then nothing is exported.
    pub async fn export(&self, actor: AuditActor) -> Result<Exporting, StoreError> {
        let head = self.store.audit_head().await?;
        let details = Map::from_iter([("rows".to_owned(), Value::from(head.end.number))]);
        let entry = AuditEntry {
            after: Some(head.end.hash),
            ..self.about_log(actor, AuditAction::Exported, details)
        };
        self.store.record(vec![entry]).await?;
        Ok(Exporting::new(self.store.clone(), head))
    }

    /// Removes the personal values of an entry; the log stays whole.
    ///
    /// # Errors
    /// A [`RedactError`].
    pub async fn redact(&self, actor: AuditActor, number: i64, reason: &str) -> Result<(), RedactError> {
        let reason = reason.trim();
        if reason.is_empty() {
            return Err(RedactError::NoReason);
        }
        let redaction = AuditEntry {
            object_id: number.to_string(),
            reason: Some(Personal::new(reason)),
            ..self.about_log(actor, AuditAction::Redacted, Map::new())
        };
        if self.store.redact_audit(number, redaction).await? { Ok(()) } else { Err(RedactError::Nothing) }
    }

    /// Verifies the log and the histories that it seals against checkpoints.
    ///
    /// # Errors
    /// When the database is unavailable.
    pub async fn verify(&self, checkpoints: KnownCheckpoints) -> Result<Verification, VerifyError> {
        self.verify_telling(checkpoints, &|_| {}).await
    }

    /// The same; `progress` is told the entries that are verified.
    ///
    /// # Errors
    /// When the database is unavailable.
    pub async fn verify_telling(
        &self,
        checkpoints: KnownCheckpoints,
        progress: &(dyn Fn(i64) + Send + Sync),
    ) -> Result<Verification, VerifyError> {
        verify_store(self.store.as_ref(), checkpoints, progress).await
    }

    /// The checkpoints of the database itself, verified by the key, or by the one that each names.
    ///
    /// # Errors
    /// [`StoreError`] when the database is unavailable.
    pub async fn own_checkpoints(&self, key: Option<&PublicKey>) -> Result<KnownCheckpoints, StoreError> {
        KnownCheckpoints::of_store(self.store.as_ref(), key).await
    }

    fn about_log(&self, actor: AuditActor, action: AuditAction, details: Map<String, Value>) -> AuditEntry {
        AuditEntry { details, ..act(self.clock.now(), actor, action, "audit", String::new()) }
    }
}
