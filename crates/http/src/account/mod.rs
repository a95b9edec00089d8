//! Merchant accounts: listed, added, their credentials entered, verified, activated and retired. Secrets go in and
//! never come out.

pub(crate) mod change;
pub(crate) mod create;
pub(crate) mod enter;
pub(crate) mod import;
pub(crate) mod search;
#[cfg(test)]
mod tests;

use payment_domain::{AccountId, Role};
use payment_service::{AccountActor, AccountError, AccountView};
use payment_store::StoredAccount;
use serde::Serialize;
use utoipa::ToSchema;

use crate::app::App;
use crate::caller::Caller;
use crate::error::ApiError;
use crate::json::Scalar;
use crate::operators::fields;
use crate::reply::Reply;
use crate::request_info::ResponseInfo;
use crate::validation::{Field, TextRule, Violations};

/// The tag of these endpoints in the OpenAPI document.
pub(crate) const TAG: &str = "Accounts";

/// The roles that see accounts.
pub(crate) const SEES: &[Role] = &[Role::Admin, Role::Auditor];
/// The role that changes them.
pub(crate) const MANAGES: &[Role] = &[Role::Admin];

/// The answer with one account.
#[derive(Serialize, ToSchema)]
#[serde(rename_all = "PascalCase")]
pub(crate) struct AccountResponse {
    response_info: ResponseInfo,
    account: AccountView,
}

fn answer(app: &App, response_info: ResponseInfo, account: &StoredAccount) -> Result<Reply, ApiError> {
    let account = AccountView::of(account, &app.accounts.directory.troubles());
    Reply::of(&AccountResponse { response_info, account })
}

/// The caller as an admin of the tenant of this account. What a foreign tenant has is not found.
async fn admin_of(app: &App, caller: &Caller, id: &AccountId) -> Result<AccountActor, ApiError> {
    Ok(app.accounts.actor(caller.named()?, caller.address, id).await?)
}

/// The caller, an admin of at least one tenant. The shared token names no person.
async fn admin(app: &App, caller: &Caller) -> Result<(), ApiError> {
    caller.named()?;
    caller.scopes(app, MANAGES).await.map(|_| ())
}

/// The outcome of an act; the refusal of the person who has entered the credentials is recorded.
async fn told(
    app: &App,
    caller: &Caller,
    actor: &AccountActor,
    changed: Result<StoredAccount, AccountError>,
) -> Result<StoredAccount, ApiError> {
    if let (Err(AccountError::SamePerson), AccountActor::Principal(person)) = (&changed, actor) {
        caller.record_refusal(app, Some(&person.tenant)).await?;
    }
    Ok(changed?)
}

/// The account and its version that the caller has seen.
fn seen(
    found: &mut Violations,
    id: Option<Scalar<'_>>,
    version: Option<Scalar<'_>>,
) -> (Option<AccountId>, Option<u32>) {
    let field = |name| Field("accountRequest.account", name);
    let id = found.required(field("id"), id, TextRule::line(1, 64));
    if version.is_none() {
        found.missing(field("version"));
    }
    let version =
        version.map(|version| fields::number(found, field("version"), Some(version), 1..=u32::MAX, 0));
    (id.map(|id| AccountId::stored(id.into_owned())), version)
}
