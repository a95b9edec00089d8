//! The start: what waits for the caller, each number with its list.

use askama::Template;
use payment_domain::{RefundStatus, Role, StatusName};
use payment_service::access;
use payment_store::{AttentionQuery, PageRequest, PaymentQuery, RefundQuery, common_scopes};

use super::figures::{self, FiguresView};
use super::named_payment;
use crate::context::Context;
use crate::failure::{Failure, Outcome};
use crate::format;
use crate::language::fill;
use crate::page::{self, Frame, Named};
use crate::tables::{Cell, Row, Table};
use crate::wording;

/// Further ones are not counted: a number costs the same however many there are.
const COUNTED: usize = 100;
const LATEST: u32 = 5;

#[derive(Template)]
#[template(path = "home.html")]
struct HomePage {
    f: Frame,
    as_of: String,
    figures: Vec<Figure>,
    counted: Option<FiguresView>,
    cases: Option<Table>,
    latest: Vec<Named>,
}

struct Figure {
    number: String,
    name: &'static str,
    href: String,
}

/// `GET /`
pub(crate) async fn show(context: &Context) -> Outcome {
    let t = context.language.texts();
    let mut figures = Vec::new();
    let mut latest = Vec::new();
    if let Some(query) = payments_of(context) {
        let pending = PaymentQuery { status: Some(StatusName::Pending), limit: most(), ..query.clone() };
        let found = context.payments().ports.store.list_payments(&pending).await?;
        let href = context.link("/payments").with("status", "PENDING").href();
        figures.push(Figure { number: counted(found.len()), name: t.figures.pending_payments, href });
        let newest = PaymentQuery { limit: LATEST, ..query };
        let newest = context.payments().ports.store.list_payments(&newest).await?;
        latest = newest.iter().map(|txn| named_payment(context, txn)).collect();
    }
    figures.extend(cases(context).await?);
    figures.extend(to_decide(context).await?);
    figures.extend(receipts(context).await?);
    let now = format::moment(context, context.payments().ports.clock.now());
    let f = Frame::of(context, t.frame.today, &[]);
    let (counted, cases) = (figures::view(context).await?, cases_by_kind(context).await?);
    page::html(&HomePage { f, as_of: fill(t.figures.as_of, [&now]), figures, counted, cases, latest })
}

/// The payments that the caller may see.
fn payments_of(context: &Context) -> Option<PaymentQuery> {
    let scopes = context.caller.as_ref()?.identity.scopes(access::PAYMENTS).ok()?;
    Some(PaymentQuery { within: common_scopes(&scopes, &scopes), ..PaymentQuery::default() })
}

async fn cases(context: &Context) -> Result<Option<Figure>, Failure> {
    let Ok(scopes) = context.caller()?.identity.scopes(access::OPERATIONS) else { return Ok(None) };
    let query = AttentionQuery { within: Some(scopes), limit: most(), ..AttentionQuery::default() };
    let found = context.payments().attention.list(&query).await?;
    let name = context.language.texts().figures.open_cases;
    Ok(Some(Figure { number: counted(found.len()), name, href: context.link("/attention").href() }))
}

/// Open cases, each kind with its list.
async fn cases_by_kind(context: &Context) -> Result<Option<Table>, Failure> {
    let t = context.language.texts();
    let Some(within) = figures::scopes(context, access::OPERATIONS) else { return Ok(None) };
    let open = context.payments().ports.store.open_cases(&within).await?;
    let tenant = context.query.text("tenant");
    let row = |(kind, count): (payment_domain::AttentionKind, u64)| {
        let link = context.link("/attention").with("kind", kind.as_str()).with_all([("tenant", tenant)]);
        let count = format::count(i64::try_from(count).unwrap_or(i64::MAX));
        Row { name: wording::kind(t, kind).to_owned(), cells: vec![Cell::linked(count, &link)] }
    };
    let rows: Vec<Row> = open.into_iter().map(row).collect();
    let caption = format!("{}: {}", t.frame.attention, t.cases.open);
    Ok((!rows.is_empty()).then(|| Table::of(caption, [t.cases.kind, t.figures.number_of], rows)))
}

/// Paid payments without a receipt.
async fn receipts(context: &Context) -> Result<Option<Figure>, Failure> {
    let Some(within) = figures::scopes(context, access::PAYMENTS) else { return Ok(None) };
    let due = context.payments().ports.store.receipts_due(&within).await?;
    let link = context
        .link("/payments")
        .with("receipt", "pending")
        .with_all([("tenant", context.query.text("tenant"))]);
    let number = format::count(i64::try_from(due).unwrap_or(i64::MAX));
    Ok(Some(Figure { number, name: context.language.texts().figures.receipts_due, href: link.href() }))
}

async fn to_decide(context: &Context) -> Result<Option<Figure>, Failure> {
    let Ok(scopes) = context.caller()?.identity.scopes(&[Role::RefundChecker]) else { return Ok(None) };
    let query = RefundQuery {
        within: Some(scopes),
        statuses: vec![RefundStatus::Requested],
        not_requested_by: Some(context.caller()?.session.holder.uuid.clone()),
        page: PageRequest { limit: most(), offset: 0 },
        ..RefundQuery::default()
    };
    let found = context.payments().refunds.search(&query).await?;
    let href = context.link("/refunds").with("view", "decide").href();
    Ok(Some(Figure {
        number: counted(found.len()),
        name: context.language.texts().figures.refunds_to_decide,
        href,
    }))
}

fn most() -> u32 {
    u32::try_from(COUNTED + 1).unwrap_or(u32::MAX)
}

fn counted(number: usize) -> String {
    if number > COUNTED { format!("{COUNTED}+") } else { number.to_string() }
}
