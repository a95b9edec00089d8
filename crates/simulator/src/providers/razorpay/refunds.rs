//! Refunds of payments, with idempotency keys.

use axum::Json;
use axum::body::Bytes;
use axum::extract::{Path, RawQuery, State};
use axum::http::HeaderMap;
use axum::response::{IntoResponse, Response};
use serde::Deserialize;
use serde_json::{Value, json};
use sha2::{Digest, Sha256};

use super::{Refused, authorize, wire};
use crate::courier::Message;
use crate::money::Amount;
use crate::providers::Providers;
use crate::providers::form::Fields;
use crate::providers::http::strike;
use crate::providers::ledger::Key;
use crate::providers::provider::Provider;
use crate::providers::refunds::books::NotBooked;
use crate::providers::refunds::desk::{FoundRefund, RefundAsked};
use crate::providers::refunds::{Refund, RefundSaid, RefundState, RefundStatement, RefundWish, WhyRefused};

/// The smallest refund, in paise.
const MIN_PAISE: i64 = 100;
/// The longest receipt, in characters, and the shortest idempotency key.
const MAX_RECEIPT: usize = 40;
const MIN_KEY: usize = 10;
/// The default and the maximal number of refunds in a list.
const DEFAULT_COUNT: usize = 10;
const MAX_COUNT: usize = 100;

const REFUND: &str = "rfnd_";

const NO_BALANCE: Refused =
    Refused::request("Your account does not have enough balance to carry out the refund operation.");

#[derive(Deserialize)]
struct NewRefund {
    /// Without it all that is left.
    amount: Option<i64>,
    receipt: Option<String>,
    speed: Option<String>,
}

/// The payment with this id.
fn payment_of(providers: &Providers, id: &str) -> Option<Key> {
    providers.order_with_payment_number(Provider::Razorpay, wire::payment_number(id)?)
}

/// `POST /v1/payments/{payment}/refund`
pub(super) async fn create(
    State(providers): State<Providers>,
    Path(id): Path<String>,
    headers: HeaderMap,
    body: Bytes,
) -> Response {
    let payment = payment_of(&providers, &id);
    let asked = serde_json::from_slice::<NewRefund>(&body);
    let receipt = asked.as_ref().ok().and_then(|asked| asked.receipt.clone()).unwrap_or_default();
    let made = authorize(&providers, &headers).and_then(|()| {
        let payment = payment.clone().ok_or(Refused::NO_SUCH_ID)?;
        let asked = asked.map_err(|_| Refused::request("The request cannot be read"))?;
        refund(&providers, payment, &headers, &asked, &body)
    });
    let answer = match made {
        Ok(Some(entity)) => Json(entity).into_response(),
        Ok(None) => return crate::cut(),
        Err(refused) => refused.into_response(),
    };
    let payment = payment.unwrap_or((Provider::Razorpay, String::new()));
    strike::carry_out(&providers, providers.refund_strike(&payment, &receipt, true), answer).await
}

/// Makes a refund, or repeats the answer to the first request with this key; `None` where the request never arrives.
fn refund(
    providers: &Providers,
    payment: Key,
    headers: &HeaderMap,
    asked: &NewRefund,
    body: &[u8],
) -> Result<Option<Value>, Refused> {
    let key = headers.get("x-refund-idempotency").and_then(|value| value.to_str().ok());
    let is_key = |key: &str| {
        key.len() >= MIN_KEY && key.bytes().all(|byte| byte.is_ascii_alphanumeric() || b"-_".contains(&byte))
    };
    if key.is_some_and(|key| !is_key(key)) {
        return Err(Refused::request("The idempotency key is not valid"));
    }
    let digest: [u8; 32] = Sha256::digest(body).into();
    let mut keys = providers.inner.razorpay_keys.lock();
    match key.and_then(|key| keys.get(key)) {
        Some((first, entity)) if *first == digest => return Ok(Some(entity.clone())),
        Some(_) => return Err(Refused::request("Different request with the same idempotency key")),
        None => {}
    }
    let entity = refund_new(providers, payment, asked)?;
    if let (Some(key), Some(entity)) = (key, &entity) {
        keys.insert(key.to_owned(), (digest, entity.clone()));
    }
    Ok(entity)
}

fn refund_new(providers: &Providers, payment: Key, asked: &NewRefund) -> Result<Option<Value>, Refused> {
    const NOT_CAPTURED: Refused =
        Refused::request("The payment status should be captured for action to be taken");
    let taken = providers.look(&payment).and_then(|found| found.order.taken).ok_or(NOT_CAPTURED)?;
    let left = taken.minor.saturating_sub(providers.ledger().refunds.counted(&payment));
    if left == 0 {
        return Err(Refused::request("The payment has been fully refunded already"));
    }
    let amount = Amount::of_paise(asked.amount.unwrap_or(left))
        .filter(|amount| amount.minor >= MIN_PAISE)
        .ok_or(Refused::input("amount", "The amount must be atleast INR 1.00"))?;
    let receipt = asked.receipt.clone().unwrap_or_default();
    if receipt.chars().count() > MAX_RECEIPT {
        return Err(Refused::input("receipt", "The receipt may not be greater than 40 characters."));
    }
    if asked.speed.as_deref().is_some_and(|speed| !["normal", "optimum"].contains(&speed)) {
        return Err(Refused::input("speed", "The speed is not valid"));
    }
    let wish = RefundWish {
        payment,
        id: receipt,
        amount,
        notify_url: providers.accounts().razorpay.webhook_url.clone(),
        // Only the key keeps a refund from being made twice.
        ids_repeat: true,
        waits_for_balance: false,
    };
    match providers.refund(wish) {
        RefundAsked::Booked(found) | RefundAsked::Known(found) => match found.refund.state {
            RefundState::Refused(WhyRefused::Balance) => Err(NO_BALANCE),
            RefundState::Refused(WhyRefused::Bank)
            | RefundState::Pending { .. }
            | RefundState::Done { .. }
            | RefundState::Returned => Ok(Some(entity(&RefundStatement::told(&found.refund, found.twist)))),
        },
        RefundAsked::Not(NotBooked::NotPaid) => Err(NOT_CAPTURED),
        RefundAsked::Not(NotBooked::Exceeds) => {
            Err(Refused::request("The total refund amount is greater than the refund payment amount"))
        }
        RefundAsked::Not(NotBooked::Full) => Err(Refused::FULL),
        RefundAsked::Lost => Ok(None),
    }
}

/// Whether a refund was made at all: one for which the balance did not suffice was not.
fn is_made(found: &FoundRefund) -> bool {
    found.refund.state != RefundState::Refused(WhyRefused::Balance)
        && RefundStatement::answered(&found.refund, found.twist).said != RefundSaid::NotFound
}

/// `GET /v1/refunds/{refund}`
pub(super) async fn retrieve(
    State(providers): State<Providers>,
    Path(id): Path<String>,
    headers: HeaderMap,
) -> Response {
    let number = id.strip_prefix(REFUND).and_then(|number| number.parse().ok());
    let found = number.and_then(|number| providers.refund_with_number(Provider::Razorpay, number));
    let strike = found
        .as_ref()
        .and_then(|found| providers.refund_strike(&found.refund.wish.payment, &found.refund.wish.id, false));
    let answer = authorize(&providers, &headers).and_then(|()| {
        let found = found.filter(is_made).ok_or(Refused::NO_SUCH_ID)?;
        Ok(Json(entity(&RefundStatement::answered(&found.refund, found.twist))).into_response())
    });
    strike::carry_out(&providers, strike, answer.unwrap_or_else(Refused::into_response)).await
}

/// `GET /v1/payments/{payment}/refunds?count=&skip=`
pub(super) async fn list(
    State(providers): State<Providers>,
    Path(id): Path<String>,
    RawQuery(query): RawQuery,
    headers: HeaderMap,
) -> Response {
    let payment = payment_of(&providers, &id);
    let strike = payment.as_ref().and_then(|payment| providers.refund_list_strike(payment));
    let query = Fields::decode(query.unwrap_or_default().as_bytes()).unwrap_or_default();
    let number = |name: &str, otherwise: usize| query.get(name).parse().unwrap_or(otherwise);
    let answer = authorize(&providers, &headers).and_then(|()| {
        let found = providers.refunds_of(&payment.ok_or(Refused::NO_SUCH_ID)?);
        let (skip, count) = (number("skip", 0), number("count", DEFAULT_COUNT).min(MAX_COUNT));
        let page = found.iter().filter(|found| is_made(found)).skip(skip).take(count);
        let items: Vec<Value> =
            page.map(|found| entity(&RefundStatement::answered(&found.refund, found.twist))).collect();
        Ok(Json(json!({ "entity": "collection", "count": items.len(), "items": items })).into_response())
    });
    strike::carry_out(&providers, strike, answer.unwrap_or_else(Refused::into_response)).await
}

fn status(said: RefundSaid) -> &'static str {
    match said {
        RefundSaid::Pending | RefundSaid::NotFound => "pending",
        // Razorpay does not report a credit that comes back.
        RefundSaid::Done | RefundSaid::Returned => "processed",
        RefundSaid::Refused(_) => "failed",
        RefundSaid::Gibberish => "under_review",
    }
}

fn entity(told: &RefundStatement<'_>) -> Value {
    let refund = told.refund;
    json!({
        "id": format!("{REFUND}{:014}", refund.number()),
        "entity": "refund",
        "amount": told.amount.minor,
        "currency": told.amount.currency.code(),
        "payment_id": wire::payment_id_of(refund.payment_number),
        "notes": [],
        "receipt": receipt(refund),
        "acquirer_data": { "rrn": (told.said == RefundSaid::Done).then(|| format!("{:012}", refund.number())) },
        "created_at": refund.asked_ms / 1_000,
        "batch_id": null,
        "status": status(told.said),
        "speed_processed": "normal",
        "speed_requested": "normal",
    })
}

fn receipt(refund: &Refund) -> Option<&str> {
    Some(refund.wish.id.as_str()).filter(|id| !refund.in_portal && !id.is_empty())
}

/// The event of a refund that has ended.
pub(crate) fn webhook(providers: &Providers, url: &str, told: &RefundStatement<'_>) -> Message {
    let refund = told.refund;
    let event =
        if matches!(told.said, RefundSaid::Refused(_)) { "refund.failed" } else { "refund.processed" };
    let payment =
        json!({ "id": wire::payment_id_of(refund.payment_number), "entity": "payment", "captured": true });
    let body = json!({
        "entity": "event",
        "account_id": "acc_Simulator00001",
        "event": event,
        "contains": ["refund", "payment"],
        "payload": { "refund": { "entity": entity(told) }, "payment": { "entity": payment } },
        "created_at": refund.decided_ms / 1_000,
    })
    .to_string();
    let id = format!("SimR{:010}{}", refund.number(), refund.decided_ms);
    wire::event_message(&providers.accounts().razorpay, url, told.genuine, body, id)
}
