//! The offered logins, login by a one-time link, logout, language.

use askama::Template;
use axum::response::Response;
use http::{HeaderValue, header};
use payment_service::{BegunSession, LoggedIn, SessionError};
use payment_store::{LoginMethod, StoreError};
use secrecy::ExposeSecret;

use crate::context::Context;
use crate::cookies;
use crate::failure::{Failure, LoginFailure, Outcome};
use crate::format;
use crate::language::{Language, fill};
use crate::page::{self, Frame, Named};

#[derive(Template)]
#[template(path = "login.html")]
struct LoginPage {
    f: Frame,
    /// The login at the provider.
    provider: Option<String>,
    has_employees: bool,
}

#[derive(Template)]
#[template(path = "link.html")]
struct LinkPage {
    f: Frame,
    name: String,
    roles: Vec<String>,
    expires: String,
    secret: String,
}

#[derive(Template)]
#[template(path = "logged_out.html")]
struct LoggedOutPage {
    f: Frame,
    /// At the provider, by a link: a form that led to another site is stopped by the policy of the page.
    elsewhere: Named,
}

/// `GET /login`
pub(crate) async fn show(context: &Context) -> Outcome {
    if context.caller.is_some() {
        return page::see(&context.link("/").href());
    }
    let (t, logins) = (context.language.texts(), &context.console().logins);
    page::html(&LoginPage {
        f: Frame::of(context, t.logins.login, &[]),
        provider: logins.provider.as_ref().map(|login| fill(t.logins.login_at, [login.name.as_str()])),
        has_employees: logins.employees.is_some(),
    })
}

/// `GET /login/link/{secret}`: whom the link logs in. Programs that look at links do not use it up: that takes the
/// button.
pub(crate) async fn link(context: &Context) -> Outcome {
    tries(context)?;
    let secret = context.path("secret");
    let Some(link) = context.payments().sessions.link(secret).await? else {
        return Err(link_refused(context).await);
    };
    succeeded(context);
    let roles = link.holder.grants.iter();
    page::html(&LinkPage {
        f: Frame::of(context, context.language.texts().logins.login, &[]),
        name: link.holder.name.expose().to_owned(),
        roles: roles.map(|grant| format!("{} {}", grant.role.code(), grant.tenant)).collect(),
        expires: format::moment(context, link.expires_at),
        secret: secret.to_owned(),
    })
}

/// `POST /login/link`
pub(crate) async fn log_in(context: &Context) -> Outcome {
    tries(context)?;
    let sessions = &context.payments().sessions;
    let secret = context.form.text("link").unwrap_or_default();
    match sessions.log_in_by_link(secret, context.address, context.caller.as_ref()).await {
        Ok(begun) => entered(context, &begun),
        Err(SessionError::LinkSpent) => Err(link_refused(context).await),
        Err(error) => Err(error.into()),
    }
}

/// Counts a login that is tried.
///
/// # Errors
/// [`Failure::TooManyLogins`].
pub(super) fn tries(context: &Context) -> Result<(), Failure> {
    let is_admitted = context.shared.rate.tries(context.address, context.payments().sessions.now());
    if is_admitted { Ok(()) } else { Err(Failure::TooManyLogins) }
}

fn succeeded(context: &Context) {
    context.shared.rate.succeeded(context.address, context.payments().sessions.now());
}

/// The start page in a session that has begun.
pub(super) fn entered(context: &Context, begun: &BegunSession) -> Outcome {
    succeeded(context);
    let cookie = cookies::set_session(begun.secret.expose_secret(), context.is_local);
    with_cookie(page::see(&context.link("/").href())?, cookie)
}

/// A login that was refused, with its entry in the audit log. `uuid` is that of a proven person.
pub(super) async fn refused(
    context: &Context,
    method: LoginMethod,
    uuid: Option<String>,
    failure: LoginFailure,
) -> Failure {
    match failure.word() {
        Some(why) => match recorded(context, method, why, uuid).await {
            Ok(()) => Failure::Login(failure),
            Err(error) => Failure::Store(error),
        },
        None => Failure::Login(failure),
    }
}

async fn link_refused(context: &Context) -> Failure {
    match recorded(context, LoginMethod::Link, "link", None).await {
        Ok(()) => Failure::LinkSpent,
        Err(error) => Failure::Store(error),
    }
}

async fn recorded(
    context: &Context,
    method: LoginMethod,
    why: &'static str,
    uuid: Option<String>,
) -> Result<(), StoreError> {
    context.payments().sessions.record_refusal(method, why, uuid, context.address).await
}

pub(super) fn with_cookie(mut response: Response, cookie: Option<HeaderValue>) -> Outcome {
    let cookie = cookie.ok_or(Failure::Internal("a cookie that is no header"))?;
    response.headers_mut().append(header::SET_COOKIE, cookie);
    Ok(response)
}

/// `POST /logout`
pub(crate) async fn log_out(context: &Context) -> Outcome {
    let caller = context.caller()?;
    context.payments().sessions.log_out(caller, context.address).await?;
    logged_out(context, caller).await
}

/// `POST /logout/everywhere`
pub(crate) async fn log_out_everywhere(context: &Context) -> Outcome {
    let caller = context.caller()?;
    context.payments().sessions.log_out_everywhere(caller, context.address).await?;
    logged_out(context, caller).await
}

async fn logged_out(context: &Context, caller: &LoggedIn) -> Outcome {
    let t = context.language.texts();
    let login = match caller.session.method {
        LoginMethod::Provider => context.console().logins.provider.as_ref(),
        LoginMethod::Link | LoginMethod::Employee => None,
    };
    let elsewhere = match login {
        Some(login) => {
            let back = format!("{}/login", context.console().url);
            let url = login.provider.logout_url(caller.kept.as_ref(), &back).await;
            url.map(|href| Named { name: fill(t.logins.log_out_at, [login.name.as_str()]), href })
        }
        None => None,
    };
    let response = match elsewhere {
        Some(elsewhere) => {
            page::html(&LoggedOutPage { f: Frame::without_user(context, t.logins.you_left), elsewhere })?
        }
        None => page::see(&context.link("/login").href())?,
    };
    with_cookie(response, cookies::drop_session(context.is_local))
}

/// `GET /language/{code}?to=`: the same page in another language.
pub(crate) async fn language(context: &Context) -> Outcome {
    let language = Language::from_code(context.path("code")).ok_or(Failure::NotFound)?;
    let start = context.link("/").href();
    // Nowhere but to a page of ours.
    let plain = |to: &&str| to.starts_with(&start) && !to.contains(['\\', '\r', '\n']) && !to.contains("//");
    let to = context.query.text("to").filter(plain).unwrap_or(&start);
    with_cookie(page::see(to)?, cookies::set_language(language.code(), context.is_local))
}
