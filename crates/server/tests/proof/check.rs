//! Invariants at the end, after any crashes.

use std::collections::{BTreeSet, HashMap, HashSet};
use std::sync::Arc;
use std::time::{Duration, Instant};

use payment_domain::{
    Actor, AttentionKind, Clock, EventKind, HistoryEntry, Refund, RefundReceipt, RefundStatus, StatusName,
    SystemClock, Transaction, TxnId,
};
use payment_simulator::sandbox::{BookEntry, State};
use payment_store::{PageRequest, SearchQuery, Store, StoredEvent};
use serde_json::Value;

use super::books::Register;
use super::figures::Figures;
use super::load::Ledger;
use crate::support::PATIENCE;

/// The ids of all transactions that are stored.
pub(crate) async fn stored_ids(store: &dyn Store) -> Vec<String> {
    stored(store).await.iter().map(|txn| txn.id.to_string()).collect()
}

async fn stored(store: &dyn Store) -> Vec<Transaction> {
    const PAGE: u32 = 500;
    let mut all = Vec::new();
    loop {
        let offset = u32::try_from(all.len()).unwrap();
        let query = SearchQuery { page: PageRequest { limit: PAGE, offset }, ..SearchQuery::default() };
        let page = store.search(&query).await.unwrap();
        if page.is_empty() {
            return all;
        }
        all.extend(page);
    }
}

/// Every event in the outbox.
pub(crate) async fn outbox(store: &dyn Store) -> Vec<StoredEvent> {
    let mut all: Vec<StoredEvent> = Vec::new();
    loop {
        let after = all.last().map_or(0, |stored| stored.sequence);
        let more = store.events_after(after, 1000).await.unwrap();
        if more.is_empty() {
            return all;
        }
        all.extend(more);
    }
}

/// Waits until no receipt is due.
pub(crate) async fn until_receipts_are_issued(store: &dyn Store) {
    let started = Instant::now();
    while store.backlog(SystemClock.now()).await.unwrap().receipts_due() > 0 {
        assert!(started.elapsed() < PATIENCE, "receipts stay due");
        tokio::time::sleep(Duration::from_millis(20)).await;
    }
}

/// The evidence to compare.
pub(crate) struct Evidence<'a> {
    pub(crate) store: Arc<dyn Store>,
    /// Every event in the outbox.
    pub(crate) outbox: &'a [StoredEvent],
    /// The gateway's books.
    pub(crate) books: &'a [BookEntry],
    /// The collection service's.
    pub(crate) register: &'a Register,
    /// The answers to clients.
    pub(crate) ledger: &'a Ledger,
    pub(crate) refunds: &'a [Refund],
}

/// Compares it all.
pub(crate) async fn all(evidence: &Evidence<'_>) -> Figures {
    let &Evidence { ref store, outbox, books, register, ledger, refunds } = evidence;
    let txns = stored(store.as_ref()).await;
    let mut check = Check {
        store: store.clone(),
        books: books.iter().map(|entry| (entry.order.as_str(), entry)).collect(),
        register,
        events: by_transaction(outbox),
        given_back: refunds
            .iter()
            .filter(|refund| is_whole(refund))
            .filter(|refund| matches!(refund.receipt, RefundReceipt::Cancelled | RefundReceipt::None))
            .map(|refund| (refund.txn_id.clone(), refund.receipt))
            .collect(),
        figures: Figures {
            answered: ledger.created.len(),
            unanswered: ledger.unanswered,
            unavailable: ledger.unavailable,
            refused: ledger.refused,
            raced: ledger.raced,
            stored: txns.len(),
            events: outbox.len(),
            faults: ledger.unexpected.clone(),
            ..Figures::default()
        },
    };
    check.nothing_answered_is_lost(&txns, ledger);
    check.no_unknown_payment_is_registered(&txns);
    check.no_bill_is_claimed_by_two(&txns).await;
    let mut numbers = HashSet::new();
    for txn in &txns {
        check.it_is_as_the_gateway_says(txn).await;
        check.it_has_its_receipts(txn, &mut numbers).await;
        check.its_events_are_whole_and_in_order(txn);
        check.its_history_is_legal(txn).await;
    }
    for unknown in check.events.keys() {
        check.figures.faults.push(format!("events of {unknown}, which is not stored"));
    }
    check.figures
}

fn by_transaction(events: &[StoredEvent]) -> HashMap<String, Vec<&StoredEvent>> {
    let mut of: HashMap<String, Vec<&StoredEvent>> = HashMap::new();
    for stored in events {
        of.entry(stored.event.txn_id.to_string()).or_default().push(stored);
    }
    of
}

/// Whether a refund has given a whole payment back.
pub(crate) fn is_whole(refund: &Refund) -> bool {
    refund.status == RefundStatus::Succeeded
        && refund.amount == refund.capture.amount
        && !refund.capture.is_second
}

struct Check<'a> {
    store: Arc<dyn Store>,
    books: HashMap<&'a str, &'a BookEntry>,
    register: &'a Register,
    events: HashMap<String, Vec<&'a StoredEvent>>,
    /// Payments that were given back whole, and whose receipts are cancelled or were never issued.
    given_back: HashMap<TxnId, RefundReceipt>,
    figures: Figures,
}

impl Check<'_> {
    fn fault(&mut self, txn: &Transaction, what: &str) {
        self.figures.faults.push(format!("{} ({:?}): {what}", txn.id, txn.status));
    }

    fn nothing_answered_is_lost(&mut self, txns: &[Transaction], ledger: &Ledger) {
        let stored: HashMap<&str, &Transaction> = txns.iter().map(|txn| (txn.id.as_str(), txn)).collect();
        let mut of_key: HashMap<&str, &str> = HashMap::new();
        for created in &ledger.created {
            match stored.get(created.txn_id.as_str()) {
                None => self.figures.faults.push(format!("{} was answered and is lost", created.txn_id)),
                Some(txn) => {
                    let bills: BTreeSet<&str> = txn.bills.iter().map(|bill| bill.bill_id.as_str()).collect();
                    if !bills.iter().eq(created
                        .bills
                        .iter()
                        .map(String::as_str)
                        .collect::<BTreeSet<_>>()
                        .iter())
                    {
                        self.fault(txn, "has other bills than were answered");
                    }
                }
            }
            if let Some(key) = &created.key
                && *of_key.entry(key).or_insert(&created.txn_id) != created.txn_id
            {
                self.figures.faults.push(format!("the key {key} was answered with two transactions"));
            }
        }
    }

    fn no_unknown_payment_is_registered(&mut self, txns: &[Transaction]) {
        let stored: HashSet<&str> = txns.iter().map(|txn| txn.id.as_str()).collect();
        for order in self.books.keys().filter(|order| !stored.contains(*order)) {
            self.figures.faults.push(format!("the gateway knows {order}, and we do not"));
        }
        for number in self.register.numbers().filter(|number| !stored.contains(number)) {
            self.figures.faults.push(format!("{number} is registered, and we do not know it"));
        }
        for number in &self.register.twice {
            self.figures.faults.push(format!("{number} is registered twice"));
        }
    }

    async fn no_bill_is_claimed_by_two(&mut self, txns: &[Transaction]) {
        let mut holders = HashMap::new();
        for txn in txns {
            let claims = self.store.claims(&txn.bill_keys()).await.unwrap();
            // Once its receipt is cancelled, the bills of a payment that was given back can be paid again.
            let live = txn.status.name() != StatusName::Failure && !self.given_back.contains_key(&txn.id);
            let held = claims.iter().filter(|claim| claim.txn_id == txn.id).count();
            if held != if live { txn.bill_keys().len() } else { 0 } {
                self.fault(txn, "holds other claims than its status says");
            }
            for bill in txn.bill_keys().into_iter().filter(|_| live) {
                if let Some(other) = holders.insert(bill, txn.id.clone()) {
                    self.fault(txn, &format!("claims a bill together with {other}"));
                }
            }
        }
    }

    async fn it_is_as_the_gateway_says(&mut self, txn: &Transaction) {
        let status = txn.status.name();
        *self.figures.by_status.entry(status.as_str()).or_default() += 1;
        let attention = self.store.attention(&txn.id).await.unwrap();
        self.figures.attention += u64::try_from(attention.len()).unwrap();
        let entry = self.books.get(txn.id.as_str()).copied();
        let (expected, mismatch) = match entry.map(|entry| (entry.state, entry.paid_paise)) {
            _ if txn.amount.is_zero() => (StatusName::Success, false),
            None | Some((State::Created | State::Pending, _)) => (StatusName::Pending, false),
            Some((State::Declined | State::Expired, _)) => (StatusName::Failure, false),
            Some((State::Paid, paid)) if paid == Some(txn.amount.minor()) => {
                self.figures.paid += 1;
                (StatusName::Success, false)
            }
            Some((State::Paid, _)) => (StatusName::Failure, true),
        };
        if status != expected {
            self.fault(txn, &format!("should be {expected:?}: the books say {entry:?}"));
        }
        let of_refunds = [
            AttentionKind::ReceiptNeedsAdjustment,
            AttentionKind::RefundReturned,
            AttentionKind::RefundUnclear,
        ];
        let kinds = attention.iter().map(|case| case.kind).filter(|kind| !of_refunds.contains(kind));
        let kinds: Vec<AttentionKind> = kinds.collect();
        let expected: &[AttentionKind] = if mismatch { &[AttentionKind::AmountMismatch] } else { &[] };
        if kinds != expected {
            self.fault(txn, &format!("waits for attention for {kinds:?}"));
        }
    }

    async fn it_has_its_receipts(&mut self, txn: &Transaction, numbers: &mut HashSet<String>) {
        let registered = self.register.payment(txn.id.as_str());
        let is_success = txn.status.name() == StatusName::Success;
        let given_back = self.given_back.get(&txn.id).copied();
        let has_none = !is_success || given_back == Some(RefundReceipt::None);
        let expected = if has_none { 0 } else { txn.bills.len() };
        if registered.receipts.len() != expected {
            self.fault(txn, &format!("has {} receipts for {expected} bills", registered.receipts.len()));
        }
        let cancelled = if given_back.is_some() { expected } else { 0 };
        if registered.cancelled != cancelled {
            let why = format!("has {} cancelled receipts, not {cancelled}", registered.cancelled);
            self.fault(txn, &why);
        }
        self.figures.cancelled += registered.cancelled;
        if expected > 0 && registered.total != txn.amount.minor() {
            self.fault(txn, &format!("is registered with {} paise", registered.total));
        }
        if txn.receipt() != registered.receipts.first().map(String::as_str) {
            self.fault(txn, &format!("names another receipt than the register: {:?}", registered.receipts));
        }
        if self.store.receipt_task(&txn.id).await.unwrap().is_some() {
            self.fault(txn, "its receipt is still due");
        }
        self.figures.receipts += u64::try_from(registered.receipts.len()).unwrap();
        for number in registered.receipts {
            if !numbers.insert(number.clone()) {
                self.fault(txn, &format!("shares the receipt {number}"));
            }
        }
    }

    /// One update for every change after the creation, each a step of the state machine, the last one with
    /// the stored state.
    fn its_events_are_whole_and_in_order(&mut self, txn: &Transaction) {
        let events = self.events.remove(txn.id.as_str()).unwrap_or_default();
        let of_kind = |kind: EventKind| -> Vec<Value> {
            let of_kind = events.iter().filter(|stored| stored.event.kind == kind);
            of_kind.map(|stored| serde_json::from_str(&stored.event.body).unwrap()).collect()
        };
        let (saves, updates) = (of_kind(EventKind::SaveTransaction), of_kind(EventKind::UpdateTransaction));
        if saves.len() != 1 || of_kind(EventKind::SaveDump).len() != 1 {
            self.fault(txn, "its creation was not told once");
        }
        if events.first().map(|stored| stored.event.kind) != Some(EventKind::SaveTransaction) {
            self.fault(txn, "something was told before its creation");
        }
        if updates.len() + 1 != usize::try_from(txn.version).unwrap() {
            self.fault(
                txn,
                &format!("changed {} times and told it {} times", txn.version - 1, updates.len()),
            );
        }
        let told: Vec<(&str, Option<&str>)> = saves
            .iter()
            .chain(&updates)
            .map(|body| {
                let txn = &body["Transaction"];
                (txn["txnStatus"].as_str().unwrap(), txn["receipt"].as_str())
            })
            .collect();
        if told.last() != Some(&(txn.status.name().as_str(), txn.receipt())) {
            self.fault(txn, &format!("the last event tells something else: {told:?}"));
        }
        let rank = |&(status, receipt): &(&str, Option<&str>)| match (status, receipt) {
            ("PENDING", None) => 0,
            ("FAILURE", None) => 1,
            ("SUCCESS", None) => 2,
            ("SUCCESS", Some(_)) => 3,
            _ => 9,
        };
        let ranks: Vec<u8> = told.iter().map(rank).collect();
        // A payment refunded before its receipt was issued has one more event.
        let given_back = self.given_back.contains_key(&txn.id);
        let stays = |pair: &[u8]| pair == [0, 0] || (given_back && pair == [2, 2]);
        let steps_forward = ranks.windows(2).all(|pair| pair[0] < pair[1] || stays(pair));
        let fails_then_succeeds = ranks.contains(&1) && ranks.iter().any(|&rank| rank >= 2);
        if !steps_forward || fails_then_succeeds || ranks.contains(&9) {
            self.fault(txn, &format!("was told out of order: {told:?}"));
        }
    }

    /// Every line begins where the one before it ended, and each step is one of the state machine's.
    async fn its_history_is_legal(&mut self, txn: &Transaction) {
        let history = self.store.history(&txn.id).await.unwrap();
        let by_the_job = |entry: &&HistoryEntry| entry.actor == Actor::job("receipts");
        self.figures.taken_over += u64::try_from(history.iter().filter(by_the_job).count()).unwrap();
        if history.len() < usize::try_from(txn.version).unwrap() {
            self.fault(txn, "has a gap in its history");
        }
        let mut stands = None;
        for entry in &history {
            let legal = match (entry.from, entry.to) {
                (None, StatusName::Pending | StatusName::Success) => true,
                (Some(StatusName::Pending), _) => true,
                (Some(from), to) => from == to,
                (None, StatusName::Failure) => false,
            };
            if entry.from != stands || !legal {
                self.fault(txn, &format!("went from {stands:?} by {:?} to {:?}", entry.from, entry.to));
            }
            stands = Some(entry.to);
        }
        if stands != Some(txn.status.name()) {
            self.fault(txn, &format!("its history ends at {stands:?}"));
        }
    }
}
