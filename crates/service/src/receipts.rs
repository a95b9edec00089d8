//! The receipt task: whoever makes a transaction a success also writes down that its receipt is
//! due, in the same commit. The task is done at once, or later by [`Receipts::tick`].
//!
//! Exactly one receipt, whatever dies when and whatever clocks show: the right to issue it is leased to
//! one party at a time, and taken over by the rule of all leases ([`payment_store::lease`]); the lease is
//! longer than the calls made under it can take, and nobody registers a payment when, by a stopwatch,
//! too little of it is left; a process never has two registrations of a payment under way. Whoever takes
//! a task over, or a payment that an earlier service has begun, first looks whether the collection
//! service has the payment already; and where a registration may have been begun of which nobody knows
//! what became, it is looked up for as long as a lease holds before the payment is registered again.

use std::collections::HashSet;
use std::sync::{Arc, Mutex, PoisonError};
use std::time::Duration;

use async_trait::async_trait;
use payment_digit::{DigitError, Payment, Receipts as ReceiptNumbers};
use payment_domain::{Actor, AttentionKind, HistoryEntry, Status, Timestamp, Transaction, TxnId};
use payment_store::{
    Applied, Attention, Change, ClaimChange, ClaimedReceiptTask, LeaseWatch, NewCase, NewReceiptTask,
    Postponement, ReceiptTaskChange, ReceiptTaskClaim, Store, StoreError, Tried, lease,
};
use serde_json::{Map, Value, json};
use tokio_util::sync::CancellationToken;

use crate::events::EventWriter;
use crate::ports::{Ports, sandbox_label};
use crate::scheduler::{Job, JobError, Run};
use crate::settle::Caller;

/// The first wait after a failure; doubled each time.
const FIRST_DELAY: Duration = Duration::from_secs(5);
/// The longest wait between two tries.
const LONGEST_DELAY: Duration = Duration::from_secs(600);
/// When a payment is looked up whose registration is unclear, counted from the end of that.
const LOOK_UPS: [Duration; 4] =
    [Duration::from_secs(2), Duration::from_secs(5), Duration::from_secs(15), Duration::from_secs(30)];
/// How many receipts are issued at a time.
const AT_ONCE: u32 = 8;
/// How often one tick takes so many.
const BATCHES: usize = 8;
/// How many leases of others are watched at a time: more than are under way on all replicas together.
const WATCHED: u32 = 4096;
/// How many abandoned leases are named when tasks are claimed.
const ABANDONED: usize = 256;
/// How often in the length of a lease the leases of others are looked at.
const SIGHTINGS: u32 = 8;

/// Issues receipts.
#[derive(Clone)]
pub struct Receipts {
    pub(crate) ports: Arc<Ports>,
    others: Arc<Mutex<LeaseWatch>>,
    under_way: UnderWay,
}

/// The task of a transaction, leased to this process.
#[derive(Debug, Clone)]
pub(crate) struct Held {
    lease_token: String,
    /// What the stopwatch showed before the lease was asked for.
    since: Duration,
    /// How often it was tried in vain.
    attempts: u32,
    /// How long ago a registration had ended, when the lease began, of which nobody knows what became.
    unclear_for: Option<Duration>,
}

impl Held {
    pub(crate) fn new_task(&self, lease: Duration) -> NewReceiptTask {
        NewReceiptTask { lease_token: self.lease_token.clone(), lease }
    }
}

/// The transactions whose receipts this process is issuing.
#[derive(Debug, Clone, Default)]
struct UnderWay(Arc<Mutex<HashSet<TxnId>>>);

impl UnderWay {
    /// `None` when it is under way already.
    fn begin(&self, id: &TxnId) -> Option<Begun> {
        let mut ids = self.0.lock().unwrap_or_else(PoisonError::into_inner);
        ids.insert(id.clone()).then(|| Begun { all: self.clone(), id: id.clone() })
    }
}

struct Begun {
    all: UnderWay,
    id: TxnId,
}

impl Drop for Begun {
    fn drop(&mut self) {
        self.all.0.lock().unwrap_or_else(PoisonError::into_inner).remove(&self.id);
    }
}

/// What a tick did.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq)]
pub struct ReceiptTally {
    /// Receipts issued.
    pub issued: u32,
    /// Tasks given back for a later try.
    pub postponed: u32,
}

/// Why a receipt was not issued this time.
#[derive(Debug, thiserror::Error)]
enum ReceiptError {
    /// The payment could not be looked up; nothing was registered.
    #[error(transparent)]
    LookingUp(DigitError),
    /// The payment was, or may have been, tried to be registered.
    #[error(transparent)]
    Registering(DigitError),
    /// It is registered, and its receipt could not be stored.
    #[error(transparent)]
    Storing(StoreError),
    #[error("the outcome of an earlier registration is not known yet")]
    Unclear,
    #[error("this process is at it already")]
    UnderWay,
    #[error("too little was left of the right to issue it")]
    Late,
    #[error("another worker has taken the task over")]
    LeaseLost,
}

/// Whether the collection service may know the payment already.
#[derive(Clone, Copy, PartialEq, Eq)]
enum Attempt {
    /// The payment is ours from its beginning, its task arose in a commit of ours and was leased to us
    /// there: nobody tried before.
    First,
    /// Somebody may have tried.
    Later,
}

impl Attempt {
    /// The attempt of whoever has stored the transaction as a success. The earlier service registered
    /// a payment before it stored it as paid: a pending one that it has left may be registered.
    fn of_whoever_stored(txn: &Transaction) -> Attempt {
        // Only what was adopted from it has none.
        if txn.callback_url.is_none() { Attempt::Later } else { Attempt::First }
    }
}

/// When a payment is looked up next whose registration ended so long ago; `None` when it may be
/// registered again.
fn next_look_up(unclear_for: Duration, lease: Duration) -> Option<Duration> {
    let left = lease.checked_sub(unclear_for).filter(|left| !left.is_zero())?;
    let look_up = LOOK_UPS.into_iter().find(|look_up| *look_up > unclear_for);
    Some(look_up.map_or(left, |look_up| left.min(look_up.saturating_sub(unclear_for))))
}

/// Issues receipts that are due, all the time: it looks for them every `interval`.
pub struct ReceiptsJob {
    /// What issues them.
    pub receipts: Receipts,
    /// How long to wait when none is due.
    pub interval: Duration,
}

#[async_trait]
impl Job for ReceiptsJob {
    async fn tick(&self, run: &Run) -> Result<(), JobError> {
        loop {
            let done = self.receipts.tick_until(|| run.is_stopped()).await?;
            run.count(|tally| {
                tally.examined += done.issued + done.postponed;
                tally.changed += done.issued;
                tally.failed += done.postponed;
            });
            let pause = if done.issued > 0 { Duration::ZERO } else { self.interval };
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

impl Receipts {
    pub(crate) fn new(ports: Arc<Ports>) -> Receipts {
        Receipts { ports, others: Arc::default(), under_way: UnderWay::default() }
    }

    /// The lease of the task of a transaction that is about to be stored as a success, for whoever
    /// stores it.
    pub(crate) fn begin_task(&self) -> Held {
        Held {
            lease_token: uuid::Uuid::now_v7().to_string(),
            since: self.ports.clock.stopwatch(),
            attempts: 0,
            unclear_for: None,
        }
    }

    /// Issues the receipt of a transaction that was just stored as a success, waiting for it no
    /// longer than the configured limit; the work goes on behind that. Returns the transaction as
    /// it stands then, with or without its receipt.
    pub(crate) async fn issue_now(&self, txn: Transaction, task: Held, caller: &Caller) -> Transaction {
        let work = {
            let (receipts, txn, caller) = (self.clone(), txn.clone(), caller.clone());
            let attempt = Attempt::of_whoever_stored(&txn);
            self.ports.tasks.spawn(async move { receipts.attempt(txn, &task, &caller, attempt).await })
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

    /// Waits, within the configured limit, for a receipt that somebody else is issuing now. Nobody is
    /// where there is no task: the receipt was issued a moment ago, or an earlier service, which stored
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

    /// Looks at the leases of others again and again, until `stop`, so that those of a replica that
    /// has died are known as abandoned when their time is over.
    pub async fn keep_watching(&self, stop: CancellationToken) {
        let interval = self.ports.settings.receipt_lease / SIGHTINGS;
        while stop.run_until_cancelled(tokio::time::sleep(interval)).await.is_some() {
            if let Err(error) = self.look_at_others().await {
                tracing::debug!(%error, "the leases of receipts cannot be looked at");
            }
        }
    }

    /// Looks at the leases of others; returns the tokens of those that were seen unchanged for as long
    /// as a lease holds.
    async fn look_at_others(&self) -> Result<Vec<String>, StoreError> {
        let clock = &self.ports.clock;
        let asked = clock.stopwatch();
        let leases = self.ports.store.receipt_leases(WATCHED).await?;
        let mut others = self.others.lock().unwrap_or_else(PoisonError::into_inner);
        others.see_all(&leases, clock.stopwatch());
        Ok(others.all_unchanged(self.ports.settings.receipt_lease, asked, ABANDONED))
    }

    /// Takes up a batch of tasks that are due. One that fails is given back for later and never
    /// stops the others.
    ///
    /// # Errors
    /// [`StoreError`] when the due ones cannot be found out.
    pub async fn tick(&self) -> Result<ReceiptTally, StoreError> {
        self.tick_until(|| false).await
    }

    /// The same, beginning nothing new once it is to stop.
    async fn tick_until(&self, stopped: impl Fn() -> bool) -> Result<ReceiptTally, StoreError> {
        let mut tally = ReceiptTally::default();
        let abandoned = self.look_at_others().await?;
        // As many at a time as are carried out at once: a lease begins when the work does.
        for _ in 0..BATCHES {
            if stopped() {
                break;
            }
            let Held { lease_token, since, .. } = self.begin_task();
            let claim = ReceiptTaskClaim {
                lease_token: lease_token.clone(),
                lease: self.ports.settings.receipt_lease,
                limit: AT_ONCE,
                abandoned: abandoned.clone(),
            };
            let tasks = self.ports.store.claim_receipt_tasks(claim).await?;
            if tasks.is_empty() {
                break;
            }
            let mut work = tokio::task::JoinSet::new();
            for ClaimedReceiptTask { txn_id, attempts, unclear_for } in tasks {
                let held = Held { lease_token: lease_token.clone(), since, attempts, unclear_for };
                let receipts = self.clone();
                work.spawn(async move { receipts.resume(&txn_id, &held).await });
            }
            while let Some(issued) = work.join_next().await {
                if issued.unwrap_or(false) { tally.issued += 1 } else { tally.postponed += 1 }
            }
        }
        Ok(tally)
    }

    async fn resume(&self, id: &TxnId, task: &Held) -> bool {
        let caller = Caller::new(Actor::job("receipts"), self.ports.settings.system_identity());
        match self.ports.store.transaction(id).await {
            Ok(Some(txn)) => self.attempt(txn, task, &caller, Attempt::Later).await.is_some(),
            Ok(None) => {
                tracing::error!(txn_id = %id, "a receipt is due for a transaction that is not there");
                false
            }
            Err(error) => {
                tracing::warn!(txn_id = %id, %error, "a due receipt could not be taken up");
                false
            }
        }
    }

    /// One attempt under the task's lease: the transaction with its receipt, or `None` when the
    /// task was given back.
    async fn attempt(
        &self,
        txn: Transaction,
        task: &Held,
        caller: &Caller,
        attempt: Attempt,
    ) -> Option<Transaction> {
        let error = match self.issue(txn.clone(), task, caller, attempt).await {
            Ok(with_receipt) => {
                metrics::counter!("receipts_issued_total", "sandbox" => sandbox_label(&txn.gateway))
                    .increment(1);
                return Some(with_receipt);
            }
            Err(ReceiptError::LeaseLost) => return None,
            Err(error) => error,
        };
        metrics::counter!("receipts_postponed_total").increment(1);
        if matches!(error, ReceiptError::Unclear) {
            tracing::info!(txn_id = %txn.id, %error, "a receipt is postponed");
        } else {
            tracing::warn!(txn_id = %txn.id, attempts = task.attempts + 1, %error, "a receipt is postponed");
        }
        if let Err(error) = self.postpone(&txn, task, &error).await {
            // The lease runs out by itself; then the task is due again.
            tracing::warn!(txn_id = %txn.id, %error, "a receipt task could not be given back");
        }
        None
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
        // The collection service keeps who registered a payment: for callers whom nobody has proven we act
        // in our own name.
        let system = self.ports.settings.system_identity();
        let user = if caller.identity.proven_uuid().is_some() { &caller.identity } else { &system }.info();
        let known = match attempt {
            Attempt::First => None,
            Attempt::Later => {
                collections.find(user, &txn.tenant_id, &txn.id).await.map_err(ReceiptError::LookingUp)?
            }
        };
        let numbers = match known {
            Some(numbers) => numbers,
            None => {
                self.refuse_to_repeat(task)?;
                self.refuse_to_outlive(task)?;
                collections.create(user, &self.payment(&txn)).await.map_err(ReceiptError::Registering)?
            }
        };
        if numbers.0.is_empty() {
            return Err(ReceiptError::Registering(DigitError::Incomplete {
                code: "PAYMENT_REGISTRATION_FAILED",
                message: "The payment is registered without a receipt number".to_owned(),
            }));
        }
        self.save(txn, &task.lease_token, numbers, caller).await
    }

    /// Registers nothing as long as an earlier registration may still be at work over there.
    fn refuse_to_repeat(&self, task: &Held) -> Result<(), ReceiptError> {
        let unclear = task.unclear_for.and_then(|at_first| {
            next_look_up(at_first + self.held_for(task), self.ports.settings.receipt_lease)
        });
        if unclear.is_some() { Err(ReceiptError::Unclear) } else { Ok(()) }
    }

    /// Gives a task up whose lease may end while the payment is being registered: the look-up or the
    /// commit before took long, or the process stood still. Somebody else could look the payment up
    /// meanwhile, not find it, and register it as well.
    fn refuse_to_outlive(&self, task: &Held) -> Result<(), ReceiptError> {
        let settings = &self.ports.settings;
        if self.held_for(task) + settings.collection_call < settings.receipt_lease {
            return Ok(());
        }
        Err(ReceiptError::Late)
    }

    /// For how long the lease has been held, at most.
    fn held_for(&self, task: &Held) -> Duration {
        self.ports.clock.stopwatch().saturating_sub(task.since)
    }

    async fn save(
        &self,
        txn: Transaction,
        lease_token: &str,
        ReceiptNumbers(numbers): ReceiptNumbers,
        caller: &Caller,
    ) -> Result<Transaction, ReceiptError> {
        let writer = EventWriter::new(&caller.identity).map_err(ReceiptError::Storing)?;
        let mut txn = txn;
        loop {
            let now = self.ports.now();
            let from = txn.status.name();
            txn.status = Status::Success { receipt: numbers.first().cloned() };
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
                    why: "receipt issued".to_owned(),
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

    /// The stored transaction, if the task is still ours to do.
    async fn reload_for_receipt(&self, txn: &Transaction, token: &str) -> Result<Transaction, ReceiptError> {
        let store: &dyn Store = self.ports.store.as_ref();
        let task = store.receipt_task(&txn.id).await.map_err(ReceiptError::Storing)?;
        let ours = task.is_some_and(|task| task.lease.is_some_and(|lease| lease.token == token));
        match store.transaction(&txn.id).await.map_err(ReceiptError::Storing)? {
            Some(stored) if ours => Ok(stored),
            Some(_) | None => Err(ReceiptError::LeaseLost),
        }
    }

    async fn postpone(&self, txn: &Transaction, task: &Held, error: &ReceiptError) -> Result<(), StoreError> {
        let lease = self.ports.settings.receipt_lease;
        let backoff = FIRST_DELAY.saturating_mul(1 << task.attempts.min(16)).min(LONGEST_DELAY);
        let look_up =
            task.unclear_for.and_then(|at_first| next_look_up(at_first + self.held_for(task), lease));
        let (delay, tried) = match error {
            // The call may still be at work over there, or its receipt is still to be shown.
            ReceiptError::Registering(DigitError::Unanswered { .. }) | ReceiptError::Storing(_) => {
                (next_look_up(Duration::ZERO, lease).unwrap_or(lease), Tried::Unclear)
            }
            ReceiptError::Registering(DigitError::Refused { .. } | DigitError::Incomplete { .. })
            | ReceiptError::LookingUp(DigitError::Refused { .. } | DigitError::Incomplete { .. }) => {
                (LONGEST_DELAY, Tried::Failed)
            }
            ReceiptError::Registering(DigitError::NotSent { .. }) => (backoff, Tried::Failed),
            ReceiptError::LookingUp(DigitError::NotSent { .. } | DigitError::Unanswered { .. }) => {
                (look_up.unwrap_or(backoff), Tried::Failed)
            }
            ReceiptError::Unclear | ReceiptError::UnderWay | ReceiptError::Late | ReceiptError::LeaseLost => {
                (look_up.unwrap_or(FIRST_DELAY), Tried::Looked)
            }
        };
        let postponement = Postponement {
            txn_id: txn.id.clone(),
            lease_token: task.lease_token.clone(),
            delay,
            reason: error.to_string(),
            tried,
        };
        let ours = self.ports.store.postpone_receipt_task(postponement).await?;
        let refused = match error {
            ReceiptError::LookingUp(error) | ReceiptError::Registering(error) => match error {
                DigitError::Refused { .. } | DigitError::Incomplete { .. } => Some(error),
                DigitError::NotSent { .. } | DigitError::Unanswered { .. } => None,
            },
            ReceiptError::Storing(_)
            | ReceiptError::Unclear
            | ReceiptError::UnderWay
            | ReceiptError::Late
            | ReceiptError::LeaseLost => None,
        };
        // Whoever has taken the task over may have registered the payment, and been refused for that:
        // what they find out counts.
        match refused {
            Some(error) if ours => self.raise_refusal(txn, error, self.ports.now()).await,
            Some(_) | None => Ok(()),
        }
    }

    async fn raise_refusal(
        &self,
        txn: &Transaction,
        error: &DigitError,
        now: Timestamp,
    ) -> Result<(), StoreError> {
        let evidence: Value = match error {
            DigitError::Refused { service, body } => {
                json!({ "service": service, "body": serde_json::from_str::<Value>(body).unwrap_or_else(|_| body.as_str().into()) })
            }
            DigitError::NotSent { .. } | DigitError::Unanswered { .. } | DigitError::Incomplete { .. } => {
                json!({ "error": error.to_string() })
            }
        };
        let entry = HistoryEntry {
            txn_id: txn.id.clone(),
            at: now,
            actor: Actor::job("receipts"),
            from: Some(txn.status.name()),
            to: txn.status.name(),
            why: "the collection service refuses to register the payment".to_owned(),
            evidence: evidence.clone(),
        };
        let case = Attention {
            txn_id: txn.id.clone(),
            kind: AttentionKind::ReceiptRefused,
            raised_at: now,
            evidence,
        };
        self.ports.raise_attention(NewCase { case, history: entry, hold: Vec::new(), fence: None }).await
    }

    fn payment(&self, txn: &Transaction) -> Payment {
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
}

/// What the application sent along, with the mark of a payment that was no money. Only the service sets it.
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
