//! The outbox for a relay: waiting events are found, published ones are not found again, and none is lost or
//! published out of order.

use std::collections::HashMap;
use std::sync::Arc;
use std::sync::atomic::{AtomicBool, Ordering};

use futures_util::future::{join, join_all};
use payment_domain::{Event, EventKind, TraceContext, TxnId};

use super::Promise;
use super::sample::{self, at, begun, tick};
use crate::{DeadLetter, EventQuery, EventState, Fence, OutboxBacklog, RunEnd, Store, StoredEvent, Tally};

pub(super) fn promises() -> Vec<Promise> {
    vec![
        Promise::of(a_published_event_is_not_found_again),
        Promise::of(unpublished_events_are_read_page_by_page),
        Promise::of(events_are_listed_by_state_and_stream_page_by_page),
        Promise::of(the_first_confirmation_of_an_event_stays),
        Promise::of(a_relay_publishes_every_event_in_the_order_of_its_transaction),
        Promise::of(the_outbox_backlog_counts_waiting_events),
        Promise::of(published_events_are_forgotten_a_few_at_a_time_and_others_never),
        Promise::of(a_dead_letter_waits_no_longer_until_it_is_revived),
        Promise::of(an_event_keeps_the_trace_that_caused_it),
        Promise::of(an_event_is_stored_once_a_key),
        Promise::of(of_events_stored_once_at_the_same_time_one_is_stored),
    ]
}

/// The fence of a current run.
async fn relay(store: &Arc<dyn Store>) -> Fence {
    begun(store, tick("outbox", 0)).await.fence
}

/// Stores that many payments with two events each, one second apart, and returns the events.
async fn told(store: &Arc<dyn Store>, payments: i64) -> Vec<StoredEvent> {
    for nth in 0..payments {
        let mut new = sample::new_transaction(&format!("T{nth}"), &format!("B{nth}"));
        new.txn.audit.created_at = at(1_000 * nth);
        new.history.at = at(1_000 * nth);
        sample::stored(store, new).await;
    }
    let events = store.unpublished(0, 10_000).await.unwrap();
    assert_eq!(events, store.events_after(0, 10_000).await.unwrap(), "nothing is published yet");
    events
}

async fn published(store: &Arc<dyn Store>, events: &[StoredEvent], at_ms: i64, fence: &Fence) {
    let sequences: Vec<i64> = events.iter().map(|stored| stored.sequence).collect();
    assert!(store.mark_published(&sequences, at(at_ms), fence).await.unwrap());
}

async fn a_published_event_is_not_found_again(store: Arc<dyn Store>) {
    let fence = relay(&store).await;
    let events = told(&store, 4).await;
    let (picked, left): (Vec<_>, Vec<_>) = events
        .iter()
        .cloned()
        .partition(|stored| [1, 2, 7].contains(&(stored.sequence - events[0].sequence)));
    published(&store, &picked, 9_000, &fence).await;
    assert_eq!(store.unpublished(0, 100).await.unwrap(), left);
    let all = store.events_after(0, 100).await.unwrap();
    assert_eq!(all.len(), 8, "they are still there to be read");
    for stored in all {
        let was_picked = picked.iter().any(|event| event.sequence == stored.sequence);
        assert_eq!(stored.published_at, was_picked.then(|| at(9_000)));
    }
    published(&store, &left, 9_001, &fence).await;
    assert_eq!(store.unpublished(0, 100).await.unwrap(), []);
}

async fn unpublished_events_are_read_page_by_page(store: Arc<dyn Store>) {
    let fence = relay(&store).await;
    let events = told(&store, 10).await;
    let every_third: Vec<_> = events.iter().step_by(3).cloned().collect();
    published(&store, &every_third, 1, &fence).await;
    let left: Vec<_> = events.into_iter().filter(|event| !every_third.contains(event)).collect();
    for limit in [1, 2, 5, 100] {
        let mut paged: Vec<StoredEvent> = Vec::new();
        loop {
            let place = paged.last().map_or(0, |last| last.sequence);
            let page = store.unpublished(place, limit).await.unwrap();
            assert!(page.len() <= usize::try_from(limit).unwrap());
            if page.is_empty() {
                break;
            }
            paged.extend(page);
            assert!(paged.len() <= left.len(), "an event was answered twice");
        }
        assert_eq!(paged, left, "by {limit}");
    }
    assert_eq!(store.unpublished(0, 0).await.unwrap(), []);
    assert_eq!(store.unpublished(i64::MAX, 10).await.unwrap(), []);
}

async fn an_event_keeps_the_trace_that_caused_it(store: Arc<dyn Store>) {
    let trace = |nth: u8| TraceContext {
        parent: format!("00-4bf92f3577b34da6a3ce929d0e0e4736-00f067aa0ba902b{nth}-01"),
        state: (nth == 2).then(|| "vendor=a b,other=2".to_owned()),
    };
    let mut new = sample::new_transaction("T1", "B1");
    new.events[1].trace = Some(trace(2));
    let txn = sample::stored(&store, new).await;
    let mut change = sample::change(&txn);
    change.events[0].trace = Some(trace(3));
    sample::applied(&store, change).await;
    sample::stored(&store, sample::new_transaction("T2", "B2")).await;

    let told = store.unpublished(0, 10).await.unwrap();
    let traces: Vec<_> = told.into_iter().map(|stored| stored.event.trace).collect();
    assert_eq!(traces, [None, Some(trace(2)), Some(trace(3)), None, None]);
    assert_eq!(store.trace_of(&txn.id).await.unwrap(), Some(trace(2)), "the first one");
    for untraced in ["T2", "T3"] {
        assert_eq!(store.trace_of(&TxnId::new(untraced).unwrap()).await.unwrap(), None);
    }
}

async fn the_first_confirmation_of_an_event_stays(store: Arc<dyn Store>) {
    let fence = relay(&store).await;
    let events = told(&store, 1).await;
    let (first, second) = (events[0].sequence, events[1].sequence);
    assert!(store.mark_published(&[], at(1), &fence).await.unwrap());
    assert!(store.mark_published(&[first, 0, i64::MAX, first], at(2), &fence).await.unwrap());
    assert!(store.mark_published(&[second, first], at(3), &fence).await.unwrap());
    let moments: Vec<_> =
        store.events_after(0, 10).await.unwrap().into_iter().map(|stored| stored.published_at).collect();
    assert_eq!(moments, [Some(at(2)), Some(at(3))]);
}

async fn a_relay_publishes_every_event_in_the_order_of_its_transaction(store: Arc<dyn Store>) {
    let fence = relay(&store).await;
    let walk = async |nth: usize| {
        let new = sample::new_transaction(&format!("T{nth}"), &format!("B{nth}"));
        let mut expected: Vec<String> = new.events.iter().map(|event| event.body.clone()).collect();
        let mut txn = sample::stored(&store, new).await;
        for _ in 0..5 {
            // Two want to change it at once, and one of them does.
            let competing = join_all((0..2).map(|_| store.apply(sample::change(&txn)))).await;
            assert!(competing.into_iter().all(|outcome| outcome.is_ok()));
            txn = sample::change(&txn).txn;
            expected.push(sample::event(&txn, EventKind::UpdateTransaction).body);
        }
        (txn.id.to_string(), expected)
    };
    let is_all_stored = AtomicBool::new(false);
    let relay = async {
        let mut told: HashMap<String, Vec<String>> = HashMap::new();
        let mut count = 0;
        loop {
            let is_last_look = is_all_stored.load(Ordering::SeqCst);
            let page = store.unpublished(0, 10).await.unwrap();
            if page.is_empty() && is_last_look {
                break;
            }
            published(&store, &page, 1, &fence).await;
            count += page.len();
            assert!(count <= 25 * 7, "an event was published twice");
            for stored in page {
                told.entry(stored.event.txn_id.to_string()).or_default().push(stored.event.body);
            }
        }
        told
    };
    let walks = async {
        let expected = join_all((0..25).map(walk)).await;
        is_all_stored.store(true, Ordering::SeqCst);
        expected
    };
    let (expected, told) = join(walks, relay).await;
    assert_eq!(told, expected.into_iter().collect());
    assert_eq!(store.unpublished(0, 10).await.unwrap(), []);
}

async fn the_outbox_backlog_counts_waiting_events(store: Arc<dyn Store>) {
    assert_eq!(store.outbox_backlog().await.unwrap(), OutboxBacklog::default());
    let fence = relay(&store).await;
    let events = told(&store, 3).await;
    let steps = [(0, 6, Some(0)), (1, 5, Some(0)), (2, 4, Some(1_000)), (5, 1, Some(2_000)), (6, 0, None)];
    for (done, waiting, oldest_ms) in steps {
        published(&store, &events[..done], 9_000, &fence).await;
        let expected = OutboxBacklog { waiting, dead: 0, oldest_at: oldest_ms.map(at) };
        assert_eq!(store.outbox_backlog().await.unwrap(), expected, "{done} published");
    }
}

async fn a_dead_letter_waits_no_longer_until_it_is_revived(store: Arc<dyn Store>) {
    let fence = relay(&store).await;
    let events = told(&store, 3).await;
    let letter = DeadLetter { at: at(9), reason: "too large: 'ਵੱਡਾ'".to_owned() };
    let (first, second) = (events[0].sequence, events[1].sequence);
    for sequence in [first, first, i64::MAX] {
        assert!(store.mark_dead(sequence, letter.clone(), &fence).await.unwrap());
    }
    assert_eq!(store.unpublished(0, 100).await.unwrap(), events[1..]);
    let dead = StoredEvent { dead_letter: Some(letter.clone()), ..events[0].clone() };
    assert!(!dead.waits() && events[1].waits());
    assert_eq!(store.events_after(0, 1).await.unwrap(), std::slice::from_ref(&dead));
    assert_eq!(store.events_of(&dead.event.txn_id).await.unwrap(), [dead, events[1].clone()]);
    let backlog = OutboxBacklog { waiting: 5, dead: 1, oldest_at: Some(at(0)) };
    assert_eq!(store.outbox_backlog().await.unwrap(), backlog);
    assert_eq!(store.forget_published(at(9_000_000), 100).await.unwrap(), 0, "it is kept");

    assert!(store.revive(first, Vec::new()).await.unwrap());
    for sequence in [first, second, i64::MAX] {
        assert!(!store.revive(sequence, Vec::new()).await.unwrap());
    }
    assert_eq!(store.unpublished(0, 100).await.unwrap(), events, "in its old place");
    published(&store, &events[1..2], 10, &fence).await;
    assert!(store.mark_dead(second, letter.clone(), &fence).await.unwrap());
    assert!(!store.revive(second, Vec::new()).await.unwrap(), "what was published is no dead letter");

    store.end_run(&fence, at(11), Tally::default(), RunEnd::Finished).await.unwrap();
    assert!(!store.mark_dead(first, letter, &fence).await.unwrap());
    assert_eq!(store.unpublished(0, 1).await.unwrap(), events[..1]);
}

async fn events_are_listed_by_state_and_stream_page_by_page(store: Arc<dyn Store>) {
    let fence = relay(&store).await;
    let events = told(&store, 5).await;
    published(&store, &events[..4], 9_000, &fence).await;
    let letter = DeadLetter { at: at(9), reason: "too large".to_owned() };
    for stored in &events[4..7] {
        assert!(store.mark_dead(stored.sequence, letter.clone(), &fence).await.unwrap());
    }
    let all = store.events_after(0, 100).await.unwrap();
    let is_of = |stored: &StoredEvent, state| match state {
        EventState::Waiting => stored.waits(),
        EventState::Dead => stored.dead_letter.is_some(),
        EventState::Published => stored.published_at.is_some(),
        EventState::All => true,
    };
    let kinds = [None, Some(events[0].event.kind), Some(events[1].event.kind), Some(EventKind::Sms)];
    for state in [EventState::Waiting, EventState::Dead, EventState::Published, EventState::All] {
        for (kind, newest_first) in kinds.iter().flat_map(|kind| [(*kind, false), (*kind, true)]) {
            let is_kind = |stored: &&StoredEvent| kind.is_none_or(|kind| stored.event.kind == kind);
            let matching = all.iter().filter(|stored| is_of(stored, state)).filter(is_kind).cloned();
            let mut expected: Vec<StoredEvent> = matching.collect();
            if newest_first {
                expected.reverse();
            }
            let mut query = EventQuery { kind, newest_first, ..EventQuery::of(state, 2) };
            let mut seen = Vec::new();
            loop {
                let horizon = store.events_horizon(&query, 3).await.unwrap();
                let mut within_reach = query.clone();
                match horizon {
                    Some(horizon) if newest_first => within_reach.after = horizon - 1,
                    Some(horizon) => within_reach.before = horizon + 1,
                    None => {}
                }
                let page = store.list_events(&within_reach).await.unwrap();
                let full = page.last().filter(|_| page.len() == 2).map(|last| last.sequence);
                seen.extend(page);
                let Some(place) = full.or(horizon) else { break };
                if newest_first {
                    query.before = place;
                } else {
                    query.after = place;
                }
            }
            assert_eq!(seen, expected, "{state:?} {kind:?} {newest_first}");
        }
    }
}

async fn published_events_are_forgotten_a_few_at_a_time_and_others_never(store: Arc<dyn Store>) {
    let fence = relay(&store).await;
    let events = told(&store, 5).await;
    for (published_ms, event) in (10..).zip(&events[..8]) {
        published(&store, std::slice::from_ref(event), published_ms, &fence).await;
    }
    assert_eq!(store.forget_published(at(10), 100).await.unwrap(), 0, "the moment itself is not meant");
    assert_eq!(store.forget_published(at(15), 0).await.unwrap(), 0);
    let mut forgotten = Vec::new();
    for _ in 0..4 {
        forgotten.push(store.forget_published(at(15), 2).await.unwrap());
    }
    assert_eq!(forgotten, [2, 2, 1, 0]);
    assert_eq!(store.events_after(0, 100).await.unwrap().len(), 5);
    assert_eq!(store.forget_published(at(9_000_000), 100).await.unwrap(), 3);
    assert_eq!(store.events_after(0, 100).await.unwrap(), events[8..], "what waits is never forgotten");
    assert_eq!(store.unpublished(0, 100).await.unwrap(), events[8..]);

    published(&store, &events[8..], 20, &fence).await;
    assert_eq!(store.forget_published(at(21), 100).await.unwrap(), 2);
    assert_eq!(store.events_after(0, 100).await.unwrap(), []);
    sample::stored(&store, sample::new_transaction("T9", "B9")).await;
    let next = store.unpublished(events[9].sequence, 100).await.unwrap();
    assert_eq!(next.len(), 2, "a place in the outbox is never given twice");
}

/// A text message that belongs to no stored transaction.
fn message(words: &str) -> Event {
    let txn = sample::transaction("NEVER_STORED", &["B1"]);
    Event { body: format!("{{\"message\": \"{words}\"}}"), ..sample::event(&txn, EventKind::Sms) }
}

async fn an_event_is_stored_once_a_key(store: Arc<dyn Store>) {
    let fence = relay(&store).await;
    let key = "update-pg-txns/3/41: 'ਰਸੀਦ'";
    assert!(store.store_event_once(key, message("paid"), at(7)).await.unwrap());
    assert!(!store.store_event_once(key, message("paid"), at(8)).await.unwrap());
    assert!(!store.store_event_once(key, message("another message"), at(9)).await.unwrap());
    assert!(store.store_event_once("another key", message("paid"), at(10)).await.unwrap());

    let waiting = store.unpublished(0, 10).await.unwrap();
    let told: Vec<_> = waiting.iter().map(|stored| (stored.stored_at, stored.event.clone())).collect();
    assert_eq!(told, [(at(7), message("paid")), (at(10), message("paid"))]);
    published(&store, &waiting, 20, &fence).await;
    assert_eq!(store.forget_published(at(21), 10).await.unwrap(), 2);
    assert!(!store.store_event_once(key, message("paid"), at(30)).await.unwrap(), "keys are kept");
    assert_eq!(store.events_after(0, 10).await.unwrap(), []);
}

async fn of_events_stored_once_at_the_same_time_one_is_stored(store: Arc<dyn Store>) {
    let stores = (0..60).map(|nth| {
        let (key, words) = (format!("key {}", nth % 3), nth.to_string());
        let store = &store;
        async move { store.store_event_once(&key, message(&words), at(nth)).await.unwrap() }
    });
    let stored = join_all(stores).await;
    assert_eq!(stored.iter().filter(|stored| **stored).count(), 3);
    let winners: Vec<_> = (0..60)
        .zip(&stored)
        .filter(|(_, stored)| **stored)
        .map(|(nth, _)| message(&nth.to_string()))
        .collect();
    let mut told: Vec<_> =
        store.unpublished(0, 100).await.unwrap().into_iter().map(|stored| stored.event).collect();
    told.sort_by_key(|event| winners.iter().position(|winner| winner == event));
    assert_eq!(told, winners);
}
