//! Caches answers for a while: bounded, by an injected clock, with one request for all concurrent callers of
//! one key.

use std::future::Future;
use std::hash::Hash;
use std::pin::pin;
use std::sync::Arc;
use std::time::Duration;

use payment_domain::{Clock, Timestamp};

/// Answers by key. Keys and values may be personal data: neither is ever printed.
pub(super) struct Cache<K, V> {
    clock: Arc<dyn Clock>,
    answers: moka::future::Cache<K, Kept<V>>,
}

/// An answer with the time for which it counts.
#[derive(Clone)]
struct Kept<V> {
    value: V,
    since: Timestamp,
    until: Timestamp,
}

/// The shared request has failed.
#[derive(Clone, Copy)]
struct Failed;

impl<K, V> Cache<K, V>
where
    K: Clone + Eq + Hash + Send + Sync + 'static,
    V: Clone + Send + Sync + 'static,
{
    /// An empty cache of at most `capacity` answers.
    pub(super) fn new(clock: Arc<dyn Clock>, capacity: u64) -> Cache<K, V> {
        Cache { clock, answers: moka::future::Cache::new(capacity) }
    }

    /// The cached answer, or else that of `ask` with its cache life. A failure is not cached, nor shared: it
    /// may be due to the caller's own token.
    pub(super) async fn get_or_ask<E>(
        &self,
        key: K,
        ask: impl Future<Output = Result<(V, Duration), E>>,
    ) -> Result<V, E> {
        if let Some(kept) = self.answers.get(&key).await {
            // A clock that was set back would keep it for longer than it counts.
            let now = self.clock.now();
            if kept.since <= now && now < kept.until {
                return Ok(kept.value);
            }
            self.answers.invalidate(&key).await;
        }
        let mut ask = pin!(ask);
        let mut failure = None;
        let asked = self.answers.try_get_with_by_ref(&key, async {
            match ask.as_mut().await {
                Ok((value, life)) => Ok(self.kept(value, life)),
                Err(error) => {
                    failure = Some(error);
                    Err(Failed)
                }
            }
        });
        match (asked.await, failure) {
            (Ok(kept), _) => Ok(kept.value),
            (Err(_), Some(error)) => Err(error),
            // Another caller's request failed. Its waiters ask concurrently: one after the other they would
            // wait for each other's time limits.
            (Err(_), None) => {
                let (value, life) = ask.await?;
                self.answers.insert(key, self.kept(value.clone(), life)).await;
                Ok(value)
            }
        }
    }

    fn kept(&self, value: V, life: Duration) -> Kept<V> {
        let since = self.clock.now();
        Kept { value, since, until: since.plus(life) }
    }
}

#[cfg(test)]
mod tests {
    use std::sync::atomic::{AtomicUsize, Ordering};

    use payment_domain::ManualClock;
    use tokio::sync::Semaphore;

    use super::*;

    const MINUTE: Duration = Duration::from_secs(60);

    struct World {
        cache: Arc<Cache<String, usize>>,
        clock: Arc<ManualClock>,
        asked: Arc<AtomicUsize>,
    }

    fn world(capacity: u64) -> World {
        let clock = Arc::new(ManualClock::at(Timestamp::from_millis(0)));
        let cache = Arc::new(Cache::new(clock.clone() as Arc<dyn Clock>, capacity));
        World { cache, clock, asked: Arc::default() }
    }

    impl World {
        async fn get(&self, key: &str, life: Duration) -> Result<usize, &'static str> {
            self.cache
                .get_or_ask(key.to_owned(), async { Ok((self.asked.fetch_add(1, Ordering::SeqCst), life)) })
                .await
        }
    }

    #[tokio::test]
    async fn an_answer_is_remembered_for_its_time_and_no_longer() {
        let world = world(8);
        assert_eq!(world.get("a", MINUTE).await, Ok(0));
        world.clock.advance(MINUTE - Duration::from_millis(1));
        assert_eq!(world.get("a", MINUTE).await, Ok(0));
        world.clock.advance(Duration::from_millis(1));
        assert_eq!(world.get("a", MINUTE).await, Ok(1));
        assert_eq!(world.get("b", Duration::ZERO).await, Ok(2));
        assert_eq!(world.get("b", Duration::ZERO).await, Ok(3), "an answer without a life is not kept");
        world.clock.set(Timestamp::from_millis(0));
        assert_eq!(world.get("a", MINUTE).await, Ok(4), "a clock that is set back prolongs nothing");
    }

    #[tokio::test]
    async fn a_failure_is_not_remembered() {
        let world = world(8);
        let failed = world.cache.get_or_ask("a".to_owned(), async { Err("unavailable") }).await;
        assert_eq!(failed, Err("unavailable"));
        assert_eq!(world.get("a", MINUTE).await, Ok(0));
    }

    #[tokio::test]
    async fn the_memory_is_bounded_and_keeps_repeated_entries() {
        let world = world(64);
        assert_eq!(world.get("kept", MINUTE).await, Ok(0));
        for other in 0..1_000 {
            world.get(&format!("other {other}"), MINUTE).await.unwrap();
            assert_eq!(world.get("kept", MINUTE).await, Ok(0));
            world.cache.answers.run_pending_tasks().await;
            assert!(world.cache.answers.entry_count() <= 64);
        }
    }

    /// Starts `count` questions for one key; each waits for a permit, then fails or succeeds.
    fn many(
        world: &World,
        count: usize,
        gate: &Arc<Semaphore>,
        fails: bool,
    ) -> Vec<tokio::task::JoinHandle<bool>> {
        (0..count)
            .map(|_| {
                let (cache, asked, gate) = (world.cache.clone(), world.asked.clone(), gate.clone());
                tokio::spawn(async move {
                    let ask = async {
                        let nth = asked.fetch_add(1, Ordering::SeqCst);
                        gate.acquire().await.unwrap().forget();
                        if fails { Err("unavailable") } else { Ok((nth, MINUTE)) }
                    };
                    cache.get_or_ask("a".to_owned(), ask).await.is_ok()
                })
            })
            .collect()
    }

    /// Lets every task run until it waits: the runtime of these tests has one thread.
    async fn settle() {
        for _ in 0..100 {
            tokio::task::yield_now().await;
        }
    }

    #[tokio::test]
    async fn concurrent_requests_for_one_key_ask_once() {
        let world = world(8);
        let gate = Arc::new(Semaphore::new(0));
        let waiting = many(&world, 50, &gate, false);
        settle().await;
        assert_eq!(world.asked.load(Ordering::SeqCst), 1);
        gate.add_permits(1);
        for task in waiting {
            assert!(task.await.unwrap());
        }
        assert_eq!(world.asked.load(Ordering::SeqCst), 1);
    }

    #[tokio::test]
    async fn waiters_of_a_failed_request_ask_concurrently() {
        let world = world(8);
        let gate = Arc::new(Semaphore::new(0));
        let waiting = many(&world, 50, &gate, true);
        settle().await;
        gate.add_permits(1);
        settle().await;
        assert_eq!(world.asked.load(Ordering::SeqCst), 50, "no one waits behind another one's time limit");
        gate.add_permits(50);
        for task in waiting {
            assert!(!task.await.unwrap());
        }
    }

    #[tokio::test]
    async fn a_cancelled_request_blocks_no_other() {
        let world = world(8);
        let gate = Arc::new(Semaphore::new(0));
        let mut waiting = many(&world, 2, &gate, false);
        settle().await;
        let first = waiting.remove(0);
        first.abort();
        assert!(first.await.unwrap_err().is_cancelled());
        gate.add_permits(1);
        assert!(waiting.remove(0).await.unwrap());
    }
}
