//! Stripe: Checkout Sessions, over a form-encoded API with idempotency keys.

pub(crate) mod refunds;
pub(crate) mod wire;

use std::collections::HashMap;
use std::sync::{Mutex, MutexGuard, PoisonError};

use axum::body::Bytes;
use axum::extract::{Path, State};
use axum::http::{HeaderMap, StatusCode, header};
use axum::response::{IntoResponse, Response};
use axum::routing::{get, post};
use axum::{Json, Router};
use secrecy::ExposeSecret;
use serde_json::{Value, json};
use sha2::{Digest, Sha256};
use subtle::ConstantTimeEq;

use super::Providers;
use super::form::Fields;
use super::http::page::{Problem, problem};
use super::http::{pay, strike};
use super::ledger::{Key, Opened};
use super::order::{Said, Statement};
use super::provider::Provider;

/// The longest idempotency key.
const MAX_KEY_BYTES: usize = 255;

/// The pages of sessions.
pub(crate) const PAGES: &str = "/c/pay/";

pub(crate) fn router() -> Router<Providers> {
    Router::new()
        .route("/c/pay/{id}", get(page))
        .route("/v1/checkout/sessions", post(create))
        .route("/v1/checkout/sessions/{id}", get(retrieve))
        .route("/v1/checkout/sessions/{id}/expire", post(expire))
        .route("/v1/refunds", post(refunds::create).get(refunds::list))
        .route("/v1/refunds/{id}", get(refunds::retrieve))
}

/// The first answers to requests with a key, by the key, with the digest of the parameters.
#[derive(Debug, Default)]
pub(crate) struct IdempotencyKeys(Mutex<HashMap<String, ([u8; 32], Value)>>);

impl IdempotencyKeys {
    pub(crate) fn lock(&self) -> MutexGuard<'_, HashMap<String, ([u8; 32], Value)>> {
        self.0.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

/// A refusal in Stripe's words.
#[derive(Debug, Clone)]
struct Refused {
    status: StatusCode,
    kind: &'static str,
    code: Option<&'static str>,
    message: String,
}

impl Refused {
    fn invalid(code: Option<&'static str>, message: impl Into<String>) -> Refused {
        let (status, kind) = (StatusCode::BAD_REQUEST, "invalid_request_error");
        Refused { status, kind, code, message: message.into() }
    }

    fn full() -> Refused {
        let full = Refused::invalid(None, "The simulator's books are full.");
        Refused { status: StatusCode::INTERNAL_SERVER_ERROR, kind: "api_error", ..full }
    }

    fn other_parameters() -> Refused {
        let message = "Keys for idempotent requests can only be used with the same parameters they were first used with.";
        Refused { kind: "idempotency_error", ..Refused::invalid(None, message) }
    }

    fn missing(session: &str) -> Refused {
        let message = format!("No such checkout.session: {session}");
        Refused { status: StatusCode::NOT_FOUND, ..Refused::invalid(Some("resource_missing"), message) }
    }
}

impl IntoResponse for Refused {
    fn into_response(self) -> Response {
        let mut error = json!({ "type": self.kind, "message": self.message });
        if let Some(code) = self.code {
            error["code"] = code.into();
        }
        (self.status, Json(json!({ "error": error }))).into_response()
    }
}

pub(crate) fn is_from(providers: &Providers, headers: &HeaderMap) -> bool {
    check_key(providers, headers).is_ok()
}

/// Whether a call carries the account's secret key.
fn check_key(providers: &Providers, headers: &HeaderMap) -> Result<(), Refused> {
    let given = headers.get(header::AUTHORIZATION).and_then(|value| value.to_str().ok()).unwrap_or_default();
    let key = given.strip_prefix("Bearer ").unwrap_or_default();
    let secret = providers.accounts().stripe.secret_key.expose_secret();
    if bool::from(secret.as_bytes().ct_eq(key.as_bytes())) {
        return Ok(());
    }
    let wrong = Refused::invalid(None, "Invalid API Key provided");
    Err(Refused { status: StatusCode::UNAUTHORIZED, ..wrong })
}

/// `POST /v1/checkout/sessions`: opens a session.
async fn create(State(providers): State<Providers>, headers: HeaderMap, body: Bytes) -> Response {
    let fields = Fields::decode(&body).map_err(|bad| Refused::invalid(None, bad.to_string()));
    let order =
        fields.as_ref().map(|fields| fields.get("client_reference_id").to_owned()).unwrap_or_default();
    let strike = providers.strike(Provider::Stripe, &order);
    let created = check_key(&providers, &headers)
        .and(fields)
        .and_then(|fields| open(&providers, &headers, &body, &fields));
    let answer = created.map_or_else(Refused::into_response, |session| Json(session).into_response());
    strike::carry_out(&providers, strike, answer).await
}

/// Opens a session, or repeats the answer to the first request with this key.
fn open(providers: &Providers, headers: &HeaderMap, body: &[u8], fields: &Fields) -> Result<Value, Refused> {
    let key = headers.get("idempotency-key").and_then(|value| value.to_str().ok()).unwrap_or_default();
    if key.len() > MAX_KEY_BYTES {
        return Err(Refused::invalid(None, "Idempotency keys may only be up to 255 characters."));
    }
    let digest: [u8; 32] = Sha256::digest(body).into();
    let mut keys = providers.inner.stripe_keys.lock();
    // Each account has its own.
    let kept_as = format!("{}\n{key}", providers.accounts().name);
    match keys.get(&kept_as).filter(|_| !key.is_empty()) {
        Some((first, answer)) if *first == digest => return Ok(answer.clone()),
        Some(_) => return Err(Refused::other_parameters()),
        None => {}
    }
    let session = open_new(providers, fields)?;
    // A refused request was not begun, and is not kept.
    keys.insert(kept_as, (digest, session.clone()));
    Ok(session)
}

fn open_new(providers: &Providers, fields: &Fields) -> Result<Value, Refused> {
    let account = &providers.accounts().stripe;
    let mut terms = wire::terms(account, fields, providers.now_ms())?;
    // A reference may be used again: that is another session.
    let reference = terms.id.clone();
    let mut number = 1_u32;
    while providers.look(&(Provider::Stripe, terms.id.clone())).is_some() {
        number += 1;
        terms.id = format!("{reference}#{number}");
    }
    match providers.open(terms) {
        Opened::Order(order) => Ok(wire::session(&Statement::told(&order, None), &pages(providers))),
        Opened::OtherTerms | Opened::Full => Err(Refused::full()),
    }
}

/// `GET /v1/checkout/sessions/{id}`
async fn retrieve(
    State(providers): State<Providers>,
    Path(id): Path<String>,
    headers: HeaderMap,
) -> Response {
    let key = wire::order_of(&id).map(|order| (Provider::Stripe, order));
    answered(&providers, &id, key, &headers, |providers, key| {
        let found = providers.status_asked(key.0, &key.1)?;
        let statement = Statement::answered(&found.order, found.twist);
        (statement.said != Said::NotFound).then(|| Ok(wire::session(&statement, &pages(providers))))
    })
    .await
}

/// `POST /v1/checkout/sessions/{id}/expire`: closes a session that is open.
async fn expire(State(providers): State<Providers>, Path(id): Path<String>, headers: HeaderMap) -> Response {
    let key = wire::order_of(&id).map(|order| (Provider::Stripe, order));
    answered(&providers, &id, key, &headers, |providers, key| {
        let (found, was_open) = providers.expire(key)?;
        let statement = Statement::answered(&found.order, found.twist);
        if statement.said == Said::NotFound {
            return None;
        }
        let refused =
            Refused::invalid(None, "Only Checkout Sessions with a status in [\"open\"] can be expired.");
        Some(if was_open { Ok(wire::session(&statement, &pages(providers))) } else { Err(refused) })
    })
    .await
}

/// Where the pages of sessions are.
fn pages(providers: &Providers) -> String {
    format!("{}/stripe/c/pay", providers.inner.settings.public_url.trim_end_matches('/'))
}

/// `GET /c/pay/{id}`: leads the payer to the page of a session.
async fn page(State(providers): State<Providers>, Path(id): Path<String>) -> Response {
    let key = wire::order_of(&id).map(|order| (Provider::Stripe, order));
    match key.filter(|key| providers.look(key).is_some()) {
        Some(key) => pay::send_to_page(&providers, Provider::Stripe, Ok(key)),
        None => problem(&providers, Provider::Stripe, Problem::NoSuchPage),
    }
}

/// The answer to a call about a session; `work` finds none for one that is not known.
async fn answered(
    providers: &Providers,
    id: &str,
    key: Option<Key>,
    headers: &HeaderMap,
    work: impl FnOnce(&Providers, &Key) -> Option<Result<Value, Refused>>,
) -> Response {
    let strike = providers.strike(Provider::Stripe, key.as_ref().map_or("", |key| &key.1));
    let answer = check_key(providers, headers).and_then(|()| {
        key.and_then(|key| work(providers, &key)).unwrap_or_else(|| Err(Refused::missing(id)))
    });
    let answer = answer.map_or_else(Refused::into_response, |session| Json(session).into_response());
    strike::carry_out(providers, strike, answer).await
}
