//! The job `refunds`: works on the refunds that are due, those of each gateway apart.

use std::collections::VecDeque;
use std::time::Duration;

use async_trait::async_trait;
use futures_util::future::join_all;
use payment_domain::{Actor, GatewayName};
use payment_store::{DueRefund, DueRefunds, StoreError};
use tokio::task::{JoinError, JoinSet};

use super::Refunds;
use super::work::{Work, WorkError, Worker};
use crate::pace::JobTurn;
use crate::scheduler::{Job, JobError, Run};

const PAGE: u32 = 256;

/// Sends approved refunds, makes status requests about sent ones, and ends requests that were not decided.
pub struct RefundsJob {
    pub refunds: Refunds,
    /// How often due refunds are looked for.
    pub interval: Duration,
}

#[async_trait]
impl Job for RefundsJob {
    async fn tick(&self, run: &Run) -> Result<(), JobError> {
        loop {
            let gateways = self.refunds.ports.store.due_refund_gateways().await?;
            // An error in one ends no other.
            join_all(gateways.into_iter().map(|gateway| self.refunds.sweep(run, gateway)))
                .await
                .into_iter()
                .collect::<Result<(), JobError>>()?;
            let next = tokio::time::Instant::now() + self.interval;
            if run.is_stopped() || next >= run.yields_at() {
                return Ok(());
            }
            tokio::select! {
                () = run.stopped() => return Ok(()),
                () = tokio::time::sleep_until(next) => {}
            }
        }
    }
}

impl Refunds {
    /// Works on all due refunds of a gateway once, at most [`Pace::at_once`](crate::Pace::at_once) at a time.
    async fn sweep(&self, run: &Run, gateway: GatewayName) -> Result<(), JobError> {
        let worker = Worker {
            actor: Actor::job(run.actor_id()),
            identity: self.ports.settings.system_identity(),
            fence: Some(run.fence().clone()),
        };
        let turnstile = self.settlement.turnstile(&gateway);
        let mut due = Due {
            refunds: self,
            query: DueRefunds { gateway, after: None, limit: PAGE },
            read: VecDeque::new(),
            is_read: false,
        };
        // Tasks: they go on while the next page is read, which may wait for a connection that they hold.
        let mut under_way: JoinSet<Result<Work, WorkError>> = JoinSet::new();
        let mut goes_on = true;
        loop {
            if goes_on
                && under_way.len() < turnstile.at_once()
                && !run.is_stopped()
                && let Some(next) = due.next().await?
            {
                let since = tokio::time::Instant::now();
                // The others stay due while the pace leaves no turn.
                while let JobTurn::LookAgain(at) = turnstile.job(since) {
                    tokio::select! {
                        () = run.stopped() => break,
                        () = tokio::time::sleep_until(at) => {}
                        Some(ended) = under_way.join_next() => goes_on &= count(run, &self.told(ended)?),
                    }
                }
                let (refunds, turnstile, worker) = (self.clone(), turnstile.clone(), worker.clone());
                under_way.spawn(async move {
                    // Shared with the other jobs and with operators.
                    let _place = turnstile.places.acquire().await;
                    refunds.work_on(&next.id, next.checks, &worker).await
                });
                continue;
            }
            let Some(ended) = under_way.join_next().await else { return Ok(()) };
            goes_on &= count(run, &self.told(ended)?);
        }
    }

    /// The outcome of one refund; `None` when its gateway is unavailable.
    #[allow(clippy::unused_self, reason = "a step of the sweep")]
    fn told(&self, ended: Result<Result<Work, WorkError>, JoinError>) -> Result<Option<Work>, JobError> {
        // A panic in one stops no other.
        let ended = ended.unwrap_or_else(|panicked| Ok(Work::Failed(panicked.to_string())));
        match ended {
            Ok(work) => Ok(Some(work)),
            Err(WorkError::Unavailable { retry_after }) => {
                tracing::warn!(?retry_after, "the gateway is unavailable, its refunds wait for it");
                Ok(None)
            }
            Err(WorkError::Fenced) => Err(JobError::Fenced),
            Err(WorkError::Store(error @ StoreError::Unavailable(_))) => Err(error.into()),
            // One refund that cannot be read or changed stops no other.
            Err(WorkError::Store(StoreError::Failed(error))) => {
                tracing::error!(%error, "a refund cannot be worked on");
                Ok(Some(Work::Failed(error.to_string())))
            }
        }
    }
}

/// Counts an outcome; says whether the gateway is available.
fn count(run: &Run, work: &Option<Work>) -> bool {
    run.count(|tally| {
        tally.examined += 1;
        match work {
            Some(Work::Done) => tally.changed += 1,
            Some(Work::Pending) => tally.still_pending += 1,
            Some(Work::Failed(_)) | None => tally.failed += 1,
        }
    });
    work.is_some()
}

/// The due refunds of a gateway, page after page.
struct Due<'a> {
    refunds: &'a Refunds,
    query: DueRefunds,
    read: VecDeque<DueRefund>,
    is_read: bool,
}

impl Due<'_> {
    async fn next(&mut self) -> Result<Option<DueRefund>, StoreError> {
        if self.read.is_empty() && !self.is_read {
            let page = self.refunds.ports.store.due_refunds(&self.query).await?;
            match page.last() {
                Some(last) => self.query.after = Some(last.place.clone()),
                None => self.is_read = true,
            }
            self.read.extend(page);
        }
        Ok(self.read.pop_front())
    }
}
