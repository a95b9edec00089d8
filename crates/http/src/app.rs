//! The state that every endpoint shares.

use std::sync::Arc;

use axum::extract::State;
use payment_service::{Accounts, Payments, Reconciliation, RoleCodes, Scheduler};
use secrecy::SecretString;
use tokio::sync::Semaphore;
use tokio_util::sync::CancellationToken;

use crate::context_path::ContextPath;
use crate::identity::IdentityProof;
use crate::limits::RequestLimits;
use crate::metrics::Metrics;
use crate::proxies::TrustedProxies;

/// The state of the endpoints: use cases and settings.
#[derive(Clone)]
pub struct App {
    pub payments: Payments,
    pub accounts: Accounts,
    /// The proof of callers' identities.
    pub identity: IdentityProof,
    /// The roles that proven callers have here.
    pub roles: RoleCodes,
    /// Nothing real is configured. As long as the sandbox is the only gateway, unproven callers make and
    /// check refunds.
    pub stands_alone: bool,
    /// The code by which UPYOG's refund-services knows that a refund was accepted.
    pub upyog_accepted_code: String,
    /// The metrics that `/prometheus` shows.
    pub metrics: Metrics,
    /// The prefix of every endpoint's path.
    pub context_path: ContextPath,
    pub limits: RequestLimits,
    /// Whose word about a client's address is taken.
    pub proxies: TrustedProxies,
    pub operators: Operators,
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
    pub(crate) token: Option<SecretString>,
    pub(crate) scheduler: Scheduler,
    pub(crate) reconciliation: Reconciliation,
    pub(crate) stop: CancellationToken,
    /// One manual reconciliation at a time on this node.
    pub(crate) reconciling: Arc<Semaphore>,
}

impl Operators {
    /// `token` is the one that operators share; without one callers have roles of their own. Runs that an operator
    /// started end soon after `stop`.
    pub fn new(
        token: Option<SecretString>,
        scheduler: Scheduler,
        reconciliation: Reconciliation,
        stop: CancellationToken,
    ) -> Operators {
        Operators { token, scheduler, reconciliation, stop, reconciling: Arc::new(Semaphore::new(1)) }
    }
}
