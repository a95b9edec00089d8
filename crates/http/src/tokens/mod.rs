//! Personal API tokens, for callers with PG_ADMIN.

pub(crate) mod issue;
pub(crate) mod revoke;
pub(crate) mod search;
#[cfg(test)]
pub(crate) mod tests;

use payment_domain::Role;
use payment_service::TokenIssuer;

use crate::app::App;
use crate::caller::Caller;
use crate::error::ApiError;

/// The tag of these endpoints in the OpenAPI document.
pub(crate) const TAG: &str = "Tokens";

pub(crate) const ADMINS: &[Role] = &[Role::Admin];

/// The caller as an issuer of tokens. The shared token is none.
async fn admin(app: &App, caller: &Caller) -> Result<TokenIssuer, ApiError> {
    let identity = caller.named()?.clone();
    caller.scopes(app, ADMINS).await?;
    Ok(TokenIssuer::Caller { identity, address: caller.address })
}
