//! `POST` or `GET /transaction/v1/_update`: settles a transaction.

#[cfg(test)]
mod tests;

use axum::Extension;
use axum::extract::State;
use http::HeaderMap;
use payment_domain::{Actor, RequestInfo};
use payment_gateway::{Answer, Params};
use payment_service::{Caller, Identity, Settled, Subject, TransactionView};
use serde::Serialize;
use utoipa::ToSchema;

use crate::app::{App, Shared};
use crate::body::RequestBody;
use crate::error::ApiError;
use crate::openapi::failures;
use crate::params::QueryParams;
use crate::reply::Reply;
use crate::request_info::{RequestInfoBody, ResponseInfo};

/// The actor in the history for callers without proof of their identity, usually a payer's browser.
const ANONYMOUS: &str = "anonymous";

/// The answer to an update.
#[derive(Serialize, ToSchema)]
#[serde(rename_all = "PascalCase")]
pub(crate) struct UpdateResponse<'a> {
    response_info: ResponseInfo,
    /// Always one transaction.
    #[schema(min_items = 1, max_items = 1)]
    transaction: Vec<TransactionView<'a>>,
}

/// Settle a transaction.
///
/// Takes the gateway's return, as query parameters or as fields of a form, and answers with the current state
/// of the transaction. A page to which the gateway sent the payer's browser passes on its whole query, its
/// own parameters included. The content decides nothing: the gateway is asked. Repeating it is safe. The
/// transaction is named by `eg_pg_txnid` or by the gateway's own parameter.
#[utoipa::path(
    post,
    path = "/transaction/v1/_update",
    operation_id = "updateTransaction",
    tag = "Transactions",
    params(
        ("transactionId" = Option<String>, Query, description = "The transaction, as DIGIT's web client names it.",
            example = "PB_PG_2026_11_22_000072_14"),
        ("eg_pg_txnid" = Option<String>, Query, description = "The transaction, as the callback URL names it."),
    ),
    request_body(content(
        (RequestInfoBody = "application/json"),
        (std::collections::BTreeMap<String, String> = "application/x-www-form-urlencoded"),
    ), description = "Who asks, or what the gateway returned; may be missing."),
    responses((status = 200, description = "The transaction as it stands now.", body = UpdateResponse), failures::Settling),
)]
pub(crate) async fn post(
    State(app): Shared,
    Extension(subject): Extension<Subject>,
    query: QueryParams,
    headers: HeaderMap,
    body: RequestBody,
) -> Result<Reply, ApiError> {
    let info = RequestInfoBody::read(&body)?;
    let params = query.with_fields(&body, &app.limits)?;
    update(&app, params, &info, &headers, &subject).await
}

/// Settle a transaction, by `GET`.
///
/// The same for gateways and browsers that cannot post; a body with a `RequestInfo` is read here, too. An
/// unproven caller sees the payer's data masked.
#[utoipa::path(
    get,
    path = "/transaction/v1/_update",
    operation_id = "updateTransactionByGet",
    tag = "Transactions",
    params(
        ("transactionId" = Option<String>, Query, description = "The transaction, as DIGIT's web client names it.",
            example = "PB_PG_2026_11_22_000072_14"),
        ("eg_pg_txnid" = Option<String>, Query, description = "The transaction, as the callback URL names it."),
    ),
    responses((status = 200, description = "The transaction as it stands now.", body = UpdateResponse), failures::Settling),
)]
pub(crate) async fn get(
    State(app): Shared,
    Extension(subject): Extension<Subject>,
    QueryParams(params): QueryParams,
    headers: HeaderMap,
    body: RequestBody,
) -> Result<Reply, ApiError> {
    let info = RequestInfoBody::read(&body)?;
    update(&app, params, &info, &headers, &subject).await
}

async fn update(
    app: &App,
    params: Params,
    info: &RequestInfo,
    headers: &HeaderMap,
    subject: &Subject,
) -> Result<Reply, ApiError> {
    let identity = app.identity.identify(info, headers).await;
    let Settled { txn, .. } = settle(app, params, &identity, subject).await?;
    let view = match app.payments.search.knows_payer(&identity, &txn) {
        true => TransactionView::of(&txn),
        false => TransactionView::masked(&txn),
    };
    let answer = UpdateResponse { response_info: ResponseInfo::answering(info), transaction: vec![view] };
    Ok(Reply::of(&answer)?.about(txn.id.clone()))
}

pub(super) async fn settle(
    app: &App,
    params: Params,
    identity: &Identity,
    subject: &Subject,
) -> Result<Settled, ApiError> {
    let ports = &app.payments.ports;
    let answer = Answer::of_params(params);
    let id = ports.gateways.transaction_named_in(&answer).ok_or(ApiError::MissingTxnId)?;
    subject.is(&id);
    let uuid = identity.proven_uuid();
    let caller = Caller::new(Actor::user(uuid.as_deref().unwrap_or(ANONYMOUS)), identity.clone());
    app.payments.settlement.settle(&id, &answer, &caller).await.map_err(|error| ApiError::Settle(id, error))
}
