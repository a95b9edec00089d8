//! `POST /tokens/v1/{id}/_revoke`: ends a token.

use axum::extract::rejection::PathRejection;
use axum::extract::{Path, State};
use payment_service::TokenError;
use serde::Serialize;
use utoipa::ToSchema;

use super::admin;
use crate::app::Shared;
use crate::caller::Called;
use crate::error::ApiError;
use crate::openapi::failures;
use crate::reply::Reply;
use crate::request_info::{RequestInfoBody, ResponseInfo};

/// The answer to a revocation.
#[derive(Serialize, ToSchema)]
#[serde(rename_all = "PascalCase")]
pub(crate) struct RevokedResponse {
    response_info: ResponseInfo,
}

/// Revoke a token.
///
/// It proves nothing from the next request on.
#[utoipa::path(
    post,
    path = "/tokens/v1/{id}/_revoke",
    operation_id = "revokeToken",
    tag = super::TAG,
    security(("apiToken" = []), ()),
    params(("id" = String, Path, description = "The token, as `_search` names it.", example = "pgs_3kQ9xWm1")),
    request_body(content = RequestInfoBody, description = "Who asks; may be missing."),
    responses((status = 200, description = "It is revoked.", body = RevokedResponse), failures::OperatingOnce),
)]
pub(crate) async fn revoke(
    State(app): Shared,
    id: Result<Path<String>, PathRejection>,
    Called { caller, body }: Called,
) -> Result<Reply, ApiError> {
    let admin = admin(&app, &caller).await?;
    let info = RequestInfoBody::read(&body)?;
    let Path(id) = id.map_err(|_| TokenError::NotFound)?;
    app.payments.tokens.revoke(&admin, &id).await?;
    Reply::of(&RevokedResponse { response_info: ResponseInfo::answering(&info) })
}
