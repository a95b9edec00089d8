//! Jobs and their runs.

use payment_domain::Timestamp;
use payment_store::{RunEnd, RunRecord};
use serde::Serialize;
use utoipa::ToSchema;

use crate::scheduler::Timing;

/// A job.
#[derive(Debug, Clone, Serialize, ToSchema)]
#[serde(rename_all = "camelCase")]
#[schema(as = Job)]
pub struct JobView {
    /// Its name.
    #[schema(example = "reconcile-early")]
    pub name: &'static str,
    /// Its purpose.
    pub purpose: &'static str,
    /// When it is due, in words.
    #[schema(example = "every 15m")]
    pub schedule: String,
    #[serde(skip)]
    pub timing: Timing,
    /// The moment of its next tick; null when there is none.
    #[schema(value_type = Option<i64>, required, example = 1_795_343_400_000_i64)]
    pub next_time: Option<Timestamp>,
    /// Its latest run; null before the first one.
    #[schema(required)]
    pub last_run: Option<RunView>,
}

/// A run of a job.
#[derive(Debug, Clone, Serialize, ToSchema)]
#[serde(rename_all = "camelCase")]
#[schema(as = JobRun)]
pub struct RunView {
    /// Its number; transactions that it changed name it in their history as `job#run`.
    #[schema(example = 4711)]
    pub run: i64,
    /// The job.
    #[schema(example = "reconcile-early")]
    pub job: String,
    /// Where it stands: RUNNING, FINISHED, CANCELLED, FAILED or TAKEN_OVER.
    #[schema(value_type = String, example = "FINISHED")]
    pub state: RunState,
    /// The reason for its failure, or the node that has taken over.
    #[schema(required)]
    pub reason: Option<String>,
    /// The moment its tick was scheduled for.
    #[schema(value_type = i64, example = 1_795_343_400_000_i64)]
    pub scheduled_time: Timestamp,
    /// When it began.
    #[schema(value_type = i64, example = 1_795_343_400_012_i64)]
    pub started_time: Timestamp,
    /// The end; null while it is under way.
    #[schema(value_type = Option<i64>, required, example = 1_795_343_401_730_i64)]
    pub ended_time: Option<Timestamp>,
    /// Until when its node has the right to go on, unless it renews it. Past this moment another
    /// node takes over.
    #[schema(value_type = i64, example = 1_795_343_415_012_i64)]
    pub lease_time: Timestamp,
    /// The node that runs it.
    #[schema(example = "pg-service-7d9f-1")]
    pub node: String,
    /// Which run of its tick it is, from 1.
    #[schema(example = 1)]
    pub attempt: u32,
    /// The number of earlier ticks it makes up for.
    #[schema(example = 0)]
    pub missed: u32,
    /// The number of things it looked at.
    #[schema(example = 12)]
    pub examined: u32,
    /// How many it changed.
    #[schema(example = 9)]
    pub changed: u32,
    /// How many are as undecided as before.
    #[schema(example = 2)]
    pub still_pending: u32,
    /// How many it could not deal with.
    #[schema(example = 1)]
    pub failed: u32,
}

/// The state of a run.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize)]
#[serde(rename_all = "SCREAMING_SNAKE_CASE")]
pub enum RunState {
    Running,
    Finished,
    Cancelled,
    Failed,
    TakenOver,
}

impl RunState {
    /// As it is written.
    pub fn as_str(self) -> &'static str {
        match self {
            RunState::Running => "RUNNING",
            RunState::Finished => "FINISHED",
            RunState::Cancelled => "CANCELLED",
            RunState::Failed => "FAILED",
            RunState::TakenOver => "TAKEN_OVER",
        }
    }

    /// The state in which a run ended, with the reason.
    pub fn ended(end: RunEnd) -> (RunState, Option<String>) {
        match end {
            RunEnd::Finished => (RunState::Finished, None),
            RunEnd::Cancelled => (RunState::Cancelled, None),
            RunEnd::Failed(reason) => (RunState::Failed, Some(reason)),
            RunEnd::TakenOver { by } => (RunState::TakenOver, Some(format!("taken over by {by}"))),
        }
    }
}

impl From<RunRecord> for RunView {
    fn from(run: RunRecord) -> RunView {
        let ended_time = run.ended.as_ref().map(|(at, _)| *at);
        let (state, reason) = run.ended.map_or((RunState::Running, None), |(_, end)| RunState::ended(end));
        RunView {
            run: run.fence.run_id,
            job: run.fence.job,
            state,
            reason,
            scheduled_time: run.scheduled_at,
            started_time: run.started_at,
            ended_time,
            lease_time: run.lease_until,
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
