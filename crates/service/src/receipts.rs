//! The receipt duty: whoever makes a transaction a success also writes down that its receipt is
//! due, in the same commit. The duty is done at once, or later by [`Receipts::tick`].
//!
//! Exactly one receipt, whatever dies when: the right to issue it is leased to one party at a time;
//! the lease is longer than the calls made under it can take, and nobody registers a payment when
//! too little of it is left; and whoever takes over a duty, or a payment that an earlier service has
//! begun, first looks whether the collection service has the payment already.

use std::sync::Arc;
use std::time::Duration;

use async_trait::async_trait;
use payment_digit::{DigitError, Payment, Receipts as ReceiptNumbers};
use payment_domain::{Actor, AttentionKind, HistoryEntry, Status, Timestamp, Transaction, TxnId};
use payment_store::{
    Applied, Attention, Change, ClaimChange, DutyChange, Lease, NewCase, ReceiptDuty, Store, StoreError,
};
use serde_json::{Map, Value, json};

use crate::events::EventWriter;
use crate::ports::{Ports, sandbox_label};
use crate::scheduler::{Job, JobError, Run};
use crate::settle::Caller;

/// The first wait after a failure; doubled each time.
const FIRST_DELAY: Duration = Duration::from_secs(5);
/// The longest wait between two tries.
const LONGEST_DELAY: Duration = Duration::from_secs(600);
/// How many receipts are issued at a time.
const AT_ONCE: u32 = 8;
/// How often one tick takes so many.
const BATCHES: usize = 8;

/// Issues receipts.
#[derive(Clone)]
pub struct Receipts {
    pub(crate) ports: Arc<Ports>,
}

/// What a tick did.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq)]
pub struct ReceiptTally {
    /// Receipts issued.
    pub issued: u32,
    /// Duties given back for a later try.
    pub postponed: u32,
}

/// Why a receipt was not issued this time.
#[derive(Debug, thiserror::Error)]
enum ReceiptError {
    #[error(transparent)]
    Digit(#[from] DigitError),
    #[error(transparent)]
    Store(#[from] StoreError),
    #[error("another worker has taken the duty over")]
    LeaseLost,
}

/// Whether the collection service may know the payment already.
#[derive(Clone, Copy, PartialEq, Eq)]
enum Attempt {
    /// The payment is ours from its beginning, its duty arose in a commit of ours and was leased to us
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
        Receipts { ports }
    }

    pub(crate) fn new_lease(&self, now: Timestamp) -> Lease {
        Lease { token: uuid::Uuid::now_v7().to_string(), until: now.plus(self.ports.settings.receipt_lease) }
    }

    /// The duty of a transaction that is stored as a success, leased to whoever stores it.
    pub(crate) fn new_duty(&self, txn_id: &TxnId) -> ReceiptDuty {
        let now = self.ports.now();
        ReceiptDuty {
            txn_id: txn_id.clone(),
            due_at: now,
            attempts: 0,
            lease: Some(self.new_lease(now)),
            last_error: None,
        }
    }

    /// Issues the receipt of a transaction that was just stored as a success, waiting for it no
    /// longer than the configured limit; the work goes on behind that. Returns the transaction as
    /// it stands then, with or without its receipt.
    pub(crate) async fn issue_now(
        &self,
        txn: Transaction,
        duty: &ReceiptDuty,
        caller: &Caller,
    ) -> Transaction {
        let work = {
            let (receipts, txn, duty, caller) = (self.clone(), txn.clone(), duty.clone(), caller.clone());
            let attempt = Attempt::of_whoever_stored(&txn);
            self.ports.tasks.spawn(async move { receipts.attempt(txn, &duty, &caller, attempt).await })
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
    /// where there is no duty: the receipt was issued a moment ago, or an earlier service, which stored
    /// no receipts, has settled the transaction.
    pub(crate) async fn await_receipt(&self, txn: Transaction) -> Result<Transaction, StoreError> {
        const PAUSE: Duration = Duration::from_millis(25);
        let store = &self.ports.store;
        let deadline = tokio::time::Instant::now() + self.ports.settings.receipt_wait;
        let mut txn = txn;
        while txn.status == (Status::Success { receipt: None }) && tokio::time::Instant::now() < deadline {
            let Some(duty) = store.receipt_duty(&txn.id).await? else {
                return Ok(store.transaction(&txn.id).await?.unwrap_or(txn));
            };
            if duty.lease.is_none_or(|lease| lease.until <= self.ports.now()) {
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

    /// Takes up a batch of duties that are due. One that fails is given back for later and never
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
        // As many at a time as are carried out at once: a lease begins when the work does.
        for _ in 0..BATCHES {
            if stopped() {
                break;
            }
            let now = self.ports.now();
            let duties = self.ports.store.lease_receipt_duties(now, self.new_lease(now), AT_ONCE).await?;
            if duties.is_empty() {
                break;
            }
            let mut work = tokio::task::JoinSet::new();
            for duty in duties {
                let receipts = self.clone();
                work.spawn(async move { receipts.resume(&duty).await });
            }
            while let Some(issued) = work.join_next().await {
                if issued.unwrap_or(false) { tally.issued += 1 } else { tally.postponed += 1 }
            }
        }
        Ok(tally)
    }

    async fn resume(&self, duty: &ReceiptDuty) -> bool {
        let caller = Caller::new(Actor::job("receipts"), self.ports.settings.system_request_info());
        match self.ports.store.transaction(&duty.txn_id).await {
            Ok(Some(txn)) => self.attempt(txn, duty, &caller, Attempt::Later).await.is_some(),
            Ok(None) => {
                tracing::error!(txn_id = %duty.txn_id, "a receipt is due for a transaction that is not there");
                false
            }
            Err(error) => {
                tracing::warn!(txn_id = %duty.txn_id, %error, "a due receipt could not be taken up");
                false
            }
        }
    }

    /// One attempt under the duty's lease: the transaction with its receipt, or `None` when the
    /// duty was given back.
    async fn attempt(
        &self,
        txn: Transaction,
        duty: &ReceiptDuty,
        caller: &Caller,
        attempt: Attempt,
    ) -> Option<Transaction> {
        let lease = duty.lease.as_ref()?;
        let error = match self.issue(txn.clone(), lease, caller, attempt).await {
            Ok(with_receipt) => {
                metrics::counter!("receipts_issued_total", "sandbox" => sandbox_label(&txn.gateway))
                    .increment(1);
                return Some(with_receipt);
            }
            Err(ReceiptError::LeaseLost) => return None,
            Err(error) => error,
        };
        metrics::counter!("receipts_postponed_total").increment(1);
        tracing::warn!(txn_id = %txn.id, attempts = duty.attempts + 1, %error, "a receipt is postponed");
        if let Err(error) = self.postpone(&txn, duty, lease, &error).await {
            // The lease runs out by itself; then the duty is due again.
            tracing::warn!(txn_id = %txn.id, %error, "a receipt duty could not be given back");
        }
        None
    }

    async fn issue(
        &self,
        txn: Transaction,
        lease: &Lease,
        caller: &Caller,
        attempt: Attempt,
    ) -> Result<Transaction, ReceiptError> {
        let collections = &self.ports.collections;
        // The collection service wants to know a user: for callers without one we act in our own name.
        let system = self.ports.settings.system_request_info();
        let user = if caller.info.user("uuid").is_some() { &caller.info } else { &system };
        let known = match attempt {
            Attempt::First => None,
            Attempt::Later => collections.find(user, &txn.tenant_id, &txn.id).await?,
        };
        let numbers = match known {
            Some(numbers) => numbers,
            None => {
                self.refuse_to_outlive(lease, &txn)?;
                collections.create(user, &self.payment(&txn)).await?
            }
        };
        if numbers.0.is_empty() {
            return Err(ReceiptError::Digit(DigitError::Incomplete {
                code: "PAYMENT_REGISTRATION_FAILED",
                message: "The payment is registered without a receipt number".to_owned(),
            }));
        }
        self.save(txn, &lease.token, numbers, caller).await
    }

    /// Gives a duty up whose lease may end while the payment is being registered: the look-up or the
    /// commit before took long, or the process stood still. Somebody else could look the payment up
    /// meanwhile, not find it, and register it as well.
    fn refuse_to_outlive(&self, lease: &Lease, txn: &Transaction) -> Result<(), ReceiptError> {
        if self.ports.now().plus(self.ports.settings.collection_call) < lease.until {
            return Ok(());
        }
        tracing::warn!(txn_id = %txn.id, "too little is left of the right to issue a receipt, it is left to the next one");
        Err(ReceiptError::LeaseLost)
    }

    async fn save(
        &self,
        txn: Transaction,
        lease_token: &str,
        ReceiptNumbers(numbers): ReceiptNumbers,
        caller: &Caller,
    ) -> Result<Transaction, ReceiptError> {
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
                events: vec![EventWriter::new(&caller.info)?.update(&txn)?],
                claims: ClaimChange::Keep,
                receipt_duty: DutyChange::Done { lease_token: lease_token.to_owned() },
                attention: None,
                forget_key: None,
                fence: None,
                txn: txn.clone(),
            };
            match self.ports.store.apply(change).await? {
                Applied::Stored => return Ok(txn),
                Applied::Stale | Applied::Fenced => txn = self.reload_for_receipt(&txn, lease_token).await?,
            }
        }
    }

    /// The stored transaction, if the duty is still ours to do.
    async fn reload_for_receipt(&self, txn: &Transaction, token: &str) -> Result<Transaction, ReceiptError> {
        let store: &dyn Store = self.ports.store.as_ref();
        let duty = store.receipt_duty(&txn.id).await?;
        let ours = duty.is_some_and(|duty| duty.lease.is_some_and(|lease| lease.token == token));
        match store.transaction(&txn.id).await? {
            Some(stored) if ours => Ok(stored),
            Some(_) | None => Err(ReceiptError::LeaseLost),
        }
    }

    async fn postpone(
        &self,
        txn: &Transaction,
        duty: &ReceiptDuty,
        lease: &Lease,
        error: &ReceiptError,
    ) -> Result<(), StoreError> {
        let now = self.ports.now();
        let backoff = FIRST_DELAY.saturating_mul(1 << duty.attempts.min(16)).min(LONGEST_DELAY);
        let (delay, refused) = match error {
            // The call may still be at work over there: not before the lease would have run out.
            ReceiptError::Digit(DigitError::Unanswered { .. }) => {
                (backoff.max(self.ports.settings.receipt_lease), false)
            }
            ReceiptError::Digit(DigitError::Refused { .. } | DigitError::Incomplete { .. }) => {
                (LONGEST_DELAY, true)
            }
            ReceiptError::Digit(DigitError::NotSent { .. })
            | ReceiptError::Store(_)
            | ReceiptError::LeaseLost => (backoff, false),
        };
        let reason = error.to_string();
        let due_at = now.plus(delay);
        let ours = self.ports.store.postpone_receipt_duty(&txn.id, &lease.token, due_at, &reason).await?;
        // Whoever has taken the duty over may have registered the payment, and been refused for that:
        // what they find out counts.
        if refused && ours {
            self.raise_refusal(txn, error, now).await?;
        }
        Ok(())
    }

    async fn raise_refusal(
        &self,
        txn: &Transaction,
        error: &ReceiptError,
        now: Timestamp,
    ) -> Result<(), StoreError> {
        let evidence: Value = match error {
            ReceiptError::Digit(DigitError::Refused { service, body }) => {
                json!({ "service": service, "body": serde_json::from_str::<Value>(body).unwrap_or_else(|_| body.as_str().into()) })
            }
            ReceiptError::Digit(_) | ReceiptError::Store(_) | ReceiptError::LeaseLost => {
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
