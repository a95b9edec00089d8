//! What a job is, and what it is given to carry out one tick.

use std::sync::{Mutex, PoisonError};

use async_trait::async_trait;
use payment_domain::Timestamp;
use payment_store::{BegunRun, BoxError, Fence, StoreError, Tally};
use tokio::time::Instant;
use tokio_util::sync::CancellationToken;

/// Work that is carried out at scheduled moments, on one node at a time.
#[async_trait]
pub trait Job: Send + Sync {
    /// Carries out one tick, or what an interrupted run of it has left. It is safe to repeat, and
    /// returns soon after [`Run::stopped`]. What it stores carries the run's fence, unless something
    /// else keeps two runs apart: a receipt is stored under the lease of its own task, and what is
    /// cleared away twice is gone all the same.
    ///
    /// # Errors
    /// A [`JobError`] when the tick as a whole cannot go on. What is wrong with one item is counted,
    /// and never stops the others.
    async fn tick(&self, run: &Run) -> Result<(), JobError>;
}

/// Why a tick could not go on.
#[derive(Debug, thiserror::Error)]
pub enum JobError {
    /// The database is away.
    #[error(transparent)]
    Store(#[from] StoreError),
    /// The run is over: another node has taken the tick over.
    #[error("another node has taken over")]
    Fenced,
    /// What the job needs beside the database is away.
    #[error("{0}")]
    Other(#[source] BoxError),
}

/// A run of a tick.
#[derive(Debug)]
pub struct Run {
    begun: BegunRun,
    stop: CancellationToken,
    /// When a job that always has something to do comes to its end, for the next tick to go on.
    yields_at: Instant,
    tally: Mutex<Tally>,
}

impl Run {
    /// A run that goes on until it is stopped, or at `yields_at` by itself.
    pub fn new(begun: BegunRun, stop: CancellationToken, yields_at: Instant) -> Run {
        Run { begun, stop, yields_at, tally: Mutex::default() }
    }

    /// What it stores is to carry this.
    pub fn fence(&self) -> &Fence {
        &self.begun.fence
    }

    /// The moment its tick was scheduled for.
    pub fn scheduled_at(&self) -> Timestamp {
        self.begun.scheduled_at
    }

    /// Its name in the history of transactions: the job and the number of the run.
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

    /// When a job that always has something to do should return, for the next tick to go on.
    pub fn yields_at(&self) -> Instant {
        self.yields_at
    }

    /// Counts.
    pub fn count(&self, count: impl FnOnce(&mut Tally)) {
        count(&mut self.tally.lock().unwrap_or_else(PoisonError::into_inner));
    }

    /// What was counted so far.
    pub fn tally(&self) -> Tally {
        *self.tally.lock().unwrap_or_else(PoisonError::into_inner)
    }
}
