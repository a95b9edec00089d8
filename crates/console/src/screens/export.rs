//! Downloads: every row of a view, by the query of its page, as a file that is streamed while the list is read.

use std::io;

use axum::body::Body;
use axum::body::Bytes;
use axum::response::Response;
use futures_util::stream::try_unfold;
use http::{HeaderValue, StatusCode, header};
use payment_domain::{AuditActor, Personal, Role, TenantId, mask_into};
use payment_service::{
    Denied, ExportBody, ExportError, ExportFormat, ExportRequest, ExportedList, Revealed, access,
};
use payment_store::common_scopes;
use serde_json::{Map, Value};

use super::{
    accounts as accounts_page, attention, audit, events as events_page, jobs, payments as payments_page,
    refunds as refunds_page,
};
use crate::context::Context;
use crate::failure::{Failure, Outcome, Refusal};
use crate::format;
use crate::links::Link;

/// The form of a list's downloads.
pub(crate) struct Offered {
    /// Keeps the view's parameters.
    pub(crate) action: String,
    pub(crate) may_reveal: bool,
}

/// Lists in which personal data may be shown.
const WITH_PERSONAL_DATA: [&str; 2] = ["payments", "refunds"];

/// The downloads of a view of the list at a path.
pub(crate) fn offered(context: &Context, path: &str, view: &Link) -> Offered {
    let list = path.trim_start_matches('/');
    let path = context.link(&format!("/export{path}")).href();
    Offered {
        action: view.at(path).href(),
        may_reveal: WITH_PERSONAL_DATA.contains(&list) && context.has_anywhere(access::ASKS),
    }
}

/// `POST /export/payments`
pub(crate) async fn payments(context: &Context) -> Outcome {
    send(context, access::PAYMENTS, payments_page::exported(context)?).await
}

/// `POST /export/refunds`
pub(crate) async fn refunds(context: &Context) -> Outcome {
    send(context, access::PAYMENTS, refunds_page::exported(context)?).await
}

/// `POST /export/attention`
pub(crate) async fn cases(context: &Context) -> Outcome {
    send(context, access::OPERATIONS, attention::exported(context)?).await
}

/// `POST /export/accounts`
pub(crate) async fn accounts(context: &Context) -> Outcome {
    send(context, access::ACCOUNTS, accounts_page::exported(context)?).await
}

/// `POST /export/events`
pub(crate) async fn events(context: &Context) -> Outcome {
    send(context, access::OPERATIONS, events_page::exported(context)?).await
}

/// `POST /export/jobs/{name}`
pub(crate) async fn runs(context: &Context) -> Outcome {
    let job = jobs::of_path(context).await?;
    send(context, access::OPERATIONS, ExportedList::Runs(job.name.to_owned())).await
}

/// `POST /export/audit`
pub(crate) async fn entries(context: &Context) -> Outcome {
    send(context, access::AUDITS, audit::exported(context)?).await
}

async fn send(context: &Context, roles: &[Role], list: ExportedList) -> Outcome {
    let t = context.language.texts();
    let format = context.form.text("format").and_then(ExportFormat::from_word);
    let format = format.ok_or(Failure::invalid(t.lists.choose_listed))?;
    let name = format!("{}-{}.{}", list.as_str(), format::file_stamp(context), format.as_str());
    let may_reveal = WITH_PERSONAL_DATA.contains(&list.as_str());
    let reason = context.form.text("reason").filter(|_| may_reveal);
    let request = ExportRequest {
        actor: actor(context, roles)?,
        tenant: only_tenant(context, &list),
        view: view(context),
        revealed: reason.map(|reason| revealed(context, reason)).transpose()?,
        list,
        format,
    };
    let refused = |status, told: &'static str| Failure::Refused(status, Refusal::Told(told.into()));
    let begun = context.payments().exports.begin(request, context.console().stop.clone()).await;
    let body = begun.map_err(|error| match error {
        ExportError::Busy => refused(StatusCode::SERVICE_UNAVAILABLE, t.lists.download_busy),
        ExportError::TooLong => refused(StatusCode::UNPROCESSABLE_ENTITY, t.lists.download_too_long),
        ExportError::File(error) => {
            tracing::error!(target: "console", error, "the file of an export cannot be written");
            refused(StatusCode::SERVICE_UNAVAILABLE, t.lists.download_no_file)
        }
        ExportError::Store(error) => Failure::Store(error),
    })?;
    let mut response = Response::new(Body::from_stream(try_unfold(body, next)));
    let headers = response.headers_mut();
    headers.insert(header::CONTENT_TYPE, HeaderValue::from_static(format.content_type()));
    let disposition = HeaderValue::try_from(format!("attachment; filename=\"{name}\""));
    let disposition = disposition.map_err(|_| Failure::Internal("a file name that is no header"))?;
    headers.insert(header::CONTENT_DISPOSITION, disposition);
    Ok(response)
}

/// Bytes are asked for when the client has taken those before.
async fn next(mut body: ExportBody) -> io::Result<Option<(Bytes, ExportBody)>> {
    Ok(body.next().await?.map(|bytes| (bytes, body)))
}

/// The caller in the first of these roles in which they may see the list.
fn actor(context: &Context, roles: &[Role]) -> Result<AuditActor, Failure> {
    let narrowed = context.narrowed();
    let scope = narrowed.first().or(context.scopes.first());
    let tenant = TenantId::stored(scope.map_or("", |scope| scope.root.as_str()));
    let in_role = |role: &Role| context.actor(&[*role], &tenant).ok();
    roles.iter().find_map(in_role).map_or_else(|| context.actor(roles, &tenant), Ok)
}

/// `None` for several tenants, and for what concerns the whole installation.
fn only_tenant(context: &Context, list: &ExportedList) -> Option<TenantId> {
    match list {
        ExportedList::Events(_) | ExportedList::Runs(_) | ExportedList::Audit(_) => return None,
        ExportedList::Payments(_)
        | ExportedList::Found(_)
        | ExportedList::Refunds(_)
        | ExportedList::Cases(_)
        | ExportedList::Accounts { .. } => {}
    }
    match context.narrowed().as_slice() {
        [only] => Some(TenantId::stored(only.root.as_str())),
        _ => None,
    }
}

/// The parameters of the view, for the audit log: what people search by may be personal.
fn view(context: &Context) -> Map<String, Value> {
    const MOST: usize = 30;
    const LONGEST: usize = 200;
    const PERSONAL: [&str; 2] = ["q", "s"];
    let filled = context.query.all().filter(|(_, value)| !value.trim().is_empty());
    let shown = filled.take(MOST).map(|(name, value)| {
        let value: String = value.trim().chars().take(LONGEST).collect();
        let mut starred = String::new();
        mask_into(&value, &mut starred);
        let value = if PERSONAL.contains(&name) { starred } else { value };
        (name.chars().take(LONGEST).collect(), value.into())
    });
    shown.collect()
}

/// Personal data, where the caller may reveal it.
fn revealed(context: &Context, reason: &str) -> Result<Revealed, Failure> {
    const LONGEST: usize = 500;
    let may = context.caller()?.identity.scopes(access::ASKS)?;
    let within = common_scopes(&context.narrowed(), &may);
    if within.is_empty() {
        return Err(Denied::Nowhere(access::ASKS.to_vec()).into());
    }
    Ok(Revealed { within, reason: Personal::new(reason.chars().take(LONGEST).collect::<String>()) })
}
