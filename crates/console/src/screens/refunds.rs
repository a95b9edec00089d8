//! Refunds, newest first; those that wait for the caller.

use askama::Template;
use payment_domain::{Refund, RefundStatus};
use payment_service::access;
use payment_store::{PageRequest, RefundQuery};

use super::payment_link;
use crate::context::Context;
use crate::failure::Outcome;
use crate::format::{self, Tag};
use crate::links::segment;
use crate::list::{Filters, List, ROWS, one_more_than_a_page, one_page};
use crate::page::{self, Frame};

/// Pages behind this many refunds are reached by filters.
const FARTHEST: u32 = 10_000;

#[derive(Template)]
#[template(path = "refunds.html")]
struct RefundsPage {
    f: Frame,
    views: Vec<View>,
    list: List,
    rows: Vec<Row>,
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
    let known = [
        ("all", t.view_all, true),
        ("decide", t.view_decide, context.has_anywhere(access::CHECKS)),
        ("under-way", t.view_under_way, true),
        ("mine", t.view_mine, context.has_anywhere(access::MAKES)),
    ];
    let mut filters = Filters::of(context, "/refunds");
    let within = filters.tenants(Vec::new());
    let options = known.map(|(value, name, _)| (value, name, value));
    let chosen = filters.choice_with_default("view", t.views, "all", &options).unwrap_or_default();
    let (statuses, maker) = match chosen {
        "decide" => (vec![RefundStatus::Requested], None),
        "under-way" => (vec![RefundStatus::Approved, RefundStatus::Sent], None),
        "mine" => (Vec::new(), Some(own.clone())),
        _ => (Vec::new(), None),
    };
    let offset = context.query.number("from").and_then(|from| u32::try_from(from).ok()).unwrap_or_default();
    let query = RefundQuery {
        within: Some(within),
        statuses,
        requested_by: maker,
        page: PageRequest { limit: one_more_than_a_page(), offset: offset.min(FARTHEST) },
        ..RefundQuery::default()
    };
    let status = filters.status();
    let (found, is_more) = match filters.is_readable() {
        true => one_page(context.payments().refunds.search(&query).await?),
        false => (Vec::new(), false),
    };
    let views = known.into_iter().filter(|(_, _, offered)| *offered).map(|(value, name, _)| View {
        name,
        href: filters.view().with("view", value).href(),
        is_current: value == chosen,
    });
    let views = views.collect();
    // Another decides about what the caller has requested.
    let is_shown = |refund: &&Refund| chosen != "decide" || refund.requested_by != own;
    let further = offset.saturating_add(u32::try_from(ROWS).unwrap_or_default());
    let next = (is_more && further <= FARTHEST).then(|| ("from", further.to_string()));
    let page = RefundsPage {
        views,
        rows: found.iter().filter(is_shown).map(|refund| row(context, refund)).collect(),
        list: filters.newest_first(offset == 0, next),
        f: Frame::of(context, t.refunds, &[]),
    };
    page::html_with(status, &page)
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
