//! `GET /prometheus`: the metrics.

use axum::body::Body;
use axum::extract::State;
use axum::response::Response;
use http::{HeaderValue, header};

use crate::app::Shared;
use crate::openapi::failures;

/// The metrics.
#[utoipa::path(
    get,
    path = "/prometheus",
    operation_id = "metrics",
    tag = "Operations",
    responses((status = 200, description = "In the text format of Prometheus.", body = String, content_type = "text/plain"),
        failures::Always),
)]
pub(crate) async fn prometheus(State(app): Shared) -> Response {
    let mut response = Response::new(Body::from(app.metrics.render()));
    let text = HeaderValue::from_static("text/plain; version=0.0.4; charset=utf-8");
    response.headers_mut().insert(header::CONTENT_TYPE, text);
    response
}
