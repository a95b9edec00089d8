//! `POST /account/v1/_import`: adds accounts with their credentials from a file.

use axum::extract::State;
use http::HeaderMap;
use payment_domain::{GatewayName, RequestInfo};
use payment_service::{
    AccountActor, AccountError, AccountView, ImportedAccount, accounts_of_csv, accounts_of_pg_detail,
};
use serde::{Deserialize, Serialize};
use serde_json::value::RawValue;
use utoipa::ToSchema;

use super::{MANAGES, Request, admin, request};
use crate::app::{App, Shared};
use crate::caller::Called;
use crate::error::ApiError;
use crate::json::{Object, Scalar};
use crate::openapi::{RequestInfoSchema, failures};
use crate::reply::Reply;
use crate::request_info::ResponseInfo;
use crate::validation::{Field, TextRule, Violations};

/// The member that a request is about.
const IMPORT: &str = "accountRequest.import";

#[derive(Deserialize, ToSchema)]
#[serde(rename_all = "PascalCase")]
pub(crate) struct ImportBody<'a> {
    /// Who asks.
    #[schema(value_type = Option<RequestInfoSchema>)]
    request_info: Option<RequestInfo>,
    /// The file.
    #[serde(borrow)]
    #[schema(value_type = ImportFields)]
    import: Option<Object<ImportFields<'a>>>,
}

/// Either `csv`, or `gateway` with `pgDetail`.
#[derive(Deserialize, ToSchema)]
#[serde(rename_all = "camelCase")]
#[schema(as = AccountsImport)]
pub(crate) struct ImportFields<'a> {
    /// Lines with a header: tenantId, businessService, gateway, label, priority, bankAccountRef and names of fields.
    #[serde(borrow)]
    #[schema(value_type = Option<String>, example = "tenantId,gateway,label,paytm.merchant.id\npb.amritsar,PAYTM,Amritsar,AMRITS00000001\n")]
    csv: Option<Scalar<'a>>,
    /// The gateway of the accounts in `pgDetail`.
    #[serde(borrow)]
    #[schema(value_type = Option<String>, max_length = 64, example = json!(null))]
    gateway: Option<Scalar<'a>>,
    /// JSON in which UPYOG's `pg-detail` stands.
    #[serde(borrow)]
    #[schema(value_type = Option<Object>, example = json!(null))]
    pg_detail: Option<&'a RawValue>,
}

/// The answer to an import.
#[derive(Serialize, ToSchema)]
#[serde(rename_all = "PascalCase")]
pub(crate) struct ImportedResponse {
    response_info: ResponseInfo,
    /// Those that were added.
    accounts: Vec<AccountView>,
    /// How many were there already.
    #[serde(rename = "present")]
    present: u32,
}

/// Import merchant accounts.
///
/// Those that are there already, by tenant, service, gateway and label, are left alone: an import that was cut off is
/// repeated. The caller needs PG_ADMIN at the tenants of all. Accounts behind one that is refused are not added.
#[utoipa::path(
    post,
    path = "/account/v1/_import",
    operation_id = "importAccounts",
    tag = super::TAG,
    security(("apiToken" = []), ()),
    params(("Idempotency-Key" = Option<String>, Header, description = "Accepted; an account is added once in any case.", min_length = 1, max_length = 255)),
    request_body(content = ImportBody),
    responses((status = 200, description = "They are added.", body = ImportedResponse), failures::OperatingOnce),
)]
pub(crate) async fn import(
    State(app): Shared,
    headers: HeaderMap,
    Called { caller, body }: Called,
) -> Result<Reply, ApiError> {
    admin(&app, &caller).await?;
    let parts = |ImportBody { request_info, import }| (request_info, import);
    let Request { info, about, found, .. } = request(&headers, &body, IMPORT, parts)?;
    let wanted = read(&app, about, found)?;
    let mut actors = Vec::with_capacity(wanted.len());
    for account in &wanted {
        let admin = caller.principal(&app, MANAGES, &account.wish.tenant_id).await?;
        actors.push(AccountActor::Principal(admin));
    }
    let (mut added, mut present) = (Vec::new(), 0);
    for (actor, account) in actors.iter().zip(wanted) {
        match app.accounts.import(actor, account).await? {
            Some(account) => added.push(account),
            None => present += 1,
        }
    }
    let troubles = app.accounts.directory.troubles();
    Reply::of(&ImportedResponse {
        response_info: ResponseInfo::answering(&info),
        accounts: added.iter().map(|account| AccountView::of(account, &troubles)).collect(),
        present,
    })
}

fn read(
    app: &App,
    ImportFields { csv, gateway, pg_detail }: ImportFields<'_>,
    mut found: Violations,
) -> Result<Vec<ImportedAccount>, ApiError> {
    let field = |name| Field(IMPORT, name);
    match (csv, pg_detail) {
        (Some(Scalar(csv)), None) if found.is_empty() => Ok(accounts_of_csv(&csv)?),
        (None, Some(detail)) => {
            let gateway = found.required(field("gateway"), gateway, TextRule::line(1, 64));
            let (Some(gateway), true) = (gateway, found.is_empty()) else { return Err(found.into_error()) };
            let gateway = GatewayName::new(&gateway);
            let fields = app.accounts.adapters.fields(&gateway);
            let fields = fields.ok_or_else(|| AccountError::no_accounts_of(&gateway))?;
            Ok(accounts_of_pg_detail(detail.get(), &gateway, &fields)?)
        }
        (Some(_), Some(_)) => {
            found.add("Exclusive", field("pgDetail"), "must not be given together with csv");
            Err(found.into_error())
        }
        (Some(_), None) => Err(found.into_error()),
        (None, None) => {
            found.missing(field("csv"));
            Err(found.into_error())
        }
    }
}
