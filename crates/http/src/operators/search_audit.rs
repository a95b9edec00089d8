//! `POST /audit/v1/_search`: entries of the audit log.

use axum::extract::State;
use payment_domain::{AuditAction, RequestInfo, TenantId};
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

/// Which entries are looked for; conditions that are set must all hold.
#[derive(Default, Deserialize, ToSchema)]
#[serde(rename_all = "camelCase")]
pub(crate) struct AuditSearchBody<'a> {
    /// Who asks.
    #[serde(rename = "RequestInfo")]
    #[schema(value_type = Option<RequestInfoSchema>)]
    info: Option<RequestInfo>,
    /// Only this kind of act.
    #[serde(borrow)]
    #[schema(value_type = Option<String>, example = json!(null))]
    action: Option<Scalar<'a>>,
    /// Only acts of the user of this uuid.
    #[serde(borrow)]
    #[schema(value_type = Option<String>, max_length = 128, example = json!(null))]
    actor: Option<Scalar<'a>>,
    /// Only acts on objects of this kind: `case`, `refund`, `account`, `job`, …
    #[serde(borrow)]
    #[schema(value_type = Option<String>, max_length = 64, example = json!(null))]
    object_kind: Option<Scalar<'a>>,
    /// Only acts on this object.
    #[serde(borrow)]
    #[schema(value_type = Option<String>, max_length = 128, example = json!(null))]
    object_id: Option<Scalar<'a>>,
    /// Only entries of this tenant and below.
    #[serde(borrow)]
    #[schema(value_type = Option<String>, max_length = 128, example = json!(null))]
    tenant_id: Option<Scalar<'a>>,
    /// Only entries behind the one of this number: the last one of the page before.
    #[serde(borrow)]
    #[schema(value_type = Option<i64>, minimum = 0, example = 0)]
    after: Option<Scalar<'a>>,
    /// How many entries at most; 100 unless it is said.
    #[serde(borrow)]
    #[schema(value_type = Option<u32>, minimum = 1, maximum = 500, example = 100)]
    limit: Option<Scalar<'a>>,
}

/// The answer to a search in the audit log.
#[derive(Serialize, ToSchema)]
#[serde(rename_all = "PascalCase")]
pub(crate) struct AuditEntriesResponse {
    response_info: ResponseInfo,
    /// Oldest first.
    entries: Vec<AuditEntryView>,
}

/// Search the audit log.
///
/// Who did what to which object, oldest first. Each entry comes with the very text that was hashed and its hash,
/// so that a copy can be verified elsewhere. Personal values are masked.
#[utoipa::path(
    post,
    path = "/audit/v1/_search",
    operation_id = "searchAudit",
    tag = super::TAG,
    security(("operatorToken" = []), ("apiToken" = []), ()),
    request_body(content = AuditSearchBody, description = "Which entries; may be missing."),
    responses((status = 200, description = "The entries, oldest first.", body = AuditEntriesResponse), failures::Operating),
)]
pub(crate) async fn search(State(app): Shared, Called { caller, body }: Called) -> Result<Reply, ApiError> {
    let scopes = caller.scopes(&app, AUDITS).await?;
    let mut body: AuditSearchBody<'_> = body.optional_json()?.unwrap_or_default();
    let info = body.info.take().unwrap_or_default();
    request_info::check(&info)?;
    let query = read_query(body)?;
    match (scopes, &query.within) {
        (None, _) => {}
        (Some(_), Some(wanted)) => {
            caller.principal(&app, AUDITS, &TenantId::stored(wanted.root.as_str())).await?;
        }
        (Some(_), None) => {
            caller.of_installation(&app, AUDITS).await?;
        }
    }
    let entries = app.payments.audit.list(&query).await?;
    Reply::of(&AuditEntriesResponse {
        response_info: ResponseInfo::answering(&info),
        entries: entries.into_iter().map(|entry| AuditEntryView::of(entry, PersonalData::Masked)).collect(),
    })
}

fn read_query(body: AuditSearchBody<'_>) -> Result<AuditQuery, ApiError> {
    let mut found = Violations::default();
    let field = |name| Field("audit", name);
    let action = found.optional(field("action"), body.action, TextRule::line(1, 64)).and_then(|word| {
        let action = AuditAction::from_word(&word);
        if action.is_none() {
            let actions = AuditAction::ALL.map(AuditAction::as_str).join(", ");
            found.add("Pattern", field("action"), format!("must be one of {actions}"));
        }
        action
    });
    let mut text = |name, value, most| {
        found.optional(field(name), value, TextRule::line(1, most)).map(|text| text.into_owned())
    };
    let (actor, object_kind) = (text("actor", body.actor, 128), text("objectKind", body.object_kind, 64));
    let (object_id, tenant) = (text("objectId", body.object_id, 128), text("tenantId", body.tenant_id, 128));
    let after = fields::number(&mut found, field("after"), body.after, 0..=i64::MAX, 0);
    let limit = fields::limit(&mut found, field("limit"), body.limit);
    let within = tenant.map(|root| TenantScope { root });
    if found.is_empty() {
        Ok(AuditQuery {
            after,
            action,
            object_kind,
            object_id,
            actor,
            within,
            limit,
            ..AuditQuery::default()
        })
    } else {
        Err(found.into_error())
    }
}
