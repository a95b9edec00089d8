//! Jobs at scheduled moments, on one node at a time.
//!
//! Every node runs the same scheduler. When a tick is due, each asks the store for the right to run
//! it, and one gets it: a lease, which it renews while it is at work. A node that dies, hangs or is
//! cut off stops renewing; when the lease has run out another node takes the tick over. Whatever
//! the old one still wants to store is refused, because it carries the number of a run that is over.
//!
//! **Missed ticks**: when the latest tick of a job was missed, because no node was up or the clock
//! has jumped, it is made up as soon as a node finds out. Of several missed ticks only the latest is
//! run; its record says for how many others it stands.
//!
//! **Clocks**: leases and ticks go by the service's clock, which is the database's where several nodes
//! share one; and a lease is taken over by the rule of all leases ([`payment_store::lease`]), so that no
//! clock that is wrong or is set takes a run from a node that is alive. A tick is told by the moment it
//! was scheduled for, not by when it is run: a clock that goes back finds its ticks run already, and one
//! that has been ahead for a while stops nothing when it is right again. A node whose computer's own
//! clock differs from the service's by more than it may ([`SchedulerSettings::largest_clock_offset`])
//! runs no jobs.

mod run;
mod schedule;
mod worker;

use std::sync::atomic::{AtomicBool, Ordering};
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};
use std::time::Duration;

use payment_domain::{Clock, Timestamp, signed_seconds};
use payment_store::{
    BegunRun, LeaseWatch, RunEnd, RunRecord, Store, StoreError, Tally, TickAnswer, TickRequest, lease,
};
use tokio::task::JoinSet;
use tokio::time::Instant;
use tokio_util::sync::CancellationToken;

pub use run::{Job, JobError, Run};
pub use schedule::{InvalidCron, Schedule};

use self::worker::Worker;

/// How long to wait before trying again when the database is away or a tick has failed.
const AFTER_TROUBLE: Duration = Duration::from_secs(5);
/// The longest a node sleeps before it looks at the clock again: clocks may be set.
const LONGEST_SLEEP: Duration = Duration::from_secs(1);
/// How often in the length of a lease another node's is looked at.
const SIGHTINGS: u32 = 8;

/// How runs are leased.
#[derive(Debug, Clone)]
pub struct SchedulerSettings {
    /// The name of this node in the records.
    pub node: String,
    /// How long a node that does not renew its lease keeps its run. Another takes over within this
    /// time and a second.
    pub lease: Duration,
    /// How far the computer's clock may differ from the service's for jobs to be run; `None` where
    /// nobody else goes by the service's clock.
    pub largest_clock_offset: Option<Duration>,
}

/// A job and when it is due.
#[derive(Clone)]
pub struct ScheduledJob {
    /// Its name.
    pub name: &'static str,
    /// What it does, in a few words for operators.
    pub purpose: &'static str,
    /// When it is due.
    pub schedule: Schedule,
    /// What it does.
    pub job: Arc<dyn Job>,
}

/// What an operator sees of a job.
#[derive(Debug, Clone)]
pub struct JobOverview {
    /// Its name.
    pub name: &'static str,
    /// What it does.
    pub purpose: &'static str,
    /// When it is due, in words.
    pub schedule: String,
    /// The moment of its next tick.
    pub next: Option<Timestamp>,
    /// Its latest run.
    pub last_run: Option<RunRecord>,
}

/// What came of looking whether a job is due.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Looked {
    /// There is nothing to do before the next tick.
    NotDue,
    /// Another run is at work; its lease ends at this moment.
    Busy {
        /// The moment.
        until: Timestamp,
    },
    /// A tick was run here.
    Ran(FinishedRun),
    /// No jobs are run here: the computer's clock differs too much from the service's.
    ClockDiffers,
}

/// A run that has come to its end.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct FinishedRun {
    /// Which it was.
    pub begun: BegunRun,
    /// What it has done.
    pub tally: Tally,
    /// How it ended; `None` when another node has taken it over, which has recorded that.
    pub end: Option<RunEnd>,
}

/// Whether a computer's clock that is ahead by so many milliseconds, or behind, differs by more than it
/// may.
pub(crate) fn differs_too_much(ahead_ms: i64, most: Option<Duration>) -> bool {
    most.is_some_and(|most| u128::from(ahead_ms.unsigned_abs()) > most.as_millis())
}

fn count_end(job: &'static str, end: &'static str) {
    metrics::counter!("job_runs_total", "job" => job, "end" => end).increment(1);
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
        // One that was run by hand is nobody's task.
        Some((_, RunEnd::Cancelled | RunEnd::Failed(_))) => {
            (tick < due && job.schedule.latest(tick) == Some(tick)).then_some(tick)
        }
        Some((_, RunEnd::Finished | RunEnd::TakenOver { .. })) | None => None,
    }
}

/// Why a job was not run by hand.
#[derive(Debug, thiserror::Error)]
pub enum RunByHandError {
    /// There is no such job.
    #[error("there is no such job")]
    Unknown,
    /// It is at work; its lease ends at this moment.
    #[error("the job is at work")]
    Busy(Timestamp),
    /// The computer's clock is ahead of the service's by so many milliseconds, or behind it.
    #[error("the computer's clock differs from the database's by {} s, no jobs are run here", .0 / 1000)]
    ClockDiffers(i64),
    /// The database is away.
    #[error(transparent)]
    Store(#[from] StoreError),
}

/// Runs jobs.
#[derive(Clone)]
pub struct Scheduler {
    store: Arc<dyn Store>,
    clock: Arc<dyn Clock>,
    settings: Arc<SchedulerSettings>,
    jobs: Arc<Vec<ScheduledJob>>,
    /// The leases of runs of other nodes, by job.
    others: Arc<Mutex<LeaseWatch>>,
    /// Whether it was told that no jobs are run.
    differs: Arc<AtomicBool>,
}

impl Scheduler {
    /// A scheduler of these jobs.
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

    /// The names of the jobs.
    pub fn names(&self) -> Vec<&'static str> {
        self.jobs.iter().map(|job| job.name).collect()
    }

    /// Runs the jobs when they are due, until `stop`; then returns as soon as those at work have.
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
                    tracing::warn!(job = job.name, %error, "whether the job is due cannot be found out");
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

    /// Looks once at every job, in their order, and runs here what is due and free: what
    /// [`Scheduler::run`] does all the time.
    ///
    /// # Errors
    /// [`StoreError`] when the database is away.
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
            // The latest tick that is done: nobody is asked about it again.
            if *done == Some(due) {
                return Ok(Looked::NotDue);
            }
            // Of two runs one is over.
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
                // Somebody else was faster, and may be done already.
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

    /// By how many milliseconds the computer's clock is ahead of the service's, where that is too much.
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
            // Its own node has died, or learns too late how it ended: nobody else counts it.
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

    /// Runs a job here and now, as a tick of its own.
    ///
    /// # Errors
    /// A [`RunByHandError`].
    pub async fn run_by_hand(
        &self,
        name: &str,
        stop: &CancellationToken,
    ) -> Result<FinishedRun, RunByHandError> {
        Ok(self.begin_by_hand(name).await?.carry_out(stop).await)
    }

    /// Begins a run of a job here and now, as a tick of its own: it has a number, and is to be
    /// carried out at once. Where the lease of a run is over that was not watched here, this takes as
    /// long as a lease.
    ///
    /// # Errors
    /// A [`RunByHandError`].
    pub async fn begin_by_hand(&self, name: &str) -> Result<BegunByHand, RunByHandError> {
        let job = self.jobs.iter().find(|job| job.name == name).ok_or(RunByHandError::Unknown)?;
        if let Some(ahead) = self.clock_differs() {
            return Err(RunByHandError::ClockDiffers(ahead));
        }
        let give_up_at = Instant::now() + self.settings.lease + LONGEST_SLEEP;
        loop {
            let due = Due { tick: self.clock.now(), missed: 0, newest_known: None };
            match self.begin(job, due).await? {
                // Somebody has asked for the same in this very millisecond.
                TickAnswer::Done | TickAnswer::Overtaken => {
                    tokio::time::sleep(Duration::from_millis(1)).await
                }
                // Its node seems to have died: whether it has, only watching tells.
                TickAnswer::Busy { until }
                    if lease::is_over(until, self.clock.now()) && Instant::now() < give_up_at =>
                {
                    tokio::time::sleep(self.until_next_sighting()).await;
                }
                TickAnswer::Busy { until } => return Err(RunByHandError::Busy(until)),
                TickAnswer::Begun(begun) => {
                    return Ok(BegunByHand { scheduler: self.clone(), job: job.clone(), begun });
                }
            }
        }
    }

    /// The jobs with their latest runs and next ticks.
    ///
    /// # Errors
    /// [`StoreError`] when the database is away.
    pub async fn overview(&self) -> Result<Vec<JobOverview>, StoreError> {
        let mut jobs = Vec::with_capacity(self.jobs.len());
        for job in self.jobs.iter() {
            jobs.push(JobOverview {
                name: job.name,
                purpose: job.purpose,
                schedule: job.schedule.to_string(),
                next: job.schedule.next(self.clock.now()),
                last_run: self.store.runs(Some(job.name), 1).await?.into_iter().next(),
            });
        }
        Ok(jobs)
    }
}

/// A run that was begun by hand. When it is dropped instead, its lease runs out, and another node
/// takes it over.
pub struct BegunByHand {
    scheduler: Scheduler,
    job: ScheduledJob,
    begun: BegunRun,
}

impl BegunByHand {
    /// Which it is.
    pub fn begun(&self) -> &BegunRun {
        &self.begun
    }

    /// Carries it out, until `stop` at the latest.
    pub async fn carry_out(self, stop: &CancellationToken) -> FinishedRun {
        self.scheduler.carry_out(&self.job, self.begun, Some(Duration::ZERO), stop).await
    }
}
