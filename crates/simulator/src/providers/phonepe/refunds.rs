//! Refunds, in each of the protocols.

use axum::Json;
use axum::body::Bytes;
use axum::extract::{Path, State};
use axum::http::{HeaderMap, StatusCode, Uri};
use axum::response::{IntoResponse, Response};
use secrecy::ExposeSecret;
use serde::Deserialize;
use serde_json::{Value, json};

use super::checkout::check_token;
use super::signed::signed_payload;
use super::{Refused, is_order_id};
use crate::courier::Message;
use crate::money::Amount;
use crate::providers::Providers;
use crate::providers::form::is_address;
use crate::providers::http::strike;
use crate::providers::provider::{Protocol, Provider};
use crate::providers::refunds::books::NotBooked;
use crate::providers::refunds::desk::{FoundRefund, RefundAsked};
use crate::providers::refunds::{RefundSaid, RefundStatement, RefundWish};
use crate::providers::settings::PhonepeAccount;
use crate::providers::signature::phonepe::{encode, webhook_authorization, x_verify};

const MAX_ID: usize = 34;
const MAX_CHECKOUT_ID: usize = 63;
/// The smallest refund of Standard Checkout, in paise.
const MIN_PAISE: i64 = 100;

const DUPLICATE: Refused = Refused {
    status: StatusCode::BAD_REQUEST,
    code: "DUPLICATE_TXN_REQUEST",
    message: "The transaction id was used before.",
};

/// `code`, message and `state` of the signed protocols.
fn words(said: RefundSaid) -> [&'static str; 3] {
    match said {
        RefundSaid::Done => ["PAYMENT_SUCCESS", "Your refund is successful.", "COMPLETED"],
        RefundSaid::Pending => ["PAYMENT_PENDING", "Your refund is in progress.", "PENDING"],
        RefundSaid::Refused(_) | RefundSaid::Returned => {
            ["PAYMENT_ERROR", "The refund was refused.", "FAILED"]
        }
        RefundSaid::Gibberish => ["REFUND_UNDER_REVIEW", "Your refund is under review.", "UNDER_REVIEW"],
        RefundSaid::NotFound => ["TRANSACTION_NOT_FOUND", "There is no such transaction.", ""],
    }
}

/// The result of a request, for the answer.
enum Answered {
    Booked(FoundRefund),
    Refused(Refused),
    /// Nothing was recorded.
    Not(&'static str),
    Lost,
}

/// Books a refund of a payment of this protocol.
fn book(providers: &Providers, protocol: Protocol, wish: RefundWish) -> Answered {
    let payment = providers.look(&wish.payment);
    if payment.is_none_or(|found| found.order.terms.protocol != protocol) {
        return Answered::Not("There is no such payment.");
    }
    match providers.refund(wish) {
        RefundAsked::Booked(found) => Answered::Booked(found),
        RefundAsked::Known(_) => Answered::Refused(DUPLICATE),
        RefundAsked::Not(NotBooked::NotPaid) => Answered::Not("The payment was not made."),
        RefundAsked::Not(NotBooked::Exceeds) => Answered::Not("The amount is more than is left."),
        RefundAsked::Not(NotBooked::Full) => Answered::Refused(Refused::FULL),
        RefundAsked::Lost => Answered::Lost,
    }
}

fn payment_of(order: &str) -> (Provider, String) {
    (Provider::Phonepe, order.to_owned())
}

/// The payload of a legacy refund.
#[derive(Deserialize)]
#[serde(rename_all = "camelCase")]
struct Credit {
    merchant_id: String,
    transaction_id: String,
    original_transaction_id: String,
    amount: i64,
}

/// The payload of a v1 refund.
#[derive(Deserialize)]
#[serde(rename_all = "camelCase")]
struct Refund {
    merchant_id: String,
    #[serde(rename = "merchantUserId")]
    _merchant_user_id: String,
    original_transaction_id: String,
    merchant_transaction_id: String,
    amount: i64,
    callback_url: Option<String>,
}

/// `POST /v3/credit/backToSource`
pub(crate) async fn legacy(
    State(providers): State<Providers>,
    headers: HeaderMap,
    uri: Uri,
    body: Bytes,
) -> Response {
    let account = &providers.accounts().phonepe;
    let asked = signed_payload::<Credit>(account, &headers, &uri, &body).map(|credit| Refund {
        merchant_id: credit.merchant_id,
        _merchant_user_id: String::new(),
        original_transaction_id: credit.original_transaction_id,
        merchant_transaction_id: credit.transaction_id,
        amount: credit.amount,
        callback_url: None,
    });
    signed(&providers, Protocol::PhonepeLegacy, asked).await
}

/// `POST /pg/v1/refund`
pub(crate) async fn v1(
    State(providers): State<Providers>,
    headers: HeaderMap,
    uri: Uri,
    body: Bytes,
) -> Response {
    let asked = signed_payload::<Refund>(&providers.accounts().phonepe, &headers, &uri, &body);
    signed(&providers, Protocol::PhonepeV1, asked).await
}

async fn signed(providers: &Providers, protocol: Protocol, asked: Result<Refund, Refused>) -> Response {
    let account = &providers.accounts().phonepe;
    let (payment, id) = asked
        .as_ref()
        .map(|asked| (asked.original_transaction_id.clone(), asked.merchant_transaction_id.clone()))
        .unwrap_or_default();
    let answered = match asked {
        Ok(asked) => match wish_of(account, asked) {
            Ok(wish) => book(providers, protocol, wish),
            Err(refused) => Answered::Refused(refused),
        },
        Err(refused) => Answered::Refused(refused),
    };
    let answer = match answered {
        Answered::Booked(found) => {
            let statement = RefundStatement::told(&found.refund, found.twist);
            Json(report(account, &statement)).into_response()
        }
        Answered::Not(why) => {
            let data = json!({ "merchantId": account.merchant_id, "state": "FAILED" });
            let answer = json!({ "success": false, "code": "PAYMENT_ERROR", "message": why, "data": data });
            Json(answer).into_response()
        }
        Answered::Refused(refused) => refused.into_response(),
        Answered::Lost => return crate::cut(),
    };
    let strike = providers.refund_strike(&payment_of(&payment), &id, true);
    strike::carry_out(providers, strike, answer).await
}

fn wish_of(account: &PhonepeAccount, asked: Refund) -> Result<RefundWish, Refused> {
    let callback_url = asked.callback_url.filter(|url| !url.is_empty());
    let usable = asked.merchant_id == account.merchant_id
        && is_order_id(&asked.merchant_transaction_id, MAX_ID)
        && callback_url.as_deref().is_none_or(is_address);
    let amount = Amount::of_paise(asked.amount)
        .filter(|_| usable)
        .ok_or(Refused::bad_request("A member of the request cannot be used."))?;
    Ok(RefundWish {
        payment: payment_of(&asked.original_transaction_id),
        id: asked.merchant_transaction_id,
        amount,
        notify_url: callback_url,
        ids_repeat: false,
        waits_for_balance: true,
    })
}

/// The answer to a status call of the signed protocols; `None` when there is no such refund.
pub(super) fn signed_status(providers: &Providers, protocol: Protocol, id: &str) -> Option<Value> {
    let found = providers.refund_status_asked(Provider::Phonepe, id).pop()?;
    let statement = RefundStatement::answered(&found.refund, found.twist);
    let known = found.refund.protocol == protocol && statement.said != RefundSaid::NotFound;
    known.then(|| report(&providers.accounts().phonepe, &statement))
}

/// The answer and the callback of the signed protocols.
fn report(account: &PhonepeAccount, statement: &RefundStatement<'_>) -> Value {
    let [code, message, state] = words(statement.said);
    let success = match statement.said {
        RefundSaid::Done | RefundSaid::Pending | RefundSaid::Gibberish => true,
        RefundSaid::Refused(_) | RefundSaid::Returned | RefundSaid::NotFound => false,
    };
    let refund = statement.refund;
    let number = format!("TR{:018}", refund.number());
    let data = if refund.protocol == Protocol::PhonepeLegacy {
        json!({
            "merchantId": account.merchant_id,
            "transactionId": refund.wish.id,
            "providerReferenceId": number,
            "amount": statement.amount.minor,
            "paymentState": state,
            "payResponseCode": code,
        })
    } else {
        json!({
            "merchantId": account.merchant_id,
            "merchantTransactionId": refund.wish.id,
            "transactionId": number,
            "amount": statement.amount.minor,
            "state": state,
            "responseCode": code,
        })
    };
    json!({ "success": success, "code": code, "message": message, "data": data })
}

/// The signed server-to-server callback.
pub(crate) fn callback(account: &PhonepeAccount, url: &str, statement: &RefundStatement<'_>) -> Message {
    let payload = encode(&report(account, statement).to_string());
    let salt_key = if statement.genuine { account.salt_key.expose_secret() } else { "another salt" };
    let signature = x_verify(&payload, "", salt_key, &account.salt_index);
    Message {
        url: url.to_owned(),
        headers: vec![("content-type", "application/json".to_owned()), ("x-verify", signature)],
        body: json!({ "response": payload }).to_string(),
    }
}

#[derive(Deserialize)]
#[serde(rename_all = "camelCase")]
struct CheckoutRefund {
    merchant_refund_id: String,
    original_merchant_order_id: String,
    amount: i64,
}

/// `POST /payments/v2/refund`
pub(crate) async fn checkout(
    State(providers): State<Providers>,
    headers: HeaderMap,
    body: Bytes,
) -> Response {
    let asked = serde_json::from_slice::<CheckoutRefund>(&body);
    let (payment, id) = asked
        .as_ref()
        .map(|asked| (asked.original_merchant_order_id.clone(), asked.merchant_refund_id.clone()))
        .unwrap_or_default();
    let wish = check_token(&providers, &headers).and_then(|()| {
        let asked = asked.map_err(|_| Refused::bad_request("The request cannot be read."))?;
        let amount = Amount::of_paise(asked.amount)
            .filter(|amount| amount.minor >= MIN_PAISE)
            .filter(|_| is_order_id(&asked.merchant_refund_id, MAX_CHECKOUT_ID))
            .ok_or(Refused::bad_request("A member of the request cannot be used."))?;
        Ok(RefundWish {
            payment: payment_of(&asked.original_merchant_order_id),
            id: asked.merchant_refund_id,
            amount,
            notify_url: providers.accounts().phonepe.webhook_url.clone(),
            ids_repeat: false,
            waits_for_balance: true,
        })
    });
    let answered = wish.map_or_else(Answered::Refused, |wish| book(&providers, Protocol::PhonepeV2, wish));
    let answer = match answered {
        Answered::Booked(found) => {
            let statement = RefundStatement::told(&found.refund, found.twist);
            let state = match statement.said {
                RefundSaid::Done => "PENDING",
                said @ (RefundSaid::Pending
                | RefundSaid::Refused(_)
                | RefundSaid::Returned
                | RefundSaid::Gibberish
                | RefundSaid::NotFound) => checkout_state(said),
            };
            let number = checkout_number(&statement);
            let amount = statement.amount.minor;
            Json(json!({ "refundId": number, "amount": amount, "state": state })).into_response()
        }
        Answered::Refused(refused) => refused.into_response(),
        Answered::Not(why) => Refused::bad_request(why).into_response(),
        Answered::Lost => return crate::cut(),
    };
    let strike = providers.refund_strike(&payment_of(&payment), &id, true);
    strike::carry_out(&providers, strike, answer).await
}

/// `GET /payments/v2/refund/{refund}/status`
pub(crate) async fn checkout_status(
    State(providers): State<Providers>,
    Path(refund): Path<String>,
    headers: HeaderMap,
) -> Response {
    let mut payment = payment_of("");
    let answer = check_token(&providers, &headers).and_then(|()| {
        let found = providers.refund_status_asked(Provider::Phonepe, &refund).pop();
        let found = found.filter(|found| found.refund.protocol == Protocol::PhonepeV2);
        payment = found.as_ref().map_or(payment_of(""), |found| found.refund.wish.payment.clone());
        let statement = found.as_ref().map(|found| RefundStatement::answered(&found.refund, found.twist));
        match statement.filter(|statement| statement.said != RefundSaid::NotFound) {
            Some(statement) => Ok(Json(checkout_report(&statement)).into_response()),
            None => Err(Refused {
                status: StatusCode::NOT_FOUND,
                code: "REFUND_NOT_FOUND",
                message: "There is no such refund.",
            }),
        }
    });
    let strike = providers.refund_strike(&payment, &refund, false);
    strike::carry_out(&providers, strike, answer.unwrap_or_else(Refused::into_response)).await
}

fn checkout_state(said: RefundSaid) -> &'static str {
    match said {
        RefundSaid::Done => "COMPLETED",
        RefundSaid::Pending => "CONFIRMED",
        RefundSaid::Refused(_) | RefundSaid::Returned => "FAILED",
        RefundSaid::Gibberish => "UNDER_REVIEW",
        RefundSaid::NotFound => "",
    }
}

fn checkout_number(statement: &RefundStatement<'_>) -> String {
    format!("OMR{:019}", statement.refund.number())
}

/// A status answer. The merchant's own number of the refund is not in it.
fn checkout_report(statement: &RefundStatement<'_>) -> Value {
    let refund = statement.refund;
    let mut report = json!({
        "originalMerchantOrderId": refund.wish.payment.1,
        "amount": statement.amount.minor,
        "refundId": checkout_number(statement),
        "timestamp": refund.decided_ms,
        "state": checkout_state(statement.said),
    });
    match statement.said {
        RefundSaid::Refused(_) | RefundSaid::Returned => {
            report["errorCode"] = "REFUND_FAILED".into();
            report["detailedErrorCode"] = "BANK_REFUSED".into();
        }
        RefundSaid::Done => {
            report["splitInstruments"] = json!([{
                "amount": statement.amount.minor,
                "rail": { "type": "UPI", "utr": format!("{:012}", refund.number()), "vpa": "12****78@ybl" },
                "instrument": { "type": "ACCOUNT" },
            }]);
        }
        RefundSaid::Pending | RefundSaid::Gibberish | RefundSaid::NotFound => {}
    }
    report
}

/// The webhook that is set up for the merchant. Its header proves a password; the body is not signed.
pub(crate) fn webhook(account: &PhonepeAccount, url: &str, statement: &RefundStatement<'_>) -> Message {
    let event = match statement.said {
        RefundSaid::Refused(_) | RefundSaid::Returned => "pg.refund.failed",
        RefundSaid::Done | RefundSaid::Pending | RefundSaid::Gibberish | RefundSaid::NotFound => {
            "pg.refund.completed"
        }
    };
    let mut payload = checkout_report(statement);
    payload["merchantId"] = account.merchant_id.as_str().into();
    payload["merchantRefundId"] = statement.refund.wish.id.as_str().into();
    let password = if statement.genuine { account.webhook_password.expose_secret() } else { "another" };
    Message {
        url: url.to_owned(),
        headers: vec![
            ("content-type", "application/json".to_owned()),
            ("authorization", webhook_authorization(&account.webhook_user, password)),
        ],
        body: json!({ "event": event, "payload": payload }).to_string(),
    }
}
