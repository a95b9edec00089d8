//! Refunds, newest first; those that wait for the caller.

use askama::Template;
use payment_domain::{GatewayName, Refund, RefundId, RefundStatus, Timestamp};
use payment_service::{ExportedList, access};
use payment_store::{PageRequest, RefundQuery, common_scopes};

use super::payment_link;
use super::payments::tree;
use crate::context::Context;
use crate::failure::{Failure, Outcome};
use crate::format::{self, Tag};
use crate::language::fill;
use crate::links::segment;
use crate::list::{Choice, Filters, List, one_more_than_a_page, one_page};
use crate::page::{self, Frame, Named};

/// How many refunds a page looks at.
const EXAMINED: u32 = 1_200;
/// The same where a caller goes on searching, or work waits that should not stand behind a further step.
const EXAMINED_ON: u32 = 20_000;

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

/// The part of the refunds that is shown.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum Chosen {
    All,
    /// Requested by another person, undecided.
    ToDecide,
    UnderWay,
    Own,
}

impl Chosen {
    /// Any where it is empty.
    fn statuses(self) -> &'static [RefundStatus] {
        match self {
            Chosen::All | Chosen::Own => &[],
            Chosen::ToDecide => &[RefundStatus::Requested],
            Chosen::UnderWay => &[RefundStatus::Approved, RefundStatus::Sent],
        }
    }
}

/// `GET /refunds`
pub(crate) async fn list(context: &Context) -> Outcome {
    let t = context.language.texts();
    let known = views(context);
    let own = common_scopes(&context.scopes, &context.scopes);
    let tree = tree(&own, context.payments().ports.store.tenants_within(&own).await?);
    let mut filters = Filters::of(context, "/refunds");
    let (chosen, query) = read_view(context, &mut filters, tree);
    let status = filters.status();
    let (mut found, mut is_more, mut searched) = (Vec::new(), false, None);
    if let Some(query) = query.filter(|_| filters.is_readable()) {
        let refunds = &context.payments().refunds;
        let is_of_work = matches!(chosen, Some(Chosen::ToDecide | Chosen::UnderWay));
        let goes_on = is_of_work || context.query.text("before").is_some();
        let examined = if goes_on { EXAMINED_ON } else { EXAMINED };
        let horizon = refunds.horizon(&query, examined).await?.filter(|at| query.from < Some(*at));
        let within_reach = RefundQuery { from: horizon.or(query.from), ..query };
        (found, is_more) = one_page(refunds.search(&within_reach).await?);
        searched = horizon.filter(|_| !is_more).map(|at| Named {
            name: fill(t.lists.searched_to, [&format::moment(context, at)]),
            href: filters.onward("before", &at.as_millis().to_string()),
        });
    }
    let is_offered = |view: Chosen| match view {
        Chosen::All | Chosen::UnderWay => true,
        Chosen::ToDecide => context.has_anywhere(access::CHECKS),
        Chosen::Own => context.has_anywhere(access::MAKES),
    };
    let views = known.into_iter().filter(|(_, _, view)| is_offered(*view)).map(|(value, name, view)| View {
        name,
        href: filters.view().with("view", value).href(),
        is_current: chosen == Some(view),
    });
    let views = views.collect();
    let next = found.last().filter(|_| is_more).map(|last| ("after", last.id.to_string()));
    let list = filters.newest_first(next);
    let page = RefundsPage {
        views,
        rows: found.iter().map(|refund| row(context, refund)).collect(),
        list: List { searched, ..list },
        f: Frame::of(context, t.frame.refunds, &[]),
    };
    page::html_with(status, &page)
}

fn views(context: &Context) -> [(&'static str, &'static str, Chosen); 4] {
    let t = context.language.texts();
    [
        ("all", t.refunds.view_all, Chosen::All),
        ("decide", t.refunds.view_decide, Chosen::ToDecide),
        ("under-way", t.refunds.view_under_way, Chosen::UnderWay),
        ("mine", t.refunds.view_mine, Chosen::Own),
    ]
}

/// The view, and its query; `None` where no refund can be in it.
fn read_view(
    context: &Context,
    filters: &mut Filters<'_>,
    tree: Vec<Choice>,
) -> (Option<Chosen>, Option<RefundQuery>) {
    let within = filters.tenants(tree);
    let chosen =
        filters.choice_with_default("view", context.language.texts().refunds.views, "all", &views(context));
    let query = RefundQuery { within: Some(within), ..read(context, filters) };
    (chosen, chosen.and_then(|chosen| narrowed(query, chosen, context)))
}

/// The refunds of the view.
pub(super) fn exported(context: &Context) -> Result<ExportedList, Failure> {
    let mut filters = Filters::of(context, "/refunds");
    let (_, query) = read_view(context, &mut filters, Vec::new());
    filters.refuse_unreadable()?;
    let none = || RefundQuery { within: Some(Vec::new()), ..RefundQuery::default() };
    Ok(ExportedList::Refunds(query.unwrap_or_else(none)))
}

/// The filters but tenants and view.
fn read(context: &Context, filters: &mut Filters<'_>) -> RefundQuery {
    let t = context.language.texts();
    let statuses = RefundStatus::ALL.map(|status| (status.as_str(), format::refund_word(t, status), status));
    let gateways = context.payments().ports.gateways.names();
    let gateways = gateways.iter().map(|name| Choice::of(name.to_string(), name.to_string())).collect();
    let status = filters.choice("status", t.words.status, Some(t.lists.any_status), &statuses);
    let gateway = filters.listed("gateway", t.words.gateway, None, gateways);
    let requested_by = filters.text("maker", t.refunds.maker);
    let (from, to) = filters.days();
    let (amount_from, amount_to) = filters.amounts();
    let before = context.query.number("before").map(Timestamp::from_millis);
    RefundQuery {
        statuses: status.into_iter().collect(),
        gateway: gateway.map(|name| GatewayName::new(name.as_str())),
        requested_by,
        amount_from,
        amount_to,
        from,
        to: [to, before].into_iter().flatten().min(),
        after: context.query.text("after").map(RefundId::stored),
        page: PageRequest { limit: one_more_than_a_page(), offset: 0 },
        ..RefundQuery::default()
    }
}

/// The query of a view; `None` where no refund can be in both.
fn narrowed(query: RefundQuery, chosen: Chosen, context: &Context) -> Option<RefundQuery> {
    let own = context.caller.as_ref()?.session.holder.uuid.clone();
    let of_view = chosen.statuses();
    let statuses: Vec<RefundStatus> = match query.statuses.is_empty() {
        true => of_view.to_vec(),
        false => {
            query.statuses.into_iter().filter(|known| of_view.is_empty() || of_view.contains(known)).collect()
        }
    };
    let is_none = statuses.is_empty() && !of_view.is_empty();
    let (requested_by, not_requested_by) = match (chosen, query.requested_by) {
        (Chosen::Own, Some(maker)) if maker != own => return None,
        (Chosen::Own, _) => (Some(own), None),
        // Another decides about what the caller has requested.
        (Chosen::ToDecide, maker) => (maker, Some(own)),
        (Chosen::All | Chosen::UnderWay, maker) => (maker, None),
    };
    (!is_none).then_some(RefundQuery { statuses, requested_by, not_requested_by, ..query })
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
        reason_code: format::reason_code(context.language.texts(), &refund.reason_code).to_owned(),
        payment: refund.txn_id.to_string(),
        payment_href: payment_link(context, refund.txn_id.as_str()).href(),
        tenant: refund.tenant_id.to_string(),
    }
}
