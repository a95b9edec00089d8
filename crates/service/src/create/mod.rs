//! Creates transactions: checks the request, asks DIGIT's services, claims the bills, opens the order.
//!
//! With an offline adapter ([`StartMode::Offline`]) that is one commit in all. An adapter that calls its
//! gateway does so after the commit, so that no gateway has an order that is not stored here.

mod checking;
mod drafting;
mod holders;
mod opening;
mod repetition;
mod request;

use std::sync::Arc;

use payment_digit::DigitError;
use payment_domain::machine::message;
use payment_domain::{Actor, EventKind, HistoryEntry, HistoryReason, Status, Transaction, TxnId};
use payment_gateway::{Gateway, GatewayError, StartMode};
use payment_store::{Created, Dump, IdempotencyKey, IdempotencyRecord, NewTransaction, StoreError};
use serde_json::Value;
use serde_json::value::RawValue;
use tracing::Instrument;

pub use self::request::{BillRequest, CreateRequest, IdempotentRequest};

use self::checking::Checked;
use crate::events::{EventWriter, to_json};
use crate::gateways::Offered;
use crate::ports::{Ports, finished, sandbox_label};
use crate::receipts::{Held, Receipts};
use crate::settle::{Caller, Settlement};
use crate::view::TransactionView;

#[derive(Debug, Clone)]
pub struct CreatedTransaction {
    pub id: TxnId,
    /// The transaction as the API shows it.
    pub json: Box<RawValue>,
    /// Whether an earlier, equal request has created it.
    pub reused: bool,
}

/// An objection to a request.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Refusal {
    /// A code of the contract.
    pub code: &'static str,
    pub message: String,
}

#[derive(Debug, thiserror::Error)]
pub enum CreateError {
    /// All objections.
    #[error("refused")]
    Refused(Vec<Refusal>),
    #[error("the idempotency key was used for another request")]
    KeyReused,
    #[error("the first request with this key is still at work")]
    StillRunning,
    /// The id service has given two ids that other transactions have.
    #[error("the transaction id {0} was given before")]
    IdTaken(TxnId),
    #[error(transparent)]
    Digit(#[from] DigitError),
    #[error(transparent)]
    Gateway(#[from] GatewayError),
    #[error(transparent)]
    Store(#[from] StoreError),
    #[error("interrupted")]
    Interrupted,
}

#[derive(Clone)]
pub struct Creation {
    ports: Arc<Ports>,
    receipts: Receipts,
    settlement: Settlement,
}

/// A transaction that is ready to be stored.
struct Draft {
    txn: Transaction,
    redirect_form: Option<Value>,
    then: Then,
}

/// The step after the commit of a new transaction.
#[derive(Clone, Copy, PartialEq, Eq)]
enum Then {
    Answer,
    OpenOrder,
    IssueReceipt,
}

impl Creation {
    pub(crate) fn new(ports: Arc<Ports>, receipts: Receipts, settlement: Settlement) -> Creation {
        Creation { ports, receipts, settlement }
    }

    /// Creates a transaction, or answers as an earlier request with the same key was. Runs to its end even if
    /// the caller hangs up: an order that is open at a gateway must be stored here.
    ///
    /// # Errors
    /// A [`CreateError`]. No payer can pay then, and no bill stays claimed except after
    /// [`GatewayError::Unanswered`] and [`GatewayError::Unreadable`], where the order may be open.
    pub async fn create(&self, request: CreateRequest) -> Result<CreatedTransaction, CreateError> {
        let creation = self.clone();
        let work = async move { creation.run(request).await };
        let work = self.ports.tasks.spawn(work.in_current_span());
        finished(work.await).ok_or(CreateError::Interrupted)?
    }

    async fn run(&self, request: CreateRequest) -> Result<CreatedTransaction, CreateError> {
        let Some(idempotent) = request.idempotent.clone() else { return self.run_new(&request, None).await };
        let key = IdempotencyKey {
            scope: format!("{}/{}", request.tenant_id, request.user_uuid()),
            key: idempotent.key,
        };
        if let Some(first) = self.ports.store.idempotency(&key).await? {
            return self.repeat(first, &idempotent.digest, &request.identity).await;
        }
        match self.run_new(&request, Some(&key)).await {
            // The first request with this key may have claimed the bills after the look-up above.
            Err(CreateError::Refused(refusals)) => match self.ports.store.idempotency(&key).await? {
                Some(first) => self.repeat(first, &idempotent.digest, &request.identity).await,
                None => Err(CreateError::Refused(refusals)),
            },
            other => other,
        }
    }

    async fn run_new(
        &self,
        request: &CreateRequest,
        key: Option<&IdempotencyKey>,
    ) -> Result<CreatedTransaction, CreateError> {
        match self.try_new(request, key).await {
            // Nothing was stored, and no gateway has the order: the second attempt gets another id.
            Err(CreateError::IdTaken(id)) => {
                tracing::warn!(txn_id = %id, "a transaction id was given before; another one is asked for");
                self.try_new(request, key).await
            }
            other => other,
        }
    }

    async fn try_new(
        &self,
        request: &CreateRequest,
        key: Option<&IdempotencyKey>,
    ) -> Result<CreatedTransaction, CreateError> {
        let (Offered { gateway, account }, amounts) = match self.check(request).await? {
            Checked::New(offered, amounts) => (offered, amounts),
            Checked::Reused(txn) => return self.reuse(*txn, request, key).await,
        };
        let gateway = gateway.as_ref();
        let txn = Transaction { account, ..self.draft(request, gateway, amounts).await? };
        let bank_account = self.bank_account(gateway, &txn, request.identity.info()).await?;
        let draft = self.begin(txn, gateway, bank_account.as_deref()).await?;
        let then = draft.then;

        let answer = answer_json(&draft.txn, &request.amount)?;
        let task = (then == Then::IssueReceipt).then(|| self.receipts.begin_task());
        let new = self.new_transaction(&draft, request, key, &answer, task.as_ref())?;
        let txn = draft.txn;
        let commit = tracing::debug_span!(target: payment_trace::INNER, "commit", pg.txn_id = %txn.id);
        match self.ports.store.create(new).instrument(commit).await? {
            Created::Stored => request.subject.is(&txn.id),
            Created::BillsTaken(claims) => return Err(self.taken(&claims).await?),
            Created::KeyTaken(first) => {
                let digest =
                    request.idempotent.as_ref().map(|idempotent| idempotent.digest).unwrap_or_default();
                return self.repeat(first, &digest, &request.identity).await;
            }
            Created::IdTaken => return Err(CreateError::IdTaken(txn.id)),
        }
        metrics::counter!("transactions_created_total", "gateway" => txn.gateway.to_string(), "sandbox" => sandbox_label(&txn.gateway)).increment(1);

        let id = txn.id.clone();
        let txn = match task {
            Some(task) => {
                let caller = Caller::new(Actor::user(txn.audit.created_by.clone()), request.identity.clone());
                self.receipts.issue_now(txn, task, &caller).await
            }
            None if then == Then::OpenOrder => {
                self.start(txn, gateway, bank_account.as_deref(), &request.identity, key).await?
            }
            None => return answered(id, answer),
        };
        let answer = answer_json(&txn, &request.amount)?;
        if let Some(key) = key {
            self.ports.store.keep_answer(key, &answer).await?;
        }
        answered(id, answer)
    }

    /// Completes a transaction for its commit: nothing to pay is a success, an offline adapter gives the
    /// redirect at once, any other after the commit.
    async fn begin(
        &self,
        mut txn: Transaction,
        gateway: &dyn Gateway,
        bank_account: Option<&str>,
    ) -> Result<Draft, GatewayError> {
        if txn.amount.is_zero() {
            txn.status = Status::Success { receipt: None };
            message::SUCCESSFUL.clone_into(&mut txn.status_message);
            return Ok(Draft { txn, redirect_form: None, then: Then::IssueReceipt });
        }
        match gateway.profile().start_mode {
            StartMode::Offline => {
                let way = self.open_order(&txn, gateway, bank_account).await?;
                txn.redirect_url = Some(way.url);
                Ok(Draft { txn, redirect_form: way.form, then: Then::Answer })
            }
            StartMode::Network => Ok(Draft { txn, redirect_form: None, then: Then::OpenOrder }),
        }
    }

    /// The commit of a draft; `answer` is its JSON text, which the event and the idempotency key share.
    fn new_transaction(
        &self,
        draft: &Draft,
        request: &CreateRequest,
        key: Option<&IdempotencyKey>,
        answer: &str,
        task: Option<&Held>,
    ) -> Result<NewTransaction, StoreError> {
        let Draft { txn, redirect_form, then } = draft;
        let events = EventWriter::new(&request.identity)?;
        let dump = Dump { request: txn.redirect_url.clone(), response: None };
        let why = match then {
            Then::IssueReceipt => HistoryReason::CreatedWithNothingToPay,
            Then::Answer | Then::OpenOrder => HistoryReason::Created,
        };
        Ok(NewTransaction {
            history: HistoryEntry {
                txn_id: txn.id.clone(),
                at: txn.audit.created_at,
                actor: Actor::user(txn.audit.created_by.clone()),
                from: None,
                to: txn.status.name(),
                why: why.with([]),
                evidence: Value::Null,
            },
            redirect_form: redirect_form.clone(),
            events: vec![
                events.transaction(EventKind::SaveTransaction, txn, answer),
                events.dump(EventKind::SaveDump, txn, &dump)?,
            ],
            dump,
            receipt_task: task.map(|task| task.new_task(self.ports.settings.receipt_lease)),
            idempotency: key.zip(request.idempotent.as_ref()).map(|(key, idempotent)| IdempotencyRecord {
                key: key.clone(),
                digest: idempotent.digest,
                txn_id: txn.id.clone(),
                answer: (*then == Then::Answer).then(|| answer.to_owned()),
                created_at: txn.audit.created_at,
            }),
            txn: txn.clone(),
        })
    }

    async fn stored(&self, id: &TxnId) -> Result<Transaction, StoreError> {
        let missing = || StoreError::Failed(format!("transaction {id} is missing").into());
        self.ports.store.transaction(id).await?.ok_or_else(missing)
    }
}

fn answer_json(txn: &Transaction, amount: &str) -> Result<String, StoreError> {
    to_json(&TransactionView::of(txn).with_amount_text(amount))
}

fn answered(id: TxnId, json: String) -> Result<CreatedTransaction, CreateError> {
    let json = RawValue::from_string(json).map_err(|error| StoreError::Failed(error.into()))?;
    Ok(CreatedTransaction { id, json, reused: false })
}
