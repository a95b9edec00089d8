//! Questions about refunds that have succeeded, whose money a bank may return.

use payment_domain::{AttentionKind, RefundOutcome, RefundStatus};

use super::DAY;
use crate::support::{MINUTE, caller, world};

#[tokio::test]
async fn a_returned_refund_is_found_however_long_its_gateway_was_silent_and_however_often_others_asked() {
    let world = world();
    let payment = world.bought("B1").await;
    let refund = world.sent(&payment, None).await;
    // Anyone's hints and an operator's questions are answered, and use up none of the later ones.
    for _ in 0..5 {
        world.payments.refunds.update(&refund.id, None, &caller()).await.unwrap();
    }
    world.gateway.is_silent_about_refunds(true);
    for day in 0..20 {
        let before = world.gateway.refund_questions();
        world.job_after(DAY + MINUTE).await;
        assert_eq!(world.gateway.refund_questions(), before + 1, "day {day}");
    }
    world.gateway.is_silent_about_refunds(false);
    world.job_after(DAY + MINUTE).await;
    assert_eq!(world.refund(&refund.id).await.returned_at, None);
    world.gateway.decides_refund(&refund.id, RefundOutcome::Failed { reason: "closed account".to_owned() });
    let before = world.gateway.refund_questions();
    world.job_after(DAY * 5).await;
    assert_eq!(world.gateway.refund_questions(), before, "the next question is of day 30");
    world.job_after(DAY * 5).await;
    assert!(world.refund(&refund.id).await.returned_at.is_some());
    assert_eq!(world.kinds(&payment).await, [AttentionKind::RefundReturned]);
    world.payments.refunds.update(&refund.id, None, &caller()).await.unwrap();
    let before = world.gateway.refund_questions();
    world.job_after(DAY * 100).await;
    assert_eq!(world.gateway.refund_questions(), before, "a returned refund is not asked about again");
}

#[tokio::test]
async fn a_gateway_that_never_answers_again_is_not_asked_for_ever_about_a_refund_that_has_succeeded() {
    let world = world();
    let payment = world.bought("B1").await;
    let refund = world.sent(&payment, None).await;
    world.gateway.is_silent_about_refunds(true);
    for _ in 0..61 {
        world.job_after(DAY).await;
    }
    let asked = world.gateway.refund_questions();
    assert!((59..=61).contains(&asked), "{asked}");
    world.job_after(DAY * 100).await;
    assert_eq!(world.gateway.refund_questions(), asked);
    let history = world.store.refund_history(&refund.id).await.unwrap();
    let last = history.last().unwrap();
    assert!(last.why.ends_with("whether the money came back is not asked again"), "{last:?}");
    assert_eq!((last.to, world.refund(&refund.id).await.returned_at), (RefundStatus::Succeeded, None));
    assert!(world.kinds(&payment).await.is_empty());
}
