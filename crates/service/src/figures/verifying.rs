//! The job `figures-verify`: compares kept figures with their payments, day by day.

use std::time::Duration;

use async_trait::async_trait;
use payment_domain::Timestamp;
use payment_store::figures::{DaySpan, FiguresAsk, FiguresUpdate, Verified};
use payment_store::{Applied, Fence, StoreError};
use tokio::time::Instant;

use super::{FigureCounts, MENDED, REFUNDS_WATCHED};
use crate::scheduler::{Job, JobError, Run};

/// The latest days with payments are compared each time.
const LATEST: usize = 35;
/// So many older ones each time, in turns: those of three years within ten nights.
const OLDER: usize = 100;
/// A day is looked at again when lines come faster than they are counted, or another has stored figures meanwhile.
const ATTEMPTS: u32 = 5;
const PAUSE: Duration = Duration::from_secs(2);

pub struct FiguresVerificationJob(pub FigureCounts);

/// The comparison of one day.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum Compared {
    Agrees,
    Mended,
    /// Not in a state to be compared.
    Busy,
}

#[async_trait]
impl Job for FiguresVerificationJob {
    async fn tick(&self, run: &Run) -> Result<(), JobError> {
        let counts = &self.0;
        let mut verified = counts.books().figures_state().await?.verified;
        let mut before = counts.clock.now().plus(Duration::from_secs(24 * 60 * 60));
        let mut days = 0_i64;
        for nth in 0..LATEST + OLDER {
            if nth == LATEST {
                before = counts.older_than(&verified, before);
            }
            let Some(day) = counts.day_before(before).await? else {
                if nth >= LATEST {
                    // From the latest of the older ones again.
                    verified.down_to = None;
                }
                break;
            };
            before = day.from;
            if nth >= LATEST {
                verified.down_to = Some(day.day.clone());
            }
            let began = Instant::now();
            let compared = counts.verify(&day, run.fence()).await?;
            days += 1;
            run.count(|tally| {
                tally.examined = tally.examined.saturating_add(1);
                match compared {
                    Compared::Agrees => {}
                    Compared::Mended => tally.changed = tally.changed.saturating_add(1),
                    Compared::Busy => tally.failed = tally.failed.saturating_add(1),
                }
            });
            if compared == Compared::Mended {
                verified.differed = Some((counts.clock.now(), day.day.clone()));
            }
            // Half of the time at most.
            tokio::select! {
                () = run.stopped() => return Ok(()),
                () = tokio::time::sleep(began.elapsed()) => {}
            }
        }
        verified.at = Some(counts.clock.now());
        verified.days = days;
        counts.note(verified, run.fence()).await
    }
}

impl FigureCounts {
    /// Behind the last of the older days that was compared, unless that is later than the latest ones.
    fn older_than(&self, verified: &Verified, before: Timestamp) -> Timestamp {
        let last = verified.down_to.as_deref().and_then(|day| self.days.span(day));
        last.map_or(before, |last| last.from.min(before))
    }

    async fn day_before(&self, before: Timestamp) -> Result<Option<DaySpan>, StoreError> {
        let latest = self.books().latest_creation(before).await?;
        Ok(latest.and_then(|at| self.days.span_of(at)))
    }

    /// Compares a day, and counts it anew where it differs.
    async fn verify(&self, day: &DaySpan, fence: &Fence) -> Result<Compared, JobError> {
        let day_of = |at: Timestamp| self.days.day_of(at);
        for _ in 0..ATTEMPTS {
            let now = self.clock.now();
            let ask = FiguresAsk { lines: self.lines, day: Some(day.clone()), refunds_of: Vec::new() };
            // Those that changed a moment ago need not be counted yet.
            let changed = self.books().refunds_changed(now.minus(REFUNDS_WATCHED)).await?;
            let with_refunds = !changed.into_iter().any(|at| day_of(at).as_ref() == Some(&day.day));
            let reading = self.read(&ask).await?;
            if reading.state.zone != Some(self.days.zone()) || !reading.state.is_counted(&day.day) {
                return Ok(Compared::Agrees);
            }
            if !reading.is_behind && reading.agrees(&day_of, with_refunds) {
                return Ok(Compared::Agrees);
            }
            if !reading.is_behind {
                match self.store(self.update(&reading, &ask, false, now, fence)).await? {
                    Applied::Stored => {
                        metrics::counter!(MENDED).increment(1);
                        tracing::warn!(
                            day = day.day,
                            "the figures of a day differed from its payments, and were counted anew"
                        );
                        return Ok(Compared::Mended);
                    }
                    Applied::Stale => {}
                    Applied::Fenced => return Err(JobError::Fenced),
                }
            }
            tokio::time::sleep(PAUSE).await;
        }
        Ok(Compared::Busy)
    }

    /// Notes the comparison beside what was counted meanwhile.
    async fn note(&self, verified: Verified, fence: &Fence) -> Result<(), JobError> {
        loop {
            let mut state = self.books().figures_state().await?;
            state.verified = verified.clone();
            match self.store(FiguresUpdate::of(state, fence)).await? {
                Applied::Stored => return Ok(()),
                Applied::Stale => {}
                Applied::Fenced => return Err(JobError::Fenced),
            }
        }
    }
}
