//! Events are stored with the commit that made them true, and never without it.

use std::collections::HashMap;
use std::sync::Arc;

use futures_util::future::join_all;
use payment_domain::{AttentionKind, Event, EventKind};

use super::Promise;
use super::attention::{case, entry, new_case, raised, resolution};
use super::sample::{self, at, checked};
use crate::{Applied, Change, CheckNote, NewCase, NextCheck, Resolved, Store, StoredEvent};

pub(super) fn promises() -> Vec<Promise> {
    vec![
        Promise::of(events_are_read_in_the_order_they_were_stored),
        Promise::of(events_are_read_page_by_page),
        Promise::of(events_of_a_transaction_keep_their_order_among_many),
        Promise::of(events_ride_on_cases_resolutions_and_checks),
    ]
}

async fn everything(store: &Arc<dyn Store>) -> Vec<StoredEvent> {
    store.events_after(0, 10_000).await.unwrap()
}

async fn events_are_read_in_the_order_they_were_stored(store: Arc<dyn Store>) {
    let new = sample::new_transaction("T1", "B1");
    let mut expected = new.events.clone();
    let txn = sample::stored(&store, new).await;
    let mut change = sample::success(&txn);
    change.events.push(sample::event(&change.txn, EventKind::UpdateDump));
    change.events.push(sample::event(&change.txn, EventKind::UpdateTransaction));
    expected.extend(change.events.clone());
    sample::applied(&store, change).await;

    let of_it = store.events_of(&txn.id).await.unwrap();
    assert_eq!(of_it.iter().map(|stored| stored.event.clone()).collect::<Vec<_>>(), expected);
    assert!(of_it.windows(2).all(|pair| pair[0].sequence < pair[1].sequence));
    assert!(of_it[0].sequence > 0);
    let moments: Vec<_> = of_it.iter().map(|stored| stored.stored_at).collect();
    assert_eq!(moments, [at(0), at(0), at(1_000), at(1_000), at(1_000)]);
    assert!(of_it.iter().all(|stored| stored.published_at.is_none()));
    assert_eq!(everything(&store).await, of_it);
}

async fn events_are_read_page_by_page(store: Arc<dyn Store>) {
    for nth in 0..7 {
        sample::stored(&store, sample::new_transaction(&format!("T{nth}"), &format!("B{nth}"))).await;
    }
    let all = everything(&store).await;
    assert_eq!(all.len(), 14);
    let mut paged = Vec::new();
    let mut place = 0;
    loop {
        let page = store.events_after(place, 4).await.unwrap();
        assert!(page.len() <= 4);
        let Some(last) = page.last() else { break };
        place = last.sequence;
        paged.extend(page);
    }
    assert_eq!(paged, all);
    assert_eq!(store.events_after(0, 0).await.unwrap(), []);
    assert_eq!(store.events_after(i64::MAX, 5).await.unwrap(), []);
}

async fn events_of_a_transaction_keep_their_order_among_many(store: Arc<dyn Store>) {
    let walk = async |nth: usize| {
        let new = sample::new_transaction(&format!("T{nth}"), &format!("B{nth}"));
        let mut txn = sample::stored(&store, new).await;
        for _ in 0..5 {
            txn = sample::applied(&store, sample::change(&txn)).await;
        }
    };
    join_all((0..30).map(walk)).await;

    let mut told: HashMap<String, Vec<String>> = HashMap::new();
    for stored in everything(&store).await {
        told.entry(stored.event.txn_id.to_string()).or_default().push(stored.event.body);
    }
    assert_eq!(told.len(), 30);
    for (id, bodies) in told {
        let mut txn = sample::transaction(&id, &["B"]);
        let mut expected = vec![sample::event(&txn, EventKind::SaveTransaction).body; 2];
        for _ in 0..5 {
            txn = sample::change(&txn).txn;
            expected.push(sample::event(&txn, EventKind::UpdateTransaction).body);
        }
        assert_eq!(bodies, expected, "{id}");
    }
}

async fn events_ride_on_cases_resolutions_and_checks(store: Arc<dyn Store>) {
    let txn = sample::stored(&store, sample::new_transaction("T1", "B1")).await;
    let told = |words: &str| {
        let event = sample::event(&txn, EventKind::UpdateTransaction);
        vec![Event { body: format!("{{\"told\":\"{words}\"}}"), ..event }]
    };
    let late = case(&txn, AttentionKind::LateSuccess, 1);
    let new = NewCase { events: told("raised"), ..new_case(&txn, late.clone(), "late") };
    let id = raised(&store, new.clone()).await;
    let note = CheckNote { events: told("checked"), ..checked(&txn.id, 2, NextCheck::WithAll) };
    assert_eq!(store.note_check(note).await.unwrap(), Applied::Stored);
    let line = entry(&txn, "resolved");
    let decided = || vec![super::sample::audit_entry(1, None)];
    store
        .resolve_attention(id.into(), resolution(3), line.clone(), told("resolved"), decided(), &[])
        .await
        .unwrap();
    let stored: Vec<_> = told("raised").into_iter().chain(told("checked")).chain(told("resolved")).collect();
    let events = || async { store.events_of(&txn.id).await.unwrap().into_iter().skip(2) };
    assert_eq!(events().await.map(|stored| stored.event).collect::<Vec<_>>(), stored);

    assert!(!store.raise_attention(new).await.unwrap());
    let again = store
        .resolve_attention(id.into(), resolution(4), line, told("resolved again"), decided(), &[])
        .await
        .unwrap();
    assert_eq!(again, Resolved::Before(resolution(3)));
    assert_eq!(store.audit_head().await.unwrap().end.number, 1, "one entry for the one decision");
    let paid = sample::applied(&store, Change { events: Vec::new(), ..sample::success(&txn) }).await;
    let note = CheckNote { events: told("checked late"), ..checked(&paid.id, 5, NextCheck::WithAll) };
    assert_eq!(store.note_check(note).await.unwrap(), Applied::Stale);
    assert_eq!(events().await.count(), 3, "a write that stores nothing stores no event");
}
