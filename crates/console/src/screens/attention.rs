//! Review cases: what no program may decide, oldest first.

use askama::Template;
use payment_domain::{AttentionKind, Personal, Status};
use payment_service::{AttentionDetail, CaseView, PersonalData, access};
use payment_store::{AttentionQuery, CaseState};

use super::{Chip, Choice, ROWS, chip, one_more_than_a_page, one_page, payment_link, story};
use crate::context::Context;
use crate::failure::{Failure, Outcome};
use crate::format::{self, Tag};
use crate::language::fill;
use crate::page::{self, Frame, Named};

#[derive(Template)]
#[template(path = "attention.html")]
struct AttentionPage {
    f: Frame,
    action: String,
    chips: Vec<Chip>,
    states: Vec<Choice>,
    kinds: Vec<Choice>,
    tenant: String,
    rows: Vec<Row>,
    first: Option<String>,
    next: Option<String>,
}

struct Row {
    id: i64,
    href: String,
    kind: &'static str,
    raised: String,
    age: String,
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
    may_resolve: bool,
    may_refund: bool,
    refund_href: String,
}

/// `GET /attention`
pub(crate) async fn list(context: &Context) -> Outcome {
    let t = context.language.texts();
    let (state, kind) = (context.query.text("state"), context.query.text("kind"));
    let case_state = match state {
        None | Some("open") => CaseState::Open,
        Some("resolved") => CaseState::Resolved,
        Some("all") => CaseState::All,
        Some(_) => return Err(Failure::invalid(t.choose_listed)),
    };
    let known_kind = kind.map(|word| AttentionKind::from_word(word).ok_or(Failure::invalid(t.choose_listed)));
    let query = AttentionQuery {
        within: Some(context.narrowed()),
        state: case_state,
        kind: known_kind.transpose()?,
        after: context.query.number("after").unwrap_or_default(),
        limit: one_more_than_a_page(),
        ..AttentionQuery::default()
    };
    let (found, is_more) = one_page(context.payments().attention.list_with_advice(&query).await?);
    let tenant = context.query.text("tenant");
    let view = context.link("/attention").with_all([("state", state), ("kind", kind), ("tenant", tenant)]);
    let last = found.last().map(|(case, _)| case.id.to_string());
    let mut chips = vec![match state {
        Some("resolved") => chip(t.status, t.resolved, &view, "state"),
        Some("all") => chip(t.status, t.all, &view, "state"),
        _ => Chip { text: format!("{}: {}", t.status, t.open), remove: None },
    }];
    chips.extend(kind.map(|kind| chip(t.kind, kind, &view, "kind")));
    chips.extend(tenant.map(|tenant| chip(t.tenant, tenant, &view, "tenant")));
    let choice = |chosen: &str, value: &str, word: &str| Choice {
        value: value.to_owned(),
        word: word.to_owned(),
        is_chosen: value == chosen,
    };
    let states = [("open", t.open), ("resolved", t.resolved), ("all", t.all)];
    let kinds = AttentionKind::ALL.map(AttentionKind::as_str);
    let rows = found
        .into_iter()
        .map(|(case, advice)| row(context, CaseView::of(case, advice, PersonalData::Masked)));
    page::html(&AttentionPage {
        action: context.link("/attention").href(),
        chips,
        states: states.map(|(value, word)| choice(state.unwrap_or("open"), value, word)).into(),
        kinds: std::iter::once(choice(kind.unwrap_or_default(), "", t.all))
            .chain(kinds.iter().map(|word| choice(kind.unwrap_or_default(), word, word)))
            .collect(),
        tenant: tenant.unwrap_or_default().to_owned(),
        rows: rows.take(ROWS).collect(),
        first: (query.after > 0).then(|| view.href()),
        next: last.filter(|_| is_more).map(|last| view.clone().with("after", last).href()),
        f: Frame::of(context, t.attention, &[]),
    })
}

fn row(context: &Context, view: CaseView) -> Row {
    Row {
        id: view.id,
        href: context.link(&format!("/attention/{}", view.id)).href(),
        kind: view.kind,
        raised: format::moment(context, view.raised_time),
        age: format::age(context, view.raised_time),
        payment_href: payment_link(context, &view.txn_id).href(),
        payment: view.txn_id,
        recommended: view.recommended_action,
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
    let id = case.id;
    let view = CaseView::of(case, advice, PersonalData::Masked);
    let other = |other: &payment_service::OtherPaymentView| Named {
        name: format!("{} · {}", other.txn_id, other.txn_status),
        href: payment_link(context, &other.txn_id).href(),
    };
    let resolution = view.resolution.as_ref().map(|ended| {
        let at = format::moment(context, ended.time);
        format!("{at} · {} · {}", ended.by, Personal::new(ended.reason.as_str()).expose())
    });
    let may_refund = context.has(access::MAKES, &txn.tenant_id);
    let has_paid = !matches!(txn.status, Status::Pending);
    page::html(&CasePage {
        here: context.link(&format!("/attention/{id}")).href(),
        kind: view.kind,
        payment_href: payment_link(context, txn.id.as_str()).href(),
        tag: format::status_tag(context.language, &txn),
        amount: format::amount(&txn),
        tenant: txn.tenant_id.to_string(),
        raised: format::moment(context, view.raised_time),
        age: format::age(context, view.raised_time),
        others: view.other_payments.iter().map(other).collect(),
        recommended: view.recommended_action,
        evidence: story::evidence(view.evidence, PersonalData::Shown).unwrap_or_default(),
        resolution,
        may_resolve: context.has(access::ACTS, &txn.tenant_id),
        may_refund: may_refund && has_paid,
        refund_href: context
            .link(&format!("/payments/{}/refund", crate::links::segment(txn.id.as_str())))
            .with("case", id.to_string())
            .href(),
        payment: txn.id.to_string(),
        f: Frame::of(context, fill(t.case_title, [&id.to_string()]), &[(t.attention, "/attention")]),
    })
}

/// `POST /attention/{id}/resolve`
pub(crate) async fn resolve(context: &Context) -> Outcome {
    let t = context.language.texts();
    let AttentionDetail { case, txn, .. } = of_path(context).await?;
    let reason = context.form.text("reason").ok_or_else(|| Failure::invalid(t.reason_required))?;
    let actor = context.actor(access::ACTS, &txn.tenant_id)?;
    let by = context.caller()?.session.holder.uuid.clone();
    let within = Some(context.scopes.clone());
    context.payments().attention.resolve(case.id, within, actor, &by, reason).await?;
    page::see(&context.link(&format!("/attention/{}", case.id)).href())
}
