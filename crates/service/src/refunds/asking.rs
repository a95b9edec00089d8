//! Status requests about sent refunds, and the decisions on their answers.

use std::time::Duration;

use payment_domain::refund::machine::{self, Calls, RefundVerdict, Repetition};
use payment_domain::{
    AttentionKind, HistoryEntry, HistoryReason, Money, Refund, RefundDetails, RefundOutcome, RefundReceipt,
    RefundReport, RefundStatus, StatusName, Timestamp, Transaction,
};
use payment_gateway::{GatewayError, RefundOrder};
use payment_store::{
    Applied, Attention, CancellationChange, ClosedCase, NewCase, RefundChange, RefundDue, Resolution,
};
use serde_json::{Value, json};

use super::counting::Step;
use super::later;
use super::record::{event, line};
use super::sending::RefundGateway;
use super::work::{Work, WorkError, Worker};
use super::{CancelReceipt, Refunds};

const DAY: Duration = Duration::from_secs(24 * 60 * 60);

/// The source of a report.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum ReportSource {
    /// The answer to the call that gives the money back.
    Call,
    /// The answer to a question, which was put after so many.
    Question { checks: u32 },
}

impl Refunds {
    /// Asks the gateway about a refund that was sent.
    pub(super) async fn ask(&self, refund: Refund, checks: u32, worker: &Worker) -> Result<Work, WorkError> {
        let gateway = match self.gateway_of(&refund).await? {
            Ok(gateway) => gateway,
            Err(reason) => return self.unanswered(&refund, reason, checks, worker).await,
        };
        let refunding = match gateway.refunding() {
            Ok(refunding) => refunding,
            Err(reason) => return self.unanswered(&refund, reason, checks, worker).await,
        };
        let order = RefundOrder {
            payment: &gateway.payment,
            id: &refund.id,
            amount: refund.amount,
            gateway_refund_id: refund.gateway_details.refund_id.as_deref(),
            notify_url: None,
        };
        let question = refunding.refund_status(&order);
        let answer = match tokio::time::timeout(self.ports.settings.gateway_wait, question).await {
            Ok(answer) => answer,
            Err(elapsed) => Err(GatewayError::Unanswered(elapsed.into())),
        };
        match answer {
            Ok(report) => {
                self.conclude(refund, &gateway, report, ReportSource::Question { checks }, worker).await
            }
            Err(GatewayError::Unavailable { retry_after }) => Err(WorkError::Unavailable { retry_after }),
            Err(error) => {
                let reason = HistoryReason::RefundNotAsked.with([&error.to_string()]);
                self.unanswered(&refund, reason, checks, worker).await
            }
        }
    }

    /// The refund keeps its status after a question without an answer, which is put again as long as one is of use.
    async fn unanswered(
        &self,
        refund: &Refund,
        reason: String,
        checks: u32,
        worker: &Worker,
    ) -> Result<Work, WorkError> {
        self.raise_beyond_life(refund, &reason, &Value::Null, worker).await?;
        let due = match refund.status {
            RefundStatus::Sent => RefundDue::In(self.settings().distance(checks)),
            RefundStatus::Succeeded if refund.returned_at.is_none() => {
                later::after_silence(self.age_of_success(refund).await?)
            }
            // Of these a caller asks alone.
            RefundStatus::Succeeded
            | RefundStatus::Failed
            | RefundStatus::Requested
            | RefundStatus::Approved
            | RefundStatus::Rejected
            | RefundStatus::Withdrawn
            | RefundStatus::Expired => RefundDue::Never,
        };
        let reason = match due == RefundDue::Never && refund.status == RefundStatus::Succeeded {
            true => HistoryReason::NotAskedAgain.with([&reason]),
            false => reason,
        };
        self.stay(refund, &reason, due, worker).await
    }

    /// Decides on a report, and stores the decision.
    pub(super) async fn conclude(
        &self,
        refund: Refund,
        gateway: &RefundGateway,
        report: RefundReport,
        source: ReportSource,
        worker: &Worker,
    ) -> Result<Work, WorkError> {
        let verdict =
            machine::decide(refund.status, refund.amount, &report.outcome, self.calls(&refund, gateway));
        tracing::info!(refund_id = %refund.id, txn_id = %refund.txn_id, outcome = report.outcome.name(), "refund reported");
        match verdict {
            RefundVerdict::Succeed => self.succeed(refund, gateway, report, worker).await,
            RefundVerdict::Fail { reason } => {
                let why = HistoryReason::SaysRefused.with([&reason]);
                let mut change = self.changed(&refund, RefundStatus::Failed, why, report, worker)?;
                if refund.receipt == RefundReceipt::Cancelled {
                    let why = HistoryReason::ReceiptCancelledInVain.with([]);
                    let evidence = json!({ "refundId": refund.id, "receipt": gateway.payment.receipt() });
                    let (kind, now) = (AttentionKind::ReceiptNeedsAdjustment, change.history.at);
                    change.case = Some(new_case(&gateway.payment, kind, &why, evidence, now, worker));
                }
                self.apply(change).await
            }
            RefundVerdict::Repeat if source != ReportSource::Call => {
                Box::pin(self.call(refund, gateway, HistoryReason::SentAgain, worker)).await
            }
            RefundVerdict::Returned { reason } if refund.returned_at.is_none() => {
                self.returned(refund, gateway, &reason, report, worker).await
            }
            RefundVerdict::Unclear { reason } => {
                self.raise_unclear(&refund, &reason, &report.raw, worker).await?;
                self.keep(refund, report, source, worker).await
            }
            RefundVerdict::Keep | RefundVerdict::Repeat | RefundVerdict::Returned { .. } => {
                let is_sent = refund.status == RefundStatus::Sent;
                if is_sent && source == ReportSource::Call && report.may_repeat {
                    let reason =
                        report.status_message.clone().unwrap_or_else(|| report.outcome.name().to_owned());
                    return self.not_taken(refund, reason, report.raw, worker).await;
                }
                let said = said(&report.outcome);
                self.raise_beyond_life(&refund, &said, &report.raw, worker).await?;
                self.keep(refund, report, source, worker).await
            }
        }
    }

    fn calls(&self, refund: &Refund, gateway: &RefundGateway) -> Calls {
        let now = self.ports.now();
        let since = |at: Option<Timestamp>| at.map_or(Duration::ZERO, |at| now.since(at));
        let terms = gateway.refunding().ok().and_then(|refunding| refunding.terms(&gateway.payment).ok());
        Calls {
            // Of a gateway that says nothing about it the worst is assumed.
            repetition: terms.map_or(Repetition::Doubles, |terms| terms.repetition),
            since_first: since(refund.calls.first_at),
            since_last: since(refund.calls.last_at),
            not_taken: refund.calls.not_taken,
            quiet_time: self.settings().quiet_time,
        }
    }

    /// The refund keeps its status; the gateway's words are stored when they are new.
    async fn keep(
        &self,
        refund: Refund,
        report: RefundReport,
        source: ReportSource,
        worker: &Worker,
    ) -> Result<Work, WorkError> {
        let due = match (refund.status, source) {
            (RefundStatus::Sent, ReportSource::Call) => RefundDue::In(self.settings().distance(0)),
            (RefundStatus::Sent, ReportSource::Question { checks }) => {
                RefundDue::In(self.settings().distance(checks.saturating_add(1)))
            }
            (RefundStatus::Succeeded, ReportSource::Question { .. }) if refund.returned_at.is_none() => {
                later::after_an_answer(self.age_of_success(&refund).await?)
            }
            (_, ReportSource::Call | ReportSource::Question { .. }) => RefundDue::Never,
        };
        let details = details(&refund, &report);
        if refund.status != RefundStatus::Sent || details == refund.gateway_details {
            return self.note(&refund, due, None, worker).await;
        }
        let why = said(&report.outcome);
        let mut change = self.changed(&refund, refund.status, why, report, worker)?;
        change.due = due;
        change.events = Vec::new();
        self.apply(change).await.map(|_| Work::Pending)
    }

    /// A change to `status` by a report, with its event.
    fn changed(
        &self,
        refund: &Refund,
        status: RefundStatus,
        why: String,
        report: RefundReport,
        worker: &Worker,
    ) -> Result<RefundChange, WorkError> {
        let (mut next, now) = self.next(refund, worker);
        next.status = status;
        next.gateway_details = details(refund, &report);
        Ok(RefundChange {
            due: RefundDue::Never,
            history: line(
                &next,
                Some(refund.status),
                now,
                &worker.actor,
                why,
                json!({ "answer": report.raw }),
            ),
            events: vec![event(&next, &worker.identity)?],
            audit: Vec::new(),
            case: None,
            closes: None,
            cancellation: CancellationChange::None,
            fence: worker.fence.clone(),
            refund: next,
        })
    }

    /// The gateway has given the money back: the receipt and the case of the payment follow in the same commit.
    async fn succeed(
        &self,
        refund: Refund,
        gateway: &RefundGateway,
        report: RefundReport,
        worker: &Worker,
    ) -> Result<Work, WorkError> {
        let payment = &gateway.payment;
        let others = self.ports.store.refunds_of(&refund.txn_id).await?;
        let given = others.iter().filter(|other| {
            other.id != refund.id
                && other.capture.key() == refund.capture.key()
                && other.status == RefundStatus::Succeeded
        });
        let given =
            Money::sum(given.map(|other| other.amount).chain([refund.amount]), refund.amount.currency());
        let is_whole = given.is_some_and(|given| given.minor() >= refund.capture.amount.minor());
        let why = HistoryReason::SaysGivenBack.with([&refund.amount.with_code()]);
        let mut change = self.changed(&refund, RefundStatus::Succeeded, why, report, worker)?;
        change.due = later::after_an_answer(Duration::ZERO);
        let has_receipt = payment.status.name() == StatusName::Success && !refund.capture.is_second;
        let cancel = self.settings().cancel_receipt;
        let now = change.history.at;
        match (has_receipt, is_whole, cancel) {
            (false, _, _) | (true, true, CancelReceipt::Never) => {}
            (true, true, CancelReceipt::OnSuccess | CancelReceipt::OnApproval) => {
                change.refund.receipt = RefundReceipt::ToCancel;
                change.cancellation = CancellationChange::Due { frees_bills: true };
            }
            (true, false, _) => {
                change.refund.receipt = RefundReceipt::NeedsAdjustment;
                let evidence = json!({
                    "refundId": refund.id,
                    "refunded": refund.amount.to_string(),
                    "refundedInAll": given.map(|given| given.to_string()),
                    "paid": refund.capture.amount.to_string(),
                    "receipt": payment.receipt(),
                });
                let reason = HistoryReason::PartGivenBack.with([&refund.amount.with_code()]);
                let kind = AttentionKind::ReceiptNeedsAdjustment;
                change.case = Some(new_case(payment, kind, &reason, evidence, now, worker));
            }
        }
        if let Some(case) = refund.case.filter(|_| is_whole) {
            let reason = format!("the payment was given back by refund {}", refund.id);
            let by = refund.decision.as_ref().map_or(&refund.requested_by, |decision| &decision.by).clone();
            change.closes = Some(ClosedCase {
                id: case,
                history: payment_line(
                    payment,
                    &HistoryReason::CaseResolvedByRefund.with([refund.id.as_str()]),
                    json!({ "case": case }),
                    now,
                    worker,
                ),
                resolution: Resolution { at: now, by, reason },
                release: payment.bill_keys(),
            });
        }
        // The receipt's part of the event.
        change.events = vec![event(&change.refund, &worker.identity)?];
        self.apply(change).await
    }

    /// The money of a refund that had succeeded came back: reported once, by an event and a case.
    async fn returned(
        &self,
        refund: Refund,
        gateway: &RefundGateway,
        reason: &str,
        report: RefundReport,
        worker: &Worker,
    ) -> Result<Work, WorkError> {
        let evidence =
            json!({ "refundId": refund.id, "amount": refund.amount.to_string(), "answer": report.raw });
        let why = HistoryReason::SaysReturned.with([reason]);
        let mut change = self.changed(&refund, refund.status, why.clone(), report, worker)?;
        let now = change.history.at;
        change.refund.returned_at = Some(now);
        change.events = vec![event(&change.refund, &worker.identity)?];
        change.case =
            Some(new_case(&gateway.payment, AttentionKind::RefundReturned, &why, evidence, now, worker));
        self.apply(change).await
    }

    /// Raises the case of a refund that its gateway does not decide within its life.
    async fn raise_beyond_life(
        &self,
        refund: &Refund,
        said: &str,
        raw: &Value,
        worker: &Worker,
    ) -> Result<(), WorkError> {
        let age = refund.calls.first_at.map_or(Duration::ZERO, |at| self.ports.now().since(at));
        if refund.status != RefundStatus::Sent || age < self.settings().life {
            return Ok(());
        }
        let days = (age.as_secs() / DAY.as_secs()).to_string();
        let reason = HistoryReason::SentDaysAgo.with([said, &days]);
        self.raise_unclear(refund, &reason, raw, worker).await
    }

    /// Raises the case of an approved refund that could not be sent for a day.
    pub(super) async fn raise_when_old(
        &self,
        refund: &Refund,
        reason: &str,
        raw: &Value,
        worker: &Worker,
    ) -> Result<(), WorkError> {
        let approved_at = refund.decision.as_ref().map_or(refund.audit.created_at, |decision| decision.at);
        if self.ports.now().since(approved_at) < DAY {
            return Ok(());
        }
        let reason = HistoryReason::ApprovedAndNotSent.with([reason]);
        self.raise_unclear(refund, &reason, raw, worker).await
    }

    /// Raises the case of a refund whose outcome only an operator can find out.
    async fn raise_unclear(
        &self,
        refund: &Refund,
        reason: &str,
        raw: &Value,
        worker: &Worker,
    ) -> Result<(), WorkError> {
        let Some(payment) = self.ports.store.transaction(&refund.txn_id).await? else { return Ok(()) };
        let evidence = json!({
            "refundId": refund.id,
            "amount": refund.amount.to_string(),
            "reason": reason,
            "calls": refund.calls.number,
            "outcome": raw,
        });
        let kind = AttentionKind::RefundUnclear;
        let case = new_case(&payment, kind, reason, evidence, self.ports.now(), worker);
        Ok(self.ports.raise_attention(case).await?)
    }
}

/// The gateway's words; its number of the refund stays once it is known.
fn details(refund: &Refund, report: &RefundReport) -> RefundDetails {
    RefundDetails {
        refund_id: report.gateway_refund_id.clone().or_else(|| refund.gateway_details.refund_id.clone()),
        status_code: report.status_code.clone(),
        status_message: report.status_message.clone().or_else(|| match &report.outcome {
            RefundOutcome::Failed { reason } | RefundOutcome::Unclear { reason } => Some(reason.clone()),
            RefundOutcome::Succeeded { .. }
            | RefundOutcome::Pending
            | RefundOutcome::NotFound
            | RefundOutcome::Unrecognised { .. } => None,
        }),
    }
}

/// The outcome by its name.
fn said(outcome: &RefundOutcome) -> String {
    let reason = match outcome {
        RefundOutcome::Succeeded { .. } => HistoryReason::SaysSucceeded,
        RefundOutcome::Pending => HistoryReason::SaysPending,
        RefundOutcome::Failed { .. } => HistoryReason::SaysFailed,
        RefundOutcome::NotFound => HistoryReason::SaysNotFound,
        RefundOutcome::Unclear { .. } => HistoryReason::SaysUnclear,
        RefundOutcome::Unrecognised { .. } => HistoryReason::SaysUnrecognised,
    };
    reason.with([])
}

fn payment_line(
    payment: &Transaction,
    why: &str,
    evidence: Value,
    at: Timestamp,
    worker: &Worker,
) -> HistoryEntry {
    HistoryEntry {
        txn_id: payment.id.clone(),
        at,
        actor: worker.actor.clone(),
        from: Some(payment.status.name()),
        to: payment.status.name(),
        why: why.to_owned(),
        evidence,
    }
}

fn new_case(
    payment: &Transaction,
    kind: AttentionKind,
    reason: &str,
    evidence: Value,
    at: Timestamp,
    worker: &Worker,
) -> NewCase {
    let why = HistoryReason::PutUp.with([reason, kind.as_str()]);
    NewCase {
        history: payment_line(payment, &why, evidence.clone(), at, worker),
        case: Attention { txn_id: payment.id.clone(), kind, raised_at: at, evidence },
        events: Vec::new(),
        hold: Vec::new(),
        fence: worker.fence.clone(),
    }
}

impl Refunds {
    /// Stores a change; one that comes too late changes nothing, the refund is worked on again.
    pub(super) async fn apply(&self, change: RefundChange) -> Result<Work, WorkError> {
        let (id, txn_id, status) =
            (change.refund.id.clone(), change.refund.txn_id.clone(), change.refund.status.as_str());
        let step = Step::of(&change);
        match self.ports.store.apply_refund(change).await? {
            Applied::Stored => {
                if let Some(step) = step {
                    step.count();
                }
                tracing::info!(refund_id = %id, %txn_id, status, "refund changed");
                Ok(Work::Done)
            }
            Applied::Stale => Ok(Work::Pending),
            Applied::Fenced => Err(WorkError::Fenced),
        }
    }
}
