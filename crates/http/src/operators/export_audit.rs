//! `POST /audit/v1/_export`: the whole audit log, for verification elsewhere.

use axum::body::Body;
use axum::extract::State;
use axum::response::{IntoResponse, Response};
use bytes::Bytes;
use futures_util::stream::try_unfold;
use http::header;
use payment_domain::AuditActor;
use payment_service::audit::Exporting;
use payment_store::StoreError;

use super::AUDITS;
use crate::app::Shared;
use crate::caller::Called;
use crate::error::ApiError;
use crate::openapi::failures;
use crate::request_info::RequestInfoBody;

const LINES: &str = "application/x-ndjson";

/// Export the audit log.
///
/// Lines of JSON, as `pg-service audit export` writes them and `pg-service audit verify --export` reads them. Entries
/// stand in them as they are stored, personal values do not. For a named caller with PG_AUDITOR at a state; the export is
/// recorded before its first line. An answer that is cut off lacks entries that its first line counts.
#[utoipa::path(
    post,
    path = "/audit/v1/_export",
    operation_id = "exportAudit",
    tag = super::TAG,
    security(("apiToken" = []), ()),
    request_body(content = RequestInfoBody, description = "Who asks; may be missing."),
    responses(
        (status = 200, description = "The entries, oldest first.", body = String, content_type = "application/x-ndjson"),
        failures::Operating
    ),
)]
pub(crate) async fn export(
    State(app): Shared,
    Called { caller, body }: Called,
) -> Result<Response, ApiError> {
    caller.named()?;
    let auditor = caller.of_installation(&app, AUDITS).await?;
    let auditor = auditor.ok_or(ApiError::Internal("the shared token has a name"))?;
    RequestInfoBody::read(&body)?;
    let exporting = app.payments.audit.export(AuditActor::Principal(auditor)).await?;
    let headers = [
        (header::CONTENT_TYPE, LINES),
        (header::CONTENT_DISPOSITION, "attachment; filename=\"audit.jsonl\""),
    ];
    Ok((headers, Body::from_stream(try_unfold(exporting, lines))).into_response())
}

/// A page is read when the client has taken the one before.
async fn lines(mut exporting: Exporting) -> Result<Option<(Bytes, Exporting)>, StoreError> {
    let lines = exporting.next().await.inspect_err(|error| {
        tracing::warn!(%error, "an export of the audit log was cut off: the database does not answer");
    })?;
    Ok(lines.map(|lines| (Bytes::from(lines), exporting)))
}
