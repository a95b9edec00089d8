//! Hyperswitch: payments with links, named by the merchant.

pub(crate) mod refunds;
pub(crate) mod wire;

use std::collections::HashMap;
use std::sync::{Mutex, MutexGuard, PoisonError};

use axum::body::Bytes;
use axum::extract::{Path, State};
use axum::http::{HeaderMap, StatusCode};
use axum::response::{IntoResponse, Response};
use axum::routing::{get, post};
use axum::{Json, Router};
use secrecy::ExposeSecret;
use serde_json::{Value, json};
use subtle::ConstantTimeEq;

use super::Providers;
use super::http::strike;
use super::ledger::{Key, Opened};
use super::order::{Said, Statement};
use super::provider::Provider;

pub(crate) fn router() -> Router<Providers> {
    Router::new()
        .route("/payments", post(create))
        .route("/payments/{id}", get(retrieve))
        .route("/payments/{id}/cancel", post(cancel))
        .route("/refunds", post(refunds::create))
        .route("/refunds/{id}", get(refunds::retrieve))
}

/// The orders by the merchant's number of their payment. The books know them by the merchant's reference.
#[derive(Debug, Default)]
pub(crate) struct PaymentIds(Mutex<HashMap<String, String>>);

impl PaymentIds {
    pub(crate) fn lock(&self) -> MutexGuard<'_, HashMap<String, String>> {
        self.0.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

/// A refusal in the router's words.
#[derive(Debug, Clone)]
struct Refused {
    status: StatusCode,
    code: &'static str,
    message: String,
}

impl Refused {
    fn invalid(message: impl Into<String>) -> Refused {
        Refused { status: StatusCode::BAD_REQUEST, code: "IR_06", message: message.into() }
    }

    fn full() -> Refused {
        let message = "The simulator's books are full.".to_owned();
        Refused { status: StatusCode::INTERNAL_SERVER_ERROR, code: "HE_00", message }
    }

    fn unknown() -> Refused {
        let message = "Payment does not exist in our records".to_owned();
        Refused { status: StatusCode::NOT_FOUND, code: "HE_02", message }
    }
}

impl IntoResponse for Refused {
    fn into_response(self) -> Response {
        let error = json!({ "type": "invalid_request", "message": self.message, "code": self.code });
        (self.status, Json(json!({ "error": error }))).into_response()
    }
}

pub(crate) fn is_from(providers: &Providers, headers: &HeaderMap) -> bool {
    check_key(providers, headers).is_ok()
}

/// Whether a call carries the merchant's API key.
fn check_key(providers: &Providers, headers: &HeaderMap) -> Result<(), Refused> {
    let given = headers.get("api-key").and_then(|value| value.to_str().ok()).unwrap_or_default();
    let key = providers.accounts().hyperswitch.api_key.expose_secret();
    if bool::from(key.as_bytes().ct_eq(given.as_bytes())) {
        return Ok(());
    }
    let message = "API key not provided or invalid API key used".to_owned();
    Err(Refused { status: StatusCode::UNAUTHORIZED, code: "IR_01", message })
}

fn answered(answer: Result<Value, Refused>) -> Response {
    answer.map_or_else(Refused::into_response, |payment| Json(payment).into_response())
}

/// `POST /payments`
async fn create(State(providers): State<Providers>, headers: HeaderMap, body: Bytes) -> Response {
    let asked = wire::NewPayment::read(&body);
    let order = asked.as_ref().map(|asked| asked.order().to_owned()).unwrap_or_default();
    let strike = providers.strike(Provider::Hyperswitch, &order);
    let created = check_key(&providers, &headers).and(asked).and_then(|asked| open(&providers, &asked));
    strike::carry_out(&providers, strike, answered(created)).await
}

/// Opens a payment, unless there is one of its number.
fn open(providers: &Providers, asked: &wire::NewPayment) -> Result<Value, Refused> {
    let account = &providers.accounts().hyperswitch;
    let terms = wire::terms(account, asked)?;
    let key = (Provider::Hyperswitch, terms.id.clone());
    let mut ids = providers.inner.hyperswitch_ids.lock();
    if ids.contains_key(&asked.payment_id) {
        let message = "The payment with the specified payment_id already exists in our records".to_owned();
        return Err(Refused { code: "HE_01", ..Refused::invalid(message) });
    }
    if providers.look(&key).is_some() {
        return Err(Refused::invalid("The simulator keeps one payment of each reference."));
    }
    match providers.open(terms) {
        Opened::Order(order) => {
            ids.insert(asked.payment_id.clone(), key.1.clone());
            Ok(payment(providers, &Statement::told(&order, None)))
        }
        Opened::OtherTerms | Opened::Full => Err(Refused::full()),
    }
}

fn payment(providers: &Providers, statement: &Statement<'_>) -> Value {
    let link = providers.pay_page_url(&(Provider::Hyperswitch, statement.order.terms.id.clone()));
    wire::payment(&providers.accounts().hyperswitch, statement, Some(&link))
}

fn key_of(providers: &Providers, id: &str) -> Option<Key> {
    providers.inner.hyperswitch_ids.lock().get(id).map(|order| (Provider::Hyperswitch, order.clone()))
}

/// `GET /payments/{id}?force_sync=`: the simulator always synchronises.
async fn retrieve(
    State(providers): State<Providers>,
    Path(id): Path<String>,
    headers: HeaderMap,
) -> Response {
    let key = key_of(&providers, &id);
    let strike = providers.strike(Provider::Hyperswitch, key.as_ref().map_or("", |key| &key.1));
    let found = check_key(&providers, &headers).and_then(|()| {
        let found = key.and_then(|key| providers.status_asked(key.0, &key.1)).ok_or_else(Refused::unknown)?;
        let statement = Statement::answered(&found.order, found.twist);
        if statement.said == Said::NotFound {
            Err(Refused::unknown())
        } else {
            Ok(payment(&providers, &statement))
        }
    });
    strike::carry_out(&providers, strike, answered(found)).await
}

/// `POST /payments/{id}/cancel`: of a payment that was not begun.
async fn cancel(State(providers): State<Providers>, Path(id): Path<String>, headers: HeaderMap) -> Response {
    let key = key_of(&providers, &id);
    let strike = providers.strike(Provider::Hyperswitch, key.as_ref().map_or("", |key| &key.1));
    let cancelled = check_key(&providers, &headers).and_then(|()| {
        let (found, was_open) = key.and_then(|key| providers.expire(&key)).ok_or_else(Refused::unknown)?;
        let statement = Statement::answered(&found.order, found.twist);
        match was_open {
            true => Ok(payment(&providers, &statement)),
            false => {
                let status = wire::status(&statement);
                let message = format!("You cannot cancel this payment because it has status {status}");
                Err(Refused { code: "IR_16", ..Refused::invalid(message) })
            }
        }
    });
    strike::carry_out(&providers, strike, answered(cancelled)).await
}
