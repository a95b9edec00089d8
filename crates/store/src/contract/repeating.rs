//! Idempotency keys: a repeated create is recognised, and its first answer is kept.

use std::sync::Arc;

use futures_util::future::join_all;

use super::Promise;
use super::sample::{self, at, bill_key, txn_id};
use crate::{Created, IdempotencyRecord, NewTransaction, Store};

pub(super) fn promises() -> Vec<Promise> {
    vec![
        Promise::of(a_key_is_kept_with_its_transaction),
        Promise::of(a_used_key_stores_nothing_and_precedes_a_taken_bill),
        Promise::of(a_key_is_remembered_for_a_transaction_that_is_there_once),
        Promise::of(a_key_belongs_to_its_scope),
        Promise::of(of_creates_with_one_key_at_once_one_is_stored),
        Promise::of(the_first_answer_stays),
        Promise::of(a_change_frees_the_key_of_its_own_transaction_only),
        Promise::of(old_keys_are_forgotten_a_few_at_a_time),
    ]
}

fn with_key(id: &str, bill: &str, record: IdempotencyRecord) -> NewTransaction {
    NewTransaction { idempotency: Some(record), ..sample::new_transaction(id, bill) }
}

async fn a_key_is_kept_with_its_transaction(store: Arc<dyn Store>) {
    let mut record = sample::idempotency("ਚਾਬੀ 'K' 1", "T1");
    record.digest = std::array::from_fn(|at| u8::try_from(at * 8).unwrap());
    record.created_at = at(17);
    sample::stored(&store, with_key("T1", "B1", record.clone())).await;
    assert_eq!(store.idempotency(&record.key).await.unwrap(), Some(record));
}

async fn a_used_key_stores_nothing_and_precedes_a_taken_bill(store: Arc<dyn Store>) {
    let record = sample::idempotency("K", "T1");
    sample::stored(&store, with_key("T1", "B1", record.clone())).await;
    for bill in ["B1", "B2"] {
        let mut again = sample::idempotency("K", "T2");
        again.digest = [8; 32];
        assert_eq!(
            store.create(with_key("T2", bill, again)).await.unwrap(),
            Created::KeyTaken(record.clone()),
            "the record is the first one's"
        );
    }
    assert_eq!(store.transaction(&txn_id("T2")).await.unwrap(), None);
    assert_eq!(store.claims(&[bill_key("B2")]).await.unwrap(), []);
    assert_eq!(store.events_of(&txn_id("T2")).await.unwrap(), []);
}

async fn a_change_frees_the_key_of_its_own_transaction_only(store: Arc<dyn Store>) {
    let (own, other) = (sample::idempotency("K1", "T1"), sample::idempotency("K2", "T2"));
    let txn = sample::stored(&store, with_key("T1", "B1", own.clone())).await;
    sample::stored(&store, with_key("T2", "B2", other.clone())).await;
    let forget_key = Some(other.key.clone());
    let txn = sample::applied(&store, crate::Change { forget_key, ..sample::change(&txn) }).await;
    assert_eq!(store.idempotency(&other.key).await.unwrap(), Some(other));
    let forget_key = Some(own.key.clone());
    sample::applied(&store, crate::Change { forget_key, ..sample::failure(&txn) }).await;
    assert_eq!(store.idempotency(&own.key).await.unwrap(), None);
    sample::stored(&store, with_key("T3", "B1", sample::idempotency("K1", "T3"))).await;
}

async fn a_key_is_remembered_for_a_transaction_that_is_there_once(store: Arc<dyn Store>) {
    sample::stored(&store, with_key("T1", "B1", sample::idempotency("K1", "T1"))).await;
    let mut record = sample::idempotency("ਚਾਬੀ 2", "T1");
    record.answer = Some("{\"answer\": 1}".to_owned());
    let at_once = join_all((0..20).map(|_| store.remember_key(record.clone()))).await;
    let kept: Vec<_> = at_once.into_iter().map(Result::unwrap).collect();
    assert_eq!(kept.iter().filter(|kept| kept.is_none()).count(), 1, "one of them has stored it");
    assert!(kept.into_iter().flatten().all(|kept| kept == record));
    let other = IdempotencyRecord { digest: [9; 32], answer: None, ..record.clone() };
    assert_eq!(store.remember_key(other).await.unwrap(), Some(record.clone()));
    assert_eq!(store.idempotency(&record.key).await.unwrap(), Some(record.clone()));
    store.keep_answer(&record.key, "{}").await.unwrap();
    assert_eq!(store.idempotency(&record.key).await.unwrap(), Some(record), "its answer stays");
}

async fn a_key_belongs_to_its_scope(store: Arc<dyn Store>) {
    let record = sample::idempotency("K", "T1");
    let mut elsewhere = sample::idempotency("K", "T2");
    elsewhere.key.scope = "pb.jalandhar/creator-2".to_owned();
    sample::stored(&store, with_key("T1", "B1", record.clone())).await;
    sample::stored(&store, with_key("T2", "B2", elsewhere.clone())).await;
    assert_eq!(store.idempotency(&record.key).await.unwrap(), Some(record));
    assert_eq!(store.idempotency(&elsewhere.key).await.unwrap(), Some(elsewhere));
}

async fn of_creates_with_one_key_at_once_one_is_stored(store: Arc<dyn Store>) {
    let creates = (0..50).map(|nth| {
        let (id, bill) = (format!("T{nth}"), format!("B{nth}"));
        store.create(with_key(&id, &bill, sample::idempotency("K", &id)))
    });
    let outcomes = join_all(creates).await.into_iter().map(Result::unwrap);
    let (stored, refused): (Vec<_>, Vec<_>) = outcomes.partition(|outcome| *outcome == Created::Stored);
    assert_eq!(stored.len(), 1);
    let record = store.idempotency(&sample::idempotency("K", "T0").key).await.unwrap().unwrap();
    assert!(refused.iter().all(|outcome| *outcome == Created::KeyTaken(record.clone())));
    assert!(store.transaction(&record.txn_id).await.unwrap().is_some());
    assert_eq!(store.events_after(0, 1_000).await.unwrap().len(), 2);
}

async fn the_first_answer_stays(store: Arc<dyn Store>) {
    let record = sample::idempotency("K", "T1");
    store.keep_answer(&record.key, "{}").await.unwrap();
    assert_eq!(store.idempotency(&record.key).await.unwrap(), None, "an unknown key keeps nothing");
    sample::stored(&store, with_key("T1", "B1", record.clone())).await;
    let answer = format!("{{\"Transaction\": \"{}\"}}", "ਜਵਾਬ 'x' ".repeat(5_000));
    for attempt in [answer.as_str(), "{\"another\": 1}"] {
        store.keep_answer(&record.key, attempt).await.unwrap();
        let kept = store.idempotency(&record.key).await.unwrap().unwrap();
        assert_eq!(kept.answer.as_ref(), Some(&answer));
    }
}

async fn old_keys_are_forgotten_a_few_at_a_time(store: Arc<dyn Store>) {
    for nth in 0..10 {
        let (id, bill) = (format!("T{nth}"), format!("B{nth}"));
        let mut record = sample::idempotency(&id, &id);
        record.created_at = at(nth);
        sample::stored(&store, with_key(&id, &bill, record)).await;
    }
    assert_eq!(store.forget_idempotency_keys(at(0), 100).await.unwrap(), 0);
    assert_eq!(store.forget_idempotency_keys(at(7), 0).await.unwrap(), 0);
    let mut forgotten = Vec::new();
    for _ in 0..4 {
        forgotten.push(store.forget_idempotency_keys(at(7), 3).await.unwrap());
    }
    assert_eq!(forgotten, [3, 3, 1, 0]);
    for nth in 0..10 {
        let key = sample::idempotency(&format!("T{nth}"), "T0").key;
        assert_eq!(store.idempotency(&key).await.unwrap().is_some(), nth >= 7, "{nth}");
    }
    sample::stored(&store, with_key("T10", "B10", sample::idempotency("T0", "T10"))).await;
    assert!(store.transaction(&txn_id("T0")).await.unwrap().is_some(), "only the key is forgotten");
}
