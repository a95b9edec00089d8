//! The routes: which handler answers which path.

use std::sync::Arc;

use axum::Router;

use crate::app::{App, Pages};
use crate::document::document;
use crate::endpoints::endpoints;
use crate::limits::RequestLimits;
use crate::middleware::RequestLayer;
use crate::operations;

/// All endpoints and those of `beside`, within the request middleware.
pub fn router(app: App, beside: Router) -> Router {
    routes(app, beside, |path, pages| pages.metrics || path != operations::METRICS)
}

/// Health and the pages of the application, for a port of their own with limits of its own: they stay
/// reachable when the port of payments is overloaded.
pub fn admin_router(app: App) -> Router {
    routes(app, Router::new(), |path, pages| match path {
        operations::METRICS => pages.metrics,
        path => path.starts_with(operations::HEALTH),
    })
}

/// The routes of others alone, within the request middleware: for a port of their own.
pub fn router_of_others(limits: RequestLimits, others: Router) -> Router {
    others
        .fallback(operations::no_such_endpoint)
        .method_not_allowed_fallback(operations::method_not_allowed)
        .layer(RequestLayer::new(limits))
}

fn routes(app: App, beside: Router, is_served: impl Fn(&str, Pages) -> bool) -> Router {
    let app = Arc::new(app);
    let context = &app.context_path;
    let mut documented = Router::new();
    for (_, paths, methods) in endpoints() {
        for path in paths.paths.keys().filter(|path| is_served(path, app.pages)) {
            documented = documented.route(&context.join(path), methods.clone());
        }
    }
    documented
        .merge(operations::pages(context, app.pages, document))
        .with_state(app.clone())
        .merge(beside)
        .fallback(operations::no_such_endpoint)
        .method_not_allowed_fallback(operations::method_not_allowed)
        .layer(RequestLayer::new(app.limits.clone()))
}
