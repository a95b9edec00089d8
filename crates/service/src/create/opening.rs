//! Opening the order at the gateway, and its redirect.

use payment_digit::DigitError;
use payment_domain::machine::message;
use payment_domain::{Actor, EventKind, HistoryEntry, HistoryReason, RequestInfo, Status, Transaction};
use payment_gateway::{Gateway, GatewayError, Order, Redirect};
use payment_store::{Applied, Change, ClaimChange, Dump, IdempotencyKey, ReceiptTaskChange};
use serde_json::{Value, json};

use super::{CreateError, Creation};
use crate::events::EventWriter;
use crate::identity::Identity;
use crate::order_life::LONGEST_START;
use crate::redirects::{PageToken, Redirects};
use crate::settle::Caller;

/// The outcome of opening an order.
#[derive(Clone, Copy)]
enum Started<'a> {
    Opened(&'a WayToPay),
    NotOpened(&'a GatewayError),
    /// It may be open.
    Unclear(&'a GatewayError),
}

/// The redirect to the gateway: its URL, or that of our page and the form that it posts or the link it follows.
pub(super) struct WayToPay {
    pub(super) url: String,
    pub(super) form: Option<Value>,
}

impl WayToPay {
    fn by(redirect: Redirect, txn: &Transaction, redirects: &Redirects) -> Result<WayToPay, GatewayError> {
        let (action, fields) = match redirect {
            Redirect::To(url) if !redirects.posts_to_page(&txn.gateway) => {
                return Ok(WayToPay { url, form: None });
            }
            Redirect::To(url) => (url, None),
            Redirect::Form { action, fields } => (action, Some(fields)),
        };
        // The form holds contact data, and transaction ids can be guessed: the token cannot.
        let token = PageToken::random();
        let url = redirects
            .pay_page_url(&txn.gateway, &txn.id, &token)
            .ok_or_else(|| refused("FORM_PAGE_UNREACHABLE"))?;
        let form = json!({ "action": action, "fields": fields, "token": token.secret() });
        Ok(WayToPay { url, form: Some(form) })
    }
}

impl Creation {
    /// The tenant's bank account, for the gateways whose orders name it.
    pub(super) async fn bank_account(
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

    /// Opens the order of a stored transaction at a gateway that must be called, and stores the redirect.
    pub(super) async fn start(
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
            // An order that is not open cannot be paid: bill and key are free at once.
            GatewayError::NotSent(_)
            | GatewayError::LocalFault(_)
            | GatewayError::Refused { .. }
            | GatewayError::Unavailable { .. } => {
                self.store_started(txn, Started::NotOpened(&error), identity, key).await?;
                Err(error.into())
            }
            // The order may be open, and no payer was sent to it: a status request decides.
            GatewayError::Unanswered(_)
            | GatewayError::Unreadable(_)
            | GatewayError::BadSignature
            | GatewayError::WrongTransaction => {
                let txn = self.store_started(txn, Started::Unclear(&error), identity, key).await?;
                self.ask_after_unclear_start(txn, error).await
            }
        }
    }

    /// Asks the gateway about an order that may be open. One that it does not know is over, and its bill
    /// free at once; otherwise the transaction stays pending.
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

    /// Opens the order. The call ends before a repetition of the create may make it again.
    pub(super) async fn open_order(
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
        WayToPay::by(redirect, txn, redirects)
    }

    /// Stores the outcome of opening the order, unless the transaction was settled or given a redirect
    /// meanwhile. Frees `key`.
    async fn store_started(
        &self,
        mut txn: Transaction,
        started: Started<'_>,
        identity: &Identity,
        key: Option<&IdempotencyKey>,
    ) -> Result<Transaction, CreateError> {
        loop {
            // The first redirect counts: its payer may be on the way already.
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
                    (way.form.clone(), ClaimChange::Keep, HistoryReason::OrderOpened.with([]))
                }
                Started::NotOpened(error) => {
                    next.status = Status::Failure;
                    message::NOT_STARTED.clone_into(&mut next.status_message);
                    (None, ClaimChange::Release, error.to_string())
                }
                Started::Unclear(error) => {
                    let why = HistoryReason::OrderUnclear.with([&error.to_string()]);
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

    /// Opens the order of a transaction whose redirect was lost once more, while there is time to pay it. The
    /// first request may have opened it, so that no outcome fails the transaction.
    pub(super) async fn reopen(
        &self,
        txn: Transaction,
        identity: &Identity,
    ) -> Result<Transaction, CreateError> {
        if !self.ports.is_open_to_payers(&txn) {
            return Ok(txn);
        }
        let Ok(gateway) = self.ports.gateways.of(&txn).await else { return Ok(txn) };
        let bank_account = self.bank_account(gateway.as_ref(), &txn, identity.info()).await?;
        let way = self.open_order(&txn, gateway.as_ref(), bank_account.as_deref()).await?;
        self.store_started(txn, Started::Opened(&way), identity, None).await
    }
}

fn refused(code: &str) -> GatewayError {
    GatewayError::Refused { code: code.to_owned() }
}
