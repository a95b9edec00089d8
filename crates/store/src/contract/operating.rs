//! Callbacks as they arrive, the health of the database.

use std::sync::Arc;

use futures_util::future::join_all;
use payment_domain::{GatewayName, Status, Timestamp};

use super::Promise;
use super::sample::{self, at, txn_id};
use crate::{RawCallback, Recorded, Store, UnsignedCallback};

pub(super) fn promises() -> Vec<Promise> {
    vec![
        Promise::of(a_callback_is_processed_until_it_is_concluded),
        Promise::of(old_callbacks_are_forgotten_a_few_at_a_time),
        Promise::of(unsigned_callbacks_are_kept_up_to_a_number_a_transaction_and_day),
        Promise::of(a_flood_of_unsigned_callbacks_keeps_no_more_than_its_number),
        Promise::of(a_working_database_answers_a_ping),
        Promise::of(a_committed_change_is_visible_at_once),
    ]
}

fn callback(nth: u8) -> RawCallback {
    RawCallback {
        gateway: GatewayName::new("PAYTM"),
        digest: [nth; 32],
        received_at: at(i64::from(nth)),
        content: "ORDERID=T1&STATUS=TXN_SUCCESS&ਨਾਮ='Asha'".to_owned(),
    }
}

async fn a_callback_is_processed_until_it_is_concluded(store: Arc<dyn Store>) {
    let nothing: &[u8; 32] = &[9; 32];
    store.conclude_callback(nothing, None, "unknown callbacks are not there to conclude").await.unwrap();
    assert_eq!(store.record_callback(callback(9)).await.unwrap(), Recorded::Unfinished);

    for recorded in join_all((0..10).map(|_| store.record_callback(callback(1)))).await {
        assert_eq!(recorded.unwrap(), Recorded::Unfinished, "seen before but never concluded");
    }
    store.conclude_callback(&[1; 32], Some(&txn_id("NEVER_STORED")), "paid").await.unwrap();
    store.conclude_callback(&[1; 32], None, "again").await.unwrap();
    assert_eq!(store.record_callback(callback(1)).await.unwrap(), Recorded::Concluded);
    assert_eq!(store.record_callback(callback(2)).await.unwrap(), Recorded::Unfinished, "another one");
    store.conclude_callback(&[2; 32], None, "no such transaction").await.unwrap();
    assert_eq!(store.record_callback(callback(2)).await.unwrap(), Recorded::Concluded);
}

async fn old_callbacks_are_forgotten_a_few_at_a_time(store: Arc<dyn Store>) {
    for nth in [3, 1, 5, 2, 4, 0] {
        store.record_callback(callback(nth)).await.unwrap();
        if nth > 2 {
            store.conclude_callback(&[nth; 32], None, "paid").await.unwrap();
        }
    }
    assert_eq!(store.forget_callbacks(at(0), 100).await.unwrap(), 0, "the moment itself is not meant");
    assert_eq!(store.forget_callbacks(at(5), 0).await.unwrap(), 0);
    let mut forgotten = Vec::new();
    for _ in 0..4 {
        forgotten.push(store.forget_callbacks(at(5), 2).await.unwrap());
    }
    assert_eq!(forgotten, [2, 2, 1, 0], "concluded or not");
    assert_eq!(store.record_callback(callback(3)).await.unwrap(), Recorded::Unfinished);
    assert_eq!(store.record_callback(callback(5)).await.unwrap(), Recorded::Concluded);
}

const DAY_MS: i64 = 86_400_000;

fn unsigned(txn: &str, received_at: i64) -> UnsignedCallback {
    UnsignedCallback {
        txn_id: txn_id(txn),
        gateway: GatewayName::new("PAYTM"),
        received_at: Timestamp::from_millis(received_at),
        content: "ORDERID=T1\u{0}&STATUS='".to_owned(),
    }
}

async fn unsigned_callbacks_are_kept_up_to_a_number_a_transaction_and_day(store: Arc<dyn Store>) {
    let kept = async |txn: &str, at: i64, limit: u32| {
        store.keep_unsigned_callback(unsigned(txn, at), limit).await.unwrap()
    };
    for nth in 0..5 {
        assert_eq!(kept("T1", nth, 3).await, nth < 3, "{nth}");
    }
    assert!(kept("T2", 0, 3).await, "another transaction");
    assert!(!kept("T1", DAY_MS - 1, 3).await, "the last moment of the day");
    assert!(kept("T1", DAY_MS, 3).await, "the next day");
    assert!(kept("T1", -1, 3).await, "the day before");
    assert!(kept("T1", 9, 4).await && !kept("T1", 9, 4).await, "the number was raised");
    assert!(!kept("T3", 0, 0).await, "none are kept");
    store.record_callback(callback(1)).await.unwrap();
    let forget = async |before: i64, limit: u32| {
        store.forget_callbacks(Timestamp::from_millis(before), limit).await.unwrap()
    };
    assert_eq!(forget(9, 0).await, 0);
    assert_eq!(
        (forget(9, 3).await, forget(9, 3).await),
        (3, 2),
        "the one of the day before and four of this"
    );
    assert_eq!(
        (forget(DAY_MS + 1, 100).await, forget(i64::MAX, 100).await),
        (2, 1),
        "the signed one is last"
    );
}

async fn a_flood_of_unsigned_callbacks_keeps_no_more_than_its_number(store: Arc<dyn Store>) {
    let flood = join_all((0..200).map(|_| store.keep_unsigned_callback(unsigned("T1", 5), 20))).await;
    let kept = flood.into_iter().filter(|kept| *kept.as_ref().unwrap()).count();
    assert!((1..=20).contains(&kept), "{kept}");
    let mut later = 0;
    for _ in 0..30 {
        later += usize::from(store.keep_unsigned_callback(unsigned("T1", 5), 20).await.unwrap());
    }
    assert_eq!(kept + later, 20);
    assert_eq!(store.forget_callbacks(Timestamp::from_millis(6), 100).await.unwrap(), 20);
}

async fn a_working_database_answers_a_ping(store: Arc<dyn Store>) {
    for answer in join_all((0..20).map(|_| store.ping())).await {
        answer.unwrap();
    }
}

async fn a_committed_change_is_visible_at_once(store: Arc<dyn Store>) {
    let walk = async |nth: usize| {
        let new = sample::new_transaction(&format!("T{nth}"), &format!("B{nth}"));
        let mut txn = sample::stored(&store, new).await;
        assert_eq!(store.transaction(&txn.id).await.unwrap().as_ref(), Some(&txn));
        txn = sample::applied(&store, sample::success(&txn)).await;
        assert_eq!(store.transaction(&txn.id).await.unwrap().as_ref(), Some(&txn));
        txn = sample::applied(&store, sample::receipted(&txn, "first")).await;
        let seen = store.transaction(&txn.id).await.unwrap().unwrap();
        assert!(matches!(seen.status, Status::Success { receipt: Some(_) }));
    };
    join_all((0..50).map(walk)).await;
}
