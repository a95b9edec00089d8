//! Merchant accounts: listed, added, their credentials entered, verified, activated and retired. Secrets go in and
//! never come out.

pub(crate) mod change;
pub(crate) mod create;
pub(crate) mod enter;
pub(crate) mod import;
pub(crate) mod search;
#[cfg(test)]
mod tests;

use http::HeaderMap;
use payment_domain::{AccountId, RequestInfo, Role};
use payment_service::{AccountActor, AccountError, AccountView};
use payment_store::StoredAccount;
use serde::{Deserialize, Serialize};
use utoipa::ToSchema;

use crate::app::App;
use crate::body::RequestBody;
use crate::caller::Caller;
use crate::error::ApiError;
use crate::idempotency;
use crate::json::{Object, Scalar};
use crate::operators::fields;
use crate::reply::Reply;
use crate::request_info::{ResponseInfo, note_violations};
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

/// The caller as an admin of the tenant of this account. Accounts of other tenants are not found.
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

/// A request about accounts.
struct Request<T> {
    info: RequestInfo,
    /// `Idempotency-Key`.
    key: Option<String>,
    /// The member that it is about.
    about: T,
    /// Of its `RequestInfo`.
    found: Violations,
}

/// Reads a request; `parts` are the `RequestInfo` and the member of its body, which is missing as `member`.
fn request<'a, B, T>(
    headers: &HeaderMap,
    body: &'a RequestBody,
    member: &'static str,
    parts: impl FnOnce(B) -> (Option<RequestInfo>, Option<Object<T>>),
) -> Result<Request<T>, ApiError>
where
    B: Deserialize<'a>,
{
    let key = idempotency::key(headers)?;
    let (info, about) = parts(body.json()?);
    let mut found = Violations::default();
    let info = info.unwrap_or_default();
    note_violations(&info, "accountRequest.requestInfo", &mut found)?;
    match about {
        Some(Object(about)) => Ok(Request { info, key, about, found }),
        None => {
            found.missing(member);
            Err(found.into_error())
        }
    }
}

/// The member of all requests but imports.
const ACCOUNT: &str = "accountRequest.account";

/// The account and its version that the caller has seen.
fn seen(
    found: &mut Violations,
    id: Option<Scalar<'_>>,
    version: Option<Scalar<'_>>,
) -> (Option<AccountId>, Option<u32>) {
    let field = |name| Field(ACCOUNT, name);
    let id = found.required(field("id"), id, TextRule::line(1, 64));
    if version.is_none() {
        found.missing(field("version"));
    }
    let version =
        version.map(|version| fields::number(found, field("version"), Some(version), 1..=u32::MAX, 0));
    (id.map(|id| AccountId::stored(id.into_owned())), version)
}
