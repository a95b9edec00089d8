//! The jobs `audit-seal`, `audit-checkpoint` and `audit-verify`.

use std::sync::Arc;
use std::time::Duration;

use async_trait::async_trait;
use payment_domain::Clock;
use payment_store::Store;

use super::{AuditTrail, CheckpointError, Checkpointed, VerifyError};
use crate::scheduler::{Job, JobError, Run};

/// The most lines in one seal.
const LINES: u32 = 2_000;

/// Seals the histories of payments without end.
pub struct SealingJob {
    pub store: Arc<dyn Store>,
    pub clock: Arc<dyn Clock>,
    /// The pause between two seals.
    pub interval: Duration,
}

#[async_trait]
impl Job for SealingJob {
    async fn tick(&self, run: &Run) -> Result<(), JobError> {
        loop {
            let sealed = self.store.seal_history(self.clock.now(), LINES, run.fence()).await?;
            let sealed = sealed.ok_or(JobError::Fenced)?;
            run.count(|tally| {
                tally.examined = tally.examined.saturating_add(sealed);
                tally.changed = tally.changed.saturating_add(sealed);
            });
            let pause = if sealed >= LINES { Duration::ZERO } else { self.interval };
            if run.is_stopped() || tokio::time::Instant::now() + pause >= run.yields_at() {
                return Ok(());
            }
            tokio::select! {
                () = run.stopped() => return Ok(()),
                () = tokio::time::sleep(pause) => {}
            }
        }
    }
}

/// Signs the log when it is due.
pub struct CheckpointJob(pub AuditTrail);

#[async_trait]
impl Job for CheckpointJob {
    async fn tick(&self, run: &Run) -> Result<(), JobError> {
        run.count(|tally| tally.examined += 1);
        match self.0.checkpoint().await {
            Ok(Checkpointed::New(_)) => run.count(|tally| tally.changed += 1),
            Ok(Checkpointed::Unchanged(_)) => {}
            Err(CheckpointError::Store(error)) => return Err(error.into()),
            // Repeating it at once would not help.
            Err(
                error @ (CheckpointError::NoKey | CheckpointError::Broken(_) | CheckpointError::File(..)),
            ) => {
                run.count(|tally| tally.failed += 1);
                tracing::error!(%error, "no checkpoint of the audit log");
            }
        }
        Ok(())
    }
}

pub const VERIFY_JOB: &str = "audit-verify";

/// Verifies the log against the checkpoints of the database itself; a run that finds it broken has failed.
pub struct VerifyJob(pub AuditTrail);

#[async_trait]
impl Job for VerifyJob {
    async fn tick(&self, run: &Run) -> Result<(), JobError> {
        let known = self.0.own_checkpoints(None).await?;
        let progress = |entries: i64| {
            run.count(|tally| tally.examined = u32::try_from(entries).unwrap_or(u32::MAX));
        };
        let verified = tokio::select! {
            verified = self.0.verify_telling(known, &progress) => verified,
            () = run.stopped() => return Ok(()),
        };
        let verified = verified.map_err(|error| match error {
            VerifyError::Store(error) => JobError::Store(error),
            error @ VerifyError::Export(_) => JobError::Other(error.into()),
        })?;
        match verified.broken {
            None => Ok(()),
            Some(broken) => {
                run.count(|tally| tally.failed += 1);
                tracing::error!(entries = verified.entries, why = broken.why, "the audit log is broken");
                Err(JobError::Other(format!("behind entry {}: {}", verified.entries, broken.why).into()))
            }
        }
    }
}
