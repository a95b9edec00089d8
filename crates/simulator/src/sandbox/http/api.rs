//! The API for the merchant's server.

use axum::Json;
use axum::extract::{Path, RawQuery, State};
use axum::http::{HeaderMap, StatusCode};
use axum::response::{IntoResponse, Response};
use serde_json::json;

use crate::money::Currency;
use crate::sandbox::Sandbox;
use crate::sandbox::books::BooksError;
use crate::sandbox::link;
use crate::sandbox::report::Report;
use crate::sandbox::signature::{Purpose, is_signed};

/// How far the clocks of merchant and sandbox may be apart.
const MOST_SKEW_MS: i64 = 5 * 60 * 1_000;
/// The maximal and default number of orders or refunds in one answer.
const MOST_ENTRIES: u32 = 1_000;
const DEFAULT_ENTRIES: &str = "100";

#[derive(Debug)]
pub(super) enum Refusal {
    /// Not the merchant, or not signed by them.
    Unsigned,
    /// Signed too long ago, or in the future.
    Stale,
    /// A parameter is invalid.
    BadParameter(&'static str),
    Books(BooksError),
}

impl IntoResponse for Refusal {
    fn into_response(self) -> Response {
        let (status, code, message) = match &self {
            Refusal::Unsigned => (
                StatusCode::UNAUTHORIZED,
                "BAD_SIGNATURE",
                "the question is not signed by the merchant".to_owned(),
            ),
            Refusal::Stale => (
                StatusCode::UNAUTHORIZED,
                "STALE_TIMESTAMP",
                "the timestamp is more than five minutes off".to_owned(),
            ),
            Refusal::BadParameter(name) => {
                (StatusCode::BAD_REQUEST, "BAD_PARAMETER", format!("{name} cannot be used"))
            }
            Refusal::Books(error) => {
                tracing::error!(error = error as &dyn std::error::Error, "the sandbox's books failed");
                (StatusCode::SERVICE_UNAVAILABLE, "BOOKS_CLOSED", "the books cannot be read now".to_owned())
            }
        };
        (status, Json(json!({ "code": code, "message": message }))).into_response()
    }
}

/// Checks the caller's signature; returns its time.
pub(super) fn asked_by_merchant(
    sandbox: &Sandbox,
    headers: &HeaderMap,
    purpose: Purpose,
    about: &[(&str, &str)],
) -> Result<i64, Refusal> {
    let header =
        |name: &str| headers.get(name).and_then(|value| value.to_str().ok()).ok_or(Refusal::Unsigned);
    let (merchant, timestamp) = (header("x-sandbox-merchant")?, header("x-sandbox-timestamp")?);
    let mut fields = vec![("merchant", merchant), ("timestamp", timestamp)];
    fields.extend_from_slice(about);
    if !is_signed(sandbox.secret(), purpose, &fields, header("x-sandbox-signature")?)
        || merchant != sandbox.merchant()
    {
        return Err(Refusal::Unsigned);
    }
    let timestamp_ms: i64 = timestamp.parse().map_err(|_| Refusal::Stale)?;
    let skew_ms = sandbox.now_ms().saturating_sub(timestamp_ms).saturating_abs();
    if skew_ms > MOST_SKEW_MS { Err(Refusal::Stale) } else { Ok(timestamp_ms) }
}

/// `GET /api/v1/orders/{order}`: the status of an order.
pub(super) async fn status(
    State(sandbox): State<Sandbox>,
    Path(order): Path<String>,
    headers: HeaderMap,
) -> Response {
    match report(&sandbox, &order, &headers).await {
        Ok((status, report)) => {
            (status, Json(report.to_json(Purpose::Answer, sandbox.secret()))).into_response()
        }
        Err(refusal) => refusal.into_response(),
    }
}

async fn report(
    sandbox: &Sandbox,
    order: &str,
    headers: &HeaderMap,
) -> Result<(StatusCode, Report), Refusal> {
    let asked_ms = asked_by_merchant(sandbox, headers, Purpose::Status, &[("order", order)])?;
    let found = sandbox.inner.books.order(order, sandbox.now_ms()).await.map_err(Refusal::Books)?;
    Ok(match found {
        Some(order) => (StatusCode::OK, Report::of(&order, sandbox.merchant(), asked_ms)),
        None => (StatusCode::NOT_FOUND, Report::of_unknown(order, sandbox.merchant(), asked_ms)),
    })
}

/// `POST /api/v1/orders/{order}/close`: closes an order, opened or not.
pub(super) async fn close(
    State(sandbox): State<Sandbox>,
    Path(order): Path<String>,
    headers: HeaderMap,
    body: String,
) -> Response {
    match closed(&sandbox, &order, &headers, &body).await {
        Ok(report) => Json(report.to_json(Purpose::Answer, sandbox.secret())).into_response(),
        Err(refusal) => refusal.into_response(),
    }
}

async fn closed(sandbox: &Sandbox, order: &str, headers: &HeaderMap, body: &str) -> Result<Report, Refusal> {
    let terms = link::decode(body);
    let term = |name: &'static str| terms.get(name).map(String::as_str).ok_or(Refusal::BadParameter(name));
    let (amount_paise, currency) = (term("amount_paise")?, term("currency")?);
    let about = [("order", order), ("amount_paise", amount_paise), ("currency", currency)];
    let asked_ms = asked_by_merchant(sandbox, headers, Purpose::Close, &about)?;
    let amount_paise = amount_paise.parse().map_err(|_| Refusal::BadParameter("amount_paise"))?;
    let currency = Currency::from_code(currency).ok_or(Refusal::BadParameter("currency"))?;
    let books = &sandbox.inner.books;
    let order = books.close(order, amount_paise, currency, sandbox.now_ms()).await.map_err(Refusal::Books)?;
    Ok(Report::of(&order, sandbox.merchant(), asked_ms))
}

/// `GET /api/v1/orders`: the books, page by page.
pub(super) async fn orders(
    State(sandbox): State<Sandbox>,
    RawQuery(query): RawQuery,
    headers: HeaderMap,
) -> Response {
    match book_page(&sandbox, &query.unwrap_or_default(), &headers).await {
        Ok(page) => Json(page).into_response(),
        Err(refusal) => refusal.into_response(),
    }
}

async fn book_page(
    sandbox: &Sandbox,
    query: &str,
    headers: &HeaderMap,
) -> Result<serde_json::Value, Refusal> {
    let (after, limit) = place_in_books(sandbox, query, headers, Purpose::Orders)?;
    let orders = sandbox.books(after, limit).await.map_err(Refusal::Books)?;
    Ok(json!({ "orders": orders }))
}

/// The requested page of the books.
pub(super) fn place_in_books(
    sandbox: &Sandbox,
    query: &str,
    headers: &HeaderMap,
    purpose: Purpose,
) -> Result<(i64, u32), Refusal> {
    let query = link::decode(query);
    let parameter = |name: &str, default: &'static str| query.get(name).map_or(default, String::as_str);
    let (after, limit) = (parameter("after", "0"), parameter("limit", DEFAULT_ENTRIES));
    asked_by_merchant(sandbox, headers, purpose, &[("after", after), ("limit", limit)])?;
    let after: i64 = after.parse().map_err(|_| Refusal::BadParameter("after"))?;
    let limit: u32 = limit.parse().map_err(|_| Refusal::BadParameter("limit"))?;
    let within = (1..=MOST_ENTRIES).contains(&limit);
    if within { Ok((after, limit)) } else { Err(Refusal::BadParameter("limit")) }
}
