//! Carrying out one run: the work, and the lease that is renewed beside it.

use std::sync::Arc;
use std::time::Duration;

use payment_domain::Clock;
use payment_store::{BegunRun, RunEnd, Store};
use tokio::task::JoinError;
use tokio::time::Instant;
use tokio_util::sync::CancellationToken;

use super::run::{JobError, Run};
use super::{FinishedRun, ScheduledJob, count_end, count_items};

const LEASE_LOST: &str = "the lease could not be renewed in time";

pub(super) struct Worker<'a> {
    pub(super) store: &'a Arc<dyn Store>,
    pub(super) clock: &'a Arc<dyn Clock>,
    pub(super) lease: Duration,
}

impl Worker<'_> {
    pub(super) async fn carry_out(
        &self,
        job: &ScheduledJob,
        begun: BegunRun,
        yields_at: Instant,
        shutdown: &CancellationToken,
    ) -> FinishedRun {
        let (name, fence) = (job.name, begun.fence.clone());
        tracing::debug!(job = name, run = fence.run_id, attempt = begun.attempt, "a run begins");
        let stop = shutdown.child_token();
        let run = Arc::new(Run::new(begun.clone(), stop.clone(), yields_at));
        let mut work = {
            let (job, run) = (job.job.clone(), run.clone());
            // A task: a panic in it ends this run only.
            tokio::spawn(async move { job.tick(&run).await })
        };
        let mut holding = std::pin::pin!(self.hold(&run, Instant::now() + self.lease));
        let mut lost = false;
        let ended = tokio::select! {
            ended = &mut work => ended,
            () = &mut holding => {
                lost = true;
                stop.cancel();
                work.await
            }
        };
        let end = end_of(ended, lost, shutdown.is_cancelled());
        let tally = run.tally();
        // Refused when another node has taken the run over, and has recorded its end.
        let end = match self.store.end_run(&fence, self.clock.now(), tally, end.clone()).await {
            Ok(true) => Some(end),
            Ok(false) => None,
            Err(error) => {
                // The tick is taken over when the lease is over.
                tracing::warn!(job = name, run = fence.run_id, %error, "the end of a run could not be recorded");
                None
            }
        };
        count_end(name, end.as_ref().map_or("lost", |end| end.as_words().0));
        count_items(name, tally);
        match &end {
            Some(RunEnd::Failed(reason)) => {
                tracing::warn!(job = name, run = fence.run_id, reason, "a run has failed");
            }
            Some(RunEnd::Finished | RunEnd::Cancelled | RunEnd::TakenOver { .. }) => {
                tracing::debug!(job = name, run = fence.run_id, ?tally, "a run has ended");
            }
            None => tracing::warn!(job = name, run = fence.run_id, "the lease of a run is lost"),
        }
        FinishedRun { begun, tally, end }
    }

    /// Renews the lease three times as often as needed. Returns when it is lost: another node has taken the
    /// run over, or the database could not be reached in time.
    async fn hold(&self, run: &Run, deadline: Instant) {
        let pause = self.lease / 3;
        let mut deadline = deadline;
        loop {
            tokio::time::sleep(pause.min(deadline.saturating_duration_since(Instant::now()))).await;
            let asked_at = Instant::now();
            let renewed = tokio::time::timeout_at(
                deadline.max(asked_at + Duration::from_millis(1)),
                self.store.renew_run(run.fence(), self.lease, run.tally()),
            );
            match renewed.await {
                Ok(Ok(true)) => deadline = asked_at + self.lease,
                Ok(Ok(false)) => return,
                Ok(Err(error)) => {
                    tracing::warn!(job = run.fence().job, %error, "a lease could not be renewed");
                    if Instant::now() >= deadline {
                        return;
                    }
                }
                Err(_elapsed) => return,
            }
        }
    }
}

/// How a run ended. A job that finishes although its lease is lost, or the service shuts down, may have
/// left work undone.
fn end_of(ended: Result<Result<(), JobError>, JoinError>, lost: bool, shuts_down: bool) -> RunEnd {
    match ended {
        Ok(Ok(())) if lost => RunEnd::Failed(LEASE_LOST.to_owned()),
        Ok(Ok(())) if shuts_down => RunEnd::Cancelled,
        Ok(Ok(())) => RunEnd::Finished,
        Ok(Err(JobError::Fenced)) => RunEnd::Failed(LEASE_LOST.to_owned()),
        Ok(Err(error @ (JobError::Store(_) | JobError::Other(_)))) => RunEnd::Failed(error.to_string()),
        Err(error) if error.is_panic() => RunEnd::Failed("the job has panicked".to_owned()),
        Err(_) => RunEnd::Cancelled,
    }
}
