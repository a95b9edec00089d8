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
mod identity;
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
mod secret;
mod serve;
#[cfg(test)]
mod testing;
mod transaction;
mod validation;

use std::sync::Arc;

use axum::Router;
use payment_service::Payments;

pub use context_path::{ContextPath, InvalidContextPath};
pub use identity::IdentityProof;
pub use limits::{FREE_BODY_BYTES, RequestLimits, SLOWEST_READER, ServeLimits};
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
    /// How callers prove who they are.
    pub identity: IdentityProof,
    /// The numbers that `/prometheus` shows.
    pub metrics: Metrics,
    /// The path below which every endpoint lies.
    pub context_path: ContextPath,
    /// What a request may cost.
    pub limits: RequestLimits,
    /// The endpoints of operators; without it they answer that they are switched off.
    pub operators: Option<Operators>,
    /// What is served beside payments.
    pub pages: Pages,
}

/// What is served beside payments and health.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Pages {
    /// `/prometheus`.
    pub metrics: bool,
    /// `/docs/` and `/openapi.json`.
    pub docs: bool,
}

impl Pages {
    /// Nothing.
    pub const NONE: Pages = Pages { metrics: false, docs: false };
    /// Everything.
    pub const ALL: Pages = Pages { metrics: true, docs: true };
}

/// The application as handlers hold it.
type Shared = axum::extract::State<Arc<App>>;

/// All endpoints, and those of `beside`, each with its line in the log, its metrics and its limits.
pub fn router(app: App, beside: Router) -> Router {
    routes(app, beside, |path, pages| pages.metrics || path != operations::METRICS)
}

/// Health and the pages that the application chooses, for a port of their own: with limits of their
/// own, so that whoever fills up the port of payments is not in the way of those who watch.
pub fn admin_router(app: App) -> Router {
    routes(app, Router::new(), |path, pages| match path {
        operations::METRICS => pages.metrics,
        path => path.starts_with(operations::HEALTH),
    })
}

fn routes(app: App, beside: Router, is_served: impl Fn(&str, Pages) -> bool) -> Router {
    let app = Arc::new(app);
    let context = &app.context_path;
    let mut documented = Router::new();
    for (_, paths, methods) in openapi::endpoints() {
        for path in paths.paths.keys().filter(|path| is_served(path, app.pages)) {
            documented = documented.route(&context.join(path), methods.clone());
        }
    }
    documented
        .merge(operations::pages(context, app.pages))
        .with_state(app.clone())
        .merge(beside)
        .fallback(operations::no_such_endpoint)
        .method_not_allowed_fallback(operations::method_not_allowed)
        .layer(edge::EdgeLayer::new(app.limits.clone()))
}
