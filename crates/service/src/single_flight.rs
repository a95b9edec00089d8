//! Single-flight per transaction: one request at a time asks the gateway about it, the others wait.
//!
//! A payer who reloads, a callback and a job that arrive together get one answer, by one or two status
//! requests instead of one each. This only saves calls: the versions of the store keep changes apart, within
//! a process and across replicas.

use std::collections::HashMap;
use std::sync::{Arc, Mutex, PoisonError};
use std::time::Instant;

use payment_domain::TxnId;
use tokio::sync::OwnedMutexGuard;

/// The time of a flight's last status request, and whether it was answered.
type LastAsked = Option<(Instant, bool)>;
type Flights = Arc<Mutex<HashMap<TxnId, Arc<tokio::sync::Mutex<LastAsked>>>>>;

#[derive(Default)]
pub(crate) struct SingleFlight(Flights);

/// The right to ask about one transaction.
pub(crate) struct Permit {
    flights: Flights,
    id: TxnId,
    last_asked: Option<OwnedMutexGuard<LastAsked>>,
    has_waited: bool,
}

impl SingleFlight {
    /// Waits until no other status request about the transaction is under way.
    pub(crate) async fn permit(&self, id: &TxnId) -> Permit {
        let flight = {
            let mut flights = self.0.lock().unwrap_or_else(PoisonError::into_inner);
            flights.entry(id.clone()).or_default().clone()
        };
        let (last_asked, has_waited) = match flight.clone().try_lock_owned() {
            Ok(free) => (free, false),
            Err(_) => (flight.lock_owned().await, true),
        };
        Permit { flights: self.0.clone(), id: id.clone(), last_asked: Some(last_asked), has_waited }
    }

    #[cfg(test)]
    fn open(&self) -> usize {
        self.0.lock().unwrap().len()
    }
}

impl Permit {
    /// Whether another request had the permit meanwhile: it may have changed the transaction.
    pub(crate) fn has_waited(&self) -> bool {
        self.has_waited
    }

    /// Whether a status request made after that moment was answered; `None` without one.
    pub(crate) fn asked_since(&self, arrived: Instant) -> Option<bool> {
        let (asked, answered) = (*self.last_asked.as_deref()?)?;
        (asked >= arrived).then_some(answered)
    }

    /// Records a status request for the waiting ones.
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
        // Each waiter holds a clone of its flight; a new one needs the lock that is held here.
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
    async fn concurrent_callers_ask_at_most_twice() {
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
                    let mut permit = flights.permit(&id).await;
                    if permit.asked_since(arrived).is_none() {
                        let now = Instant::now();
                        asked.fetch_add(1, Ordering::SeqCst);
                        tokio::time::sleep(std::time::Duration::from_millis(50)).await;
                        permit.asked(now, true);
                    }
                })
            })
            .collect();
        for task in tasks {
            task.await.unwrap();
        }
        assert!((1..=3).contains(&asked.load(Ordering::SeqCst)), "asked {asked:?} times");
        assert_eq!(flights.open(), 0, "a flight ends with its last permit");
    }
}
