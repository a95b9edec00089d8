//! The endpoints of operators: jobs, the attention list, reconciliation by hand. They are served
//! when a token is configured, to those who present it.

mod authority;
mod fields;
pub(crate) mod job_history;
pub(crate) mod resolve_attention;
pub(crate) mod run_job;
pub(crate) mod run_reconciliation;
pub(crate) mod search_attention;
pub(crate) mod search_jobs;
pub(crate) mod show_attention;
#[cfg(test)]
mod tests;
mod views;

use std::sync::Arc;
use std::time::Duration;

use payment_service::{Reconciliation, Scheduler};
use secrecy::SecretString;
use tokio::sync::Semaphore;
use tokio_util::sync::CancellationToken;

use crate::limits::RequestLimits;

pub(crate) use authority::Operator;

/// The tag of these endpoints in the document.
pub(crate) const TAG: &str = "Operators";

/// What the endpoints of operators stand on, beside the use cases.
#[derive(Clone)]
pub struct Operators {
    token: SecretString,
    scheduler: Scheduler,
    reconciliation: Reconciliation,
    stop: CancellationToken,
    /// Reconciling by hand is done once at a time on this node.
    reconciling: Arc<Semaphore>,
}

impl Operators {
    /// The endpoints for those who present `token`. What they set going ends soon after `stop`.
    pub fn new(
        token: SecretString,
        scheduler: Scheduler,
        reconciliation: Reconciliation,
        stop: CancellationToken,
    ) -> Operators {
        Operators { token, scheduler, reconciliation, stop, reconciling: Arc::new(Semaphore::new(1)) }
    }
}

/// How long a request waits for what it has set going, before it answers that it goes on. The other
/// half of its time is for its body.
fn patience(limits: &RequestLimits) -> Duration {
    limits.request_time / 2
}
