//! Settles transactions: the one path of the payer's browser, the web client, the gateway and our jobs.
//!
//! An answer that arrives is a reason to ask the gateway, never proof of a payment. The gateway's report
//! goes through the state machine, and the change is stored against the version it was decided on; a
//! [`Applied::Stale`](payment_store::Applied::Stale) change is decided again on the stored transaction.
//!
//! A transaction is read once: the row that names the gateway and its adapter is the one the answer is
//! verified against and the report is decided on. It is read again only after waiting for another request
//! that was asking about it ([`SingleFlight`]), and when a change is stale.

mod applying;
mod asking;
mod verifying;

use std::sync::Arc;
use std::time::{Duration, Instant};

use payment_domain::machine::OrderLife;
use payment_domain::{Actor, ActorKind, GatewayName, Report, StatusName, Transaction, TxnId};
use payment_gateway::{Answer, Gateway};
use payment_store::{Fence, StoreError};
use tracing::Instrument;

use self::asking::{Question, held_back};
use crate::identity::Identity;
use crate::pace::{Paces, Turnstile};
use crate::payment_span::in_trace_of;
use crate::ports::{Ports, finished};
use crate::questions::Questions;
use crate::receipts::Receipts;
use crate::single_flight::SingleFlight;

#[derive(Clone)]
pub struct Settlement {
    ports: Arc<Ports>,
    receipts: Receipts,
    single_flight: Arc<SingleFlight>,
    questions: Arc<Questions>,
    paces: Arc<Paces>,
}

/// On whose behalf a transaction is settled.
#[derive(Debug, Clone)]
pub struct Caller {
    /// The actor of history lines.
    pub actor: Actor,
    /// The identity in events and in calls to DIGIT services.
    pub identity: Identity,
    /// The run of a job: once it is over nothing is stored.
    pub fence: Option<Fence>,
    pub origin: Origin,
}

/// The occasion of settling; decides the limits on questions to the gateway.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Origin {
    /// An answer that arrived, or a look-up: limited per payment, and ahead of jobs in the gateway's pace.
    Answer,
    /// A check by a job or an operator, which has waited for the gateway's pace.
    Reconciliation,
}

impl Caller {
    /// A caller without a job's fence.
    pub fn new(actor: Actor, identity: Identity) -> Caller {
        Caller { actor, identity, fence: None, origin: Origin::Answer }
    }

    /// The id in `lastModifiedBy`; for a job the system user's.
    pub(crate) fn modifier(&self) -> String {
        match self.actor.kind {
            ActorKind::User | ActorKind::Gateway => self.actor.id.clone(),
            ActorKind::Job => self.identity.info().user("uuid").unwrap_or_default().into_owned(),
        }
    }
}

/// A transaction after an attempt to settle it.
#[derive(Debug, Clone)]
pub struct Settled {
    /// As stored.
    pub txn: Transaction,
    pub asked: Asked,
}

impl Settled {
    fn unasked(txn: Transaction) -> Settled {
        Settled { txn, asked: Asked::NotNeeded }
    }
}

/// The outcome of a question to the gateway.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Asked {
    /// The transaction is settled, or another request was asking.
    NotNeeded,
    Answered,
    /// No usable answer, or no active gateway, for this reason; the transaction keeps its state.
    Unusable(String),
    /// Not asked: the gateway is unavailable, or a limit on questions is reached. The transaction keeps
    /// its state.
    Unavailable {
        retry_after: Duration,
    },
}

/// Why a transaction was not settled. Nothing was changed.
#[derive(Debug, thiserror::Error)]
pub enum SettleError {
    #[error("transaction not found")]
    NotFound,
    #[error("the signature is wrong")]
    BadSignature,
    /// The answer is about another transaction, amount or merchant.
    #[error("the answer is not about this transaction")]
    WrongTransaction,
    /// The caller's job run is over.
    #[error("the run is over")]
    Fenced,
    #[error(transparent)]
    Store(#[from] StoreError),
    #[error("interrupted")]
    Interrupted,
}

impl Settlement {
    pub(crate) fn new(ports: Arc<Ports>, receipts: Receipts) -> Settlement {
        let questions = Arc::new(Questions::new(ports.settings.questions));
        let paces = Arc::new(Paces::new(ports.settings.pace.clone()));
        Settlement { ports, receipts, single_flight: Arc::default(), questions, paces }
    }

    pub(crate) fn turnstile(&self, gateway: &GatewayName) -> Arc<Turnstile> {
        self.paces.of(gateway)
    }

    /// Settles a transaction on `answer`: what a gateway sent, by whatever way, or an empty one. Runs to
    /// its end even if the caller hangs up.
    ///
    /// # Errors
    /// A [`SettleError`]. A gateway that does not answer is none: the transaction keeps its state.
    pub async fn settle(&self, id: &TxnId, answer: &Answer, caller: &Caller) -> Result<Settled, SettleError> {
        let arrived = Instant::now();
        let txn = self.stored(id).await?;
        self.settle_stored(txn, answer, caller, arrived).await
    }

    /// [`settle`](Settlement::settle) for a transaction that was just read.
    pub(crate) async fn settle_stored(
        &self,
        txn: Transaction,
        answer: &Answer,
        caller: &Caller,
        arrived: Instant,
    ) -> Result<Settled, SettleError> {
        if let Some(reason) = txn.unknown_values() {
            // No report of a gateway can be compared with it.
            tracing::warn!(txn_id = %txn.id, reason, "the transaction cannot be settled; see to it by hand");
            return Ok(Settled { txn, asked: Asked::Unusable(reason) });
        }
        let gateway = self.ports.gateways.of(&txn).await;
        let signed = match &gateway {
            Ok(gateway) => self.signed(gateway.as_ref(), &txn, answer).await?,
            Err(_) => None,
        };
        self.settle_verified(txn, gateway, signed, caller, arrived).await
    }

    /// Settles a transaction on an answer that arrived at that moment; `signed` is the report its gateway
    /// signed in it; `gateway` is [`Gateways::of`](crate::Gateways::of) it.
    pub(crate) async fn settle_verified(
        &self,
        txn: Transaction,
        gateway: Result<Arc<dyn Gateway>, String>,
        signed: Option<Report>,
        caller: &Caller,
        arrived: Instant,
    ) -> Result<Settled, SettleError> {
        match (txn.status.name(), gateway) {
            (StatusName::Success, _) => {
                if let Some(signed) = &signed {
                    self.notice_second_payment(&txn, signed, caller).await?;
                }
                Ok(Settled::unasked(self.receipts.await_receipt(txn).await?))
            }
            (StatusName::Pending | StatusName::Failure, Err(reason)) => {
                tracing::warn!(txn_id = %txn.id, gateway = %txn.gateway, reason, "the payment cannot be settled");
                Ok(Settled { txn, asked: Asked::Unusable(reason) })
            }
            (StatusName::Pending | StatusName::Failure, Ok(gateway)) => {
                if caller.origin == Origin::Answer
                    && let Some(retry_after) = self.questions.wait(self.trigger(&txn, signed.as_ref()))
                {
                    return Ok(held_back(txn, retry_after));
                }
                let (settlement, caller) = (self.clone(), caller.clone());
                let work = async move {
                    let (store, id) = (settlement.ports.store.as_ref(), txn.id.clone());
                    let asking =
                        settlement.ask_once(txn, gateway.as_ref(), signed.as_ref(), &caller, arrived);
                    in_trace_of(store, &id, "settle", asking).await
                };
                let work = self.ports.tasks.spawn(work.in_current_span());
                finished(work.await).ok_or(SettleError::Interrupted)?
            }
        }
    }

    /// Settles a transaction whose order may not have been opened: no payer was sent to it, so that "no such
    /// payment" is final.
    ///
    /// # Errors
    /// As [`settle`](Settlement::settle).
    pub(crate) async fn settle_unopened(&self, id: &TxnId, caller: &Caller) -> Result<Settled, SettleError> {
        let life = |_: &Transaction| OrderLife::NeverBegun;
        let applies = |txn: &Transaction, _: &dyn Gateway| txn.redirect_url.is_none();
        self.ask_pending(id, applies, life, false, caller).await
    }

    /// Closes the order of a pending transaction in favour of another payment of its bills, where its
    /// gateway can close orders, and settles it on the gateway's report.
    ///
    /// # Errors
    /// As [`settle`](Settlement::settle).
    pub(crate) async fn supersede(&self, id: &TxnId, caller: &Caller) -> Result<Settled, SettleError> {
        let life = |txn: &Transaction| self.ports.life_of(txn);
        let applies = |_: &Transaction, gateway: &dyn Gateway| gateway.closing().is_some();
        self.ask_pending(id, applies, life, true, caller).await
    }

    /// Asks about a transaction as a payer does, if it is pending under the permit and `applies`.
    async fn ask_pending(
        &self,
        id: &TxnId,
        applies: impl Fn(&Transaction, &dyn Gateway) -> bool,
        life: impl Fn(&Transaction) -> OrderLife,
        closes: bool,
        caller: &Caller,
    ) -> Result<Settled, SettleError> {
        let mut permit = self.single_flight.permit(id).await;
        let txn = self.stored(id).await?;
        match self.ports.gateways.of(&txn).await {
            Ok(gateway) if txn.status.name() == StatusName::Pending && applies(&txn, gateway.as_ref()) => {
                if let Err(retry_after) = self.turnstile(&txn.gateway).payer().await {
                    return Ok(held_back(txn, retry_after));
                }
                let question = Question { signed: None, life: life(&txn), closes };
                let asking = self.ask(&mut permit, gateway.as_ref(), txn, question, caller);
                in_trace_of(self.ports.store.as_ref(), id, "settle", asking).await
            }
            Ok(_) | Err(_) => Ok(Settled::unasked(txn)),
        }
    }

    async fn stored(&self, id: &TxnId) -> Result<Transaction, SettleError> {
        self.ports.store.transaction(id).await?.ok_or(SettleError::NotFound)
    }
}
