//! How fast one gateway is asked by one node, whoever wants to know: payers first.

use std::collections::{BTreeMap, HashMap};
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};
use std::time::Duration;

use payment_domain::GatewayName;
use tokio::sync::Semaphore;
use tokio::time::Instant;

/// How long a payer waits for a turn before the stored state has to do.
const LONGEST_WAIT: Duration = Duration::from_secs(2);
/// How often a job is let in between payers who leave no turn free: reconciliation goes on, however many
/// questions strangers bring about.
const JOB_SHARE: Duration = Duration::from_secs(1);

/// How fast one gateway is asked by one node.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Pace {
    /// How many transactions the jobs check at a time; at least one.
    pub at_once: usize,
    /// How many questions begin within a second, those of payers included; `None` for no limit.
    pub per_second: Option<u32>,
}

/// The pace of every gateway.
#[derive(Debug, Clone)]
pub struct PaceSettings {
    /// Of the gateways that have none of their own.
    pub of_others: Pace,
    /// Of those that have.
    pub own: BTreeMap<GatewayName, Pace>,
}

/// Keeps the pace of every gateway.
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

/// Keeps the pace of one gateway.
pub(crate) struct Turnstile {
    pace: Pace,
    /// Jobs and operators check so many transactions at a time.
    pub(crate) places: Semaphore,
    turns: Mutex<Turns>,
}

struct Turns {
    /// When the next question may begin.
    next_at: Instant,
    /// When a job was last let in between payers.
    job_let_in_at: Option<Instant>,
}

/// When a job may ask.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum JobTurn {
    /// Now.
    Now,
    /// At this moment; the turn is kept for it.
    At(Instant),
    /// Not before this moment: then it has to look again, for payers go first.
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

    /// How many checks of jobs are under way at most.
    pub(crate) fn at_once(&self) -> usize {
        self.pace.at_once.max(1)
    }

    fn turns(&self) -> MutexGuard<'_, Turns> {
        self.turns.lock().unwrap_or_else(PoisonError::into_inner)
    }

    /// Between two questions; `None` without a limit.
    fn distance(&self) -> Option<Duration> {
        self.pace.per_second.map(|per_second| Duration::from_secs(1) / per_second.max(1))
    }

    /// Waits for a payer's turn.
    ///
    /// # Errors
    /// How long the wait would be, when it is too long.
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

    /// The turn of a job that has waited since that moment.
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

    /// Waits for the turn of a job.
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
    async fn questions_keep_their_distance_and_a_payer_does_not_wait_for_ever() {
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
    async fn payers_who_leave_no_turn_free_do_not_keep_jobs_out() {
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
    async fn without_a_limit_nobody_waits() {
        let turnstile = Turnstile::new(Pace { at_once: 4, per_second: None });
        for _ in 0..1000 {
            turnstile.payer().await.unwrap();
            assert_eq!(turnstile.job(Instant::now()), JobTurn::Now);
        }
    }
}
