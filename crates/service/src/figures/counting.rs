//! The job `figures`.

use std::time::Duration;

use async_trait::async_trait;
use payment_domain::Timestamp;
use payment_store::figures::{DaySpan, FiguresAsk, FiguresState, FiguresUpdate};
use payment_store::{Applied, Fence, StoreError};
use tokio::time::Instant;

use super::{FigureCounts, REFUNDS_WATCHED};
use crate::scheduler::{Job, JobError, Run};

/// The pause after everything was counted.
const INTERVAL: Duration = Duration::from_secs(10);
/// The time of the count is stored at least so often.
const TOLD_EVERY: Duration = Duration::from_secs(60);

/// Counts without end.
pub struct FiguresJob(pub FigureCounts);

/// The result of one pass.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Counted {
    /// Lines, days.
    pub items: u32,
    pub applied: Applied,
    /// Whether there is more to count.
    pub is_more: bool,
}

#[async_trait]
impl Job for FiguresJob {
    async fn tick(&self, run: &Run) -> Result<(), JobError> {
        loop {
            let began = Instant::now();
            let counted = self.0.pass(run.fence()).await?;
            if counted.applied == Applied::Fenced {
                return Err(JobError::Fenced);
            }
            run.count(|tally| {
                tally.examined = tally.examined.saturating_add(counted.items);
                if counted.applied == Applied::Stored {
                    tally.changed = tally.changed.saturating_add(counted.items);
                }
            });
            // Half of the time at most, however much there is.
            let pause = if counted.is_more { began.elapsed() } else { INTERVAL };
            if run.is_stopped() || Instant::now() + pause >= run.yields_at() {
                return Ok(());
            }
            tokio::select! {
                () = run.stopped() => return Ok(()),
                () = tokio::time::sleep(pause) => {}
            }
        }
    }
}

/// A day to count for the first time.
struct Earlier {
    day: Option<DaySpan>,
    /// Whether there is nothing older.
    completes: bool,
}

impl FigureCounts {
    /// Counts what has come since: a bounded number of lines, the refunds that changed, and one earlier day.
    ///
    /// # Errors
    /// As the store has it.
    pub async fn pass(&self, fence: &Fence) -> Result<Counted, StoreError> {
        match self.next(fence).await? {
            Some((update, items, is_more)) => {
                let applied = self.store(update).await?;
                // Another was faster: what it left is read again.
                Ok(Counted { items, applied, is_more: is_more || applied == Applied::Stale })
            }
            None => Ok(Counted { items: 0, applied: Applied::Stored, is_more: false }),
        }
    }

    /// The next update, with the number of counted items and whether more is left; `None` when nothing has come.
    ///
    /// # Errors
    /// As the store has it.
    pub async fn next(&self, fence: &Fence) -> Result<Option<(FiguresUpdate, u32, bool)>, StoreError> {
        let now = self.clock.now();
        let state = self.books().figures_state().await?;
        let zone = self.days.zone();
        if state.zone.as_ref() != Some(&zone) {
            let reading = self.read(&FiguresAsk { lines: 1, ..FiguresAsk::default() }).await?;
            return Ok(Some((reading.begin(&zone, fence), 0, true)));
        }
        let refunds_of = self.days_of_changed_refunds(&state, now).await?;
        let earlier = self.earlier(&state, now).await?;
        let ask = FiguresAsk { lines: self.lines, day: earlier.day, refunds_of };
        let reading = self.read(&ask).await?;
        if reading.state.revision != state.revision {
            // The question was chosen for another state.
            return Ok(Some((FiguresUpdate::of(state, fence), 0, true)));
        }
        let items = reading.lines.len() + usize::from(ask.day.is_some());
        let is_told = state.counted_at.is_some_and(|at| now.since(at) < TOLD_EVERY);
        let completes = earlier.completes && !state.is_complete;
        if items == 0 && ask.refunds_of.is_empty() && is_told && !completes {
            return Ok(None);
        }
        let update = self.update(&reading, &ask, completes, now, fence);
        let is_more = reading.is_behind || !update.state.is_complete;
        Ok(Some((update, u32::try_from(items).unwrap_or(u32::MAX), is_more)))
    }

    async fn earlier(&self, state: &FiguresState, now: Timestamp) -> Result<Earlier, StoreError> {
        if state.is_complete {
            return Ok(Earlier { day: None, completes: true });
        }
        if state.counted_at.is_none() {
            // A day is counted together with every line that is stored.
            return Ok(Earlier { day: None, completes: false });
        }
        let Some(from) = state.counted_from.as_deref().and_then(|day| self.days.span(day)) else {
            return Ok(Earlier { day: self.days.span_of(now), completes: false });
        };
        let latest = self.books().latest_creation(from.from).await?;
        // Times of an earlier service that are in no calendar are not counted.
        let day = latest.and_then(|at| self.days.span_of(at));
        Ok(Earlier { completes: day.is_none(), day })
    }

    async fn days_of_changed_refunds(
        &self,
        state: &FiguresState,
        now: Timestamp,
    ) -> Result<Vec<DaySpan>, StoreError> {
        let counted_at = state.counted_at.unwrap_or(now).min(now);
        let requested = self.books().refunds_changed(counted_at.minus(REFUNDS_WATCHED)).await?;
        let mut days: Vec<String> = requested.into_iter().filter_map(|at| self.days.day_of(at)).collect();
        days.sort_unstable();
        days.dedup();
        Ok(days.iter().filter_map(|day| self.days.span(day)).collect())
    }
}
