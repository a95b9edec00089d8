//! One flight per transaction: who wants to ask the gateway about it waits for whoever is asking.
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

/// The last question in this flight: when it was put, and whether it was answered.
type LastAsked = Option<(Instant, bool)>;

#[derive(Default)]
pub(crate) struct SingleFlight(Arc<Mutex<HashMap<TxnId, Arc<tokio::sync::Mutex<LastAsked>>>>>);

/// The right to ask about one transaction.
pub(crate) struct Permit {
    flights: Arc<Mutex<HashMap<TxnId, Arc<tokio::sync::Mutex<LastAsked>>>>>,
    id: TxnId,
    last_asked: Option<OwnedMutexGuard<LastAsked>>,
}

impl SingleFlight {
    /// Waits for the turn to ask about a transaction.
    pub(crate) async fn permit(&self, id: &TxnId) -> Permit {
        let flight = {
            let mut flights = self.0.lock().unwrap_or_else(PoisonError::into_inner);
            flights.entry(id.clone()).or_default().clone()
        };
        let last_asked = Some(flight.lock_owned().await);
        Permit { flights: self.0.clone(), id: id.clone(), last_asked }
    }

    #[cfg(test)]
    fn open(&self) -> usize {
        self.0.lock().unwrap().len()
    }
}

impl Permit {
    /// Whether the gateway was asked after that moment, and if so whether it answered: that is
    /// fresh enough for whoever arrived then.
    pub(crate) fn asked_since(&self, arrived: Instant) -> Option<bool> {
        let (asked, answered) = (*self.last_asked.as_deref()?)?;
        (asked >= arrived).then_some(answered)
    }

    /// Notes that a question was put at that moment, and whether it was answered.
    pub(crate) fn asked(&mut self, at: Instant, answered: bool) {
        if let Some(last_asked) = self.last_asked.as_deref_mut() {
            *last_asked = Some((at, answered));
        }
    }
}

impl Drop for Permit {
    fn drop(&mut self) {
        let mut flights = self.flights.lock().unwrap_or_else(PoisonError::into_inner);
        self.last_asked = None;
        // Waiters hold a clone each; without one the flight is closed. New ones need the lock we hold.
        if flights.get(&self.id).is_some_and(|flight| Arc::strong_count(flight) == 1) {
            flights.remove(&self.id);
        }
    }
}

#[cfg(test)]
mod tests {
    use std::sync::atomic::{AtomicUsize, Ordering};

    use super::*;

    #[tokio::test(flavor = "multi_thread", worker_threads = 2)]
    async fn many_who_arrive_together_ask_at_most_twice() {
        let flights = Arc::new(SingleFlight::default());
        let asked = Arc::new(AtomicUsize::new(0));
        let start = Arc::new(tokio::sync::Barrier::new(200));
        let id = TxnId::new("T1").unwrap();
        let tasks: Vec<_> = (0..200)
            .map(|_| {
                let (flights, asked, start, id) = (flights.clone(), asked.clone(), start.clone(), id.clone());
                tokio::spawn(async move {
                    start.wait().await;
                    let arrived = Instant::now();
                    let mut turn = flights.permit(&id).await;
                    if turn.asked_since(arrived).is_none() {
                        let now = Instant::now();
                        asked.fetch_add(1, Ordering::SeqCst);
                        tokio::time::sleep(std::time::Duration::from_millis(50)).await;
                        turn.asked(now, true);
                    }
                })
            })
            .collect();
        for task in tasks {
            task.await.unwrap();
        }
        assert!((1..=3).contains(&asked.load(Ordering::SeqCst)), "asked {asked:?} times");
        assert_eq!(flights.open(), 0, "a flight closes behind the last one in it");
    }
}
