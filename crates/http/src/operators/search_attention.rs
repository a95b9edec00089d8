//! `POST /attention/v1/_search`: review cases.

use axum::extract::State;
use payment_domain::{AttentionKind, RequestInfo};
use payment_service::{CaseView, PersonalData};
use payment_store::{AttentionQuery, CaseState};
use serde::{Deserialize, Serialize};
use utoipa::ToSchema;

use super::{READS, fields};
use crate::app::Shared;
use crate::caller::Called;
use crate::error::ApiError;
use crate::json::Scalar;
use crate::openapi::{RequestInfoSchema, failures};
use crate::reply::Reply;
use crate::request_info::{self, ResponseInfo};
use crate::validation::{Field, TextRule, Violations};

/// Which cases are looked for; conditions that are set must all hold.
#[derive(Default, Deserialize, ToSchema)]
#[serde(rename_all = "camelCase")]
pub(crate) struct AttentionSearchBody<'a> {
    /// The caller.
    #[serde(rename = "RequestInfo")]
    #[schema(value_type = Option<RequestInfoSchema>)]
    info: Option<RequestInfo>,
    /// OPEN, RESOLVED or ALL; OPEN unless it is said.
    #[serde(borrow)]
    #[schema(value_type = Option<String>, pattern = "^(OPEN|RESOLVED|ALL)$", example = "OPEN")]
    state: Option<Scalar<'a>>,
    /// Only cases of this kind.
    #[serde(borrow)]
    #[schema(value_type = Option<String>, example = json!(null))]
    kind: Option<Scalar<'a>>,
    /// Only cases of this transaction.
    #[serde(borrow)]
    #[schema(value_type = Option<String>, max_length = 128, example = json!(null))]
    txn_id: Option<Scalar<'a>>,
    /// Only cases behind the one of this number: the last one of the page before.
    #[serde(borrow)]
    #[schema(value_type = Option<i64>, minimum = 0, example = 0)]
    after: Option<Scalar<'a>>,
    /// The largest number of cases; 100 by default.
    #[serde(borrow)]
    #[schema(value_type = Option<u32>, minimum = 1, maximum = 500, example = 100)]
    limit: Option<Scalar<'a>>,
}

/// The answer to a search for cases.
#[derive(Serialize, ToSchema)]
#[serde(rename_all = "PascalCase")]
pub(crate) struct CasesResponse {
    response_info: ResponseInfo,
    /// Oldest first.
    cases: Vec<CaseView>,
}

/// List open review cases.
///
/// Payments that need a person's decision, oldest first, each with its evidence and a recommendation.
#[utoipa::path(
    post,
    path = "/attention/v1/_search",
    operation_id = "searchAttention",
    tag = super::TAG,
    security(("operatorToken" = []), ("apiToken" = []), ()),
    request_body(content = AttentionSearchBody, description = "Which cases; may be missing."),
    responses((status = 200, description = "The cases, oldest first.", body = CasesResponse), failures::Operating),
)]
pub(crate) async fn search(State(app): Shared, Called { caller, body }: Called) -> Result<Reply, ApiError> {
    let within = caller.scopes(&app, READS).await?;
    let mut body: AttentionSearchBody<'_> = body.optional_json()?.unwrap_or_default();
    let info = body.info.take().unwrap_or_default();
    request_info::check(&info)?;
    let cases =
        app.payments.attention.list_with_advice(&AttentionQuery { within, ..read_query(body)? }).await?;
    Reply::of(&CasesResponse {
        response_info: ResponseInfo::answering(&info),
        cases: cases
            .into_iter()
            .map(|(case, advice)| CaseView::of(case, advice, PersonalData::Masked))
            .collect(),
    })
}

fn read_query(body: AttentionSearchBody<'_>) -> Result<AttentionQuery, ApiError> {
    const WORD: TextRule = TextRule::line(1, 32);
    let mut found = Violations::default();
    let field = |name| Field("attention", name);
    let state = found.optional(field("state"), body.state, WORD);
    let state = match state.map(|word| word.to_ascii_uppercase()).as_deref() {
        None | Some("OPEN") => CaseState::Open,
        Some("RESOLVED") => CaseState::Resolved,
        Some("ALL") => CaseState::All,
        Some(_) => {
            found.add("Pattern", field("state"), "must be OPEN, RESOLVED or ALL");
            CaseState::Open
        }
    };
    let kind = found.optional(field("kind"), body.kind, WORD);
    let kind = kind.and_then(|word| {
        let kind = AttentionKind::from_word(&word.to_ascii_lowercase());
        if kind.is_none() {
            let kinds = AttentionKind::ALL.map(AttentionKind::as_str).join(", ");
            found.add("Pattern", field("kind"), format!("must be one of {kinds}"));
        }
        kind
    });
    let txn_id = fields::txn_id(&mut found, field("txnId"), body.txn_id)?;
    let after = fields::number(&mut found, field("after"), body.after, 0..=i64::MAX, 0);
    let limit = fields::limit(&mut found, field("limit"), body.limit);
    if found.is_empty() {
        Ok(AttentionQuery { state, kind, txn_id, after, limit, ..AttentionQuery::default() })
    } else {
        Err(found.into_error())
    }
}
