//! Review cases: what no program may decide, oldest first.

use askama::Template;
use futures_util::future::try_join_all;
use payment_domain::{AttentionKind, Personal, Status, Transaction};
use payment_service::{
    Advice, AttentionDetail, CaseView, ExportedList, OtherPayment, PersonalData, access, advise_all,
};
use payment_store::{AttentionCase, AttentionQuery, CaseState, CaseWork, OwnedBy, SeenCase, common_scopes};

use super::payments::{ages, tree};
use super::story::{self, StoryLine};
use super::{payment_link, said, seen_version};
use crate::context::Context;
use crate::failure::{Failure, Outcome};
use crate::format::{self, Tag};
use crate::language::fill;
use crate::links::Link;
use crate::list::{Choice, Filters, List, one_more_than, page_of};
use crate::page::{self, Frame, Named};
use crate::wording;

/// Cases that a page looks at.
const EXAMINED: u32 = 1_000;
/// Cases of a page: each is advised on by what else was paid of its bills.
const PAGE: usize = 20;

#[derive(Template)]
#[template(path = "attention.html")]
struct AttentionPage {
    f: Frame,
    list: List,
    rows: Vec<Row>,
}

struct Row {
    id: i64,
    href: String,
    kind: &'static str,
    raised: String,
    age: String,
    amount: String,
    tenant: String,
    owner: String,
    payment: String,
    payment_href: String,
    recommended: String,
    resolved: String,
}

#[derive(Template)]
#[template(path = "case.html")]
struct CasePage {
    f: Frame,
    here: String,
    kind: &'static str,
    /// Its word in the handbook.
    kind_word: &'static str,
    payment: String,
    payment_href: String,
    tag: Tag,
    amount: String,
    tenant: String,
    raised: String,
    age: String,
    recommended: String,
    others: Vec<Named>,
    evidence: String,
    resolution: Option<String>,
    said: Option<&'static str>,
    owner: String,
    is_own: bool,
    version: u32,
    history: Vec<StoryLine>,
    may_work: bool,
    may_refund: bool,
    refund_href: String,
}

/// `GET /attention`
pub(crate) async fn list(context: &Context) -> Outcome {
    let t = context.language.texts();
    let mut filters = Filters::of(context, "/attention");
    let own = common_scopes(&context.scopes, &context.scopes);
    let tree = tree(&own, context.payments().ports.store.tenants_within(&own).await?);
    let query = read(context, &mut filters, tree)?;
    let status = filters.status();
    let (mut found, mut is_more, mut searched) = (Vec::new(), false, None);
    if filters.is_readable() {
        let horizon = context.payments().ports.store.cases_horizon(&query, EXAMINED).await?;
        let within_reach = AttentionQuery { through: horizon, ..query.clone() };
        let cases = context.payments().attention.list(&within_reach).await?;
        (found, is_more) = page_of(cases, PAGE);
        searched = horizon.filter(|_| !is_more).map(|case| Named {
            name: fill(t.lists.searched_to, [&format!("{} {case}", t.operations.number)]),
            href: filters.onward("after", &case.to_string()),
        });
    }
    let next = found.last().filter(|_| is_more).map(|case| ("after", case.id.to_string()));
    let store = context.payments().ports.store.as_ref();
    let payments = try_join_all(found.iter().map(|case| store.transaction(&case.case.txn_id))).await?;
    let advised = advise_all(store, found.into_iter().zip(payments.iter().cloned()).collect()).await?;
    let rows = advised.into_iter().zip(payments);
    let page = AttentionPage {
        rows: rows.map(|((case, advice), txn)| row(context, case, advice, txn.as_ref())).collect(),
        list: List { searched, ..filters.oldest_first(next) },
        f: Frame::of(context, t.frame.attention, &[]),
    };
    page::html_with(status, &page)
}

fn read(context: &Context, filters: &mut Filters<'_>, tree: Vec<Choice>) -> Result<AttentionQuery, Failure> {
    let t = context.language.texts();
    let states = [
        ("open", t.cases.open, CaseState::Open),
        ("resolved", t.cases.resolved, CaseState::Resolved),
        ("all", t.lists.all, CaseState::All),
    ];
    let kinds = AttentionKind::ALL.map(|kind| (kind.as_str(), wording::kind(t, kind), kind));
    let own = context.caller()?.session.holder.uuid.clone();
    let owners = [("me", t.cases.owner_me, OwnedBy::One(own)), ("none", t.words.none, OwnedBy::Unowned)];
    let within = filters.tenants(tree);
    Ok(AttentionQuery {
        within: Some(within),
        state: filters.choice_with_default("state", t.words.status, "all", &states).unwrap_or_default(),
        kind: filters.choice("kind", t.cases.kind, None, &kinds),
        owner: filters.choice("owner", t.cases.owner, None, &owners).unwrap_or_default(),
        raised_before: filters.choice("older", t.lists.older_than, None, &ages(context)),
        after: context.query.number("after").unwrap_or_default(),
        limit: one_more_than(PAGE),
        ..AttentionQuery::default()
    })
}

/// The cases of the view.
pub(super) fn exported(context: &Context) -> Result<ExportedList, Failure> {
    let mut filters = Filters::of(context, "/attention");
    let query = read(context, &mut filters, Vec::new())?;
    filters.refuse_unreadable()?;
    Ok(ExportedList::Cases(query))
}

fn row(context: &Context, case: AttentionCase, advice: Advice, txn: Option<&Transaction>) -> Row {
    let t = context.language.texts();
    let (kind, recommended) = (wording::kind(t, case.case.kind), wording::advice(t, &advice));
    let view = CaseView::of(case, advice, PersonalData::Masked);
    Row {
        amount: txn.map(format::amount).unwrap_or_default(),
        tenant: txn.map(|txn| txn.tenant_id.to_string()).unwrap_or_default(),
        owner: view.owner.map(|owner| owner.by).unwrap_or_default(),
        id: view.id,
        href: link_of(context, view.id).href(),
        kind,
        raised: format::moment(context, view.raised_time),
        age: format::age(context, view.raised_time),
        payment_href: payment_link(context, &view.txn_id).href(),
        payment: view.txn_id,
        recommended,
        resolved: view.resolution.map(|ended| format::moment(context, ended.time)).unwrap_or_default(),
    }
}

async fn of_path(context: &Context) -> Result<AttentionDetail, Failure> {
    let id = context.path("id").parse().map_err(|_| Failure::NotFound)?;
    let found = context.payments().attention.show(id, Some(context.scopes.clone())).await?;
    found.ok_or(Failure::NotFound)
}

/// `GET /attention/{id}`
pub(crate) async fn show(context: &Context) -> Outcome {
    let t = context.language.texts();
    let AttentionDetail { case, txn, advice } = of_path(context).await?;
    let (id, version) = (case.id, case.version);
    let history = context.payments().attention.history(id).await?;
    let own = &context.caller()?.session.holder.uuid;
    let owner = case.owner.as_ref().map(|owner| owner.by.clone());
    let messages = [
        ("taken", t.cases.said_taken),
        ("released", t.cases.said_released),
        ("noted", t.cases.said_noted),
        ("resolved", t.cases.said_resolved),
    ];
    let said = said(context, &messages);
    let (kind, recommended) = (wording::kind(t, case.case.kind), wording::advice(t, &advice));
    let other = |other: &OtherPayment| Named {
        name: format!("{} · {}", other.txn_id, format::status_word(t, other.status)),
        href: payment_link(context, other.txn_id.as_str()).href(),
    };
    let others = advice.other_payments.iter().map(other).collect();
    let view = CaseView::of(case, advice, PersonalData::Masked);
    let resolution = view.resolution.as_ref().map(|ended| {
        let at = format::moment(context, ended.time);
        format!("{at} · {} · {}", ended.by, Personal::new(ended.reason.as_str()).expose())
    });
    let may_refund = context.has(access::MAKES, &txn.tenant_id);
    let personal = match context.has(access::ASKS, &txn.tenant_id) {
        true => PersonalData::Shown,
        false => PersonalData::Masked,
    };
    let has_paid = !matches!(txn.status, Status::Pending);
    page::html(&CasePage {
        here: link_of(context, id).href(),
        kind,
        kind_word: view.kind,
        payment_href: payment_link(context, txn.id.as_str()).href(),
        tag: format::status_tag(context.language, &txn),
        amount: format::amount(&txn),
        tenant: txn.tenant_id.to_string(),
        raised: format::moment(context, view.raised_time),
        age: format::age(context, view.raised_time),
        others,
        recommended,
        evidence: story::evidence(view.evidence, PersonalData::Shown).unwrap_or_default(),
        resolution,
        said,
        is_own: owner.as_deref() == Some(own.as_str()),
        owner: owner.unwrap_or_else(|| t.words.none.to_owned()),
        version,
        history: history.into_iter().map(|line| story::of_case(context, line, personal)).collect(),
        may_work: context.has(access::ACTS, &txn.tenant_id),
        may_refund: may_refund && has_paid,
        refund_href: context
            .link(&format!("/payments/{}/refund", crate::links::segment(txn.id.as_str())))
            .with("case", id.to_string())
            .href(),
        payment: txn.id.to_string(),
        f: Frame::of(
            context,
            fill(t.cases.case_title, [&id.to_string()]),
            &[(t.frame.attention, "/attention")],
        ),
    })
}

/// `POST /attention/{id}/resolve`
pub(crate) async fn resolve(context: &Context) -> Outcome {
    let t = context.language.texts();
    let AttentionDetail { case, txn, .. } = of_path(context).await?;
    let reason = context.form.text("reason").ok_or_else(|| Failure::invalid(t.payment.reason_required))?;
    let actor = context.actor(access::ACTS, &txn.tenant_id)?;
    let by = context.caller()?.session.holder.uuid.clone();
    let within = Some(context.scopes.clone());
    let seen = SeenCase { id: case.id, version: Some(seen_version(context)?) };
    context.payments().attention.resolve(seen, within, actor, &by, reason).await?;
    page::see(&link_of(context, case.id).with("said", "resolved").href())
}

/// `POST /attention/{id}/take`: the caller becomes the owner.
pub(crate) async fn take(context: &Context) -> Outcome {
    let work = CaseWork::Take { version: seen_version(context)? };
    worked(context, work, "taken").await
}

/// `POST /attention/{id}/release`
pub(crate) async fn release(context: &Context) -> Outcome {
    let work = CaseWork::Release { version: seen_version(context)? };
    worked(context, work, "released").await
}

/// `POST /attention/{id}/note`
pub(crate) async fn note(context: &Context) -> Outcome {
    let text = context.form.text("note");
    let text = text.ok_or_else(|| Failure::invalid(context.language.texts().cases.note_required))?;
    let key = Some(context.form_number()?.to_owned());
    worked(context, CaseWork::Note { text: Personal::new(text), key }, "noted").await
}

async fn worked(context: &Context, work: CaseWork, said: &str) -> Outcome {
    let AttentionDetail { case, txn, .. } = of_path(context).await?;
    let actor = context.actor(access::ACTS, &txn.tenant_id)?;
    let by = &context.caller()?.session.holder.uuid;
    context.payments().attention.work(case.id, Some(context.scopes.clone()), actor, by, work).await?;
    page::see(&link_of(context, case.id).with("said", said).href())
}

fn link_of(context: &Context, id: i64) -> Link {
    context.link(&format!("/attention/{id}"))
}
