//! `POST /jobs/v1/{name}/_run`: runs a job now, on this node.

use axum::extract::rejection::PathRejection;
use axum::extract::{Path, State};
use payment_domain::AuditAction;
use payment_service::{RunByHandError, RunView};
use payment_store::Fence;
use serde::Serialize;
use utoipa::ToSchema;

use super::run_reconciliation::ANONYMOUS_OPERATOR;
use super::{ACTS, patience};
use crate::app::{App, Shared};
use crate::caller::Called;
use crate::error::ApiError;
use crate::openapi::failures;
use crate::reply::Reply;
use crate::request_info::{RequestInfoBody, ResponseInfo};

/// The answer to a request to run a job.
#[derive(Serialize, ToSchema)]
#[serde(rename_all = "PascalCase")]
pub(crate) struct JobRunResponse {
    response_info: ResponseInfo,
    /// The run, as it is recorded.
    run: RunView,
}

/// Run a job now.
///
/// Runs it on the node that takes the request, beside its schedule, unless a run is under way. The run
/// continues when the caller disconnects. When it takes longer than half of the time limit of requests, the
/// answer is 202 with the current state of the run; `_history` shows its outcome.
#[utoipa::path(
    post,
    path = "/jobs/v1/{name}/_run",
    operation_id = "runJob",
    tag = super::TAG,
    security(("operatorToken" = []), ("apiToken" = []), ()),
    params(("name" = String, Path, description = "The job, as `_search` names it.", example = "reconcile-early")),
    request_body(content = RequestInfoBody, description = "Who asks; may be missing."),
    responses(
        (status = 200, description = "The run has ended: its `state` says how.", body = JobRunResponse),
        (status = 202, description = "The run goes on.", body = JobRunResponse),
        failures::OperatingOnce,
    ),
)]
pub(crate) async fn run(
    State(app): Shared,
    name: Result<Path<String>, PathRejection>,
    Called { caller, body }: Called,
) -> Result<Reply, ApiError> {
    caller.of_installation(&app, ACTS).await?;
    let info = RequestInfoBody::read(&body)?;
    let operators = &app.operators;
    let unknown = || ApiError::UnknownJob(operators.scheduler.names());
    let Path(name) = name.map_err(|_| unknown())?;
    if !operators.scheduler.names().contains(&name.as_str()) {
        return Err(unknown());
    }
    let stated = info.user("uuid").map(|uuid| uuid.into_owned());
    let by = caller.name(stated).unwrap_or_else(|| ANONYMOUS_OPERATOR.to_owned());
    app.payments.audit.acts(caller.actor(ACTS, &by), AuditAction::JobRunByHand, "job", name.as_str()).await?;
    let begun = operators.scheduler.begin_by_hand(&name).await.map_err(|error| match error {
        RunByHandError::Unknown => unknown(),
        RunByHandError::Busy(_) => ApiError::JobAtWork,
        RunByHandError::ClockDiffers(_) => ApiError::JobsSuspended,
        RunByHandError::Store(error) => error.into(),
    })?;
    let fence = begun.begun().fence.clone();
    tracing::info!(job = name, run = fence.run_id, "an operator runs a job");
    let stop = operators.stop.clone();
    let work = app.payments.ports.tasks.spawn(async move { begun.carry_out(&stop).await });
    let ended = match tokio::time::timeout(patience(&app.limits), work).await {
        Ok(Ok(_finished)) => true,
        Ok(Err(_)) => return Err(ApiError::Internal("a run by hand broke off")),
        Err(_elapsed) => false,
    };
    let answer =
        JobRunResponse { response_info: ResponseInfo::answering(&info), run: recorded(&app, &fence).await? };
    let reply = Reply::of(&answer)?;
    Ok(if ended { reply } else { reply.accepted() })
}

/// The run as it is recorded. Only runs begun since are newer, and a job has one at a time.
async fn recorded(app: &App, fence: &Fence) -> Result<RunView, ApiError> {
    const NEWEST: u32 = 50;
    let runs = app.payments.ports.store.runs(Some(&fence.job), NEWEST).await?;
    let run = runs.into_iter().find(|run| run.fence.run_id == fence.run_id);
    run.map(RunView::from).ok_or(ApiError::Internal("a run by hand was not recorded"))
}
