//! `POST /attention/v1/{id}/_show`: one review case with its transaction.

use axum::extract::rejection::PathRejection;
use axum::extract::{Path, State};
use payment_service::{AttentionDetail, CaseView, PersonalData, TransactionView};
use serde::Serialize;
use serde_json::{Value, json};
use utoipa::ToSchema;

use super::READS;
use crate::app::Shared;
use crate::caller::Called;
use crate::error::ApiError;
use crate::openapi::failures;
use crate::reply::Reply;
use crate::request_info::{RequestInfoBody, ResponseInfo};

/// The answer to a request for one case.
#[derive(Serialize, ToSchema)]
#[serde(rename_all = "PascalCase")]
pub(crate) struct CaseResponse {
    response_info: ResponseInfo,
    case: CaseView,
    /// The transaction in its current state. The payer's data are starred, the application's own data hidden.
    #[schema(value_type = TransactionView)]
    transaction: Value,
}

/// Show one case.
///
/// With its evidence, the recommendation, its resolution, and the current state of its transaction.
#[utoipa::path(
    post,
    path = "/attention/v1/{id}/_show",
    operation_id = "showAttention",
    tag = super::TAG,
    security(("operatorToken" = []), ("apiToken" = []), ()),
    params(("id" = i64, Path, description = "The number of the case.", example = 17)),
    request_body(content = RequestInfoBody, description = "Who asks; may be missing."),
    responses((status = 200, description = "The case.", body = CaseResponse), failures::Operating),
)]
pub(crate) async fn show(
    State(app): Shared,
    id: Result<Path<i64>, PathRejection>,
    Called { caller, body }: Called,
) -> Result<Reply, ApiError> {
    let within = caller.scopes(&app, READS).await?;
    let info = RequestInfoBody::read(&body)?;
    let Path(id) = id.map_err(|_| ApiError::NoSuchCase)?;
    let AttentionDetail { case, txn, advice } =
        app.payments.attention.show(id, within).await?.ok_or(ApiError::NoSuchCase)?;
    let answer = CaseResponse {
        response_info: ResponseInfo::answering(&info),
        case: CaseView::of(case, advice, PersonalData::Masked),
        transaction: PersonalData::Masked.show(json!(TransactionView::of(&txn))),
    };
    Ok(Reply::of(&answer)?.about(txn.id))
}
