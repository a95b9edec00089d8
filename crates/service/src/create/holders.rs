//! The payments that hold the bills of a new one: checked, reused, closed, or named in the refusal.

use std::time::Instant;

use futures_util::future::join_all;
use jiff::tz::TimeZone;
use payment_domain::machine::OrderLife;
use payment_domain::{AccountRef, Actor, BillId, BillKey, Money, StatusName, Timestamp, Transaction};
use payment_gateway::{Answer, Availability, StartMode};
use payment_store::{Claim, StoreError};

use super::checking::Amounts;
use super::request::CreateRequest;
use super::{CreateError, Creation, Refusal};
use crate::callback_url::with_transaction_id;
use crate::order_life::UNOPENED_LIFE;
use crate::settle::Caller;

/// The bills of a request.
pub(super) enum Bills {
    Free,
    /// Held by the payment of an earlier, equal request, which can still be paid.
    Reused(Box<Transaction>),
    /// They are held, for these reasons.
    Held(Vec<Refusal>),
}

impl Creation {
    /// Looks whether the bills of a request can be paid. For a request without objections (`amounts` is
    /// `Some`) payments that seem abandoned are checked first: an ended one releases its bills.
    ///
    /// # Errors
    /// [`CreateError::Store`], and those of opening an order once more.
    pub(super) async fn look_at_bills(
        &self,
        request: &CreateRequest,
        amounts: Option<&Amounts>,
    ) -> Result<Bills, CreateError> {
        let paid = request.bills.iter().map(|bill| &bill.bill_id);
        let bills = BillKey::all_of(&request.tenant_id, paid.chain([&request.bill_id]));
        let mut claims = self.ports.store.claims(&bills).await?;
        if claims.is_empty() {
            return Ok(Bills::Free);
        }
        let mut holders = self.pending_holders(&claims).await?;
        if let Some(amounts) = amounts {
            if self.ask_about(&holders).await {
                claims = self.ports.store.claims(&bills).await?;
                holders = self.pending_holders(&claims).await?;
            }
            if let [holder] = holders.as_slice()
                && claims.iter().all(|claim| claim.txn_id == holder.id)
                && is_repetition(request, amounts, holder)
                && let Some(txn) = self.reusable(holder, request).await?
            {
                return Ok(Bills::Reused(Box::new(txn)));
            }
            if self.close(&claims, &holders, request).await {
                claims = self.ports.store.claims(&bills).await?;
                holders = self.pending_holders(&claims).await?;
            }
        }
        let refusals = self.refusals(&claims, &holders);
        Ok(if refusals.is_empty() { Bills::Free } else { Bills::Held(refusals) })
    }

    /// The refusal when others claimed the bills at the same moment.
    pub(super) async fn taken(&self, claims: &[Claim]) -> Result<CreateError, StoreError> {
        let holders = self.pending_holders(claims).await?;
        Ok(CreateError::Refused(self.refusals(claims, &holders)))
    }

    /// The pending transactions among the holders of these claims, each once.
    async fn pending_holders(&self, claims: &[Claim]) -> Result<Vec<Transaction>, StoreError> {
        let mut ids: Vec<_> = claims
            .iter()
            .filter(|claim| claim.status == StatusName::Pending)
            .map(|claim| &claim.txn_id)
            .collect();
        ids.sort();
        ids.dedup();
        let mut holders = Vec::with_capacity(ids.len());
        for id in ids {
            holders.push(self.stored(id).await?);
        }
        Ok(holders)
    }

    /// Asks the gateways about payments that seem abandoned; says whether any has changed.
    async fn ask_about(&self, holders: &[Transaction]) -> bool {
        let caller = Caller::new(Actor::job("create"), self.ports.settings.system_identity());
        let answer = Answer::default();
        let abandoned = holders.iter().filter(|holder| self.seems_abandoned(holder));
        let questions = abandoned.map(async |holder| {
            let settled =
                self.settlement.settle_stored(holder.clone(), &answer, &caller, Instant::now()).await;
            match settled {
                Ok(settled) => settled.txn.version != holder.version,
                Err(error) => {
                    // It keeps its bills.
                    tracing::warn!(txn_id = %holder.id, %error, "an abandoned payment could not be asked about");
                    true
                }
            }
        });
        join_all(questions).await.contains(&true)
    }

    /// Whether a pending transaction is so old that its payer may have given up.
    fn seems_abandoned(&self, txn: &Transaction) -> bool {
        let age = self.ports.now().since(txn.audit.created_at);
        self.ports
            .settings
            .ask_after
            .is_some_and(|ask_after| age > ask_after || self.ports.life_of(txn) == OrderLife::NeverBegun)
    }

    /// Closes the orders of payments that seem abandoned; returns whether a close was requested. None is when
    /// that would not free all bills, or the new payment could not begin.
    async fn close(&self, claims: &[Claim], holders: &[Transaction], request: &CreateRequest) -> bool {
        let gateways = &self.ports.gateways;
        let can_begin = match self.offered(request) {
            Ok(Some(offered)) => match offered.gateway.availability() {
                Availability::Available => true,
                Availability::Unavailable { .. } => false,
            },
            Ok(None) | Err(_) => false,
        };
        let can_be_closed = |txn: &Transaction| {
            self.seems_abandoned(txn)
                && gateways.known_of(txn).is_ok_and(|gateway| gateway.closing().is_some())
        };
        let frees_the_bills = claims.iter().all(|claim| claim.status == StatusName::Pending);
        if holders.is_empty() || !can_begin || !frees_the_bills || !holders.iter().all(can_be_closed) {
            return false;
        }
        let caller = Caller::new(Actor::job("create"), self.ports.settings.system_identity());
        let closings = holders.iter().map(async |holder| {
            if let Err(error) = self.settlement.supersede(&holder.id, &caller).await {
                // It keeps its bills.
                tracing::warn!(txn_id = %holder.id, %error, "the order of an abandoned payment could not be closed");
            }
        });
        join_all(closings).await;
        true
    }

    /// The pending transaction of an earlier, equal request, if its payer can be sent to it: it is open to
    /// payers, and its gateway takes an order's payment once. An order whose redirect was lost is opened once
    /// more.
    async fn reusable(
        &self,
        txn: &Transaction,
        request: &CreateRequest,
    ) -> Result<Option<Transaction>, CreateError> {
        let Some(reuse_after) = self.ports.settings.reuse_after else { return Ok(None) };
        // The same account takes the payment of the order that takes new ones: else the payer goes to that.
        let Ok(Some(offered)) = self.offered(request) else { return Ok(None) };
        let Ok(gateway) = self.ports.gateways.known_of(txn) else { return Ok(None) };
        if !is_same_account(offered.account.as_ref(), txn.account.as_ref()) {
            return Ok(None);
        }
        let (profile, age) = (gateway.profile(), self.ports.now().since(txn.audit.created_at));
        if age < reuse_after || !profile.refuses_second_payment || !self.ports.is_open_to_payers(txn) {
            return Ok(None);
        }
        if txn.redirect_url.is_some() {
            return Ok(Some(txn.clone()));
        }
        // The request that created it may still be opening it.
        if age < UNOPENED_LIFE || profile.start_mode == StartMode::Offline {
            return Ok(None);
        }
        let opened = self.reopen(txn.clone(), &request.identity).await?;
        Ok(opened.redirect_url.is_some().then_some(opened))
    }

    fn refusals(&self, claims: &[Claim], holders: &[Transaction]) -> Vec<Refusal> {
        let mut refusals = Vec::new();
        if let Some(last) = holders.iter().max_by_key(|holder| self.ports.life_ends_at(holder)) {
            refusals.push(Refusal { code: "TXN_ABRUPTLY_DISCARDED", message: self.held_by(last) });
        }
        // A failed transaction that turned out to be paid holds its bill until an operator resolves the
        // case.
        if claims.iter().any(|claim| claim.status != StatusName::Pending) {
            refusals.push(Refusal {
                code: "TXN_CREATE_BILL_ALREADY_PAID",
                message: "Bill has already been paid or is in pending state".to_owned(),
            });
        }
        refusals
    }

    /// The contract's sentence, with the transaction that holds the bill, and until when.
    fn held_by(&self, holder: &Transaction) -> String {
        let settings = &self.ports.settings;
        let (now, ends_at, id) = (self.ports.now(), self.ports.life_ends_at(holder), &holder.id);
        let (wait, why) = if ends_at >= now {
            let until = moment(ends_at, &settings.time_zone);
            (ends_at.since(now), format!("transaction {id} can be paid until {until}"))
        } else {
            // A payment that its gateway calls pending has no known end.
            let why = format!("the gateway has not reported the outcome of transaction {id} yet");
            (settings.early_interval * 2, why)
        };
        let minutes = wait.as_millis().div_ceil(60_000).max(1);
        format!(
            "A transaction for this bill has been abruptly discarded, please retry after {minutes} mins: {why}"
        )
    }
}

/// A moment in a time zone: `2026-11-22T14:30:00+05:30`.
fn moment(at: Timestamp, time_zone: &TimeZone) -> String {
    let moment = jiff::Timestamp::from_millisecond(at.as_millis()).unwrap_or(jiff::Timestamp::MAX);
    moment.to_zoned(time_zone.clone()).strftime("%Y-%m-%dT%H:%M:%S%:z").to_string()
}

/// Whether a request equals the one that created a transaction, including the payer's mobile number: a caller
/// without that number is not sent to the payment page.
fn is_repetition(request: &CreateRequest, amounts: &Amounts, txn: &Transaction) -> bool {
    fn by_bill(bills: &[payment_domain::BillPayment]) -> Vec<(&BillId, Money)> {
        let mut bills: Vec<_> = bills.iter().map(|bill| (&bill.bill_id, bill.amount_paid)).collect();
        bills.sort_by(|one, other| one.0.cmp(other.0).then(one.1.minor().cmp(&other.1.minor())));
        bills
    }
    let mobile_number = request.payer.mobile_number.expose();
    let callback_url = with_transaction_id(request.callback_text(), txn.id.as_str(), &[]);
    txn.tenant_id == request.tenant_id
        && txn.gateway == request.gateway
        && txn.amount == amounts.total
        && txn.bill_id == request.bill_id
        && by_bill(&txn.bills) == by_bill(&amounts.bills)
        && txn.callback_url == Some(callback_url)
        && !mobile_number.is_empty()
        && txn.payer.mobile_number.expose() == mobile_number
}

/// Whether two payments are made through one account, in any version of its credentials. A row without an
/// account is taken to be of the configuration file's.
fn is_same_account(new: Option<&AccountRef>, stored: Option<&AccountRef>) -> bool {
    match (new, stored) {
        (Some(AccountRef::Stored { id, .. }), Some(AccountRef::Stored { id: other, .. })) => id == other,
        (Some(AccountRef::Configured(new)), Some(AccountRef::Configured(stored))) => new == stored,
        (Some(AccountRef::Configured(_)) | None, Some(AccountRef::Configured(_)) | None) => true,
        (Some(AccountRef::Stored { .. }), Some(AccountRef::Configured(_)) | None)
        | (Some(AccountRef::Configured(_)) | None, Some(AccountRef::Stored { .. })) => false,
    }
}
