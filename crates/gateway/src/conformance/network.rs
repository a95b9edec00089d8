//! Calls that are not answered, or not with an answer.

use super::faults::Fault;
use super::{AMOUNT, Case, Deed, Promise, id, sample};
use crate::{Evidence, GatewayError, StartMode, VerifyMode};

pub(super) fn promises() -> Vec<Promise> {
    vec![
        Promise::of(an_unanswered_status_request_reports_whether_it_was_sent),
        Promise::of(an_answer_that_says_nothing_decides_nothing),
        Promise::of(a_start_that_is_not_answered_says_how_far_it_got),
        Promise::of(a_verification_that_is_not_answered_is_no_verdict),
        Promise::of(after_a_fault_the_outcome_is_still_found),
    ]
}

/// Whether nothing was learned about the payment.
pub(super) fn is_no_answer(error: &GatewayError) -> bool {
    match error {
        GatewayError::NotSent(_)
        | GatewayError::LocalFault(_)
        | GatewayError::Unanswered(_)
        | GatewayError::Unreadable(_)
        | GatewayError::Unavailable { .. }
        | GatewayError::WrongTransaction => true,
        GatewayError::Refused { .. } | GatewayError::BadSignature => false,
    }
}

/// Whether the error is that of the fault; it decides if a call may be repeated.
pub(super) fn fits(fault: Fault, error: &GatewayError) -> bool {
    match fault {
        Fault::Refused => matches!(error, GatewayError::NotSent(_)),
        Fault::Hangs | Fault::Cut | Fault::Http500 => matches!(error, GatewayError::Unanswered(_)),
        Fault::Garbage(_) | Fault::TooLong => matches!(error, GatewayError::Unreadable(_)),
    }
}

async fn an_unanswered_status_request_reports_whether_it_was_sent(case: Case) {
    let mut txn = sample::transaction(&id(1), AMOUNT);
    case.start(&mut txn).await;
    for fault in Fault::ALL {
        let faulty = fault.serve().await;
        let gateway = case.provider.gateway_at(&faulty.base_url, faulty.timeout);
        let error = gateway.status(&txn).await.expect_err("a fault is never an answer");
        assert!(fits(fault, &error), "{fault:?}: {error:?}");
    }
}

async fn an_answer_that_says_nothing_decides_nothing(case: Case) {
    let mut txn = sample::transaction(&id(1), AMOUNT);
    case.start(&mut txn).await;
    for nothing in [&b"{}"[..], b"{\"status\":null}", b"{\"body\":{},\"head\":{}}", b"a=b&c"] {
        let faulty = Fault::Garbage(nothing).serve().await;
        let gateway = case.provider.gateway_at(&faulty.base_url, faulty.timeout);
        match gateway.status(&txn).await {
            Ok(report) => assert!(super::is_undecided(&report.outcome), "{:?}", report.outcome),
            Err(error) => assert!(is_no_answer(&error), "{error:?}"),
        }
        if gateway.profile().start_mode == StartMode::Network {
            let error = case.try_start(gateway.as_ref(), &txn).await.expect_err("it names no page");
            assert!(matches!(error, GatewayError::Unreadable(_)), "{error:?}");
        }
    }
}

async fn a_start_that_is_not_answered_says_how_far_it_got(case: Case) {
    let txn = sample::transaction(&id(1), AMOUNT);
    for fault in Fault::ALL {
        let faulty = fault.serve().await;
        let gateway = case.provider.gateway_at(&faulty.base_url, faulty.timeout);
        let started = case.try_start(gateway.as_ref(), &txn).await;
        match (gateway.profile().start_mode, started) {
            (StartMode::Offline, started) => assert!(started.is_ok(), "no call is made: {started:?}"),
            (StartMode::Network, Ok(redirect)) => panic!("{fault:?} led to {redirect:?}"),
            (StartMode::Network, Err(error)) => assert!(fits(fault, &error), "{fault:?}: {error:?}"),
        }
    }
}

async fn a_verification_that_is_not_answered_is_no_verdict(case: Case) {
    let txn = case.after(1, Deed::IsPaid).await;
    for notification in case.provider.notifications(&txn.id).await {
        for fault in Fault::ALL {
            let faulty = fault.serve().await;
            let gateway = case.provider.gateway_at(&faulty.base_url, faulty.timeout);
            match (gateway.profile().verify_mode, gateway.verify(&txn, &notification.answer).await) {
                (VerifyMode::Offline, verified) => {
                    assert!(verified.is_ok(), "no call is made: {verified:?}")
                }
                (VerifyMode::Network, Err(error)) => assert!(fits(fault, &error), "{fault:?}: {error:?}"),
                (VerifyMode::Network, Ok(evidence)) => assert_eq!(evidence, Evidence::Unsigned, "{fault:?}"),
            }
        }
    }
}

async fn after_a_fault_the_outcome_is_still_found(case: Case) {
    let txn = case.after(1, Deed::IsPaid).await;
    let faulty = Fault::Hangs.serve().await;
    let gateway = case.provider.gateway_at(&faulty.base_url, faulty.timeout);
    assert!(gateway.status(&txn).await.is_err());
    assert!(super::is_paid(&case.status(&txn).await.outcome, &txn));
}
