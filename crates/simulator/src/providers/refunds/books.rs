//! The books of refunds, in memory.

use std::collections::{BTreeSet, HashMap, HashSet};

use super::{Refund, RefundState, RefundTwist, RefundWish, WhyRefused};
use crate::providers::ledger::Key;
use crate::providers::order::{Order, State};

/// The wait of a refund for which the balance does not suffice yet, in milliseconds.
const BALANCE_WAIT_MS: i64 = 20_000;

/// The reason why a request makes no refund. Nothing is recorded.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum NotBooked {
    /// There is no such payment, or nothing was taken.
    NotPaid,
    /// With the others it is more than was taken.
    Exceeds,
    Full,
}

#[derive(Debug, Default)]
pub(crate) struct RefundBooks {
    refunds: Vec<Refund>,
    /// Places in `refunds` by the merchant's id: several where a provider lets an id repeat.
    by_id: HashMap<Key, Vec<usize>>,
    by_payment: HashMap<Key, Vec<usize>>,
    /// Refunds that time will change, by when it does.
    agenda: BTreeSet<(i64, usize)>,
    /// Refunds whose first request was lost.
    lost: HashSet<Key>,
}

impl RefundBooks {
    /// Books a refund of a payment. The caller has checked that its id is new.
    pub(crate) fn book(
        &mut self,
        wish: RefundWish,
        payment: Option<&Order>,
        twist: Option<RefundTwist>,
        (now_ms, takes_ms): (i64, i64),
        most: usize,
    ) -> Result<&Refund, NotBooked> {
        let paid = payment.filter(|order| order.state == State::Paid).ok_or(NotBooked::NotPaid)?;
        let taken = paid.taken.filter(|taken| taken.currency == wish.amount.currency);
        let taken = taken.ok_or(NotBooked::NotPaid)?;
        if wish.amount.minor > taken.minor.saturating_sub(self.counted(&wish.payment)) {
            return Err(NotBooked::Exceeds);
        }
        if self.refunds.len() >= most {
            return Err(NotBooked::Full);
        }
        let (id, payment) = ((wish.payment.0, wish.id.clone()), wish.payment.clone());
        let place = self.refunds.len();
        let refund = Refund {
            sequence: place as u64 + 1,
            protocol: paid.terms.protocol,
            payment_number: paid.payment_number(),
            payment_opened_ms: paid.opened_ms,
            state: first_state(&wish, twist, now_ms, takes_ms),
            wish,
            asked_ms: now_ms,
            decided_ms: now_ms,
            status_calls: 0,
            in_portal: false,
        };
        self.agenda.extend(refund.state.due_ms().map(|due_ms| (due_ms, place)));
        self.refunds.push(refund);
        self.by_id.entry(id).or_default().push(place);
        self.by_payment.entry(payment).or_default().push(place);
        Ok(&self.refunds[place])
    }

    /// The refunded part of a payment, pending refunds included, in minor units.
    pub(crate) fn counted(&self, payment: &Key) -> i64 {
        let counting = self.of_payment(payment).filter(|refund| refund.state.counts());
        counting.map(|refund| refund.wish.amount.minor).sum()
    }

    /// The refunds of a payment, oldest first, as they were last written down.
    pub(crate) fn of_payment(&self, payment: &Key) -> impl Iterator<Item = &Refund> {
        let places = self.by_payment.get(payment).into_iter().flatten();
        places.filter_map(|place| self.refunds.get(*place))
    }

    /// The refund at this place, as it was last written down.
    pub(crate) fn at(&self, place: usize) -> Option<&Refund> {
        self.refunds.get(place)
    }

    /// The places of the refunds with this id.
    pub(crate) fn with_id(&self, id: &Key) -> Vec<usize> {
        self.by_id.get(id).cloned().unwrap_or_default()
    }

    /// Brings a refund up to date and changes it; returns it, and whether its state has changed.
    pub(crate) fn update(
        &mut self,
        place: usize,
        now_ms: i64,
        change: impl FnOnce(&mut Refund),
    ) -> Option<(Refund, bool)> {
        let refund = self.refunds.get_mut(place)?;
        let before = refund.state;
        refund.advance(now_ms);
        change(refund);
        if refund.state != before {
            self.agenda.extend(refund.state.due_ms().map(|due_ms| (due_ms, place)));
            if let Some(due_ms) = before.due_ms() {
                self.agenda.remove(&(due_ms, place));
            }
        }
        Some((refund.clone(), refund.state != before))
    }

    /// Up to `limit` refunds that time has changed by now.
    pub(crate) fn due(&self, now_ms: i64, limit: usize) -> Vec<usize> {
        let due = self.agenda.iter().take_while(|(due_ms, _)| *due_ms <= now_ms);
        due.take(limit).map(|(_, place)| *place).collect()
    }

    /// When time next changes one.
    pub(crate) fn next_due_ms(&self) -> Option<i64> {
        self.agenda.first().map(|(due_ms, _)| *due_ms)
    }

    pub(crate) fn len(&self) -> usize {
        self.refunds.len()
    }

    /// Loses the request for a refund, once; returns whether it does.
    pub(crate) fn loses(&mut self, id: &Key) -> bool {
        self.lost.insert(id.clone())
    }
}

fn first_state(wish: &RefundWish, twist: Option<RefundTwist>, now_ms: i64, takes_ms: i64) -> RefundState {
    let after = |seconds: u64| {
        now_ms.saturating_add(i64::try_from(seconds.saturating_mul(1_000)).unwrap_or(i64::MAX))
    };
    let soon =
        |wait_ms: i64| RefundState::Pending { due_ms: now_ms.saturating_add(wait_ms), ends_well: true };
    match twist {
        Some(RefundTwist::Pending { seconds }) => {
            RefundState::Pending { due_ms: after(seconds), ends_well: true }
        }
        Some(RefundTwist::RefusedLater { seconds }) => {
            RefundState::Pending { due_ms: after(seconds), ends_well: false }
        }
        Some(RefundTwist::Returned { seconds }) => RefundState::Done { returned_at_ms: Some(after(seconds)) },
        Some(RefundTwist::Refused) => RefundState::Refused(WhyRefused::Bank),
        Some(RefundTwist::NoBalance) if wish.waits_for_balance => soon(BALANCE_WAIT_MS),
        Some(RefundTwist::NoBalance) => RefundState::Refused(WhyRefused::Balance),
        Some(
            RefundTwist::AnswerLost
            | RefundTwist::RequestLost
            | RefundTwist::WrongAmount
            | RefundTwist::WrongSignature
            | RefundTwist::UnknownCode
            | RefundTwist::NotFound
            | RefundTwist::Silent,
        )
        | None
            if takes_ms > 0 =>
        {
            soon(takes_ms)
        }
        Some(
            RefundTwist::AnswerLost
            | RefundTwist::RequestLost
            | RefundTwist::WrongAmount
            | RefundTwist::WrongSignature
            | RefundTwist::UnknownCode
            | RefundTwist::NotFound
            | RefundTwist::Silent,
        )
        | None => RefundState::Done { returned_at_ms: None },
    }
}
