//! `POST /account/v1/_verify`, `_activate` and `_retire`: steps of the entered credentials.

use axum::extract::State;
use http::HeaderMap;
use payment_domain::{AccountId, RequestInfo, TxnId};
use payment_service::SeenAccount;
use serde::Deserialize;
use utoipa::ToSchema;

use super::{ACCOUNT, AccountResponse, Request, admin, admin_of, answer, request, seen, told};
use crate::app::Shared;
use crate::caller::Called;
use crate::error::ApiError;
use crate::json::{Object, Scalar};
use crate::openapi::{RequestInfoSchema, failures};
use crate::operators::fields;
use crate::reply::Reply;
use crate::request_info::ResponseInfo;
use crate::validation::Field;

#[derive(Deserialize, ToSchema)]
#[serde(rename_all = "PascalCase")]
pub(crate) struct ChangeAccountBody<'a> {
    /// The caller.
    #[schema(value_type = Option<RequestInfoSchema>)]
    request_info: Option<RequestInfo>,
    /// The account.
    #[serde(borrow)]
    #[schema(value_type = ChangedAccountFields)]
    account: Option<Object<ChangedAccountFields<'a>>>,
}

#[derive(Deserialize, ToSchema)]
#[serde(rename_all = "camelCase")]
#[schema(as = ChangedAccount)]
pub(crate) struct ChangedAccountFields<'a> {
    /// The account.
    #[serde(borrow)]
    #[schema(value_type = String, max_length = 64, example = "0190b6f8-2c70-7b6e-9e3a-5d9d1c3f0a11")]
    id: Option<Scalar<'a>>,
    /// The version of the account that the caller has seen: of one that has moved on nothing is changed.
    #[serde(borrow)]
    #[schema(value_type = u32, minimum = 1, example = 1)]
    version: Option<Scalar<'a>>,
    /// For `_verify`: a payment of this account to ask about; without one the gateway is asked about a payment that
    /// it cannot know.
    #[serde(borrow)]
    #[schema(value_type = Option<String>, max_length = 128, example = json!(null))]
    payment: Option<Scalar<'a>>,
    /// For `_retire`: the version of credentials that are not active; without one the account is retired.
    #[serde(borrow)]
    #[schema(value_type = Option<u32>, minimum = 1, example = json!(null))]
    credential: Option<Scalar<'a>>,
    /// For `_retire`: whether retired credentials, which others have come to know, are wiped now.
    #[serde(borrow)]
    #[schema(value_type = Option<bool>, example = json!(null))]
    wipe: Option<Scalar<'a>>,
}

/// The request's fields.
struct Asked {
    info: RequestInfo,
    id: AccountId,
    version: Option<u32>,
    payment: Option<TxnId>,
    credential: Option<u32>,
    wipe: bool,
}

/// Verify the credentials of an account.
///
/// The gateway gets a status request with the entered credentials; it accepts them when it reports the
/// payment, or that it does not know an invented one. No money moves.
#[utoipa::path(
    post,
    path = "/account/v1/_verify",
    operation_id = "verifyCredentials",
    tag = super::TAG,
    security(("apiToken" = []), ()),
    params(("Idempotency-Key" = Option<String>, Header, description = "Accepted; a version of an account is changed once in any case.", min_length = 1, max_length = 255)),
    request_body(content = ChangeAccountBody),
    responses((status = 200, description = "They are verified.", body = AccountResponse), failures::OperatingOnce),
)]
pub(crate) async fn verify(
    State(app): Shared,
    headers: HeaderMap,
    Called { caller, body }: Called,
) -> Result<Reply, ApiError> {
    admin(&app, &caller).await?;
    let Asked { info, id, version, payment, .. } = read(&headers, &body)?;
    let actor = admin_of(&app, &caller, &id).await?;
    let verified = app.accounts.verify(&actor, SeenAccount { id: &id, version }, payment.as_ref()).await?;
    answer(&app, ResponseInfo::answering(&info), &verified)
}

/// Activate the credentials of an account.
///
/// New payments are made with them. The previous credentials are retired, and go on verifying callbacks for a
/// time. With `accounts.second-person` another person activates than the one who entered them.
#[utoipa::path(
    post,
    path = "/account/v1/_activate",
    operation_id = "activateCredentials",
    tag = super::TAG,
    security(("apiToken" = []), ()),
    params(("Idempotency-Key" = Option<String>, Header, description = "Accepted; a version of an account is changed once in any case.", min_length = 1, max_length = 255)),
    request_body(content = ChangeAccountBody),
    responses((status = 200, description = "They are active.", body = AccountResponse), failures::OperatingOnce),
)]
pub(crate) async fn activate(
    State(app): Shared,
    headers: HeaderMap,
    Called { caller, body }: Called,
) -> Result<Reply, ApiError> {
    admin(&app, &caller).await?;
    let Asked { info, id, version, .. } = read(&headers, &body)?;
    let actor = admin_of(&app, &caller, &id).await?;
    let activated = app.accounts.activate(&actor, SeenAccount { id: &id, version }).await;
    let activated = told(&app, &caller, &actor, activated).await?;
    answer(&app, ResponseInfo::answering(&info), &activated)
}

/// Retire an account or credentials.
///
/// A retired account takes no new payments, and is asked about those it has. Of credentials, those that no payment was
/// made with are wiped, retired ones with `wipe`.
#[utoipa::path(
    post,
    path = "/account/v1/_retire",
    operation_id = "retireAccount",
    tag = super::TAG,
    security(("apiToken" = []), ()),
    params(("Idempotency-Key" = Option<String>, Header, description = "Accepted; a version of an account is changed once in any case.", min_length = 1, max_length = 255)),
    request_body(content = ChangeAccountBody),
    responses((status = 200, description = "It is retired.", body = AccountResponse), failures::OperatingOnce),
)]
pub(crate) async fn retire(
    State(app): Shared,
    headers: HeaderMap,
    Called { caller, body }: Called,
) -> Result<Reply, ApiError> {
    admin(&app, &caller).await?;
    let Asked { info, id, version, credential, wipe, .. } = read(&headers, &body)?;
    let actor = admin_of(&app, &caller, &id).await?;
    let retired = app.accounts.retire(&actor, SeenAccount { id: &id, version }, credential, wipe).await?;
    answer(&app, ResponseInfo::answering(&info), &retired)
}

fn read(headers: &HeaderMap, body: &crate::body::RequestBody) -> Result<Asked, ApiError> {
    let parts = |ChangeAccountBody { request_info, account }| (request_info, account);
    let Request { info, about: account, mut found, .. } = request(headers, body, ACCOUNT, parts)?;
    let (id, version) = seen(&mut found, account.id, account.version);
    let field = |name| Field(ACCOUNT, name);
    let payment = fields::txn_id(&mut found, field("payment"), account.payment)?;
    let number =
        |credential| fields::number(&mut found, field("credential"), Some(credential), 1..=u32::MAX, 0);
    let credential = account.credential.map(number);
    let wipe = match account.wipe.as_ref().map(|Scalar(text)| text.as_ref()) {
        None | Some("false") => false,
        Some("true") => true,
        Some(_) => {
            found.add("Pattern", field("wipe"), "must be true or false");
            false
        }
    };
    match (id, found.is_empty()) {
        (Some(id), true) => Ok(Asked { info, id, version, payment, credential, wipe }),
        (Some(_) | None, _) => Err(found.into_error()),
    }
}
