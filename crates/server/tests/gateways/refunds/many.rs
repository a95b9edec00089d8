//! Many refunds of one payment, and their makers and checkers.

use std::sync::atomic::{AtomicBool, Ordering};
use std::time::Duration;

use futures_util::future::join_all;
use payment_simulator::providers::RefundState;
use reqwest::StatusCode;

use super::desk::Desk;
use crate::support::account::Account;

/// The captured amount of the payment, in paise.
const CAPTURED: i64 = 10_050;
const REQUESTS: usize = 200;
const CHECKERS: [(&str, &str); 2] = [("checker-1", "PG_REFUND_CHECKER"), ("checker-2", "PG_REFUND_CHECKER")];

/// Amounts with different numbers of decimals, from the smallest the provider takes to a large part.
const AMOUNTS: [&str; 6] = ["1", "2.50", "7", "13.37", "40", "1.01"];

/// The sum that the provider has refunded of a payment or will, in paise.
fn given(desk: &Desk, payment: &str) -> i64 {
    let leaves = |state: RefundState| matches!(state, RefundState::Pending { .. } | RefundState::Done { .. });
    let entries = desk.entries(payment);
    entries.iter().filter(|entry| leaves(entry.state)).map(|entry| entry.amount.minor).sum()
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn two_hundred_concurrent_requests_never_exceed_the_captured_amount() {
    let desk = &Desk::open(Account::Razorpay).await;
    let payment = &desk.paid().await;
    let is_over = &AtomicBool::new(false);
    let watched = async {
        let mut looks = 0;
        while !is_over.load(Ordering::SeqCst) {
            assert!(given(desk, payment) <= CAPTURED, "{:?}", desk.entries(payment));
            looks += 1;
            tokio::time::sleep(Duration::from_millis(2)).await;
        }
        looks
    };
    let asked = async {
        let requests = (0..REQUESTS).map(|nth| desk.requests(payment, Some(AMOUNTS[nth % AMOUNTS.len()])));
        let answers = join_all(requests).await;
        let mut accepted = Vec::new();
        for (status, answer) in answers {
            match status {
                StatusCode::OK => accepted.push(answer["Refund"]["refundId"].as_str().unwrap().to_owned()),
                _ => assert!(status.is_client_error(), "{status}: {answer}"),
            }
        }
        // Each is approved by two people at once.
        let decided =
            accepted.iter().flat_map(|refund| CHECKERS.map(|by| desk.decides("_approve", refund, by)));
        let decided = join_all(decided).await;
        for (pair, refund) in decided.chunks(2).zip(&accepted) {
            let counted = pair.iter().filter(|(status, _)| *status == StatusCode::OK).count();
            assert_eq!(counted, 1, "{refund}: {pair:?}");
        }
        for refund in &accepted {
            desk.reaches(refund, "SUCCEEDED", "razorpay").await;
        }
        is_over.store(true, Ordering::SeqCst);
        accepted
    };
    let (looks, accepted) = tokio::join!(watched, asked);

    let entries = desk.entries(payment);
    let (mut booked, mut stored): (Vec<_>, _) =
        (entries.iter().map(|entry| entry.refund.clone()).collect(), accepted);
    booked.sort();
    stored.sort();
    assert_eq!(booked, stored, "each once, and no other");
    // The smallest request fits into more than is left.
    assert!((CAPTURED - 99..=CAPTURED).contains(&given(desk, payment)), "{entries:?}");
    assert!(looks > 5, "the books were not watched");
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_maker_approves_no_refund_of_their_own_under_whatever_name() {
    let desk = Desk::open(Account::Payu).await;
    let payment = desk.paid().await;
    let refund = desk.requested(&payment, None).await;
    let by = ("maker-1", "PG_REFUND_CHECKER");
    for name in ["maker-1", "another name"] {
        let decision = serde_json::json!({ "refundId": refund, "version": 1, "comment": "seen" });
        let (status, answer) = desk.post_as("_approve", by, name, decision).await;
        assert_eq!(status, StatusCode::FORBIDDEN, "{answer}");
    }
    assert_eq!(desk.stands(&refund).0, "REQUESTED");
    assert!(desk.entries(&payment).is_empty());
}
