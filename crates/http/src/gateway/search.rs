//! `POST /gateway/v1/_search`: the active gateways.

#[cfg(test)]
mod tests;

use axum::extract::State;

use crate::app::Shared;
use crate::error::ApiError;
use crate::openapi::failures;
use crate::reply::Reply;

/// List the active gateways.
///
/// A bare array of names. No body is needed.
#[utoipa::path(
    post,
    path = "/gateway/v1/_search",
    operation_id = "searchGateways",
    tag = "Gateways",
    responses((status = 200, description = "The names of the active gateways.", body = Vec<String>,
        example = json!(["AXIS", "PAYTM"])), failures::Always),
)]
pub(crate) async fn search(State(app): Shared) -> Result<Reply, ApiError> {
    let names = app.payments.ports.gateways.names();
    Reply::of(&names)
}
