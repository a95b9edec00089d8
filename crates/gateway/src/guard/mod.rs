//! A gateway behind a guard: a limit on concurrent calls, and a circuit breaker.
//!
//! Only calls that go out are guarded: [`Gateway::status`], [`Closing::close`], and [`Gateway::start`] and
//! [`Gateway::verify`] where the profile says that they call. The result of `verify`
//! does not count for the breaker: its input comes from strangers, who must be able neither to open the
//! breaker nor to hold up starts and status calls; verifications therefore have a limit of their own.

mod breaker;
mod calls;

use std::sync::Arc;
use std::time::{Duration, Instant};

use async_trait::async_trait;
use metrics::Label;
use payment_domain::{Currency, RefundId, RefundReport, Report, Transaction, TxnId};
use tokio::sync::{Semaphore, SemaphorePermit};
use tracing::Instrument;
use tracing::field::Empty;

use self::breaker::{Breaker, End, Permit, Transition};
pub use self::calls::{CALL_LIMITS_MS, CallCounts, Calls};
use crate::{
    Answer, Availability, Closing, Evidence, Gateway, GatewayError, NoRefund, Order, Profile, Redirect,
    RefundOrder, RefundTerms, Refunding, StartMode, VerifyMode,
};

/// Histogram by `gateway`, `call` and `outcome`, in seconds.
const DURATION: &str = "gateway_request_duration_seconds";
/// Gauge by `gateway`: 1 while calls are let through, 0 while the breaker is open.
const AVAILABLE: &str = "gateway_available";
/// Counter by `gateway`: how often the breaker opened.
const OPENED: &str = "gateway_breaker_opened_total";
/// Counter by `gateway` and `reason`: calls that were not made.
const HELD_BACK: &str = "gateway_calls_held_back_total";
/// The retry time told to callers who found no free place in time.
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
    labels: Vec<Label>,
    counts: CallCounts,
}

impl Guarded {
    /// Puts a guard before a gateway.
    pub fn new(inner: Arc<dyn Gateway>, settings: GuardSettings) -> Guarded {
        let labels = vec![Label::new("gateway", inner.profile().name.to_string())];
        Guarded::labelled(inner, settings, labels)
    }

    /// Puts a guard before a gateway with a stored merchant account, which metrics name as well: its failures
    /// stop no other account.
    pub fn of_account(inner: Arc<dyn Gateway>, settings: GuardSettings, account: &str) -> Guarded {
        let gateway = Label::new("gateway", inner.profile().name.to_string());
        Guarded::labelled(inner, settings, vec![gateway, Label::new("account", account.to_owned())])
    }

    fn labelled(inner: Arc<dyn Gateway>, settings: GuardSettings, labels: Vec<Label>) -> Guarded {
        metrics::describe_gauge!(AVAILABLE, "1 while the gateway is called, 0 while its breaker is open");
        metrics::describe_counter!(OPENED, "How often the breaker of a gateway opened");
        metrics::describe_histogram!(
            DURATION,
            metrics::Unit::Seconds,
            "How long calls to a gateway took, by call and outcome"
        );
        metrics::describe_counter!(HELD_BACK, "Calls to a gateway that were not made, by reason");
        metrics::gauge!(AVAILABLE, labels.iter()).set(1.0);
        Guarded {
            calls: Semaphore::new(settings.calls_at_once.max(1)),
            verifications: Semaphore::new(settings.verifications_at_once.max(1)),
            longest_wait: settings.longest_wait,
            breaker: Breaker::new(settings),
            inner,
            labels,
            counts: CallCounts::default(),
        }
    }

    /// Counts its calls among these.
    #[must_use]
    pub fn counted_in(self, counts: &CallCounts) -> Guarded {
        Guarded { counts: counts.clone(), ..self }
    }

    /// Waits for a place, then takes a permit: the breaker may have opened during the wait.
    async fn enter<'a>(
        &'a self,
        call: &'static str,
        payment: &'a TxnId,
    ) -> Result<GuardedCall<'a>, GatewayError> {
        if let Some(retry_after) = self.breaker.blocked_for() {
            return Err(self.held_back("open", retry_after));
        }
        let place = self.place(&self.calls).await?;
        let permit = self.breaker.permit().map_err(|retry_after| self.held_back("open", retry_after))?;
        Ok(GuardedCall {
            guard: self,
            call,
            began: Instant::now(),
            payment,
            permit: Some(permit),
            _place: place,
        })
    }

    async fn place<'a>(&self, places: &'a Semaphore) -> Result<SemaphorePermit<'a>, GatewayError> {
        match tokio::time::timeout(self.longest_wait, places.acquire()).await {
            Ok(Ok(place)) => Ok(place),
            Ok(Err(_)) | Err(_) => Err(self.held_back("busy", WHILE_BUSY)),
        }
    }

    fn held_back(&self, reason: &'static str, retry_after: Duration) -> GatewayError {
        let labels: Vec<Label> = self.labels.iter().cloned().chain([Label::new("reason", reason)]).collect();
        metrics::counter!(HELD_BACK, labels).increment(1);
        GatewayError::Unavailable { retry_after }
    }

    fn ended(&self, permit: &Permit, payment: &TxnId, end: End) {
        let gateway = &self.profile().name;
        match self.breaker.ended(permit, payment, end) {
            None => {}
            Some(Transition::Opened) => {
                metrics::gauge!(AVAILABLE, self.labels.iter()).set(0.0);
                metrics::counter!(OPENED, self.labels.iter()).increment(1);
                tracing::error!(%gateway, "the gateway is down: it is not called for a while");
            }
            Some(Transition::Closed) => {
                metrics::gauge!(AVAILABLE, self.labels.iter()).set(1.0);
                tracing::info!(%gateway, "the gateway answers again");
            }
        }
    }
}

/// A call under way. Dropped without an end, its caller gave up waiting for the gateway.
struct GuardedCall<'a> {
    guard: &'a Guarded,
    call: &'static str,
    began: Instant,
    payment: &'a TxnId,
    permit: Option<Permit>,
    _place: SemaphorePermit<'a>,
}

impl GuardedCall<'_> {
    async fn make<T>(self, work: impl Future<Output = Result<T, GatewayError>>) -> Result<T, GatewayError> {
        let span = tracing::debug_span!(
            target: payment_trace::INNER,
            "gateway",
            otel.name = format_args!("gateway {}", self.call),
            otel.status_code = Empty,
            pg.gateway = %self.guard.profile().name,
            pg.txn_id = %self.payment,
            error.type = Empty,
        );
        let result = work.instrument(span.clone()).await;
        if result.is_err() {
            span.record("otel.status_code", "ERROR");
            span.record("error.type", outcome_of(&result));
        }
        self.ends(result)
    }

    fn ends<T>(mut self, result: Result<T, GatewayError>) -> Result<T, GatewayError> {
        if let Some(permit) = self.permit.take() {
            let end = end_of(&result);
            self.guard.ended(&permit, self.payment, end);
            self.measure(outcome_of(&result), end);
        }
        result
    }

    fn measure(&self, outcome: &'static str, end: End) {
        let (gateway, took) = (&self.guard.profile().name, self.began.elapsed());
        metrics::histogram!(DURATION, "gateway" => gateway.to_string(), "call" => self.call, "outcome" => outcome)
            .record(took);
        match end {
            End::NotTried => {}
            End::Answered | End::Failed => self.guard.counts.note(gateway, took, end == End::Failed),
        }
    }
}

impl Drop for GuardedCall<'_> {
    fn drop(&mut self) {
        if let Some(permit) = self.permit.take() {
            self.guard.ended(&permit, self.payment, End::Failed);
            self.measure("given_up", End::Failed);
        }
    }
}

fn outcome_of<T>(result: &Result<T, GatewayError>) -> &'static str {
    match result {
        Ok(_) => "answered",
        Err(GatewayError::NotSent(_)) => "not_sent",
        Err(GatewayError::LocalFault(_)) => "local_fault",
        Err(GatewayError::Unanswered(_)) => "unanswered",
        Err(GatewayError::Unreadable(_)) => "unreadable",
        Err(GatewayError::Refused { .. } | GatewayError::BadSignature | GatewayError::WrongTransaction) => {
            "refused"
        }
        Err(GatewayError::Unavailable { .. }) => "unavailable",
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
            // The gateway answered, with a retry time of its own.
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

    fn refunding(&self) -> Option<&dyn Refunding> {
        self.inner.refunding().map(|_| self as &dyn Refunding)
    }

    async fn start(&self, order: &Order<'_>) -> Result<Redirect, GatewayError> {
        // Its settings may have changed since the transaction was created: an adapter need not look.
        if !self.profile().currencies.include(order.txn.amount.currency()) {
            return Err(GatewayError::Refused { code: Currency::NOT_SUPPORTED.to_owned() });
        }
        match self.profile().start_mode {
            StartMode::Offline => self.inner.start(order).await,
            StartMode::Network => {
                let call = self.enter("start", &order.txn.id).await?;
                call.make(self.inner.start(order)).await
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
        let call = self.enter("status", &txn.id).await?;
        call.make(self.inner.status(txn)).await
    }
}

#[async_trait]
impl Refunding for Guarded {
    fn terms(&self, payment: &Transaction) -> Result<RefundTerms, NoRefund> {
        match self.inner.refunding() {
            Some(refunding) => refunding.terms(payment),
            None => Err(unable()),
        }
    }

    async fn refund(&self, order: &RefundOrder<'_>) -> Result<RefundReport, GatewayError> {
        let Some(refunding) = self.inner.refunding() else {
            return Err(GatewayError::NotSent(unable().into()));
        };
        let call = self.enter("refund", &order.payment.id).await?;
        call.make(refunding.refund(order)).await
    }

    async fn refund_status(&self, order: &RefundOrder<'_>) -> Result<RefundReport, GatewayError> {
        let Some(refunding) = self.inner.refunding() else {
            return Err(GatewayError::NotSent(unable().into()));
        };
        let call = self.enter("refund_status", &order.payment.id).await?;
        call.make(refunding.refund_status(order)).await
    }

    fn names_refund(&self, answer: &Answer) -> Option<RefundId> {
        self.inner.refunding()?.names_refund(answer)
    }
}

fn unable() -> NoRefund {
    NoRefund::Never
}

#[async_trait]
impl Closing for Guarded {
    async fn close(&self, txn: &Transaction) -> Result<Report, GatewayError> {
        let Some(closing) = self.inner.closing() else { return self.status(txn).await };
        let call = self.enter("close", &txn.id).await?;
        call.make(closing.close(txn)).await
    }
}

#[cfg(test)]
mod tests;
