//! Refunds of payments, with idempotency keys.

use axum::Json;
use axum::body::Bytes;
use axum::extract::{Path, RawQuery, State};
use axum::http::{HeaderMap, StatusCode};
use axum::response::{IntoResponse, Response};
use secrecy::ExposeSecret;
use serde_json::{Map, Value, json};
use sha2::{Digest, Sha256};

use super::wire::{amount_of, metadata_name, minor, payment_id_of, payment_number};
use super::{Refused, check_key};
use crate::courier::Message;
use crate::providers::form::Fields;
use crate::providers::http::strike;
use crate::providers::ledger::Key;
use crate::providers::provider::Provider;
use crate::providers::refunds::books::NotBooked;
use crate::providers::refunds::desk::{FoundRefund, RefundAsked};
use crate::providers::refunds::{RefundSaid, RefundStatement, RefundTwist, RefundWish};
use crate::providers::{Providers, signature};

const REFUND: &str = "re_";
const REASONS: [&str; 3] = ["duplicate", "fraudulent", "requested_by_customer"];
/// The default and the maximal number of refunds in a list.
const DEFAULT_LIMIT: usize = 10;
const MAX_LIMIT: usize = 100;

fn payment_of(providers: &Providers, id: &str) -> Option<Key> {
    providers.order_with_payment_number(Provider::Stripe, payment_number(id)?)
}

/// The merchant's number of a refund: its metadata, else the idempotency key.
fn number_in(fields: &Fields, key: &str) -> String {
    let named = fields.get("metadata[refundId]");
    if named.is_empty() { key.to_owned() } else { named.to_owned() }
}

/// `POST /v1/refunds`
pub(super) async fn create(State(providers): State<Providers>, headers: HeaderMap, body: Bytes) -> Response {
    let fields = Fields::decode(&body).map_err(|bad| Refused::invalid(None, bad.to_string()));
    let key = headers.get("idempotency-key").and_then(|value| value.to_str().ok()).unwrap_or_default();
    let payment =
        fields.as_ref().ok().and_then(|fields| payment_of(&providers, fields.get("payment_intent")));
    let number = fields.as_ref().map(|fields| number_in(fields, key)).unwrap_or_default();
    let made = check_key(&providers, &headers)
        .and(fields)
        .and_then(|fields| refund(&providers, key, &body, &fields, payment.clone()));
    let answer = match made {
        Ok(Some(refund)) => Json(refund).into_response(),
        Ok(None) => return crate::cut(),
        Err(refused) => refused.into_response(),
    };
    let payment = payment.unwrap_or((Provider::Stripe, String::new()));
    strike::carry_out(&providers, providers.refund_strike(&payment, &number, true), answer).await
}

/// Makes a refund, or repeats the answer to the first request with this key; `None` where the request never arrives.
fn refund(
    providers: &Providers,
    key: &str,
    body: &[u8],
    fields: &Fields,
    payment: Option<Key>,
) -> Result<Option<Value>, Refused> {
    let digest: [u8; 32] = Sha256::digest(body).into();
    let mut keys = providers.inner.stripe_keys.lock();
    match keys.get(key).filter(|_| !key.is_empty()) {
        Some((first, answer)) if *first == digest => return Ok(Some(answer.clone())),
        Some(_) => return Err(Refused::other_parameters()),
        None => {}
    }
    let made = refund_new(providers, key, fields, payment)?;
    if let Some(made) = made.as_ref().filter(|_| !key.is_empty()) {
        keys.insert(key.to_owned(), (digest, made.clone()));
    }
    Ok(made)
}

fn refund_new(
    providers: &Providers,
    key: &str,
    fields: &Fields,
    payment: Option<Key>,
) -> Result<Option<Value>, Refused> {
    let is_known =
        |name: &str| ["payment_intent", "amount", "reason"].contains(&name) || metadata_name(name).is_some();
    if let Some((name, _)) = fields.pairs().find(|(name, _)| !is_known(name)) {
        return Err(Refused::invalid(
            Some("parameter_unknown"),
            format!("Received unknown parameter: {name}"),
        ));
    }
    let reason = fields.get("reason");
    if !(reason.is_empty() || REASONS.contains(&reason)) {
        return Err(Refused::invalid(Some("parameter_invalid"), "Invalid reason"));
    }
    let missing = || {
        let message = format!("No such payment_intent: '{}'", fields.get("payment_intent"));
        Refused { status: StatusCode::NOT_FOUND, ..Refused::invalid(Some("resource_missing"), message) }
    };
    let payment = payment.ok_or_else(missing)?;
    let uncaptured =
        || Refused::invalid(None, "This PaymentIntent does not have a successful charge to refund.");
    let taken = providers.look(&payment).and_then(|found| found.order.taken).ok_or_else(uncaptured)?;
    let left = taken.minor.saturating_sub(providers.ledger().refunds.counted(&payment));
    if left == 0 {
        let message = "Charge has already been refunded.";
        return Err(Refused::invalid(Some("charge_already_refunded"), message));
    }
    let too_much = || Refused::invalid(None, "Refund amount is greater than unrefunded amount on charge");
    let amount = match fields.get("amount") {
        "" => crate::money::Amount { minor: left, ..taken },
        minor => amount_of(minor, &taken.currency.code().to_ascii_lowercase()).ok_or_else(too_much)?,
    };
    let wish = RefundWish {
        payment,
        id: number_in(fields, key),
        amount,
        notify_url: providers.accounts().stripe.webhook_url.clone(),
        // Only the key keeps a refund from being made twice.
        ids_repeat: true,
        waits_for_balance: true,
    };
    match providers.refund(wish) {
        RefundAsked::Booked(found) | RefundAsked::Known(found) => {
            Ok(Some(shown(&RefundStatement::told(&found.refund, found.twist), found.twist)))
        }
        RefundAsked::Not(NotBooked::NotPaid) => Err(uncaptured()),
        RefundAsked::Not(NotBooked::Exceeds) => Err(too_much()),
        RefundAsked::Not(NotBooked::Full) => Err(Refused::full()),
        RefundAsked::Lost => Ok(None),
    }
}

fn answered(found: &FoundRefund) -> Option<Value> {
    let told = RefundStatement::answered(&found.refund, found.twist);
    (told.said != RefundSaid::NotFound).then(|| shown(&told, found.twist))
}

/// `GET /v1/refunds/{refund}`
pub(super) async fn retrieve(
    State(providers): State<Providers>,
    Path(id): Path<String>,
    headers: HeaderMap,
) -> Response {
    let number = id.strip_prefix(REFUND).and_then(|number| number.parse().ok());
    let found = number.and_then(|number| providers.refund_with_number(Provider::Stripe, number));
    let strike = found
        .as_ref()
        .and_then(|found| providers.refund_strike(&found.refund.wish.payment, &found.refund.wish.id, false));
    let answer = check_key(&providers, &headers).and_then(|()| {
        let missing = Refused::invalid(Some("resource_missing"), format!("No such refund: '{id}'"));
        let missing = Refused { status: StatusCode::NOT_FOUND, ..missing };
        found.as_ref().and_then(answered).ok_or(missing)
    });
    let answer = answer.map_or_else(Refused::into_response, |refund| Json(refund).into_response());
    strike::carry_out(&providers, strike, answer).await
}

/// `GET /v1/refunds?payment_intent=&limit=&starting_after=`: newest first.
pub(super) async fn list(
    State(providers): State<Providers>,
    RawQuery(query): RawQuery,
    headers: HeaderMap,
) -> Response {
    let query = Fields::decode(query.unwrap_or_default().as_bytes()).unwrap_or_default();
    let payment = payment_of(&providers, query.get("payment_intent"));
    let strike = payment.as_ref().and_then(|payment| providers.refund_list_strike(payment));
    let answer = check_key(&providers, &headers).map(|()| {
        let found = payment.map(|payment| providers.refunds_of(&payment)).unwrap_or_default();
        let all: Vec<Value> = found.iter().rev().filter_map(answered).collect();
        let behind = all.iter().position(|refund| refund["id"] == query.get("starting_after"));
        let limit = query.get("limit").parse().unwrap_or(DEFAULT_LIMIT).min(MAX_LIMIT);
        let first = behind.map_or(0, |place| place + 1);
        let page: Vec<Value> = all.iter().skip(first).take(limit).cloned().collect();
        let has_more = all.len() > first + page.len();
        json!({ "object": "list", "url": "/v1/refunds", "has_more": has_more, "data": page })
    });
    let answer = answer.map_or_else(Refused::into_response, |list| Json(list).into_response());
    strike::carry_out(&providers, strike, answer).await
}

fn shown(told: &RefundStatement<'_>, twist: Option<RefundTwist>) -> Value {
    let refund = told.refund;
    let (status, failure) = match told.said {
        RefundSaid::Pending | RefundSaid::NotFound => ("pending", None),
        RefundSaid::Done => ("succeeded", None),
        RefundSaid::Refused(_) => ("failed", Some("declined")),
        // The bank sends it back: the card is no more.
        RefundSaid::Returned => ("failed", Some("expired_or_canceled_card")),
        RefundSaid::Gibberish => ("under_review", None),
    };
    let waits = told.said == RefundSaid::Pending;
    let reason = if twist == Some(RefundTwist::NoBalance) { "insufficient_funds" } else { "processing" };
    let metadata = if refund.in_portal {
        Map::new()
    } else {
        Map::from_iter([
            ("refundId".to_owned(), refund.wish.id.clone().into()),
            ("txnId".to_owned(), refund.wish.payment.1.split('#').next().unwrap_or_default().into()),
        ])
    };
    json!({
        "id": format!("{REFUND}{:024}", refund.number()),
        "object": "refund",
        "amount": minor(told.amount),
        "balance_transaction": format!("txn_{}", refund.number()),
        "charge": format!("ch_{:024}", refund.payment_number),
        "created": refund.asked_ms.div_euclid(1_000),
        "currency": told.amount.currency.code().to_ascii_lowercase(),
        "failure_reason": failure,
        "failure_balance_transaction": failure.map(|_| format!("txn_{}f", refund.number())),
        "metadata": metadata,
        "payment_intent": payment_id_of(refund.payment_number),
        "pending_reason": waits.then_some(reason),
        "reason": "requested_by_customer",
        "status": status,
    })
}

/// The event of a refund that has changed.
pub(crate) fn webhook(providers: &Providers, url: &str, told: &RefundStatement<'_>) -> Message {
    let account = &providers.accounts().stripe;
    let kind = match told.said {
        RefundSaid::Refused(_) | RefundSaid::Returned => "refund.failed",
        RefundSaid::Pending | RefundSaid::Done | RefundSaid::Gibberish | RefundSaid::NotFound => {
            "refund.updated"
        }
    };
    let now_s = providers.now_ms().div_euclid(1_000);
    let body = json!({
        "id": format!("evt_r{}_{}", told.refund.number(), told.refund.decided_ms),
        "object": "event",
        "created": now_s,
        "data": { "object": shown(told, None) },
        "livemode": false,
        "type": kind,
    })
    .to_string();
    let secret = if told.genuine { account.webhook_secret.expose_secret() } else { "whsec_another" };
    let signature = signature::stripe::header(secret, now_s, body.as_bytes());
    Message {
        url: url.to_owned(),
        headers: vec![
            ("content-type", "application/json; charset=utf-8".to_owned()),
            ("stripe-signature", signature),
        ],
        body,
    }
}
