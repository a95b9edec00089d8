//! One refund: decided by another person than its maker, on the version that they have seen.

use askama::Template;
use payment_domain::{Personal, Refund, RefundId, RefundStatus};
use payment_service::{PersonalData, RefundDecisionRequest, access};

use super::story::{self, StoryLine};
use super::{Line, payment_link, said};
use crate::context::Context;
use crate::failure::{Failure, Outcome};
use crate::format::{self, Tag};
use crate::language::fill;
use crate::links::{Link, segment};
use crate::page::{self, Frame};

#[derive(Template)]
#[template(path = "refund.html")]
struct RefundPage {
    f: Frame,
    tag: Tag,
    said: Option<&'static str>,
    here: String,
    details: Vec<Line>,
    next: &'static str,
    may_decide: bool,
    may_withdraw: bool,
    may_ask: bool,
    version: u32,
    story: Vec<StoryLine>,
}

#[derive(Template)]
#[template(path = "approve.html")]
struct ApprovePage {
    f: Frame,
    here: String,
    warning: String,
    details: Vec<Line>,
    version: u32,
}

async fn of_path(context: &Context) -> Result<Refund, Failure> {
    let id = RefundId::stored(context.path("id"));
    context.payments().refunds.find(&id, Some(&context.scopes)).await?.ok_or(Failure::NotFound)
}

fn link_of(context: &Context, refund: &Refund) -> Link {
    context.link(&format!("/refunds/{}", segment(refund.id.as_str())))
}

/// `GET /refunds/{id}`
pub(crate) async fn show(context: &Context) -> Outcome {
    let refund = of_path(context).await?;
    let t = context.language.texts();
    let messages = [
        ("requested", t.refunds.said_requested),
        ("approved", t.refunds.said_approved),
        ("rejected", t.refunds.said_rejected),
        ("withdrawn", t.refunds.said_withdrawn),
        ("asked", t.payment.said_asked),
    ];
    let said = said(context, &messages);
    let own = &context.caller()?.session.holder.uuid;
    let (is_own, is_open) = (refund.requested_by == *own, refund.status == RefundStatus::Requested);
    let has_approved = refund.approvals.iter().any(|given| given.by == *own);
    let history = context.payments().refunds.history(&refund.id).await?.into_iter();
    page::html(&RefundPage {
        tag: format::refund_tag(context.language, refund.status),
        said,
        here: link_of(context, &refund).href(),
        details: details(context, &refund).await?,
        next: next(context, &refund),
        may_decide: is_open && !is_own && !has_approved && context.has(access::CHECKS, &refund.tenant_id),
        may_withdraw: is_open && is_own && context.has(access::MAKES, &refund.tenant_id),
        may_ask: refund.status == RefundStatus::Sent && context.has(access::ASKS, &refund.tenant_id),
        version: refund.version,
        story: history.map(|line| story::of_refund(context, line, PersonalData::Masked)).collect(),
        f: Frame::of(
            context,
            fill(t.refunds.refund_title, [refund.id.as_str()]),
            &[(t.frame.refunds, "/refunds")],
        ),
    })
}

async fn details(context: &Context, refund: &Refund) -> Result<Vec<Line>, Failure> {
    let t = context.language.texts();
    let left = context.payments().refunds.left_of(refund).await?;
    let decision = refund.decision.as_ref();
    let mut lines = vec![
        Line::of(t.refunds.refund_amount, format::money(refund.amount)),
        Line::of(t.refunds.paid_amount, format::money(refund.capture.amount)),
        Line::of(t.refunds.left, format::money(left)),
        Line {
            href: Some(payment_link(context, refund.txn_id.as_str()).href()),
            ..Line::of(t.words.payment, refund.txn_id.as_str())
        },
        Line::of(t.frame.tenant, refund.tenant_id.as_str()),
        Line::of(t.words.gateway, refund.gateway.to_string()),
        Line::of(t.refunds.reason_code, format::reason_code(t, &refund.reason_code)),
    ];
    if context.has(access::ASKS, &refund.tenant_id) {
        let reason = refund.reason.as_ref().map_or(t.words.none, Personal::expose);
        lines.push(Line::of(t.refunds.reason, reason));
    }
    lines.extend([
        Line::of(t.refunds.maker, refund.requested_by.as_str()),
        Line::of(t.refunds.requested, format::moment(context, refund.audit.created_at)),
        Line::of(t.refunds.checker, decision.map_or(t.words.none, |decision| decision.by.as_str())),
        Line::of(t.words.receipt, format::receipt_word(t, refund.receipt)),
        Line::of(
            t.payment.gateway_number,
            refund.gateway_details.refund_id.as_deref().unwrap_or(t.words.none),
        ),
    ]);
    if let Some(waiver) = refund.waiver {
        lines.push(Line::of(t.refunds.waiver, format::waiver_word(t, waiver)));
    }
    Ok(lines)
}

fn next(context: &Context, refund: &Refund) -> &'static str {
    let t = context.language.texts();
    match refund.status {
        RefundStatus::Requested => t.refunds.refund_next_requested,
        RefundStatus::Approved => t.refunds.refund_next_approved,
        RefundStatus::Sent => t.refunds.refund_next_sent,
        RefundStatus::Succeeded => t.refunds.refund_next_succeeded,
        RefundStatus::Failed | RefundStatus::Rejected | RefundStatus::Withdrawn | RefundStatus::Expired => {
            t.refunds.refund_next_over
        }
    }
}

/// `GET /refunds/{id}/approve`: what an approval sends, before it is given.
pub(crate) async fn confirm(context: &Context) -> Outcome {
    let refund = of_path(context).await?;
    context.principal(access::CHECKS, &refund.tenant_id)?;
    let t = context.language.texts();
    if refund.status != RefundStatus::Requested {
        return Err(Failure::refused(t.refunds.decided_before));
    }
    let here = link_of(context, &refund).href();
    let path = format!("/refunds/{}", segment(refund.id.as_str()));
    page::html(&ApprovePage {
        warning: fill(t.refunds.approve_warning, [&format::money(refund.amount), refund.txn_id.as_str()]),
        details: details(context, &refund).await?,
        version: refund.version,
        here,
        f: Frame::of(
            context,
            fill(t.refunds.approve_title, [refund.id.as_str()]),
            &[(t.frame.refunds, "/refunds"), (refund.id.as_str(), &path)],
        ),
    })
}

fn decision(context: &Context, refund: &Refund) -> Result<RefundDecisionRequest, Failure> {
    let version = context.form.number("version").and_then(|version| u32::try_from(version).ok());
    let comment = context.form.text("comment").map(|text| text.chars().take(1000).collect::<String>());
    Ok(RefundDecisionRequest {
        id: refund.id.clone(),
        version: version.ok_or(Failure::Forged)?,
        comment: comment.map(Personal::new),
    })
}

/// `POST /refunds/{id}/approve`
pub(crate) async fn approve(context: &Context) -> Outcome {
    let refund = of_path(context).await?;
    let checker = context.principal(access::CHECKS, &refund.tenant_id)?;
    let request = decision(context, &refund)?;
    context.payments().refunds.approve(request, &checker, &context.caller()?.identity).await?;
    page::see(&link_of(context, &refund).with("said", "approved").href())
}

/// `POST /refunds/{id}/reject`
pub(crate) async fn reject(context: &Context) -> Outcome {
    let refund = of_path(context).await?;
    let checker = context.principal(access::CHECKS, &refund.tenant_id)?;
    let request = decision(context, &refund)?;
    context.payments().refunds.reject(request, &checker, &context.caller()?.identity).await?;
    page::see(&link_of(context, &refund).with("said", "rejected").href())
}

/// `POST /refunds/{id}/withdraw`
pub(crate) async fn withdraw(context: &Context) -> Outcome {
    let refund = of_path(context).await?;
    let maker = context.principal(access::MAKES, &refund.tenant_id)?;
    let request = decision(context, &refund)?;
    context.payments().refunds.withdraw(request, &maker, &context.caller()?.identity).await?;
    page::see(&link_of(context, &refund).with("said", "withdrawn").href())
}

/// `POST /refunds/{id}/ask`
pub(crate) async fn ask(context: &Context) -> Outcome {
    let refund = of_path(context).await?;
    context.principal(access::ASKS, &refund.tenant_id)?;
    let (within, caller) = (Some(context.scopes.as_slice()), context.acting()?);
    context.payments().refunds.update(&refund.id, within, &caller).await?;
    page::see(&link_of(context, &refund).with("said", "asked").href())
}
