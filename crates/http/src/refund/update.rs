//! `POST` or `GET /refund/v1/_update`: asks the gateway about a refund.

use axum::extract::State;
use payment_domain::Actor;
use payment_service::{PersonalData, RefundError};

use super::{ASKS, RefundResponse, answer, find};
use crate::app::Shared;
use crate::caller::Called;
use crate::error::ApiError;
use crate::openapi::failures;
use crate::params::QueryParams;
use crate::reply::Reply;
use crate::request_info::{RequestInfoBody, ResponseInfo};

/// Ask the gateway about a refund.
///
/// Answers with the refund as it stands then. One that was not sent, and one about which the gateway gives no answer,
/// stays as it is. Repeating it is safe.
#[utoipa::path(
    post,
    path = "/refund/v1/_update",
    operation_id = "updateRefund",
    tag = super::TAG,
    security(("operatorToken" = []), ("apiToken" = []), ()),
    params(("refundId" = String, Query, description = "The refund.", example = "RF0123456789")),
    request_body(content = RequestInfoBody, description = "Who asks; may be missing."),
    responses((status = 200, description = "The refund as it stands now.", body = RefundResponse), failures::Refunding),
)]
pub(crate) async fn post(
    State(app): Shared,
    query: QueryParams,
    Called { caller, body }: Called,
) -> Result<Reply, ApiError> {
    let within = caller.scopes(&app, ASKS).await?;
    let info = RequestInfoBody::read(&body)?;
    let id = query.text("refundId").ok_or(RefundError::NotFound)?;
    let stored = find(&app, id, within.as_deref()).await?;
    let actor = Actor::user(caller.name(None).unwrap_or_else(|| "operator".to_owned()));
    let asker = caller.acting(actor, &info);
    let refund = app.payments.refunds.update(&stored.id, within.as_deref(), &asker).await?;
    answer(&app, ResponseInfo::answering(&info), &refund, PersonalData::Masked).await
}

/// Ask the gateway about a refund, by `GET`.
///
/// The same.
#[utoipa::path(
    get,
    path = "/refund/v1/_update",
    operation_id = "updateRefundByGet",
    tag = super::TAG,
    security(("operatorToken" = []), ("apiToken" = []), ()),
    params(("refundId" = String, Query, description = "The refund.", example = "RF0123456789")),
    responses((status = 200, description = "The refund as it stands now.", body = RefundResponse), failures::Refunding),
)]
pub(crate) async fn get(state: Shared, query: QueryParams, called: Called) -> Result<Reply, ApiError> {
    post(state, query, called).await
}
