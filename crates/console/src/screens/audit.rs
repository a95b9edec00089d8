//! The audit log: who did what to which object, newest first; verified on demand.

use askama::Template;
use payment_domain::AuditAction;
use payment_service::audit::{AuditEntryView, VerifyError};
use payment_service::{PersonalData, access};
use payment_store::{AuditQuery, StoredEntry, TenantScope};
use serde_json::Value;

use crate::context::Context;
use crate::failure::{Failure, Outcome};
use crate::format::{self, Tag};
use crate::language::fill;
use crate::list::{Filters, List, one_more_than_a_page, one_page};
use crate::page::{self, Frame};

#[derive(Template)]
#[template(path = "audit.html")]
struct AuditPage {
    f: Frame,
    list: List,
    rows: Vec<Row>,
}

struct Row {
    number: i64,
    at: String,
    actor: String,
    action: String,
    object: String,
    tenant: String,
    text: String,
}

#[derive(Template)]
#[template(path = "verified.html")]
struct VerifiedPage {
    f: Frame,
    tag: Tag,
    sentence: String,
    lines: Vec<String>,
}

/// `GET /audit`
pub(crate) async fn list(context: &Context) -> Outcome {
    let t = context.language.texts();
    let mut filters = Filters::of(context, "/audit");
    let query = read(context, &mut filters);
    let status = filters.status();
    let (found, is_more) = match filters.is_readable() {
        true => one_page(context.payments().audit.list(&query).await?),
        false => (Vec::new(), false),
    };
    let next = found.last().filter(|_| is_more).map(|last| ("before", last.number.to_string()));
    let page = AuditPage {
        list: filters.newest_first(query.before == Some(i64::MAX), next),
        rows: found.into_iter().map(|entry| row(context, entry)).collect(),
        f: Frame::of(context, t.audit, &[]),
    };
    page::html_with(status, &page)
}

fn read(context: &Context, filters: &mut Filters<'_>) -> AuditQuery {
    let t = context.language.texts();
    let actions = AuditAction::ALL.map(|action| (action.as_str(), action.as_str(), action));
    AuditQuery {
        before: Some(context.query.number("before").unwrap_or(i64::MAX)),
        action: filters.choice("action", t.action, Some(t.any_action), &actions),
        actor: filters.text("actor", t.actor),
        object_id: filters.text("object", t.object),
        within: filters.text("tenant", t.tenant).map(|root| TenantScope { root }),
        limit: one_more_than_a_page(),
        ..AuditQuery::default()
    }
}

/// Personal values starred.
fn row(context: &Context, stored: StoredEntry) -> Row {
    let view = AuditEntryView::of(stored, PersonalData::Masked);
    let entry = &view.entry;
    let text = |value: &Value| value.as_str().unwrap_or_default().to_owned();
    let at = entry["at"].as_i64().map(payment_domain::Timestamp::from_millis);
    let actor = [text(&entry["actor"]["id"]), text(&entry["actor"]["role"])];
    let object = [text(&entry["object"]["kind"]), text(&entry["object"]["id"])];
    let joined = |parts: [String; 2]| parts.join(" ").trim().to_owned();
    Row {
        number: view.number,
        at: at.map(|at| format::moment(context, at)).unwrap_or_default(),
        actor: joined(actor),
        action: text(&entry["action"]),
        object: joined(object),
        tenant: text(&entry["tenant"]),
        text: format!("{}\n{:#}\n{}", view.text, view.personal, view.hash),
    }
}

/// `POST /audit/verify`: against the checkpoints of the database itself.
pub(crate) async fn verify(context: &Context) -> Outcome {
    let t = context.language.texts();
    context.actor_of_installation(access::AUDITS)?;
    let audit = &context.payments().audit;
    let known = audit.own_checkpoints(None).await?;
    let verified = audit.verify(known).await.map_err(|error| match error {
        VerifyError::Store(error) => Failure::Store(error),
        VerifyError::Export(_) => Failure::Internal("a log that reads as an export"),
    })?;
    let entries = verified.entries.to_string();
    let sentence = match &verified.broken {
        None => fill(t.audit_whole_sentence, [&entries]),
        Some(broken) => fill(t.audit_broken_sentence, [&entries, &broken.why]),
    };
    let document = serde_json::to_string_pretty(&verified).unwrap_or_default();
    page::html(&VerifiedPage {
        tag: format::verdict_tag(context.language, verified.broken.is_none()),
        sentence,
        lines: document.lines().map(str::to_owned).collect(),
        f: Frame::of(context, t.audit_verified, &[(t.audit, "/audit")]),
    })
}
