//! Reconciliation: asking the gateways about what stays pending, until it is clear.
//!
//! A pending transaction is checked by the *early* job once it is one interval old, then by the
//! *follow-up* job at growing distances, and by the *daily* job with all the others. Each check is
//! one call of [`Settlement::settle`], the same road that the payer's browser takes. What one
//! transaction runs into is counted, written into its history, and never stops the others.

mod age;
mod by_hand;
mod summary;
mod sweep;

use std::sync::Arc;
use std::time::Duration;

use payment_domain::machine::OrderLife;
use payment_domain::{Actor, AttentionKind, HistoryEntry, StatusName, Timestamp, Transaction, TxnId};
use payment_gateway::Answer;
use payment_store::{Applied, Attention, CheckNote, Fence, NewCase, NextCheck, StoreError};
use serde_json::{Value, json};

pub use age::{InvalidAge, parse_age};
pub use by_hand::{ByHand, Checked, Progress};
pub use summary::{GatewaySummary, NotAsked, ReconciliationSummary};
pub use sweep::{DailyJob, EarlyJob, FollowUpJob};

use crate::ports::Ports;
use crate::settle::{Asked, Caller, Origin, SettleError, Settlement};

/// How pending transactions are reconciled.
#[derive(Debug, Clone)]
pub struct ReconciliationSettings {
    /// How long after a check the next one follows: the first distance after the first check, and
    /// so on. After the last one a transaction is checked by the daily job alone.
    pub distances: Vec<Duration>,
}

/// Reconciles pending transactions.
#[derive(Clone)]
pub struct Reconciliation {
    ports: Arc<Ports>,
    settlement: Settlement,
    settings: Arc<ReconciliationSettings>,
}

/// How long a payment is pending before it is put up for attention: banks take hours to decide some.
const UNDECIDED_FOR: Duration = Duration::from_secs(24 * 60 * 60);

/// Who checks, and on behalf of which run.
#[derive(Clone)]
struct Checker {
    actor: Actor,
    fence: Option<Fence>,
}

/// Why a transaction is checked now.
#[derive(Clone, Copy)]
enum Occasion {
    /// It is its turn, after so many checks before.
    Turn { checks: u32 },
    /// Somebody wants to know: its turns stay as they are.
    OutOfTurn,
}

/// What a check came to.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Check {
    /// The transaction is settled, by this check or meanwhile.
    Settled(StatusName),
    /// The gateway answered, and it is as undecided as before.
    StillPending,
    /// The gateway could not be asked, or gave no usable answer.
    Failed(String),
}

/// Why a check could not be carried out: no reason that lies in the transaction.
#[derive(Debug, thiserror::Error)]
enum CheckError {
    #[error("the run is over")]
    Fenced,
    #[error(transparent)]
    Store(#[from] StoreError),
    #[error("the service stops")]
    Interrupted,
    /// The question was not put, and nothing was noted: it keeps its turn.
    #[error("the gateway is away, and worth trying again in {} s", .retry_after.as_millis().div_ceil(1000))]
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
    /// Reconciles what `settlement` settles.
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
            // The row of this one cannot be read or changed: it must not stop the others.
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
            // It may have been paid after all, and nobody could find out.
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

    /// Writes down that a transaction was checked and is still pending, and when its next turn is.
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
            why: format!("the gateway could not be asked: {reason}"),
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
            fence: checker.fence.clone(),
        };
        match self.ports.store.note_check(note).await {
            // No longer pending: somebody else has settled it meanwhile.
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

    /// Puts up what nobody can decide any more. It is never failed on doubt.
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
        let history = HistoryEntry {
            txn_id: txn.id.clone(),
            at: now,
            actor: checker.actor.clone(),
            from: Some(StatusName::Pending),
            to: StatusName::Pending,
            why: format!("still pending after {age_hours} hours; put up for attention: {}", kind.as_str()),
            evidence: evidence.clone(),
        };
        let case = Attention { txn_id: txn.id.clone(), kind, raised_at: now, evidence };
        let new = NewCase { case, history, hold: Vec::new(), fence: checker.fence.clone() };
        Ok(self.ports.raise_attention(new).await?)
    }
}
