//! The audit log: who did what to which object, newest first; verified on demand.

use askama::Template;
use payment_domain::AuditAction;
use payment_service::audit::{AuditEntryView, VERIFY_JOB};
use payment_service::{ExportedList, PersonalData, RunState, RunView, access};
use payment_store::{AuditQuery, StoredEntry, TenantScope};
use serde_json::Value;

use super::jobs;
use crate::context::Context;
use crate::failure::{Failure, Outcome};
use crate::format::{self, Tag};
use crate::language::fill;
use crate::list::{Filters, List, one_more_than_a_page, one_page};
use crate::page::{self, Frame, Named};
use crate::wording::{self, Notice};

#[derive(Template)]
#[template(path = "audit.html")]
struct AuditPage {
    f: Frame,
    list: List,
    /// How the latest verification went, with its page.
    verified: Option<Named>,
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
    here: String,
    is_running: bool,
    may_verify: bool,
    verify: String,
    lines: Vec<Notice>,
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
    let total = context.payments().ports.store.audit_head().await?.end.number.to_string();
    let verified = latest(context).await?.map(|run| Named {
        name: sentence(context, &run, &total),
        href: context.link("/audit/verification").href(),
    });
    let page = AuditPage {
        verified,
        list: filters.newest_first(next),
        rows: found.into_iter().map(|entry| row(context, entry)).collect(),
        f: Frame::of(context, t.frame.audit, &[]),
    };
    page::html_with(status, &page)
}

fn read(context: &Context, filters: &mut Filters<'_>) -> AuditQuery {
    let t = context.language.texts();
    let actions = AuditAction::ALL.map(|action| (action.as_str(), wording::action(t, action), action));
    let (from, to) = filters.days();
    AuditQuery {
        before: Some(context.query.number("before").unwrap_or(i64::MAX)),
        action: filters.choice("action", t.operations.action, Some(t.lists.any_action), &actions),
        actor: filters.text("actor", t.operations.actor),
        object_id: filters.text("object", t.operations.object),
        within: filters.text("tenant", t.frame.tenant).map(|root| TenantScope { root }),
        from,
        to,
        limit: one_more_than_a_page(),
        ..AuditQuery::default()
    }
}

/// The entries of the view.
pub(super) fn exported(context: &Context) -> Result<ExportedList, Failure> {
    let mut filters = Filters::of(context, "/audit");
    let query = read(context, &mut filters);
    filters.refuse_unreadable()?;
    Ok(ExportedList::Audit(query))
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
    let (t, word) = (context.language.texts(), text(&entry["action"]));
    Row {
        number: view.number,
        at: at.map(|at| format::moment(context, at)).unwrap_or_default(),
        actor: joined(actor),
        action: AuditAction::from_word(&word).map_or(word, |known| wording::action(t, known).to_owned()),
        object: joined(object),
        tenant: text(&entry["tenant"]),
        text: format!("{}\n{:#}\n{}", view.text, view.personal, view.hash),
    }
}

/// `POST /audit/verify`: begins a verification against the checkpoints of the database itself.
pub(crate) async fn verify(context: &Context) -> Outcome {
    let actor = context.actor_of_installation(access::AUDITS)?;
    jobs::begin(context, actor, VERIFY_JOB).await?;
    page::see(&context.link("/audit/verification").href())
}

/// `GET /audit/verification`: how far the latest verification has come, or how it ended.
pub(crate) async fn verification(context: &Context) -> Outcome {
    let t = context.language.texts();
    let store = &context.payments().ports.store;
    let run = latest(context).await?.ok_or(Failure::NotFound)?;
    let total = store.audit_head().await?.end.number.to_string();
    let is_running = run.state == RunState::Running;
    let mut lines = vec![Notice { text: sentence(context, &run, &total), message: run.reason.clone() }];
    if let Some(checkpoint) = store.last_checkpoint().await? {
        let at = format::moment(context, checkpoint.at);
        lines.push(Notice::of(fill(t.operations.audit_checkpoint, [&checkpoint.size.to_string(), &at])));
    }
    page::html(&VerifiedPage {
        tag: format::run_tag(context.language, run.state),
        here: context.link("/audit/verification").href(),
        is_running,
        may_verify: context.has_at_state(access::AUDITS),
        verify: context.link("/audit/verify").href(),
        lines,
        f: Frame::of(context, t.operations.audit_verified, &[(t.frame.audit, "/audit")])
            .following(is_running),
    })
}

/// The latest verification.
async fn latest(context: &Context) -> Result<Option<RunView>, Failure> {
    let runs = context.payments().ports.store.runs(Some(VERIFY_JOB), 1).await?;
    Ok(runs.into_iter().next().map(RunView::from))
}

fn sentence(context: &Context, run: &RunView, total: &str) -> String {
    let t = context.language.texts();
    let examined = run.examined.to_string();
    let at = format::moment(context, run.ended_time.unwrap_or(run.started_time));
    match run.state {
        RunState::Running => fill(t.operations.audit_progress, [&examined, total]),
        RunState::Finished => fill(t.operations.audit_whole_sentence, [&examined, &at]),
        RunState::Failed => fill(t.operations.audit_broken_sentence, [&at]),
        RunState::Cancelled | RunState::TakenOver => fill(t.operations.audit_cut_off, [&examined, &at]),
    }
}
