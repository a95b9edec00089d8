//! `POST /account/v1/_search` and `_fields`: the accounts, and the fields of an account of a gateway.

use axum::extract::State;
use payment_domain::{GatewayName, RequestInfo, TenantId};
use payment_service::{AccountError, AccountView};
use payment_store::{StoredAccount, TenantScope};
use serde::{Deserialize, Serialize};
use utoipa::ToSchema;

use super::SEES;
use crate::app::Shared;
use crate::caller::Called;
use crate::error::ApiError;
use crate::json::Scalar;
use crate::openapi::{RequestInfoSchema, failures};
use crate::reply::Reply;
use crate::request_info::{self, ResponseInfo};
use crate::validation::{Field, TextRule, Violations};

/// Which accounts are looked for; conditions that are set must all hold.
#[derive(Default, Deserialize, ToSchema)]
#[serde(rename_all = "camelCase")]
pub(crate) struct AccountSearchBody<'a> {
    /// The caller.
    #[serde(rename = "RequestInfo")]
    #[schema(value_type = Option<RequestInfoSchema>)]
    info: Option<RequestInfo>,
    /// Only accounts of this tenant and below.
    #[serde(borrow)]
    #[schema(value_type = Option<String>, max_length = 50, example = json!(null))]
    tenant_id: Option<Scalar<'a>>,
    /// Only accounts of this gateway.
    #[serde(borrow)]
    #[schema(value_type = Option<String>, max_length = 64, example = json!(null))]
    gateway: Option<Scalar<'a>>,
    /// Only this account.
    #[serde(borrow)]
    #[schema(value_type = Option<String>, max_length = 64, example = json!(null))]
    id: Option<Scalar<'a>>,
}

/// The answer to a search for accounts.
#[derive(Serialize, ToSchema)]
#[serde(rename_all = "PascalCase")]
pub(crate) struct AccountsResponse {
    response_info: ResponseInfo,
    /// In the order of tenants, gateways and priorities.
    accounts: Vec<AccountView>,
}

/// List merchant accounts.
///
/// The accounts of the tenants at which the caller has PG_ADMIN or PG_AUDITOR, and of the tenants below.
/// Secrets are shown by their last four characters.
#[utoipa::path(
    post,
    path = "/account/v1/_search",
    operation_id = "searchAccounts",
    tag = super::TAG,
    security(("apiToken" = []), ()),
    request_body(content = AccountSearchBody, description = "Which accounts; may be missing."),
    responses((status = 200, description = "The accounts.", body = AccountsResponse), failures::Operating),
)]
pub(crate) async fn search(State(app): Shared, Called { caller, body }: Called) -> Result<Reply, ApiError> {
    caller.named()?;
    let mut scopes = caller.scopes(&app, SEES).await?.unwrap_or_default();
    let AccountSearchBody { info, tenant_id, gateway, id } = body.optional_json()?.unwrap_or_default();
    let info = info.unwrap_or_default();
    request_info::check(&info)?;
    let mut found = Violations::default();
    let mut text = |name, value, most| found.optional(Field("account", name), value, TextRule::line(1, most));
    let (tenant, gateway, id) =
        (text("tenantId", tenant_id, 50), text("gateway", gateway, 64), text("id", id, 64));
    if !found.is_empty() {
        return Err(found.into_error());
    }
    if let Some(tenant) = tenant {
        let tenant = TenantId::stored(tenant.into_owned());
        caller.principal(&app, SEES, &tenant).await?;
        scopes = vec![TenantScope { root: tenant.to_string() }];
    }
    let gateway = gateway.map(|gateway| GatewayName::new(&gateway));
    let is_wanted = |stored: &StoredAccount| {
        let account = &stored.account;
        gateway.as_ref().is_none_or(|gateway| account.gateway == *gateway)
            && id.as_ref().is_none_or(|id| account.id.as_str() == id.as_ref())
    };
    let (accounts, troubles) = (app.accounts.list_within(&scopes).await?, app.accounts.directory.troubles());
    let accounts = accounts.iter().filter(|stored| is_wanted(stored));
    Reply::of(&AccountsResponse {
        response_info: ResponseInfo::answering(&info),
        accounts: accounts.map(|stored| AccountView::of(stored, &troubles)).collect(),
    })
}

/// Which gateway's fields are looked for.
#[derive(Deserialize, ToSchema)]
pub(crate) struct AccountFieldsBody<'a> {
    /// The caller.
    #[serde(rename = "RequestInfo")]
    #[schema(value_type = Option<RequestInfoSchema>)]
    info: Option<RequestInfo>,
    /// The gateway.
    #[serde(borrow)]
    #[schema(value_type = String, max_length = 64, example = "PAYTM")]
    gateway: Option<Scalar<'a>>,
}

/// A field of the credentials of a gateway.
#[derive(Serialize, ToSchema)]
#[serde(rename_all = "camelCase")]
pub(crate) struct AccountFieldView {
    name: String,
    /// Whether it is encrypted and never shown.
    secret: bool,
    purpose: &'static str,
}

/// The answer with the fields of a gateway.
#[derive(Serialize, ToSchema)]
#[serde(rename_all = "PascalCase")]
pub(crate) struct AccountFieldsResponse {
    response_info: ResponseInfo,
    fields: Vec<AccountFieldView>,
}

/// List the fields of an account.
///
/// The names that `_enter` takes for a gateway.
#[utoipa::path(
    post,
    path = "/account/v1/_fields",
    operation_id = "listAccountFields",
    tag = super::TAG,
    security(("apiToken" = []), ()),
    request_body(content = AccountFieldsBody),
    responses((status = 200, description = "The fields.", body = AccountFieldsResponse), failures::Operating),
)]
pub(crate) async fn fields(State(app): Shared, Called { caller, body }: Called) -> Result<Reply, ApiError> {
    caller.named()?;
    caller.scopes(&app, SEES).await?;
    let AccountFieldsBody { info, gateway } = body.json()?;
    let info = info.unwrap_or_default();
    request_info::check(&info)?;
    let mut found = Violations::default();
    let Some(gateway) = found.required(Field("account", "gateway"), gateway, TextRule::line(1, 64)) else {
        return Err(found.into_error());
    };
    let gateway = GatewayName::new(&gateway);
    let fields = app.accounts.adapters.fields(&gateway);
    let fields = fields.ok_or_else(|| AccountError::no_accounts_of(&gateway))?;
    let view = |field: payment_service::AccountField| AccountFieldView {
        name: field.name,
        secret: field.secret,
        purpose: field.doc,
    };
    Reply::of(&AccountFieldsResponse {
        response_info: ResponseInfo::answering(&info),
        fields: fields.into_iter().map(view).collect(),
    })
}
