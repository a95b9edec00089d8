//! The valid sessions: the caller's own, of an admin at a state all.

use askama::Template;
use payment_store::LoginMethod;

use crate::context::Context;
use crate::failure::{Failure, Outcome};
use crate::format;
use crate::links::segment;
use crate::page::{self, Frame};

#[derive(Template)]
#[template(path = "sessions.html")]
struct SessionsPage {
    f: Frame,
    rows: Vec<Row>,
}

struct Row {
    name: String,
    is_own: bool,
    login: &'static str,
    roles: String,
    started: String,
    used: String,
    expires: String,
    address: String,
    end: String,
}

/// `GET /sessions`
pub(crate) async fn list(context: &Context) -> Outcome {
    let (t, caller) = (context.language.texts(), context.caller()?);
    let sessions = context.payments().sessions.list(caller).await?;
    let rows = sessions.into_iter().map(|session| {
        let grants = session.holder.grants.iter();
        let roles: Vec<String> =
            grants.map(|grant| format!("{} {}", grant.role.code(), grant.tenant)).collect();
        Row {
            name: session.holder.name.expose().to_owned(),
            is_own: session.id == caller.session.id,
            login: match session.method {
                LoginMethod::Link => t.logins.by_link,
                LoginMethod::Provider => t.logins.by_provider,
                LoginMethod::Employee => t.logins.by_employee,
            },
            roles: roles.join(", "),
            started: format::moment(context, session.started_at),
            used: format::moment(context, session.used_at),
            expires: format::moment(context, session.expires_at),
            address: session.address.unwrap_or_default(),
            end: context.link(&format!("/sessions/{}/end", segment(&session.id))).href(),
        }
    });
    let rows = rows.collect();
    page::html(&SessionsPage { f: Frame::of(context, t.frame.sessions, &[]), rows })
}

/// `POST /sessions/{id}/end`
pub(crate) async fn end(context: &Context) -> Outcome {
    let caller = context.caller()?;
    match context.payments().sessions.end(caller, context.path("id"), context.address).await? {
        true => page::see(&context.link("/sessions").href()),
        false => Err(Failure::NotFound),
    }
}
