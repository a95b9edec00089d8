//! The router of all providers.

pub(crate) mod control;
pub(crate) mod page;
pub(crate) mod pay;
pub(crate) mod strike;

use axum::Router;
use axum::extract::DefaultBodyLimit;
use axum::http::{HeaderValue, header};
use axum::middleware::map_response;
use axum::response::Response;
use axum::routing::get;

use super::provider::Provider;
use super::{Providers, axis, paytm, payu, phonepe};

/// The longest request that is read.
const MAX_BODY_BYTES: usize = 64 * 1024;

pub(crate) fn router(providers: Providers) -> Router {
    let with_page = |provider: Provider, router: Router<Providers>| router.merge(pay::routes(provider));
    Router::new()
        .route("/", get(page::index))
        .nest("/axis", with_page(Provider::Axis, axis::router()))
        .nest("/paytm", with_page(Provider::Paytm, paytm::router()))
        .nest("/phonepe", with_page(Provider::Phonepe, phonepe::router()))
        .nest("/payu", with_page(Provider::Payu, payu::router()))
        .nest("/control", control::router())
        .layer(DefaultBodyLimit::max(MAX_BODY_BYTES))
        .layer(map_response(guarded))
        .with_state(providers)
}

/// What every answer carries. There is no `form-action` in the policy: the way back leads to addresses
/// that only the merchant knows.
async fn guarded(mut response: Response) -> Response {
    let headers = response.headers_mut();
    let fixed = [
        (header::CACHE_CONTROL, "no-store"),
        (header::X_CONTENT_TYPE_OPTIONS, "nosniff"),
        (header::X_FRAME_OPTIONS, "DENY"),
    ];
    headers.extend(fixed.map(|(name, value)| (name, HeaderValue::from_static(value))));
    if let Ok(policy) = HeaderValue::from_str(&page::CONTENT_POLICY) {
        headers.insert(header::CONTENT_SECURITY_POLICY, policy);
    }
    response
}
