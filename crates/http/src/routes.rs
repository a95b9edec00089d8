//! The routes: which handler answers which path.

use std::sync::Arc;

use axum::Router;

use crate::app::{App, Pages};
use crate::document::document;
use crate::endpoints::ROUTES;
use crate::limits::RequestLimits;
use crate::middleware::{ErrorPage, RequestLayer};
use crate::operations;

/// Routes of pages, whose errors are pages, too.
pub struct PagesBeside {
    pub routes: Router,
    pub error_page: ErrorPage,
}

/// All endpoints, those of `beside` and pages, within the request middleware.
pub fn router(app: App, beside: Router, pages: Option<PagesBeside>) -> Router {
    let layer = RequestLayer::new(app.limits.clone());
    let router = routes(app, beside, &layer, |path, pages| pages.metrics || path != operations::METRICS);
    match pages {
        Some(PagesBeside { routes, error_page }) => router.merge(routes.layer(layer.of_pages(error_page))),
        None => router,
    }
}

/// Health and the pages of the application, for a port of their own with limits of its own: they stay
/// reachable when the port of payments is overloaded.
pub fn admin_router(app: App) -> Router {
    let layer = RequestLayer::new(app.limits.clone());
    routes(app, Router::new(), &layer, |path, pages| match path {
        operations::METRICS => pages.metrics,
        path => path.starts_with(operations::HEALTH),
    })
}

/// Pages alone, within the request middleware: for a port of their own.
pub fn router_of_pages(limits: RequestLimits, pages: PagesBeside) -> Router {
    let layer = RequestLayer::new(limits);
    Router::new()
        .fallback(operations::no_such_endpoint)
        .layer(layer.clone())
        .merge(pages.routes.layer(layer.of_pages(pages.error_page)))
}

fn routes(app: App, beside: Router, layer: &RequestLayer, is_served: impl Fn(&str, Pages) -> bool) -> Router {
    let app = Arc::new(app);
    let context = &app.context_path;
    let mut documented = Router::new();
    for (path, methods) in ROUTES.iter().filter(|(path, _)| is_served(path, app.pages)) {
        documented = documented.route(&context.join(path), methods.clone());
    }
    documented
        .merge(operations::pages(context, app.pages, document))
        .with_state(app)
        .merge(beside)
        .fallback(operations::no_such_endpoint)
        .method_not_allowed_fallback(operations::method_not_allowed)
        .layer(layer.clone())
}
