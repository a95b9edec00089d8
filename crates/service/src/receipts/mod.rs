//! Receipts: exactly one for each payment, whatever dies when and whatever clocks show.
//!
//! The commit that makes a transaction a success creates its *receipt task*. The request that stored it
//! issues the receipt at once ([`Receipts::issue_now`]), a job later ([`Receipts::tick`]). Seven rules keep
//! a payment from being registered twice:
//!
//! - The task is leased to one holder at a time, and a lease is taken over by the rule of all leases
//!   ([`payment_store::lease`]). A holder that has lost it stores no receipt and raises no case.
//! - The lease is longer than the calls made under it. Nothing is registered when, by a stopwatch, less of
//!   it is left than a call may take.
//! - A process never has two registrations of one payment under way.
//! - Only the request that created the task registers without a look-up. Every other attempt asks the
//!   collection service first, as does the first one for a payment begun by an earlier egov-pg-service,
//!   which registered before it stored.
//! - After an unclear registration (no answer, a 5xx, an unreadable answer, a receipt that could not be
//!   stored, an abandoned lease) the payment is looked up after 2, 5, 15 and 30 s, and registered again
//!   when a lease's length has passed.
//! - Once the payment was given back whole, a receipt that is not registered is registered no more.
//! - An unreachable collection service postpones the task by 5, 10, 20 s … 10 min. A refusal is a review
//!   case, and is tried again every 10 minutes.
//!
//! A refund has the receipt cancelled ([`cancelling`]) by a task that is leased by the same rules, once the
//! task to issue it is completed.

mod cancelling;
mod issuing;
mod job;
mod postponing;

use std::sync::{Arc, Mutex, PoisonError};
use std::time::Duration;

use payment_domain::{Actor, Status, Transaction, TxnId};
use payment_store::{
    ClaimedReceiptTask, LeaseWatch, NewReceiptTask, ReceiptTaskClaim, ReceiptTaskKind, StoreError, lease,
};
use tokio_util::sync::CancellationToken;
use tracing::Instrument;

pub use self::job::ReceiptsJob;

use self::issuing::{Attempt, UnderWay};
use crate::payment_span::in_trace_of;
use crate::ports::Ports;
use crate::settle::Caller;

/// How many receipts are issued side by side.
const AT_ONCE: u32 = 8;
/// How many claims of [`AT_ONCE`] tasks one tick makes.
const BATCHES: usize = 8;
/// How many leases of other replicas are watched: more than all of them have under way.
const WATCHED: u32 = 4096;
/// How many abandoned leases are named when tasks are claimed.
const ABANDONED: usize = 256;
/// How often the leases of other replicas are read in the length of one.
const SIGHTINGS: u32 = 8;

#[derive(Clone)]
pub struct Receipts {
    pub(crate) ports: Arc<Ports>,
    others: Arc<Mutex<LeaseWatch>>,
    under_way: UnderWay,
}

/// A receipt task leased to this process.
#[derive(Debug, Clone)]
pub(crate) struct Held {
    kind: ReceiptTaskKind,
    lease_token: String,
    /// The stopwatch's reading before the lease was asked for.
    since: Duration,
    /// Failed attempts so far.
    attempts: u32,
    /// How long before the lease an unclear call had ended.
    unclear_for: Option<Duration>,
}

impl Held {
    pub(crate) fn new_task(&self, lease: Duration) -> NewReceiptTask {
        NewReceiptTask { lease_token: self.lease_token.clone(), lease }
    }
}

#[derive(Debug, Clone, Copy, Default, PartialEq, Eq)]
pub struct ReceiptTally {
    /// Receipts that were issued, or are not to be issued any more.
    pub issued: u32,
    /// Cancellations that were completed.
    pub cancelled: u32,
    pub postponed: u32,
}

impl Receipts {
    pub(crate) fn new(ports: Arc<Ports>) -> Receipts {
        Receipts { ports, others: Arc::default(), under_way: UnderWay::default() }
    }

    /// The task of a transaction that is about to be stored as a success, leased to the caller.
    pub(crate) fn begin_task(&self) -> Held {
        Held {
            kind: ReceiptTaskKind::Issue,
            lease_token: uuid::Uuid::now_v7().to_string(),
            since: self.ports.clock.stopwatch(),
            attempts: 0,
            unclear_for: None,
        }
    }

    /// Issues the receipt of a transaction that was just stored as a success. Waits for it up to the
    /// configured limit, after which the work goes on without the caller. Returns the transaction with
    /// its receipt if it has one by then.
    pub(crate) async fn issue_now(&self, txn: Transaction, task: Held, caller: &Caller) -> Transaction {
        let work = {
            let (receipts, txn, caller) = (self.clone(), txn.clone(), caller.clone());
            let attempt = Attempt::of_creator(&txn);
            let span = tracing::debug_span!(target: payment_trace::INNER, "receipt", pg.txn_id = %txn.id);
            let work = async move { receipts.attempt(txn, &task, &caller, attempt).await };
            self.ports.tasks.spawn(work.instrument(span).in_current_span())
        };
        match tokio::time::timeout(self.ports.settings.receipt_wait, work).await {
            Ok(Ok(Some(with_receipt))) => with_receipt,
            Ok(Ok(None) | Err(_)) => txn,
            Err(_elapsed) => {
                tracing::info!(txn_id = %txn.id, "the receipt takes longer than the request may wait");
                txn
            }
        }
    }

    /// Waits, within the configured limit, for a receipt that another request or replica is issuing. None
    /// is when there is no task: the receipt was issued a moment ago, or an earlier service, which stored
    /// no receipts, has settled the transaction.
    pub(crate) async fn await_receipt(&self, txn: Transaction) -> Result<Transaction, StoreError> {
        const PAUSE: Duration = Duration::from_millis(25);
        let store = &self.ports.store;
        let deadline = tokio::time::Instant::now() + self.ports.settings.receipt_wait;
        let mut txn = txn;
        while txn.status == (Status::Success { receipt: None }) && tokio::time::Instant::now() < deadline {
            let Some(task) = store.receipt_task(&txn.id).await? else {
                return Ok(store.transaction(&txn.id).await?.unwrap_or(txn));
            };
            if task.lease.is_none_or(|held| lease::is_over(held.until, self.ports.now())) {
                break;
            }
            tokio::time::sleep(PAUSE).await;
            match store.transaction(&txn.id).await? {
                Some(stored) => txn = stored,
                None => break,
            }
        }
        Ok(txn)
    }

    /// Watches the leases of other replicas until `stop`, so that those of a dead one are known as
    /// abandoned as soon as they are over.
    pub async fn keep_watching(&self, stop: CancellationToken) {
        let interval = self.ports.settings.receipt_lease / SIGHTINGS;
        while stop.run_until_cancelled(tokio::time::sleep(interval)).await.is_some() {
            if let Err(error) = self.look_at_others().await {
                tracing::debug!(%error, "the leases of receipts cannot be read");
            }
        }
    }

    /// Reads the leases of other replicas; returns the tokens of those seen unchanged for a lease's length.
    async fn look_at_others(&self) -> Result<Vec<String>, StoreError> {
        let clock = &self.ports.clock;
        let asked = clock.stopwatch();
        let leases = self.ports.store.receipt_leases(WATCHED).await?;
        let mut others = self.others.lock().unwrap_or_else(PoisonError::into_inner);
        others.see_all(&leases, clock.stopwatch());
        Ok(others.all_unchanged(self.ports.settings.receipt_lease, asked, ABANDONED))
    }

    /// Issues and cancels a batch of due receipts. A task that fails is postponed, and never stops the others.
    ///
    /// # Errors
    /// [`StoreError`] when the due tasks cannot be claimed.
    pub async fn tick(&self) -> Result<ReceiptTally, StoreError> {
        self.tick_until(|| false).await
    }

    async fn tick_until(&self, stopped: impl Fn() -> bool) -> Result<ReceiptTally, StoreError> {
        let mut tally = ReceiptTally::default();
        let abandoned = self.look_at_others().await?;
        for kind in [ReceiptTaskKind::Issue, ReceiptTaskKind::Cancel] {
            let (completed, postponed) = self.work_off(kind, &abandoned, &stopped).await?;
            match kind {
                ReceiptTaskKind::Issue => tally.issued += completed,
                ReceiptTaskKind::Cancel => tally.cancelled += completed,
            }
            tally.postponed += postponed;
        }
        Ok(tally)
    }

    /// How many tasks of a kind were completed, and how many postponed.
    async fn work_off(
        &self,
        kind: ReceiptTaskKind,
        abandoned: &[String],
        stopped: impl Fn() -> bool,
    ) -> Result<(u32, u32), StoreError> {
        let (mut completed, mut postponed) = (0, 0);
        // Claims no more than run side by side, so that a lease begins with its work.
        for _ in 0..BATCHES {
            if stopped() {
                break;
            }
            let Held { lease_token, since, .. } = self.begin_task();
            let claim = ReceiptTaskClaim {
                kind,
                lease_token: lease_token.clone(),
                lease: self.ports.settings.receipt_lease,
                limit: AT_ONCE,
                abandoned: abandoned.to_vec(),
            };
            let tasks = self.ports.store.claim_receipt_tasks(claim).await?;
            if tasks.is_empty() {
                break;
            }
            let mut work = tokio::task::JoinSet::new();
            for ClaimedReceiptTask { txn_id, attempts, unclear_for } in tasks {
                let held = Held { kind, lease_token: lease_token.clone(), since, attempts, unclear_for };
                let receipts = self.clone();
                let name = match kind {
                    ReceiptTaskKind::Issue => "receipt",
                    ReceiptTaskKind::Cancel => "receipt cancellation",
                };
                work.spawn(async move {
                    let resuming = receipts.resume(&txn_id, &held);
                    in_trace_of(receipts.ports.store.as_ref(), &txn_id, name, resuming).await
                });
            }
            while let Some(done) = work.join_next().await {
                if done.unwrap_or(false) { completed += 1 } else { postponed += 1 }
            }
        }
        Ok((completed, postponed))
    }

    fn job(&self) -> Caller {
        Caller::new(Actor::job("receipts"), self.ports.settings.system_identity())
    }

    async fn resume(&self, id: &TxnId, task: &Held) -> bool {
        let caller = self.job();
        match self.ports.store.transaction(id).await {
            Ok(Some(txn)) => match task.kind {
                ReceiptTaskKind::Issue => self.attempt(txn, task, &caller, Attempt::Later).await.is_some(),
                ReceiptTaskKind::Cancel => self.attempt_cancellation(&txn, task, &caller).await,
            },
            Ok(None) => {
                tracing::error!(txn_id = %id, "a receipt is due for a transaction that does not exist");
                false
            }
            Err(error) => {
                tracing::warn!(txn_id = %id, %error, "a due receipt could not be taken up");
                false
            }
        }
    }
}
