//! Pages beside payments: landing page, health, metrics, documents.

mod docs;
pub(crate) mod health;
pub(crate) mod prometheus;
pub(crate) mod starting;
#[cfg(test)]
mod tests;

use std::sync::{Arc, LazyLock, OnceLock};

use askama::Template;
use axum::Router;
use axum::body::Body;
use axum::extract::State;
use axum::response::{Redirect, Response};
use axum::routing::get;
use base64::Engine as _;
use base64::engine::general_purpose::STANDARD;
use http::{HeaderValue, header};
use sha2::{Digest, Sha256};
use utoipa::openapi::OpenApi;

use crate::app::{App, Pages, Shared};
use crate::context_path::ContextPath;
use crate::error::ApiError;

pub(crate) const METRICS: &str = "/prometheus";
pub(crate) const HEALTH: &str = "/health";

/// The pages that the OpenAPI document leaves out.
pub(crate) fn pages(
    context: &ContextPath,
    pages: Pages,
    document: fn(&ContextPath) -> OpenApi,
) -> Router<Arc<App>> {
    let landing_path = context.join("/");
    let mut router = Router::new().route(&landing_path, get(landing));
    if pages.docs {
        let kept = Arc::new(OnceLock::new());
        router = router
            .route(&context.join("/openapi.json"), get(move |app| docs::openapi(app, kept, document)))
            .route(&context.join("/docs"), get(docs::to_folder))
            .route(&context.join("/docs/"), get(docs::index))
            .route(&context.join("/docs/{*file}"), get(docs::file));
    }
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
    pages: Pages,
}

const STYLE: &str = include_str!("../../templates/page.css");

static LANDING_POLICY: LazyLock<String> = LazyLock::new(|| {
    let style = STANDARD.encode(Sha256::digest(STYLE));
    format!(
        "default-src 'none'; style-src 'sha256-{style}'; base-uri 'none'; form-action 'none'; frame-ancestors 'none'"
    )
});

async fn landing(State(app): Shared) -> Result<Response, ApiError> {
    let page = LandingPage { context: app.context_path.as_str(), style: STYLE, pages: app.pages };
    let page = page.render().map_err(|_| ApiError::Internal("a page that cannot be written"))?;
    let mut response = html(page);
    if let Ok(policy) = HeaderValue::try_from(&*LANDING_POLICY) {
        response.headers_mut().insert(header::CONTENT_SECURITY_POLICY, policy);
    }
    Ok(response)
}

pub(crate) fn html(page: String) -> Response {
    let mut response = Response::new(Body::from(page));
    let html = HeaderValue::from_static("text/html; charset=utf-8");
    response.headers_mut().insert(header::CONTENT_TYPE, html);
    response
}

pub(crate) async fn no_such_endpoint() -> ApiError {
    ApiError::NoSuchEndpoint
}

pub(crate) async fn method_not_allowed() -> ApiError {
    ApiError::MethodNotAllowed
}
