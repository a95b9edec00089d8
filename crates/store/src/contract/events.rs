//! Events are stored with the commit that made them true, and never without it.

use std::collections::HashMap;
use std::sync::Arc;

use futures_util::future::join_all;
use payment_domain::EventKind;

use super::Promise;
use super::sample::{self, at};
use crate::{Store, StoredEvent};

pub(super) fn promises() -> Vec<Promise> {
    vec![
        Promise::of(events_are_read_in_the_order_they_were_stored),
        Promise::of(events_are_read_page_by_page),
        Promise::of(events_of_a_transaction_keep_their_order_among_many),
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
