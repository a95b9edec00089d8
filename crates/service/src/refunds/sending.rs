//! The call that moves money. It is counted and committed before it is made; whoever commits it makes it.

use std::sync::Arc;
use std::time::Duration;

use payment_domain::{
    HistoryReason, Refund, RefundId, RefundReport, RefundStatus, Report, StatusName, Transaction,
};
use payment_gateway::{Gateway, GatewayError, RefundOrder, Refunding};
use payment_store::{Applied, CancellationChange, RefundChange, RefundDue};
use serde_json::{Value, json};
use tracing::Instrument;

use super::Refunds;
use super::asking::ReportSource;
use super::capture::{Standing, standing};
use super::counting::Step;
use super::record::{event, line};
use super::work::{Work, WorkError, Worker};

/// The shortest wait for a gateway that gives no usable answer, or has not taken a refund on.
const NEXT_TRY: Duration = Duration::from_secs(60);

/// The gateway of a refund, ready to be called.
pub(super) struct RefundGateway {
    pub(super) payment: Transaction,
    pub(super) adapter: Arc<dyn Gateway>,
}

impl RefundGateway {
    pub(super) fn refunding(&self) -> Result<&dyn Refunding, String> {
        self.adapter.refunding().ok_or_else(|| format!("{} gives nothing back", self.payment.gateway))
    }
}

/// Whether an approved refund may leave.
enum Leave {
    Now,
    /// Definitely not: nothing was and nothing will be sent.
    Never(String),
    NotNow(String),
}

impl Refunds {
    /// The gateway of a refund, with the payment as the gateway is told of it.
    pub(super) async fn gateway_of(
        &self,
        refund: &Refund,
    ) -> Result<Result<RefundGateway, String>, WorkError> {
        let stored = self.ports.store.transaction(&refund.txn_id).await?;
        let Some(stored) = stored else { return Ok(Err("its payment is missing".to_owned())) };
        let adapter = match self.ports.gateways.of(&stored).await {
            Ok(adapter) => adapter,
            Err(reason) => return Ok(Err(reason)),
        };
        Ok(Ok(RefundGateway { payment: Refunds::target(&stored, &refund.capture), adapter }))
    }

    /// Sends an approved refund, after the gateway was asked about its payment once more.
    pub(super) async fn send(&self, refund: Refund, checks: u32, worker: &Worker) -> Result<Work, WorkError> {
        let gateway = match self.gateway_of(&refund).await? {
            Ok(gateway) => gateway,
            Err(reason) => return self.put_off(&refund, &reason, &Value::Null, checks, worker).await,
        };
        let report = match self.ask_about_payment(gateway.adapter.as_ref(), &gateway.payment).await {
            Ok(report) => report,
            Err(GatewayError::Unavailable { retry_after }) => {
                return Err(WorkError::Unavailable { retry_after });
            }
            Err(error) => {
                let reason = HistoryReason::PaymentNotAsked.with([&error.to_string()]);
                return self.put_off(&refund, &reason, &Value::Null, checks, worker).await;
            }
        };
        match self.may_leave(&refund, &gateway, &report).await? {
            Leave::Now => self.call(refund, &gateway, HistoryReason::Sent, worker).await,
            Leave::NotNow(reason) => self.put_off(&refund, &reason, &report.raw, checks, worker).await,
            Leave::Never(reason) => {
                let why = HistoryReason::NotSent.with([&reason]);
                self.end_unsent(refund, why, report.raw, worker).await
            }
        }
    }

    /// An approved refund waits; longer from time to time, and after a day people are told.
    async fn put_off(
        &self,
        refund: &Refund,
        reason: &str,
        raw: &Value,
        checks: u32,
        worker: &Worker,
    ) -> Result<Work, WorkError> {
        self.raise_when_old(refund, reason, raw, worker).await?;
        self.wait(refund, reason, self.settings().distance(checks).max(NEXT_TRY), worker).await
    }

    async fn may_leave(
        &self,
        refund: &Refund,
        gateway: &RefundGateway,
        report: &Report,
    ) -> Result<Leave, WorkError> {
        let refunding = match gateway.refunding() {
            Ok(refunding) => refunding,
            Err(reason) => return Ok(Leave::Never(reason)),
        };
        if let Err(no) = refunding.terms(&gateway.payment) {
            return Ok(Leave::Never(no.to_string()));
        }
        let others = self.ports.store.refunds_of(&refund.txn_id).await?;
        let left = match Refunds::left(&others, &refund.capture) {
            Ok(left) => left,
            Err(error) => return Ok(Leave::NotNow(error.to_string())),
        };
        let told = match standing(report, left) {
            Standing::Paid(told) => told,
            Standing::GivenBack(reason) => return Ok(Leave::Never(reason)),
            Standing::Doubtful(reason) => return Ok(Leave::NotNow(reason.to_string())),
        };
        let is_failure = gateway.payment.status.name() == StatusName::Failure;
        Ok(match told {
            _ if refund.capture.is_second => Leave::Now,
            Some(told) if told.currency() != refund.amount.currency() => {
                Leave::NotNow("the gateway reports another currency".to_owned())
            }
            Some(told) if told.minor() < refund.capture.amount.minor() => Leave::NotNow(format!(
                "the gateway reports {} as paid, and {} was captured at the request",
                told.with_code(),
                refund.capture.amount.with_code()
            )),
            None if is_failure => Leave::NotNow("the gateway does not say how much was taken".to_owned()),
            Some(_) | None => Leave::Now,
        })
    }

    /// Ends an approved refund that is not sent.
    async fn end_unsent(
        &self,
        refund: Refund,
        why: String,
        raw: Value,
        worker: &Worker,
    ) -> Result<Work, WorkError> {
        let (mut next, now) = self.next(&refund, worker);
        next.status = RefundStatus::Failed;
        next.gateway_details.status_message = Some(why.clone());
        let change = RefundChange {
            due: RefundDue::Never,
            history: line(&next, Some(refund.status), now, &worker.actor, why, json!({ "answer": raw })),
            events: vec![event(&next, &worker.identity)?],
            audit: Vec::new(),
            case: None,
            closes: None,
            cancellation: CancellationChange::None,
            fence: worker.fence.clone(),
            refund: next,
        };
        self.apply(change).await
    }

    /// Commits that the call is made, makes it, and stores what follows from its answer.
    pub(super) async fn call(
        &self,
        refund: Refund,
        gateway: &RefundGateway,
        why: HistoryReason,
        worker: &Worker,
    ) -> Result<Work, WorkError> {
        let refunding = match gateway.refunding() {
            Ok(refunding) => refunding,
            Err(reason) => return self.wait(&refund, &reason, NEXT_TRY, worker).await,
        };
        let began = self.ports.clock.stopwatch();
        let (mut next, now) = self.next(&refund, worker);
        next.status = RefundStatus::Sent;
        next.calls.number += 1;
        next.calls.first_at = next.calls.first_at.or(Some(now));
        next.calls.last_at = Some(now);
        next.calls.not_taken = false;
        let evidence = json!({ "call": next.calls.number });
        let change = RefundChange {
            due: RefundDue::In(self.ports.settings.gateway_wait + self.settings().distance(0)),
            history: line(&next, Some(refund.status), now, &worker.actor, why.with([]), evidence),
            events: match refund.status {
                RefundStatus::Sent => Vec::new(),
                RefundStatus::Requested
                | RefundStatus::Approved
                | RefundStatus::Succeeded
                | RefundStatus::Failed
                | RefundStatus::Rejected
                | RefundStatus::Withdrawn
                | RefundStatus::Expired => vec![event(&next, &worker.identity)?],
            },
            audit: Vec::new(),
            case: None,
            closes: None,
            cancellation: CancellationChange::None,
            fence: worker.fence.clone(),
            refund: next.clone(),
        };
        let step = Step::of(&change);
        match self.ports.store.apply_refund(change).await? {
            Applied::Stored => {
                if let Some(step) = step {
                    step.count();
                }
            }
            Applied::Stale => return Ok(Work::Done),
            Applied::Fenced => return Err(WorkError::Fenced),
        }
        // A process that stalled here makes no call that others may have taken for lost.
        if self.ports.clock.stopwatch().saturating_sub(began) > self.settings().quiet_time / 3 {
            return Ok(Work::Pending);
        }
        let notify_url = self.ports.settings.redirects.notify_url(&next.gateway);
        let order = RefundOrder {
            payment: &gateway.payment,
            id: &next.id,
            amount: next.amount,
            gateway_refund_id: next.gateway_details.refund_id.as_deref(),
            notify_url: notify_url.as_deref(),
        };
        let call = refunding.refund(&order);
        let answer = match tokio::time::timeout(self.ports.settings.gateway_wait, call).await {
            Ok(answer) => answer,
            Err(elapsed) => Err(GatewayError::Unanswered(elapsed.into())),
        };
        self.answered(next, gateway, answer, worker).await
    }

    async fn answered(
        &self,
        refund: Refund,
        gateway: &RefundGateway,
        answer: Result<RefundReport, GatewayError>,
        worker: &Worker,
    ) -> Result<Work, WorkError> {
        match answer {
            Ok(report) => Box::pin(self.conclude(refund, gateway, report, ReportSource::Call, worker)).await,
            Err(error) => {
                metrics::counter!("refund_calls_failed_total", "gateway" => refund.gateway.to_string())
                    .increment(1);
                tracing::warn!(refund_id = %refund.id, txn_id = %refund.txn_id, %error, "the gateway gave no usable answer to a refund");
                match error {
                    GatewayError::NotSent(_)
                    | GatewayError::LocalFault(_)
                    | GatewayError::Unavailable { .. } => {
                        self.not_taken(refund, error.to_string(), Value::Null, worker).await
                    }
                    GatewayError::Unanswered(_)
                    | GatewayError::Unreadable(_)
                    | GatewayError::Refused { .. }
                    | GatewayError::BadSignature
                    | GatewayError::WrongTransaction => {
                        self.wait(&refund, &error.to_string(), self.settings().distance(0), worker).await
                    }
                }
            }
        }
    }

    /// Notes that the latest call certainly gave nothing back: it may be made again once the gateway, asked, knows
    /// nothing of it.
    pub(super) async fn not_taken(
        &self,
        refund: Refund,
        reason: String,
        raw: Value,
        worker: &Worker,
    ) -> Result<Work, WorkError> {
        let (mut next, now) = self.next(&refund, worker);
        next.calls.not_taken = true;
        let why = HistoryReason::NotTakenOn.with([&reason]);
        let change = RefundChange {
            due: RefundDue::In(NEXT_TRY),
            history: line(&next, Some(refund.status), now, &worker.actor, why, json!({ "answer": raw })),
            events: Vec::new(),
            audit: Vec::new(),
            case: None,
            closes: None,
            cancellation: CancellationChange::None,
            fence: worker.fence.clone(),
            refund: next,
        };
        match self.apply(change).await? {
            Work::Done | Work::Pending => Ok(Work::Pending),
            failed @ Work::Failed(_) => Ok(failed),
        }
    }

    /// Works on a refund at once, beside the request that approved it. Should the process die, the job does it.
    pub(super) fn begin(&self, id: &RefundId) {
        let (refunds, id) = (self.clone(), id.clone());
        let worker = Worker::system(&self.ports.settings);
        let work = async move {
            if let Err(error) = refunds.work_on(&id, 0, &worker).await {
                tracing::warn!(refund_id = %id, %error, "an approved refund is left to the job");
            }
        };
        self.ports.tasks.spawn(work.in_current_span());
    }
}
