//! One attempt to issue a receipt under the lease of its task; none is issued once the payment is given back.

use std::collections::HashSet;
use std::sync::{Arc, Mutex, PoisonError};
use std::time::Duration;

use payment_digit::{DigitError, Payment, Receipts as ReceiptNumbers};
use payment_domain::{HistoryEntry, HistoryReason, Status, Transaction, TxnId};
use payment_store::{Applied, Change, ClaimChange, ReceiptTaskChange, Store, StoreError};
use serde_json::{Map, Value, json};

use super::postponing::next_look_up;
use super::{Held, Receipts};
use crate::events::EventWriter;
use crate::ports::sandbox_label;
use crate::settle::Caller;

/// The transactions whose receipts this process is issuing.
#[derive(Debug, Clone, Default)]
pub(super) struct UnderWay(Arc<Mutex<HashSet<TxnId>>>);

impl UnderWay {
    /// `None` when it is among them already.
    pub(super) fn begin(&self, id: &TxnId) -> Option<Begun> {
        let mut ids = self.0.lock().unwrap_or_else(PoisonError::into_inner);
        ids.insert(id.clone()).then(|| Begun { all: self.clone(), id: id.clone() })
    }
}

pub(super) struct Begun {
    all: UnderWay,
    id: TxnId,
}

impl Drop for Begun {
    fn drop(&mut self) {
        self.all.0.lock().unwrap_or_else(PoisonError::into_inner).remove(&self.id);
    }
}

/// The reason a receipt was not issued or cancelled this time.
#[derive(Debug, thiserror::Error)]
pub(super) enum ReceiptError {
    /// The look-up failed, and nothing was done.
    #[error(transparent)]
    LookingUp(DigitError),
    /// The registration or cancellation failed, or its outcome is unclear.
    #[error(transparent)]
    Acting(DigitError),
    /// It is done, and could not be stored.
    #[error(transparent)]
    Storing(StoreError),
    #[error("the outcome of an earlier call is not known yet")]
    Unclear,
    #[error("this process is at it already")]
    UnderWay,
    #[error("too little was left of the lease")]
    Late,
    #[error("another worker has taken the task over")]
    LeaseLost,
}

/// Whether the collection service may know the payment already.
#[derive(Clone, Copy, PartialEq, Eq)]
pub(super) enum Attempt {
    /// No: the payment began here, and this process created its task.
    First,
    /// Perhaps.
    Later,
}

impl Attempt {
    /// The attempt of the request that has stored the transaction as a success. An earlier service
    /// registered a payment before it stored it as paid.
    pub(super) fn of_creator(txn: &Transaction) -> Attempt {
        // Only adopted transactions have none.
        if txn.callback_url.is_none() { Attempt::Later } else { Attempt::First }
    }
}

impl Receipts {
    /// One attempt under the task's lease: the transaction with its receipt, without one when it was given
    /// back meanwhile, or `None` when the task was postponed.
    pub(super) async fn attempt(
        &self,
        txn: Transaction,
        task: &Held,
        caller: &Caller,
        attempt: Attempt,
    ) -> Option<Transaction> {
        let error = match self.issue(txn.clone(), task, caller, attempt).await {
            Ok(concluded) => {
                if concluded.receipt().is_some() {
                    metrics::counter!("receipts_issued_total", "sandbox" => sandbox_label(&txn.gateway))
                        .increment(1);
                }
                return Some(concluded);
            }
            Err(error) => error,
        };
        self.give_back(&txn, task, &error).await;
        None
    }

    /// Gives the task back after an attempt that failed, unless the lease is lost.
    pub(super) async fn give_back(&self, txn: &Transaction, task: &Held, error: &ReceiptError) {
        if matches!(error, ReceiptError::LeaseLost) {
            return;
        }
        metrics::counter!("receipts_postponed_total").increment(1);
        if matches!(error, ReceiptError::Unclear) {
            tracing::info!(txn_id = %txn.id, %error, "a receipt is postponed");
        } else {
            tracing::warn!(txn_id = %txn.id, attempts = task.attempts + 1, %error, "a receipt is postponed");
        }
        if let Err(error) = self.postpone(txn, task, error).await {
            // The task is due again when its lease is over.
            tracing::warn!(txn_id = %txn.id, %error, "a receipt task could not be given back");
        }
    }

    async fn issue(
        &self,
        txn: Transaction,
        task: &Held,
        caller: &Caller,
        attempt: Attempt,
    ) -> Result<Transaction, ReceiptError> {
        let _under_way = self.under_way.begin(&txn.id).ok_or(ReceiptError::UnderWay)?;
        let collections = &self.ports.collections;
        // It was created when the receipts came from elsewhere.
        let currency = txn.amount.currency();
        if !collections.takes(currency) {
            return Err(ReceiptError::Acting(DigitError::currency(currency)));
        }
        // The collection service records the user who registers a payment; an unproven caller is not
        // recorded.
        let system = self.ports.settings.system_identity();
        let user = if caller.identity.proven_uuid().is_some() { &caller.identity } else { &system }.info();
        let known = match attempt {
            Attempt::First => None,
            Attempt::Later => {
                collections.find(user, &txn.tenant_id, &txn.id).await.map_err(ReceiptError::LookingUp)?
            }
        };
        let numbers = match known {
            // Also when they were cancelled since: they were issued.
            Some(registered) => registered.receipts,
            None => {
                self.refuse_to_repeat(task)?;
                if attempt == Attempt::Later && self.is_given_back(&txn.id).await? {
                    return self.save(txn, &task.lease_token, None, caller).await;
                }
                self.refuse_to_outlive(task)?;
                collections.create(user, &payment(&txn)).await.map_err(ReceiptError::Acting)?
            }
        };
        if numbers.0.is_empty() {
            return Err(ReceiptError::Acting(DigitError::Incomplete {
                code: "PAYMENT_REGISTRATION_FAILED",
                message: "The payment is registered without a receipt number".to_owned(),
            }));
        }
        self.save(txn, &task.lease_token, Some(numbers), caller).await
    }

    /// Whether the payment was given back whole: a receipt that is not issued yet is issued no more.
    async fn is_given_back(&self, id: &TxnId) -> Result<bool, ReceiptError> {
        let cancellation = self.ports.store.cancellation(id).await.map_err(ReceiptError::Storing)?;
        Ok(cancellation.is_some_and(|cancellation| cancellation.frees_bills))
    }

    /// Refuses to act while an earlier call may still be under way at the collection service.
    pub(super) fn refuse_to_repeat(&self, task: &Held) -> Result<(), ReceiptError> {
        let unclear = task.unclear_for.and_then(|at_first| {
            next_look_up(at_first + self.held_for(task), self.ports.settings.receipt_lease)
        });
        if unclear.is_some() { Err(ReceiptError::Unclear) } else { Ok(()) }
    }

    /// Refuses to act when the lease may end during the call, because the look-up or the commit before took
    /// long or the process was suspended: the next holder could look the payment up meanwhile, find nothing
    /// done, and do it as well.
    pub(super) fn refuse_to_outlive(&self, task: &Held) -> Result<(), ReceiptError> {
        let settings = &self.ports.settings;
        if self.held_for(task) + settings.collection_call < settings.receipt_lease {
            return Ok(());
        }
        Err(ReceiptError::Late)
    }

    /// The longest time for which the lease can have been held.
    pub(super) fn held_for(&self, task: &Held) -> Duration {
        self.ports.clock.stopwatch().saturating_sub(task.since)
    }

    async fn save(
        &self,
        mut txn: Transaction,
        lease_token: &str,
        numbers: Option<ReceiptNumbers>,
        caller: &Caller,
    ) -> Result<Transaction, ReceiptError> {
        let (why, numbers) = match numbers {
            Some(ReceiptNumbers(numbers)) => (HistoryReason::ReceiptIssued, numbers),
            None => (HistoryReason::ReceiptNotIssued, Vec::new()),
        };
        let writer = EventWriter::new(&caller.identity).map_err(ReceiptError::Storing)?;
        loop {
            let now = self.ports.now();
            let from = txn.status.name();
            let issued = numbers.first().cloned();
            txn.status = Status::Success { receipt: issued.or_else(|| txn.receipt().map(str::to_owned)) };
            txn.audit.modified_by = Some(caller.modifier());
            txn.audit.modified_at = Some(now);
            txn.version += 1;
            let change = Change {
                history: HistoryEntry {
                    txn_id: txn.id.clone(),
                    at: now,
                    actor: caller.actor.clone(),
                    from: Some(from),
                    to: txn.status.name(),
                    why: why.with([]),
                    evidence: json!({ "receipts": numbers }),
                },
                redirect_form: None,
                dump: None,
                events: vec![writer.update(&txn).map_err(ReceiptError::Storing)?],
                claims: ClaimChange::Keep,
                receipt_task: ReceiptTaskChange::Completed { lease_token: lease_token.to_owned() },
                attention: None,
                forget_key: None,
                fence: None,
                txn: txn.clone(),
            };
            match self.ports.store.apply(change).await.map_err(ReceiptError::Storing)? {
                Applied::Stored => return Ok(txn),
                Applied::Stale | Applied::Fenced => txn = self.reload_for_receipt(&txn, lease_token).await?,
            }
        }
    }

    /// The stored transaction, if this process still holds the task.
    async fn reload_for_receipt(&self, txn: &Transaction, token: &str) -> Result<Transaction, ReceiptError> {
        let store: &dyn Store = self.ports.store.as_ref();
        let task = store.receipt_task(&txn.id).await.map_err(ReceiptError::Storing)?;
        let ours = task.is_some_and(|task| task.lease.is_some_and(|lease| lease.token == token));
        match store.transaction(&txn.id).await.map_err(ReceiptError::Storing)? {
            Some(stored) if ours => Ok(stored),
            Some(_) | None => Err(ReceiptError::LeaseLost),
        }
    }
}

fn payment(txn: &Transaction) -> Payment {
    Payment {
        tenant_id: txn.tenant_id.clone(),
        transaction_number: Some(txn.id.clone()),
        total: txn.amount,
        bills: txn.bills.iter().map(|bill| (bill.bill_id.clone(), bill.amount_paid)).collect(),
        payer_name: txn.payer.name.clone(),
        payer_mobile: txn.payer.mobile_number.clone(),
        paid_at: txn.audit.modified_at.unwrap_or(txn.audit.created_at),
        additional_details: marked_details(txn),
    }
}

/// The application's details, with the mark of a sandbox payment, which only the service sets.
fn marked_details(txn: &Transaction) -> Map<String, Value> {
    const MARK: &str = "sandbox";
    let mut details = txn.additional_details.clone();
    if txn.gateway.is_sandbox() {
        details.insert(MARK.to_owned(), Value::Bool(true));
    } else {
        details.remove(MARK);
    }
    details
}
