use payment_domain::AttentionKind;
use payment_service::{Advice, AdviceStep};

use crate::format;
use crate::language::{Texts, fill};

pub(crate) fn kind(t: &Texts, kind: AttentionKind) -> &'static str {
    let t = &t.advice;
    match kind {
        AttentionKind::LateSuccess => t.late_success,
        AttentionKind::AmountMismatch => t.amount_mismatch,
        AttentionKind::ReceiptRefused => t.receipt_refused,
        AttentionKind::Refunded => t.refunded,
        AttentionKind::Contradiction => t.contradiction,
        AttentionKind::SecondPayment => t.second_payment,
        AttentionKind::PaidTwice => t.paid_twice,
        AttentionKind::PendingBeyondLife => t.pending_beyond_life,
        AttentionKind::NotCaptured => t.not_captured,
        AttentionKind::RefundUnclear => t.refund_unclear,
        AttentionKind::ReceiptNeedsAdjustment => t.receipt_needs_adjustment,
        AttentionKind::RefundReturned => t.refund_returned,
    }
}

/// The recommended action, in sentences.
pub(crate) fn advice(t: &Texts, advice: &Advice) -> String {
    advice.steps.iter().map(|next| step(t, next)).collect::<Vec<_>>().join(" ")
}

fn step(t: &Texts, step: &AdviceStep) -> String {
    let a = &t.advice;
    match step {
        AdviceStep::Unread => a.unread.to_owned(),
        AdviceStep::OfKind(kind) => of_kind(t, *kind).to_owned(),
        AdviceStep::SucceededSince => a.succeeded_since.to_owned(),
        AdviceStep::PaidByAnother { paid, is_doubtful: true } => fill(a.paid_by_another_in_doubt, [paid]),
        AdviceStep::PaidByAnother { paid, is_doubtful: false } => fill(a.paid_by_another, [paid]),
        AdviceStep::OtherPending { pending } => fill(a.other_pending, [pending]),
        AdviceStep::OtherFailed { failed } => fill(a.other_failed, [failed]),
        AdviceStep::BillsHeld { bills } => fill(a.bills_held, [bills]),
        AdviceStep::BillsFree { bills } => fill(a.bills_free, [bills]),
        AdviceStep::RefundUnderWay { refund, amount, status } => fill(
            a.refund_under_way,
            [refund.as_str(), &format::money(*amount), format::refund_word(t, *status)],
        ),
        AdviceStep::RefundProposed { amount, .. } => fill(a.refund_proposed, [&format::money(*amount)]),
    }
}

fn of_kind(t: &Texts, kind: AttentionKind) -> &'static str {
    let t = &t.advice;
    match kind {
        AttentionKind::LateSuccess => t.of_late_success,
        AttentionKind::AmountMismatch => t.of_amount_mismatch,
        AttentionKind::ReceiptRefused => t.of_receipt_refused,
        AttentionKind::Refunded => t.of_refunded,
        AttentionKind::Contradiction => t.of_contradiction,
        AttentionKind::SecondPayment => t.of_second_payment,
        AttentionKind::PaidTwice => t.of_paid_twice,
        AttentionKind::PendingBeyondLife => t.of_pending_beyond_life,
        AttentionKind::NotCaptured => t.of_not_captured,
        AttentionKind::RefundUnclear => t.of_refund_unclear,
        AttentionKind::ReceiptNeedsAdjustment => t.of_receipt_needs_adjustment,
        AttentionKind::RefundReturned => t.of_refund_returned,
    }
}
