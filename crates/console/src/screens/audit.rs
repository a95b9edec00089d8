//! The audit log: who did what to which object, newest first; verified on demand.

use askama::Template;
use payment_domain::AuditAction;
use payment_service::audit::{AuditEntryView, VerifyError};
use payment_service::{PersonalData, access};
use payment_store::{AuditQuery, StoredEntry, TenantScope};
use serde_json::Value;

use super::{Chip, Choice, chip, one_more_than_a_page, one_page};
use crate::context::Context;
use crate::failure::{Failure, Outcome};
use crate::format::{self, Tag};
use crate::language::fill;
use crate::page::{self, Frame};

#[derive(Template)]
#[template(path = "audit.html")]
struct AuditPage {
    f: Frame,
    action: String,
    chips: Vec<Chip>,
    actions: Vec<Choice>,
    actor: String,
    object: String,
    tenant: String,
    rows: Vec<Row>,
    first: Option<String>,
    next: Option<String>,
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
    let text = |name| context.query.text(name);
    let (word, actor, object, tenant) = (text("action"), text("actor"), text("object"), text("tenant"));
    let action = word.map(|word| AuditAction::from_word(word).ok_or(Failure::invalid(t.choose_listed)));
    let before = context.query.number("before");
    let query = AuditQuery {
        before: Some(before.unwrap_or(i64::MAX)),
        action: action.transpose()?,
        object_id: object.map(str::to_owned),
        actor: actor.map(str::to_owned),
        within: tenant.map(|root| TenantScope { root: root.to_owned() }),
        limit: one_more_than_a_page(),
        ..AuditQuery::default()
    };
    let (found, is_more) = one_page(context.payments().audit.list(&query).await?);
    let filters = [("action", word), ("actor", actor), ("object", object), ("tenant", tenant)];
    let view = context.link("/audit").with_all(filters);
    let names = [t.action, t.actor, t.object, t.tenant];
    let chips: Vec<Chip> = filters
        .into_iter()
        .zip(names)
        .filter_map(|((parameter, value), name)| Some(chip(name, value?, &view, parameter)))
        .collect();
    let last = found.last().map(|entry| entry.number.to_string());
    let actions = AuditAction::ALL.map(AuditAction::as_str);
    let choice = |value: &str, shown: &str| Choice {
        value: value.to_owned(),
        word: shown.to_owned(),
        is_chosen: word.unwrap_or_default() == value,
    };
    page::html(&AuditPage {
        action: context.link("/audit").href(),
        chips: if chips.is_empty() { vec![Chip { text: t.all.to_owned(), remove: None }] } else { chips },
        actions: std::iter::once(choice("", t.all))
            .chain(actions.iter().map(|word| choice(word, word)))
            .collect(),
        actor: actor.unwrap_or_default().to_owned(),
        object: object.unwrap_or_default().to_owned(),
        tenant: tenant.unwrap_or_default().to_owned(),
        rows: found.into_iter().map(|entry| row(context, entry)).collect(),
        first: before.map(|_| view.href()),
        next: last.filter(|_| is_more).map(|last| view.clone().with("before", last).href()),
        f: Frame::of(context, t.audit, &[]),
    })
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
