//! Jobs, runs and cases as operators read them; times in epoch milliseconds.

use payment_domain::Timestamp;
use payment_service::{Advice, JobOverview, OtherPayment, mask_evidence};
use payment_store::{AttentionCase, Resolution, RunEnd, RunRecord};
use serde::Serialize;
use serde_json::Value;
use utoipa::ToSchema;

/// A job.
#[derive(Serialize, ToSchema)]
#[serde(rename_all = "camelCase")]
#[schema(as = Job)]
pub(crate) struct JobView {
    /// Its name.
    #[schema(example = "reconcile-early")]
    name: &'static str,
    /// What it does.
    purpose: &'static str,
    /// When it is due, in words.
    #[schema(example = "every 15m")]
    schedule: String,
    /// The moment of its next tick; null when there is none.
    #[schema(required, example = 1_795_343_400_000_i64)]
    next_time: Option<i64>,
    /// Its latest run; null before the first one.
    #[schema(required)]
    last_run: Option<RunView>,
}

impl From<JobOverview> for JobView {
    fn from(job: JobOverview) -> JobView {
        JobView {
            name: job.name,
            purpose: job.purpose,
            schedule: job.schedule,
            next_time: job.next.map(Timestamp::as_millis),
            last_run: job.last_run.map(RunView::from),
        }
    }
}

/// A run of a job.
#[derive(Serialize, ToSchema)]
#[serde(rename_all = "camelCase")]
#[schema(as = JobRun)]
pub(crate) struct RunView {
    /// Its number; transactions that it changed name it in their history as `job#run`.
    #[schema(example = 4711)]
    run: i64,
    /// The job.
    #[schema(example = "reconcile-early")]
    job: String,
    /// Where it stands: RUNNING, FINISHED, CANCELLED, FAILED or TAKEN_OVER.
    #[schema(example = "FINISHED")]
    state: &'static str,
    /// Why it failed, or which node has taken over.
    #[schema(required)]
    reason: Option<String>,
    /// The moment its tick was scheduled for.
    #[schema(example = 1_795_343_400_000_i64)]
    scheduled_time: i64,
    /// When it began.
    #[schema(example = 1_795_343_400_012_i64)]
    started_time: i64,
    /// When it ended; null while it is at work.
    #[schema(required, example = 1_795_343_401_730_i64)]
    ended_time: Option<i64>,
    /// Until when its node has the right to go on, unless it renews it. Past this moment another
    /// node takes over.
    #[schema(example = 1_795_343_415_012_i64)]
    lease_time: i64,
    /// The node that runs it.
    #[schema(example = "pg-service-7d9f-1")]
    node: String,
    /// Which run of its tick it is, from 1.
    #[schema(example = 1)]
    attempt: u32,
    /// How many earlier ticks it makes up for.
    #[schema(example = 0)]
    missed: u32,
    /// How many things it looked at.
    #[schema(example = 12)]
    examined: u32,
    /// How many it changed.
    #[schema(example = 9)]
    changed: u32,
    /// How many are as undecided as before.
    #[schema(example = 2)]
    still_pending: u32,
    /// How many it could not deal with.
    #[schema(example = 1)]
    failed: u32,
}

impl From<RunRecord> for RunView {
    fn from(run: RunRecord) -> RunView {
        let ended_time = run.ended.as_ref().map(|(at, _)| at.as_millis());
        let (state, reason) = match run.ended.map(|(_, end)| end) {
            None => ("RUNNING", None),
            Some(RunEnd::Finished) => ("FINISHED", None),
            Some(RunEnd::Cancelled) => ("CANCELLED", None),
            Some(RunEnd::Failed(reason)) => ("FAILED", Some(reason)),
            Some(RunEnd::TakenOver { by }) => ("TAKEN_OVER", Some(format!("taken over by {by}"))),
        };
        RunView {
            run: run.fence.run_id,
            job: run.fence.job,
            state,
            reason,
            scheduled_time: run.scheduled_at.as_millis(),
            started_time: run.started_at.as_millis(),
            ended_time,
            lease_time: run.lease_until.as_millis(),
            node: run.node,
            attempt: run.attempt,
            missed: run.missed,
            examined: run.tally.examined,
            changed: run.tally.changed,
            still_pending: run.tally.still_pending,
            failed: run.tally.failed,
        }
    }
}

/// A case on the attention list.
#[derive(Serialize, ToSchema)]
#[serde(rename_all = "camelCase")]
#[schema(as = AttentionCase)]
pub(crate) struct CaseView {
    /// Its number; a later case has a larger one.
    #[schema(example = 17)]
    id: i64,
    /// The transaction.
    #[schema(example = "PB_PG_2026_11_22_000072_14")]
    txn_id: String,
    /// What is the matter.
    #[schema(example = "late-success")]
    kind: &'static str,
    /// When it was noticed.
    #[schema(example = 1_795_343_400_000_i64)]
    raised_time: i64,
    /// What it rests on, as it was when the case was raised: the gateway's or the collection service's
    /// words. What speaks of a person is starred.
    #[schema(value_type = Object)]
    evidence: Value,
    /// What to do about it, as things stand now.
    recommended_action: String,
    /// The other payments of the same bills as they stand now, where what to do may depend on them.
    other_payments: Vec<OtherPaymentView>,
    /// How it ended; null while it is open.
    #[schema(required)]
    resolution: Option<ResolutionView>,
}

/// Another payment of a bill that the transaction of a case pays.
#[derive(Serialize, ToSchema)]
#[serde(rename_all = "camelCase")]
#[schema(as = OtherPayment)]
pub(crate) struct OtherPaymentView {
    /// The bill.
    #[schema(example = "ac8d5d1c-2f51-4bb5-a9cc-b2bf8b1e4a4e")]
    bill_id: String,
    /// The other transaction.
    #[schema(example = "PB_PG_2026_11_22_000073_11")]
    txn_id: String,
    /// Where that one stands now.
    #[schema(example = "SUCCESS")]
    txn_status: &'static str,
}

impl From<OtherPayment> for OtherPaymentView {
    fn from(other: OtherPayment) -> OtherPaymentView {
        OtherPaymentView {
            bill_id: other.bill_id.into(),
            txn_id: other.txn_id.into(),
            txn_status: other.status.as_str(),
        }
    }
}

/// How a case ended.
#[derive(Serialize, ToSchema)]
#[serde(rename_all = "camelCase")]
#[schema(as = Resolution)]
pub(crate) struct ResolutionView {
    /// When.
    #[schema(example = 1_795_350_600_000_i64)]
    time: i64,
    /// Who resolved it.
    #[schema(example = "clerk-7")]
    by: String,
    /// Why, or what was done.
    #[schema(example = "refunded in the portal, reference 4711")]
    reason: String,
}

impl From<Resolution> for ResolutionView {
    fn from(resolution: Resolution) -> ResolutionView {
        ResolutionView { time: resolution.at.as_millis(), by: resolution.by, reason: resolution.reason }
    }
}

impl CaseView {
    pub(crate) fn of(stored: AttentionCase, advice: Advice) -> CaseView {
        let AttentionCase { id, case, resolution } = stored;
        let mut evidence = case.evidence;
        mask_evidence(&mut evidence);
        CaseView {
            id,
            txn_id: case.txn_id.into(),
            kind: case.kind.as_str(),
            raised_time: case.raised_at.as_millis(),
            evidence,
            recommended_action: advice.action,
            other_payments: advice.other_payments.into_iter().map(OtherPaymentView::from).collect(),
            resolution: resolution.map(ResolutionView::from),
        }
    }
}
