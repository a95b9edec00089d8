//! The outbox: what waits to be published, and why.

use askama::Template;
use payment_service::{EventView, access};
use payment_store::StoredEvent;

use crate::context::Context;
use crate::failure::{Failure, Outcome};
use crate::format;
use crate::language::fill;
use crate::list::{Filters, List, one_more_than_a_page, one_page};
use crate::page::{self, Frame};

#[derive(Template)]
#[template(path = "events.html")]
struct EventsPage {
    f: Frame,
    waiting: u64,
    dead: u64,
    oldest: Option<String>,
    may_publish: bool,
    list: List,
    rows: Vec<Row>,
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
    let after = context.query.number("after").unwrap_or_default();
    let (found, is_more) = one_page(store.unpublished(after, one_more_than_a_page()).await?);
    let next = found.last().filter(|_| is_more).map(|last| ("after", last.sequence.to_string()));
    let filters = Filters::of(context, "/events");
    page::html(&EventsPage {
        waiting: backlog.waiting,
        dead: backlog.dead,
        oldest: backlog.oldest_at.map(|at| fill(t.events_oldest, [&format::moment(context, at)])),
        may_publish: context.has_at_state(access::ACTS),
        rows: found.iter().map(|stored| row(context, stored)).collect(),
        list: filters.oldest_first(after <= 0, next),
        f: Frame::of(context, t.events, &[]),
    })
}

fn row(context: &Context, stored: &StoredEvent) -> Row {
    let t = context.language.texts();
    let event = EventView::listed(stored);
    let publish = context.link(&format!("/events/{}/publish", event.sequence)).href();
    let is_dead = event.dead_letter.is_some();
    Row {
        sequence: event.sequence,
        stored: format::moment(context, event.stored_time),
        kind: event.kind,
        payment: event.txn_id,
        tenant: event.tenant_id,
        why: event.dead_letter.map_or_else(|| t.event_waits.to_owned(), |letter| letter.reason),
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
