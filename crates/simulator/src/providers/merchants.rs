//! Several merchants: a request is answered as the merchant is whose keys it proves to have.

use std::borrow::Cow;
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
use super::order::Statement;
use super::provider::Provider;
use super::settings::Merchant;
use super::{Providers, axis, ccavenue, hyperswitch, paytm, payu, phonepe, razorpay, stripe};

impl Providers {
    /// The accounts of the merchant that meets them; the first one's for who sees all orders.
    pub(crate) fn accounts(&self) -> &Merchant {
        // The first one is always there.
        &self.inner.merchants[self.merchant.unwrap_or_default()]
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

    /// The accounts that a message about an order is signed with: those of its merchant. One that is not genuine bears
    /// the signature of another merchant, where there is one, with the ids of its own.
    pub(crate) fn signing<'a>(&'a self, statement: Statement<'a>) -> (Cow<'a, Merchant>, Statement<'a>) {
        let merchants = &self.inner.merchants;
        let own = merchants.get(statement.order.merchant).unwrap_or_else(|| self.accounts());
        let other =
            merchants.iter().skip(statement.order.merchant).chain(merchants).find(|it| it.name != own.name);
        match other {
            Some(other) if !statement.genuine => {
                (Cow::Owned(own.with_keys_of(other)), Statement { genuine: true, ..statement })
            }
            Some(_) | None => (Cow::Borrowed(own), statement),
        }
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

impl Merchant {
    /// The same merchant by its ids, with the keys of another.
    #[must_use]
    pub fn with_keys_of(&self, other: &Merchant) -> Merchant {
        let mut mixed = self.clone();
        mixed.axis.secret_hex = other.axis.secret_hex.clone();
        mixed.axis.password = other.axis.password.clone();
        mixed.ccavenue.working_key = other.ccavenue.working_key.clone();
        mixed.ccavenue.api_working_key = other.ccavenue.api_working_key.clone();
        mixed.hyperswitch.api_key = other.hyperswitch.api_key.clone();
        mixed.hyperswitch.hash_key = other.hyperswitch.hash_key.clone();
        mixed.paytm.key = other.paytm.key.clone();
        mixed.phonepe.salt_key = other.phonepe.salt_key.clone();
        mixed.phonepe.client_secret = other.phonepe.client_secret.clone();
        mixed.phonepe.webhook_password = other.phonepe.webhook_password.clone();
        mixed.payu.salt = other.payu.salt.clone();
        mixed.razorpay.key_secret = other.razorpay.key_secret.clone();
        mixed.razorpay.webhook_secret = other.razorpay.webhook_secret.clone();
        mixed.stripe.secret_key = other.stripe.secret_key.clone();
        mixed.stripe.webhook_secret = other.stripe.webhook_secret.clone();
        mixed
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
    // A payer has no keys.
    let is_page =
        rest == "/pay-page" || (segment == Provider::Stripe.path() && rest.starts_with(stripe::PAGES));
    let provider = Provider::from_name(segment).filter(|_| !is_page);
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
