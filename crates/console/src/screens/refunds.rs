//! Refunds, newest first; those that wait for the caller.

use askama::Template;
use payment_domain::{Refund, RefundStatus};
use payment_service::access;
use payment_store::{PageRequest, RefundQuery};

use super::{Chip, ROWS, chip, one_more_than_a_page, one_page, payment_link};
use crate::context::Context;
use crate::failure::{Failure, Outcome};
use crate::format::{self, Tag};
use crate::links::segment;
use crate::page::{self, Frame};

/// Pages behind this many refunds are reached by filters.
const FARTHEST: u32 = 10_000;

#[derive(Template)]
#[template(path = "refunds.html")]
struct RefundsPage {
    f: Frame,
    views: Vec<View>,
    chips: Vec<Chip>,
    rows: Vec<Row>,
    first: Option<String>,
    next: Option<String>,
}

struct View {
    name: &'static str,
    href: String,
    is_current: bool,
}

struct Row {
    href: String,
    id: String,
    tag: Tag,
    amount: String,
    requested: String,
    maker: String,
    checker: String,
    reason_code: String,
    payment: String,
    payment_href: String,
    tenant: String,
}

/// `GET /refunds`
pub(crate) async fn list(context: &Context) -> Outcome {
    let t = context.language.texts();
    let own = context.caller()?.session.holder.uuid.clone();
    let chosen = context.query.text("view").unwrap_or("all");
    let may_check = context.has_anywhere(access::CHECKS);
    let (statuses, maker) = match chosen {
        "all" => (Vec::new(), None),
        "decide" => (vec![RefundStatus::Requested], None),
        "under-way" => (vec![RefundStatus::Approved, RefundStatus::Sent], None),
        "mine" => (Vec::new(), Some(own.clone())),
        _ => return Err(Failure::invalid(t.choose_listed)),
    };
    let offset = context.query.number("from").and_then(|from| u32::try_from(from).ok()).unwrap_or_default();
    let query = RefundQuery {
        within: Some(context.narrowed()),
        statuses,
        requested_by: maker,
        page: PageRequest { limit: one_more_than_a_page(), offset: offset.min(FARTHEST) },
        ..RefundQuery::default()
    };
    let (found, is_more) = one_page(context.payments().refunds.search(&query).await?);
    let tenant = context.query.text("tenant");
    let link = context.link("/refunds").with_all([("view", Some(chosen)), ("tenant", tenant)]);
    let known = [
        ("all", t.view_all, true),
        ("decide", t.view_decide, may_check),
        ("under-way", t.view_under_way, true),
        ("mine", t.view_mine, context.has_anywhere(access::MAKES)),
    ];
    let views = known.into_iter().filter(|(_, _, offered)| *offered).map(|(value, name, _)| View {
        name,
        href: context.link("/refunds").with("view", value).href(),
        is_current: value == chosen,
    });
    let current = known.iter().find(|(value, _, _)| *value == chosen).map_or("", |(_, name, _)| name);
    let mut chips = vec![Chip { text: current.to_owned(), remove: None }];
    chips.extend(tenant.map(|tenant| chip(t.tenant, tenant, &link, "tenant")));
    // Another decides about what the caller has requested.
    let is_shown = |refund: &&Refund| chosen != "decide" || refund.requested_by != own;
    let further = offset.saturating_add(u32::try_from(ROWS).unwrap_or_default());
    page::html(&RefundsPage {
        views: views.collect(),
        chips,
        rows: found.iter().filter(is_shown).map(|refund| row(context, refund)).collect(),
        first: (offset > 0).then(|| link.href()),
        next: (is_more && further <= FARTHEST).then(|| link.clone().with("from", further.to_string()).href()),
        f: Frame::of(context, t.refunds, &[]),
    })
}

fn row(context: &Context, refund: &Refund) -> Row {
    Row {
        href: context.link(&format!("/refunds/{}", segment(refund.id.as_str()))).href(),
        id: refund.id.to_string(),
        tag: format::refund_tag(context.language, refund.status),
        amount: format::money(refund.amount),
        requested: format::moment(context, refund.audit.created_at),
        maker: refund.requested_by.clone(),
        checker: refund.decision.as_ref().map(|decision| decision.by.clone()).unwrap_or_default(),
        reason_code: refund.reason_code.clone(),
        payment: refund.txn_id.to_string(),
        payment_href: payment_link(context, refund.txn_id.as_str()).href(),
        tenant: refund.tenant_id.to_string(),
    }
}
