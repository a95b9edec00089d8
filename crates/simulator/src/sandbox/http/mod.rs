//! The sandbox's pages and its API over HTTP.

mod api;
mod front;
mod page;
mod pay;
mod refunds;

use axum::Router;
use axum::extract::DefaultBodyLimit;
use axum::middleware::map_response;
use axum::routing::{get, post};

use super::Sandbox;

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
        .route("/api/v1/orders/{order}/refunds/{refund}", get(refunds::status).post(refunds::refund))
        .route("/api/v1/refunds", get(refunds::refunds))
        .fallback(front::elsewhere)
        .layer(DefaultBodyLimit::max(MAX_FORM_BYTES))
        .layer(map_response(crate::page::guarded))
        .with_state(sandbox)
}
