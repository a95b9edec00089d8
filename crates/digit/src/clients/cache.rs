//! Remembers answers for a while: bounded, by an injected clock, and many who want the same answer
//! at once ask for it once.

use std::collections::HashMap;
use std::future::Future;
use std::hash::Hash;
use std::sync::atomic::{AtomicU64, Ordering};
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};
use std::time::Duration;

use payment_domain::{Clock, Timestamp};

/// Answers by key. Keys and values may be personal data: neither is ever printed.
///
/// Two generations bound it: when the younger is full it becomes the older, and the former older
/// one is forgotten. What is asked for again moves to the younger.
pub(super) struct Cache<K, V> {
    clock: Arc<dyn Clock>,
    per_generation: usize,
    generations: Mutex<Generations<K, V>>,
}

struct Generations<K, V> {
    younger: HashMap<K, Arc<Cell<V>>>,
    older: HashMap<K, Arc<Cell<V>>>,
}

/// An answer with the time for which it counts.
struct Kept<V> {
    value: V,
    since: Timestamp,
    until: Timestamp,
}

/// The place of one answer.
struct Cell<V> {
    kept: Mutex<Option<Kept<V>>>,
    /// Held by whoever asks, while the others wait for the answer.
    asking: tokio::sync::Mutex<()>,
    /// How many questions brought nothing to share: a failure, or an answer that is not kept.
    fruitless: AtomicU64,
}

impl<K: Eq + Hash, V: Clone> Cache<K, V> {
    /// An empty cache of at most `capacity` answers.
    pub(super) fn new(clock: Arc<dyn Clock>, capacity: usize) -> Cache<K, V> {
        let generations = Generations { younger: HashMap::new(), older: HashMap::new() };
        Cache { clock, per_generation: capacity.div_ceil(2).max(1), generations: Mutex::new(generations) }
    }

    /// The answer that is remembered, or else the one that `ask` brings with the time it may be
    /// remembered for; zero means not at all. Failures are not remembered.
    pub(super) async fn get_or_ask<E>(
        &self,
        key: K,
        ask: impl Future<Output = Result<(V, Duration), E>>,
    ) -> Result<V, E> {
        let cell = self.cell(key);
        if let Some(value) = cell.fresh(self.clock.now()) {
            return Ok(value);
        }
        let fruitless_before = cell.fruitless.load(Ordering::SeqCst);
        let turn = cell.asking.lock().await;
        if let Some(value) = cell.fresh(self.clock.now()) {
            return Ok(value);
        }
        // Those who waited for a question in vain go on side by side: one after the other they
        // would wait for each other's time limits.
        let _turn = (cell.fruitless.load(Ordering::SeqCst) == fruitless_before).then_some(turn);
        match ask.await {
            Ok((value, life)) if !life.is_zero() => {
                let since = self.clock.now();
                *cell.kept() = Some(Kept { value: value.clone(), since, until: since.plus(life) });
                Ok(value)
            }
            fruitless => {
                cell.fruitless.fetch_add(1, Ordering::SeqCst);
                fruitless.map(|(value, _)| value)
            }
        }
    }

    fn cell(&self, key: K) -> Arc<Cell<V>> {
        let mut generations = self.generations.lock().unwrap_or_else(PoisonError::into_inner);
        if let Some(cell) = generations.younger.get(&key) {
            return cell.clone();
        }
        let cell = generations.older.remove(&key).unwrap_or_default();
        if generations.younger.len() >= self.per_generation {
            generations.older = std::mem::take(&mut generations.younger);
        }
        generations.younger.insert(key, cell.clone());
        cell
    }
}

impl<V> Default for Cell<V> {
    fn default() -> Cell<V> {
        Cell { kept: Mutex::new(None), asking: tokio::sync::Mutex::new(()), fruitless: AtomicU64::new(0) }
    }
}

impl<V: Clone> Cell<V> {
    fn kept(&self) -> MutexGuard<'_, Option<Kept<V>>> {
        self.kept.lock().unwrap_or_else(PoisonError::into_inner)
    }

    fn fresh(&self, now: Timestamp) -> Option<V> {
        // A clock that was set back would keep it for longer than it counts.
        let counts = |kept: &&Kept<V>| kept.since <= now && now < kept.until;
        self.kept().as_ref().filter(counts).map(|kept| kept.value.clone())
    }
}

#[cfg(test)]
mod tests {
    use std::sync::atomic::AtomicUsize;

    use payment_domain::ManualClock;
    use tokio::sync::Semaphore;

    use super::*;

    const MINUTE: Duration = Duration::from_secs(60);

    struct World {
        cache: Arc<Cache<String, usize>>,
        clock: Arc<ManualClock>,
        asked: Arc<AtomicUsize>,
    }

    fn world(capacity: usize) -> World {
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
        let failed = world.cache.get_or_ask("a".to_owned(), async { Err("away") }).await;
        assert_eq!(failed, Err("away"));
        assert_eq!(world.get("a", MINUTE).await, Ok(0));
    }

    #[tokio::test]
    async fn the_memory_is_bounded_and_keeps_what_is_asked_for_again() {
        let world = world(64);
        assert_eq!(world.get("kept", MINUTE).await, Ok(0));
        for other in 0..1_000 {
            world.get(&format!("other {other}"), MINUTE).await.unwrap();
            assert_eq!(world.get("kept", MINUTE).await, Ok(0));
            let generations = world.cache.generations.lock().unwrap();
            assert!(generations.younger.len() + generations.older.len() <= 64);
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
                        if fails { Err("away") } else { Ok((nth, MINUTE)) }
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
    async fn many_who_want_the_same_ask_once() {
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
    async fn those_who_waited_in_vain_ask_side_by_side() {
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
    async fn whoever_gives_up_while_asking_holds_nobody_up() {
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
