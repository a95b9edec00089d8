//! The job `receipts`.

use std::time::Duration;

use async_trait::async_trait;

use super::Receipts;
use crate::scheduler::{Job, JobError, Run};

/// Issues and cancels due receipts without end.
pub struct ReceiptsJob {
    pub receipts: Receipts,
    /// The pause when there was nothing to do.
    pub interval: Duration,
}

#[async_trait]
impl Job for ReceiptsJob {
    async fn tick(&self, run: &Run) -> Result<(), JobError> {
        loop {
            let done = self.receipts.tick_until(|| run.is_stopped()).await?;
            run.count(|tally| {
                tally.examined += done.issued + done.cancelled + done.postponed;
                tally.changed += done.issued + done.cancelled;
                tally.failed += done.postponed;
            });
            let pause = if done.issued + done.cancelled > 0 { Duration::ZERO } else { self.interval };
            if run.is_stopped() || tokio::time::Instant::now() + pause >= run.yields_at() {
                return Ok(());
            }
            tokio::select! {
                () = run.stopped() => return Ok(()),
                () = tokio::time::sleep(pause) => {}
            }
        }
    }
}
