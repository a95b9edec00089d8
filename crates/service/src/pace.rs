//! The rate of questions from this node to each gateway. Payers go before jobs.

use std::collections::{BTreeMap, HashMap};
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};
use std::time::Duration;

use payment_domain::GatewayName;
use tokio::sync::Semaphore;
use tokio::time::Instant;

/// The longest wait of a payer, whose answer is then the stored state.
const LONGEST_WAIT: Duration = Duration::from_secs(2);
/// The interval at which a job goes before waiting payers, so that no number of callers stops reconciliation.
const JOB_SHARE: Duration = Duration::from_secs(1);

/// The rate of questions from one node to one gateway.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Pace {
    /// How many transactions jobs and operators check at a time; at least one.
    pub at_once: usize,
    /// The number of questions that begin in a second, those of payers included; `None` for no limit.
    pub per_second: Option<u32>,
}

#[derive(Debug, Clone)]
pub struct PaceSettings {
    /// Of the gateways without an entry in `own`.
    pub of_others: Pace,
    pub own: BTreeMap<GatewayName, Pace>,
}

pub(crate) struct Paces {
    settings: PaceSettings,
    turnstiles: Mutex<HashMap<GatewayName, Arc<Turnstile>>>,
}

impl Paces {
    pub(crate) fn new(settings: PaceSettings) -> Paces {
        Paces { settings, turnstiles: Mutex::default() }
    }

    pub(crate) fn of(&self, gateway: &GatewayName) -> Arc<Turnstile> {
        let pace = self.settings.own.get(gateway).copied().unwrap_or(self.settings.of_others);
        let mut turnstiles = self.turnstiles.lock().unwrap_or_else(PoisonError::into_inner);
        turnstiles.entry(gateway.clone()).or_insert_with(|| Arc::new(Turnstile::new(pace))).clone()
    }
}

/// The pace of one gateway.
pub(crate) struct Turnstile {
    pace: Pace,
    /// `at_once` permits for jobs and operators.
    pub(crate) places: Semaphore,
    turns: Mutex<Turns>,
}

struct Turns {
    next_at: Instant,
    /// When a job last went before payers.
    job_let_in_at: Option<Instant>,
}

#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum JobTurn {
    Now,
    /// At this moment, which is reserved.
    At(Instant),
    /// Not before this moment, at which it looks again: payers go first.
    LookAgain(Instant),
}

impl Turnstile {
    fn new(pace: Pace) -> Turnstile {
        Turnstile {
            places: Semaphore::new(pace.at_once.max(1)),
            turns: Mutex::new(Turns { next_at: Instant::now(), job_let_in_at: None }),
            pace,
        }
    }

    pub(crate) fn at_once(&self) -> usize {
        self.pace.at_once.max(1)
    }

    fn turns(&self) -> MutexGuard<'_, Turns> {
        self.turns.lock().unwrap_or_else(PoisonError::into_inner)
    }

    /// The time between two questions; `None` without a limit.
    fn distance(&self) -> Option<Duration> {
        self.pace.per_second.map(|per_second| Duration::from_secs(1) / per_second.max(1))
    }

    /// Waits until a payer's status request may begin.
    ///
    /// # Errors
    /// The time to wait, when it is too long.
    pub(crate) async fn payer(&self) -> Result<(), Duration> {
        let Some(distance) = self.distance() else { return Ok(()) };
        let at = {
            let (mut turns, now) = (self.turns(), Instant::now());
            let at = turns.next_at.max(now);
            if at - now > LONGEST_WAIT {
                return Err(at - now);
            }
            turns.next_at = at + distance;
            at
        };
        tokio::time::sleep_until(at).await;
        Ok(())
    }

    /// The time of a job's status request that has waited since that moment.
    pub(crate) fn job(&self, waiting_since: Instant) -> JobTurn {
        let Some(distance) = self.distance() else { return JobTurn::Now };
        let (mut turns, now) = (self.turns(), Instant::now());
        if turns.next_at <= now {
            turns.next_at = now + distance;
            return JobTurn::Now;
        }
        let at = turns.next_at;
        let share_is_due = |let_in: Instant| now.duration_since(let_in) >= JOB_SHARE;
        if share_is_due(waiting_since) && turns.job_let_in_at.is_none_or(share_is_due) {
            turns.job_let_in_at = Some(now);
            turns.next_at = at + distance;
            return JobTurn::At(at);
        }
        JobTurn::LookAgain(at)
    }

    /// Waits until a job's status request may begin.
    pub(crate) async fn wait_for_job(&self) {
        let since = Instant::now();
        loop {
            match self.job(since) {
                JobTurn::Now => return,
                JobTurn::At(at) => return tokio::time::sleep_until(at).await,
                JobTurn::LookAgain(at) => tokio::time::sleep_until(at).await,
            }
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn turnstile(per_second: u32) -> Arc<Turnstile> {
        Arc::new(Turnstile::new(Pace { at_once: 4, per_second: Some(per_second) }))
    }

    #[tokio::test(start_paused = true)]
    async fn status_requests_are_paced_and_a_payers_wait_is_bounded() {
        let turnstile = turnstile(10);
        let begun = Instant::now();
        for _ in 0..5 {
            turnstile.payer().await.unwrap();
        }
        assert_eq!(begun.elapsed(), Duration::from_millis(400));
        let waiting: Vec<_> = (0..30)
            .map(|_| {
                let turnstile = turnstile.clone();
                tokio::spawn(async move { turnstile.payer().await })
            })
            .collect();
        let mut turned_away = 0;
        for payer in waiting {
            if let Err(wait) = payer.await.unwrap() {
                assert!(wait > LONGEST_WAIT, "{wait:?}");
                turned_away += 1;
            }
        }
        assert_eq!(turned_away, 10, "two seconds have twenty turns");
    }

    #[tokio::test(start_paused = true)]
    async fn a_payer_goes_before_the_jobs_that_came_earlier() {
        let turnstile = turnstile(2);
        turnstile.payer().await.unwrap();
        let begun = Instant::now();
        let jobs: Vec<_> = (0..4)
            .map(|_| {
                let turnstile = turnstile.clone();
                tokio::spawn(async move { turnstile.wait_for_job().await })
            })
            .collect();
        tokio::task::yield_now().await;
        turnstile.payer().await.unwrap();
        assert_eq!(begun.elapsed(), Duration::from_millis(500), "the very next turn");
        for job in jobs {
            job.await.unwrap();
        }
    }

    #[tokio::test(start_paused = true)]
    async fn jobs_get_turns_under_a_constant_load_of_payers() {
        let turnstile = turnstile(5);
        let payers: Vec<_> = (0..5)
            .map(|_| {
                let turnstile = turnstile.clone();
                tokio::spawn(async move { while turnstile.payer().await.is_ok() {} })
            })
            .collect();
        let begun = Instant::now();
        for _ in 0..5 {
            turnstile.wait_for_job().await;
        }
        let took = begun.elapsed();
        assert!(took >= Duration::from_secs(4) && took < Duration::from_secs(15), "{took:?}");
        payers.iter().for_each(tokio::task::JoinHandle::abort);
    }

    #[tokio::test(start_paused = true)]
    async fn without_a_limit_no_caller_waits() {
        let turnstile = Turnstile::new(Pace { at_once: 4, per_second: None });
        for _ in 0..1000 {
            turnstile.payer().await.unwrap();
            assert_eq!(turnstile.job(Instant::now()), JobTurn::Now);
        }
    }
}
