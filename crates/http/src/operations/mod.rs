//! What operators and developers need besides payments: health, numbers, documents.

mod docs;
pub(crate) mod health;
pub(crate) mod prometheus;
#[cfg(test)]
mod tests;

use std::sync::Arc;

use askama::Template;
use axum::Router;
use axum::body::Body;
use axum::extract::State;
use axum::response::{Redirect, Response};
use axum::routing::get;
use http::{HeaderValue, header};

use crate::error::ApiError;
use crate::{App, ContextPath, Shared};

/// The pages that no document describes.
pub(crate) fn pages(context: &ContextPath) -> Router<Arc<App>> {
    let landing_path = context.join("/");
    let mut router = Router::new()
        .route(&context.join("/openapi.json"), get(docs::openapi))
        .route(&context.join("/docs"), get(docs::to_folder))
        .route(&context.join("/docs/"), get(docs::index))
        .route(&context.join("/docs/{*file}"), get(docs::file))
        .route(&landing_path, get(landing));
    if !context.as_str().is_empty() {
        let to_landing = Redirect::temporary(&landing_path);
        router = router.route(context.as_str(), get(to_landing.clone())).route("/", get(to_landing));
    }
    router
}

#[derive(Template)]
#[template(path = "landing.html")]
struct LandingPage<'a> {
    context: &'a str,
    style: &'static str,
}

async fn landing(State(app): Shared) -> Result<Response, ApiError> {
    let page =
        LandingPage { context: app.context_path.as_str(), style: include_str!("../../templates/page.css") };
    page.render().map(html).map_err(|_| ApiError::Internal("a page that cannot be written"))
}

/// A page.
pub(crate) fn html(page: String) -> Response {
    let mut response = Response::new(Body::from(page));
    let html = HeaderValue::from_static("text/html; charset=utf-8");
    response.headers_mut().insert(header::CONTENT_TYPE, html);
    response
}

/// The answer to a path that no endpoint has.
pub(crate) async fn no_such_endpoint() -> ApiError {
    ApiError::NoSuchEndpoint
}

/// The answer to a method that an endpoint does not answer.
pub(crate) async fn method_not_allowed() -> ApiError {
    ApiError::MethodNotAllowed
}
