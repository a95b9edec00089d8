//! The signed protocols: every call carries `X-VERIFY`, and so does the callback.

use std::collections::BTreeMap;

use axum::Json;
use axum::body::Bytes;
use axum::extract::{Path, State};
use axum::http::{HeaderMap, StatusCode, Uri, header};
use axum::response::{IntoResponse, Response};
use secrecy::ExposeSecret;
use serde::Deserialize;
use serde::de::DeserializeOwned;
use serde_json::{Value, json};

use super::{Refused, is_order_id, refunds, words};
use crate::WayBack;
use crate::courier::Message;
use crate::money::Amount;
use crate::providers::Providers;
use crate::providers::form::is_address;
use crate::providers::http::strike;
use crate::providers::ledger::Opened;
use crate::providers::order::{ReturnTo, Said, Statement, Terms};
use crate::providers::provider::{Protocol, Provider};
use crate::providers::settings::PhonepeAccount;
use crate::providers::signature::phonepe::{decode, encode, is_x_verify, x_verify};

const X_VERIFY: &str = "x-verify";
const MAX_ID: usize = 38;

#[derive(Deserialize)]
struct Request {
    request: String,
}

/// The payload of a legacy debit.
#[derive(Deserialize)]
#[serde(rename_all = "camelCase")]
struct Debit {
    merchant_id: String,
    transaction_id: String,
    amount: i64,
}

/// The payload of a v1 payment.
#[derive(Deserialize)]
#[serde(rename_all = "camelCase")]
struct Payment {
    merchant_id: String,
    merchant_transaction_id: String,
    #[serde(rename = "merchantUserId")]
    _merchant_user_id: String,
    amount: i64,
    redirect_url: String,
    redirect_mode: String,
    callback_url: Option<String>,
    payment_instrument: Instrument,
}

#[derive(Deserialize)]
struct Instrument {
    r#type: String,
}

/// A merchant's request, in either protocol.
struct Asked {
    protocol: Protocol,
    merchant_id: String,
    order: String,
    amount_paise: i64,
    redirect_url: String,
    redirect_mode: String,
    callback_url: Option<String>,
}

fn header_text<'a>(headers: &'a HeaderMap, name: &str) -> &'a str {
    headers.get(name).and_then(|value| value.to_str().ok()).unwrap_or_default()
}

/// Checks the signature over an encoded payload and the path as it was called.
fn check(account: &PhonepeAccount, headers: &HeaderMap, payload: &str, path: &str) -> Result<(), Refused> {
    let salt_key = account.salt_key.expose_secret();
    if is_x_verify(payload, path, salt_key, &account.salt_index, header_text(headers, X_VERIFY)) {
        Ok(())
    } else {
        Err(Refused::unauthorized("The value of X-VERIFY is not correct."))
    }
}

/// Whether a request, of which some have no payload, is signed.
pub(super) fn is_from(account: &PhonepeAccount, path: &str, headers: &HeaderMap, body: &[u8]) -> bool {
    let payload = serde_json::from_slice::<Request>(body).map(|request| request.request);
    check(account, headers, &payload.unwrap_or_default(), path).is_ok()
}

/// The payload of a signed request.
pub(super) fn signed_payload<T: DeserializeOwned>(
    account: &PhonepeAccount,
    headers: &HeaderMap,
    uri: &Uri,
    body: &[u8],
) -> Result<T, Refused> {
    let malformed = Refused::bad_request("The request cannot be read.");
    let request: Request = serde_json::from_slice(body).map_err(|_| malformed)?;
    check(account, headers, &request.request, uri.path())?;
    let payload = decode(&request.request).ok_or(malformed)?;
    serde_json::from_slice(&payload).map_err(|_| malformed)
}

/// Opens an order; returns where its page is.
fn open(providers: &Providers, asked: Asked) -> Result<String, Refused> {
    let account = &providers.accounts().phonepe;
    if asked.merchant_id != account.merchant_id {
        return Err(Refused::bad_request("The merchant is not known."));
    }
    let amount = Amount::of_paise(asked.amount_paise)
        .filter(|_| is_order_id(&asked.order, MAX_ID))
        .ok_or(Refused::bad_request("The transaction id or the amount cannot be used."))?;
    let callback_url = asked.callback_url.filter(|url| !url.is_empty());
    if !is_address(&asked.redirect_url) || callback_url.as_deref().is_some_and(|url| !is_address(url)) {
        return Err(Refused::bad_request("The redirect or the callback address cannot be used."));
    }
    let url = asked.redirect_url;
    let return_to = match asked.redirect_mode.as_str() {
        "POST" => ReturnTo::Post { success: url.clone(), failure: url },
        "REDIRECT" | "GET" | "" => ReturnTo::Get(url),
        _ => return Err(Refused::bad_request("The redirect mode must be REDIRECT or POST.")),
    };
    let key = (Provider::Phonepe, asked.order.clone());
    let terms = Terms {
        protocol: asked.protocol,
        id: asked.order,
        amount,
        return_to,
        notify_url: callback_url,
        echo: BTreeMap::new(),
        life_ms: None,
    };
    match providers.open(terms) {
        Opened::Order(_) => Ok(providers.pay_page_url(&key)),
        Opened::OtherTerms => Err(Refused {
            status: StatusCode::BAD_REQUEST,
            code: "DUPLICATE_TXN_REQUEST",
            message: "The transaction id was used with other details.",
        }),
        Opened::Full => Err(Refused::FULL),
    }
}

/// `POST /v3/debit`: opens an order; the answer redirects to its page.
pub(crate) async fn legacy_debit(
    State(providers): State<Providers>,
    headers: HeaderMap,
    uri: Uri,
    body: Bytes,
) -> Response {
    let account = &providers.accounts().phonepe;
    let debit = signed_payload::<Debit>(account, &headers, &uri, &body);
    let order = debit.as_ref().map(|debit| debit.transaction_id.clone()).unwrap_or_default();
    let strike = providers.strike(Provider::Phonepe, &order);
    let opened = debit.and_then(|debit| {
        let asked = Asked {
            protocol: Protocol::PhonepeLegacy,
            merchant_id: debit.merchant_id,
            order: debit.transaction_id,
            amount_paise: debit.amount,
            redirect_url: header_text(&headers, "x-redirect-url").to_owned(),
            redirect_mode: header_text(&headers, "x-redirect-mode").to_owned(),
            callback_url: Some(header_text(&headers, "x-callback-url").to_owned()),
        };
        open(&providers, asked)
    });
    let answer = match opened {
        Ok(page) => (StatusCode::FOUND, [(header::LOCATION, page)]).into_response(),
        Err(refused) => refused.into_response(),
    };
    strike::carry_out(&providers, strike, answer).await
}

/// `POST /pg/v1/pay`: opens an order; the answer names its page.
pub(crate) async fn v1_pay(
    State(providers): State<Providers>,
    headers: HeaderMap,
    uri: Uri,
    body: Bytes,
) -> Response {
    let account = &providers.accounts().phonepe;
    let payment = signed_payload::<Payment>(account, &headers, &uri, &body);
    let order = payment.as_ref().map(|payment| payment.merchant_transaction_id.clone()).unwrap_or_default();
    let strike = providers.strike(Provider::Phonepe, &order);
    let opened = payment.and_then(|payment| {
        if payment.payment_instrument.r#type != "PAY_PAGE" {
            return Err(Refused::bad_request("Only the instrument PAY_PAGE is simulated."));
        }
        let asked = Asked {
            protocol: Protocol::PhonepeV1,
            merchant_id: payment.merchant_id,
            order: payment.merchant_transaction_id,
            amount_paise: payment.amount,
            redirect_url: payment.redirect_url,
            redirect_mode: payment.redirect_mode,
            callback_url: payment.callback_url,
        };
        open(&providers, asked)
    });
    let answer = match opened {
        Ok(page) => Json(json!({
            "success": true,
            "code": "PAYMENT_INITIATED",
            "message": "Payment initiated",
            "data": {
                "merchantId": account.merchant_id,
                "merchantTransactionId": order,
                "instrumentResponse": { "type": "PAY_PAGE", "redirectInfo": { "url": page, "method": "GET" } },
            },
        }))
        .into_response(),
        Err(refused) => refused.into_response(),
    };
    strike::carry_out(&providers, strike, answer).await
}

/// `GET /v3/transaction/{merchant}/{order}/status`
pub(crate) async fn legacy_status(
    State(providers): State<Providers>,
    Path((merchant, order)): Path<(String, String)>,
    headers: HeaderMap,
    uri: Uri,
) -> Response {
    status(&providers, Protocol::PhonepeLegacy, &merchant, &order, &headers, &uri).await
}

/// `GET /pg/v1/status/{merchant}/{order}`, with the merchant in `X-MERCHANT-ID` as well.
pub(crate) async fn v1_status(
    State(providers): State<Providers>,
    Path((merchant, order)): Path<(String, String)>,
    headers: HeaderMap,
    uri: Uri,
) -> Response {
    status(&providers, Protocol::PhonepeV1, &merchant, &order, &headers, &uri).await
}

async fn status(
    providers: &Providers,
    protocol: Protocol,
    merchant: &str,
    order: &str,
    headers: &HeaderMap,
    uri: &Uri,
) -> Response {
    let strike = match providers.refund_payment(Provider::Phonepe, order) {
        Some(payment) => providers.refund_strike(&payment, order, false),
        None => providers.strike(Provider::Phonepe, order),
    };
    let answer = answer(providers, protocol, merchant, order, headers, uri);
    let answer = answer.unwrap_or_else(Refused::into_response);
    strike::carry_out(providers, strike, answer).await
}

fn answer(
    providers: &Providers,
    protocol: Protocol,
    merchant: &str,
    order: &str,
    headers: &HeaderMap,
    uri: &Uri,
) -> Result<Response, Refused> {
    let account = &providers.accounts().phonepe;
    check(account, headers, "", uri.path())?;
    let named_twice = protocol != Protocol::PhonepeV1 || header_text(headers, "x-merchant-id") == merchant;
    if merchant != account.merchant_id || !named_twice {
        return Err(Refused::bad_request("The merchant is not known."));
    }
    let found = providers
        .status_asked(Provider::Phonepe, order)
        .filter(|found| found.order.terms.protocol == protocol);
    let not_found = Refused {
        status: StatusCode::NOT_FOUND,
        code: "TRANSACTION_NOT_FOUND",
        message: "There is no such transaction.",
    };
    let Some(found) = found else {
        let refund = refunds::signed_status(providers, protocol, order).ok_or(not_found)?;
        return Ok(Json(refund).into_response());
    };
    let statement = Statement::answered(&found.order, found.twist);
    match statement.said {
        Said::NotFound => Err(not_found),
        Said::Open | Said::Pending | Said::Paid | Said::Declined | Said::Expired | Said::Gibberish => {
            Ok(Json(report(account, &statement)).into_response())
        }
    }
}

fn payment_id(statement: &Statement<'_>) -> String {
    format!("T{:018}", statement.order.payment_number())
}

/// The content of a status answer and a callback.
fn report(account: &PhonepeAccount, statement: &Statement<'_>) -> Value {
    let [code, message, state] = words(statement.said);
    // The flag means that the request was answered: it is true while nothing is decided.
    let success = match statement.said {
        Said::Paid | Said::Open | Said::Pending | Said::Gibberish => true,
        Said::Declined | Said::Expired | Said::NotFound => false,
    };
    let response_code = if statement.said == Said::Paid { "SUCCESS" } else { code };
    let order = statement.order;
    let utr = format!("{:012}", order.payment_number());
    let data = if order.terms.protocol == Protocol::PhonepeLegacy {
        json!({
            "merchantId": account.merchant_id,
            "transactionId": order.terms.id,
            "providerReferenceId": payment_id(statement),
            "amount": statement.amount.minor,
            "paymentState": state,
            "payResponseCode": response_code,
            "paymentModes": [{ "mode": "ACCOUNT", "amount": statement.amount.minor, "utr": utr }],
        })
    } else {
        json!({
            "merchantId": account.merchant_id,
            "merchantTransactionId": order.terms.id,
            "transactionId": payment_id(statement),
            "amount": statement.amount.minor,
            "state": state,
            "responseCode": response_code,
            "paymentInstrument": { "type": "UPI", "utr": utr },
        })
    };
    json!({ "success": success, "code": code, "message": message, "data": data })
}

/// The signed server-to-server callback.
pub(crate) fn webhook(account: &PhonepeAccount, url: &str, statement: &Statement<'_>) -> Message {
    let payload = encode(&report(account, statement).to_string());
    let salt_key = if statement.genuine { account.salt_key.expose_secret() } else { "another salt" };
    let signature = x_verify(&payload, "", salt_key, &account.salt_index);
    Message {
        url: url.to_owned(),
        headers: vec![("content-type", "application/json".to_owned()), (X_VERIFY, signature)],
        body: json!({ "response": payload }).to_string(),
    }
}

/// The way back: a form in mode POST, the bare address in mode REDIRECT.
pub(crate) fn way_back(account: &PhonepeAccount, statement: &Statement<'_>) -> WayBack {
    let order = statement.order;
    let action = match &order.terms.return_to {
        ReturnTo::Get(url) => return WayBack::Follow(url.clone()),
        ReturnTo::Post { success, .. } => success.clone(),
    };
    let [code, _, _] = words(statement.said);
    let mut fields = vec![
        ("code", code.to_owned()),
        ("merchantId", account.merchant_id.clone()),
        ("transactionId", order.terms.id.clone()),
        ("amount", statement.amount.minor.to_string()),
        ("providerReferenceId", payment_id(statement)),
    ];
    let values: String = fields.iter().map(|(_, value)| value.as_str()).collect();
    let salt_key = if statement.genuine { account.salt_key.expose_secret() } else { "another salt" };
    fields.push(("checksum", x_verify(&values, "", salt_key, &account.salt_index)));
    let fields = fields.into_iter().map(|(name, value)| (name.to_owned(), value)).collect();
    WayBack::Post { action, fields }
}
