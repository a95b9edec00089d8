//! The frame of every page.

use askama::Template;
use axum::body::Body;
use axum::response::Response;
use http::{HeaderValue, StatusCode, header};
use payment_domain::Role;
use payment_service::{Denied, access};

use crate::assets;
use crate::context::Context;
use crate::failure::{Failure, Outcome};
use crate::language::{Language, Texts, fill};
use crate::wording;

/// The frame of a page: header, navigation, breadcrumbs.
pub(crate) struct Frame {
    pub(crate) t: &'static Texts,
    pub(crate) code: &'static str,
    pub(crate) base: String,
    pub(crate) title: String,
    pub(crate) sandbox: bool,
    /// The pages above this one, with their addresses.
    pub(crate) crumbs: Vec<Named>,
    pub(crate) sections: Vec<Section>,
    pub(crate) user: Option<User>,
    /// The token of forms.
    pub(crate) token: String,
    pub(crate) languages: Vec<Choice>,
    pub(crate) style: String,
    pub(crate) script: String,
    pub(crate) request_id: String,
    /// Seconds after which a page of work under way is loaded again.
    pub(crate) refresh: Option<u32>,
}

/// How often a page of work under way is loaded again.
const REFRESH_SECONDS: u32 = 5;

pub(crate) struct Named {
    pub(crate) name: String,
    pub(crate) href: String,
}

pub(crate) struct Section {
    pub(crate) name: &'static str,
    pub(crate) href: String,
    pub(crate) is_current: bool,
}

pub(crate) struct User {
    pub(crate) name: String,
    /// `PG_VIEWER pb`
    pub(crate) roles: Vec<String>,
    /// The tenants, each once.
    pub(crate) tenants: String,
}

/// A language with the address by which it is chosen.
pub(crate) struct Choice {
    pub(crate) code: &'static str,
    pub(crate) name: &'static str,
    pub(crate) href: String,
    pub(crate) is_current: bool,
}

impl Frame {
    /// `above` are the pages above, by their paths.
    pub(crate) fn of(context: &Context, title: impl Into<String>, above: &[(&str, &str)]) -> Frame {
        let t = context.language.texts();
        let crumb =
            |(name, path): &(&str, &str)| Named { name: (*name).to_owned(), href: context.link(path).href() };
        let choice = |language: Language| Choice {
            code: language.code(),
            name: language.name(),
            href: context.link(&format!("/language/{}", language.code())).with("to", &context.here).href(),
            is_current: language == context.language,
        };
        Frame {
            t,
            code: context.language.code(),
            base: context.console().base.clone(),
            title: title.into(),
            sandbox: context.console().sandbox,
            crumbs: above.iter().map(crumb).collect(),
            sections: sections(context, t),
            user: user(context),
            token: context.form_token.clone(),
            languages: Language::ALL.map(choice).into(),
            style: context.link(&assets::path("console.css")).href(),
            script: context.link(&assets::path("console.js")).href(),
            request_id: context.request_id.clone(),
            refresh: None,
        }
    }

    /// Loaded again by itself while work is under way.
    pub(crate) fn following(self, is_under_way: bool) -> Frame {
        Frame { refresh: is_under_way.then_some(REFRESH_SECONDS), ..self }
    }
}

impl Frame {
    /// The frame of a page after the caller's session has ended.
    pub(crate) fn without_user(context: &Context, title: impl Into<String>) -> Frame {
        let frame = Frame::of(context, title, &[]);
        Frame { user: None, sections: Vec::new(), token: String::new(), ..frame }
    }
}

/// The sections that the caller may see.
fn sections(context: &Context, t: &'static Texts) -> Vec<Section> {
    const STATE: bool = true;
    let all: [(&'static str, &str, &[Role], bool); 10] = [
        (t.frame.today, "/", Role::ALL.as_slice(), !STATE),
        (t.frame.payments, "/payments", access::PAYMENTS, !STATE),
        (t.frame.attention, "/attention", access::OPERATIONS, !STATE),
        (t.frame.refunds, "/refunds", access::PAYMENTS, !STATE),
        (t.frame.accounts, "/accounts", access::ACCOUNTS, !STATE),
        (t.frame.events, "/events", access::OPERATIONS, STATE),
        (t.frame.jobs, "/jobs", access::OPERATIONS, STATE),
        (t.frame.audit, "/audit", access::AUDITS, STATE),
        (t.frame.sessions, "/sessions", Role::ALL.as_slice(), !STATE),
        (t.tokens.tokens, "/tokens", Role::ALL.as_slice(), !STATE),
    ];
    let may_see = |(_, _, roles, at_state): &(_, _, &[Role], bool)| match *at_state {
        STATE => context.has_at_state(roles),
        _ => context.has_anywhere(roles),
    };
    let section = |(name, path, _, _): (&'static str, &str, _, _)| {
        let href = context.link(path).href();
        let here = context.here.split('?').next().unwrap_or_default();
        let is_current = here == href || (path != "/" && here.starts_with(&format!("{href}/")));
        Section { name, href, is_current }
    };
    all.into_iter().filter(may_see).map(section).collect()
}

fn user(context: &Context) -> Option<User> {
    let holder = &context.caller.as_ref()?.session.holder;
    let roles = holder.grants.iter().map(|grant| format!("{} {}", grant.role.code(), grant.tenant)).collect();
    let mut tenants: Vec<&str> = holder.grants.iter().map(|grant| grant.tenant.as_str()).collect();
    tenants.sort_unstable();
    tenants.dedup();
    Some(User { name: holder.name.expose().to_owned(), roles, tenants: tenants.join(", ") })
}

/// A page.
pub(crate) fn html(page: &impl Template) -> Outcome {
    html_with(StatusCode::OK, page)
}

pub(crate) fn html_with(status: StatusCode, page: &impl Template) -> Outcome {
    let mut response = Response::new(Body::from(page.render()?));
    *response.status_mut() = status;
    let kind = HeaderValue::from_static("text/html; charset=utf-8");
    response.headers_mut().insert(header::CONTENT_TYPE, kind);
    Ok(response)
}

/// To another page of the console, after a form.
pub(crate) fn see(href: &str) -> Outcome {
    let to = HeaderValue::try_from(href).map_err(|_| Failure::Internal("an address that is no header"))?;
    let mut response = Response::new(Body::empty());
    *response.status_mut() = StatusCode::SEE_OTHER;
    response.headers_mut().insert(header::LOCATION, to);
    Ok(response)
}

#[derive(Template)]
#[template(path = "failure.html")]
struct FailurePage {
    f: Frame,
    reason: String,
    advice: &'static str,
}

/// The page that says why another is not shown, and what to do.
pub(crate) fn failure(context: &Context, failure: &Failure) -> Outcome {
    let t = context.language.texts();
    let (title, reason, advice) = match failure {
        Failure::NotFound => {
            (t.failures.not_found, t.failures.not_found_reason.to_owned(), t.failures.not_found_advice)
        }
        Failure::LoggedOut => {
            (t.failures.logged_out, t.failures.logged_out_reason.to_owned(), t.failures.logged_out_advice)
        }
        Failure::Denied(Denied::Unverifiable) => {
            (t.logins.no_answer, fill(t.logins.no_answer_reason, ["egov-user"]), t.logins.no_answer_advice)
        }
        Failure::Denied(denied) => (t.failures.denied, wording::denied(t, denied), t.failures.denied_advice),
        Failure::Forged => (t.failures.forged, t.failures.forged_reason.to_owned(), t.failures.forged_advice),
        Failure::TooManyLogins => {
            (t.failures.too_many, t.failures.too_many_reason.to_owned(), t.failures.too_many_advice)
        }
        Failure::LinkSpent => {
            (t.failures.link_spent, t.failures.link_spent_reason.to_owned(), t.failures.link_spent_advice)
        }
        Failure::Login(failure) => failure.told(t),
        Failure::Refused(_, refusal) => {
            (t.failures.refused, wording::refusal(t, refusal), t.failures.refused_advice)
        }
        Failure::Unanswered(status) if status.is_client_error() => {
            (t.failures.unreadable, t.failures.unreadable_reason.to_owned(), t.failures.unreadable_advice)
        }
        Failure::Unanswered(StatusCode::INTERNAL_SERVER_ERROR) => {
            (t.failures.failed, t.failures.failed_reason.to_owned(), t.failures.failed_advice)
        }
        Failure::Unanswered(_) => {
            (t.failures.unanswered, t.failures.unanswered_reason.to_owned(), t.failures.unanswered_advice)
        }
        Failure::Store(payment_store::StoreError::Unavailable(_)) => {
            (t.failures.unavailable, t.failures.unavailable_reason.to_owned(), t.failures.unavailable_advice)
        }
        Failure::Store(payment_store::StoreError::Failed(_)) | Failure::Internal(_) => {
            (t.failures.failed, t.failures.failed_reason.to_owned(), t.failures.failed_advice)
        }
    };
    html_with(failure.status(), &FailurePage { f: Frame::of(context, title, &[]), reason, advice })
}
