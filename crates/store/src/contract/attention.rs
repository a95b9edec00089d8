//! Cases for operators: one of a kind for each transaction.

use std::sync::Arc;

use futures_util::future::join_all;
use payment_domain::{AttentionKind, HistoryEntry, Transaction};
use serde_json::json;

use super::Promise;
use super::sample::{self, at};
use crate::{Attention, Change, Store};

pub(super) fn promises() -> Vec<Promise> {
    vec![
        Promise::of(a_case_is_raised_once_a_kind_with_its_line_in_the_history),
        Promise::of(of_cases_raised_at_once_one_is_stored),
        Promise::of(a_change_may_bring_a_case_along),
    ]
}

fn case(txn: &Transaction, kind: AttentionKind, offset_ms: i64) -> Attention {
    Attention {
        txn_id: txn.id.clone(),
        kind,
        raised_at: at(offset_ms),
        evidence: json!({ "taken": 0.1, "at": offset_ms }),
    }
}

fn entry(txn: &Transaction, why: &str) -> HistoryEntry {
    let change = sample::change(txn);
    HistoryEntry { why: why.to_owned(), to: txn.status.name(), ..change.history }
}

async fn a_case_is_raised_once_a_kind_with_its_line_in_the_history(store: Arc<dyn Store>) {
    let txn = sample::stored(&store, sample::new_transaction("T1", "B1")).await;
    let other = sample::stored(&store, sample::new_transaction("T2", "B2")).await;
    let late = case(&txn, AttentionKind::LateSuccess, 9);
    let refunded = case(&txn, AttentionKind::Refunded, 3);
    assert!(store.raise_attention(late.clone(), entry(&txn, "late")).await.unwrap());
    assert!(store.raise_attention(refunded.clone(), entry(&txn, "refunded")).await.unwrap());
    let again = case(&txn, AttentionKind::LateSuccess, 12);
    assert!(!store.raise_attention(again, entry(&txn, "late again")).await.unwrap());
    let elsewhere = case(&other, AttentionKind::LateSuccess, 12);
    assert!(store.raise_attention(elsewhere, entry(&other, "late")).await.unwrap());

    assert_eq!(store.attention(&txn.id).await.unwrap(), [refunded, late]);
    let reasons: Vec<_> = store.history(&txn.id).await.unwrap().into_iter().skip(1).collect();
    assert_eq!(reasons, [entry(&txn, "late"), entry(&txn, "refunded")]);
    assert_eq!(store.transaction(&txn.id).await.unwrap(), Some(txn), "the transaction is not changed");
}

async fn of_cases_raised_at_once_one_is_stored(store: Arc<dyn Store>) {
    let txn = sample::stored(&store, sample::new_transaction("T1", "B1")).await;
    let raised = join_all((0..30).map(|nth| {
        let case = case(&txn, AttentionKind::AmountMismatch, nth);
        store.raise_attention(case, entry(&txn, "mismatch"))
    }))
    .await;
    assert_eq!(raised.into_iter().filter(|stored| *stored.as_ref().unwrap()).count(), 1);
    assert_eq!(store.attention(&txn.id).await.unwrap().len(), 1);
    assert_eq!(store.history(&txn.id).await.unwrap().len(), 2);
}

async fn a_change_may_bring_a_case_along(store: Arc<dyn Store>) {
    let mut txn = sample::stored(&store, sample::new_transaction("T1", "B1")).await;
    let first = case(&txn, AttentionKind::ReceiptRefused, 1);
    for attention in [first.clone(), case(&txn, AttentionKind::ReceiptRefused, 2)] {
        let change = Change { attention: Some(attention), ..sample::change(&txn) };
        txn = sample::applied(&store, change).await;
    }
    assert_eq!(store.attention(&txn.id).await.unwrap(), [first], "the first case stays as it is");
    assert_eq!(store.transaction(&txn.id).await.unwrap(), Some(txn), "and both changes are stored");
}
