//! Settling a transaction: the one road for the payer's browser, the web client, the gateway and
//! our jobs.
//!
//! Whatever brings the news, it is only a reason to ask the gateway. The answer goes through the
//! state machine, and what follows is stored against the version it was decided on; a writer that
//! was overtaken reads again and decides anew.

use std::sync::Arc;
use std::time::{Duration, Instant};

use payment_domain::machine::{self, OrderLife, Verdict};
use payment_domain::{
    Actor, ActorKind, AttentionKind, EventKind, GatewayDetails, GatewayName, HistoryEntry, Outcome, Report,
    StatusName, Transaction, TxnId,
};
use payment_gateway::{Answer, Evidence, Gateway, GatewayError};
use payment_store::{
    Applied, Attention, Change, ClaimChange, Dump, Fence, NewCase, ReceiptTaskChange, StoreError,
};
use serde_json::{Value, json};
use url::Url;

use crate::events::EventWriter;
use crate::gateways::TRANSACTION_PARAMETER;
use crate::identity::Identity;
use crate::pace::{Paces, Turnstile};
use crate::ports::{Ports, finished, sandbox_label};
use crate::questions::{News, Questions};
use crate::receipts::{Held, Receipts};
use crate::single_flight::{Permit, SingleFlight};

/// Settles transactions.
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
    /// Who is written into the history.
    pub actor: Actor,
    /// Who they are, for events and calls to DIGIT services.
    pub identity: Identity,
    /// The run of a job on whose behalf it happens: nothing is stored when that run is over.
    pub fence: Option<Fence>,
    /// What brings it about.
    pub origin: Origin,
}

/// What brings about that a transaction is settled.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Origin {
    /// Somebody brought news of it, or wants to know: it is worth so many questions, and waits for
    /// nobody's answer but a payer's.
    News,
    /// A job or an operator checks it, at the pace of its gateway, which was waited for.
    Reconciliation,
}

impl Caller {
    /// A caller without a job fence.
    pub fn new(actor: Actor, identity: Identity) -> Caller {
        Caller { actor, identity, fence: None, origin: Origin::News }
    }

    /// Who is named as having changed the transaction: a job acts as the system user.
    pub(crate) fn modifier(&self) -> String {
        match self.actor.kind {
            ActorKind::User | ActorKind::Gateway => self.actor.id.clone(),
            ActorKind::Job => self.identity.info().user("uuid").unwrap_or_default().into_owned(),
        }
    }
}

/// What was learned.
#[derive(Debug, Clone)]
pub struct Settled {
    /// The transaction as it stands now.
    pub txn: Transaction,
    /// Whether the gateway was asked.
    pub asked: Asked,
}

impl Settled {
    fn unasked(txn: Transaction) -> Settled {
        Settled { txn, asked: Asked::NotNeeded }
    }
}

/// What came of asking the gateway.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Asked {
    /// There was no need: the transaction is settled, or somebody else was asking.
    NotNeeded,
    /// It answered.
    Answered,
    /// It gave no usable answer, or is not active here, for this reason; the transaction keeps its
    /// state.
    Unusable(String),
    /// The question was not put: the gateway is not available, or was asked often enough for now. The
    /// transaction keeps its state.
    Unavailable {
        /// When it is worth asking again.
        retry_after: Duration,
    },
}

/// Why a transaction could not be settled.
#[derive(Debug, thiserror::Error)]
pub enum SettleError {
    /// There is no such transaction.
    #[error("transaction not found")]
    NotFound,
    /// The answer's signature is wrong: nothing was changed.
    #[error("the signature is wrong")]
    BadSignature,
    /// The answer is about another transaction, amount or merchant: nothing was changed.
    #[error("the answer is not about this transaction")]
    WrongTransaction,
    /// The run of the job on whose behalf it happened is over: nothing was changed.
    #[error("the run is over")]
    Fenced,
    /// The database is away.
    #[error(transparent)]
    Store(#[from] StoreError),
    /// The work was cut off by the end of the process.
    #[error("interrupted")]
    Interrupted,
}

impl Settlement {
    pub(crate) fn new(ports: Arc<Ports>, receipts: Receipts) -> Settlement {
        let questions = Arc::new(Questions::new(ports.settings.questions));
        let paces = Arc::new(Paces::new(ports.settings.pace.clone()));
        Settlement { ports, receipts, single_flight: Arc::default(), questions, paces }
    }

    /// What keeps the pace of a gateway.
    pub(crate) fn turnstile(&self, gateway: &GatewayName) -> Arc<Turnstile> {
        self.paces.of(gateway)
    }

    /// Settles a transaction on the strength of `answer`: what a gateway sent, by whatever way, or
    /// nothing at all. Runs to its end even if the caller goes away.
    ///
    /// # Errors
    /// A [`SettleError`]; a gateway that does not answer is none, the transaction keeps its state.
    pub async fn settle(&self, id: &TxnId, answer: &Answer, caller: &Caller) -> Result<Settled, SettleError> {
        let arrived = Instant::now();
        let txn = self.ports.store.transaction(id).await?.ok_or(SettleError::NotFound)?;
        if let Some(reason) = txn.unknown_values() {
            // No answer of a gateway can be compared with it.
            tracing::warn!(txn_id = %id, reason, "the transaction cannot be settled; see to it by hand");
            return Ok(Settled { txn, asked: Asked::Unusable(reason) });
        }
        let gateway = self.ports.gateways.get(&txn.gateway).cloned();
        let signed = match &gateway {
            Some(gateway) => self.signed(gateway.as_ref(), &txn, answer).await?,
            None => None,
        };
        self.settle_by(txn, gateway, signed, caller, arrived).await
    }

    /// Settles a transaction on the strength of what its gateway signed, or of nothing at all, which
    /// arrived at that moment.
    pub(crate) async fn settle_by(
        &self,
        txn: Transaction,
        gateway: Option<Arc<dyn Gateway>>,
        signed: Option<Report>,
        caller: &Caller,
        arrived: Instant,
    ) -> Result<Settled, SettleError> {
        let id = txn.id.clone();
        match (txn.status.name(), gateway) {
            (StatusName::Success, _) => {
                if let Some(signed) = &signed {
                    self.notice_second_payment(&txn, signed, caller).await?;
                }
                Ok(Settled::unasked(self.receipts.await_receipt(txn).await?))
            }
            (StatusName::Pending | StatusName::Failure, None) => {
                tracing::warn!(txn_id = %id, gateway = %txn.gateway, "the gateway is not active, its payments cannot be settled");
                let reason = format!("the gateway {} is not active", txn.gateway);
                Ok(Settled { txn, asked: Asked::Unusable(reason) })
            }
            (StatusName::Pending | StatusName::Failure, Some(gateway)) => {
                if caller.origin == Origin::News
                    && let Some(retry_after) = self.questions.wait(self.news(&txn, signed.as_ref()))
                {
                    return Ok(held_back(txn, retry_after));
                }
                let (settlement, caller) = (self.clone(), caller.clone());
                let work = self.ports.tasks.spawn(async move {
                    settlement.ask_in_turn(&id, gateway.as_ref(), signed.as_ref(), &caller, arrived).await
                });
                finished(work.await).ok_or(SettleError::Interrupted)?
            }
        }
    }

    /// Settles a transaction whose order could not be opened, as far as is known: nobody was sent to pay
    /// it, and if the gateway does not know it, it is over.
    ///
    /// # Errors
    /// A [`SettleError`], as of [`settle`](Settlement::settle).
    pub(crate) async fn settle_unopened(&self, id: &TxnId, caller: &Caller) -> Result<Settled, SettleError> {
        let mut permit = self.single_flight.permit(id).await;
        let txn = self.ports.store.transaction(id).await?.ok_or(SettleError::NotFound)?;
        match self.ports.gateways.get(&txn.gateway) {
            Some(gateway) if txn.status.name() == StatusName::Pending && txn.redirect_url.is_none() => {
                if let Err(retry_after) = self.turnstile(&txn.gateway).payer().await {
                    return Ok(held_back(txn, retry_after));
                }
                let question = Question { signed: None, life: OrderLife::NeverBegun, closes: false };
                self.ask_now(&mut permit, gateway.as_ref(), txn, question, caller).await
            }
            Some(_) | None => Ok(Settled::unasked(txn)),
        }
    }

    /// Closes the order of a pending transaction for another payment of its bills, where its gateway can
    /// do that, and settles it on what the gateway says then.
    ///
    /// # Errors
    /// A [`SettleError`], as of [`settle`](Settlement::settle).
    pub(crate) async fn supersede(&self, id: &TxnId, caller: &Caller) -> Result<Settled, SettleError> {
        let mut permit = self.single_flight.permit(id).await;
        let txn = self.ports.store.transaction(id).await?.ok_or(SettleError::NotFound)?;
        match self.ports.gateways.get(&txn.gateway) {
            Some(gateway) if txn.status.name() == StatusName::Pending && gateway.closing().is_some() => {
                if let Err(retry_after) = self.turnstile(&txn.gateway).payer().await {
                    return Ok(held_back(txn, retry_after));
                }
                let question = Question { signed: None, life: self.ports.life_of(&txn), closes: true };
                self.ask_now(&mut permit, gateway.as_ref(), txn, question, caller).await
            }
            Some(_) | None => Ok(Settled::unasked(txn)),
        }
    }

    /// What the gateway signed in an answer, if anything: not enough for a success, but enough to keep
    /// a payment from being forgotten.
    ///
    /// # Errors
    /// [`SettleError::BadSignature`] when it pretends to be the gateway's,
    /// [`SettleError::WrongTransaction`] when it is the gateway's about another payment.
    pub(crate) async fn signed(
        &self,
        gateway: &dyn Gateway,
        txn: &Transaction,
        answer: &Answer,
    ) -> Result<Option<Report>, SettleError> {
        let mut verified = gateway.verify(txn, answer).await;
        if let Err(GatewayError::BadSignature | GatewayError::WrongTransaction) = verified
            && let Some(answer) = without_own_query(txn, answer)
        {
            verified = gateway.verify(txn, &answer).await;
        }
        let refused = match verified {
            Ok(Evidence::Unsigned) => return Ok(None),
            Ok(Evidence::Signed(report)) => return Ok(Some(report)),
            Err(GatewayError::BadSignature) => SettleError::BadSignature,
            Err(GatewayError::WrongTransaction) => SettleError::WrongTransaction,
            Err(
                error @ (GatewayError::NotSent(_)
                | GatewayError::LocalFault(_)
                | GatewayError::Unanswered(_)
                | GatewayError::Unreadable(_)
                | GatewayError::Refused { .. }
                | GatewayError::Unavailable { .. }),
            ) => {
                tracing::info!(txn_id = %txn.id, gateway = %txn.gateway, %error, "an answer could not be verified, the gateway is asked");
                return Ok(None);
            }
        };
        metrics::counter!("answers_refused_total", "gateway" => txn.gateway.to_string()).increment(1);
        tracing::warn!(txn_id = %txn.id, gateway = %txn.gateway, reason = %refused, "an answer was refused");
        Err(refused)
    }

    async fn ask_in_turn(
        &self,
        id: &TxnId,
        gateway: &dyn Gateway,
        signed: Option<&Report>,
        caller: &Caller,
        arrived: Instant,
    ) -> Result<Settled, SettleError> {
        let mut permit = self.single_flight.permit(id).await;
        let txn = self.ports.store.transaction(id).await?.ok_or(SettleError::NotFound)?;
        if txn.status.name() == StatusName::Success {
            drop(permit);
            return Ok(Settled::unasked(self.receipts.await_receipt(txn).await?));
        }
        // Whoever brings proof of a payment is not put off with somebody else's answer.
        let brings_proof = signed.is_some_and(|signed| matches!(signed.outcome, Outcome::Paid { .. }));
        match permit.asked_since(arrived) {
            Some(true) if !brings_proof => return Ok(Settled::unasked(txn)),
            Some(false) => {
                let reason = "the gateway gave no usable answer a moment ago".to_owned();
                return Ok(Settled { txn, asked: Asked::Unusable(reason) });
            }
            Some(true) | None => {}
        }
        if caller.origin == Origin::News {
            let worth_a_question = self.questions.take(self.news(&txn, signed));
            let turn = match worth_a_question {
                Ok(()) => self.turnstile(&txn.gateway).payer().await,
                Err(retry_after) => Err(retry_after),
            };
            if let Err(retry_after) = turn {
                return Ok(held_back(txn, retry_after));
            }
        }
        // The order's life is judged by when the question was put: a payment made in its last moment
        // must not be missed because the answer took a moment more.
        let question = Question { signed, life: self.ports.life_of(&txn), closes: false };
        self.ask_now(&mut permit, gateway, txn, question, caller).await
    }

    async fn ask_now(
        &self,
        permit: &mut Permit,
        gateway: &dyn Gateway,
        txn: Transaction,
        question: Question<'_>,
        caller: &Caller,
    ) -> Result<Settled, SettleError> {
        let id = &txn.id;
        let asked_at = Instant::now();
        let answer = self.ask(gateway, &txn, question.closes).await;
        permit.asked(asked_at, answer.is_ok());
        match answer {
            Ok(report) => {
                let said = Said { report: &report, question };
                let txn = self.take_report(txn, &said, caller).await?;
                Ok(Settled { txn, asked: Asked::Answered })
            }
            Err(error) => {
                metrics::counter!("gateway_questions_failed_total", "gateway" => txn.gateway.to_string())
                    .increment(1);
                tracing::warn!(txn_id = %id, gateway = %txn.gateway, %error, "the gateway gave no usable answer");
                let asked = match error {
                    GatewayError::Unavailable { retry_after } => Asked::Unavailable { retry_after },
                    error @ (GatewayError::NotSent(_)
                    | GatewayError::LocalFault(_)
                    | GatewayError::Unanswered(_)
                    | GatewayError::Unreadable(_)
                    | GatewayError::Refused { .. }
                    | GatewayError::BadSignature
                    | GatewayError::WrongTransaction) => Asked::Unusable(error.to_string()),
                };
                Ok(Settled { txn, asked })
            }
        }
    }

    fn news<'a>(&self, txn: &'a Transaction, signed: Option<&'a Report>) -> News<'a> {
        News { txn_id: &txn.id, age: self.ports.now().since(txn.audit.created_at), signed }
    }

    async fn ask(
        &self,
        gateway: &dyn Gateway,
        txn: &Transaction,
        closes: bool,
    ) -> Result<Report, GatewayError> {
        let call = match gateway.closing().filter(|_| closes) {
            Some(closing) => closing.close(txn),
            None => gateway.status(txn),
        };
        match tokio::time::timeout(self.ports.settings.gateway_wait, call).await {
            Ok(answer) => answer,
            Err(elapsed) => Err(GatewayError::Unanswered(elapsed.into())),
        }
    }

    /// Decides what the gateway's report means for the transaction as it is stored, and stores that.
    async fn take_report(
        &self,
        txn: Transaction,
        said: &Said<'_>,
        caller: &Caller,
    ) -> Result<Transaction, SettleError> {
        let mut txn = txn;
        let report = said.report;
        loop {
            let Question { signed, life, closes } = said.question;
            let signed = signed.map(|signed| &signed.outcome);
            let mut verdict = machine::decide(txn.status.name(), txn.amount, &report.outcome, signed, life);
            if closes && verdict.message == machine::message::FAILED_AT_GATEWAY {
                verdict.message = machine::message::SUPERSEDED;
            }
            let details = GatewayDetails {
                txn_id: report.gateway_txn_id.clone(),
                payment_mode: report.payment_mode.clone(),
                status_code: report.status_code.clone(),
                status_message: report.status_message.clone(),
            };
            let news = txn.status.name() == StatusName::Pending && details != txn.gateway_details;
            if verdict.change.is_none() && !news {
                self.raise_attention(&txn, &verdict, said, caller).await?;
                // Whoever was faster, on another replica, may be issuing the receipt right now.
                return Ok(self.receipts.await_receipt(txn).await?);
            }
            let (changed, task) = self.change(&txn, &verdict, details, said, caller)?;
            let next = changed.txn.clone();
            match self.ports.store.apply(changed).await? {
                Applied::Stored => return Ok(self.after(next, task, report, caller).await),
                Applied::Fenced => return Err(SettleError::Fenced),
                Applied::Stale => {
                    txn = self.ports.store.transaction(&txn.id).await?.ok_or(SettleError::NotFound)?;
                }
            }
        }
    }

    fn change(
        &self,
        txn: &Transaction,
        verdict: &Verdict,
        details: GatewayDetails,
        said: &Said<'_>,
        caller: &Caller,
    ) -> Result<(Change, Option<Held>), StoreError> {
        let report = said.report;
        let now = self.ports.now();
        let from = txn.status.name();
        let mut next = txn.clone();
        if let Some(status) = &verdict.change {
            next.status = status.clone();
            verdict.message.clone_into(&mut next.status_message);
        }
        next.gateway_details = details;
        next.audit.modified_by = Some(caller.modifier());
        next.audit.modified_at = Some(now);
        next.version += 1;

        let to = next.status.name();
        let task = (to == StatusName::Success).then(|| self.receipts.begin_task());
        let lease = self.ports.settings.receipt_lease;
        let dump = Dump { request: None, response: Some(report.raw.clone()) };
        let events = EventWriter::new(&caller.identity)?;
        let told_dump = Dump { request: next.redirect_url.clone(), response: dump.response.clone() };
        let change = Change {
            history: history(&next, from, verdict, said, caller, now),
            redirect_form: None,
            events: vec![events.update(&next)?, events.dump(EventKind::UpdateDump, &next, &told_dump)?],
            dump: Some(dump),
            claims: match to {
                StatusName::Failure => ClaimChange::Release,
                StatusName::Pending | StatusName::Success => ClaimChange::Keep,
            },
            receipt_task: task
                .as_ref()
                .map_or(ReceiptTaskChange::None, |task| ReceiptTaskChange::Created(task.new_task(lease))),
            attention: verdict.attention.map(|kind| Attention {
                txn_id: next.id.clone(),
                kind,
                raised_at: now,
                evidence: said.evidence(),
            }),
            forget_key: None,
            fence: caller.fence.clone(),
            txn: next,
        };
        Ok((change, task))
    }

    /// What follows a stored change: the numbers for operators, and the receipt.
    async fn after(
        &self,
        txn: Transaction,
        task: Option<Held>,
        report: &Report,
        caller: &Caller,
    ) -> Transaction {
        let status = txn.status.name().as_str();
        metrics::counter!("transactions_settled_total", "gateway" => txn.gateway.to_string(), "status" => status, "sandbox" => sandbox_label(&txn.gateway))
            .increment(1);
        tracing::info!(txn_id = %txn.id, gateway = %txn.gateway, status, outcome = report.outcome.name(), "settled");
        match task {
            Some(task) => self.receipts.issue_now(txn, task, caller).await,
            None => txn,
        }
    }

    /// Puts a paid transaction up for attention when the gateway signs another payment of the same
    /// order, or that the money went back.
    async fn notice_second_payment(
        &self,
        txn: &Transaction,
        signed: &Report,
        caller: &Caller,
    ) -> Result<(), StoreError> {
        let other = signed.gateway_txn_id.is_some()
            && txn.gateway_details.txn_id.is_some()
            && signed.gateway_txn_id != txn.gateway_details.txn_id;
        let attention = match &signed.outcome {
            Outcome::Paid { .. } if other => Some(AttentionKind::SecondPayment),
            Outcome::Refunded => Some(AttentionKind::Refunded),
            Outcome::Paid { .. }
            | Outcome::Declined { .. }
            | Outcome::Pending
            | Outcome::NotFound
            | Outcome::Unrecognised { .. } => None,
        };
        let verdict = Verdict { change: None, message: "", attention };
        let question = Question { signed: None, life: OrderLife::Running, closes: false };
        let said = Said { report: signed, question };
        self.raise_attention(txn, &verdict, &said, caller).await
    }

    async fn raise_attention(
        &self,
        txn: &Transaction,
        verdict: &Verdict,
        said: &Said<'_>,
        caller: &Caller,
    ) -> Result<(), StoreError> {
        let Some(kind) = verdict.attention else {
            return Ok(());
        };
        let mut evidence = said.evidence();
        let mut hold = Vec::new();
        let mut kind = kind;
        if kind == AttentionKind::LateSuccess {
            let bills = txn.bill_keys();
            let mut others = self.ports.store.claims(&bills).await?;
            others.retain(|claim| claim.txn_id != txn.id);
            if others.iter().any(|claim| claim.status == StatusName::Success) {
                kind = AttentionKind::PaidTwice;
            }
            if let Value::Object(evidence) = &mut evidence {
                let held: Vec<_> = others.iter().map(|claim| json!({ "billId": claim.bill.bill.as_str(), "txnId": claim.txn_id, "txnStatus": claim.status.as_str() })).collect();
                evidence.insert("otherPayments".to_owned(), held.into());
            }
            // Nobody shall pay again what has been paid, until an operator has seen to it.
            hold = bills;
        }
        let verdict = Verdict { attention: Some(kind), ..verdict.clone() };
        let now = self.ports.now();
        let history = history(txn, txn.status.name(), &verdict, said, caller, now);
        let case = Attention { txn_id: txn.id.clone(), kind, raised_at: now, evidence };
        let new = NewCase { case, history, hold, fence: caller.fence.clone() };
        self.ports.raise_attention(new).await
    }
}

/// The answer without the application's own parameters: a web client relays the whole query of the page
/// to which the browser came back, and one of its own names may be one of the gateway's. `None` when it
/// holds none of them. What is left still has to carry the gateway's signature.
fn without_own_query(txn: &Transaction, answer: &Answer) -> Option<Answer> {
    let url = Url::parse(txn.callback_url.as_deref()?).ok()?;
    let own = url
        .query_pairs()
        .filter(|(name, _)| name != TRANSACTION_PARAMETER)
        .map(|(name, value)| (name.into_owned(), value.into_owned()));
    let params = answer.params.without(own);
    (params != answer.params).then(|| Answer { params, ..answer.clone() })
}

/// The gateway was asked often enough for now: what is stored has to do.
fn held_back(txn: Transaction, retry_after: Duration) -> Settled {
    metrics::counter!("gateway_questions_held_back_total", "gateway" => txn.gateway.to_string()).increment(1);
    Settled { txn, asked: Asked::Unavailable { retry_after } }
}

/// What the gateway said, when it was asked and before.
struct Said<'a> {
    /// Its answer to the question.
    report: &'a Report,
    /// The question.
    question: Question<'a>,
}

/// What a gateway is asked about a transaction, and what is known by then.
#[derive(Clone, Copy)]
struct Question<'a> {
    /// What it had signed in the answer that led to the question.
    signed: Option<&'a Report>,
    /// Whether the order could still be paid when the question was put.
    life: OrderLife,
    /// Whether it is to close the order.
    closes: bool,
}

impl Said<'_> {
    /// Both, as they came.
    fn evidence(&self) -> Value {
        match self.question.signed {
            Some(signed) => json!({ "answer": self.report.raw, "signed": signed.raw }),
            None => json!({ "answer": self.report.raw }),
        }
    }
}

fn history(
    txn: &Transaction,
    from: StatusName,
    verdict: &Verdict,
    gateway: &Said<'_>,
    caller: &Caller,
    now: payment_domain::Timestamp,
) -> HistoryEntry {
    let report = gateway.report;
    let said = match &report.outcome {
        Outcome::Paid { amount: Some(amount) } => format!("the gateway says: paid {amount}"),
        Outcome::Paid { amount: None } => "the gateway says: paid, without an amount".to_owned(),
        Outcome::Declined { reason } => format!("the gateway says: declined, {reason}"),
        Outcome::Unrecognised { code } => format!("the gateway says something unknown: {code}"),
        Outcome::Pending | Outcome::NotFound | Outcome::Refunded => {
            format!("the gateway says: {}", report.outcome.name())
        }
    };
    let said = if gateway.question.closes { format!("closed for another payment; {said}") } else { said };
    let why = match verdict.attention {
        Some(kind) => format!("{said}; put up for attention: {}", kind.as_str()),
        None => said,
    };
    HistoryEntry {
        txn_id: txn.id.clone(),
        at: now,
        actor: caller.actor.clone(),
        from: Some(from),
        to: txn.status.name(),
        why,
        evidence: gateway.evidence(),
    }
}
