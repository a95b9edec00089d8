//! A gateway with a guard before it: not too many calls at once, and none while it is down.
//!
//! Only calls that go out are guarded: [`Gateway::status`], [`Closing::close`], and [`Gateway::start`] and
//! [`Gateway::verify`] where the adapter says that they call. How `verify` ends says nothing about
//! the road: what is verified comes from strangers, who must not be able to open it, nor to keep
//! payments from being started or asked about; verifications therefore have places of their own.

mod breaker;

use std::sync::Arc;
use std::time::Duration;

use async_trait::async_trait;
use payment_domain::{Report, Transaction, TxnId};
use tokio::sync::{Semaphore, SemaphorePermit};

use self::breaker::{Breaker, End, Leave, Turn};
use crate::{
    Answer, Availability, Closing, Evidence, Gateway, GatewayError, Order, Profile, Redirect, StartMode,
    VerifyMode,
};

/// Gauge by `gateway`: 1 while calls are let through, 0 while the breaker is open.
const AVAILABLE: &str = "gateway_available";
/// Counter by `gateway`: how often the breaker opened.
const OPENED: &str = "gateway_breaker_opened_total";
/// Counter by `gateway` and `reason`: calls that were not made.
const HELD_BACK: &str = "gateway_calls_held_back_total";
/// What is told to those who found no free place in time.
const WHILE_BUSY: Duration = Duration::from_secs(1);

/// The limits of a guard.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct GuardSettings {
    /// How many calls are under way at once, verifications not counted. At least 1.
    pub calls_at_once: usize,
    /// How many verifications are under way at once. At least 1.
    pub verifications_at_once: usize,
    /// How long a call waits for a free place.
    pub longest_wait: Duration,
    /// So many payments in a row without a usable answer open the breaker.
    pub failures_in_a_row: usize,
    /// The share of failed payments among the last [`recent_calls`](Self::recent_calls) that opens
    /// it, in percent.
    pub failed_percent: usize,
    /// How many calls the share is taken of; it is taken only when there were so many.
    pub recent_calls: usize,
    /// Calls that ended longer ago are not counted in the share.
    pub recent_time: Duration,
    /// How long nothing is tried after the breaker opened.
    pub cool_down: Duration,
}

impl Default for GuardSettings {
    fn default() -> GuardSettings {
        GuardSettings {
            calls_at_once: 64,
            verifications_at_once: 16,
            longest_wait: Duration::from_secs(2),
            failures_in_a_row: 5,
            failed_percent: 50,
            recent_calls: 20,
            recent_time: Duration::from_secs(60),
            cool_down: Duration::from_secs(30),
        }
    }
}

/// A gateway behind a guard; itself a gateway.
pub struct Guarded {
    inner: Arc<dyn Gateway>,
    breaker: Breaker,
    calls: Semaphore,
    verifications: Semaphore,
    longest_wait: Duration,
}

impl Guarded {
    /// Puts a guard before a gateway.
    pub fn new(inner: Arc<dyn Gateway>, settings: GuardSettings) -> Guarded {
        metrics::describe_gauge!(AVAILABLE, "1 while the gateway is called, 0 while its breaker is open");
        metrics::describe_counter!(OPENED, "How often the breaker of a gateway opened");
        metrics::describe_counter!(HELD_BACK, "Calls to a gateway that were not made, by reason");
        metrics::gauge!(AVAILABLE, "gateway" => inner.profile().name.to_string()).set(1.0);
        Guarded {
            calls: Semaphore::new(settings.calls_at_once.max(1)),
            verifications: Semaphore::new(settings.verifications_at_once.max(1)),
            longest_wait: settings.longest_wait,
            breaker: Breaker::new(settings),
            inner,
        }
    }

    /// Waits for a place, then takes leave: the breaker may have opened during the wait.
    async fn enter<'a>(&'a self, payment: &'a TxnId) -> Result<Passage<'a>, GatewayError> {
        if let Some(retry_after) = self.breaker.blocked_for() {
            return Err(self.held_back("open", retry_after));
        }
        let place = self.place(&self.calls).await?;
        let leave = self.breaker.leave().map_err(|retry_after| self.held_back("open", retry_after))?;
        Ok(Passage { guard: self, payment, leave: Some(leave), _place: place })
    }

    async fn place<'a>(&self, places: &'a Semaphore) -> Result<SemaphorePermit<'a>, GatewayError> {
        match tokio::time::timeout(self.longest_wait, places.acquire()).await {
            Ok(Ok(place)) => Ok(place),
            Ok(Err(_)) | Err(_) => Err(self.held_back("busy", WHILE_BUSY)),
        }
    }

    fn held_back(&self, reason: &'static str, retry_after: Duration) -> GatewayError {
        metrics::counter!(HELD_BACK, "gateway" => self.profile().name.to_string(), "reason" => reason)
            .increment(1);
        GatewayError::Unavailable { retry_after }
    }

    fn ended(&self, leave: &Leave, payment: &TxnId, end: End) {
        let gateway = &self.profile().name;
        match self.breaker.ended(leave, payment, end) {
            None => {}
            Some(Turn::Opened) => {
                metrics::gauge!(AVAILABLE, "gateway" => gateway.to_string()).set(0.0);
                metrics::counter!(OPENED, "gateway" => gateway.to_string()).increment(1);
                tracing::error!(%gateway, "the gateway is down: it is not called for a while");
            }
            Some(Turn::Closed) => {
                metrics::gauge!(AVAILABLE, "gateway" => gateway.to_string()).set(1.0);
                tracing::info!(%gateway, "the gateway answers again");
            }
        }
    }
}

/// A call under way. When it is dropped without an end, its caller gave up waiting for the gateway.
struct Passage<'a> {
    guard: &'a Guarded,
    payment: &'a TxnId,
    leave: Option<Leave>,
    _place: SemaphorePermit<'a>,
}

impl Passage<'_> {
    fn ends<T>(mut self, result: Result<T, GatewayError>) -> Result<T, GatewayError> {
        if let Some(leave) = self.leave.take() {
            self.guard.ended(&leave, self.payment, end_of(&result));
        }
        result
    }
}

impl Drop for Passage<'_> {
    fn drop(&mut self) {
        if let Some(leave) = self.leave.take() {
            self.guard.ended(&leave, self.payment, End::Failed);
        }
    }
}

fn end_of<T>(result: &Result<T, GatewayError>) -> End {
    match result {
        Err(GatewayError::NotSent(_) | GatewayError::Unanswered(_) | GatewayError::Unreadable(_)) => {
            End::Failed
        }
        Err(GatewayError::LocalFault(_)) => End::NotTried,
        Ok(_)
        | Err(
            GatewayError::Refused { .. }
            | GatewayError::BadSignature
            | GatewayError::WrongTransaction
            // It says so itself, and knows better for how long.
            | GatewayError::Unavailable { .. },
        ) => End::Answered,
    }
}

#[async_trait]
impl Gateway for Guarded {
    fn profile(&self) -> &Profile {
        self.inner.profile()
    }

    fn availability(&self) -> Availability {
        match self.breaker.blocked_for() {
            Some(retry_after) => Availability::Unavailable { retry_after },
            None => self.inner.availability(),
        }
    }

    fn closing(&self) -> Option<&dyn Closing> {
        self.inner.closing().map(|_| self as &dyn Closing)
    }

    async fn start(&self, order: &Order<'_>) -> Result<Redirect, GatewayError> {
        match self.profile().start_mode {
            StartMode::Offline => self.inner.start(order).await,
            StartMode::Network => {
                let passage = self.enter(&order.txn.id).await?;
                passage.ends(self.inner.start(order).await)
            }
        }
    }

    fn names(&self, answer: &Answer) -> Option<TxnId> {
        self.inner.names(answer)
    }

    async fn verify(&self, txn: &Transaction, answer: &Answer) -> Result<Evidence, GatewayError> {
        match self.profile().verify_mode {
            VerifyMode::Offline => self.inner.verify(txn, answer).await,
            VerifyMode::Network => {
                if let Some(retry_after) = self.breaker.blocked_for() {
                    return Err(self.held_back("open", retry_after));
                }
                let _place = self.place(&self.verifications).await?;
                self.inner.verify(txn, answer).await
            }
        }
    }

    async fn status(&self, txn: &Transaction) -> Result<Report, GatewayError> {
        let passage = self.enter(&txn.id).await?;
        passage.ends(self.inner.status(txn).await)
    }
}

#[async_trait]
impl Closing for Guarded {
    async fn close(&self, txn: &Transaction) -> Result<Report, GatewayError> {
        let Some(closing) = self.inner.closing() else { return self.status(txn).await };
        let passage = self.enter(&txn.id).await?;
        passage.ends(closing.close(txn).await)
    }
}

#[cfg(test)]
mod tests;
