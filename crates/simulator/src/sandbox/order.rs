//! An order: its terms, the payer's choice, and the outcome.

use std::time::Duration;

use serde::Serialize;

use crate::money::{Amount, Currency};

/// The requested amount and the address of the answer: the merchant's signed terms.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(super) struct Terms {
    pub(super) order: String,
    /// In minor units of the currency.
    pub(super) amount_paise: i64,
    pub(super) currency: Currency,
    pub(super) description: String,
    pub(super) bill: String,
    pub(super) payee: String,
    pub(super) return_url: String,
    /// Where the callback goes; empty where there is none.
    pub(super) notify_url: String,
    pub(super) expires_ms: i64,
}

impl Terms {
    /// The request.
    pub(super) fn asked(&self) -> Amount {
        self.amount_of(self.amount_paise)
    }

    /// So many minor units of the order's currency.
    pub(super) fn amount_of(&self, minor: i64) -> Amount {
        Amount { minor, currency: self.currency }
    }

    /// Whether these are the same order: the first terms can never be altered. Texts are not compared, the
    /// first ones stay.
    pub(super) fn agree_with(&self, other: &Terms) -> bool {
        self.order == other.order
            && self.amount_paise == other.amount_paise
            && self.currency == other.currency
            && self.return_url == other.return_url
            && self.notify_url == other.notify_url
    }
}

#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize)]
#[serde(rename_all = "UPPERCASE")]
pub enum State {
    /// The payer has opened the page and chosen nothing.
    Created,
    /// The payer has paid; the answer is still to come.
    Pending,
    Paid,
    /// The payer declined: nothing was taken and nothing will be.
    Declined,
    /// Its time ran out before the payer chose: nothing was taken and nothing will be.
    Expired,
}

impl State {
    /// The word in the books and on the wire.
    pub fn as_str(self) -> &'static str {
        match self {
            State::Created => "CREATED",
            State::Pending => "PENDING",
            State::Paid => "PAID",
            State::Declined => "DECLINED",
            State::Expired => "EXPIRED",
        }
    }

    pub fn from_word(word: &str) -> Option<State> {
        [State::Created, State::Pending, State::Paid, State::Declined, State::Expired]
            .into_iter()
            .find(|state| state.as_str() == word)
    }
}

/// The payer's choices on the pay page.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize)]
#[serde(rename_all = "kebab-case")]
pub enum Choice {
    /// The money is taken; browser and callback say so.
    Pay,
    /// Nothing is taken; browser and callback say so.
    Decline,
    /// The money is taken; the application receives no report.
    SayNothing,
    /// The browser says "pending"; the money is taken, and the callback sent, some time later.
    AnswerLate,
    /// One unit less than requested is taken (one more, when there is none to spare).
    WrongAmount,
}

impl Choice {
    /// All of them, in the order of the page.
    pub const ALL: [Choice; 5] =
        [Choice::Pay, Choice::Decline, Choice::SayNothing, Choice::AnswerLate, Choice::WrongAmount];

    /// The word in the form and the books.
    pub fn as_str(self) -> &'static str {
        match self {
            Choice::Pay => "pay",
            Choice::Decline => "decline",
            Choice::SayNothing => "say-nothing",
            Choice::AnswerLate => "answer-late",
            Choice::WrongAmount => "wrong-amount",
        }
    }

    pub fn from_word(word: &str) -> Option<Choice> {
        Choice::ALL.into_iter().find(|choice| choice.as_str() == word)
    }

    /// Whether the decision is reported to the application: by callback, and by the payer's browser.
    pub(super) fn tells(self) -> bool {
        match self {
            Choice::Pay | Choice::Decline | Choice::AnswerLate | Choice::WrongAmount => true,
            Choice::SayNothing => false,
        }
    }
}

impl std::fmt::Display for Choice {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.write_str(self.as_str())
    }
}

#[derive(Debug, Clone, PartialEq, Eq, Serialize)]
pub struct CallbackProgress {
    pub attempts: u32,
    pub delivered: bool,
    /// The result of the last try, for people.
    pub last_result: Option<String>,
}

/// An order in the books.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(super) struct Order {
    /// Its place in the books; grows.
    pub(super) sequence: i64,
    pub(super) terms: Terms,
    /// When the payer first opened the page.
    pub(super) opened_ms: i64,
    pub(super) state: State,
    pub(super) choice: Option<Choice>,
    pub(super) paid_paise: Option<i64>,
    /// When the payer chose, or its time ran out.
    pub(super) decided_ms: Option<i64>,
    pub(super) due_ms: Option<i64>,
    /// The callback, once there is something to call back about.
    pub(super) callback: Option<CallbackProgress>,
}

impl Order {
    /// The sandbox's number of the payment; none before the payer has paid.
    pub(super) fn payment_id(&self) -> Option<String> {
        match self.state {
            State::Pending | State::Paid => Some(format!("SBX{:010}", self.sequence)),
            State::Created | State::Declined | State::Expired => None,
        }
    }

    /// Applies the passing of time: a late answer comes, or time runs out. Returns the line for the log.
    pub(super) fn advance(&mut self, now_ms: i64) -> Option<&'static str> {
        match self.state {
            State::Created if now_ms > self.terms.expires_ms => {
                self.state = State::Expired;
                self.decided_ms = Some(now_ms);
                Some("Its time ran out")
            }
            State::Pending if self.due_ms.is_none_or(|due| due <= now_ms) => {
                self.state = State::Paid;
                self.paid_paise = Some(self.terms.amount_paise);
                Some("The late answer came: paid")
            }
            State::Created | State::Pending | State::Paid | State::Declined | State::Expired => None,
        }
    }

    /// Carries out the payer's first choice; every later one changes nothing. Returns the line for the log.
    pub(super) fn choose(
        &mut self,
        choice: Choice,
        now_ms: i64,
        late_after: Duration,
    ) -> Option<&'static str> {
        if self.state != State::Created {
            return None;
        }
        let asked = self.terms.amount_paise;
        let (state, paid, log) = match choice {
            Choice::Pay => (State::Paid, Some(asked), "Paid"),
            Choice::Decline => (State::Declined, None, "Declined"),
            Choice::SayNothing => (State::Paid, Some(asked), "Paid, without a report"),
            Choice::AnswerLate => (State::Pending, None, "Paid, the answer comes late"),
            Choice::WrongAmount => {
                (State::Paid, Some(self.terms.asked().wrong().minor), "Paid, but another amount than asked")
            }
        };
        self.state = state;
        self.paid_paise = paid;
        self.choice = Some(choice);
        self.decided_ms = Some(now_ms);
        if choice == Choice::AnswerLate {
            let wait_ms = i64::try_from(late_after.as_millis()).unwrap_or(i64::MAX);
            self.due_ms = Some(now_ms.saturating_add(wait_ms));
        }
        Some(log)
    }

    /// Closes it, if the payer has not chosen. Returns the line for the log.
    pub(super) fn close(&mut self, now_ms: i64) -> Option<&'static str> {
        if self.state != State::Created {
            return None;
        }
        self.state = State::Declined;
        self.decided_ms = Some(now_ms);
        Some("Closed by the merchant")
    }

    /// Whether there is something to call the merchant about.
    pub(super) fn is_to_be_told(&self) -> bool {
        let decided = match self.state {
            State::Paid | State::Declined => true,
            State::Created | State::Pending | State::Expired => false,
        };
        decided && self.choice.is_some_and(Choice::tells)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn order() -> Order {
        Order {
            sequence: 7,
            terms: Terms {
                order: "T1".into(),
                amount_paise: 10_000,
                currency: Currency::INR,
                description: String::new(),
                bill: String::new(),
                payee: String::new(),
                return_url: "http://x/".into(),
                notify_url: "http://x/".into(),
                expires_ms: 1_000,
            },
            opened_ms: 0,
            state: State::Created,
            choice: None,
            paid_paise: None,
            decided_ms: None,
            due_ms: None,
            callback: None,
        }
    }

    const LATE: Duration = Duration::from_millis(500);

    #[test]
    fn only_the_first_choice_counts() {
        for first in Choice::ALL {
            let mut order = order();
            assert!(order.choose(first, 1, LATE).is_some());
            let decided = order.clone();
            for second in Choice::ALL {
                assert_eq!(order.choose(second, 2, LATE), None);
            }
            assert_eq!(order, decided);
        }
    }

    #[test]
    fn a_late_choice_takes_no_money() {
        let mut order = order();
        assert!(order.advance(1_000).is_none(), "the last moment counts");
        assert!(order.advance(1_001).is_some());
        assert_eq!(order.choose(Choice::Pay, 1_002, LATE), None);
        assert_eq!((order.state, order.paid_paise), (State::Expired, None));
    }

    #[test]
    fn a_late_answer_takes_the_money_when_it_is_due_even_after_the_orders_time() {
        let mut order = order();
        order.choose(Choice::AnswerLate, 900, LATE);
        assert!(order.advance(1_399).is_none());
        assert_eq!((order.state, order.is_to_be_told()), (State::Pending, false));
        assert!(order.advance(1_400).is_some());
        assert_eq!((order.state, order.paid_paise, order.is_to_be_told()), (State::Paid, Some(10_000), true));
    }
}
