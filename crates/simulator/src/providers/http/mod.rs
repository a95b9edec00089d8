//! The router of all providers.

pub(crate) mod control;
pub(crate) mod page;
pub(crate) mod pay;
pub(crate) mod strike;

use axum::Router;
use axum::extract::DefaultBodyLimit;
use axum::middleware::map_response;
use axum::routing::get;

use super::provider::Provider;
use super::{Providers, axis, ccavenue, hyperswitch, paytm, payu, phonepe, razorpay, stripe};

pub(crate) const MAX_BODY_BYTES: usize = 64 * 1024;

pub(crate) fn routes(providers: Providers) -> Router {
    let with_page = |provider: Provider, router: Router<Providers>| router.merge(pay::routes(provider));
    Router::new()
        .route("/", get(page::index))
        .nest("/axis", with_page(Provider::Axis, axis::router()))
        .nest("/ccavenue", with_page(Provider::Ccavenue, ccavenue::router()))
        .nest("/hyperswitch", with_page(Provider::Hyperswitch, hyperswitch::router()))
        .nest("/paytm", with_page(Provider::Paytm, paytm::router()))
        .nest("/phonepe", with_page(Provider::Phonepe, phonepe::router()))
        .nest("/payu", with_page(Provider::Payu, payu::router()))
        .nest("/razorpay", with_page(Provider::Razorpay, razorpay::router()))
        .nest("/stripe", with_page(Provider::Stripe, stripe::router()))
        .nest("/control", control::router())
        .layer(DefaultBodyLimit::max(MAX_BODY_BYTES))
        .layer(map_response(crate::page::guarded_with_submit))
        .with_state(providers)
}
