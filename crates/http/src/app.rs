//! The state that every endpoint shares.

use std::sync::Arc;

use axum::extract::State;
use payment_service::{Payments, Reconciliation, Scheduler};
use secrecy::SecretString;
use tokio::sync::Semaphore;
use tokio_util::sync::CancellationToken;

use crate::context_path::ContextPath;
use crate::identity::IdentityProof;
use crate::limits::RequestLimits;
use crate::metrics::Metrics;

/// The state of the endpoints: use cases and settings.
#[derive(Clone)]
pub struct App {
    pub payments: Payments,
    /// How callers prove who they are.
    pub identity: IdentityProof,
    /// The metrics that `/prometheus` shows.
    pub metrics: Metrics,
    /// The prefix of every endpoint's path.
    pub context_path: ContextPath,
    pub limits: RequestLimits,
    /// `None`: the endpoints of operators answer 404 `OPERATORS_OFF`.
    pub operators: Option<Operators>,
    pub pages: Pages,
}

/// Which pages are served beside payments and health.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Pages {
    /// `/prometheus`.
    pub metrics: bool,
    /// `/docs/` and `/openapi.json`.
    pub docs: bool,
}

impl Pages {
    pub const NONE: Pages = Pages { metrics: false, docs: false };
    pub const ALL: Pages = Pages { metrics: true, docs: true };
}

/// The state as handlers extract it.
pub(crate) type Shared = State<Arc<App>>;

/// The use cases behind the endpoints of operators.
#[derive(Clone)]
pub struct Operators {
    pub(crate) token: SecretString,
    pub(crate) scheduler: Scheduler,
    pub(crate) reconciliation: Reconciliation,
    pub(crate) stop: CancellationToken,
    /// One manual reconciliation at a time on this node.
    pub(crate) reconciling: Arc<Semaphore>,
}

impl Operators {
    /// Requests must present `token`. Runs that an operator started end soon after `stop`.
    pub fn new(
        token: SecretString,
        scheduler: Scheduler,
        reconciliation: Reconciliation,
        stop: CancellationToken,
    ) -> Operators {
        Operators { token, scheduler, reconciliation, stop, reconciling: Arc::new(Semaphore::new(1)) }
    }
}
