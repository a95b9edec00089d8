//! From an opened order to the payer's choice: shared by all providers.

use axum::Router;
use axum::body::Bytes;
use axum::extract::{RawQuery, State};
use axum::response::{IntoResponse, Redirect, Response};
use axum::routing::get;

use super::page::{self, Problem};
use crate::WayBack;
use crate::providers::Providers;
use crate::providers::desk::Found;
use crate::providers::fault::Twist;
use crate::providers::form::Fields;
use crate::providers::ledger::{Key, Opened};
use crate::providers::order::{Choice, State as OrderState, Terms};
use crate::providers::provider::Provider;

/// The refusal of a payment: a code of the provider, and its meaning.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(crate) struct Refusal {
    pub(crate) code: String,
    pub(crate) message: String,
}

impl Refusal {
    pub(crate) fn new(code: &str, message: &str) -> Refusal {
        Refusal { code: code.to_owned(), message: message.to_owned() }
    }
}

pub(crate) fn routes(provider: Provider) -> Router<Providers> {
    let show = move |State(providers): State<Providers>, RawQuery(query): RawQuery| async move {
        show(&providers, provider, &query.unwrap_or_default())
    };
    let choose = move |State(providers): State<Providers>, body: Bytes| async move {
        choose(&providers, provider, &body)
    };
    Router::new().route("/pay-page", get(show).post(choose))
}

/// Opens the order that a payer was sent here with, and sends the payer on to its page. A reload of
/// that page posts nothing a second time.
pub(crate) fn open(providers: &Providers, provider: Provider, terms: Result<Terms, Refusal>) -> Response {
    let key = terms.and_then(|terms| {
        let key = (provider, terms.id.clone());
        match providers.open(terms) {
            Opened::Order(_) => Ok(key),
            Opened::OtherTerms => {
                Err(Refusal::new("DUPLICATE", "This order is known with another amount or another way back."))
            }
            Opened::Full => {
                Err(Refusal::new("FULL", "The simulator's books are full: it must be restarted."))
            }
        }
    });
    send_to_page(providers, provider, key)
}

/// Sends the payer to the page of an order that is open already.
pub(crate) fn send_to_page(providers: &Providers, provider: Provider, key: Result<Key, Refusal>) -> Response {
    match key {
        Ok(key) => Redirect::to(&providers.pay_page_url(&key)).into_response(),
        Err(refusal) => {
            tracing::info!(
                provider = provider.name(),
                code = refusal.code,
                reason = refusal.message,
                "a pay request was refused"
            );
            page::problem(providers, provider, Problem::Refused(refusal))
        }
    }
}

/// The order that a page's address or form names, if the simulator made it.
fn named(providers: &Providers, provider: Provider, fields: &Fields) -> Option<Key> {
    let order = fields.get("order");
    providers
        .is_sealed("page", &[provider.path(), order], fields.get("token"))
        .then(|| (provider, order.to_owned()))
}

/// `GET /pay-page`: the choice, or its result.
fn show(providers: &Providers, provider: Provider, query: &str) -> Response {
    let key = Fields::decode(query.as_bytes()).ok().and_then(|fields| named(providers, provider, &fields));
    let found = key.as_ref().and_then(|key| providers.look(key));
    match found {
        Some(found) if found.order.can_be_paid(providers.now_ms()) => page::pay(providers, &found.order),
        Some(found) => page::decided(providers, &found),
        None => page::problem(providers, provider, Problem::NoSuchPage),
    }
}

/// `POST /pay-page`: the payer has chosen. It is idempotent: a payment is made once, and every answer follows
/// from the books.
fn choose(providers: &Providers, provider: Provider, body: &[u8]) -> Response {
    let fields = Fields::decode(body).unwrap_or_default();
    let key = named(providers, provider, &fields);
    let choice = Choice::from_word(fields.get("choice"));
    let (Some(key), Some(choice)) = (key, choice) else {
        return page::problem(providers, provider, Problem::BadForm);
    };
    match providers.choose(&key, choice) {
        Some(found) => after_choice(providers, &found),
        None => page::problem(providers, provider, Problem::NoSuchPage),
    }
}

fn after_choice(providers: &Providers, found: &Found) -> Response {
    match (found.order.state, found.twist) {
        (OrderState::Open, _) => page::left(providers, &found.order),
        (OrderState::Expired, _) | (_, Some(Twist::Silent)) => page::decided(providers, found),
        (OrderState::Pending { .. } | OrderState::Paid | OrderState::Declined { .. }, _) => {
            match providers.way_back(found) {
                WayBack::Follow(url) => Redirect::to(&url).into_response(),
                WayBack::Post { action, fields } => page::back(providers, &found.order, &action, &fields),
            }
        }
    }
}
