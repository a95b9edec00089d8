//! Standard Checkout (v2): calls carry an access token, the webhook proves that it knows a password.

use std::collections::BTreeMap;
use std::sync::atomic::Ordering;

use axum::Json;
use axum::body::Bytes;
use axum::extract::{Path, State};
use axum::http::{HeaderMap, StatusCode, header};
use axum::response::{IntoResponse, Response};
use secrecy::ExposeSecret;
use serde::Deserialize;
use serde_json::{Map, Value, json};
use subtle::ConstantTimeEq;

use super::{Refused, is_order_id};
use crate::WayBack;
use crate::courier::Message;
use crate::money::Amount;
use crate::providers::Providers;
use crate::providers::form::{Fields, is_address};
use crate::providers::http::strike;
use crate::providers::ledger::Opened;
use crate::providers::order::{ReturnTo, Said, Statement, Terms};
use crate::providers::provider::{Protocol, Provider};
use crate::providers::settings::PhonepeAccount;
use crate::providers::signature::phonepe::webhook_authorization;

/// The purpose of the seal in an access token.
const TOKEN: &str = "phonepe-token";
const TOKEN_TYPE: &str = "O-Bearer";
const MAX_ID: usize = 63;
/// The smallest amount, in paise.
const MIN_PAISE: i64 = 100;
/// Returned with every status, when the merchant sent it.
const META_INFO: &str = "metaInfo";
/// The longest meta information, as JSON, in bytes.
const MAX_META_BYTES: usize = 4096;

/// `POST /v1/oauth/token`: an access token for the merchant's credentials. A token holds its end and a seal,
/// so that nothing has to be stored.
pub(crate) async fn token(State(providers): State<Providers>, body: Bytes) -> Response {
    let strike = providers.strike(Provider::Phonepe, "");
    let answer = match Fields::decode(&body) {
        Ok(fields) if is_client(&providers.accounts().phonepe, &fields) => new_token(&providers),
        Ok(_) => Refused::unauthorized("The client id, secret or version is wrong.").into_response(),
        Err(_) => Refused::bad_request("The request cannot be read.").into_response(),
    };
    strike::carry_out(&providers, strike, answer).await
}

pub(super) fn is_client(account: &PhonepeAccount, fields: &Fields) -> bool {
    let secret = account.client_secret.expose_secret().as_bytes();
    fields.get("grant_type") == "client_credentials"
        && fields.get("client_id") == account.client_id
        && fields.get("client_version") == account.client_version
        && bool::from(secret.ct_eq(fields.get("client_secret").as_bytes()))
}

fn new_token(providers: &Providers) -> Response {
    let now_s = providers.now_ms() / 1_000;
    let life_s = i64::try_from(providers.inner.settings.token_life.as_secs()).unwrap_or(i64::MAX);
    let end = now_s.saturating_add(life_s);
    let seal = seal_of(providers, &end.to_string());
    Json(json!({
        "access_token": format!("{end}.{seal}"),
        "encrypted_access_token": format!("{end}.{seal}"),
        "expires_in": life_s,
        "issued_at": now_s,
        "expires_at": end,
        "session_expires_at": end,
        "token_type": TOKEN_TYPE,
    }))
    .into_response()
}

fn seal_of(providers: &Providers, end: &str) -> String {
    let epoch = providers.inner.token_epoch.load(Ordering::SeqCst).to_string();
    let PhonepeAccount { client_id, client_version, .. } = &providers.accounts().phonepe;
    providers.seal(TOKEN, &[&epoch, client_id, client_version, end])
}

/// Whether a call carries a token that still holds.
pub(super) fn check_token(providers: &Providers, headers: &HeaderMap) -> Result<(), Refused> {
    let given = headers.get(header::AUTHORIZATION).and_then(|value| value.to_str().ok()).unwrap_or_default();
    let token = given.strip_prefix(TOKEN_TYPE).and_then(|rest| rest.strip_prefix(' '));
    let holds = token.and_then(|token| token.split_once('.')).is_some_and(|(end, seal)| {
        let in_time = end.parse::<i64>().is_ok_and(|end| providers.now_ms() / 1_000 < end);
        let expected = seal_of(providers, end);
        in_time && bool::from(expected.as_bytes().ct_eq(seal.as_bytes()))
    });
    if holds { Ok(()) } else { Err(Refused::unauthorized("The access token is wrong or expired.")) }
}

#[derive(Deserialize)]
#[serde(rename_all = "camelCase")]
struct Payment {
    merchant_order_id: String,
    amount: i64,
    expire_after: Option<u32>,
    meta_info: Option<Map<String, Value>>,
    payment_flow: Flow,
}

#[derive(Deserialize)]
#[serde(rename_all = "camelCase")]
struct Flow {
    r#type: String,
    merchant_urls: Urls,
}

#[derive(Deserialize)]
#[serde(rename_all = "camelCase")]
struct Urls {
    redirect_url: String,
}

/// `POST /checkout/v2/pay`: opens an order; the answer names its page.
pub(crate) async fn pay(State(providers): State<Providers>, headers: HeaderMap, body: Bytes) -> Response {
    let payment = serde_json::from_slice::<Payment>(&body);
    let order = payment.as_ref().map(|payment| payment.merchant_order_id.clone()).unwrap_or_default();
    let strike = providers.strike(Provider::Phonepe, &order);
    let opened = check_token(&providers, &headers)
        .and_then(|()| payment.map_err(|_| Refused::bad_request("The request cannot be read.")))
        .and_then(|payment| open(&providers, payment));
    let answer = opened.unwrap_or_else(Refused::into_response);
    strike::carry_out(&providers, strike, answer).await
}

fn open(providers: &Providers, payment: Payment) -> Result<Response, Refused> {
    let redirect_url = payment.payment_flow.merchant_urls.redirect_url;
    let meta_info = payment.meta_info.map(|meta| Value::Object(meta).to_string());
    let amount = Amount::of_paise(payment.amount).filter(|amount| amount.minor >= MIN_PAISE);
    let usable = is_order_id(&payment.merchant_order_id, MAX_ID)
        && payment.payment_flow.r#type == "PG_CHECKOUT"
        && payment.expire_after.is_none_or(|seconds| (300..=3_600).contains(&seconds))
        && meta_info.as_ref().is_none_or(|meta| meta.len() <= MAX_META_BYTES)
        && is_address(&redirect_url);
    let amount =
        amount.filter(|_| usable).ok_or(Refused::bad_request("A member of the request cannot be used."))?;
    let key = (Provider::Phonepe, payment.merchant_order_id.clone());
    let terms = Terms {
        protocol: Protocol::PhonepeV2,
        id: payment.merchant_order_id,
        amount,
        return_to: ReturnTo::Get(redirect_url),
        notify_url: providers.accounts().phonepe.webhook_url.clone(),
        echo: meta_info.map(|meta| (META_INFO.to_owned(), meta)).into_iter().collect::<BTreeMap<_, _>>(),
        life_ms: payment.expire_after.map(|seconds| i64::from(seconds) * 1_000),
    };
    match providers.open(terms) {
        Opened::Order(order) => Ok(Json(json!({
            "orderId": order_id(&Statement::told(&order, None)),
            "state": "PENDING",
            "expireAt": order.expires_ms,
            "redirectUrl": providers.pay_page_url(&key),
        }))
        .into_response()),
        Opened::OtherTerms => Err(Refused {
            status: StatusCode::BAD_REQUEST,
            code: "INVALID_MERCHANT_ORDER_ID",
            message: "The order id was used with other details.",
        }),
        Opened::Full => Err(Refused::FULL),
    }
}

/// `GET /checkout/v2/order/{order}/status`
pub(crate) async fn status(
    State(providers): State<Providers>,
    Path(order): Path<String>,
    headers: HeaderMap,
) -> Response {
    let strike = providers.strike(Provider::Phonepe, &order);
    let answer = answer(&providers, &order, &headers).unwrap_or_else(Refused::into_response);
    strike::carry_out(&providers, strike, answer).await
}

fn answer(providers: &Providers, order: &str, headers: &HeaderMap) -> Result<Response, Refused> {
    check_token(providers, headers)?;
    let found = providers
        .status_asked(Provider::Phonepe, order)
        .filter(|found| found.order.terms.protocol == Protocol::PhonepeV2);
    let statement = found.as_ref().map(|found| Statement::answered(&found.order, found.twist));
    match statement.filter(|statement| statement.said != Said::NotFound) {
        Some(statement) => Ok(Json(report(&statement)).into_response()),
        None => Err(Refused {
            status: StatusCode::BAD_REQUEST,
            code: "INVALID_MERCHANT_ORDER_ID",
            message: "There is no such order.",
        }),
    }
}

fn state(said: Said) -> &'static str {
    match said {
        Said::Paid => "COMPLETED",
        Said::Open | Said::Pending => "PENDING",
        Said::Declined | Said::Expired => "FAILED",
        Said::Gibberish => "UNDER_REVIEW",
        Said::NotFound => "",
    }
}

fn order_id(statement: &Statement<'_>) -> String {
    format!("OMO{:020}", statement.order.payment_number())
}

/// The content of a status answer, without the merchant's own number of the order.
fn report(statement: &Statement<'_>) -> Value {
    let order = statement.order;
    let state = state(statement.said);
    let attempted = match statement.said {
        Said::Open | Said::Expired | Said::NotFound => false,
        Said::Pending | Said::Paid | Said::Declined | Said::Gibberish => true,
    };
    let mut attempt = json!({
        "paymentMode": "UPI_QR",
        "transactionId": format!("OM{:020}", order.payment_number()),
        "timestamp": order.decided_ms.unwrap_or(order.opened_ms),
        "amount": statement.amount.minor,
        "state": state,
    });
    let mut report = json!({
        "orderId": order_id(statement),
        "state": state,
        "amount": statement.amount.minor,
        "payableAmount": statement.amount.minor,
        "feeAmount": 0,
        "expireAt": order.expires_ms,
    });
    let error = match statement.said {
        Said::Declined => Some(("AUTHORIZATION_ERROR", "ZM")),
        Said::Expired => Some(("ORDER_EXPIRED", "EXPIRED")),
        Said::Open | Said::Pending | Said::Paid | Said::Gibberish | Said::NotFound => None,
    };
    if let Some((code, detail)) = error {
        for place in [&mut report, &mut attempt] {
            place["errorCode"] = code.into();
            place["detailedErrorCode"] = detail.into();
        }
    }
    if let Ok(meta) = serde_json::from_str::<Value>(order.terms.echoed(META_INFO)) {
        report[META_INFO] = meta;
    }
    report["paymentDetails"] = if attempted { json!([attempt]) } else { json!([]) };
    report
}

/// The webhook that is set up for the merchant. Its header proves a password; the body is not signed.
pub(crate) fn webhook(account: &PhonepeAccount, url: &str, statement: &Statement<'_>) -> Message {
    let (event, old_type) = match statement.said {
        Said::Declined | Said::Expired => ("checkout.order.failed", "CHECKOUT_ORDER_FAILED"),
        Said::Paid | Said::Open | Said::Pending | Said::Gibberish | Said::NotFound => {
            ("checkout.order.completed", "CHECKOUT_ORDER_COMPLETED")
        }
    };
    let mut payload = report(statement);
    payload["merchantId"] = account.merchant_id.as_str().into();
    payload["merchantOrderId"] = statement.order.terms.id.as_str().into();
    let password = if statement.genuine { account.webhook_password.expose_secret() } else { "another" };
    Message {
        url: url.to_owned(),
        headers: vec![
            ("content-type", "application/json".to_owned()),
            ("authorization", webhook_authorization(&account.webhook_user, password)),
        ],
        body: json!({ "event": event, "type": old_type, "payload": payload }).to_string(),
    }
}

/// The way back: the bare address.
pub(crate) fn way_back(statement: &Statement<'_>) -> WayBack {
    match &statement.order.terms.return_to {
        ReturnTo::Get(url) | ReturnTo::Post { success: url, .. } => WayBack::Follow(url.clone()),
    }
}
