//! `POST /transaction/v1/_create`: creates a transaction.

mod request;
#[cfg(test)]
mod tests;

use axum::Extension;
use axum::extract::State;
use axum::response::{IntoResponse, Response};
use http::{HeaderMap, HeaderName, HeaderValue};
use payment_domain::RequestInfo;
use payment_service::{CreateRequest, IdempotentRequest, Subject, TransactionView};
use serde::{Deserialize, Serialize};
use serde_json::value::RawValue;
use utoipa::ToSchema;

use crate::app::Shared;
use crate::body::RequestBody;
use crate::error::ApiError;
use crate::idempotency;
use crate::json::Object;
use crate::openapi::{RequestInfoSchema, failures};
use crate::reply::Reply;
use crate::request_info::ResponseInfo;
use crate::validation::Violations;

pub(crate) use request::EXAMPLE_BILL;
use request::TransactionFields;

/// Set on answers with a transaction that an earlier request has created.
const REUSED: HeaderName = HeaderName::from_static("x-transaction-reused");

/// The body of a request to create a transaction.
#[derive(Deserialize, ToSchema)]
#[serde(rename_all = "PascalCase")]
pub(crate) struct CreateBody<'a> {
    /// The caller.
    #[schema(value_type = RequestInfoSchema)]
    request_info: Option<RequestInfo>,
    /// The payment, its payer, and its gateway.
    #[serde(borrow)]
    #[schema(value_type = request::TransactionSchema)]
    transaction: Option<Object<TransactionFields<'a>>>,
}

/// The answer to a request that creates a transaction.
#[derive(Serialize, ToSchema)]
#[serde(rename_all = "PascalCase")]
pub(crate) struct CreateResponse<'a> {
    response_info: ResponseInfo,
    #[schema(value_type = TransactionView)]
    transaction: &'a RawValue,
}

/// Create a transaction.
///
/// Opens a payment for one or several bills and answers with the payer's way to the gateway (`redirectUrl`).
/// A bill has one live payment at a time: a request for the same bills, amount, gateway, callback URL and
/// mobile number as a payment that was begun is answered with that one (`X-Transaction-Reused: true`), while
/// its page can be used. With an `Idempotency-Key` the request can be repeated safely: the first answer is
/// given again.
#[utoipa::path(
    post,
    path = "/transaction/v1/_create",
    operation_id = "createTransaction",
    tag = "Transactions",
    params(
        ("tenantId" = Option<String>, Query, description = "Ignored; clients of DIGIT send it."),
        ("Idempotency-Key" = Option<String>, Header, min_length = 1, max_length = 255, pattern = "^[!-~]+$",
            description = "Makes a repetition of the same request, with whatever RequestInfo, answer as the first did. Kept for 24 hours."),
    ),
    request_body(content = CreateBody),
    responses(
        (status = 200, description = "The transaction is created, or was created by an earlier request.", body = CreateResponse,
            headers(("X-Transaction-Reused" = String, description = "`true` when an earlier request has created it; absent otherwise."))),
        failures::Creating,
    ),
)]
pub(crate) async fn create(
    State(app): Shared,
    Extension(subject): Extension<Subject>,
    headers: HeaderMap,
    body: RequestBody,
) -> Result<Response, ApiError> {
    let key = idempotency::key(&headers)?;
    let CreateBody { request_info, transaction } = body.json()?;
    let mut found = Violations::default();
    let response_info = match &request_info {
        None => {
            found.missing("transactionRequest.requestInfo");
            ResponseInfo::answering(&RequestInfo::default())
        }
        Some(info) => {
            crate::request_info::note_violations(info, "transactionRequest.requestInfo", &mut found)?;
            ResponseInfo::answering(info)
        }
    };
    let Some(Object(transaction)) = transaction else {
        found.missing("transactionRequest.transaction");
        return Err(found.into_error());
    };
    let digest = key.is_some().then(|| idempotency::digest_of("Transaction", &body)).transpose()?;
    let idempotent = key.zip(digest).map(|(key, digest)| IdempotentRequest { key, digest });
    let identity = app.identity.identify(&request_info.unwrap_or_default(), &headers).await;
    let request = transaction.into_request(identity, idempotent, found)?;
    let created = app.payments.creation.create(CreateRequest { subject, ..request }).await?;
    let answer = CreateResponse { response_info, transaction: &created.json };
    let mut response = Reply::of(&answer)?.about(created.id).into_response();
    if created.reused {
        response.headers_mut().insert(REUSED, HeaderValue::from_static("true"));
    }
    Ok(response)
}
