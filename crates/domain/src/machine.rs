//! The state machine: decides whether a gateway's report changes a transaction.
//!
//! ```text
//!            paid, equal amount          SUCCESS (final)
//! PENDING ──────────────────────────▶
//!         ── declined, other amount,     FAILURE (final; a later payment
//!            no such payment in time ──▶  opens a review case)
//!         ── everything else ─────────▶  PENDING
//! ```

use crate::history::AttentionKind;
use crate::money::Money;
use crate::outcome::Outcome;
use crate::transaction::{Status, StatusName};

/// Whether an order can still be paid at the gateway.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum OrderLife {
    /// The order can still be paid: "no such payment" proves nothing.
    Running,
    /// The order has expired: "no such payment" is definite.
    Over,
    /// No payer was sent to it: "no such payment" is definite.
    NeverBegun,
}

/// The consequence of a gateway's report.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Verdict {
    /// The new status; `None` for no change.
    pub change: Option<Status>,
    /// The sentence that clients read as `txnStatusMsg` when the status changes.
    pub message: &'static str,
    /// The review case to raise.
    pub attention: Option<AttentionKind>,
}

/// Status messages of the public API.
pub mod message {
    pub const INITIATED: &str = "Transaction initiated";
    pub const SUCCESSFUL: &str = "Transaction successful";
    pub const FAILED_AT_GATEWAY: &str = "Transaction failed at gateway";
    pub const AMOUNT_MISMATCH: &str = "Transaction failed, amount mismatch";
    /// Of one that was not paid within the order's life.
    pub const NEVER_PAID: &str = "Transaction failed, no payment was made in time";
    /// The order was closed for another payment of its bills.
    pub const SUPERSEDED: &str = "Transaction failed, superseded by another payment";
    /// The gateway never received the order.
    pub const NOT_STARTED: &str = "Transaction failed, the gateway could not be reached";
}

impl Verdict {
    fn keep(attention: Option<AttentionKind>) -> Verdict {
        Verdict { change: None, message: "", attention }
    }

    fn fail(message: &'static str, attention: Option<AttentionKind>) -> Verdict {
        Verdict { change: Some(Status::Failure), message, attention }
    }
}

/// The decision on `outcome` for a transaction of `amount` with this `status`. `signed` is the report that
/// the gateway signed in the answer that led to the status request.
///
/// Money first: only a definite payment of exactly the requested amount succeeds, only a definite refusal
/// fails, and nothing leaves SUCCESS or FAILURE.
pub fn decide(
    status: StatusName,
    amount: Money,
    outcome: &Outcome,
    signed: Option<&Outcome>,
    life: OrderLife,
) -> Verdict {
    // After a signed message about the payment, "no such payment" means that the gateway's records lag.
    let known = signed.is_some_and(|signed| !matches!(signed, Outcome::Declined { .. } | Outcome::NotFound));
    let signed_as_paid = matches!(signed, Some(Outcome::Paid { .. }));
    let over = life != OrderLife::Running;
    match (status, outcome) {
        (StatusName::Pending, Outcome::Paid { amount: Some(paid) }) if *paid == amount => Verdict {
            change: Some(Status::Success { receipt: None }),
            message: message::SUCCESSFUL,
            attention: None,
        },
        (StatusName::Pending, Outcome::Paid { amount: Some(_) }) => {
            Verdict::fail(message::AMOUNT_MISMATCH, Some(AttentionKind::AmountMismatch))
        }
        // Paid without an amount: missing is not equal, and no refusal either.
        (StatusName::Pending, Outcome::Paid { amount: None }) => {
            Verdict::keep(Some(AttentionKind::AmountMismatch))
        }
        (StatusName::Pending | StatusName::Failure, Outcome::Declined { .. }) if signed_as_paid => {
            Verdict::keep(Some(AttentionKind::Contradiction))
        }
        (StatusName::Pending | StatusName::Failure, Outcome::NotFound) if signed_as_paid && over => {
            Verdict::keep(Some(AttentionKind::Contradiction))
        }
        (StatusName::Pending, Outcome::Declined { .. }) => Verdict::fail(message::FAILED_AT_GATEWAY, None),
        (StatusName::Pending, Outcome::NotFound) if over && !known => {
            let message = match life {
                OrderLife::NeverBegun => message::NOT_STARTED,
                OrderLife::Running | OrderLife::Over => message::NEVER_PAID,
            };
            Verdict::fail(message, None)
        }
        (StatusName::Pending, Outcome::NotFound) => Verdict::keep(None),
        (StatusName::Pending | StatusName::Success, Outcome::Refunded) => {
            Verdict::keep(Some(AttentionKind::Refunded))
        }
        (StatusName::Failure, Outcome::Paid { amount: Some(paid) }) if *paid == amount => {
            Verdict::keep(Some(AttentionKind::LateSuccess))
        }
        // Nothing was captured yet, and nothing will be without an operator.
        (StatusName::Pending | StatusName::Failure, Outcome::Authorised) => {
            Verdict::keep(Some(AttentionKind::NotCaptured))
        }
        // Often the answer for which it failed: the same case, not a second one.
        (StatusName::Failure, Outcome::Paid { .. }) => Verdict::keep(Some(AttentionKind::AmountMismatch)),
        (StatusName::Pending, Outcome::Pending | Outcome::Unrecognised { .. })
        | (StatusName::Success, _)
        | (
            StatusName::Failure,
            Outcome::Declined { .. }
            | Outcome::Pending
            | Outcome::NotFound
            | Outcome::Refunded
            | Outcome::Unrecognised { .. },
        ) => Verdict::keep(None),
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

    fn paid(minor: i64) -> Outcome {
        Outcome::Paid { amount: Some(rupees(minor)) }
    }

    fn pending(outcome: &Outcome) -> Verdict {
        decide(StatusName::Pending, rupees(100), outcome, None, OrderLife::Running)
    }

    #[test]
    fn an_equal_payment_succeeds() {
        let verdict = pending(&paid(100));
        assert_eq!(verdict.change, Some(Status::Success { receipt: None }));
        assert_eq!(verdict.message, "Transaction successful");
        assert_eq!(verdict.attention, None);
    }

    #[test]
    fn another_amount_fails_and_is_shown_to_an_operator() {
        let verdict = pending(&paid(99));
        assert_eq!(verdict.change, Some(Status::Failure));
        assert_eq!(verdict.message, "Transaction failed, amount mismatch");
        assert_eq!(verdict.attention, Some(AttentionKind::AmountMismatch));
    }

    #[test]
    fn a_missing_amount_is_not_equal() {
        let verdict = pending(&Outcome::Paid { amount: None });
        assert_eq!(verdict.change, None);
        assert_eq!(verdict.attention, Some(AttentionKind::AmountMismatch));
    }

    #[test]
    fn no_such_payment_ends_a_transaction_only_when_its_life_is_over() {
        assert_eq!(pending(&Outcome::NotFound).change, None);
        for (life, message) in
            [(OrderLife::Over, message::NEVER_PAID), (OrderLife::NeverBegun, message::NOT_STARTED)]
        {
            let over = decide(StatusName::Pending, rupees(100), &Outcome::NotFound, None, life);
            assert_eq!((over.change, over.message), (Some(Status::Failure), message));
        }
    }

    #[test]
    fn a_signed_payment_is_not_failed_because_the_gateways_records_lag() {
        let says = |outcome: &Outcome, status| {
            decide(status, rupees(100), outcome, Some(&paid(100)), OrderLife::Over)
        };
        let declined = Outcome::Declined { reason: "no".into() };
        for outcome in [&Outcome::NotFound, &declined] {
            for status in [StatusName::Pending, StatusName::Failure] {
                let verdict = says(outcome, status);
                assert_eq!((verdict.change, verdict.attention), (None, Some(AttentionKind::Contradiction)));
            }
        }
        let begun = decide(
            StatusName::Pending,
            rupees(100),
            &Outcome::NotFound,
            Some(&Outcome::Pending),
            OrderLife::Over,
        );
        assert_eq!((begun.change, begun.attention), (None, None));
    }

    #[test]
    fn a_late_success_is_never_dropped() {
        let verdict = decide(StatusName::Failure, rupees(100), &paid(100), None, OrderLife::Over);
        assert_eq!(verdict.change, None);
        assert_eq!(verdict.attention, Some(AttentionKind::LateSuccess));
    }

    #[test]
    fn a_wrong_amount_stays_one_case_however_often_it_is_reported() {
        let verdict = decide(StatusName::Failure, rupees(100), &paid(99), None, OrderLife::Running);
        assert_eq!(verdict.attention, Some(AttentionKind::AmountMismatch));
    }

    #[test]
    fn an_authorised_payment_that_is_not_captured_changes_nothing_and_is_shown_to_an_operator() {
        for (status, attention) in [
            (StatusName::Pending, Some(AttentionKind::NotCaptured)),
            (StatusName::Failure, Some(AttentionKind::NotCaptured)),
            (StatusName::Success, None),
        ] {
            for life in [OrderLife::Running, OrderLife::Over] {
                let verdict = decide(status, rupees(100), &Outcome::Authorised, None, life);
                assert_eq!((verdict.change, verdict.attention), (None, attention), "{status:?}");
            }
        }
    }

    fn outcomes() -> impl Strategy<Value = Outcome> {
        prop_oneof![
            (0i64..200).prop_map(paid),
            Just(Outcome::Paid { amount: None }),
            Just(Outcome::Declined { reason: "no".into() }),
            Just(Outcome::Pending),
            Just(Outcome::Authorised),
            Just(Outcome::NotFound),
            Just(Outcome::Refunded),
            ".{0,10}".prop_map(|code| Outcome::Unrecognised { code }),
        ]
    }

    proptest! {
        #[test]
        fn any_row_of_answers_ends_at_most_once_and_never_leaves_success(
            answers in proptest::collection::vec(
                (outcomes(), proptest::option::of(outcomes()), any::<bool>()), 0..30)
        ) {
            let mut status = Status::Pending;
            for (outcome, signed, over) in answers {
                let life = if over { OrderLife::Over } else { OrderLife::Running };
                let verdict = decide(status.name(), rupees(100), &outcome, signed.as_ref(), life);
                if let Some(next) = verdict.change {
                    prop_assert_eq!(&status, &Status::Pending);
                    match &next {
                        Status::Success { receipt } => {
                            prop_assert_eq!(&outcome, &paid(100));
                            prop_assert_eq!(receipt, &None);
                        }
                        Status::Failure => {
                            let definite = !matches!(
                                outcome,
                                Outcome::Pending | Outcome::Authorised | Outcome::Unrecognised { .. }
                            );
                            prop_assert!(definite);
                            let taken = matches!(outcome, Outcome::Paid { .. });
                            let proven = matches!(signed, Some(Outcome::Paid { .. }));
                            prop_assert!(taken || !proven, "what was signed as paid never fails as unpaid");
                        }
                        Status::Pending => prop_assert!(false, "nothing becomes pending again"),
                    }
                    status = next;
                } else if matches!(outcome, Outcome::Paid { .. }) && status.name() != StatusName::Success {
                    prop_assert!(verdict.attention.is_some(), "a payment is never dropped");
                }
            }
        }
    }
}
