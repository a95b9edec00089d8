//! Reconciliation: status requests about pending transactions until each is settled.
//!
//! A pending transaction is checked by the *early* job once it is one interval old, then by the
//! *follow-up* job at growing distances, and by the *daily* job with all the others. Each check is one call
//! of [`Settlement::settle`]. A transaction that cannot be checked is counted, has that written into its
//! history, and never stops the others.
//!
//! **Limits.** A sweep is limited at four places, each with one purpose. *Parallelism* (`Pace::at_once`)
//! bounds the checks of one gateway that are under way on a node, over all jobs and operators, so that a
//! gateway that hangs binds no more of them. *Pace* (`Pace::per_second`) bounds how many questions begin in a
//! second, those of payers included, which go first: it is the provider's rate limit. The *guard* before
//! each adapter ([`Guarded`](payment_gateway::Guarded)) bounds all calls to a gateway, creates included, and
//! opens its circuit breaker when they fail. While that is open the sweep *waits*: it looks again every
//! second, uses up no transaction's turn, and sends one check ahead of the others when the gateway seems
//! back. The allowance of questions per payment (`questions`) does not apply here: it limits answers that
//! anyone can send, and jobs space their checks by [`ReconciliationSettings::distances`].

mod age;
mod by_hand;
mod selection;
mod summary;
mod sweep;

use std::sync::Arc;
use std::time::Duration;

use payment_domain::machine::OrderLife;
use payment_domain::{
    Actor, AttentionKind, HistoryEntry, HistoryReason, StatusName, Timestamp, Transaction, TxnId,
};
use payment_gateway::Answer;
use payment_store::{Applied, Attention, CheckNote, Fence, NewCase, NextCheck, StoreError};
use serde_json::{Value, json};

pub use age::{InvalidAge, parse_age};
pub use by_hand::{ByHand, Checked, Progress};
pub use selection::{Selected, Selection, SelectionError};
pub use summary::{GatewaySummary, NotAsked, ReconciliationSummary};
pub use sweep::{DailyJob, EarlyJob, FollowUpJob};

use crate::ports::Ports;
use crate::settle::{Asked, Caller, Origin, SettleError, Settlement};

#[derive(Debug, Clone)]
pub struct ReconciliationSettings {
    /// The time from each check to the next. After the last one only the daily job checks a transaction.
    pub distances: Vec<Duration>,
}

#[derive(Clone)]
pub struct Reconciliation {
    ports: Arc<Ports>,
    settlement: Settlement,
    settings: Arc<ReconciliationSettings>,
}

/// How long a payment is pending before it becomes a review case: banks decide some within hours.
const UNDECIDED_FOR: Duration = Duration::from_secs(24 * 60 * 60);

/// The actor of a check, and its job run.
#[derive(Clone)]
struct Checker {
    actor: Actor,
    fence: Option<Fence>,
}

/// The reason a transaction is checked now.
#[derive(Clone, Copy)]
enum Occasion {
    /// It is due, after that many checks.
    Turn { checks: u32 },
    /// By hand: the next check stays due when it was.
    OutOfTurn,
}

#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Check {
    /// By this check or meanwhile.
    Settled(StatusName),
    /// The gateway answered that it is pending.
    StillPending,
    /// The status request failed, or its answer was unusable.
    Failed(String),
}

/// The reason a check could not be carried out, other than the transaction itself.
#[derive(Debug, thiserror::Error)]
enum CheckError {
    #[error("the run is over")]
    Fenced,
    #[error(transparent)]
    Store(#[from] StoreError),
    #[error("the service stops")]
    Interrupted,
    /// Not checked, and not recorded: the check stays due.
    #[error("the gateway is unavailable; try again in {} s", .retry_after.as_millis().div_ceil(1000))]
    Unavailable { retry_after: Duration },
}

impl From<CheckError> for StoreError {
    fn from(error: CheckError) -> StoreError {
        match error {
            CheckError::Store(error) => error,
            CheckError::Fenced | CheckError::Interrupted | CheckError::Unavailable { .. } => {
                StoreError::Failed(error.into())
            }
        }
    }
}

impl Reconciliation {
    pub fn new(
        ports: Arc<Ports>,
        settlement: Settlement,
        settings: ReconciliationSettings,
    ) -> Reconciliation {
        Reconciliation { ports, settlement, settings: Arc::new(settings) }
    }

    /// Checks one transaction, when its gateway's pace allows it.
    async fn check(&self, id: &TxnId, occasion: Occasion, checker: &Checker) -> Result<Check, CheckError> {
        let caller = Caller {
            actor: checker.actor.clone(),
            identity: self.ports.settings.system_identity(),
            fence: checker.fence.clone(),
            origin: Origin::Reconciliation,
        };
        let settled = match self.settlement.settle(id, &Answer::default(), &caller).await {
            Ok(settled) => settled,
            Err(SettleError::Fenced) => return Err(CheckError::Fenced),
            Err(SettleError::Interrupted) => return Err(CheckError::Interrupted),
            Err(SettleError::Store(error @ StoreError::Unavailable(_))) => return Err(error.into()),
            // This row cannot be read or changed; the others can.
            Err(
                error @ (SettleError::Store(StoreError::Failed(_))
                | SettleError::NotFound
                | SettleError::BadSignature
                | SettleError::WrongTransaction),
            ) => {
                tracing::error!(txn_id = %id, %error, "a pending transaction cannot be checked");
                self.note(id, occasion, Some(&error.to_string()), checker).await?;
                return Ok(Check::Failed(error.to_string()));
            }
        };
        let txn = settled.txn;
        let trouble = match settled.asked {
            Asked::Unusable(reason) => Some(reason),
            Asked::Answered | Asked::NotNeeded => None,
            Asked::Unavailable { retry_after } => return Err(CheckError::Unavailable { retry_after }),
        };
        match (txn.status.name(), trouble) {
            (StatusName::Pending, trouble) => self.still_pending(&txn, trouble, occasion, checker).await,
            // It may have been paid after all, which is still unknown.
            (StatusName::Failure, Some(reason)) => Ok(Check::Failed(reason)),
            (status @ (StatusName::Success | StatusName::Failure), _) => Ok(Check::Settled(status)),
        }
    }

    async fn still_pending(
        &self,
        txn: &Transaction,
        trouble: Option<String>,
        occasion: Occasion,
        checker: &Checker,
    ) -> Result<Check, CheckError> {
        self.note(&txn.id, occasion, trouble.as_deref(), checker).await?;
        let age = self.ports.now().since(txn.audit.created_at);
        if self.ports.life_of(txn) != OrderLife::Running && age > UNDECIDED_FOR {
            self.raise_overdue(txn, trouble.as_deref(), checker).await?;
        }
        Ok(trouble.map_or(Check::StillPending, Check::Failed))
    }

    /// Stores that a transaction was checked and is still pending, and when its next check is due.
    async fn note(
        &self,
        id: &TxnId,
        occasion: Occasion,
        trouble: Option<&str>,
        checker: &Checker,
    ) -> Result<(), CheckError> {
        let now = self.ports.now();
        let history = trouble.map(|reason| HistoryEntry {
            txn_id: id.clone(),
            at: now,
            actor: checker.actor.clone(),
            from: Some(StatusName::Pending),
            to: StatusName::Pending,
            why: HistoryReason::NotAsked.with([reason]),
            evidence: Value::Null,
        });
        let note = CheckNote {
            txn_id: id.clone(),
            at: now,
            next: match occasion {
                Occasion::Turn { checks } => self.next_check(checks, now),
                Occasion::OutOfTurn => NextCheck::AsBefore,
            },
            history,
            events: Vec::new(),
            fence: checker.fence.clone(),
        };
        match self.ports.store.note_check(note).await {
            // `Stale`: it was settled meanwhile.
            Ok(Applied::Stored | Applied::Stale) => Ok(()),
            Ok(Applied::Fenced) => Err(CheckError::Fenced),
            Err(error @ StoreError::Unavailable(_)) => Err(error.into()),
            Err(StoreError::Failed(error)) => {
                tracing::error!(txn_id = %id, %error, "a check could not be noted");
                Ok(())
            }
        }
    }

    fn next_check(&self, checks: u32, now: Timestamp) -> NextCheck {
        let distance = usize::try_from(checks).ok().and_then(|at| self.settings.distances.get(at));
        distance.map_or(NextCheck::WithAll, |distance| NextCheck::At(now.plus(*distance)))
    }

    /// Raises a case for a payment that its gateway does not decide. Doubt never fails it.
    async fn raise_overdue(
        &self,
        txn: &Transaction,
        trouble: Option<&str>,
        checker: &Checker,
    ) -> Result<(), CheckError> {
        let now = self.ports.now();
        let said = trouble.unwrap_or("the gateway does not call it paid, declined or unknown");
        let age_hours = now.since(txn.audit.created_at).as_secs() / 3600;
        let evidence = json!({
            "lastCheck": said,
            "gatewayStatusCode": txn.gateway_details.status_code,
            "gatewayStatusMsg": txn.gateway_details.status_message,
            "ageHours": age_hours,
        });
        let kind = AttentionKind::PendingBeyondLife;
        let pending = HistoryReason::StillPending.with([&age_hours.to_string()]);
        let history = HistoryEntry {
            txn_id: txn.id.clone(),
            at: now,
            actor: checker.actor.clone(),
            from: Some(StatusName::Pending),
            to: StatusName::Pending,
            why: HistoryReason::PutUp.with([&pending, kind.as_str()]),
            evidence: evidence.clone(),
        };
        let case = Attention { txn_id: txn.id.clone(), kind, raised_at: now, evidence };
        let new =
            NewCase { case, history, events: Vec::new(), hold: Vec::new(), fence: checker.fence.clone() };
        Ok(self.ports.raise_attention(new).await?)
    }
}
