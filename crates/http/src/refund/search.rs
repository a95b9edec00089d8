//! `POST /refund/v1/_search` and `_count`: refunds that match.

use std::ops::RangeInclusive;

use axum::extract::State;
use payment_domain::{BillId, Refund, RefundId, RefundStatus, TenantId, Timestamp, TxnId};
use payment_service::{PersonalData, RefundView};
use payment_store::{PageRequest, RefundQuery, TenantScope};
use serde::{Deserialize, Serialize};
use utoipa::{IntoParams, ToSchema};

use super::{READS, READS_REASONS};
use crate::app::Shared;
use crate::caller::Called;
use crate::error::ApiError;
use crate::json::Scalar;
use crate::openapi::failures;
use crate::params::QueryParams;
use crate::reply::Reply;
use crate::request_info::{RequestInfoBody, ResponseInfo};
use crate::validation::{Field, TextRule, Violations};

/// The path of the criteria in the codes of violations.
const CRITERIA: &str = "refundCriteria";
const LARGEST_PAGE: u32 = 500;
const LARGEST_OFFSET: u32 = 10_000;
const TEXT: TextRule = TextRule::line(1, 128);

/// The search conditions; all that are set must hold.
#[derive(Deserialize, IntoParams)]
#[into_params(parameter_in = Query)]
#[allow(dead_code, non_snake_case)] // it only describes
pub(crate) struct RefundCriteria {
    /// The tenant of the payment, exactly.
    #[param(min_length = 1, max_length = 50, example = "pb.amritsar")]
    tenantId: Option<String>,
    /// The refund.
    #[param(min_length = 1, max_length = 64)]
    refundId: Option<String>,
    /// The payment.
    #[param(min_length = 1, max_length = 128)]
    originalTxnId: Option<String>,
    /// `refundTxnStatus`.
    #[param(pattern = "^(INITIATED|PENDING|SUCCESS|FAILURE)$")]
    status: Option<String>,
    /// The purpose of the payment in the application.
    #[param(min_length = 1, max_length = 128)]
    consumerCode: Option<String>,
    /// A bill of the payment.
    #[param(min_length = 1, max_length = 64)]
    billId: Option<String>,
    /// Requested at this moment or later, in epoch milliseconds.
    from: Option<i64>,
    /// Requested before this moment, in epoch milliseconds.
    to: Option<i64>,
    /// The maker's uuid.
    #[param(min_length = 1, max_length = 128)]
    maker: Option<String>,
    /// The largest number of rows.
    #[param(minimum = 1, maximum = 500, default = 5)]
    limit: Option<u32>,
    /// The number of rows to skip.
    #[param(minimum = 0, maximum = 10000, default = 0)]
    offset: Option<u32>,
}

/// The answer to a search for refunds.
#[derive(Serialize, ToSchema)]
#[serde(rename_all = "PascalCase")]
pub(crate) struct RefundsResponse<'a> {
    response_info: ResponseInfo,
    /// Newest first.
    refund: Vec<RefundView<'a>>,
}

/// The answer to a request for their number.
#[derive(Serialize, ToSchema)]
pub(crate) struct RefundCountResponse {
    #[serde(rename = "ResponseInfo")]
    response_info: ResponseInfo,
    /// The number of matches.
    count: u64,
}

/// Search refunds.
///
/// Newest first, of the tenants at which the caller has a role. The maker's words are shown to makers, checkers and
/// operators.
#[utoipa::path(
    post,
    path = "/refund/v1/_search",
    operation_id = "searchRefunds",
    tag = super::TAG,
    security(("operatorToken" = []), ("apiToken" = []), ()),
    params(RefundCriteria),
    request_body(content = RequestInfoBody, description = "Who asks; may be missing."),
    responses((status = 200, description = "What matches, newest first.", body = RefundsResponse), failures::ReadingRefunds),
)]
pub(crate) async fn search(
    State(app): Shared,
    query: QueryParams,
    Called { caller, body }: Called,
) -> Result<Reply, ApiError> {
    let within = caller.scopes(&app, READS).await?;
    let info = RequestInfoBody::read(&body)?;
    let refunds = app.payments.refunds.search(&read_criteria(&query, within)?).await?;
    let reads_reasons = caller.scopes_held(READS_REASONS);
    let shown = |refund: &Refund| {
        let reads = reads_reasons.iter().any(|scope| refund.tenant_id.is_within(&scope.root));
        if reads { PersonalData::Shown } else { PersonalData::Masked }
    };
    Reply::of(&RefundsResponse {
        response_info: ResponseInfo::answering(&info),
        refund: refunds.iter().map(|refund| RefundView::of(refund, shown(refund))).collect(),
    })
}

/// Count refunds.
///
/// The refunds on all pages of a search with the same conditions.
#[utoipa::path(
    post,
    path = "/refund/v1/_count",
    operation_id = "countRefunds",
    tag = super::TAG,
    security(("operatorToken" = []), ("apiToken" = []), ()),
    params(RefundCriteria),
    request_body(content = RequestInfoBody, description = "Who asks; may be missing."),
    responses((status = 200, description = "Their number.", body = RefundCountResponse), failures::ReadingRefunds),
)]
pub(crate) async fn count(
    State(app): Shared,
    query: QueryParams,
    Called { caller, body }: Called,
) -> Result<Reply, ApiError> {
    let within = caller.scopes(&app, READS).await?;
    let info = RequestInfoBody::read(&body)?;
    let count = app.payments.refunds.count(&read_criteria(&query, within)?).await?;
    Reply::of(&RefundCountResponse { response_info: ResponseInfo::answering(&info), count })
}

fn read_criteria(query: &QueryParams, within: Option<Vec<TenantScope>>) -> Result<RefundQuery, ApiError> {
    let mut found = Violations::default();
    // A condition without a value is refused: without it the search would find more.
    let mut text = |name: &'static str, rule: TextRule| {
        let value = query.0.get(name).map(|text| Scalar(text.into()));
        found.optional(Field(CRITERIA, name), value, rule)
    };
    let tenant_id = text("tenantId", TextRule::line(1, TenantId::MAX_CHARS));
    let refund_id = text("refundId", TextRule::line(1, 64));
    let txn_id = text("originalTxnId", TextRule::line(1, TxnId::MAX_CHARS));
    let consumer_code = text("consumerCode", TEXT);
    let bill_id = text("billId", TextRule::line(1, BillId::MAX_CHARS));
    let maker = text("maker", TEXT);
    let statuses = query.0.get("status").map(RefundStatus::of_digit_word);
    if statuses.as_ref().is_some_and(Vec::is_empty) {
        let message = "must be INITIATED, PENDING, SUCCESS or FAILURE";
        found.add("Pattern", Field(CRITERIA, "status"), message);
    }
    let from = number(&mut found, query, "from", i64::MIN..=i64::MAX);
    let to = number(&mut found, query, "to", i64::MIN..=i64::MAX);
    let usual = PageRequest::default();
    let page = PageRequest {
        limit: number(&mut found, query, "limit", 1..=LARGEST_PAGE).unwrap_or(usual.limit),
        offset: number(&mut found, query, "offset", 0..=LARGEST_OFFSET).unwrap_or(usual.offset),
    };
    if !found.is_empty() {
        return Err(found.into_error());
    }
    let widened = |_| ApiError::Internal("a rule admits what an id does not");
    Ok(RefundQuery {
        tenant_id: tenant_id.map(TenantId::new).transpose().map_err(widened)?,
        within,
        // Ids of another service follow other rules.
        refund_id: refund_id.map(RefundId::stored),
        txn_id: txn_id.map(TxnId::new).transpose().map_err(widened)?,
        statuses: statuses.unwrap_or_default(),
        consumer_code: consumer_code.map(Into::into),
        bill_id: bill_id.map(BillId::new).transpose().map_err(widened)?,
        from: from.map(Timestamp::from_millis),
        to: to.map(Timestamp::from_millis),
        requested_by: maker.map(|uuid| uuid.trim().to_lowercase()),
        page,
        ..RefundQuery::default()
    })
}

fn number<T: std::str::FromStr + PartialOrd + std::fmt::Display>(
    found: &mut Violations,
    query: &QueryParams,
    name: &'static str,
    range: RangeInclusive<T>,
) -> Option<T> {
    let text = query.0.get(name)?;
    let number = text.parse().ok().filter(|number| range.contains(number));
    if number.is_none() {
        let message = format!("must be a number between {} and {}", range.start(), range.end());
        found.add("Range", Field(CRITERIA, name), message);
    }
    number
}
