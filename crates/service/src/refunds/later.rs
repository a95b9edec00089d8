//! Later questions about refunds that have succeeded: banks return some weeks later.
//!
//! They are reckoned from the moment of success, not counted: a caller's question uses none up, and an answer serves
//! all questions before it.

use std::time::Duration;

use payment_domain::{Refund, RefundStatus};
use payment_store::RefundDue;

use super::Refunds;
use super::work::WorkError;

const DAY: Duration = Duration::from_secs(24 * 60 * 60);

/// The ages of a success at which the gateway is asked about it.
const QUESTIONS: [Duration; 3] = [DAY, DAY.saturating_mul(7), DAY.saturating_mul(30)];
/// An answer that comes so little before a question serves it.
const TOLERANCE: Duration = Duration::from_secs(60 * 60);
/// The longest wait after a question without an answer.
const REPEATED_AFTER: Duration = DAY;
/// The age of a success at which an unanswered question is the last one.
const GIVEN_UP_AT: Duration = DAY.saturating_mul(60);

/// When a refund is due that has succeeded so long ago, after an answer of its gateway.
pub(super) fn after_an_answer(age: Duration) -> RefundDue {
    let served = age.saturating_add(TOLERANCE);
    let next = QUESTIONS.into_iter().find(|at| *at > served);
    next.map_or(RefundDue::Never, |at| RefundDue::In(at.saturating_sub(age)))
}

/// The same after a question without an answer, which is put again.
pub(super) fn after_silence(age: Duration) -> RefundDue {
    if age >= GIVEN_UP_AT {
        return RefundDue::Never;
    }
    let next = QUESTIONS.into_iter().find(|at| *at > age).map(|at| at.saturating_sub(age));
    RefundDue::In(next.map_or(REPEATED_AFTER, |next| next.min(REPEATED_AFTER)))
}

impl Refunds {
    /// How long ago a refund has succeeded.
    pub(super) async fn age_of_success(&self, refund: &Refund) -> Result<Duration, WorkError> {
        let history = self.ports.store.refund_history(&refund.id).await?;
        let success = history.iter().find(|line| line.to == RefundStatus::Succeeded).map(|line| line.at);
        let since = success.or(refund.calls.last_at).unwrap_or(refund.audit.created_at);
        Ok(self.ports.now().since(since))
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn days(days: u64) -> Duration {
        DAY * u32::try_from(days).unwrap()
    }

    #[test]
    fn an_answer_serves_the_questions_before_it_and_those_about_to_be_put() {
        for (age, due) in [
            (Duration::ZERO, RefundDue::In(days(1))),
            (days(1), RefundDue::In(days(6))),
            (days(1) - Duration::from_secs(1), RefundDue::In(days(6) + Duration::from_secs(1))),
            (days(3), RefundDue::In(days(4))),
            (days(8), RefundDue::In(days(22))),
            (days(30), RefundDue::Never),
            (days(500), RefundDue::Never),
        ] {
            assert_eq!(after_an_answer(age), due, "{age:?}");
        }
    }

    #[test]
    fn an_unanswered_question_is_put_again_daily_and_not_for_ever() {
        let (mut age, mut put) = (days(1), 0);
        while let RefundDue::In(wait) = after_silence(age) {
            assert!(wait > Duration::ZERO && wait <= REPEATED_AFTER, "{age:?}");
            (age, put) = (age + wait, put + 1);
        }
        assert_eq!((age, put), (days(60), 59));
        let early = after_silence(days(1) - Duration::from_secs(60));
        assert_eq!(early, RefundDue::In(Duration::from_secs(60)), "no question is put off by a caller's");
    }
}
