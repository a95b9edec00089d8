//! Attempts that failed: when the next one is due, and which become a review case.

use std::time::Duration;

use payment_digit::DigitError;
use payment_domain::{Actor, AttentionKind, HistoryEntry, HistoryReason, Transaction};
use payment_store::{Attention, NewCase, Postponement, ReceiptTaskKind, StoreError, Tried};
use serde_json::{Value, json};

use super::issuing::ReceiptError;
use super::{Held, Receipts};

/// The first delay after a failure; doubled each time.
const FIRST_DELAY: Duration = Duration::from_secs(5);
const LONGEST_DELAY: Duration = Duration::from_secs(600);
/// When a payment is looked up after an unclear registration.
const LOOK_UPS: [Duration; 4] =
    [Duration::from_secs(2), Duration::from_secs(5), Duration::from_secs(15), Duration::from_secs(30)];

/// The time until the next look-up after an unclear registration that ended `unclear_for` ago; `None` when
/// the payment may be registered again.
pub(super) fn next_look_up(unclear_for: Duration, lease: Duration) -> Option<Duration> {
    let left = lease.checked_sub(unclear_for).filter(|left| !left.is_zero())?;
    let look_up = LOOK_UPS.into_iter().find(|look_up| *look_up > unclear_for);
    Some(look_up.map_or(left, |look_up| left.min(look_up.saturating_sub(unclear_for))))
}

/// The collection service's refusal.
fn refusal(error: &ReceiptError) -> Option<&DigitError> {
    match error {
        ReceiptError::LookingUp(error) | ReceiptError::Acting(error) => match error {
            DigitError::Refused { .. } | DigitError::Incomplete { .. } => Some(error),
            DigitError::NotSent { .. } | DigitError::Unanswered { .. } => None,
        },
        ReceiptError::Storing(_)
        | ReceiptError::Unclear
        | ReceiptError::UnderWay
        | ReceiptError::Late
        | ReceiptError::LeaseLost => None,
    }
}

/// The refusal, for operators.
fn evidence(error: &DigitError) -> Value {
    match error {
        DigitError::Refused { service, body } => {
            json!({ "service": service, "body": serde_json::from_str::<Value>(body).unwrap_or_else(|_| body.as_str().into()) })
        }
        DigitError::NotSent { .. } | DigitError::Unanswered { .. } | DigitError::Incomplete { .. } => {
            json!({ "error": error.to_string() })
        }
    }
}

impl Receipts {
    /// Gives a task back for a later attempt; raises a case when the collection service has refused.
    pub(super) async fn postpone(
        &self,
        txn: &Transaction,
        task: &Held,
        error: &ReceiptError,
    ) -> Result<(), StoreError> {
        let (delay, tried) = self.delay(task, error);
        let postponement = Postponement {
            kind: task.kind,
            txn_id: txn.id.clone(),
            lease_token: task.lease_token.clone(),
            delay,
            reason: error.to_string(),
            tried,
        };
        let is_held = self.ports.store.postpone_receipt_task(postponement).await?;
        // The holder of a lost lease may have been refused because the next one has registered the payment.
        match refusal(error) {
            Some(refused) if is_held => match task.kind {
                ReceiptTaskKind::Issue => self.raise_refusal(txn, refused).await,
                ReceiptTaskKind::Cancel => self.raise_not_cancellable(txn, evidence(refused)).await,
            },
            Some(_) | None => Ok(()),
        }
    }

    /// The time until the next attempt, and the state of the registration after this one.
    fn delay(&self, task: &Held, error: &ReceiptError) -> (Duration, Tried) {
        let lease = self.ports.settings.receipt_lease;
        let backoff = FIRST_DELAY.saturating_mul(1 << task.attempts.min(16)).min(LONGEST_DELAY);
        let look_up =
            task.unclear_for.and_then(|at_first| next_look_up(at_first + self.held_for(task), lease));
        match error {
            // The call may still be under way, or its result is yet to be stored.
            ReceiptError::Acting(DigitError::Unanswered { .. }) | ReceiptError::Storing(_) => {
                (next_look_up(Duration::ZERO, lease).unwrap_or(lease), Tried::Unclear)
            }
            ReceiptError::Acting(DigitError::Refused { .. } | DigitError::Incomplete { .. })
            | ReceiptError::LookingUp(DigitError::Refused { .. } | DigitError::Incomplete { .. }) => {
                (LONGEST_DELAY, Tried::Failed)
            }
            ReceiptError::Acting(DigitError::NotSent { .. }) => (backoff, Tried::Failed),
            ReceiptError::LookingUp(DigitError::NotSent { .. } | DigitError::Unanswered { .. }) => {
                (look_up.unwrap_or(backoff), Tried::Failed)
            }
            ReceiptError::Unclear | ReceiptError::UnderWay | ReceiptError::Late | ReceiptError::LeaseLost => {
                (look_up.unwrap_or(FIRST_DELAY), Tried::Looked)
            }
        }
    }

    async fn raise_refusal(&self, txn: &Transaction, error: &DigitError) -> Result<(), StoreError> {
        let now = self.ports.now();
        let evidence = evidence(error);
        let entry = HistoryEntry {
            txn_id: txn.id.clone(),
            at: now,
            actor: Actor::job("receipts"),
            from: Some(txn.status.name()),
            to: txn.status.name(),
            why: HistoryReason::ReceiptRefused.with([]),
            evidence: evidence.clone(),
        };
        let case = Attention {
            txn_id: txn.id.clone(),
            kind: AttentionKind::ReceiptRefused,
            raised_at: now,
            evidence,
        };
        self.ports
            .raise_attention(NewCase {
                case,
                history: entry,
                events: Vec::new(),
                hold: Vec::new(),
                fence: None,
            })
            .await
    }
}
