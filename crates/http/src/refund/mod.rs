//! Refunds: requested by one named person, decided by another, searched, asked about.

pub(crate) mod create;
pub(crate) mod decide;
mod request;
pub(crate) mod search;
#[cfg(test)]
mod tests;
pub(crate) mod update;

use payment_domain::{Principal, Refund, RefundId, Role, TxnId};
use payment_service::{PersonalData, RefundError, RefundView};
use payment_store::TenantScope;
use serde::Serialize;
use utoipa::ToSchema;

use crate::app::App;
use crate::caller::Caller;
use crate::error::ApiError;
use crate::reply::Reply;
use crate::request_info::ResponseInfo;

/// The tag of these endpoints in the OpenAPI document.
pub(crate) const TAG: &str = "Refunds";

/// The roles that read the maker's words.
const READS_REASONS: &[Role] = ASKS;
pub(crate) use payment_service::access::{ASKS, CHECKS, MAKES, PAYMENTS as READS};

/// The answer with one refund.
#[derive(Serialize, ToSchema)]
#[serde(rename_all = "PascalCase")]
pub(crate) struct RefundResponse<'a> {
    response_info: ResponseInfo,
    refund: RefundView<'a>,
}

/// The refund with what is left of its payment.
async fn answer(
    app: &App,
    response_info: ResponseInfo,
    refund: &Refund,
    personal: PersonalData,
) -> Result<Reply, ApiError> {
    let available = app.payments.refunds.left_of(refund).await?;
    let view = RefundView::of(refund, personal).with_available(available);
    Ok(Reply::of(&RefundResponse { response_info, refund: view })?.about(refund.txn_id.clone()))
}

/// The refund of an id, as one of the callers in these roles sees it.
async fn find(app: &App, id: &str, within: Option<&[TenantScope]>) -> Result<Refund, ApiError> {
    // Those of another service follow other rules.
    let id = RefundId::stored(id);
    Ok(app.payments.refunds.find(&id, within).await?.ok_or(RefundError::NotFound)?)
}

/// The caller as a maker of refunds of this payment, where it is of one of these tenants.
async fn maker_of(
    app: &App,
    caller: &Caller,
    payment: &TxnId,
    within: &[TenantScope],
) -> Result<Principal, ApiError> {
    let tenant = app.payments.search.tenant_of(payment, Some(within)).await?;
    caller.principal(app, MAKES, &tenant.ok_or(RefundError::NoPayment)?).await
}
