//! `POST /tokens/v1/_search`: the tokens of the caller's tenants.

use axum::extract::State;
use payment_domain::RequestInfo;
use payment_service::ApiTokenView;
use serde::{Deserialize, Serialize};
use utoipa::ToSchema;

use super::admin;
use crate::app::Shared;
use crate::caller::Called;
use crate::error::ApiError;
use crate::json::Scalar;
use crate::openapi::{RequestInfoSchema, failures};
use crate::reply::Reply;
use crate::request_info::{self, ResponseInfo};

/// Which tokens are looked for.
#[derive(Default, Deserialize, ToSchema)]
pub(crate) struct TokenSearchBody<'a> {
    /// The caller.
    #[serde(rename = "RequestInfo")]
    #[schema(value_type = Option<RequestInfoSchema>)]
    info: Option<RequestInfo>,
    /// Expired and revoked ones, too.
    #[serde(borrow)]
    #[schema(value_type = Option<bool>, example = false)]
    all: Option<Scalar<'a>>,
}

/// The answer to a search for tokens.
#[derive(Serialize, ToSchema)]
#[serde(rename_all = "PascalCase")]
pub(crate) struct TokensResponse {
    response_info: ResponseInfo,
    /// Newest first, 500 at most.
    tokens: Vec<ApiTokenView>,
}

/// List tokens.
///
/// Tokens whose every role is at a tenant at which the caller has PG_ADMIN, and the caller's own; never their
/// secrets.
#[utoipa::path(
    post,
    path = "/tokens/v1/_search",
    operation_id = "searchTokens",
    tag = super::TAG,
    security(("apiToken" = []), ()),
    request_body(content = TokenSearchBody, description = "Which tokens; may be missing."),
    responses((status = 200, description = "The tokens, newest first.", body = TokensResponse), failures::Operating),
)]
pub(crate) async fn search(State(app): Shared, Called { caller, body }: Called) -> Result<Reply, ApiError> {
    let admin = admin(&app, &caller).await?;
    let TokenSearchBody { info, all } = body.optional_json()?.unwrap_or_default();
    let info = info.unwrap_or_default();
    request_info::check(&info)?;
    let all = all.is_some_and(|Scalar(text)| text == "true");
    let tokens = app.payments.tokens.list(&admin, !all).await?;
    let now = app.payments.ports.clock.now();
    Reply::of(&TokensResponse {
        response_info: ResponseInfo::answering(&info),
        tokens: tokens.into_iter().map(|token| ApiTokenView::of(token, now)).collect(),
    })
}
