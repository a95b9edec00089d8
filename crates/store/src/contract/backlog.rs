//! Open work, counted by its age.

use std::collections::BTreeMap;
use std::sync::Arc;
use std::time::Duration;

use payment_domain::{AttentionKind, GatewayName, RefundStatus, Timestamp, Transaction};

use super::Promise;
use super::attention::{case, new_case, raised};
use super::refunding::{applied, change, paid, refund, requested};
use super::sample::{self, at};
use crate::{Age, Backlog, CancellationChange, NextCheck, ReceiptTaskKind, RefundChange, Resolution, Store};

const MINUTE: Duration = Duration::from_secs(60);
const HOUR: Duration = Duration::from_secs(60 * 60);
const DAY: Duration = Duration::from_secs(24 * 60 * 60);

pub(super) fn promises() -> Vec<Promise> {
    vec![
        Promise::of(pending_transactions_are_counted_by_gateway_and_age),
        Promise::of(receipts_are_counted_until_they_are_issued_or_cancelled),
        Promise::of(review_cases_are_counted_by_kind_until_they_are_resolved),
        Promise::of(refunds_are_counted_while_they_are_under_way),
    ]
}

/// The backlog so long after [`at`]`(0)`, where everything of these tests begins.
async fn after(store: &Arc<dyn Store>, time: Duration) -> Backlog {
    store.backlog(at(0).plus(time)).await.unwrap()
}

fn counts<K: Ord, const N: usize>(counts: [(K, u64); N]) -> BTreeMap<K, u64> {
    BTreeMap::from(counts)
}

async fn pending(store: &Arc<dyn Store>, id: &str, gateway: &str, created_at: Timestamp) -> Transaction {
    let mut new = sample::new_transaction(id, &format!("B-{id}"));
    new.txn.gateway = GatewayName::new(gateway);
    new.txn.audit.created_at = created_at;
    sample::stored(store, new).await
}

async fn pending_transactions_are_counted_by_gateway_and_age(store: Arc<dyn Store>) {
    assert_eq!(after(&store, DAY).await, Backlog::default());
    let millisecond = Duration::from_millis(1);
    for (nth, (gateway, age)) in [
        ("PAYU", Duration::ZERO),
        ("PAYU", 15 * MINUTE - millisecond),
        ("PAYU", 15 * MINUTE),
        ("PAYU", HOUR - millisecond),
        ("PAYU", HOUR),
        ("AXIS", DAY - millisecond),
        ("AXIS", DAY),
        ("AXIS", 7 * DAY - millisecond),
        ("AXIS", 7 * DAY),
        ("AXIS", 700 * DAY),
    ]
    .into_iter()
    .enumerate()
    {
        let txn = pending(&store, &format!("T{nth}"), gateway, at(0).minus(age)).await;
        if nth % 2 == 0 {
            store.note_check(sample::checked(&txn.id, 0, NextCheck::WithAll)).await.unwrap();
        }
    }
    // Created by a replica whose clock is ahead.
    pending(&store, "AHEAD", "AXIS", at(0).plus(DAY)).await;
    for (id, done) in [("PAID", true), ("DECLINED", false)] {
        let txn = pending(&store, id, "PAYU", at(0).minus(DAY)).await;
        let change = if done { sample::success(&txn) } else { sample::failure(&txn) };
        sample::applied(&store, change).await;
    }
    let (axis, payu) = (GatewayName::new("AXIS"), GatewayName::new("PAYU"));
    let expected = counts([
        ((axis.clone(), Age::UnderQuarterHour), 1),
        ((axis.clone(), Age::UnderDay), 1),
        ((axis.clone(), Age::UnderWeek), 2),
        ((axis, Age::Older), 2),
        ((payu.clone(), Age::UnderQuarterHour), 2),
        ((payu.clone(), Age::UnderHour), 2),
        ((payu, Age::UnderDay), 1),
    ]);
    assert_eq!(after(&store, Duration::ZERO).await.pending, expected);
}

async fn receipts_are_counted_until_they_are_issued_or_cancelled(store: Arc<dyn Store>) {
    let mut new = sample::new_transaction("AT-ONCE", "B-AT-ONCE");
    // A payment of nothing succeeds when it is created.
    new.txn.status = payment_domain::Status::Success { receipt: None };
    new.history.to = new.txn.status.name();
    new.receipt_task = Some(sample::new_task("first"));
    sample::stored(&store, new).await;
    let txn = paid(&store, "T1").await;
    paid(&store, "T2").await;
    let due = |age| ((ReceiptTaskKind::Issue, age), 3);
    for (time, age) in [
        (MINUTE, Age::UnderQuarterHour),
        (16 * MINUTE, Age::UnderHour),
        (2 * HOUR, Age::UnderDay),
        (2 * DAY, Age::UnderWeek),
        (8 * DAY, Age::Older),
    ] {
        let backlog = after(&store, time).await;
        assert_eq!((backlog.receipts_due(), backlog.receipts), (3, counts([due(age)])));
    }
    // To try again later makes it no younger.
    let later = sample::postponement(&txn.id, "first", 600_000, "unreachable");
    assert!(store.postpone_receipt_task(later).await.unwrap());
    assert_eq!(after(&store, 2 * HOUR).await.receipts, counts([due(Age::UnderDay)]));

    let other = store.transaction(&sample::txn_id("T2")).await.unwrap().unwrap();
    let receipted = sample::applied(&store, sample::receipted(&other, "first")).await;
    assert_eq!(after(&store, HOUR).await.receipts_due(), 2);

    let mut given_back = requested(&store, refund(&receipted, "T2", receipted.amount.minor())).await;
    for status in [RefundStatus::Approved, RefundStatus::Sent] {
        given_back = applied(&store, change(&given_back, status)).await;
    }
    let cancellation = CancellationChange::Due { frees_bills: true };
    applied(&store, RefundChange { cancellation, ..change(&given_back, RefundStatus::Succeeded) }).await;
    let backlog = after(&store, 2 * DAY).await;
    let cancel = (ReceiptTaskKind::Cancel, Age::UnderWeek);
    assert_eq!(backlog.receipts.get(&cancel), Some(&1));
    assert_eq!((backlog.receipts_due(), backlog.refunds), (2, BTreeMap::new()));
}

async fn review_cases_are_counted_by_kind_until_they_are_resolved(store: Arc<dyn Store>) {
    let mut cases = Vec::new();
    for (nth, kind) in [AttentionKind::LateSuccess, AttentionKind::LateSuccess, AttentionKind::Refunded]
        .into_iter()
        .enumerate()
    {
        let txn = pending(&store, &format!("T{nth}"), "PAYU", at(0)).await;
        let raised_ms = i64::try_from(nth).unwrap() * 3_600_000;
        let new = new_case(&txn, case(&txn, kind, raised_ms), "raised");
        cases.push((txn, raised(&store, new).await));
    }
    let late = |age, count| ((AttentionKind::LateSuccess, age), count);
    let expected = counts([
        late(Age::UnderDay, 1),
        late(Age::UnderWeek, 1),
        ((AttentionKind::Refunded, Age::UnderDay), 1),
    ]);
    assert_eq!(after(&store, DAY).await.cases, expected);
    let (txn, id) = &cases[0];
    let resolution = Resolution { at: at(5), by: "asha".to_owned(), reason: "refunded".to_owned() };
    let line = new_case(txn, case(txn, AttentionKind::LateSuccess, 0), "resolved").history;
    store.resolve_attention((*id).into(), resolution, line, Vec::new(), Vec::new(), &[]).await.unwrap();
    let left = counts([late(Age::UnderDay, 1), ((AttentionKind::Refunded, Age::UnderDay), 1)]);
    assert_eq!(after(&store, DAY).await.cases, left);
}

async fn refunds_are_counted_while_they_are_under_way(store: Arc<dyn Store>) {
    use RefundStatus::{Approved, Failed, Rejected, Requested, Sent, Succeeded};
    let payment = paid(&store, "T1").await;
    for (name, statuses) in [
        ("A", &[][..]),
        ("B", &[Approved]),
        ("C", &[Approved, Sent]),
        ("D", &[Approved, Sent]),
        ("E", &[Approved, Sent, Succeeded]),
        ("F", &[Approved, Failed]),
        ("G", &[Rejected]),
    ] {
        let mut stored = requested(&store, refund(&payment, name, 100)).await;
        for status in statuses {
            let mut next = change(&stored, *status);
            // D was sent a day later.
            if name == "D" && *status == Sent {
                next.refund.audit.modified_at = Some(at(0).plus(DAY));
            }
            stored = applied(&store, next).await;
        }
    }
    let gateway = payment.gateway.clone();
    let key = |status, age| (gateway.clone(), status, age);
    let expected = counts([
        (key(Requested, Age::UnderWeek), 1),
        (key(Approved, Age::UnderWeek), 1),
        (key(Sent, Age::UnderHour), 1),
        (key(Sent, Age::UnderWeek), 1),
    ]);
    assert_eq!(after(&store, DAY + 16 * MINUTE).await.refunds, expected);
}
