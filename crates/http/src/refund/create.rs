//! `POST /refund/v1/_create`: requests a refund.

use axum::extract::State;
use axum::response::{IntoResponse, Response};
use http::HeaderMap;
use payment_domain::{Refund, RequestInfo};
use payment_service::{PersonalData, RefundError, RefundRequest};
use payment_store::{RefundKey, TenantScope};
use serde::{Deserialize, Serialize};
use utoipa::ToSchema;

use super::request::{PaymentFields, RefundFields, Wanted};
use super::{MAKES, RefundResponse, answer, maker_of};
use crate::app::{App, Shared};
use crate::caller::Called;
use crate::error::ApiError;
use crate::idempotency;
use crate::json::Object;
use crate::openapi::{RequestInfoSchema, failures};
use crate::reply::Reply;
use crate::request_info::{ResponseInfo, note_violations};
use crate::validation::Violations;

/// A request for a refund, in one of two forms: `Refund`, or UPYOG's `Payment`.
#[derive(Deserialize, ToSchema)]
#[serde(rename_all = "PascalCase")]
pub(crate) struct CreateRefundBody<'a> {
    /// The caller.
    #[schema(value_type = Option<RequestInfoSchema>)]
    request_info: Option<RequestInfo>,
    /// The refund.
    #[serde(borrow)]
    #[schema(value_type = Option<RefundFields>, nullable = false)]
    refund: Option<Object<RefundFields<'a>>>,
    /// The payment, as UPYOG's refund-services sends it; the answer is then a `PaymentRefund`.
    #[serde(borrow)]
    #[schema(value_type = Option<PaymentFields>, nullable = false, example = json!(null))]
    payment: Option<Object<PaymentFields<'a>>>,
}

/// The refund as UPYOG's refund-services reads it.
#[derive(Serialize, ToSchema)]
#[serde(rename_all = "camelCase")]
pub(crate) struct PaymentRefund<'a> {
    tenant_id: &'a str,
    refund_id: &'a str,
    transaction_id: &'a str,
    /// `INITIATED`, `PENDING`, `SUCCESS` or `FAILURE`.
    refund_status: &'static str,
    /// The code of an accepted request, `OTS0000` unless `refund.upyog.accepted-code` says otherwise; else null.
    #[schema(required)]
    gateway_status_code: Option<&'a str>,
    gateway_status_msg: &'a str,
    /// As UPYOG spells it.
    gateway_staus_msg: &'a str,
}

/// The answer to a request with a `Payment`.
#[derive(Serialize, ToSchema)]
#[serde(rename_all = "PascalCase")]
pub(crate) struct PaymentRefundResponse<'a> {
    response_info: ResponseInfo,
    payment_refund: PaymentRefund<'a>,
}

/// The answer to a request for a refund.
#[derive(ToSchema)]
#[schema(as = CreateRefundResponse)]
#[allow(dead_code, clippy::large_enum_variant, reason = "it only describes")]
pub(crate) enum CreatedRefund<'a> {
    #[schema(title = "Refund")]
    Refund(RefundResponse<'a>),
    #[schema(title = "PaymentRefund")]
    PaymentRefund(PaymentRefundResponse<'a>),
}

/// Request a refund.
///
/// For a proven caller with PG_REFUND_MAKER at the tenant of the payment. The gateway is asked about the
/// payment, and the amount is reserved of the refundable rest. Another person approves it, unless the caller
/// holds the role of `refund.trusted-role`. Money moves after that. The body has a `Refund`, or a `Payment`
/// as UPYOG's refund-services sends it.
#[utoipa::path(
    post,
    path = "/refund/v1/_create",
    operation_id = "createRefund",
    tag = super::TAG,
    security(("apiToken" = []), ()),
    params(("Idempotency-Key" = Option<String>, Header, description = "A key of the client's own: the same request under the same key is answered with the first refund.", min_length = 1, max_length = 255)),
    request_body(content = CreateRefundBody),
    responses((status = 200, description = "It is requested.", body = inline(CreatedRefund)), failures::Refunding),
)]
pub(crate) async fn create(
    State(app): Shared,
    headers: HeaderMap,
    Called { caller, body }: Called,
) -> Result<Response, ApiError> {
    let identity = caller.named()?;
    let scopes = caller.scopes(&app, MAKES).await?.unwrap_or_default();
    let key = idempotency::key(&headers)?;
    let CreateRefundBody { request_info, refund, payment } = body.json()?;
    let mut found = Violations::default();
    let info = request_info.unwrap_or_default();
    note_violations(&info, "refundRequest.requestInfo", &mut found)?;
    let (member, wanted) = match (refund, payment) {
        (Some(Object(refund)), None) => ("Refund", refund.wanted(found)?),
        (None, Some(Object(payment))) => ("Payment", payment.wanted(found)?),
        (None, None) => {
            found.missing("refundRequest.refund");
            return Err(found.into_error());
        }
        (Some(_), Some(_)) => {
            found.add("Exclusive", "refundRequest.payment", "must not be given together with Refund");
            return Err(found.into_error());
        }
    };
    let Wanted { tenant, payment, amount, amount_available, reason_code, reason, case, additional_details } =
        wanted;
    let maker = match &tenant {
        Some(tenant) => {
            caller.principal(&app, MAKES, tenant).await?;
            let named = [TenantScope { root: tenant.to_string() }];
            maker_of(&app, &caller, &payment, &named).await?
        }
        None => maker_of(&app, &caller, &payment, &scopes).await?,
    };
    let digest = idempotency::digest_of(member, &body)?;
    let scope = format!("{payment}/{}", maker.uuid);
    let tenant = app.payments.search.tenant_of(&payment, None).await?.ok_or(RefundError::NoPayment)?;
    let request = RefundRequest {
        txn_id: payment,
        amount,
        amount_available,
        reason_code,
        reason,
        case,
        additional_details,
        key: key.map(|key| (RefundKey { scope, key }, digest)),
        trusted: identity.is_trusted_at(&tenant),
    };
    let refund = app.payments.refunds.request(request, &maker, identity).await?;
    let response_info = ResponseInfo::answering(&info);
    let reply = match member {
        "Payment" => upyogs_answer(&app, response_info, &refund)?,
        _ => answer(&app, response_info, &refund, PersonalData::Shown).await?,
    };
    Ok(reply.into_response())
}

/// refund-services goes on when the code is the one of an accepted request, and only then.
fn upyogs_answer(app: &App, response_info: ResponseInfo, refund: &Refund) -> Result<Reply, ApiError> {
    let word = refund.status.digit_word();
    let is_accepted = refund.status.is_live();
    let payment_refund = PaymentRefund {
        tenant_id: refund.tenant_id.as_str(),
        refund_id: refund.id.as_str(),
        transaction_id: refund.txn_id.as_str(),
        refund_status: word,
        gateway_status_code: is_accepted.then_some(app.upyog_accepted_code.as_str()),
        gateway_status_msg: word,
        gateway_staus_msg: word,
    };
    Ok(Reply::of(&PaymentRefundResponse { response_info, payment_refund })?.about(refund.txn_id.clone()))
}
