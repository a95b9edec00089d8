//! Deletes expired rows, in bounded batches.

use std::sync::Arc;
use std::time::Duration;

use async_trait::async_trait;
use payment_domain::Timestamp;
use payment_store::{Store, StoreError};

use crate::ports::Ports;
use crate::scheduler::{Job, JobError, Run};

/// The most rows that one commit deletes.
const BATCH: u32 = 1000;

#[derive(Debug, Clone)]
pub struct HousekeepingSettings {
    /// At least.
    pub idempotency_keys: Duration,
    /// After publication.
    pub published_events: Duration,
    pub callbacks: Duration,
    pub job_runs: Duration,
}

pub struct HousekeepingJob {
    ports: Arc<Ports>,
    settings: HousekeepingSettings,
}

#[derive(Clone, Copy)]
enum Kept {
    IdempotencyKeys,
    PublishedEvents,
    Callbacks,
    JobRuns,
}

impl HousekeepingJob {
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
