//! The circuit breaker: decides by the results of the last calls whether another one is made.
//!
//! ```text
//!   closed ── a run of failures, or too many of the last calls ──▶ open
//!   open ── the cool-down is over ──▶ probing: one call is let through
//!   probing ── it is answered ──▶ closed     ── it is not ──▶ open again
//! ```
//!
//! One payment counts once in a run of failures, with any number of status requests: a payment that the
//! gateway cannot answer about must not block all others.

use std::collections::VecDeque;
use std::sync::{Mutex, MutexGuard, PoisonError};
use std::time::Duration;

use payment_domain::TxnId;
use tokio::time::Instant;

use super::GuardSettings;

/// The retry time given to callers while a probe is under way.
const WHILE_PROBING: Duration = Duration::from_secs(1);

pub(super) struct Breaker {
    settings: GuardSettings,
    state: Mutex<State>,
}

struct State {
    phase: Phase,
    /// Number of the phase. A call that began in another phase decides nothing in this one.
    generation: u64,
    /// The payments whose calls failed since the last success.
    run: Vec<TxnId>,
    /// The last calls, oldest first; failures name their payment.
    recent: VecDeque<(Instant, Option<TxnId>)>,
}

#[derive(Clone, Copy, PartialEq, Eq)]
enum Phase {
    Closed,
    Open { until: Instant },
    Probing,
}

/// The end of a call, as far as the breaker is concerned.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum End {
    /// The gateway answered, with any answer.
    Answered,
    /// No usable answer came.
    Failed,
    /// The call was not made for lack of a resource of ours: it says nothing about the gateway.
    NotTried,
}

/// A change of state that is reported to operators.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Transition {
    Opened,
    Closed,
}

/// Permission for one call; returned at the end of the call.
pub(super) struct Permit {
    generation: u64,
}

impl Breaker {
    pub(super) fn new(settings: GuardSettings) -> Breaker {
        let state = State { phase: Phase::Closed, generation: 0, run: Vec::new(), recent: VecDeque::new() };
        Breaker { settings, state: Mutex::new(state) }
    }

    fn state(&self) -> MutexGuard<'_, State> {
        self.state.lock().unwrap_or_else(PoisonError::into_inner)
    }

    /// The time until a call is permitted; `None` when it is now.
    pub(super) fn blocked_for(&self) -> Option<Duration> {
        let now = Instant::now();
        match self.state().phase {
            Phase::Closed => None,
            Phase::Open { until } => (until > now).then(|| until - now),
            Phase::Probing => Some(WHILE_PROBING),
        }
    }

    /// A permit for a call, or the time until there is one.
    pub(super) fn permit(&self) -> Result<Permit, Duration> {
        let now = Instant::now();
        let mut state = self.state();
        match state.phase {
            Phase::Closed => {}
            Phase::Open { until } if until > now => return Err(until - now),
            Phase::Open { .. } => state.enter(Phase::Probing),
            Phase::Probing => return Err(WHILE_PROBING),
        }
        Ok(Permit { generation: state.generation })
    }

    /// Records the end of a call about this payment.
    pub(super) fn ended(&self, permit: &Permit, payment: &TxnId, end: End) -> Option<Transition> {
        let now = Instant::now();
        let mut state = self.state();
        if permit.generation != state.generation {
            return None;
        }
        match (state.phase, end) {
            (Phase::Probing, End::Answered) => {
                state.enter(Phase::Closed);
                Some(Transition::Closed)
            }
            (Phase::Probing, End::Failed) => {
                state.enter(Phase::Open { until: now + self.settings.cool_down });
                None
            }
            // The probe is still to be made.
            (Phase::Probing, End::NotTried) => {
                state.enter(Phase::Open { until: now + WHILE_PROBING });
                None
            }
            (Phase::Closed, end) => {
                state.note(now, payment, end, &self.settings);
                if !state.is_bad(&self.settings) {
                    return None;
                }
                state.enter(Phase::Open { until: now + self.settings.cool_down });
                Some(Transition::Opened)
            }
            // Permits are given in the two other phases only.
            (Phase::Open { .. }, End::Answered | End::Failed | End::NotTried) => None,
        }
    }
}

impl State {
    fn enter(&mut self, phase: Phase) {
        self.phase = phase;
        self.generation = self.generation.wrapping_add(1);
        self.run.clear();
        self.recent.clear();
    }

    fn note(&mut self, now: Instant, payment: &TxnId, end: End, settings: &GuardSettings) {
        let failed = match end {
            End::NotTried => return,
            End::Answered => {
                self.run.clear();
                None
            }
            End::Failed => {
                if !self.run.contains(payment) {
                    self.run.push(payment.clone());
                }
                Some(payment.clone())
            }
        };
        self.recent.push_back((now, failed));
        while self.recent.len() > settings.recent_calls
            || self.recent.front().is_some_and(|(at, _)| now.duration_since(*at) > settings.recent_time)
        {
            self.recent.pop_front();
        }
    }

    fn is_bad(&self, settings: &GuardSettings) -> bool {
        if self.run.len() >= settings.failures_in_a_row {
            return true;
        }
        let mut failed: Vec<&TxnId> = self.recent.iter().filter_map(|(_, failed)| failed.as_ref()).collect();
        failed.sort();
        failed.dedup();
        self.recent.len() >= settings.recent_calls
            && failed.len() * 100 >= self.recent.len() * settings.failed_percent
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn settings() -> GuardSettings {
        GuardSettings {
            failures_in_a_row: 3,
            recent_calls: 10,
            failed_percent: 50,
            recent_time: Duration::from_secs(60),
            cool_down: Duration::from_secs(30),
            ..GuardSettings::default()
        }
    }

    fn payment(number: usize) -> TxnId {
        TxnId::new(format!("T{number}")).unwrap()
    }

    fn call(breaker: &Breaker, about: usize, end: End) -> Option<Transition> {
        breaker.ended(&breaker.permit().unwrap(), &payment(about), end)
    }

    fn open(breaker: &Breaker) {
        for about in 0..2 {
            assert_eq!(call(breaker, about, End::Failed), None);
        }
        assert_eq!(call(breaker, 2, End::Failed), Some(Transition::Opened));
    }

    #[tokio::test(start_paused = true)]
    async fn a_run_of_failures_opens_it_and_says_for_how_long() {
        let breaker = Breaker::new(settings());
        open(&breaker);
        assert_eq!(breaker.permit().err(), Some(Duration::from_secs(30)));
        tokio::time::advance(Duration::from_secs(12)).await;
        assert_eq!(breaker.blocked_for(), Some(Duration::from_secs(18)));
    }

    #[tokio::test(start_paused = true)]
    async fn a_success_ends_a_run() {
        let breaker = Breaker::new(GuardSettings { failed_percent: 60, ..settings() });
        for about in 0..50 {
            assert_eq!(call(&breaker, about, if about % 2 == 0 { End::Failed } else { End::Answered }), None);
        }
    }

    #[tokio::test(start_paused = true)]
    async fn a_share_of_failures_opens_it_without_a_run() {
        let breaker = Breaker::new(settings());
        let ends = [true, true, false, true, true, false, true, false, false];
        for (about, failed) in ends.into_iter().enumerate() {
            assert_eq!(call(&breaker, about, if failed { End::Failed } else { End::Answered }), None);
        }
        assert_eq!(call(&breaker, 99, End::Failed), Some(Transition::Opened));
    }

    #[tokio::test(start_paused = true)]
    async fn failures_of_long_ago_count_in_no_share() {
        let breaker = Breaker::new(settings());
        for about in 0..200 {
            tokio::time::advance(Duration::from_secs(10)).await;
            assert_eq!(call(&breaker, about, if about % 2 == 0 { End::Failed } else { End::Answered }), None);
        }
    }

    #[tokio::test(start_paused = true)]
    async fn one_payment_alone_never_opens_it() {
        let breaker = Breaker::new(settings());
        for _ in 0..100 {
            assert_eq!(call(&breaker, 7, End::Failed), None);
        }
        assert_eq!(breaker.blocked_for(), None);
    }

    #[tokio::test(start_paused = true)]
    async fn after_the_cool_down_one_call_probes_and_its_answer_closes_it() {
        let breaker = Breaker::new(settings());
        open(&breaker);
        tokio::time::advance(Duration::from_secs(30)).await;
        assert_eq!(breaker.blocked_for(), None, "a call would be let through");
        let probe = breaker.permit().unwrap();
        assert_eq!(breaker.permit().err(), Some(WHILE_PROBING));
        assert_eq!(breaker.blocked_for(), Some(WHILE_PROBING));
        assert_eq!(breaker.ended(&probe, &payment(1), End::Answered), Some(Transition::Closed));
        assert_eq!(call(&breaker, 1, End::Failed), None, "the run begins anew");
    }

    #[tokio::test(start_paused = true)]
    async fn a_failed_probe_opens_it_again() {
        let breaker = Breaker::new(settings());
        open(&breaker);
        tokio::time::advance(Duration::from_secs(31)).await;
        assert_eq!(call(&breaker, 9, End::Failed), None);
        assert_eq!(breaker.permit().err(), Some(Duration::from_secs(30)));
    }

    #[tokio::test(start_paused = true)]
    async fn a_call_that_was_not_made_says_nothing() {
        let breaker = Breaker::new(settings());
        for about in 0..2 {
            assert_eq!(call(&breaker, about, End::Failed), None);
        }
        for about in 0..50 {
            assert_eq!(call(&breaker, about, End::NotTried), None);
        }
        assert_eq!(call(&breaker, 2, End::Failed), Some(Transition::Opened), "nor does it end a run");
        tokio::time::advance(Duration::from_secs(30)).await;
        let probe = breaker.permit().unwrap();
        assert_eq!(breaker.ended(&probe, &payment(1), End::NotTried), None);
        tokio::time::advance(WHILE_PROBING).await;
        assert_eq!(
            call(&breaker, 1, End::Answered),
            Some(Transition::Closed),
            "the probe is made up for soon"
        );
    }

    #[tokio::test(start_paused = true)]
    async fn a_call_of_another_phase_decides_nothing() {
        let breaker = Breaker::new(settings());
        let slow = breaker.permit().unwrap();
        let slower = breaker.permit().unwrap();
        open(&breaker);
        assert_eq!(breaker.ended(&slow, &payment(1), End::Answered), None);
        assert!(breaker.blocked_for().is_some(), "an answer from before does not close it");
        tokio::time::advance(Duration::from_secs(30)).await;
        let probe = breaker.permit().unwrap();
        assert_eq!(breaker.ended(&slower, &payment(2), End::Failed), None);
        assert_eq!(breaker.ended(&probe, &payment(3), End::Answered), Some(Transition::Closed));
    }
}
