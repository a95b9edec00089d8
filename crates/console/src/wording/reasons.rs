use payment_domain::{AttentionKind, Currency, HistoryReason, Money, Outcome, Waiver};

use super::kind;
use crate::format;
use crate::language::{Texts, fill};

/// A reason in a history, as it is stored; the words of gateways and people stay as they are.
pub(crate) fn reason(t: &Texts, stored: &str) -> String {
    let Some((reason, values)) = HistoryReason::read(stored) else { return stored.to_owned() };
    let values: Vec<String> =
        values.iter().enumerate().map(|(nth, value)| value_of(t, reason, nth, value)).collect();
    match values.as_slice() {
        [] => text(t, reason).to_owned(),
        [one] => fill(text(t, reason), [one]),
        [one, other, ..] => fill(text(t, reason), [one, other]),
    }
}

/// A value of a reason: a sentence of ours, a word of ours, or the words of others.
fn value_of(t: &Texts, of: HistoryReason, nth: usize, value: &str) -> String {
    match (of, nth) {
        (
            HistoryReason::Reopened
            | HistoryReason::PutUp
            | HistoryReason::PutUpBefore
            | HistoryReason::NotAskedAgain
            | HistoryReason::SentDaysAgo
            | HistoryReason::ClosedForAnother
            | HistoryReason::OrderUnclear
            | HistoryReason::NotAsked
            | HistoryReason::NotSent
            | HistoryReason::ApprovedAndNotSent
            | HistoryReason::NotTakenOn
            | HistoryReason::PaymentNotAsked
            | HistoryReason::RefundNotAsked,
            0,
        ) => reason(t, value),
        (HistoryReason::PutUp | HistoryReason::PutUpBefore, _) | (HistoryReason::CaseResolved, 0) => {
            AttentionKind::from_word(value).map_or(value, |known| kind(t, known)).to_owned()
        }
        (HistoryReason::ApprovedWithoutChecker, _) => {
            Waiver::from_word(value).map_or(value, |known| format::waiver_word(t, known)).to_owned()
        }
        (
            HistoryReason::SaysPaid
            | HistoryReason::SaysGivenBack
            | HistoryReason::PartGivenBack
            | HistoryReason::PartGivenBackElsewhere,
            _,
        ) => amount(value).map_or_else(|| value.to_owned(), format::money),
        (_, _) => value.to_owned(),
    }
}

/// An amount with or without its currency.
fn amount(text: &str) -> Option<Money> {
    let (number, code) = text.split_once(' ').unwrap_or((text, Currency::INR.code()));
    Money::parse(number, Currency::from_code(code)?).ok()
}

fn text(t: &Texts, reason: HistoryReason) -> &'static str {
    let r = &t.reasons;
    match reason {
        HistoryReason::Reopened => r.reopened,
        HistoryReason::PutUp | HistoryReason::PutUpBefore => r.put_up,
        HistoryReason::NotAskedAgain => r.not_asked_again,
        HistoryReason::SentDaysAgo => r.sent_days_ago,
        HistoryReason::ClosedForAnother => r.closed_for_another,
        HistoryReason::Created => r.created,
        HistoryReason::CreatedWithNothingToPay => r.created_with_nothing_to_pay,
        HistoryReason::OrderOpened => r.order_opened,
        HistoryReason::OrderUnclear => r.order_unclear,
        HistoryReason::SaysPaid => r.says_paid,
        HistoryReason::SaysPaidWithoutAmount => r.says_paid_without_amount,
        HistoryReason::SaysDeclined => r.says_declined,
        HistoryReason::SaysUnknown => r.says_unknown,
        HistoryReason::NotAsked => r.not_asked,
        HistoryReason::StillPending => r.still_pending,
        HistoryReason::CaseResolved => r.case_resolved,
        HistoryReason::CaseResolvedByRefund => r.case_resolved_by_refund,
        HistoryReason::PartGivenBack => r.part_given_back,
        HistoryReason::ReceiptIssued => r.receipt_issued,
        HistoryReason::ReceiptNotIssued => r.receipt_not_issued,
        HistoryReason::ReceiptRefused => r.receipt_refused,
        HistoryReason::ReceiptCancelled => r.receipt_cancelled,
        HistoryReason::ReceiptMissing => r.receipt_missing,
        HistoryReason::ReceiptKept => r.receipt_kept,
        HistoryReason::ReceiptNotCancellable => r.receipt_not_cancellable,
        HistoryReason::ReceiptCancelledInVain => r.receipt_cancelled_in_vain,
        HistoryReason::Requested => r.requested,
        HistoryReason::ApprovedWithoutChecker => r.approved_without_checker,
        HistoryReason::Approved => r.approved,
        HistoryReason::Rejected => r.rejected,
        HistoryReason::Withdrawn => r.withdrawn,
        HistoryReason::NotDecided => r.not_decided,
        HistoryReason::Sent => r.sent,
        HistoryReason::SentAgain => r.sent_again,
        HistoryReason::NotSent => r.not_sent,
        HistoryReason::ApprovedAndNotSent => r.approved_and_not_sent,
        HistoryReason::NotTakenOn => r.not_taken_on,
        HistoryReason::SaysRefused => r.says_refused,
        HistoryReason::SaysGivenBack => r.says_given_back,
        HistoryReason::SaysReturned => r.says_returned,
        HistoryReason::PaymentNotAsked => r.payment_not_asked,
        HistoryReason::RefundNotAsked => r.refund_not_asked,
        HistoryReason::MoreGivenBack => r.more_given_back,
        HistoryReason::GivenBackElsewhere => r.given_back_elsewhere,
        HistoryReason::PartGivenBackElsewhere => r.part_given_back_elsewhere,
        HistoryReason::SaysPending => r.says_pending,
        HistoryReason::SaysAuthorised => r.says_authorised,
        HistoryReason::SaysNotFound => r.says_not_found,
        HistoryReason::SaysRefunded => r.says_refunded,
        HistoryReason::SaysSucceeded => r.says_succeeded,
        HistoryReason::SaysFailed => r.says_failed,
        HistoryReason::SaysUnclear => r.says_unclear,
        HistoryReason::SaysUnrecognised => r.says_unrecognised,
        HistoryReason::Unreachable => r.unreachable,
        HistoryReason::LocalFault => r.local_fault,
        HistoryReason::Unanswered => r.unanswered,
        HistoryReason::Unreadable => r.unreadable,
        HistoryReason::OrderRefused => r.order_refused,
        HistoryReason::Unavailable => r.unavailable,
        HistoryReason::BadSignature => r.bad_signature,
        HistoryReason::OtherTransaction => r.other_transaction,
    }
}

/// The state of a payment at its gateway.
pub(crate) fn outcome(t: &Texts, outcome: &Outcome) -> &'static str {
    let r = &t.reasons;
    match outcome {
        Outcome::Paid { .. } => r.outcome_paid,
        Outcome::Declined { .. } => r.outcome_declined,
        Outcome::Pending => r.outcome_pending,
        Outcome::Authorised => r.outcome_authorised,
        Outcome::NotFound => r.outcome_not_found,
        Outcome::Refunded => r.outcome_refunded,
        Outcome::Unrecognised { .. } => r.outcome_unrecognised,
    }
}

#[cfg(test)]
mod tests {
    use std::time::Duration;

    use payment_gateway::GatewayError;

    use super::*;
    use crate::language::Language;

    #[test]
    fn every_reason_has_a_text_with_its_values_in_every_language() {
        for language in Language::ALL {
            for known in HistoryReason::ALL {
                let values = ["VALUE-1", "VALUE-2"];
                let places = known.sentence().matches("{}").count();
                let stored = match places {
                    0 => known.with([]),
                    1 => known.with([values[0]]),
                    _ => known.with(values),
                };
                let shown = reason(language.texts(), &stored);
                assert!(values.iter().take(places).all(|value| shown.contains(value)), "{stored}: {shown}");
                assert!(!shown.contains("{}") && !shown.is_empty(), "{shown}");
                assert!(language == Language::English || !shown.contains(known.sentence()), "{shown}");
            }
        }
    }

    #[test]
    fn a_sentence_within_another_is_in_the_same_language_and_the_words_of_gateways_stay() {
        let hindi = Language::Hindi.texts();
        let declined = HistoryReason::SaysDeclined.with(["Insufficient funds"]);
        let stored = HistoryReason::PutUp.with([&declined, "late-success"]);
        let shown = reason(hindi, &HistoryReason::Reopened.with([&stored]));
        for said in ["Insufficient funds", hindi.advice.late_success, "अस्वीकृत"] {
            assert!(shown.contains(said), "{said}: {shown}");
        }
        assert!(!shown.contains("gateway says"), "{shown}");
        assert_eq!(reason(hindi, "Paid by hand"), "Paid by hand");
        let english = Language::English.texts();
        for (amount, shown) in [("1234.50", "₹1,234.50"), ("7.00 USD", "USD 7.00"), ("much", "much")] {
            let told = reason(english, &HistoryReason::SaysPaid.with([amount]));
            assert_eq!(told, format!("The gateway says: paid {shown}"));
        }
    }

    #[test]
    fn errors_of_gateways_are_read_by_their_words() {
        for error in [
            GatewayError::NotSent("x".into()),
            GatewayError::LocalFault("x".into()),
            GatewayError::Unanswered("x".into()),
            GatewayError::Unreadable("x".to_owned()),
            GatewayError::Refused { code: "x".to_owned() },
            GatewayError::Unavailable { retry_after: Duration::ZERO },
            GatewayError::BadSignature,
            GatewayError::WrongTransaction,
        ] {
            assert!(HistoryReason::read(&error.to_string()).is_some(), "{error}");
        }
    }
}
