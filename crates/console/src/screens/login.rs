//! Login by a one-time link, logout, language.

use askama::Template;
use http::header;
use secrecy::ExposeSecret;

use crate::context::Context;
use crate::cookies;
use crate::failure::{Failure, Outcome};
use crate::format;
use crate::language::Language;
use crate::page::{self, Frame};

#[derive(Template)]
#[template(path = "login.html")]
struct LoginPage {
    f: Frame,
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

/// `GET /login`
pub(crate) async fn show(context: &Context) -> Outcome {
    if context.caller.is_some() {
        return page::see(&context.link("/").href());
    }
    page::html(&LoginPage { f: Frame::of(context, context.language.texts().login, &[]) })
}

/// `GET /login/link/{secret}`: whom the link logs in. Programs that look at links do not use it up: that takes the
/// button.
pub(crate) async fn link(context: &Context) -> Outcome {
    admit(context)?;
    let secret = context.path("secret");
    let link = context.payments().sessions.link(secret).await?.ok_or_else(|| failed(context))?;
    let roles = link.holder.grants.iter();
    page::html(&LinkPage {
        f: Frame::of(context, context.language.texts().login, &[]),
        name: link.holder.name.expose().to_owned(),
        roles: roles.map(|grant| format!("{} {}", grant.role.code(), grant.tenant)).collect(),
        expires: format::moment(context, link.expires_at),
        secret: secret.to_owned(),
    })
}

/// `POST /login/link`
pub(crate) async fn log_in(context: &Context) -> Outcome {
    admit(context)?;
    let secret = context.form.text("link").ok_or(Failure::LinkSpent)?;
    let sessions = &context.payments().sessions;
    let begun = sessions.log_in_by_link(secret, context.address, context.caller.as_ref()).await;
    let begun = begun.map_err(|error| match Failure::from(error) {
        Failure::LinkSpent => failed(context),
        other @ (Failure::NotFound
        | Failure::LoggedOut
        | Failure::Denied(_)
        | Failure::Forged
        | Failure::TooManyLogins
        | Failure::Unanswered(_)
        | Failure::Refused(..)
        | Failure::Store(_)
        | Failure::Internal(_)) => other,
    })?;
    let cookie = cookies::set_session(begun.secret.expose_secret(), context.is_local);
    let mut response = page::see(&context.link("/").href())?;
    let cookie = cookie.ok_or(Failure::Internal("a cookie that is no header"))?;
    response.headers_mut().insert(header::SET_COOKIE, cookie);
    Ok(response)
}

/// `POST /logout`
pub(crate) async fn log_out(context: &Context) -> Outcome {
    context.payments().sessions.log_out(context.caller()?, context.address).await?;
    let mut response = page::see(&context.link("/login").href())?;
    response.headers_mut().insert(header::SET_COOKIE, cookies::drop_session(context.is_local));
    Ok(response)
}

/// `GET /language/{code}?to=`: the same page in another language.
pub(crate) async fn language(context: &Context) -> Outcome {
    let language = Language::from_code(context.path("code")).ok_or(Failure::NotFound)?;
    let start = context.link("/").href();
    // Nowhere but to a page of ours.
    let plain = |to: &&str| to.starts_with(&start) && !to.contains(['\\', '\r', '\n']) && !to.contains("//");
    let to = context.query.text("to").filter(plain).unwrap_or(&start);
    let mut response = page::see(to)?;
    let cookie = cookies::set_language(language.code(), context.is_local);
    let cookie = cookie.ok_or(Failure::Internal("a cookie that is no header"))?;
    response.headers_mut().insert(header::SET_COOKIE, cookie);
    Ok(response)
}

/// A login that failed, counted.
fn failed(context: &Context) -> Failure {
    context.shared.rate.note_failure(context.address, context.payments().sessions.now());
    Failure::LinkSpent
}

fn admit(context: &Context) -> Result<(), Failure> {
    let is_admitted = context.shared.rate.admits(context.address, context.payments().sessions.now());
    if is_admitted { Ok(()) } else { Err(Failure::TooManyLogins) }
}
