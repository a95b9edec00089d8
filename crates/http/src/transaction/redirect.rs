//! `POST` or `GET /transaction/v1/_redirect`: the payer's browser returns from the gateway, and is redirected to the
//! application.

#[cfg(test)]
mod tests;

use axum::Extension;
use axum::body::Body;
use axum::extract::State;
use axum::response::Response;
use http::{HeaderName, HeaderValue, StatusCode, header};
use payment_domain::{RequestInfo, Transaction, TxnId};
use payment_gateway::Params;
use payment_service::{Identity, SettleError, Subject, with_transaction_id};

use super::update::settle;
use crate::app::{App, Shared};
use crate::body::RequestBody;
use crate::error::ApiError;
use crate::log_context::LogContext;
use crate::openapi::failures;
use crate::params::QueryParams;

/// Return from the gateway.
///
/// Where gateways send the payer's browser with `redirect.through=service`. Settles like `_update`, then
/// sends the browser to the callback URL that was stored when the transaction was created, with
/// `eg_pg_txnid` and `txnStatus` in its query. It leads nowhere else, and there even when the gateway's
/// answer is refused: then with the status that is stored.
#[utoipa::path(
    post,
    path = "/transaction/v1/_redirect",
    operation_id = "returnFromGateway",
    tag = "Payer",
    params(("eg_pg_txnid" = Option<String>, Query, description = "The transaction; a gateway's own parameter or a field of the form may name it as well.",
        example = "PB_PG_2026_11_22_000072_14")),
    request_body(content = std::collections::BTreeMap<String, String>, content_type = "application/x-www-form-urlencoded",
        description = "What the gateway returned; may be missing."),
    responses(failures::Redirecting),
)]
pub(crate) async fn post(
    State(app): Shared,
    Extension(subject): Extension<Subject>,
    query: QueryParams,
    body: RequestBody,
) -> Result<Response, ApiError> {
    let params = query.with_fields(&body, &app.limits)?;
    match (settle_and_return(&app, params, &subject).await, body.unread()) {
        (Err(ApiError::MissingTxnId), Some(kind)) => Err(ApiError::UnsupportedMediaType(kind)),
        (returned, _) => returned,
    }
}

/// Return from the gateway, by `GET`.
///
/// The same for gateways that send the browser back without a form.
#[utoipa::path(
    get,
    path = "/transaction/v1/_redirect",
    operation_id = "returnFromGatewayByGet",
    tag = "Payer",
    params(("eg_pg_txnid" = Option<String>, Query, description = "The transaction; a gateway's own parameter may name it as well.",
        example = "PB_PG_2026_11_22_000072_14")),
    responses(failures::Redirecting),
)]
pub(crate) async fn get(
    State(app): Shared,
    Extension(subject): Extension<Subject>,
    QueryParams(params): QueryParams,
) -> Result<Response, ApiError> {
    settle_and_return(&app, params, &subject).await
}

async fn settle_and_return(app: &App, params: Params, subject: &Subject) -> Result<Response, ApiError> {
    match settle(app, params, &Identity::unproven(&RequestInfo::default()), subject).await {
        Ok(settled) => back_to_application(&settled.txn),
        // A refused answer changes nothing. The browser still goes to the stored callback URL.
        Err(ApiError::Settle(id, refused @ (SettleError::BadSignature | SettleError::WrongTransaction))) => {
            let txn = app.payments.ports.store.transaction(&id).await?;
            back_to_application(&txn.ok_or(ApiError::Settle(id, refused))?)
        }
        Err(error) => Err(error),
    }
}

/// Sends the browser to the callback URL of the transaction.
///
/// # Errors
/// [`ApiError::NoCallbackUrl`].
pub(crate) fn back_to_application(txn: &Transaction) -> Result<Response, ApiError> {
    let url = txn.callback_url.as_deref().ok_or(ApiError::NoCallbackUrl)?;
    let url =
        with_transaction_id(url, txn.id.as_str(), &[("txnStatus", txn.status_text().unwrap_or_default())]);
    see_other(url, txn.id.clone())
}

/// Sends the browser to this URL, which learns nothing of ours.
///
/// # Errors
/// [`ApiError::NoCallbackUrl`] when it cannot be a header.
pub(crate) fn see_other(url: String, txn_id: TxnId) -> Result<Response, ApiError> {
    let location = HeaderValue::try_from(url).map_err(|_| ApiError::NoCallbackUrl)?;
    let mut response = Response::new(Body::empty());
    *response.status_mut() = StatusCode::SEE_OTHER;
    response.headers_mut().extend([
        (header::LOCATION, location),
        // The application must not see the gateway's parameters in our URL.
        (HeaderName::from_static("referrer-policy"), HeaderValue::from_static("no-referrer")),
    ]);
    LogContext::about(txn_id).attach(&mut response);
    Ok(response)
}
