//! `POST /attention/v1/{id}/_resolve`: resolves a review case.

use axum::extract::rejection::PathRejection;
use axum::extract::{Path, State};
use payment_domain::RequestInfo;
use payment_service::{AttentionDetail, CaseView, PersonalData};
use serde::{Deserialize, Serialize};
use utoipa::ToSchema;

use super::{ACTS, fields};
use crate::app::Shared;
use crate::caller::Called;
use crate::error::ApiError;
use crate::json::Scalar;
use crate::openapi::{RequestInfoSchema, failures};
use crate::reply::Reply;
use crate::request_info::{self, ResponseInfo};
use crate::validation::{Field, TextRule, Violations};

const REASON: TextRule = TextRule { min: 1, stated_max: 2000, max: 2000, lines: true };

/// How a case is resolved.
#[derive(Default, Deserialize, ToSchema)]
#[serde(rename_all = "camelCase")]
pub(crate) struct ResolveBody<'a> {
    /// The caller.
    #[serde(rename = "RequestInfo")]
    #[schema(value_type = Option<RequestInfoSchema>)]
    info: Option<RequestInfo>,
    /// The reason, or the act. Kept for ever.
    #[serde(borrow)]
    #[schema(value_type = String, min_length = 1, max_length = 2000, example = "refunded in the portal, reference 4711")]
    reason: Option<Scalar<'a>>,
    /// The person who resolves it; `userInfo.uuid` of the RequestInfo by default.
    #[serde(borrow)]
    #[schema(value_type = Option<String>, min_length = 1, max_length = 128, example = "clerk-7")]
    by: Option<Scalar<'a>>,
}

/// The answer to a request to resolve a case.
#[derive(Serialize, ToSchema)]
#[serde(rename_all = "PascalCase")]
pub(crate) struct ResolvedResponse {
    response_info: ResponseInfo,
    case: CaseView,
}

/// Resolve a case.
///
/// Records the person and the reason in the case and in the history of its transaction. Bills that only this
/// case kept from being paid are free again. It changes no money and no transaction.
#[utoipa::path(
    post,
    path = "/attention/v1/{id}/_resolve",
    operation_id = "resolveAttention",
    tag = super::TAG,
    security(("operatorToken" = []), ("apiToken" = []), ()),
    params(("id" = i64, Path, description = "The number of the case.", example = 17)),
    request_body(content = ResolveBody),
    responses((status = 200, description = "It is resolved.", body = ResolvedResponse), failures::OperatingOnce),
)]
pub(crate) async fn resolve(
    State(app): Shared,
    id: Result<Path<i64>, PathRejection>,
    Called { caller, body }: Called,
) -> Result<Reply, ApiError> {
    let within = caller.scopes(&app, ACTS).await?;
    let ResolveBody { info, reason, by } = body.json()?;
    let info = info.unwrap_or_default();
    request_info::check(&info)?;
    let Path(id) = id.map_err(|_| ApiError::NoSuchCase)?;
    let mut found = Violations::default();
    let field = |name| Field("attention", name);
    let reason =
        found.required(field("reason"), reason.filter(|Scalar(text)| !text.trim().is_empty()), REASON);
    let stated = by.is_some() || info.user("uuid").is_some();
    let by = caller.name(fields::by(&mut found, field("by"), by, &info));
    if !stated && by.is_none() {
        found.missing(field("by"));
    }
    let (Some(reason), Some(by), true) = (reason, by, found.is_empty()) else {
        return Err(found.into_error());
    };
    let actor = caller.actor(ACTS, &by);
    app.payments.attention.resolve(id, within.clone(), actor, &by, &reason).await?;
    let AttentionDetail { case, advice, .. } =
        app.payments.attention.show(id, within).await?.ok_or(ApiError::NoSuchCase)?;
    let txn_id = case.case.txn_id.clone();
    tracing::info!(case = id, %txn_id, kind = case.case.kind.as_str(), "an operator has resolved a case");
    let answer = ResolvedResponse {
        response_info: ResponseInfo::answering(&info),
        case: CaseView::of(case, advice, PersonalData::Masked),
    };
    Ok(Reply::of(&answer)?.about(txn_id))
}
