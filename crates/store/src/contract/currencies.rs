//! An amount is stored with its currency, and equals no amount of another.

use std::sync::Arc;

use payment_domain::{Currency, Money, Status};

use super::Promise;
use super::changing::{assert_untouched, loaded};
use super::sample;
use crate::{SearchQuery, Store, StoreError};

pub(super) fn promises() -> Vec<Promise> {
    vec![
        Promise::of(an_amount_is_read_back_in_its_currency),
        Promise::of(a_payment_keeps_its_currency_through_its_changes),
        Promise::of(a_search_answers_with_payments_of_several_currencies),
        Promise::of(a_change_of_the_currency_is_refused),
    ]
}

async fn an_amount_is_read_back_in_its_currency(store: Arc<dyn Store>) {
    for (nth, code) in ["INR", "USD", "JPY", "KRW", "EUR"].into_iter().enumerate() {
        let currency = Currency::from_code(code).unwrap();
        for (size, minor) in [("ZERO", 0), ("ONE", 1), ("USUAL", 10_050), ("LARGEST", currency.max_minor())] {
            let txn = sample::transaction(&format!("{size}_{code}"), &[&format!("B{nth}_{size}")]);
            let txn = sample::in_currency(txn, code, minor);
            let stored = sample::stored(&store, sample::new(txn)).await;
            let read = store.transaction(&stored.id).await.unwrap().unwrap();
            assert_eq!((read.amount.currency(), read.amount.minor()), (currency, minor), "{}", read.id);
            assert_eq!(read, stored);
        }
    }
}

async fn a_payment_keeps_its_currency_through_its_changes(store: Arc<dyn Store>) {
    for code in ["USD", "JPY"] {
        let txn = sample::in_currency(sample::transaction(code, &[code]), code, 1_500);
        let pending = sample::stored(&store, sample::new(txn)).await;
        let paid = sample::applied(&store, sample::success(&pending)).await;
        let receipted = sample::applied(&store, sample::receipted(&paid, "first")).await;
        let read = store.transaction(&pending.id).await.unwrap().unwrap();
        assert!(matches!(read.status, Status::Success { receipt: Some(_) }));
        assert_eq!((&read, read.amount, &read.bills), (&receipted, pending.amount, &pending.bills));
    }
}

async fn a_search_answers_with_payments_of_several_currencies(store: Arc<dyn Store>) {
    let mut expected = Vec::new();
    for code in ["INR", "USD", "JPY"] {
        let txn = sample::in_currency(sample::transaction(code, &[code]), code, 10_000);
        expected.push(sample::stored(&store, sample::new(txn)).await);
    }
    let mut found = store.search(&SearchQuery::default()).await.unwrap();
    found.sort_by(|one, other| one.id.as_str().cmp(other.id.as_str()));
    expected.sort_by(|one, other| one.id.as_str().cmp(other.id.as_str()));
    assert_eq!(found, expected);
}

/// As many minor units of another currency are another amount.
async fn a_change_of_the_currency_is_refused(store: Arc<dyn Store>) {
    let stored = sample::stored(&store, sample::new_transaction("T1", "B1")).await;
    let dollars = |money: Money| Money::from_minor(money.minor(), Currency::from_code("USD").unwrap());
    let mut amount = loaded(&stored);
    amount.txn.amount = dollars(stored.amount).unwrap();
    let mut all = loaded(&stored);
    all.txn = sample::in_currency(all.txn, "USD", stored.amount.minor());
    for change in [amount, all] {
        assert!(matches!(store.apply(change).await, Err(StoreError::Failed(_))));
        assert_untouched(&store, &stored, 0).await;
    }
}
