//! The trait of jobs, and the run that carries out one tick.

use std::sync::{Mutex, PoisonError};

use async_trait::async_trait;
use payment_domain::Timestamp;
use payment_store::{BegunRun, BoxError, Fence, StoreError, Tally};
use tokio::time::Instant;
use tokio_util::sync::CancellationToken;

/// Work that is carried out at scheduled moments, on one node at a time.
#[async_trait]
pub trait Job: Send + Sync {
    /// Carries out one tick, or the rest of an interrupted run of it. Safe to repeat; returns soon after
    /// [`Run::stopped`]. Its writes carry the run's fence, unless something else keeps two runs apart.
    ///
    /// # Errors
    /// A [`JobError`] when the tick as a whole cannot go on. A failing item is counted, and never stops the
    /// others.
    async fn tick(&self, run: &Run) -> Result<(), JobError>;
}

/// The reason a tick could not go on.
#[derive(Debug, thiserror::Error)]
pub enum JobError {
    #[error(transparent)]
    Store(#[from] StoreError),
    #[error("another node has taken over")]
    Fenced,
    /// Something that the job needs beside the database.
    #[error("{0}")]
    Other(#[source] BoxError),
}

#[derive(Debug)]
pub struct Run {
    begun: BegunRun,
    stop: CancellationToken,
    yields_at: Instant,
    tally: Mutex<Tally>,
}

impl Run {
    /// A run that goes on until it is stopped, or at `yields_at` by itself.
    pub fn new(begun: BegunRun, stop: CancellationToken, yields_at: Instant) -> Run {
        Run { begun, stop, yields_at, tally: Mutex::default() }
    }

    /// Belongs to each write of the run.
    pub fn fence(&self) -> &Fence {
        &self.begun.fence
    }

    /// The moment of its tick.
    pub fn scheduled_at(&self) -> Timestamp {
        self.begun.scheduled_at
    }

    /// The actor in history lines: the job and the number of the run.
    pub fn actor_id(&self) -> String {
        format!("{}#{}", self.begun.fence.job, self.begun.fence.run_id)
    }

    /// Whether to stop: the service shuts down, or the lease is lost.
    pub fn is_stopped(&self) -> bool {
        self.stop.is_cancelled()
    }

    /// Waits until [`Run::is_stopped`].
    pub async fn stopped(&self) {
        self.stop.cancelled().await;
    }

    /// When an endless job returns, for the next tick to go on.
    pub fn yields_at(&self) -> Instant {
        self.yields_at
    }

    pub fn count(&self, count: impl FnOnce(&mut Tally)) {
        count(&mut self.tally.lock().unwrap_or_else(PoisonError::into_inner));
    }

    pub fn tally(&self) -> Tally {
        *self.tally.lock().unwrap_or_else(PoisonError::into_inner)
    }
}
