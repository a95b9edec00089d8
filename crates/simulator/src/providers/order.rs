//! An order at a provider: its terms, the choice of the payer, and the result. Pure.

use std::collections::BTreeMap;

use serde::Serialize;

use super::fault::{Fault, Twist};
use super::provider::{Protocol, Provider};
use crate::money::Amount;

/// How long ago a page has ended that is made to end: clocks may differ.
const LONG_AGO_MS: i64 = 10 * 60 * 1_000;

/// The way back of the payer's browser.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(crate) enum ReturnTo {
    Get(String),
    Post {
        /// The address for everything that is not a failure.
        success: String,
        failure: String,
    },
}

#[derive(Debug, Clone, PartialEq, Eq)]
pub(crate) struct Terms {
    pub(crate) protocol: Protocol,
    pub(crate) id: String,
    pub(crate) amount: Amount,
    pub(crate) return_to: ReturnTo,
    /// Where the webhook goes, if there is one.
    pub(crate) notify_url: Option<String>,
    /// Fields that the merchant gets back as they were sent.
    pub(crate) echo: BTreeMap<String, String>,
    /// For how long it can be paid, where the merchant said so.
    pub(crate) life_ms: Option<i64>,
}

impl Terms {
    /// The echoed field of this name; empty when there is none.
    pub(crate) fn echoed(&self, name: &str) -> &str {
        self.echo.get(name).map_or("", String::as_str)
    }

    /// Whether these are the same order: amount, protocol and way back never change.
    pub(crate) fn agree_with(&self, other: &Terms) -> bool {
        self.protocol == other.protocol && self.amount == other.amount && self.return_to == other.return_to
    }
}

#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum State {
    Open,
    /// The payer has paid; the answer is still to come.
    Pending {
        /// When it comes, in milliseconds since the epoch.
        due_ms: i64,
    },
    Paid,
    Declined {
        /// When it will be taken all the same, in milliseconds since the epoch.
        paid_at_ms: Option<i64>,
    },
    /// Its time ran out before the payer chose: nothing was taken and nothing will be.
    Expired,
}

impl State {
    pub fn as_str(self) -> &'static str {
        match self {
            State::Open => "OPEN",
            State::Pending { .. } => "PENDING",
            State::Paid => "PAID",
            State::Declined { .. } => "DECLINED",
            State::Expired => "EXPIRED",
        }
    }
}

impl Serialize for State {
    fn serialize<S: serde::Serializer>(&self, serializer: S) -> Result<S::Ok, S::Error> {
        serializer.serialize_str(self.as_str())
    }
}

/// A choice on the pay page.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Choice {
    Pay,
    Decline,
    /// To cancel, where the page has a way to: the order is over.
    Cancel,
    /// To leave without choosing: the order stays open.
    Leave,
    /// To pay, with this fault for the order.
    PayWith(Fault),
}

impl std::fmt::Display for Choice {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        match self {
            Choice::Pay => f.write_str("pay"),
            Choice::Decline => f.write_str("decline"),
            Choice::Cancel => f.write_str("cancel"),
            Choice::Leave => f.write_str("leave"),
            Choice::PayWith(fault) => write!(f, "pay:{}", fault.word()),
        }
    }
}

impl Choice {
    pub fn from_word(word: &str) -> Option<Choice> {
        match word {
            "pay" => Some(Choice::Pay),
            "decline" => Some(Choice::Decline),
            "cancel" => Some(Choice::Cancel),
            "leave" => Some(Choice::Leave),
            other => other.strip_prefix("pay:").and_then(Fault::from_word).map(Choice::PayWith),
        }
    }
}

#[derive(Debug, Clone, Default, PartialEq, Eq, Serialize)]
pub struct WebhookProgress {
    pub attempts: u32,
    pub delivered: u32,
    pub waiting: u32,
    /// The result of the last try, for people.
    pub last_result: Option<String>,
}

/// Payments are numbered from here.
const FIRST_PAYMENT: u64 = 2_000_000_000;

/// An order in the books.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(crate) struct Order {
    /// Its place in the books; grows, from 1.
    pub(crate) sequence: u64,
    /// The place of the merchant that opened it.
    pub(crate) merchant: usize,
    pub(crate) terms: Terms,
    pub(crate) opened_ms: i64,
    pub(crate) expires_ms: i64,
    pub(crate) state: State,
    /// Whether the payer cancelled it, and no bank declined it.
    pub(crate) cancelled: bool,
    pub(crate) taken: Option<Amount>,
    /// When its state last changed.
    pub(crate) decided_ms: Option<i64>,
    pub(crate) status_calls: u32,
    pub(crate) webhooks: WebhookProgress,
}

impl Order {
    pub(crate) fn provider(&self) -> Provider {
        self.terms.protocol.provider()
    }

    pub(crate) fn payment_number(&self) -> u64 {
        self.sequence.saturating_add(FIRST_PAYMENT)
    }

    /// The place in the books of the order with this payment number.
    pub(crate) fn sequence_of(payment_number: u64) -> Option<u64> {
        payment_number.checked_sub(FIRST_PAYMENT)
    }

    /// Applies the changes that time brings; returns whether there were any.
    pub(crate) fn advance(&mut self, now_ms: i64) -> bool {
        match self.state {
            State::Open if now_ms > self.expires_ms => self.move_to(State::Expired, None, now_ms),
            State::Pending { due_ms } if due_ms <= now_ms => {
                self.move_to(State::Paid, Some(self.terms.amount), now_ms)
            }
            State::Declined { paid_at_ms: Some(due_ms) } if due_ms <= now_ms => {
                self.move_to(State::Paid, Some(self.terms.amount), now_ms)
            }
            State::Open | State::Pending { .. } | State::Paid | State::Declined { .. } | State::Expired => {
                false
            }
        }
    }

    /// Whether the payer can still choose: for the first time, or once more after a decline where that is
    /// possible.
    pub(crate) fn can_be_paid(&self, now_ms: i64) -> bool {
        match self.state {
            State::Open => true,
            State::Declined { paid_at_ms: None } => {
                self.terms.protocol.allows_retries() && now_ms <= self.expires_ms
            }
            State::Declined { paid_at_ms: Some(_) }
            | State::Pending { .. }
            | State::Paid
            | State::Expired => false,
        }
    }

    /// Carries out the payer's choice if there is one left; returns whether something changed. `twist`
    /// is the fault of the order.
    pub(crate) fn choose(&mut self, choice: Choice, twist: Option<Twist>, now_ms: i64) -> bool {
        if !self.can_be_paid(now_ms) {
            return false;
        }
        let asked = self.terms.amount;
        let after = |seconds: u64| {
            now_ms.saturating_add(i64::try_from(seconds.saturating_mul(1_000)).unwrap_or(i64::MAX))
        };
        match (choice, twist) {
            (Choice::Leave, _) => false,
            (Choice::Cancel, _) if !self.provider().can_be_cancelled() => false,
            (Choice::Decline | Choice::Cancel, _) => {
                self.cancelled = choice == Choice::Cancel;
                self.move_to(State::Declined { paid_at_ms: None }, None, now_ms)
            }
            (Choice::Pay | Choice::PayWith(_), Some(Twist::Pending { seconds })) => {
                self.move_to(State::Pending { due_ms: after(seconds) }, None, now_ms)
            }
            (Choice::Pay | Choice::PayWith(_), Some(Twist::PaidAfterDeclined { seconds })) => {
                self.move_to(State::Declined { paid_at_ms: Some(after(seconds)) }, None, now_ms)
            }
            (Choice::Pay | Choice::PayWith(_), Some(Twist::WrongAmount)) => {
                self.move_to(State::Paid, Some(asked.wrong()), now_ms)
            }
            (Choice::Pay | Choice::PayWith(_), Some(Twist::WrongCurrency))
                if self.terms.protocol.has_currencies() =>
            {
                self.move_to(State::Paid, Some(asked.in_another_currency()), now_ms)
            }
            (
                Choice::Pay | Choice::PayWith(_),
                Some(
                    Twist::WrongCurrency
                    | Twist::WrongSignature
                    | Twist::UnknownCode
                    | Twist::NotFound
                    | Twist::DuplicateWebhooks
                    | Twist::Silent,
                )
                | None,
            ) => self.move_to(State::Paid, Some(asked), now_ms),
        }
    }

    /// Closes it if it is open; returns whether it was.
    pub(crate) fn expire(&mut self, now_ms: i64) -> bool {
        self.state == State::Open && self.move_to(State::Expired, None, now_ms)
    }

    fn move_to(&mut self, state: State, taken: Option<Amount>, now_ms: i64) -> bool {
        self.state = state;
        self.taken = taken;
        self.decided_ms = Some(now_ms);
        true
    }

    /// When time brings the next change; `None` when there is none.
    pub(crate) fn due_ms(&self) -> Option<i64> {
        match self.state {
            State::Pending { due_ms } => Some(due_ms),
            State::Declined { paid_at_ms } => paid_at_ms,
            // Known by status requests only: no webhook reports an order that expires.
            State::Open | State::Paid | State::Expired => None,
        }
    }

    /// Brings a pending change about now; returns whether there was one. A declined payment that may be tried once
    /// more has had its time.
    pub(crate) fn elapse(&mut self, now_ms: i64) -> bool {
        match &mut self.state {
            State::Pending { due_ms: due } | State::Declined { paid_at_ms: Some(due) } => {
                *due = now_ms;
                self.advance(now_ms)
            }
            State::Declined { paid_at_ms: None } if self.terms.protocol.allows_retries() => {
                self.expires_ms = now_ms.saturating_sub(LONG_AGO_MS);
                false
            }
            State::Open | State::Paid | State::Declined { paid_at_ms: None } | State::Expired => false,
        }
    }
}

#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Said {
    Open,
    Pending,
    Paid,
    Declined,
    Expired,
    Gibberish,
    NotFound,
}

/// A provider's statement about an order, before it is written in the provider's protocol.
#[derive(Debug, Clone, Copy)]
pub(crate) struct Statement<'a> {
    pub(crate) order: &'a Order,
    pub(crate) said: Said,
    /// The taken amount, else the requested one.
    pub(crate) amount: Amount,
    /// Whether it is signed as it should be.
    pub(crate) genuine: bool,
}

impl<'a> Statement<'a> {
    pub(crate) fn answered(order: &'a Order, twist: Option<Twist>) -> Statement<'a> {
        let told = Statement::told(order, twist);
        if twist == Some(Twist::NotFound) { Statement { said: Said::NotFound, ..told } } else { told }
    }

    pub(crate) fn told(order: &'a Order, twist: Option<Twist>) -> Statement<'a> {
        let said = match (order.state, twist) {
            (State::Open, _) => Said::Open,
            (_, Some(Twist::UnknownCode)) => Said::Gibberish,
            (State::Pending { .. }, _) => Said::Pending,
            (State::Paid, _) => Said::Paid,
            (State::Declined { .. }, _) => Said::Declined,
            (State::Expired, _) => Said::Expired,
        };
        Statement {
            order,
            said,
            amount: order.taken.unwrap_or(order.terms.amount),
            genuine: twist != Some(Twist::WrongSignature),
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn asked() -> Amount {
        Amount::of_paise(10_000).unwrap()
    }

    fn order() -> Order {
        Order {
            sequence: 1,
            merchant: 0,
            terms: Terms {
                protocol: Protocol::Vpc,
                id: "T1".to_owned(),
                amount: asked(),
                return_to: ReturnTo::Get("http://x/".to_owned()),
                notify_url: None,
                echo: BTreeMap::new(),
                life_ms: None,
            },
            opened_ms: 0,
            expires_ms: 1_000,
            state: State::Open,
            cancelled: false,
            taken: None,
            decided_ms: None,
            status_calls: 0,
            webhooks: WebhookProgress::default(),
        }
    }

    fn choices() -> Vec<Choice> {
        [Choice::Pay, Choice::Decline, Choice::Cancel, Choice::Leave]
            .into_iter()
            .chain(Fault::ALL.map(Choice::PayWith))
            .collect()
    }

    #[test]
    fn every_choice_is_found_by_its_word() {
        for choice in choices() {
            assert_eq!(Choice::from_word(&choice.to_string()), Some(choice));
        }
        for bad in ["", "PAY", "pay:", "pay:none", "refund"] {
            assert_eq!(Choice::from_word(bad), None, "{bad}");
        }
    }

    #[test]
    fn only_the_first_choice_counts_and_leaving_is_none() {
        let twists: Vec<Option<Twist>> = Fault::ALL
            .into_iter()
            .map(|fault| match fault {
                Fault::Order(twist) => Some(twist),
                Fault::Call(_) | Fault::Refund(_) => None,
            })
            .collect();
        for twist in twists {
            let mut order = order();
            assert!(!order.choose(Choice::Leave, twist, 1));
            assert_eq!(order.state, State::Open);
            assert!(order.choose(Choice::Pay, twist, 2));
            let decided = order.clone();
            for choice in choices() {
                assert!(!order.choose(choice, None, 3));
            }
            assert_eq!(order, decided);
        }
    }

    #[test]
    fn an_order_is_cancelled_only_where_the_page_has_a_way_to() {
        let mut order = order();
        assert!(!order.choose(Choice::Cancel, None, 1) && order.state == State::Open);
        order.terms.protocol = Protocol::Ccavenue;
        assert!(order.choose(Choice::Cancel, None, 2) && order.cancelled);
        assert_eq!((order.state, order.taken), (State::Declined { paid_at_ms: None }, None));
        assert_eq!(Order::sequence_of(order.payment_number()), Some(1));
    }

    #[test]
    fn money_is_taken_only_when_it_is_paid() {
        let mut late = order();
        late.choose(Choice::Pay, Some(Twist::Pending { seconds: 5 }), 100);
        assert_eq!((late.taken, late.due_ms()), (None, Some(5_100)));
        assert!(!late.advance(5_099));
        assert!(late.advance(5_100));
        assert_eq!((late.state, late.taken), (State::Paid, Some(asked())));

        let mut regretted = order();
        regretted.choose(Choice::Pay, Some(Twist::PaidAfterDeclined { seconds: 5 }), 100);
        assert_eq!(Statement::told(&regretted, None).said, Said::Declined);
        assert!(regretted.elapse(101));
        assert_eq!((regretted.state, regretted.taken), (State::Paid, Some(asked())));

        let mut declined = order();
        declined.choose(Choice::Decline, Some(Twist::WrongAmount), 1);
        assert!(!declined.elapse(2) && !declined.advance(i64::MAX));
        assert_eq!(declined.taken, None);

        let mut other = order();
        other.choose(Choice::Pay, Some(Twist::WrongAmount), 1);
        assert_eq!(other.taken, Amount::of_paise(9_900));
        assert_eq!(Some(Statement::told(&other, None).amount), Amount::of_paise(9_900));
    }

    #[test]
    fn a_declined_payment_is_tried_once_more_where_that_is_possible() {
        let mut order = order();
        order.terms.protocol = Protocol::HyperswitchLink;
        assert!(order.choose(Choice::Decline, None, 1) && order.can_be_paid(1_000));
        assert!(!order.can_be_paid(1_001) && !order.clone().choose(Choice::Pay, None, 1_001));
        assert!(order.clone().choose(Choice::Pay, None, 1_000));
        assert!(!order.elapse(500) && order.expires_ms < 500 && !order.can_be_paid(500));
        assert_eq!((order.state, order.taken), (State::Declined { paid_at_ms: None }, None));
    }

    #[test]
    fn a_late_payment_takes_no_money() {
        let mut order = order();
        assert!(!order.advance(1_000), "the last moment counts");
        assert!(order.advance(1_001));
        assert!(!order.choose(Choice::Pay, None, 1_002));
        assert_eq!((order.state, order.taken), (State::Expired, None));
    }

    #[test]
    fn not_found_is_said_by_the_status_api_only() {
        let mut order = order();
        order.choose(Choice::Pay, Some(Twist::NotFound), 1);
        assert_eq!(Statement::answered(&order, Some(Twist::NotFound)).said, Said::NotFound);
        assert_eq!(Statement::told(&order, Some(Twist::NotFound)).said, Said::Paid);
        assert_eq!(Statement::answered(&order, Some(Twist::UnknownCode)).said, Said::Gibberish);
    }
}
