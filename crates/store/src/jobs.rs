//! The job ledger: the owner of each job's run, and the outcome of every run.
//!
//! A *tick* is a job at its scheduled time. A *run* carries it out; when the node that runs it dies, another
//! run takes the tick over. The number of a run is its fence: once the next one has begun, or the run has
//! ended, its writes are refused.

use std::time::Duration;

use async_trait::async_trait;
use payment_domain::Timestamp;

use crate::{StoreError, lease};

/// Proof of being the current run of a job.
#[derive(Debug, Clone, PartialEq, Eq, Hash)]
pub struct Fence {
    pub job: String,
    /// The number of the run. Of two runs of all jobs the later one has the larger number.
    pub run_id: i64,
}

/// A request to carry out a tick.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct TickRequest {
    pub job: String,
    pub scheduled_at: Timestamp,
    /// The number of earlier ticks that were missed and are made up by this one.
    pub missed: u32,
    pub node: String,
    /// For how long others may not take over, unless the lease is renewed.
    pub lease: Duration,
    /// The end of a lease that the asker has seen unchanged for as long as a lease holds
    /// ([`lease::LeaseWatch`]): only such a one is taken over.
    pub not_renewed: Option<Timestamp>,
    /// The newest run of the job that was over, 0 for none, when the tick was found to be due: a request
    /// based on a stale snapshot begins nothing. While it was under way a later tick may have replaced this
    /// one, or the current run may have ended with its own tick unfinished. `None` for a tick that is due
    /// regardless of other runs.
    pub newest_known: Option<i64>,
}

impl TickRequest {
    /// Whether a lease that ends then keeps the run from beginning; `now` is by the store's clock.
    pub fn finds_held(&self, lease_until: Timestamp, now: Timestamp) -> bool {
        !lease::is_over(lease_until, now) || self.not_renewed != Some(lease_until)
    }
}

/// The answer to a [`TickRequest`].
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum TickAnswer {
    /// The run has begun. It may be for an earlier tick than the requested one: one whose run's lease has run
    /// out, which is taken over first.
    Begun(BegunRun),
    /// Another run of this job is under way, or is not taken over yet; its lease ends at this time.
    Busy { until: Timestamp },
    /// The tick has been carried out.
    Done,
    /// The job has been run since the tick was found to be due: whether it still is has to be found
    /// out again.
    Overtaken,
}

/// A run that has begun.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct BegunRun {
    pub fence: Fence,
    pub scheduled_at: Timestamp,
    /// 1 for the first run of the tick, one more each time it is taken over or begun again.
    pub attempt: u32,
    /// The node whose run was ended as [`RunEnd::TakenOver`] for this one to begin.
    pub taken_from: Option<String>,
}

/// The counts of a run.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default)]
pub struct Tally {
    pub examined: u32,
    pub changed: u32,
    pub still_pending: u32,
    pub failed: u32,
}

#[derive(Debug, Clone, PartialEq, Eq)]
pub enum RunEnd {
    /// It has done all there was to do.
    Finished,
    /// It was stopped; the rest is for the next run of the tick.
    Cancelled,
    /// It could not continue, for this reason; the rest is for the next run of the tick.
    Failed(String),
    /// Its node did not renew the lease: this node has taken the tick over.
    TakenOver { by: String },
}

impl RunEnd {
    /// The stored word with its detail: a reason, or a node.
    pub fn as_words(&self) -> (&'static str, Option<&str>) {
        match self {
            RunEnd::Finished => ("finished", None),
            RunEnd::Cancelled => ("cancelled", None),
            RunEnd::Failed(reason) => ("failed", Some(reason)),
            RunEnd::TakenOver { by } => ("taken-over", Some(by)),
        }
    }

    /// The end for stored words.
    pub fn from_words(word: &str, detail: Option<String>) -> Option<RunEnd> {
        match (word, detail) {
            ("finished", _) => Some(RunEnd::Finished),
            ("cancelled", _) => Some(RunEnd::Cancelled),
            ("failed", Some(reason)) => Some(RunEnd::Failed(reason)),
            ("taken-over", Some(by)) => Some(RunEnd::TakenOver { by }),
            _ => None,
        }
    }
}

/// A run as it is recorded.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct RunRecord {
    pub fence: Fence,
    pub scheduled_at: Timestamp,
    /// The number of earlier ticks it makes up for.
    pub missed: u32,
    /// Which run of the tick it is, from 1.
    pub attempt: u32,
    pub node: String,
    pub started_at: Timestamp,
    /// When others may take over; counts while it has not ended.
    pub lease_until: Timestamp,
    pub tally: Tally,
    /// Time and outcome of its end; `None` while it is under way.
    pub ended: Option<(Timestamp, RunEnd)>,
}

#[async_trait]
pub trait JobLedger: Send + Sync {
    /// Begins a run, if there is none of this job under a lease that holds, and the tick was not carried out.
    /// A run whose lease is over by the store's clock, and was seen unchanged by the caller for the length of
    /// a lease, is ended as [`RunEnd::TakenOver`], and its tick is begun again, making up for as many earlier
    /// ones; the answer names the previous owner. A tick whose last run ended as cancelled or failed is begun
    /// again, too. When no run is under way and the tick was not carried out, but the newest run of the job
    /// is not the one that the request knows to be over, nothing begins.
    async fn begin_run(&self, request: TickRequest) -> Result<TickAnswer, StoreError>;

    /// Renews the lease of a run for `lease` from now, and notes its progress. Returns `false`, and stores
    /// nothing, when the run is over; a lease that has run out does not make it so before another run has
    /// begun.
    async fn renew_run(&self, fence: &Fence, lease: Duration, tally: Tally) -> Result<bool, StoreError>;

    /// Ends a run. Returns `false`, and stores nothing, when it is over already.
    async fn end_run(
        &self,
        fence: &Fence,
        at: Timestamp,
        tally: Tally,
        end: RunEnd,
    ) -> Result<bool, StoreError>;

    /// The runs of a job, or of all jobs, newest first.
    async fn runs(&self, job: Option<&str>, limit: u32) -> Result<Vec<RunRecord>, StoreError>;

    /// The moment of the latest tick of a job that was begun and is not scheduled after `now`.
    async fn last_tick(&self, job: &str, now: Timestamp) -> Result<Option<Timestamp>, StoreError>;

    /// Forgets up to `limit` runs that ended before a moment, except the last one of each job;
    /// returns how many.
    async fn forget_runs(&self, ended_before: Timestamp, limit: u32) -> Result<u32, StoreError>;
}
