//! `POST /account/v1/_create`: adds an account.

use axum::extract::State;
use http::HeaderMap;
use payment_domain::{GatewayName, RequestInfo, TenantId};
use payment_service::{AccountActor, AccountWish};
use serde::Deserialize;
use utoipa::ToSchema;

use super::{ACCOUNT, AccountResponse, MANAGES, Request, admin, answer, request};
use crate::app::Shared;
use crate::caller::Called;
use crate::error::ApiError;
use crate::json::{Object, Scalar};
use crate::openapi::{RequestInfoSchema, failures};
use crate::operators::fields;
use crate::reply::Reply;
use crate::request_info::ResponseInfo;
use crate::validation::{Field, TextRule, Violations};

const USUAL_PRIORITY: u32 = 100;

#[derive(Deserialize, ToSchema)]
#[serde(rename_all = "PascalCase")]
pub(crate) struct CreateAccountBody<'a> {
    /// The caller.
    #[schema(value_type = Option<RequestInfoSchema>)]
    request_info: Option<RequestInfo>,
    /// The account.
    #[serde(borrow)]
    #[schema(value_type = NewAccountFields)]
    account: Option<Object<NewAccountFields<'a>>>,
}

#[derive(Deserialize, ToSchema)]
#[serde(rename_all = "camelCase")]
#[schema(as = NewAccount)]
pub(crate) struct NewAccountFields<'a> {
    /// The tenant whose payments it takes, with those below it.
    #[serde(borrow)]
    #[schema(value_type = String, max_length = 50, example = "pb.amritsar")]
    tenant_id: Option<Scalar<'a>>,
    /// Only payments of this service; null for all.
    #[serde(borrow)]
    #[schema(value_type = Option<String>, max_length = 64, example = json!(null))]
    business_service: Option<Scalar<'a>>,
    /// The gateway.
    #[serde(borrow)]
    #[schema(value_type = String, max_length = 64, example = "PAYTM")]
    gateway: Option<Scalar<'a>>,
    /// For people.
    #[serde(borrow)]
    #[schema(value_type = String, max_length = 200, example = "Amritsar")]
    label: Option<Scalar<'a>>,
    /// Of several accounts for one tenant and service the lowest is used; 100 unless it is said.
    #[serde(borrow)]
    #[schema(value_type = Option<u32>, minimum = 0, example = 100)]
    priority: Option<Scalar<'a>>,
    /// The bank account that the gateway settles to.
    #[serde(borrow)]
    #[schema(value_type = Option<String>, max_length = 200, example = json!(null))]
    bank_account_ref: Option<Scalar<'a>>,
}

/// Add a merchant account.
///
/// For a proven caller with PG_ADMIN at the tenant. Payments are made through it when its credentials are entered,
/// verified and activated.
#[utoipa::path(
    post,
    path = "/account/v1/_create",
    operation_id = "createAccount",
    tag = super::TAG,
    security(("apiToken" = []), ()),
    params(("Idempotency-Key" = Option<String>, Header, description = "A key of the client's own: the same request under the same key is answered with the first account.", min_length = 1, max_length = 255)),
    request_body(content = CreateAccountBody),
    responses((status = 200, description = "It is added.", body = AccountResponse), failures::OperatingOnce),
)]
pub(crate) async fn create(
    State(app): Shared,
    headers: HeaderMap,
    Called { caller, body }: Called,
) -> Result<Reply, ApiError> {
    admin(&app, &caller).await?;
    let parts = |CreateAccountBody { request_info, account }| (request_info, account);
    let Request { info, key, about, found } = request(&headers, &body, ACCOUNT, parts)?;
    let wish = AccountWish { key, ..read(about, found)? };
    let admin = caller.principal(&app, MANAGES, &wish.tenant_id).await?;
    let added = app.accounts.add(&AccountActor::Principal(admin), wish).await?;
    answer(&app, ResponseInfo::answering(&info), &added)
}

fn read(account: NewAccountFields<'_>, mut found: Violations) -> Result<AccountWish, ApiError> {
    let field = |name| Field(ACCOUNT, name);
    let tenant = found.required(field("tenantId"), account.tenant_id, TextRule::line(1, 50));
    let tenant = tenant.map(|tenant| TenantId::new(tenant.into_owned()));
    if let Some(Err(error)) = &tenant {
        found.add("Pattern", field("tenantId"), error.to_string());
    }
    let gateway = found.required(field("gateway"), account.gateway, TextRule::line(1, 64));
    let label = found.required(field("label"), account.label, TextRule::line(1, 200));
    let mut optional = |name, value: Option<Scalar<'_>>, most| {
        let value = value.filter(|Scalar(text)| !text.is_empty());
        found.optional(field(name), value, TextRule::line(1, most)).map(|text| text.into_owned())
    };
    let business_service = optional("businessService", account.business_service, 64);
    let bank_account_ref = optional("bankAccountRef", account.bank_account_ref, 200);
    let priority =
        fields::number(&mut found, field("priority"), account.priority, 0..=u32::MAX, USUAL_PRIORITY);
    let (Some(Ok(tenant_id)), Some(gateway), Some(label), true) = (tenant, gateway, label, found.is_empty())
    else {
        return Err(found.into_error());
    };
    Ok(AccountWish {
        tenant_id,
        business_service,
        gateway: GatewayName::new(&gateway),
        label: label.into_owned(),
        priority,
        bank_account_ref,
        key: None,
    })
}
