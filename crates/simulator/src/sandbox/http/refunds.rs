//! Refunds: for the merchant's server, and for no other client.

use axum::Json;
use axum::extract::{Path, RawQuery, State};
use axum::http::{HeaderMap, StatusCode};
use axum::response::{IntoResponse, Response};
use serde_json::json;

use super::api::{self, Refusal};
use crate::money::{Amount, Currency};
use crate::sandbox::Sandbox;
use crate::sandbox::books::Asked;
use crate::sandbox::link;
use crate::sandbox::refund::{Fate, Wish};
use crate::sandbox::report::RefundReport;
use crate::sandbox::signature::Purpose;

/// The longest id of a refund.
const MAX_ID: usize = 64;

/// `POST /api/v1/orders/{order}/refunds/{refund}`: gives money back.
pub(crate) async fn refund(
    State(sandbox): State<Sandbox>,
    Path((order, refund)): Path<(String, String)>,
    headers: HeaderMap,
    body: String,
) -> Response {
    match asked_for(&sandbox, &order, &refund, &headers, &body).await {
        Ok(Some((status, report))) => answer(&sandbox, status, &report),
        Ok(None) => crate::cut(),
        Err(refusal) => refusal.into_response(),
    }
}

/// The answer; `None` when it is lost.
async fn asked_for(
    sandbox: &Sandbox,
    order: &str,
    refund: &str,
    headers: &HeaderMap,
    body: &str,
) -> Result<Option<(StatusCode, RefundReport)>, Refusal> {
    let terms = link::decode(body);
    let term = |name: &'static str| terms.get(name).map(String::as_str).ok_or(Refusal::BadParameter(name));
    let (amount, currency) = (term("amount_paise")?, term("currency")?);
    let about = [("order", order), ("refund", refund), ("amount_paise", amount), ("currency", currency)];
    let asked_ms = api::asked_by_merchant(sandbox, headers, Purpose::Refund, &about)?;
    let usable = (1..=MAX_ID).contains(&refund.len()) && !refund.chars().any(char::is_control);
    let currency = Currency::from_code(currency).ok_or(Refusal::BadParameter("currency"))?;
    let amount = Amount::of_digits(amount, currency).ok_or(Refusal::BadParameter("amount_paise"))?;
    if !usable {
        return Err(Refusal::BadParameter("refund"));
    }
    let wish = Wish { id: refund.to_owned(), order: order.to_owned(), amount_paise: amount.minor, currency };
    let late_ms = i64::try_from(sandbox.inner.settings.late_after.as_millis()).unwrap_or(i64::MAX);
    let asked = sandbox.inner.books.refund(wish, sandbox.now_ms(), late_ms).await.map_err(Refusal::Books)?;
    let merchant = sandbox.merchant();
    Ok(match asked {
        Asked::Refund(refund) if Fate::of(refund.wish.amount_paise) == Fate::AnswerLost => None,
        Asked::Refund(refund) => Some((StatusCode::OK, RefundReport::of(&refund, merchant, asked_ms))),
        Asked::IdUsed => {
            Some((StatusCode::CONFLICT, RefundReport::of_used_id(order, refund, merchant, asked_ms)))
        }
    })
}

/// `GET /api/v1/orders/{order}/refunds/{refund}`: the state of a refund.
pub(crate) async fn status(
    State(sandbox): State<Sandbox>,
    Path((order, refund)): Path<(String, String)>,
    headers: HeaderMap,
) -> Response {
    match state_of(&sandbox, &order, &refund, &headers).await {
        Ok((status, report)) => answer(&sandbox, status, &report),
        Err(refusal) => refusal.into_response(),
    }
}

async fn state_of(
    sandbox: &Sandbox,
    order: &str,
    refund: &str,
    headers: &HeaderMap,
) -> Result<(StatusCode, RefundReport), Refusal> {
    let about = [("order", order), ("refund", refund)];
    let asked_ms = api::asked_by_merchant(sandbox, headers, Purpose::RefundStatus, &about)?;
    let books = &sandbox.inner.books;
    let found = books.refund_of(refund, sandbox.now_ms()).await.map_err(Refusal::Books)?;
    Ok(match found.filter(|found| found.wish.order == order) {
        Some(found) => (StatusCode::OK, RefundReport::of(&found, sandbox.merchant(), asked_ms)),
        None => {
            let unknown = RefundReport::of_unknown(order, refund, sandbox.merchant(), asked_ms);
            (StatusCode::NOT_FOUND, unknown)
        }
    })
}

fn answer(sandbox: &Sandbox, status: StatusCode, report: &RefundReport) -> Response {
    (status, Json(report.to_json(sandbox.secret()))).into_response()
}

/// `GET /api/v1/refunds`: the books, page by page.
pub(crate) async fn refunds(
    State(sandbox): State<Sandbox>,
    RawQuery(query): RawQuery,
    headers: HeaderMap,
) -> Response {
    match page(&sandbox, &query.unwrap_or_default(), &headers).await {
        Ok(page) => Json(page).into_response(),
        Err(refusal) => refusal.into_response(),
    }
}

async fn page(sandbox: &Sandbox, query: &str, headers: &HeaderMap) -> Result<serde_json::Value, Refusal> {
    let (after, limit) = api::place_in_books(sandbox, query, headers, Purpose::Refunds)?;
    let refunds = sandbox.refunds(after, limit).await.map_err(Refusal::Books)?;
    Ok(json!({ "refunds": refunds }))
}
