//! The front page, and a page that plays the application.

use askama::Template;
use axum::body::Bytes;
use axum::extract::{RawQuery, State};
use axum::http::StatusCode;
use axum::response::Response;

use super::page::{Problem, age, badge, frame, order_link};
use crate::page::{Badge, Frame, html};
use crate::sandbox::Sandbox;

const RECENT: u32 = 20;
/// The number of parameters the return page lists, and how much of each.
const MOST_PARAMETERS: usize = 24;
const LONGEST_VALUE: usize = 300;

#[derive(Template)]
#[template(path = "sandbox/index.html")]
struct IndexPage {
    frame: Frame,
    return_page: String,
    orders: Vec<OrderLine>,
}

struct OrderLine {
    number: String,
    payee: String,
    amount: String,
    badge: Badge,
    age: String,
    link: String,
}

/// `GET /`: an introduction, and recent events.
pub(super) async fn index(State(sandbox): State<Sandbox>) -> Response {
    let mut orders = match sandbox.inner.books.newest(RECENT).await {
        Ok(orders) => orders,
        Err(error) => return Problem::from(error).answer(&sandbox),
    };
    let now_ms = sandbox.now_ms();
    for order in &mut orders {
        // Shown as of now; recorded at the next request for the order.
        order.advance(now_ms);
    }
    let page = IndexPage {
        frame: frame(&sandbox),
        return_page: format!("{}/return", sandbox.inner.settings.public_url.trim_end_matches('/')),
        orders: orders
            .into_iter()
            .map(|order| OrderLine {
                link: order_link(&sandbox, &order.terms.order),
                amount: order.terms.asked().for_people(),
                badge: badge(order.state),
                age: age(now_ms, order.opened_ms),
                payee: order.terms.payee,
                number: order.terms.order,
            })
            .collect(),
    };
    html(StatusCode::OK, &page)
}

pub(super) async fn elsewhere(State(sandbox): State<Sandbox>) -> Response {
    Problem::NoSuchPage.answer(&sandbox)
}

#[derive(Template)]
#[template(path = "sandbox/return.html")]
struct ReturnPage {
    frame: Frame,
    badge: Option<Badge>,
    heading: &'static str,
    txn_id: Option<String>,
    status: String,
    lookup: Option<String>,
    parameters: Vec<(String, String)>,
}

/// `GET` or `POST /return`: the report in a returning payer's browser.
pub(super) async fn back(State(sandbox): State<Sandbox>, RawQuery(query): RawQuery, body: Bytes) -> Response {
    let query = query.unwrap_or_default();
    let parameters: Vec<(String, String)> = form_urlencoded::parse(query.as_bytes())
        .chain(form_urlencoded::parse(&body))
        .take(MOST_PARAMETERS)
        .map(|(name, value)| {
            (name.chars().take(LONGEST_VALUE).collect(), value.chars().take(LONGEST_VALUE).collect())
        })
        .collect();
    let first = |name: &str| {
        parameters.iter().find(|(key, _)| key.eq_ignore_ascii_case(name)).map(|(_, value)| value.clone())
    };
    let txn_id = first("eg_pg_txnid").filter(|id| !id.is_empty());
    let status = first("txnStatus").unwrap_or_default();
    let (heading, badge) = match (&txn_id, status.as_str()) {
        (None, _) => ("Nothing was paid yet", None),
        (Some(_), "SUCCESS") => ("The payment went through", Some(Badge::good("Success"))),
        (Some(_), "FAILURE") => ("The payment failed", Some(Badge::bad("Failure"))),
        (Some(_), "PENDING") => ("The payment is not decided yet", Some(Badge::wait("Pending"))),
        (Some(_), _) => ("Back from the payment", None),
    };
    let lookup = match (&txn_id, &sandbox.inner.settings.lookup_url) {
        (Some(id), Some(service)) => Some(lookup(service, id)),
        (Some(_) | None, _) => None,
    };
    let status = if status.is_empty() { "not reported".to_owned() } else { status };
    html(
        StatusCode::OK,
        &ReturnPage { frame: frame(&sandbox), badge, heading, txn_id, status, lookup, parameters },
    )
}

/// A command that can be pasted into a shell: the id is encoded down to letters a shell leaves alone.
fn lookup(service: &str, txn_id: &str) -> String {
    let id: String = form_urlencoded::byte_serialize(txn_id.as_bytes()).collect();
    format!(
        "curl -X POST '{}/transaction/v1/_search?txnId={id}' \\\n  -H 'Content-Type: application/json' -d '{{\"RequestInfo\":{{}}}}'",
        service.trim_end_matches('/')
    )
}
