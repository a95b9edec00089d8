//! `POST /audit/v1/_verify` and `_checkpoint`: the audit log is verified, and signed.

use axum::extract::State;
use payment_service::audit::{CheckpointError, Checkpointed, Verification, VerifyError};
use serde::Serialize;
use serde_json::Value;
use utoipa::ToSchema;

use super::AUDITS;
use crate::app::Shared;
use crate::caller::Called;
use crate::error::ApiError;
use crate::openapi::failures;
use crate::reply::Reply;
use crate::request_info::{RequestInfoBody, ResponseInfo};

/// The result of a verification.
#[derive(Serialize, ToSchema)]
#[serde(rename_all = "PascalCase")]
pub(crate) struct VerificationResponse {
    response_info: ResponseInfo,
    /// `broken` names the first row that is not as it was written, and is null when all are.
    #[schema(value_type = Object)]
    verification: Verification,
}

/// A signed checkpoint.
#[derive(Serialize, ToSchema)]
#[serde(rename_all = "PascalCase")]
pub(crate) struct CheckpointResponse {
    response_info: ResponseInfo,
    /// Whether it was made now; otherwise nothing was appended since the last one.
    is_new: bool,
    /// The text, its signature and the public key; null for a log without entries.
    #[schema(value_type = Option<Object>)]
    checkpoint: Value,
}

/// Verify the audit log.
///
/// Computes every entry and every sealed line of the payments' histories again, and compares with the checkpoints
/// of the database. For a log that takes longer than a request may, and for checkpoints that are kept elsewhere,
/// there is `pg-service audit verify`.
#[utoipa::path(
    post,
    path = "/audit/v1/_verify",
    operation_id = "verifyAudit",
    tag = super::TAG,
    security(("operatorToken" = []), ("apiToken" = []), ()),
    request_body(content = RequestInfoBody, description = "Who asks; may be missing."),
    responses((status = 200, description = "It was verified; `broken` says how it went.", body = VerificationResponse), failures::Operating),
)]
pub(crate) async fn verify(State(app): Shared, Called { caller, body }: Called) -> Result<Reply, ApiError> {
    caller.of_installation(&app, AUDITS).await?;
    let info = RequestInfoBody::read(&body)?;
    let audit = &app.payments.audit;
    let checkpoints = audit.own_checkpoints(None).await?;
    let verification = audit.verify(checkpoints).await.map_err(|error| match error {
        VerifyError::Store(error) => error.into(),
        VerifyError::Export(_) => ApiError::Internal("an export was read without a request for it"),
    })?;
    Reply::of(&VerificationResponse { response_info: ResponseInfo::answering(&info), verification })
}

/// Sign the audit log as it stands now.
///
/// The checkpoint also leaves as an event, a line of the log and a line of the checkpoint file.
#[utoipa::path(
    post,
    path = "/audit/v1/_checkpoint",
    operation_id = "checkpointAudit",
    tag = super::TAG,
    security(("operatorToken" = []), ("apiToken" = []), ()),
    request_body(content = RequestInfoBody, description = "Who asks; may be missing."),
    responses((status = 200, description = "The checkpoint.", body = CheckpointResponse), failures::OperatingOnce),
)]
pub(crate) async fn checkpoint(
    State(app): Shared,
    Called { caller, body }: Called,
) -> Result<Reply, ApiError> {
    caller.scopes(&app, AUDITS).await?;
    let info = RequestInfoBody::read(&body)?;
    let made = app.payments.audit.checkpoint().await.map_err(|error| match error {
        CheckpointError::NoKey => ApiError::NoSigningKey,
        CheckpointError::Broken(number) => ApiError::AuditBroken(number),
        CheckpointError::File(..) => ApiError::Internal("the checkpoint file cannot be written"),
        CheckpointError::Store(error) => error.into(),
    })?;
    let (signed, is_new) = match made {
        Checkpointed::New(signed) => (Some(signed), true),
        Checkpointed::Unchanged(signed) => (signed, false),
    };
    let checkpoint = match signed {
        Some(signed) => serde_json::from_str(&signed.line())
            .map_err(|_| ApiError::Internal("a checkpoint has no JSON form"))?,
        None => Value::Null,
    };
    Reply::of(&CheckpointResponse { response_info: ResponseInfo::answering(&info), is_new, checkpoint })
}
