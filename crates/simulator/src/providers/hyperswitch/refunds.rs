//! Refunds of payments, named by the merchant.

use axum::body::Bytes;
use axum::extract::{Path, State};
use axum::http::{HeaderMap, StatusCode};
use axum::response::Response;
use secrecy::ExposeSecret;
use serde::Deserialize;
use serde_json::{Value, json};

use super::{Refused, answered, check_key, key_of, wire};
use crate::courier::Message;
use crate::money::Amount;
use crate::providers::http::strike;
use crate::providers::ledger::Key;
use crate::providers::order::Terms;
use crate::providers::provider::Provider;
use crate::providers::refunds::books::NotBooked;
use crate::providers::refunds::desk::{FoundRefund, RefundAsked};
use crate::providers::refunds::{RefundSaid, RefundStatement, RefundWish};
use crate::providers::settings::HyperswitchAccount;
use crate::providers::{Providers, signature};

/// The smallest refund, in minor units.
const MIN_MINOR: i64 = 100;

#[derive(Debug, Clone, Deserialize)]
struct NewRefund {
    payment_id: String,
    refund_id: String,
    amount: Option<i64>,
}

impl Refused {
    fn of_refund(code: &'static str, message: &str) -> Refused {
        Refused { status: StatusCode::BAD_REQUEST, code, message: message.to_owned() }
    }
}

/// `POST /refunds`
pub(super) async fn create(State(providers): State<Providers>, headers: HeaderMap, body: Bytes) -> Response {
    let asked = serde_json::from_slice::<NewRefund>(&body);
    let asked = asked.map_err(|_| Refused::invalid("The request cannot be read."));
    let payment = asked.as_ref().ok().and_then(|asked| key_of(&providers, &asked.payment_id));
    let id = asked.as_ref().map(|asked| asked.refund_id.clone()).unwrap_or_default();
    let made = check_key(&providers, &headers)
        .and(asked)
        .and_then(|asked| refund(&providers, payment.clone(), asked));
    let answer = match made {
        Ok(Some(found)) => Ok(shown(&providers, &found)),
        Ok(None) => return crate::cut(),
        Err(refused) => Err(refused),
    };
    let payment = payment.unwrap_or((Provider::Hyperswitch, String::new()));
    strike::carry_out(&providers, providers.refund_strike(&payment, &id, true), answered(answer)).await
}

/// `None` where the request never arrives.
fn refund(
    providers: &Providers,
    payment: Option<Key>,
    asked: NewRefund,
) -> Result<Option<FoundRefund>, Refused> {
    let payment = payment.ok_or_else(Refused::unknown)?;
    if !wire::is_number(&asked.refund_id) {
        return Err(Refused::invalid("Invalid value provided for field: refund_id"));
    }
    let unpaid = || Refused::of_refund("IR_14", "The payment has not been successful, it cannot be refunded");
    let taken = providers.look(&payment).and_then(|found| found.order.taken).ok_or_else(unpaid)?;
    let left = taken.minor.saturating_sub(providers.ledger().refunds.counted(&payment));
    let minor = asked.amount.unwrap_or(left);
    let amount = Amount::of_minor(minor, taken.currency).filter(|amount| amount.minor >= MIN_MINOR);
    let wish = RefundWish {
        payment,
        id: asked.refund_id,
        amount: amount.ok_or_else(|| Refused::invalid("Invalid value provided for field: amount"))?,
        notify_url: providers.accounts().hyperswitch.webhook_url.clone(),
        ids_repeat: false,
        waits_for_balance: false,
    };
    match providers.refund(wish) {
        RefundAsked::Booked(found) => Ok(Some(found)),
        RefundAsked::Known(_) => Err(Refused::of_refund(
            "HE_01",
            "Duplicate refund request. Refund already attempted with the refund ID",
        )),
        RefundAsked::Not(NotBooked::NotPaid) => Err(unpaid()),
        RefundAsked::Not(NotBooked::Exceeds) => {
            Err(Refused::of_refund("IR_13", "The refund amount exceeds the amount captured"))
        }
        RefundAsked::Not(NotBooked::Full) => Err(Refused::full()),
        RefundAsked::Lost => Ok(None),
    }
}

/// `GET /refunds/{refund}`
pub(super) async fn retrieve(
    State(providers): State<Providers>,
    Path(id): Path<String>,
    headers: HeaderMap,
) -> Response {
    let found = providers.refund_status_asked(Provider::Hyperswitch, &id).pop();
    let strike =
        found.as_ref().and_then(|found| providers.refund_strike(&found.refund.wish.payment, &id, false));
    let answer = check_key(&providers, &headers).and_then(|()| {
        let missing = || {
            let unknown = Refused::of_refund("HE_02", "Refund does not exist in our records.");
            Refused { status: StatusCode::NOT_FOUND, ..unknown }
        };
        let is_told = |found: &FoundRefund| {
            RefundStatement::answered(&found.refund, found.twist).said != RefundSaid::NotFound
        };
        Ok(shown(&providers, &found.filter(is_told).ok_or_else(missing)?))
    });
    strike::carry_out(&providers, strike, answered(answer)).await
}

fn shown(providers: &Providers, found: &FoundRefund) -> Value {
    let order = providers.look(&found.refund.wish.payment);
    let payment = order.as_ref().map_or("", |found| wire::number_of(&found.order.terms));
    let told = RefundStatement::told(&found.refund, found.twist);
    object(&providers.accounts().hyperswitch, payment, &told)
}

fn object(account: &HyperswitchAccount, payment: &str, told: &RefundStatement<'_>) -> Value {
    let refund = told.refund;
    let (status, error) = match told.said {
        RefundSaid::Pending | RefundSaid::NotFound => ("pending", None),
        // The router does not report a credit that comes back.
        RefundSaid::Done | RefundSaid::Returned => ("succeeded", None),
        RefundSaid::Refused(_) => ("failed", Some("The refund was declined")),
        RefundSaid::Gibberish => ("under_review", None),
    };
    json!({
        "refund_id": refund.wish.id,
        "payment_id": payment,
        "amount": told.amount.minor,
        "currency": told.amount.currency.code(),
        "status": status,
        "reason": null,
        "metadata": null,
        "error_message": error,
        "error_code": error.map(|_| "REFUND_DECLINED"),
        "created_at": wire::moment(refund.asked_ms),
        "updated_at": wire::moment(refund.decided_ms),
        "connector": "simulator",
        "connector_refund_id": format!("simr_{}", refund.number()),
        "profile_id": account.profile_id,
    })
}

/// The webhook about a refund that has ended.
pub(crate) fn webhook(
    providers: &Providers,
    url: &str,
    payment: &Terms,
    told: &RefundStatement<'_>,
) -> Message {
    let account = &providers.accounts().hyperswitch;
    let refund = told.refund;
    let is_failed = matches!(told.said, RefundSaid::Refused(_));
    let kind = if is_failed { "refund_failed" } else { "refund_succeeded" };
    let body = json!({
        "merchant_id": account.merchant_id,
        "event_id": format!("evt_r{}_{}", refund.number(), refund.decided_ms),
        "event_type": kind,
        "content": {
            "type": "refund_details",
            "object": object(account, wire::number_of(payment), told),
        },
        "timestamp": wire::moment(refund.decided_ms),
    })
    .to_string();
    let key = if told.genuine { account.hash_key.expose_secret() } else { "another" };
    Message {
        url: url.to_owned(),
        headers: vec![
            ("content-type", "application/json".to_owned()),
            (signature::hyperswitch::X_WEBHOOK_SIGNATURE, signature::hyperswitch::sign(key, &body)),
        ],
        body,
    }
}
