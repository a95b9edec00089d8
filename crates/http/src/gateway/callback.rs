//! `POST` or `GET /gateway/v1/{gateway}/_callback`: server-to-server callbacks of gateways.

#[cfg(test)]
mod tests;

use axum::extract::{RawQuery, State};
use bytes::Bytes;
use http::HeaderMap;
use payment_gateway::{Answer, Params};
use payment_service::{CallbackError, Conclusion};
use serde::Serialize;
use utoipa::ToSchema;

use super::NamedGateway;
use crate::app::{App, Shared};
use crate::body::RequestBody;
use crate::error::ApiError;
use crate::openapi::failures;
use crate::params::QueryParams;
use crate::reply::Reply;

/// The answer to a callback that was accepted.
#[derive(Serialize, ToSchema)]
pub(crate) struct Accepted {
    /// `SETTLED`, `PENDING` when the payment is not finished, or `REPEATED`.
    #[schema(example = "SETTLED")]
    status: &'static str,
}

/// Report a payment.
///
/// For the gateway's server. Its signature is checked, the signed content is stored, and the gateway is asked
/// before anything changes. A form or a flat JSON object is read under any media type. Repeating it is safe.
#[utoipa::path(
    post,
    path = "/gateway/v1/{gateway}/_callback",
    operation_id = "reportPayment",
    tag = "Gateways",
    params(("gateway" = String, Path, description = "The gateway that reports, in any letter case.", example = "sandbox")),
    request_body(content(
        (std::collections::BTreeMap<String, String> = "application/x-www-form-urlencoded"),
        (serde_json::Value = "application/json"),
    ), description = "What the gateway sends, in its own format."),
    responses((status = 200, description = "Accepted.", body = Accepted), failures::CallingBack),
)]
pub(crate) async fn post(
    State(app): Shared,
    gateway: NamedGateway,
    RawQuery(raw_query): RawQuery,
    query: QueryParams,
    headers: HeaderMap,
    body: RequestBody,
) -> Result<Reply, ApiError> {
    let params = query.with_fields(&body, &app.limits)?;
    let unread = body.unread();
    let taken = take(&app, gateway, raw_query, params, &headers, body.into_bytes()).await;
    match (taken, unread) {
        (Err(ApiError::Callback(CallbackError::NoTransaction)), Some(kind)) => {
            Err(ApiError::UnsupportedMediaType(kind))
        }
        (taken, _) => taken,
    }
}

/// Report a payment, by `GET`.
///
/// The same for gateways that report in a query.
#[utoipa::path(
    get,
    path = "/gateway/v1/{gateway}/_callback",
    operation_id = "reportPaymentByGet",
    tag = "Gateways",
    params(("gateway" = String, Path, description = "The gateway that reports, in any letter case.", example = "sandbox")),
    responses((status = 200, description = "Accepted.", body = Accepted), failures::CallingBack),
)]
pub(crate) async fn get(
    State(app): Shared,
    gateway: NamedGateway,
    RawQuery(raw_query): RawQuery,
    QueryParams(params): QueryParams,
    headers: HeaderMap,
) -> Result<Reply, ApiError> {
    take(&app, gateway, raw_query, params, &headers, Bytes::new()).await
}

async fn take(
    app: &App,
    NamedGateway(gateway): NamedGateway,
    raw_query: Option<String>,
    params: Params,
    headers: &HeaderMap,
    body: Bytes,
) -> Result<Reply, ApiError> {
    let text = |value: &http::HeaderValue| String::from_utf8_lossy(value.as_bytes()).into_owned();
    let headers = headers.iter().map(|(name, value)| (name.as_str().to_owned(), text(value))).collect();
    let answer = Answer { params, headers: Params::new(headers), body };
    let conclusion = app.payments.callbacks.take(&gateway, &answer, &raw_query.unwrap_or_default()).await?;
    Reply::of(&Accepted {
        status: match conclusion {
            Conclusion::Settled => "SETTLED",
            Conclusion::StillPending => "PENDING",
            Conclusion::Repeated => "REPEATED",
        },
    })
}
