//! A refund at a provider: the request, its fate, and the provider's statement about it. Pure.

pub(crate) mod books;
pub(crate) mod desk;
mod twist;

use serde::Serialize;

use super::ledger::Key;
use super::provider::{Protocol, Provider};
use crate::money::Amount;

pub use twist::RefundTwist;

/// Refunds are numbered from here.
const FIRST_REFUND: u64 = 3_000_000_000;

/// The state of a refund.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum RefundState {
    /// Taken on; the end is still to come.
    Pending {
        /// When it comes, in milliseconds since the epoch.
        due_ms: i64,
        ends_well: bool,
    },
    /// The money was given back.
    Done {
        /// When the payer's bank sends it back, in milliseconds since the epoch.
        returned_at_ms: Option<i64>,
    },
    /// Nothing was and nothing will be given back.
    Refused(WhyRefused),
    /// The payer's bank sent the money back to the merchant.
    Returned,
}

/// The reason of a refusal that is recorded.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum WhyRefused {
    Bank,
    /// The merchant's balance at the provider does not suffice.
    Balance,
}

impl RefundState {
    pub fn as_str(self) -> &'static str {
        match self {
            RefundState::Pending { .. } => "PENDING",
            RefundState::Done { .. } => "DONE",
            RefundState::Refused(_) => "REFUSED",
            RefundState::Returned => "RETURNED",
        }
    }

    /// When time changes it.
    pub(crate) fn due_ms(self) -> Option<i64> {
        match self {
            RefundState::Pending { due_ms, .. } => Some(due_ms),
            RefundState::Done { returned_at_ms } => returned_at_ms,
            RefundState::Refused(_) | RefundState::Returned => None,
        }
    }

    /// Whether its amount counts against that of the payment.
    pub(crate) fn counts(self) -> bool {
        match self {
            RefundState::Pending { .. } | RefundState::Done { .. } => true,
            RefundState::Refused(_) | RefundState::Returned => false,
        }
    }
}

impl Serialize for RefundState {
    fn serialize<S: serde::Serializer>(&self, serializer: S) -> Result<S::Ok, S::Error> {
        serializer.serialize_str(self.as_str())
    }
}

/// A request to give money back, in the provider's terms.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(crate) struct RefundWish {
    /// The order that was paid.
    pub(crate) payment: Key,
    /// The merchant's id of the refund.
    pub(crate) id: String,
    pub(crate) amount: Amount,
    /// Where its webhook goes, if there is one.
    pub(crate) notify_url: Option<String>,
    /// A second request with a known id is a second refund: the provider does not look.
    pub(crate) ids_repeat: bool,
    /// With too little balance it waits, and is not refused.
    pub(crate) waits_for_balance: bool,
}

/// A refund in the books.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(crate) struct Refund {
    /// Its place in the books; grows, from 1.
    pub(crate) sequence: u64,
    pub(crate) wish: RefundWish,
    pub(crate) protocol: Protocol,
    /// The provider's number of the payment, and when its order was opened.
    pub(crate) payment_number: u64,
    pub(crate) payment_opened_ms: i64,
    pub(crate) state: RefundState,
    pub(crate) asked_ms: i64,
    /// When its state last changed.
    pub(crate) decided_ms: i64,
    pub(crate) status_calls: u32,
    /// Made in the provider's portal, not through its API.
    pub(crate) in_portal: bool,
}

impl Refund {
    pub(crate) fn provider(&self) -> Provider {
        self.wish.payment.0
    }

    /// The provider's number of it.
    pub(crate) fn number(&self) -> u64 {
        self.sequence.saturating_add(FIRST_REFUND)
    }

    /// The place in the books of the refund with this number.
    pub(crate) fn sequence_of(number: u64) -> Option<u64> {
        number.checked_sub(FIRST_REFUND)
    }

    /// Applies the changes that time brings; returns whether there were any.
    pub(crate) fn advance(&mut self, now_ms: i64) -> bool {
        if self.state.due_ms().is_none_or(|due_ms| due_ms > now_ms) {
            return false;
        }
        self.end(now_ms);
        true
    }

    /// Makes a delayed decision come now; returns whether there was one.
    pub(crate) fn elapse(&mut self, now_ms: i64) -> bool {
        let due = self.state.due_ms().is_some();
        if due {
            self.end(now_ms);
        }
        due
    }

    fn end(&mut self, now_ms: i64) {
        self.state = match self.state {
            RefundState::Pending { ends_well: true, .. } => RefundState::Done { returned_at_ms: None },
            RefundState::Pending { ends_well: false, .. } => RefundState::Refused(WhyRefused::Bank),
            RefundState::Done { .. } | RefundState::Returned => RefundState::Returned,
            refused @ RefundState::Refused(_) => refused,
        };
        self.decided_ms = now_ms;
    }
}

#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum RefundSaid {
    Pending,
    Done,
    Refused(WhyRefused),
    /// It was done, and the money came back.
    Returned,
    Gibberish,
    NotFound,
}

/// A provider's statement about a refund, before it is written in the provider's protocol.
#[derive(Debug, Clone, Copy)]
pub(crate) struct RefundStatement<'a> {
    pub(crate) refund: &'a Refund,
    pub(crate) said: RefundSaid,
    pub(crate) amount: Amount,
    /// Whether it is signed as it should be.
    pub(crate) genuine: bool,
}

impl<'a> RefundStatement<'a> {
    /// In answer to a status request.
    pub(crate) fn answered(refund: &'a Refund, twist: Option<RefundTwist>) -> RefundStatement<'a> {
        let told = RefundStatement::told(refund, twist);
        match twist {
            Some(RefundTwist::NotFound) => RefundStatement { said: RefundSaid::NotFound, ..told },
            _ => told,
        }
    }

    /// In a webhook, or in answer to the request for it.
    pub(crate) fn told(refund: &'a Refund, twist: Option<RefundTwist>) -> RefundStatement<'a> {
        let said = match (refund.state, twist) {
            (_, Some(RefundTwist::UnknownCode)) => RefundSaid::Gibberish,
            (RefundState::Pending { .. }, _) => RefundSaid::Pending,
            (RefundState::Done { .. }, _) => RefundSaid::Done,
            (RefundState::Refused(why), _) => RefundSaid::Refused(why),
            (RefundState::Returned, _) => RefundSaid::Returned,
        };
        let asked = refund.wish.amount;
        RefundStatement {
            refund,
            said,
            amount: if twist == Some(RefundTwist::WrongAmount) { asked.wrong() } else { asked },
            genuine: twist != Some(RefundTwist::WrongSignature),
        }
    }
}
