//! One attempt to cancel the receipt of a payment that is given back, under the lease of its task.
//!
//! It looks the payment up, acts at most once, and tries again by looking. The commit that completes the task
//! records it in the refund and in the payment's history, and releases the bills where the whole payment was
//! given back. A refusal is a review case; the task stays, and is completed once the receipt turns out to be
//! cancelled, by any party.

use payment_digit::{Cancellation, DigitError, Registered, Standing};
use payment_domain::{
    AttentionKind, HistoryEntry, HistoryReason, Refund, RefundHistoryEntry, RefundReceipt, Transaction,
};
use payment_store::{
    Applied, Attention, BoxError, CancellationChange, CancellationOutcome, NewCase, ReceiptCancellation,
    RefundChange, RefundDue, StoreError,
};
use serde_json::{Value, json};

use super::issuing::ReceiptError;
use super::{Held, Receipts};
use crate::events::EventWriter;
use crate::settle::Caller;

/// The number of times a change of a refund is written that others change at the same time.
const WRITES: usize = 5;

fn refusal(message: impl Into<String>) -> ReceiptError {
    let (code, message) = ("RECEIPT_CANCELLATION_FAILED", message.into());
    ReceiptError::Acting(DigitError::Incomplete { code, message })
}

impl Receipts {
    /// Whether the task was completed; otherwise it was postponed.
    pub(super) async fn attempt_cancellation(&self, txn: &Transaction, task: &Held, caller: &Caller) -> bool {
        match self.cancel(txn, task, caller).await {
            Ok(outcome) => {
                metrics::counter!("receipt_cancellations_total", "outcome" => outcome.as_str().to_lowercase())
                    .increment(1);
                true
            }
            Err(error) => {
                self.give_back(txn, task, &error).await;
                false
            }
        }
    }

    async fn cancel(
        &self,
        txn: &Transaction,
        task: &Held,
        caller: &Caller,
    ) -> Result<CancellationOutcome, ReceiptError> {
        let _under_way = self.under_way.begin(&txn.id).ok_or(ReceiptError::UnderWay)?;
        let refund = self.refund_of(&self.held_cancellation(txn, task).await?).await?;
        let (collections, user) = (&self.ports.collections, caller.identity.info());
        let found = if collections.takes(txn.amount.currency()) {
            collections.find(user, &txn.tenant_id, &txn.id).await.map_err(ReceiptError::LookingUp)?
        } else {
            None
        };
        let outcome = match found {
            None if txn.receipt().is_some() => {
                return Err(refusal("The collection service does not know the payment, which has a receipt"));
            }
            None => CancellationOutcome::NoReceipt,
            Some(Registered { standing: Standing::Cancelled, .. }) => CancellationOutcome::Cancelled,
            // It was to be cancelled on approval, and nothing is given back.
            Some(_) if !refund.status.is_live() => CancellationOutcome::Kept,
            Some(Registered { standing: Standing::Other(status), .. }) => {
                return Err(refusal(format!(
                    "The payment is not APPROVED at the collection service ({status})"
                )));
            }
            Some(payment) => {
                self.refuse_to_repeat(task)?;
                self.refuse_to_outlive(task)?;
                let cancellation = Cancellation {
                    tenant: &txn.tenant_id,
                    transaction_number: &txn.id,
                    payment: &payment,
                    reason: &format!("refund {}", refund.id),
                };
                collections.cancel(user, &cancellation).await.map_err(ReceiptError::Acting)?;
                CancellationOutcome::Cancelled
            }
        };
        self.complete(txn, refund, task, outcome, caller).await?;
        Ok(outcome)
    }

    /// The stored task, if this process still holds it.
    async fn held_cancellation(
        &self,
        txn: &Transaction,
        task: &Held,
    ) -> Result<ReceiptCancellation, ReceiptError> {
        let stored = self.ports.store.cancellation(&txn.id).await.map_err(ReceiptError::Storing)?;
        let is_held = |stored: &ReceiptCancellation| {
            stored.task.lease.as_ref().is_some_and(|lease| lease.token == task.lease_token)
        };
        stored.filter(is_held).ok_or(ReceiptError::LeaseLost)
    }

    async fn refund_of(&self, cancellation: &ReceiptCancellation) -> Result<Refund, ReceiptError> {
        let id = &cancellation.refund_id;
        let refund = self.ports.store.refund(id, None).await.map_err(ReceiptError::Storing)?;
        let missing = || StoreError::Failed(BoxError::from(format!("the refund {id} is not stored")));
        refund.ok_or_else(|| ReceiptError::Storing(missing()))
    }

    async fn complete(
        &self,
        txn: &Transaction,
        mut refund: Refund,
        task: &Held,
        outcome: CancellationOutcome,
        caller: &Caller,
    ) -> Result<(), ReceiptError> {
        let (receipt, why) = match outcome {
            CancellationOutcome::Cancelled => (RefundReceipt::Cancelled, HistoryReason::ReceiptCancelled),
            CancellationOutcome::NoReceipt => (RefundReceipt::None, HistoryReason::ReceiptMissing),
            CancellationOutcome::Kept => (RefundReceipt::Kept, HistoryReason::ReceiptKept),
        };
        loop {
            let cancelled_without_refund =
                outcome == CancellationOutcome::Cancelled && !refund.status.is_live();
            let evidence = json!({ "refundId": refund.id, "receipt": txn.receipt() });
            let cancellation = CancellationChange::Completed {
                lease_token: task.lease_token.clone(),
                outcome,
                history: HistoryEntry {
                    txn_id: txn.id.clone(),
                    at: self.ports.now(),
                    actor: caller.actor.clone(),
                    from: Some(txn.status.name()),
                    to: txn.status.name(),
                    why: why.with([]),
                    evidence: evidence.clone(),
                },
                bills: txn.bill_keys(),
            };
            let change = self.change(refund, receipt, (why, evidence), caller);
            let mut change = change.map_err(ReceiptError::Storing)?;
            change.cancellation = cancellation;
            if cancelled_without_refund {
                let why = HistoryReason::ReceiptCancelledInVain;
                change.case = Some(self.case(txn, why, json!({ "refundId": change.refund.id }), caller));
            }
            match self.ports.store.apply_refund(change).await.map_err(ReceiptError::Storing)? {
                Applied::Stored => return Ok(()),
                Applied::Stale | Applied::Fenced => {
                    refund = self.refund_of(&self.held_cancellation(txn, task).await?).await?;
                }
            }
        }
    }

    /// Puts a receipt that the collection service will not cancel up for manual review.
    pub(super) async fn raise_not_cancellable(
        &self,
        txn: &Transaction,
        evidence: Value,
    ) -> Result<(), StoreError> {
        let caller = self.job();
        let store = &self.ports.store;
        for _ in 0..WRITES {
            let Some(ReceiptCancellation { refund_id, outcome: None, .. }) =
                store.cancellation(&txn.id).await?
            else {
                return Ok(());
            };
            let Some(refund) = store.refund(&refund_id, None).await? else { return Ok(()) };
            if refund.receipt == RefundReceipt::NotCancellable {
                return Ok(());
            }
            let why = HistoryReason::ReceiptNotCancellable;
            let receipt = RefundReceipt::NotCancellable;
            let mut change = self.change(refund, receipt, (why, evidence.clone()), &caller)?;
            change.case = Some(self.case(txn, why, evidence.clone(), &caller));
            if store.apply_refund(change).await? == Applied::Stored {
                tracing::warn!(txn_id = %txn.id, %refund_id, "a receipt is not cancelled");
                return Ok(());
            }
        }
        Ok(())
    }

    /// A change of the receipt's fate, and of nothing else.
    fn change(
        &self,
        mut refund: Refund,
        receipt: RefundReceipt,
        (why, evidence): (HistoryReason, Value),
        caller: &Caller,
    ) -> Result<RefundChange, StoreError> {
        let now = self.ports.now();
        refund.receipt = receipt;
        refund.version += 1;
        refund.audit.modified_by = Some(caller.modifier());
        refund.audit.modified_at = Some(now);
        let writer = EventWriter::new(&caller.identity)?;
        Ok(RefundChange {
            due: RefundDue::Unchanged,
            history: RefundHistoryEntry {
                refund_id: refund.id.clone(),
                txn_id: refund.txn_id.clone(),
                at: now,
                actor: caller.actor.clone(),
                from: Some(refund.status),
                to: refund.status,
                why: why.with([]),
                evidence,
            },
            events: vec![writer.refund(&refund)?],
            audit: Vec::new(),
            cancellation: CancellationChange::None,
            case: None,
            closes: None,
            fence: None,
            refund,
        })
    }

    fn case(&self, txn: &Transaction, why: HistoryReason, evidence: Value, caller: &Caller) -> NewCase {
        let now = self.ports.now();
        NewCase {
            case: Attention {
                txn_id: txn.id.clone(),
                kind: AttentionKind::ReceiptNeedsAdjustment,
                raised_at: now,
                evidence: evidence.clone(),
            },
            history: HistoryEntry {
                txn_id: txn.id.clone(),
                at: now,
                actor: caller.actor.clone(),
                from: Some(txn.status.name()),
                to: txn.status.name(),
                why: why.with([]),
                evidence,
            },
            events: Vec::new(),
            hold: Vec::new(),
            fence: None,
        }
    }
}
