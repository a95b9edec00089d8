//! One payment: what happened and who said so, what is owed to whom, what happens next, what may be done.

use askama::Template;
use payment_domain::{
    AuditAction, AuditEntry, Money, Personal, Refund, RefundReceipt, RefundStatus, Status, StatusName,
    Transaction, TxnId,
};
use payment_gateway::Answer;
use payment_service::{Asked, EventView, PersonalData, access, audit};
use payment_store::{AttentionQuery, CaseState, NamedQuery, ReceiptCancellation, ReceiptTask};

use super::story::{self, StoryLine};
use super::{Line, named_payment, payment_link, said};
use crate::context::Context;
use crate::failure::{Failure, Outcome};
use crate::flow::{Step, picture};
use crate::format::{self, BAD, GOOD, Tag, WAITS};
use crate::language::{Texts, fill};
use crate::links::segment;
use crate::page::{self, Frame, Named};
use crate::wording::{self, Notice};

/// The cases and other payments that are named.
const NAMED: u32 = 20;

#[derive(Template)]
#[template(path = "payment.html")]
struct PaymentPage {
    f: Frame,
    tag: Tag,
    said: Option<String>,
    here: String,
    next: Vec<Notice>,
    owed: Vec<String>,
    may_ask: bool,
    may_refund: bool,
    may_reveal: bool,
    /// An SVG of ours.
    flow: String,
    details: Vec<Line>,
    story: Vec<StoryLine>,
    cases: Vec<Named>,
    refunds: Vec<Named>,
    others: Vec<Named>,
    events: Vec<Event>,
}

struct Event {
    text: String,
    /// The brokers' reason for giving it up.
    why: Option<String>,
    /// Where it is published again.
    publish: Option<String>,
}

/// The payment of the path, within the caller's tenants.
pub(super) async fn of_path(context: &Context) -> Result<Transaction, Failure> {
    let id = TxnId::new(context.path("id")).map_err(|_| Failure::NotFound)?;
    let tenant = context.payments().search.tenant_of(&id, Some(&context.scopes)).await?;
    tenant.ok_or(Failure::NotFound)?;
    context.payments().ports.store.transaction(&id).await?.ok_or(Failure::NotFound)
}

/// `GET /payments/{id}`
pub(crate) async fn show(context: &Context) -> Outcome {
    let txn = of_path(context).await?;
    let t = context.language.texts();
    let messages = [
        ("asked", t.payment.said_asked),
        ("unusable", t.payment.said_unusable),
        ("unavailable", t.payment.said_unavailable),
        ("settled", t.payment.said_settled),
    ];
    let said = said(context, &messages).map(str::to_owned);
    page_of(context, txn, PersonalData::Masked, said).await
}

/// `POST /payments/{id}/reveal`: the same with personal data, after the log has the reason.
pub(crate) async fn reveal(context: &Context) -> Outcome {
    let txn = of_path(context).await?;
    let t = context.language.texts();
    let reason = context.form.text("reason").ok_or_else(|| Failure::invalid(t.payment.reason_required))?;
    let actor = context.actor(access::ASKS, &txn.tenant_id)?;
    let ports = &context.payments().ports;
    let entry = AuditEntry {
        tenant: Some(txn.tenant_id.clone()),
        reason: Some(Personal::new(reason.chars().take(500).collect::<String>())),
        ..audit::act(ports.clock.now(), actor, AuditAction::Revealed, "transaction", txn.id.as_str())
    };
    ports.store.record(vec![entry]).await?;
    page_of(context, txn, PersonalData::Shown, Some(t.payment.said_revealed.to_owned())).await
}

/// `POST /payments/{id}/ask`: asks the gateway, as a payer's return does.
pub(crate) async fn ask(context: &Context) -> Outcome {
    let txn = of_path(context).await?;
    let actor = context.actor(access::ACTS, &txn.tenant_id)?;
    let ports = &context.payments().ports;
    let entry = AuditEntry {
        tenant: Some(txn.tenant_id.clone()),
        ..audit::act(ports.clock.now(), actor, AuditAction::ReconciledByHand, "transaction", txn.id.as_str())
    };
    ports.store.record(vec![entry]).await?;
    let settled =
        context.payments().settlement.settle(&txn.id, &Answer::default(), &context.acting()?).await?;
    let said = match settled.asked {
        Asked::NotNeeded => "settled",
        Asked::Answered => "asked",
        Asked::Unusable(_) => "unusable",
        Asked::Unavailable { .. } => "unavailable",
    };
    page::see(&payment_link(context, txn.id.as_str()).with("said", said).href())
}

async fn page_of(
    context: &Context,
    txn: Transaction,
    personal: PersonalData,
    said: Option<String>,
) -> Outcome {
    let t = context.language.texts();
    let store = &context.payments().ports.store;
    let refunds = store.refunds_of(&txn.id).await?;
    let task = store.receipt_task(&txn.id).await?;
    let (cases, is_held) = cases(context, &txn).await?;
    let cancellation = store.cancellation(&txn.id).await?;
    let events = store.events_of(&txn.id).await?;
    let page = PaymentPage {
        tag: format::status_tag(context.language, &txn),
        said,
        here: payment_link(context, txn.id.as_str()).href(),
        next: next(
            context,
            &txn,
            Duties { task: task.as_ref(), cancellation: cancellation.as_ref() },
            &refunds,
            is_held,
        ),
        owed: owed(context, &txn, task.as_ref(), &refunds),
        may_ask: txn.status.name() == StatusName::Pending && context.has(access::ACTS, &txn.tenant_id),
        may_refund: matches!(txn.status, Status::Success { .. })
            && context.has(access::MAKES, &txn.tenant_id),
        may_reveal: personal == PersonalData::Masked && context.has(access::ASKS, &txn.tenant_id),
        flow: picture(t.payment.money, &flow(t, &txn, task.is_some(), &refunds))?,
        details: details(context, &txn, personal),
        story: story::whole(context, &txn, &refunds, personal).await?,
        cases,
        refunds: refunds.iter().map(|refund| named_refund(context, refund)).collect(),
        others: others(context, &txn).await?,
        events: events.iter().map(|stored| event(context, &EventView::listed(stored))).collect(),
        f: Frame::of(
            context,
            fill(t.payment.payment_title, [txn.id.as_str()]),
            &[(t.frame.payments, "/payments")],
        ),
    };
    page::html(&page)
}

fn details(context: &Context, txn: &Transaction, personal: PersonalData) -> Vec<Line> {
    let t = context.language.texts();
    let show = |text: &Personal| match personal {
        PersonalData::Shown => text.expose().to_owned(),
        PersonalData::Masked => text.masked(),
    };
    let or_none =
        |text: Option<&str>| text.filter(|text| !text.is_empty()).unwrap_or(t.words.none).to_owned();
    let bills: Vec<String> = txn
        .bills
        .iter()
        .map(|bill| format!("{} {}", bill.bill_id, format::money(bill.amount_paid)))
        .collect();
    let gateways = &txn.gateway_details;
    vec![
        Line::of(t.words.amount, format::amount(txn)),
        Line::of(t.frame.tenant, txn.tenant_id.as_str()),
        Line::of(t.words.service, or_none(txn.module.as_deref())),
        Line::of(t.words.consumer_code, or_none(Some(&txn.consumer_code))),
        Line::of(t.payment.bills, if bills.is_empty() { txn.bill_id.to_string() } else { bills.join(", ") }),
        Line::of(t.payment.purpose, or_none(Some(&txn.product_info))),
        Line::of(t.words.payer, show(&txn.payer.name)),
        Line::of(t.payment.mobile, show(&txn.payer.mobile_number)),
        Line::of(t.payment.email, txn.payer.email_id.as_ref().map_or_else(|| t.words.none.to_owned(), show)),
        Line::of(t.words.gateway, txn.gateway.to_string()),
        Line::of(t.payment.gateway_number, or_none(gateways.txn_id.as_deref())),
        Line::of(t.payment.mode, or_none(gateways.payment_mode.as_deref())),
        Line::of(t.payment.gateway_word, or_none(gateways.status_message.as_deref())),
        Line::of(t.words.receipt, or_none(txn.receipt())),
        Line::of(t.words.created, format::moment(context, txn.audit.created_at)),
    ]
}

/// The duties at the collection service.
struct Duties<'a> {
    task: Option<&'a ReceiptTask>,
    cancellation: Option<&'a ReceiptCancellation>,
}

/// The next automatic step, and its time.
fn next(
    context: &Context,
    txn: &Transaction,
    Duties { task, cancellation }: Duties<'_>,
    refunds: &[Refund],
    is_held: bool,
) -> Vec<Notice> {
    let t = context.language.texts();
    let mut lines = Vec::new();
    match (&txn.status, task) {
        (Status::Pending, _) => {
            let ports = &context.payments().ports;
            let first = txn.audit.created_at.plus(ports.settings.early_interval);
            lines.push(Notice::of(match ports.clock.now() < first {
                true => fill(t.payment.next_first_check, [&format::moment(context, first)]),
                false => t.payment.next_checks.to_owned(),
            }));
        }
        (Status::Success { .. }, Some(task)) => {
            lines.push(Notice::of(fill(t.payment.next_receipt, [&format::moment(context, task.due_at)])));
            lines.extend(tried(t, task));
        }
        (Status::Success { .. }, None) => {}
        (Status::Failure, _) => {
            lines.push(Notice::of(if is_held { t.payment.next_held } else { t.payment.next_free }))
        }
    }
    lines.extend(refunds.iter().filter_map(|refund| {
        let text = match refund.status {
            RefundStatus::Requested => t.payment.next_refund_requested,
            RefundStatus::Approved | RefundStatus::Sent => t.payment.next_refund_sent,
            RefundStatus::Succeeded
            | RefundStatus::Failed
            | RefundStatus::Rejected
            | RefundStatus::Withdrawn
            | RefundStatus::Expired => return None,
        };
        Some(Notice::of(fill(text, [refund.id.as_str(), &format::money(refund.amount)])))
    }));
    if let Some(due) = cancellation.filter(|cancellation| cancellation.outcome.is_none()) {
        lines
            .push(Notice::of(fill(t.payment.next_cancellation, [&format::moment(context, due.task.due_at)])));
        lines.extend(tried(t, &due.task));
    }
    if is_held {
        lines.push(Notice::of(t.payment.next_case));
    }
    if lines.is_empty() {
        lines.push(Notice::of(t.payment.next_nothing));
    }
    lines
}

/// The failed attempts of a duty.
fn tried(t: &Texts, task: &ReceiptTask) -> Option<Notice> {
    let message = task.last_error.clone()?;
    let text = fill(t.payment.receipt_attempts, [&task.attempts.to_string()]);
    Some(Notice { text, message: Some(message) })
}

/// Amounts owed, and their recipients.
fn owed(context: &Context, txn: &Transaction, task: Option<&ReceiptTask>, refunds: &[Refund]) -> Vec<String> {
    let t = context.language.texts();
    let mut lines = Vec::new();
    match &txn.status {
        Status::Pending => lines.push(fill(t.payment.owed_unknown, [&format::amount(txn)])),
        Status::Success { receipt: None } if task.is_some() => lines.push(t.payment.owed_receipt.to_owned()),
        Status::Success { .. } | Status::Failure => {}
    }
    let live = |refund: &&Refund| {
        matches!(refund.status, RefundStatus::Requested | RefundStatus::Approved | RefundStatus::Sent)
    };
    for refund in refunds.iter().filter(live) {
        let text = match refund.status == RefundStatus::Requested {
            true => t.payment.owed_if_approved,
            false => t.payment.owed_refund,
        };
        lines.push(fill(text, [&format::money(refund.amount)]));
    }
    if lines.is_empty() {
        lines.push(t.payment.owed_nothing.to_owned());
    }
    lines
}

/// Bill, gateway, receipt, and the refunds.
fn flow(t: &Texts, txn: &Transaction, receipt_is_due: bool, refunds: &[Refund]) -> Vec<Step> {
    let step = |(class, _): (&'static str, &str), name: String, amount: String, word: &str| Step {
        class,
        name,
        amount,
        word: word.to_owned(),
    };
    let amount = format::amount(txn);
    let (gateway, word) = match txn.status.name() {
        StatusName::Pending => (WAITS, t.payment.flow_pending),
        StatusName::Success => (GOOD, t.payment.flow_paid),
        StatusName::Failure => (BAD, t.payment.flow_failed),
    };
    let cancelled = refunds.iter().any(|refund| refund.receipt == RefundReceipt::Cancelled);
    let (receipt, receipt_word) = match (&txn.status, receipt_is_due) {
        (Status::Success { receipt: Some(_) }, _) if cancelled => (BAD, t.payment.flow_receipt_cancelled),
        (Status::Success { receipt: Some(_) }, _) => (GOOD, t.payment.flow_receipt),
        (Status::Success { receipt: None }, true) => (WAITS, t.payment.flow_receipt_due),
        (Status::Success { receipt: None } | Status::Pending | Status::Failure, _) => {
            (("none", ""), t.payment.flow_no_receipt)
        }
    };
    let number = txn.receipt().unwrap_or_default().to_owned();
    let mut steps = vec![
        step(GOOD, fill(t.payment.flow_bill, [txn.bill_id.as_str()]), amount.clone(), t.payment.flow_billed),
        step(gateway, txn.gateway.to_string(), amount, word),
        step(receipt, t.words.receipt.to_owned(), number, receipt_word),
    ];
    steps.extend(refunds.iter().map(|refund| {
        let sign = match refund.status {
            RefundStatus::Requested | RefundStatus::Approved | RefundStatus::Sent => WAITS,
            RefundStatus::Succeeded => GOOD,
            RefundStatus::Failed
            | RefundStatus::Rejected
            | RefundStatus::Withdrawn
            | RefundStatus::Expired => BAD,
        };
        let name = format!("{} {}", t.refunds.refund, refund.id);
        step(sign, name, format::money(refund.amount), format::refund_word(t, refund.status))
    }));
    steps
}

/// The cases by name, and whether one is open.
async fn cases(context: &Context, txn: &Transaction) -> Result<(Vec<Named>, bool), Failure> {
    let query = AttentionQuery {
        within: Some(context.scopes.clone()),
        state: CaseState::All,
        txn_id: Some(txn.id.clone()),
        limit: NAMED,
        ..AttentionQuery::default()
    };
    let found = context.payments().attention.list(&query).await?;
    let t = context.language.texts();
    let is_open = found.iter().any(|case| case.resolution.is_none());
    let named = found.iter().map(|case| {
        let kind = wording::kind(t, case.case.kind);
        let state = if case.resolution.is_some() { t.cases.resolved } else { t.cases.open };
        Named {
            name: format!("{} {} · {} · {state}", t.cases.case, case.id, kind),
            href: context.link(&format!("/attention/{}", case.id)).href(),
        }
    });
    Ok((named.collect(), is_open))
}

pub(super) fn named_refund(context: &Context, refund: &Refund) -> Named {
    let tag = format::refund_tag(context.language, refund.status);
    Named {
        name: format!("{} · {} {} · {}", refund.id, tag.sign, tag.word, format::money(refund.amount)),
        href: context.link(&format!("/refunds/{}", segment(refund.id.as_str()))).href(),
    }
}

/// Other payments of the same bills, within the caller's tenants.
async fn others(context: &Context, txn: &Transaction) -> Result<Vec<Named>, Failure> {
    let spellings = txn.bill_keys().into_iter().map(|key| key.bill.to_string()).collect();
    let query =
        NamedQuery { within: context.scopes.clone(), spellings, limit: NAMED, ..NamedQuery::default() };
    let found = context.payments().ports.store.payments_named(&query).await?;
    let others = found.iter().filter(|other| other.id != txn.id && other.tenant_id == txn.tenant_id);
    Ok(others.map(|other| named_payment(context, other)).collect())
}

fn event(context: &Context, event: &EventView) -> Event {
    let t = context.language.texts();
    let state = match (event.published_time, &event.dead_letter) {
        (Some(at), _) => fill(t.payment.event_published, [&format::moment(context, at)]),
        (None, Some(_)) => t.payment.event_dead.to_owned(),
        (None, None) => t.payment.event_waits.to_owned(),
    };
    let publish = context.link(&format!("/events/{}/publish", event.sequence)).href();
    let may_publish = event.dead_letter.is_some() && context.has_at_state(access::ACTS);
    let at = format::moment(context, event.stored_time);
    Event {
        text: format!("{} {} · {at} · {state}", event.sequence, event.kind),
        why: event.dead_letter.as_ref().map(|letter| letter.reason.clone()),
        publish: may_publish.then_some(publish),
    }
}

/// The amount of a payment that live refunds leave.
pub(super) fn left_of(txn: &Transaction, refunds: &[Refund]) -> Option<Money> {
    let live = refunds.iter().filter(|refund| refund.status.is_live()).map(|refund| refund.amount.minor());
    let left = live.fold(txn.amount.minor(), i64::saturating_sub);
    Money::from_minor(left.max(0), txn.amount.currency()).ok()
}
