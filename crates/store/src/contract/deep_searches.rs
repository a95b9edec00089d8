//! Creates beside deep searches: for tests of each store, which fill it.

use std::sync::Arc;
use std::sync::atomic::{AtomicBool, AtomicUsize, Ordering};
use std::time::{Duration, Instant};

use tokio::task::JoinHandle;

use super::sample::{self, txn_id};
use crate::{Created, PageRequest, SearchQuery, Store, StoreError, TenantScope};

const SEARCHERS: usize = 32;
/// The number of transactions the store has to hold for the deepest page.
pub const ROWS: u32 = 20_000;
/// The deepest page of a request.
const DEEPEST: PageRequest = PageRequest { limit: 500, offset: 10_000 };

/// Callers who repeat the deepest searches.
pub struct Searchers {
    progress: Arc<Progress>,
    tasks: Vec<JoinHandle<()>>,
}

#[derive(Default)]
struct Progress {
    is_over: AtomicBool,
    /// The searches that were answered.
    answered: AtomicUsize,
}

impl Searchers {
    pub fn start(store: &Arc<dyn Store>) -> Searchers {
        let progress = Arc::new(Progress::default());
        let tasks = (0..SEARCHERS).map(|_| tokio::spawn(keep_searching(store.clone(), progress.clone())));
        Searchers { tasks: tasks.collect(), progress }
    }

    /// Creates payments meanwhile, once as many searches were answered as there are searchers. A create that waited in
    /// their queue would see as many answered again, or more.
    pub async fn do_not_hold_up_creates(&self, store: &Arc<dyn Store>) {
        let answered = || self.progress.answered.load(Ordering::Relaxed);
        let begun = Instant::now();
        while answered() < SEARCHERS {
            assert!(begun.elapsed() < Duration::from_secs(120), "{} searches were answered", answered());
            tokio::time::sleep(Duration::from_millis(5)).await;
        }
        let mut answered_meanwhile = Vec::new();
        for nth in 0..41 {
            let before = answered();
            create(store, &format!("BESIDE{nth}")).await;
            answered_meanwhile.push(answered() - before);
        }
        answered_meanwhile.sort_unstable();
        let median = answered_meanwhile[answered_meanwhile.len() / 2];
        assert!(
            median < SEARCHERS,
            "{median} searches were answered during a create: {answered_meanwhile:?}"
        );
    }

    /// Ends them.
    pub async fn stop(self) {
        self.progress.is_over.store(true, Ordering::Relaxed);
        for task in self.tasks {
            task.await.unwrap();
        }
    }
}

/// A create as a payment makes it: a look at the claims, the create, a look at the stored transaction.
async fn create(store: &Arc<dyn Store>, name: &str) {
    let new = sample::new_transaction(name, &format!("B-{name}"));
    assert_eq!(store.claims(&new.txn.bill_keys()).await.unwrap(), []);
    assert_eq!(store.create(new).await.unwrap(), Created::Stored);
    assert!(store.transaction(&txn_id(name)).await.unwrap().is_some());
}

async fn keep_searching(store: Arc<dyn Store>, progress: Arc<Progress>) {
    let within = Some(TenantScope { root: "pb".to_owned() });
    let query = SearchQuery { within, page: DEEPEST, ..SearchQuery::default() };
    while !progress.is_over.load(Ordering::Relaxed) {
        match store.search(&query).await {
            Ok(found) => {
                assert_eq!(found.len(), 500);
                progress.answered.fetch_add(1, Ordering::Relaxed);
            }
            // A searcher may be put off; a payer is not.
            Err(StoreError::Unavailable(_)) => {}
            Err(failed @ StoreError::Failed(_)) => panic!("{failed:?}"),
        }
    }
}
