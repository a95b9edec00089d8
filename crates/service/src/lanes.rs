//! One lane per transaction: who wants to ask the gateway about it waits for whoever is asking.
//!
//! A payer who reloads, a gateway that calls back and a job that meets both are told the same, and
//! the gateway is asked once or twice instead of once for each. Correctness does not rest on it
//! (the store's versions see to that, across replicas too); it saves calls and gives those who
//! arrive together one answer.

use std::collections::HashMap;
use std::sync::{Arc, Mutex, PoisonError};
use std::time::Instant;

use payment_domain::TxnId;
use tokio::sync::OwnedMutexGuard;

/// When the last question in this lane was put.
type LastAsked = Option<Instant>;

#[derive(Default)]
pub(crate) struct Lanes(Arc<Mutex<HashMap<TxnId, Arc<tokio::sync::Mutex<LastAsked>>>>>);

/// The right to ask about one transaction.
pub(crate) struct Turn {
    lanes: Arc<Mutex<HashMap<TxnId, Arc<tokio::sync::Mutex<LastAsked>>>>>,
    id: TxnId,
    last_asked: Option<OwnedMutexGuard<LastAsked>>,
}

impl Lanes {
    /// Waits for the turn to ask about a transaction.
    pub(crate) async fn turn(&self, id: &TxnId) -> Turn {
        let lane = {
            let mut lanes = self.0.lock().unwrap_or_else(PoisonError::into_inner);
            lanes.entry(id.clone()).or_default().clone()
        };
        let last_asked = Some(lane.lock_owned().await);
        Turn { lanes: self.0.clone(), id: id.clone(), last_asked }
    }

    #[cfg(test)]
    fn open(&self) -> usize {
        self.0.lock().unwrap().len()
    }
}

impl Turn {
    /// Whether the gateway was asked after that moment: then its answer is fresh enough for
    /// whoever arrived then.
    pub(crate) fn was_asked_since(&self, arrived: Instant) -> bool {
        self.last_asked.as_deref().is_some_and(|asked| asked.is_some_and(|asked| asked >= arrived))
    }

    /// Notes that the question is put now.
    pub(crate) fn asks_now(&mut self) {
        if let Some(last_asked) = self.last_asked.as_deref_mut() {
            *last_asked = Some(Instant::now());
        }
    }
}

impl Drop for Turn {
    fn drop(&mut self) {
        let mut lanes = self.lanes.lock().unwrap_or_else(PoisonError::into_inner);
        self.last_asked = None;
        // Waiters hold a clone each; without one the lane is closed. New ones need the lock we hold.
        if lanes.get(&self.id).is_some_and(|lane| Arc::strong_count(lane) == 1) {
            lanes.remove(&self.id);
        }
    }
}

#[cfg(test)]
mod tests {
    use std::sync::atomic::{AtomicUsize, Ordering};

    use super::*;

    #[tokio::test(flavor = "multi_thread", worker_threads = 2)]
    async fn many_who_arrive_together_ask_at_most_twice() {
        let lanes = Arc::new(Lanes::default());
        let asked = Arc::new(AtomicUsize::new(0));
        let start = Arc::new(tokio::sync::Barrier::new(200));
        let id = TxnId::new("T1").unwrap();
        let tasks: Vec<_> = (0..200)
            .map(|_| {
                let (lanes, asked, start, id) = (lanes.clone(), asked.clone(), start.clone(), id.clone());
                tokio::spawn(async move {
                    start.wait().await;
                    let arrived = Instant::now();
                    let mut turn = lanes.turn(&id).await;
                    if !turn.was_asked_since(arrived) {
                        turn.asks_now();
                        asked.fetch_add(1, Ordering::SeqCst);
                        tokio::time::sleep(std::time::Duration::from_millis(50)).await;
                    }
                })
            })
            .collect();
        for task in tasks {
            task.await.unwrap();
        }
        assert!((1..=3).contains(&asked.load(Ordering::SeqCst)), "asked {asked:?} times");
        assert_eq!(lanes.open(), 0, "a lane closes behind the last one in it");
    }
}
