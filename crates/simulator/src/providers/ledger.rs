//! The books, in memory: orders, due changes, webhooks under way, and faults.

use std::collections::{BTreeMap, BTreeSet, HashMap};

use super::fault::{Fault, Rule, Strike, Twist};
use super::order::{Order, State, Terms, WebhookProgress};
use super::provider::Provider;
use super::refunds::books::{NotBooked, RefundBooks};
use super::refunds::{Refund, RefundTwist, RefundWish};
use crate::courier::{Message, Tried};

pub(crate) type Key = (Provider, String);

#[derive(Debug, Clone)]
pub(crate) struct Letter {
    pub(crate) key: Key,
    /// The same bytes in every try.
    pub(crate) message: Message,
    pub(crate) attempts: u32,
}

#[derive(Debug, Clone, PartialEq, Eq)]
pub(crate) enum Opened {
    /// New or known.
    Order(Box<Order>),
    /// It is known with another amount, protocol or way back.
    OtherTerms,
    Full,
}

/// The books of all providers. Everything in here is bounded by `max_orders`.
#[derive(Debug)]
pub(crate) struct Ledger {
    max_orders: usize,
    orders: HashMap<Key, Order>,
    by_sequence: Vec<Key>,
    /// Orders that time will change, by when it does.
    agenda: BTreeSet<(i64, Key)>,
    /// Messages by when they are due; the number separates those of one time.
    letters: BTreeMap<(i64, u64), Letter>,
    letters_written: u64,
    own_faults: HashMap<Key, Option<Fault>>,
    rules: Vec<(Provider, Rule)>,
    calls: HashMap<Provider, u64>,
    pub(crate) refunds: RefundBooks,
}

impl Ledger {
    pub(crate) fn new(max_orders: usize, rules: Vec<(Provider, Rule)>) -> Ledger {
        Ledger {
            max_orders,
            orders: HashMap::new(),
            by_sequence: Vec::new(),
            agenda: BTreeSet::new(),
            letters: BTreeMap::new(),
            letters_written: 0,
            own_faults: HashMap::new(),
            rules,
            calls: HashMap::new(),
            refunds: RefundBooks::default(),
        }
    }

    /// Takes up an order, unless it is there.
    pub(crate) fn open(&mut self, merchant: usize, terms: Terms, life_ms: i64, now_ms: i64) -> Opened {
        let key = (terms.protocol.provider(), terms.id.clone());
        if let Some(order) = self.orders.get(&key) {
            let same = order.merchant == merchant && order.terms.agree_with(&terms);
            return if same { Opened::Order(Box::new(order.clone())) } else { Opened::OtherTerms };
        }
        if self.orders.len() >= self.max_orders {
            return Opened::Full;
        }
        self.by_sequence.push(key.clone());
        let order = Order {
            sequence: self.by_sequence.len() as u64,
            merchant,
            expires_ms: now_ms.saturating_add(terms.life_ms.unwrap_or(life_ms)),
            terms,
            opened_ms: now_ms,
            state: State::Open,
            cancelled: false,
            taken: None,
            decided_ms: None,
            status_calls: 0,
            webhooks: WebhookProgress::default(),
        };
        self.orders.insert(key, order.clone());
        Opened::Order(Box::new(order))
    }

    /// The order as it was last written down.
    pub(crate) fn order(&self, key: &Key) -> Option<&Order> {
        self.orders.get(key)
    }

    /// The order, to be changed; [`Ledger::rescheduled`] is called afterwards.
    pub(crate) fn order_mut(&mut self, key: &Key) -> Option<&mut Order> {
        self.orders.get_mut(key)
    }

    /// Keeps the agenda right after an order changed; `old_due_ms` is when it was due before.
    pub(crate) fn rescheduled(&mut self, key: &Key, old_due_ms: Option<i64>) {
        if let Some(due_ms) = old_due_ms {
            self.agenda.remove(&(due_ms, key.clone()));
        }
        if let Some(due_ms) = self.orders.get(key).and_then(Order::due_ms) {
            self.agenda.insert((due_ms, key.clone()));
        }
    }

    /// Up to `limit` orders that time has changed by now.
    pub(crate) fn due_orders(&self, now_ms: i64, limit: usize) -> Vec<Key> {
        self.agenda
            .iter()
            .take_while(|(due_ms, _)| *due_ms <= now_ms)
            .take(limit)
            .map(|(_, key)| key.clone())
            .collect()
    }

    /// Up to `limit` keys behind a place in the books, in the order they were opened.
    pub(crate) fn keys_after(&self, sequence: u64, limit: usize) -> Vec<Key> {
        let skipped = usize::try_from(sequence).unwrap_or(usize::MAX);
        self.by_sequence.iter().skip(skipped).take(limit).cloned().collect()
    }

    /// The newest keys, newest first.
    pub(crate) fn newest(&self, limit: usize) -> Vec<Key> {
        self.by_sequence.iter().rev().take(limit).cloned().collect()
    }

    pub(crate) fn post(&mut self, key: &Key, message: Message, now_ms: i64) {
        self.letters_written = self.letters_written.wrapping_add(1);
        let letter = Letter { key: key.clone(), message, attempts: 0 };
        self.letters.insert((now_ms, self.letters_written), letter);
        if let Some(order) = self.orders.get_mut(key) {
            order.webhooks.waiting = order.webhooks.waiting.saturating_add(1);
        }
    }

    /// Up to `limit` messages that are due, with their keys.
    pub(crate) fn due_letters(&self, now_ms: i64, limit: usize) -> Vec<((i64, u64), Letter)> {
        self.letters
            .range(..=(now_ms, u64::MAX))
            .take(limit)
            .map(|(place, letter)| (*place, letter.clone()))
            .collect()
    }

    pub(crate) fn tried(&mut self, place: (i64, u64), tried: Tried) {
        let Tried { delivered, result, next_ms } = tried;
        let Some(mut letter) = self.letters.remove(&place) else { return };
        letter.attempts = letter.attempts.saturating_add(1);
        if let Some(order) = self.orders.get_mut(&letter.key) {
            let progress = &mut order.webhooks;
            progress.attempts = progress.attempts.saturating_add(1);
            progress.last_result = Some(result);
            if delivered {
                progress.delivered = progress.delivered.saturating_add(1);
            }
            if next_ms.is_none() {
                progress.waiting = progress.waiting.saturating_sub(1);
            }
        }
        if let Some(next_ms) = next_ms {
            self.letters.insert((next_ms, place.1), letter);
        }
    }

    /// When something is next due; `None` when nothing waits.
    pub(crate) fn next_due_ms(&self) -> Option<i64> {
        let order = self.agenda.first().map(|(due_ms, _)| *due_ms);
        let letter = self.letters.keys().next().map(|(due_ms, _)| *due_ms);
        order.into_iter().chain(letter).chain(self.refunds.next_due_ms()).min()
    }

    /// Asks for a fault of one order, whether it is there yet or not; `Some(None)` keeps it from all
    /// faults. Returns whether there was room to note it.
    pub(crate) fn set_own_fault(&mut self, key: Key, fault: Option<Fault>) -> bool {
        if self.own_faults.len() >= self.max_orders && !self.own_faults.contains_key(&key) {
            return false;
        }
        self.own_faults.insert(key, fault);
        true
    }

    /// The fault set for this order, if any.
    pub(crate) fn own_fault(&self, key: &Key) -> Option<Option<Fault>> {
        self.own_faults.get(key).copied()
    }

    /// Adds a rule, in the place of the one with the same fault.
    pub(crate) fn add_rule(&mut self, provider: Provider, rule: Rule) {
        self.rules.retain(|(other, old)| *other != provider || old.fault.word() != rule.fault.word());
        self.rules.push((provider, rule));
    }

    pub(crate) fn clear_rules(&mut self, provider: Provider) {
        self.rules.retain(|(other, _)| *other != provider);
    }

    pub(crate) fn rules(&self, provider: Provider) -> impl Iterator<Item = Rule> + '_ {
        self.rules.iter().filter(move |(other, _)| *other == provider).map(|(_, rule)| *rule)
    }

    /// The fault of an order: its own, else that of the first rule for it.
    pub(crate) fn twist(&self, key: &Key) -> Option<Twist> {
        let of_order = |fault: Fault| match fault {
            Fault::Order(twist) => Some(twist),
            Fault::Call(_) | Fault::Refund(_) => None,
        };
        match self.own_fault(key) {
            Some(own) => own.and_then(of_order),
            None => {
                let sequence = self.orders.get(key)?.sequence;
                self.rules(key.0)
                    .filter(|rule| rule.strikes(key.0, sequence))
                    .find_map(|rule| of_order(rule.fault))
            }
        }
    }

    /// Books a refund of a payment that is up to date.
    pub(crate) fn book_refund(
        &mut self,
        wish: RefundWish,
        twist: Option<RefundTwist>,
        times_ms: (i64, i64),
    ) -> Result<Refund, NotBooked> {
        let payment = self.orders.get(&wish.payment);
        self.refunds.book(wish, payment, twist, times_ms, self.max_orders).cloned()
    }

    /// The fault of a refund: its own, else that of its order, else that of the first rule for the order.
    pub(crate) fn refund_twist(&self, id: &Key, payment: &Key) -> Option<RefundTwist> {
        let of_refund = |fault: Fault| match fault {
            Fault::Refund(twist) => Some(twist),
            Fault::Call(_) | Fault::Order(_) => None,
        };
        for key in [id, payment] {
            match self.own_fault(key) {
                None | Some(Some(Fault::Call(_) | Fault::Order(_))) => {}
                Some(own) => return own.and_then(of_refund),
            }
        }
        let sequence = self.orders.get(payment)?.sequence;
        self.rules(payment.0)
            .filter(|rule| rule.strikes(payment.0, sequence))
            .find_map(|rule| of_refund(rule.fault))
    }

    /// The fault of this call about an order, known or not: the order's own, else that of the first rule for
    /// the provider's calls at this number.
    pub(crate) fn strike(&mut self, key: &Key) -> Option<Strike> {
        let of_call = |fault: Fault| match fault {
            Fault::Call(strike) => Some(strike),
            Fault::Order(_) | Fault::Refund(_) => None,
        };
        let calls = self.calls.entry(key.0).or_default();
        *calls = calls.wrapping_add(1);
        let number = *calls;
        match self.own_fault(key) {
            Some(own) => own.and_then(of_call),
            None => self
                .rules(key.0)
                .filter_map(|rule| of_call(rule.fault).map(|strike| (rule, strike)))
                .find_map(|(rule, strike)| rule.strikes(key.0, number).then_some(strike)),
        }
    }
}

#[cfg(test)]
mod tests {
    use std::collections::BTreeMap;

    use super::*;
    use crate::money::Amount;
    use crate::providers::fault::Rate;
    use crate::providers::order::ReturnTo;
    use crate::providers::provider::Protocol;

    fn terms(id: &str, amount_paise: i64) -> Terms {
        Terms {
            protocol: Protocol::Payu,
            id: id.to_owned(),
            amount: Amount::of_paise(amount_paise).unwrap(),
            return_to: ReturnTo::Get("http://x/".to_owned()),
            notify_url: None,
            echo: BTreeMap::new(),
            life_ms: None,
        }
    }

    fn key(id: &str) -> Key {
        (Provider::Payu, id.to_owned())
    }

    #[test]
    fn an_order_never_changes_and_full_books_refuse() {
        let mut ledger = Ledger::new(2, Vec::new());
        let Opened::Order(first) = ledger.open(0, terms("T1", 100), 10, 0) else { panic!("opened") };
        assert_eq!(ledger.open(0, terms("T1", 100), 99, 5), Opened::Order(first));
        assert_eq!(ledger.open(0, terms("T1", 101), 10, 0), Opened::OtherTerms);
        assert!(matches!(ledger.open(0, terms("T2", 1), 10, 0), Opened::Order(_)));
        assert_eq!(ledger.open(0, terms("T3", 1), 10, 0), Opened::Full);
        assert!(ledger.set_own_fault(key("A"), None) && ledger.set_own_fault(key("B"), None));
        assert!(!ledger.set_own_fault(key("C"), None), "no more faults than orders");
        assert!(ledger.set_own_fault(key("A"), Some(Fault::Call(Strike::Hang))));
    }

    #[test]
    fn an_orders_own_fault_stands_before_the_rules() {
        let hang = Rule::always(Fault::Call(Strike::Hang));
        let absent = Rule::always(Fault::Order(Twist::NotFound));
        let mut ledger = Ledger::new(9, vec![(Provider::Payu, hang), (Provider::Payu, absent)]);
        ledger.open(0, terms("T1", 100), 10, 0);
        assert_eq!(
            (ledger.strike(&key("T1")), ledger.twist(&key("T1"))),
            (Some(Strike::Hang), Some(Twist::NotFound))
        );
        ledger.set_own_fault(key("T1"), None);
        assert_eq!(
            (ledger.strike(&key("T1")), ledger.twist(&key("T1"))),
            (None, None),
            "kept from all faults"
        );
        ledger.set_own_fault(key("T1"), Some(Fault::Call(Strike::Cut)));
        assert_eq!((ledger.strike(&key("T1")), ledger.twist(&key("T1"))), (Some(Strike::Cut), None));
        ledger.clear_rules(Provider::Payu);
        assert_eq!(ledger.strike(&key("T2")), None);
        ledger.add_rule(Provider::Payu, hang);
        ledger.add_rule(Provider::Payu, Rule { rate: Rate::parse("0").unwrap(), ..hang });
        assert_eq!(ledger.rules(Provider::Payu).count(), 1, "one rule for each fault");
        assert_eq!((ledger.strike(&key("T2")), ledger.rules(Provider::Axis).count()), (None, 0));
    }

    #[test]
    fn a_letter_waits_until_it_arrives_or_is_given_up() {
        let mut ledger = Ledger::new(9, Vec::new());
        ledger.open(0, terms("T1", 100), 10, 0);
        let message = Message { url: "http://x/".to_owned(), headers: Vec::new(), body: String::new() };
        ledger.post(&key("T1"), message.clone(), 5);
        ledger.post(&key("T1"), message, 5);
        assert_eq!(
            (ledger.due_letters(4, 9).len(), ledger.due_letters(5, 9).len(), ledger.next_due_ms()),
            (0, 2, Some(5))
        );
        let places: Vec<_> = ledger.due_letters(5, 9).into_iter().map(|(place, _)| place).collect();
        let tried =
            |delivered, result: &str, next_ms| Tried { delivered, result: result.to_owned(), next_ms };
        ledger.tried(places[0], tried(true, "answered 200", None));
        ledger.tried(places[1], tried(false, "answered 500", Some(8)));
        ledger.tried(places[0], tried(true, "again", None));
        assert_eq!(ledger.next_due_ms(), Some(8));
        let progress = &ledger.order(&key("T1")).unwrap().webhooks;
        assert_eq!((progress.attempts, progress.delivered, progress.waiting), (2, 1, 1));
        assert_eq!(progress.last_result.as_deref(), Some("answered 500"));
    }
}
