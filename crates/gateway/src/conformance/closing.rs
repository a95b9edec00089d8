//! Closing orders, where a provider can do that.

use payment_domain::Outcome;

use super::faults::Fault;
use super::network::fits;
use super::{AMOUNT, Case, Deed, Promise, id, is_paid, sample};

pub(super) fn promises() -> Vec<Promise> {
    vec![
        Promise::of(a_closed_order_is_declined_and_stays_so),
        Promise::of(an_order_that_was_paid_is_not_closed),
        Promise::of(a_closing_that_is_not_answered_says_how_far_it_got),
    ]
}

async fn a_closed_order_is_declined_and_stays_so(case: Case) {
    let Some(closing) = case.gateway.closing() else { return };
    let arrived = case.arrived(1).await;
    let mut started = sample::transaction(&id(2), AMOUNT);
    case.start(&mut started).await;
    for txn in [&arrived, &started] {
        for _ in 0..2 {
            let closed = closing.close(txn).await.expect("the provider closes it");
            assert!(matches!(closed.outcome, Outcome::Declined { .. }), "{:?}", closed.outcome);
        }
        let report = case.status(txn).await;
        assert!(matches!(report.outcome, Outcome::Declined { .. }), "{:?}", report.outcome);
    }
}

async fn an_order_that_was_paid_is_not_closed(case: Case) {
    let Some(closing) = case.gateway.closing() else { return };
    let txn = case.after(1, Deed::IsPaid).await;
    let told = closing.close(&txn).await.expect("the provider says where it stands");
    assert!(is_paid(&told.outcome, &txn), "{:?}", told.outcome);
    assert!(is_paid(&case.status(&txn).await.outcome, &txn));
}

async fn a_closing_that_is_not_answered_says_how_far_it_got(case: Case) {
    if case.gateway.closing().is_none() {
        return;
    }
    let mut txn = sample::transaction(&id(1), AMOUNT);
    case.start(&mut txn).await;
    for fault in Fault::ALL {
        let faulty = fault.serve().await;
        let gateway = case.provider.gateway_at(&faulty.base_url, faulty.timeout);
        let Some(closing) = gateway.closing() else { return };
        let error = closing.close(&txn).await.map(drop).expect_err("a fault is never an answer");
        assert!(fits(fault, &error), "{fault:?}: {error:?}");
    }
}
