//! Opening, look-up and decision of orders: every change goes through here, so that orders are always up
//! to date and webhooks are written with each change.

use std::sync::{MutexGuard, PoisonError};

use hmac::{Hmac, KeyInit, Mac};
use sha2::Sha256;
use subtle::ConstantTimeEq;

use super::fault::{Fault, Strike, Twist};
use super::ledger::{Key, Ledger, Opened};
use super::order::{Choice, Order, State, Statement, Terms};
use super::provider::{Protocol, Provider};
use super::{
    BookEntry, Providers, axis, ccavenue, form, hyperswitch, paytm, payu, phonepe, razorpay, stripe,
};
use crate::WayBack;
use crate::courier::Message;

/// An order and its fault.
#[derive(Debug, Clone)]
pub(crate) struct Found {
    /// The order, up to date.
    pub(crate) order: Order,
    pub(crate) twist: Option<Twist>,
}

impl Providers {
    /// The books. Never held across an `await`.
    pub(crate) fn ledger(&self) -> MutexGuard<'_, Ledger> {
        self.inner.ledger.lock().unwrap_or_else(PoisonError::into_inner)
    }

    pub(crate) fn now_ms(&self) -> i64 {
        self.inner.settings.clock.now_ms()
    }

    /// Takes up an order, or finds the one that is there.
    pub(crate) fn open(&self, terms: Terms) -> Opened {
        let life_ms = i64::try_from(self.inner.settings.order_life.as_millis()).unwrap_or(i64::MAX);
        self.ledger().open(self.merchant.unwrap_or_default(), terms, life_ms, self.now_ms())
    }

    /// Brings an order up to date, changes it, and writes the resulting webhooks.
    fn update(
        &self,
        key: &Key,
        change: impl FnOnce(&mut Order, Option<Twist>, i64) -> bool,
    ) -> Option<Found> {
        let now_ms = self.now_ms();
        let mut ledger = self.ledger();
        let twist = ledger.twist(key);
        let order = ledger.order_mut(key).filter(|order| self.sees(order.merchant))?;
        let old_due_ms = order.due_ms();
        let advanced = order.advance(now_ms);
        let changed = change(order, twist, now_ms);
        let order = order.clone();
        if advanced || changed {
            ledger.rescheduled(key, old_due_ms);
            for message in self.webhooks(&order, twist) {
                ledger.post(key, message, now_ms);
            }
            drop(ledger);
            self.inner.courier.bell.notify_one();
        }
        Some(Found { order, twist })
    }

    /// The order with this payment number.
    pub(crate) fn order_with_payment_number(&self, provider: Provider, number: u64) -> Option<Key> {
        let sequence = Order::sequence_of(number)?.checked_sub(1)?;
        let key = self.ledger().keys_after(sequence, 1).pop().filter(|(known, _)| *known == provider)?;
        self.look(&key).map(|_| key)
    }

    pub(crate) fn look(&self, key: &Key) -> Option<Found> {
        self.update(key, |_, _, _| false)
    }

    /// The current state of an order, for a status call.
    pub(crate) fn status_asked(&self, provider: Provider, order: &str) -> Option<Found> {
        self.update(&(provider, order.to_owned()), |order, _, _| {
            order.status_calls = order.status_calls.saturating_add(1);
            false
        })
    }

    /// Closes an order that is open; says whether it was.
    pub(crate) fn expire(&self, key: &Key) -> Option<(Found, bool)> {
        let mut was_open = false;
        let found = self.update(key, |order, _, now_ms| {
            was_open = order.expire(now_ms);
            was_open
        })?;
        Some((found, was_open))
    }

    /// Carries out the payer's choice if there is one left.
    pub(crate) fn choose(&self, key: &Key, choice: Choice) -> Option<Found> {
        if let Choice::PayWith(fault) = choice {
            let now_ms = self.now_ms();
            let mut ledger = self.ledger();
            if ledger.order(key).is_some_and(|order| order.can_be_paid(now_ms)) {
                ledger.set_own_fault(key.clone(), Some(fault));
            }
        }
        self.update(key, |order, twist, now_ms| order.choose(choice, twist, now_ms))
    }

    /// Brings a pending change about now.
    pub(crate) fn elapse(&self, key: &Key) -> Option<Found> {
        self.update(key, |order, _, now_ms| order.elapse(now_ms))
    }

    /// The fault of this call about an order, which need not exist.
    pub(crate) fn strike(&self, provider: Provider, order: &str) -> Option<Strike> {
        self.ledger().strike(&(provider, order.to_owned()))
    }

    /// The webhooks of an order that has just changed.
    fn webhooks(&self, order: &Order, twist: Option<Twist>) -> Vec<Message> {
        let decided = match order.state {
            State::Paid | State::Declined { .. } => true,
            State::Expired => order.terms.protocol == Protocol::Stripe,
            State::Open | State::Pending { .. } => false,
        };
        if !decided || twist == Some(Twist::Silent) {
            return Vec::new();
        }
        let Some(url) = order.terms.notify_url.as_deref() else { return Vec::new() };
        let (accounts, statement) = self.signing(Statement::told(order, twist));
        let message = match order.terms.protocol {
            // MIGS sends none.
            Protocol::Vpc => return Vec::new(),
            Protocol::Ccavenue => {
                form_message(url, &ccavenue::wire::webhook_fields(&accounts.ccavenue, &statement))
            }
            Protocol::HyperswitchLink => hyperswitch::wire::webhook(&accounts.hyperswitch, url, &statement),
            Protocol::PaytmLegacy | Protocol::PaytmV3 => {
                let fields = paytm::callback_fields(&accounts.paytm, &statement, self.now_ms());
                form_message(url, &fields)
            }
            Protocol::PhonepeLegacy | Protocol::PhonepeV1 => {
                phonepe::signed::webhook(&accounts.phonepe, url, &statement)
            }
            Protocol::PhonepeV2 => phonepe::checkout::webhook(&accounts.phonepe, url, &statement),
            Protocol::Payu => form_message(url, &payu::wire::callback_fields(&accounts.payu, &statement)),
            Protocol::RazorpayLink => {
                razorpay::webhook(&self.met_by(order.merchant), &accounts.razorpay, url, &statement)
            }
            Protocol::Stripe => {
                stripe::wire::webhook(&accounts.stripe, url, &statement, twist, self.now_ms())
            }
        };
        let copies = if twist == Some(Twist::DuplicateWebhooks) { 2 } else { 1 };
        vec![message; copies]
    }

    /// How the payer's browser gets back to the merchant.
    pub(crate) fn way_back(&self, found: &Found) -> WayBack {
        let (accounts, statement) = self.signing(Statement::told(&found.order, found.twist));
        let now_ms = self.now_ms();
        match found.order.terms.protocol {
            Protocol::Vpc => {
                axis::wire::way_back(&accounts.axis, &accounts.axis.secret_bytes(), &statement, now_ms)
            }
            Protocol::Ccavenue => ccavenue::wire::way_back(&accounts.ccavenue, &statement),
            Protocol::HyperswitchLink => hyperswitch::wire::way_back(&accounts.hyperswitch, &statement),
            Protocol::PaytmLegacy | Protocol::PaytmV3 => paytm::way_back(&accounts.paytm, &statement, now_ms),
            Protocol::PhonepeLegacy | Protocol::PhonepeV1 => {
                phonepe::signed::way_back(&accounts.phonepe, &statement)
            }
            Protocol::PhonepeV2 => phonepe::checkout::way_back(&statement),
            Protocol::Payu => payu::wire::way_back(&accounts.payu, &statement),
            Protocol::RazorpayLink => razorpay::way_back(&accounts.razorpay, &statement),
            Protocol::Stripe => stripe::wire::way_back(&statement),
        }
    }

    /// Up to `limit` orders behind the one of that `sequence` (0 for the first), in the order they were
    /// opened.
    pub fn books(&self, after: u64, limit: usize) -> Vec<BookEntry> {
        let keys = self.ledger().keys_after(after, limit);
        keys.iter().filter_map(|key| self.book_entry(key)).collect()
    }

    pub fn book_entry_of(&self, provider: Provider, order: &str) -> Option<BookEntry> {
        self.book_entry(&(provider, order.to_owned()))
    }

    pub(crate) fn book_entry(&self, key: &Key) -> Option<BookEntry> {
        let order = self.look(key)?.order;
        let fault = self.ledger().own_fault(key).flatten();
        Some(BookEntry {
            sequence: order.sequence,
            provider: order.provider(),
            protocol: order.terms.protocol,
            merchant: self.met_by(order.merchant).accounts().name.clone(),
            state: order.state,
            amount: order.terms.amount,
            order: order.terms.id,
            taken: order.taken,
            status_calls: order.status_calls,
            webhooks: order.webhooks,
            fault,
            opened_ms: order.opened_ms,
            decided_ms: order.decided_ms,
        })
    }

    /// Asks for a fault of one order, before it is opened or later; with `None` the order is kept from
    /// all faults. Returns whether there was room to note it.
    pub fn set_fault(&self, provider: Provider, order: &str, fault: Option<Fault>) -> bool {
        self.ledger().set_own_fault((provider, order.to_owned()), fault)
    }

    pub(crate) fn pay_page_url(&self, key: &Key) -> String {
        let token = self.seal("page", &[key.0.path(), &key.1]);
        let base = self.inner.settings.public_url.trim_end_matches('/');
        form::with_parameters(
            &format!("{base}/{}/pay-page", key.0.path()),
            [("order", key.1.as_str()), ("token", token.as_str())],
        )
    }

    /// The simulator's own signature over some texts.
    pub(crate) fn seal(&self, purpose: &str, texts: &[&str]) -> String {
        // HMAC takes keys of every length, so the error cannot occur; an empty seal opens nothing.
        let Ok(mut mac) = Hmac::<Sha256>::new_from_slice(&self.inner.own_key) else { return String::new() };
        mac.update(purpose.as_bytes());
        for text in texts {
            mac.update(&(text.len() as u64).to_be_bytes());
            mac.update(text.as_bytes());
        }
        hex::encode(mac.finalize().into_bytes())
    }

    /// Whether a seal is the simulator's own over these texts.
    pub(crate) fn is_sealed(&self, purpose: &str, texts: &[&str], seal: &str) -> bool {
        let expected = self.seal(purpose, texts);
        !expected.is_empty() && bool::from(expected.as_bytes().ct_eq(seal.as_bytes()))
    }
}

fn form_message(url: &str, fields: &[(String, String)]) -> Message {
    Message {
        url: url.to_owned(),
        headers: vec![("content-type", "application/x-www-form-urlencoded".to_owned())],
        body: form::encode(fields.iter().map(|(name, value)| (name.as_str(), value.as_str()))),
    }
}
