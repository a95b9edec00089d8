//! Runs that an operator begins.

use std::time::Duration;

use payment_domain::Timestamp;
use payment_store::{BegunRun, StoreError, TickAnswer, lease};
use tokio::time::Instant;
use tokio_util::sync::CancellationToken;

use super::{Due, FinishedRun, LONGEST_SLEEP, ScheduledJob, Scheduler};

/// The reason a job was not run by hand.
#[derive(Debug, thiserror::Error)]
pub enum RunByHandError {
    #[error("there is no such job")]
    Unknown,
    /// Until this moment, when its lease ends.
    #[error("the job is at work")]
    Busy(Timestamp),
    /// By that many milliseconds; negative when it is behind.
    #[error("the computer's clock differs from the database's by {} s, no jobs are run here", .0 / 1000)]
    ClockDiffers(i64),
    #[error(transparent)]
    Store(#[from] StoreError),
}

impl Scheduler {
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

    /// Begins a run of a job here and now, as a tick of its own, which is to be carried out at once. Takes as
    /// long as a lease when that of another run is over and was not watched here.
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
                // Another run was begun by hand in this millisecond.
                TickAnswer::Done | TickAnswer::Overtaken => {
                    tokio::time::sleep(Duration::from_millis(1)).await
                }
                // Its node seems dead: watching its lease decides.
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
}

/// A run that was begun by hand. One that is dropped instead is taken over after its lease.
pub struct BegunByHand {
    scheduler: Scheduler,
    job: ScheduledJob,
    begun: BegunRun,
}

impl BegunByHand {
    pub fn begun(&self) -> &BegunRun {
        &self.begun
    }

    /// Carries it out, until `stop` at the latest.
    pub async fn carry_out(self, stop: &CancellationToken) -> FinishedRun {
        self.scheduler.carry_out(&self.job, self.begun, Some(Duration::ZERO), stop).await
    }
}
