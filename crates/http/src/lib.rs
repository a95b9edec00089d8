//! The HTTP interface of the payment gateway service.
//!
//! [`router`] turns the use cases into endpoints, one file each; [`serve`] puts them on the network
//! within limits. An endpoint reads its request, calls one use case and converts the answer. What a
//! client reads when something is wrong is decided in one place, `error`.

mod body;
mod context_path;
mod edge;
mod envelope;
mod error;
mod gateway;
mod json;
mod limits;
mod metrics;
mod openapi;
mod operations;
mod operators;
mod params;
mod postman;
mod reply;
mod request_info;
mod serve;
#[cfg(test)]
mod testing;
mod transaction;
mod validation;

use std::sync::Arc;

use axum::Router;
use payment_service::Payments;

pub use context_path::{ContextPath, InvalidContextPath};
pub use limits::{RequestLimits, ServeLimits};
pub use metrics::{Metrics, MetricsError};
pub use openapi::document;
pub use operators::Operators;
pub use postman::postman;
pub use serve::serve;

/// What the endpoints stand on.
#[derive(Clone)]
pub struct App {
    /// The use cases.
    pub payments: Payments,
    /// The numbers that `/prometheus` shows.
    pub metrics: Metrics,
    /// The path below which every endpoint lies.
    pub context_path: ContextPath,
    /// What a request may cost.
    pub limits: RequestLimits,
    /// The endpoints of operators; without it they answer that they are switched off.
    pub operators: Option<Operators>,
}

/// The application as handlers hold it.
type Shared = axum::extract::State<Arc<App>>;

/// All endpoints, each with its line in the log, its metrics and its limits.
pub fn router(app: App) -> Router {
    let app = Arc::new(app);
    let context = &app.context_path;
    let documented = openapi::endpoints().into_iter().fold(Router::new(), |router, (_, paths, methods)| {
        paths.paths.keys().fold(router, |router, path| router.route(&context.join(path), methods.clone()))
    });
    documented
        .merge(operations::pages(context))
        .fallback(operations::no_such_endpoint)
        .method_not_allowed_fallback(operations::method_not_allowed)
        .layer(edge::EdgeLayer::new(app.limits.clone()))
        .with_state(app)
}
