//! The checks before every page: host, origin of a form, session, roles.

use http::{HeaderMap, header};
use payment_domain::{AuditAction, AuditActor, AuditEntry, Role};
use payment_service::{Denied, audit};
use payment_store::TenantScope;
use serde_json::{Map, Value};

use crate::Console;
use crate::context::Context;
use crate::cookies;
use crate::failure::Failure;
use crate::form_tokens::FormTokens;
use crate::routes::{Access, Route, Verb};
use crate::sealed::SearchKey;

/// The field of a form with its token.
pub(crate) const TOKEN_FIELD: &str = "form_token";

/// # Errors
/// [`Failure::NotFound`] for another host than the console's own, where it has one.
pub(crate) fn check_host(console: &Console, headers: &HeaderMap) -> Result<(), Failure> {
    let Some(wanted) = &console.host else { return Ok(()) };
    let host = host_of(headers);
    let name = match host.rsplit_once(':') {
        Some((name, port)) if port.bytes().all(|byte| byte.is_ascii_digit()) => name,
        _ => host,
    };
    if name.eq_ignore_ascii_case(wanted) { Ok(()) } else { Err(Failure::NotFound) }
}

/// A form is sent by a page of ours: the browser says so, of the request or by its origin.
///
/// # Errors
/// [`Failure::Forged`], also when the browser says nothing.
pub(crate) fn check_origin(headers: &HeaderMap) -> Result<(), Failure> {
    let text = |name: &str| headers.get(name).map(|value| value.to_str().unwrap_or_default());
    if let Some(site) = text("sec-fetch-site") {
        return if site == "same-origin" { Ok(()) } else { Err(Failure::Forged) };
    }
    let origin = text("origin").and_then(|origin| origin.split_once("://"));
    let is_ours = origin.is_some_and(|(scheme, host)| {
        matches!(scheme, "http" | "https") && !host.is_empty() && host.eq_ignore_ascii_case(host_of(headers))
    });
    if is_ours { Ok(()) } else { Err(Failure::Forged) }
}

fn host_of(headers: &HeaderMap) -> &str {
    headers.get(header::HOST).and_then(|host| host.to_str().ok()).unwrap_or_default()
}

/// Finds the holder of the session's cookie.
///
/// # Errors
/// [`Failure::Store`].
pub(crate) async fn identify(context: &mut Context, headers: &HeaderMap) -> Result<(), Failure> {
    let Some(secret) = cookies::session(headers, context.is_local) else { return Ok(()) };
    context.caller = context.payments().sessions.identify(secret, context.console().ways()).await?;
    if context.caller.is_some() {
        let tokens = FormTokens::of(secret);
        context.form_token = tokens.fresh()?;
        let sent = context.form.text(TOKEN_FIELD).and_then(|token| tokens.number_of(token));
        context.form_number = sent.map(str::to_owned);
        context.search_key = Some(SearchKey::of(secret));
    }
    Ok(())
}

/// Whether the caller may have this page.
///
/// # Errors
/// [`Failure`]; the refusal of a named caller is recorded.
pub(crate) async fn admit(context: &mut Context, route: &Route) -> Result<(), Failure> {
    let roles = match route.access {
        Access::Open => return Ok(()),
        Access::Session | Access::Anyone => Role::ALL.as_slice(),
        Access::Anywhere(roles) | Access::Installation(roles) => roles,
    };
    let identity = &context.caller()?.identity;
    if route.verb != Verb::Get {
        context.form_number()?;
    }
    let scopes = match route.access {
        Access::Session => return Ok(()),
        Access::Open | Access::Anyone | Access::Anywhere(_) => identity.scopes(roles),
        Access::Installation(_) => {
            let held = identity.principal_of_installation(roles, context.address);
            held.map(|principal| vec![TenantScope { root: principal.tenant.to_string() }])
        }
    };
    match scopes {
        Ok(scopes) => {
            context.scopes = scopes;
            Ok(())
        }
        Err(denied) => Err(recorded(context, route, roles, denied).await?),
    }
}

async fn recorded(
    context: &Context,
    route: &Route,
    roles: &[Role],
    denied: Denied,
) -> Result<Failure, Failure> {
    if let Some(refused) = context.caller()?.identity.in_any_role(context.address) {
        let needed: Vec<Value> = roles.iter().map(|role| Value::from(role.code())).collect();
        let (store, at) = (&context.payments().ports.store, context.payments().ports.clock.now());
        let actor = AuditActor::Principal(refused);
        let path = format!("{}{}", crate::PATH, route.path);
        let entry = AuditEntry {
            details: Map::from_iter([("needed".to_owned(), Value::from(needed))]),
            ..audit::act(at, actor, AuditAction::Refused, "request", path)
        };
        store.record(vec![entry]).await?;
    }
    Ok(Failure::Denied(denied))
}

#[cfg(test)]
mod tests {
    use http::{HeaderName, HeaderValue};

    use super::*;

    #[test]
    fn a_form_comes_from_a_page_of_ours_or_is_forged() {
        for (pairs, is_ours) in [
            (&[("sec-fetch-site", "same-origin")][..], true),
            (&[("sec-fetch-site", "same-origin"), ("origin", "https://evil.example")], true),
            (&[("sec-fetch-site", "same-site")], false),
            (&[("sec-fetch-site", "cross-site"), ("origin", "https://pay.example")], false),
            (&[("sec-fetch-site", "none")], false),
            (&[("origin", "https://pay.example")], true),
            (&[("origin", "http://pay.example")], true),
            (&[("origin", "https://pay.example:444")], false),
            (&[("origin", "https://evil.example")], false),
            (&[("origin", "null")], false),
            (&[("origin", "ftp://pay.example")], false),
            (&[], false),
        ] {
            let mut headers = HeaderMap::new();
            headers.insert(header::HOST, HeaderValue::from_static("pay.example"));
            for (name, value) in pairs {
                headers.insert(HeaderName::from_static(name), HeaderValue::from_static(value));
            }
            assert_eq!(check_origin(&headers).is_ok(), is_ours, "{pairs:?}");
        }
    }
}
