//! `POST /jobs/v1/_search`: the jobs, their next ticks and latest runs.

use axum::extract::State;
use payment_service::JobView;
use serde::Serialize;
use utoipa::ToSchema;

use super::READS;
use crate::app::Shared;
use crate::caller::Called;
use crate::error::ApiError;
use crate::openapi::failures;
use crate::reply::Reply;
use crate::request_info::{RequestInfoBody, ResponseInfo};

#[derive(Serialize, ToSchema)]
#[serde(rename_all = "PascalCase")]
pub(crate) struct JobsResponse {
    response_info: ResponseInfo,
    /// Every job of the service.
    jobs: Vec<JobView>,
}

/// List the jobs.
///
/// The purpose of each, its next time, and its latest run on any node.
#[utoipa::path(
    post,
    path = "/jobs/v1/_search",
    operation_id = "searchJobs",
    tag = super::TAG,
    security(("operatorToken" = []), ("apiToken" = []), ()),
    request_body(content = RequestInfoBody, description = "Who asks; may be missing."),
    responses((status = 200, description = "Every job.", body = JobsResponse), failures::Operating),
)]
pub(crate) async fn search(State(app): Shared, Called { caller, body }: Called) -> Result<Reply, ApiError> {
    caller.of_installation(&app, READS).await?;
    let info = RequestInfoBody::read(&body)?;
    Reply::of(&JobsResponse {
        response_info: ResponseInfo::answering(&info),
        jobs: app.operators.scheduler.overview().await?,
    })
}
