//! `POST /transaction/v1/_search`: transactions that match.

#[cfg(test)]
mod tests;

use axum::extract::State;
use http::HeaderMap;
use payment_domain::{BillId, StatusName, TenantId, TxnId};
use payment_service::{SearchRequest, SearchResult, TransactionView};
use payment_store::{PageRequest, SearchQuery};
use serde::{Deserialize, Serialize};
use utoipa::{IntoParams, ToSchema};

use crate::app::Shared;
use crate::body::RequestBody;
use crate::error::ApiError;
use crate::openapi::failures;
use crate::params::QueryParams;
use crate::reply::Reply;
use crate::request_info::{RequestInfoBody, ResponseInfo};
use crate::validation::{Field, TextRule, Violations};

/// The path of the criteria in the codes of violations.
const CRITERIA: &str = "transactionCriteria";
const LARGEST_PAGE: u32 = 500;
/// A skipped row costs as much as one that is shown.
const LARGEST_OFFSET: u32 = 10_000;
const TEXT: TextRule = TextRule::line(1, 128);

/// The answer to a search.
#[derive(Serialize, ToSchema)]
#[serde(rename_all = "PascalCase")]
pub(crate) struct SearchResponse<'a> {
    response_info: ResponseInfo,
    /// Newest first.
    transaction: Vec<TransactionView<'a>>,
}

/// The search conditions; all that are set must hold.
#[derive(Deserialize, IntoParams)]
#[into_params(parameter_in = Query)]
#[allow(dead_code, non_snake_case)] // it only describes
pub(crate) struct Criteria {
    /// The tenant, exactly.
    #[param(min_length = 1, max_length = 50, example = "pb.amritsar")]
    tenantId: Option<String>,
    /// The transaction.
    #[param(min_length = 1, max_length = 128)]
    txnId: Option<String>,
    /// The bill, or one of several that were paid together.
    #[param(min_length = 1, max_length = 64)]
    billId: Option<String>,
    /// The payer.
    #[param(min_length = 1, max_length = 128)]
    userUuid: Option<String>,
    /// The receipt's number.
    #[param(min_length = 1, max_length = 128)]
    receipt: Option<String>,
    /// The purpose of the payment in the application.
    #[param(min_length = 1, max_length = 128)]
    consumerCode: Option<String>,
    /// The status.
    #[param(pattern = "^(PENDING|SUCCESS|FAILURE)$")]
    txnStatus: Option<String>,
    /// The largest number of rows.
    #[param(minimum = 1, maximum = 500, default = 5)]
    limit: Option<u32>,
    /// The number of rows to skip; deeper rows are reached with `after`.
    #[param(minimum = 0, maximum = 10000, default = 0)]
    offset: Option<u32>,
    /// The `txnId` of the last row of the page before: the rows behind it follow, however many came
    /// before them.
    #[param(min_length = 1, max_length = 128)]
    after: Option<String>,
}

/// Search transactions.
///
/// Newest first. A CITIZEN sees payments that they pay or created, an EMPLOYEE those of their tenant and
/// below. The caller's identity must be proven, as the setting `identity.proof` says. A caller without proof
/// must give one of `txnId`, `billId`, `consumerCode` and `receipt`, and the payer's data are masked.
#[utoipa::path(
    post,
    path = "/transaction/v1/_search",
    operation_id = "searchTransactions",
    tag = "Transactions",
    params(Criteria),
    request_body(content = RequestInfoBody),
    responses((status = 200, description = "What matches, newest first.", body = SearchResponse), failures::Reading),
)]
pub(crate) async fn search(
    State(app): Shared,
    query: QueryParams,
    headers: HeaderMap,
    body: RequestBody,
) -> Result<Reply, ApiError> {
    let info = body.json::<RequestInfoBody>()?.checked()?;
    let query = read_criteria(&query)?;
    let identity = app.identity.identify(&info, &headers).await;
    let request = SearchRequest { identity, query };
    let SearchResult { transactions, masked } = app.payments.search.search(request).await?;
    let view = if masked { TransactionView::masked } else { TransactionView::of };
    let reply = Reply::of(&SearchResponse {
        response_info: ResponseInfo::answering(&info),
        transaction: transactions.iter().map(view).collect(),
    })?;
    Ok(match transactions.as_slice() {
        [only] => reply.about(only.id.clone()),
        _ => reply,
    })
}

fn read_criteria(query: &QueryParams) -> Result<SearchQuery, ApiError> {
    let mut found = Violations::default();
    // A condition without a value is refused: without it the search would find more.
    let mut text = |name: &'static str, rule: TextRule| {
        let value = query.0.get(name).map(|text| crate::json::Scalar(text.into()));
        found.optional(Field(CRITERIA, name), value, rule)
    };
    let tenant_id = text("tenantId", TextRule::line(1, TenantId::MAX_CHARS));
    let txn_id = text("txnId", TextRule::line(1, TxnId::MAX_CHARS));
    let bill_id = text("billId", TextRule::line(1, BillId::MAX_CHARS));
    let user_uuid = text("userUuid", TEXT);
    let receipt = text("receipt", TEXT);
    let consumer_code = text("consumerCode", TEXT);
    let after = text("after", TextRule::line(1, TxnId::MAX_CHARS));
    let status = query.0.get("txnStatus").map(StatusName::from_word);
    if status == Some(None) {
        found.add("Pattern", Field(CRITERIA, "txnStatus"), "must be PENDING, SUCCESS or FAILURE");
    }
    let mut number = |name: &'static str, default: u32, range: std::ops::RangeInclusive<u32>| {
        let value = query.0.get(name).map_or(Ok(default), str::parse);
        value.ok().filter(|number| range.contains(number)).unwrap_or_else(|| {
            let instead = match name {
                "offset" => "; for what lies deeper give the last txnId of the page before as after",
                _ => "",
            };
            let message = format!("must be a number between {} and {}{instead}", range.start(), range.end());
            found.add("Range", Field(CRITERIA, name), message);
            default
        })
    };
    let page = PageRequest {
        limit: number("limit", PageRequest::default().limit, 1..=LARGEST_PAGE),
        offset: number("offset", 0, 0..=LARGEST_OFFSET),
    };
    if !found.is_empty() {
        return Err(found.into_error());
    }
    let widened = |_| ApiError::Internal("a rule admits what an id does not");
    Ok(SearchQuery {
        tenant_id: tenant_id.map(TenantId::new).transpose().map_err(widened)?,
        txn_id: txn_id.map(TxnId::new).transpose().map_err(widened)?,
        bill_id: bill_id.map(BillId::new).transpose().map_err(widened)?,
        user_uuid: user_uuid.map(Into::into),
        receipt: receipt.map(Into::into),
        consumer_code: consumer_code.map(Into::into),
        status: status.flatten(),
        mine: None,
        within: None,
        after: after.map(TxnId::new).transpose().map_err(widened)?,
        page,
    })
}
