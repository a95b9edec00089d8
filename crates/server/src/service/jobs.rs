//! What runs by itself: receipts that are due, clearing away, the sandbox's callbacks.

use std::future::Future;
use std::time::Duration;

use payment_http::Metrics;
use payment_service::{Housekeeping, Payments};
use payment_store::StoreError;
use tokio::task::JoinSet;
use tokio::time::{Instant, MissedTickBehavior};
use tokio_util::sync::CancellationToken;

use super::wiring::Wired;

/// The loops of a running service.
pub(super) struct Jobs(JoinSet<()>);

impl Jobs {
    pub(super) fn start(
        wired: &Wired,
        metrics: Metrics,
        receipt_interval: Duration,
        housekeeping_interval: Duration,
        stop: &CancellationToken,
    ) -> Jobs {
        let mut loops = JoinSet::new();
        let payments = wired.payments.clone();
        loops.spawn(every(receipt_interval, stop.clone(), "receipts", move || {
            issue_receipts(payments.clone())
        }));
        let payments = wired.payments.clone();
        loops.spawn(every(housekeeping_interval, stop.clone(), "housekeeping", move || {
            clear_away(payments.clone())
        }));
        if let Some(sandbox) = wired.sandbox.clone() {
            loops.spawn(sandbox.run(stop.clone().cancelled_owned()));
        }
        let upkeep = stop.clone().run_until_cancelled_owned(metrics.upkeep());
        loops.spawn(async move {
            let _cancelled = upkeep.await;
        });
        Jobs(loops)
    }

    /// Waits until every loop has finished what it was doing, or until `deadline`.
    pub(super) async fn stop(mut self, deadline: Instant) {
        let ended = async { while self.0.join_next().await.is_some() {} };
        if tokio::time::timeout_at(deadline, ended).await.is_err() {
            tracing::warn!("a job does not end and is cut off");
        }
    }
}

/// Runs a tick now and then until it is told to stop. A tick that fails or panics is told in the
/// log and does not stop those to come.
async fn every<F>(interval: Duration, stop: CancellationToken, job: &'static str, tick: impl Fn() -> F + Send)
where
    F: Future<Output = Result<(), StoreError>> + Send + 'static,
{
    let mut interval = tokio::time::interval(interval);
    interval.set_missed_tick_behavior(MissedTickBehavior::Delay);
    while stop.run_until_cancelled(interval.tick()).await.is_some() {
        match tokio::spawn(tick()).await {
            Ok(Ok(())) => {}
            Ok(Err(error)) => tracing::warn!(job, %error, "a job could not do its work this time"),
            Err(error) => tracing::error!(job, %error, "a job broke off"),
        }
    }
}

/// Issues what is due. While something is issued there may be more behind it; what is given back
/// is due later.
async fn issue_receipts(payments: Payments) -> Result<(), StoreError> {
    loop {
        let tally = payments.receipts.tick().await?;
        if tally.issued > 0 || tally.postponed > 0 {
            tracing::info!(issued = tally.issued, postponed = tally.postponed, "receipts that were due");
        }
        if tally.issued == 0 {
            return Ok(());
        }
    }
}

async fn clear_away(payments: Payments) -> Result<(), StoreError> {
    let mut cleared = 0;
    loop {
        let batch = payments.housekeeping.tick().await?;
        cleared += u64::from(batch);
        if batch < Housekeeping::BATCH {
            break;
        }
    }
    if cleared > 0 {
        tracing::info!(cleared, "expired idempotency keys were cleared away");
    }
    Ok(())
}
