//! `GET /gateway/v1/_status`: the availability of the active gateways.

#[cfg(test)]
mod tests;

use axum::extract::State;
use payment_service::GatewayStatus;
use serde::Serialize;
use utoipa::ToSchema;

use crate::app::Shared;
use crate::error::ApiError;
use crate::openapi::failures;
use crate::reply::Reply;

/// Whether a gateway can be used at the moment.
#[derive(Serialize, ToSchema)]
#[serde(rename_all = "camelCase")]
pub(crate) struct GatewayState {
    /// The gateway.
    #[schema(example = "AXIS")]
    name: String,
    /// Whether it is the sandbox, whose payments move no money.
    sandbox: bool,
    /// Whether payments are sent to it. While they are not, `_create` refuses them with 503, and
    /// payments that are under way stay PENDING.
    available: bool,
    /// The seconds after which trying again makes sense; null while it is available.
    #[schema(example = json!(null))]
    retry_after_seconds: Option<u64>,
}

impl From<GatewayStatus> for GatewayState {
    fn from(status: GatewayStatus) -> GatewayState {
        GatewayState {
            sandbox: status.name.is_sandbox(),
            name: status.name.to_string(),
            available: status.unavailable_for.is_none(),
            retry_after_seconds: status
                .unavailable_for
                .map(|wait| u64::try_from(wait.as_millis().div_ceil(1000)).unwrap_or(u64::MAX)),
        }
    }
}

/// Tell which gateways can be used.
///
/// A gateway that does not answer is given a rest: payments are not sent to it for a while. It stays in
/// the list of active gateways. Each server process finds out for itself.
#[utoipa::path(
    get,
    path = "/gateway/v1/_status",
    operation_id = "gatewayStatus",
    tag = "Gateways",
    responses((status = 200, description = "Every active gateway.", body = Vec<GatewayState>), failures::Always),
)]
pub(crate) async fn status(State(app): Shared) -> Result<Reply, ApiError> {
    let states: Vec<GatewayState> =
        app.payments.ports.gateways.statuses().into_iter().map(GatewayState::from).collect();
    Reply::of(&states)
}
