//! The task to cancel a receipt: due with the refund, held by one at a time, and the bills that it releases.

use std::sync::Arc;
use std::time::Duration;

use futures_util::future::join_all;
use payment_domain::{Actor, BillKey, HistoryEntry, Refund, RefundReceipt, RefundStatus, Transaction};
use serde_json::Value;

use super::refunding::{applied, change, paid, refund, requested};
use super::sample::{self, at, lease, postponement, task_claim};
use super::{Promise, Timed};
use crate::{
    Applied, CancellationChange, CancellationOutcome, ClaimedReceiptTask, Postponement, ReceiptTaskClaim,
    ReceiptTaskKind, RefundChange, RefundDue, Store, Tried,
};

pub(super) fn promises() -> Vec<Promise> {
    vec![
        Promise::timed(a_cancellation_waits_until_the_receipt_is_no_longer_to_be_issued),
        Promise::of(a_completed_cancellation_frees_the_bills_of_a_full_refund),
        Promise::of(a_cancellation_before_the_money_has_gone_keeps_the_bills_until_it_has),
        Promise::of(a_cancellation_is_completed_once_and_under_its_lease),
        Promise::timed(an_abandoned_cancellation_is_taken_over_as_unclear),
        Promise::timed(a_change_of_the_receipt_alone_keeps_the_next_status_request),
        Promise::of(a_payment_that_was_given_back_is_no_successor_to_a_claim),
    ]
}

fn claim(token: &str) -> ReceiptTaskClaim {
    ReceiptTaskClaim { kind: ReceiptTaskKind::Cancel, ..task_claim(token, 10) }
}

/// A payment with its receipt.
async fn receipted(store: &Arc<dyn Store>, id: &str) -> Transaction {
    let txn = paid(store, id).await;
    sample::applied(store, sample::receipted(&txn, "first")).await
}

/// A refund of the whole payment, up to a status.
async fn refunded(store: &Arc<dyn Store>, payment: &Transaction, until: RefundStatus) -> Refund {
    let mut stored = requested(store, refund(payment, payment.id.as_str(), payment.amount.minor())).await;
    for status in [RefundStatus::Approved, RefundStatus::Sent] {
        stored = applied(store, change(&stored, status)).await;
        if status == until {
            break;
        }
    }
    stored
}

fn succeeded(sent: &Refund) -> RefundChange {
    let cancellation = CancellationChange::Due { frees_bills: true };
    RefundChange { cancellation, ..change(sent, RefundStatus::Succeeded) }
}

fn completed(refund: &Refund, payment: &Transaction, token: &str) -> RefundChange {
    let mut change = change(refund, refund.status);
    change.refund.receipt = RefundReceipt::Cancelled;
    change.cancellation = CancellationChange::Completed {
        lease_token: token.to_owned(),
        outcome: CancellationOutcome::Cancelled,
        history: HistoryEntry {
            txn_id: payment.id.clone(),
            at: at(9_000),
            actor: Actor::job("receipts"),
            from: Some(payment.status.name()),
            to: payment.status.name(),
            why: "receipt cancelled".to_owned(),
            evidence: Value::Null,
        },
        bills: payment.bill_keys(),
    };
    change
}

async fn held(store: &Arc<dyn Store>, payment: &Transaction) -> usize {
    let bills: Vec<BillKey> = payment.bill_keys();
    store.claims(&bills).await.unwrap().len()
}

async fn leased(store: &Arc<dyn Store>, token: &str) -> Vec<String> {
    let claimed = store.claim_receipt_tasks(claim(token)).await.unwrap();
    claimed.into_iter().map(|task| task.txn_id.to_string()).collect()
}

async fn a_cancellation_waits_until_the_receipt_is_no_longer_to_be_issued(timed: Timed) {
    let payment = paid(&timed, "T1").await;
    let given_back = postponement(&payment.id, "first", 600_000, "unavailable");
    assert!(timed.postpone_receipt_task(given_back).await.unwrap());
    let sent = refunded(&timed, &payment, RefundStatus::Sent).await;
    let done = applied(timed.when(at(1_000)), succeeded(&sent)).await;
    let stored = timed.cancellation(&payment.id).await.unwrap().unwrap();
    assert_eq!((&stored.refund_id, stored.frees_bills, stored.outcome), (&done.id, true, None));
    assert_eq!((stored.task.due_at, stored.task.lease), (at(1_000), None));
    let issue = timed.receipt_task(&payment.id).await.unwrap().unwrap();
    assert_eq!(issue.due_at, at(1_000), "it is concluded at once");

    assert_eq!(leased(&timed, "cancels").await, [""; 0], "the receipt may be issued");
    let issuing = timed.claim_receipt_tasks(task_claim("issues", 10)).await.unwrap();
    assert_eq!(issuing.len(), 1);
    sample::applied(&timed, sample::receipted(&payment, "issues")).await;
    assert_eq!(leased(&timed, "cancels").await, ["T1"]);
    assert_eq!(timed.receipt_leases(9).await.unwrap(), [lease("cancels", 61_000)]);
    assert_eq!(leased(&timed, "another").await, [""; 0]);
}

async fn a_completed_cancellation_frees_the_bills_of_a_full_refund(store: Arc<dyn Store>) {
    let payment = receipted(&store, "T1").await;
    let sent = refunded(&store, &payment, RefundStatus::Sent).await;
    let done = applied(&store, succeeded(&sent)).await;
    assert_eq!(held(&store, &payment).await, 1, "not before the receipt is cancelled");
    assert_eq!(leased(&store, "L1").await, ["T1"]);
    applied(&store, completed(&done, &payment, "L1")).await;
    assert_eq!(held(&store, &payment).await, 0);
    let stored = store.cancellation(&payment.id).await.unwrap().unwrap();
    assert_eq!((stored.outcome, stored.task.lease), (Some(CancellationOutcome::Cancelled), None));
    let last = store.history(&payment.id).await.unwrap().pop().unwrap();
    assert_eq!(last.why, "receipt cancelled");
    assert_eq!(leased(&store, "L2").await, [""; 0]);
    let again = sample::transaction("T2", &["B-T1"]);
    sample::stored(&store, sample::new(again)).await;
}

async fn a_cancellation_before_the_money_has_gone_keeps_the_bills_until_it_has(store: Arc<dyn Store>) {
    let payment = receipted(&store, "T1").await;
    let mut stored = requested(&store, refund(&payment, "T1", payment.amount.minor())).await;
    let mut approval = change(&stored, RefundStatus::Approved);
    approval.cancellation = CancellationChange::Due { frees_bills: false };
    stored = applied(&store, approval).await;
    assert_eq!(leased(&store, "L1").await, ["T1"]);
    stored = applied(&store, completed(&stored, &payment, "L1")).await;
    assert_eq!(held(&store, &payment).await, 1, "the money has not gone");

    stored = applied(&store, change(&stored, RefundStatus::Sent)).await;
    stored = applied(&store, succeeded(&stored)).await;
    assert_eq!(leased(&store, "L2").await, ["T1"], "the task is open again");
    applied(&store, completed(&stored, &payment, "L2")).await;
    assert_eq!(held(&store, &payment).await, 0);
}

async fn a_cancellation_is_completed_once_and_under_its_lease(store: Arc<dyn Store>) {
    let payment = receipted(&store, "T1").await;
    let sent = refunded(&store, &payment, RefundStatus::Sent).await;
    let done = applied(&store, succeeded(&sent)).await;
    let early = completed(&done, &payment, "L1");
    assert_eq!(store.apply_refund(early).await.unwrap(), Applied::Stale, "no run holds it");
    let names: Vec<String> = (0..10).map(|nth| format!("L{nth}")).collect();
    let claims = join_all(names.iter().map(|name| leased(&store, name))).await;
    let holders: Vec<&String> =
        names.iter().zip(&claims).filter(|(_, claimed)| !claimed.is_empty()).map(|(name, _)| name).collect();
    let [holder] = holders[..] else { panic!("{holders:?}") };
    for token in names.iter().filter(|name| *name != holder) {
        let stolen = completed(&done, &payment, token);
        assert_eq!(store.apply_refund(stolen).await.unwrap(), Applied::Stale);
    }
    assert_eq!(held(&store, &payment).await, 1);
    let attempts = join_all((0..10).map(|_| store.apply_refund(completed(&done, &payment, holder)))).await;
    let stored = attempts.into_iter().filter(|outcome| matches!(outcome, Ok(Applied::Stored))).count();
    assert_eq!((stored, held(&store, &payment).await), (1, 0));
    let lines = store.history(&payment.id).await.unwrap();
    assert_eq!(lines.iter().filter(|line| line.why == "receipt cancelled").count(), 1);
}

async fn an_abandoned_cancellation_is_taken_over_as_unclear(timed: Timed) {
    let payment = receipted(&timed, "T1").await;
    let sent = refunded(&timed, &payment, RefundStatus::Sent).await;
    applied(&timed, succeeded(&sent)).await;
    assert_eq!(leased(timed.when(at(1_000)), "dies").await, ["T1"]);
    let mut taking = claim("second");
    assert_eq!(timed.when(at(99_000)).claim_receipt_tasks(taking.clone()).await.unwrap(), []);
    taking.abandoned = vec!["dies".to_owned()];
    let taken = timed.when(at(66_000)).claim_receipt_tasks(taking).await.unwrap();
    let unclear_for = Some(Duration::from_secs(5));
    assert_eq!(taken, [ClaimedReceiptTask { txn_id: payment.id.clone(), attempts: 0, unclear_for }]);
    let given_back = Postponement {
        kind: ReceiptTaskKind::Cancel,
        tried: Tried::Unclear,
        ..postponement(&payment.id, "second", 4_000, "cut")
    };
    let issues = Postponement { kind: ReceiptTaskKind::Issue, ..given_back.clone() };
    assert!(!timed.postpone_receipt_task(issues).await.unwrap(), "that is another task");
    assert!(timed.postpone_receipt_task(given_back).await.unwrap());
    assert_eq!(leased(timed.when(at(69_999)), "third").await, [""; 0]);
    let again = timed.when(at(70_000)).claim_receipt_tasks(claim("third")).await.unwrap();
    let unclear_for = Some(Duration::from_secs(4));
    assert_eq!(again, [ClaimedReceiptTask { txn_id: payment.id.clone(), attempts: 1, unclear_for }]);
}

async fn a_change_of_the_receipt_alone_keeps_the_next_status_request(timed: Timed) {
    let payment = receipted(&timed, "T1").await;
    let sent = refunded(&timed, &payment, RefundStatus::Sent).await;
    let due = RefundDue::In(Duration::from_secs(5));
    let done = applied(timed.when(at(0)), RefundChange { due, ..succeeded(&sent) }).await;
    assert_eq!(leased(&timed, "L1").await, ["T1"]);
    let change = RefundChange { due: RefundDue::Unchanged, ..completed(&done, &payment, "L1") };
    applied(timed.when(at(4_000)), change).await;
    let gateways = async |now| timed.when(at(now)).due_refund_gateways().await.unwrap().len();
    assert_eq!((gateways(4_999).await, gateways(5_000).await), (0, 1));
}

async fn a_payment_that_was_given_back_is_no_successor_to_a_claim(store: Arc<dyn Store>) {
    let payment = receipted(&store, "T1").await;
    let sent = refunded(&store, &payment, RefundStatus::Sent).await;
    let done = applied(&store, succeeded(&sent)).await;
    assert_eq!(leased(&store, "L1").await, ["T1"]);
    applied(&store, completed(&done, &payment, "L1")).await;
    let second = sample::stored(&store, sample::new(sample::transaction("T2", &["B-T1"]))).await;
    assert_eq!(held(&store, &payment).await, 1);
    sample::applied(&store, sample::failure(&second)).await;
    assert_eq!(held(&store, &payment).await, 0, "the bill can be paid again");
}
