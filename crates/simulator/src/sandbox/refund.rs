//! A refund: the request, and its fate, which the last two digits of its amount choose.

use serde::Serialize;

use crate::money::Currency;

/// The state of a refund.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize)]
#[serde(rename_all = "UPPERCASE")]
pub enum RefundState {
    /// Taken on; the answer is still to come.
    Pending,
    /// The money was given back.
    Refunded,
    /// Nothing was and nothing will be given back under this id.
    Refused,
    /// The payer's bank sent the money back to the merchant.
    Returned,
}

impl RefundState {
    /// The word in the books and on the wire.
    pub fn as_str(self) -> &'static str {
        match self {
            RefundState::Pending => "PENDING",
            RefundState::Refunded => "REFUNDED",
            RefundState::Refused => "REFUSED",
            RefundState::Returned => "RETURNED",
        }
    }

    pub(super) fn from_word(word: &str) -> Option<RefundState> {
        [RefundState::Pending, RefundState::Refunded, RefundState::Refused, RefundState::Returned]
            .into_iter()
            .find(|state| state.as_str() == word)
    }
}

/// The fate of a refund that the order's books allow.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Fate {
    AtOnce,
    /// The payer's bank says no.
    RefusedByBank,
    Late,
    /// Done at once, and the answer is lost.
    AnswerLost,
    /// Done at once, and sent back by the payer's bank later.
    ReturnedLater,
}

impl Fate {
    pub(super) fn of(amount_paise: i64) -> Fate {
        match amount_paise % 100 {
            91 => Fate::RefusedByBank,
            92 => Fate::Late,
            93 => Fate::AnswerLost,
            94 => Fate::ReturnedLater,
            _ => Fate::AtOnce,
        }
    }
}

pub(super) const REFUNDED: &str = "REFUNDED";
const PENDING: &str = "REFUND_PENDING";
const RETURNED: &str = "RETURNED_BY_BANK";

/// The merchant's request.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(super) struct Wish {
    pub(super) id: String,
    pub(super) order: String,
    pub(super) amount_paise: i64,
    pub(super) currency: Currency,
}

/// A refund in the books.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(super) struct Refund {
    /// Its place in the books; grows.
    pub(super) sequence: i64,
    pub(super) wish: Wish,
    pub(super) state: RefundState,
    pub(super) code: String,
    pub(super) asked_ms: i64,
    /// When time changes it.
    pub(super) due_ms: Option<i64>,
}

impl Refund {
    /// A refund as it is first recorded: refused with a code where the order's books do not allow it.
    pub(super) fn new(wish: Wish, refused: Option<&str>, now_ms: i64, late_ms: i64) -> Refund {
        let later = Some(now_ms.saturating_add(late_ms));
        let (state, code, due_ms) = match (refused, Fate::of(wish.amount_paise)) {
            (Some(code), _) => (RefundState::Refused, code, None),
            (None, Fate::RefusedByBank) => (RefundState::Refused, "REFUSED_BY_BANK", None),
            (None, Fate::Late) => (RefundState::Pending, PENDING, later),
            (None, Fate::ReturnedLater) => (RefundState::Refunded, REFUNDED, later),
            (None, Fate::AtOnce | Fate::AnswerLost) => (RefundState::Refunded, REFUNDED, None),
        };
        Refund { sequence: 0, wish, state, code: code.to_owned(), asked_ms: now_ms, due_ms }
    }

    /// Applies the passing of time; returns whether it changed anything.
    pub(super) fn advance(&mut self, now_ms: i64) -> bool {
        if self.due_ms.is_none_or(|due_ms| due_ms > now_ms) {
            return false;
        }
        let (state, code) = match self.state {
            RefundState::Pending => (RefundState::Refunded, REFUNDED),
            RefundState::Refunded => (RefundState::Returned, RETURNED),
            RefundState::Refused | RefundState::Returned => return false,
        };
        (self.state, self.code, self.due_ms) = (state, code.to_owned(), None);
        true
    }

    /// The sandbox's number of it.
    pub(super) fn number(&self) -> String {
        format!("SBR{:010}", self.sequence)
    }

    /// Its state, in a few words for people.
    pub(super) fn message(&self) -> &'static str {
        match self.code.as_str() {
            PENDING => "The refund is under way",
            REFUNDED => "The money was given back",
            RETURNED => "The payer's bank sent the money back",
            "REFUSED_BY_BANK" => "The payer's bank refused it",
            "NOT_PAID" => "The order is not paid",
            "EXCEEDS_PAYMENT" => "With the other refunds it is more than was paid",
            _ => "The refund is refused",
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn refund(amount_paise: i64) -> Refund {
        let (id, order) = ("RF-0000000001".to_owned(), "T1".to_owned());
        Refund::new(Wish { id, order, amount_paise, currency: Currency::INR }, None, 1_000, 500)
    }

    #[test]
    fn the_last_digits_of_the_amount_choose_the_fate() {
        use RefundState::{Pending, Refunded, Refused, Returned};
        for (amount_paise, first, last) in [
            (1_999, Refunded, Refunded),
            (10_000, Refunded, Refunded),
            (1_991, Refused, Refused),
            (1_992, Pending, Refunded),
            (1_993, Refunded, Refunded),
            (1_994, Refunded, Returned),
        ] {
            let mut refund = refund(amount_paise);
            assert_eq!(refund.state, first, "{amount_paise}");
            assert!(!refund.advance(1_499));
            assert_eq!(refund.advance(1_500), first != last, "{amount_paise}");
            assert_eq!(refund.state, last, "{amount_paise}");
            assert!(!refund.advance(i64::MAX));
        }
    }
}
