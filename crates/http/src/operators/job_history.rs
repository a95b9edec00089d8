//! `POST /jobs/v1/_history`: the runs of jobs.

use axum::extract::State;
use payment_domain::RequestInfo;
use payment_service::RunView;
use serde::{Deserialize, Serialize};
use utoipa::ToSchema;

use super::{READS, fields};
use crate::app::Shared;
use crate::caller::Called;
use crate::error::ApiError;
use crate::json::Scalar;
use crate::openapi::{RequestInfoSchema, failures};
use crate::reply::Reply;
use crate::request_info::{self, ResponseInfo};
use crate::validation::{Field, TextRule, Violations};

/// Which runs are looked for.
#[derive(Default, Deserialize, ToSchema)]
pub(crate) struct JobHistoryBody<'a> {
    /// The caller.
    #[serde(rename = "RequestInfo")]
    #[schema(value_type = Option<RequestInfoSchema>)]
    info: Option<RequestInfo>,
    /// Only runs of this job.
    #[serde(borrow)]
    #[schema(value_type = Option<String>, max_length = 64, example = "reconcile-early")]
    job: Option<Scalar<'a>>,
    /// The largest number of runs; 100 by default.
    #[serde(borrow)]
    #[schema(value_type = Option<u32>, minimum = 1, maximum = 500, example = 20)]
    limit: Option<Scalar<'a>>,
}

/// The answer to a search for runs.
#[derive(Serialize, ToSchema)]
#[serde(rename_all = "PascalCase")]
pub(crate) struct JobHistoryResponse {
    response_info: ResponseInfo,
    /// Newest first.
    runs: Vec<RunView>,
}

/// List the runs of jobs.
///
/// Newest first, of one job or of all: the node of each run, its work, and its outcome.
#[utoipa::path(
    post,
    path = "/jobs/v1/_history",
    operation_id = "jobHistory",
    tag = super::TAG,
    security(("operatorToken" = []), ("apiToken" = []), ()),
    request_body(content = JobHistoryBody, description = "Which runs; may be missing."),
    responses((status = 200, description = "The runs, newest first.", body = JobHistoryResponse), failures::Operating),
)]
pub(crate) async fn history(State(app): Shared, Called { caller, body }: Called) -> Result<Reply, ApiError> {
    caller.of_installation(&app, READS).await?;
    let JobHistoryBody { info, job, limit } = body.optional_json()?.unwrap_or_default();
    let info = info.unwrap_or_default();
    request_info::check(&info)?;
    let mut found = Violations::default();
    let job = found.optional(Field("jobs", "job"), job, TextRule::line(1, 64));
    let limit = fields::limit(&mut found, Field("jobs", "limit"), limit);
    if !found.is_empty() {
        return Err(found.into_error());
    }
    let names = app.operators.scheduler.names();
    if job.as_deref().is_some_and(|job| !names.contains(&job)) {
        return Err(ApiError::UnknownJob(names));
    }
    let runs = app.payments.ports.store.runs(job.as_deref(), limit).await?;
    Reply::of(&JobHistoryResponse {
        response_info: ResponseInfo::answering(&info),
        runs: runs.into_iter().map(RunView::from).collect(),
    })
}
