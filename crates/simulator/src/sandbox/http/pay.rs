//! `/pay` and `/order`: where the payer decides.

use std::collections::HashMap;

use axum::body::Bytes;
use axum::extract::{RawQuery, State};
use axum::response::{IntoResponse, Redirect, Response};

use super::page::{Problem, of_order, order_link};
use crate::sandbox::Sandbox;
use crate::sandbox::books::Opened;
use crate::sandbox::link;
use crate::sandbox::order::{Choice, Order};

/// `GET /pay`: the payer comes with a link that the merchant signed.
pub(super) async fn open(State(sandbox): State<Sandbox>, RawQuery(query): RawQuery) -> Response {
    let query = query.unwrap_or_default();
    match open_link(&sandbox, &query).await {
        Ok(order) => shown(&sandbox, &order).await,
        Err(problem) => problem.answer(&sandbox),
    }
}

async fn open_link(sandbox: &Sandbox, query: &str) -> Result<Order, Problem> {
    let terms = link::read(query, sandbox.merchant(), sandbox.secret()).map_err(Problem::Link)?;
    match sandbox.inner.books.open_order(terms, sandbox.now_ms()).await? {
        Opened::Order(order) => Ok(*order),
        Opened::OtherTerms => Err(Problem::OtherTerms),
        Opened::TooLate => Err(Problem::TooLate),
    }
}

/// `POST /pay`: the payer has chosen. It is idempotent: only the first choice counts, and every answer
/// follows from the books.
pub(super) async fn choose(State(sandbox): State<Sandbox>, body: Bytes) -> Response {
    let form = link::decode(&String::from_utf8_lossy(&body));
    match take_choice(&sandbox, &form).await {
        Ok(order) => {
            sandbox.inner.courier.bell.notify_one();
            let target = if order.choice.is_some_and(Choice::tells) {
                sandbox.return_url(&order)
            } else {
                order_link(&sandbox, &order.terms.order)
            };
            Redirect::to(&target).into_response()
        }
        Err(problem) => problem.answer(&sandbox),
    }
}

async fn take_choice(sandbox: &Sandbox, form: &HashMap<String, String>) -> Result<Order, Problem> {
    let field = |name: &str| form.get(name).map(String::as_str).ok_or(Problem::BadForm);
    let (order, token) = (field("order")?, field("token")?);
    let choice = Choice::from_word(field("choice")?).ok_or(Problem::BadForm)?;
    if !sandbox.is_form_token(order, token) {
        return Err(Problem::BadForm);
    }
    let late_after = sandbox.inner.settings.late_after;
    let order = sandbox.inner.books.choose(order, choice, sandbox.now_ms(), late_after).await?;
    order.ok_or(Problem::NoSuchPage)
}

/// `GET /order`: an order again, for a browser that was sent to its page.
pub(super) async fn show(State(sandbox): State<Sandbox>, RawQuery(query): RawQuery) -> Response {
    let query = link::decode(&query.unwrap_or_default());
    match find(&sandbox, &query).await {
        Ok(order) => shown(&sandbox, &order).await,
        Err(problem) => problem.answer(&sandbox),
    }
}

async fn find(sandbox: &Sandbox, query: &HashMap<String, String>) -> Result<Order, Problem> {
    let (Some(order), Some(token)) = (query.get("order"), query.get("token")) else {
        return Err(Problem::NoSuchPage);
    };
    if !sandbox.is_form_token(order, token) {
        return Err(Problem::NoSuchPage);
    }
    sandbox.inner.books.order(order, sandbox.now_ms()).await?.ok_or(Problem::NoSuchPage)
}

async fn shown(sandbox: &Sandbox, order: &Order) -> Response {
    match sandbox.inner.books.log_of(order.sequence).await {
        Ok(log) => of_order(sandbox, order, log),
        Err(error) => Problem::from(error).answer(sandbox),
    }
}
