//! Refunds: a command that takes one on, and the questions for their state.

use axum::Json;
use axum::body::Bytes;
use axum::extract::State;
use axum::http::{HeaderMap, StatusCode};
use axum::response::{IntoResponse, Response};
use secrecy::ExposeSecret;
use serde::Deserialize;
use serde_json::{Map, Value, json};

use crate::courier::Message;
use crate::money::{Amount, Currency};
use crate::providers::form::{Fields, is_address};
use crate::providers::http::strike;
use crate::providers::ledger::Key;
use crate::providers::provider::Provider;
use crate::providers::refunds::books::NotBooked;
use crate::providers::refunds::desk::{FoundRefund, RefundAsked};
use crate::providers::refunds::{RefundSaid, RefundStatement, RefundWish};
use crate::providers::settings::PayuAccount;
use crate::providers::signature::payu::is_signed_with_date;
use crate::providers::{Providers, moment};

/// The longest token of a refund.
const MAX_TOKEN: usize = 23;

/// The payment with PayU's number of it.
pub(super) fn payment_of(providers: &Providers, mihpayid: &str) -> Option<Key> {
    providers.order_with_payment_number(Provider::Payu, mihpayid.trim().parse().ok()?)
}

/// `cancel_refund_transaction`; `None` where the request never arrives.
pub(super) fn take(providers: &Providers, fields: &Fields) -> Option<Value> {
    let refused =
        |code: &str, message: &str| Some(json!({ "status": 0, "msg": message, "error_code": code }));
    let Some(payment) = payment_of(providers, fields.get("var1")) else {
        return refused("116", "PayU id not found");
    };
    let token = fields.get("var2");
    let amount = Amount::parse(fields.get("var3"), Currency::INR);
    let Some(amount) = amount.filter(|_| (1..=MAX_TOKEN).contains(&token.chars().count())) else {
        return refused("105", "Invalid refund amount or token");
    };
    let asked = providers.refund(RefundWish {
        payment,
        id: token.to_owned(),
        amount,
        notify_url: Some(fields.get("var5").to_owned()).filter(|url| is_address(url)),
        ids_repeat: false,
        waits_for_balance: true,
    });
    match asked {
        RefundAsked::Booked(FoundRefund { refund, twist }) => {
            let said = RefundStatement::told(&refund, twist).said;
            let code = if said == RefundSaid::Gibberish { "999" } else { "102" };
            Some(json!({
                "status": 1,
                "msg": "Refund Request Queued",
                "request_id": refund.number().to_string(),
                "bank_ref_num": null,
                "mihpayid": refund.payment_number,
                "error_code": code,
            }))
        }
        RefundAsked::Known(_) => refused("106", "Token already exists"),
        RefundAsked::Not(NotBooked::NotPaid) => refused("111", "Transaction is not in a refundable state"),
        RefundAsked::Not(NotBooked::Exceeds) => refused("105", "Refund amount is more than the amount left"),
        RefundAsked::Not(NotBooked::Full) => Some(json!({ "status": 0, "msg": "System error" })),
        RefundAsked::Lost => None,
    }
}

fn word(said: RefundSaid) -> &'static str {
    match said {
        RefundSaid::Pending => "queued",
        // PayU does not report a credit that comes back.
        RefundSaid::Done | RefundSaid::Returned => "success",
        RefundSaid::Refused(_) => "failure",
        RefundSaid::Gibberish => "considering",
        RefundSaid::NotFound => "",
    }
}

/// `getAllRefundsFromTxnIds`
pub(super) fn all(providers: &Providers, order: &str) -> Value {
    let found = providers.refunds_of(&(Provider::Payu, order.to_owned()));
    let told = found.iter().map(|found| RefundStatement::answered(&found.refund, found.twist));
    let refunds: Vec<Value> =
        told.filter(|told| told.said != RefundSaid::NotFound).map(|told| in_all(&told)).collect();
    let Some(payment) = found.first().filter(|_| !refunds.is_empty()) else {
        return json!({ "status": 1, "msg": "No Refunds Found for the transaction." });
    };
    let details = Map::from_iter([(payment.refund.payment_number.to_string(), Value::from(refunds))]);
    json!({ "status": 1, "msg": "Refunds fetched successfully.", "Refund Details": details })
}

fn in_all(told: &RefundStatement<'_>) -> Value {
    let refund = told.refund;
    json!({
        "PayuID": refund.payment_number.to_string(),
        "RequestID": refund.number().to_string(),
        "RefundToken": if refund.in_portal { "" } else { &refund.wish.id },
        "PaymentGateway": "UPI",
        "Amount": told.amount.to_string(),
        "Status": word(told.said),
        "RefundCreationDate": moment::second(refund.asked_ms),
        "bank_ref_no": format!("{:012}", refund.number()),
        "bank_arn": null,
        "success_at": (told.said == RefundSaid::Done).then(|| moment::second(refund.decided_ms)),
    })
}

/// `check_action_status` by PayU's number of the refund.
pub(super) fn action(providers: &Providers, request_id: &str) -> Value {
    let found =
        request_id.parse().ok().and_then(|number| providers.refund_with_number(Provider::Payu, number));
    let told = found.as_ref().map(|found| RefundStatement::answered(&found.refund, found.twist));
    let Some(told) = told.filter(|told| told.said != RefundSaid::NotFound) else {
        return json!({ "status": 0, "msg": "0 out of 1 Transactions Fetched Successfully", "transaction_details": {} });
    };
    let refund = told.refund;
    let detail = json!({
        "mihpayid": refund.payment_number.to_string(),
        "bank_ref_num": format!("{:012}", refund.number()),
        "request_id": request_id,
        "amt": told.amount.to_string(),
        "mode": "UPI",
        "action": "refund",
        "token": refund.wish.id,
        "status": word(told.said).to_uppercase(),
        "bank_arn": null,
    });
    let of_request = Map::from_iter([(request_id.to_owned(), detail)]);
    let details = Map::from_iter([(request_id.to_owned(), Value::from(of_request))]);
    json!({ "status": 1, "msg": "1 out of 1 Transactions Fetched Successfully", "transaction_details": details })
}

#[derive(Deserialize)]
struct ByToken {
    #[serde(rename = "tokenId")]
    tokens: Vec<String>,
}

/// Whether a request is signed over its body and its date.
pub(super) fn is_signed(account: &PayuAccount, headers: &HeaderMap, body: &[u8]) -> bool {
    let header = |name: &str| headers.get(name).and_then(|value| value.to_str().ok()).unwrap_or_default();
    let (key, salt) = (&account.merchant_key, account.salt.expose_secret());
    let text = String::from_utf8_lossy(body);
    is_signed_with_date(key, salt, &text, header("date"), header("authorization"))
}

/// `POST /v2/refunds/status`: refunds by their tokens, with a signature over body and date.
pub(super) async fn by_token(
    State(providers): State<Providers>,
    headers: HeaderMap,
    body: Bytes,
) -> Response {
    if !is_signed(&providers.accounts().payu, &headers, &body) {
        return (StatusCode::UNAUTHORIZED, Json(json!({ "message": "Unauthorized", "status": 0 })))
            .into_response();
    }
    let Ok(ByToken { tokens }) = serde_json::from_slice(&body) else {
        return (StatusCode::BAD_REQUEST, Json(json!({ "message": "Invalid request", "status": 0 })))
            .into_response();
    };
    let found: Vec<FoundRefund> =
        tokens.iter().flat_map(|token| providers.refund_status_asked(Provider::Payu, token)).collect();
    let told = found.iter().map(|found| RefundStatement::answered(&found.refund, found.twist));
    let known = told.filter(|told| told.said != RefundSaid::NotFound);
    let result: Vec<Value> = known
        .map(|told| {
            json!({
                "payuId": told.refund.payment_number,
                "transactionDetails": { "status": "captured" },
                "transactionActionDetails": [{
                    "id": told.refund.number(),
                    "token": told.refund.wish.id,
                    "actionType": "refund",
                    // It is written like a number, so that it can be read as one.
                    "amount": serde_json::from_str::<Value>(&told.amount.to_string()).unwrap_or_default(),
                    "status": word(told.said),
                }],
            })
        })
        .collect();
    let payment = found
        .first()
        .map_or_else(|| (Provider::Payu, String::new()), |found| found.refund.wish.payment.clone());
    let token = tokens.first().map_or("", String::as_str);
    let answer = Json(json!({ "message": "Success", "status": 1, "result": result })).into_response();
    strike::carry_out(&providers, providers.refund_strike(&payment, token, false), answer).await
}

/// The message about a refund that has ended: nothing of it is signed.
pub(crate) fn webhook(providers: &Providers, url: &str, told: &RefundStatement<'_>) -> Message {
    let refund = told.refund;
    let status = if matches!(told.said, RefundSaid::Refused(_)) { "failure" } else { "success" };
    let body = json!({
        "action": "refund",
        "status": status,
        "request_id": refund.number().to_string(),
        "token": refund.wish.id,
        "amt": told.amount.to_string(),
        "mihpayid": format!(" {}", refund.payment_number),
        "merchantTxnId": refund.wish.payment.1,
        "bank_arn": null,
        "bank_ref_num": format!("{:012}", refund.number()),
        "refund_mode": "back to source",
        "remark": "",
        "key": providers.accounts().payu.merchant_key,
    });
    Message {
        url: url.to_owned(),
        headers: vec![("content-type", "application/json".to_owned())],
        body: body.to_string(),
    }
}
