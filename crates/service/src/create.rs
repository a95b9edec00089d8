//! Creating a transaction: check, ask, claim the bills, and tell the payer where to pay.

mod holders;

use std::sync::Arc;

use payment_digit::{DigitError, PayerDetails, Payment};
use payment_domain::machine::message;
use payment_domain::{
    Actor, Audit, BillId, BillPayment, Event, EventKind, GatewayDetails, GatewayName, HistoryEntry, Money,
    RequestInfo, Status, TenantId, Transaction, TxnId,
};
use payment_gateway::{Availability, Gateway, GatewayError, Order, Redirect, StartMode};
use payment_store::{
    Applied, Change, ClaimChange, Created, Dump, IdempotencyKey, IdempotencyRecord, NewTransaction,
    ReceiptTaskChange, RequestDigest, StoreError,
};
use serde_json::value::RawValue;
use serde_json::{Map, Value, json};
use url::Url;

use self::holders::{Bills, as_asked};
use crate::callback_url::with_transaction_id;
use crate::events::{EventWriter, to_json};
use crate::identity::Identity;
use crate::order_life::{LONGEST_START, UNOPENED_LIFE};
use crate::ports::{Ports, finished, sandbox_label};
use crate::receipts::Receipts;
use crate::redirects::Redirects;
use crate::settle::{Caller, Settlement};
use crate::subject::Subject;
use crate::view::TransactionView;

/// A request to create a transaction, well-formed but not yet checked.
#[derive(Debug, Clone)]
pub struct CreateRequest {
    /// Who asks. What they say of themselves becomes the creator of the transaction, and decides nothing.
    pub identity: Identity,
    /// The tenant of the bills.
    pub tenant_id: TenantId,
    /// The amount as the client wrote it, in rupees.
    pub amount: String,
    /// The bill named first.
    pub bill_id: BillId,
    /// The application's module.
    pub module: Option<String>,
    /// What the payment is for.
    pub consumer_code: String,
    /// The bills, at least one.
    pub bills: Vec<BillRequest>,
    /// A description for the payer.
    pub product_info: String,
    /// The gateway to go through.
    pub gateway: GatewayName,
    /// Where the payer goes in the end: an absolute http(s) URL.
    pub callback_url: Url,
    /// The same as the client wrote it.
    pub callback_text: String,
    /// Who pays.
    pub payer: PayerDetails,
    /// Echoed.
    pub additional_details: Map<String, Value>,
    /// Set when the client wants to be able to repeat the request.
    pub idempotent: Option<IdempotentRequest>,
    /// Told the transaction as soon as it is stored.
    pub subject: Subject,
}

/// One bill of a request, amounts as the client wrote them.
#[derive(Debug, Clone)]
pub struct BillRequest {
    /// What is owed, in rupees.
    pub tax_amount: Option<String>,
    /// What is paid, in rupees.
    pub amount_paid: String,
    /// The bill.
    pub bill_id: BillId,
}

/// The key and the fingerprint of a request that may be repeated.
#[derive(Debug, Clone)]
pub struct IdempotentRequest {
    /// The value of the `Idempotency-Key` header.
    pub key: String,
    /// SHA-256 over the body without `RequestInfo`.
    pub digest: RequestDigest,
}

/// A created transaction.
#[derive(Debug, Clone)]
pub struct CreatedTransaction {
    /// Its id.
    pub id: TxnId,
    /// The transaction in the API's shape, JSON text.
    pub json: Box<RawValue>,
    /// Whether an earlier request has created it, and this one is led to the same payment.
    pub reused: bool,
}

/// One reason to refuse a request: a code and a sentence of the contract.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Refusal {
    /// The code clients compare.
    pub code: &'static str,
    /// The sentence for people.
    pub message: String,
}

/// Why no transaction was created.
#[derive(Debug, thiserror::Error)]
pub enum CreateError {
    /// The request cannot be accepted, for all these reasons.
    #[error("refused")]
    Refused(Vec<Refusal>),
    /// The idempotency key was used for another request.
    #[error("the idempotency key was used for another request")]
    KeyReused,
    /// The first request with this idempotency key is still at work.
    #[error("the first request with this key is still at work")]
    StillRunning,
    /// The id that was given for it is another transaction's, and so was the one asked for after it.
    #[error("the transaction id {0} was given before")]
    IdTaken(TxnId),
    /// A DIGIT service refused or is away.
    #[error(transparent)]
    Digit(#[from] DigitError),
    /// The gateway refused or is away.
    #[error(transparent)]
    Gateway(#[from] GatewayError),
    /// The database is away.
    #[error(transparent)]
    Store(#[from] StoreError),
    /// The work was cut off by the end of the process.
    #[error("interrupted")]
    Interrupted,
}

/// Creates transactions.
#[derive(Clone)]
pub struct Creation {
    ports: Arc<Ports>,
    receipts: Receipts,
    settlement: Settlement,
}

/// What a request comes to that nothing stands against.
enum Checked {
    /// A new transaction through this gateway.
    New(Arc<dyn Gateway>, Amounts),
    /// The transaction that the same request was given before.
    Reused(Box<Transaction>),
}

/// The amounts of a request once they are read.
struct Amounts {
    total: Money,
    bills: Vec<BillPayment>,
}

impl Creation {
    pub(crate) fn new(ports: Arc<Ports>, receipts: Receipts, settlement: Settlement) -> Creation {
        Creation { ports, receipts, settlement }
    }

    /// Creates a transaction, or tells what an earlier request with the same key created. It runs to its end even
    /// if the caller goes away: an order once opened at a gateway must be known here.
    ///
    /// # Errors
    /// A [`CreateError`]; no transaction can be paid then, and no bill stays claimed except after
    /// [`GatewayError::Unanswered`] and [`GatewayError::Unreadable`], where the gateway may know it.
    pub async fn create(&self, request: CreateRequest) -> Result<CreatedTransaction, CreateError> {
        let creation = self.clone();
        let work = self.ports.tasks.spawn(async move { creation.run(request).await });
        finished(work.await).ok_or(CreateError::Interrupted)?
    }

    async fn run(&self, request: CreateRequest) -> Result<CreatedTransaction, CreateError> {
        let Some(idempotent) = request.idempotent.clone() else { return self.run_new(&request, None).await };
        let key = IdempotencyKey {
            scope: format!(
                "{}/{}",
                request.tenant_id,
                request.identity.info().user("uuid").unwrap_or_default()
            ),
            key: idempotent.key,
        };
        if let Some(first) = self.ports.store.idempotency(&key).await? {
            return self.repeat(first, &idempotent.digest, &request.identity).await;
        }
        match self.run_new(&request, Some(&key)).await {
            // The first request may have claimed the bills between our look at its key and at them.
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
            // Nothing was stored, and no gateway knows of it: a new attempt asks for a new id.
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
        let (gateway, amounts) = match self.check(request).await? {
            Checked::New(gateway, amounts) => (gateway, amounts),
            Checked::Reused(txn) => return self.reuse(*txn, request, key).await,
        };
        let mut txn = self.ask(request, gateway.as_ref(), amounts).await?;
        let bank_account = self.bank_account(gateway.as_ref(), &txn, request.identity.info()).await?;

        let mut redirect_form = None;
        let starts_later = match (txn.amount.is_zero(), gateway.profile().start_mode) {
            (true, _) => {
                txn.status = Status::Success { receipt: None };
                message::SUCCESSFUL.clone_into(&mut txn.status_message);
                false
            }
            (false, StartMode::Offline) => {
                let way = self.open_order(&txn, gateway.as_ref(), bank_account.as_deref()).await?;
                txn.redirect_url = Some(way.url);
                redirect_form = way.form;
                false
            }
            (false, StartMode::Network) => true,
        };

        let answer = answer_json(&txn, &request.amount)?;
        let events = EventWriter::new(&request.identity)?;
        let dump = Dump { request: txn.redirect_url.clone(), response: None };
        let stored_events: Vec<Event> = vec![
            events.transaction(EventKind::SaveTransaction, &txn, &answer),
            events.dump(EventKind::SaveDump, &txn, &dump)?,
        ];
        let settled = txn.amount.is_zero();
        let task = settled.then(|| self.receipts.begin_task());
        let new = NewTransaction {
            history: HistoryEntry {
                txn_id: txn.id.clone(),
                at: txn.audit.created_at,
                actor: Actor::user(txn.audit.created_by.clone()),
                from: None,
                to: txn.status.name(),
                why: if settled { "created, nothing to pay" } else { "created" }.to_owned(),
                evidence: Value::Null,
            },
            redirect_form,
            dump,
            events: stored_events,
            receipt_task: task.as_ref().map(|task| task.new_task(self.ports.settings.receipt_lease)),
            idempotency: key.zip(request.idempotent.as_ref()).map(|(key, idempotent)| IdempotencyRecord {
                key: key.clone(),
                digest: idempotent.digest,
                txn_id: txn.id.clone(),
                answer: (!starts_later && !settled).then(|| answer.clone()),
                created_at: txn.audit.created_at,
            }),
            txn: txn.clone(),
        };
        match self.ports.store.create(new).await? {
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
        let answer = match task {
            Some(task) => {
                let caller = Caller::new(Actor::user(txn.audit.created_by.clone()), request.identity.clone());
                let txn = self.receipts.issue_now(txn, task, &caller).await;
                answer_json(&txn, &request.amount)?
            }
            None if starts_later => {
                let txn = self
                    .start(txn, gateway.as_ref(), bank_account.as_deref(), &request.identity, key)
                    .await?;
                answer_json(&txn, &request.amount)?
            }
            None => return answered(id, answer),
        };
        if let Some(key) = key {
            self.ports.store.keep_answer(key, &answer).await?;
        }
        answered(id, answer)
    }

    /// Everything that can be said without asking anyone but our own store, all of it together.
    async fn check(&self, request: &CreateRequest) -> Result<Checked, CreateError> {
        let mut refusals = Vec::new();
        let user = request.identity.info();
        if ["uuid", "name", "userName", "mobileNumber", "tenantId"]
            .iter()
            .any(|field| user.user(field).is_none())
        {
            refusals.push(Refusal {
                code: "INVALID_USER_DETAILS",
                message: "User UUID, Name, Username, Mobile Number and Tenant Id are mandatory".to_owned(),
            });
        }
        let gateway = self.ports.gateways.offered(&request.gateway);
        if gateway.is_none() {
            refusals.push(Refusal {
                code: "INVALID_PAYMENT_GATEWAY",
                message: "Invalid or inactive payment gateway provided".to_owned(),
            });
        }
        if !self.ports.settings.allowed_callback_hosts.allow(&request.tenant_id, &request.callback_url) {
            refusals.push(Refusal {
                code: "INVALID_CALLBACK_URL",
                message: "The host of callbackUrl is not allowed for this tenant".to_owned(),
            });
        }
        let amounts = read_amounts(request);
        // Only a request that stands otherwise is worth a question to a gateway.
        let stands = amounts.as_ref().ok().filter(|_| refusals.is_empty());
        match self.look_at_bills(request, stands).await? {
            Bills::Free => {}
            Bills::Reused(txn) => return Ok(Checked::Reused(txn)),
            Bills::Held(found) => refusals.extend(found),
        }
        let amounts = amounts.map_err(|found| refusals.extend(found));
        match (gateway, amounts) {
            (Some(gateway), Ok(amounts)) if refusals.is_empty() => {
                refuse_while_away(gateway.as_ref(), &amounts)?;
                Ok(Checked::New(gateway.clone(), amounts))
            }
            _ => Err(CreateError::Refused(refusals)),
        }
    }

    /// Answers a request that was made before with the transaction it was given then; from now on under
    /// its own key, too.
    async fn reuse(
        &self,
        txn: Transaction,
        request: &CreateRequest,
        key: Option<&IdempotencyKey>,
    ) -> Result<CreatedTransaction, CreateError> {
        metrics::counter!("transactions_reused_total", "gateway" => txn.gateway.to_string()).increment(1);
        let id = txn.id.clone();
        let answer = answer_json(&as_asked(txn, request), &request.amount)?;
        if let Some((key, idempotent)) = key.zip(request.idempotent.as_ref()) {
            let record = IdempotencyRecord {
                key: key.clone(),
                digest: idempotent.digest,
                txn_id: id.clone(),
                answer: Some(answer.clone()),
                created_at: self.ports.now(),
            };
            if let Some(first) = self.ports.store.remember_key(record).await? {
                return self.repeat(first, &idempotent.digest, &request.identity).await;
            }
        }
        Ok(CreatedTransaction { reused: true, ..answered(id, answer)? })
    }

    /// Asks the collection service, then obtains id and payer, and puts the transaction together.
    async fn ask(
        &self,
        request: &CreateRequest,
        gateway: &dyn Gateway,
        amounts: Amounts,
    ) -> Result<Transaction, CreateError> {
        let ports = &self.ports;
        let now = ports.now();
        let payment = Payment {
            tenant_id: request.tenant_id.clone(),
            transaction_number: None,
            total: amounts.total,
            bills: amounts.bills.iter().map(|bill| (bill.bill_id.clone(), bill.amount_paid)).collect(),
            payer_name: request.payer.name.clone(),
            payer_mobile: request.payer.mobile_number.clone(),
            paid_at: now,
            additional_details: request.additional_details.clone(),
        };
        // Only a payment that can be registered gets an id and a payer.
        ports.collections.validate(request.identity.info(), &payment).await?;
        let (id, payer) = tokio::try_join!(
            ports.ids.next(request.identity.info(), &request.tenant_id),
            ports.payers.find_or_create(request.identity.info(), &request.payer),
        )?;
        let mut additional_details = request.additional_details.clone();
        let bills = serde_json::to_value(&amounts.bills).map_err(|error| StoreError::Failed(error.into()))?;
        additional_details.insert("taxAndPayments".to_owned(), bills);
        Ok(Transaction {
            callback_url: Some(with_transaction_id(callback_text(request), id.as_str(), &[])),
            id,
            tenant_id: request.tenant_id.clone(),
            amount: amounts.total,
            bill_id: request.bill_id.clone(),
            module: request.module.clone(),
            consumer_code: request.consumer_code.clone(),
            bills: amounts.bills,
            product_info: request.product_info.clone(),
            gateway: gateway.profile().name.clone(),
            redirect_url: None,
            payer,
            status: Status::Pending,
            status_message: message::INITIATED.to_owned(),
            gateway_details: GatewayDetails::default(),
            audit: Audit {
                created_by: request.identity.info().user("uuid").unwrap_or_default().into_owned(),
                created_at: now,
                modified_by: None,
                modified_at: None,
            },
            additional_details,
            version: 1,
            unknown: None,
        })
    }

    /// The tenant's bank account, for the gateways whose orders name it.
    async fn bank_account(
        &self,
        gateway: &dyn Gateway,
        txn: &Transaction,
        info: &RequestInfo,
    ) -> Result<Option<String>, DigitError> {
        match gateway.profile().needs_bank_account {
            true => self.ports.bank_accounts.account_number(info, &txn.tenant_id).await.map(Some),
            false => Ok(None),
        }
    }

    /// Opens the order at a gateway that must be called, and stores where the payer pays.
    async fn start(
        &self,
        txn: Transaction,
        gateway: &dyn Gateway,
        bank_account: Option<&str>,
        identity: &Identity,
        key: Option<&IdempotencyKey>,
    ) -> Result<Transaction, CreateError> {
        let error = match self.open_order(&txn, gateway, bank_account).await {
            Ok(way) => return self.store_started(txn, Started::Opened(&way), identity, None).await,
            Err(error) => error,
        };
        match &error {
            // Nobody can pay what was not opened: the bill is free at once, and so is the key.
            GatewayError::NotSent(_)
            | GatewayError::LocalFault(_)
            | GatewayError::Refused { .. }
            | GatewayError::Unavailable { .. } => {
                self.store_started(txn, Started::NotOpened(&error), identity, key).await?;
                Err(error.into())
            }
            // The order may be open there, and nobody can have been sent to it: the gateway is asked.
            GatewayError::Unanswered(_)
            | GatewayError::Unreadable(_)
            | GatewayError::BadSignature
            | GatewayError::WrongTransaction => {
                let txn = self.store_started(txn, Started::Unclear(&error), identity, key).await?;
                self.ask_after_unclear_start(txn, error).await
            }
        }
    }

    /// Asks the gateway about an order that may be open. If it does not know it, it is over, and the bill
    /// is free at once; otherwise the transaction stays as it is until the gateway tells.
    async fn ask_after_unclear_start(
        &self,
        txn: Transaction,
        error: GatewayError,
    ) -> Result<Transaction, CreateError> {
        let caller = Caller::new(Actor::job("create"), self.ports.settings.system_identity());
        match self.settlement.settle_unopened(&txn.id, &caller).await.map(|settled| settled.txn) {
            Ok(txn) if txn.status == Status::Failure => Err(GatewayError::NotSent(error.into()).into()),
            Ok(txn) if txn.status != Status::Pending => Ok(txn),
            Ok(_) => Err(error.into()),
            Err(unsettled) => {
                tracing::warn!(txn_id = %txn.id, error = %unsettled, "an order that may be open could not be asked about");
                Err(error.into())
            }
        }
    }

    /// The call that opens the order. It ends before a repetition of the create could make it again.
    async fn open_order(
        &self,
        txn: &Transaction,
        gateway: &dyn Gateway,
        bank_account: Option<&str>,
    ) -> Result<WayToPay, GatewayError> {
        let redirects = &self.ports.settings.redirects;
        let return_url = redirects.return_url(txn).ok_or_else(|| refused("CALLBACK_URL_MISSING"))?;
        let notify_url = redirects.notify_url(&txn.gateway);
        let order = Order {
            txn,
            return_url: &return_url,
            notify_url: notify_url.as_deref(),
            payable_until: self.ports.payable_until(txn),
            bank_account,
        };
        let redirect = match tokio::time::timeout(LONGEST_START, gateway.start(&order)).await {
            Ok(started) => started?,
            Err(elapsed) => return Err(GatewayError::Unanswered(elapsed.into())),
        };
        WayToPay::by(redirect, &txn.id, redirects)
    }

    /// Stores what came of opening the order, on whatever became of the transaction meanwhile: it
    /// may have been asked about, or even settled by a callback that was faster. The key is free then.
    async fn store_started(
        &self,
        mut txn: Transaction,
        started: Started<'_>,
        identity: &Identity,
        key: Option<&IdempotencyKey>,
    ) -> Result<Transaction, CreateError> {
        loop {
            // Who was told where to pay first goes there: a later word on it takes that away from nobody.
            if txn.status != Status::Pending || txn.redirect_url.is_some() {
                return Ok(txn);
            }
            let now = self.ports.now();
            let mut next = txn.clone();
            next.version += 1;
            next.audit.modified_by = Some(txn.audit.created_by.clone());
            next.audit.modified_at = Some(now);
            let (redirect_form, claims, why) = match started {
                Started::Opened(way) => {
                    next.redirect_url = Some(way.url.clone());
                    (way.form.clone(), ClaimChange::Keep, "the gateway opened the order".to_owned())
                }
                Started::NotOpened(error) => {
                    next.status = Status::Failure;
                    message::NOT_STARTED.clone_into(&mut next.status_message);
                    (None, ClaimChange::Release, error.to_string())
                }
                Started::Unclear(error) => {
                    let why = format!("whether the gateway opened the order is not known: {error}");
                    (None, ClaimChange::Keep, why)
                }
            };
            let dump = Dump { request: next.redirect_url.clone(), response: None };
            let events = EventWriter::new(identity)?;
            let change = Change {
                history: HistoryEntry {
                    txn_id: txn.id.clone(),
                    at: now,
                    actor: Actor::gateway(txn.gateway.as_str()),
                    from: Some(txn.status.name()),
                    to: next.status.name(),
                    why,
                    evidence: Value::Null,
                },
                redirect_form,
                events: vec![events.update(&next)?, events.dump(EventKind::UpdateDump, &next, &dump)?],
                dump: Some(dump),
                claims,
                receipt_task: ReceiptTaskChange::None,
                attention: None,
                forget_key: key.cloned(),
                fence: None,
                txn: next.clone(),
            };
            match self.ports.store.apply(change).await? {
                Applied::Stored => return Ok(next),
                Applied::Stale | Applied::Fenced => txn = self.stored(&txn.id).await?,
            }
        }
    }

    async fn stored(&self, id: &TxnId) -> Result<Transaction, StoreError> {
        let missing = || StoreError::Failed(format!("transaction {id} is missing").into());
        self.ports.store.transaction(id).await?.ok_or_else(missing)
    }

    /// Opens the order of a transaction anew whose pay link was lost, while there is time left to pay it.
    /// Whatever comes of it, the first request may have opened it: nothing is failed.
    async fn reopen(&self, txn: Transaction, identity: &Identity) -> Result<Transaction, CreateError> {
        let Some(gateway) =
            self.ports.gateways.get(&txn.gateway).filter(|_| self.ports.is_open_to_payers(&txn))
        else {
            return Ok(txn);
        };
        let bank_account = self.bank_account(gateway.as_ref(), &txn, identity.info()).await?;
        let way = self.open_order(&txn, gateway.as_ref(), bank_account.as_deref()).await?;
        self.store_started(txn, Started::Opened(&way), identity, None).await
    }

    /// Answers a repeated request with what the first one was answered.
    async fn repeat(
        &self,
        first: IdempotencyRecord,
        digest: &RequestDigest,
        identity: &Identity,
    ) -> Result<CreatedTransaction, CreateError> {
        if &first.digest != digest {
            return Err(CreateError::KeyReused);
        }
        if let Some(answer) = first.answer {
            return answered(first.txn_id, answer);
        }
        if self.ports.now().since(first.created_at) < UNOPENED_LIFE {
            return Err(CreateError::StillRunning);
        }
        // The first request died between its commit and its answer.
        let mut txn = self.stored(&first.txn_id).await?;
        if txn.status == Status::Pending && txn.redirect_url.is_none() {
            txn = self.reopen(txn, identity).await?;
        }
        let answer = answer_json(&txn, &txn.amount.to_string())?;
        self.ports.store.keep_answer(&first.key, &answer).await?;
        answered(first.txn_id, answer)
    }
}

/// What came of opening an order.
#[derive(Clone, Copy)]
enum Started<'a> {
    /// It is open, and paid there.
    Opened(&'a WayToPay),
    /// It is not, for this reason.
    NotOpened(&'a GatewayError),
    /// It may be.
    Unclear(&'a GatewayError),
}

/// Where the payer pays: straight at the gateway, or by a page of ours that posts a form there.
struct WayToPay {
    url: String,
    form: Option<Value>,
}

impl WayToPay {
    fn by(redirect: Redirect, id: &TxnId, redirects: &Redirects) -> Result<WayToPay, GatewayError> {
        match redirect {
            Redirect::To(url) => Ok(WayToPay { url, form: None }),
            Redirect::Form { action, fields } => {
                // The form holds the payer's contact data, and transaction ids can be guessed.
                let token = uuid::Uuid::new_v4().simple().to_string();
                // A form that no browser gets to see opens nothing.
                let url =
                    redirects.pay_page_url(id, &token).ok_or_else(|| refused("FORM_PAGE_UNREACHABLE"))?;
                let form = json!({ "action": action, "fields": fields, "token": token });
                Ok(WayToPay { url, form: Some(form) })
            }
        }
    }
}

fn refused(code: &str) -> GatewayError {
    GatewayError::Refused { code: code.to_owned() }
}

/// While a gateway is away nobody is sent to it, nor asked for anything on its behalf.
fn refuse_while_away(gateway: &dyn Gateway, amounts: &Amounts) -> Result<(), GatewayError> {
    match gateway.availability() {
        Availability::Unavailable { retry_after } if !amounts.total.is_zero() => {
            Err(GatewayError::Unavailable { retry_after })
        }
        Availability::Available | Availability::Unavailable { .. } => Ok(()),
    }
}

fn read_amounts(request: &CreateRequest) -> Result<Amounts, Vec<Refusal>> {
    let mut refusals = Vec::new();
    let mut read = |field: &str, text: &str| {
        Money::parse(text)
            .map_err(|error| {
                let refusal = Refusal { code: "INVALID_TXN_AMOUNT", message: format!("{field}: {error}") };
                refusals.push(refusal);
            })
            .ok()
    };
    let total = read("txnAmount", &request.amount);
    let mut bills = Vec::with_capacity(request.bills.len());
    for bill in &request.bills {
        let tax_amount = bill.tax_amount.as_deref().and_then(|text| read("taxAmount", text));
        if let Some(amount_paid) = read("amountPaid", &bill.amount_paid) {
            bills.push(BillPayment { tax_amount, amount_paid, bill_id: bill.bill_id.clone() });
        }
    }
    match total {
        Some(total) if refusals.is_empty() => {
            if Money::sum(bills.iter().map(|bill| bill.amount_paid)) == Some(total) {
                return Ok(Amounts { total, bills });
            }
            Err(vec![Refusal {
                code: "TXN_CREATE_INVALID_TXN_AMT",
                message: "Transaction amount should be equal to sum of all  amountPaids in taxAndPayments"
                    .to_owned(),
            }])
        }
        Some(_) | None => Err(refusals),
    }
}

/// The client's own text, unless a browser could not be sent there as it is.
fn callback_text(request: &CreateRequest) -> &str {
    let is_plain = request.callback_text.bytes().all(|byte| byte.is_ascii_graphic());
    if is_plain { &request.callback_text } else { request.callback_url.as_str() }
}

fn answer_json(txn: &Transaction, amount: &str) -> Result<String, StoreError> {
    to_json(&TransactionView::of(txn).with_amount_text(amount))
}

fn answered(id: TxnId, json: String) -> Result<CreatedTransaction, CreateError> {
    let json = RawValue::from_string(json).map_err(|error| StoreError::Failed(error.into()))?;
    Ok(CreatedTransaction { id, json, reused: false })
}
