//! What must hold in the end, whatever died when.

use std::collections::{BTreeMap, BTreeSet, HashMap, HashSet};
use std::fmt::Write;
use std::path::Path;
use std::sync::Arc;
use std::time::Duration;

use payment_digit::embedded::Registers;
use payment_domain::{Actor, AttentionKind, EventKind, HistoryEntry, StatusName, Transaction};
use payment_simulator::sandbox::{BookEntry, State};
use payment_store::{PageRequest, SearchQuery, Store, StoredEvent};
use payment_store_sqlite::SqliteStore;
use serde_json::Value;

use crate::load::Ledger;

/// What was found.
#[derive(Debug, Default)]
pub(crate) struct Figures {
    answered: usize,
    unanswered: u64,
    refused: u64,
    stored: usize,
    by_status: BTreeMap<&'static str, u64>,
    pub(crate) paid: u64,
    pub(crate) receipts: u64,
    taken_over: u64,
    events: usize,
    attention: u64,
    /// Everything that is not as promised.
    pub(crate) faults: Vec<String>,
}

/// The ids of all transactions that are stored.
pub(crate) async fn stored_ids(store: &SqliteStore) -> Vec<String> {
    stored(store).await.iter().map(|txn| txn.id.to_string()).collect()
}

async fn stored(store: &SqliteStore) -> Vec<Transaction> {
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

async fn outbox(store: &SqliteStore) -> Vec<StoredEvent> {
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

pub(crate) async fn all(
    store: &Arc<SqliteStore>,
    database: &Path,
    books: &[BookEntry],
    ledger: &Ledger,
) -> Figures {
    let txns = stored(store).await;
    let events = outbox(store).await;
    let mut check = Check {
        store,
        books: books.iter().map(|entry| (entry.order.as_str(), entry)).collect(),
        events: by_transaction(&events),
        figures: Figures {
            answered: ledger.created.len(),
            unanswered: ledger.unanswered,
            refused: ledger.refused,
            stored: txns.len(),
            events: events.len(),
            faults: ledger.unexpected.clone(),
            ..Figures::default()
        },
    };
    check.nothing_answered_is_lost(&txns, ledger);
    check.the_gateway_knows_no_stranger(&txns);
    check.no_bill_is_claimed_by_two(&txns).await;
    let mut numbers = HashSet::new();
    for txn in &txns {
        check.it_is_as_the_gateway_says(txn).await;
        check.it_has_its_receipts(txn, &mut numbers).await;
        check.its_events_are_whole_and_in_order(txn).await;
    }
    check.the_register_has_no_other_receipts(database);
    check.figures
}

fn by_transaction(events: &[StoredEvent]) -> HashMap<String, Vec<&StoredEvent>> {
    let mut of: HashMap<String, Vec<&StoredEvent>> = HashMap::new();
    for stored in events {
        of.entry(stored.event.txn_id.to_string()).or_default().push(stored);
    }
    of
}

struct Check<'a> {
    store: &'a Arc<SqliteStore>,
    books: HashMap<&'a str, &'a BookEntry>,
    events: HashMap<String, Vec<&'a StoredEvent>>,
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

    fn the_gateway_knows_no_stranger(&mut self, txns: &[Transaction]) {
        let stored: HashSet<&str> = txns.iter().map(|txn| txn.id.as_str()).collect();
        for order in self.books.keys().filter(|order| !stored.contains(*order)) {
            self.figures.faults.push(format!("the gateway knows {order}, and we do not"));
        }
    }

    async fn no_bill_is_claimed_by_two(&mut self, txns: &[Transaction]) {
        let mut holders = HashMap::new();
        for txn in txns {
            let claims = self.store.claims(&txn.bill_keys()).await.unwrap();
            let live = txn.status.name() != StatusName::Failure;
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
        let kinds: Vec<AttentionKind> = attention.iter().map(|case| case.kind).collect();
        let expected: &[AttentionKind] = if mismatch { &[AttentionKind::AmountMismatch] } else { &[] };
        if kinds != expected {
            self.fault(txn, &format!("waits for attention for {kinds:?}"));
        }
    }

    async fn it_has_its_receipts(&mut self, txn: &Transaction, numbers: &mut HashSet<String>) {
        let registered =
            self.store.receipts(&txn.id).await.unwrap().map(|receipts| receipts.0).unwrap_or_default();
        let expected = if txn.status.name() == StatusName::Success { txn.bills.len() } else { 0 };
        if registered.len() != expected {
            self.fault(txn, &format!("has {} receipts for {expected} bills", registered.len()));
        }
        if txn.receipt() != registered.first().map(String::as_str) {
            self.fault(txn, &format!("names another receipt than the register: {registered:?}"));
        }
        if self.store.receipt_duty(&txn.id).await.unwrap().is_some() {
            self.fault(txn, "its receipt is still due");
        }
        self.figures.receipts += u64::try_from(registered.len()).unwrap();
        for number in registered {
            if !numbers.insert(number.clone()) {
                self.fault(txn, &format!("shares the receipt {number}"));
            }
        }
    }

    /// One update for every change after the creation, each a step of the state machine, the last
    /// one telling what is stored.
    async fn its_events_are_whole_and_in_order(&mut self, txn: &Transaction) {
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
        let steps_forward = ranks.windows(2).all(|pair| pair[0] < pair[1] || pair == [0, 0]);
        let fails_then_succeeds = ranks.contains(&1) && ranks.iter().any(|&rank| rank >= 2);
        if !steps_forward || fails_then_succeeds || ranks.contains(&9) {
            self.fault(txn, &format!("was told out of order: {told:?}"));
        }
        let history = self.store.history(&txn.id).await.unwrap();
        let by_the_job = |entry: &&HistoryEntry| entry.actor == Actor::job("receipts");
        self.figures.taken_over += u64::try_from(history.iter().filter(by_the_job).count()).unwrap();
        if history.len() < usize::try_from(txn.version).unwrap() {
            self.fault(txn, "has a gap in its history");
        }
    }

    fn the_register_has_no_other_receipts(&mut self, database: &Path) {
        let conn = rusqlite::Connection::open(database).unwrap();
        let count = |sql: &str| conn.query_row(sql, [], |row| row.get::<_, i64>(0)).unwrap();
        let receipts = count("SELECT count(*) FROM stand_in_receipts");
        if u64::try_from(receipts).unwrap() != self.figures.receipts {
            let known = self.figures.receipts;
            self.figures
                .faults
                .push(format!("the register has {receipts} receipts, transactions name {known}"));
        }
        let events = usize::try_from(count("SELECT count(*) FROM eg_pg_outbox")).unwrap();
        if events != self.figures.events {
            self.figures.faults.push(format!("{events} events, of which {} were read", self.figures.events));
        }
        let sound: String = conn.query_row("PRAGMA integrity_check", [], |row| row.get(0)).unwrap();
        if sound != "ok" {
            self.figures.faults.push(format!("the database is damaged: {sound}"));
        }
        for of_nobody in self.events.keys() {
            self.figures.faults.push(format!("events of {of_nobody}, which is not stored"));
        }
    }
}

impl Figures {
    /// A summary for people.
    pub(crate) fn table(&self, kills: u64, to_answer: &[Duration]) -> String {
        let mut out = String::new();
        let mut row = |name: &str, value: String| {
            let _ = writeln!(out, "  {name:44} {value:>10}");
        };
        row("times killed (kill -9)", kills.to_string());
        if let (Some(middle), Some(longest)) = (to_answer.get(to_answer.len() / 2), to_answer.last()) {
            row("restart to first answer, median", format!("{} ms", middle.as_millis()));
            row("restart to first answer, longest", format!("{} ms", longest.as_millis()));
        }
        row("creates answered", self.answered.to_string());
        row("creates refused: the bill is taken", self.refused.to_string());
        row("requests that died with the service", self.unanswered.to_string());
        row("transactions stored", self.stored.to_string());
        for (status, count) in &self.by_status {
            row(&format!("  {status}"), count.to_string());
        }
        row("paid at the gateway, by its own books", self.paid.to_string());
        row("receipts", self.receipts.to_string());
        row("transactions receipted after a death", self.taken_over.to_string());
        row("cases for an operator (wrong amounts)", self.attention.to_string());
        row("events in the outbox", self.events.to_string());
        row("faults", self.faults.len().to_string());
        out
    }
}
