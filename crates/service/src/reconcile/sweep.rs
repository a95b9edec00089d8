//! The three jobs that reconcile. They differ in whose turn it is, and in nothing else.

use std::sync::Arc;

use async_trait::async_trait;
use futures_util::future::join_all;
use futures_util::stream::{FuturesUnordered, StreamExt};
use payment_domain::{Actor, GatewayName};
use payment_gateway::Availability;
use payment_store::{CheckPlace, DueCheck, DueChecks, Turn};
use tokio::time::Instant;

use super::{Check, CheckError, Checker, Reconciliation};
use crate::scheduler::{Job, JobError, Run};

/// How many due transactions are read at a time.
const PAGE: u32 = 256;

/// Checks transactions for the first time, when they are one interval old; also those whose turn
/// was missed.
pub struct EarlyJob(pub Reconciliation);

/// Checks again what was pending when it was checked before.
pub struct FollowUpJob(pub Reconciliation);

/// Checks everything that is pending and older than two intervals.
pub struct DailyJob(pub Reconciliation);

#[async_trait]
impl Job for EarlyJob {
    async fn tick(&self, run: &Run) -> Result<(), JobError> {
        let interval = self.0.ports.settings.early_interval;
        self.0.sweep(run, Turn::First { created_by: run.scheduled_at().minus(interval) }).await
    }
}

#[async_trait]
impl Job for FollowUpJob {
    async fn tick(&self, run: &Run) -> Result<(), JobError> {
        self.0.sweep(run, Turn::Next { due_by: run.scheduled_at() }).await
    }
}

#[async_trait]
impl Job for DailyJob {
    async fn tick(&self, run: &Run) -> Result<(), JobError> {
        let two_intervals = self.0.ports.settings.early_interval * 2;
        let turn = Turn::Every {
            created_before: run.scheduled_at().minus(two_intervals),
            not_checked_since: run.scheduled_at(),
        };
        self.0.sweep(run, turn).await
    }
}

impl From<CheckError> for JobError {
    fn from(error: CheckError) -> JobError {
        match error {
            CheckError::Fenced => JobError::Fenced,
            CheckError::Store(error) => JobError::Store(error),
            CheckError::Interrupted => JobError::Other(error.into()),
        }
    }
}

impl Reconciliation {
    /// Checks all whose turn it is; those of each gateway on their own, so that a slow one keeps
    /// nobody waiting but its own.
    async fn sweep(&self, run: &Run, turn: Turn) -> Result<(), JobError> {
        let gateways = self.ports.store.pending_gateways().await?;
        let sweeps = gateways.into_iter().map(|gateway| self.sweep_gateway(run, turn, gateway));
        // All of them come to their end, whatever one of them runs into.
        join_all(sweeps).await.into_iter().collect()
    }

    async fn sweep_gateway(&self, run: &Run, turn: Turn, gateway: GatewayName) -> Result<(), JobError> {
        let checker =
            Arc::new(Checker { actor: Actor::job(run.actor_id()), fence: Some(run.fence().clone()) });
        let turnstile = self.turnstile(&gateway);
        let mut under_way = FuturesUnordered::new();
        let mut after: Option<CheckPlace> = None;
        loop {
            let due = DueChecks { turn, gateway: Some(gateway.clone()), after, limit: PAGE };
            let page = self.ports.store.due_checks(&due).await?;
            let Some(last) = page.last() else { break };
            after = Some(last.place.clone());
            for due in page {
                while under_way.len() >= turnstile.at_once() {
                    if let Some(checked) = under_way.next().await {
                        count(run, checked)?;
                    }
                }
                if let Some(at) = turnstile.next() {
                    go_on_until(run, at, &mut under_way).await?;
                }
                if run.is_stopped() {
                    break;
                }
                if self.is_away(&gateway) {
                    // The rest keeps its turn: asking in vain would only use it up.
                    tracing::warn!(%gateway, job = run.fence().job, "the gateway is away, its payments are checked at the next tick");
                    run.count(|tally| tally.failed += 1);
                    return drain(run, &mut under_way).await;
                }
                let (turnstile, checker) = (turnstile.clone(), checker.clone());
                under_way.push(async move {
                    let DueCheck { txn_id, checks, .. } = due;
                    // The places are shared with the other jobs and with who reconciles by hand.
                    let _place = turnstile.places.acquire().await;
                    self.check(&txn_id, checks, &checker).await
                });
            }
            if run.is_stopped() {
                break;
            }
        }
        drain(run, &mut under_way).await
    }

    fn is_away(&self, gateway: &GatewayName) -> bool {
        self.ports.gateways.get(gateway).is_some_and(|gateway| match gateway.availability() {
            Availability::Available => false,
            Availability::Unavailable { .. } => true,
        })
    }
}

/// Waits for a moment or for the end of the run, while what has begun goes on.
async fn go_on_until<F>(run: &Run, at: Instant, under_way: &mut FuturesUnordered<F>) -> Result<(), JobError>
where
    F: Future<Output = Result<Check, CheckError>> + Send,
{
    loop {
        tokio::select! {
            () = run.stopped() => return Ok(()),
            () = tokio::time::sleep_until(at) => return Ok(()),
            Some(checked) = under_way.next() => count(run, checked)?,
        }
    }
}

/// What has begun is finished: each check takes no longer than one question to a gateway.
async fn drain<F>(run: &Run, under_way: &mut FuturesUnordered<F>) -> Result<(), JobError>
where
    F: Future<Output = Result<Check, CheckError>> + Send,
{
    while let Some(checked) = under_way.next().await {
        count(run, checked)?;
    }
    Ok(())
}

fn count(run: &Run, checked: Result<Check, CheckError>) -> Result<(), JobError> {
    let check = checked?;
    run.count(|tally| {
        tally.examined += 1;
        match check {
            Check::Settled(_) => tally.changed += 1,
            Check::StillPending => tally.still_pending += 1,
            Check::Failed(_) => tally.failed += 1,
        }
    });
    Ok(())
}
