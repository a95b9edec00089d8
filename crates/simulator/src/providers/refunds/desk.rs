//! Refunds requested, looked up and decided: every change goes through here, so that refunds are always up to
//! date and webhooks are written with each change.

use serde::Serialize;

use super::books::NotBooked;
use super::{Refund, RefundState, RefundStatement, RefundTwist, RefundWish};
use crate::courier::Message;
use crate::money::Amount;
use crate::providers::fault::{Fault, Strike};
use crate::providers::ledger::Key;
use crate::providers::order::Terms;
use crate::providers::provider::{Protocol, Provider};
use crate::providers::{Providers, hyperswitch, paytm, payu, phonepe, razorpay, stripe};

/// A refund, up to date, and its fault.
#[derive(Debug, Clone)]
pub(crate) struct FoundRefund {
    pub(crate) refund: Refund,
    pub(crate) twist: Option<RefundTwist>,
}

/// The result of a request for a refund.
#[derive(Debug, Clone)]
pub(crate) enum RefundAsked {
    /// It is new.
    Booked(FoundRefund),
    /// There is one with this id: the provider answers it again, or refuses.
    Known(FoundRefund),
    Not(NotBooked),
    /// The request never arrived: the connection is cut.
    Lost,
}

#[derive(Debug, Clone, PartialEq, Eq, Serialize)]
pub struct RefundEntry {
    /// Its place in the books; grows, over all providers.
    pub sequence: u64,
    pub provider: Provider,
    /// The order that was paid.
    pub order: String,
    /// The merchant's id of it.
    pub refund: String,
    pub state: RefundState,
    pub amount: Amount,
    /// Whether it was made in the provider's portal, behind the merchant's back.
    pub in_portal: bool,
    pub status_calls: u32,
    /// The time of the request, in milliseconds since the epoch.
    pub asked_ms: i64,
    /// When its state last changed, in milliseconds since the epoch.
    pub decided_ms: i64,
}

impl Providers {
    /// Takes a request for a refund.
    pub(crate) fn refund(&self, wish: RefundWish) -> RefundAsked {
        let id = (wish.payment.0, wish.id.clone());
        // Brings the payment up to date.
        if self.look(&wish.payment).is_none() {
            return RefundAsked::Not(NotBooked::NotPaid);
        }
        let (now_ms, takes_ms) = (self.now_ms(), self.refunds_take_ms());
        let mut ledger = self.ledger();
        let twist = ledger.refund_twist(&id, &wish.payment);
        let known = ledger.refunds.with_id(&id).last().copied();
        if twist == Some(RefundTwist::RequestLost) && known.is_none() && ledger.refunds.loses(&id) {
            return RefundAsked::Lost;
        }
        if let (Some(place), false) = (known, wish.ids_repeat) {
            drop(ledger);
            let found = self.look_at_refund(place, |_| {});
            return found.map_or(RefundAsked::Not(NotBooked::Full), RefundAsked::Known);
        }
        match ledger.book_refund(wish, twist, (now_ms, takes_ms)) {
            Ok(refund) => {
                self.post_refund_webhook(&mut ledger, &refund, twist, now_ms);
                drop(ledger);
                self.inner.courier.bell.notify_one();
                RefundAsked::Booked(FoundRefund { refund, twist })
            }
            Err(why) => RefundAsked::Not(why),
        }
    }

    /// The refunds with this id of the merchant's, oldest first, for a status call.
    pub(crate) fn refund_status_asked(&self, provider: Provider, id: &str) -> Vec<FoundRefund> {
        let places = self.ledger().refunds.with_id(&(provider, id.to_owned()));
        let asked = |refund: &mut Refund| refund.status_calls = refund.status_calls.saturating_add(1);
        places.into_iter().filter_map(|place| self.look_at_refund(place, asked)).collect()
    }

    /// The refund with this number of the provider's, for a status call.
    pub(crate) fn refund_with_number(&self, provider: Provider, number: u64) -> Option<FoundRefund> {
        let place = usize::try_from(Refund::sequence_of(number)?.checked_sub(1)?).ok()?;
        let asked = |refund: &mut Refund| refund.status_calls = refund.status_calls.saturating_add(1);
        self.look_at_refund(place, asked).filter(|found| found.refund.provider() == provider)
    }

    /// The payment of the newest refund with this id.
    pub(crate) fn refund_payment(&self, provider: Provider, id: &str) -> Option<Key> {
        let place = *self.ledger().refunds.with_id(&(provider, id.to_owned())).last()?;
        self.look_at_refund(place, |_| {}).map(|found| found.refund.wish.payment)
    }

    /// All refunds of a payment, oldest first.
    pub(crate) fn refunds_of(&self, payment: &Key) -> Vec<FoundRefund> {
        let places: Vec<usize> =
            self.ledger().refunds.of_payment(payment).map(|refund| refund.sequence as usize - 1).collect();
        places.into_iter().filter_map(|place| self.look_at_refund(place, |_| {})).collect()
    }

    /// The fault of this call about a refund. A call that acts has been carried out.
    pub(crate) fn refund_strike(&self, payment: &Key, id: &str, acts: bool) -> Option<Strike> {
        let mut ledger = self.ledger();
        let id = (payment.0, id.to_owned());
        if acts && ledger.refund_twist(&id, payment) == Some(RefundTwist::AnswerLost) {
            return Some(Strike::Cut);
        }
        let own = matches!(ledger.own_fault(&id), Some(None | Some(Fault::Call(_))));
        ledger.strike(if own { &id } else { payment })
    }

    /// The fault of a call that lists the refunds of a payment: that of the newest one.
    pub(crate) fn refund_list_strike(&self, payment: &Key) -> Option<Strike> {
        let newest = self.ledger().refunds.of_payment(payment).last().map(|refund| refund.wish.id.clone());
        self.refund_strike(payment, newest.as_deref().unwrap_or_default(), false)
    }

    /// Gives money back in the provider's portal, behind the merchant's back; `None` where the books do not allow it.
    pub fn refund_in_portal(
        &self,
        provider: Provider,
        order: &str,
        amount_minor: Option<i64>,
    ) -> Option<RefundEntry> {
        let payment = (provider, order.to_owned());
        let taken = self.look(&payment)?.order.taken?;
        let left = taken.minor.saturating_sub(self.ledger().refunds.counted(&payment));
        let amount = Amount::of_minor(amount_minor.unwrap_or(left), taken.currency)?;
        let now_ms = self.now_ms();
        let mut ledger = self.ledger();
        let id = format!("PORTAL-{}", ledger.refunds.len() + 1);
        let wish =
            RefundWish { payment, id, amount, notify_url: None, ids_repeat: false, waits_for_balance: false };
        let booked = ledger.book_refund(wish, None, (now_ms, 0)).ok()?;
        let place = booked.sequence as usize - 1;
        let (refund, _) = ledger.refunds.update(place, now_ms, |refund| refund.in_portal = true)?;
        drop(ledger);
        Some(entry(refund))
    }

    /// Makes a delayed decision on a refund come now.
    pub fn elapse_refund(&self, provider: Provider, id: &str) -> Option<RefundEntry> {
        let place = *self.ledger().refunds.with_id(&(provider, id.to_owned())).last()?;
        let now_ms = self.now_ms();
        let elapse = |refund: &mut Refund| {
            refund.elapse(now_ms);
        };
        self.look_at_refund(place, elapse).map(|found| entry(found.refund))
    }

    /// Up to `limit` refunds behind the one of that `sequence` (0 for the first), in the order they were booked.
    pub fn refund_books(&self, after: u64, limit: usize) -> Vec<RefundEntry> {
        let first = usize::try_from(after).unwrap_or(usize::MAX);
        let last = self.ledger().refunds.len().min(first.saturating_add(limit));
        let found = (first..last).filter_map(|place| self.look_at_refund(place, |_| {}));
        found.map(|found| entry(found.refund)).collect()
    }

    /// The refund, up to date and changed, with the webhooks that follow.
    pub(crate) fn look_at_refund(
        &self,
        place: usize,
        change: impl FnOnce(&mut Refund),
    ) -> Option<FoundRefund> {
        let now_ms = self.now_ms();
        let mut ledger = self.ledger();
        let payment = ledger.refunds.at(place)?.wish.payment.clone();
        ledger.order(&payment).filter(|order| self.sees(order.merchant))?;
        let (refund, changed) = ledger.refunds.update(place, now_ms, change)?;
        let id = (refund.provider(), refund.wish.id.clone());
        let twist = ledger.refund_twist(&id, &refund.wish.payment);
        if changed {
            self.post_refund_webhook(&mut ledger, &refund, twist, now_ms);
            drop(ledger);
            self.inner.courier.bell.notify_one();
        }
        Some(FoundRefund { refund, twist })
    }

    fn post_refund_webhook(
        &self,
        ledger: &mut crate::providers::ledger::Ledger,
        refund: &Refund,
        twist: Option<RefundTwist>,
        now_ms: i64,
    ) {
        let payment = ledger.order(&refund.wish.payment).map(|order| (order.merchant, order.terms.clone()));
        let message = payment
            .and_then(|(merchant, payment)| self.met_by(merchant).refund_webhook(refund, &payment, twist));
        if let Some(message) = message {
            ledger.post(&refund.wish.payment, message, now_ms);
        }
    }

    /// The webhook of a refund that has just changed.
    fn refund_webhook(
        &self,
        refund: &Refund,
        payment: &Terms,
        twist: Option<RefundTwist>,
    ) -> Option<Message> {
        let decided = match refund.state {
            RefundState::Pending { .. } => false,
            RefundState::Done { .. } | RefundState::Refused(_) | RefundState::Returned => true,
        };
        let url = refund.wish.notify_url.as_deref()?;
        if !decided || twist == Some(RefundTwist::Silent) {
            return None;
        }
        let statement = RefundStatement::told(refund, twist);
        match refund.protocol {
            // Neither sends one.
            Protocol::Vpc | Protocol::Ccavenue => None,
            Protocol::PaytmLegacy | Protocol::PaytmV3 => paytm::refunds::webhook(self, url, &statement),
            Protocol::PhonepeLegacy | Protocol::PhonepeV1 => {
                Some(phonepe::refunds::callback(&self.accounts().phonepe, url, &statement))
            }
            Protocol::PhonepeV2 => Some(phonepe::refunds::webhook(&self.accounts().phonepe, url, &statement)),
            Protocol::HyperswitchLink => Some(hyperswitch::refunds::webhook(self, url, payment, &statement)),
            Protocol::Payu => Some(payu::refunds::webhook(self, url, &statement)),
            Protocol::RazorpayLink => Some(razorpay::refunds::webhook(self, url, &statement)),
            Protocol::Stripe => Some(stripe::refunds::webhook(self, url, &statement)),
        }
    }

    fn refunds_take_ms(&self) -> i64 {
        i64::try_from(self.inner.settings.refunds_take.as_millis()).unwrap_or(i64::MAX)
    }
}

fn entry(refund: Refund) -> RefundEntry {
    RefundEntry {
        sequence: refund.sequence,
        provider: refund.provider(),
        order: refund.wish.payment.1,
        refund: refund.wish.id,
        state: refund.state,
        amount: refund.wish.amount,
        in_portal: refund.in_portal,
        status_calls: refund.status_calls,
        asked_ms: refund.asked_ms,
        decided_ms: refund.decided_ms,
    }
}
