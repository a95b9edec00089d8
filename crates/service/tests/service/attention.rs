//! The advice on a review case: never one that pays a bill twice.

use crate::support::{World, declined, paid, world};
use payment_domain::{AttentionKind, StatusName, TxnId};
use payment_service::{Advice, OtherPayment, advise_all};
use payment_store::{AttentionCase, AttentionQuery};

/// A payment that failed; the gateway says from now on that it was paid all the same.
async fn failed(world: &World, bill: &str) -> TxnId {
    let id = world.pending(bill, "100").await;
    world.gateway.answers_for(&id, declined());
    world.settle(&id).await;
    world.gateway.answers_for(&id, paid("100"));
    id
}

/// The open cases with their recommendations, the same in the list and one by one.
async fn cases(world: &World) -> Vec<(AttentionCase, Advice)> {
    let query = AttentionQuery { limit: 9, ..AttentionQuery::default() };
    let listed = world.payments.attention.list_with_advice(&query).await.unwrap();
    for (case, advice) in &listed {
        let shown = world.payments.attention.show(case.id, None).await.unwrap().unwrap();
        assert_eq!((&shown.case, &shown.advice), (case, advice));
    }
    listed
}

async fn only(world: &World) -> (AttentionCase, Advice) {
    let mut cases = cases(world).await;
    assert_eq!(cases.len(), 1);
    cases.remove(0)
}

fn others(advice: &Advice) -> Vec<(&str, StatusName)> {
    advice
        .other_payments
        .iter()
        .map(|OtherPayment { txn_id, status, .. }| (txn_id.as_str(), *status))
        .collect()
}

#[tokio::test]
async fn a_late_payment_is_to_be_refunded_once_another_of_its_bill_has_succeeded() {
    let world = world();
    let late = failed(&world, "B1").await;
    let other = world.pending("B1", "100").await;
    world.settle(&late).await;

    let (case, advice) = only(&world).await;
    assert_eq!(case.case.kind, AttentionKind::LateSuccess);
    assert_eq!(others(&advice), [(other.as_str(), StatusName::Pending)]);
    let told = format!("still pending, {other}: do not register this one before that is settled");
    assert!(advice.action().contains(&told), "{}", advice.action());
    assert!(
        !advice.action().contains("until this case is resolved"),
        "it holds nothing: {}",
        advice.action()
    );

    world.gateway.answers_for(&other, paid("100"));
    world.settle(&other).await;
    let (same, advice) = only(&world).await;
    assert_eq!(same, case, "the evidence is of its moment");
    assert_eq!(others(&advice), [(other.as_str(), StatusName::Success)]);
    let told = format!(
        "The bill was paid by another transaction, {other}. Have this payment refunded. Do not register it with \
         the collection service. Proposed refund: 100.00 INR, with `pg-service refund request --txn {late} --case \
         {}`; the case closes with it.",
        case.id
    );
    assert_eq!(advice.action(), told);
}

#[tokio::test]
async fn a_payment_that_is_late_behind_another_success_is_to_be_refunded() {
    let world = world();
    let late = failed(&world, "B1").await;
    let other = world.pending("B1", "100").await;
    world.gateway.answers_for(&other, paid("100"));
    world.settle(&other).await;
    world.settle(&late).await;

    let (case, advice) = only(&world).await;
    assert_eq!(case.case.kind, AttentionKind::PaidTwice);
    assert_eq!(others(&advice), [(other.as_str(), StatusName::Success)]);
    assert!(advice.action().contains("Do not register it"), "{}", advice.action());
}

#[tokio::test]
async fn bills_are_called_held_only_where_the_case_holds_them() {
    let world = world();
    let late = failed(&world, "B1").await;
    world.settle(&late).await;
    let (_, advice) = only(&world).await;
    assert!(
        advice.action().contains("by hand. Bill B1 cannot be paid until this case is resolved."),
        "{advice:?}"
    );
    assert_eq!(others(&advice), []);

    let second = failed(&world, "B2").await;
    let other = world.pending("B2", "100").await;
    world.settle(&second).await;
    world.gateway.answers_for(&other, declined());
    world.settle(&other).await;
    let (_, advice) = cases(&world).await.remove(1);
    assert_eq!(others(&advice), []);
    assert!(advice.action().contains("Nothing keeps B2 from being paid once more meanwhile."), "{advice:?}");
}

#[tokio::test]
async fn a_payment_of_another_amount_is_not_registered_beside_one_that_succeeded() {
    let world = world();
    let wrong = world.pending("B1", "100").await;
    world.gateway.answers_for(&wrong, paid("99"));
    world.settle(&wrong).await;
    assert!(only(&world).await.1.action().contains("register what was paid by hand"));
    let other = world.pending("B1", "100").await;
    world.gateway.answers_for(&other, paid("100"));
    world.settle(&other).await;
    let (case, advice) = only(&world).await;
    assert_eq!(case.case.kind, AttentionKind::AmountMismatch);
    assert!(advice.action().contains("Do not register it"), "{}", advice.action());
    let unknown = AttentionCase {
        case: payment_store::Attention { txn_id: TxnId::new("NONE").unwrap(), ..case.case.clone() },
        ..case
    };
    let advised = advise_all(world.store.as_ref(), vec![(unknown, None)]).await.unwrap();
    assert!(
        advised[0].1.action().starts_with("What else was paid of its bills could not be read"),
        "{advised:?}"
    );
}

#[tokio::test]
async fn of_two_late_payments_of_a_bill_one_at_most_is_to_be_registered() {
    let world = world();
    let first = failed(&world, "B1").await;
    let second = failed(&world, "B1").await;
    world.settle(&first).await;
    world.settle(&second).await;
    let advised = cases(&world).await;
    assert_eq!(others(&advised[1].1), [(first.as_str(), StatusName::Failure)]);
    assert!(advised[1].1.action().contains("register only one of them"), "{advised:?}");
}
