//! Login at a provider: to it, and back.

use payment_oidc::{Answer, Attempt, OidcError};
use payment_service::{ClaimedPerson, ProvenLogin, SessionError};
use payment_store::LoginMethod;

use super::login::{entered, refused, tries, with_cookie};
use crate::ProviderLogin;
use crate::context::Context;
use crate::cookies;
use crate::failure::{Failure, LoginFailure, Outcome};
use crate::page;

/// The longest error code of a provider that is shown.
const LONGEST_WORD: usize = 64;

/// `GET /login/provider`: to the provider.
pub(crate) async fn begin(context: &Context) -> Outcome {
    let login = login(context)?;
    if context.caller.is_some() {
        return page::see(&context.link("/").href());
    }
    let begun = login.provider.begin(&return_url(context)).await;
    let begun = begun.map_err(|error| {
        tracing::warn!(request_id = context.request_id, %error, "no login at the provider can begin");
        Failure::Login(LoginFailure::of(&error, &login.name))
    })?;
    with_cookie(page::see(&begun.url)?, cookies::set_attempt(&begun.attempt, context.is_local))
}

/// `GET /login/provider/back`: from the provider. The browser forgets the attempt, whatever came of it.
pub(crate) async fn back(context: &Context) -> Outcome {
    let login = login(context)?;
    tries(context)?;
    let response = match completed(context, login).await {
        Err(failure @ Failure::Login(_)) => page::failure(context, &failure)?,
        outcome => outcome?,
    };
    with_cookie(response, cookies::drop_attempt(context.is_local))
}

async fn completed(context: &Context, login: &ProviderLogin) -> Outcome {
    let sessions = &context.payments().sessions;
    let state = context.query.text("state").unwrap_or_default();
    let is_answered = |attempt: &&Attempt| attempt.is_answered_by(state, sessions.now());
    let Some(attempt) = context.attempt.as_ref().filter(is_answered) else {
        return Err(refused(context, LoginMethod::Provider, None, LoginFailure::Attempt).await);
    };
    let Some(code) = context.query.text("code") else {
        let word = context.query.text("error").unwrap_or("no code");
        let plain = word.chars().filter(char::is_ascii_graphic).take(LONGEST_WORD).collect();
        return Err(refused(context, LoginMethod::Provider, None, LoginFailure::Declined(plain)).await);
    };
    let answer = Answer { code, issuer: context.query.text("iss") };
    let proven = match login.provider.finish(&return_url(context), attempt, answer).await {
        Ok(proven) => proven,
        Err(error) => return Err(not_proven(context, login, &error).await),
    };
    let person = login.claims.person(&login.issuer, &proven.subject, &proven.claims);
    let ClaimedPerson { holder, roles, .. } = person;
    if holder.grants.is_empty() {
        let failure = LoginFailure::NoRole {
            name: holder.name.expose().to_owned(),
            source: login.claims.roles_claim.clone(),
            values: roles,
        };
        return Err(refused(context, LoginMethod::Provider, Some(holder.uuid), failure).await);
    }
    let (method, attempt) = (LoginMethod::Provider, Some(attempt.digest()));
    let login = ProvenLogin { method, holder, attempt, kept: Some(proven.id_token) };
    match sessions.log_in(login, context.address, context.caller.as_ref()).await {
        Ok(begun) => entered(context, &begun),
        Err(SessionError::AttemptSpent) => {
            Err(refused(context, LoginMethod::Provider, None, LoginFailure::Attempt).await)
        }
        Err(error) => Err(error.into()),
    }
}

async fn not_proven(context: &Context, login: &ProviderLogin, error: &OidcError) -> Failure {
    tracing::warn!(request_id = context.request_id, %error, "a login at the provider came to nothing");
    refused(context, LoginMethod::Provider, None, LoginFailure::of(error, &login.name)).await
}

fn login(context: &Context) -> Result<&ProviderLogin, Failure> {
    context.console().logins.provider.as_ref().ok_or(Failure::NotFound)
}

fn return_url(context: &Context) -> String {
    format!("{}/login/provider/back", context.console().url)
}
