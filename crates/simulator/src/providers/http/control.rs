//! The control: the books, and faults on demand. For tests and demos only; a real provider has nothing
//! like it.

use std::sync::atomic::Ordering;

use axum::extract::{Path, RawQuery, State};
use axum::http::StatusCode;
use axum::response::{IntoResponse, Response};
use axum::routing::{get, post};
use axum::{Json, Router};
use serde::Deserialize;
use serde_json::json;

use crate::providers::Providers;
use crate::providers::fault::{BadFault, FaultRequest, Rule};
use crate::providers::form::Fields;
use crate::providers::provider::Provider;

/// The maximal and default number of orders in one answer.
const MOST_ORDERS: usize = 10_000;
const DEFAULT_ORDERS: usize = 1_000;
/// The longest number of an order with a fault of its own.
const MAX_ORDER_BYTES: usize = 128;

pub(crate) fn router() -> Router<Providers> {
    Router::new()
        .route("/orders", get(orders))
        .route("/orders/{provider}/{order}", get(order).post(set_fault))
        .route("/orders/{provider}/{order}/elapse", post(elapse))
        .route("/refunds", get(refunds))
        .route("/refunds/{provider}", post(refund_in_portal))
        .route("/refunds/{provider}/{refund}/elapse", post(elapse_refund))
        .route("/phonepe/revoke-tokens", post(revoke_tokens))
        .route("/{provider}", get(rules).post(add_rule))
}

#[derive(Debug)]
enum Refused {
    NoSuchProvider,
    NoSuchOrder,
    NoSuchRefund,
    NotRefundable,
    Parameter(&'static str),
    Fault(BadFault),
    Full,
}

impl IntoResponse for Refused {
    fn into_response(self) -> Response {
        let (status, message) = match self {
            Refused::NoSuchProvider => (StatusCode::NOT_FOUND, "there is no such provider".to_owned()),
            Refused::NoSuchOrder => (StatusCode::NOT_FOUND, "there is no such order".to_owned()),
            Refused::NoSuchRefund => (StatusCode::NOT_FOUND, "there is no such refund".to_owned()),
            Refused::NotRefundable => {
                (StatusCode::CONFLICT, "it is not paid, or not so much is left of it".to_owned())
            }
            Refused::Parameter(name) => (StatusCode::BAD_REQUEST, format!("{name} cannot be used")),
            Refused::Fault(bad) => (StatusCode::BAD_REQUEST, bad.to_string()),
            Refused::Full => {
                (StatusCode::INSUFFICIENT_STORAGE, "there is no room for more faults".to_owned())
            }
        };
        (status, Json(json!({ "message": message }))).into_response()
    }
}

impl From<BadFault> for Refused {
    fn from(bad: BadFault) -> Refused {
        Refused::Fault(bad)
    }
}

fn provider_of(name: &str) -> Result<Provider, Refused> {
    Provider::from_name(name).ok_or(Refused::NoSuchProvider)
}

/// `GET /control/orders?after=&limit=&provider=`
async fn orders(State(providers): State<Providers>, RawQuery(query): RawQuery) -> Result<Response, Refused> {
    let (after, limit, query) = page_of(query)?;
    let provider = match query.get("provider") {
        "" => None,
        name => Some(provider_of(name)?),
    };
    let page = providers.books(after, limit);
    // A full page may have another behind it, for any provider.
    let next = page.last().filter(|_| page.len() == limit).map(|last| last.sequence);
    let listed: Vec<_> =
        page.into_iter().filter(|entry| provider.is_none_or(|wanted| wanted == entry.provider)).collect();
    Ok(Json(json!({ "orders": listed, "next": next })).into_response())
}

/// The place in the books that a query names, and the query.
fn page_of(query: Option<String>) -> Result<(u64, usize, Fields), Refused> {
    let query =
        Fields::decode(query.unwrap_or_default().as_bytes()).map_err(|_| Refused::Parameter("the query"))?;
    let after: u64 = match query.get("after") {
        "" => 0,
        text => text.parse().map_err(|_| Refused::Parameter("after"))?,
    };
    let limit = match query.get("limit") {
        "" => DEFAULT_ORDERS,
        text => text
            .parse()
            .ok()
            .filter(|limit| (1..=MOST_ORDERS).contains(limit))
            .ok_or(Refused::Parameter("limit"))?,
    };
    Ok((after, limit, query))
}

/// `GET /control/orders/{provider}/{order}`
async fn order(
    State(providers): State<Providers>,
    Path((provider, order)): Path<(String, String)>,
) -> Result<Response, Refused> {
    let entry = providers.book_entry_of(provider_of(&provider)?, &order).ok_or(Refused::NoSuchOrder)?;
    Ok(Json(entry).into_response())
}

/// `POST /control/orders/{provider}/{order}`: a fault for one order, opened or not.
async fn set_fault(
    State(providers): State<Providers>,
    Path((provider, order)): Path<(String, String)>,
    Json(asked): Json<FaultRequest>,
) -> Result<Response, Refused> {
    let provider = provider_of(&provider)?;
    if !(1..=MAX_ORDER_BYTES).contains(&order.len()) {
        return Err(Refused::Parameter("the order"));
    }
    let fault = asked.for_order()?;
    if !providers.set_fault(provider, &order, fault) {
        return Err(Refused::Full);
    }
    Ok(Json(json!({ "provider": provider, "order": order, "fault": fault })).into_response())
}

/// `POST /control/orders/{provider}/{order}/elapse`: a pending change comes now.
async fn elapse(
    State(providers): State<Providers>,
    Path((provider, order)): Path<(String, String)>,
) -> Result<Response, Refused> {
    let key = (provider_of(&provider)?, order);
    providers.elapse(&key).ok_or(Refused::NoSuchOrder)?;
    let entry = providers.book_entry(&key).ok_or(Refused::NoSuchOrder)?;
    Ok(Json(entry).into_response())
}

/// `GET /control/refunds?after=&limit=`
async fn refunds(State(providers): State<Providers>, RawQuery(query): RawQuery) -> Result<Response, Refused> {
    let (after, limit, _) = page_of(query)?;
    let page = providers.refund_books(after, limit);
    let next = page.last().filter(|_| page.len() == limit).map(|last| last.sequence);
    Ok(Json(json!({ "refunds": page, "next": next })).into_response())
}

#[derive(Deserialize)]
#[serde(deny_unknown_fields)]
struct PortalRefund {
    order: String,
    /// In minor units; without it all that is left.
    amount: Option<i64>,
}

/// `POST /control/refunds/{provider}`: money is given back in the provider's portal.
async fn refund_in_portal(
    State(providers): State<Providers>,
    Path(provider): Path<String>,
    Json(asked): Json<PortalRefund>,
) -> Result<Response, Refused> {
    let entry = providers.refund_in_portal(provider_of(&provider)?, &asked.order, asked.amount);
    Ok(Json(entry.ok_or(Refused::NotRefundable)?).into_response())
}

/// `POST /control/refunds/{provider}/{refund}/elapse`: a delayed decision comes now.
async fn elapse_refund(
    State(providers): State<Providers>,
    Path((provider, refund)): Path<(String, String)>,
) -> Result<Response, Refused> {
    let entry = providers.elapse_refund(provider_of(&provider)?, &refund).ok_or(Refused::NoSuchRefund)?;
    Ok(Json(entry).into_response())
}

/// `GET /control/{provider}`: the rules.
async fn rules(
    State(providers): State<Providers>,
    Path(provider): Path<String>,
) -> Result<Response, Refused> {
    Ok(listed(&providers, provider_of(&provider)?))
}

/// `POST /control/{provider}`: a rule more, or none at all.
async fn add_rule(
    State(providers): State<Providers>,
    Path(provider): Path<String>,
    Json(asked): Json<FaultRequest>,
) -> Result<Response, Refused> {
    let provider = provider_of(&provider)?;
    match asked.for_provider()? {
        Some(rule) => providers.ledger().add_rule(provider, rule),
        None => providers.ledger().clear_rules(provider),
    }
    Ok(listed(&providers, provider))
}

fn listed(providers: &Providers, provider: Provider) -> Response {
    let rules: Vec<Rule> = providers.ledger().rules(provider).collect();
    Json(json!({ "provider": provider, "rules": rules })).into_response()
}

/// `POST /control/phonepe/revoke-tokens`
async fn revoke_tokens(State(providers): State<Providers>) -> StatusCode {
    providers.inner.token_epoch.fetch_add(1, Ordering::SeqCst);
    StatusCode::NO_CONTENT
}
