//! Creates beside deep searches: for tests of each store, which fill it and judge the times.

use std::sync::Arc;
use std::sync::atomic::{AtomicBool, Ordering};
use std::time::{Duration, Instant};

use super::sample::{self, txn_id};
use crate::{Created, PageRequest, SearchQuery, Store, StoreError, TenantScope};

pub const SEARCHERS: usize = 32;
/// The longest median of a create while others search as deep as they can.
pub const BOUND: Duration = Duration::from_millis(250);
/// The number of transactions the store has to hold for the deepest page.
pub const ROWS: u32 = 20_000;
/// The deepest page of a request.
const DEEPEST: PageRequest = PageRequest { limit: 500, offset: 10_000 };

/// The median of 41 creates, each as a payment makes it: a look at the claims, the create, a look at the
/// stored transaction.
pub async fn median_create(store: &Arc<dyn Store>, name: &str) -> Duration {
    let mut took = Vec::new();
    for nth in 0..41 {
        let begun = Instant::now();
        let new = sample::new_transaction(&format!("{name}{nth}"), &format!("B-{name}{nth}"));
        assert_eq!(store.claims(&new.txn.bill_keys()).await.unwrap(), []);
        assert_eq!(store.create(new).await.unwrap(), Created::Stored);
        assert!(store.transaction(&txn_id(&format!("{name}{nth}"))).await.unwrap().is_some());
        took.push(begun.elapsed());
    }
    took.sort_unstable();
    took[took.len() / 2]
}

/// Repeats the deepest searches until it is stopped; returns their number.
pub async fn keep_searching(store: Arc<dyn Store>, stop: Arc<AtomicBool>) -> usize {
    let within = Some(TenantScope { root: "pb".to_owned() });
    let query = SearchQuery { within, page: DEEPEST, ..SearchQuery::default() };
    let mut searches = 0;
    while !stop.load(Ordering::Relaxed) {
        match store.search(&query).await {
            Ok(found) => assert_eq!(found.len(), 500),
            // A searcher may be put off; a payer is not.
            Err(StoreError::Unavailable(_)) => {}
            Err(failed @ StoreError::Failed(_)) => panic!("{failed:?}"),
        }
        searches += 1;
    }
    searches
}
