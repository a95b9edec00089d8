//! The outbox: what waits to be published, and why; what was given up, and what was published.

use askama::Template;
use payment_domain::EventKind;
use payment_service::{EventView, ExportedList, access};
use payment_store::{EventQuery, EventState, StoredEvent};

use crate::context::Context;
use crate::failure::{Failure, Outcome};
use crate::format;
use crate::language::fill;
use crate::list::{Filters, List, one_more_than_a_page, one_page};
use crate::page::{self, Frame, Named};

/// How many events a page looks at.
const EXAMINED: u32 = 10_000;

#[derive(Template)]
#[template(path = "events.html")]
struct EventsPage {
    f: Frame,
    waiting: Figure,
    dead: Figure,
    oldest: Option<String>,
    may_publish: bool,
    list: List,
    rows: Vec<Row>,
}

struct Figure {
    number: u64,
    href: String,
}

struct Row {
    sequence: i64,
    stored: String,
    kind: &'static str,
    payment: String,
    tenant: String,
    why: String,
    publish: Option<String>,
}

/// `GET /events`
pub(crate) async fn list(context: &Context) -> Outcome {
    let t = context.language.texts();
    let store = &context.payments().ports.store;
    let backlog = store.outbox_backlog().await?;
    let mut filters = Filters::of(context, "/events");
    let query = read(context, &mut filters);
    let status = filters.status();
    let (mut found, mut is_more, mut searched) = (Vec::new(), false, None);
    if filters.is_readable() {
        let horizon = store.events_horizon(&query, EXAMINED).await?;
        (found, is_more) = one_page(store.list_events(&within_reach(&query, horizon)).await?);
        searched = horizon.filter(|_| !is_more);
    }
    let cursor = if query.newest_first { "before" } else { "after" };
    let searched = searched.map(|sequence| Named {
        name: fill(t.lists.searched_to, [&format!("{} {sequence}", t.operations.number)]),
        href: filters.onward(cursor, &sequence.to_string()),
    });
    let next = found.last().filter(|_| is_more).map(|last| (cursor, last.sequence.to_string()));
    let list = match query.newest_first {
        true => filters.newest_first(next),
        false => filters.oldest_first(next),
    };
    let figure = |number, state| Figure { number, href: context.link("/events").with("state", state).href() };
    let page = EventsPage {
        waiting: figure(backlog.waiting, "waiting"),
        dead: figure(backlog.dead, "dead"),
        oldest: backlog.oldest_at.map(|at| fill(t.operations.events_oldest, [&format::moment(context, at)])),
        may_publish: context.has_at_state(access::ACTS),
        rows: found.iter().map(|stored| row(context, stored)).collect(),
        list: List { searched, ..list },
        f: Frame::of(context, t.frame.events, &[]),
    };
    page::html_with(status, &page)
}

/// Waiting events and those given up are read from the oldest on.
fn read(context: &Context, filters: &mut Filters<'_>) -> EventQuery {
    let t = context.language.texts();
    let states = [
        ("waiting", t.operations.events_state_waiting, EventState::Waiting),
        ("dead", t.operations.events_state_dead, EventState::Dead),
        ("published", t.operations.events_state_published, EventState::Published),
        ("all", t.lists.all, EventState::All),
    ];
    let kinds = EventKind::ALL.map(|kind| (kind.as_str(), kind.as_str(), kind));
    let state = filters.choice_with_default("state", t.words.status, "all", &states);
    let state = state.unwrap_or(EventState::Waiting);
    EventQuery {
        kind: filters.choice("topic", t.operations.topic, Some(t.operations.any_topic), &kinds),
        after: context.query.number("after").unwrap_or_default(),
        before: context.query.number("before").unwrap_or(i64::MAX),
        newest_first: matches!(state, EventState::Published | EventState::All),
        ..EventQuery::of(state, one_more_than_a_page())
    }
}

/// The events of the view.
pub(super) fn exported(context: &Context) -> Result<ExportedList, Failure> {
    let mut filters = Filters::of(context, "/events");
    let query = read(context, &mut filters);
    filters.refuse_unreadable()?;
    Ok(ExportedList::Events(query))
}

fn within_reach(query: &EventQuery, horizon: Option<i64>) -> EventQuery {
    let Some(horizon) = horizon else { return query.clone() };
    match query.newest_first {
        true => EventQuery { after: query.after.max(horizon.saturating_sub(1)), ..query.clone() },
        false => EventQuery { before: query.before.min(horizon.saturating_add(1)), ..query.clone() },
    }
}

fn row(context: &Context, stored: &StoredEvent) -> Row {
    let t = context.language.texts();
    let event = EventView::listed(stored);
    let publish = context.link(&format!("/events/{}/publish", event.sequence)).href();
    let is_dead = event.dead_letter.is_some();
    let why = match (event.published_time, event.dead_letter) {
        (Some(at), _) => fill(t.payment.event_published, [&format::moment(context, at)]),
        (None, Some(letter)) => letter.reason,
        (None, None) => t.payment.event_waits.to_owned(),
    };
    Row {
        sequence: event.sequence,
        stored: format::moment(context, event.stored_time),
        kind: event.kind,
        payment: event.txn_id,
        tenant: event.tenant_id,
        why,
        publish: is_dead.then_some(publish),
    }
}

/// `POST /events/{sequence}/publish`: a dead letter waits again.
pub(crate) async fn publish(context: &Context) -> Outcome {
    let sequence = context.path("sequence").parse().map_err(|_| Failure::NotFound)?;
    let actor = context.actor_of_installation(access::ACTS)?;
    match context.payments().audit.requeue(actor, sequence).await? {
        true => page::see(&context.link("/events").href()),
        false => Err(Failure::NotFound),
    }
}
