//! `POST /gateway/v1/_search`: the active gateways, of all or of a tenant.

#[cfg(test)]
mod tests;

use axum::extract::State;
use payment_domain::TenantId;
use payment_service::Place;

use crate::app::Shared;
use crate::error::ApiError;
use crate::openapi::failures;
use crate::params::QueryParams;
use crate::reply::Reply;

/// List the active gateways.
///
/// A bare array of names. No body is needed. With a tenant also those for which it, or a tenant above, has a
/// merchant account of its own.
#[utoipa::path(
    post,
    path = "/gateway/v1/_search",
    operation_id = "searchGateways",
    tag = "Gateways",
    params(
        ("tenantId" = Option<String>, Query, description = "The tenant that is to be paid.", example = "pb.amritsar"),
        ("businessService" = Option<String>, Query, description = "The service; only with a tenant.", example = "PT"),
    ),
    responses((status = 200, description = "The names of the active gateways.", body = Vec<String>,
        example = json!(["AXIS", "PAYTM"])), failures::Always),
)]
pub(crate) async fn search(State(app): Shared, params: QueryParams) -> Result<Reply, ApiError> {
    let gateways = &app.payments.ports.gateways;
    let names = match params.text("tenantId").map(TenantId::new) {
        None => gateways.names(),
        Some(Ok(tenant)) => {
            gateways.names_at(Place { tenant: &tenant, service: params.text("businessService") })
        }
        // No tenant has such an id.
        Some(Err(_)) => gateways.names(),
    };
    Reply::of(&names)
}
