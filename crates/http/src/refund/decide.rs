//! `POST /refund/v1/_approve`, `_reject` and `_withdraw`: decisions about a request.

use axum::extract::State;
use http::HeaderMap;
use payment_domain::{Personal, Principal, Refund, RequestInfo, Role};
use payment_service::{PersonalData, RefundDecisionRequest, RefundError};
use serde::Deserialize;
use utoipa::ToSchema;

use super::{CHECKS, MAKES, RefundResponse, answer, find};
use crate::app::{App, Shared};
use crate::caller::{Called, refusal};
use crate::error::ApiError;
use crate::idempotency;
use crate::json::{Object, Scalar};
use crate::openapi::{RequestInfoSchema, failures};
use crate::reply::Reply;
use crate::request_info::{ResponseInfo, note_violations};
use crate::validation::{Field, TextRule, Violations};

const COMMENT: TextRule = TextRule { lines: true, ..TextRule::line(1, 2000) };

/// A decision about a refund.
#[derive(Deserialize, ToSchema)]
#[serde(rename_all = "PascalCase")]
pub(crate) struct DecisionBody<'a> {
    /// The caller.
    #[schema(value_type = Option<RequestInfoSchema>)]
    request_info: Option<RequestInfo>,
    /// The refund.
    #[serde(borrow)]
    #[schema(value_type = DecisionFields)]
    refund: Option<Object<DecisionFields<'a>>>,
}

#[derive(Deserialize, ToSchema)]
#[serde(rename_all = "camelCase")]
#[schema(as = RefundDecision)]
pub(crate) struct DecisionFields<'a> {
    /// The refund.
    #[serde(borrow)]
    #[schema(value_type = String, example = "RF0123456789")]
    refund_id: Option<Scalar<'a>>,
    /// The version that the decider has seen: of a refund that has moved on nothing is decided.
    #[serde(borrow)]
    #[schema(value_type = u32, minimum = 1, example = 1)]
    version: Option<Scalar<'a>>,
    /// In the decider's words; a rejection needs some.
    #[serde(borrow)]
    #[schema(value_type = Option<String>, max_length = 2000, example = "receipt seen")]
    comment: Option<Scalar<'a>>,
}

/// Approve a refund.
///
/// For a proven caller with PG_REFUND_CHECKER at the tenant, who is not the maker: people are distinguished
/// by their uuids. The money is given back after the last required approval. Repeating it changes nothing.
#[utoipa::path(
    post,
    path = "/refund/v1/_approve",
    operation_id = "approveRefund",
    tag = super::TAG,
    security(("apiToken" = []), ()),
    params(("Idempotency-Key" = Option<String>, Header, description = "Accepted; a decision has one effect in any case.", min_length = 1, max_length = 255)),
    request_body(content = DecisionBody),
    responses((status = 200, description = "It is approved.", body = RefundResponse), failures::Refunding),
)]
pub(crate) async fn approve(state: Shared, headers: HeaderMap, called: Called) -> Result<Reply, ApiError> {
    decide(state, headers, called, Verb::Approve).await
}

/// Reject a refund.
///
/// As approving; with a comment.
#[utoipa::path(
    post,
    path = "/refund/v1/_reject",
    operation_id = "rejectRefund",
    tag = super::TAG,
    security(("apiToken" = []), ()),
    params(("Idempotency-Key" = Option<String>, Header, description = "Accepted; a decision has one effect in any case.", min_length = 1, max_length = 255)),
    request_body(content = DecisionBody),
    responses((status = 200, description = "It is rejected.", body = RefundResponse), failures::Refunding),
)]
pub(crate) async fn reject(state: Shared, headers: HeaderMap, called: Called) -> Result<Reply, ApiError> {
    decide(state, headers, called, Verb::Reject).await
}

/// Withdraw a refund.
///
/// For its maker, while nothing is decided.
#[utoipa::path(
    post,
    path = "/refund/v1/_withdraw",
    operation_id = "withdrawRefund",
    tag = super::TAG,
    security(("apiToken" = []), ()),
    params(("Idempotency-Key" = Option<String>, Header, description = "Accepted; a decision has one effect in any case.", min_length = 1, max_length = 255)),
    request_body(content = DecisionBody),
    responses((status = 200, description = "It is withdrawn.", body = RefundResponse), failures::Refunding),
)]
pub(crate) async fn withdraw(state: Shared, headers: HeaderMap, called: Called) -> Result<Reply, ApiError> {
    decide(state, headers, called, Verb::Withdraw).await
}

#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum Verb {
    Approve,
    Reject,
    Withdraw,
}

impl Verb {
    fn roles(self) -> &'static [Role] {
        match self {
            Verb::Approve | Verb::Reject => CHECKS,
            Verb::Withdraw => MAKES,
        }
    }
}

async fn decide(
    State(app): Shared,
    headers: HeaderMap,
    Called { caller, body }: Called,
    verb: Verb,
) -> Result<Reply, ApiError> {
    let identity = caller.named()?;
    let within = caller.scopes(&app, verb.roles()).await?;
    idempotency::key(&headers)?;
    let DecisionBody { request_info, refund } = body.json()?;
    let mut found = Violations::default();
    let info = request_info.unwrap_or_default();
    note_violations(&info, "refundRequest.requestInfo", &mut found)?;
    let (id, version, comment) = read(refund, found)?;
    let stored = find(&app, &id, within.as_deref()).await?;
    let person = caller.principal(&app, verb.roles(), &stored.tenant_id).await?;
    let request = RefundDecisionRequest { id: stored.id.clone(), version, comment };
    let refunds = &app.payments.refunds;
    let decided = match verb {
        Verb::Approve => refunds.approve(request, &person, identity).await,
        Verb::Reject => refunds.reject(request, &person, identity).await,
        Verb::Withdraw => refunds.withdraw(request, &person, identity).await,
    };
    let refund = told(&app, decided, &stored, person).await?;
    answer(&app, ResponseInfo::answering(&info), &refund, PersonalData::Shown).await
}

/// Records a refusal of a decision for lack of a role.
async fn told(
    app: &App,
    decided: Result<Refund, RefundError>,
    refund: &Refund,
    person: Principal,
) -> Result<Refund, ApiError> {
    if let Err(RefundError::SameUser | RefundError::NotTheMaker) = decided {
        let entry = refusal(app, person, "refund", refund.id.as_str(), Some(&refund.tenant_id));
        app.payments.ports.store.record(vec![entry]).await?;
    }
    Ok(decided?)
}

fn read(
    refund: Option<Object<DecisionFields<'_>>>,
    mut found: Violations,
) -> Result<(String, u32, Option<Personal>), ApiError> {
    let Some(Object(DecisionFields { refund_id, version, comment })) = refund else {
        found.missing("refundRequest.refund");
        return Err(found.into_error());
    };
    let field = |name| Field("refundRequest.refund", name);
    let id = found.required(field("refundId"), refund_id, TextRule::line(1, 64));
    let number = version.map(|Scalar(text)| text.trim().parse::<u32>());
    match number {
        None => found.missing(field("version")),
        Some(Err(_)) => found.add("Pattern", field("version"), "must be a whole number"),
        Some(Ok(_)) => {}
    }
    let said = comment.filter(|Scalar(text)| !text.trim().is_empty());
    let comment = found.optional(field("comment"), said, COMMENT);
    let (Some(id), Some(Ok(version)), true) = (id, number, found.is_empty()) else {
        return Err(found.into_error());
    };
    Ok((id.into_owned(), version, comment.map(|text| Personal::new(text.into_owned()))))
}
