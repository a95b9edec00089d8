//! Several merchants: a request is answered as the merchant is whose keys it proves to have.

use std::sync::Arc;

use axum::Router;
use axum::body::{Body, to_bytes};
use axum::extract::Request;
use axum::http::StatusCode;
use axum::http::request::Parts;
use axum::response::{IntoResponse, Response};
use axum::routing::any;
use tower::ServiceExt;

use super::http::{MAX_BODY_BYTES, routes};
use super::provider::Provider;
use super::settings::Merchant;
use super::{Providers, axis, ccavenue, hyperswitch, paytm, payu, phonepe, razorpay, stripe};

impl Providers {
    /// The accounts of the merchant that meets them; the first one's for who sees all orders.
    pub(crate) fn accounts(&self) -> &Merchant {
        // The first one is always there.
        &self.inner.merchants[self.merchant.unwrap_or_default()]
    }

    /// The decoded secret of the Axis account.
    pub(crate) fn axis_secret(&self) -> Vec<u8> {
        // It was checked at the start.
        self.accounts().axis.secret().unwrap_or_default()
    }

    /// The same books as the merchant at this place sees them.
    pub(crate) fn met_by(&self, merchant: usize) -> Providers {
        Providers { merchant: Some(merchant), ..self.clone() }
    }

    /// Whether orders of the merchant at this place are seen.
    pub(crate) fn sees(&self, merchant: usize) -> bool {
        let name = |place: usize| self.inner.merchants.get(place).map(|merchant| &merchant.name);
        self.merchant.is_none_or(|own| name(own) == name(merchant))
    }

    fn is_called_by_its_merchant(&self, provider: Provider, path: &str, parts: &Parts, body: &[u8]) -> bool {
        let (accounts, headers) = (self.accounts(), &parts.headers);
        let query = parts.uri.query().unwrap_or_default();
        match provider {
            Provider::Axis => axis::is_from(&accounts.axis, query, body),
            Provider::Ccavenue => ccavenue::is_from(&accounts.ccavenue, query, body),
            Provider::Hyperswitch => hyperswitch::is_from(self, headers),
            Provider::Paytm => paytm::is_from(&accounts.paytm, query, body),
            Provider::Phonepe => phonepe::is_from(self, path, headers, body),
            Provider::Payu => payu::is_from(&accounts.payu, headers, body),
            Provider::Razorpay => razorpay::is_from(self, headers),
            Provider::Stripe => stripe::is_from(self, headers),
        }
    }
}

/// The routes of each merchant, and those of all orders: for payers, and the control.
struct Doors {
    of_merchants: Vec<(Providers, Router)>,
    of_all: Router,
}

/// The router of all merchants.
pub(crate) fn router(providers: &Providers) -> Router {
    let of_all = routes(providers.clone());
    if providers.inner.merchants.len() == 1 {
        return of_all;
    }
    let met = (0..providers.inner.merchants.len()).map(|merchant| providers.met_by(merchant));
    let of_merchants = met.map(|met| (met.clone(), routes(met))).collect();
    let doors = Arc::new(Doors { of_merchants, of_all });
    let enter = any(move |request: Request| enter(doors.clone(), request));
    Router::new().route("/", enter.clone()).route("/{*path}", enter)
}

async fn enter(doors: Arc<Doors>, request: Request) -> Response {
    let (mut parts, body) = request.into_parts();
    // Behind the door the path is matched anew.
    parts.extensions.clear();
    let Ok(body) = to_bytes(body, MAX_BODY_BYTES).await else {
        return StatusCode::PAYLOAD_TOO_LARGE.into_response();
    };
    let path = parts.uri.path().trim_start_matches('/');
    let (segment, rest) = path.split_at(path.find('/').unwrap_or(path.len()));
    let provider = Provider::from_name(segment).filter(|_| rest != "/pay-page");
    let door = match provider {
        None => &doors.of_all,
        Some(provider) => {
            let is_theirs = |(met, _): &&(Providers, Router)| {
                met.is_called_by_its_merchant(provider, rest, &parts, &body)
            };
            // Who proves nothing is refused there.
            let found = doors.of_merchants.iter().find(is_theirs).or(doors.of_merchants.first());
            found.map_or(&doors.of_all, |(_, door)| door)
        }
    };
    match door.clone().oneshot(Request::from_parts(parts, Body::from(body))).await {
        Ok(answer) => answer,
        Err(never) => match never {},
    }
}
