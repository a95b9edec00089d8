//! `POST /audit/v1/_show`: one entry of the audit log, with its personal values for a reason.

use axum::extract::State;
use payment_domain::{AuditActor, Personal, RequestInfo};
use payment_service::PersonalData;
use payment_service::audit::AuditEntryView;
use payment_store::{AuditQuery, TenantScope};
use serde::{Deserialize, Serialize};
use utoipa::ToSchema;

use super::{AUDITS, fields};
use crate::app::Shared;
use crate::caller::Called;
use crate::error::ApiError;
use crate::json::Scalar;
use crate::openapi::{RequestInfoSchema, failures};
use crate::reply::Reply;
use crate::request_info::{self, ResponseInfo};
use crate::validation::{Field, TextRule, Violations};

const REASON: TextRule = TextRule { lines: true, ..TextRule::line(1, 2000) };

/// Which entry is shown.
#[derive(Deserialize, ToSchema)]
#[serde(rename_all = "camelCase")]
pub(crate) struct AuditShowBody<'a> {
    /// The caller.
    #[serde(rename = "RequestInfo")]
    #[schema(value_type = Option<RequestInfoSchema>)]
    info: Option<RequestInfo>,
    /// The number of the entry.
    #[serde(borrow)]
    #[schema(value_type = i64, minimum = 1, example = 1)]
    number: Option<Scalar<'a>>,
    /// The reason its personal values are shown; without a reason they are masked. It is recorded before they
    /// are shown, in the name of a named caller.
    #[serde(borrow)]
    #[schema(value_type = Option<String>, max_length = 2000, example = json!(null))]
    reason: Option<Scalar<'a>>,
}

/// The answer with one entry.
#[derive(Serialize, ToSchema)]
#[serde(rename_all = "PascalCase")]
pub(crate) struct AuditEntryResponse {
    response_info: ResponseInfo,
    entry: AuditEntryView,
}

/// Show an entry of the audit log.
///
/// An entry of one of the caller's tenants, or any for a holder of PG_AUDITOR at a state. With a `reason` its
/// personal values are shown, and that is an entry of its own.
#[utoipa::path(
    post,
    path = "/audit/v1/_show",
    operation_id = "showAuditEntry",
    tag = super::TAG,
    security(("operatorToken" = []), ("apiToken" = []), ()),
    request_body(content = AuditShowBody),
    responses((status = 200, description = "The entry.", body = AuditEntryResponse), failures::Operating),
)]
pub(crate) async fn show(State(app): Shared, Called { caller, body }: Called) -> Result<Reply, ApiError> {
    let scopes = caller.scopes(&app, AUDITS).await?;
    let AuditShowBody { info, number, reason } = body.json()?;
    let info = info.unwrap_or_default();
    request_info::check(&info)?;
    let mut found = Violations::default();
    let field = |name| Field("audit", name);
    if number.is_none() {
        found.missing(field("number"));
    }
    let number = fields::number(&mut found, field("number"), number, 1..=i64::MAX, 0);
    let said = reason.filter(|Scalar(text)| !text.trim().is_empty());
    let reason = found.optional(field("reason"), said, REASON).map(|text| Personal::new(text.into_owned()));
    if !found.is_empty() {
        return Err(found.into_error());
    }
    let within: Vec<Option<TenantScope>> = match scopes {
        Some(scopes) if !caller.is_of_installation(AUDITS) => scopes.into_iter().map(Some).collect(),
        Some(_) | None => vec![None],
    };
    let mut entry = None;
    for within in within {
        if entry.is_none() {
            let query = AuditQuery { within, ..AuditQuery::default() };
            entry = app.payments.audit.show(number, query).await?;
        }
    }
    let entry = entry.ok_or(ApiError::NoSuchEntry)?;
    let personal = match reason {
        None => PersonalData::Masked,
        Some(reason) => {
            caller.named()?;
            let actor: AuditActor = caller.actor(AUDITS, "");
            app.payments.audit.reveal(actor, std::slice::from_ref(&entry), Some(reason)).await?;
            PersonalData::Shown
        }
    };
    Reply::of(&AuditEntryResponse {
        response_info: ResponseInfo::answering(&info),
        entry: AuditEntryView::of(entry, personal),
    })
}
