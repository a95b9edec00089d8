//! The sandbox's pages and its API over HTTP.

mod api;
mod front;
mod page;
mod pay;

use axum::Router;
use axum::extract::DefaultBodyLimit;
use axum::http::{HeaderName, HeaderValue, header};
use axum::middleware::map_response;
use axum::response::Response;
use axum::routing::{get, post};

use super::Sandbox;

/// The longest form that is read.
const MAX_FORM_BYTES: usize = 16 * 1024;

pub(super) fn router(sandbox: Sandbox) -> Router {
    Router::new()
        .route("/", get(front::index))
        .route("/pay", get(pay::open).post(pay::choose))
        .route("/order", get(pay::show))
        .route("/return", get(front::back).post(front::back))
        .route("/api/v1/orders", get(api::orders))
        .route("/api/v1/orders/{order}", get(api::status))
        .route("/api/v1/orders/{order}/close", post(api::close))
        .fallback(front::elsewhere)
        .layer(DefaultBodyLimit::max(MAX_FORM_BYTES))
        .layer(map_response(guarded))
        .with_state(sandbox)
}

/// What every answer carries. There is no `form-action` in the policy: browsers apply it to the whole
/// chain of redirects behind a form, and that leads to addresses only the application knows.
async fn guarded(mut response: Response) -> Response {
    let headers = response.headers_mut();
    let fixed = [
        (header::CACHE_CONTROL, "no-store"),
        (header::X_CONTENT_TYPE_OPTIONS, "nosniff"),
        (header::X_FRAME_OPTIONS, "DENY"),
        (header::REFERRER_POLICY, "no-referrer"),
        (HeaderName::from_static("cross-origin-opener-policy"), "same-origin"),
    ];
    headers.extend(fixed.map(|(name, value)| (name, HeaderValue::from_static(value))));
    if let Ok(policy) = HeaderValue::from_str(&page::CONTENT_POLICY) {
        headers.insert(header::CONTENT_SECURITY_POLICY, policy);
    }
    response
}
