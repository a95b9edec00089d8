//! `POST /account/v1/_enter`: takes the fields of an account's credentials.

use std::collections::BTreeMap;

use axum::extract::State;
use http::HeaderMap;
use payment_domain::RequestInfo;
use payment_service::SeenAccount;
use secrecy::SecretString;
use serde::Deserialize;
use utoipa::ToSchema;

use super::{ACCOUNT, AccountResponse, Request, admin, admin_of, answer, request, seen};
use crate::app::Shared;
use crate::caller::Called;
use crate::error::ApiError;
use crate::json::{Object, Scalar};
use crate::openapi::{RequestInfoSchema, failures};
use crate::reply::Reply;
use crate::request_info::ResponseInfo;

#[derive(Deserialize, ToSchema)]
#[serde(rename_all = "PascalCase")]
pub(crate) struct EnterBody<'a> {
    /// The caller.
    #[schema(value_type = Option<RequestInfoSchema>)]
    request_info: Option<RequestInfo>,
    /// The account.
    #[serde(borrow)]
    #[schema(value_type = EnteredFields)]
    account: Option<Object<EnteredFields<'a>>>,
}

#[derive(Deserialize, ToSchema)]
#[serde(rename_all = "camelCase")]
#[schema(as = EnteredCredentials)]
pub(crate) struct EnteredFields<'a> {
    /// The account.
    #[serde(borrow)]
    #[schema(value_type = String, max_length = 64, example = "0190b6f8-2c70-7b6e-9e3a-5d9d1c3f0a11")]
    id: Option<Scalar<'a>>,
    /// The version of the account that the caller has seen: of one that has moved on nothing is changed.
    #[serde(borrow)]
    #[schema(value_type = u32, minimum = 1, example = 1)]
    version: Option<Scalar<'a>>,
    /// Texts by the names that `_fields` lists.
    #[serde(borrow)]
    #[schema(value_type = BTreeMap<String, String>, example = json!({"paytm.merchant.id": "AMRITS00000001"}))]
    fields: Option<BTreeMap<String, Scalar<'a>>>,
}

/// Enter the credentials of an account.
///
/// For a proven caller with PG_ADMIN at its tenant. Credentials that are not active yet are replaced; beside active
/// ones they are the next version. Secrets are encrypted, and never shown again but for the last four characters of
/// long ones.
#[utoipa::path(
    post,
    path = "/account/v1/_enter",
    operation_id = "enterCredentials",
    tag = super::TAG,
    security(("apiToken" = []), ()),
    params(("Idempotency-Key" = Option<String>, Header, description = "Accepted; a version of an account is changed once in any case.", min_length = 1, max_length = 255)),
    request_body(content = EnterBody),
    responses((status = 200, description = "They are entered.", body = AccountResponse), failures::OperatingOnce),
)]
pub(crate) async fn enter(
    State(app): Shared,
    headers: HeaderMap,
    Called { caller, body }: Called,
) -> Result<Reply, ApiError> {
    admin(&app, &caller).await?;
    let parts = |EnterBody { request_info, account }| (request_info, account);
    let Request { info, about, mut found, .. } = request(&headers, &body, ACCOUNT, parts)?;
    let EnteredFields { id, version, fields } = about;
    let (id, version) = seen(&mut found, id, version);
    if fields.is_none() {
        found.missing("accountRequest.account.fields");
    }
    let (Some(id), Some(fields), true) = (id, fields, found.is_empty()) else {
        return Err(found.into_error());
    };
    let secret = |(name, Scalar(text))| (name, SecretString::from(text.into_owned()));
    let fields = fields.into_iter().map(secret).collect();
    let admin = admin_of(&app, &caller, &id).await?;
    let entered = app.accounts.enter(&admin, SeenAccount { id: &id, version }, fields).await?;
    answer(&app, ResponseInfo::answering(&info), &entered)
}
