//! Jobs at scheduled moments, each on one node at a time.
//!
//! Every node runs the same scheduler over the same store.
//!
//! **Ticks.** A job is due at moments that every node computes alike: multiples of an interval since 1970,
//! or a cron expression in a time zone ([`Schedule`]). A *tick* is a job at one of these moments, and is
//! identified by it. A cron expression that names its hours, minutes and seconds follows wall clocks: a
//! moment that does not exist when they are set forward is made up, one that comes twice when they are set
//! back counts once. One with `*` or steps among them follows elapsed time.
//!
//! **Runs and leases.** When a tick is due, each node asks the store to begin a *run* of it, and one gets
//! it. The run holds a lease, which its node renews three times as often as needed (`worker`). A node that
//! dies, hangs or is cut off stops renewing; when the lease is over, another node begins the next run of
//! the same tick. A tick whose run was cancelled by a shutdown or has failed is begun again, too, before the
//! next one. Every run is on record with its node, counts and end.
//!
//! **Fences.** Reconciliation and the outbox relay store under the number of their run. The store compares it
//! in the same transaction, and refuses writes of a run that is over: a process that was suspended for an
//! hour stores nothing. `receipts` rests on the lease of each task instead, and `housekeeping` may delete
//! twice.
//!
//! **Missed ticks.** When ticks were missed, because no node was up or the clock has jumped, the latest one
//! is run as soon as a node looks; its record counts the others.
//!
//! **Clocks.** Leases, ticks and due moments follow one clock, the store's: the database's where several
//! nodes share one, read every five seconds and carried on by a stopwatch
//! ([`AnchoredClock`](payment_domain::AnchoredClock)). Statements compare with the database's clock
//! themselves, and are passed durations, not moments. A lease, of a run or of a receipt, is taken over when
//! it is over by the store's clock *and* the taker has seen it unchanged for its whole length by a stopwatch
//! of its own ([`payment_store::lease`]). So no clock that is wrong, or is set, takes a run from a node that
//! is alive, and a dead node is replaced one lease after it was last seen to renew. A clock that goes back
//! finds its ticks done; one that was ahead for a while stops nothing once it is right. A node whose
//! computer's clock differs from the database's by more than
//! [`SchedulerSettings::largest_clock_offset`] runs no jobs.
//!
//! **Endless jobs.** `receipts` and `outbox` work until their next tick is due ([`Run::yields_at`]) and
//! return; any node begins that one.

mod by_hand;
mod run;
mod schedule;
mod worker;

use std::sync::atomic::{AtomicBool, Ordering};
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};
use std::time::Duration;

use payment_domain::{Clock, Timestamp, signed_seconds};
use payment_store::{
    BegunRun, LeaseWatch, RunEnd, RunRecord, Store, StoreError, Tally, TickAnswer, TickRequest,
};
use tokio::task::JoinSet;
use tokio::time::Instant;
use tokio_util::sync::CancellationToken;

pub use by_hand::{BegunByHand, RunByHandError};
pub use run::{Job, JobError, Run};
pub use schedule::{InvalidCron, Schedule, Timing};

use self::worker::Worker;
use crate::view::{JobView, RunView};

/// The pause after a failed tick, or while the database is unavailable.
const AFTER_TROUBLE: Duration = Duration::from_secs(5);
/// The longest pause between two looks at the clock, which may be set.
const LONGEST_SLEEP: Duration = Duration::from_secs(1);
/// How often another node's lease is looked at in its length.
const SIGHTINGS: u32 = 8;

#[derive(Debug, Clone)]
pub struct SchedulerSettings {
    /// This node in the records of runs.
    pub node: String,
    /// The time after which the run of a node that does not renew is taken over, within a second.
    pub lease: Duration,
    /// The largest difference of the computer's clock from the service's at which jobs run; `None` where
    /// no other node shares the service's clock.
    pub largest_clock_offset: Option<Duration>,
}

/// A job and when it is due.
#[derive(Clone)]
pub struct ScheduledJob {
    pub name: &'static str,
    /// A few words for operators.
    pub purpose: &'static str,
    pub schedule: Schedule,
    pub job: Arc<dyn Job>,
}

/// The outcome of looking whether a job is due.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Looked {
    NotDue,
    /// Another run is under way, with a lease until this moment.
    Busy {
        until: Timestamp,
    },
    /// A tick was run here.
    Ran(FinishedRun),
    /// No jobs run here: the computer's clock differs too much from the service's.
    ClockDiffers,
}

#[derive(Debug, Clone, PartialEq, Eq)]
pub struct FinishedRun {
    pub begun: BegunRun,
    pub tally: Tally,
    /// `None` when another node has taken the run over, which has recorded its end.
    pub end: Option<RunEnd>,
}

/// Whether an offset of the computer's clock is larger than allowed.
pub(crate) fn differs_too_much(ahead_ms: i64, most: Option<Duration>) -> bool {
    most.is_some_and(|most| u128::from(ahead_ms.unsigned_abs()) > most.as_millis())
}

fn count_end(job: &'static str, end: &'static str) {
    metrics::counter!("job_runs_total", "job" => job, "end" => end.replace('-', "_")).increment(1);
}

fn count_items(job: &'static str, tally: Tally) {
    let Tally { examined: _, changed, still_pending, failed } = tally;
    for (outcome, items) in [("changed", changed), ("pending", still_pending), ("failed", failed)] {
        metrics::counter!("job_items_total", "job" => job, "outcome" => outcome).increment(u64::from(items));
    }
}

/// A tick that was found to be due.
struct Due {
    tick: Timestamp,
    missed: u32,
    newest_known: Option<i64>,
}

/// The tick before `due` whose last run, the newest of the job, was cancelled or has failed: it is
/// finished first.
fn left_unfinished(job: &ScheduledJob, newest: &RunRecord, due: Timestamp) -> Option<Timestamp> {
    let tick = newest.scheduled_at;
    match &newest.ended {
        // A run begun by hand is not finished by another.
        Some((_, RunEnd::Cancelled | RunEnd::Failed(_))) => {
            (tick < due && job.schedule.latest(tick) == Some(tick)).then_some(tick)
        }
        Some((_, RunEnd::Finished | RunEnd::TakenOver { .. })) | None => None,
    }
}

#[derive(Clone)]
pub struct Scheduler {
    store: Arc<dyn Store>,
    clock: Arc<dyn Clock>,
    settings: Arc<SchedulerSettings>,
    jobs: Arc<Vec<ScheduledJob>>,
    /// The leases of runs of other nodes, by job.
    others: Arc<Mutex<LeaseWatch>>,
    /// Whether the log says that no jobs run here.
    differs: Arc<AtomicBool>,
}

impl Scheduler {
    pub fn new(
        store: Arc<dyn Store>,
        clock: Arc<dyn Clock>,
        settings: SchedulerSettings,
        jobs: Vec<ScheduledJob>,
    ) -> Scheduler {
        Scheduler {
            store,
            clock,
            settings: Arc::new(settings),
            jobs: Arc::new(jobs),
            others: Arc::default(),
            differs: Arc::default(),
        }
    }

    pub fn names(&self) -> Vec<&'static str> {
        self.jobs.iter().map(|job| job.name).collect()
    }

    /// Runs the jobs when they are due, until `stop`; returns when those under way have ended.
    pub async fn run(&self, stop: CancellationToken) {
        let mut loops = JoinSet::new();
        for place in 0..self.jobs.len() {
            let (scheduler, stop) = (self.clone(), stop.clone());
            loops.spawn(async move { scheduler.run_job(place, &stop).await });
        }
        while let Some(ended) = loops.join_next().await {
            if let Err(error) = ended {
                tracing::error!(%error, "a job's loop has ended in a panic");
            }
        }
    }

    async fn run_job(&self, place: usize, stop: &CancellationToken) {
        let Some(job) = self.jobs.get(place) else { return };
        let mut done = None;
        while !stop.is_cancelled() {
            let pause = match self.look(job, &mut done, stop).await {
                Ok(Looked::NotDue) => self.until_next(job),
                Ok(Looked::ClockDiffers) => LONGEST_SLEEP,
                Ok(Looked::Busy { .. }) => self.until_next_sighting(),
                Ok(Looked::Ran(FinishedRun { end: Some(RunEnd::Failed(_)), .. })) => AFTER_TROUBLE,
                Ok(Looked::Ran(_)) => Duration::ZERO,
                Err(error) => {
                    tracing::warn!(job = job.name, %error, "whether the job is due cannot be determined");
                    AFTER_TROUBLE
                }
            };
            let pause = pause.min(LONGEST_SLEEP.max(self.settings.lease)).max(Duration::from_millis(1));
            tokio::select! {
                () = stop.cancelled() => {}
                () = tokio::time::sleep(pause) => {}
            }
        }
    }

    fn until_next_sighting(&self) -> Duration {
        (self.settings.lease / SIGHTINGS).min(LONGEST_SLEEP)
    }

    fn until_next(&self, job: &ScheduledJob) -> Duration {
        let now = self.clock.now();
        job.schedule.next(now).map_or(LONGEST_SLEEP, |next| next.since(now).min(LONGEST_SLEEP))
    }

    /// Looks once at every job, in their order, and runs those that are due and free.
    pub async fn look_once(
        &self,
        stop: &CancellationToken,
    ) -> Result<Vec<(&'static str, Looked)>, StoreError> {
        let mut looked = Vec::new();
        for job in self.jobs.iter() {
            looked.push((job.name, self.look(job, &mut None, stop).await?));
        }
        Ok(looked)
    }

    async fn look(
        &self,
        job: &ScheduledJob,
        done: &mut Option<Timestamp>,
        stop: &CancellationToken,
    ) -> Result<Looked, StoreError> {
        if self.clock_differs().is_some() {
            return Ok(Looked::ClockDiffers);
        }
        loop {
            let now = self.clock.now();
            let Some(due) = job.schedule.latest(now) else { return Ok(Looked::NotDue) };
            // The latest tick is known to be done.
            if *done == Some(due) {
                return Ok(Looked::NotDue);
            }
            // At least one of the two newest runs is over.
            let newest = self.store.runs(Some(job.name), 2).await?;
            let over = newest.iter().find(|run| run.ended.is_some());
            let newest_known = Some(over.map_or(0, |run| run.fence.run_id));
            let (tick, missed) = match newest.first().and_then(|run| left_unfinished(job, run, due)) {
                Some(earlier) => (earlier, 0),
                None => {
                    let last = self.store.last_tick(job.name, now).await?;
                    (due, last.map_or(0, |last| job.schedule.between(last, due)))
                }
            };
            match self.begin(job, Due { tick, missed, newest_known }).await? {
                TickAnswer::Done => {
                    *done = Some(tick);
                    return Ok(Looked::NotDue);
                }
                TickAnswer::Busy { until } => return Ok(Looked::Busy { until }),
                // Another node was faster, and may be done.
                TickAnswer::Overtaken => {}
                TickAnswer::Begun(begun) => {
                    let now = self.clock.now();
                    let yields_in = job.schedule.next(now).map(|next| next.since(now));
                    return Ok(Looked::Ran(self.carry_out(job, begun, yields_in, stop).await));
                }
            }
        }
    }

    fn others(&self) -> MutexGuard<'_, LeaseWatch> {
        self.others.lock().unwrap_or_else(PoisonError::into_inner)
    }

    /// The offset of the computer's clock in milliseconds, when it is too large.
    fn clock_differs(&self) -> Option<i64> {
        let ahead = self.clock.computer_ahead_ms();
        metrics::gauge!("database_clock_offset_seconds").set(signed_seconds(ahead));
        let differs = differs_too_much(ahead, self.settings.largest_clock_offset);
        if self.differs.swap(differs, Ordering::Relaxed) != differs {
            let ahead_secs = ahead / 1000;
            if differs {
                tracing::error!(
                    ahead_secs,
                    "the computer's clock differs from the database's, no jobs are run here: set it"
                );
            } else {
                tracing::info!(
                    ahead_secs,
                    "the computer's clock agrees with the database's, jobs are run again"
                );
            }
        }
        differs.then_some(ahead)
    }

    async fn begin(&self, job: &ScheduledJob, due: Due) -> Result<TickAnswer, StoreError> {
        let lease = self.settings.lease;
        let not_renewed = self.others().unchanged(job.name, lease, self.clock.stopwatch());
        let request = TickRequest {
            job: job.name.to_owned(),
            scheduled_at: due.tick,
            missed: due.missed,
            node: self.settings.node.clone(),
            lease,
            not_renewed,
            newest_known: due.newest_known,
        };
        let answer = self.store.begin_run(request).await?;
        if let TickAnswer::Busy { until } = &answer {
            self.others().see(job.name, *until, self.clock.stopwatch());
        }
        if let TickAnswer::Begun(BegunRun { taken_from: Some(from), .. }) = &answer {
            // Counted here: its own node has died, or learns too late that it ended.
            let end = RunEnd::TakenOver { by: self.settings.node.clone() };
            count_end(job.name, end.as_words().0);
            tracing::warn!(job = job.name, from, "a run whose lease was not renewed is taken over");
        }
        Ok(answer)
    }

    async fn carry_out(
        &self,
        job: &ScheduledJob,
        begun: BegunRun,
        yields_in: Option<Duration>,
        stop: &CancellationToken,
    ) -> FinishedRun {
        let yields_at = Instant::now() + yields_in.unwrap_or(LONGEST_SLEEP);
        let worker = Worker { store: &self.store, clock: &self.clock, lease: self.settings.lease };
        worker.carry_out(job, begun, yields_at, stop).await
    }

    /// The jobs with their latest runs and next ticks.
    pub async fn overview(&self) -> Result<Vec<JobView>, StoreError> {
        let mut jobs = Vec::with_capacity(self.jobs.len());
        for job in self.jobs.iter() {
            jobs.push(JobView {
                name: job.name,
                purpose: job.purpose,
                schedule: job.schedule.to_string(),
                timing: job.schedule.timing(),
                next_time: job.schedule.next(self.clock.now()),
                last_run: self.store.runs(Some(job.name), 1).await?.into_iter().next().map(RunView::from),
            });
        }
        Ok(jobs)
    }
}
