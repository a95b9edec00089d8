//! The payments that hold the bills of a new one: what becomes of them, and what its payer is told.

use futures_util::future::join_all;
use jiff::tz::TimeZone;
use payment_domain::machine::OrderLife;
use payment_domain::{
    Actor, Audit, BillId, BillKey, Money, Payer, Personal, StatusName, Timestamp, Transaction,
};
use payment_gateway::{Answer, Availability, StartMode};
use payment_store::{Claim, StoreError};

use super::{Amounts, CreateError, CreateRequest, Creation, Refusal, callback_text};
use crate::callback_url::with_transaction_id;
use crate::order_life::UNOPENED_LIFE;
use crate::settle::Caller;

/// What was found out about the bills of a request.
pub(super) enum Bills {
    /// No payment holds one.
    Free,
    /// The same request was made before, and its payment can still be paid.
    Reused(Box<Transaction>),
    /// They are held, for these reasons.
    Held(Vec<Refusal>),
}

impl Creation {
    /// Finds out whether the bills of a request can be paid. Where nothing else stands against the request
    /// (`amounts` are its amounts then), the gateways of payments that seem abandoned are asked first, and
    /// those that are definitely over let their bills go.
    ///
    /// # Errors
    /// [`CreateError::Store`]; and what opening an order anew runs into.
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

    /// What is told to a payer whose bills were claimed by others at the same moment.
    pub(super) async fn taken(&self, claims: &[Claim]) -> Result<CreateError, StoreError> {
        let holders = self.pending_holders(claims).await?;
        Ok(CreateError::Refused(self.refusals(claims, &holders)))
    }

    /// The pending transactions among those that hold these claims, each once.
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

    /// Asks the gateways about payments that seem abandoned; says whether any was asked.
    async fn ask_about(&self, holders: &[Transaction]) -> bool {
        let caller = Caller::new(Actor::job("create"), self.ports.settings.system_identity());
        let answer = Answer::default();
        let abandoned = holders.iter().filter(|holder| self.seems_abandoned(holder));
        let questions = abandoned.map(async |holder| {
            if let Err(error) = self.settlement.settle(&holder.id, &answer, &caller).await {
                // It stays in the way, as it was.
                tracing::warn!(txn_id = %holder.id, %error, "an abandoned payment could not be asked about");
            }
        });
        !join_all(questions).await.is_empty()
    }

    /// Whether a pending transaction is so old that its payer may have given up.
    fn seems_abandoned(&self, txn: &Transaction) -> bool {
        let age = self.ports.now().since(txn.audit.created_at);
        self.ports
            .settings
            .ask_after
            .is_some_and(|ask_after| age > ask_after || self.ports.life_of(txn) == OrderLife::NeverBegun)
    }

    /// Closes the orders of payments that seem abandoned, for the new one; says whether any was closed.
    /// None is where that would not free the bills, or the new payment could not begin.
    async fn close(&self, claims: &[Claim], holders: &[Transaction], request: &CreateRequest) -> bool {
        let gateways = &self.ports.gateways;
        let can_begin =
            gateways.offered(&request.gateway).is_some_and(|gateway| match gateway.availability() {
                Availability::Available => true,
                Availability::Unavailable { .. } => false,
            });
        let can_be_closed = |txn: &Transaction| {
            self.seems_abandoned(txn)
                && gateways.get(&txn.gateway).is_some_and(|gateway| gateway.closing().is_some())
        };
        let frees_the_bills = claims.iter().all(|claim| claim.status == StatusName::Pending);
        if holders.is_empty() || !can_begin || !frees_the_bills || !holders.iter().all(can_be_closed) {
            return false;
        }
        let caller = Caller::new(Actor::job("create"), self.ports.settings.system_identity());
        let closings = holders.iter().map(async |holder| {
            if let Err(error) = self.settlement.supersede(&holder.id, &caller).await {
                // It stays in the way, as it was.
                tracing::warn!(txn_id = %holder.id, %error, "the order of an abandoned payment could not be closed");
            }
        });
        join_all(closings).await;
        true
    }

    /// The pending transaction of a request that was made before, if its payer can be led to it: its pay
    /// page is open, and its gateway lets nobody pay an order twice. Where its pay link was lost, the order
    /// is opened anew.
    async fn reusable(
        &self,
        txn: &Transaction,
        request: &CreateRequest,
    ) -> Result<Option<Transaction>, CreateError> {
        let Some(reuse_after) = self.ports.settings.reuse_after else { return Ok(None) };
        let Some(gateway) = self.ports.gateways.offered(&txn.gateway) else { return Ok(None) };
        let (profile, age) = (gateway.profile(), self.ports.now().since(txn.audit.created_at));
        if age < reuse_after || !profile.refuses_second_payment || !self.ports.is_open_to_payers(txn) {
            return Ok(None);
        }
        if txn.redirect_url.is_some() {
            return Ok(Some(txn.clone()));
        }
        // The request that created it may be opening it just now.
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
        // A failed transaction holds a bill when it turned out to be paid: until an operator has
        // seen to it, nobody shall pay again.
        if claims.iter().any(|claim| claim.status != StatusName::Pending) {
            refusals.push(Refusal {
                code: "TXN_CREATE_BILL_ALREADY_PAID",
                message: "Bill has already been paid or is in pending state".to_owned(),
            });
        }
        refusals
    }

    /// The contract's sentence, with the moment from which the bill can be paid, and by whom it is held.
    fn held_by(&self, holder: &Transaction) -> String {
        let settings = &self.ports.settings;
        let (now, ends_at, id) = (self.ports.now(), self.ports.life_ends_at(holder), &holder.id);
        let (wait, why) = if ends_at >= now {
            let until = moment(ends_at, &settings.time_zone);
            (ends_at.since(now), format!("transaction {id} can be paid until {until}"))
        } else {
            // What a gateway calls pending has no end that is known.
            let why = format!("the gateway has not told yet what became of transaction {id}");
            (settings.early_interval * 2, why)
        };
        let minutes = wait.as_millis().div_ceil(60_000).max(1);
        format!(
            "A transaction for this bill has been abruptly discarded, please retry after {minutes} mins: {why}"
        )
    }
}

/// A moment as people of that time zone write it, e.g. `2026-11-22T14:30:00+05:30`.
fn moment(at: Timestamp, time_zone: &TimeZone) -> String {
    let moment = jiff::Timestamp::from_millisecond(at.as_millis()).unwrap_or(jiff::Timestamp::MAX);
    moment.to_zoned(time_zone.clone()).strftime("%Y-%m-%dT%H:%M:%S%:z").to_string()
}

/// Whether a request asks for what a transaction was created for, and names its payer's mobile number:
/// who does not know that is not led to where the payer pays.
fn is_repetition(request: &CreateRequest, amounts: &Amounts, txn: &Transaction) -> bool {
    fn by_bill(bills: &[payment_domain::BillPayment]) -> Vec<(&BillId, Money)> {
        let mut bills: Vec<_> = bills.iter().map(|bill| (&bill.bill_id, bill.amount_paid)).collect();
        bills.sort_by(|one, other| one.0.cmp(other.0).then(one.1.minor().cmp(&other.1.minor())));
        bills
    }
    let mobile_number = request.payer.mobile_number.expose();
    let callback_url = with_transaction_id(callback_text(request), txn.id.as_str(), &[]);
    txn.tenant_id == request.tenant_id
        && txn.gateway == request.gateway
        && txn.amount == amounts.total
        && txn.bill_id == request.bill_id
        && by_bill(&txn.bills) == by_bill(&amounts.bills)
        && txn.callback_url == Some(callback_url)
        && !mobile_number.is_empty()
        && txn.payer.mobile_number.expose() == mobile_number
}

/// A transaction as the answer to a repeated request shows it: with the payer and the details that this
/// caller has sent, and without whoever else created and changed it.
pub(super) fn as_asked(txn: Transaction, request: &CreateRequest) -> Transaction {
    let details = &request.payer;
    let caller = request.identity.info().user("uuid").unwrap_or_default().into_owned();
    let is_own = txn.audit.created_by == caller;
    let mut additional_details = request.additional_details.clone();
    if let Some(bills) = txn.additional_details.get("taxAndPayments") {
        additional_details.insert("taxAndPayments".to_owned(), bills.clone());
    }
    Transaction {
        payer: Payer {
            uuid: details.uuid.clone().unwrap_or_default(),
            user_name: details.user_name.clone().unwrap_or_else(|| Personal::new("")),
            name: details.name.clone(),
            mobile_number: details.mobile_number.clone(),
            email_id: details.email_id.clone(),
            tenant_id: details.tenant_id.as_str().to_owned(),
        },
        audit: Audit {
            created_by: if is_own { caller } else { String::new() },
            modified_by: txn.audit.modified_by.clone().filter(|_| is_own),
            ..txn.audit.clone()
        },
        additional_details,
        ..txn
    }
}
