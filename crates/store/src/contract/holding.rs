//! Bills that a case keeps from being paid, until it is resolved.

use std::sync::Arc;

use futures_util::future::{join, join_all};
use payment_domain::{AttentionKind, StatusName, Transaction};

use super::Promise;
use super::attention::{case, entry, new_case, raised, resolution};
use super::sample::{self, bill_key, txn_id};
use crate::{Created, NewCase, Resolved, Store};

pub(super) fn promises() -> Vec<Promise> {
    vec![
        Promise::of(a_case_holds_the_bills_that_are_free_and_no_others),
        Promise::of(a_case_that_was_there_already_holds_nothing_more),
        Promise::of(of_a_case_and_a_create_at_once_one_gets_the_bill),
        Promise::of(resolving_a_case_releases_the_named_bills_of_its_own_transaction),
        Promise::of(bills_stay_held_while_another_case_of_the_transaction_is_open),
        Promise::of(resolving_a_case_takes_no_bill_from_a_live_payment),
    ]
}

/// A payment of these bills that failed and released them.
async fn failed(store: &Arc<dyn Store>, id: &str, bills: &[&str]) -> Transaction {
    let txn = sample::stored(store, sample::new(sample::transaction(id, bills))).await;
    sample::applied(store, sample::failure(&txn)).await
}

/// A case of the transaction that wants to hold these bills.
fn holding(txn: &Transaction, kind: AttentionKind, bills: &[&str]) -> NewCase {
    let hold = bills.iter().map(|bill| bill_key(bill)).collect();
    NewCase { hold, ..new_case(txn, case(txn, kind, 1), "paid late") }
}

async fn holder(store: &Arc<dyn Store>, bill: &str) -> Option<String> {
    let claims = store.claims(&[bill_key(bill)]).await.unwrap();
    claims.first().map(|claim| claim.txn_id.to_string())
}

async fn resolved(store: &Arc<dyn Store>, id: i64, txn: &Transaction, release: &[&str]) {
    let release: Vec<_> = release.iter().map(|bill| bill_key(bill)).collect();
    let line = entry(txn, "resolved");
    assert_eq!(
        store
            .resolve_attention(id.into(), resolution(9), line, Vec::new(), Vec::new(), &release)
            .await
            .unwrap(),
        Resolved::Now
    );
}

async fn a_case_holds_the_bills_that_are_free_and_no_others(store: Arc<dyn Store>) {
    let late = failed(&store, "T1", &["B1", "B2", "B3"]).await;
    sample::stored(&store, sample::new_transaction("T2", "B2")).await;
    raised(&store, holding(&late, AttentionKind::LateSuccess, &["B1", "B2", "B1"])).await;
    assert_eq!(holder(&store, "B1").await.as_deref(), Some("T1"));
    assert_eq!(holder(&store, "B2").await.as_deref(), Some("T2"), "a held claim is not taken");
    assert_eq!(holder(&store, "B3").await, None, "it was not named");

    let taken = store.create(sample::new_transaction("T3", "B1")).await.unwrap();
    let Created::BillsTaken(claims) = taken else { panic!("{taken:?}") };
    let told: Vec<_> = claims.iter().map(|claim| (claim.txn_id.as_str(), claim.status)).collect();
    assert_eq!(told, [("T1", StatusName::Failure)], "the holder is reported as failed");
    assert_eq!(store.transaction(&txn_id("T3")).await.unwrap(), None);
    sample::stored(&store, sample::new_transaction("T4", "B3")).await;

    // Its own claims are no obstacle.
    raised(&store, holding(&late, AttentionKind::AmountMismatch, &["B1"])).await;
    assert_eq!(holder(&store, "B1").await.as_deref(), Some("T1"));
}

async fn a_case_that_was_there_already_holds_nothing_more(store: Arc<dyn Store>) {
    let late = failed(&store, "T1", &["B1", "B2"]).await;
    raised(&store, holding(&late, AttentionKind::LateSuccess, &["B1"])).await;
    let again = holding(&late, AttentionKind::LateSuccess, &["B2"]);
    assert!(!store.raise_attention(again).await.unwrap());
    assert_eq!(holder(&store, "B2").await, None);
}

async fn of_a_case_and_a_create_at_once_one_gets_the_bill(store: Arc<dyn Store>) {
    let mut late = Vec::new();
    for nth in 0..30 {
        late.push(failed(&store, &format!("T{nth}"), &[&format!("B{nth}")]).await);
    }
    let race = async |nth: usize, txn: &Transaction| {
        let bill = format!("B{nth}");
        let hold = store.raise_attention(holding(txn, AttentionKind::LateSuccess, &[&bill]));
        let create = store.create(sample::new_transaction(&format!("N{nth}"), &bill));
        if nth.is_multiple_of(2) {
            let (held, created) = join(hold, create).await;
            (held.unwrap(), created.unwrap())
        } else {
            let (created, held) = join(create, hold).await;
            (held.unwrap(), created.unwrap())
        }
    };
    let outcomes = join_all(late.iter().enumerate().map(|(nth, txn)| race(nth, txn))).await;
    for (nth, (is_raised, created)) in outcomes.into_iter().enumerate() {
        assert!(is_raised, "the case is stored whether it holds the bill or not");
        let (old, new) = (format!("T{nth}"), format!("N{nth}"));
        let expected = if created == Created::Stored { new } else { old };
        assert_eq!(holder(&store, &format!("B{nth}")).await, Some(expected));
    }
}

async fn resolving_a_case_releases_the_named_bills_of_its_own_transaction(store: Arc<dyn Store>) {
    let late = failed(&store, "T1", &["B1", "B2", "B3"]).await;
    sample::stored(&store, sample::new_transaction("T2", "B3")).await;
    let id = raised(&store, holding(&late, AttentionKind::LateSuccess, &["B1", "B2"])).await;
    let (line, release) = (entry(&late, "unknown"), [bill_key("B1")]);
    let unknown = store
        .resolve_attention((id + 1).into(), resolution(8), line, Vec::new(), Vec::new(), &release)
        .await
        .unwrap();
    assert_eq!(unknown, Resolved::NotFound);
    assert_eq!(holder(&store, "B1").await.as_deref(), Some("T1"));

    resolved(&store, id, &late, &["B1", "B3", "B4"]).await;
    assert_eq!(holder(&store, "B1").await, None);
    assert_eq!(holder(&store, "B2").await.as_deref(), Some("T1"), "it was not named");
    assert_eq!(holder(&store, "B3").await.as_deref(), Some("T2"), "it is another's");
    sample::stored(&store, sample::new_transaction("T3", "B1")).await;

    let (line, release) = (entry(&late, "again"), [bill_key("B2")]);
    let again = store
        .resolve_attention(id.into(), resolution(10), line, Vec::new(), Vec::new(), &release)
        .await
        .unwrap();
    assert_eq!(again, Resolved::Before(resolution(9)));
    assert_eq!(holder(&store, "B2").await.as_deref(), Some("T1"), "nothing was stored");
}

async fn bills_stay_held_while_another_case_of_the_transaction_is_open(store: Arc<dyn Store>) {
    let late = failed(&store, "T1", &["B1"]).await;
    let other = failed(&store, "T2", &["B2"]).await;
    let first = raised(&store, holding(&late, AttentionKind::LateSuccess, &["B1"])).await;
    let second = raised(&store, holding(&late, AttentionKind::Contradiction, &[])).await;
    let elsewhere = raised(&store, holding(&other, AttentionKind::LateSuccess, &["B2"])).await;
    resolved(&store, first, &late, &["B1"]).await;
    assert_eq!(holder(&store, "B1").await.as_deref(), Some("T1"));
    resolved(&store, elsewhere, &other, &["B2"]).await;
    assert_eq!(holder(&store, "B2").await, None, "cases of other transactions are no reason");
    resolved(&store, second, &late, &["B1"]).await;
    assert_eq!(holder(&store, "B1").await, None);
}

async fn resolving_a_case_takes_no_bill_from_a_live_payment(store: Arc<dyn Store>) {
    let pending = sample::stored(&store, sample::new_transaction("T1", "B1")).await;
    let paid = sample::stored(&store, sample::new_transaction("T2", "B2")).await;
    let paid = sample::applied(&store, sample::success(&paid)).await;
    for (txn, bill, kind) in
        [(&pending, "B1", AttentionKind::PendingBeyondLife), (&paid, "B2", AttentionKind::SecondPayment)]
    {
        let id = raised(&store, holding(txn, kind, &[bill])).await;
        resolved(&store, id, txn, &[bill]).await;
        assert_eq!(holder(&store, bill).await.as_deref(), Some(txn.id.as_str()));
        let again = store.create(sample::new_transaction("T3", bill)).await.unwrap();
        assert!(matches!(again, Created::BillsTaken(_)));
    }
}
