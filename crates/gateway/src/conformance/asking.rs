//! Promises of status requests.

use payment_domain::Outcome;

use super::{AMOUNT, Case, Deed, Promise, id, is_paid, is_undecided, sample};

pub(super) fn promises() -> Vec<Promise> {
    vec![
        Promise::of(an_unpaid_order_is_neither_paid_nor_declined),
        Promise::of(a_payment_is_reported_with_the_requested_amount),
        Promise::of(another_amount_is_never_the_requested_one).where_it(&[Deed::IsPaidOtherwise]),
        Promise::of(a_definite_no_is_reported),
        Promise::of(a_pending_payment_stays_pending_until_it_is_paid),
        Promise::of(a_payment_after_a_refusal_is_reported).where_it(&[Deed::IsDeclinedForNow]),
        Promise::of(an_unknown_order_is_unrecognised).where_it(&[Deed::IsUnheardOf]),
        Promise::of(asking_again_is_answered_the_same),
    ]
}

async fn an_unpaid_order_is_neither_paid_nor_declined(case: Case) {
    let never_started = sample::transaction(&id(1), AMOUNT);
    let report = case.status(&never_started).await;
    assert!(is_undecided(&report.outcome), "never started: {:?}", report.outcome);

    let mut started = sample::transaction(&id(2), AMOUNT);
    let redirect = case.start(&mut started).await;
    let report = case.status(&started).await;
    assert!(is_undecided(&report.outcome), "the order is unpaid: {:?}", report.outcome);

    case.provider.arrive(&redirect).await;
    let report = case.status(&started).await;
    assert!(is_undecided(&report.outcome), "at the pay page: {:?}", report.outcome);
}

async fn a_payment_is_reported_with_the_requested_amount(case: Case) {
    let txn = case.after(1, Deed::IsPaid).await;
    let report = case.status(&txn).await;
    assert!(is_paid(&report.outcome, &txn), "{:?}", report.outcome);
    assert!(
        report.gateway_txn_id.is_some_and(|number| !number.is_empty()),
        "the provider's number is reported"
    );

    let other = case.arrived(2).await;
    assert!(is_undecided(&case.status(&other).await.outcome), "another order is not touched by it");
}

async fn another_amount_is_never_the_requested_one(case: Case) {
    let txn = case.after(1, Deed::IsPaidOtherwise).await;
    match case.gateway.status(&txn).await {
        Ok(report) => {
            let told = matches!(report.outcome, Outcome::Paid { .. }) && !is_paid(&report.outcome, &txn);
            assert!(told || is_undecided(&report.outcome), "{:?}", report.outcome);
        }
        // Money moved: not declined; the status stays until an operator decides.
        Err(error) => assert!(super::network::is_no_answer(&error), "{error:?}"),
    }
}

async fn a_definite_no_is_reported(case: Case) {
    let txn = case.after(1, Deed::IsDeclined).await;
    let report = case.status(&txn).await;
    assert!(matches!(report.outcome, Outcome::Declined { .. }), "{:?}", report.outcome);
}

async fn a_pending_payment_stays_pending_until_it_is_paid(case: Case) {
    let txn = case.after(1, Deed::IsPending).await;
    for _ in 0..3 {
        let report = case.status(&txn).await;
        assert_eq!(report.outcome, Outcome::Pending);
    }
    case.provider.does(&txn.id, Deed::IsPaidAtLast).await;
    let report = case.status(&txn).await;
    assert!(is_paid(&report.outcome, &txn), "{:?}", report.outcome);
}

async fn a_payment_after_a_refusal_is_reported(case: Case) {
    let txn = case.after(1, Deed::IsDeclinedForNow).await;
    let report = case.status(&txn).await;
    assert!(matches!(report.outcome, Outcome::Declined { .. }), "{:?}", report.outcome);
    case.provider.does(&txn.id, Deed::IsPaidAtLast).await;
    let report = case.status(&txn).await;
    assert!(is_paid(&report.outcome, &txn), "{:?}", report.outcome);
}

async fn an_unknown_order_is_unrecognised(case: Case) {
    let txn = case.after(1, Deed::IsUnheardOf).await;
    let report = case.status(&txn).await;
    assert!(matches!(report.outcome, Outcome::Unrecognised { .. }), "{:?}", report.outcome);
}

async fn asking_again_is_answered_the_same(case: Case) {
    for (number, deed) in (1..).zip([Deed::IsPaid, Deed::IsDeclined, Deed::IsPending]) {
        let txn = case.after(number, deed).await;
        let first = case.status(&txn).await;
        let again = case.status(&txn).await;
        assert_eq!(first.outcome, again.outcome);
        assert_eq!(first.gateway_txn_id, again.gateway_txn_id);
    }
}
