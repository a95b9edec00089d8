//! The endpoints of gateways.

pub(crate) mod callback;
pub(crate) mod pay;
pub(crate) mod search;
pub(crate) mod status;

use std::sync::Arc;

use axum::extract::{FromRequestParts, Path};
use http::request::Parts;
use payment_domain::GatewayName;
use payment_service::CallbackError;

use crate::app::App;
use crate::error::ApiError;

/// The gateway in the path, active or not.
pub(crate) struct NamedGateway(GatewayName);

impl FromRequestParts<Arc<App>> for NamedGateway {
    type Rejection = ApiError;

    async fn from_request_parts(parts: &mut Parts, app: &Arc<App>) -> Result<NamedGateway, ApiError> {
        match Path::<String>::from_request_parts(parts, app).await {
            Ok(Path(name)) => Ok(NamedGateway(GatewayName::new(&name))),
            Err(_) => Err(CallbackError::UnknownGateway.into()),
        }
    }
}
