//! The state machine of refunds: decides a refund's change by the gateway's report, and the amount still
//! refundable of a payment.
//!
//! ```text
//! REQUESTED ──▶ APPROVED ──▶ SENT ──▶ SUCCEEDED (the amount asked, reported back)
//!     │             │          └────▶ FAILED    (a definite no)
//!     │             └─────────────────▲ refused before it was sent
//!     └──▶ REJECTED, WITHDRAWN, EXPIRED
//! ```
//!
//! Doubt leaves SENT as it is, and nothing leaves a final status.

use std::time::Duration;

use super::{RefundOutcome, RefundStatus};
use crate::money::Money;

/// Default of [`Calls::quiet_time`].
pub const QUIET_TIME: Duration = Duration::from_secs(15 * 60);

/// How long after the first call an idempotency key is relied on: providers keep them for a day.
pub const KEY_LIFE: Duration = Duration::from_secs(20 * 60 * 60);

/// The effect of a second call with the same refund id at the provider.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Repetition {
    /// The id is an idempotency key: the answer is that of the first call, while the provider keeps the key.
    Replayed,
    /// The provider refuses a second use: the call may be repeated once the status has been "not found" for
    /// a quiet time.
    Refused,
    /// It may give the money back twice: never repeated, people decide.
    Doubles,
}

/// The calls of a refund up to the answer of a status request.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Calls {
    pub repetition: Repetition,
    /// The time since the first call.
    pub since_first: Duration,
    /// The time since the latest call.
    pub since_last: Duration,
    /// Whether the latest call certainly gave nothing back.
    pub not_taken: bool,
    /// How long after the latest call "not found" is no answer yet: gateways' records lag.
    pub quiet_time: Duration,
}

/// The consequence of a report.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum RefundVerdict {
    /// Ask again later.
    Keep,
    /// The call may be made once more with the same id.
    Repeat,
    Succeed,
    Fail {
        reason: String,
    },
    /// The status stays, and people must look.
    Unclear {
        reason: String,
    },
    /// The money of a refund that had succeeded came back.
    Returned {
        reason: String,
    },
}

impl RefundStatus {
    /// Whether a refund may change from this status to that.
    pub fn may_become(self, next: RefundStatus) -> bool {
        use RefundStatus::{Approved, Expired, Failed, Rejected, Requested, Sent, Succeeded, Withdrawn};
        match self {
            Requested => matches!(next, Approved | Rejected | Withdrawn | Expired),
            Approved => matches!(next, Sent | Failed),
            Sent => matches!(next, Succeeded | Failed),
            Succeeded | Failed | Rejected | Withdrawn | Expired => false,
        }
    }
}

/// The amount that may still be given back of a capture; `None` when its refunds contradict it.
pub fn available(captured: Money, live: impl IntoIterator<Item = Money>) -> Option<Money> {
    let reserved = Money::sum(live, captured.currency())?;
    Money::from_minor(captured.minor().checked_sub(reserved.minor())?, captured.currency()).ok()
}

/// The decision on the answer to a status request about a refund of `amount`.
pub fn decide(status: RefundStatus, amount: Money, outcome: &RefundOutcome, calls: Calls) -> RefundVerdict {
    match status {
        RefundStatus::Sent => decide_sent(amount, outcome, calls),
        RefundStatus::Succeeded => match outcome {
            RefundOutcome::Failed { reason } => RefundVerdict::Returned { reason: reason.clone() },
            RefundOutcome::Succeeded { .. }
            | RefundOutcome::Pending
            | RefundOutcome::NotFound
            | RefundOutcome::Unclear { .. }
            | RefundOutcome::Unrecognised { .. } => RefundVerdict::Keep,
        },
        // The amount is refundable again; an operator must find the origin of the money given back.
        RefundStatus::Failed => match outcome {
            RefundOutcome::Succeeded { .. } => RefundVerdict::Unclear {
                reason: "the gateway says that the refund, which counts as failed, was made".to_owned(),
            },
            RefundOutcome::Pending
            | RefundOutcome::Failed { .. }
            | RefundOutcome::NotFound
            | RefundOutcome::Unclear { .. }
            | RefundOutcome::Unrecognised { .. } => RefundVerdict::Keep,
        },
        RefundStatus::Requested
        | RefundStatus::Approved
        | RefundStatus::Rejected
        | RefundStatus::Withdrawn
        | RefundStatus::Expired => RefundVerdict::Keep,
    }
}

fn decide_sent(amount: Money, outcome: &RefundOutcome, calls: Calls) -> RefundVerdict {
    match outcome {
        RefundOutcome::Succeeded { amount: Some(given) } if *given == amount => RefundVerdict::Succeed,
        RefundOutcome::Succeeded { amount: Some(given) } => RefundVerdict::Unclear {
            reason: format!("the gateway gave back {}, not {}", given.with_code(), amount.with_code()),
        },
        RefundOutcome::Succeeded { amount: None } => RefundVerdict::Unclear {
            reason: "the gateway says that it gave the money back, and not how much".to_owned(),
        },
        RefundOutcome::Failed { reason } => RefundVerdict::Fail { reason: reason.clone() },
        RefundOutcome::Unclear { reason } => RefundVerdict::Unclear { reason: reason.clone() },
        RefundOutcome::Pending | RefundOutcome::Unrecognised { .. } => RefundVerdict::Keep,
        RefundOutcome::NotFound if calls.not_taken => RefundVerdict::Repeat,
        RefundOutcome::NotFound if calls.since_last < calls.quiet_time => RefundVerdict::Keep,
        RefundOutcome::NotFound => match calls.repetition {
            Repetition::Refused => RefundVerdict::Repeat,
            Repetition::Replayed if calls.since_first < KEY_LIFE => RefundVerdict::Repeat,
            Repetition::Replayed => RefundVerdict::Unclear {
                reason: "the gateway knows no such refund, and may have forgotten the first call".to_owned(),
            },
            Repetition::Doubles => RefundVerdict::Unclear {
                reason: "the gateway knows no such refund, and would not refuse a second one".to_owned(),
            },
        },
    }
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;
    use crate::money::Currency;

    fn rupees(minor: i64) -> Money {
        Money::from_minor(minor, Currency::INR).unwrap()
    }

    fn calls(repetition: Repetition) -> Calls {
        Calls {
            repetition,
            since_first: QUIET_TIME,
            since_last: QUIET_TIME,
            not_taken: false,
            quiet_time: QUIET_TIME,
        }
    }

    fn outcome() -> impl Strategy<Value = RefundOutcome> {
        prop_oneof![
            (1..=200_i64).prop_map(|minor| RefundOutcome::Succeeded { amount: Some(rupees(minor)) }),
            Just(RefundOutcome::Succeeded { amount: None }),
            Just(RefundOutcome::Pending),
            Just(RefundOutcome::Failed { reason: "no".to_owned() }),
            Just(RefundOutcome::NotFound),
            Just(RefundOutcome::Unclear { reason: "two".to_owned() }),
            Just(RefundOutcome::Unrecognised { code: "?".to_owned() }),
        ]
    }

    fn any_calls() -> impl Strategy<Value = Calls> {
        let second =
            prop::sample::select(vec![Repetition::Replayed, Repetition::Refused, Repetition::Doubles]);
        (second, 0..200_000_u64, 0..200_000_u64, any::<bool>()).prop_map(
            |(repetition, first, last, not_taken)| Calls {
                repetition,
                since_first: Duration::from_secs(first.max(last)),
                since_last: Duration::from_secs(last),
                not_taken,
                quiet_time: QUIET_TIME,
            },
        )
    }

    proptest! {
        #[test]
        fn only_the_whole_amount_reported_back_succeeds_and_only_a_definite_no_fails(
            outcome in outcome(), calls in any_calls(),
        ) {
            let verdict = decide(RefundStatus::Sent, rupees(100), &outcome, calls);
            let equal = outcome == RefundOutcome::Succeeded { amount: Some(rupees(100)) };
            prop_assert_eq!(verdict == RefundVerdict::Succeed, equal);
            let no = matches!(outcome, RefundOutcome::Failed { .. });
            prop_assert_eq!(matches!(verdict, RefundVerdict::Fail { .. }), no);
        }

        #[test]
        fn a_call_is_repeated_only_where_a_second_one_can_give_nothing_back(
            outcome in outcome(), calls in any_calls(),
        ) {
            if decide(RefundStatus::Sent, rupees(100), &outcome, calls) == RefundVerdict::Repeat {
                prop_assert_eq!(outcome, RefundOutcome::NotFound);
                let harmless = match calls.repetition {
                    Repetition::Replayed => calls.since_first < KEY_LIFE,
                    Repetition::Refused => true,
                    Repetition::Doubles => false,
                };
                prop_assert!(calls.not_taken || (calls.since_last >= QUIET_TIME && harmless));
            }
        }

        #[test]
        fn nothing_leaves_a_final_status(
            status in prop::sample::select(RefundStatus::ALL.to_vec()),
            next in prop::sample::select(RefundStatus::ALL.to_vec()),
            outcome in outcome(),
            calls in any_calls(),
        ) {
            if status.is_final() {
                prop_assert!(!status.may_become(next));
            }
            let moves = matches!(
                decide(status, rupees(100), &outcome, calls),
                RefundVerdict::Succeed | RefundVerdict::Fail { .. } | RefundVerdict::Repeat
            );
            prop_assert!(!moves || status == RefundStatus::Sent);
        }

        /// Requests, ends and releases in any order, each admitted by `available` alone.
        #[test]
        fn live_refunds_never_exceed_the_captured_amount(
            captured in 0..10_000_i64,
            steps in prop::collection::vec((1..6_000_i64, any::<bool>()), 0..60),
        ) {
            let mut live: Vec<Money> = Vec::new();
            for (minor, frees) in steps {
                let left = available(rupees(captured), live.iter().copied()).unwrap();
                if minor <= left.minor() {
                    live.push(rupees(minor));
                }
                if frees && !live.is_empty() {
                    live.remove(0);
                }
                let sum: i64 = live.iter().map(|money| money.minor()).sum();
                prop_assert!(sum <= captured);
            }
        }
    }

    #[test]
    fn not_found_is_waited_out_before_the_same_id_goes_again() {
        let not_found = |calls| decide(RefundStatus::Sent, rupees(100), &RefundOutcome::NotFound, calls);
        let early = Calls { since_last: QUIET_TIME - Duration::from_secs(1), ..calls(Repetition::Refused) };
        assert_eq!(not_found(early), RefundVerdict::Keep);
        assert_eq!(not_found(calls(Repetition::Refused)), RefundVerdict::Repeat);
        assert_eq!(not_found(calls(Repetition::Replayed)), RefundVerdict::Repeat);
        let forgotten = Calls { since_first: KEY_LIFE, ..calls(Repetition::Replayed) };
        assert!(matches!(not_found(forgotten), RefundVerdict::Unclear { .. }));
        assert!(matches!(not_found(calls(Repetition::Doubles)), RefundVerdict::Unclear { .. }));
        let never_left = Calls { not_taken: true, since_last: Duration::ZERO, ..calls(Repetition::Doubles) };
        assert_eq!(not_found(never_left), RefundVerdict::Repeat);
    }

    #[test]
    fn a_returned_refund_is_reported_and_stays_succeeded() {
        let failed = RefundOutcome::Failed { reason: "closed account".to_owned() };
        let verdict = decide(RefundStatus::Succeeded, rupees(100), &failed, calls(Repetition::Refused));
        assert_eq!(verdict, RefundVerdict::Returned { reason: "closed account".to_owned() });
    }

    #[test]
    fn refunds_beyond_the_captured_amount_are_a_contradiction() {
        assert_eq!(available(rupees(100), [rupees(40), rupees(60)]).unwrap(), rupees(0));
        assert_eq!(available(rupees(100), [rupees(101)]), None);
        let dollars = Money::from_minor(1, Currency::from_code("USD").unwrap()).unwrap();
        assert_eq!(available(rupees(100), [dollars]), None);
    }

    #[test]
    fn every_status_has_its_words() {
        for status in RefundStatus::ALL {
            assert_eq!(RefundStatus::from_word(status.as_str()), Some(status));
            assert!(RefundStatus::of_digit_word(status.digit_word()).contains(&status));
        }
        assert!(RefundStatus::of_digit_word("DONE").is_empty());
    }
}
