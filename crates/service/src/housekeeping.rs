//! Clearing away what has had its time, in bounded batches.

use std::sync::Arc;
use std::time::Duration;

use async_trait::async_trait;
use payment_domain::Timestamp;
use payment_store::{Store, StoreError};

use crate::ports::Ports;
use crate::scheduler::{Job, JobError, Run};

/// How many rows are removed in one commit at most.
const BATCH: u32 = 1000;

/// How long things are kept.
#[derive(Debug, Clone)]
pub struct HousekeepingSettings {
    /// Idempotency keys, at least.
    pub idempotency_keys: Duration,
    /// Events, after they were published.
    pub published_events: Duration,
    /// Callbacks as they came.
    pub callbacks: Duration,
    /// Records of job runs.
    pub job_runs: Duration,
}

/// Removes what has been kept long enough.
pub struct HousekeepingJob {
    ports: Arc<Ports>,
    settings: HousekeepingSettings,
}

/// One kind of thing that has its time.
#[derive(Clone, Copy)]
enum Kept {
    IdempotencyKeys,
    PublishedEvents,
    Callbacks,
    JobRuns,
}

impl HousekeepingJob {
    /// Tidies up the store of these ports.
    pub fn new(ports: Arc<Ports>, settings: HousekeepingSettings) -> HousekeepingJob {
        HousekeepingJob { ports, settings }
    }

    async fn forget(&self, what: Kept, now: Timestamp) -> Result<u32, StoreError> {
        let (store, keep): (&dyn Store, _) = (self.ports.store.as_ref(), &self.settings);
        match what {
            Kept::IdempotencyKeys => {
                store.forget_idempotency_keys(now.minus(keep.idempotency_keys), BATCH).await
            }
            Kept::PublishedEvents => store.forget_published(now.minus(keep.published_events), BATCH).await,
            Kept::Callbacks => store.forget_callbacks(now.minus(keep.callbacks), BATCH).await,
            Kept::JobRuns => store.forget_runs(now.minus(keep.job_runs), BATCH).await,
        }
    }
}

#[async_trait]
impl Job for HousekeepingJob {
    async fn tick(&self, run: &Run) -> Result<(), JobError> {
        let now = self.ports.now();
        for what in [Kept::IdempotencyKeys, Kept::PublishedEvents, Kept::Callbacks, Kept::JobRuns] {
            loop {
                let forgotten = self.forget(what, now).await?;
                run.count(|tally| {
                    tally.examined += forgotten;
                    tally.changed += forgotten;
                });
                if run.is_stopped() {
                    return Ok(());
                }
                if forgotten < BATCH {
                    break;
                }
            }
        }
        Ok(())
    }
}
