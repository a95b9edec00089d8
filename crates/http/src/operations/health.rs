//! `GET /health` and below: liveness and readiness.

#[cfg(test)]
mod tests;

use axum::extract::State;
use axum::response::{IntoResponse, Response};
use http::{HeaderValue, StatusCode, header};
use payment_domain::signed_seconds;
use serde::Serialize;
use utoipa::ToSchema;

use crate::app::Shared;
use crate::envelope::json_response;
use crate::error::ApiError;
use crate::log_context::LogContext;
use crate::openapi::failures;
use crate::reply::Reply;

/// How the service is.
#[derive(Serialize, ToSchema)]
pub(crate) struct Health {
    /// `UP` or `DOWN`.
    #[schema(example = "UP")]
    status: &'static str,
}

/// The readiness of the service, and the state of its clock.
#[derive(Serialize, ToSchema)]
pub(crate) struct Readiness {
    #[serde(flatten)]
    health: Health,
    clock: ClockHealth,
}

/// How the clock of this node's computer agrees with the one that payments go by: the database's, or
/// with an embedded one the service's own stopwatch.
#[derive(Serialize, ToSchema)]
#[serde(rename_all = "camelCase")]
struct ClockHealth {
    /// `UP`, or `DOWN` when it differs by more than the lease of a job: requests are answered, no jobs
    /// are run on this node.
    #[schema(example = "UP")]
    status: &'static str,
    /// By how many seconds it is ahead; negative when it is behind.
    #[schema(example = 0.002)]
    computer_ahead_seconds: f64,
}

/// Whether the service lives.
///
/// Says nothing about the database: restarting the service would not bring that back. DIGIT's charts
/// probe it.
#[utoipa::path(
    get,
    path = "/health",
    operation_id = "health",
    tag = "Operations",
    responses((status = 200, description = "It does.", body = Health), failures::Always),
)]
pub(crate) async fn health() -> Result<Reply, ApiError> {
    Reply::of(&Health { status: "UP" })
}

/// Whether the service lives.
#[utoipa::path(
    get,
    path = "/health/liveness",
    operation_id = "liveness",
    tag = "Operations",
    responses((status = 200, description = "It does.", body = Health), failures::Always),
)]
pub(crate) async fn liveness() -> Result<Reply, ApiError> {
    health().await
}

/// Whether the service can work.
///
/// Asks the database whether it can be read and written, and has room for more; at most once a second,
/// however often it is asked itself.
#[utoipa::path(
    get,
    path = "/health/readiness",
    operation_id = "readiness",
    tag = "Operations",
    responses(
        (status = 200, description = "It can.", body = Readiness),
        failures::Always,
        (status = 503, description = "It cannot: the database is not available, or cannot be written, for want of room for example.", body = Health,
            example = json!({"status": "DOWN"})),
    ),
)]
pub(crate) async fn readiness(State(app): Shared) -> Response {
    match app.payments.readiness.check().await {
        Ok(()) => {
            let ports = &app.payments.ports;
            let clock = ClockHealth {
                status: if ports.clock_differs().is_some() { "DOWN" } else { "UP" },
                computer_ahead_seconds: signed_seconds(ports.clock.computer_ahead_ms()),
            };
            Reply::of(&Readiness { health: Health { status: "UP" }, clock }).into_response()
        }
        Err(cause) => {
            let mut response =
                json_response(StatusCode::SERVICE_UNAVAILABLE, br#"{"status":"DOWN"}"#.to_vec());
            response.headers_mut().insert(header::RETRY_AFTER, HeaderValue::from(5));
            LogContext { cause: Some(cause), ..LogContext::default() }.attach(&mut response);
            response
        }
    }
}
