//! Razorpay: payment links, the attempts to pay them, and refunds.

pub(crate) mod refunds;
mod wire;

use std::collections::BTreeMap;

use axum::body::Bytes;
use axum::extract::{Path, RawQuery, State};
use axum::http::{HeaderMap, StatusCode, header};
use axum::response::{IntoResponse, Response};
use axum::routing::{get, post};
use axum::{Json, Router};
use base64::Engine as _;
use base64::engine::general_purpose::STANDARD;
use secrecy::ExposeSecret;
use serde::Deserialize;
use serde_json::{Map, Value, json};
use subtle::ConstantTimeEq;

pub(crate) use wire::{way_back, webhook};

use super::Providers;
use super::desk::Found;
use super::form::{Fields, is_address};
use super::http::strike;
use super::ledger::{Key, Opened};
use super::order::{ReturnTo, Said, Statement, Terms};
use super::provider::{Protocol, Provider};
use crate::money::Amount;

/// The smallest amount, in paise.
const MIN_PAISE: i64 = 100;
/// The longest reference and description, in characters.
const MAX_REFERENCE: usize = 40;
const MAX_DESCRIPTION: usize = 2_048;
/// The notes of a link, and the longest of them, in characters.
const MAX_NOTES: usize = 15;
const MAX_NOTE: usize = 256;
/// How far ahead a link may expire, in milliseconds: 15 minutes to six months.
const LIFE_MS: std::ops::RangeInclusive<i64> = 900_000..=184 * 86_400_000;

pub(crate) fn router() -> Router<Providers> {
    Router::new()
        .route("/v1/payment_links", post(create).get(list))
        .route("/v1/payment_links/{link}", get(link))
        .route("/v1/payment_links/{link}/cancel", post(cancel))
        .route("/v1/orders/{order}/payments", get(attempts))
        .route("/v1/payments/{payment}/refund", post(refunds::create))
        .route("/v1/payments/{payment}/refunds", get(refunds::list))
        .route("/v1/refunds/{refund}", get(refunds::retrieve))
}

#[derive(Debug, Clone, Copy)]
struct Refused {
    status: StatusCode,
    code: &'static str,
    description: &'static str,
    field: Option<&'static str>,
}

impl Refused {
    const fn input(field: &'static str, description: &'static str) -> Refused {
        Refused {
            status: StatusCode::BAD_REQUEST,
            code: "BAD_REQUEST_ERROR",
            description,
            field: Some(field),
        }
    }

    const fn request(description: &'static str) -> Refused {
        Refused { field: None, ..Refused::input("", description) }
    }

    const NO_SUCH_ID: Refused = Refused::request("The id provided does not exist");
    const UNAUTHORIZED: Refused =
        Refused { status: StatusCode::UNAUTHORIZED, ..Refused::request("Authentication failed") };
    const FULL: Refused = Refused {
        status: StatusCode::INTERNAL_SERVER_ERROR,
        code: "SERVER_ERROR",
        ..Refused::request("The simulator's books are full")
    };
}

impl IntoResponse for Refused {
    fn into_response(self) -> Response {
        let mut error = json!({
            "code": self.code,
            "description": self.description,
            "source": "business",
            "step": "payment_initiation",
            "reason": "input_validation_failed",
            "metadata": {},
        });
        if let Some(field) = self.field {
            error["field"] = field.into();
        }
        (self.status, Json(json!({ "error": error }))).into_response()
    }
}

pub(crate) fn is_from(providers: &Providers, headers: &HeaderMap) -> bool {
    authorize(providers, headers).is_ok()
}

/// Whether a call comes with the key id and the key secret.
fn authorize(providers: &Providers, headers: &HeaderMap) -> Result<(), Refused> {
    let account = &providers.accounts().razorpay;
    let given = headers.get(header::AUTHORIZATION).and_then(|value| value.to_str().ok()).unwrap_or_default();
    let given = given.strip_prefix("Basic ").and_then(|text| STANDARD.decode(text).ok()).unwrap_or_default();
    let expected = format!("{}:{}", account.key_id, account.key_secret.expose_secret());
    if bool::from(expected.as_bytes().ct_eq(&given)) { Ok(()) } else { Err(Refused::UNAUTHORIZED) }
}

fn key_of(reference: &str) -> Key {
    (Provider::Razorpay, reference.to_owned())
}

#[derive(Deserialize)]
struct NewLink {
    amount: i64,
    currency: String,
    #[serde(default)]
    accept_partial: bool,
    reference_id: String,
    #[serde(default)]
    description: String,
    customer: Option<Customer>,
    expire_by: i64,
    #[serde(default)]
    notes: Map<String, Value>,
    callback_url: String,
    callback_method: String,
}

#[derive(Deserialize)]
struct Customer {
    #[serde(default)]
    contact: String,
}

/// The amount of a request that can be used.
fn check(link: &NewLink, now_ms: i64) -> Result<Amount, Refused> {
    let contact = link.customer.as_ref().map_or("", |customer| customer.contact.as_str());
    let digits = contact.strip_prefix('+').unwrap_or(contact);
    let is_number = (8..=14).contains(&digits.len()) && digits.bytes().all(|byte| byte.is_ascii_digit());
    let is_note = |value: &Value| value.as_str().is_some_and(|text| text.chars().count() <= MAX_NOTE);
    let life_ms = link.expire_by.saturating_mul(1_000).saturating_sub(now_ms);
    let amount = Amount::of_paise(link.amount)
        .filter(|amount| amount.minor >= MIN_PAISE)
        .ok_or(Refused::input("amount", "The amount must be atleast INR 1.00"))?;
    if link.currency != "INR" || link.accept_partial {
        return Err(Refused::input("currency", "Only whole payments in rupees are simulated"));
    }
    if !(1..=MAX_REFERENCE).contains(&link.reference_id.chars().count()) {
        return Err(Refused::input(
            "reference_id",
            "The reference id may not be greater than 40 characters.",
        ));
    }
    if link.description.chars().count() > MAX_DESCRIPTION || link.description.chars().any(char::is_control) {
        return Err(Refused::input("description", "The description cannot be used"));
    }
    if !(contact.is_empty() || is_number) {
        return Err(Refused::input("customer.contact", "Contact number is not valid"));
    }
    if !LIFE_MS.contains(&life_ms) {
        return Err(Refused::input(
            "expire_by",
            "expire_by should be at least 15 minutes after current time",
        ));
    }
    if link.notes.len() > MAX_NOTES || !link.notes.values().all(is_note) {
        return Err(Refused::input("notes", "The notes cannot be used"));
    }
    if link.callback_method != "get" || !is_address(&link.callback_url) {
        return Err(Refused::input("callback_url", "The callback url or method cannot be used"));
    }
    Ok(amount)
}

/// `POST /v1/payment_links`: opens a link; its reference is used once.
async fn create(State(providers): State<Providers>, headers: HeaderMap, body: Bytes) -> Response {
    let link = serde_json::from_slice::<NewLink>(&body);
    let reference = link.as_ref().map(|link| link.reference_id.clone()).unwrap_or_default();
    let strike = providers.strike(Provider::Razorpay, &reference);
    let opened = authorize(&providers, &headers)
        .and_then(|()| link.map_err(|_| Refused::request("The request cannot be read")))
        .and_then(|link| open(&providers, link));
    let answer = opened.unwrap_or_else(Refused::into_response);
    strike::carry_out(&providers, strike, answer).await
}

fn open(providers: &Providers, link: NewLink) -> Result<Response, Refused> {
    const TAKEN: Refused =
        Refused::input("reference_id", "payment link with given reference_id already exists");
    let now_ms = providers.now_ms();
    let amount = check(&link, now_ms)?;
    let key = key_of(&link.reference_id);
    if providers.look(&key).is_some() {
        return Err(TAKEN);
    }
    let terms = Terms {
        protocol: Protocol::RazorpayLink,
        id: link.reference_id,
        amount,
        return_to: ReturnTo::Get(link.callback_url),
        notify_url: providers.accounts().razorpay.webhook_url.clone(),
        echo: BTreeMap::new(),
        life_ms: Some(link.expire_by.saturating_mul(1_000).saturating_sub(now_ms)),
    };
    match providers.open(terms) {
        Opened::Order(order) => {
            Ok(Json(wire::link(providers, &Statement::told(&order, None), 0)).into_response())
        }
        Opened::OtherTerms => Err(TAKEN),
        Opened::Full => Err(Refused::FULL),
    }
}

/// A call about an existing order: its answer, and its fault.
async fn about(
    providers: &Providers,
    headers: &HeaderMap,
    reference: Option<String>,
    answer: impl FnOnce(&Found) -> Result<Response, Refused>,
) -> Response {
    let reference = reference.unwrap_or_default();
    let strike = providers.strike(Provider::Razorpay, &reference);
    let answer = authorize(providers, headers).and_then(|()| {
        let found = providers.status_asked(Provider::Razorpay, &reference).ok_or(Refused::NO_SUCH_ID)?;
        match Statement::answered(&found.order, found.twist).said {
            Said::NotFound => Err(Refused::NO_SUCH_ID),
            Said::Open | Said::Pending | Said::Paid | Said::Declined | Said::Expired | Said::Gibberish => {
                answer(&found)
            }
        }
    });
    strike::carry_out(providers, strike, answer.unwrap_or_else(Refused::into_response)).await
}

fn shown(providers: &Providers, found: &Found) -> Value {
    wire::link(
        providers,
        &Statement::answered(&found.order, found.twist),
        wire::refunded(providers, &found.order),
    )
}

/// `GET /v1/payment_links?reference_id=`
async fn list(State(providers): State<Providers>, headers: HeaderMap, RawQuery(query): RawQuery) -> Response {
    let reference = Fields::decode(query.unwrap_or_default().as_bytes())
        .map(|fields| fields.get("reference_id").to_owned())
        .unwrap_or_default();
    let strike = providers.strike(Provider::Razorpay, &reference);
    let answer = authorize(&providers, &headers).and_then(|()| {
        if reference.is_empty() {
            return Err(Refused::input("reference_id", "Links are listed by their reference"));
        }
        let found = providers.status_asked(Provider::Razorpay, &reference);
        let is_told = |found: &Found| Statement::answered(&found.order, found.twist).said != Said::NotFound;
        let links: Vec<_> =
            found.iter().filter(|found| is_told(found)).map(|found| shown(&providers, found)).collect();
        Ok(Json(json!({ "payment_links": links })).into_response())
    });
    strike::carry_out(&providers, strike, answer.unwrap_or_else(Refused::into_response)).await
}

/// `GET /v1/payment_links/{link}`
async fn link(State(providers): State<Providers>, Path(id): Path<String>, headers: HeaderMap) -> Response {
    about(&providers, &headers, wire::reference_of(&id, wire::LINK), |found| {
        Ok(Json(shown(&providers, found)).into_response())
    })
    .await
}

/// `GET /v1/orders/{order}/payments`
async fn attempts(
    State(providers): State<Providers>,
    Path(id): Path<String>,
    headers: HeaderMap,
) -> Response {
    about(&providers, &headers, wire::reference_of(&id, wire::ORDER), |found| {
        let items = wire::attempts(
            &Statement::answered(&found.order, found.twist),
            wire::refunded(&providers, &found.order),
        );
        Ok(Json(json!({ "entity": "collection", "count": items.len(), "items": items })).into_response())
    })
    .await
}

/// `POST /v1/payment_links/{link}/cancel`: only an open link without an attempt can be cancelled.
async fn cancel(State(providers): State<Providers>, Path(id): Path<String>, headers: HeaderMap) -> Response {
    about(&providers, &headers, wire::reference_of(&id, wire::LINK), |found| {
        match providers.expire(&key_of(&found.order.terms.id)) {
            Some((closed, true)) => Ok(Json(shown(&providers, &closed)).into_response()),
            Some((_, false)) | None => {
                Err(Refused::request("Payment Link cannot be cancelled in its present status"))
            }
        }
    })
    .await
}
